"""Private temporary folders: whoever starts next sweeps what a killed process left. Standard library only.

Each folder (mode 0700) holds a lock file that the system itself lets go when its process ends, however it ends.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from .locks import WINDOWS, take_lock

PREFIX = "medsegdl-"  # every private temporary folder begins so; nothing else is ever removed as one
LOCK_FILE = "owner.lock"
OLD_S = 24 * 3600.0  # a folder without a lock (of an earlier version, or one being made) is left alone for so long
_REMOVE_TRIES = 10  # Windows keeps a file until its last memory map is closed, a moment after the process ended
_REMOVE_PAUSE_S = 0.1

_OWNER = os.getpid()
_locks: dict[Path, IO[bytes]] = {}  # kept open as long as this process owns the folder


def make_private_folder(inside: Path | None = None) -> Path:
    """A new folder that only this user can read, in `inside` or the system's temporary folder; it goes with this process at the latest.

    Raises:
        OSError: no folder can be made there.
    """
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=inside))
    with contextlib.suppress(OSError):  # a file system without locks: the folder's age must tell
        young = folder / f"{LOCK_FILE}.new"
        stream = young.open("wb")
        if take_lock(stream):
            if not WINDOWS:  # there no open file can be renamed, nor is a locked one mistaken for free
                young.rename(folder / LOCK_FILE)
            _locks[folder] = stream
        else:
            stream.close()
    return folder


@atexit.register
def _remove_all() -> None:
    """At this process's ordinary end; a forked child leaves its parent's alone."""
    for folder in list(_locks) if os.getpid() == _OWNER else ():
        remove_private_folder(folder)


def remove_private_folder(folder: Path) -> None:
    """Remove a folder of ours with everything in it, as far as the system lets us; another one is left alone."""
    if not folder.name.startswith(PREFIX):
        return
    if stream := _locks.pop(folder, None):
        stream.close()
    for _ in range(_REMOVE_TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_REMOVE_PAUSE_S)


@contextlib.contextmanager
def private_folder(inside: Path | None = None) -> Iterator[Path]:
    """A private folder while the block runs. Raises OSError where none can be made."""
    folder = make_private_folder(inside)
    try:
        yield folder
    finally:
        remove_private_folder(folder)


def sweep_private_folders(inside: Path | None = None) -> list[Path]:
    """Remove what processes that are gone have left, of whatever version; those of living ones and of other users stay.

    Returns:
        the folders removed.
    """
    place = Path(inside or tempfile.gettempdir())
    removed = []
    with contextlib.suppress(OSError):
        for folder in list(place.glob(f"{PREFIX}*")):
            with contextlib.suppress(FileNotFoundError):  # its own process, or another sweep, was faster; the others remain to be swept
                if folder not in _locks and _is_ours(folder) and _is_left(folder):
                    shutil.rmtree(folder, ignore_errors=True)
                    removed.append(folder)
    return removed


def _is_ours(folder: Path) -> bool:
    """Whether it is a true folder (no link) of this user's."""
    return folder.is_dir() and not folder.is_symlink() and (WINDOWS or folder.lstat().st_uid == os.getuid())


def _is_left(folder: Path) -> bool:
    """Whether its process is gone: nobody holds its lock, or, without one, nothing in it has changed for a day."""
    for lock in (folder / LOCK_FILE, folder / f"{LOCK_FILE}.new"):
        with contextlib.suppress(OSError):
            if lock.is_file():
                with lock.open("r+b") as stream:
                    return (lock.name == LOCK_FILE or WINDOWS) and take_lock(stream)
    with contextlib.suppress(OSError):
        newest = max(path.lstat().st_mtime for path in (folder, *folder.iterdir()))
        return time.time() - newest > OLD_S
    return False
