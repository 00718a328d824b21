"""Training batches for brain tumours: real patients, patients with a made-up tumour, and wholly made-up images.

Cases are prepared once and kept in memory, or in a cache; everything random comes from the generator of `draw`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Generator, Tensor

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.tasks import Plan

from ..cases.brain import BrainCase, donor_of, find_cases, label_map, labelled_slices, slice_intensities, tumour_shapes
from ..cases.brain_cache import CachedBrainCase, case_of
from ..cases.fingerprint import fingerprint
from ..cases.lesion_cubes import LesionCube, completed, find_lesions, read_lesion
from ..cases.selection import Selection
from ..synthesis.brain_images import TissueIntensities, draw_levels, levels_in, other_contrast, paint, plant, standardise
from ..synthesis.fields import chance, draw_one, normal, pick, uniform
from ..synthesis.grafts import graft
from ..synthesis.scanner import thick_series
from ..synthesis.tissue import Tissue
from ..synthesis.tumours import grow, regions_of, transplant
from .sampler import Batch
from .volume_sampler import window_start

__all__ = ["BrainSampler", "Mixture", "find_cases", "find_names", "make_sampler"]


@dataclass(frozen=True)
class Mixture:
    """How often each kind of sample is drawn; what is left of 1 is wholly made up.

    Attributes:
        real: a patient as he is.
        planted: a patient with one more tumour.
        complete: among real ones, a patient with all four modalities where there is one.
        tumour_centred: patches that are sure to show tumour.
        contrast: real and planted ones whose healthy tissues are shifted against the tumour.
        grafted: among real ones, a patient with a lesion of another, and what lies about it, set into his brain.
        thick: samples as series of thick slices.
    """

    real: float = 0.45
    planted: float = 0.25
    complete: float = 0.7
    tumour_centred: float = 0.67
    contrast: float = 0.65
    grafted: float = 0.45
    thick: float = 0.4


@dataclass(frozen=True)
class BrainSampler:
    """See `Sampler`."""

    patients: Sequence[BrainCase | CachedBrainCase]
    intensities: Sequence[TissueIntensities]
    patch: tuple[int, int, int]
    data_hash: str
    mixture: Mixture = Mixture()
    shares: Mapping[str, float] = field(default_factory=dict)
    donors: Sequence[Tensor] = ()
    lesions: Sequence[LesionCube] = ()
    spacing_mm: float = 2.0

    @property
    def data(self) -> str:
        """See `Sampler`."""
        more = f" and the tumours of {len(self.donors)} more patients" if self.donors else ""
        rest = f", and images synthesised from their label maps{more}" if self.mixture.real < 1 else ""
        cubes = f", cubes of {len(self.lesions)} lesions" if self.lesions and self.mixture.grafted else ""
        return f"{len(self.patients)} labelled brains{cubes}{rest}"

    @property
    def cases(self) -> tuple[str, ...]:
        """Names of the training patients."""
        return tuple(case.name for case in self.patients)

    def without_synthesis(self) -> BrainSampler:
        """See `LabelledSampler`."""
        return replace(self, mixture=replace(self.mixture, real=1.0, planted=0.0, contrast=0.0, grafted=0.0, thick=0.0))

    def in_shape(self) -> BrainSampler:
        """See `LabelledSampler`: nothing of it is scaled or bent."""
        return self

    def emphasising(self, shares: Mapping[str, float]) -> BrainSampler:
        """See `LabelledSampler`."""
        return replace(self, shares=dict(shares))

    def draw(self, generator: Generator, batch: int) -> Batch:
        """`batch` patches of (4, *patch) and their three nested regions."""
        drawn = [self._sample(generator) for _ in range(batch)]
        x = torch.stack([image for image, _ in drawn])
        y = torch.stack([regions for _, regions in drawn]).float()
        return Batch(x, y, torch.ones(y.shape[:2]))

    def _sample(self, generator: Generator) -> tuple[Tensor, Tensor]:
        image, regions = self._thin(generator)
        return (thick_series(image, self.spacing_mm, generator) if chance(generator, self.mixture.thick) else image), regions

    def _thin(self, generator: Generator) -> tuple[Tensor, Tensor]:
        kind = uniform(generator, 0.0, 1.0)
        if kind < self.mixture.real:
            return self._real(generator)
        case = self._patient(generator)
        if kind < self.mixture.real + self.mixture.planted:
            return self._planted(case, generator)
        return self._painted(case, generator)

    def _patient(self, generator: Generator) -> BrainCase | CachedBrainCase:
        complete = [case for case in self.patients if case.complete]
        pool = complete if complete and chance(generator, self.mixture.complete) else self.patients
        return pool[draw_one(generator, [self.shares.get(case.name, 1.0) for case in pool])]

    def _real(self, generator: Generator) -> tuple[Tensor, Tensor]:
        case = self._patient(generator)
        image, healthy, regions = case.patch(self._box(case.shape, case.tumour_places, generator), self.patch)
        image = self._varied(image, healthy, regions, generator)
        if self.lesions and chance(generator, self.mixture.grafted):
            return self._grafted(image, healthy, regions, generator)
        return image, regions

    def _grafted(self, image: Tensor, healthy: Tensor, regions: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        places = (healthy == Tissue.WHITE).nonzero()
        for _ in range((1 + chance(generator, 0.35)) * bool(len(places))):
            lesion = self.lesions[pick(generator, len(self.lesions))]
            cube = (lesion.image, lesion.regions, lesion.inside)
            image, regions = graft(image, regions, cube, places[pick(generator, len(places))], generator)
        return image, regions

    def _planted(self, case: BrainCase | CachedBrainCase, generator: Generator) -> tuple[Tensor, Tensor]:
        image, healthy, regions = case.patch(self._box(case.shape, case.tumour_places, generator), self.patch)
        image = self._varied(image, healthy, regions, generator)
        tissue = self._tumour(healthy, generator)
        fresh = (tissue != healthy) & ~regions[0]
        tissue = torch.where(fresh, tissue, healthy)
        level = levels_in(case.intensities, draw_levels(self.intensities, generator))
        return plant(image, healthy, tissue, level, generator), regions | regions_of(tissue)

    def _varied(self, image: Tensor, healthy: Tensor, regions: Tensor, generator: Generator) -> Tensor:
        if not chance(generator, self.mixture.contrast):
            return image
        return other_contrast(image, label_map(healthy, regions), generator)

    def _painted(self, case: BrainCase | CachedBrainCase, generator: Generator) -> tuple[Tensor, Tensor]:
        tissue = case.healthy_patch(self._box(case.shape, case.white_places, generator), self.patch)
        for _ in range(1 + chance(generator, 0.2) - chance(generator, 0.07)):
            tissue = self._tumour(tissue, generator)
        image = standardise(paint(tissue, draw_levels(self.intensities, generator), generator), tissue > 0)
        scale = torch.tensor([normal(generator, 1.0, 0.08) for _ in range(4)]).view(4, 1, 1, 1)
        shift = torch.tensor([normal(generator, 0.0, 0.08) for _ in range(4)]).view(4, 1, 1, 1)
        return torch.where(tissue > 0, image * scale + shift, torch.zeros(())), regions_of(tissue)

    def _tumour(self, tissue: Tensor, generator: Generator) -> Tensor:
        donors = [*(case.donor for case in self.patients if case.donor.shape[1] > 1), *self.donors]
        if donors and chance(generator, 0.5):
            return transplant(tissue, donors[pick(generator, len(donors))], generator)
        return grow(tissue, generator)

    def _box(self, shape: tuple[int, ...], places: Tensor, generator: Generator) -> tuple[int, int, int]:
        """First corner of a patch; mostly one that contains one of the wanted places (n, 3)."""
        centre = None
        if len(places) and chance(generator, self.mixture.tumour_centred):
            centre = places[pick(generator, len(places))].tolist()
        wished = centre or [None] * len(shape)
        return tuple(window_start(n, side, at, generator) for n, side, at in zip(shape, self.patch, wished, strict=True))


def find_names(data: Path) -> list[str]:
    """Names of all that may be read under `data`: patients, labelled slices, label maps without images."""
    entries = [*find_cases(data), *labelled_slices(data), *tumour_shapes(data), *find_lesions(data)]
    return [entry.name for entry in entries]


def make_sampler(selection: Selection, plan: Plan, patch: tuple[int, ...], seed: int) -> BrainSampler:
    """Prepare every selected labelled patient of the data set; the others are never read, be it as image, slice or shape.

    Args:
        selection: which cases.
        plan: normalisation and grid.
        patch: (K, J, I) voxels of the network's grid.
        seed: unused here; all chance lies in `draw`.

    Raises:
        InputRefused: no case is left to train on, or one that `inspect` calls wrong.
    """
    data = selection.data
    cases = selection.of(find_cases(data))
    if not cases:
        raise InputRefused(f"There are no labelled brains to train on in {data}.", "Give a folder with one folder a patient (BraTS).")
    slices, shapes = selection.of(labelled_slices(data)), selection.of(tumour_shapes(data))
    patients = [case_of(case, plan) for case in cases]
    intensities = [case.intensities for case in patients] + [slice_intensities(entry) for entry in slices]
    cubes = selection.of(find_lesions(data))
    lesions = [read_lesion(entry, plan) for entry in cubes]
    hosts = intensities
    intensities = hosts + [completed(lesion.intensities, hosts[number % len(hosts)]) for number, lesion in enumerate(lesions)]
    donors = [donor for shape in shapes if (donor := donor_of(shape, plan)) is not None]
    paths = [path for case in cases for path in (*case.inputs.values(), case.reference)]
    paths += [path for entry in slices for path in (entry.truth, *entry.images)]
    paths += [*(shape.labels for shape in shapes), *(cube.path for cube in cubes)]
    spacing = plan.spacing_mm[0] if plan.spacing_mm else 1.0
    return BrainSampler(patients, intensities, tuple(patch), fingerprint(paths), donors=donors, lesions=lesions, spacing_mm=spacing)
