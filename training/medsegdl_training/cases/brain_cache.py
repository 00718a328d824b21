"""Brains that stay on disk: what the sampler asks of a `BrainCase`, answered from the cache patch by patch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from MedSegDLLib.tasks import Plan

from ..synthesis.brain_images import TissueIntensities
from .brain import BrainCase, prepared_case
from .cache import CachedArrays, cache_folder, cache_key, cached
from .case import Case

PREPARATION = 3  # raised when `prepared_case` changes, so that older caches are made anew
IMAGE = "image"  # the array of intensities


@dataclass(frozen=True)
class CachedBrainCase:
    """Looks like a `BrainCase`; only the places, the intensities and the donor are in memory."""

    name: str
    arrays: CachedArrays
    intensities: TissueIntensities
    donor: Tensor
    complete: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """(K, J, I)."""
        return self.arrays.shapes["healthy"][1:]

    @property
    def tumour_places(self) -> Tensor:
        """(n, 3) voxels of the whole tumour."""
        return self.arrays.small["tumour_places"]

    @property
    def white_places(self) -> Tensor:
        """(n, 3) voxels of white matter."""
        return self.arrays.small["white_places"]

    def patch(self, start: tuple[int, ...], sides: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
        """See `BrainCase.patch`."""
        image, regions = self.arrays.patch(IMAGE, start, sides), self.arrays.patch("regions", start, sides)
        return image, self.healthy_patch(start, sides), regions

    def healthy_patch(self, start: tuple[int, ...], sides: tuple[int, ...]) -> Tensor:
        """See `BrainCase.healthy_patch`."""
        return self.arrays.patch("healthy", start, sides)[0]


def case_of(case: Case, plan: Plan) -> BrainCase | CachedBrainCase:
    """A prepared case: in memory, or in the cache where $MEDSEGDL_CACHE names one."""
    folder = cache_folder()
    return prepared_case(case, plan) if folder is None else cached_case(case, plan, folder)


def cached_case(case: Case, plan: Plan, folder: Path) -> CachedBrainCase:
    """A case from the cache; prepared and written first where it is missing, or its files or the plan have changed."""
    key = cache_key([*case.inputs.values(), case.reference], plan, PREPARATION, sorted(case.inputs))
    arrays = cached(folder / case.name, key, lambda: _parts(prepared_case(case, plan)))
    small = arrays.small
    return CachedBrainCase(case.name, arrays, TissueIntensities(small["level"], small["spread"]), small["donor"], bool(small["complete"]))


def _parts(case: BrainCase) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What goes into files of its own, and what is kept in memory."""
    arrays = {IMAGE: case.image, "regions": case.regions, "healthy": case.healthy[None]}
    places = {"tumour_places": case.tumour_places.to(torch.int16), "white_places": case.white_places.to(torch.int16)}
    intensities = {"level": case.intensities.level, "spread": case.intensities.spread}
    return arrays, {**places, **intensities, "donor": case.donor, "complete": torch.tensor(case.complete)}
