"""A case as a picture: the image in grey, true positives white, false positives and misses in two colours, as PNG. Arrays in, bytes out."""

from __future__ import annotations

import numpy as np

from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.private_folder import private_folder
from MedSegDLLib.io.write import write_image

TRUE_POSITIVE, FALSE_POSITIVE, MISS = (255, 255, 255), (255, 140, 0), (0, 150, 255)  # told apart by the colour-blind too
OPACITY = 0.75
DIMMED = 0.7  # of the picture's own brightness: white must stand out in bright-field pictures too
MARGIN = 8  # pixels kept around the image's foreground
LONGEST = 480  # pixels of a picture's longer side


def overlay(image: Image, found: np.ndarray, true: np.ndarray) -> tuple[bytes, int]:
    """PNG of the plane in which the two masks hold most, and its number.

    Args:
        image: (K, J, I) grey values or (1, J, I, 3) colours.
        found, true: (K, J, I) masks on its grid.
    """
    plane = int((found.astype(bool) | true.astype(bool)).sum(axis=(1, 2)).argmax())
    grey = _grey(image.array[plane])
    picture = DIMMED * (np.repeat(grey[..., None], 3, axis=-1) if grey.ndim == 2 else grey)
    for mask, colour in zip(_kinds(found[plane], true[plane]), (TRUE_POSITIVE, FALSE_POSITIVE, MISS)):
        picture[mask] = (1 - OPACITY) * picture[mask] + OPACITY * np.array(colour)
    upright = _upright(picture[_box(grey)], image)
    return png(_enlarged(upright).round().astype(np.uint8)), plane


def _kinds(found: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found, true = found.astype(bool), true.astype(bool)
    return found & true, found & ~true, true & ~found


def _grey(plane: np.ndarray) -> np.ndarray:
    """0 to 255 between the 0.5th and 99.5th percentile: float32."""
    low, high = np.percentile(plane, (0.5, 99.5))
    return ((plane.astype(np.float32) - low) / max(float(high - low), 1e-6)).clip(0, 1) * 255


def _box(grey: np.ndarray) -> tuple[slice, slice]:
    """What is not background, with a margin."""
    seen = (grey if grey.ndim == 2 else grey.max(axis=-1)) > 0
    spans = []
    for axis in range(2):
        used = np.flatnonzero(seen.any(axis=1 - axis))
        spans.append(slice(max(0, used[0] - MARGIN), used[-1] + 1 + MARGIN) if used.size else slice(None))
    return tuple(spans)


def _upright(picture: np.ndarray, image: Image) -> np.ndarray:
    """The patient's front up and right side left, for axial volumes; pictures as they are."""
    if image.grid.shape[0] == 1:
        return picture
    rows, columns = image.affine[1, 1] > 0, image.affine[0, 0] > 0
    return picture[:: -1 if rows else 1, :: -1 if columns else 1]


def _enlarged(picture: np.ndarray) -> np.ndarray:
    """Brought to about `LONGEST` by whole pixels, up or down."""
    longest = max(picture.shape[:2])
    if longest > LONGEST:
        step = -(-longest // LONGEST)
        return picture[::step, ::step]
    times = max(1, LONGEST // longest)
    return picture.repeat(times, axis=0).repeat(times, axis=1)


def png(picture: np.ndarray) -> bytes:
    """(J, I, 3) uint8 as the content of a PNG file."""
    with private_folder() as folder:
        path = folder / "picture.png"
        write_image(Image(np.ascontiguousarray(picture[None]), np.eye(4)), path)
        return path.read_bytes()
