"""Volumes whose slices do not lie on a straight, even stack: a tilted gantry is resampled by the true positions, small gaps are filled.

Arithmetic on arrays only; which slices and where is decided in `series`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np


def filled(volume: np.ndarray, places: Sequence[int]) -> np.ndarray:
    """Slices between which others are missing, and these interpolated linearly between their neighbours.

    Args:
        volume: (n, J, I) as read.
        places: for each of them its index in the whole volume, rising from 0.

    Returns:
        (K, J, I) of the same type, K one more than the last place.
    """
    count = places[-1] + 1
    if count == len(places):
        return volume
    whole = np.empty((count, *volume.shape[1:]), volume.dtype)
    whole[list(places)] = volume
    for before, after in pairwise(places):
        for k in range(before + 1, after):
            share = (k - before) / (after - before)
            between = (1 - share) * whole[before].astype(np.float64) + share * whole[after].astype(np.float64)
            whole[k] = np.rint(between) if whole.dtype.kind in "iu" else between
    return whole


def enlarged(shape: tuple[int, int], shifts: np.ndarray) -> tuple[tuple[int, int], np.ndarray]:
    """The rows and columns that hold all slices after their shift, and the shift of the new first voxel: ((J, I), (2,) along i, j)."""
    base = np.floor(shifts.min(axis=0))
    more = np.ceil(shifts.max(axis=0) - base).astype(int)
    return (shape[0] + int(more[1]), shape[1] + int(more[0])), base


def straightened(volume: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Each slice moved within its own plane, linearly interpolated; what no slice shows gets the volume's least value.

    Args:
        volume: (K, J, I).
        shifts: (K, 2) voxels along i and j by which the slices lie beside the first voxel of a straight stack.

    Returns:
        (K, J', I') of the same type, on the grid of `enlarged`.
    """
    shape, base = enlarged(volume.shape[1:], shifts)
    outside = volume.min()
    moved = np.full((len(volume), *shape), outside, volume.dtype)
    for k, plane in enumerate(volume):
        along_i, along_j = shifts[k] - base
        placed = _moved(_moved(plane.astype(np.float64), along_j, shape[0], outside).T, along_i, shape[1], outside).T
        moved[k] = np.rint(placed) if volume.dtype.kind in "iu" else placed
    return moved


def _moved(plane: np.ndarray, shift: float, count: int, outside: float) -> np.ndarray:
    """Rows of (n, m) moved by `shift` >= 0 voxels into (count, m)."""
    whole, part = int(np.floor(shift)), shift - np.floor(shift)
    padded = np.full((count + 1, plane.shape[1]), outside, np.float64)
    padded[whole + 1 : whole + 1 + len(plane)] = plane[: count - whole]
    return padded[1:] if part == 0 else (1 - part) * padded[1:] + part * padded[:-1]
