"""The table on synthesis: one training with and one without a test case, done once, and mistakes said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from medsegdl_training.commands.main import main
from medsegdl_training.experiments import common as picture_trials
from medsegdl_training.experiments.with_synthesis import Question, answer
from MedSegDLLib.errors import UsageError
from MedSegDLLib.tasks import BRAIN
from Testing.training.test_brain import PATCH, write_patient


@pytest.fixture
def question(tmp_path: Path) -> Question:
    for seed, name in enumerate(("first", "second", "third")):
        write_patient(tmp_path / "data", name, 4, seed)
    return Question(BRAIN, tmp_path / "data", tmp_path / "out", 1, PATCH, tests=("second",), apart=("third",), threads=1)


def test_a_case_is_measured_by_a_training_with_and_one_without(question: Question, monkeypatch: pytest.MonkeyPatch) -> None:
    text = answer(question)
    assert "with synthesis" in text and "real images only" in text and text.count("| second |") == 3
    kept = json.loads((question.out / "synthesis.json").read_text(encoding="utf-8"))["trainings"]
    assert [entry["synthesis"] for entry in kept] == [True, False]
    assert all(0 <= value <= 1 for entry in kept for value in entry["measures"].values())
    for entry in kept:
        folder = question.out / "runs" / f"second_{'with' if entry['synthesis'] else 'without'}_1"
        settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
        assert settings["cases"] == ["first"] and settings["synthesis"] is entry["synthesis"]

    monkeypatch.setattr(picture_trials, "train", lambda *anything: pytest.fail("nothing is left to train"))
    assert answer(question) == text


def test_a_case_that_is_not_there_is_named(question: Question) -> None:
    with pytest.raises(UsageError, match="'fourth'"):
        answer(replace(question, tests=("fourth",)))


def test_pictures_are_not_synthesised(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    line = ["synthesis", "--task", "nuclei", "--data", str(tmp_path), "--out", str(tmp_path / "o"), "--steps", "1", "--tests", "a"]
    assert main(line) == 2
    assert "Nothing is synthesised for 'nuclei'" in capsys.readouterr().err
