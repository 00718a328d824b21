"""A volume read on another grid, box by box: a window that must not wait reads no more of it than it needs."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from ..geometry.boxes import Box


@dataclass(frozen=True)
class OnGrid:
    """A volume as it looks on a grid; linear in between, its border goes on outside.

    Attributes:
        array: (K, J, I).
        to_array: (4, 4) indices (i, j, k, 1) of the grid to those of the array.
    """

    array: np.ndarray
    to_array: np.ndarray

    def __getitem__(self, box: Box) -> np.ndarray:
        """The values in a box of the grid, float32."""
        k, j, i = np.ogrid[tuple(slice(side.start, side.stop) for side in box)]
        shape = tuple(side.stop - side.start for side in box)
        low, share = [], []
        for row, size in zip((2, 1, 0), self.array.shape):
            along = self.to_array[row, 0] * i + self.to_array[row, 1] * j + self.to_array[row, 2] * k + self.to_array[row, 3]
            along = np.clip(np.broadcast_to(along, shape), 0, size - 1)
            low.append(np.minimum(along.astype(np.intp), max(size - 2, 0)))
            share.append((along - low[-1]).astype(np.float32))
        values = np.zeros(shape, np.float32)
        for corner in itertools.product((0, 1), repeat=3):
            weight = np.ones(shape, np.float32)
            for step, part in zip(corner, share):
                weight *= part if step else 1 - part
            places = (np.minimum(start + step, size - 1) for start, step, size in zip(low, corner, self.array.shape))
            values += weight * self.array[tuple(places)]
        return values
