"""Scores of a data set: subsets of the inputs, pictures at a fixed size, spread, and the summary of several files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from medsegdl_training.cases.case import Case
from medsegdl_training.commands.main import main
from medsegdl_training.evaluate import evaluate as room
from medsegdl_training.evaluate.evaluate import InputChoice, evaluate_cases, evaluate_subsets, subsets
from medsegdl_training.evaluate.resized import resized, resized_labels
from medsegdl_training.evaluate.summary import format_summary, summarise
from MedSegDLLib.errors import UsageError
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.pipeline import Options
from MedSegDLLib.result import Result, Segment
from MedSegDLLib.tasks import BRAIN, NUCLEI, Task
from Testing.training.made_up import write_pictures
from Testing.training.test_brain import write_patient

QUIET = {"report": lambda line: None}


@pytest.fixture
def brains(tmp_path: Path) -> list[Case]:
    cases = []
    for name, seed in (("first", 0), ("second", 1)):
        write_patient(tmp_path, name, 4, seed)
        files = {key: tmp_path / name / f"{name}_{key}.nii.gz" for key in ("t1", "t1ce", "t2", "flair")}
        cases.append(Case(name, files, tmp_path / name / f"{name}_seg.nii.gz"))
    return cases


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Image]]:
    """In place of the network a segmenter that finds as many of the regions as it gets inputs; what it was given."""
    given: list[dict[str, Image]] = []

    def segment(images: dict[str, Image], task: Task, options: Options) -> Result:
        given.append(images)
        first = next(iter(images.values()))
        bright = np.asarray(first.array, float).reshape(*first.grid.shape, -1)[..., 0]
        mask = (bright > 0).astype(np.uint8) if len(images) == len(task.inputs) else np.zeros(first.grid.shape, np.uint8)
        segments = tuple(Segment(region, mask, first.grid.voxel_volume_mm3) for region in task.regions)
        result = Result(task, first.grid, next(iter(images)), segments, mask.astype(np.uint32) if task.instances else None)
        result.record = {"seconds": {"network": 0.5}}
        return result

    weights = tmp_path / "weights"
    weights.write_bytes(b"weights")
    monkeypatch.setattr(room, "segment", segment)
    monkeypatch.setattr(room, "find_weights", lambda task, path: weights)
    return given


def test_four_modalities_have_fifteen_subsets() -> None:
    found = list(subsets(("t1", "t1ce", "t2", "flair")))
    assert len(found) == len(set(found)) == 15 and found[0] == ("t1",) and len(found[-1]) == 4


def test_every_subset_is_measured(brains: list[Case], seen: list[dict[str, Image]]) -> None:
    scores = evaluate_subsets(brains, BRAIN, Options("cpu"), "made-up", **QUIET)
    assert len(scores) == 15 and [set(images) for images in seen[::2]] == [set(entry["inputs"]) for entry in scores]
    assert all(entry["spread"]["Dice WT"] == {"mean": 0.0, "deviation": 0.0, "n": 2} for entry in scores[:-1])
    assert scores[-1]["mean"]["Dice WT"] > 0


def test_subsets_need_cases_that_have_all(brains: list[Case], seen: list[dict[str, Image]]) -> None:
    part = [Case(case.name, {"t1": case.inputs["t1"]}, case.reference) for case in brains]
    with pytest.raises(UsageError):
        evaluate_subsets(part, BRAIN, Options("cpu"), "made-up", **QUIET)


def test_scores_hold_every_measure_and_their_spread(brains: list[Case], seen: list[dict[str, Image]]) -> None:
    scores = evaluate_cases(brains, BRAIN, Options("cpu"), "made-up", **QUIET)
    region = scores["cases"][0]["regions"]["WT"]
    asked = {"dice", "iou", "sensitivity", "precision", "f1", "accuracy", "hd95_mm", "lesion_dice", "voe", "rvd", "assd_mm", "msd_mm"}
    assert asked <= region.keys()
    dice = [case["measures"]["Dice WT"] for case in scores["cases"]]
    assert scores["spread"]["Dice WT"] == {"mean": pytest.approx(np.mean(dice)), "deviation": pytest.approx(np.std(dice, ddof=1)), "n": 2}
    assert scores["mean"]["Dice WT"] == scores["spread"]["Dice WT"]["mean"]
    whole = scores["pooled"]["regions"]["WT"]
    assert whole["tp"] == sum(case["regions"]["WT"]["tp"] for case in scores["cases"])
    assert whole["f1"] == pytest.approx(2 * whole["precision"] * whole["sensitivity"] / (whole["precision"] + whole["sensitivity"]))
    json.dumps(scores, allow_nan=False)


def test_pictures_are_measured_at_the_asked_size(tmp_path: Path, seen: list[dict[str, Image]]) -> None:
    folder = write_pictures(tmp_path / "data")
    cases = [Case(f"picture{i}", {"image": folder / "images" / f"picture{i}.png"}, folder / "labels" / f"picture{i}.png") for i in range(3)]
    scores = evaluate_cases(cases, NUCLEI, Options("cpu"), "made-up", choice=InputChoice(size=32), **QUIET)
    assert [images["image"].array.shape for images in seen] == [(1, 32, 32), (1, 32, 32, 3), (1, 32, 32)]
    counts = scores["pooled"]["regions"]["nucleus"]
    assert sum(counts[name] for name in ("tp", "fp", "fn", "tn")) == 3 * 32 * 32
    assert "32x32" in scores["protocol"]


def test_resizing_keeps_means_and_places() -> None:
    random = np.random.default_rng(0)
    image = Image(random.integers(0, 255, (1, 96, 64, 3)).astype(np.uint8), np.eye(4))
    small = resized(image, 16)
    assert small.array.shape == (1, 16, 16, 3) and small.array.dtype == np.uint8
    assert small.array.mean() == pytest.approx(image.array.mean(), abs=1)
    labels = Image(np.kron(np.arange(16, dtype=np.uint16).reshape(1, 4, 4), np.ones((1, 6, 10), np.uint16)), np.eye(4))
    assert np.array_equal(resized_labels(labels, 4).array, np.arange(16).reshape(1, 4, 4))
    assert np.array_equal(resized_labels(labels.with_array(labels.array[:, :, :24]), 24).array, labels.array[:, :, :24])
    with pytest.raises(UsageError):
        resized(Image(np.zeros((2, 4, 4)), np.eye(4)), 2)


def scores_of(**dice: float) -> dict:
    cases = [{"name": name, "measures": {"Dice WT": value}} for name, value in dice.items()]
    mean = {"Dice WT": float(np.mean(list(dice.values())))}
    return {"task": "brain", "protocol": "made up", "weights_sha256": "0", "mean": mean, "cases": cases}


def both(summary: dict) -> Sequence[tuple[float, float | None, int]]:
    return [tuple(summary[part]["Dice WT"].values()) for part in ("over_cases", "over_files")]


def test_folds_are_combined_over_all_cases() -> None:
    summary = summarise([scores_of(a=0.8, b=0.6), scores_of(c=0.4)])
    assert summary["design"] == "folds"
    cases, files = both(summary)
    assert cases == (pytest.approx(0.6), pytest.approx(0.2), 3)
    assert files == (pytest.approx(0.55), pytest.approx(0.15 * 2**0.5), 2)
    assert "folds" in format_summary(summary) and "n = 3" in format_summary(summary)


def test_seeds_are_averaged_case_by_case() -> None:
    summary = summarise([scores_of(a=0.8, b=0.6), scores_of(a=0.6, b=0.8), scores_of(a=0.7, b=0.7)])
    assert summary["design"] == "seeds"
    cases, files = both(summary)
    assert cases == (pytest.approx(0.7), pytest.approx(0.0, abs=1e-9), 2)
    assert files == (pytest.approx(0.7), pytest.approx(0.0, abs=1e-9), 3)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / "one.json", tmp_path / "two.json"]
    for path, value in zip(paths, (0.5, 0.7)):
        path.write_text(json.dumps(scores_of(a=value)))
    assert main(["summarise", *map(str, paths), "--json", str(tmp_path / "all.json")]) == 0
    assert "0.6000 +- 0.1414 (n = 2)" in capsys.readouterr().out
    assert json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))["over_files"]["Dice WT"]["n"] == 2
    paths[0].write_text("[]")
    assert main(["summarise", str(paths[0])]) == 2
