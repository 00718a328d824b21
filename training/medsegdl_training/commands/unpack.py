"""`medsegdl-train unpack`: four-dimensional files of the Medical Segmentation Decathlon into one file a modality."""

from __future__ import annotations

import argparse
from pathlib import Path

from .options import task_of

HELP = "write a data set that keeps its modalities in one file with one a modality: brains as BraTS stores them, others as nnU-Net"


def add(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument("--task", help="brain: refuse what is no Task01_BrainTumour; by default the labels tell")
    parser.add_argument("--data", type=Path, required=True, help="folder with dataset.json (Medical Segmentation Decathlon)")
    parser.add_argument("--out", type=Path, required=True, help="gets one folder a case, or imagesTr, labelsTr and dataset.json")


def run(options: argparse.Namespace) -> int:
    """Unpack what is not there yet."""
    from ..cases.unpack import unpack

    print(f"{unpack(options.data, options.out, task_of(options) if options.task else None)} cases written to {options.out}")
    return 0
