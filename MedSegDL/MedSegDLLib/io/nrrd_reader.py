"""NRRD in, attached or with its data in other files. pynrrd parses the header; what each field means is the table `RULES` below.

The voxels are read here: pynrrd 1.1.3 takes 3.9 s for a CT of 512x512x300 where ITK takes 2.7 s, checks no end of the data, and knows no
lists of files.
The format: https://teem.sourceforge.net/nrrd/format.html
"""

from __future__ import annotations

import bz2
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nrrd
import numpy as np
from nrrd.errors import NRRDError

from ..errors import InputRefused
from ..geometry.image import Image, ReadingNote
from . import integrity
from .headers import MM_OF_UNIT, Rule, as_read, left_over, no_geometry, notes_by, refuse_axes, refuse_sides, refuse_size, several_numbers
from .time_limit import announce

HEADER_BYTES = 2**24  # a segmentation of thousands of segments keeps their names in the header
FIRST_SEGMENT = "Segment0_ID"  # of Slicer's segmentations (.seg.nrrd)
TYPES = {
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), "i2"),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    **dict.fromkeys(("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64", "int64_t"), "i8"),
    **dict.fromkeys(("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"), "u8"),
    "float": "f4",
    "double": "f8",
}
RAS_OF_SPACE = {
    "right-anterior-superior": (1.0, 1.0, 1.0),
    "left-anterior-superior": (-1.0, 1.0, 1.0),
    "left-posterior-superior": (-1.0, -1.0, 1.0),
}
SHORT_SPACE = {"ras": "right-anterior-superior", "las": "left-anterior-superior", "lps": "left-posterior-superior"}
LPS = (-1.0, -1.0, 1.0)
SPATIAL_KINDS = ("domain", "space", "???", "none")
RAW, GZIP, BZIP2, TEXT = ("raw",), ("gzip", "gz"), ("bzip2", "bz2"), ("text", "txt", "ascii")
LEAST_TEXT = 2  # bytes a number: a digit and a space
COLOURS = ((3,), (4,))
BROKEN_HEADER = (NRRDError, ValueError, IndexError, KeyError, StopIteration, TypeError)


@dataclass(frozen=True)
class Header:
    """A parsed NRRD header.

    Attributes:
        path: the file it came from.
        fields: field -> value, as pynrrd gives them.
        offset: where attached data begin.
        files: lines behind `data file: LIST`.
    """

    path: Path
    fields: dict
    offset: int
    files: tuple[str, ...]

    @property
    def sizes(self) -> list[int]:
        """Numbers along each axis, fastest first."""
        return [int(n) for n in self.fields["sizes"]]

    @property
    def encoding(self) -> str:
        """In lower case."""
        return str(self.fields.get("encoding", "")).lower()

    @property
    def dtype(self) -> np.dtype:
        """Of one number, in the file's byte order."""
        order = "<" if str(self.fields.get("endian", "little")).lower() == "little" else ">"
        return np.dtype(TYPES[self.fields["type"]]).newbyteorder(order)

    @cached_property
    def directions(self) -> np.ndarray | None:
        """(axes, n): a row an axis, NaN for those that are none in space; None where the file states none."""
        stated = self.fields.get("space directions")
        return None if stated is None else np.atleast_2d(np.asarray(stated, np.float64))

    @cached_property
    def in_space(self) -> list[int]:
        """The axes along which voxels lie beside each other."""
        if self.directions is not None:
            return [axis for axis, row in enumerate(self.directions) if not np.isnan(row).all()]
        kinds = self.fields.get("kinds") or ["domain"] * len(self.sizes)
        axes = [axis for axis, kind in enumerate(kinds) if kind.lower() in SPATIAL_KINDS]
        return axes[:3] if math.prod(self.sizes[axis] for axis in axes[3:]) == 1 else axes

    @property
    def across(self) -> list[int]:
        """The other axes: colours, components, layers, time."""
        return [axis for axis in range(len(self.sizes)) if axis not in self.in_space]

    @cached_property
    def space(self) -> str:
        """The whole name of the space, in lower case."""
        name = str(self.fields.get("space", "")).lower()
        return SHORT_SPACE.get(name, name)

    @property
    def mm(self) -> np.ndarray:
        """(3,) millimetres of the space's units."""
        return np.array([MM_OF_UNIT.get(unit, 1.0) for unit in (*self.units[:3], "mm", "mm", "mm")[:3]])

    @property
    def units(self) -> list[str]:
        """Units of length in lower case: of the space, else of the axes that lie in it; empty where none are stated."""
        of_axes = self.fields.get("units", [])
        stated = self.fields.get("space units") or [of_axes[axis] for axis in self.in_space if axis < len(of_axes)]
        return [str(unit).strip().lower() for unit in stated]

    @property
    def axes(self) -> np.ndarray:
        """(3, 3) columns: steps along the axes in space, in the file's own frame; unit steps along axes that a picture lacks."""
        axes = np.eye(3)
        for column, axis in enumerate(self.in_space[:3]):
            if self.directions is not None:
                axes[:, column] = 0
                axes[: self.directions.shape[1], column] = self.directions[axis][:3]
            elif "spacings" in self.fields:
                axes[column, column] = self.fields["spacings"][axis]
        return axes

    @property
    def affine(self) -> np.ndarray:
        """(4, 4) to RAS in mm."""
        affine = np.eye(4)
        affine[:3, :3] = self.axes
        origin = self.fields.get("space origin")
        if origin is not None:
            affine[: min(3, len(origin)), 3] = origin[:3]
        affine[:3] *= (self.mm * RAS_OF_SPACE.get(self.space, LPS))[:, None]
        return affine


def read_nrrd(path: Path) -> Image:
    """A volume from .nrrd, or from .nhdr and its data.

    Raises:
        InputRefused: no NRRD, damaged, more than one number a voxel, or without usable geometry.
    """
    header = _header(path)
    notes = notes_by(RULES, header)
    stored, rest = _stored(header)
    notes = (*notes, *_segments(header), *left_over(rest, math.prod(header.sizes[:2]) * header.dtype.itemsize, "sizes"))
    sizes = [header.sizes[axis] for axis in header.in_space]
    colours = math.prod(header.sizes[axis] for axis in header.across)
    shape = (*sizes, 1, 1)[: max(3, len(sizes))][:3][::-1]
    array = stored.reshape(*shape, colours)[..., :3] if colours > 1 else stored.reshape(shape)
    try:
        return Image(as_read(array), header.affine, path.name, notes=notes)
    except ValueError as error:
        raise no_geometry(path, str(error)) from error


def _header(path: Path) -> Header:
    with path.open("rb") as stream:
        start = stream.read(HEADER_BYTES)
    if not start.startswith(b"NRRD"):
        raise InputRefused(f"{path.name} is no readable NRRD file: it holds something else.", integrity.COPY_AGAIN)
    text, offset = [], 0
    for line in io.BytesIO(start):
        offset += len(line)
        if not line.strip():
            break
        text.append(line.decode("utf-8", "replace"))
    listed = next((n for n, line in enumerate(text) if line.lower().replace(" ", "").startswith("datafile:list")), len(text))
    try:
        fields = dict(nrrd.read_header(text[: listed + 1]))
    except BROKEN_HEADER as error:
        said = str(error).partition("\n")[0] or "it ends early"
        reason = f"{path.name} is no readable NRRD file: its header is damaged ({said})."
        raise InputRefused(reason, integrity.COPY_AGAIN) from error
    return Header(path, fields, offset, tuple(line.strip() for line in text[listed + 1 :]))


def _data_files(header: Header) -> list[Path]:
    """The files that hold the data, in order; the header's own file where they are attached."""
    stated = header.fields.get("data file", header.fields.get("datafile"))
    if stated is None:
        return [header.path]
    words = str(stated).split()
    if words[0].upper() == "LIST":
        names: list[str] = list(header.files)
    elif "%" in words[0] and len(words) >= 4:
        first, last, step = (int(word) for word in words[1:4])
        names = [words[0] % number for number in range(first, last + (1 if step > 0 else -1), step)]
    else:
        names = [str(stated)]
    return [header.path.parent / name for name in names]


def _segments(header: Header) -> Iterable[ReadingNote]:
    """Slicer's segmentations are NRRD files too."""
    if FIRST_SEGMENT in header.fields:
        says = f"says that it holds segments ({FIRST_SEGMENT}), not an image."
        yield ReadingNote(FIRST_SEGMENT, says, "Make sure that it is the image and not its segmentation.")


def _stored(header: Header) -> tuple[np.ndarray, int]:
    """All numbers of the file: (count,), and the bytes that follow them."""
    count, files = math.prod(header.sizes), _data_files(header)
    for file in files:
        if not file.is_file():
            raise InputRefused(f"{header.path.name} keeps its data in {file.name}, which was not found.", "Copy both files together.")
    stated = count * (LEAST_TEXT if header.encoding in TEXT else header.dtype.itemsize)
    held = sum(file.stat().st_size for file in files)
    if header.encoding not in BZIP2:  # whose best ratio is beyond any bound; memory is touched only as data come in
        ratio = integrity.DEFLATE_RATIO if header.encoding in GZIP else 1
        integrity.refuse_claim(header.path, stated - LEAST_TEXT, held, ratio)
    else:
        announce(held, stated)
    if not files or count % len(files):
        raise integrity.damaged(header.path, f"its {count} numbers do not divide among {len(files)} files")
    parts = [_numbers_in(file, header, count // len(files)) for file in files]
    rest = max(left for _, left in parts)
    return (parts[0][0] if len(parts) == 1 else np.concatenate([values for values, _ in parts])), rest


def _numbers_in(file: Path, header: Header, count: int) -> tuple[np.ndarray, int]:
    """The numbers that one file holds, and the bytes that follow them."""
    skipped_lines = int(header.fields.get("line skip", header.fields.get("lineskip", 0)))
    skipped_bytes = int(header.fields.get("byte skip", header.fields.get("byteskip", 0)))
    offset = header.offset if file == header.path else 0
    with file.open("rb") as raw:
        raw.seek(offset)
        for _ in range(skipped_lines):
            raw.readline()
        offset = raw.tell()
    if skipped_bytes == -1:
        offset, skipped_bytes = file.stat().st_size - count * header.dtype.itemsize, 0
    with integrity.unpacked(file, header.encoding in GZIP, max(offset, 0)) as stream:
        integrity.skip(stream, skipped_bytes)
        if header.encoding in TEXT:
            return _numbers_of(stream.read(), header, count), 0
        if header.encoding in BZIP2:
            return _from_bzip2(stream, header, count)
        return integrity.read_numbers(stream, header.dtype, count, header.path)


def _from_bzip2(stream, header: Header, count: int) -> tuple[np.ndarray, int]:
    try:
        with bz2.BZ2File(stream) as unpacked:
            return integrity.read_numbers(unpacked, header.dtype, count, header.path)
    except OSError as error:
        raise integrity.damaged(header.path, "its compressed data are damaged") from error


def _numbers_of(text: bytes, header: Header, count: int) -> np.ndarray:
    words = text.replace(b",", b" ").split()
    if len(words) < count:
        raise integrity.damaged(header.path, "its data end early")
    try:
        return np.array(words[:count]).astype(header.dtype)
    except ValueError as error:
        raise integrity.damaged(header.path, "its data are no numbers") from error


def _size(header: Header) -> Iterable[ReadingNote]:
    for field in ("dimension", "type", "encoding", "sizes"):
        if field not in header.fields:
            raise integrity.damaged(header.path, f"its header states no {field}")
    rows = None if header.directions is None else len(header.directions)
    listed = len(header.fields.get("kinds", header.sizes))
    if len({int(header.fields["dimension"]), len(header.sizes), listed, rows or len(header.sizes)}) > 1:
        raise integrity.damaged(header.path, "its header states different numbers of axes (dimension, sizes, kinds, space directions)")
    kinds = [kind.lower() for kind in header.fields.get("kinds", [])]
    if header.directions is not None and any(kinds[axis] not in SPATIAL_KINDS for axis in header.in_space if kinds):
        raise integrity.damaged(header.path, f"its header gives directions in space to axes that are none (kinds: {' '.join(kinds)})")
    across = [header.sizes[axis] for axis in header.across]
    refuse_size(header.path, [*(header.sizes[axis] for axis in header.in_space), *(n for n in across if n < 1)])
    flat = math.prod(header.sizes[axis] for axis in header.in_space[2:]) == 1
    count = math.prod(across)
    if count > 1 and not (flat and header.across == [0] and tuple(across) in COLOURS):
        raise several_numbers(header.path, count)
    return ()


def _numbers(header: Header) -> Iterable[ReadingNote]:
    if header.fields["type"] not in TYPES:
        raise InputRefused(
            f"{header.path.name} holds no numbers that are known (type: {header.fields['type']}).", "Save it as short or float."
        )
    if header.encoding not in (*RAW, *GZIP, *BZIP2, *TEXT):
        raise InputRefused(f"{header.path.name} is encoded in a rare way ({header.encoding}).", "Save it raw or with gzip.")
    order = str(header.fields.get("endian", "")).lower()
    if header.dtype.itemsize > 1 and header.encoding not in TEXT and order not in ("little", "big"):
        raise integrity.damaged(header.path, "its header does not say in which order its bytes stand (endian)")
    skips = [int(header.fields.get(name, 0)) for name in ("line skip", "lineskip", "byte skip", "byteskip")]
    if min(skips) < -1 or (min(skips) == -1 and header.encoding not in RAW):
        raise integrity.damaged(header.path, "its header states no place for the voxels")
    return ()


def _quantised(header: Header) -> Iterable[ReadingNote]:
    stated = {"old min", "oldmin", "old max", "oldmax"} & set(header.fields)
    if stated and header.dtype.kind in "iu":
        says = "says that its numbers were once others (old min, old max); they are taken as stored."
        yield ReadingNote("old min, old max", says, "Check that its intensities are what they should be.")


def _unit(header: Header) -> Iterable[ReadingNote]:
    units = header.units[: len(header.in_space)]
    if any(MM_OF_UNIT.get(unit, 0.0) != 1.0 for unit in units if unit):
        known = all(unit in MM_OF_UNIT for unit in units if unit)
        says = f"states its lengths in {', '.join(sorted(set(units)))}; they were {'converted to' if known else 'taken for'} millimetres."
        yield ReadingNote("space units" if "space units" in header.fields else "units", says, "Check that its size in mm is right.")


def _place(header: Header) -> Iterable[ReadingNote]:
    if header.directions is None and "spacings" not in header.fields and len(header.in_space) > 2:
        raise no_geometry(header.path, "it states neither space directions nor spacings")
    if header.directions is None and "spacings" in header.fields:
        refuse_sides(header.path, [header.fields["spacings"][axis] for axis in header.in_space], "spacings")
    if not 1 <= len(header.in_space) <= 3 or (header.directions is not None and header.directions.shape[1] not in (2, 3)):
        raise no_geometry(header.path, "its space has not two or three dimensions")
    refuse_axes(header.path, header.axes * header.mm[:, None], "space directions")
    if not np.isfinite(header.affine).all():
        raise no_geometry(header.path, "its origin is not finite (space origin)")
    if len(header.in_space) > 2 and (header.space not in RAS_OF_SPACE or header.directions is None):
        stated = f"space: {header.space}" if header.space else "it states no space"
        says = f"does not say where left is ({stated}): its axes were taken to run left, posterior, superior, as Slicer takes them."
        yield ReadingNote(
            "space, space directions", says, "Check the sides of the result, or save the file from a program that knows them."
        )
    elif len(header.in_space) > 2 and "space origin" not in header.fields:
        says = "does not say where it begins (space origin); its first voxel was put at 0."
        yield ReadingNote("space origin", says, "Check that it lies where the other inputs lie.")


def _both_sides(header: Header) -> Iterable[ReadingNote]:
    """`spacings` beside `space directions`: the format forbids both; the directions are taken."""
    if header.directions is None or "spacings" not in header.fields:
        return
    stated = np.array([header.fields["spacings"][axis] for axis in header.in_space], np.float64)
    lengths = np.linalg.norm(header.axes[:, : len(stated)], axis=0)
    if np.isfinite(stated).all() and np.abs(stated / lengths - 1).max() > 0.01:
        says = "states other voxel sides in its spacings than in its space directions; the directions are taken."
        yield ReadingNote("spacings, space directions", says, "Check that its size in mm is right.")


RULES: tuple[Rule, ...] = (
    Rule(
        ("dimension", "sizes", "kinds"),
        "one volume of at least one voxel; all lists of axes agree; colours only in a picture",
        "refused",
        _size,
    ),
    Rule(
        ("type", "block size", "endian", "encoding", "data file", "line skip", "byte skip"),
        "real numbers in raw, gzip, bzip2 or text, in this file or beside it",
        "refused",
        _numbers,
    ),
    Rule(("old min", "old max"), "numbers are taken as stored", "finding where the file says that they were others", _quantised),
    Rule(("space units", "units"), "mm; other units of length are converted", "finding where converted or unknown", _unit),
    Rule(
        ("space", "space dimension", "space directions", "space origin"),
        "RAS, LAS or LPS with directions at right angles; without a named space LPS, without an origin 0",
        "refused without voxel sides or with sheared axes; finding for a space without left and right",
        _place,
    ),
    Rule(
        ("spacings",),
        "only where there are no space directions, and equal to their lengths",
        "refused if not above 0, else a finding",
        _both_sides,
    ),
)
# Vectors alone turn with the measurement frame; the others are names and display.
NOTHING_RESTS_ON = (
    *(
        "measurement frame",
        "centers",
        "centerings",
        "labels",
        "thicknesses",
        "axis mins",
        "axis maxs",
        "content",
        "number",
        "min",
        "max",
    ),
    *("sample units",),
)
