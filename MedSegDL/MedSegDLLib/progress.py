"""Progress: a function of (fraction 0..1, message) that may raise `Cancelled`; every phase passes it on."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[float, str], None]


def quiet(fraction: float, message: str) -> None:
    """The default progress: nobody listens."""


def span(progress: Progress, start: float, stop: float) -> Progress:
    """A phase's own 0..1 as a part of the whole's."""
    return lambda fraction, message: progress(start + fraction * (stop - start), message)
