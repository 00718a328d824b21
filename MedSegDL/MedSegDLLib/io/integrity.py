"""Whether a file is whole: checksums, ends, and headers that claim more than the file can hold. Knows bytes, no geometry.

The libraries read cut-off data, wrong checksums and half a JPEG without a word, and take memory for whatever a header claims.
"""

from __future__ import annotations

import bz2
import gzip
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..errors import InputRefused
from .time_limit import announce, go_on

GZIP_MAGIC = b"\x1f\x8b"
DEFLATE_RATIO = 1032  # zlib's documentation: deflate cannot compress better than 1032:1
AUTO_DETECT = zlib.MAX_WBITS + 32  # gzip or zlib, whichever the first bytes say
BLOCK_BYTES = 2**20
TAIL_BYTES = 2**16
JPEG_START, JPEG_END = b"\xff\xd8", b"\xff\xd9"
PNG_START, PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND"
COPY_AGAIN = "Copy or download it again from where it came."


def damaged(path: Path, reason: str) -> InputRefused:
    """The refusal of a broken file."""
    return InputRefused(f"{path.name} is damaged: {reason}.", COPY_AGAIN)


def starts_with(path: Path, magic: bytes) -> bool:
    """Whether the file begins with these bytes."""
    with path.open("rb") as stream:
        return stream.read(len(magic)) == magic


@contextmanager
def unpacked(path: Path, packed: bool, offset: int = 0) -> Iterator[BinaryIO]:
    """The file's content from `offset` on, decompressed by gzip where `packed`.

    Raises:
        InputRefused: the compressed data end early or are damaged, as far as they were read.
    """
    try:
        with path.open("rb") as raw:
            raw.seek(offset)
            if packed:
                with gzip.GzipFile(fileobj=raw, mode="rb") as stream:
                    yield stream
            else:
                yield raw
    except EOFError as error:
        raise damaged(path, "its compressed data end early") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise damaged(path, "its compressed data are damaged") from error


def refuse_claim(path: Path, stated_bytes: int, held_bytes: int, ratio: int = 1) -> None:
    """Raise InputRefused, before memory is taken, where a header states more than `held_bytes` hold at the best ratio of compression.

    What it states sets the time that reading may take (`time_limit`).
    """
    if held_bytes * ratio < stated_bytes:
        raise damaged(path, f"its header states {stated_bytes} bytes, and the file ends before them")
    announce(held_bytes, stated_bytes)


def skip(stream: BinaryIO, count: int) -> int:
    """Pass over `count` bytes, or to the end; how many that were."""
    passed = 0
    while passed < count and (block := stream.read(min(count - passed, BLOCK_BYTES))):
        go_on()
        passed += len(block)
    return passed


def read_numbers(stream: BinaryIO, dtype: np.dtype, count: int, path: Path) -> tuple[np.ndarray, int]:
    """`count` numbers: (count,), in the file's byte order; and the bytes that follow them. A packed file is read to its checksum.

    Memory is only touched as data come in.

    Raises:
        InputRefused: the data end before that.
    """
    values = np.empty(count, dtype)
    view = memoryview(values.view(np.uint8))
    filled = 0
    while filled < len(view):
        go_on()
        read = stream.readinto(view[filled : filled + BLOCK_BYTES])
        if not read:
            raise damaged(path, "its data end early")
        filled += read
    if isinstance(stream, (gzip.GzipFile, bz2.BZ2File)):
        return values, skip(stream, 2**63)
    return values, os.fstat(stream.fileno()).st_size - stream.tell()


def refuse_damaged_meta(path: Path, offset: int, array: np.ndarray) -> None:
    """Raise InputRefused if the zlib data of a MetaImage end early, fail their checksum, or are not what ITK read into `array`.

    The checksum at the file's end nearly always proves it whole in one pass over memory (0.07 s for a CT of 68 MB);
    only where it cannot are the data decompressed once more (0.6 s).
    """
    if not (_proven_by(array, path) or _decompresses_to(array, path, offset)):
        raise damaged(path, "its compressed data are damaged or end early")


def refuse_cut_picture(path: Path) -> None:
    """Raise InputRefused for a JPEG without its end, a BMP shorter than it states, a PNG that ends early or fails a checksum."""
    with path.open("rb") as stream:
        start = stream.read(len(PNG_START))
        if start == PNG_START:
            _refuse_wrong_png(path, stream)
            return
        stream.seek(max(0, path.stat().st_size - TAIL_BYTES))
        end = stream.read()
    cut_jpeg = start.startswith(JPEG_START) and JPEG_END not in end
    cut_bitmap = start.startswith(b"BM") and (len(start) < 6 or struct.unpack("<I", start[2:6])[0] > path.stat().st_size)
    if cut_jpeg or cut_bitmap:
        raise damaged(path, "the picture ends early")


def _refuse_wrong_png(path: Path, stream: BinaryIO) -> None:
    """Chunk by chunk (https://www.w3.org/TR/png-3/#5Chunk-layout); Pillow passes over the checksums of the pixels."""
    kind = b""
    while kind != PNG_END:
        head = stream.read(8)
        if len(head) < 8:
            raise damaged(path, "the picture ends early")
        length, kind = struct.unpack(">I4s", head)
        body = stream.read(length) if length <= path.stat().st_size else b""
        checksum = stream.read(4)
        if len(body) < length or len(checksum) < 4:
            raise damaged(path, "the picture ends early")
        if zlib.crc32(body, zlib.crc32(kind)) != struct.unpack(">I", checksum)[0]:
            raise damaged(path, "a checksum in the picture is wrong")


def _proven_by(array: np.ndarray, path: Path) -> bool:
    """Whether zlib's checksum at the end of the file is that of `array`."""
    values = memoryview(np.ascontiguousarray(array)).cast("B")
    with path.open("rb") as stream:
        stream.seek(-4, os.SEEK_END)
        return struct.unpack(">I", stream.read(4))[0] == zlib.adler32(values)


def _decompresses_to(array: np.ndarray, path: Path, offset: int) -> bool:
    """Whether the stream from `offset` on decompresses to its end with a right checksum, and begins with `array` in either byte order."""
    total, checksum = 0, 1
    engine = zlib.decompressobj(AUTO_DETECT)
    with path.open("rb") as stream:
        stream.seek(offset)
        waiting = stream.read(BLOCK_BYTES)
        try:
            while waiting and not engine.eof:
                part = engine.decompress(waiting, BLOCK_BYTES)
                checksum = zlib.adler32(part[: max(0, array.nbytes - total)], checksum)
                total += len(part)
                waiting = engine.unconsumed_tail or stream.read(BLOCK_BYTES)
        except zlib.error:
            return False
    orders = (np.ascontiguousarray(order) for order in (array, array.byteswap()))
    return engine.eof and total >= array.nbytes and any(checksum == zlib.adler32(order.reshape(-1).view(np.uint8)) for order in orders)
