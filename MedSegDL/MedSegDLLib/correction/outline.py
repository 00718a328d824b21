"""An outline redrawn near points that belong inside or outside: no network, only the image and the segment as it is.

Which voxels near a point change sides is decided by geodesic distances (Criminisi, Sharp, Blake: GeoS, ECCV 2008): every voxel within reach
goes to the side whose seeds are nearer along the image, where a step over an edge is long. Seeds of a side are its points and whatever of
it nobody has put in doubt, so that the outline comes to lie on the strongest edge between a point and what is left.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

LEAST_REACH_MM = 8.0  # of `automatic_reach`
MOST_VOXELS = 41**3  # of a box around a point: half a second on one busy core
BEYOND = 2.5  # times the distance from a point to the outline: so far the outline may move for it (of 1.5 and 2.5 the better on one brain)
EDGE = 2.0  # a step over the box's full contrast is as long as so many reaches through even tissue
CONTRAST = (5, 95)  # percentiles of the box whose difference is its full contrast
SMOOTHING_MM = 0.7  # standard deviation: noise is no edge
PASSES = 4  # over the box in all six directions: geodesics that wind more than that are rare (Toivanen, Pattern Recognition Letters 1996)

OFFSETS = tuple(offset for offset in itertools.product((-1, 0, 1), repeat=3) if any(offset))

Point = tuple[int, int, int]  # (k, j, i)


@dataclass(frozen=True)
class Points:
    """Where a segment is said to be and not to be.

    Attributes:
        inside, outside: voxels (k, j, i).
    """

    inside: tuple[Point, ...] = ()
    outside: tuple[Point, ...] = ()

    def __post_init__(self) -> None:
        if set(self.inside) & set(self.outside):
            raise ValueError("a voxel cannot be both inside and outside")


@dataclass(frozen=True)
class Change:
    """What a correction changes.

    Attributes:
        box: slices of the volume that hold all of it.
        added, removed: bool, the box's size.
    """

    box: tuple[slice, slice, slice]
    added: np.ndarray
    removed: np.ndarray

    @property
    def count(self) -> int:
        """Voxels that changed sides."""
        return int(np.count_nonzero(self.added)) + int(np.count_nonzero(self.removed))


def redrawn(mask: np.ndarray, images: Sequence[np.ndarray], spacing_mm: np.ndarray, points: Points, reach_mm: float) -> np.ndarray:
    """The mask with its outline redrawn near the points that contradict it; those that agree hold what is there.

    Inside points only add, outside points only take away; nothing changes farther than the reach from a point that contradicts.

    Args:
        mask: (K, J, I), not 0 is inside; left as it is.
        images: grey volumes of the same shape in which the edges are looked for; none leaves distance alone to decide.
        spacing_mm: (3,) along k, j, i.
        points: within the volume.
        reach_mm: above 0.

    Returns:
        (K, J, I) bool.
    """
    drawn = mask != 0
    change = None
    for change in changing(mask, images, spacing_mm, points, reach_mm):  # noqa: B007 - the last is the result
        pass
    if change is not None:
        drawn[change.box] = (drawn[change.box] | change.added) & ~change.removed
    return drawn


def changing(
    mask: np.ndarray, images: Sequence[np.ndarray], spacing_mm: np.ndarray, points: Points, reach_mm: float
) -> Iterator[Change | None]:
    """The same in steps of some milliseconds each, for a window that must not wait: None until the last, which is the change.

    Yields nothing where no point contradicts the mask. Args: as for `redrawn`.

    Raises:
        ValueError: a point lies outside of the volume, or the reach is none.
    """
    _must_fit(mask, points, reach_mm)
    wrong_in = [point for point in points.inside if not mask[point]]
    wrong_out = [point for point in points.outside if mask[point]]
    if not wrong_in and not wrong_out:
        return
    box = _box_around([*wrong_in, *wrong_out], spacing_mm, reach_mm, mask.shape)
    start = np.array([side.start for side in box])
    now = mask[box] != 0
    doubtful = (_within(wrong_in, start, now.shape, spacing_mm, reach_mm) & ~now) | (
        _within(wrong_out, start, now.shape, spacing_mm, reach_mm) & now
    )
    yield None
    seeds = np.stack([now & ~doubtful, ~now & ~doubtful])
    for side, chosen in enumerate((points.inside, points.outside)):
        for place in (tuple(np.array(point) - start) for point in chosen):
            if all(0 <= along < size for along, size in zip(place, now.shape)):
                seeds[(slice(None), *place)] = (side == 0, side == 1)
    steps = _Steps(now.shape, spacing_mm)
    for image in images:
        steps.add_edges(image[box], reach_mm)
        yield None
    distances = np.full((2, *(size + 2 for size in now.shape)), np.inf, np.float32)  # a rim from which nothing comes
    near, far = inner = distances[:, 1:-1, 1:-1, 1:-1]
    inner[seeds] = 0
    for _sweep in steps.spreading(distances):
        yield None
    inside = np.where(near == far, now, near < far)
    for side, chosen in ((True, wrong_in), (False, wrong_out)):
        for point in chosen:
            inside[tuple(np.array(point) - start)] = side
    yield Change(box, inside & ~now & doubtful, now & ~inside & doubtful)


def automatic_reach(mask: np.ndarray, point: Point, spacing_mm: np.ndarray) -> float:
    """How far an outline may move for a point, mm: somewhat beyond its distance from the outline; little where there is none near."""
    longest = longest_reach(spacing_mm)
    box = _box_around([point], spacing_mm, longest, mask.shape)
    other = np.argwhere((mask[box] != 0) != bool(mask[point]))
    if not other.size:
        return min(LEAST_REACH_MM, longest)
    there = (other + [side.start for side in box] - np.array(point)) * spacing_mm
    return float(min(max(BEYOND * np.sqrt((there**2).sum(axis=1).min()), LEAST_REACH_MM), longest))


def longest_reach(spacing_mm: np.ndarray) -> float:
    """How far a point may reach, mm, so that its box is worked through in half a second."""
    return float(np.cbrt(MOST_VOXELS * np.prod(spacing_mm)) / 2)


def _must_fit(mask: np.ndarray, points: Points, reach_mm: float) -> None:
    if not reach_mm > 0:
        raise ValueError(f"a reach of {reach_mm} mm reaches nothing")
    for point in (*points.inside, *points.outside):
        if not all(0 <= along < size for along, size in zip(point, mask.shape)):
            raise ValueError(f"the point {point} lies outside of the volume {mask.shape}")


def _box_around(points: Sequence[Point], spacing_mm: np.ndarray, reach_mm: float, shape: tuple[int, ...]) -> tuple[slice, ...]:
    """The box of all balls, and a voxel more on each side for the seeds around them."""
    margin = np.floor(reach_mm / np.asarray(spacing_mm)).astype(int) + 1
    low = np.maximum(np.min(points, axis=0) - margin, 0)
    high = np.minimum(np.max(points, axis=0) + margin + 1, shape)
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high))


def _within(points: Sequence[Point], start: np.ndarray, shape: tuple[int, ...], spacing_mm: np.ndarray, reach_mm: float) -> np.ndarray:
    """Voxels of a box no farther than the reach from one of the points."""
    near = np.zeros(shape, bool)
    for point in points:
        sides = [((np.arange(size) + low - along) * mm) ** 2 for size, low, along, mm in zip(shape, start, point, spacing_mm)]
        near |= sides[0][:, None, None] + sides[1][:, None] + sides[2] <= reach_mm**2
    return near


class _Steps:
    """The graph of a box: each voxel and its 26 neighbours, a step as long as its millimetres and what it climbs.

    Args:
        shape: (K, J, I) of the box.
        spacing_mm: (3,) along k, j, i.
    """

    def __init__(self, shape: tuple[int, ...], spacing_mm: np.ndarray) -> None:
        self._spacing_mm = np.asarray(spacing_mm, dtype=float)
        self._lengths = np.full((3, 3, 3, *shape), np.inf, np.float32)  # [dk, dj, di] + 1: of the step from a voxel to that neighbour
        for offset in OFFSETS:
            self._step(offset)[...] = np.linalg.norm(offset * self._spacing_mm)

    def add_edges(self, image: np.ndarray, reach_mm: float) -> None:
        """Make steps over the edges of one more image longer."""
        smooth = _smoothed(np.asarray(image, np.float32), self._spacing_mm)
        low, high = np.percentile(smooth, CONTRAST)
        if high > low:
            smooth *= np.float32(EDGE * reach_mm / (high - low))
            for offset in OFFSETS:
                self._step(offset)[...] += np.abs(smooth[_from(offset)] - smooth[_from(_reversed(offset))])

    def spreading(self, distances: np.ndarray) -> Iterator[None]:
        """Spread distances (2, K + 2, J + 2, I + 2) from their zeros, in place, a sweep at a time, until no voxel changes sides."""
        nearer = None
        for _pass in range(PASSES):
            for axis, forward in itertools.product(range(3), (True, False)):
                self._sweep(distances, axis, forward)
                yield
            before, nearer = nearer, distances[0] < distances[1]
            if before is not None and np.array_equal(before, nearer):
                return

    def _sweep(self, distances: np.ndarray, axis: int, forward: bool) -> None:
        """Carry distances plane by plane along an axis, each voxel taking the best of the nine behind it."""
        others = [other for other in range(3) if other != axis]
        lengths = np.moveaxis(np.take(self._lengths, 0 if forward else 2, axis=axis), axis + 2, 0)
        planes = np.moveaxis(distances[:, 1:-1, 1:-1, 1:-1], axis + 1, 0)
        windows = np.lib.stride_tricks.sliding_window_view(distances, (3, 3), axis=[other + 1 for other in others])
        behind = np.moveaxis(windows, (axis + 1, -2, -1), (0, 1, 2))[1:-1]  # follows what is written to the distances
        count = len(planes)
        for number in range(1, count) if forward else range(count - 2, -1, -1):
            reached = (behind[number - 1 if forward else number + 1] + lengths[number][:, :, None]).min(axis=(0, 1))
            np.minimum(planes[number], reached, out=planes[number])

    def _step(self, offset: tuple[int, ...]) -> np.ndarray:
        """Lengths of one step, from every voxel that has such a neighbour."""
        return self._lengths[tuple(step + 1 for step in offset)][_from(offset)]


def _smoothed(image: np.ndarray, spacing_mm: np.ndarray) -> np.ndarray:
    """A mean of each voxel and its two neighbours along every axis, as wide as `SMOOTHING_MM` says, or as three voxels can be."""
    for axis, mm in enumerate(spacing_mm):
        share = np.float32(min((SMOOTHING_MM / mm) ** 2 / 2, 0.25))
        padded = np.pad(image, [(int(axis == other),) * 2 for other in range(3)], mode="edge")
        lower, upper = (np.take(padded, np.arange(image.shape[axis]) + shift, axis=axis) for shift in (0, 2))
        image = (1 - 2 * share) * image + share * (lower + upper)
    return image


def _from(offset: Sequence[int]) -> tuple[slice, ...]:
    """The voxels from which a step stays within the box."""
    return tuple(slice(max(-step, 0), -step if step > 0 else None) for step in offset)


def _reversed(offset: Sequence[int]) -> tuple[int, ...]:
    return tuple(-step for step in offset)
