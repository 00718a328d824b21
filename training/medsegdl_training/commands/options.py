"""Options that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from MedSegDLLib.errors import UsageError
from MedSegDLLib.tasks import TASKS, Task

if TYPE_CHECKING:
    from ..train.sampler import Case


def add_data(parser: argparse.ArgumentParser) -> None:
    """--task, --data, --cases."""
    parser.add_argument("--task", choices=sorted(TASKS), required=True)
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
