"""Every way a run may end other than well: one class an exit code, one sentence and one remedy an instance.

Nothing else in the core prints or exits; callers (command line, worker, panel) show `message` and `remedy` as they stand.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

# What a terminal would obey; a name or value out of a file may hold it. Lines end with \n and nothing else.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


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
        self.message = _CONTROLS.sub("?", message)
        self.remedy = _CONTROLS.sub("?", remedy)

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


def counted(count: int, thing: str, things: str = "") -> str:
    """So many of a thing in a sentence: '1 case', '2 cases', '1,200 voxels'."""
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"


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


class PackageMissing(WeightsError):
    """What builds the weights' network is not installed in the Python that is to run it."""

    kind = "package"


class OutOfMemory(MedSegDLError):
    """No strategy fits the memory of this machine."""

    kind = "memory"
    exit_code = 5


class Cancelled(MedSegDLError):
    """The user asked to stop. A `progress` callback raises it; every phase lets it pass."""

    kind = "cancelled"
    exit_code = 130

    def __init__(self, message: str = "Cancelled.", remedy: str = "") -> None:
        super().__init__(message, remedy)


ERROR_KINDS = {error.kind: error for error in (UsageError, InputRefused, WeightsError, PackageMissing, OutOfMemory, Cancelled)}


OUT_OF_MEMORY_REMEDY = "Close other programs, choose the device 'cpu', or crop the image to the region of interest."
_NO_MEMORY_NUMBERS = (errno.ENOMEM, 1455)  # 1455: Windows, the paging file is too small
_KILLED_CODES = (-9, 137)  # of a child that was ended by SIGKILL (137: told by a shell), as Linux does when memory runs out
_WINDOWS_MEMORY_CODES = (0xC0000017, 0xC000012D)  # STATUS_NO_MEMORY, STATUS_COMMITMENT_LIMIT
_MEMORY_WORDS = (  # of libraries that have no exception of their own for it, in lower case
    "out of memory",  # CUDA, MPS, XPU
    "out_of_memory",  # oneDNN, cuDNN's detailed states
    "defaultcpuallocator",  # torch on a CPU
    "allocate memory",  # the system ("cannot"), torch ("can't"), ITK ("failed to")
    "not enough memory",  # torch on Windows
    "unable to allocate",  # numpy
    "bad_alloc",  # C++, and ITK's message for it
    "bad allocation",  # the same on Windows
    "alloc_failed",  # CUBLAS_STATUS_ALLOC_FAILED, CUDNN_STATUS_ALLOC_FAILED, CUFFT_ALLOC_FAILED
    "allocation_failed",  # CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED and its likes
    "could not create a memory",  # oneDNN
)


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether memory ran out: the one place that knows every library's way to say so. Needs none of them.

    Python's and numpy's MemoryError, torch's OutOfMemoryError on any accelerator, the RuntimeError of torch's CPU allocator, of cuDNN,
    cuBLAS, cuFFT, oneDNN and MPS, ITK's, the system's ENOMEM; and an error that was raised because of one of these.
    """
    while error is not None:
        if isinstance(error, (MemoryError, OutOfMemory)) or type(error).__name__ == "OutOfMemoryError":
            return True
        if isinstance(error, OSError) and {error.errno, getattr(error, "winerror", None)} & set(_NO_MEMORY_NUMBERS):
            return True
        if isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _MEMORY_WORDS):
            return True
        error = error.__cause__
    return False


def ended_for_memory(code: int) -> bool:
    """Whether a child process that ended with this code (`Popen.returncode`) most likely ended for want of memory."""
    return code in _KILLED_CODES or (code & 0xFFFFFFFF) in _WINDOWS_MEMORY_CODES


@contextmanager
def memory_explained() -> Iterator[None]:
    """Within: memory that runs out, wherever and however it is told, is an `OutOfMemory` with a sentence."""
    try:
        yield
    except Exception as error:
        if isinstance(error, OutOfMemory) or not is_out_of_memory(error):
            raise
        raise OutOfMemory("The memory of this machine was not enough.", OUT_OF_MEMORY_REMEDY) from error
