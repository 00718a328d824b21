"""How well a segmentation agrees with a reference: one confusion matrix, one set of surface distances, one count of matched objects.

Every definition is named and says what it does with empty masks. Only numpy and SimpleITK enter here; no files, no tasks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
import SimpleITK as sitk

HAUSDORFF_PERCENT = 95.0
KAGGLE_THRESHOLDS = tuple(percent / 100 for percent in range(50, 100, 5))  # Data Science Bowl 2018


@dataclass(frozen=True)
class Confusion:
    """Counts of voxels; every overlap measure comes from these four.

    Where a ratio has no denominator it is 1 if both masks are empty (nothing to find and nothing found) and 0 otherwise, as BraTS counts
    Dice. No case is ever left out of a mean for being empty.

    Attributes:
        tp, fp, fn, tn: voxels in both masks, in the prediction only, in the reference only, in neither.
    """

    tp: int
    fp: int
    fn: int
    tn: int

    def _ratio(self, part: float, whole: float) -> float:
        if whole == 0:
            return float(self.tp + self.fp + self.fn == 0)
        return part / whole

    @property
    def dice(self) -> float:
        """2 |P and R| / (|P| + |R|)."""
        return self._ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def iou(self) -> float:
        """|P and R| / |P or R| (Jaccard); Dice = 2 IoU / (1 + IoU)."""
        return self._ratio(self.tp, self.tp + self.fp + self.fn)

    @property
    def sensitivity(self) -> float:
        """Share of the reference that was found (recall)."""
        return self._ratio(self.tp, self.tp + self.fn)

    @property
    def precision(self) -> float:
        """Share of the prediction that is right."""
        return self._ratio(self.tp, self.tp + self.fp)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and sensitivity; of voxels this is Dice."""
        return self._ratio(2 * self.precision * self.sensitivity, self.precision + self.sensitivity)

    @property
    def accuracy(self) -> float:
        """Share of all voxels that are right: mostly background, so high for any small object."""
        return self._ratio(self.tp + self.tn, self.tp + self.fp + self.fn + self.tn)

    @property
    def voe(self) -> float:
        """Volumetric overlap error (LiTS): 1 - IoU."""
        return 1.0 - self.iou

    @property
    def rvd(self) -> float | None:
        """Relative volume difference (LiTS): (|P| - |R|) / |R|; 0 if both are empty, None if only the reference is."""
        if self.tp + self.fn == 0:
            return 0.0 if self.fp == 0 else None
        return (self.fp - self.fn) / (self.tp + self.fn)


def confusion(prediction: np.ndarray, reference: np.ndarray) -> Confusion:
    """Compare two masks of one shape; whatever is not 0 counts as inside.

    Raises:
        ValueError: the shapes differ.
    """
    _same_shape(prediction, reference)
    predicted, true = prediction.astype(bool), reference.astype(bool)
    tp = int(np.count_nonzero(predicted & true))
    fp, fn = int(np.count_nonzero(predicted)) - tp, int(np.count_nonzero(true)) - tp
    return Confusion(tp, fp, fn, predicted.size - tp - fp - fn)


def _same_shape(prediction: np.ndarray, reference: np.ndarray) -> None:
    if prediction.shape != reference.shape:
        raise ValueError(f"masks of one shape are needed, not {prediction.shape} and {reference.shape}")


@dataclass(frozen=True)
class SurfaceDistances:
    """Distances from each element of one mask's surface to the other mask's surface, both ways, with the elements' sizes.

    Both masks empty: every measure is 0. One of them empty: every measure is `worst_mm`, the diagonal of the grid (373.13 mm on the BraTS
    grid, which is what its official evaluation writes then).

    Attributes:
        prediction_mm, reference_mm: (n,) distances from the elements of that mask's surface, ascending.
        prediction_size, reference_size: (n,) the elements' areas in mm2 (lengths in mm for two-dimensional masks).
        worst_mm: the diagonal of the grid.
    """

    prediction_mm: np.ndarray
    prediction_size: np.ndarray
    reference_mm: np.ndarray
    reference_size: np.ndarray
    worst_mm: float

    @property
    def hd95_mm(self) -> float:
        """Surface-area weighted 95th percentile Hausdorff distance: see `hausdorff_mm`."""
        return self.hausdorff_mm(HAUSDORFF_PERCENT)

    def hausdorff_mm(self, percent: float) -> float:
        """The larger of the two directed distances below which `percent` of the surface's area lies.

        The definition of DeepMind's surface-distance (Nikolov and others 2018) and of the official BraTS evaluation. Percentiles over
        surface voxels (MONAI) and over both directions pooled (medpy, panoptica) are other numbers.
        """
        empty = self._empty_mm()
        if empty is not None:
            return empty
        directions = ((self.prediction_mm, self.prediction_size), (self.reference_mm, self.reference_size))
        return max(_weighted_percentile(distances, sizes, percent) for distances, sizes in directions)

    @property
    def assd_mm(self) -> float:
        """Average symmetric surface distance (LiTS), both directions pooled, weighted by area."""
        empty = self._empty_mm()
        if empty is not None:
            return empty
        total = self.prediction_mm @ self.prediction_size + self.reference_mm @ self.reference_size
        return float(total / (self.prediction_size.sum() + self.reference_size.sum()))

    @property
    def msd_mm(self) -> float:
        """Maximum symmetric surface distance (LiTS), the plain Hausdorff distance."""
        empty = self._empty_mm()
        return float(max(self.prediction_mm[-1], self.reference_mm[-1])) if empty is None else empty

    def _empty_mm(self) -> float | None:
        """What the empty rule says; None where it does not apply."""
        if len(self.prediction_mm) and len(self.reference_mm):
            return None
        return self.worst_mm if len(self.prediction_mm) or len(self.reference_mm) else 0.0


def surface_distances(prediction: np.ndarray, reference: np.ndarray, spacing_mm: Sequence[float]) -> SurfaceDistances:
    """Measure the distances between the surfaces of two masks; compute once, read many measures off.

    The surface runs halfway between voxels inside and outside (marching cubes; marching squares in two dimensions); beyond the grid all is
    outside. Its elements sit where eight (four) voxels meet.

    Args:
        prediction, reference: (K, J, I) or (J, I) masks; whatever is not 0 counts as inside.
        spacing_mm: voxel sides along i, j (, k), as `Grid.spacing_mm` gives them.

    Raises:
        ValueError: the shapes differ, or the number of spacings is not that of the axes.
    """
    _same_shape(prediction, reference)
    sides = tuple(float(side) for side in spacing_mm)[::-1]
    if len(sides) != prediction.ndim or prediction.ndim not in (2, 3):
        raise ValueError(f"{len(sides)} spacings do not go with a mask of shape {prediction.shape}")
    worst_mm = float(np.linalg.norm(np.multiply(prediction.shape, sides)))
    predicted, true = prediction.astype(bool), reference.astype(bool)
    box = _bounding_box(predicted | true)
    codes, true_codes = (_neighbour_codes(mask[box]) for mask in (predicted, true))
    outwards = _directed(codes, true_codes, sides)
    return SurfaceDistances(*outwards, *_directed(true_codes, codes, sides), worst_mm)


def _bounding_box(mask: np.ndarray) -> tuple[slice, ...]:
    """The smallest box that holds the mask; an empty one for an empty mask."""
    box = []
    for axis in range(mask.ndim):
        used = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        box.append(slice(used[0], used[-1] + 1) if used.size else slice(0, 0))
    return tuple(box)


def _neighbour_codes(mask: np.ndarray) -> np.ndarray:
    """Which of the 2 ** ndim voxels around each meeting point are inside, one bit a voxel: shape + 1, uint8."""
    padded = np.pad(mask, 1).astype(np.uint8)
    codes = np.zeros([n + 1 for n in mask.shape], np.uint8)
    for bit, corner in enumerate(product((0, 1), repeat=mask.ndim)):
        codes |= padded[tuple(slice(start, start + n) for start, n in zip(corner, codes.shape))] << bit
    return codes


def _directed(codes: np.ndarray, other: np.ndarray, sides: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Distances from the surface elements of one mask to those of the other, ascending, and the elements' sizes."""
    full = 2 ** (2 ** len(sides)) - 1
    here, there = ((mask != 0) & (mask != full) for mask in (codes, other))
    sizes = _element_sizes(sides)[codes[here]]
    if not here.any() or not there.any():
        return np.zeros(len(sizes)), sizes
    image = sitk.GetImageFromArray(there.astype(np.uint8))
    image.SetSpacing(sides[::-1])
    distances = sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(image, False, False, True))[here].astype(np.float64)
    order = np.argsort(distances, kind="stable")
    return np.maximum(distances[order], 0.0), sizes[order]


def _weighted_percentile(distances: np.ndarray, sizes: np.ndarray, percent: float) -> float:
    """The first of the ascending distances at which `percent` of the total size is reached."""
    shares = np.cumsum(sizes) / sizes.sum()
    return float(distances[min(np.searchsorted(shares, percent / 100), len(distances) - 1)])


@cache
def _element_sizes(sides: tuple[float, ...]) -> np.ndarray:
    """Area (length) of the surface inside the cell between neighbouring voxels, for every neighbour code: (2 ** (2 ** ndim),)."""
    codes, simplices = _elements(len(sides))
    edges = np.diff(simplices * np.array(sides), axis=1)
    if len(sides) == 2:
        sizes = np.linalg.norm(edges[:, 0], axis=-1)
    else:
        sizes = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=-1) / 2
    return np.bincount(codes, weights=sizes, minlength=2 ** (2 ** len(sides)))


Point = tuple[float, ...]


@cache
def _elements(ndim: int) -> tuple[np.ndarray, np.ndarray]:
    """Every simplex of every neighbour code in the unit cell: its code (n,), its points (n, ndim, ndim)."""
    corners = list(product((0, 1), repeat=ndim))
    codes: list[int] = []
    simplices: list[Sequence[Point]] = []
    for code in range(2 ** len(corners)):
        inside = {corner: bool(code >> bit & 1) for bit, corner in enumerate(corners)}
        parts = list(_segments(inside)) if ndim == 2 else [triangle for loop in _loops(inside) for triangle in _triangles(loop)]
        codes.extend([code] * len(parts))
        simplices.extend(parts)
    return np.array(codes), np.array(simplices, dtype=np.float64)


def _segments(inside: dict[Point, bool]) -> Iterator[tuple[Point, Point]]:
    """Contour through the faces of a cell, between the middles of the edges that it crosses.

    On a face whose diagonals disagree, the corners of the kind that is rarer in the cell are cut off, each by itself.
    """
    rarer = 2 * sum(inside.values()) <= len(inside)
    for face in _faces(len(next(iter(inside)))):
        edges = [(face[i - 1], face[i]) for i in range(4)]
        crossed = [_middle(*edge) for edge in edges if inside[edge[0]] != inside[edge[1]]]
        if len(crossed) == 2:
            yield crossed[0], crossed[1]
        elif crossed:
            yield from ((crossed[i], crossed[(i + 1) % 4]) for i in range(4) if inside[face[i]] == rarer)


@cache
def _faces(ndim: int) -> tuple[tuple[Point, ...], ...]:
    """The faces of the unit cell, their four corners in turn: one in two dimensions, six in three."""
    turn = ((0, 0), (0, 1), (1, 1), (1, 0))
    if ndim == 2:
        return (turn,)
    return tuple(tuple((*corner[:axis], side, *corner[axis:]) for corner in turn) for axis in range(3) for side in (0, 1))


def _middle(start: Point, end: Point) -> Point:
    return tuple((a + b) / 2 for a, b in zip(start, end))


def _loops(inside: dict[Point, bool]) -> Iterator[list[Point]]:
    """The closed polygons in which the surface meets the faces of a cube."""
    links: dict[Point, list[Point]] = {}
    for start, end in _segments(inside):
        links.setdefault(start, []).append(end)
        links.setdefault(end, []).append(start)
    while links:
        loop = [next(iter(links))]
        while following := [point for point in links.pop(loop[-1]) if point in links]:
            loop.append(following[0])
        yield loop


def _triangles(loop: Sequence[Point]) -> list[tuple[Point, Point, Point]]:
    """The polygon's triangles; of all ways to cut it the one of largest area in the unit cube, the ridge that marching cubes draws."""
    if len(loop) < 3:
        return []
    cuts = ([(loop[0], loop[i], loop[-1]), *_triangles(loop[: i + 1]), *_triangles(loop[i:])] for i in range(1, len(loop) - 1))
    return max(cuts, key=lambda triangles: sum(map(_area, triangles)))


def _area(triangle: tuple[Point, Point, Point]) -> float:
    first, second, third = np.array(triangle)
    return float(np.linalg.norm(np.cross(second - first, third - first))) / 2


def kaggle_precision(instances: np.ndarray, reference: np.ndarray) -> float:
    """Mean over the IoU thresholds 0.50, 0.55 ... 0.95 of TP / (TP + FP + FN) over objects (Kaggle Data Science Bowl 2018).

    An object is found where its IoU with one of the reference is greater than the threshold; from 0.5 on no object matches twice.
    Both images empty: 1. One of them empty: 0.

    Args:
        instances, reference: integer labels of one shape; 0 is background, every other number one object.

    Raises:
        ValueError: the shapes differ.
    """
    _same_shape(instances, reference)
    overlaps, found, true = _object_overlaps(instances, reference)
    if found + true == 0:
        return 1.0
    hits = np.array([np.count_nonzero(overlaps > threshold) for threshold in KAGGLE_THRESHOLDS])
    return float(np.mean(hits / (found + true - hits)))


def _object_overlaps(instances: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, int, int]:
    """IoU of every pair of objects that meet, and the numbers of objects in either image."""
    keys, found = np.unique(instances, return_inverse=True)
    true_keys, true = np.unique(reference, return_inverse=True)
    pairs, shared = np.unique(found.ravel().astype(np.int64) * len(true_keys) + true.ravel(), return_counts=True)
    row, column = np.divmod(pairs, len(true_keys))
    union = np.bincount(found.ravel())[row] + np.bincount(true.ravel())[column] - shared
    objects = (keys[row] > 0) & (true_keys[column] > 0)
    return (shared / union)[objects], int(np.count_nonzero(keys)), int(np.count_nonzero(true_keys))
