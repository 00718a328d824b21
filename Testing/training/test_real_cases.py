"""The shipped weights on real images, through the whole pipeline: what they reach, less a little for other machines' arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from medsegdl_training.evaluate.evaluate import evaluate_case
from medsegdl_training.train.samplers import cases_of
from MedSegDLLib.pipeline import Options
from MedSegDLLib.tasks import SHIPPED, TASKS

SLACK = 0.02
KNOWN, PICTURES = 102, 12  # of the test set, and measured here

# Dice that the weights had when they were shipped. The CTs were trained on: these are pins, not results.
BRAINS = {"BraTS-GLI-00000-000": {"WT": 0.890, "TC": 0.959, "ET": 0.902}}
CTS = {"3dircadb_01": {"liver": 0.966, "tumour": 0.884}, "3dircadb_07": {"liver": 0.963, "tumour": 1.0}}


def reached(task: str, data: Path, name: str) -> Mapping[str, float]:
    """Region -> Dice."""
    cases = [case for case in cases_of(SHIPPED[task])(data) if case.name == name]
    if not cases:
        pytest.skip(f"{name} is not in {data}")
    entry = evaluate_case(cases[0], TASKS[task], Options("cpu"))
    return {key: region["dice"] for key, region in entry["regions"].items()}


@pytest.mark.parametrize("name", BRAINS)
def test_a_brain(name: str, data: Path) -> None:
    found = reached("brain", data, name)
    assert all(found[key] > pinned - SLACK for key, pinned in BRAINS[name].items()), found


@pytest.mark.parametrize("name", CTS)
def test_a_ct(name: str, data: Path) -> None:
    found = reached("liver", data, name)
    assert all(found[key] > pinned - SLACK for key, pinned in CTS[name].items()), found


def test_pictures(data: Path) -> None:
    folder = data / "nuclei" / "test"
    cases = cases_of(SHIPPED["nuclei"])(folder) if folder.is_dir() else []
    if len(cases) != KNOWN:
        pytest.skip(f"the {KNOWN} test pictures are not in {folder}")
    measures = [evaluate_case(case, TASKS["nuclei"], Options("cpu"))["measures"] for case in cases[:PICTURES]]
    mean = {key: sum(measure[key] for measure in measures) / PICTURES for key in ("Dice nucleus", "Kaggle precision")}
    assert mean["Dice nucleus"] > 0.899 - SLACK and mean["Kaggle precision"] > 0.503 - SLACK, mean
