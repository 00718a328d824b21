"""A whole examination as input of `medsegdl segment`: series listed, matched to the inputs, read; the choice printed and recorded."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..checks.study import Listed, Matched, match
from ..errors import UsageError
from ..tasks import Task
from .terminal import path

if TYPE_CHECKING:
    from ..dicom.options import ReadOptions
    from ..dicom.origin import Reading


@dataclass(frozen=True)
class Study:
    """An examination as read.

    Attributes:
        readings: input key -> Reading.
        record: for report.json: the choice ("study").
        lines: the same for the terminal.
    """

    readings: dict[str, Reading]
    record: dict = field(default_factory=dict)
    lines: Sequence[str] = ()


def add_study(command: argparse.ArgumentParser) -> None:
    """What a user may say about an examination, and about DICOM series."""
    command.add_argument("study", nargs="?", type=path, metavar="STUDY", help="a whole examination (folder, zip, DICOMDIR) to be matched")
    add_reading(command)


def add_reading(command: argparse.ArgumentParser) -> None:
    """How an examination is read."""
    series = "the series of STUDY for an input (t1ce=7); 't1=' for none"
    command.add_argument("--series", action="append", default=[], metavar="KEY=NUMBER", help=series)
    command.add_argument("--time-point", type=int, metavar="N", help="which point of a DICOM time series, from 1 (an MR: the first)")
    command.add_argument("--fill-gaps", action="store_true", help="interpolate one or two missing DICOM slices in a row")


def read_options(arguments: argparse.Namespace) -> ReadOptions:
    """What `add_reading` asked for. Raises UsageError."""
    from ..dicom.options import ReadOptions

    if arguments.time_point is not None and arguments.time_point < 1:
        raise UsageError(f"--time-point {arguments.time_point} is no number from 1.", "The first point is 1.")
    return ReadOptions(arguments.time_point, arguments.fill_gaps)


def refuse_contradictions(arguments: argparse.Namespace, paths: Mapping[str, Path]) -> None:
    """Raise UsageError where the options of `add_study` contradict each other, or single inputs."""
    if arguments.study is not None and paths:
        raise UsageError(f"Both an examination and --{next(iter(paths))} were given.", "Give one of them.")
    if arguments.series and arguments.study is None:
        raise UsageError("--series chooses within an examination, and none was given.", "Give its folder, zip or DICOMDIR.")


def chosen_series(texts: Sequence[str], task: Task) -> dict[str, str]:
    """`--series KEY=NUMBER` as input key -> number, '' to leave the input out. Raises UsageError."""
    keys = [entry.key for entry in task.inputs]
    chosen = {}
    for text in texts:
        key, equals, number = text.partition("=")
        if not equals or key not in keys:
            raise UsageError(
                f"--series {text} names no input of --task {task.key}.", f"Write KEY=NUMBER with KEY one of {', '.join(keys)}."
            )
        chosen[key] = number.strip()
    return chosen


def read_study(place: Path, task: Task, chosen: dict[str, str], options: ReadOptions, name: str = "") -> Study:
    """The inputs of a task out of an examination.

    Args:
        place: folder, zip or DICOMDIR.
        task: whose inputs are looked for.
        chosen: see `chosen_series`.
        options: of reading.
        name: what messages call it; the path's own name by default.

    Raises:
        InputRefused, UsageError: see `checks.study.match` and `dicom.read`.
    """
    from ..io.read import explained, refuse_missing
    from ..io.time_limit import within_limit

    with explained(place):
        refuse_missing(place)
        return within_limit(lambda: _matched(place.resolve(), task, chosen, options, name), name or place.name)


def _matched(place: Path, task: Task, chosen: dict[str, str], options: ReadOptions, name: str) -> Study:
    from ..dicom.read import examination, reading
    from ..dicom.study import others_in, series_in

    with examination(place, name) as found:
        series = series_in(found, options)
        listed = [Listed(one.number, one.tags, len(one.frames), one.aside, one.remedy) for one in series]
        matched = match(listed, task, chosen)
        readings = {
            key: reading(series[index].frames, f"series {series[index].number}", (), options) for key, (index, _) in matched.taken.items()
        }
        others = list(others_in(found))
    return Study(readings, {"study": _recorded(listed, matched, others)}, _told(listed, matched, others))


def _recorded(listed: Sequence[Listed], matched: Matched, others: Sequence[tuple[str, int]]) -> dict:
    """Numbers and reasons; descriptions stay out, in which somebody may have written a name."""
    taken = {key: {**_entry(listed[index]), "reason": reason} for key, (index, reason) in matched.taken.items()}
    aside = [{**_entry(listed[index]), "reason": reason} for index, reason in matched.aside.items()]
    return {"taken": taken, "left_aside": aside, "other_objects": dict(others)}


def _entry(series: Listed) -> dict:
    return {"series": series.number, "slices": series.slices}


def _told(listed: Sequence[Listed], matched: Matched, others: Sequence[tuple[str, int]]) -> list[str]:
    lines = [f"{key:<6} {_title(listed[index])}: {reason}" for key, (index, reason) in matched.taken.items()]
    lines += [f"aside  {_title(listed[index])}: {reason}" for index, reason in matched.aside.items()]
    return [*lines, *(f"aside  {count} {what}{'s' * (count > 1)}" for what, count in others)]


def _title(series: Listed) -> str:
    return f"{series.title} ({series.slices} slice{'s' * (series.slices > 1)})"
