"""NIfTI-1 and -2 in. nibabel knows the header; what each field means for the image is the table `RULES` below.

The standard: https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h (method 1, 2, 3), nifti2.h.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nibabel
import numpy as np
from nibabel.quaternions import quat2mat

from ..errors import InputRefused
from ..geometry.image import Image, ReadingNote
from . import integrity
from .headers import (
    Rule,
    as_read,
    left_over,
    no_geometry,
    notes_by,
    refuse_axes,
    refuse_complex,
    refuse_sides,
    refuse_size,
    several_numbers,
)

HEADERS = {348: nibabel.Nifti1Header, 540: nibabel.Nifti2Header}  # by sizeof_hdr
MAGIC = {348: b"n+1", 540: b"n+2"}
LINE_ENDS = [13, 10, 26, 10]  # of NIfTI-2: a transfer as text would have changed them
REAL = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}  # datatype -> one number
COMPLEX = {32, 1792, 2048}
COLOURS = {128: 3, 2304: 4}  # RGB24, RGBA32: bytes a voxel
MM_OF_CODE = {0: 1.0, 1: 1e3, 2: 1.0, 3: 1e-3}  # xyzt_units, lowest three bits: unknown (mm by custom), metre, mm, micron
UNITS = {1: "metres", 3: "microns"}
IMAGE_INTENTS = (0, 1011, 2001)  # none, dimensionless, a point of a time series
LAST_STATISTIC = 1001
INTENTS = {1002: "labels", 1003: "names of labels", 1006: "a displacement", 1007: "a vector", 1010: "a rotation"}
FARTHEST_DATA = 2**40
SAME_SIDE = 0.01  # relative difference of pixdim and sform that is no rounding
SAME_PLACE = 0.5  # of the smallest voxel side: sform and qform that lie closer say the same
UNIT_QUATERNION = 1e-3  # how far above 1 rounding may bring b2 + c2 + d2


@dataclass(frozen=True)
class Header:
    """A NIfTI header and the file that it came from; lengths in the file's own unit."""

    path: Path
    fields: nibabel.Nifti1Header | nibabel.Nifti2Header

    @cached_property
    def size(self) -> tuple[int, ...]:
        """Voxels along the stated axes, first fastest."""
        axes = int(self.fields["dim"][0])
        return tuple(int(n) for n in self.fields["dim"][1 : max(axes, 0) + 1])

    @property
    def code(self) -> int:
        """datatype."""
        return int(self.fields["datatype"])

    @property
    def bytes_a_voxel(self) -> int:
        """By the datatype."""
        return COLOURS[self.code] if self.code in COLOURS else np.dtype(REAL[self.code]).itemsize

    @cached_property
    def sform(self) -> np.ndarray | None:
        """(4, 4), or None where sform_code is 0: method 3."""
        if int(self.fields["sform_code"]) <= 0:
            return None
        return np.vstack([*(np.asarray(self.fields[row], np.float64) for row in ("srow_x", "srow_y", "srow_z")), (0, 0, 0, 1)])

    @cached_property
    def qform(self) -> np.ndarray | None:
        """(4, 4), or None where qform_code is 0 or the quaternion is none: method 2."""
        imaginary = np.array([float(self.fields[f"quatern_{axis}"]) for axis in "bcd"])
        if int(self.fields["qform_code"]) <= 0 or not np.isfinite(imaginary).all() or imaginary @ imaginary > 1 + UNIT_QUATERNION:
            return None
        real = math.sqrt(max(0.0, 1.0 - imaginary @ imaginary))
        handedness = -1.0 if float(self.fields["pixdim"][0]) < 0 else 1.0
        affine = np.eye(4)
        affine[:3, :3] = quat2mat([real, *imaginary]) * self.sides * (1, 1, handedness)
        affine[:3, 3] = [float(self.fields[f"qoffset_{axis}"]) for axis in "xyz"]
        return affine

    @property
    def sides(self) -> np.ndarray:
        """pixdim along x, y, z; 1 along axes that the file does not have."""
        sides = np.ones(3)
        sides[: min(3, len(self.size))] = self.fields["pixdim"][1 : 1 + min(3, len(self.size))]
        return sides

    @property
    def affine(self) -> np.ndarray:
        """(4, 4) to RAS in the file's unit: sform, else qform, else method 1 (axes as they are, x to the right)."""
        if self.sform is not None:
            return self.sform
        return self.qform if self.qform is not None else np.diag([*self.sides, 1.0])

    @property
    def mm(self) -> float:
        """Millimetres of the unit of length."""
        return MM_OF_CODE.get(int(self.fields["xyzt_units"]) & 7, 1.0)

    @property
    def scale(self) -> tuple[float, float] | None:
        """Slope and intercept, None where the stored numbers are the values."""
        slope, intercept = float(self.fields["scl_slope"]), float(self.fields["scl_inter"])
        if slope == 0 or not math.isfinite(slope) or (slope, intercept) == (1, 0) or self.code in COLOURS:
            return None
        return slope, intercept


def read_nifti(path: Path) -> Image:
    """A volume from a .nii or .nii.gz file, compressed or not whatever its name says.

    Raises:
        InputRefused: no NIfTI, damaged, more than one number a voxel, or without usable geometry.
    """
    packed = integrity.starts_with(path, integrity.GZIP_MAGIC)
    with integrity.unpacked(path, packed) as stream:
        header, read = _header(path, stream)
        notes = notes_by(RULES, header)
        offset, count = int(header.fields["vox_offset"]), math.prod(header.size)
        held = path.stat().st_size
        integrity.refuse_claim(path, offset + count * header.bytes_a_voxel, held, integrity.DEFLATE_RATIO if packed else 1)
        integrity.skip(stream, offset - read)
        dtype = np.dtype(REAL.get(header.code, "u1")).newbyteorder(header.fields.endianness)
        stored, rest = integrity.read_numbers(stream, dtype, count * COLOURS.get(header.code, 1), path)
    notes = (*notes, *left_over(rest, math.prod(header.size[:2]) * header.bytes_a_voxel, "dim"))
    affine = header.affine.copy()
    affine[:3] *= header.mm
    try:
        return Image(_values(stored, header), affine, path.name, notes=notes)
    except ValueError as error:
        raise no_geometry(path, str(error)) from error


def _header(path: Path, stream) -> tuple[Header, int]:
    """The header, and how many bytes of the stream it took."""
    start = stream.read(4)
    for order in "<>":
        length = struct.unpack(f"{order}i", start)[0] if len(start) == 4 else 0
        if length in HEADERS:
            block = start + stream.read(length - 4)
            if len(block) == length:
                return Header(path, HEADERS[length](block, endianness=order, check=False)), length
    raise InputRefused(
        f"{path.name} is no NIfTI file: it holds something else, or too little.", "Give a NIfTI file, or rename it to what it is."
    )


def _values(stored: np.ndarray, header: Header) -> np.ndarray:
    """(K, J, I) values, or (1, J, I, C) colours; scaled ones in float32."""
    shape = (*header.size[:3], 1, 1)[:3][::-1]
    if header.code in COLOURS:
        return stored.reshape(*shape, -1)[..., :3]
    stored = stored.reshape(shape)
    if header.scale is None:
        return as_read(stored)
    slope, intercept = header.scale
    values = np.empty(shape, np.float32)
    for scaled, part in zip(values, stored, strict=True):
        scaled[:] = part.astype(np.float64) * slope + intercept
    return values


def _kind(header: Header) -> Iterable[ReadingNote]:
    length = int(header.fields["sizeof_hdr"])
    magic = header.fields["magic"].item()
    if magic != MAGIC[length]:
        reason = f"{header.path.name} is no single-file NIfTI: its mark is {magic.decode('ascii', 'replace')!r}."
        raise InputRefused(reason, "Give a .nii or .nii.gz file (convert Analyze and .hdr/.img pairs).")
    if "eol_check" in header.fields and header.fields["eol_check"].tolist() != LINE_ENDS:
        raise integrity.damaged(header.path, "it was copied as text (eol_check)")
    return ()


def _size(header: Header) -> Iterable[ReadingNote]:
    axes = int(header.fields["dim"][0])
    if not 1 <= axes <= 7:
        raise integrity.damaged(header.path, f"its header states {axes} axes")
    if len(header.size) > 4 and min(header.size) > 0 and math.prod(header.size[4:]) > 1:
        raise several_numbers(header.path, math.prod(header.size[4:]))
    refuse_size(header.path, header.size)
    return ()


def _numbers(header: Header) -> Iterable[ReadingNote]:
    if header.code in COMPLEX:
        raise refuse_complex(header.path)
    if header.code not in REAL and header.code not in COLOURS:
        raise InputRefused(
            f"{header.path.name} is no readable NIfTI file: its datatype {header.code} is unknown.", "Save it as int16 or float32."
        )
    bits = int(header.fields["bitpix"])
    if bits != 8 * header.bytes_a_voxel:
        raise integrity.damaged(
            header.path, f"its datatype {header.code} takes {8 * header.bytes_a_voxel} bits a voxel, and bitpix says {bits}"
        )
    if header.code in COLOURS and math.prod(header.size[2:]) > 1:
        raise several_numbers(header.path, COLOURS[header.code])
    return ()


def _place_of_data(header: Header) -> Iterable[ReadingNote]:
    offset = float(header.fields["vox_offset"])
    if not (math.isfinite(offset) and int(header.fields["sizeof_hdr"]) <= offset < FARTHEST_DATA and offset == int(offset)):
        raise integrity.damaged(header.path, "its header states no place for the voxels")
    return ()


def _scale(header: Header) -> Iterable[ReadingNote]:
    slope, intercept = float(header.fields["scl_slope"]), float(header.fields["scl_inter"])
    if header.scale is not None and not math.isfinite(intercept):
        raise integrity.damaged(header.path, f"its slope is {slope:g} and its intercept {intercept:g}")
    meant = math.isinf(slope) or (slope == 0 and math.isfinite(intercept) and intercept != 0)
    if meant and header.code not in COLOURS:
        says = f"states a slope of {slope:g} with an intercept of {intercept:g}, by the standard no scaling: the values are those stored."
        yield ReadingNote("scl_slope, scl_inter", says, "Check that its intensities are what they should be.")


def _intent(header: Header) -> Iterable[ReadingNote]:
    """What the numbers were meant for, where that is no image."""
    code = int(header.fields["intent_code"])
    if code not in IMAGE_INTENTS:
        kind = INTENTS.get(code, "statistics" if code <= LAST_STATISTIC else "no intensities")
        says = f"says that its numbers are {kind} (intent_code {code}), not an image."
        yield ReadingNote("intent_code", says, "Make sure that it is the image and not what was made from it.")


def _unit(header: Header) -> Iterable[ReadingNote]:
    code = int(header.fields["xyzt_units"]) & 7
    if code in UNITS:
        says = f"states its lengths in {UNITS[code]}; they were taken times {header.mm:g} for millimetres."
        yield ReadingNote("xyzt_units", says, "Check that its size in mm is right.")
    elif code not in MM_OF_CODE:
        says = f"states its lengths in a unit of the unknown number {code}; they were taken for millimetres."
        yield ReadingNote("xyzt_units", says, "Check that its size in mm is right.")


def _place(header: Header) -> Iterable[ReadingNote]:
    """sform before qform before method 1, and whether they agree."""
    if header.sform is not None:
        yield from _sform(header)
    elif int(header.fields["qform_code"]) > 0:
        refuse_sides(header.path, header.sides, "pixdim")
        if header.qform is None:
            raise no_geometry(header.path, "its quaternion is no rotation (quatern_b, quatern_c, quatern_d)")
        refuse_axes(header.path, header.qform[:3, :3], "qform")
    else:
        refuse_sides(header.path, header.sides, "pixdim")
        says = "does not say where left is (sform_code and qform_code are 0): by the standard its axes point right, anterior, superior."
        yield ReadingNote(
            "sform_code, qform_code", says, "Check the sides of the result, or give the file as its scanner's DICOM was converted."
        )
    if not np.isfinite(header.affine).all():
        raise no_geometry(header.path, "its affine is not finite")


def _sform(header: Header) -> Iterable[ReadingNote]:
    refuse_axes(header.path, header.sform[:3, :3], "sform")
    lengths = np.linalg.norm(header.sform[:3, :3], axis=0)
    if np.abs(header.sides / lengths - 1).max() > SAME_SIDE or not np.isfinite(header.sides).all():
        sides, rows = _mm(header.sides * header.mm), _mm(lengths * header.mm)
        says = f"states voxel sides of {sides} mm (pixdim) and {rows} mm (sform); the sform is taken."
        yield ReadingNote("pixdim, srow_x, srow_y, srow_z", says, "Check that its size in mm is right.")
    if int(header.fields["qform_code"]) > 0 and np.isfinite(header.sform).all():
        yield from _qform_beside(header, lengths.min())


def _qform_beside(header: Header, side: float) -> Iterable[ReadingNote]:
    """A finding where the qform says something else than the sform, which is taken."""
    fields = "sform_code, qform_code"
    if header.qform is None or not np.isfinite(header.qform).all():
        yield ReadingNote(
            fields, "has a qform that is no rotation; its sform is taken.", "Check the sides and the place of the result.", False
        )
        return
    corners = np.array([[x, y, z, 1] for x in (0, 1) for y in (0, 1) for z in (0, 1)], np.float64)
    corners[:, :3] *= np.array((*header.size, 1, 1, 1)[:3]) - 1
    apart = float(np.linalg.norm((corners @ (header.sform - header.qform).T)[:, :3], axis=1).max())
    if apart > SAME_PLACE * side:
        mirrored = np.linalg.det(header.sform[:3, :3]) * np.linalg.det(header.qform[:3, :3]) < 0
        says = (
            f"says two things about its place: sform and qform lie up to {apart * header.mm:.1f} mm apart"
            f"{', one the mirror image of the other' if mirrored else ''}. By the standard the sform is taken; ITK takes the qform."
        )
        yield ReadingNote(fields, says, "Check that the result lies where the other programs show the image.")


def _mm(sides: np.ndarray) -> str:
    return " x ".join(f"{side:.4g}" for side in sides)


GEOMETRY_FIELDS = (
    *("sform_code", "srow_x", "srow_y", "srow_z", "qform_code", "quatern_b", "quatern_c", "quatern_d"),
    *("qoffset_x", "qoffset_y", "qoffset_z", "pixdim"),
)
RULES: tuple[Rule, ...] = (
    Rule(("sizeof_hdr", "magic", "eol_check"), "NIfTI-1 or -2 in one file, in either byte order", "refused", _kind),
    Rule(("dim",), "one volume of at least one voxel; axes of length 1 beyond the third are dropped", "refused", _size),
    Rule(("datatype", "bitpix"), "one real number a voxel, both fields agree; colours only in a picture", "refused", _numbers),
    Rule(("vox_offset",), "a whole number behind the header", "refused", _place_of_data),
    Rule(("scl_slope", "scl_inter"), "value = slope x stored + intercept; slope 0, NaN: as stored", "finding if meant otherwise", _scale),
    Rule(
        ("intent_code",),
        "an image, or not stated; the numbers are taken as one",
        "finding where they are said to be another thing",
        _intent,
    ),
    Rule(("xyzt_units",), "mm; metres and microns are converted; 0 counts as mm", "finding where converted or unknown", _unit),
    Rule(
        GEOMETRY_FIELDS,
        "sform where its code is above 0, else qform, else method 1 (right, anterior, superior); sides above 0 and right angles",
        "refused without usable axes; finding where sform, qform and pixdim differ, or where both codes are 0",
        _place,
    ),
)
# Names, times, display and statistics: they change neither values nor places.
NOTHING_RESTS_ON = (
    *("data_type", "db_name", "extents", "session_error", "regular", "dim_info", "intent_p1", "intent_p2", "intent_p3"),
    *("slice_start", "slice_end", "slice_code", "slice_duration", "toffset", "cal_max", "cal_min", "glmax", "glmin", "descrip", "aux_file"),
    *("intent_name", "unused_str"),
)
