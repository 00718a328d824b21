"""What the reader of a terminal sees while a network trains: a bar where there is a terminal and rich, else a line now and then."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from . import parallel
from .loop import Report, Settings

STEPS_A_LINE = 50
SMOOTHING = 0.98  # of the shown loss; a single batch's jumps about


@contextmanager
def reporter(settings: Settings) -> Iterator[Report]:
    """A function to be told every step's log entry."""
    smooth: list[float] = []

    def smoothed(loss: float) -> float:
        smooth[:] = [loss if not smooth else SMOOTHING * smooth[0] + (1 - SMOOTHING) * loss]
        return smooth[0]

    if parallel.rank() > 0 or not sys.stderr.isatty():
        yield lambda entry: _line(entry, smoothed(entry["loss"]))
        return
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError:
        yield lambda entry: _line(entry, smoothed(entry["loss"]))
        return
    with Progress(console=Console(stderr=True)) as bar:
        job = bar.add_task("training", total=1.0)

        def show(entry: dict[str, Any]) -> None:
            text = f"step {entry['step']}  loss {smoothed(entry['loss']):.4f}{_measured(entry)}"
            bar.update(job, completed=settings.spent(entry["step"], entry["seconds"]), description=text)

        yield show


def _line(entry: dict[str, Any], loss: float) -> None:
    if entry["step"] % STEPS_A_LINE == 0 or "validation" in entry:
        print(f"step {entry['step']}  loss {loss:.4f}{_measured(entry)}  {entry['seconds'] / 60:.1f} min", file=sys.stderr, flush=True)


def _measured(entry: dict[str, Any]) -> str:
    """The validation measure, in steps that have one."""
    return f"  validation Dice {entry['validation']:.4f}" if "validation" in entry else ""
