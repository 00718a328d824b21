"""What a callback of the panel may raise becomes a failure that is shown: in the hands of Qt or VTK it would leave the panel half-way.
No Qt, no Slicer.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from typing import Any

from ..errors import MedSegDLError
from ..worker.processes import Failure

BUG_REMEDY = "Please report it with the log (Advanced)."


def failure_of(error: Exception) -> Failure:
    """An exception in the reader's words: our own as they are, any other with its traceback for the log."""
    if isinstance(error, MedSegDLError):
        return Failure(error.kind, error.message, error.remedy)
    details = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return Failure("bug", f"An unexpected failure ({type(error).__name__}: {error}).", BUG_REMEDY, details)


def guarded(method: Callable[..., None]) -> Callable[..., None]:
    """Make a method a callback for Qt, VTK and the worker: what it raises goes to its object's `report(failure)`.

    It is given as many arguments as it takes: PythonQt gives a decorated function all that the signal has.
    """
    takes = method.__code__.co_argcount - 1

    @functools.wraps(method)
    def call(self: Any, *arguments: Any) -> None:
        try:
            method(self, *arguments[:takes])
        except Exception as error:  # noqa: BLE001 - nobody above a callback would tell the reader
            self.report(failure_of(error))

    return call
