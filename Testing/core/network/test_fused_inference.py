"""The quicker network is the same network: equal numbers on every profile, equal segments on the phantom and on a real brain."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.read import read_image
from MedSegDLLib.network import sliding_window as room
from MedSegDLLib.network.fused_inference import MergedInception, best_kernels, merged, trusted
from MedSegDLLib.network.inception_unet import PROFILES, InceptionUNet
from MedSegDLLib.phantom.head import head_phantom
from MedSegDLLib.pipeline import Options, segment
from MedSegDLLib.tasks import BRAIN

CPU = torch.device("cpu")
SAME_PROBABILITY = 1e-5
SAME_DICE = 0.999


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_same_probabilities_in_every_profile(name):
    torch.manual_seed(0)
    arch = replace(PROFILES[name], widths=(4, 4, 6), added_maps=2)
    network = InceptionUNet(arch).eval()
    for norm in network.modules():
        if hasattr(norm, "weight") and hasattr(norm, "bias") and norm.weight.ndim == 1:
            torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
            torch.nn.init.uniform_(norm.bias, -0.5, 0.5)
    quick = merged(network)
    x = torch.randn(1, arch.in_channels, *(24, 20, 16)[: arch.spatial_dims])
    with torch.inference_mode():
        plain = torch.sigmoid(network(x))
        with best_kernels(CPU):
            found = torch.sigmoid(quick(x))
    assert (found - plain).abs().max() < SAME_PROBABILITY
    assert any(isinstance(module, MergedInception) for module in quick.modules()) == arch.factorised
    assert not any(isinstance(module, MergedInception) for module in network.modules())


def test_merging_copies_no_weights_but_the_merged_ones():
    network = InceptionUNet(replace(PROFILES["brain"], widths=(2, 2, 3), added_maps=2)).eval()
    quick = merged(network)
    assert quick.segmenter.heads[0].weight is network.segmenter.heads[0].weight
    before = network.segmenter.heads[0].weight.clone()
    quick.to(CPU)
    assert torch.equal(network.segmenter.heads[0].weight, before)


CONVOLUTIONS = (  # kernel, stride, padding, dilation, groups
    (1, 1, 0, 1, 1),
    (1, 2, 0, 1, 1),
    (3, 1, 1, 1, 1),
    (3, 2, 1, 1, 1),
    (5, 1, 2, 1, 1),
    (3, 1, 2, 2, 2),
    (1, 1, 0, 1, 2),
)


@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation", "groups"), CONVOLUTIONS)
def test_every_convolution_gives_torchs_answer(kernel, stride, padding, dilation, groups):
    generator = torch.Generator().manual_seed(0)
    layer = torch.nn.Conv3d(4, 6, kernel, stride, padding, dilation, groups).requires_grad_(False)
    x = torch.randn(1, 4, 9, 8, 7, generator=generator)
    plain = layer(x)
    with best_kernels(CPU):
        torch.testing.assert_close(layer(x), plain, atol=1e-5, rtol=1e-4)


def test_double_precision_and_gradients_are_left_to_torch():
    weight = torch.randn(2, 1, 3, 3, 3, dtype=torch.float64)
    x = torch.randn(1, 1, 6, 6, 6, dtype=torch.float64)
    with best_kernels(CPU):
        assert F.conv3d(x, weight).dtype == torch.float64
        layer = torch.nn.Conv3d(1, 1, 3)
        trained = torch.randn(1, 1, 6, 6, 6, requires_grad=True)
        layer(trained).sum().backward()
    assert trained.grad is not None


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * float((one & other).sum()) / max(float(one.sum() + other.sum()), 1.0)


def plain_and_quick(images: dict[str, Image], monkeypatch) -> list[dict[str, np.ndarray]]:
    """Masks of the plain float32 network, and of what users run."""
    options = Options("cpu", bias_correction=False)
    quick = segment(images, BRAIN, options).masks
    monkeypatch.setattr(room, "merged", lambda network: network.eval())
    monkeypatch.setattr(room, "best_kernels", lambda device: nullcontext())
    return [segment(images, BRAIN, options).masks, quick]


def test_same_segments_on_the_phantom(monkeypatch):
    plain, quick = plain_and_quick(head_phantom(0, (40, 48, 40), 4.0).images, monkeypatch)
    assert plain["WT"].any() and plain["ET"].any()
    for key, mask in plain.items():
        assert dice(mask, quick[key]) >= SAME_DICE


def test_same_segments_on_a_real_brain(data, monkeypatch):
    case = "Brats18_TCIA05_396_1"
    folder = data / "brain" / "labelled" / case
    plain, quick = plain_and_quick({key: read_image(folder / f"{case}_{key}.nii.gz") for key in ("t1ce", "flair")}, monkeypatch)
    assert plain["WT"].any()
    for key, mask in plain.items():
        assert not mask.any() or dice(mask, quick[key]) >= SAME_DICE


def test_kernels_of_another_torch_are_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    trusted.cache_clear()
    monkeypatch.setattr(torch._C._nn, "slow_conv3d", lambda *_: torch.zeros(()))
    assert not trusted()
    assert isinstance(best_kernels(torch.device("cpu")), nullcontext)
    trusted.cache_clear()
    monkeypatch.undo()
    assert trusted()
