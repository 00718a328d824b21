"""Pre-training without labels: fill in what was masked (He et al. 2022), or know a place again in two views (InfoNCE, Wang et al. 2021).

Both train the very inception U-Net of the task with another number of outputs; a run then starts from all of it but its last convolutions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from ..transforms.augment import Recipe, apply
from .losses import over_levels
from .objectives import Objective, Progress, generators_of, numbers_for, sampled
from .parallel import total
from .sampler import Sampler
from .state import Trainable

MASKED_SHARE = 0.6
BLOCK = 8  # side of a masked block in voxels
EMBEDDING = 16  # outputs a place for the contrastive method
PLACES = 64  # a sample
TEMPERATURE = 0.2


@dataclass(frozen=True, eq=False)
class Masked:
    """A sample in part hidden: `seen` and `whole` (N, C, *S), `mask` (N, 1, *S), 1 where hidden."""

    seen: Tensor
    whole: Tensor
    mask: Tensor


@dataclass(frozen=True)
class FillIn:
    """Masked image modelling: predict each hidden block, in standard deviations from its sample's mean, at every level."""

    sampler: Sampler
    recipe: Recipe

    def draw(self, seeds: Sequence[int], device: str) -> Masked:
        """See `Objective.draw`."""
        generators = generators_of(seeds)
        batch = sampled(self.sampler, generators, device)
        x = apply(batch, numbers_for(batch, self.recipe, generators), self.recipe.bounds).x
        mask = torch.cat([block_mask(tuple(x.shape[2:]), generator) for generator in generators]).to(device)
        axes = list(range(1, x.ndim))
        mean, deviation = x.mean(axes, keepdim=True), x.std(axes, keepdim=True).clamp(min=1e-3)
        return Masked(x * (1 - mask) + mean * mask, (x - mean) / deviation, mask)

    def loss(self, forward: nn.Module, average: Trainable, batch: Masked, progress: Progress) -> Tensor:
        """See `Objective.loss`."""
        return over_levels([hidden_error(level.float(), batch) for level in forward(batch.seen)])


def block_mask(shape: tuple[int, ...], generator: Generator) -> Tensor:
    """Hidden blocks, aligned to `BLOCK`: (1, 1, *shape), 1 where hidden."""
    blocks = [-(-side // BLOCK) for side in shape]
    hidden = (torch.rand((1, 1, *blocks), generator=generator) < MASKED_SHARE).float()
    for axis in range(2, hidden.ndim):
        hidden = hidden.repeat_interleave(BLOCK, axis)
    return hidden[(..., *(slice(0, side) for side in shape))]


def hidden_error(level: Tensor, batch: Masked) -> Tensor:
    """Mean square error where blocks are hidden, over the batch of all processes."""
    size = level.shape[2:]
    truth, mask = (F.interpolate(part, size=size, mode="area") for part in (batch.whole, batch.mask))
    error, voxels = total(torch.stack([(mask * (level - truth) ** 2).sum(), mask.sum() * level.shape[1]]))
    return error / voxels.clamp(min=1)


@dataclass(frozen=True, eq=False)
class Pair:
    """Two views (N, C, *S) of the same samples with the same geometry, and places (N, PLACES, D) in 0..1 along the axes."""

    one: Tensor
    other: Tensor
    places: Tensor


@dataclass(frozen=True)
class Recognise:
    """Dense contrast: a place's output in one view is nearer to that place in the other than to all other places of the batch."""

    sampler: Sampler
    recipe: Recipe

    def draw(self, seeds: Sequence[int], device: str) -> Pair:
        """See `Objective.draw`."""
        generators = generators_of(seeds)
        batch = sampled(self.sampler, generators, device)
        first, second = (numbers_for(batch, self.recipe, generators) for _ in range(2))
        one, other = (apply(batch, replace(drawn, matrix=first.matrix), self.recipe.bounds).x for drawn in (first, second))
        places = torch.stack([torch.rand((PLACES, batch.x.ndim - 2), generator=generator) for generator in generators])
        return Pair(one, other, places.to(device))

    def loss(self, forward: nn.Module, average: Trainable, batch: Pair, progress: Progress) -> Tensor:
        """See `Objective.loss`."""
        count = len(batch.one)
        levels = forward(torch.cat([batch.one, batch.other]))
        return over_levels([contrast(level[:count].float(), level[count:].float(), batch.places) for level in levels])


def contrast(one: Tensor, other: Tensor, places: Tensor) -> Tensor:
    """InfoNCE between the outputs (N, E, *S) of two views at `places` (N, P, D), mean over the places of all processes."""
    first, second = (F.normalize(at_places(level, places), dim=1) for level in (one, other))
    target = torch.arange(len(first), device=first.device)
    loss = F.cross_entropy(first @ second.T / TEMPERATURE, target, reduction="sum")
    summed, number = total(torch.stack([loss, torch.full_like(loss, len(first))]))
    return summed / number


def at_places(level: Tensor, places: Tensor) -> Tensor:
    """Outputs (N, E, *S) at `places` (N, P, D): (N * P, E)."""
    sides = torch.tensor(level.shape[2:], device=level.device)
    indices = (places * sides).long()
    flat = torch.zeros(indices.shape[:2], dtype=torch.long, device=level.device)
    for axis, side in enumerate(level.shape[2:]):
        flat = flat * side + indices[..., axis]
    gathered = level.flatten(2).gather(2, flat[:, None].expand(-1, level.shape[1], -1))
    return gathered.transpose(1, 2).flatten(0, 1)


METHODS: dict[str, type[FillIn] | type[Recognise]] = {"masked": FillIn, "contrastive": Recognise}


def pretext_of(method: str, sampler: Sampler, recipe: Recipe) -> Objective:
    """The objective of a method."""
    return METHODS[method](sampler, recipe)


def outputs_of(method: str, in_channels: int) -> int:
    """How many outputs the network has for a method."""
    return in_channels if method == "masked" else EMBEDDING
