"""Pictures as PNG by the standard library: Slicer's own Python has no Pillow."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
EIGHT_BITS, TRUE_COLOUR = 8, 2  # bit depth and colour type (PNG specification, 11.2.2)


def png(pixels: np.ndarray) -> bytes:
    """(H, W, 3) uint8 as the bytes of a PNG file."""
    height, width, _ = pixels.shape
    lines = np.zeros((height, 1 + 3 * width), np.uint8)  # each begins with its filter: none
    lines[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, EIGHT_BITS, TRUE_COLOUR, 0, 0, 0)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines.tobytes(), 9)) + _chunk(b"IEND", b"")


def data_uri(pixels: np.ndarray) -> str:
    """The same as the source of an `<img>`, so that a page needs no other file."""
    return f"data:image/png;base64,{base64.b64encode(png(pixels)).decode()}"


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
