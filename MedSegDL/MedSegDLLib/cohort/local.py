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
from .orders import FAILED, UNABLE, Needs, Order, Outcome, Told

COHORT_MODULE = "MedSegDLLib.cohort"
SAFE_SHARE = 0.7  # of the free memory that workers may be planned with, as the network's strategies do
MIB = 1 << 20
PAUSE_S = 0.005  # between two looks at the workers; a case takes seconds
UNKNOWN_MB = 4096.0  # of a case that nobody could look at: most brains and bellies take less
FIRST = 2  # workers until the forecast is there: one that works, one that makes it
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
        """See `Engine`. The first worker begins at once; the second looks at the largest case meanwhile and tells how many may work."""
        waiting = list(reversed(list(orders)))
        if not waiting:
            return
        try:
            most = 1 if alone else min(self._wanted or physical_cores(), len(waiting))
            asked = most > 1 and self._wanted is None
            self._open(FIRST if asked else most)
            self._work(waiting, _Forecast(self._desks[1], waiting) if asked else None, told)
        except BaseException:
            self.close()
            raise

    def _work(self, waiting: list[Order], forecast: _Forecast | None, told: Told) -> None:
        while waiting or any(desk.busy for desk in self._desks):
            if forecast is not None and forecast.needs() is not None:
                self._open(max(1, min(forecast.needs().workers, len(waiting) + sum(desk.busy for desk in self._desks))))
                forecast = None
            threads = max(1, physical_cores() // len(self._desks))
            for desk in self._desks:
                if waiting and not desk.busy and not (forecast and forecast.desk is desk):
                    desk.take(replace(waiting.pop(), threads=threads, accelerator=desk.number))
                desk.worker.poll()
                if desk.busy and desk.answer is not None:
                    told(*desk.hand_over())
            time.sleep(PAUSE_S)

    def close(self) -> None:
        """End the workers."""
        self._open(0)

    def _open(self, count: int) -> None:
        """So many workers; what is more is ended, which frees its memory."""
        while len(self._desks) > count:
            self._desks.pop().worker.stop()
        while len(self._desks) < count:
            self._desks.append(_Desk(len(self._desks), self._launch))

    def needs(self, orders: Sequence[Order]) -> Needs:
        """What the largest case takes, and how many such this machine bears; one, of unknown size, where no forecast can be made.

        Raises:
            MedSegDLError: the worker cannot work at all.
        """
        self._open(1)
        forecast = _Forecast(self._desks[0], orders)
        while (found := forecast.needs()) is None:
            self._desks[0].worker.poll()
            time.sleep(PAUSE_S)
        return found


class _Forecast:
    """The question to a worker what the largest case will take; a case that it cannot read is passed over.

    Args:
        desk: of the worker; it has no case.
        orders: some.
    """

    def __init__(self, desk: _Desk, orders: Sequence[Order]) -> None:
        self.desk, self._count = desk, len(orders)
        self._free_mb = free_memory_bytes() / MIB  # before a worker is warm
        self._left = sorted(orders, key=_input_bytes, reverse=True)[:ASKED]
        self._found: Needs | None = None
        self._ask()

    def needs(self) -> Needs | None:
        """The answer, None as long as there is none. Raises MedSegDLError where the worker cannot work at all."""
        if self._found is None and self.desk.answer is not None:
            expected, self.desk.answer = _able(self.desk.answer), None
            if isinstance(expected, dict):
                self._found = self._borne(expected["mb"], int(expected["devices"]))
            else:
                self._ask()
        return self._found

    def _ask(self) -> None:
        if self._left:
            self.desk.ask("forecast", self._left.pop(0))
        else:
            self._found = Needs(UNKNOWN_MB, physical_cores(), 1)

    def _borne(self, megabytes: float, devices: int) -> Needs:
        cores = physical_cores()
        workers = max(1, min(devices or cores, self._count, int(SAFE_SHARE * self._free_mb / megabytes)))
        return Needs(megabytes, max(1, cores // workers), workers, devices)


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
        self.ask("case", order)

    def ask(self, kind: str, order: Order) -> None:
        """Ask the worker; `answer` is None until it has answered."""

        def answered(answer: dict | Failure) -> None:
            self.answer = answer

        self.answer = None
        self.worker.request(kind, order.to_json(), Callbacks(on_result=answered, on_error=answered))

    def hand_over(self) -> tuple[Order, Outcome]:
        """The case and how it ended; the desk is free then. Raises MedSegDLError where the worker cannot work at all."""
        order, answer = self.order, _able(self.answer)
        self.order = self.answer = None
        if isinstance(answer, dict):
            return order, Outcome.from_json(answer)
        seconds = round(time.monotonic() - self._started, 3)
        return order, Outcome(order.case, FAILED, answer.kind, answer.message, answer.remedy, seconds=seconds)


def _able(answer: dict | Failure) -> dict | Failure:
    if isinstance(answer, Failure) and answer.kind in UNABLE:
        raise MedSegDLError(answer.message, answer.remedy)
    return answer
