"""A terminal that may stop listening: what is printed into a pipe whose reader has gone (head, less) is lost, the work is not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import IO, Any


class LastingStream:
    """Another text stream, that goes on where its reader ends."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """As the stream does."""
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            return self._turn_away() or len(text)

    def flush(self) -> None:
        """As the stream does."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._turn_away()

    def _turn_away(self) -> int:
        """From here on nobody is told, Python's own flush at the end included."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
        return 0


@contextmanager
def lasting_output(stream: IO[str]) -> Iterator[None]:
    """Print to the stream; what stays unread stops nothing."""
    lasting = LastingStream(stream)
    with redirect_stdout(lasting):
        yield
        lasting.flush()
