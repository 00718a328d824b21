"""Observers that let go: what is no longer observed is no longer kept.

`slicer.util.VTKObservationMixin` keeps an object that was ever observed as a key, also after `removeObserver`: each volume and each result
of earlier cases would stay in memory as long as the panel does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Observation(NamedTuple):
    """What is observed, by whom, and VTK's number of it."""

    subject: Any
    event: Any
    method: Callable
    tag: int


class Observing:
    """What follows VTK objects; the methods have the names of Slicer's own mixin."""

    def __init__(self) -> None:
        self.observations: list[Observation] = []

    def addObserver(self, subject: Any, event: Any, method: Callable, priority: float = 0.0) -> None:
        """Call `method(caller, event)` at each event of a subject."""
        self.observations.append(Observation(subject, event, method, subject.AddObserver(event, method, priority)))

    def hasObserver(self, subject: Any, event: Any, method: Callable) -> bool:
        """Whether it is observed so."""
        return any(entry[:3] == (subject, event, method) for entry in self.observations)

    def removeObserver(self, subject: Any, event: Any, method: Callable) -> None:
        """Observe it no longer so."""
        self._drop(lambda entry: entry[:3] == (subject, event, method))

    def removeObservers(self, method: Callable | None = None) -> None:
        """Call a method no longer; None: observe nothing."""
        self._drop(lambda entry: method is None or entry.method == method)

    def _drop(self, chosen: Callable[[Observation], bool]) -> None:
        for entry in [entry for entry in self.observations if chosen(entry)]:
            entry.subject.RemoveObserver(entry.tag)
            self.observations.remove(entry)
