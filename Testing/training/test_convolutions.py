"""The quick convolutions of training: the same numbers and gradients as torch's own, and really taken."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from medsegdl_training.train.convolutions import TrainingConvolutions, as_product, depth_after, in_halves, is_left_alone, quick_convolutions
from medsegdl_training.train.loop import Levels
from medsegdl_training.train.settings import Settings, best_precision
from MedSegDLLib.network.inception_unet import Architecture, InceptionUNet

SMALL = Architecture(3, 4, 3, (4, 6, 8), fusion=True, factorised=True, dropout=0.0, added_maps=2)


def gradients(module: nn.Module, x: Tensor, context) -> tuple[Tensor, list[Tensor]]:
    """The output and the gradients of input and parameters, for a fixed random cotangent."""
    x = x.clone().requires_grad_()
    module.zero_grad()
    with context:
        y = module(x)
    y.backward(torch.randn(y.shape, generator=torch.Generator().manual_seed(1), dtype=y.dtype))
    return y.detach(), [x.grad, *(parameter.grad.clone() for parameter in module.parameters())]


def close(found: Tensor, wanted: Tensor) -> bool:
    """Equal up to rounding, by the size of the whole tensor."""
    return bool((found - wanted).abs().max() <= 2e-5 * wanted.abs().max() + 1e-6)


@pytest.mark.parametrize("depth", [6, 8, 9, 14])
@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (3, 1), (5, 1), (3, 2), (5, 2), (1, 2)])
@pytest.mark.parametrize("batch", [1, 2])
def test_a_convolution_and_its_gradients_are_torchs_own(depth: int, kernel: int, stride: int, batch: int) -> None:
    torch.manual_seed(0)
    convolution = nn.Conv3d(3, 5, kernel, stride=stride, padding=kernel // 2)
    x = torch.randn(batch, 3, depth, 7, 10)
    plain = gradients(convolution, x, torch.enable_grad())
    quick = gradients(convolution, x, TrainingConvolutions())
    assert close(quick[0], plain[0])
    assert all(close(a, b) for a, b in zip(quick[1], plain[1], strict=True))


def test_both_ways_are_really_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    from medsegdl_training.train import convolutions

    taken = []
    for name in ("as_product", "in_halves"):
        real = getattr(convolutions, name)
        monkeypatch.setattr(convolutions, name, lambda *args, real=real, name=name: taken.append(name) or real(*args))
    network = InceptionUNet(SMALL)
    with quick_convolutions("cpu"):
        network.supervised(torch.randn(1, 4, 16, 16, 16))
    assert taken.count("as_product") > 10 and taken.count("in_halves") > 10


def test_automatic_precision_is_one_that_the_processor_has() -> None:
    chosen = Settings(steps=1).precision
    assert chosen == best_precision("cpu") == ("bfloat16" if torch.cpu._is_avx512_bf16_supported() else "float32")
    assert Settings(steps=1, precision="bfloat16").precision == "bfloat16"


def test_what_torch_gives_to_onednn_itself_is_left_to_it() -> None:
    assert is_left_alone(torch.empty(1, 8, 40, 64, 3)) and not is_left_alone(torch.empty(1, 8, 41, 64, 3))
    assert not is_left_alone(torch.empty(2, 1, 4, 4, 4))


def test_a_whole_network_learns_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    network = InceptionUNet(SMALL).train()
    x, loss = torch.randn(1, 4, 16, 16, 24), {}
    found = {}
    for name, levels in (("quick", Levels(network, "cpu")), ("plain", network.supervised)):
        network.zero_grad()
        loss[name] = sum(level.square().mean() for level in levels(x))
        loss[name].backward()
        found[name] = torch.cat([parameter.grad.flatten() for parameter in network.parameters()])
    assert torch.isclose(loss["quick"], loss["plain"], rtol=1e-5)
    assert F.cosine_similarity(found["quick"], found["plain"], dim=0) > 1 - 1e-6
    assert torch.linalg.vector_norm(found["quick"] - found["plain"]) < 1e-3 * torch.linalg.vector_norm(found["plain"])


def test_other_types_and_odd_depths_pass_by() -> None:
    torch.manual_seed(0)
    convolution = nn.Conv3d(2, 2, 3, padding=1).double()
    x = torch.randn(1, 2, 7, 5, 5, dtype=torch.float64)
    with TrainingConvolutions():
        assert torch.equal(convolution(x), F.conv3d(x, convolution.weight, convolution.bias, padding=1))
    single = nn.Conv3d(2, 2, 3, padding=1)
    assert depth_after(x, single.weight, (1, 1, 1), (1, 1, 1)) == 7
    with TrainingConvolutions():
        assert torch.allclose(single(x.float()), F.conv3d(x.float(), single.weight, single.bias, padding=1))
    assert torch.allclose(
        in_halves(x.float()[:, :, :6], single.weight, None, (1,) * 3, (1,) * 3),
        F.conv3d(x.float()[:, :, :6], single.weight, padding=1),
        atol=1e-5,
    )
    one = nn.Conv3d(2, 4, 1)
    assert torch.allclose(as_product(x.float(), one.weight, one.bias), one(x.float()), atol=1e-6)
