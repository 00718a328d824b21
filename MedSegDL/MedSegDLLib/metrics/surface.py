"""Distances between the surfaces of two masks, computed once and read off as HD95, ASSD and maximum, with named rules for empty masks.

Only numpy and SimpleITK enter here; no files, no tasks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np

from ..geometry.boxes import bounding_box
from .overlap import same_shape

HAUSDORFF_PERCENT = 95.0


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
    same_shape(prediction, reference)
    sides = tuple(float(side) for side in spacing_mm)[::-1]
    if len(sides) != prediction.ndim or prediction.ndim not in (2, 3):
        raise ValueError(f"{len(sides)} spacings do not go with a mask of shape {prediction.shape}")
    worst_mm = float(np.linalg.norm(np.multiply(prediction.shape, sides)))
    predicted, true = prediction.astype(bool), reference.astype(bool)
    box = bounding_box(predicted | true)
    codes, true_codes = (_neighbour_codes(mask[box]) for mask in (predicted, true))
    outwards = _directed(codes, true_codes, sides)
    return SurfaceDistances(*outwards, *_directed(true_codes, codes, sides), worst_mm)


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
    import SimpleITK as sitk  # as in `diameters`

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
