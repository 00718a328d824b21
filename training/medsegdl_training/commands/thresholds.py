"""`medsegdl-train thresholds`: mean Dice by the probability from which a voxel belongs to a region."""

from __future__ import annotations

import argparse
from pathlib import Path

from .options import add_data, chosen_cases, probability, task_of, whole

HELP = "mean Dice by the probability from which a voxel belongs to a region"
THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9)


def add(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add_data(parser)
    parser.add_argument("--weights", type=Path, help="weights file; by default the installed one")
    parser.add_argument("--thresholds", type=probability, nargs="+", default=THRESHOLDS, help="to try (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write the measurement here")
    parser.add_argument("--threads", type=whole(), default=2)


def run(options: argparse.Namespace) -> int:
    """Measure and tell; nothing is changed."""
    import torch

    from MedSegDLLib.io.atomic import write_json

    from ..evaluate.thresholds import study, table

    torch.set_num_threads(options.threads)
    task = task_of(options)
    told = study(chosen_cases(options, task), task, options.weights, sorted(set(options.thresholds)))
    print(table(told))
    if options.json:
        write_json(told, options.json)
    return 0
