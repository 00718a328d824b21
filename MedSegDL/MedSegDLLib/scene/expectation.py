"""What can be said before the click: how long and how much memory, from earlier runs on this machine; what a missing input costs in Dice.
No Qt, no Slicer but its translation; the figures are the run records' and the manifest's own.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import prod
from typing import Any

from slicer.i18n import tr as _

from ..checks.expectation import Expected
from ..tasks import Task
from .translation import is_one

MOST_RUNS = 8  # remembered of a kind: a machine that became faster is believed soon
MIB_PER_GIB = 1024.0
WORTH_SAYING = 0.005  # of a Dice: less is not seen in two decimals


@dataclass(frozen=True)
class PastRun:
    """What is remembered of a run; nothing of the images but their size.

    Attributes:
        voxels: of all inputs together.
        seconds: from the click to the result, the worker's phases.
        memory_mb: what the process was expected to hold (`memory.Forecast`); None where nobody told.
    """

    voxels: int
    seconds: float
    memory_mb: float | None


def past_run(record: Mapping[str, Any]) -> PastRun | None:
    """The run of a record; None where the record does not tell."""
    voxels = sum(prod(entry.get("shape", ())) for entry in record.get("inputs", {}).values() if entry.get("shape"))
    seconds = sum(record.get("seconds", {}).values())
    return PastRun(voxels, seconds, record.get("expected_memory_mb")) if voxels and seconds else None


def remembered(text: str) -> list[PastRun]:
    """Inverse of `to_remember`; what is no such text is nothing."""
    try:
        return [PastRun(int(entry["voxels"]), float(entry["seconds"]), entry["memory_mb"]) for entry in json.loads(text or "[]")]
    except (ValueError, TypeError, KeyError):
        return []


def to_remember(runs: Sequence[PastRun]) -> str:
    """The latest runs as text for the settings."""
    return json.dumps([asdict(run) for run in runs[-MOST_RUNS:]])


def cost_text(runs: Sequence[PastRun], voxels: int) -> str:
    """Time and memory that a run of so many voxels will take; "" without earlier runs.

    Time is the median of their seconds a voxel; memory that of the run next in size, for a part of it does not grow with the image.
    """
    if not runs or not voxels:
        return ""
    from statistics import median  # 18 ms, which the opening of the panel does not need

    seconds = median(run.seconds / run.voxels for run in runs) * voxels
    nearest = min(runs, key=lambda run: abs(run.voxels - voxels))
    if nearest.memory_mb is None:
        told = _("Expected: about {seconds} s, after {count} earlier runs on this machine.")
        told = _("Expected: about {seconds} s, after one earlier run on this machine.") if is_one(len(runs)) else told
        return told.format(seconds=f"{seconds:.0f}", count=len(runs))
    told = _("Expected: about {seconds} s and {memory} GB of memory, after {count} earlier runs on this machine.")
    if is_one(len(runs)):
        told = _("Expected: about {seconds} s and {memory} GB of memory, after one earlier run on this machine.")
    return told.format(seconds=f"{seconds:.0f}", memory=f"{nearest.memory_mb / MIB_PER_GIB:.1f}", count=len(runs))


def missing_text(expected: Expected | None, task: Task, given: Collection[str]) -> str:
    """What the inputs that are not given cost, in Dice; "" where nothing is known or nothing is lost."""
    if expected is None:
        return ""
    lost = [
        (region.label, expected.here[region.key], expected.complete[region.key])
        for region in task.regions
        if region.key in expected.here and expected.complete.get(region.key, 0.0) - expected.here[region.key] > WORTH_SAYING
    ]
    titles = ", ".join(entry.title for entry in task.inputs if entry.key in given)
    if not lost:
        told = _("With {inputs} alone the network did as well as with all inputs ({cases} cases held out).")
        if is_one(expected.cases):
            told = _("With {inputs} alone the network did as well as with all inputs (one case held out).")
        return told.format(inputs=titles, cases=expected.cases)
    values = ", ".join(
        _("{region} {here} instead of {all}").format(region=name, here=f"{here:.2f}", all=f"{complete:.2f}")
        for name, here, complete in lost
    )
    told = _("With {inputs} alone, mean Dice was: {values} ({cases} cases held out).")
    told = _("With {inputs} alone, Dice was: {values} (one case held out).") if is_one(expected.cases) else told
    return told.format(inputs=titles, values=values, cases=expected.cases)
