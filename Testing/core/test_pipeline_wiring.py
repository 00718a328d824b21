"""What the pipeline hands from room to room: the foreground to restoring, the regions' outputs alone to the uncertainty."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from MedSegDLLib import pipeline
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.network.sliding_window import How, Strategy
from MedSegDLLib.options import Options
from MedSegDLLib.tasks import BRAIN, NUCLEI

from .tiny import LPS, head_images, tiny_weights


def answering(monkeypatch: pytest.MonkeyPatch, *values: float) -> None:
    """The network's outputs, each one number everywhere."""

    def predict(network, x, plan, tried, mirrored, progress):
        found = torch.tensor(values).reshape(-1, 1, 1, 1).expand(-1, *x.shape[1:]).contiguous()
        return found, Strategy(How.WHOLE, torch.device("cpu"))

    monkeypatch.setattr(pipeline, "predict", predict)


def test_no_region_leaves_the_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, 1.0, 1.0, 1.0)
    images = head_images()
    result = pipeline.segment(images, BRAIN, Options("cpu", tiny_weights(tmp_path, BRAIN), bias_correction=False))
    head = np.any([image.array != 0 for image in images.values()], axis=0)
    whole = result.segments[0].mask > 0
    assert whole.any() and not head.all() and np.array_equal(whole, head)


@pytest.mark.parametrize(("outputs", "bits"), [((0.999999, 0.5), 0.0), ((0.5, 0.999999), 1.0)])
def test_the_uncertainty_is_the_regions_not_the_boundarys(
    outputs: tuple[float, float], bits: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, *outputs)
    picture = Image(np.random.default_rng(0).integers(0, 255, (1, 40, 44, 3)).astype(np.uint8), LPS, "picture")
    result = pipeline.segment({"image": picture}, NUCLEI, Options("cpu", tiny_weights(tmp_path, NUCLEI), uncertainty=True))
    assert np.abs(result.uncertainty - bits).max() < 1e-3
