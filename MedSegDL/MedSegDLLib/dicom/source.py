"""Where the files of an examination come from: a folder or a zip, as one list of readable things. Nothing here knows what DICOM is.

A zip is never unpacked: headers and pixels are read from its own streams, so that no patient's slice touches the disk.
"""

from __future__ import annotations

import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

from ..errors import InputRefused
from ..io.time_limit import next_header

MAX_FILES = 50_000
MAX_ZIP_BYTES = 16 << 30  # ten times the largest CT that fits in memory
MAX_RATIO = 100  # packed CTs and MRs take a third to a twentieth; only what is empty packs better
SMALL_BYTES = 1 << 30  # below, any ratio is harmless
MACINTOSH = "__MACOSX"  # resource forks that macOS puts beside the files, also as ._name
MACINTOSH_PREFIX = "._"
ZIP_SUFFIX, ZIP_MAGIC = ".zip", b"PK\x03\x04"
LOCKED = 1  # flag bit of an entry with a password
_BROKEN = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
    struct.error,
)


class Source(Protocol):
    """One file of an examination.

    Attributes:
        size: bytes, unpacked.
        packed: bytes that it takes where it lies.
        suffix: of its name, in lower case; the name itself may be a patient's.
    """

    size: int
    packed: int
    suffix: str

    def head(self, count: int) -> bytes:
        """The first bytes."""
        ...

    def opened(self) -> AbstractStream:
        """The whole file as a stream that can be sought."""
        ...


class AbstractStream(Protocol):
    """What `with source.opened() as stream` needs."""

    def __enter__(self) -> BinaryIO: ...

    def __exit__(self, *details: object) -> bool | None: ...


@dataclass(frozen=True)
class FileSource:
    """A file on the disk."""

    path: Path
    size: int
    suffix: str

    @property
    def packed(self) -> int:
        """The same as its size."""
        return self.size

    def head(self, count: int) -> bytes:
        """The first bytes. Raises OSError."""
        with self.path.open("rb") as stream:
            return stream.read(count)

    def opened(self) -> BinaryIO:
        """The file. Raises OSError."""
        return self.path.open("rb")


@dataclass(frozen=True)
class MemorySource:
    """A file that is in memory already; `packed` as where it came from."""

    content: bytes
    packed: int
    suffix: str

    @property
    def size(self) -> int:
        """Of the content."""
        return len(self.content)

    def head(self, count: int) -> bytes:
        """The first bytes."""
        return self.content[:count]

    def opened(self) -> BytesIO:
        """All of it."""
        return BytesIO(self.content)


@dataclass(frozen=True)
class ZipSource:
    """An entry of an open zip; `name` is the zip's."""

    archive: zipfile.ZipFile
    entry: zipfile.ZipInfo
    name: str

    @property
    def size(self) -> int:
        """As the zip states it; more is never unpacked."""
        return self.entry.file_size

    @property
    def packed(self) -> int:
        """Bytes in the zip."""
        return self.entry.compress_size

    @property
    def suffix(self) -> str:
        """Of its name inside the zip."""
        return PurePosixPath(self.entry.filename).suffix.lower()

    def head(self, count: int) -> bytes:
        """The first bytes. Raises InputRefused where the zip is damaged."""
        with unbroken(self.name), self.archive.open(self.entry) as stream:
            return stream.read(count)

    def opened(self) -> BytesIO:
        """The entry in memory, its checksum proven. Raises InputRefused where the zip is damaged."""
        with unbroken(self.name):
            return BytesIO(self.archive.read(self.entry))


def file_source(path: Path) -> FileSource:
    """A single file. Raises OSError."""
    return FileSource(path, path.stat().st_size, path.suffix.lower())


def folder_sources(folder: Path, name: str) -> list[FileSource]:
    """All files below a folder, links to folders included, in the order of their names.

    Raises:
        InputRefused: more than `MAX_FILES`; a whole disk is refused before it has been walked.
        OSError: a folder that may not be entered.
    """
    found: list[Path] = []
    for path in _walk(folder):
        next_header()
        found.append(path)
        if len(found) > MAX_FILES:
            raise InputRefused(f"{name} holds more than {MAX_FILES} files.", "Give the folder of one DICOM series.")
    return [file_source(path) for path in sorted(found)]


def _walk(folder: Path) -> Iterator[Path]:
    seen: set[tuple[int, int]] = set()
    for place, folders, files in os.walk(folder, onerror=_raise, followlinks=True):
        here = Path(place).stat()
        if (here.st_dev, here.st_ino) in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add((here.st_dev, here.st_ino))
        folders[:] = [name for name in folders if name != MACINTOSH]
        yield from (path for name in files if not name.startswith(MACINTOSH_PREFIX) and (path := Path(place, name)).is_file())


def _raise(error: OSError) -> None:
    raise error


@contextmanager
def zip_sources(path: Path) -> Iterator[list[ZipSource]]:
    """The files in a zip, in the order of their names, while the block runs.

    Raises:
        InputRefused: no readable zip, one with a password, or one that claims more than it may (before anything is unpacked).
    """
    with unbroken(path.name):
        archive = zipfile.ZipFile(path)
    with archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir() and not _is_macintosh(entry.filename)]
        total, packed = (sum(getattr(entry, field) for entry in entries) for field in ("file_size", "compress_size"))
        if len(entries) > MAX_FILES or total > MAX_ZIP_BYTES:
            limits = f"{MAX_ZIP_BYTES >> 30} GB or {MAX_FILES} files"
            raise InputRefused(f"{path.name} would unpack to more than {limits}.", "Zip only the one series.")
        if total > SMALL_BYTES and total > MAX_RATIO * min(packed, path.stat().st_size):
            claim = f"{path.name} claims to hold {total >> 30} GB in {path.stat().st_size >> 10} kB, which no examination does."
            raise InputRefused(claim, "Zip the series again.")
        if any(entry.flag_bits & LOCKED for entry in entries):
            raise InputRefused(f"{path.name} is locked with a password.", "Zip the series without a password.")
        yield [ZipSource(archive, entry, path.name) for entry in sorted(entries, key=lambda entry: entry.filename)]


def _is_macintosh(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return MACINTOSH in parts or (bool(parts) and parts[-1].startswith(MACINTOSH_PREFIX))


@contextmanager
def unbroken(name: str) -> Iterator[None]:
    """Everything that Python's decompressors raise over a damaged or unknown zip, as one sentence."""
    refused = InputRefused(f"{name} is no readable zip: it is damaged or of an unknown kind.", "Zip the series again.")
    try:
        yield
    except _BROKEN as error:
        raise refused from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise refused from error  # bzip2's own complaint has no number
