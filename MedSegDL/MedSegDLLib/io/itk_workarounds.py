"""Quiet native libraries: ITK, libtiff, libjpeg and niftilib write to the process's error stream, where only our one sentence belongs.

Wraps the reading and writing of files and nothing else.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import SimpleITK as sitk

STDERR = 2
_lock = threading.Lock()
_readers = 0
_kept: int | None = None


@contextmanager
def native_messages_off() -> Iterator[None]:
    """Send file descriptor 2 to nowhere inside the block; threads may overlap, the last one out restores it."""
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _readers, _kept
    with _lock:
        _readers += 1
        if _readers > 1:
            return
        try:
            _kept = os.dup(STDERR)
        except OSError:  # a process without an error stream, as pythonw is
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, STDERR)
        os.close(nowhere)


def _leave() -> None:
    global _readers, _kept
    with _lock:
        _readers -= 1
        if _readers or _kept is None:
            return
        os.dup2(_kept, STDERR)
        os.close(_kept)
        _kept = None
