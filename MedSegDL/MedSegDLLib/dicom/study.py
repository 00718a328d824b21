"""The series of an examination, one by one: what each is called, and whether it can be a volume at all. Headers only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..errors import InputRefused
from .classes import CT, MR, PET
from .examination import Examination, is_localiser, series_of
from .frames import Frame
from .options import ReadOptions
from .series import volume

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
    found.sort(key=lambda series: bool(series.aside and not series.remedy))  # of those that share a number, those that may be meant first
    return sorted(_told_apart(found), key=_by_number)


def _told_apart(found: Sequence[Series]) -> Iterator[Series]:
    """Each by a number of its own; screenshots and scouts that were filed into a series leave it its number."""
    meant = Counter(series.number for series in found if not series.aside or series.remedy)
    places = Counter()
    for series in found:
        places[series.number] += 1
        place = places[series.number]
        alone = series.number and place == 1 and meant[series.number] <= 1
        yield series if alone else replace(series, number=f"{series.number}#{place}")


def _by_number(series: Series) -> tuple[bool, int, str]:
    number, _, place = series.number.partition("#")
    return not number.isdecimal(), int(number) if number.isdecimal() else 0, place


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
