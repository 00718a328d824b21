"""Labelled volumes and pictures of any task, from files to memory: what the network gets (`preparation`), its regions, and where these lie.

Nothing of it is special to an organ; what is (tissues, organs to synthesise from) has rooms of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from MedSegDLLib.preprocess.normalise import OUTSIDE
from MedSegDLLib.tasks import Plan, Task

from .case import Case
from .preparation import prepared

MOST_PLACES = 10_000  # of a region that are kept to draw from (nnU-Net keeps as many)


@dataclass(frozen=True)
class VolumeCase:
    """One case in memory, on the network's grid.

    Attributes:
        name: of the case.
        image: (C, K, J, I) float32, normalised; missing inputs 0. C are the colours of a picture, whose K is 1.
        regions: (R, K, J, I) bool.
        places: a region: (n, 3) int16 voxels of it, evenly chosen where there are more than `MOST_PLACES`.
        outside: the image's value beyond the volume.
    """

    name: str
    image: Tensor
    regions: Tensor
    places: tuple[Tensor, ...]
    outside: float

    @property
    def shape(self) -> tuple[int, ...]:
        """(K, J, I)."""
        return tuple(self.image.shape[1:])

    def patch(self, start: Sequence[int], sides: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Image (C, *sides) and regions (R, *sides) of the patch that begins at `start` (K, J, I); beyond the volume lies nothing."""
        return cut(self.image, start, sides, self.outside), cut(self.regions, start, sides)


def cut(x: Tensor, start: Sequence[int], sides: Sequence[int], outside: float = 0.0) -> Tensor:
    """The patch of (C, *S) that begins at `start`, `outside` where it leaves the volume: (C, *sides)."""
    patch = torch.full((x.shape[0], *sides), outside, dtype=x.dtype)
    source, target = [slice(None)], [slice(None)]
    for first, side, length in zip(start, sides, x.shape[1:]):
        low, high = max(first, 0), min(first + side, length)
        source.append(slice(low, high))
        target.append(slice(low - first, high - first))
    patch[tuple(target)] = x[tuple(source)]
    return patch


def prepared_case(case: Case, task: Task, plan: Plan) -> VolumeCase:
    """Read one case; the image is what `segment` would give the network.

    Raises:
        InputRefused: what `inspect` calls an error.
    """
    found = prepared(case, task, plan)
    return VolumeCase(case.name, found.x, found.regions, tuple(map(places_of, found.regions)), OUTSIDE[plan.scale])


def places_of(region: Tensor) -> Tensor:
    """(n, 3) int16 voxels of a region (K, J, I), at most `MOST_PLACES`."""
    places = region.nonzero()
    return places[:: max(1, -(-len(places) // MOST_PLACES))].to(torch.int16)
