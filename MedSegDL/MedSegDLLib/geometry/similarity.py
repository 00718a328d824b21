"""How well two images of one head fit: mutual information at points in space. numpy only; the one measure that registration is judged by.

Points lie between the voxels of either image, so that no place is favoured for needing no interpolation (Pluim and others 2000,
'Interpolation artefacts in mutual information-based image registration'). Where the other image ends it says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .background import value_of_nothing
from .image import Image

BINS = 24
LOWEST, HIGHEST = 1.0, 99.0  # percentiles that the bins span
LEAST_SHARED = 0.3  # of the points must lie within the other image
AIR = 0.1  # of the 99th percentile above nothing: darker is no head
FEWEST = 200  # points in a head; fewer tell nothing
SEED = 1
SEARCHED = 4  # points are drawn so many times as often as they are needed: the rest is air


@dataclass(frozen=True)
class Similarity:
    """The measure of one image against another.

    Attributes:
        points: (n, 3) RAS mm, within the fixed image's head.
        fixed: (n,) bin of the fixed image.
        moving: what is moved over it.
        low, step: of the moving image's bins.
    """

    points: np.ndarray
    fixed: np.ndarray
    moving: Image
    low: float
    step: float

    @property
    def middle(self) -> np.ndarray:
        """Of the fixed image's head: (3,) RAS mm."""
        return self.points.mean(axis=0)

    def at(self, matrix: np.ndarray) -> float:
        """Mutual information (nats, the bias of a finite sample subtracted) with the moving image moved by (4, 4) RAS mm.

        0 where too little of the head lies within the moving image.
        """
        values, inside = values_at(self.moving, self.points, np.linalg.inv(matrix))
        count = int(np.count_nonzero(inside))
        if count < LEAST_SHARED * len(self.points):
            return 0.0
        place = np.clip((values[inside] - self.low) / self.step, 0, BINS - 1.001)
        lower = place.astype(np.int64)
        share, pair = place - lower, self.fixed[inside] * BINS + lower
        joint = np.bincount(pair, 1 - share, BINS * BINS) + np.bincount(pair + 1, share, BINS * BINS)
        return _mutual_information(joint.reshape(BINS, BINS) / count) - (BINS - 1) ** 2 / (2 * count)


def _mutual_information(joint: np.ndarray) -> float:
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    filled = joint > 0
    return float((joint[filled] * np.log(joint[filled] / apart[filled])).sum())


def similarity(fixed: Image, moving: Image, count: int) -> Similarity | None:
    """The measure at some `count` points of the fixed image's head; None where it shows none, or one value only."""
    points, values = head_points(fixed, count)
    if len(points) < FEWEST:
        return None
    low, high = np.percentile(values, (LOWEST, HIGHEST))
    other = _sample(moving)
    other_low, other_high = np.percentile(other, (LOWEST, HIGHEST))
    if high <= low or other_high <= other_low:
        return None
    bins = np.clip((values - low) / (high - low) * BINS, 0, BINS - 1).astype(np.int64)
    return Similarity(points, bins, moving, float(other_low), float(other_high - other_low) / (BINS - 1))


def head_points(image: Image, count: int) -> tuple[np.ndarray, np.ndarray]:
    """About `count` places spread over the head in an image, and its values there: (n, 3) RAS mm, (n,). Always the same ones."""
    random = np.random.default_rng(SEED)
    last = np.array(image.grid.shape[::-1], dtype=float) - 1
    ijk = random.random((SEARCHED * count, 3)) * last
    points = ijk @ image.affine[:3, :3].T + image.affine[:3, 3]
    values, _ = values_at(image, points, np.eye(4))
    nothing = value_of_nothing(image.array)
    head = values > nothing + AIR * (np.percentile(values, HIGHEST) - nothing)
    return points[head][:count], values[head][:count]


def head_middle(image: Image, count: int = 2000) -> np.ndarray:
    """Middle of the head in an image: (3,) RAS mm; of the grid where it shows none."""
    points, _ = head_points(image, count)
    return points.mean(axis=0) if len(points) else image.grid.corners().mean(axis=0)


def values_at(image: Image, points: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Linearly interpolated values at points (n, 3) moved by (4, 4) RAS mm, and which lie within the image: (n,) float32, (n,) bool."""
    index = np.linalg.inv(image.affine) @ matrix
    last = np.array(image.grid.shape[::-1]) - 1
    ijk = points @ index[:3, :3].T + index[:3, 3]
    inside = ((ijk >= -0.5) & (ijk <= last + 0.5)).all(axis=1)
    ijk = np.clip(ijk, 0, last)
    lower = np.minimum(ijk.astype(np.int64), np.maximum(last - 1, 0))
    share = (ijk - lower).astype(np.float32)
    strides = np.array([1, last[0] + 1, (last[0] + 1) * (last[1] + 1)])
    flat, first, steps = np.ascontiguousarray(image.array).reshape(-1), lower @ strides, np.where(last > 0, strides, 0)

    def along(axis: int, offset: int) -> np.ndarray:
        """Interpolated along an axis and those before it."""
        if axis < 0:
            return flat.take(first + offset).astype(np.float32)
        low, high = along(axis - 1, offset), along(axis - 1, offset + steps[axis])
        return low + share[:, axis] * (high - low)

    return along(2, 0), inside


def _sample(image: Image) -> np.ndarray:
    """Values of the head in an image, or all values where there is none."""
    _, values = head_points(image, 4000)
    return values if len(values) else image.array.reshape(-1).astype(float)
