"""Labelled CTs and organ maps from files to memory, prepared exactly as at work.

Layouts are those of `datasets`; `*_organs` beside a label map names more organs, and a label map without its CT lends only its shapes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.geometry.boxes import bounding_box
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.geometry.resample import resample
from MedSegDLLib.io.read import read_image
from MedSegDLLib.preprocess.foreground import body_mask
from MedSegDLLib.preprocess.normalise import network_grid
from MedSegDLLib.tasks import LIVER, Plan

from .. import cases
from ..synthesis.anatomy import completed, raised
from ..synthesis.ct_images import AIR_HU, Organ
from ..train.sampler import Case
from .references import files_of, read_reference

SEGMENTATION = re.compile(r"^(?P<name>.+)_seg\.nii(\.gz)?$")
CHEST_MM = 60.0  # made up above a liver that the map shows whole
Window = tuple[slice, slice]  # rows and columns of a sample


@dataclass(frozen=True)
class LiverFiles:
    """One patient's files; `ct` or `organs` may be missing, not both."""

    name: str
    labels: Path
    ct: Path | None
    organs: Path | None

    @classmethod
    def of(cls, case: Case) -> LiverFiles:
        """Of a case with a CT: its organ map is looked for beside its labels."""
        return cls(case.name, case.reference, case.inputs["ct"], _organs_beside(case.reference, case.name))

    @property
    def paths(self) -> list[Path]:
        """All that will be read."""
        return [part for path in (self.labels, self.ct, self.organs) if path is not None for part in files_of(path)]


@dataclass(frozen=True)
class LiverCase:
    """One patient in memory, on the network's grid.

    Attributes:
        name: of the patient.
        hounsfield: (K, J, I) float16 HU, or None for a shape without its CT.
        organs: (K, J, I) uint8 of `Organ`.
        regions: (2, K, J, I) bool: liver (tumours included), tumour.
        planes: planes with tumour, with liver but no tumour, with neither.
    """

    name: str
    hounsfield: Tensor | None
    organs: Tensor
    regions: Tensor
    planes: tuple[Tensor, Tensor, Tensor]

    @property
    def has_ct(self) -> bool:
        """Whether it is a patient's own image."""
        return self.hounsfield is not None

    @property
    def shape(self) -> tuple[int, ...]:
        """(K, J, I)."""
        return tuple(self.organs.shape)

    @cached_property
    def middles(self) -> Tensor:
        """(K, 2) float32: mean row and column of the liver in every plane, NaN where there is none."""
        return middles_of(self.regions[0])

    def hounsfield_block(self, planes: range, window: Window) -> Tensor:
        """(len(planes), *window) float32 HU; see `block_of`."""
        return block_of(self.hounsfield, planes, window, AIR_HU).float()

    def organs_block(self, planes: range, window: Window) -> Tensor:
        """(len(planes), *window) uint8 of `Organ`; see `block_of`."""
        return block_of(self.organs, planes, window, 0)

    def regions_block(self, planes: range, window: Window) -> Tensor:
        """(2, len(planes), *window) bool; see `block_of`."""
        return torch.stack([block_of(region, planes, window, False) for region in self.regions])


def find_files(data: Path) -> list[LiverFiles]:
    """Labelled CTs (see `datasets.find_cases`), and label maps that lend their shapes, sorted by name; nothing is read."""
    cases = find_cases(data)
    found = [LiverFiles.of(case) for case in cases]
    known = {files.labels for files in found}
    folder = data / "liver" if (data / "liver").is_dir() else data
    for labels in folder.rglob("*_seg.nii*"):
        match = SEGMENTATION.match(labels.name)
        organs = _organs_beside(labels, match["name"]) if match else None
        if organs and labels not in known:
            found.append(LiverFiles(match["name"], labels, None, organs))
    return sorted(found, key=lambda files: files.name)


def find_cases(data: Path) -> list[Case]:
    """Those that have a CT, as cases to measure on."""
    return cases.find_cases(data, LIVER)


def _organs_beside(labels: Path, name: str) -> Path | None:
    """The organ map of a label map."""
    return _beside(labels, (f"{name}_organs.nii.gz", f"{name}_organs.nii"))


def _beside(path: Path, names: tuple[str, ...]) -> Path | None:
    """The first of these files in the folder of `path`."""
    return next((candidate for name in names if (candidate := path.parent / name).exists()), None)


def prepared_case(files: LiverFiles, plan: Plan) -> LiverCase:
    """Read one patient and bring it to the network's grid, cropped to the body as at work."""
    labels = read_reference(files.labels)
    organs = read_image(files.organs) if files.organs else None
    image = read_image(files.ct) if files.ct else None
    for other in (image, organs):
        if other is not None and not other.grid.same_as(labels.grid):
            raise InputRefused(f"{files.labels.name} lies on another grid than {other.name}.", "Resample the label map to its CT.")
    body = body_mask({"ct": image.array}) if image else organs.array > 0
    box = bounding_box(body)
    source = labels.grid.cropped(box)
    target = network_grid(source, plan)

    def moved(array: np.ndarray, mode: str, fill: float) -> Tensor:
        return resample(torch.from_numpy(np.ascontiguousarray(array[box]).astype(np.float32)), source, target, mode, fill)

    liver, tumour = moved(labels.array >= 1, "linear", 0.0) >= 0.5, moved(labels.array == 2, "linear", 0.0) >= 0.5
    regions = torch.stack([liver, tumour & liver])
    appearance = moved(organs.array, "nearest", 0.0).to(torch.uint8) if organs else _organs_of(regions, image, moved)
    hounsfield = moved(image.array, "linear", AIR_HU).half() if image else None
    return LiverCase(files.name, hounsfield, appearance, regions, _planes(regions))


def with_made_up_organs(case: LiverCase, spacing_mm: tuple[float, float, float], generator: Generator) -> LiverCase:
    """A shape without its CT, completed by the organs that its map does not name; a liver not cut off above gets a chest above it."""
    cut_off = bool(case.regions[0, -1].any())
    planes = 0 if cut_off else round(CHEST_MM / spacing_mm[2])
    organs = completed(raised(case.organs, planes), spacing_mm, generator)
    regions = torch.cat([case.regions, case.regions.new_zeros(2, planes, *organs.shape[1:])], dim=1)
    return LiverCase(case.name, None, organs, regions, _planes(regions))


def _organs_of(regions: Tensor, image: Image, moved: Callable[[np.ndarray, str, float], Tensor]) -> Tensor:
    """The coarsest organ map, for a CT that comes with none: body, liver, tumour."""
    organs = torch.where(moved(body_mask({"ct": image.array}), "nearest", 0.0) > 0, int(Organ.BODY), int(Organ.OUTSIDE)).to(torch.uint8)
    organs[regions[0]] = Organ.LIVER
    organs[regions[1]] = Organ.TUMOUR
    return organs


def _planes(regions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Indices of the planes with tumour, with liver alone, with neither."""
    liver, tumour = regions.flatten(2).any(dim=2)
    return tumour.nonzero()[:, 0], (liver & ~tumour).nonzero()[:, 0], (~liver).nonzero()[:, 0]


def middles_of(liver: Tensor) -> Tensor:
    """Mean row and column of a (K, J, I) bool region in every plane: (K, 2) float32, NaN where it is not."""
    count = liver.sum(dim=(1, 2))
    rows = (liver.sum(dim=2) * torch.arange(liver.shape[1])).sum(dim=1)
    columns = (liver.sum(dim=1) * torch.arange(liver.shape[2])).sum(dim=1)
    return torch.stack([rows / count, columns / count], dim=1)


def block_of(volume: Tensor, planes: range, window: Window, fill: float) -> Tensor:
    """Planes (beyond either end the outermost is repeated) of a window that may leave the volume: (len(planes), *window)."""
    inside = [min(max(k, 0), volume.shape[0] - 1) for k in planes]
    sides = [span.stop - span.start for span in window]
    block = torch.full((len(inside), *sides), fill, dtype=volume.dtype)
    source, target = [], []
    for span, length in zip(window, volume.shape[1:]):
        low, high = min(max(span.start, 0), length), max(min(span.stop, length), 0)
        source.append(slice(low, max(low, high)))
        target.append(slice(low - span.start, max(low, high) - span.start))
    block[(slice(None), *target)] = volume[(inside, *source)]
    return block
