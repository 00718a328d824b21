"""Scores as `medsegdl-train evaluate --json` writes them, read back. No torch here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from MedSegDLLib.errors import UsageError

WANTED = "Give what `medsegdl-train evaluate --json` wrote."


def read_scores(path: Path) -> dict[str, Any]:
    """One file of `evaluate`.

    Raises:
        UsageError: it is none.
    """
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path.name} cannot be read as JSON.", WANTED) from error
    if not isinstance(entry, dict) or not {"task", "mean", "cases", "protocol"} <= entry.keys():
        raise UsageError(f"{path.name} holds no scores.", WANTED)
    return entry
