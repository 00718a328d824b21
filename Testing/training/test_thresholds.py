"""Which threshold is best: the one of which `segment` makes the most like the reference, on cases made for it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from medsegdl_training.cases import find_cases
from medsegdl_training.cases.preparation import prepared
from medsegdl_training.commands.main import main
from medsegdl_training.evaluate import thresholds
from medsegdl_training.evaluate.evaluate import evaluate_case
from MedSegDLLib.network.inception_unet import Architecture, InceptionUNet
from MedSegDLLib.network.weights import save_weights
from MedSegDLLib.options import Options
from MedSegDLLib.tasks import BRAIN

from .test_brain import write_patient

TRIED = (0.3, 0.5, 0.7)


def write_weights(folder: Path, threshold: float = 0.5, inner_threshold: float | None = None) -> Path:
    """Of a network that knows nothing."""
    torch.manual_seed(5)
    network = InceptionUNet(Architecture(spatial_dims=3, in_channels=4, out_channels=3, widths=(2, 4), added_maps=1))
    plan = replace(BRAIN.plan, threshold=threshold, inner_threshold=inner_threshold)
    path = folder / "brain.safetensors"
    save_weights(network, path, {"task": "brain", "task_version": 1, "plan": plan.to_json(), "outputs": ["WT", "TC", "ET"]})
    return path


@pytest.fixture
def brains(tmp_path: Path) -> Path:
    for seed, name in enumerate(("one", "two")):
        write_patient(tmp_path / "brains", name, 3, seed)
    return tmp_path / "brains"


def test_the_threshold_at_which_masks_are_the_reference_is_found(brains: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Probabilities that say 0.6 within a region and 0.4 beside it; of regions inside another 0.4 and 0.2."""
    network_of = {case.name: prepared(case, BRAIN, BRAIN.plan) for case in find_cases(brains, BRAIN)}
    answers = iter(found.regions.float() * 0.2 + torch.tensor([0.4, 0.2, 0.2])[:, None, None, None] for found in network_of.values())
    monkeypatch.setattr(thresholds, "probabilities_of", lambda *_: next(answers))
    told = thresholds.study(find_cases(brains, BRAIN), BRAIN, write_weights(tmp_path), TRIED, lambda _: None)
    assert told["best"] == {"threshold": 0.5, "inner_threshold": 0.3}
    assert told["dice"]["WT"]["0.5"] > 0.8 > told["dice"]["WT"]["0.3"] and told["dice"]["WT"]["0.7"] == 0.0
    assert told["dice"]["TC"]["0.3"] > told["dice"]["TC"]["0.5"] == 0.0


def test_dice_is_that_of_evaluate(brains: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["thresholds", "--task", "brain", "--data", str(brains), "--threads", "1", "--thresholds", "0.4", "--cases", "one"]
    assert main([*line, "--weights", str(write_weights(tmp_path)), "--json", str(tmp_path / "told.json")]) == 0
    told = json.loads((tmp_path / "told.json").read_text(encoding="utf-8"))
    assert "| 0.4 |" in capsys.readouterr().out and told["cases"] == ["one"]
    assert told["best"] == {"threshold": 0.4, "inner_threshold": 0.4}
    case = next(case for case in find_cases(brains, BRAIN) if case.name == "one")
    measures = evaluate_case(case, BRAIN, Options(device="cpu", weights=write_weights(tmp_path, 0.4)))["measures"]
    for region in BRAIN.regions:
        assert told["dice"][region.key]["0.4"] == pytest.approx(measures[f"Dice {region.key}"], abs=1e-4)


def test_refusals(brains: Path, tmp_path: Path) -> None:
    line = ["thresholds", "--task", "brain", "--data", str(brains)]
    assert main([*line, "--weights", str(tmp_path / "none.safetensors")]) == 4
    assert main(["thresholds", "--task", "nuclei", "--data", str(brains)]) in (2, 3)
