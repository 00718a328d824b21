"""`medsegdl-train unpack`: four-dimensional files of the Medical Segmentation Decathlon into one file a modality."""

from __future__ import annotations

import argparse
from pathlib import Path

from MedSegDLLib.tasks import TASKS

HELP = "write a data set that keeps its modalities in one file as BraTS stores it"


def add(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument("--task", choices=sorted(TASKS), default="brain")
    parser.add_argument("--data", type=Path, required=True, help="folder with dataset.json (Task01_BrainTumour)")
    parser.add_argument("--out", type=Path, required=True, help="gets one folder a case")


def run(options: argparse.Namespace) -> int:
    """Unpack what is not there yet."""
    from ..cases.unpack import unpack

    print(f"{unpack(options.data, options.out, TASKS[options.task])} cases written to {options.out}")
    return 0
