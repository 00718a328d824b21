"""Training batches of any task of volumes or pictures: patches of real cases, so often with each region in them that none is rare.

A sample is a block for a three-dimensional network, or a slice with its neighbours as channels, as the patch has three sides or two; of
a picture, which is one slice, a part.
Nothing is synthesised; augmentation comes later. Everything random comes from the generator of `draw`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Generator, Tensor

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.tasks import Plan, Task

from .. import cases
from ..cases.fingerprint import fingerprint
from ..cases.references import files_of
from ..cases.selection import Selection
from ..cases.volume import VolumeCase
from ..cases.volume_cache import CachedVolume, case_of
from ..synthesis.fields import chance, draw_one, pick
from .sampler import Batch

FOREGROUND_SHARE = 0.67  # of the samples hold some of a region drawn with equal shares among those that the case has; the rest lie anywhere


@dataclass(frozen=True)
class VolumeSampler:
    """See `Sampler`.

    Attributes:
        volumes: at least one; a picture is one of a single slice.
        slices: neighbouring slices of a two-dimensional sample.
        patch: (K, J, I) voxels, or (J, I).
    """

    volumes: Sequence[VolumeCase | CachedVolume]
    slices: int
    patch: tuple[int, ...]
    data_hash: str
    shares: Mapping[str, float] = field(default_factory=dict)
    kind: str = "volumes"

    @property
    def data(self) -> str:
        """See `Sampler`."""
        return f"{len(self.volumes)} labelled {self.kind}"

    @property
    def cases(self) -> tuple[str, ...]:
        """Names of the training cases."""
        return tuple(case.name for case in self.volumes)

    def without_synthesis(self) -> VolumeSampler:
        """See `LabelledSampler`: nothing of it is synthesised."""
        return self

    def in_shape(self) -> VolumeSampler:
        """See `LabelledSampler`: nothing of it is scaled or bent."""
        return self

    def emphasising(self, shares: Mapping[str, float]) -> VolumeSampler:
        """See `LabelledSampler`."""
        return replace(self, shares=dict(shares))

    def draw(self, generator: Generator, batch: int) -> Batch:
        """`batch` samples: x (batch, C, *patch), C the inputs (times `slices` in two dimensions), y (batch, R, *patch)."""
        drawn = [self._sample(generator) for _ in range(batch)]
        y = torch.stack([regions for _, regions in drawn]).float()
        return Batch(torch.stack([image for image, _ in drawn]), y, torch.ones(y.shape[:2]))

    def _sample(self, generator: Generator) -> tuple[Tensor, Tensor]:
        case = self.volumes[draw_one(generator, [self.shares.get(case.name, 1.0) for case in self.volumes])]
        flat = len(self.patch) == 2
        sides = (1, *self.patch) if flat else self.patch
        wished = self._place(case, generator) or (None,) * len(sides)
        start = tuple(window_start(n, side, at, generator) for n, side, at in zip(case.shape, sides, wished, strict=True))
        return self._slice(case, start) if flat else case.patch(start, sides)

    def _place(self, case: VolumeCase | CachedVolume, generator: Generator) -> tuple[int, ...] | None:
        """A voxel that the sample shall hold, or None for any."""
        there = [places for places in case.places if len(places)]
        if not there or not chance(generator, FOREGROUND_SHARE):
            return None
        places = there[pick(generator, len(there))]
        return tuple(places[pick(generator, len(places))].tolist())

    def _slice(self, case: VolumeCase | CachedVolume, start: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """A slice and its neighbours, as `sliding_window.neighbour_stack` puts them: the outermost ones are repeated."""
        reach = self.slices // 2
        planes = [min(max(start[0] + offset, 0), case.shape[0] - 1) for offset in range(-reach, reach + 1)]
        patches = [case.patch((plane, *start[1:]), (1, *self.patch)) for plane in planes]
        return torch.cat([image[:, 0] for image, _ in patches]), patches[reach][1][:, 0]


def window_start(length: int, side: int, containing: int | None, generator: Generator) -> int:
    """Where a window of `side` begins on an axis of `length`; negative where the axis is shorter (the rest is padding)."""
    low, high = min(0, length - side), max(0, length - side)
    if containing is not None:
        low, high = max(low, min(containing - side + 1, high)), min(high, max(containing, low))
    return low + pick(generator, high - low + 1)


def find_cases(task: Task, data: Path) -> list[cases.Case]:
    """The labelled cases under a folder or of a list, sorted by name."""
    return cases.find_cases(data, task)


def find_names(task: Task, data: Path) -> list[str]:
    """Their names: nothing else is read."""
    return [case.name for case in find_cases(task, data)]


def make_sampler(task: Task, selection: Selection, plan: Plan, patch: tuple[int, ...], seed: int) -> VolumeSampler:
    """Prepare every selected labelled case of the data set.

    Args:
        task: what they are for.
        selection: which cases.
        plan: normalisation, grid and number of neighbouring slices.
        patch: (K, J, I) or (J, I) voxels of the network's grid.
        seed: unused; all chance lies in `draw`.

    Raises:
        InputRefused: no case is left to train on, or one that `inspect` calls wrong.
    """
    chosen = selection.of(find_cases(task, selection.data))
    if not chosen:
        says = f"There are no labelled cases of the task '{task.key}' to train on in {selection.data}."
        raise InputRefused(says, "Give a folder with a dataset.json (Decathlon, nnU-Net), or a list; or hold out fewer.")
    paths = [part for case in chosen for path in (*case.inputs.values(), case.reference) for part in files_of(path)]
    kind = "pictures" if task.pictures else "volumes"
    return VolumeSampler([case_of(case, task, plan) for case in chosen], plan.slices, tuple(patch), fingerprint(paths), kind=kind)
