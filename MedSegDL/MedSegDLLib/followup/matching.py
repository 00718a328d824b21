"""Which lesion of a later study is which of an earlier one: those that overlap once the later study is laid on the earlier one.

Overlap is asked for voxel by voxel of the later study, so that no mask is resampled. A lesion that overlaps none is looked for once more
within `TOLERANCE_MM`: registration is not better than that, and small lesions would be called new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from ..geometry.boxes import bounding_box, grown
from ..geometry.image import Grid

TOLERANCE_MM = 3.0  # about twice what rigid registration of a head leaves, `geometry.registration`


class Kind(str, Enum):
    """What became of a lesion."""

    SAME = "same"
    NEW = "new"
    GONE = "gone"
    MERGED = "merged"  # several earlier ones are one now
    SPLIT = "split"  # one earlier one is several now


@dataclass(frozen=True)
class Match:
    """Lesions that belong together.

    Attributes:
        before, after: indices of the lesions of the earlier and the later study, the largest of each is 0; empty where there is none.
    """

    before: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def kind(self) -> Kind:
        """What became of them."""
        if not self.before:
            return Kind.NEW
        if not self.after:
            return Kind.GONE
        if len(self.before) > 1:
            return Kind.MERGED
        return Kind.SPLIT if len(self.after) > 1 else Kind.SAME


def matched(before: np.ndarray, grid: Grid, after: np.ndarray, after_grid: Grid, motion: np.ndarray) -> list[Match]:
    """The lesions of two masks, each in exactly one match; those of the earlier study first.

    Args:
        before, after: (K, J, I) masks of one region.
        grid, after_grid: where each lies.
        motion: (4, 4) RAS mm that lays the later study on the earlier one.
    """
    earlier, later = numbered(before), numbered(after)
    links = _links(earlier, grid, later, after_grid, motion)
    return _groups(int(earlier.max(initial=0)), int(later.max(initial=0)), links)


def numbered(mask: np.ndarray) -> np.ndarray:
    """(K, J, I) int: the 26-connected parts, 1 the largest, as `metrics.diameters` orders them."""
    import SimpleITK as sitk  # takes a moment, and Slicer's window must not wait for it

    labels = np.zeros(mask.shape, np.int32)
    if mask.any():
        box = bounding_box(mask)
        parts = sitk.ConnectedComponent(sitk.GetImageFromArray((mask[box] != 0).astype(np.uint8)), True)
        labels[box] = sitk.GetArrayFromImage(sitk.RelabelComponent(parts))
    return labels


def _links(earlier: np.ndarray, grid: Grid, later: np.ndarray, after_grid: Grid, motion: np.ndarray) -> set[tuple[int, int]]:
    """(earlier, later) numbers that overlap, or lie within the tolerance where they overlap nothing."""
    voxels = np.argwhere(later > 0)
    if not len(voxels) or not earlier.any():
        return set()
    numbers = later[tuple(voxels.T)]
    to_earlier = np.linalg.inv(grid.affine) @ motion @ after_grid.affine
    found = _met(earlier, voxels, to_earlier, numbers)
    left = ~np.isin(numbers, [number for _earlier, number in found])
    met = {number for number, _later in found}
    unmatched = [number for number in range(1, int(earlier.max()) + 1) if number not in met]
    if left.any() and unmatched:
        found |= _met(_grown(np.where(np.isin(earlier, unmatched), earlier, 0), grid), voxels[left], to_earlier, numbers[left])
    return found


def _met(earlier: np.ndarray, voxels: np.ndarray, to_earlier: np.ndarray, numbers: np.ndarray) -> set[tuple[int, int]]:
    index = np.rint(voxels[:, ::-1] @ to_earlier[:3, :3].T + to_earlier[:3, 3]).astype(np.int64)[:, ::-1]
    inside = ((index >= 0) & (index < earlier.shape)).all(axis=1)
    there = earlier[tuple(index[inside].T)]
    pairs = np.column_stack([there, numbers[inside]])[there > 0]
    return {(int(a), int(b)) for a, b in np.unique(pairs, axis=0)} if len(pairs) else set()


def _grown(labels: np.ndarray, grid: Grid) -> np.ndarray:
    """Labels grown by the tolerance; where two meet the smaller lesion, which has the larger number, has it."""
    import SimpleITK as sitk  # as in `numbered`

    radius = [max(1, round(TOLERANCE_MM / side)) for side in grid.spacing_mm]
    box = grown(bounding_box(labels), labels.shape, max(radius))
    larger = labels.copy()
    larger[box] = sitk.GetArrayFromImage(sitk.GrayscaleDilate(sitk.GetImageFromArray(labels[box]), radius, sitk.sitkBall))
    return larger


def _groups(earlier: int, later: int, links: set[tuple[int, int]]) -> list[Match]:
    """Lesions that hang together by links, however many of each side."""
    left, groups = {("a", n) for n in range(1, earlier + 1)} | {("b", n) for n in range(1, later + 1)}, []
    near: dict[tuple[str, int], list[tuple[str, int]]] = {}
    for a, b in links:
        near.setdefault(("a", a), []).append(("b", b))
        near.setdefault(("b", b), []).append(("a", a))
    while left:
        ready, members = [min(left)], set()
        while ready:
            one = ready.pop()
            if one not in members:
                members.add(one)
                ready += near.get(one, ())
        left -= members
        groups.append(Match(_side(members, "a"), _side(members, "b")))
    return groups


def _side(members: Sequence[tuple[str, int]] | set[tuple[str, int]], side: str) -> tuple[int, ...]:
    return tuple(sorted(number - 1 for which, number in members if which == side))
