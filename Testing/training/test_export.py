"""What the manifest says of the grid: that of the training, unless another one is asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from medsegdl_training.commands.main import main
from medsegdl_training.train.export import ExportOptions, manifest_of
from MedSegDLLib.errors import UsageError
from MedSegDLLib.io.atomic import write_json
from MedSegDLLib.tasks import LIVER, NUCLEI, Plan, Task, carried_task, manifest_path, read_manifest
from Testing.core.tiny import tiny_weights

OLDER = ("task_definition",)  # what manifests had not before 0.3.0
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


def test_thresholds_found_after_training_take_the_place_of_the_tasks() -> None:
    usual, chosen = (
        Plan.from_json(manifest_of(RUN, entry_of(LIVER), options)["plan"])
        for options in (ExportOptions(), ExportOptions(thresholds=(0.6, 0.3), thick_threshold=0.8))
    )
    assert usual == LIVER.plan
    assert chosen == replace(LIVER.plan, threshold=0.6, inner_threshold=0.3, thick_threshold=0.8)
    entry = {**entry_of(LIVER), "plan": replace(LIVER.plan, thick_threshold=0.9).to_json()}
    assert Plan.from_json(manifest_of(RUN, entry, ExportOptions())["plan"]).thick_threshold == 0.9
    assert Plan.from_json(manifest_of(RUN, entry, ExportOptions(thresholds=(0.6, 0.3)))["plan"]).thick_threshold is None


def test_another_grid_than_the_images_own_is_refused_where_there_is_none() -> None:
    with pytest.raises(UsageError, match="own grid"):
        manifest_of(RUN, entry_of(NUCLEI), ExportOptions(spacing_mm=(1.0, 1.0, 1.0)))
    with pytest.raises(UsageError, match="no spacing"):
        manifest_of(RUN, entry_of(LIVER), ExportOptions(spacing_mm=(2.5, 0.0, 3.0)))
    assert manifest_of(RUN, entry_of(NUCLEI), ExportOptions())["training"]["spacing_mm"] is None


def test_manifests_from_before_tasks_were_files_get_theirs(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """And nothing else of the pair changes; the task may be given in other words, but not another task."""
    weights = tiny_weights(tmp_path, LIVER)
    full, content = read_manifest(weights), weights.read_bytes()
    write_json({key: value for key, value in full.items() if key not in OLDER}, manifest_path(weights))
    assert main(["describe", "--weights", str(weights)]) == 0
    assert read_manifest(weights) == full and weights.read_bytes() == content
    retitled = Task.from_json({**LIVER.to_json(), "title": "Leber"})
    for name, entry in (("de.json", retitled.to_json()), ("other.json", {**LIVER.to_json(), "version": 9})):
        write_json(entry, tmp_path / name)
    assert main(["describe", "--weights", str(weights), "--task", str(tmp_path / "de.json")]) == 0
    assert carried_task(read_manifest(weights), "x") == retitled
    before = manifest_path(weights).read_bytes()
    assert main(["describe", "--weights", str(weights), "--task", str(tmp_path / "other.json")]) == 4
    weights.write_bytes(content + b"x")
    assert main(["describe", "--weights", str(weights)]) == 4 and manifest_path(weights).read_bytes() == before
    assert "Traceback" not in capsys.readouterr().err
