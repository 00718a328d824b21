"""Volumes that stay on disk: what the sampler asks of a `VolumeCase`, answered from the cache patch by patch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from MedSegDLLib.preprocess.normalise import OUTSIDE
from MedSegDLLib.tasks import Plan, Task

from .cache import CachedArrays, cache_folder, cache_key, cached
from .case import Case
from .references import files_of
from .volume import VolumeCase, prepared_case

PREPARATION = 2  # raised when `prepared_case` changes, so that older caches are made anew
IMAGE, REGIONS = "image", "regions"


@dataclass(frozen=True)
class CachedVolume:
    """Looks like a `VolumeCase`; only the places are in memory."""

    name: str
    arrays: CachedArrays
    places: tuple[Tensor, ...]
    outside: float

    @property
    def shape(self) -> tuple[int, ...]:
        """(K, J, I)."""
        return self.arrays.shapes[IMAGE][1:]

    def patch(self, start: Sequence[int], sides: Sequence[int]) -> tuple[Tensor, Tensor]:
        """See `VolumeCase.patch`."""
        return self.arrays.patch(IMAGE, start, sides, self.outside), self.arrays.patch(REGIONS, start, sides)


def case_of(case: Case, task: Task, plan: Plan) -> VolumeCase | CachedVolume:
    """A prepared case: in memory, or in the cache where $MEDSEGDL_CACHE names one."""
    folder = cache_folder()
    return prepared_case(case, task, plan) if folder is None else cached_case(task, case, plan, folder)


def cached_case(task: Task, case: Case, plan: Plan, folder: Path) -> CachedVolume:
    """A case from the cache; prepared and written first where it is missing, or its files, the plan or the task have changed."""
    paths = [part for path in (*case.inputs.values(), case.reference) for part in files_of(path)]
    key = cache_key(paths, plan, PREPARATION, sorted(case.inputs), task)
    arrays = cached(folder / case.name, key, lambda: _parts(prepared_case(case, task, plan), task))
    return CachedVolume(case.name, arrays, tuple(arrays.small[region.key] for region in task.regions), OUTSIDE[plan.scale])


def _parts(case: VolumeCase, task: Task) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What goes into files of its own, and what is kept in memory."""
    places = {region.key: found for region, found in zip(task.regions, case.places, strict=True)}
    return {IMAGE: case.image, REGIONS: case.regions}, places
