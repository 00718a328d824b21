"""Bounding boxes, and boxes of one grid that lie behind boxes of another, so that the way back goes part by part. Index arithmetic only."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from .image import Grid

if TYPE_CHECKING:
    from torch import Tensor

Box = tuple[slice, slice, slice]

BOX_MARGIN_VOXELS = 2  # of the network's grid, so that interpolation at a region's rim sees what lies beyond it
SLAB_PLANES = 16  # restored at a time, so that probabilities never lie in memory at the reference's resolution
NOTHING: Box = (slice(0, 0),) * 3
SAME_MM = 1e-6  # below it two places differ by rounding only
SPECK_SHARE = 1e-3  # of a mask's voxels: less, with an empty plane between, is a marker or a stray voxel, no head and no body


def parts(above: np.ndarray, source: Grid, target: Grid, box: Box) -> Iterator[tuple[Box, Box]]:
    """Some slices of the box at a time: the part of `source` around what is `above` there, with a margin, and its place on `target`.

    Args:
        above: (K, J, I) bool on `source`.
        source: the network's grid.
        target: the reference's grid.
        box: of `target`, from `box_around`.
    """
    for start in range(box[0].start, box[0].stop, SLAB_PLANES):
        slab = (slice(start, min(start + SLAB_PLANES, box[0].stop)), *box[1:])
        if is_empty(slab):
            continue
        behind = target_box(target.cropped(slab), source)
        if is_empty(behind) or not above[behind].any():
            continue
        reached = bounding_box(above[behind])
        inner = grown(tuple(slice(s.start + b.start, s.stop + b.start) for s, b in zip(reached, behind)), above.shape)
        fine = tuple(slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(target_box(source.cropped(inner), target), slab))
        if not is_empty(fine):
            yield inner, fine


def bounding_box(mask: np.ndarray | Tensor) -> tuple[slice, ...]:
    """The smallest box with every voxel of a mask that is not 0, in however many axes; the whole array where there is none.

    A tensor's axes are asked on its own device; as bytes, since torch's `any` takes fifty times as long.
    """
    if isinstance(mask, np.ndarray):
        hits = [np.flatnonzero(mask.any(axis=_others(axis, mask.ndim))).tolist() for axis in range(mask.ndim)]
    else:
        marks = mask.byte()
        hits = [marks.amax(dim=_others(axis, mask.ndim)).nonzero()[:, 0].tolist() for axis in range(mask.ndim)]
    return tuple(slice(hit[0], hit[-1] + 1) if hit else slice(0, side) for hit, side in zip(hits, mask.shape))


def box_of_most(mask: np.ndarray) -> Box:
    """The bounding box of a mask (K, J, I) less its specks: what an empty plane parts from the rest and is under `SPECK_SHARE` of it."""
    box = bounding_box(mask)
    for axis in range(mask.ndim):
        counts = np.count_nonzero(mask[box], axis=_others(axis, mask.ndim))
        filled = np.concatenate([[False], counts > 0, [False]])
        starts, stops = np.flatnonzero(filled[1:] & ~filled[:-1]), np.flatnonzero(~filled[1:] & filled[:-1])
        kept = [run for run in zip(starts, stops, strict=True) if counts[slice(*run)].sum() >= SPECK_SHARE * counts.sum()]
        if kept:
            first = box[axis].start
            box = (*box[:axis], slice(first + int(kept[0][0]), first + int(kept[-1][1])), *box[axis + 1 :])
    return box


def reach(mask: np.ndarray, grid: Grid) -> np.ndarray:
    """How far a mask reaches along the patient's axes: (2, 3), lowest and highest RAS mm of its voxels' centres; the grid's where empty.

    On an inclined grid that is less than its bounding box reaches: a head does not fill the box's corners.
    """
    corners = grid.corners()
    box = np.stack([corners.min(axis=0), corners.max(axis=0)])
    rows = mask.any(axis=2)
    if not rows.any():
        return box
    k, j = np.nonzero(rows)
    ends = mask[rows].argmax(axis=1), mask.shape[2] - 1 - mask[rows][:, ::-1].argmax(axis=1)
    places = np.concatenate([np.stack([i, j, k], axis=1) for i in ends]) @ grid.affine[:3, :3].T + grid.affine[:3, 3]
    found = np.stack([places.min(axis=0), places.max(axis=0)])
    return np.where(np.abs(found - box) < SAME_MM, box, found)


def _others(axis: int, axes: int) -> tuple[int, ...]:
    return tuple(other for other in range(axes) if other != axis)


def box_around(above: np.ndarray, source: Grid, target: Grid) -> Box:
    """The box of `target` that covers what is `above` on `source`, and a margin; empty where nothing is."""
    if not above.any():
        return NOTHING
    return target_box(source.cropped(grown(bounding_box(above), above.shape)), target)


def target_box(part: Grid, target: Grid) -> Box:
    """The box of `target` that covers `part` wholly; empty where they do not meet."""
    inverse = np.linalg.inv(target.affine)
    corners = part.corners() @ inverse[:3, :3].T + inverse[:3, 3]
    low = np.floor(corners.min(axis=0)).astype(int)[::-1]
    high = np.ceil(corners.max(axis=0)).astype(int)[::-1] + 1
    return tuple(slice(max(0, int(a)), max(0, min(int(b), n))) for a, b, n in zip(low, high, target.shape))


def grown(box: Box, shape: tuple[int, ...], voxels: int | tuple[int, ...] = BOX_MARGIN_VOXELS) -> Box:
    """The box with a margin on every side (one number, or one an axis), cut at the borders."""
    margins = (voxels,) * len(box) if isinstance(voxels, int) else voxels
    return tuple(slice(max(0, s.start - m), min(n, s.stop + m)) for s, m, n in zip(box, margins, shape))


def whole_of(shape: tuple[int, ...]) -> Box:
    """The box of a whole array."""
    return tuple(slice(0, n) for n in shape)


def voxels_of(box: Box) -> int:
    """How many voxels lie in it."""
    return math.prod(side.stop - side.start for side in box)


def is_empty(box: Box) -> bool:
    """Whether no voxel lies in it."""
    return any(s.stop <= s.start for s in box)
