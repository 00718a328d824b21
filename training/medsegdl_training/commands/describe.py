"""`medsegdl-train describe`: the Dice with each subset of the inputs, as `evaluate --subsets` measured it, into the manifest of weights."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "write what a missing input costs into the manifest of weights"


def add(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument(
        "--weights", type=Path, required=True, help="the .safetensors file; its manifest beside it is changed, nothing else"
    )
    parser.add_argument("--scores", type=Path, required=True, help="JSON file of `evaluate --subsets --json` with these weights")


def run(options: argparse.Namespace) -> int:
    """Read, hold against the weights, write."""
    from ..evaluate.files import read_scores
    from ..train.export import describe

    count = describe(options.weights, read_scores(options.scores))
    print(f"{options.weights.with_suffix('.json')}: the scores with {count} choices of inputs")
    return 0
