"""`medsegdl-train plan`: from a data set's fingerprint to grid, patch, batch and normalisation, in a file that `run --plan` reads."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..train.settings import AUTO, PRECISIONS, best_precision
from .options import add_data, chosen_cases, positive, task_of

HELP = "look at a data set and plan grid, patch, batch and normalisation"


def add(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add_data(parser)
    parser.add_argument("--out", type=Path, required=True, help="the plan file (JSON)")
    parser.add_argument("--holdout", nargs="*", default=[], help="cases whose patients planning must not see")
    parser.add_argument("--memory-gb", type=positive, default=8.0, help="what a training step may take (default: %(default)s)")
    parser.add_argument("--profile", help="network profile; by default the task's own")
    parser.add_argument("--precision", choices=(AUTO, *PRECISIONS), default=AUTO)
    parser.add_argument("--spacing", type=positive, nargs=3, default=(), metavar="MM", help="a grid to keep, along i, j, k")


def run(options: argparse.Namespace) -> int:
    """Look, choose, write."""
    from MedSegDLLib.io.atomic import write_json

    from ..cases.characteristics import characteristics
    from ..cases.selection import Selection
    from ..train.planning import format_plan, make_plan

    task = task_of(options)
    selection = Selection(options.data, tuple(options.holdout))
    found = chosen_cases(options, task)
    selection.refuse_unknown(case.name for case in found)
    cases = selection.of(found)
    precision = best_precision("cpu") if options.precision == AUTO else options.precision
    fingerprint = characteristics(cases, task)
    planned = make_plan(fingerprint, task, options.profile or task.profile, precision, options.memory_gb, options.spacing)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_json(planned.to_json(), options.out)
    print(format_plan(planned))
    return 0
