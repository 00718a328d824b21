"""Several images at every place of a series: a time series, of which one point is taken; anything else is for the sentence in `series`.

Pixels are not touched here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import InputRefused
from ..geometry.image import ReadingNote
from .classes import MR
from .frames import Frame
from .options import ReadOptions

# In this order: what says outright which point a frame belongs to, then what only orders the frames of one place.
NUMBERS = ("TemporalPositionIdentifier", "TemporalPositionIndex", "NominalPercentageOfCardiacPhase", "AcquisitionNumber")
TIMES = ("TriggerTime", "FrameReferenceDateTime", "AcquisitionTime", "ContentTime")
# What differs between other things than time points.
CONTRASTS = (
    *("EchoTime", "EchoNumbers", "InversionTime", "FlipAngle", "DiffusionBValue", "ContrastBolusAgent"),
    *("KVP", "ConvolutionKernel", "ImageType", "FrameType", "ComplexImageComponent"),
)
FREE_CHOICE = (
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    *TIMES,
)  # points of one acquisition: any of them shows what is asked for
PLACE_DIGITS = 2  # mm


def one_moment(frames: Sequence[Frame], name: str, options: ReadOptions) -> tuple[list[Frame], int, tuple[ReadingNote, ...]]:
    """The frames of the time point that is meant, how many points there are, and a note of the choice; all frames where there is one.

    Raises:
        InputRefused: there is no such time point, or it must be chosen.
    """
    points, keyword = _points(frames)
    if not points:
        return list(frames), 1, ()
    count, wanted = len(points), options.time_point or 1
    if wanted > count:
        raise InputRefused(f"{name} holds {count} time points: there is no number {wanted}.", f"Give --time-point 1 to {count}.")
    if options.time_point is None and (frames[0].file.kind != MR or keyword not in FREE_CHOICE):
        reason = f"{name} holds several images at the same place (time points, phases or echoes): they differ in {keyword}."
        raise InputRefused(reason, f"Choose one of the {count} with --time-point, or export one of them as a series of its own.")
    says = f"holds {count} time points (they differ in {keyword}): number {wanted} was taken."
    note = ReadingNote(keyword, says, "Choose another with --time-point if that is meant.", serious=options.time_point is None)
    return points[wanted - 1], count, (note,)


def _points(frames: Sequence[Frame]) -> tuple[list[list[Frame]], str]:
    """The frames of each time point, and the tag that tells them apart; nothing where it is no time series."""
    if any(frame.position is None for frame in frames):
        return [], ""
    places: dict[tuple[float, ...], list[Frame]] = {}
    for frame in frames:
        places.setdefault(tuple(np.round(frame.position, PLACE_DIGITS) + 0.0), []).append(frame)
    counts = {len(there) for there in places.values()}
    if len(counts) != 1 or counts == {1} or any(_differ(there, CONTRASTS) for there in places.values()):
        return [], ""
    for keyword in (*NUMBERS, *TIMES):
        ordered = [_in_order(there, keyword) for there in places.values()]
        if None in ordered:
            continue
        marks = [[frame.marks[keyword] for frame in there] for there in ordered]
        if keyword in NUMBERS and any(one != marks[0] for one in marks):
            continue
        return [list(point) for point in zip(*ordered, strict=True)], keyword
    return [], ""


def _differ(frames: Sequence[Frame], keywords: Sequence[str]) -> bool:
    return any(len({frame.marks.get(keyword, "") for frame in frames}) > 1 for keyword in keywords)


def _in_order(frames: Sequence[Frame], keyword: str) -> list[Frame] | None:
    """By the tag's value; None where it does not tell them apart."""
    try:
        values = [float(frame.marks[keyword]) for frame in frames]
    except (KeyError, ValueError):
        return None
    return [frames[place] for place in np.argsort(values)] if len(set(values)) == len(values) else None
