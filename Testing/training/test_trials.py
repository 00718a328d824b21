"""The tables on pictures: scores are what they say, what is done is not done again, rivals are of our size, protocols are kept apart."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from medsegdl_training.commands.main import main
from medsegdl_training.experiments import common as picture_trials
from medsegdl_training.experiments import label_efficiency as ladders
from medsegdl_training.experiments.common import DICE, KAGGLE, score, shrunk, spread
from medsegdl_training.experiments.compare import OURS
from medsegdl_training.experiments.rivals import RIVALS, profile_of, scaled, weights_of
from medsegdl_training.train.nuclei_sampler import Picture
from MedSegDLLib.network.inception_unet import PROFILES, InceptionUNet
from MedSegDLLib.tasks import NUCLEI
from Testing.training.made_up import picture, write_pictures

WIDTHS = (2, 2, 3)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def ladder(tmp_path: Path) -> ladders.Ladder:
    data = write_pictures(tmp_path / "data", 4)
    return ladders.Ladder(data, data, tmp_path / "out", steps=1, shares=(0.5, 1.0), seeds=(1,), widths=WIDTHS, batch=1)


def refuse(*anything: object) -> str:
    raise AssertionError("nothing is left to train")


def test_a_ladder_is_climbed_once(ladder: ladders.Ladder, monkeypatch: pytest.MonkeyPatch) -> None:
    text = ladders.climb(ladder)
    for row in ("supervised", "mean teacher", "pre-trained (masked)", "pre-trained (contrastive)", "50% of the labels", KAGGLE):
        assert row in text, row
    kept = json.loads((ladder.out / "ladder.json").read_text(encoding="utf-8"))
    assert len(kept["cells"]) == 8
    assert set(kept["pretraining"]) == {"masked", "contrastive"}
    assert all(0 <= cell[measure] <= 1 for cell in kept["cells"] for measure in (DICE, KAGGLE))

    monkeypatch.setattr(picture_trials, "train", refuse)
    assert ladders.climb(ladder) == text
    (ladder.out / "cells" / "supervised_0.5_1.json").unlink()
    with pytest.raises(AssertionError, match="nothing is left"):
        ladders.climb(ladder)


def test_protocols_are_kept_apart(ladder: ladders.Ladder) -> None:
    few = replace(ladder, methods=("supervised",), shares=(0.5,))
    ladders.climb(few)
    with pytest.raises(picture_trials.UsageError, match="another protocol"):
        ladders.climb(replace(few, steps=2))


def test_pre_training_is_where_its_cells_start(ladder: ladders.Ladder) -> None:
    ladders.pretrained(ladder, "masked")
    settings = ladder.settings(5)
    run = ladders.Run.start(ladder.network(5), settings)
    ladders.begin_from(run, ladder.out / "runs" / "masked" / ladders.CHECKPOINT)
    average = torch.load(ladder.out / "runs" / "masked" / ladders.CHECKPOINT, weights_only=True)["average"]
    fresh = ladder.network(5).state_dict()
    for name, tensor in run.network.state_dict().items():
        assert torch.equal(tensor, fresh[name] if name.startswith("segmenter.heads") else average[name]), name


class Bright(torch.nn.Module):
    """Finds what is bright, and no boundaries."""

    arch = PROFILES["nuclei"]

    def supervised(self, x: torch.Tensor) -> list[torch.Tensor]:
        return [torch.cat([60 * (x[:, :1] - 0.5), torch.full_like(x[:, :1], -30.0)], dim=1)]


def discs() -> Picture:
    """Two nuclei far apart, on a picture whose sides do not fit the network's divisor."""
    rows, columns = np.mgrid[:41, :70]
    labels = np.zeros((41, 70), np.int32)
    for number, centre in enumerate([(12, 14), (25, 50)], start=1):
        labels[(rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= 49] = number
    return Picture("discs", np.where(labels > 0, 200, 20).astype(np.uint8), labels)


def test_a_right_network_scores_one_and_a_wrong_one_nothing() -> None:
    assert score(Bright(), [discs()], NUCLEI.plan) == {DICE: 1.0, KAGGLE: 1.0}
    negative = replace(discs(), image=255 - discs().image)
    both = score(Bright(), [discs(), negative], NUCLEI.plan)
    assert both[DICE] == pytest.approx(0.5, abs=0.05)
    assert both[KAGGLE] == pytest.approx(0.5)


def test_shrinking_keeps_the_nuclei_where_they_are() -> None:
    grey, labels = picture((64, 96), 3, colour=True)
    small = shrunk(Picture("p", grey, labels.astype(np.int32)), 32)
    assert small.image.shape == (32, 32, 3)
    assert small.image.dtype == np.uint8
    assert set(np.unique(small.labels)) <= set(np.unique(labels))
    for number in (3, 4):
        before, after = (np.argwhere(array == number).mean(0) for array in (labels, small.labels))
        np.testing.assert_allclose((after + 0.5) * (2, 3) - 0.5, before, atol=1.6)
    assert small.image[small.labels > 0].mean() > 2 * small.image[small.labels == 0].mean()


def test_rivals_are_of_our_size_and_give_our_outputs() -> None:
    pytest.importorskip("monai", reason="the rivals are MONAI's")
    arch = profile_of("nuclei", None)
    ours = weights_of(InceptionUNet(arch))
    for name in RIVALS:
        build, count = scaled(name, arch)
        assert 0.8 < count / ours < 1.25, name
        network = build()
        assert weights_of(network) == count
        assert network.supervised(torch.rand(1, 3, 32, 32))[0].shape == (1, 2, 32, 32)


def test_networks_are_compared_and_loops_raced(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("monai", reason="the rivals are MONAI's")
    data, out = write_pictures(tmp_path / "data"), tmp_path / "out"
    line = ["compare", "--task", "nuclei", "--data", str(data), "--test", str(data), "--out", str(out), "--steps", "1", "--batch", "1"]
    line += ["--patch", "32", "32", "--widths", "2", "2", "3", "--threads", "1", "--precision", "float32"]
    assert main([*line, "--networks", OURS, "MONAI UNet"]) == 0
    shown = capsys.readouterr().out
    assert "| ours |" in shown
    assert "| MONAI UNet |" in shown
    assert len(json.loads((out / "compare.json").read_text(encoding="utf-8"))["networks"]) == 2
    assert main([*line, "--speed", "1"]) == 0
    assert "plain MONAI loop" in capsys.readouterr().out
    assert min(json.loads((out / "speed.json").read_text(encoding="utf-8")).values()) > 0

    monkeypatch.setattr(picture_trials, "train", refuse)
    assert main([*line, "--networks", OURS, "MONAI UNet"]) == 0
    assert main([*line, "--networks", "nobody"]) == 2
    assert "to compare" in capsys.readouterr().err
    assert main(["compare", "--task", "liver", *line[3:]]) == 2


def test_spread_by_hand() -> None:
    assert spread([0.5]) == "0.500 ± 0.000"
    assert spread([0.4, 0.6]) == "0.500 ± 0.141"
