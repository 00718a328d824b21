"""Networks to compare with ours, each scaled to about the same number of weights: MONAI's U-Net and SegResNet, the other profiles."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from MedSegDLLib.errors import UsageError
from MedSegDLLib.network.inception_unet import PROFILES, Architecture, InceptionUNet

from ..train.state import Trainable

BASES = range(2, 65)  # filters of the finest level that are tried
GROUPS = 4  # of SegResNet's normalisation (its own 8 would leave too few sizes to choose from)


@dataclass(frozen=True)
class PlainShape:
    """What the loop must know of a network that is not ours."""

    spatial_dims: int
    divisor: int


class Plain(nn.Module):
    """A network of one output level with the face of ours."""

    def __init__(self, network: nn.Module, arch: PlainShape) -> None:
        super().__init__()
        self.network, self.arch = network, arch

    def supervised(self, x: Tensor) -> list[Tensor]:
        """Its logits (N, R, *S) as the only level."""
        return [self.network(x)]


def monai_unet(like: Architecture, base: int) -> Plain:
    """MONAI's residual U-Net of five levels."""
    from monai.networks.nets import UNet

    channels = [base * 2**level for level in range(5)]
    network = UNet(like.spatial_dims, like.in_channels, like.out_channels, channels, [2] * 4, num_res_units=2, dropout=like.dropout)
    return Plain(network, PlainShape(like.spatial_dims, 16))


def monai_segresnet(like: Architecture, base: int) -> Plain:
    """MONAI's SegResNet."""
    from monai.networks.nets import SegResNet

    network = SegResNet(
        like.spatial_dims,
        base,
        in_channels=like.in_channels,
        out_channels=like.out_channels,
        dropout_prob=like.dropout,
        norm=("GROUP", {"num_groups": GROUPS}),
        upsample_mode="deconv",
    )
    return Plain(network, PlainShape(like.spatial_dims, 8))


def inception(like: Architecture, base: int, **changed: object) -> InceptionUNet:
    """An inception U-Net whose filters double from level to level, as in both papers."""
    return InceptionUNet(replace(like, widths=tuple(base * 2**level for level in range(5)), **changed))


RIVALS: dict[str, tuple[Callable[[Architecture, int], Trainable], Sequence[int]]] = {
    "paper's profile (iunet)": (
        lambda like, base: inception(like, base, factorised=False, hybrid_pool=True, residual=False),
        BASES,
    ),
    "residual inception (brain's profile)": (
        lambda like, base: inception(like, base, factorised=True, hybrid_pool=False, residual=True),
        BASES,
    ),
    "MONAI UNet": (monai_unet, BASES),
    "MONAI SegResNet": (monai_segresnet, [base for base in BASES if base % GROUPS == 0]),
}


def weights_of(network: nn.Module) -> int:
    """How many numbers a network learns."""
    return sum(p.numel() for p in network.parameters())


def scaled(name: str, like: Architecture) -> tuple[Callable[[], Trainable], int]:
    """Builds the rival whose number of weights is nearest to that of an architecture; and that number.

    Raises:
        UsageError: MONAI is not installed.
    """
    make, bases = RIVALS[name]
    try:
        with torch.device("meta"):
            wanted = weights_of(InceptionUNet(like))
            above = bisect_left(bases, wanted, key=lambda base: weights_of(make(like, base)))
            counts = {base: weights_of(make(like, base)) for base in bases[max(0, above - 1) : above + 1]}
    except ImportError as error:
        raise UsageError("MONAI is not installed.", "pip install 'medsegdl-training[compare]'") from error
    best = min(counts, key=lambda base: abs(counts[base] - wanted))
    return lambda: make(like, best), counts[best]


def profile_of(name: str, widths: tuple[int, ...] | None) -> Architecture:
    """A profile, with other widths if given."""
    arch = PROFILES[name]
    return arch if widths is None else replace(arch, widths=widths, added_maps=min(arch.added_maps, len(widths) - 1))
