"""The series of an examination, one by one: what each is called, and whether it can be a volume at all. Headers only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..errors import InputRefused
from .classes import CT, MR, PET
from .frames import Frame
from .options import ReadOptions
from .series import Examination, is_localiser, series_of, volume

FEWEST_SLICES = 5  # three planes of a scout, a single screenshot
KINDS = (CT, MR, PET)


@dataclass(frozen=True)
class Series:
    """One series of an examination.

    Attributes:
        frames: its images.
        number: SeriesNumber; '#1', '4#2' where there is none, or several series share it.
        tags: those of its first image that `DICOM_TAGS` lists.
        aside: why it can be no input, '' where it can.
        remedy: what to do about it, where it is an image of the patient that cannot be read; else ''.
    """

    frames: Sequence[Frame]
    number: str
    tags: dict[str, str]
    aside: str
    remedy: str = ""

    @property
    def description(self) -> str:
        """SeriesDescription."""
        return self.tags.get("SeriesDescription", "")


def series_in(examination: Examination, options: ReadOptions = ReadOptions()) -> list[Series]:
    """Every series, by number.

    Raises:
        InputRefused: there are no images.
    """
    found = [_series(frames, options) for frames in series_of(examination)]
    if not found:
        raise InputRefused(f"{examination.name} holds no DICOM images.", "Give the folder, zip or DICOMDIR of an examination.")
    found.sort(key=lambda series: (not series.number.isdigit(), int(series.number) if series.number.isdigit() else 0))
    shared = Counter(series.number for series in found)
    places = Counter()
    for place, series in enumerate(found):
        places[series.number] += 1
        if not series.number or shared[series.number] > 1:
            found[place] = replace(series, number=f"{series.number}#{places[series.number]}")
    return found


def others_in(examination: Examination) -> Iterator[tuple[str, int]]:
    """What lies there besides images: (what, how many)."""
    yield from ((what, count) for what, count in sorted(examination.others.items()) if what != "directory")


def _series(frames: Sequence[Frame], options: ReadOptions) -> Series:
    file = frames[0].file
    aside, remedy = _aside(frames), ""
    if not aside:
        try:
            volume(frames, "it", (), options)
        except InputRefused as error:
            aside, remedy = error.message.removeprefix("it ").rstrip("."), error.remedy
    return Series(frames, file.number, file.tags, aside, remedy)


def _aside(frames: Sequence[Frame]) -> str:
    """Why the frames are no volume of the patient."""
    file = frames[0].file
    if is_localiser(frames[0]):
        return "a scout"
    if file.derived_class:
        return "a screenshot or other secondary capture"
    if file.kind not in KINDS:
        return f"of the kind {file.kind or 'unknown'}"
    if len(frames) < FEWEST_SLICES:
        return f"only {len(frames)} slice{'s' * (len(frames) > 1)}"
    return ""
