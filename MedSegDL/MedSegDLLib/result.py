"""What a run gives back: masks on the reference's own grid, volumes, and the record of how they came about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .geometry.image import Grid
from .tasks import Region, Task

MM3_PER_ML = 1000.0


@dataclass(frozen=True)
class Segment:
    """One region of the result.

    Attributes:
        region: name, colour and codes.
        mask: (K, J, I) uint8, 0 or 1, on the reference's grid.
        voxel_volume_mm3: volume of one voxel.
    """

    region: Region
    mask: np.ndarray
    voxel_volume_mm3: float

    @property
    def voxel_count(self) -> int:
        """Voxels in the mask."""
        return int(np.count_nonzero(self.mask))

    @property
    def volume_mm3(self) -> float:
        """Voxels times their volume."""
        return self.voxel_count * self.voxel_volume_mm3

    @property
    def volume_ml(self) -> float:
        """Volume in millilitres."""
        return self.volume_mm3 / MM3_PER_ML


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
        bias_fields: input key -> (K, J, I) float32 log field on the reference's grid; empty unless kept.
        record: the run record that becomes report.json (JSON types only).
    """

    task: Task
    grid: Grid
    reference: str
    segments: tuple[Segment, ...]
    instances: np.ndarray | None = None
    uncertainty: np.ndarray | None = None
    bias_fields: dict[str, np.ndarray] = field(default_factory=dict)
    record: dict = field(default_factory=dict)

    @property
    def masks(self) -> dict[str, np.ndarray]:
        """Region key -> (K, J, I) uint8."""
        return {segment.region.key: segment.mask for segment in self.segments}

    @property
    def volumes_ml(self) -> dict[str, float]:
        """Region key -> millilitres."""
        return {segment.region.key: segment.volume_ml for segment in self.segments}
