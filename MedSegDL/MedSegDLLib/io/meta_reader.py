"""MetaImage (.mha, .mhd) in, through ITK, whose own format it is: no library outside ITK reads it.

ITK reads absent, zero and negative spacings as something; so the header is held against the table `RULES` below first.
The format: https://itk.org/Wiki/ITK/MetaIO/Documentation
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..errors import InputRefused
from ..geometry.image import LPS_FROM_RAS, Image, ReadingNote
from . import integrity
from .headers import MM_OF_UNIT, Rule, as_read, left_over, no_geometry, notes_by, refuse_axes, refuse_sides, refuse_size, several_numbers
from .itk_workarounds import plain_path
from .time_limit import announce

HEADER_BYTES = 2**20
BITS = {
    **{"MET_CHAR": 8, "MET_UCHAR": 8, "MET_SHORT": 16, "MET_USHORT": 16, "MET_INT": 32, "MET_UINT": 32, "MET_LONG": 32, "MET_ULONG": 32},
    **{"MET_LONG_LONG": 64, "MET_ULONG_LONG": 64, "MET_FLOAT": 32, "MET_DOUBLE": 64},
}
LAST_FIELD = "ElementDataFile"
DIRECTIONS = ("TransformMatrix", "Rotation", "Orientation")
ORIGIN = ("Offset", "Position", "Origin")
SIDES = ("ElementSpacing", "ElementSize")
BYTE_ORDERS = ("BinaryDataByteOrderMSB", "ElementByteOrderMSB")
TOWARDS = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "I": (2, 1), "S": (2, -1)}  # from where an axis comes -> LPS axis, sign
LEAST_PART = 0.1  # of an axis that is said to run along another: less is none of it
UNIT_LENGTH = 1e-3


@dataclass(frozen=True)
class Header:
    """The text at the file's start: field -> words; and where attached data begin."""

    path: Path
    fields: dict[str, list[str]]
    offset: int

    def numbers(self, *names: str) -> list[float] | None:
        """The first of the fields that is stated. Raises InputRefused where it is no numbers."""
        name = next((name for name in names if name in self.fields), None)
        if name is None:
            return None
        try:
            return [float(word) for word in self.fields[name]]
        except ValueError as error:
            raise integrity.damaged(self.path, f"its {name} is no number") from error

    @cached_property
    def size(self) -> list[int]:
        """Voxels along the axes, fastest first."""
        return [int(n) for n in self.numbers("DimSize") or []]

    @property
    def channels(self) -> int:
        """Numbers a voxel."""
        return int((self.numbers("ElementNumberOfChannels") or [1])[0])

    @property
    def packed(self) -> bool:
        """Whether the data are compressed."""
        return self.states("CompressedData", False)

    def states(self, name: str, default: bool) -> bool:
        """A truth value, by its first letter as MetaIO reads it."""
        return self.fields[name][0][0] in "Tt1" if self.fields.get(name) else default

    @property
    def mm(self) -> float:
        """Millimetres of the unit of length."""
        return MM_OF_UNIT.get(self.unit, 1.0)

    @property
    def unit(self) -> str:
        """DistanceUnits in lower case, "mm" where none is stated."""
        stated = "".join(self.fields.get("DistanceUnits", [])).lower()
        return "mm" if stated in ("", "?") else stated

    @property
    def data_file(self) -> Path:
        """Where the numbers stand."""
        return self.path if self.local else self.path.parent / " ".join(self.fields[LAST_FIELD])

    @property
    def local(self) -> bool:
        """Whether the data stand in the same file."""
        return self.fields[LAST_FIELD][:1] in (["LOCAL"], ["Local"], ["local"])

    @property
    def picture(self) -> bool:
        """Whether it is flat."""
        return len(self.size) == 2 or math.prod(self.size[2:]) == 1


def read_meta(path: Path) -> Image:
    """A volume from .mha, or from .mhd and its data.

    Raises:
        InputRefused: no MetaImage, damaged, more than one number a voxel, or without usable geometry.
    """
    header = _header(path)
    notes = notes_by(RULES, header)
    reader = sitk.ImageFileReader()
    reader.SetImageIO("MetaImageIO")
    with plain_path(path) as readable:
        reader.SetFileName(str(readable))
        try:
            volume = reader.Execute()
        except RuntimeError as error:
            raise InputRefused(
                f"{path.name} is no readable MetaImage: it is damaged, ends early or holds something else.", integrity.COPY_AGAIN
            ) from error
    stored = sitk.GetArrayFromImage(volume)
    if header.packed and header.local:
        integrity.refuse_damaged_meta(path, header.offset, stored)
    shape = (*header.size, 1, 1)[:3][::-1]
    array = stored.reshape(*shape, header.channels)[..., :3] if header.channels > 1 else stored.reshape(shape)
    affine = affine_of(volume)
    affine[:3] *= header.mm
    try:
        return Image(as_read(array), affine, path.name, notes=notes)
    except ValueError as error:
        raise no_geometry(path, str(error)) from error


def affine_of(volume: sitk.Image) -> np.ndarray:
    """(4, 4) voxel indices to RAS mm of the first three axes of a SimpleITK image."""
    axes = volume.GetDimension()
    affine = np.eye(max(axes, 3) + 1)
    affine[:axes, :axes] = np.array(volume.GetDirection()).reshape(axes, axes) * np.array(volume.GetSpacing())
    affine[:axes, -1] = volume.GetOrigin()
    kept = [0, 1, 2, -1]
    return LPS_FROM_RAS @ affine[np.ix_(kept, kept)]


def _header(path: Path) -> Header:
    with path.open("rb") as stream:
        start = stream.read(HEADER_BYTES)
    fields: dict[str, list[str]] = {}
    offset = 0
    for line in start.split(b"\n"):
        offset += len(line) + 1
        name, equals, value = line.decode("utf-8", "replace").partition("=")
        if not equals:
            break
        fields[name.strip()] = value.split()
        if name.strip() == LAST_FIELD:
            break
    if "DimSize" not in fields or LAST_FIELD not in fields or "ElementType" not in fields:
        raise InputRefused(f"{path.name} is no readable MetaImage: it holds something else, or too little.", integrity.COPY_AGAIN)
    return Header(path, fields, offset)


def _size(header: Header) -> Iterable[ReadingNote]:
    axes = int((header.numbers("NDims") or [len(header.size)])[0])
    if axes != len(header.size):
        raise integrity.damaged(header.path, f"its header states {axes} axes and {len(header.size)} lengths")
    refuse_size(header.path, header.size)
    if header.channels > 1 and not header.picture:
        raise several_numbers(header.path, header.channels)
    return ()


def _numbers(header: Header) -> Iterable[ReadingNote]:
    kind = "".join(header.fields["ElementType"][:1]).removesuffix("_ARRAY")
    if kind not in BITS:
        raise InputRefused(f"{header.path.name} holds no numbers that are known ({kind}).", "Save it as short or float.")
    stated = math.prod(header.size) * header.channels * BITS[kind] // 8
    file = header.data_file
    _refuse_two_values(header, {name: header.states(name, False) for name in BYTE_ORDERS if name in header.fields})
    _refuse_header_size(header, stated)
    if not header.states("BinaryData", True):
        stated = math.prod(header.size) * header.channels
    if file.is_file():  # else a list or a pattern of slices, each of which ITK looks for itself
        integrity.refuse_claim(header.path, stated, file.stat().st_size, integrity.DEFLATE_RATIO if header.packed else 1)
    elif "%" not in file.name and file.name.upper() != "LIST":
        raise InputRefused(f"{header.path.name} keeps its data in {file.name}, which was not found.", "Copy both files together.")
    else:
        announce(stated, stated)
    return left_over(_rest(header, stated), math.prod(header.size[:2]) * header.channels * BITS[kind] // 8, "DimSize")


def _rest(header: Header, stated_bytes: int) -> int:
    """Bytes behind the numbers; 0 of packed ones, of text, and where the numbers are said to be the file's last."""
    size = int((header.numbers("HeaderSize") or [0])[0])
    if header.packed or not header.states("BinaryData", True) or size == -1 or not header.data_file.is_file():
        return 0
    return header.data_file.stat().st_size - (header.offset if header.local else size) - stated_bytes


def _refuse_two_values(header: Header, stated: dict[str, Any]) -> None:
    """Raise InputRefused where names of one thing (field -> value) have different values."""
    if any(value != next(iter(stated.values())) for value in stated.values()):
        raise integrity.damaged(header.path, f"its header says two things ({' and '.join(stated)} differ)")


def _refuse_header_size(header: Header, stated_bytes: int) -> None:
    """Raise InputRefused where HeaderSize puts the numbers elsewhere than behind the header, or beyond the file."""
    size = int((header.numbers("HeaderSize") or [0])[0])
    if size == 0 or not header.data_file.is_file():
        return
    held = header.data_file.stat().st_size
    begins = held - stated_bytes if size == -1 else size
    if begins < 0 or begins + (0 if header.packed else stated_bytes) > held or (header.local and begins != header.offset):
        raise integrity.damaged(header.path, f"its header puts the numbers where they cannot stand (HeaderSize = {size})")


def _scale(header: Header) -> Iterable[ReadingNote]:
    slope = (header.numbers("ElementToIntensityFunctionSlope") or [1.0])[0]
    offset = (header.numbers("ElementToIntensityFunctionOffset") or [0.0])[0]
    if (slope, offset) != (1, 0):
        says = f"states a slope of {slope:g} and an offset of {offset:g} for its numbers, which Slicer ignores: they are taken as stored."
        yield ReadingNote("ElementToIntensityFunctionSlope, -Offset", says, "Check that its intensities are what they should be.")


def _sides(header: Header) -> Iterable[ReadingNote]:
    sides = header.numbers(*SIDES)
    if sides is None:
        if not header.picture:
            raise no_geometry(header.path, "it states no voxel sides (ElementSpacing)")
        return ()
    if len(sides) != len(header.size):
        raise integrity.damaged(header.path, "its header states different numbers of axes (DimSize, ElementSpacing)")
    refuse_sides(header.path, sides[:3], "ElementSpacing")
    return ()


def _place(header: Header) -> Iterable[ReadingNote]:
    axes, matrix, origin = len(header.size), header.numbers(*DIRECTIONS), header.numbers(*ORIGIN)
    for names in (DIRECTIONS, ORIGIN):
        _refuse_two_values(header, {name: header.numbers(name) for name in names if name in header.fields})
    if origin is not None and (len(origin) != axes or not np.isfinite(origin).all()):
        raise no_geometry(header.path, "its origin is not one number an axis (Offset)")
    if matrix is None:
        if not header.picture:
            says = "does not say where its axes point (TransformMatrix): as in Slicer they were taken for left, posterior, superior."
            yield ReadingNote("TransformMatrix", says, "Check the sides of the result, or save the file from a program that knows them.")
        return
    if len(matrix) != axes * axes:
        raise integrity.damaged(header.path, "its header states different numbers of axes (DimSize, TransformMatrix)")
    columns = np.eye(3)
    known = min(axes, 3)
    columns[:known, :known] = np.reshape(matrix, (axes, axes)).T[:known, :known]
    refuse_axes(header.path, columns, "TransformMatrix")
    if np.abs(np.linalg.norm(columns, axis=0) - 1).max() > UNIT_LENGTH:
        raise no_geometry(header.path, "its directions are not of length 1 (TransformMatrix)")
    letters = "".join(header.fields.get("AnatomicalOrientation", [])).upper()
    known_letters = [TOWARDS.get(letter) for letter in letters]
    if len(letters) == known == 3 and None not in known_letters:
        runs = [sign * columns[along, column] for column, (along, sign) in enumerate(filter(None, known_letters))]
        if min(runs) < LEAST_PART:
            says = (
                f"says two things about its axes: AnatomicalOrientation ({letters}) and TransformMatrix; the matrix is taken, as in Slicer."
            )
            yield ReadingNote("AnatomicalOrientation, TransformMatrix", says, "Check the sides of the result.")


def _unit(header: Header) -> Iterable[ReadingNote]:
    if header.unit != "mm":
        done = "converted to" if header.unit in MM_OF_UNIT else "taken for"
        says = f"states its lengths in {header.unit}; they were {done} millimetres."
        yield ReadingNote("DistanceUnits", says, "Check that its size in mm is right.")


RULES: tuple[Rule, ...] = (
    Rule(("NDims", "DimSize", "ElementNumberOfChannels"), "one volume of at least one voxel; colours only in a picture", "refused", _size),
    Rule(
        (
            "ElementType",
            "BinaryData",
            "BinaryDataByteOrderMSB",
            "ElementByteOrderMSB",
            "CompressedData",
            "CompressedDataSize",
            "ElementDataFile",
            "HeaderSize",
        ),
        "real numbers that the file can hold, behind its header, in one order of bytes",
        "refused before memory is taken",
        _numbers,
    ),
    Rule(("ElementToIntensityFunctionSlope", "ElementToIntensityFunctionOffset"), "passed over, as ITK does", "finding", _scale),
    Rule(("ElementSpacing", "ElementSize"), "mm above 0, one an axis; a volume states them", "refused", _sides),
    Rule(
        (*DIRECTIONS, *ORIGIN, "AnatomicalOrientation"),
        "LPS; columns of length 1 at right angles, one value under all names; without directions left, posterior, superior",
        "refused; finding without directions, or where the letters say something else",
        _place,
    ),
    Rule(("DistanceUnits",), "mm; other units of length are converted", "finding where converted or unknown", _unit),
)
# ITK turns about the origin whatever the centre says, and takes directions from the matrix alone.
NOTHING_RESTS_ON = (
    *(
        "ObjectType",
        "ObjectSubType",
        "TransformType",
        "Comment",
        "Name",
        "ID",
        "ParentID",
        "Color",
        "CenterOfRotation",
    ),
    *("Modality", "SequenceID", "ElementMin", "ElementMax", "ElementNBits", "AcquisitionDate"),
)
