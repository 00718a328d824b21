"""The contract between a data set and the training loop: batches of raw-normalised inputs and region targets.

Only torch enters here; a data set's files are read by the sampler that knows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """One training step's material. S has two axes (J, I) for 2-D networks and three (K, J, I) for 3-D ones.

    Attributes:
        x: (N, C, *S) float32, normalised exactly as inference does it (`MedSegDLLib.preprocess.normalise.normalise`), not yet augmented.
        y: (N, R, *S) float32, 0 or 1 for every entry of `task.outputs`.
        weight: (N, R) float32, 1 where that output is labelled in that sample, else 0.
    """

    x: Tensor
    y: Tensor
    weight: Tensor

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on another device."""
        return Batch(self.x.to(device), self.y.to(device), self.weight.to(device))


class Sampler(Protocol):
    """Where batches come from.

    Attributes:
        cases: names of the training cases, for the log and the model card.
        data_hash: SHA-256 over the contents of the files read, as a hexadecimal string.
        data: what was read, in a few words, for the model card.
    """

    cases: tuple[str, ...]
    data_hash: str
    data: str

    def draw(self, generator: torch.Generator, batch: int) -> Batch:
        """Draw `batch` samples; every random choice comes from `generator` (a CPU one), so that a seed replays a run."""
        ...


class LabelledSampler(Sampler, Protocol):
    """A sampler that may mix real samples with synthesised ones."""

    def without_synthesis(self) -> LabelledSampler:
        """The same cases as they are: nothing painted, planted or given another contrast (augmentation comes later, and stays).

        Raises:
            InputRefused: no case has a real image.
        """
        ...

    def in_shape(self) -> LabelledSampler:
        """The same, but samples neither scaled nor bent, as inference meets them."""
        ...

    def emphasising(self, shares: Mapping[str, float]) -> LabelledSampler:
        """The same, but cases drawn more or less often; one that is not named has share 1."""
        ...


@dataclass(frozen=True)
class WithoutLabels:
    """A sampler whose labels are not looked at; see `Sampler`."""

    sampler: Sampler

    @property
    def cases(self) -> tuple[str, ...]:
        """See `Sampler`."""
        return self.sampler.cases

    @property
    def data_hash(self) -> str:
        """See `Sampler`."""
        return self.sampler.data_hash

    @property
    def data(self) -> str:
        """See `Sampler`."""
        return f"{self.sampler.data}, labels not used"

    def draw(self, generator: torch.Generator, batch: int) -> Batch:
        """See `Sampler.draw`; nothing of it is labelled."""
        drawn = self.sampler.draw(generator, batch)
        return Batch(drawn.x, torch.zeros_like(drawn.y), torch.zeros_like(drawn.weight))
