"""`medsegdl-train submit`: a training as a job of SLURM on one machine or many, through submitit; its local executor runs it here."""

from __future__ import annotations

import argparse
import os
import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from MedSegDLLib.errors import MedSegDLError, UsageError

from .options import whole

HELP = "submit a training to SLURM, on one machine or many"
TRAININGS = ("run", "pretrain", "finetune")
CLUSTERS = ("slurm", "local")
GO_ON = "--go-on"
PORTS = (20_000, 32_000)  # below those that systems hand out by themselves
REQUEUES = 50  # SLURM's end of a job's time is not the end of its training: it goes on from its checkpoint in the next


def add(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument("--cluster", choices=CLUSTERS, default="slurm", help="local: on this machine (default: %(default)s)")
    parser.add_argument("--nodes", type=whole(), default=1, help="machines (default: %(default)s)")
    parser.add_argument("--processes", type=whole(), default=1, help="on each machine: one a GPU (default: %(default)s)")
    parser.add_argument("--gpus", type=whole(0), default=0, help="on each machine (default: %(default)s)")
    parser.add_argument("--cores", type=whole(), default=2, help="of each process (default: %(default)s)")
    parser.add_argument("--hours", type=whole(), default=24, help="until SLURM starts it again, to go on (default: %(default)s)")
    parser.add_argument("--job", type=_pair, action="append", default=[], metavar="KEY=VALUE", help="slurm_partition=gpu and the like")
    parser.add_argument("--logs", type=Path, default=Path("jobs"), help="folder for scripts and logs, seen by all machines")
    parser.add_argument("--wait", action="store_true", help="until the training has ended")
    parser.add_argument("line", nargs=argparse.REMAINDER, metavar="-- run ...", help="the training, as `medsegdl-train` takes it")


def _pair(text: str) -> tuple[str, int | str]:
    key, sign, value = text.partition("=")
    if not (key and sign):
        raise argparse.ArgumentTypeError(f"'{text}' is not KEY=VALUE")
    return key, int(value) if value.isdecimal() else value


def run(options: argparse.Namespace) -> int:
    """Submit, and say where to look."""
    line = options.line[1:] if options.line[:1] == ["--"] else options.line
    _refuse_no_training(line)
    job = _executor(options).submit(Training(tuple(line)))
    print(f"Job {job.job_id}; its log: {job.paths.stdout}", flush=True)
    if options.wait:
        _wait(job)
    return 0


def _refuse_no_training(line: list[str]) -> None:
    """A line that would fail is found before it stands in a queue."""
    from .main import parser

    if line[:1] == [] or line[0] not in TRAININGS:
        raise UsageError("There is no training to submit.", f"End the line with `-- run ...` ({', '.join(TRAININGS)}).")
    parser().parse_args(line)


def _executor(options: argparse.Namespace) -> Any:
    """submitit's.

    Raises:
        UsageError: it or SLURM is not installed, or it does not know a parameter.
    """
    try:
        import submitit
    except ModuleNotFoundError as error:
        raise UsageError("submit needs submitit.", "Install it: pip install 'medsegdl-training[slurm]'.") from error
    if options.cluster == "slurm" and shutil.which("srun") is None:
        raise UsageError("There is no SLURM on this machine (no srun).", "Start on a login node, or use --cluster local.")
    own = {"slurm_max_num_timeout": REQUEUES} if options.cluster == "slurm" else {}
    executor = submitit.AutoExecutor(folder=options.logs, cluster=options.cluster, **own)
    asked = {"name": "medsegdl-train", "nodes": options.nodes, "tasks_per_node": options.processes, "cpus_per_task": options.cores}
    try:
        executor.update_parameters(**asked, gpus_per_node=options.gpus, timeout_min=60 * options.hours, **dict(options.job))
    except (NameError, TypeError, ValueError, AssertionError) as error:
        raise UsageError(f"The job asks for what submitit does not know ({error}).", "Correct --job or --nodes.") from error
    return executor


def _wait(job: Any) -> None:
    """Until the end. Raises MedSegDLError where it failed."""
    import submitit

    try:
        job.results()
    except submitit.core.utils.FailedJobError as error:  # also of a job that ended without a result
        raise MedSegDLError(f"The training {job.job_id} failed.", f"Its log: {job.paths.stderr}.") from error


@dataclass(frozen=True)
class Training:
    """What each process of the job runs: its share of one training, begun, or gone on with where its folder holds a checkpoint.

    Attributes:
        line: of `medsegdl-train`.
    """

    line: tuple[str, ...]

    def __call__(self) -> None:
        """In the job."""
        from .main import main

        os.environ.update(group_of_this_job())
        if code := main([*self.line, GO_ON]):
            raise RuntimeError(f"medsegdl-train ended with code {code}")

    def checkpoint(self) -> Any:
        """The same again: submitit's way to go on in another job where the time of this one ends."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def group_of_this_job() -> dict[str, str]:
    """What torch's processes must know of each other, as torchrun would tell it."""
    from submitit import JobEnvironment

    job = JobEnvironment()
    return {
        "MASTER_ADDR": job.hostnames[0] if job.num_nodes > 1 else "127.0.0.1",
        "MASTER_PORT": str(random.Random(job.job_id).randint(*PORTS)),
        "RANK": str(job.global_rank),
        "WORLD_SIZE": str(job.num_tasks),
        "LOCAL_RANK": str(job.local_rank),
        "LOCAL_WORLD_SIZE": str(job.num_tasks // job.num_nodes),
    }
