"""Draws the extension's and the module's icon: a brain slice with the three nested regions, from signed distances.
Run it from anywhere (`python Resources/draw_icon.py`); it needs numpy only and writes the same bytes every time.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
ICONS = (ROOT / "MedSegDL.png", ROOT / "MedSegDL" / "Resources" / "Icons" / "MedSegDL.png")
SIZE = 128  # pixels a side, as the Extensions Index asks
OVERSAMPLING = 8

NIGHT, DUSK = (0.07, 0.11, 0.19), (0.15, 0.23, 0.36)
GREY, WHITE, FLUID = (0.62, 0.66, 0.71), (0.84, 0.86, 0.88), (0.16, 0.20, 0.27)
WHOLE, CORE, ENHANCING = (0.95, 0.85, 0.25), (0.25, 0.65, 0.95), (0.90, 0.25, 0.25)  # colours of the segments, see tasks.py


def grid() -> tuple[np.ndarray, np.ndarray]:
    """x to the right and y down, both (n, n) in -1..1 over the icon."""
    count = SIZE * OVERSAMPLING
    axis = (np.arange(count) + 0.5) / count * 2 - 1
    return np.meshgrid(axis, axis)


def ellipse(x: np.ndarray, y: np.ndarray, center: tuple[float, float], radii: tuple[float, float]) -> np.ndarray:
    """Signed distance to an ellipse, negative inside (I. Quilez' bound: exact on the rim, close to it elsewhere)."""
    u, v = x - center[0], y - center[1]
    first = np.hypot(u / radii[0], v / radii[1])
    second = np.hypot(u / radii[0] ** 2, v / radii[1] ** 2)
    return first * (first - 1) / np.maximum(second, 1e-6)


def rounded_square(x: np.ndarray, y: np.ndarray, half: float, corner: float) -> np.ndarray:
    """Signed distance to a square with round corners, negative inside."""
    u, v = np.abs(x) - half + corner, np.abs(y) - half + corner
    return np.hypot(np.maximum(u, 0), np.maximum(v, 0)) + np.minimum(np.maximum(u, v), 0) - corner


def paint(picture: np.ndarray, inside: np.ndarray, color: tuple[float, float, float], opacity: float = 1.0) -> None:
    """Lay a colour over the (n, n, 4) picture wherever `inside` is true."""
    picture[inside, :3] = (1 - opacity) * picture[inside, :3] + opacity * np.asarray(color)


def draw_brain(picture: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """Folded grey matter, white matter, ventricles and the gap between the hemispheres."""
    angle = np.arctan2(y, np.abs(x))
    folds = 1 - np.abs(np.sin(6.5 * angle + 0.9 * np.sin(3 * angle)))  # round gyri, narrow sulci
    brain = ellipse(x, y, (0, 0.0), (0.68, 0.82))
    paint(picture, brain + 0.035 * folds**3 < 0, GREY)
    paint(picture, brain + 0.13 * folds**1.5 < -0.10, WHITE)
    paint(picture, (brain < 0) & (np.abs(x) < 0.014) & (np.abs(y) > 0.33), FLUID)
    for side in (-1, 1):
        bent = x - side * (0.10 + 0.16 * (y + 0.02) ** 2)
        paint(picture, ellipse(bent, y, (0, -0.02), (0.06, 0.24)) < 0, FLUID)


def draw_tumour(picture: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """Whole tumour, core and enhancing part, one within the other, each with a brighter rim."""
    wobble = 0.010 * np.sin(5 * np.arctan2(y + 0.20, x - 0.30))
    for center, radii, color in (
        ((0.30, -0.20), (0.30, 0.33), WHOLE),
        ((0.32, -0.18), (0.20, 0.22), CORE),
        ((0.33, -0.17), (0.105, 0.115), ENHANCING),
    ):
        distance = ellipse(x, y, center, radii) + wobble
        paint(picture, distance < 0, color, opacity=0.72)
        paint(picture, np.abs(distance) < 0.014, color)


def draw() -> np.ndarray:
    """The icon: (SIZE, SIZE, 4) uint8, red, green, blue, opacity."""
    x, y = grid()
    picture = np.zeros((*x.shape, 4))
    tile = rounded_square(x, y, half=0.97, corner=0.30) < 0
    shade = ((y + 1) / 2)[..., None]
    picture[..., :3] = (1 - shade) * np.asarray(DUSK) + shade * np.asarray(NIGHT)
    draw_brain(picture, x, y)
    draw_tumour(picture, x, y)
    picture[..., :3] *= tile[..., None]  # premultiplied, so that averaging makes no dark fringe
    picture[..., 3] = tile
    small = picture.reshape(SIZE, OVERSAMPLING, SIZE, OVERSAMPLING, 4).mean((1, 3))
    small[..., :3] /= np.maximum(small[..., 3:], 1e-6)
    return np.round(small * 255).clip(0, 255).astype(np.uint8)


def png(picture: np.ndarray) -> bytes:
    """A PNG file of an (n, m, 4) uint8 picture (PNG specification, colour type 6, filter 0)."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    height, width, _ = picture.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), picture.reshape(height, -1)], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)) + chunk(b"IEND", b"")


def main() -> None:
    """Write both icons."""
    content = png(draw())
    for path in ICONS:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        print(path.relative_to(ROOT), len(content), "bytes")


if __name__ == "__main__":
    main()
