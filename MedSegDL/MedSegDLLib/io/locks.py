"""Locks on files, that the system itself lets go when their process ends, however it ends. Standard library only."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

WINDOWS = sys.platform == "win32"
LOCK = "lock"  # the file in a hidden folder that tells whether its process lives

if WINDOWS:
    import msvcrt
else:
    import fcntl


def take_lock(stream: IO[bytes]) -> bool:
    """Take the file's lock if nobody has it; it is let go when the stream is closed, or with the process."""
    try:
        if WINDOWS:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def folder_lock(place: Path) -> IO[bytes] | None:
    """The lock file of a hidden folder, held open; None where a living process holds it.

    On Windows a file that another process holds open cannot be removed, which serves as the lock. A file system without locks has none.
    """
    if WINDOWS:
        try:
            (place / LOCK).unlink(missing_ok=True)
        except OSError:
            return None
        return (place / LOCK).open("ab")
    lock = (place / LOCK).open("ab")
    if take_lock(lock):
        return lock
    lock.close()
    return None


@contextmanager
def held_alone(path: Path) -> Iterator[bool]:
    """Whether this process alone holds the lock of that file while the block runs; the file is made, and stays.

    Raises:
        OSError: the file cannot be made.
    """
    with path.open("ab") as stream:
        yield take_lock(stream)
