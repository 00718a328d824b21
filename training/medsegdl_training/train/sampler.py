"""The contract between a data set and the training loop: batches of raw-normalised inputs and region targets.

Only torch enters here; a data set's files are read by the source that knows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
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


@dataclass(frozen=True)
class Case:
    """One labelled case of a data set, as files.

    Attributes:
        name: without anything that tells whose it is.
        inputs: input key of the task -> file.
        reference: label map, or None where the case has none.
    """

    name: str
    inputs: dict[str, Path]
    reference: Path | None


class Source(Protocol):
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


class LabelledSource(Source, Protocol):
    """A source that may mix real samples with synthesised ones."""

    def without_synthesis(self) -> LabelledSource:
        """The same cases as they are: nothing painted, planted or given another contrast (augmentation comes later, and stays).

        Raises:
            InputRefused: no case has a real image.
        """
        ...

    def in_shape(self) -> LabelledSource:
        """The same, but samples neither scaled nor bent, as inference meets them."""
        ...

    def emphasising(self, shares: Mapping[str, float]) -> LabelledSource:
        """The same, but cases drawn more or less often; one that is not named has share 1."""
        ...


@dataclass(frozen=True)
class WithoutLabels:
    """A source whose labels are not looked at; see `Source`."""

    source: Source

    @property
    def cases(self) -> tuple[str, ...]:
        """See `Source`."""
        return self.source.cases

    @property
    def data_hash(self) -> str:
        """See `Source`."""
        return self.source.data_hash

    @property
    def data(self) -> str:
        """See `Source`."""
        return f"{self.source.data}, labels not used"

    def draw(self, generator: torch.Generator, batch: int) -> Batch:
        """See `Source.draw`; nothing of it is labelled."""
        drawn = self.source.draw(generator, batch)
        return Batch(drawn.x, torch.zeros_like(drawn.y), torch.zeros_like(drawn.weight))
