"""`medsegdl-train summarise`: the scores of several folds or seeds in one statement."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from MedSegDLLib.errors import UsageError

HELP = "combine the scores of folds or seeds, with their spread"


def add(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument("scores", type=Path, nargs="+", help="JSON files that `evaluate` wrote, one a fold or seed")
    parser.add_argument("--json", type=Path, help="write the summary here")


def run(options: argparse.Namespace) -> int:
    """Read, combine, tell."""
    from MedSegDLLib.files import write_json

    from ..scoring.summary import format_summary, summarise

    summary = summarise([read_scores(path) for path in options.scores])
    print(format_summary(summary))
    if options.json:
        write_json(summary, options.json)
    return 0


def read_scores(path: Path) -> dict[str, Any]:
    """One file of `evaluate`.

    Raises:
        UsageError: it is none.
    """
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as JSON.", "Give files that `medsegdl-train evaluate --json` wrote.") from error
    if not isinstance(entry, dict) or not {"task", "mean", "cases", "protocol"} <= entry.keys():
        raise UsageError(f"{path.name} holds no scores.", "Give files that `medsegdl-train evaluate --json` wrote.")
    return entry
