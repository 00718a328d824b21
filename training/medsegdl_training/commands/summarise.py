"""`medsegdl-train summarise`: the scores of several folds or seeds in one statement."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "combine the scores of folds or seeds, with their spread"


def add(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument("scores", type=Path, nargs="+", help="JSON files that `evaluate` wrote, one a fold or seed")
    parser.add_argument("--json", type=Path, help="write the summary here")


def run(options: argparse.Namespace) -> int:
    """Read, combine, tell."""
    from MedSegDLLib.io.atomic import write_json

    from ..evaluate.files import read_scores
    from ..evaluate.summary import format_summary, summarise

    summary = summarise([read_scores(path) for path in options.scores])
    print(format_summary(summary))
    if options.json:
        write_json(summary, options.json)
    return 0
