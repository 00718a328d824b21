"""Labelled brains from files to memory, prepared exactly as at work: one grid, N4, z-scores, the network's grid.

Which files are a case is known in `datasets`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from MedSegDLLib.checks.intensities import looks_normalised
from MedSegDLLib.geometry.boxes import bounding_box
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.geometry.resample import resample
from MedSegDLLib.io.read import read_image
from MedSegDLLib.metrics.labels import regions_of_labels
from MedSegDLLib.preprocess.foreground import head_mask
from MedSegDLLib.preprocess.n4 import N4Options, correct_bias
from MedSegDLLib.preprocess.normalise import network_grid, prepare
from MedSegDLLib.tasks import BRAIN, Plan

from .. import cases
from ..synthesis.brain_images import Palette, palette_of, standardise
from ..synthesis.tissue import Tissue, brain_tissue
from ..synthesis.tumours import cut_out
from ..train.sampler import Case
from .references import read_reference

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
        palette: grey levels of its tissues.
        donor: (3, k, j, i) float, its tumour; a single voxel of nothing where it has none.
    """

    name: str
    image: Tensor
    regions: Tensor
    healthy: Tensor
    palette: Palette
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


def cut(x: Tensor, start: tuple[int, ...], sides: tuple[int, ...]) -> Tensor:
    """The patch of (C, *S) that begins at `start`, 0 where it leaves the volume: (C, *sides)."""
    patch = torch.zeros((x.shape[0], *sides), dtype=x.dtype)
    source, target = [slice(None)], [slice(None)]
    for first, side, length in zip(start, sides, x.shape[1:]):
        low, high = max(first, 0), min(first + side, length)
        source.append(slice(low, high))
        target.append(slice(low - first, high - first))
    patch[tuple(target)] = x[tuple(source)]
    return patch


def label_map(healthy: Tensor, regions: Tensor) -> Tensor:
    """Healthy classes with nested regions drawn over them: (K, J, I) uint8."""
    drawn = healthy.clone()
    for region, value in zip(regions, (Tissue.OEDEMA, Tissue.NECROSIS, Tissue.ENHANCING)):
        drawn[region & (healthy > 0)] = value
    return drawn


def find_cases(data: Path) -> list[Case]:
    """Patients with labels and at least one modality, sorted by name; nothing is read. See `datasets.find_cases`."""
    return cases.find_cases(data, BRAIN)


def prepared_case(case: Case, plan: Plan) -> BrainCase:
    """Read and prepare one patient as `MedSegDLLib.pipeline.segment` would."""
    images = {entry.key: read_image(case.inputs[entry.key]) if entry.key in case.inputs else None for entry in BRAIN.inputs}
    labels = read_reference(case.reference)
    foreground = head_mask({key: image.array for key, image in images.items() if image is not None})
    ready = prepare(_bias_free(images, foreground), foreground, plan)
    regions = _regions(labels, foreground, plan)
    brain = (ready.x != 0).any(dim=0)
    regions = regions & brain
    healthy = brain_tissue(ready.x, brain, regions[0])
    donor = cut_out(regions) if bool(regions.any()) else torch.zeros(3, 1, 1, 1)
    return BrainCase(case.name, ready.x, regions, healthy, palette_of(ready.x, label_map(healthy, regions)), donor)


def _bias_free(images: dict[str, Image | None], foreground: np.ndarray) -> dict[str, Image | None]:
    """N4 for the volumes that are not z-scored already."""
    keys = [key for key, image in images.items() if image is not None and not looks_normalised(image.array)]
    if not keys:
        return images
    volumes = torch.stack([torch.from_numpy(images[key].array.astype(np.float32)) for key in keys])
    spacing = tuple(float(side) for side in images[keys[0]].grid.spacing_mm)
    done = correct_bias(volumes, torch.from_numpy(foreground), N4Options(spacing_mm=spacing))
    return {**images, **{key: images[key].with_array(done.corrected[i].numpy()) for i, key in enumerate(keys)}}


def _regions(labels: Image, foreground: np.ndarray, plan: Plan) -> Tensor:
    """Each region resampled alone and cut at one half: (3, K, J, I) bool, nested."""
    source = labels.grid.cropped(box := bounding_box(foreground))
    drawn = regions_of_labels(labels.array, BRAIN, labels.name)
    masks = torch.stack([torch.from_numpy(np.ascontiguousarray(drawn[region.key][box])).float() for region in BRAIN.regions])
    regions = resample(masks, source, network_grid(source, plan), "linear") >= 0.5
    regions[1] &= regions[0]
    regions[2] &= regions[1]
    return regions


def slice_palettes(data: Path, holdout: tuple[str, ...]) -> list[tuple[Path, Palette]]:
    """Grey levels from single labelled slices (BRATS 2013 with tissue classes), where the folder has such."""
    folder = data / "brain" if (data / "brain").is_dir() else data
    found = []
    for truth in sorted(p for p in folder.rglob("*.nii*") if SLICE_LABELS.search(p.name)):
        files = [_slice_file(truth.parent, token) for token in SLICE_MODALITIES]
        if truth.parent.name in holdout or None in files:
            continue
        labels = torch.from_numpy(read_image(truth).array.astype(np.int64)).clamp(0, len(SLICE_CLASSES) - 1)
        image = torch.stack([torch.from_numpy(read_image(path).array.astype(np.float32)) for path in files])
        found.append((truth, palette_of(standardise(image, labels > 0), SLICE_CLASSES[labels])))
    return found


def _slice_file(folder: Path, token: str) -> Path | None:
    return next((p for p in sorted(folder.glob("*.nii*")) if token in p.name), None)
