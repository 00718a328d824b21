"""What the manifest says of the grid: that of the training, unless another one is asked for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from medsegdl_training.train.export import ExportOptions, manifest_of
from MedSegDLLib.errors import UsageError
from MedSegDLLib.tasks import LIVER, NUCLEI, Plan, Task

RUN = SimpleNamespace(step=3, seconds=60.0)


def entry_of(task: Task) -> dict[str, Any]:
    """A settings file."""
    rest = {"data": "some", "data_hash": "0" * 64, "cases": ["a"], "holdout": [], "command": "run", "settings": {"seed": 1}}
    return {"task": task.key, "plan": task.plan.to_json(), **rest}


def test_a_network_may_work_on_a_finer_grid_than_it_was_trained_on() -> None:
    usual, finer = (manifest_of(RUN, entry_of(LIVER), ExportOptions(spacing_mm=spacing)) for spacing in (None, (2.5, 2.5, 3.0)))
    assert Plan.from_json(usual["plan"]) == LIVER.plan
    assert Plan.from_json(finer["plan"]).spacing_mm == (2.5, 2.5, 3.0)
    assert usual["training"]["spacing_mm"] == finer["training"]["spacing_mm"] == LIVER.plan.spacing_mm


def test_another_grid_than_the_images_own_is_refused_where_there_is_none() -> None:
    with pytest.raises(UsageError, match="own grid"):
        manifest_of(RUN, entry_of(NUCLEI), ExportOptions(spacing_mm=(1.0, 1.0, 1.0)))
    with pytest.raises(UsageError, match="no spacing"):
        manifest_of(RUN, entry_of(LIVER), ExportOptions(spacing_mm=(2.5, 0.0, 3.0)))
    assert manifest_of(RUN, entry_of(NUCLEI), ExportOptions())["training"]["spacing_mm"] is None
