"""Labelled CTs and organ maps from files to memory: what the network gets (`preparation`), and the organs that synthesis draws with.

Layouts are those of `find_cases`; `*_organs` beside a label map names more organs, and a label map without its CT lends only its shapes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor

from MedSegDLLib.geometry.boxes import bounding_box
from MedSegDLLib.geometry.image import Grid, Image
from MedSegDLLib.geometry.resample import resample
from MedSegDLLib.io.read import read_image
from MedSegDLLib.pipeline import NetworkInput
from MedSegDLLib.preprocess.normalise import network_grid
from MedSegDLLib.tasks import LIVER, Plan

from .. import cases
from ..synthesis.anatomy import completed, raised
from ..synthesis.ct_images import AIR_HU, Organ
from ..synthesis.fields import uniform
from .case import Case
from .names import volumes_below
from .preparation import Spacing, prepared, regions_on
from .references import files_of, read_reference

SEGMENTATION = re.compile(r"^(?P<name>.+)_seg\.nii(\.gz)?$")
ABOVE_CLIPPED_HU = 10.0
SPACINGS = 3  # drawn for a CT whose spacing was made up
PLANE_MM = (1.25, 1.9)  # fields of view of 320 to 490 mm over 256 pixels, as LiTS has them
LIVER_HEIGHT_MM = (130.0, 220.0)
SLICES_MM = (0.7, 6.0)
CHEST_MM = 60.0  # made up above a liver that the map shows whole
Window = tuple[slice, slice]  # rows and columns of a sample


@dataclass(frozen=True)
class LiverFiles:
    """One patient's files; `case` (and with it the CT) or `organs` may be missing, not both.

    Where the headers' spacing was made up, `spacing_mm` along i, j, k is read in its place.
    """

    name: str
    labels: Path
    organs: Path | None
    case: Case | None = None
    spacing_mm: Spacing | None = None

    @property
    def ct(self) -> Path | None:
        """The CT, where there is one."""
        return self.case.inputs["ct"] if self.case else None

    @classmethod
    def of(cls, case: Case) -> LiverFiles:
        """Of a case with a CT: its organ map is looked for beside its labels."""
        return cls(case.name, case.reference, _organs_beside(case.reference, case.name), case)

    @property
    def paths(self) -> list[Path]:
        """All that will be read."""
        return [part for path in (self.labels, self.ct, self.organs) if path is not None for part in files_of(path)]


@dataclass(frozen=True)
class LiverCase:
    """One patient in memory, on the network's grid.

    Attributes:
        name: of the patient.
        hounsfield: (K, J, I) float16 HU clipped to the window before resampling, as at work; None for a shape without its CT.
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
    """Labelled CTs (see `cases.find_cases`), and label maps that lend their shapes, sorted by name; nothing is read."""
    cases = find_cases(data)
    found = [LiverFiles.of(case) for case in cases]
    known = {files.labels for files in found}
    folder = data / "liver" if (data / "liver").is_dir() else data
    for labels in volumes_below(folder):
        match = SEGMENTATION.match(labels.name)
        organs = _organs_beside(labels, match["name"]) if match else None
        if organs and labels not in known:
            found.append(LiverFiles(match["name"], labels, organs))
    return sorted(found, key=lambda files: files.name)


def with_spacings(files: LiverFiles, generator: Generator) -> list[LiverFiles]:
    """The files as they are; where their spacing was made up, several times with spacings that a body may have.

    In plane what scanners give at 256 pixels; between slices what makes such a volume, which is as high as the liver, a liver.
    """
    if files.case is None or not files.case.spacing_invented:
        return [files]
    slices = read_image(files.ct).array.shape[0]
    drawn = []
    for _ in range(SPACINGS):
        plane_mm, height_mm = (uniform(generator, *bounds) for bounds in (PLANE_MM, LIVER_HEIGHT_MM))
        between_mm = min(max(height_mm / slices, SLICES_MM[0]), SLICES_MM[1])
        drawn.append(replace(files, spacing_mm=(plane_mm, plane_mm, between_mm)))
    return drawn


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
    """Read one patient; the CT is what `segment` would give the network, in HU.

    Raises:
        InputRefused: what `inspect` calls an error.
    """
    named = read_image(files.organs) if files.organs else None
    if files.case is None:
        return _shape(files, plan, named)
    found = prepared(files.case, LIVER, plan, files.spacing_mm)
    ready, grid = found.ready, found.ready.prepared.grid
    if named is not None:
        organs = _nearest(named, grid)
    else:
        organs = _organs_of(found.regions, _body(files.case, ready, plan))
    return LiverCase(files.name, in_hounsfield(found.x[0], plan).half(), organs, found.regions, _planes(found.regions))


def in_hounsfield(x: Tensor, plan: Plan) -> Tensor:
    """HU of what a window brought to -1..1, so that synthesis speaks of tissues; `normalise` gives x back."""
    low, high = plan.window
    return (x + 1.0) * ((high - low) / 2.0) + low


def _shape(files: LiverFiles, plan: Plan, organs: Image) -> LiverCase:
    """A label map and its organs without a CT, cropped to the body as CTs are."""
    grid = network_grid(organs.grid.cropped(bounding_box(organs.array > 0)), plan)
    regions = regions_on(read_reference(files.labels), LIVER, grid, files.labels)
    return LiverCase(files.name, None, _nearest(organs, grid), regions, _planes(regions))


def _nearest(labels: Image, grid: Grid) -> Tensor:
    """A map of numbers on another grid, 0 beyond its own: (K, J, I) uint8."""
    return resample(torch.from_numpy(np.ascontiguousarray(labels.array).astype(np.uint8)), labels.grid, grid, "nearest")


def with_made_up_organs(case: LiverCase, spacing_mm: tuple[float, float, float], generator: Generator) -> LiverCase:
    """A shape without its CT, completed by the organs that its map does not name; a liver not cut off above gets a chest above it."""
    cut_off = bool(case.regions[0, -1].any())
    planes = 0 if cut_off else round(CHEST_MM / spacing_mm[2])
    organs = completed(raised(case.organs, planes), spacing_mm, generator)
    regions = torch.cat([case.regions, case.regions.new_zeros(2, planes, *organs.shape[1:])], dim=1)
    return LiverCase(case.name, None, organs, regions, _planes(regions))


def _body(case: Case, ready: NetworkInput, plan: Plan) -> Tensor:
    """Where the body is: (K, J, I) uint8; of a CT clipped to a window, what is brighter than the window's lower end."""
    if case.window:
        return (in_hounsfield(ready.prepared.x[0], plan) > max(case.window[0], plan.window[0]) + ABOVE_CLIPPED_HU).to(torch.uint8)
    return _nearest(Image(ready.foreground.astype(np.uint8), ready.aligned.grid.affine), ready.prepared.grid)


def _organs_of(regions: Tensor, body: Tensor) -> Tensor:
    """The coarsest organ map, for a CT that comes with none: body (K, J, I) uint8, liver, tumour."""
    organs = torch.where(body > 0, int(Organ.BODY), int(Organ.OUTSIDE)).to(torch.uint8)
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
