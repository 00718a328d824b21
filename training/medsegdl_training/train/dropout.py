"""Dropout whose masks follow from each sample's own seed: a step is the same however many processes share it out. Only torch enters here.

Numbers come from a hash of seed, place in the network and channel instead of a generator's state, so that a compiled one draws the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

# The finaliser of SplitMix64 (Steele, Lea and Flood 2014), its constants as signed numbers.
GOLDEN = 0x9E3779B97F4A7C15 - 2**64
FIRST, SECOND = 0xBF58476D1CE4E5B9 - 2**64, 0x94D049BB133111EB - 2**64
BITS = 53  # of a hash that become a number from 0 to 1


class SampleSeeds:
    """The seeds of the samples that the next forward pass will see, on the network's device."""

    def __init__(self, device: torch.device | str) -> None:
        self.device = device
        self.seeds = torch.zeros(1, dtype=torch.int64, device=device)

    def follow(self, seeds: Sequence[int]) -> None:
        """Take the seeds of one step's samples."""
        self.seeds = torch.tensor(list(seeds), dtype=torch.int64, device=self.device)


class SampleDropout(nn.Module):
    """Whole channels of (N, C, *S) dropped with probability `p`, as `nn.Dropout2d` and `nn.Dropout3d` do.

    N is a multiple of the number of seeds, where a step shows several views of its samples one after the other.
    """

    def __init__(self, p: float, place: int, seeds: SampleSeeds) -> None:
        super().__init__()
        self.p, self.place, self.seeds = p, place, seeds

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        kept = uniform(self.seeds.seeds, self.place, tuple(x.shape[:2])) >= self.p
        scale = kept.to(x.dtype) / (1 - self.p)
        return x * scale.reshape(*scale.shape, *[1] * (x.ndim - 2))


def uniform(seeds: Tensor, place: int, shape: tuple[int, int]) -> Tensor:
    """Numbers from [0, 1) for N samples and C channels at one place of a network: (n,) int64 seeds -> (N, C) float64."""
    count, channels = shape
    views = -(-count // len(seeds))
    view = torch.arange(views, device=seeds.device).repeat_interleave(len(seeds))[:count]
    own = _mixed(seeds.repeat(views)[:count] + GOLDEN * (view + 1))
    channel = torch.arange(channels, device=seeds.device) + 1
    hashed = _mixed(own[:, None] + GOLDEN * (channel * 4096 + channels * 64 + place))  # levels that share a place differ in their width
    return (_shifted(hashed, 64 - BITS)).double() * 2.0**-BITS


def _mixed(x: Tensor) -> Tensor:
    """A hash of int64 numbers that wraps around."""
    x = (x ^ _shifted(x, 30)) * FIRST
    x = (x ^ _shifted(x, 27)) * SECOND
    return x ^ _shifted(x, 31)


def _shifted(x: Tensor, bits: int) -> Tensor:
    """Shifted to the right as if unsigned."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def seed_by_sample(network: nn.Module, device: torch.device | str) -> SampleSeeds:
    """Let every spatial dropout of a network follow the samples' seeds, which the returned object is told before each step."""
    seeds = SampleSeeds(device)
    for place, (parent, name, child) in enumerate(_dropouts(network)):
        setattr(parent, name, SampleDropout(child.p, place, seeds))
    return seeds


def _dropouts(network: nn.Module) -> list[tuple[nn.Module, str, nn.Module]]:
    kinds = (nn.Dropout2d, nn.Dropout3d, SampleDropout)
    return [(parent, name, child) for parent in network.modules() for name, child in parent.named_children() if isinstance(child, kinds)]
