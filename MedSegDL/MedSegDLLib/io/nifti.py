"""NIfTI-1 written by hand: Slicer's own Python, which has no nibabel, writes samples and masks too. Read in `nifti_reader`.

Format: https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np

DATA_TYPES = {
    "uint8": 2,
    "int16": 4,
    "int32": 8,
    "float32": 16,
    "float64": 64,
    "int8": 256,
    "uint16": 512,
    "uint32": 768,
    "int64": 1024,
    "uint64": 1280,
}
HEADER_BYTES = 352  # 348 and four zeros: no extension
HEADER = "<i36x 8h 14x 2h 2x 8f 3f 3x B 24x 104x 2h 6f 12f 16x 4s 4x"  # unused fields are zeros
MILLIMETRES = 2
UNKNOWN, SCANNER = 0, 1
SHEAR = 1e-5  # axes this far from a right angle are written as an sform only
COMPRESSION = 1  # mask of 512x512x300: 0.21 s against 0.68 s at level 6, 0.7 MB against 0.35 MB
BLOCK_BYTES = 2**24


def write_nifti(path: Path, array: np.ndarray, affine: np.ndarray) -> None:
    """Write a (K, J, I) array of any type in `DATA_TYPES` with its RAS affine; compressed if `path` ends in .gz. Raises OSError."""
    data = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    flat = memoryview(data.reshape(-1)).cast("B")
    blocks = (flat[start : start + BLOCK_BYTES] for start in range(0, len(flat), BLOCK_BYTES))
    with path.open("wb") as stream:
        if path.name.endswith(".gz"):
            write_gzip(stream, [_header(data, affine), *blocks])
        else:
            stream.writelines([_header(data, affine), *blocks])


def write_gzip(stream: BinaryIO, blocks: Iterable[bytes]) -> None:
    """One gzip member of the blocks, without name or time, so that equal content makes equal files."""
    with gzip.GzipFile(filename="", mode="wb", compresslevel=COMPRESSION, fileobj=stream, mtime=0) as packed:
        for block in blocks:
            packed.write(block)


def _header(data: np.ndarray, affine: np.ndarray) -> bytes:
    """The 352 bytes before the voxels. The sform holds any affine; the qform is left out where the axes are sheared."""
    depth, height, width = data.shape
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    handedness, quaternion = _quaternion(affine[:3, :3] / spacing)
    return struct.pack(
        HEADER,
        348,
        *(3, width, height, depth, 1, 1, 1, 1),
        *(DATA_TYPES[data.dtype.name], data.dtype.itemsize * 8),
        *(handedness, *spacing, 0, 0, 0, 0),
        *(HEADER_BYTES, 1, 0),
        MILLIMETRES,
        *(SCANNER if quaternion else UNKNOWN, SCANNER),
        *(quaternion or (0, 0, 0)),
        *affine[:3, 3],
        *affine[:3].ravel(),
        b"n+1\0",
    )


def _quaternion(directions: np.ndarray) -> tuple[int, tuple[float, float, float] | None]:
    """Handedness (1 or -1, along k) and the quaternion's b, c, d with a >= 0; None for axes that are no rotation.

    The largest component comes from the diagonal, the others from it (Shepperd 1978), which stays exact near half turns.
    """
    if np.abs(directions.T @ directions - np.eye(3)).max() > SHEAR:
        return 1, None
    handedness = 1 if np.linalg.det(directions) > 0 else -1
    r = directions * (1, 1, handedness)
    outer = np.array(
        [
            [1 + r[0, 0] + r[1, 1] + r[2, 2], r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]],
            [r[2, 1] - r[1, 2], 1 + r[0, 0] - r[1, 1] - r[2, 2], r[0, 1] + r[1, 0], r[0, 2] + r[2, 0]],
            [r[0, 2] - r[2, 0], r[0, 1] + r[1, 0], 1 - r[0, 0] + r[1, 1] - r[2, 2], r[1, 2] + r[2, 1]],
            [r[1, 0] - r[0, 1], r[0, 2] + r[2, 0], r[1, 2] + r[2, 1], 1 - r[0, 0] - r[1, 1] + r[2, 2]],
        ]
    )  # four times the outer product of the quaternion with itself
    largest = outer[int(outer.diagonal().argmax())]
    quaternion = largest / np.linalg.norm(largest)
    b, c, d = (quaternion if quaternion[0] >= 0 else -quaternion)[1:]
    return handedness, (float(b), float(c), float(d))
