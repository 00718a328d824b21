"""`medsegdl-train plan`: from a data set's fingerprint to grid, patch, batch and normalisation, in a file that `run --plan` reads."""

from __future__ import annotations

import argparse
from pathlib import Path

from MedSegDLLib.tasks import TASKS

from .options import add_data, chosen_cases

HELP = "look at a data set and plan grid, patch, batch and normalisation"


def add(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add_data(parser)
    parser.add_argument("--out", type=Path, required=True, help="the plan file (JSON)")
    parser.add_argument("--holdout", nargs="*", default=[], help="names of cases that planning must not see")
    parser.add_argument("--memory-gb", type=float, default=8.0, help="what a training step may take (default: %(default)s)")
    parser.add_argument("--profile", help="network profile; by default the task's own")
    parser.add_argument("--precision", choices=("auto", "bfloat16", "float16", "float32"), default="auto")
    parser.add_argument("--spacing", type=float, nargs=3, default=(), metavar="MM", help="a grid to keep, along i, j, k")


def run(options: argparse.Namespace) -> int:
    """Look, choose, write."""
    from MedSegDLLib.io.atomic import write_json

    from ..cases.characteristics import characteristics
    from ..train.planning import format_plan, make_plan
    from ..train.settings import AUTO, best_precision

    task = TASKS[options.task]
    cases = [case for case in chosen_cases(options, task) if case.name not in options.holdout]
    found = characteristics(cases, task)
    precision = best_precision("cpu") if options.precision == AUTO else options.precision
    planned = make_plan(found, task, options.profile or task.profile, precision, options.memory_gb, options.spacing)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_json(planned.to_json(), options.out)
    print(format_plan(planned))
    return 0
