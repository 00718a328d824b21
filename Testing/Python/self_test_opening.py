"""Opens the panel for the first time and keeps how long that took. Run before anything else imports a part of the panel."""

from __future__ import annotations

import time

import slicer

OPENING: dict[str, float] = {}  # "thread_ms": processor time of this thread; "wall_ms". Empty where somebody else has opened the panel


def open_for_the_first_time() -> None:
    """Show the panel, import and all, and measure it."""
    start, thread_start = time.perf_counter(), time.thread_time()
    slicer.util.selectModule("MedSegDL")
    OPENING.update(thread_ms=1000 * (time.thread_time() - thread_start), wall_ms=1000 * (time.perf_counter() - start))
