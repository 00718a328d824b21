"""`medsegdl-train describe`: what goes into the manifest of weights that are there already: their task, and what a missing input costs."""

from __future__ import annotations

import argparse
from pathlib import Path

from MedSegDLLib.tasks import TASKS

from .options import task_of

HELP = "write the task, and what a missing input costs, into the manifest of weights"


def add(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument(
        "--weights", type=Path, required=True, help="the .safetensors file; its manifest beside it is changed, nothing else"
    )
    parser.add_argument("--scores", type=Path, help="JSON file of `evaluate --subsets --json` with these weights")
    words = f"the task in other words ({', '.join(sorted(TASKS))}, or a task file): by default the one that the manifest carries or names"
    parser.add_argument("--task", metavar="TASK|FILE", help=words)


def run(options: argparse.Namespace) -> int:
    """Read, hold against the weights, write."""
    from ..evaluate.files import read_scores
    from ..train.export import carry_task, describe

    manifest = options.weights.with_suffix(".json")
    scores = None if options.scores is None else read_scores(options.scores)
    if scores is not None:
        print(f"{manifest}: the scores with {describe(options.weights, scores)} choices of inputs")
    task = carry_task(options.weights, None if options.task is None else task_of(options))
    print(f"{manifest}: the task '{task.key}', version {task.version}")
    return 0
