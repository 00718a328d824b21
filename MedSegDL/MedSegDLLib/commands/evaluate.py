"""`medsegdl evaluate`: a segmentation on disk against a reference."""

from __future__ import annotations

import argparse

from ..tasks import TASKS
from .terminal import path


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("--task", required=True, choices=sorted(TASKS), help="whose regions to measure (`medsegdl info` lists tasks)")
    command.add_argument("--prediction", type=path, required=True, metavar="DIR|FILE", help="what `segment` wrote, or a label map")
    command.add_argument("--reference", type=path, required=True, metavar="FILE|DIR", help="label map of an expert")
    command.add_argument("--json", type=path, metavar="FILE", help="also write all measures here")
    command.add_argument("--empty", choices=("brats", "nan"), default="brats", help="two empty masks: Dice 1 (brats), or no value (nan)")
    known = [convention.key for task in TASKS.values() for convention in task.conventions if len(task.conventions) > 1]
    command.add_argument(
        "--labels", choices=sorted(set(known)), help="what the labels of label maps mean, where files and names do not tell"
    )
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """`medsegdl evaluate`."""
    from ..io.atomic import write_json
    from ..io.write import prepare_file
    from ..metrics.evaluate import evaluate, format_table
    from ..metrics.scores import Empty

    if arguments.json is not None:
        prepare_file(arguments.json, None)
    evaluation = evaluate(arguments.prediction, arguments.reference, TASKS[arguments.task], Empty(arguments.empty), arguments.labels)
    if arguments.json is not None:
        write_json(evaluation, arguments.json)
    print(format_table(evaluation))
