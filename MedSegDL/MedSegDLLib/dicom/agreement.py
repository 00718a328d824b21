"""What DICOM headers say twice: the table `RULES` of fields that must agree with those that geometry and intensities rest on.

Nothing is taken from the fields here: the standard says which of two counts, and the reader of the result is told where they differ.
Geometry is LPS in mm; pixels are not touched.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..geometry.image import ReadingNote
from ..io.headers import Rule, notes_by
from .classes import CT
from .frames import Frame

AXES = {"L": (0, 1), "R": (0, -1), "P": (1, 1), "A": (1, -1), "H": (2, 1), "F": (2, -1)}  # PS3.3 C.7.6.1.1.1 -> LPS axis, sign
LEAST_PART = 0.1  # of an axis that is said to run that way: less is none of it
# PatientPosition (PS3.3 C.7.3.1.1.2) without its first two letters: how the patient lay, and what then points up in the scanner.
FIRST = ("HF", "FF", "LF", "RF", "AF", "PF")
LYING = {"S": ("on the back", "A"), "P": ("on the face", "P"), "DR": ("on the right side", "L"), "DL": ("on the left side", "R")}
SIDES = {"A": "front", "P": "back", "L": "left side", "R": "right side"}
AXIAL = 0.8  # cosine: slices across the body, tilted gantries (up to 30 degrees) among them
UPWARDS = 0.5  # cosine: an image that is up what is said to be up
SAME_STEP, SAME_FIELD, SAME_TILT_DEGREES = 0.05, 0.05, 1.0
HOUNSFIELD = ("", "HU", "HU_MOD", "US")  # RescaleType: stated to be Hounsfield units, or nothing at all
IMAGE_KINDS = frozenset({"CT", "MR", "PT", "NM", "US", "XA", "RF", "CR", "DX", "MG"})
WHICH_IS_RIGHT = "Check that the result lies on the right side, or export the series again."
SIZE = "Check that its size in mm is right, or export the series again."


@dataclass(frozen=True)
class Stack:
    """The slices of a series in order.

    Attributes:
        step_mm: their distance by their positions; None of a slice alone, and where they lie slanted or apart.
    """

    frames: Sequence[Frame]
    step_mm: float | None

    def text(self, keyword: str) -> str:
        """A field of the first slice, '' where it is absent."""
        return self.frames[0].beside.get(keyword, "")

    def number(self, keyword: str) -> float | None:
        """The same as a finite number, None where it is none."""
        try:
            value = float(self.text(keyword))
        except ValueError:
            return None
        return value if math.isfinite(value) else None

    @property
    def normal(self) -> np.ndarray:
        """(3,) of the slices."""
        return np.cross(*self.frames[0].directions)


def contradictions(frames: Sequence[Frame], step_mm: float | None) -> tuple[ReadingNote, ...]:
    """A note for every field that says something else than the one that counts."""
    return notes_by(RULES, Stack(frames, step_mm))


def _letters(stack: Stack) -> Iterable[ReadingNote]:
    stated = stack.text("PatientOrientation").upper()
    words = stated.split("\\")
    if len(words) != 2 or not all(word and set(word) <= set(AXES) for word in words):
        return
    if any(_part(direction, word[0]) < LEAST_PART for direction, word in zip(stack.frames[0].directions, words)):
        says = (
            f"says two things about its axes: PatientOrientation ({stated}) and ImageOrientationPatient; by the standard the latter counts."
        )
        yield ReadingNote("PatientOrientation, ImageOrientationPatient", says, WHICH_IS_RIGHT)


def _part(direction: np.ndarray, letter: str) -> float:
    """How far a unit vector runs towards that side: -1..1."""
    axis, sign = AXES[letter]
    return float(sign * direction[axis])


def _lying(stack: Stack) -> Iterable[ReadingNote]:
    """Slices across the body, as the scanner made them, show on top what lay above. A patient on the face is often shown upright."""
    position = stack.text("PatientPosition").upper()
    lay, up = LYING.get(position[2:], ("", "")) if position.startswith(FIRST) else ("", "")
    derived = stack.frames[0].marks.get("ImageType", "").upper().startswith("DERIVED")
    if not up or derived or abs(stack.normal[2]) < AXIAL:
        return
    upwards = -stack.frames[0].directions[1]
    if _part(upwards, up) < UPWARDS:
        top = max(SIDES, key=lambda letter: _part(upwards, letter))
        says = (
            f"says that the patient lay {lay} (PatientPosition {position}), and shows the {SIDES[top]} on top "
            "(ImageOrientationPatient); by the standard the latter is taken."
        )
        yield ReadingNote("PatientPosition, ImageOrientationPatient", says, WHICH_IS_RIGHT, serious=top != "A")


def _step(stack: Stack) -> Iterable[ReadingNote]:
    """Some writers state the gap between two slices, not the distance of their middles."""
    stated, thick = abs(stack.number("SpacingBetweenSlices") or 0.0), stack.frames[0].thickness_mm or 0.0
    if stack.step_mm is None or stated == 0:
        return
    if min(abs(stated - stack.step_mm), abs(stated + thick - stack.step_mm)) > SAME_STEP * stack.step_mm:
        says = (
            f"has slices {stack.step_mm:.4g} mm apart by their positions and {stated:.4g} mm by SpacingBetweenSlices; the positions count."
        )
        yield ReadingNote("SpacingBetweenSlices, ImagePositionPatient", says, f"Make sure that no slices are missing. {SIZE}")


def _field_of_view(stack: Stack) -> Iterable[ReadingNote]:
    first, stated = stack.frames[0], stack.number("ReconstructionDiameter") or 0.0
    wide = float(max(first.spacing_mm * (first.file.columns, first.file.rows)))
    if first.file.kind == CT and stated > 0 and abs(wide / stated - 1) > SAME_FIELD:
        says = (
            f"shows {wide:.4g} mm by its pixels (PixelSpacing) and was made as {stated:.4g} mm (ReconstructionDiameter): it was cut, or "
            "its pixels have another size; PixelSpacing is taken."
        )
        yield ReadingNote("ReconstructionDiameter, PixelSpacing", says, SIZE)


def _tilt(stack: Stack) -> Iterable[ReadingNote]:
    """A tilt that is stated, and slices that stand upright."""
    stated = abs(stack.number("GantryDetectorTilt") or 0.0)
    real = math.degrees(math.acos(min(1.0, abs(float(stack.normal[2])))))
    if stack.frames[0].file.kind == CT and stated > SAME_TILT_DEGREES and real < SAME_TILT_DEGREES:
        says = (
            f"states a gantry tilted by {stated:.3g} degrees (GantryDetectorTilt) and slices that are not inclined "
            "(ImageOrientationPatient); the latter is taken."
        )
        yield ReadingNote("GantryDetectorTilt, ImageOrientationPatient", says, "Make sure that the body is not slanted in it.")


def _kind(stack: Stack) -> Iterable[ReadingNote]:
    stated, kind = stack.text("Modality").upper(), stack.frames[0].file.kind
    if not stack.frames[0].file.derived_class and stated in IMAGE_KINDS and stated != kind:
        says = f"says two things about its kind: {stated} (Modality) and {kind} (SOPClassUID); the class is taken."
        yield ReadingNote("Modality, SOPClassUID", says, "Make sure that it is the right image.")


def _unit(stack: Stack) -> Iterable[ReadingNote]:
    stated = stack.text("RescaleType").upper()
    if stack.frames[0].file.kind == CT and stated not in HOUNSFIELD:
        says = f"says that its numbers are {stated} (RescaleType), not Hounsfield units."
        yield ReadingNote("RescaleType", says, "Give the CT itself, not a map that was made from it.")


def _lossy(stack: Stack) -> Iterable[ReadingNote]:
    if any(frame.beside.get("LossyImageCompression") == "01" for frame in stack.frames):
        says = "was compressed with loss (LossyImageCompression): its numbers are not quite those of the scanner."
        yield ReadingNote("LossyImageCompression", says, "Give the images as they were made if they are kept.", serious=False)


RULES: tuple[Rule, ...] = (
    Rule(("PatientOrientation",), "where it is stated, the letters of ImageOrientationPatient, which counts", "finding", _letters),
    Rule(
        ("PatientPosition",),
        "for annotation only; one in all slices (see `series`); what lay above is on top of slices across the body",
        "refused where it changes, finding where the top is another",
        _lying,
    ),
    Rule(("SpacingBetweenSlices",), "the distance of the positions, which count", "finding", _step),
    Rule(("ReconstructionDiameter",), "of a CT: PixelSpacing times Columns or Rows; PixelSpacing counts", "finding", _field_of_view),
    Rule(("GantryDetectorTilt",), "of a CT: slices that are inclined, as ImageOrientationPatient says, which counts", "finding", _tilt),
    Rule(("Modality",), "the kind of the SOP class, which counts", "finding", _kind),
    Rule(("RescaleType",), "of a CT: Hounsfield units, or not stated", "finding; the values themselves are looked at too", _unit),
    Rule(("LossyImageCompression",), "not 01", "finding", _lossy),
)
