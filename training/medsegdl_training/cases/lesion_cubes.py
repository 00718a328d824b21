"""Lesions cut out of patients whose whole images are not there: four modalities and labels of a cube, as `cubes/NAME.npz`.

`image` (4, 32, 32, 32), T1, T1ce, T2, FLAIR z-scored over the whole brain, 0 where there is none; `seg` (32, 32, 32), labels 1, 2, 4 of
BraTS. Axes x, y, z of a grid of 128 voxels over the field of view of BraTS. A large tumour is cut off at the cube's faces.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.geometry.image import Grid
from MedSegDLLib.geometry.resample import resample
from MedSegDLLib.preprocess.normalise import network_grid
from MedSegDLLib.tasks import Plan

from ..synthesis.brain_images import TissueIntensities, tissue_intensities
from ..synthesis.tissue import Tissue
from .names import below

FOLDER = "cubes"
SIDES_MM = (240 / 128, 240 / 128, 155 / 128)  # of BraTS' 240 x 240 x 155 voxels of 1 mm on 128 x 128 x 128
CLASSES = {1: Tissue.NECROSIS, 2: Tissue.OEDEMA, 4: Tissue.ENHANCING}


@dataclass(frozen=True)
class LesionFile:
    """Where a lesion's cube lies; the name is its patient's with the lesion's number."""

    name: str
    path: Path


@dataclass(frozen=True)
class LesionCube:
    """A lesion and what lies about it, on the network's voxels.

    Attributes:
        name: of the file.
        image: (4, k, j, i) float32 z-scored, 0 beyond `inside`.
        regions: (3, k, j, i) bool: WT, TC, ET.
        inside: (k, j, i) bool, the voxels that show brain.
        intensities: grey levels of the tumour's tissues; those of healthy ones are unknown.
    """

    name: str
    image: Tensor
    regions: Tensor
    inside: Tensor
    intensities: TissueIntensities


def find_lesions(data: Path) -> list[LesionFile]:
    """Cubes below a folder, sorted; nothing is read. A list of files has none."""
    if not data.is_dir():
        return []
    paths = [path for path in below(data) if path.suffix == ".npz" and path.parent.name == FOLDER and not path.name.startswith(".")]
    return [LesionFile(path.stem, path) for path in paths]


def read_lesion(entry: LesionFile, plan: Plan) -> LesionCube:
    """Read a cube and bring it to the network's voxel size.

    Raises:
        InputRefused: the file cannot be read, or holds something else.
    """
    image, labels = _arrays(entry.path)
    source = Grid(tuple(labels.shape), np.diag([-SIDES_MM[0], -SIDES_MM[1], SIDES_MM[2], 1.0]))
    target = network_grid(source, plan)
    share = resample((image != 0).any(dim=0, keepdim=True).float(), source, target, "linear")
    inside = share[0] > 0.5
    values = torch.where(inside, resample(image, source, target, "linear") / share.clamp(min=0.5), torch.zeros(()))
    regions = resample(_nested(labels), source, target, "linear") >= 0.5
    regions = torch.cumprod(regions, dim=0).bool() & inside
    return LesionCube(entry.name, values, regions, inside, tissue_intensities(values, _tumour(regions)))


def _arrays(path: Path) -> tuple[Tensor, Tensor]:
    """Image (4, K, J, I) float32 and labels (K, J, I) uint8 of a file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            image, labels = file["image"], file["seg"]
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise InputRefused(f"{path.name} is no cube of a lesion: {error}.", "Take the file out of the folder 'cubes'.") from error
    if labels.ndim != 3 or image.shape != (4, *labels.shape) or not set(np.unique(labels)) <= {0, *CLASSES}:
        says = f"{path.name} is no cube of a lesion: image {image.shape}, seg {labels.shape}."
        raise InputRefused(says, "It holds four modalities on the grid of the labels 1, 2 and 4.")
    turned = np.ascontiguousarray(image.transpose(0, 3, 2, 1), dtype=np.float32)
    return torch.from_numpy(turned), torch.from_numpy(np.ascontiguousarray(labels.transpose(2, 1, 0)))


def _nested(labels: Tensor) -> Tensor:
    """WT, TC, ET of BraTS' labels: (3, K, J, I) float."""
    return torch.stack([labels > 0, (labels == 1) | (labels == 4), labels == 4]).float()


def _tumour(regions: Tensor) -> Tensor:
    """The tumour's classes alone: (k, j, i) uint8 of `Tissue`, 0 elsewhere."""
    drawn = torch.zeros(regions.shape[1:], dtype=torch.uint8)
    for region, value in zip(regions, (Tissue.OEDEMA, Tissue.NECROSIS, Tissue.ENHANCING)):
        drawn[region] = value
    return drawn


def completed(lesion: TissueIntensities, host: TissueIntensities) -> TissueIntensities:
    """The lesion's grey levels, and for what it does not show those of another patient."""
    level = torch.where(lesion.level.isnan(), host.level, lesion.level)
    return TissueIntensities(level, torch.where(lesion.spread.isnan(), host.spread, lesion.spread))
