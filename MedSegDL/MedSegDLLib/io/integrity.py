"""Whether an image file is whole: ITK reads cut-off NIfTI, damaged NRRD and half a JPEG without a word, so this room looks for itself.

Called by `files` around the reading; knows bytes and checksums, no geometry.
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputRefused

GZIP_MAGIC = b"\x1f\x8b"
DEFLATE_RATIO = 1032  # zlib's documentation: deflate cannot compress better than 1032:1
AUTO_DETECT = zlib.MAX_WBITS + 32  # gzip or zlib, whichever the first bytes say
BLOCK_BYTES = 2**20
HEADER_BYTES = 2**16
NIFTI1_BYTES, NIFTI2_BYTES = 348, 540
_NIFTI_KINDS = {struct.pack(order + "i", size): (kind, order) for kind, size in ((1, NIFTI1_BYTES), (2, NIFTI2_BYTES)) for order in "<>"}
_REAL_TYPES = {16: "f4", 64: "f8"}  # NIfTI's codes of float32 and float64
JPEG_END = b"\xff\xd9"
Checksum = Callable[..., int]  # zlib.crc32 or zlib.adler32
COPY_AGAIN = "Copy or download it again from where it came."


@dataclass(frozen=True)
class _NiftiHeader:
    """What a NIfTI-1 or -2 header says about sizes (https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h, nifti2.h)."""

    size: tuple[int, ...]
    bits: int
    offset: int
    real_type: np.dtype | None  # of the voxels, where they are real numbers

    @property
    def file_bytes(self) -> int:
        """What the uncompressed file holds at least."""
        return self.offset + math.prod(self.size) * self.bits // 8


def refuse_wrong_nifti(path: Path) -> None:
    """Raise InputRefused, before ITK sees the file, if it is no NIfTI, holds no voxels, or is too short for what its header states."""
    header = _nifti_header(path)
    if not header.size or min(header.size) <= 0:
        raise InputRefused(f"{path.name} holds no voxels (its size is {' x '.join(map(str, header.size))}).", COPY_AGAIN)
    held = path.stat().st_size * (DEFLATE_RATIO if _starts_with(path, GZIP_MAGIC) else 1)
    if held < header.file_bytes:
        raise damaged(path, f"its header states {header.file_bytes} bytes, and the file ends before them")


def refuse_damaged_data(path: Path, suffix: str, array: np.ndarray) -> None:
    """Raise InputRefused if the compressed data in the file end early or fail their checksum.

    `array`, as ITK read it, nearly always proves the file whole in one pass over memory (0.07 s for a CT of 68 MB);
    only where it cannot (scaled values, several gzip members) are the data decompressed once more (0.6 s).
    """
    if suffix in (".nii", ".nii.gz") and _starts_with(path, GZIP_MAGIC):
        header = _nifti_header(path)
        prefix = _first_bytes(path, header.offset)
        whole = _proven_by(array, path, "<II", zlib.crc32, prefix) or _decompresses(path, 0, header.file_bytes)
    elif suffix == ".nrrd":
        whole = _whole_block(path, array, b"\n\n", b"encoding: gz", "<II", zlib.crc32)
    elif suffix == ".mha":
        whole = _whole_block(path, array, b"ElementDataFile = LOCAL\n", b"CompressedData = True", ">I", zlib.adler32)
    else:
        whole = True
    if not whole:
        raise damaged(path, "its compressed data are damaged or end early")


def with_lost_numbers(path: Path, array: np.ndarray) -> np.ndarray:
    """The array of a NIfTI file as its voxels really stand: ITK reads NaN and infinity as 0 without a word.

    Only real types can hold them, and only where the file's bytes are not those of `array` are they read once more.
    """
    header = _nifti_header(path)
    if header.real_type is None:
        return array
    packed = _starts_with(path, GZIP_MAGIC)
    if packed and _proven_by(array, path, "<II", zlib.crc32, _first_bytes(path, header.offset)):
        return array
    with gzip.open(path) if packed else path.open("rb") as stream:
        stream.seek(header.offset)
        stored = np.frombuffer(stream.read(array.size * header.real_type.itemsize), dtype=header.real_type).reshape(array.shape)
    lost = ~np.isfinite(stored)
    if not lost.any():
        return array
    array = array.copy()
    array[lost] = stored[lost]
    return array


def refuse_cut_picture(path: Path) -> None:
    """Raise InputRefused for a JPEG without its end mark or a BMP shorter than it states; PNG and TIFF readers notice themselves."""
    with path.open("rb") as stream:
        start = stream.read(6)
        stream.seek(max(0, path.stat().st_size - HEADER_BYTES))
        end = stream.read()
    cut_jpeg = start[:2] == b"\xff\xd8" and JPEG_END not in end
    cut_bitmap = start[:2] == b"BM" and struct.unpack("<I", start[2:6])[0] > path.stat().st_size
    if cut_jpeg or cut_bitmap:
        raise damaged(path, "the picture ends early")


def damaged(path: Path, reason: str) -> InputRefused:
    """The refusal of a broken file."""
    return InputRefused(f"{path.name} is damaged: {reason}.", COPY_AGAIN)


def _nifti_header(path: Path) -> _NiftiHeader:
    """Sizes from the header. Raises InputRefused for anything that is no single-file NIfTI with finite geometry."""
    try:
        head = _first_bytes(path, NIFTI2_BYTES)
        kind, order = _NIFTI_KINDS[head[:4]]
        axes, *lengths = struct.unpack_from(f"{order}8{'h' if kind == 1 else 'q'}", head, 40 if kind == 1 else 16)
        code, bits = struct.unpack_from(f"{order}2h", head, 70 if kind == 1 else 12)
        offset = struct.unpack_from(f"{order}{'f' if kind == 1 else 'q'}", head, 108 if kind == 1 else 168)[0]
        rows = struct.unpack_from(f"{order}12{'f' if kind == 1 else 'd'}", head, 280 if kind == 1 else 400)
    except EOFError as error:
        raise damaged(path, "its compressed data end early") from error
    except (gzip.BadGzipFile, zlib.error, KeyError, struct.error) as error:
        reason = f"{path.name} is no NIfTI file: it holds something else, or too little."
        raise InputRefused(reason, "Give a NIfTI file, or rename it to what it is.") from error
    if not math.isfinite(sum(rows)):
        reason = f"{path.name} has no usable geometry: its affine is not finite."
        raise InputRefused(reason, "Save it again with its spacing and directions.")
    if not NIFTI1_BYTES <= offset < 2**40:
        raise damaged(path, "its header states no place for the voxels")
    real_type = np.dtype(f"{order}{_REAL_TYPES[code]}") if code in _REAL_TYPES else None
    return _NiftiHeader(tuple(lengths[: max(axes, 0)]), bits, int(offset), real_type)


def _starts_with(path: Path, magic: bytes) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(magic)) == magic


def _first_bytes(path: Path, count: int) -> bytes:
    """The first `count` bytes, decompressed if need be; fewer if the file is shorter."""
    with gzip.open(path) if _starts_with(path, GZIP_MAGIC) else path.open("rb") as stream:
        return stream.read(count)


def _proven_by(array: np.ndarray, path: Path, trailer: str, checksum: Checksum, prefix: bytes = b"") -> bool:
    """Whether the checksum (and length) at the end of the file are those of `prefix` and `array`."""
    values = memoryview(np.ascontiguousarray(array)).cast("B")
    expected = (checksum(values, checksum(prefix)), (len(prefix) + len(values)) % 2**32)
    size = struct.calcsize(trailer)
    with path.open("rb") as stream:
        stream.seek(-size, os.SEEK_END)
        return struct.unpack(trailer, stream.read(size)) == expected[: size // 4]


def _whole_block(path: Path, array: np.ndarray, separator: bytes, compressed: bytes, trailer: str, checksum: Checksum) -> bool:
    """Whether the data behind a text header in the same file are whole; raw data and detached ones are ITK's to check."""
    with path.open("rb") as stream:
        head = stream.read(HEADER_BYTES).replace(b"\r\n", b"\n")
    end = head.find(separator)
    if end < 0 or compressed not in head[:end]:
        return True
    return _proven_by(array, path, trailer, checksum) or _decompresses(path, end + len(separator), array.nbytes)


def _decompresses(path: Path, offset: int, least_bytes: int) -> bool:
    """Whether the stream from `offset` on decompresses to its end with right checksums, to `least_bytes` or more."""
    total = 0
    engine = zlib.decompressobj(AUTO_DETECT)
    with path.open("rb") as stream:
        stream.seek(offset)
        waiting = stream.read(BLOCK_BYTES)
        try:
            while waiting:
                total += len(engine.decompress(waiting, BLOCK_BYTES))
                waiting = engine.unconsumed_tail or engine.unused_data + stream.read(BLOCK_BYTES)
                if engine.eof:
                    if not waiting.startswith(GZIP_MAGIC):
                        break
                    engine = zlib.decompressobj(AUTO_DETECT)
        except zlib.error:
            return False
    return engine.eof and total >= least_bytes
