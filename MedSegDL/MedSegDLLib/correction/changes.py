"""What became of a mask: voxels added and taken away, volumes before and after, Dice. Boxes of one grid in, figures out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..result import MM3_PER_ML


@dataclass(frozen=True)
class Changed:
    """A segment before and after.

    Attributes:
        before, after: voxels.
        added, removed: bool, (K, J, I) of the box that was compared.
        voxel_mm3: volume of a voxel.
    """

    before: int
    after: int
    added: np.ndarray
    removed: np.ndarray
    voxel_mm3: float

    @property
    def volumes_ml(self) -> tuple[float, float]:
        """Before and after, millilitres."""
        return self.before * self.voxel_mm3 / MM3_PER_ML, self.after * self.voxel_mm3 / MM3_PER_ML

    @property
    def dice(self) -> float:
        """Agreement of the two; 1 where both are empty."""
        both = self.before + self.after
        return 2 * (self.before - int(np.count_nonzero(self.removed))) / both if both else 1.0


def changed(before: np.ndarray, after: np.ndarray, voxel_mm3: float) -> Changed:
    """Compare two masks of one grid, (K, J, I) bool."""
    return Changed(int(np.count_nonzero(before)), int(np.count_nonzero(after)), after & ~before, before & ~after, voxel_mm3)
