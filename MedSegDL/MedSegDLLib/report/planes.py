"""Slices through one place as pictures: axial, coronal and sagittal along the patient's own axes, outlines of the regions on them.

Whatever grid the image and the masks lie on, each pixel asks for its own place in the world.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..geometry.boxes import bounding_box, grown
from ..geometry.image import Grid, Image

SIDE = 384  # pixels of the longer side: three pictures beside each other on a page
GREY_RANGE = (1.0, 99.5)  # percentiles of what is not background that become black and white
CT_WINDOW_HU = (-150.0, 250.0)  # soft tissue
OUTLINE = 2  # pixels
LIGHTNESS = 255.0
# Name of a plane, the world's axis (0 R, 1 A, 2 S) and sign along its columns, the same along its rows: the patient's right is on the left.
PLANES = (("Axial", (0, -1), (1, -1)), ("Coronal", (0, -1), (2, -1)), ("Sagittal", (1, -1), (2, -1)))


@dataclass(frozen=True)
class Layer:
    """A region to outline.

    Attributes:
        mask: (K, J, I), 0 outside, on the grid that is drawn.
        color: (3,) 0..1.
    """

    mask: np.ndarray
    color: tuple[float, float, float]


def drawn(image: Image | None, grid: Grid, layers: Sequence[Layer], place: np.ndarray) -> dict[str, np.ndarray]:
    """Name of a plane -> (H, W, 3) uint8, in true proportions.

    Args:
        image: under the outlines, on any grid; black without.
        grid: where the masks lie.
        layers: outermost first; inner ones are drawn over them.
        place: (3,) RAS mm that all three planes go through.
    """
    window = _window(image) if image is not None else (0.0, 1.0)
    box = _shown(image, grid, layers).corners()
    bounds = box.min(axis=0), box.max(axis=0)
    return {name: _plane(image, grid, layers, _places(bounds, place, columns, rows), window) for name, columns, rows in PLANES}


def drawn_picture(image: Image | None, grid: Grid, layers: Sequence[Layer]) -> np.ndarray:
    """(H, W, 3) uint8 of a picture as it is; object numbers are outlined each for itself."""
    _, height, width = grid.shape
    step = max(height, width) / (2 * SIDE)
    j, i = (((np.arange(max(1, round(n / step))) + 0.5) * n / max(1, round(n / step))).astype(int) for n in (height, width))
    at = np.ix_(j, i)
    picture = np.zeros((len(j), len(i), 3), np.float32)
    if image is not None and image.grid.shape == grid.shape:
        picture[:] = _scaled(image.array[0][at], _window(image))
    for layer in layers:
        picture[_outline(layer.mask[0][at], 1)] = np.array(layer.color) * LIGHTNESS
    return picture.astype(np.uint8)


def _shown(image: Image | None, grid: Grid, layers: Sequence[Layer]) -> Grid:
    """What is worth being shown: the part of the image that is not background, else that of the masks' grid around the regions."""
    if image is not None:
        values = image.array if image.channels == 1 else image.array[..., 0]
        return image.grid.cropped(grown(bounding_box(values > values.min()), values.shape))
    inside = np.any([layer.mask > 0 for layer in layers], axis=0)
    return grid.cropped(grown(bounding_box(inside), inside.shape))


def _places(bounds: tuple[np.ndarray, np.ndarray], place: np.ndarray, columns: tuple[int, int], rows: tuple[int, int]) -> np.ndarray:
    """(H, W, 3) RAS mm of the pixels of a plane across a box of the world."""
    low, high = bounds
    step = max(high[columns[0]] - low[columns[0]], high[rows[0]] - low[rows[0]], 1e-6) / (SIDE - 1)
    places = np.empty((*(round((high[axis] - low[axis]) / step) + 1 for axis in (rows[0], columns[0])), 3))
    places[:] = place
    for (axis, sign), shape in ((rows, (-1, 1)), (columns, (1, -1))):
        along = low[axis] + step * np.arange(places.shape[shape.index(-1)])
        places[..., axis] = along[::sign].reshape(shape)
    return places


def _plane(image: Image | None, grid: Grid, layers: Sequence[Layer], places: np.ndarray, window: tuple[float, float]) -> np.ndarray:
    picture = np.zeros((*places.shape[:2], 3), np.float32)
    if image is not None:
        picture[:] = _scaled(linear(image.array, image.affine, places), window)
    for layer in layers:
        picture[_outline(nearest(layer.mask, grid.affine, places), OUTLINE)] = np.array(layer.color) * LIGHTNESS
    return picture.astype(np.uint8)


def nearest(array: np.ndarray, affine: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(...) values of the voxels that (..., 3) places in RAS mm lie in; 0 outside."""
    index = np.rint(_indices(affine, places)).astype(np.int64)
    inside = ((index >= 0) & (index < array.shape[:3])).all(axis=-1)
    k, j, i = np.moveaxis(np.where(inside[..., None], index, 0), -1, 0)
    found = array[k, j, i]
    return np.where(inside.reshape(inside.shape + (1,) * (found.ndim - inside.ndim)), found, 0)


def linear(array: np.ndarray, affine: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(...) values between the voxels of a grey volume, float32; 0 further out than half a voxel."""
    index = _indices(affine, places)
    last = np.array(array.shape[:3]) - 1
    inside = ((index >= -0.5) & (index <= last + 0.5)).all(axis=-1)
    index = np.clip(index, 0, last)
    first = np.minimum(index.astype(np.int64), np.maximum(last - 1, 0))
    share = (index - first).astype(np.float32)
    found = np.zeros(places.shape[:-1], np.float32)
    for corner in np.ndindex(2, 2, 2):
        at = np.minimum(first + corner, last)
        weight = np.prod(np.where(np.array(corner) == 1, share, 1 - share), axis=-1)
        found += weight * _grey(array[at[..., 0], at[..., 1], at[..., 2]])
    return np.where(inside, found, 0)


def _grey(values: np.ndarray) -> np.ndarray:
    return values.mean(axis=-1, dtype=np.float32) if values.ndim == 3 else values.astype(np.float32)


def _indices(affine: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(..., 3) places in RAS mm as k, j, i."""
    back = np.linalg.inv(affine)
    return (places @ back[:3, :3].T + back[:3, 3])[..., ::-1]


def _window(image: Image) -> tuple[float, float]:
    """What becomes black and white: of a CT the soft tissue, else percentiles of what is not the lowest value."""
    if image.tags.get("Modality") == "CT":
        return CT_WINDOW_HU
    some = image.array[::2, ::2, ::2] if image.array.shape[0] > 1 else image.array
    some = some[some > some.min()]
    if not some.size:
        return 0.0, 1.0
    low, high = np.percentile(some, GREY_RANGE)
    return float(low), float(max(high, low + 1e-6))


def _scaled(values: np.ndarray, window: tuple[float, float]) -> np.ndarray:
    """(H, W, 3) 0..255, of grey or of colours."""
    scaled = np.clip((values.astype(np.float32) - window[0]) / (window[1] - window[0]), 0, 1) * LIGHTNESS
    if scaled.ndim == 3:
        scaled = scaled[..., :3] if scaled.shape[2] >= 3 else scaled[..., :1]
    return scaled if scaled.ndim == 3 else scaled[..., None]


def _outline(numbers: np.ndarray, width: int) -> np.ndarray:
    """Pixels inside that lie within `width` of what has another number."""
    padded = np.pad(numbers, width)
    inner = numbers > 0
    height, wide = numbers.shape
    for step in range(1, width + 1):
        for down, right in ((step, 0), (-step, 0), (0, step), (0, -step)):
            inner &= padded[width + down : width + down + height, width + right : width + right + wide] == numbers
    return (numbers > 0) & ~inner
