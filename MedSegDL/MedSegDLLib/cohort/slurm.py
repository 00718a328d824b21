"""The engine of a SLURM cluster, through submitit: arrays of jobs, a case each. Its local executor does the same on one machine."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import MedSegDLError, UsageError
from .orders import FAILED, Needs, Order, Outcome, Told
from .remote import carry_out

JOBS_FOLDER = ".jobs"  # in the cohort's folder, which all machines see; for this user's eyes only, and removed at the end
MOST_IN_AN_ARRAY = 1000  # SLURM's MaxArraySize is 1001 unless an administrator changed it
LOOK_EVERY_S = 0.2
CLUSTERS = ("slurm", "local", "debug")
MEMORY_STATE = "OUT_OF_MEMORY"  # sacct's word for a job that SLURM ended for its memory
LONGEST_MINUTES = 120
MORE_MEMORY = 1.25  # the forecast is right within 25 %


class SlurmEngine:
    """Jobs of SLURM.

    Args:
        folder: of the cohort.
        needs: what a case takes.
        workers: most jobs at once; None leaves that to SLURM.
        address: `slurm`; `local` and `debug` run the jobs on this machine (submitit's executors of these names).
        parameters: for submitit, over ours: `slurm_partition`, `slurm_account`, `timeout_min`.

    Raises:
        UsageError: submitit is not installed, there is no SLURM, or a parameter is unknown.
    """

    def __init__(self, folder: Path, needs: Needs, workers: int | None, address: str, parameters: Mapping[str, str]) -> None:
        if address not in CLUSTERS:
            raise UsageError(f"--address {address} is unknown to the engine slurm.", f"Use {', '.join(CLUSTERS)}.")
        if address == "slurm" and shutil.which("srun") is None:
            raise UsageError("There is no SLURM on this machine (no srun).", "Start on a login node, or use --address local.")
        self._needs, self._here = needs, address != "slurm"
        self._workers = workers or (needs.workers if self._here else None)
        self._place = folder / JOBS_FOLDER
        self._place.mkdir(mode=0o700, exist_ok=True)
        self._executor = _executor(self._place, address)
        self._set({"name": "medsegdl", "timeout_min": LONGEST_MINUTES, "cpus_per_task": needs.threads, "mem_gb": _gigabytes(needs)})
        self._set({key: _number_or_text(value) for key, value in parameters.items()})

    def run(self, orders: Iterable[Order], told: Told, alone: bool = False) -> None:
        """See `Engine`."""
        waiting = [replace(order, threads=self._needs.threads) for order in orders]
        at_once = 1 if alone else self._workers
        if at_once is not None and not self._here:
            self._set({"slurm_array_parallelism": at_once})
        size = at_once if self._here and at_once else MOST_IN_AN_ARRAY  # submitit's local executor starts all jobs of an array at once
        for start in range(0, len(waiting), size):
            self._array(waiting[start : start + size], told)

    def close(self) -> None:
        """Remove what submitit wrote."""
        shutil.rmtree(self._place, ignore_errors=True)

    def _array(self, orders: Sequence[Order], told: Told) -> None:
        running = dict(zip(range(len(orders)), self._executor.map_array(carry_out, [order.to_json() for order in orders])))
        try:
            while running:
                for number in [number for number, job in running.items() if job.done()]:
                    told(orders[number], _outcome(orders[number], running.pop(number)))
                time.sleep(LOOK_EVERY_S)
        finally:
            for job in running.values():
                job.cancel(check=False)

    def _set(self, parameters: Mapping[str, Any]) -> None:
        try:
            self._executor.update_parameters(**parameters)
        except (NameError, TypeError, ValueError, AssertionError) as error:
            raise UsageError(f"SLURM is asked for what submitit does not know ({error}).", "Correct --job.") from error


def _executor(place: Path, address: str) -> Any:
    try:
        import submitit
    except ModuleNotFoundError as error:
        raise UsageError("The engine slurm needs submitit.", "Install it: pip install 'medsegdl[slurm]'.") from error
    return submitit.AutoExecutor(folder=place, cluster=address)


def _gigabytes(needs: Needs) -> int:
    return math.ceil(MORE_MEMORY * needs.megabytes / 1024)


def _number_or_text(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _outcome(order: Order, job: Any) -> Outcome:
    """What a job gave, or why it gave nothing."""
    import submitit

    try:
        return Outcome.from_json(job.result())
    except submitit.core.utils.UncompletedJobError:
        kind = "memory" if job.state == MEMORY_STATE else "crash"
        return Outcome(order.case, FAILED, kind, f"Its job ended without a result ({job.state.lower()}).", "Ask for more memory.")
    except submitit.core.utils.FailedJobError as error:
        last = next(reversed([line for line in str(error).splitlines() if line.strip()]), "")
        if "ModuleNotFoundError" in last or "ImportError" in last:
            raise MedSegDLError(f"The jobs cannot use MedSegDL: {last.strip()}.", "Install it where the jobs run.") from error
        return Outcome(order.case, FAILED, "bug", "Its job failed where it should not.", "Please report it with the log.")
