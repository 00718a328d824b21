"""`medsegdl-train new-task`: a task file for a data set, to be read and corrected before it is trained on."""

from __future__ import annotations

import argparse
from pathlib import Path

from MedSegDLLib.errors import UsageError

from .options import positive

HELP = "propose a task file from the dataset.json and the images of a data set (nnU-Net raw, Medical Segmentation Decathlon)"
MOST_CASES = 20  # that are looked at for grid and window
DESCRIPTION = "dataset.json"


def add(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument("--data", type=Path, required=True, help="folder with dataset.json")
    parser.add_argument("-o", "--out", type=Path, required=True, help="the task file (JSON)")
    parser.add_argument("--key", help="of the task, for --task; by default from the data set's name")
    parser.add_argument("--title", help="of the task, for readers")
    parser.add_argument("--memory-gb", type=positive, default=8.0, help="what a training step may take (default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Read, look, write."""
    from MedSegDLLib.io.atomic import write_json

    from ..cases import find_cases
    from ..cases.characteristics import characteristics
    from ..cases.proposal import described, propose, with_plan
    from ..train.planning import make_plan, profile_for
    from ..train.settings import best_precision

    if options.out.exists():
        raise UsageError(f"{options.out} is there already.", "Give another name, or remove it.")
    task = propose(options.data / DESCRIPTION, options.key, options.title)
    looked_at = characteristics(find_cases(options.data, task)[:MOST_CASES], task)
    profile, plan = profile_for(looked_at, task)
    task = with_plan(task, profile, plan)
    planned = make_plan(looked_at, task, profile, best_precision("cpu"), options.memory_gb)
    task = with_plan(task, profile, planned.plan)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_json(task.to_json(), options.out)
    print(
        f"{described(task)}\n{options.out} is a proposal: read it, and correct titles, codes and colours (docs/tasks.md tells every key)."
    )
    return 0
