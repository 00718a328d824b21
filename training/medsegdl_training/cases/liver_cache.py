"""CTs that stay on disk, read block by block as the sampler asks of a `LiverCase`. Shapes without a CT stay in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from MedSegDLLib.tasks import Plan

from ..synthesis.ct_images import AIR_HU
from .cache import CachedArrays, cache_folder, cache_key, cached
from .case import Case
from .liver import LiverCase, LiverFiles, Window, block_of, prepared_case

PREPARATION = 3  # raised when `prepared_case` changes, so that older caches are made anew
IMAGE = "hounsfield"  # the array of intensities
KINDS = ("tumour_planes", "liver_planes", "other_planes")


@dataclass(frozen=True)
class CachedLiverCase:
    """Looks like a `LiverCase` with a CT; only what tells where to look is in memory."""

    name: str
    arrays: CachedArrays

    has_ct = True

    @property
    def shape(self) -> tuple[int, ...]:
        """(K, J, I)."""
        return self.arrays.shapes["organs"][1:]

    @property
    def planes(self) -> tuple[Tensor, ...]:
        """See `LiverCase.planes`."""
        return tuple(self.arrays.small[kind] for kind in KINDS)

    @property
    def middles(self) -> Tensor:
        """See `LiverCase.middles`."""
        return self.arrays.small["middles"]

    def hounsfield_block(self, planes: range, window: Window) -> Tensor:
        """See `LiverCase.hounsfield_block`."""
        return self._block(IMAGE, planes, window, AIR_HU)[0].float()

    def organs_block(self, planes: range, window: Window) -> Tensor:
        """See `LiverCase.organs_block`."""
        return self._block("organs", planes, window, 0)[0]

    def regions_block(self, planes: range, window: Window) -> Tensor:
        """See `LiverCase.regions_block`."""
        return self._block("regions", planes, window, False)

    def _block(self, name: str, planes: range, window: Window, fill: float) -> Tensor:
        """What lies inside the volume is read; `block_of` adds the rest as it does in memory: (C, len(planes), *window)."""
        spans = (slice(planes.start, planes.stop), *window)
        low = [min(max(span.start, 0), length - 1) for span, length in zip(spans, self.shape)]
        high = [min(max(span.stop, start + 1), length) for span, start, length in zip(spans, low, self.shape)]
        read = self.arrays.patch(name, low, [stop - start for start, stop in zip(low, high)])
        there = range(planes.start - low[0], planes.stop - low[0])
        rows, columns = (slice(span.start - start, span.stop - start) for span, start in zip(window, low[1:]))
        return torch.stack([block_of(channel, there, (rows, columns), fill) for channel in read])


def case_of(files: LiverFiles, plan: Plan) -> LiverCase | CachedLiverCase:
    """A prepared case: in memory, or in the cache where $MEDSEGDL_CACHE names one and there is a CT."""
    folder = cache_folder()
    return prepared_case(files, plan) if folder is None or files.ct is None else _cached(files, plan, folder)


def cached_case(case: Case, plan: Plan, folder: Path) -> CachedLiverCase:
    """A case from the cache; prepared and written first where it is missing, or its files or the plan have changed."""
    return _cached(LiverFiles.of(case), plan, folder)


def _cached(files: LiverFiles, plan: Plan, folder: Path) -> CachedLiverCase:
    key = cache_key(files.paths, plan, PREPARATION, files.spacing_mm)
    return CachedLiverCase(files.name, cached(folder / files.name, key, lambda: _parts(prepared_case(files, plan))))


def _parts(case: LiverCase) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What goes into files of its own, and what is kept in memory."""
    arrays = {IMAGE: case.hounsfield[None], "organs": case.organs[None], "regions": case.regions}
    return arrays, {**dict(zip(KINDS, case.planes, strict=True)), "middles": case.middles}
