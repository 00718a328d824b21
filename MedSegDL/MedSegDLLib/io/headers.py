"""What every format's table of header fields is made of, and what all volumes must satisfy: a place, right angles, sides above 0.

A header field that geometry or intensities rest on stands in exactly one rule of its format's table (`RULES` in `nifti_reader`,
`nrrd_reader`, `meta_reader`, `pictures`); tests compare the tables with the formats' own lists of fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputRefused
from ..geometry.image import ReadingNote

RIGHT_ANGLE = 1e-3  # cosine between two axes: 0.06 degrees, above rounding in every format, below what a gantry tilt would be
SAVE_AGAIN = "Save it again with its spacing and directions, from the program that made it."
STRAIGHTEN = "Load it in Slicer, use Resample Scalar Volume, and save the volume."
MAX_VOXELS = 2**31
MM_OF_UNIT = {"m": 1e3, "cm": 10.0, "mm": 1.0, "um": 1e-3, "µm": 1e-3, "μm": 1e-3, "micron": 1e-3, "nm": 1e-6}


@dataclass(frozen=True)
class Rule:
    """One rule of a format.

    Attributes:
        fields: the header fields that it is about.
        says: the rule, in words.
        else_: what happens where it does not hold: a refusal, or a finding.
        check: the rule, in code: notes to the reader of the result; raises InputRefused.
    """

    fields: tuple[str, ...]
    says: str
    else_: str
    check: Callable[[Any], Iterable[ReadingNote]]


def notes_by(rules: Sequence[Rule], header: Any) -> tuple[ReadingNote, ...]:
    """Hold a header against every rule, in order. Raises InputRefused by the first that refuses."""
    return tuple(note for rule in rules for note in rule.check(header))


def refuse_size(path: Path, size: Sequence[int]) -> None:
    """Raise InputRefused for no voxels, too many, or more than one volume; `size` is in the file's order, first axis fastest."""
    shown = " x ".join(map(str, size))
    if not size or min(size) <= 0:
        raise InputRefused(f"{path.name} holds no voxels (its size is {shown}).", "Copy or download it again from where it came.")
    voxels = int(np.prod([float(n) for n in size]))
    if voxels > MAX_VOXELS:
        raise InputRefused(f"{path.name} states {voxels} voxels, more than can be held.", "Crop the volume.")
    if len(size) > 3 and max(size[3:]) > 1:
        raise InputRefused(f"{path.name} has four axes ({shown}).", "Save one volume of it in a file of its own.")


def left_over(rest_bytes: int, slice_bytes: int, fields: str) -> tuple[ReadingNote, ...]:
    """A finding where a whole slice or more lies behind the numbers that the header states: programs pad files by less."""
    if rest_bytes < max(1, slice_bytes):
        return ()
    says = f"holds {rest_bytes:,} bytes more than its header states: it may have been cut by its header, or hold a second image."
    return (ReadingNote(fields, says, "Make sure that the whole image is read."),)


def several_numbers(path: Path, count: int) -> InputRefused:
    """The refusal of vectors, tensors and colours in a volume."""
    return InputRefused(f"{path.name} holds {count} numbers a voxel.", "Save one channel of it in a file of its own.")


def refuse_complex(path: Path) -> InputRefused:
    """The refusal of complex numbers."""
    return InputRefused(f"{path.name} holds complex numbers.", "Save the magnitude image.")


def no_geometry(path: Path, why: str) -> InputRefused:
    """The refusal of a file that does not say where its voxels lie."""
    return InputRefused(f"{path.name} has no usable geometry: {why}.", SAVE_AGAIN)


def refuse_sides(path: Path, sides: Sequence[float], field: str) -> None:
    """Raise InputRefused unless every voxel side is a number above 0."""
    if not all(np.isfinite(side) and side > 0 for side in sides):
        shown = " x ".join(f"{side:g}" for side in sides)
        raise no_geometry(path, f"it states voxel sides of {shown} ({field})")


def refuse_axes(path: Path, axes: np.ndarray, field: str) -> None:
    """Raise InputRefused unless the columns of (3, 3) `axes` are finite, not zero and at right angles."""
    if not np.isfinite(axes).all():
        raise no_geometry(path, f"its affine is not finite ({field})")
    lengths = np.linalg.norm(axes, axis=0)
    if lengths.min() <= 0:
        raise no_geometry(path, f"one of its axes has the length 0 ({field})")
    cosines = (axes / lengths).T @ (axes / lengths) - np.eye(3)
    if np.abs(cosines).max() > RIGHT_ANGLE:
        raise InputRefused(f"{path.name} has axes that are not at right angles ({field}).", STRAIGHTEN)


def as_read(array: np.ndarray) -> np.ndarray:
    """Numbers as the core takes them: native byte order, contiguous, float64 as float32, half precision widened."""
    kind = array.dtype.newbyteorder("=")
    if kind == np.float64 or kind == np.float16:
        kind = np.dtype(np.float32)
    return np.ascontiguousarray(array, dtype=kind)
