"""What ITK does not do by itself: keep quiet (its libraries write to the process's error stream, where only our one sentence belongs) and
take file names that are not UTF-8 (SimpleITK ends the whole process over them).

Wraps the reading and writing of files and nothing else.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import SimpleITK as sitk

from .private_folder import private_folder

STDERR = 2
_lock = threading.Lock()
_readers = 0
_kept: int | None = None


@contextmanager
def plain_path(path: Path) -> Iterator[Path]:
    """A path to the same file that is valid UTF-8: the file's own, or one through links in a private folder.

    The folder is linked, not the file, so that data beside a header are found; a file yet to be written may be named.
    """
    if _is_text(path):
        yield path
        return
    with private_folder() as folder:
        beside = folder / "folder"
        beside.symlink_to(path.absolute().parent, target_is_directory=True)
        if _is_text(Path(path.name)):
            yield beside / path.name
            return
        link = folder / f"file{path.suffix}"
        link.symlink_to(path.absolute())
        yield link


def _is_text(path: Path) -> bool:
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


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
