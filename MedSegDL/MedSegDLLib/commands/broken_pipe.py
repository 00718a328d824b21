"""A terminal that may stop listening, or was never there: what nobody reads is lost, the work is not.

Readers go away (`head`, `less`), streams are closed by the shell (`>&-`) or missing (pythonw), disks fill up, names are no text.
Nothing is raised while a command works: hours of a station or a training would end for a line of a log. What standard output could not
take is an error once the command has ended, for its lines may be the answer (`evaluate`); what standard error could not take is none.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import TextIOWrapper
from typing import IO, Any

from ..errors import InputRefused

NOBODY_READS = (errno.EPIPE, errno.EBADF, errno.EIO, errno.EINVAL)  # a pipe, a closed stream, a terminal that is gone; Windows says EINVAL


class LastingStream:
    """Another text stream, that goes on where its reader ends.

    Args:
        stream: standard output or error; None where the process has none.

    Attributes:
        lost: why a file that the shell writes into took no more, '' as long as it did.
    """

    def __init__(self, stream: IO[str] | None) -> None:
        self.lost = ""
        self._stream = _nowhere() if stream is None else stream
        if isinstance(self._stream, TextIOWrapper):
            self._stream.reconfigure(errors="backslashreplace")  # a file's name need not be text

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """As the stream does, and never raises OSError."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._turn_away(error)
        return len(text)

    def flush(self) -> None:
        """As the stream does, and never raises OSError."""
        try:
            self._stream.flush()
        except OSError as error:
            self._turn_away(error)

    def _turn_away(self, error: OSError) -> None:
        """From here on nobody is told, Python's own flush at the end included."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
        if error.errno not in NOBODY_READS:
            self.lost = (error.strerror or str(error)).lower()


def hold_standard_streams() -> None:
    """Open what the shell closed (`>&-`) to nowhere, so that no file of ours gets the number of a standard stream."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one


def _nowhere() -> IO[str]:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - open until the process ends, as a standard stream is


@contextmanager
def lasting_output() -> Iterator[None]:
    """Print to standard output and error; what stays unread stops nothing."""
    hold_standard_streams()
    out, error = LastingStream(sys.stdout), LastingStream(sys.stderr)
    with redirect_stdout(out), redirect_stderr(error):
        try:
            yield
        finally:
            out.flush()
            error.flush()


def refuse_lost_output() -> None:
    """Raise InputRefused where standard output (of `lasting_output`) could not take everything so far."""
    sys.stdout.flush()
    if why := getattr(sys.stdout, "lost", ""):
        remedy = "Free some space; files that the command wrote are whole."
        raise InputRefused(f"The output could not be written: {why}.", remedy)
