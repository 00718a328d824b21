"""`medsegdl cohort`: many cases, a folder each, a table and a page at the end."""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from typing import TYPE_CHECKING

from ..errors import Cancelled, InputRefused, UsageError, counted
from ..tasks import TASKS, chosen_task
from .segment import add_options, options_of
from .terminal import NOTICE, output_folder, path

if TYPE_CHECKING:
    from ..cohort.driver import Cohort
    from ..cohort.orders import Engine

EVERY_S = 10.0  # a line where nobody watches a terminal: often enough for a log
SHOWN_EVERY_S = 0.2
LINE = 78  # letters of a terminal's line that are written over
ENGINES = ("local", "ray", "slurm")


def add(command: argparse.ArgumentParser) -> None:
    """Options."""
    command.add_argument("source", type=path, metavar="LIST.csv|FOLDER", help="a list, a BIDS data set, a folder a case, or DICOM studies")
    command.add_argument("--task", metavar="TASK", help=f"what to segment: {', '.join(sorted(TASKS))}; or what --weights are for")
    command.add_argument("-o", "--output", type=path, required=True, metavar="DIR", help="folder for the results, a folder a case")
    command.add_argument("--engine", choices=ENGINES, default="local", help="who works (default: %(default)s)")
    command.add_argument("--address", metavar="A", help="ray: of a running cluster (default: one here); slurm: slurm, local or debug")
    command.add_argument(
        "--job", type=_pair, action="append", default=[], metavar="KEY=VALUE", help="slurm: slurm_partition=gpu and the like"
    )
    command.add_argument("--workers", type=_whole, metavar="N", help="cases at once (default: as many as memory and cores bear)")
    command.add_argument("--resume", action="store_true", help="failed cases stay failed unless their inputs or weights changed")
    command.add_argument("--scene", action="store_true", help="also a Slicer scene a case (scene.mrb)")
    add_options(command)
    command.set_defaults(run=run)


def _whole(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("a number from 1 up")
    return int(text)


def _pair(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not (key and sign):
        raise argparse.ArgumentTypeError(f"'{text}' is not KEY=VALUE")
    return key, value


def engine_of(arguments: argparse.Namespace, cohort: Cohort) -> Engine:
    """Who works. Raises UsageError where an option is not that engine's, or it is not installed."""
    from ..cohort.local import LocalEngine

    if (arguments.address and arguments.engine == "local") or (arguments.job and arguments.engine != "slurm"):
        raise UsageError(f"--address or --job means nothing to the engine {arguments.engine}.", "Leave it out, or choose another --engine.")
    local = LocalEngine(arguments.workers)
    if arguments.engine == "local":
        return local
    try:
        needs = local.needs(list(cohort.orders({})))
    finally:
        local.close()
    if arguments.engine == "ray":
        from ..cohort.ray_cluster import RayEngine

        return RayEngine(needs, arguments.workers, arguments.address)
    from ..cohort.slurm import SlurmEngine

    return SlurmEngine(cohort.folder, needs, arguments.workers, arguments.address or "slurm", dict(arguments.job))


def run(arguments: argparse.Namespace) -> None:
    """`medsegdl cohort`."""
    from ..cohort.cases import find_cases
    from ..cohort.driver import Cohort, run_cohort
    from ..cohort.page import write_page
    from ..cohort.table import rows_of, write_table

    if arguments.scene and importlib.util.find_spec("slicer") is None:
        raise UsageError("--scene needs Slicer's libraries.", "Install them: pip install 'medsegdl[scene]'.")
    task = chosen_task(arguments.task, arguments.weights)
    listed = find_cases(arguments.source, task)
    for note in listed.notes:
        print(note, file=sys.stderr)
    teller = Teller()
    with output_folder(arguments.output) as folder:
        cohort = Cohort(listed.cases, task.key, options_of(arguments), folder, arguments.scene, arguments.resume)
        try:
            outcomes = run_cohort(cohort, engine_of(arguments, cohort), teller)
        except Cancelled as cancelled:
            raise Cancelled(f"Cancelled after {teller.last}.", "The same command goes on from there.") from cancelled
        finally:
            teller.close()
        rows = rows_of(outcomes.values(), folder)
        table, page = write_table(rows, task, folder), write_page(rows, task, folder)
    print(f"{counted(len(rows), 'case')}: {table} and {page}. {NOTICE}")
    if failed := sum(row.failed for row in rows):
        raise InputRefused(f"{failed} of {counted(len(rows), 'case')} failed.", f"The reasons are in {table.name} and {page.name}.")


class Teller:
    """Says how far a cohort is: one line on a terminal, elsewhere a line from time to time."""

    def __init__(self) -> None:
        self.last = "no case"
        self._watched = sys.stderr.isatty()
        self._said = 0.0

    def __call__(self, sentence: str, ended: bool) -> None:
        """Called with every step; the end is always told."""
        self.last = sentence
        now = time.monotonic()
        if ended or now - self._said >= (SHOWN_EVERY_S if self._watched else EVERY_S):
            self._said = now
            start, stop = ("\r", "") if self._watched else ("", "\n")
            print(f"{start}{sentence:<{LINE if self._watched else 0}}", end=stop, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leave the line."""
        if self._watched:
            print(file=sys.stderr)
