"""A small picture of a case for the cohort's page: the slice that shows most of the outermost region, outlines of all on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from ..geometry.image import Image
from ..io.atomic import atomic_path
from ..result import Result

THUMBNAIL_FILE = "thumbnail.jpg"
SIDE = 192  # pixels: two of them beside the numbers of a row, some 6 kB each
QUALITY = 80
GREY_RANGE = (1.0, 99.5)  # percentiles of the slice that become black and white
ENOUGH = 2  # pixels of an outline's width at least, so that it is seen when the picture is made smaller
LIGHTNESS = 255.0


def write_thumbnail(result: Result, reference: Image, folder: Path) -> None:
    """Write `thumbnail.jpg` into the folder, atomically.

    Args:
        result: whose masks to outline.
        reference: the image that lent the result its grid.
        folder: exists.

    Raises:
        InputRefused: the folder does not take it.
    """
    picture = Pillow.fromarray(drawn(result, reference))
    with atomic_path(folder / THUMBNAIL_FILE) as temporary:
        picture.save(temporary, quality=QUALITY)


def drawn(result: Result, reference: Image) -> np.ndarray:
    """(H, W, 3) uint8, at most `SIDE` high and wide: anterior up and the patient's right on the left; pictures as they are."""
    axis = slice_axis(result.grid.affine) if result.grid.shape[0] > 1 else 0
    index = busiest(result.segments[0].mask, axis)
    grey = np.take(reference.array, index, axis=axis)
    spacing = np.delete(result.grid.spacing_mm[::-1], axis)
    planes = [grey, *(np.take(segment.mask, index, axis=axis) for segment in result.segments)]
    if result.grid.shape[0] > 1:
        planes = [upright(plane, result.grid.affine, axis) for plane in planes]
        spacing = spacing[::-1] if _turned(result.grid.affine, axis) else spacing
    size = fitted(planes[0].shape[:2], spacing)
    colours = _grey(planes[0], size)
    for segment, plane in zip(result.segments, planes[1:], strict=True):
        colours[_outline(_nearest(plane, size))] = np.array(segment.region.color) * LIGHTNESS
    return colours.astype(np.uint8)


def slice_axis(affine: np.ndarray) -> int:
    """The axis of a (K, J, I) array along which one goes from the feet to the head."""
    return 2 - int(np.abs(_directions(affine)[2]).argmax())


def busiest(mask: np.ndarray, axis: int) -> int:
    """The slice with most voxels of the mask; the middle one where there are none."""
    counts = np.count_nonzero(mask, axis=tuple(other for other in range(3) if other != axis))
    return int(counts.argmax()) if counts.any() else mask.shape[axis] // 2


def upright(plane: np.ndarray, affine: np.ndarray, axis: int) -> np.ndarray:
    """A slice of a (K, J, I) array turned so that its rows go from the front to the back, its columns from the right to the left."""
    plane = plane.swapaxes(0, 1) if _turned(affine, axis) else plane
    rows, columns = _axes(affine, axis)
    to_front, to_left = _directions(affine)[1, rows], -_directions(affine)[0, columns]
    return plane[:: -1 if to_front > 0 else 1, :: 1 if to_left > 0 else -1]


def _directions(affine: np.ndarray) -> np.ndarray:
    return affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)


def _axes(affine: np.ndarray, axis: int) -> tuple[int, int]:
    """Which of i, j, k (0, 1, 2) runs along the front and back, and which along left and right, in slices across `axis`."""
    inside = [ijk for ijk in range(3) if ijk != 2 - axis]
    rows = max(inside, key=lambda ijk: abs(_directions(affine)[1, ijk]))
    return rows, next(ijk for ijk in inside if ijk != rows)


def _turned(affine: np.ndarray, axis: int) -> bool:
    """Whether a slice's rows must become its columns: its first array axis is the later of i, j, k."""
    rows, columns = _axes(affine, axis)
    return rows < columns


def fitted(shape: tuple[int, int], spacing: np.ndarray) -> tuple[int, int]:
    """Height and width of the picture: true proportions, `SIDE` at most."""
    sides = np.array(shape) * spacing
    return tuple(max(1, round(side)) for side in sides * SIDE / sides.max())


def _nearest(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    rows, columns = ((np.arange(n) * have) // n for n, have in zip(size, plane.shape[:2]))
    return plane[np.ix_(rows, columns)]


def _grey(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W, 3) float, 0..255."""
    values = _nearest(plane, size).astype(np.float32)
    if values.ndim == 3:
        values = values[..., :3] if values.shape[2] >= 3 else values[..., :1]
    low, high = np.percentile(values, GREY_RANGE)
    scaled = np.clip((values - low) / max(float(high - low), 1e-6), 0, 1) * LIGHTNESS
    return np.ascontiguousarray(np.broadcast_to(scaled if scaled.ndim == 3 else scaled[..., None], (*size, 3)))


def _outline(mask: np.ndarray) -> np.ndarray:
    """Pixels of the mask that lie within `ENOUGH` of its rim."""
    inner = mask > 0
    for _ in range(ENOUGH):
        edged = np.pad(inner, 1)
        inner = inner & edged[:-2, 1:-1] & edged[2:, 1:-1] & edged[1:-1, :-2] & edged[1:-1, 2:]
    return (mask > 0) & ~inner
