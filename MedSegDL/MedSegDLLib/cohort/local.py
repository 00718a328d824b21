"""The engine of this machine: warm worker processes, as many as memory and cores bear, each taking one case after the other."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import MedSegDLError
from ..io.free_memory import free_memory_bytes
from ..worker.client import Callbacks, Worker
from ..worker.environment import Interpreter, Source, physical_cores, worker_launch
from ..worker.processes import Failure, Launch
from .orders import FAILED, UNABLE, Order, Outcome, Told

COHORT_MODULE = "MedSegDLLib.cohort"
SAFE_SHARE = 0.7  # of the free memory that workers may be planned with, as the network's strategies do
MIB = 1 << 20
PAUSE_S = 0.005  # between two looks at the workers; a case takes seconds
ASKED = 3  # cases for a forecast, the largest first; a broken one tells nothing


def local_launch() -> Launch:
    """How to start a worker of a cohort with this very Python."""
    launch = worker_launch(Interpreter(Path(sys.executable), Source.SETTING))
    return replace(launch, arguments=(sys.executable, "-m", COHORT_MODULE))


class LocalEngine:
    """Warm workers on this machine.

    Args:
        workers: how many; None takes what the forecast of the largest case, free memory and cores allow.
        launch: how to start one.
    """

    def __init__(self, workers: int | None = None, launch: Launch | None = None) -> None:
        self._wanted = workers
        self._launch = launch or local_launch()
        self._desks: list[_Desk] = []

    def run(self, orders: Iterable[Order], told: Told, alone: bool = False) -> None:
        """See `Engine`."""
        waiting = list(reversed(list(orders)))
        if not waiting:
            return
        count, threads = (1, physical_cores()) if alone else self._crew(waiting)
        self._open(count)
        try:
            while waiting or any(desk.busy for desk in self._desks):
                for desk in self._desks:
                    if not desk.busy and waiting:
                        desk.take(replace(waiting.pop(), threads=threads, accelerator=desk.number))
                    desk.worker.poll()
                    if desk.answer is not None:
                        told(*desk.hand_over())
                time.sleep(PAUSE_S)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the workers."""
        self._open(0)

    def _open(self, count: int) -> None:
        """So many workers; what is more is ended, which frees its memory."""
        while len(self._desks) > count:
            self._desks.pop().worker.stop()
        while len(self._desks) < count:
            self._desks.append(_Desk(len(self._desks), self._launch))

    def _crew(self, waiting: Sequence[Order]) -> tuple[int, int]:
        """Workers, and threads for each."""
        cores = physical_cores()
        if self._wanted is None:
            largest = sorted(waiting, key=_input_bytes, reverse=True)[:ASKED]
            count = min(self._bearable(largest), len(waiting))
        else:
            count = min(self._wanted, len(waiting))
        return count, max(1, cores // count)

    def _bearable(self, largest: Sequence[Order]) -> int:
        """How many workers memory and cores, or the accelerators, bear; 1 where no forecast can be made."""
        self._open(1)
        free = free_memory_bytes()  # before a worker is warm
        for order in largest:
            expected = self._desks[0].ask("forecast", order)
            if isinstance(expected, dict):
                most = physical_cores() if not expected["devices"] else int(expected["devices"])
                return max(1, min(most, int(SAFE_SHARE * free / MIB / expected["mb"])))
        return 1


def _input_bytes(order: Order) -> int:
    """Size of a case's files; what is not there counts nothing."""
    return sum(_bytes_of(Path(path)) for path in order.inputs.values())


def _bytes_of(path: Path) -> int:
    try:
        return sum(file.stat().st_size for file in path.iterdir()) if path.is_dir() else path.stat().st_size
    except OSError:
        return 0


class _Desk:
    """A worker and the case that it has.

    Args:
        number: of the desk, from 0.
        launch: how to start the worker.
    """

    def __init__(self, number: int, launch: Launch) -> None:
        self.number = number
        self.worker = Worker()
        self.order: Order | None = None
        self.answer: dict | Failure | None = None
        self._started = 0.0
        self.worker.start(launch)

    @property
    def busy(self) -> bool:
        """Whether it has a case."""
        return self.order is not None

    def take(self, order: Order) -> None:
        """Begin a case; a worker that crashed in the last one starts anew."""
        self.order, self._started = order, time.monotonic()
        self._request("case", order)

    def ask(self, kind: str, order: Order) -> dict | Failure:
        """Ask and wait. Raises MedSegDLError where the worker cannot work at all."""
        self._request(kind, order)
        while self.answer is None:
            self.worker.poll()
            time.sleep(PAUSE_S)
        answer, self.answer = self.answer, None
        return _able(answer)

    def hand_over(self) -> tuple[Order, Outcome]:
        """The case and how it ended; the desk is free then. Raises MedSegDLError where the worker cannot work at all."""
        order, answer = self.order, _able(self.answer)
        self.order = self.answer = None
        if isinstance(answer, dict):
            return order, Outcome.from_json(answer)
        seconds = round(time.monotonic() - self._started, 3)
        return order, Outcome(order.case, FAILED, answer.kind, answer.message, answer.remedy, seconds=seconds)

    def _request(self, kind: str, order: Order) -> None:
        def answered(answer: dict | Failure) -> None:
            self.answer = answer

        self.answer = None
        self.worker.request(kind, order.to_json(), Callbacks(on_result=answered, on_error=answered))


def _able(answer: dict | Failure) -> dict | Failure:
    if isinstance(answer, Failure) and answer.kind in UNABLE:
        raise MedSegDLError(answer.message, answer.remedy)
    return answer
