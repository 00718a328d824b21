"""Training batches for the liver and its tumours: slabs of real CTs with other contrasts and made-up tumours, and painted ones.

2.5-D: a sample is a plane with its neighbours as channels. Everything random comes from the generator of `draw`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Generator, Tensor

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.prepare import normalise
from MedSegDLLib.tasks import Plan

from .ct_synthesis import (
    AIR_HU,
    PLANES_BESIDE,
    Organ,
    grow_in_liver,
    grow_outside,
    noise,
    other_phase,
    paint_slab,
    plant_mass,
    plant_tumours,
)
from .fields import chance, identity_coordinates, pick, smooth_field, uniform, warp
from .fingerprint import fingerprint
from .liver_cases import LiverCase, find_cases, find_files, prepared_case
from .source import Batch

__all__ = ["LiverSource", "Mixture", "find_cases", "make_source"]

BEND_MM = 14.0  # largest usual displacement of the elastic warp
TYPICAL_LIVER_HU = 110.0


@dataclass(frozen=True)
class Mixture:
    """How often each kind of sample is drawn.

    Attributes:
        real: a patient's own CT; the rest is painted.
        phase: among real ones, another contrast phase.
        tumours: liver samples that get made-up tumours.
        masses: samples that get a mass of another organ, which is no liver.
        planes: weights of planes with tumour, with liver alone, with neither.
        bent: samples that are warped.
    """

    real: float = 0.6
    phase: float = 0.6
    tumours: float = 0.5
    masses: float = 0.6
    planes: tuple[float, float, float] = (0.3, 0.45, 0.25)
    bent: float = 0.6


@dataclass(frozen=True)
class LiverSource:
    """See `source.Source`."""

    patients: Sequence[LiverCase]
    plan: Plan
    patch: tuple[int, int]
    data_hash: str
    mixture: Mixture = Mixture()
    data: str = "3D-IRCADb-01: one CT with liver and tumours, and CTs painted from the organ maps of other patients"
    licence: str = "CC BY-NC-ND 4.0 (3D-IRCADb-01): research use only, not commercial"

    @property
    def cases(self) -> tuple[str, ...]:
        """Names of the training patients."""
        return tuple(case.name for case in self.patients)

    def draw(self, generator: Generator, batch: int) -> Batch:
        """`batch` planes of (slices, *patch) and their regions liver and tumour."""
        drawn = [self._sample(generator) for _ in range(batch)]
        x = torch.stack([normalise(slab, self.plan) for slab, _ in drawn])
        y = torch.stack([regions for _, regions in drawn]).float()
        return Batch(x, y, torch.ones(y.shape[:2]))

    def _sample(self, generator: Generator) -> tuple[Tensor, Tensor]:
        """HU (slices, *patch) and regions (2, *patch) of the middle plane."""
        with_ct = [case for case in self.patients if case.hounsfield is not None]
        real = bool(with_ct) and chance(generator, self.mixture.real)
        pool = with_ct if real else [case for case in self.patients if case.hounsfield is None] or self.patients
        case = pool[pick(generator, len(pool))]
        plane = self._plane(case, generator)
        slab, regions = self._real(case, plane, generator) if real else self._painted(case, plane, generator)
        if chance(generator, self.mixture.bent):
            slab, regions = bend(slab, regions, BEND_MM / self.plan.spacing_mm[0], generator)
        if chance(generator, 0.5):
            slab = slab.flip(0)
        return slab, regions

    def _plane(self, case: LiverCase, generator: Generator) -> int:
        """A plane of a kind drawn by `Mixture.planes`, or of any that the case has."""
        kinds = [(planes, weight) for planes, weight in zip(case.planes, self.mixture.planes) if len(planes)]
        weights = torch.tensor([weight for _, weight in kinds])
        planes = kinds[int(torch.multinomial(weights, 1, generator=generator))][0]
        return int(planes[pick(generator, len(planes))])

    def _real(self, case: LiverCase, plane: int, generator: Generator) -> tuple[Tensor, Tensor]:
        reach = self.plan.slices // 2
        window = self._window(case, plane, generator)
        slab = slab_of(case.hounsfield, plane, reach, window, AIR_HU).float()
        organs = slab_of(case.organs, plane, reach, window, 0)
        regions = torch.stack([slab_of(region, plane, reach, window, False) for region in case.regions])
        if chance(generator, self.mixture.phase):
            slab = other_phase(slab, organs, generator)
        if chance(generator, self.mixture.tumours):
            fresh = grow_in_liver(organs, regions[0], self.plan.spacing_mm, generator) & ~regions[1]
            slab = plant_tumours(slab, fresh, _liver_level(slab, organs), generator)
            regions[1] |= fresh
        if chance(generator, self.mixture.masses):
            mass = grow_outside(organs, regions[0], self.plan.spacing_mm, generator)
            slab, regions = plant_mass(slab, mass, generator), regions & ~mass
        if chance(generator, 0.3):
            slab = slab + 0.6 * noise(slab.shape, generator)
        return slab, regions[:, reach]

    def _painted(self, case: LiverCase, plane: int, generator: Generator) -> tuple[Tensor, Tensor]:
        reach = self.plan.slices // 2 + PLANES_BESIDE
        window = self._window(case, plane, generator)
        organs = slab_of(case.organs, plane, reach, window, 0)
        regions = torch.stack([slab_of(region, plane, reach, window, False) for region in case.regions])
        if chance(generator, self.mixture.tumours):
            fresh = grow_in_liver(organs, regions[0], self.plan.spacing_mm, generator)
            organs = torch.where(fresh, int(Organ.TUMOUR), organs.long()).to(torch.uint8)
            regions[1] |= fresh
        if chance(generator, self.mixture.masses):
            mass = grow_outside(organs, regions[0], self.plan.spacing_mm, generator)
            organs, regions = torch.where(mass, int(Organ.MASS), organs.long()).to(torch.uint8), regions & ~mass
        return paint_slab(organs, generator), regions[:, reach]

    def _window(self, case: LiverCase, plane: int, generator: Generator) -> tuple[slice, slice]:
        """Rows and columns of the patch, near the liver of that plane or anywhere; a volume smaller than the patch is padded."""
        places = case.regions[0, plane].nonzero()
        centred = len(places) > 0 and chance(generator, 0.5)
        spans = []
        for axis, (side, length) in enumerate(zip(self.patch, case.organs.shape[1:])):
            low, high = min(0, length - side), max(0, length - side)
            start = low + pick(generator, high - low + 1)
            if centred:
                middle = float(places[:, axis].float().mean()) + uniform(generator, -0.2, 0.2) * side
                start = min(max(round(middle - side / 2), low), high)
            spans.append(slice(start, start + side))
        return tuple(spans)


def _liver_level(slab: Tensor, organs: Tensor) -> float:
    """Median HU of the healthy liver in a slab."""
    values = slab[organs == Organ.LIVER]
    return float(values.median()) if values.numel() else TYPICAL_LIVER_HU


def slab_of(volume: Tensor, plane: int, reach: int, window: tuple[slice, slice], fill: float) -> Tensor:
    """Planes plane - reach ... plane + reach (the outermost repeated) of a window that may leave the volume: (2 reach + 1, *window)."""
    planes = [min(max(k, 0), volume.shape[0] - 1) for k in range(plane - reach, plane + reach + 1)]
    sides = [span.stop - span.start for span in window]
    slab = torch.full((len(planes), *sides), fill, dtype=volume.dtype)
    source, target = [], []
    for span, length in zip(window, volume.shape[1:]):
        low, high = min(max(span.start, 0), length), max(min(span.stop, length), 0)
        source.append(slice(low, max(low, high)))
        target.append(slice(low - span.start, max(low, high) - span.start))
    slab[(slice(None), *target)] = volume[(planes, *source)]
    return slab


def bend(slab: Tensor, regions: Tensor, voxels: float, generator: Generator) -> tuple[Tensor, Tensor]:
    """One smooth random warp in the plane, of about `voxels`, for a slab (C, J, I) and its regions (2, J, I) bool."""
    shape = slab.shape[1:]
    amount = uniform(generator, 0.2, 1.0) * voxels
    shift = torch.stack([smooth_field(shape, 0.25 * max(shape), generator) for _ in shape], dim=-1) * amount
    coordinates = identity_coordinates(shape) + shift * (2.0 / torch.tensor(shape[::-1], dtype=torch.float32))
    moved = warp(torch.cat([slab - AIR_HU, regions.float()]), coordinates)
    return moved[: len(slab)] + AIR_HU, moved[len(slab) :] >= 0.5


def make_source(data: Path, holdout: tuple[str, ...], plan: Plan, patch: tuple[int, ...], seed: int) -> LiverSource:
    """Prepare every labelled patient below `data/liver` (or `data`), but for the held-out ones, which are never read.

    Args:
        data: folder of the images.
        holdout: names of patients, as their files begin.
        plan: normalisation, grid and number of neighbouring planes.
        patch: (J, I) voxels of the network's grid.
        seed: unused here; all chance lies in `draw`.

    Raises:
        InputRefused: no case is left to train on.
    """
    found = [files for files in find_files(data) if files.name not in holdout]
    if not found:
        raise InputRefused(f"There are no labelled livers to train on in {data}.", "Give a folder of CTs and label maps, as LiTS has them.")
    patients = [prepared_case(files, plan) for files in found]
    return LiverSource(patients, plan, tuple(patch), fingerprint([path for files in found for path in files.paths]))
