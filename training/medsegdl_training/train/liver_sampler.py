"""Training batches for the liver and its tumours: blocks of real CTs with other contrasts and made-up tumours, and painted ones.

A sample is a block for a three-dimensional network, or a plane with its neighbours as channels (2.5-D), as the patch has three sides or
two. Everything random comes from the generator of `draw`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Generator, Tensor

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.preprocess.normalise import normalise
from MedSegDLLib.tasks import Plan

from ..cases.fingerprint import fingerprint
from ..cases.liver import LiverCase, Window, find_cases, find_files, with_made_up_organs, with_spacings
from ..cases.liver_cache import CachedLiverCase, case_of
from ..cases.selection import Selection
from ..synthesis.ct_images import (
    MASSES,
    PLANES_BESIDE,
    THICK,
    Organ,
    grow_in_liver,
    grow_outside,
    noise,
    other_phase,
    paint_block,
    plant_mass,
    plant_tumours,
)
from ..synthesis.diaphragm import grow_diaphragm, plant_diaphragm
from ..synthesis.fields import chance, draw_one, identity_coordinates, pick, smooth_field, uniform, warp
from ..synthesis.lobes import grow_lobe, plant_lobe
from .sampler import Batch

__all__ = ["LiverSampler", "Mixture", "find_cases", "find_names", "make_sampler"]

BEND_MM = 12.0  # largest usual displacement of the elastic warp
TYPICAL_LIVER_HU = 110.0
LIVER_ONLY = torch.tensor([True, False])[:, None, None, None]  # of the regions
VARIANTS = 4  # of the made-up organs of a shape


@dataclass(frozen=True)
class Mixture:
    """How often each kind of sample is drawn.

    Attributes:
        real: a patient's own CT; the rest is painted.
        phase: among real ones, another contrast phase.
        healed: among real ones, healthy liver in place of the patient's own tumours.
        tumours: liver samples that get made-up tumours.
        masses: samples that get masses of other organs, which are no liver.
        lobes: liver samples whose liver reaches further than the patient's own.
        diaphragm: liver samples with more muscle between the liver and the lungs or the wall.
        planes: weights of planes with tumour, with liver alone, with neither.
        bent: samples that are warped.
    """

    real: float = 0.5
    phase: float = 0.6
    healed: float = 0.5
    tumours: float = 0.7
    masses: float = 0.75
    lobes: float = 0.55
    diaphragm: float = 0.5
    planes: tuple[float, float, float] = (0.3, 0.45, 0.25)
    bent: float = 0.6


@dataclass(frozen=True)
class LiverSampler:
    """See `Sampler`."""

    patients: Sequence[LiverCase | CachedLiverCase]
    plan: Plan
    patch: tuple[int, ...]
    data_hash: str
    mixture: Mixture = Mixture()
    shares: Mapping[str, float] = field(default_factory=dict)

    @property
    def data(self) -> str:
        """See `Sampler`."""
        names = {True: set(), False: set()}
        for case in self.patients:
            names[case.has_ct].add(case.name)
        painted = f"of {len(names[False])} more patients" if names[False] else "of the same patients"
        rest = f", and CTs painted from the label maps {painted}" if self.mixture.real < 1 else ""
        return f"{len(names[True])} labelled CTs{rest}"

    @property
    def cases(self) -> tuple[str, ...]:
        """Names of the training patients."""
        return tuple(dict.fromkeys(case.name for case in self.patients))

    @property
    def depth(self) -> int:
        """Planes of a sample."""
        return self.patch[0] if len(self.patch) == 3 else self.plan.slices

    def without_synthesis(self) -> LiverSampler:
        """See `LabelledSampler`."""
        with_ct = [case for case in self.patients if case.has_ct]
        if not with_ct:
            raise InputRefused("There is no labelled CT, only label maps.", "Leave --no-synthesis out, or add a CT.")
        as_they_are = replace(self.mixture, real=1.0, phase=0.0, healed=0.0, tumours=0.0, masses=0.0, lobes=0.0, diaphragm=0.0)
        return replace(self, patients=with_ct, mixture=as_they_are)

    def in_shape(self) -> LiverSampler:
        """See `LabelledSampler`."""
        return replace(self, mixture=replace(self.mixture, bent=0.0))

    def emphasising(self, shares: Mapping[str, float]) -> LiverSampler:
        """See `LabelledSampler`."""
        return replace(self, shares=dict(shares))

    def draw(self, generator: Generator, batch: int) -> Batch:
        """`batch` samples and their regions liver and tumour: x (batch, 1, *patch), or (batch, slices, *patch) with two patch sides."""
        drawn = [self._sample(generator) for _ in range(batch)]
        x = torch.stack([normalise(block, self.plan) for block, _ in drawn])
        y = torch.stack([regions for _, regions in drawn]).float()
        if len(self.patch) == 3:
            return Batch(x[:, None], y, torch.ones(y.shape[:2]))
        return Batch(x, y[:, :, self.depth // 2], torch.ones(y.shape[:2]))

    def _sample(self, generator: Generator) -> tuple[Tensor, Tensor]:
        """HU (depth, J, I) and regions (2, depth, J, I)."""
        with_ct = [case for case in self.patients if case.has_ct]
        real = bool(with_ct) and chance(generator, self.mixture.real)
        pool = with_ct if real else [case for case in self.patients if not case.has_ct] or self.patients
        case = pool[draw_one(generator, [self.shares.get(case.name, 1.0) for case in pool])]
        plane = self._plane(case, generator)
        first = self._first(case, plane, generator)
        window = self._window(case, plane, generator)
        make = self._real if real else self._painted
        block, regions = make(case, first, window, generator)
        block = block.clamp(*self.plan.window)  # before it is resampled, as inference does
        if chance(generator, self.mixture.bent):
            block, regions = bend(block, regions, BEND_MM / self.plan.spacing_mm[0], generator)
        return block, regions

    def _first(self, case: LiverCase | CachedLiverCase, plane: int, generator: Generator) -> int:
        """First plane of a sample that holds `plane`: anywhere in it in three dimensions, in its middle in two and a half."""
        if len(self.patch) == 2:
            return plane - self.depth // 2
        low, high = min(0, case.shape[0] - self.depth), max(0, case.shape[0] - self.depth)
        return min(max(plane - pick(generator, self.depth), low), high)

    def _plane(self, case: LiverCase | CachedLiverCase, generator: Generator) -> int:
        """A plane of a kind drawn by `Mixture.planes`, or of any that the case has."""
        kinds = [(planes, weight) for planes, weight in zip(case.planes, self.mixture.planes) if len(planes)]
        planes = kinds[draw_one(generator, [weight for _, weight in kinds])][0]
        return int(planes[pick(generator, len(planes))])

    def _real(self, case: LiverCase | CachedLiverCase, first: int, window: Window, generator: Generator) -> tuple[Tensor, Tensor]:
        planes = range(first, first + self.depth)
        block, organs, regions = (
            case.hounsfield_block(planes, window),
            case.organs_block(planes, window),
            case.regions_block(planes, window),
        )
        if chance(generator, self.mixture.healed):
            liver, tumour = regions
            block = plant_lobe(block, tumour, liver & ~tumour, _liver_level(block, organs), generator)
            organs, regions = painted_over(organs, tumour, Organ.LIVER), torch.stack([liver, torch.zeros_like(tumour)])
        if chance(generator, self.mixture.lobes):
            lobe = grow_lobe(organs, regions[0], self.plan.spacing_mm, generator)
            block = plant_lobe(block, lobe, regions[0], _liver_level(block, organs), generator)
            organs, regions = painted_over(organs, lobe, Organ.LIVER), regions | (lobe & LIVER_ONLY)
        if chance(generator, self.mixture.diaphragm):
            muscle = grow_diaphragm(organs, regions[0], self.plan.spacing_mm, generator)
            block = plant_diaphragm(block, muscle, regions[0], _liver_level(block, organs), generator)
            organs = painted_over(organs, muscle, Organ.DIAPHRAGM)
        if chance(generator, self.mixture.phase):
            block = other_phase(block, organs, generator)
        if chance(generator, self.mixture.tumours):
            fresh = grow_in_liver(organs, regions[0], self.plan.spacing_mm, generator) & ~regions[1]
            block = plant_lobe(block, fresh & ~regions[0], regions[0], _liver_level(block, organs), generator)
            block = plant_tumours(block, fresh, _liver_level(block, organs), generator)
            regions |= fresh
        for _ in range(self._masses(generator)):
            mass = grow_outside(organs, regions[0], self.plan.spacing_mm, generator)
            block, regions = plant_mass(block, mass, _liver_level(block, organs), generator), regions & ~mass
        if chance(generator, 0.3):
            block = block + 0.6 * noise(block.shape, generator)
        return block, regions

    def _painted(self, case: LiverCase | CachedLiverCase, first: int, window: Window, generator: Generator) -> tuple[Tensor, Tensor]:
        planes = range(first - PLANES_BESIDE, first + self.depth + PLANES_BESIDE)
        organs, regions = case.organs_block(planes, window), case.regions_block(planes, window)
        if chance(generator, self.mixture.lobes):
            lobe = grow_lobe(organs, regions[0], self.plan.spacing_mm, generator)
            organs, regions = painted_over(organs, lobe, Organ.LIVER), regions | (lobe & LIVER_ONLY)
        if chance(generator, self.mixture.diaphragm):
            organs = painted_over(organs, grow_diaphragm(organs, regions[0], self.plan.spacing_mm, generator), Organ.DIAPHRAGM)
        if chance(generator, self.mixture.tumours):
            fresh = grow_in_liver(organs, regions[0], self.plan.spacing_mm, generator)
            organs = painted_over(organs, fresh, Organ.TUMOUR)
            regions = regions | fresh
        for k in range(self._masses(generator)):
            mass = grow_outside(organs, regions[0], self.plan.spacing_mm, generator)
            organs, regions = painted_over(organs, mass, MASSES[k]), regions & ~mass
        return paint_block(organs, self.plan.spacing_mm, generator), regions[:, PLANES_BESIDE:-PLANES_BESIDE]

    def _masses(self, generator: Generator) -> int:
        """How many masses a sample gets: a slab one at most, a block more."""
        if not chance(generator, self.mixture.masses):
            return 0
        return 1 + pick(generator, len(MASSES)) if self.depth >= THICK else 1

    def _window(self, case: LiverCase | CachedLiverCase, plane: int, generator: Generator) -> Window:
        """Rows and columns of the patch, near the liver of that plane or anywhere; a volume smaller than the patch is padded."""
        middle = case.middles[plane]
        centred = bool(middle.isfinite().all()) and chance(generator, 0.5)
        spans = []
        for axis, (side, length) in enumerate(zip(self.patch[-2:], case.shape[1:])):
            low, high = min(0, length - side), max(0, length - side)
            start = low + pick(generator, high - low + 1)
            if centred:
                wanted = float(middle[axis]) + uniform(generator, -0.2, 0.2) * side
                start = min(max(round(wanted - side / 2), low), high)
            spans.append(slice(start, start + side))
        return tuple(spans)


def _liver_level(block: Tensor, organs: Tensor) -> float:
    """Median HU of the healthy liver in a block."""
    values = block[organs == Organ.LIVER]
    return float(values.median()) if values.numel() else TYPICAL_LIVER_HU


def painted_over(organs: Tensor, place: Tensor, organ: Organ) -> Tensor:
    """The organ map with another organ at `place`."""
    return organs.masked_fill(place, int(organ))


def bend(block: Tensor, regions: Tensor, voxels: float, generator: Generator) -> tuple[Tensor, Tensor]:
    """One smooth random warp of about `voxels` for a block (K, J, I) and its regions (2, K, J, I) bool. Its edge goes on beyond it.

    A few planes are warped within their planes, all alike; a thick block in three dimensions.
    """
    thick = block.shape[0] >= THICK
    shape = block.shape if thick else block.shape[1:]
    amount = uniform(generator, 0.2, 1.0) * voxels
    shift = torch.stack([smooth_field(shape, 0.25 * max(shape), generator) for _ in shape], dim=-1) * amount
    coordinates = identity_coordinates(shape) + shift * (2.0 / torch.tensor(shape[::-1], dtype=torch.float32))
    stack = torch.cat([block[None], regions.float()])
    stack = stack if thick else stack.flatten(0, 1)
    moved = warp(stack, coordinates, padding="border").reshape(len(regions) + 1, *block.shape)
    return moved[0], moved[1:] >= 0.5


def find_names(data: Path) -> list[str]:
    """Names of all that may be read under `data`: patients, and label maps without a CT."""
    return [files.name for files in find_files(data)]


def make_sampler(selection: Selection, plan: Plan, patch: tuple[int, ...], seed: int) -> LiverSampler:
    """Prepare every selected labelled patient of the data set; the others are never read, be it as CT or as shape.

    Args:
        selection: which cases.
        plan: normalisation, grid and number of neighbouring planes.
        patch: (K, J, I) or, in 2.5-D, (J, I) voxels of the network's grid.
        seed: of the organs made up for maps that do not name them, and of spacings that no header tells; all other chance lies in `draw`.

    Raises:
        InputRefused: no case is left to train on, or one that `inspect` calls wrong.
    """
    found = selection.of(find_files(selection.data))
    if not found:
        says = f"There are no labelled livers to train on in {selection.data}."
        raise InputRefused(says, "Give a folder of CTs and label maps, as LiTS has them.")
    generator = torch.Generator().manual_seed(seed)
    patients = [case_of(one, plan) for files in found for one in with_spacings(files, generator)]
    shapes = [case for case in patients if not case.has_ct]
    variants = [with_made_up_organs(case, plan.spacing_mm, generator) for case in shapes for _ in range(VARIANTS)]
    patients = [case for case in patients if case.has_ct] + variants
    return LiverSampler(patients, plan, tuple(patch), fingerprint([path for files in found for path in files.paths]))
