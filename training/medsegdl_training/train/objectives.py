"""What a step of training draws and what it minimises: labelled samples alone, or with a mean teacher's opinion on unlabelled ones.

Samples come one a seed, so that they do not depend on how a batch is shared out; augmentation then takes them all at once, on the device.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Generator, Tensor, nn

from ..transforms.augment import Drawn, Recipe, apply, draw, geometry_of, joined
from .losses import Loss, deep_supervision, mean_square
from .sampler import Batch, Sampler
from .state import Trainable

CONSISTENCY = 4.0  # weight of the teacher at the end of the ramp
RAMP_SHARE = 0.4  # of the budget until the teacher has its full weight
RAMP_SHARPNESS = 5.0  # exp(-5 (1 - t)^2), Laine and Aila 2017, Tarvainen and Valpola 2017


@dataclass(frozen=True)
class Progress:
    """How far a run is: `step` from 0, and the share of its budget that is `spent`, 0..1."""

    step: int
    spent: float


class Objective(Protocol):
    """What a run minimises."""

    def draw(self, seeds: Sequence[int], device: str) -> Any:
        """The material of one step, on the device: one sample a seed."""
        ...

    def loss(self, forward: nn.Module, average: Trainable, batch: Any, progress: Progress) -> Tensor:
        """The loss of that material; `forward` gives the network's levels, `average` is the network of averaged weights."""
        ...


def generators_of(seeds: Sequence[int]) -> list[Generator]:
    """A CPU generator a seed."""
    return [Generator().manual_seed(seed) for seed in seeds]


def sampled(sampler: Sampler, generators: Sequence[Generator], device: str) -> Batch:
    """One sample of the sampler a generator, together and on the device."""
    parts = [sampler.draw(generator, 1) for generator in generators]
    whole = Batch(torch.cat([b.x for b in parts]), torch.cat([b.y for b in parts]), torch.cat([b.weight for b in parts]))
    return whole.to(device)


def numbers_for(batch: Batch, recipe: Recipe, generators: Sequence[Generator]) -> Drawn:
    """Augmentation's numbers for a batch, each sample's from its own generator."""
    return joined([draw(recipe, (1, *batch.x.shape[1:]), generator) for generator in generators])


@dataclass(frozen=True)
class Supervised:
    """Labelled samples, augmented; the loss over all supervised levels."""

    sampler: Sampler
    recipe: Recipe
    criterion: Loss

    def draw(self, seeds: Sequence[int], device: str) -> Batch:
        """See `Objective.draw`."""
        generators = generators_of(seeds)
        batch = sampled(self.sampler, generators, device)
        return apply(batch, numbers_for(batch, self.recipe, generators), self.recipe.bounds)

    def loss(self, forward: nn.Module, average: Trainable, batch: Batch, progress: Progress) -> Tensor:
        """See `Objective.loss`."""
        return deep_supervision(forward(batch.x), batch.y, batch.weight, self.criterion)


@dataclass(frozen=True, eq=False)
class Views:
    """A labelled batch, and unlabelled samples in the same geometry: `weak` (N, C, *S) for the teacher, `strong` for the student."""

    labelled: Batch
    weak: Tensor
    strong: Tensor


@dataclass(frozen=True)
class MeanTeacher:
    """Labelled samples, and agreement with the averaged network on unlabelled ones (Tarvainen and Valpola 2017).

    The teacher sees an unlabelled sample moved only, the student the same with changed intensities; the mean square between their
    probabilities counts more and more as the teacher gets better.
    """

    supervised: Supervised
    unlabelled: Sampler
    weight: float = CONSISTENCY

    def draw(self, seeds: Sequence[int], device: str) -> Views:
        """See `Objective.draw`: as many unlabelled samples as labelled ones."""
        generators, recipe = generators_of([seed + 1 for seed in seeds]), self.supervised.recipe
        batch = sampled(self.unlabelled, generators, device)
        drawn = numbers_for(batch, recipe, generators)
        weak, strong = apply(batch, geometry_of(drawn), recipe.bounds), apply(batch, drawn, recipe.bounds)
        return Views(self.supervised.draw(seeds, device), weak.x, strong.x)

    def loss(self, forward: nn.Module, average: Trainable, batch: Views, progress: Progress) -> Tensor:
        """See `Objective.loss`."""
        labelled, count = batch.labelled, len(batch.labelled.x)
        levels = forward(torch.cat([labelled.x, batch.strong]))
        with torch.no_grad():
            opinion = torch.sigmoid(average.supervised(batch.weak)[0].float())
        taught = deep_supervision([level[:count] for level in levels], labelled.y, labelled.weight, self.supervised.criterion)
        return taught + self.weight * ramp(progress.spent) * mean_square(torch.sigmoid(levels[0][count:].float()) - opinion)


def ramp(spent: float) -> float:
    """Sigmoid-shaped rise from exp(-5) to 1 over the first part of the budget."""
    return math.exp(-RAMP_SHARPNESS * (1 - min(1.0, spent / RAMP_SHARE)) ** 2)
