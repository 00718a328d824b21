"""Before the click: time and memory from earlier runs here, and what a missing input costs, from the manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from MedSegDLLib.checks.expectation import expected
from MedSegDLLib.tasks import BRAIN

from .fake_client import FakeClient
from .test_results import segmented
from .test_run import loaded  # noqa: F401 - a fixture

KEYS = ["t1", "t1ce", "t2", "flair"]
SUBSETS = [
    {"inputs": ["flair"], "n": 4, "mean": {"Dice WT": 0.7, "Dice TC": 0.5, "Dice ET": 0.25}},
    {"inputs": KEYS, "n": 4, "mean": {"Dice WT": 0.825, "Dice TC": 0.75, "Dice ET": 0.5}},
]


def manifest(subsets: Any) -> dict:
    return {"scores": [{"protocol": "four patients", "mean": {}, "subsets": subsets}]}


@pytest.mark.parametrize(
    "unfit",
    [
        None,
        3,
        [],
        "text",
        [3],
        [{"inputs": ["flair"]}],
        [{"inputs": [["flair"]], "mean": {"Dice WT": 0.5}}],
        [{**SUBSETS[0], "mean": {"Dice WT": "a"}}],
    ],
)
def test_a_manifest_that_says_nothing_fit_promises_nothing(unfit: Any) -> None:
    assert expected(manifest(unfit), BRAIN, ["flair"]) is None
    assert expected({"scores": unfit}, BRAIN, ["flair"]) is None


def test_what_is_told_is_the_manifests_and_nothing_where_all_is_given() -> None:
    found = expected(manifest(SUBSETS), BRAIN, ["flair"])
    assert (found.here["WT"], found.complete["WT"], found.cases) == (0.7, 0.825, 4)
    assert expected(manifest(SUBSETS), BRAIN, KEYS) is None
    assert expected(manifest(SUBSETS), BRAIN, ["t2"]) is None


def test_a_missing_input_is_told_in_dice(loaded: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    from MedSegDLLib.scene import expectation_section

    monkeypatch.setattr(expectation_section, "manifest_of", lambda task: manifest(SUBSETS))
    for key in ("t1", "t1ce", "t2"):
        loaded.parameters.setValue(f"brain_{key}", None)
    text = loaded.expectation.label.text
    assert "With FLAIR alone" in text and "Whole tumour (WT) 0.70 instead of 0.82" in text and "4 cases" in text
    assert loaded.expectation.label.isVisibleTo(loaded.expectation.label.parentWidget())


def test_time_and_memory_are_learned_from_runs_here(loaded: Any, client: FakeClient) -> None:  # noqa: F811
    assert "Expected" not in loaded.expectation.label.text
    record = {
        "inputs": {key: {"shape": [6, 7, 8]} for key in KEYS},
        "seconds": {"network": 30.0, "restore": 12.0},
        "expected_memory_mb": 2048.0,
    }
    loaded.expectation.learn(BRAIN, loaded.parameters.device.name, record)
    segmented(loaded, client)
    loaded.parameters.setValue("brain_t1", None)
    text = loaded.expectation.label.text
    assert "about 32 s and 2.0 GB" in text and "one earlier run on" in text


def test_the_command_writes_what_the_evaluation_measured(tmp_path: Path) -> None:
    from medsegdl_training.train.export import describe
    from MedSegDLLib.errors import UsageError

    weights = tmp_path / "brain.safetensors"
    weights.with_suffix(".json").write_text(
        json.dumps({"sha256": "abc", "scores": [{"protocol": "p", "tuned_on": "nothing"}]}), encoding="utf-8"
    )
    measured = [{**entry, "cases": [{}] * entry["n"], "mean": {**entry["mean"], "HD95 WT (mm)": 3.0}} for entry in SUBSETS]
    score = {"task": "brain", "protocol": "p", "mean": {}, "cases": [], "weights_sha256": "abc", "subsets": measured}
    assert describe(weights, score) == 2
    written = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    assert written["scores"][0]["tuned_on"] == "nothing" and len(written["scores"]) == 1
    assert expected(written, BRAIN, ["flair"]).here == {"WT": 0.7, "TC": 0.5, "ET": 0.25}
    with pytest.raises(UsageError, match="other weights"):
        describe(weights, {**score, "weights_sha256": "def"})
    with pytest.raises(UsageError, match="no subsets"):
        describe(weights, {**score, "subsets": []})
