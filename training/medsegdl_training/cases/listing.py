"""One's own data: a list of files, CSV with a column a task input and `reference`, or JSON with the same keys; paths relative to the list.

    name,flair,t1ce,reference
    p001,p001/flair.nii.gz,p001/t1c.nii.gz,p001/labels.nii.gz

An empty cell is a missing modality (or a case without labels). JSON: a list of objects, or {"cases": [...]}.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.tasks import Task

from .case import Case

NAME, REFERENCE = "name", "reference"


def find(path: Path, task: Task) -> list[Case]:
    """Every row as a case; whether its files are there is for `inspect` (and reading) to say.

    Raises:
        InputRefused: no list, an unknown column, or a row without any input.
    """
    return [_case(row, number, path, task) for number, row in enumerate(_rows(path), start=1)]


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".csv":
            return list(csv.DictReader(text.splitlines()))
        entry = json.loads(text)
    except (OSError, ValueError, RecursionError, csv.Error) as error:
        raise InputRefused(f"{path.name} cannot be read as a list of cases.", "Give a CSV with a header line, or JSON.") from error
    rows = entry.get("cases") if isinstance(entry, dict) else entry
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputRefused(f"{path.name} holds no list of cases.", 'Give a list of objects, or {"cases": [...]}.')
    return rows


def _case(row: dict[str, Any], number: int, path: Path, task: Task) -> Case:
    known = [entry.key for entry in task.inputs]
    strange = [str(key) for key in row if key not in (*known, NAME, REFERENCE)]
    if strange:
        remedy = f"The columns may be {NAME}, {', '.join(known)}, {REFERENCE}."
        raise InputRefused(f"{path.name} has a column '{strange[0]}' that the task '{task.key}' does not know.", remedy)
    inputs = {key: path.parent / row[key].strip() for key in known if (row.get(key) or "").strip()}
    if not inputs:
        raise InputRefused(f"Row {number} of {path.name} names no input file.", f"Fill in at least one of {', '.join(known)}.")
    reference = (row.get(REFERENCE) or "").strip()
    return Case((row.get(NAME) or "").strip() or f"case-{number:03d}", inputs, path.parent / reference if reference else None)
