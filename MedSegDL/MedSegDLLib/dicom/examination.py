"""What a folder, zip or file holds: its series, which of several is taken, and what messages call them. Pixels are not touched here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import InputRefused, counted
from ..geometry.image import ReadingNote
from .frames import ZIP, Frame

NAMED = 3  # series or tags in a sentence at most


@dataclass(frozen=True)
class Examination:
    """What a folder, zip or file holds.

    Attributes:
        name: what messages call it.
        frames: of every image.
        others: what else lies there -> how often (reports, segmentations).
    """

    name: str
    frames: Sequence[Frame]
    others: Counter


def is_localiser(frame: Frame) -> bool:
    """Whether the frame is a scout image."""
    return "LOCALIZER" in frame.marks.get("ImageType", "").upper()


def series_of(examination: Examination) -> list[list[Frame]]:
    """The frames of each series, the one to be taken first: true images before screenshots and scouts, then the most slices."""
    groups: dict[tuple[str, bool], list[Frame]] = {}
    for frame in examination.frames:  # screenshots that were filed into the series that they show are apart
        groups.setdefault((frame.file.series, frame.file.derived_class), []).append(frame)
    parts = [part for group in groups.values() for part in _without_scouts(group)]
    return sorted(parts, key=lambda frames: (_rank(frames), -len(frames)))


def _without_scouts(frames: list[Frame]) -> Iterator[list[Frame]]:
    """A series, and the scouts that lie in it apart."""
    scouts = [frame for frame in frames if is_localiser(frame)]
    images = [frame for frame in frames if not is_localiser(frame)]
    yield from (part for part in (images, scouts) if part)


def _rank(frames: Sequence[Frame]) -> int:
    if is_localiser(frames[0]):
        return 2
    return int(frames[0].file.derived_class and any(frame.position is None for frame in frames)) * 3 or int(frames[0].file.derived_class)


def chosen(examination: Examination) -> tuple[list[Frame], tuple[ReadingNote, ...]]:
    """The series to take, and a note where there was a choice.

    Raises:
        InputRefused: no images, or two series that could both be meant.
    """
    ranked = series_of(examination)
    if not ranked:
        raise InputRefused(*_nothing(examination))
    first = ranked[0]
    rivals = [frames for frames in ranked[1:] if (_rank(frames), len(frames)) == (_rank(first), len(first))]
    if rivals:
        titles = " and ".join(title(frames) for frames in (first, rivals[0]))
        several = "two" if len(rivals) == 1 else len(rivals) + 1
        reason = f"{examination.name} holds {several} series of {counted(len(first), 'slice')} each: {titles}."
        raise InputRefused(reason, "Give the folder of one series.")
    return first, _choice(first, ranked[1:], examination.others)


def _nothing(examination: Examination) -> tuple[str, str]:
    others = _counted(examination.others)
    says = f"{examination.name} holds no DICOM images" + (f", only {others}." if others else ".")
    if examination.others[ZIP]:
        return says, "Give that zip itself, or unpack it."
    return says, "Give the folder (or zip) of one DICOM series, or an image file."


def _choice(taken: list[Frame], left: Sequence[list[Frame]], others: Counter) -> tuple[ReadingNote, ...]:
    """Which series of several was taken; nothing where there was nothing else."""
    beside = [*(title(frames, counted=True) for frames in left[:NAMED])]
    if len(left) > NAMED:
        beside.append(f"{len(left) - NAMED} more series")
    if others:
        beside.append(_counted(others))
    if not beside:
        return ()
    says = f"holds more than one thing: the series {title(taken, counted=True)} was taken, and left aside: {', '.join(beside)}."
    return (ReadingNote("SeriesInstanceUID", says, "Give the folder of another series if that is meant.", serious=bool(left)),)


def title(frames: Sequence[Frame], counted: bool = False) -> str:
    """What messages call a series: description, number, slices."""
    file = frames[0].file
    number = f"number {file.number}" if file.number else ""
    size = f"{len(frames)} slice{'s' * (len(frames) > 1)}" if counted else ""
    more = ", ".join(part for part in ("scout" if is_localiser(frames[0]) else "", number, size) if part)
    return f"{file.tags.get('SeriesDescription', 'untitled')!r}" + (f" ({more})" if more else "")


def _counted(others: Counter) -> str:
    return ", ".join(f"{count} {what}{'s' * (count > 1)}" for what, count in sorted(others.items()) if what != "directory")
