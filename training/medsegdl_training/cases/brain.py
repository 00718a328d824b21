"""Labelled brains from files to memory: what the network gets (`preparation`), and what synthesis needs to know of it.

Which files are a case is known in `find_cases` of this folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from MedSegDLLib.geometry.boxes import bounding_box
from MedSegDLLib.io.read import read_image
from MedSegDLLib.preprocess.normalise import network_grid
from MedSegDLLib.tasks import BRAIN, Plan

from .. import cases
from ..synthesis.brain_images import TissueIntensities, standardise, tissue_intensities
from ..synthesis.tissue import Tissue, brain_tissue
from ..synthesis.tumours import cut_out
from .brats import labels_alone
from .case import Case
from .names import stem, volumes_below
from .preparation import prepared, regions_on
from .volume import cut

SLICE_LABELS = re.compile(r"truth.*\.nii(\.gz)?$", re.IGNORECASE)
SLICE_MODALITIES = ("_T1_", "_T1C_", "_T2_", "_FLAIR_")
SLICE_CLASSES = torch.tensor([0, 1, 2, 3, 4, 5, 4, 6], dtype=torch.uint8)  # its necrosis 4 and non-enhancing 6 are one


@dataclass(frozen=True)
class BrainCase:
    """One patient in memory, on the network's grid.

    Attributes:
        name: of the folder.
        image: (4, K, J, I) float32 z-scored; missing modalities 0.
        regions: (3, K, J, I) bool: WT, TC, ET.
        healthy: (K, J, I) uint8 of `Tissue`, the tumour replaced by what the other side shows.
        intensities: grey levels of its tissues.
        donor: (3, k, j, i) float, its tumour; a single voxel of nothing where it has none.
    """

    name: str
    image: Tensor
    regions: Tensor
    healthy: Tensor
    intensities: TissueIntensities
    donor: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """(K, J, I)."""
        return tuple(self.healthy.shape)

    @property
    def complete(self) -> bool:
        """Whether all four modalities are there."""
        return bool((self.image.flatten(1) != 0).any(dim=1).all())

    @property
    def tumour_places(self) -> Tensor:
        """(n, 3) voxels of the whole tumour."""
        return self.regions[0].nonzero()

    @property
    def white_places(self) -> Tensor:
        """(n, 3) voxels of white matter."""
        return (self.healthy == Tissue.WHITE).nonzero()

    def patch(self, start: tuple[int, ...], sides: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
        """Image (4, *sides), healthy classes (*sides) and regions (3, *sides) of a patch, 0 beyond the volume."""
        return cut(self.image, start, sides), self.healthy_patch(start, sides), cut(self.regions, start, sides)

    def healthy_patch(self, start: tuple[int, ...], sides: tuple[int, ...]) -> Tensor:
        """Only the healthy classes of a patch: (*sides)."""
        return cut(self.healthy[None], start, sides)[0]


def label_map(healthy: Tensor, regions: Tensor) -> Tensor:
    """Healthy classes with nested regions drawn over them: (K, J, I) uint8."""
    drawn = healthy.clone()
    for region, value in zip(regions, (Tissue.OEDEMA, Tissue.NECROSIS, Tissue.ENHANCING)):
        drawn[region & (healthy > 0)] = value
    return drawn


def find_cases(data: Path) -> list[Case]:
    """Patients with labels and at least one modality, sorted by name; nothing is read. See `cases.find_cases`."""
    return cases.find_cases(data, BRAIN)


def prepared_case(case: Case, plan: Plan) -> BrainCase:
    """Read one patient; the image is what `segment` would give the network.

    Raises:
        InputRefused: what `inspect` calls an error.
    """
    found = prepared(case, BRAIN, plan)
    x, brain = found.x, (found.x != 0).any(dim=0)
    regions = found.regions & brain
    healthy = brain_tissue(x, brain, regions[0])
    donor = cut_out(regions) if bool(regions.any()) else torch.zeros(3, 1, 1, 1)
    return BrainCase(case.name, x, regions, healthy, tissue_intensities(x, label_map(healthy, regions)), donor)


@dataclass(frozen=True)
class LabelledSlice:
    """One slice with tissue classes (BRATS 2013 as 2-D files): `images` are T1, T1ce, T2, FLAIR."""

    name: str
    truth: Path
    images: tuple[Path, ...]


@dataclass(frozen=True)
class TumourShape:
    """A label map whose images are not there: it lends its tumour's shape."""

    name: str
    labels: Path


def labelled_slices(data: Path) -> list[LabelledSlice]:
    """Slices with tissue classes below a folder, each in a folder of its patient's name."""
    found = []
    for truth in (path for path in volumes_below(_folder(data)) if SLICE_LABELS.search(path.name)):
        images = [_slice_file(truth.parent, token) for token in SLICE_MODALITIES]
        if None not in images:
            found.append(LabelledSlice(truth.parent.name, truth, tuple(images)))
    return found


def _slice_file(folder: Path, token: str) -> Path | None:
    return next((path for path in volumes_below(folder) if token in path.name), None)


def _folder(data: Path) -> Path:
    """Where brains lie; a list of files has none."""
    return data / "brain" if (data / "brain").is_dir() else data


def slice_intensities(entry: LabelledSlice) -> TissueIntensities:
    """Grey levels of the classes of a slice."""
    labels = torch.from_numpy(read_image(entry.truth).array.astype(np.int64)).clamp(0, len(SLICE_CLASSES) - 1)
    image = torch.stack([torch.from_numpy(read_image(path).array.astype(np.float32)) for path in entry.images])
    return tissue_intensities(standardise(image, labels > 0), SLICE_CLASSES[labels])


def tumour_shapes(data: Path) -> list[TumourShape]:
    """Label maps below a folder that lie in a folder without any modality; see `brats.labels_alone`."""
    return [TumourShape(stem(path).removesuffix("_seg"), path) for path in labels_alone(_folder(data))]


def donor_of(shape: TumourShape, plan: Plan) -> Tensor | None:
    """The tumour of a label map alone, at the network's voxel size: (3, k, j, i) float; None where there is none."""
    labels = read_image(shape.labels)
    if not bool((labels.array > 0).any()):
        return None
    grid = network_grid(labels.grid.cropped(bounding_box(labels.array > 0)), plan)
    regions = regions_on(labels, BRAIN, grid, shape.labels)
    return cut_out(regions) if bool(regions[0].any()) else None
