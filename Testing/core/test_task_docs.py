"""docs/tasks.md tells every key of a task file with its type, range and default, as the dataclasses have them."""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, Field, fields
from pathlib import Path

import pytest

from MedSegDLLib import tasks
from MedSegDLLib.schema.records import described, has_default, hints_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tasks.md"
RECORDS = (tasks.Task, tasks.Input, tasks.Region, tasks.Rest, tasks.Code, tasks.LabelConvention, tasks.Plan)


def default_of(one: Field) -> str:
    """As the page writes it."""
    if not has_default(one):
        return "required"
    value = one.default_factory() if one.default is MISSING else one.default
    return f"`{json.dumps(list(value) if isinstance(value, tuple) else value)}`"


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_the_page_tells_every_key(kind: type) -> None:
    chapter = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    [own] = [part for part in chapter if part.startswith(f"{kind.__name__}\n")]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in own.splitlines() if line.startswith("| `")]
    hints = hints_of(kind)
    assert [(key, law, default) for key, _, law, default in rows] == [
        (f"`{one.name}`", described(hints[one.name]), default_of(one)) for one in fields(kind)
    ]
    assert all(what for _, what, _, _ in rows)
