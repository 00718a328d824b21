"""Pictures out: TIFF by tifffile, 16-bit colours in PNG by imagecodecs, all others by Pillow. Encoded in memory, then written in one go."""

from __future__ import annotations

import io
from pathlib import Path

import imagecodecs
import numpy as np
import PIL.Image
import tifffile

from ..errors import InputRefused
from ..geometry.image import Image

MM_A_CENTIMETRE, MM_AN_INCH = 10.0, 25.4
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".bmp": "BMP"}
DEPTHS = {"PNG": ("uint8", "uint16"), "JPEG": ("uint8",), "BMP": ("uint8",)}
QUALITY = 95  # of a JPEG


def refuse_unfit(image: Image, path: Path, suffix: str) -> None:
    """Raise InputRefused where the format cannot hold the picture's numbers."""
    known = DEPTHS.get(FORMATS.get(suffix, ""))
    if known is not None and image.array.dtype.name not in known:
        raise InputRefused(f"{path.name} cannot hold numbers of the type {image.array.dtype.name}.", "Use .tif.")


def store_picture(image: Image, path: Path, suffix: str) -> None:
    """Write (1, J, I) or (1, J, I, 3) of a type that `refuse_unfit` lets pass. Raises OSError where the disk refuses."""
    path.write_bytes(_tiff(image) if suffix in (".tif", ".tiff") else _by_pillow(image, FORMATS[suffix]))


def _tiff(image: Image) -> bytes:
    """With the pixel size, deflated."""
    stream = io.BytesIO()
    per_centimetre = tuple(MM_A_CENTIMETRE / float(side) for side in image.grid.spacing_mm[:2])
    tifffile.imwrite(
        stream,
        image.array[0],
        photometric="minisblack" if image.channels == 1 else "rgb",
        compression="zlib",
        resolution=per_centimetre,
        resolutionunit="CENTIMETER",
        metadata=None,
    )
    return stream.getvalue()


def _by_pillow(image: Image, kind: str) -> bytes:
    pixels = np.ascontiguousarray(image.array[0])
    if pixels.dtype == np.uint16 and pixels.ndim == 3:
        return imagecodecs.png_encode(pixels)
    stream = io.BytesIO()
    dots = tuple(MM_AN_INCH / float(side) for side in image.grid.spacing_mm[:2])
    more = {"quality": QUALITY} if kind == "JPEG" else {}
    PIL.Image.fromarray(pixels).save(stream, kind, **more, **({"dpi": dots} if kind == "PNG" else {}))
    return stream.getvalue()
