"""Options that several commands share."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from MedSegDLLib.errors import UsageError
from MedSegDLLib.tasks import TASKS, Task, read_task, task_named

if TYPE_CHECKING:
    from ..cases.case import Case


def whole(least: int = 1) -> Callable[[str], int]:
    """An argparse type: whole numbers from `least` on."""

    def read(text: str) -> int:
        if not text.lstrip("+-").isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text} is no whole number from {least} on")
        return int(text)

    return read


def positive(text: str) -> float:
    """An argparse type: finite numbers above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no number above 0")
    return value


def share(text: str) -> float:
    """An argparse type: numbers above 0 and up to 1."""
    value = positive(text)
    if value > 1:
        raise argparse.ArgumentTypeError(f"{text} is no share above 0 and up to 1")
    return value


def probability(text: str) -> float:
    """An argparse type: numbers above 0 and below 1."""
    value = positive(text)
    if value >= 1:
        raise argparse.ArgumentTypeError(f"{text} is no probability above 0 and below 1")
    return value


def add_task(parser: argparse.ArgumentParser) -> None:
    """--task."""
    parser.add_argument("--task", metavar="TASK|FILE", required=True, help=f"{', '.join(sorted(TASKS))}, or a task file (docs/tasks.md)")


def task_of(options: argparse.Namespace) -> Task:
    """The task that --task names: a file where it ends so, else a key.

    Raises:
        UsageError: the key is unknown.
        InputRefused: the file does not fit.
    """
    return read_task(options.task) if options.task.lower().endswith(".json") else task_named(options.task)


def add_data(parser: argparse.ArgumentParser) -> None:
    """--task, --data, --cases."""
    add_task(parser)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data set, or a list of files (CSV, JSON)")
    parser.add_argument("--cases", nargs="*", help="only these")


def chosen_cases(options: argparse.Namespace, task: Task, labelled: bool = True) -> list[Case]:
    """The cases of --data that --cases names, or all.

    Raises:
        UsageError: there are none, or one of the names is not among them.
    """
    from ..cases import find_cases

    cases = find_cases(options.data, task, labelled)
    names = {case.name for case in cases}
    missing = [name for name in options.cases or () if name not in names]
    remedy = "`medsegdl-train inspect` lists what is found; training/README.md tells the layouts that are known."
    if not cases:
        raise UsageError(f"No case of '{task.key}' lies in {options.data}.", remedy)
    if missing:
        says = f"The case {missing[0]} does not lie in {options.data}."
        raise UsageError(f"None of the named cases lies in {options.data}." if len(missing) == len(options.cases) else says, remedy)
    return [case for case in cases if options.cases is None or case.name in options.cases]
