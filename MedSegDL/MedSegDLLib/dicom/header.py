"""The data set of a file up to its pixels, parsed by pydicom, and where the pixels begin. Pixels are not touched."""

from __future__ import annotations

import contextlib
import zlib
from dataclasses import dataclass, replace
from io import BytesIO

from pydicom.dataset import Dataset
from pydicom.filereader import read_partial
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from .source import MemorySource, Source
from .values import READ_TAGS, UNREADABLE

MAGIC_OFFSET, MAGIC = 128, b"DICM"
PLAIN_SUFFIXES = ("", ".dcm", ".ima", ".dicom", ".ct", ".mr", ".pt")
HEAD_BYTES = 1 << 15  # holds the header of nearly every slice
LARGEST_HEADER = 1 << 28  # per-frame groups of thousands of frames take some MB
MOST_INFLATED = 1 << 28
MOST_META = 1 << 10  # bytes in which the transfer syntax is named
GROUP_LENGTH_BYTES = 12  # the element (0002,0000) itself, before what it counts
DEFLATED = DeflatedExplicitVRLittleEndian.encode()
PIXELS = {0x7FE00010: "int", 0x7FE00008: "float", 0x7FE00009: "double"}
LONG_HEADERS = ("OB", "OW", "OF", "OD", "UN")  # 12 bytes before the value (PS3.5 section 7.1.2), else 8
UNDEFINED_LENGTH = 0xFFFFFFFF
FIRST_GROUPS = (0x0002, 0x0008)  # a file without DICOM's mark must begin with one of them


def looks_like_dicom(head: bytes) -> bool:
    """Whether the first bytes of a file carry DICOM's mark."""
    return head[MAGIC_OFFSET : MAGIC_OFFSET + len(MAGIC)] == MAGIC


@dataclass(frozen=True)
class PixelElement:
    kind: str
    words: bool
    offset: int
    length: int


def inflated(source: Source) -> MemorySource:
    """A deflated data set (PS3.5 section A.5) as the explicit little-endian one that it holds, whose size is bounded."""
    content = source.head(source.size)
    meta = MAGIC_OFFSET + len(MAGIC) + GROUP_LENGTH_BYTES + int.from_bytes(content[140:144], "little")
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    plain = engine.decompress(content[meta:], MOST_INFLATED)
    if engine.unconsumed_tail:
        raise ValueError("inflates to more than a slice can hold")
    head = content[:meta].replace(DEFLATED, ExplicitVRLittleEndian.encode().ljust(len(DEFLATED), b"\0"))
    return MemorySource(head + plain, source.packed, source.suffix)


def plain_suffix(suffix: str) -> bool:
    """Whether files that end so may be DICOM without its mark: those of scanners are numbered (IM.0001, or the end of a UID)."""
    return suffix in PLAIN_SUFFIXES or suffix[1:].isdigit()


def begins_like_dicom(head: bytes) -> bool:
    """Whether a file without DICOM's mark begins with an element of the first groups (data sets from before Part 10)."""
    return len(head) > 8 and any(head[:2] == group.to_bytes(2, order) for group in FIRST_GROUPS for order in ("little", "big"))


def header_of(source: Source, head: bytes) -> tuple[Dataset, PixelElement | None]:
    """The data set before the pixels, and where they are; the file's first part is enlarged until they come (None: never)."""
    count = HEAD_BYTES
    while len(head) < source.size and count < LARGEST_HEADER:
        with contextlib.suppress(*UNREADABLE, OSError):  # cut within a sequence, where pydicom knows no end of a file
            header, start = _parsed(head)
            if start is not None:
                return header, start
        count *= 8
        head = source.head(min(count, source.size))
    try:
        return _parsed(head)
    except OSError as error:  # of bytes in memory: they end early
        raise EOFError("ends within a sequence") from error


def _parsed(head: bytes) -> tuple[Dataset, PixelElement | None]:
    found: list[PixelElement] = []

    def reached(tag: int, vr: str | None, length: int) -> bool:
        if int(tag) not in PIXELS:
            return int(tag) > max(PIXELS)
        found.append(PixelElement(PIXELS[int(tag)], vr != "OB", 12 if vr in LONG_HEADERS else 8, length))
        return True

    stream = BytesIO(head)
    header = read_partial(stream, stop_when=reached, force=True, specific_tags=READ_TAGS)
    if not found:
        return header, None
    return header, replace(found[0], offset=stream.tell() + found[0].offset)
