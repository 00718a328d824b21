"""Every way a run may end other than well: one class an exit code, one sentence and one remedy an instance.

Nothing else in the core prints or exits; callers (command line, worker, panel) show `message` and `remedy` as they stand.
"""

from __future__ import annotations


class MedSegDLError(Exception):
    """A failure that the user can act on.

    Args:
        message: one sentence: which input, what is wrong.
        remedy: one sentence: what to do about it.
    """

    kind = "error"
    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class UsageError(MedSegDLError):
    """The request itself is wrong: an unknown task, option or combination."""

    kind = "usage"
    exit_code = 2


class InputRefused(MedSegDLError):
    """An input file or volume cannot be used, or an output cannot be written."""

    kind = "input"
    exit_code = 3


class WeightsError(MedSegDLError):
    """Weights are missing, damaged, or not those of the task."""

    kind = "weights"
    exit_code = 4


class OutOfMemory(MedSegDLError):
    """No rung of the memory ladder fits this machine."""

    kind = "memory"
    exit_code = 5


class Cancelled(MedSegDLError):
    """The user asked to stop. A `progress` callback raises it; every phase lets it pass."""

    kind = "cancelled"
    exit_code = 130

    def __init__(self, message: str = "Cancelled.", remedy: str = "") -> None:
        super().__init__(message, remedy)


ERROR_KINDS = {error.kind: error for error in (UsageError, InputRefused, WeightsError, OutOfMemory, Cancelled)}
