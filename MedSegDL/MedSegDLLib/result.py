"""What a run gives back: masks on the reference's own grid, volumes, and the record of how they came about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .geometry.image import Grid
from .tasks import Region, Task

MM3_PER_ML = 1000.0
UM2_PER_MM2 = 1e6
COARSEST_PIXEL_MM = 0.01  # a larger pixel is a viewer's default or a resolution in print: in it no nucleus could be told from another
MOST_ENLARGED = 4.0  # times for the network: in a coarser picture a nucleus has fewer than five pixels a side, and no more is seen of it


@dataclass(frozen=True)
class Segment:
    """One region of the result.

    Attributes:
        region: name, colour and codes.
        mask: (K, J, I) uint8, 0 or 1, on the reference's grid.
        voxel_volume_mm3: volume of one voxel; None in a picture, which has no thickness.
        pixel_area_um2: area of one pixel of a picture; None in a volume, and where the picture states no pixel size.
    """

    region: Region
    mask: np.ndarray
    voxel_volume_mm3: float | None
    pixel_area_um2: float | None = None

    @property
    def voxel_count(self) -> int:
        """Voxels in the mask."""
        return int(np.count_nonzero(self.mask))

    @property
    def volume_mm3(self) -> float | None:
        """Voxels times their volume; None in a picture."""
        return None if self.voxel_volume_mm3 is None else self.voxel_count * self.voxel_volume_mm3

    @property
    def volume_ml(self) -> float | None:
        """Volume in millilitres; None in a picture."""
        return None if self.volume_mm3 is None else self.volume_mm3 / MM3_PER_ML

    @property
    def area_um2(self) -> float | None:
        """Pixels times their area; None in a volume, and where the pixel size is not known."""
        return None if self.pixel_area_um2 is None else self.voxel_count * self.pixel_area_um2


@dataclass(frozen=True)
class SmallParts:
    """Connected parts of a region that are left out for their share of the largest one (`Region.smallest_share`).

    Attributes:
        count: how many.
        volume_mm3: all of them together.
    """

    count: int
    volume_mm3: float


def segments_on(grid: Grid, task: Task, masks: dict[str, np.ndarray]) -> tuple[Segment, ...]:
    """The task's segments in order, with volumes, or for pictures areas where the pixel size is known.

    Args:
        grid: where the masks lie.
        task: its regions.
        masks: region key -> (K, J, I) uint8.
    """
    volume = None if task.pictures else grid.voxel_volume_mm3
    return tuple(Segment(region, masks[region.key], volume, pixel_area_um2(grid, task)) for region in task.regions)


def pixel_area_um2(grid: Grid, task: Task) -> float | None:
    """Area of a picture's pixel; None for volumes, and where the stated size is no microscope's (`COARSEST_PIXEL_MM`)."""
    sides = grid.spacing_mm[:2]
    return float(sides.prod() * UM2_PER_MM2) if task.pictures and sides.max() <= COARSEST_PIXEL_MM else None


@dataclass
class Result:
    """Result of `segment`.

    Attributes:
        task: what was segmented.
        grid: the reference's own grid; every mask lies on it.
        reference: key of the input that lent the grid.
        segments: one a region, outermost first.
        instances: (K, J, I) uint32, 0 background, 1..n one number an object; None unless the task counts objects.
        uncertainty: (K, J, I) float32 entropy in 0..1 (bits, mean over regions); None unless asked for.
        brain_mask: the brain within which was looked, as a segment of its own; None where the inputs came without their skull.
        small_parts: region key -> the parts of it that are left out beside a much larger one.
        bias_fields: input key -> (K, J, I) float32 log field on the reference's grid; empty unless kept.
        record: the run record that becomes report.json (JSON types only).
    """

    task: Task
    grid: Grid
    reference: str
    segments: tuple[Segment, ...]
    instances: np.ndarray | None = None
    uncertainty: np.ndarray | None = None
    brain_mask: Segment | None = None
    small_parts: dict[str, SmallParts] = field(default_factory=dict)
    bias_fields: dict[str, np.ndarray] = field(default_factory=dict)
    record: dict = field(default_factory=dict)

    @property
    def everything(self) -> tuple[Segment, ...]:
        """The regions' segments, and the brain mask where there is one."""
        return self.segments if self.brain_mask is None else (*self.segments, self.brain_mask)

    @property
    def masks(self) -> dict[str, np.ndarray]:
        """Region key -> (K, J, I) uint8."""
        return {segment.region.key: segment.mask for segment in self.segments}

    @property
    def volumes_ml(self) -> dict[str, float | None]:
        """Region key -> millilitres; None in a picture."""
        return {segment.region.key: segment.volume_ml for segment in self.segments}

    @property
    def areas_um2(self) -> dict[str, float | None]:
        """Region key -> square micrometres; None in a volume, and where the pixel size is not known."""
        return {segment.region.key: segment.area_um2 for segment in self.segments}
