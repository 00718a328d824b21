"""Clocks and memory gauges. Linux tells a process's memory peak and lets it be reset; elsewhere memory is left out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from MedSegDLLib import pipeline
from MedSegDLLib.record import Stopwatch

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
Answer = TypeVar("Answer")


def _status_mb(name: str) -> float | None:
    with suppress(OSError, StopIteration):
        line = next(line for line in STATUS.read_text(encoding="ascii").splitlines() if line.startswith(name))
        return int(line.split()[1]) / 1024
    return None


def resident_mb() -> float | None:
    """Memory that this process holds now, MiB."""
    return _status_mb("VmRSS")


def peak_mb() -> float | None:
    """Most memory that this process has held since the last reset, MiB."""
    return _status_mb("VmHWM")


def reset_peak() -> None:
    """Let the peak start at what is held now."""
    with suppress(OSError):
        RESET.write_text("5", encoding="ascii")


def timed(work: Callable[[], Answer]) -> tuple[float, Answer]:
    """Seconds and answer of a call."""
    start = time.perf_counter()
    answer = work()
    return time.perf_counter() - start, answer


@dataclass
class PhaseMeter(Stopwatch):
    """A stopwatch that also keeps the process's memory before and at its peak within each phase, MiB."""

    before_mb: dict[str, float | None] = field(default_factory=dict)
    peaks_mb: dict[str, float | None] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        self.before_mb[name] = resident_mb()
        reset_peak()
        with super().phase(name):
            yield
        self.peaks_mb[name] = peak_mb()


@contextmanager
def metered_pipeline() -> Iterator[list[PhaseMeter]]:
    """Within, each call of `pipeline.segment` leaves its meter in the list."""
    meters: list[PhaseMeter] = []

    def make() -> PhaseMeter:
        meters.append(PhaseMeter())
        return meters[-1]

    before, pipeline.Stopwatch = pipeline.Stopwatch, make
    try:
        yield meters
    finally:
        pipeline.Stopwatch = before
