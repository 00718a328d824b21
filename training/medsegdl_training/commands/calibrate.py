"""`medsegdl-train calibrate`: how often voxels are right by the probability that the network gave, into the manifest of the weights."""

from __future__ import annotations

import argparse
from pathlib import Path

from MedSegDLLib.errors import UsageError, counted

from .options import add_data, chosen_cases, task_of, whole

HELP = "measure what the probabilities of a network are worth"


def add(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add_data(parser)
    parser.add_argument("--weights", type=Path, help="weights file; by default the installed one")
    parser.add_argument("--title", help="what the cases are, for the protocol; by default the folder's name")
    parser.add_argument("--json", type=Path, help="write the measurement here")
    parser.add_argument("--write", action="store_true", help="write it into the manifest of --weights, for reports and the panel")
    parser.add_argument("--threads", type=whole(), default=2)


def run(options: argparse.Namespace) -> int:
    """Measure, tell, write."""
    if options.write and options.weights is None:
        raise UsageError("--write changes a manifest, and no weights are named.", "Name them with --weights.")
    import torch

    from MedSegDLLib.io.atomic import write_json

    from ..evaluate.calibration import calibrate, table, write_into_manifest

    torch.set_num_threads(options.threads)
    task = task_of(options)
    title = options.title or f"{options.data.resolve().parent.name}/{options.data.resolve().name}"
    told = calibrate(chosen_cases(options, task), task, options.weights, title)
    print(table(told))
    if options.json:
        write_json(told, options.json)
    if options.write:
        write_into_manifest(options.weights, told)
        print(f"{options.weights.with_suffix('.json')}: the calibration of {counted(len(told['regions']), 'region')}")
    return 0
