"""Which frames of a series make the volume: its slices in order, duplicates apart; else a sentence that names the tags.

Geometry is LPS in mm until the affine. Pixels are not touched here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

import numpy as np

from ..errors import InputRefused
from ..geometry.image import LPS_FROM_RAS, ReadingNote
from .agreement import contradictions
from .classes import CT
from .examination import NAMED
from .frames import Frame
from .moments import one_moment
from .options import ReadOptions
from .straighten import enlarged

SAME_PLACE_MM = 1e-3
SAME_SPOT_MM = 0.01  # rounding of positions in headers
UNEVEN_STEP = 0.1  # steps that differ by more than this part of the usual one would bend the geometry
MOST_SLIPPED = 0.5  # of a step: beyond, a slice lies nearer to another's place
MISSING_STEP = 1.5  # a step this many times the usual one means that a slice is missing
MOST_FILLED = 2  # missing slices in a row that may be interpolated
MOST_SHARE_FILLED = 0.05  # of all slices; one may be filled in any series
STEEPEST = 1.0  # a gantry tilts up to 30 degrees (0.58); at 45 the slices hardly belong together
SAME_DIRECTION = 1e-3
SAME_NUMBER = 0.02  # relative: what scanners state of one echo time or tube voltage within a volume
ASIDE_PIXELS = 0.5  # slices that lie this far beside the straight stack are sheared, not rounded
PAUSE_S = 15.0  # between two slices of one CT acquisition there is never so long
UNKNOWN_THICKNESS_MM = 1.0
COLOURS = ("RGB", "YBR", "PALETTE", "ARGB", "CMYK", "HSV")

# Equal in all slices of one volume; another value is another acquisition, wherever it lies.
CONSTANT = (
    "EchoTime",
    "FlipAngle",
    "DiffusionBValue",
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    "NominalPercentageOfCardiacPhase",
    "ContrastBolusAgent",
    "KVP",
    "ConvolutionKernel",
    "FrameOfReferenceUID",
    "PatientPosition",
)
MOSAIC = "MOSAIC"  # Siemens, in EPI (diffusion, function): where the slices lie is told in private tags only
NO_MOSAIC = "Convert the series with dcm2niix, or export it as enhanced MR."
ANOTHER_EXPORT = "Export one of them as a series of its own."
EXPORT_AGAIN = "Export the series again with its geometry (some anonymisers take it out)."


@dataclass(frozen=True)
class Volume:
    """A series ready to be decoded: frames from the first slice to the last, and where they lie (RAS).

    Attributes:
        places: index of each frame's slice in the volume; between them slices may be missing, which are filled in.
        shifts: (n, 2) voxels along i and j by which the slices lie beside a straight stack (tilted gantry); None where they do not.
        copies: (kept, left aside) of frames that are there twice.
        time_points: of which one was taken.
    """

    name: str
    frames: Sequence[Frame]
    affine: np.ndarray
    notes: tuple[ReadingNote, ...]
    copies: Sequence[tuple[Frame, Frame]]
    places: Sequence[int] = (0,)
    shifts: np.ndarray | None = None
    time_points: int = 1


def volume(frames: Sequence[Frame], name: str, notes: tuple[ReadingNote, ...], options: ReadOptions = ReadOptions()) -> Volume:
    """The frames in order, and the affine.

    Raises:
        InputRefused: a field is missing, or the frames make no regular volume.
    """
    _refuse_incomplete(frames, name)
    _refuse_unlike(frames, name)
    frames, points, choice = one_moment(frames, name, options)
    ordered, copies = _without_copies(_along_normal(frames), name)
    _refuse_mixed(ordered, name)
    notes = (*notes, *choice)
    if len(ordered) == 1:
        notes = (*notes, *contradictions(ordered, None))
        return Volume(name, ordered, *_of_one_slice(ordered[0], notes), copies, time_points=points)
    return replace(_stacked(ordered, name, notes, options), copies=copies, time_points=points)


def _stacked(frames: Sequence[Frame], name: str, notes: tuple[ReadingNote, ...], options: ReadOptions) -> Volume:
    """Several slices: even or filled up, straight or to be straightened."""
    places, step_mm = _spaced(frames, name, options)
    affine, shifts = _affine(frames[0], step_mm), _shifts(frames, name)
    if shifts is not None:
        _, base = enlarged((frames[0].file.rows, frames[0].file.columns), shifts)
        affine[:3, 3] += affine[:3, :2] @ base
        says = "was taken with a tilted gantry: it is resampled to a straight grid by the true positions of its slices."
        notes = (*notes, ReadingNote("ImagePositionPatient", says, "Nothing need be done."))
    if (slipped := _slipped_mm(frames, places, step_mm)) > UNEVEN_STEP * step_mm:
        says = f"has slices that lie up to {slipped:.2f} mm beside their place in an even stack of {step_mm:.2f} mm steps."
        notes = (*notes, ReadingNote("ImagePositionPatient", says, "Export the series again with even spacing if that matters."))
    straight = shifts is None and places[-1] + 1 == len(frames)
    notes = (*notes, *contradictions(frames, step_mm if straight else None))
    if missing := places[-1] + 1 - len(frames):
        says = f"lacks {missing} slice{'s' * (missing > 1)}, interpolated between {'their' if missing > 1 else 'its'} neighbours."
        notes = (*notes, ReadingNote("ImagePositionPatient", says, "Export the whole series again if there is one."))
    return Volume(name, frames, affine, notes, (), places, shifts)


def _refuse_incomplete(frames: Sequence[Frame], name: str) -> None:
    for frame in frames:
        pixels = frame.file.pixels
        if pixels.samples != 1 or pixels.photometric.startswith(COLOURS):
            raise InputRefused(f"{name} holds colour slices.", "Give the grey images that they were made from.")
        if MOSAIC in frame.marks.get("ImageType", "").upper().split("\\"):
            raise InputRefused(f"{name} holds mosaics: the slices of a volume side by side in one picture (ImageType).", NO_MOSAIC)
        if frame.broken:
            raise InputRefused(f"{name} has slices with {frame.broken}.", "Export the series again.")
        fields = {
            "a position (ImagePositionPatient)": frame.position,
            "an orientation of two perpendicular axes (ImageOrientationPatient)": frame.directions,
            "a pixel size above zero (PixelSpacing)": frame.spacing_mm,
        }
        missing = [field for field, value in fields.items() if value is None]
        if missing:
            raise InputRefused(f"{name} has images without {' and '.join(missing)}: nobody knows where they lie.", EXPORT_AGAIN)


def _refuse_unlike(frames: Sequence[Frame], name: str) -> None:
    first = frames[0]
    if any(np.abs(frame.directions - first.directions).max() > SAME_DIRECTION for frame in frames):
        reason = f"{name} mixes slices of different orientations (ImageOrientationPatient)."
        raise InputRefused(reason, "Give a series of one orientation (no localiser).")
    sizes = {(frame.file.rows, frame.file.columns) for frame in frames}
    if len(sizes) > 1 or any(not np.allclose(frame.spacing_mm, first.spacing_mm, rtol=1e-3) for frame in frames):
        raise InputRefused(f"{name} mixes slices of different sizes (Rows, Columns or PixelSpacing).", "Export the series again.")
    if len({frame.file.kind for frame in frames}) > 1:
        raise InputRefused(f"{name} mixes images of different kinds in one series (SOPClassUID).", "Export the series again.")
    if len({frame.file.patient for frame in frames} - {""}) > 1:
        raise InputRefused(f"{name} mixes slices of different patients in one series (PatientID).", "Export the series of one patient.")
    if len({frame.scaled for frame in frames}) > 1 and any((frame.slope, frame.intercept) != (1, 0) for frame in frames):
        reason = f"{name} mixes slices with and without a scale of their numbers (RescaleSlope, RescaleIntercept)."
        raise InputRefused(reason, "Export the series again.")


def _normal(frame: Frame) -> np.ndarray:
    return np.cross(*frame.directions)


def _heights(frames: Sequence[Frame]) -> np.ndarray:
    """Where the frames lie along the first one's normal: (n,) mm."""
    return np.array([frame.position for frame in frames]) @ _normal(frames[0])


def _along_normal(frames: Sequence[Frame]) -> list[Frame]:
    return [frames[place] for place in np.argsort(_heights(frames), kind="stable")]


def _without_copies(frames: Sequence[Frame], name: str) -> tuple[list[Frame], list[tuple[Frame, Frame]]]:
    """One frame a place, and (kept, copy) for those that state nothing of their own; whether their pixels agree is for the decoder.

    Raises:
        InputRefused: images at one place whose headers differ, named by the tags that do.
    """
    kept: list[Frame] = [frames[0]]
    copies: list[tuple[Frame, Frame]] = []
    clashes: list[tuple[Frame, Frame]] = []
    for height, frame in zip(_heights(frames)[1:], frames[1:]):
        if height - _heights([frames[0], kept[-1]])[1] > SAME_PLACE_MM:
            kept.append(frame)
        elif frame.marks == kept[-1].marks and np.abs(frame.position - kept[-1].position).max() < SAME_SPOT_MM:
            copies.append((kept[-1], frame))
        else:
            clashes.append((kept[-1], frame))
    if clashes:
        raise InputRefused(_several_at_one_place(name, clashes), ANOTHER_EXPORT)
    return kept, copies


def _several_at_one_place(name: str, pairs: Sequence[tuple[Frame, Frame]]) -> str:
    frames = [frame for pair in pairs for frame in pair]
    differing = [keyword for keyword in _keywords(frames) if any(one.marks.get(keyword) != two.marks.get(keyword) for one, two in pairs)]
    where = _listed(differing, frames) or "ImagePositionPatient"
    return f"{name} holds several images at the same place (time points, phases or echoes): they differ in {where}."


def several_at_one_place(name: str) -> InputRefused:
    """The refusal of images at one place that no tag tells apart, but their pixels do."""
    return InputRefused(f"{name} holds several images at the same place, and no tag tells which is meant.", ANOTHER_EXPORT)


def _keywords(frames: Iterable[Frame]) -> list[str]:
    return list(dict.fromkeys(keyword for frame in frames for keyword in frame.marks))


def _listed(keywords: Sequence[str], frames: Sequence[Frame]) -> str:
    """Tags with some of their values."""
    parts = []
    for keyword in keywords[:NAMED]:
        values = list(dict.fromkeys(frame.marks.get(keyword, "none") for frame in frames))
        parts.append(f"{keyword} ({', '.join(values[:NAMED])}{', ...' if len(values) > NAMED else ''})")
    return ", ".join(parts)


def _refuse_mixed(frames: Sequence[Frame], name: str) -> None:
    """Two acquisitions in one series, though no two of their slices lie at one place."""
    differing = [keyword for keyword in CONSTANT if not _one_value(_stated(keyword, frames))]
    if differing:
        raise InputRefused(f"{name} mixes slices of several acquisitions: they differ in {_listed(differing, frames)}.", ANOTHER_EXPORT)
    if frames[0].file.kind == CT and (mixed := _mixed_in_time(frames)):
        raise InputRefused(
            f"{name} mixes slices of several acquisitions (phases): they differ in {_listed([mixed], frames)}.", ANOTHER_EXPORT
        )


def _stated(keyword: str, frames: Sequence[Frame]) -> list[str]:
    """The values of a tag; where it is absent none, but of the contrast agent, whose absence says that none was given."""
    default = "none" if keyword == "ContrastBolusAgent" else ""
    return [value for frame in frames if (value := frame.marks.get(keyword, default))]


def _one_value(values: Sequence[str]) -> bool:
    """Whether all are equal, numbers within rounding."""
    if len(set(values)) < 2:
        return True
    try:
        numbers = np.array([float(value) for value in values])
    except ValueError:
        return False
    return bool(np.ptp(numbers) <= SAME_NUMBER * np.abs(numbers).max())


def _mixed_in_time(frames: Sequence[Frame]) -> str:
    """The tag by which two acquisitions lie in one another or apart in time, '' where it is one (or a table that moved on)."""
    numbers = [frame.marks.get("AcquisitionNumber", "") for frame in frames]
    if len([number for number, _ in groupby(numbers)]) > len(set(numbers)):
        return "AcquisitionNumber"
    times = [_seconds(frame.marks.get("AcquisitionTime", "") or frame.marks.get("ContentTime", "")) for frame in frames]
    if None in times:
        return ""
    steps = np.diff(np.array(times, dtype=np.float64))
    jumps = np.abs(steps) > PAUSE_S
    back_and_forth = any(one * two < 0 and abs(one) > PAUSE_S and abs(two) > PAUSE_S for one, two in pairwise(steps))
    another = any(jump and one != two for jump, (one, two) in zip(jumps, pairwise(numbers)))
    return "AcquisitionTime" if back_and_forth or another else ""


def _seconds(text: str) -> float | None:
    """A DICOM time (HHMMSS.ffffff) in seconds of the day."""
    try:
        return int(text[:2]) * 3600 + int(text[2:4]) * 60 + float(text[4:])
    except ValueError:
        return None


def _spaced(frames: Sequence[Frame], name: str, options: ReadOptions) -> tuple[list[int], float]:
    """The index of every slice in the volume, and the distance of the slices in mm; a sentence for every reason that they make none."""
    heights = _heights(frames)
    steps = np.diff(heights)
    usual = float(np.median(steps))
    counts = np.maximum(np.round(steps / usual), 1).astype(int) if steps.max() > MISSING_STEP * usual else np.ones(len(steps), int)
    if counts.max() > 1:
        _refuse_gaps(heights, counts, usual, name, options)
    if np.abs(steps - counts * usual).max() > UNEVEN_STEP * usual:
        raise InputRefused(f"{name} has slices {steps.min():.2f} to {steps.max():.2f} mm apart.", "Give a series with even spacing.")
    places = [0, *np.cumsum(counts).tolist()]
    step_mm = float((heights[-1] - heights[0]) / places[-1])
    if (slipped := _slipped_mm(frames, places, step_mm)) > MOST_SLIPPED * step_mm:
        reason = f"{name} has slices up to {slipped:.2f} mm beside an even spacing of {step_mm:.2f} mm: their distance changes on the way."
        raise InputRefused(reason, "Give a series with even spacing.")
    return places, step_mm


def _slipped_mm(frames: Sequence[Frame], places: Sequence[int], step_mm: float) -> float:
    """The farthest that a slice lies from its place on the even grid: steps that each differ a little add up."""
    return float(np.abs(_heights(frames) - _heights(frames)[0] - np.array(places) * step_mm).max())


def _refuse_gaps(heights: np.ndarray, counts: np.ndarray, usual: float, name: str, options: ReadOptions) -> None:
    """Raise InputRefused unless the gaps are small and may be filled."""
    where = int(counts.argmax())
    small = counts.max() - 1 <= MOST_FILLED and (counts - 1).sum() <= max(1, MOST_SHARE_FILLED * (counts.sum() + 1))
    if small and options.fill_gaps:
        return
    reason = f"{name} lacks slices between {heights[where]:.1f} and {heights[where + 1]:.1f} mm (the others lie {usual:.2f} mm apart)."
    if options.fill_gaps:
        reason += f" Gaps of more than {MOST_FILLED} slices, or more than {MOST_SHARE_FILLED:.0%} of all, are not filled."
    raise InputRefused(reason, "Export the whole series again" + (", or fill the gap with --fill-gaps." if small else "."))


def _shifts(frames: Sequence[Frame], name: str) -> np.ndarray | None:
    """Voxels by which the slices lie beside the straight stack over the first, as a tilted gantry takes them; None where they do not.

    Raises:
        InputRefused: single slices lie beside the others.
    """
    heights, first = _heights(frames), frames[0]
    offsets = np.array([frame.position - first.position for frame in frames]) - np.outer(heights - heights[0], _normal(first))
    shifts = offsets @ first.directions.T / first.spacing_mm
    if np.abs(shifts).max() <= ASIDE_PIXELS:
        return None
    tilt = np.outer((heights - heights[0]) / (heights[-1] - heights[0]), shifts[-1])
    if np.abs(shifts - tilt).max() > ASIDE_PIXELS or np.abs(shifts[-1] * first.spacing_mm).max() > STEEPEST * (heights[-1] - heights[0]):
        raise InputRefused(f"{name} has slices that lie beside the others (ImagePositionPatient).", "Export the series again.")
    return shifts


def _affine(first: Frame, step_mm: float) -> np.ndarray:
    """(i, j, k, 1) to RAS mm."""
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = first.directions * first.spacing_mm[:, None]
    affine[:3, 2] = _normal(first) * step_mm
    affine[:3, 3] = first.position
    return LPS_FROM_RAS @ affine


def _of_one_slice(frame: Frame, notes: tuple[ReadingNote, ...]) -> tuple[np.ndarray, tuple[ReadingNote, ...]]:
    if frame.thickness_mm:
        return _affine(frame, frame.thickness_mm), notes
    says = f"is one slice without a thickness: {UNKNOWN_THICKNESS_MM:g} mm is assumed."
    return _affine(frame, UNKNOWN_THICKNESS_MM), (*notes, ReadingNote("SliceThickness", says, "Give the whole series."))
