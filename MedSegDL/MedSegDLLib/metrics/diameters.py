"""Lesions as a radiologist measures them: one part after the other, its volume, its longest diameter in an axial plane and the longest one
across it (RANO 2.0, RECIST 1.1). Only numpy and SimpleITK enter here; no files, no tasks, no thresholds of response.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..geometry.boxes import bounding_box

MM3_PER_ML = 1000.0


@dataclass(frozen=True)
class Lesion:
    """One connected part of a region.

    Attributes:
        voxel_count: voxels in it.
        volume_ml: millilitres.
        longest_mm: its longest diameter in an axial plane, from edge to edge.
        perpendicular_mm: the longest diameter across that one, in the same plane.
        ends: (2, 3) RAS mm, the ends of the longest diameter.
        across: (2, 3) RAS mm, those of the other.
    """

    voxel_count: int
    volume_ml: float
    longest_mm: float
    perpendicular_mm: float
    ends: np.ndarray
    across: np.ndarray

    @property
    def middle(self) -> np.ndarray:
        """(3,) RAS mm: where to look at it, the middle of the longest diameter."""
        return self.ends.mean(axis=0)


def lesions_of(mask: np.ndarray, affine: np.ndarray) -> list[Lesion]:
    """The 26-connected parts of a mask, the largest first.

    Args:
        mask: (K, J, I); whatever is not 0 is inside.
        affine: (4, 4) voxel indices (i, j, k) to RAS mm.

    Raises:
        ValueError: the mask is not three-dimensional.
    """
    if mask.ndim != 3:
        raise ValueError(f"lesions are measured in three dimensions, not in a shape {mask.shape}")
    if not mask.any():
        return []
    box = bounding_box(mask)
    parts, boxes = _parts(mask[box] != 0)
    voxel_ml = abs(float(np.linalg.det(affine[:3, :3]))) / MM3_PER_ML
    found = []
    for number, inner in enumerate(boxes, start=1):
        part = parts[inner] == number
        start = np.array([side.start + around.start for side, around in zip(inner, box)])[::-1]
        moved = affine.copy()
        moved[:3, 3] += affine[:3, :3] @ start
        count = int(np.count_nonzero(part))
        found.append(Lesion(count, count * voxel_ml, *diameters(part, moved)))
    return found


def diameters(mask: np.ndarray, affine: np.ndarray) -> tuple[float, float, np.ndarray, np.ndarray]:
    """The longest diameter of a mask in any of its axial slices, and the longest one at right angles to it in that slice.

    Axial is the image's own plane that lies nearest to the patient's: a slice is measured as it was taken, as on a workstation. Both go
    from edge to edge (half a voxel beyond the outermost centres along rows and columns, so that n voxels in a row are n spacings long);
    the second is a chord of the slice's convex hull.

    Args:
        mask: (K, J, I) bool, not empty.
        affine: (4, 4) voxel indices (i, j, k) to RAS mm.

    Returns:
        both in mm, and the ends of both, (2, 3) RAS mm each.
    """
    steps = affine[:3, :3]
    axis = int(np.argmax(np.abs(steps[2]) / np.linalg.norm(steps, axis=0)))  # of i, j, k: the one that runs along the body
    across, down = (other for other in range(3) if other != axis)  # of a slice: its columns and its rows
    plane = _plane(steps[:, across], steps[:, down])
    slices = np.moveaxis(mask, 2 - axis, 0)
    longest, number, pair = 0.0, -1, np.zeros((2, 2))
    for candidate in sorted(np.flatnonzero(slices.any(axis=(1, 2))), key=lambda n: -_bound(slices[n], plane)):
        if _bound(slices[candidate], plane) <= longest:
            break
        length, ends = _longest(_edge_points(slices[candidate]) @ plane.T)
        if length > longest:
            longest, number, pair = length, int(candidate), ends
    perpendicular, chord = _chord(_edge_points(slices[number]) @ plane.T, pair)
    order = [across, down, axis]

    def ras(points: np.ndarray) -> np.ndarray:
        indices = np.empty((2, 3))
        indices[:, order] = np.column_stack([points @ np.linalg.inv(plane).T, [number, number]])
        return indices @ steps.T + affine[:3, 3]

    return longest, perpendicular, ras(pair), ras(chord)


def _parts(mask: np.ndarray) -> tuple[np.ndarray, list[tuple[slice, ...]]]:
    """26-connected parts numbered from 1, the largest first, and the box of each."""
    import SimpleITK as sitk  # takes a moment, and Slicer's window must not wait for it

    labels = sitk.RelabelComponent(sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8)), True))
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.ComputePerimeterOff()
    shapes.Execute(labels)
    boxes = [shapes.GetBoundingBox(number) for number in shapes.GetLabels()]  # i, j, k, then sizes
    return sitk.GetArrayFromImage(labels), [tuple(slice(b[a], b[a] + b[a + 3]) for a in (2, 1, 0)) for b in boxes]


def _plane(columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(2, 2): (column, row) of a slice to mm within its plane, whatever angle the two make."""
    along = np.linalg.norm(columns)
    lean = columns @ rows / along
    return np.array([[along, lean], [0.0, np.sqrt(rows @ rows - lean**2)]])


def _bound(plane_mask: np.ndarray, plane: np.ndarray) -> float:
    """No diameter of the slice is longer, in mm: the longer diagonal of its box."""
    rows, columns = (side.stop - side.start for side in bounding_box(plane_mask))
    return float(max(np.linalg.norm(plane @ (columns, rows)), np.linalg.norm(plane @ (columns, -rows))))


def _edge_points(plane_mask: np.ndarray) -> np.ndarray:
    """(n, 2) column and row: both ends of every row and of every column, half a voxel beyond the outermost centres."""
    points = []
    for turned, lines in ((False, plane_mask), (True, plane_mask.T)):
        used = np.flatnonzero(lines.any(axis=1))
        first = lines[used].argmax(axis=1) - 0.5
        last = lines.shape[1] - 0.5 - lines[used][:, ::-1].argmax(axis=1)
        for ends in (first, last):
            points.append(np.column_stack([used, ends] if turned else [ends, used]))
    return np.concatenate(points)


def _longest(points: np.ndarray) -> tuple[float, np.ndarray]:
    """The two points, (2, 2), that are farthest from each other, and how far; found on the convex hull."""
    lower, upper = _hull(points)
    hull = np.concatenate([lower, upper])
    apart = np.linalg.norm(hull[:, None] - hull[None], axis=-1)
    one, other = np.unravel_index(int(apart.argmax()), apart.shape)
    return float(apart[one, other]), hull[[one, other]]


def _chord(points: np.ndarray, ends: np.ndarray) -> tuple[float, np.ndarray]:
    """The longest chord of the points' convex hull at right angles to a line, (2, 2): its length and its ends.

    Between the hull's corners the chord changes linearly, so that the longest lies at a corner.
    """
    along = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    turn = np.array([along, [-along[1], along[0]]])
    lower, upper = _hull(points @ turn.T)
    places = np.concatenate([lower[:, 0], upper[:, 0]])
    low, high = (np.interp(places, chain[:, 0], chain[:, 1]) for chain in (lower, upper))
    best = int((high - low).argmax())
    return float(high[best] - low[best]), np.array([[places[best], low[best]], [places[best], high[best]]]) @ turn


def _hull(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lower and the upper chain of the convex hull, (n, 2) each, from left to right (Andrew 1979)."""
    ordered = points[np.lexsort((points[:, 1], points[:, 0]))].tolist()
    return np.array(_chain(ordered, 1)), np.array(_chain(ordered, -1))


def _chain(ordered: list[list[float]], side: int) -> list[list[float]]:
    chain: list[list[float]] = []
    for point in ordered:
        while len(chain) >= 2 and side * _turn(chain[-2], chain[-1], point) <= 0:
            chain.pop()
        chain.append(point)
    return chain


def _turn(a: list[float], b: list[float], c: list[float]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
