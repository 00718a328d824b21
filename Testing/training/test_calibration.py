"""What probabilities are worth: drawn truths give their own curve back, and the command writes it where reports read it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from medsegdl_training.commands.main import main
from medsegdl_training.evaluate.calibration import BINS, Counts
from medsegdl_training.train.export import calibration_lines
from MedSegDLLib.network.inception_unet import Architecture, InceptionUNet
from MedSegDLLib.network.weights import save_weights
from MedSegDLLib.postprocess.calibration import reliabilities
from MedSegDLLib.tasks import BRAIN

from .test_brain import write_patient

SEED = 5


def drawn(worth: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Probabilities (1, n), and truths that are right as often as `worth` times their probability."""
    numbers = torch.Generator().manual_seed(SEED)
    probabilities = torch.rand((1, 200_000), generator=numbers)
    return probabilities, torch.rand(probabilities.shape, generator=numbers) < worth * probabilities


@pytest.mark.parametrize(("worth", "error"), [(1.0, 0.0), (0.6, 0.2)])
def test_drawn_truths_give_their_curve_back(worth: float, error: float) -> None:
    counts = Counts.none(1)
    probabilities, truth = drawn(worth)
    for half in (slice(None, 120_000), slice(120_000, None)):  # over cases as over one
        counts.add(probabilities[:, half], truth[:, half])
    told = counts.told(0)
    assert len(told["curve"]) == BINS and sum(voxels for _, _, voxels in told["curve"]) == 200_000
    for given, right, _ in told["curve"]:
        assert right == pytest.approx(worth * given, abs=0.02)
    assert told["expected_error"] == pytest.approx(error, abs=0.01)  # the mean of 0.4 p over p of 0 to 1
    assert told["expected_error_above_half"] == pytest.approx(error * 1.5, abs=0.01)


def test_ends_and_rare_bins() -> None:
    counts = Counts.none(1)
    counts.add(torch.tensor([[0.0] * 60 + [1.0] * 60 + [0.5] * 49]), torch.tensor([[False] * 60 + [True] * 60 + [False] * 49]))
    assert counts.told(0)["curve"] == [[0.0, 0.0, 60], [1.0, 1.0, 60]]  # 49 voxels tell nothing


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a network that knows nothing."""
    torch.manual_seed(SEED)
    network = InceptionUNet(Architecture(spatial_dims=3, in_channels=4, out_channels=3, widths=(2, 4), added_maps=1))
    path = tmp_path_factory.mktemp("weights") / "brain.safetensors"
    save_weights(network, path, {"task": "brain", "task_version": 1, "plan": BRAIN.plan.to_json(), "outputs": ["WT", "TC", "ET"]})
    return path


def test_the_command_writes_what_reports_read(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed, name in enumerate(("one", "two")):
        write_patient(tmp_path / "brains", name, 3, seed)
    before, tensors = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8")), weights.read_bytes()
    line = ["calibrate", "--task", "brain", "--data", str(tmp_path / "brains"), "--threads", "1", "--weights", str(weights)]
    assert main([*line, "--json", str(tmp_path / "told.json"), "--write"]) == 0
    told = json.loads((tmp_path / "told.json").read_text(encoding="utf-8"))
    after = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    assert after == before | {"calibration": {key: told[key] for key in ("protocol", "cases", "date", "regions")}}
    assert weights.read_bytes() == tensors and told["cases"] == 2
    voxels = {key: sum(n for _, _, n in region["curve"]) for key, region in told["regions"].items()}
    assert len(set(voxels.values())) == 1 or min(voxels.values()) > 0.99 * max(voxels.values())  # the same voxels for every region
    assert set(reliabilities(after, BRAIN)) == {key for key, region in told["regions"].items() if len(region["curve"]) > 1}
    assert "expected error" in capsys.readouterr().out
    lines = calibration_lines(after["calibration"])
    assert [line.split(" | ")[0] for line in lines if line.startswith(("| WT", "| TC", "| ET"))] == ["| WT", "| TC", "| ET"]


def test_refusals(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_patient(tmp_path / "brains", "one", 3, 0)
    line = ["calibrate", "--task", "brain", "--data", str(tmp_path / "brains")]
    assert main([*line, "--write"]) == 2
    assert "no weights are named" in capsys.readouterr().err
    assert main([*line, "--weights", str(tmp_path / "none.safetensors")]) == 4
    assert main(["calibrate", "--task", "nuclei", "--data", str(tmp_path)]) in (2, 3)
