"""The tables on pictures: scores are what they say, what is done is not done again, rivals are of our size, protocols are kept apart."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from medsegdl_training.cases.pictures import Picture
from medsegdl_training.commands.main import main
from medsegdl_training.experiments import common as picture_trials
from medsegdl_training.experiments import label_efficiency as label_efficiency
from medsegdl_training.experiments.common import DICE, KAGGLE, score, shrunk, spread
from medsegdl_training.experiments.compare import OURS
from medsegdl_training.experiments.rivals import RIVALS, profile_of, scaled, weights_of
from MedSegDLLib.network.inception_unet import PROFILES, InceptionUNet
from MedSegDLLib.tasks import NUCLEI
from Testing.training.made_up import picture, write_pictures

WIDTHS = (2, 2, 3)


@pytest.fixture
def study(tmp_path: Path) -> label_efficiency.LabelEfficiency:
    data = write_pictures(tmp_path / "data", 4)
    return label_efficiency.LabelEfficiency(data, data, tmp_path / "out", steps=1, shares=(0.5, 1.0), seeds=(1,), widths=WIDTHS, batch=1)


def refuse(*anything: object) -> str:
    raise AssertionError("nothing is left to train")


def test_a_study_is_done_once(study: label_efficiency.LabelEfficiency, monkeypatch: pytest.MonkeyPatch) -> None:
    text = label_efficiency.run_study(study)
    for row in ("supervised", "mean teacher", "pre-trained (masked)", "pre-trained (contrastive)", "50% of the labels", KAGGLE):
        assert row in text, row
    kept = json.loads((study.out / "label_efficiency.json").read_text(encoding="utf-8"))
    assert len(kept["cells"]) == 8
    assert set(kept["pretraining"]) == {"masked", "contrastive"}
    assert all(0 <= cell[measure] <= 1 for cell in kept["cells"] for measure in (DICE, KAGGLE))

    monkeypatch.setattr(picture_trials, "train", refuse)
    assert label_efficiency.run_study(study) == text
    (study.out / "cells" / "supervised_0.5_1.json").unlink()
    with pytest.raises(AssertionError, match="nothing is left"):
        label_efficiency.run_study(study)


def test_protocols_are_kept_apart(study: label_efficiency.LabelEfficiency) -> None:
    few = replace(study, methods=("supervised",), shares=(0.5,))
    label_efficiency.run_study(few)
    with pytest.raises(picture_trials.UsageError, match="another protocol"):
        label_efficiency.run_study(replace(few, steps=2))


def test_pre_training_is_where_its_cells_start(study: label_efficiency.LabelEfficiency) -> None:
    label_efficiency.pretrained(study, "masked")
    settings = study.settings(5)
    run = label_efficiency.Run.start(study.network(5), settings)
    label_efficiency.begin_from(run, study.out / "runs" / "masked" / label_efficiency.CHECKPOINT)
    average = torch.load(study.out / "runs" / "masked" / label_efficiency.CHECKPOINT, weights_only=True)["average"]
    fresh = study.network(5).state_dict()
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
