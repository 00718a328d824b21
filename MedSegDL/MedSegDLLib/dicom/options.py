"""How series are read where their headers leave a choice: the options of reading, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReadOptions:
    """What the user decided about series that are no plain stack.

    Attributes:
        time_point: which of several, counted from 1; None takes the first of an MR and a warning, and refuses phases of a CT.
        fill_gaps: whether a few missing slices are interpolated between their neighbours.
    """

    time_point: int | None = None
    fill_gaps: bool = False
