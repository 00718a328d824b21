"""Inception modules whose convolutions of one input are one: the same network, parameters, gradients and steps."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from medsegdl_training.train.loop import Levels, prepared
from medsegdl_training.train.settings import Settings
from medsegdl_training.train.shared_input import TrainingInception, share_input
from medsegdl_training.train.state import Run
from MedSegDLLib.network.inception_unet import PROFILES, Architecture, InceptionUNet

BRAIN = Architecture(3, 4, 3, (4, 6, 8), fusion=True, factorised=True, dropout=0.0, added_maps=2)
LIVER_3D = Architecture(3, 1, 2, (4, 6, 8), factorised=True, dropout=0.0, added_maps=2)
PLAIN_FIVE = Architecture(3, 1, 2, (4, 6), dropout=0.0, added_maps=1)
PICTURE = Architecture(2, 3, 2, (4, 6, 8), factorised=True, residual=False, dropout=0.0, added_maps=2)


def twins(arch: Architecture, seed: int = 0) -> tuple[InceptionUNet, InceptionUNet]:
    """Twice the same network, every parameter drawn (those of the norms too); the second as it is trained on a CPU."""
    torch.manual_seed(seed)
    plain = InceptionUNet(arch).train()
    with torch.no_grad():
        for parameter in plain.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    shared = copy.deepcopy(plain)
    share_input(shared, "cpu")
    return plain, shared


def count(network: nn.Module) -> int:
    return sum(isinstance(module, TrainingInception) for module in network.modules())


def learned(levels: Sequence[Tensor], network: nn.Module, x: Tensor) -> list[Tensor]:
    """Gradients of the input and of every parameter."""
    loss = sum((level - 0.3).square().mean() for level in levels)
    return list(torch.autograd.grad(loss, [x, *network.parameters()]))


@pytest.mark.parametrize("arch", [BRAIN, LIVER_3D])
@pytest.mark.parametrize("batch", [1, 2])
def test_outputs_and_every_gradient_are_the_plain_networks(arch: Architecture, batch: int) -> None:
    plain, shared = (network.double() for network in twins(arch))
    assert count(shared) > 5
    x = torch.randn(batch, arch.in_channels, 8, 16, 12, dtype=torch.float64, requires_grad=True)
    found, wanted = shared.supervised(x), plain.supervised(x)
    assert all(torch.allclose(a, b, atol=1e-11) for a, b in zip(found, wanted, strict=True))
    for a, b in zip(learned(found, shared, x), learned(wanted, plain, x), strict=True):
        assert (a - b).abs().max() <= 1e-9 * (1e-3 + b.abs().max())


def test_in_float32_with_the_quick_convolutions_too() -> None:
    plain, shared = twins(BRAIN)
    x = torch.randn(1, 4, 16, 16, 12, requires_grad=True)
    found, wanted = Levels(shared, "cpu")(x), plain.supervised(x)
    assert all((a - b).abs().max() <= 1e-4 * b.abs().max() for a, b in zip(found, wanted, strict=True))
    gradients = learned(found, shared, x), learned(wanted, plain, x)
    largest = max(float(b.abs().max()) for b in gradients[1])
    for a, b in zip(*gradients, strict=True):  # a bias before a norm has a gradient of 0, and rounding of the others' size
        assert (a - b).abs().max() <= 1e-3 * b.abs().max() + 1e-5 * largest


def test_the_parameters_after_a_step_are_equal_and_keep_names_and_places() -> None:
    plain, shared = (network.double() for network in twins(BRAIN))
    names = [name for name, _ in plain.named_parameters()]
    assert [name for name, _ in shared.named_parameters()] == names and list(shared.state_dict()) == list(plain.state_dict())
    x = torch.randn(1, 4, 8, 8, 8, dtype=torch.float64)
    for network in (plain, shared):
        optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
        sum(level.square().mean() for level in network.supervised(x)).backward()
        optimiser.step()
    for name, parameter in plain.state_dict().items():
        assert torch.allclose(shared.state_dict()[name], parameter, rtol=0, atol=1e-8), name


def test_a_checkpoint_of_the_plain_network_goes_on_shared_and_back(tmp_path) -> None:
    settings = Settings(steps=2, batch=1, precision="float32")
    run = Run.start(InceptionUNet(BRAIN), settings)
    run.save(tmp_path / "plain.pt")
    later = Run.start(InceptionUNet(BRAIN), settings)
    forward, _ = prepared(later, settings)
    later.load(tmp_path / "plain.pt")
    x = torch.randn(1, 4, 8, 8, 8)
    assert count(later.network) > 5 and count(later.average) == 0
    assert torch.allclose(forward(x)[0], run.network.supervised(x)[0], atol=1e-4)
    later.save(tmp_path / "shared.pt")
    run.load(tmp_path / "shared.pt")


def test_what_does_not_pay_stays_as_it_is() -> None:
    assert count(twins(PICTURE)[1]) == count(twins(PLAIN_FIVE)[1]) == 0
    network = InceptionUNet(BRAIN)
    share_input(network, "cuda:0")
    assert count(network) == 0
    with torch.device("meta"):
        brain = InceptionUNet(PROFILES["brain"])
    share_input(brain, "cpu")
    assert count(brain) == 7 + 14 + 4, "fusion, encoder, decoder"
