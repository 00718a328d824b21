"""Several files of a folder replaced together: all of them or none, and what was there before is kept until all are in place.

New files are written into a hidden folder beside their places. A journal lists them before the first is moved; while it is there, whoever
comes next takes everything back. So a process may be killed at any moment: the next start finds the earlier result, or the new one, whole.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from .atomic import PREFIX, flush_to_disk, not_written
from .locks import LOCK, folder_lock

DRAFT, JOURNAL, NEW, OLD = "journal.draft", "journal.json", "new", "old"
STALE_SECONDS = 3600  # what lies here without a lock for that long belongs to no one


@contextmanager
def replaced_together(folder: Path, names: Sequence[str], obsolete: Sequence[str] = ()) -> Iterator[Path]:
    """A hidden folder to write the files of these names into; when the block ends well they take their places, all or none.

    Args:
        folder: where they belong; it exists, and `repair` was called on it.
        names: of the files that the block writes.
        obsolete: names of files of an earlier result that must not stay beside the new ones.

    Raises:
        InputRefused: the file system does not take them.
    """
    place = folder / f"{PREFIX}{secrets.token_hex(8)}"
    lock: IO[bytes] | None = None
    try:
        place.mkdir()
        lock = folder_lock(place)
        for part in (NEW, OLD):
            (place / part).mkdir()
        yield place / NEW
        _commit(place, names, obsolete)
    except OSError as error:
        raise not_written(folder, error) from error
    finally:
        _close(place, lock)


def repair(folder: Path) -> None:
    """Take back what a process that was killed left half moved in `folder`, and remove its hidden files."""
    with suppress(OSError):
        for path in sorted(folder.glob(f"{PREFIX}*")):
            with suppress(FileNotFoundError):  # its own process, or another repair, was faster
                _repair_one(path)


def _repair_one(path: Path) -> None:
    if path.is_dir() and (path / LOCK).exists():
        lock = folder_lock(path)
        if lock is not None:
            _close(path, lock)
    elif path.is_dir() and not any(path.iterdir()):
        path.rmdir()
    elif time.time() - path.lstat().st_mtime > STALE_SECONDS:
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()


def _commit(place: Path, names: Sequence[str], obsolete: Sequence[str]) -> None:
    """Move the new files into their places, the earlier ones kept aside."""
    folder = place.parent
    for name in names:
        if (folder / name).is_dir() and not (folder / name).is_symlink():
            raise not_written(folder / name, IsADirectoryError(21, "a folder of that name is in the way"))
    had = {name: os.path.lexists(folder / name) for name in (*names, *obsolete)}
    draft = place / DRAFT
    draft.write_text(json.dumps(had), encoding="utf-8")
    flush_to_disk(draft)
    draft.replace(place / JOURNAL)
    for name in (name for name in (*names, *obsolete) if had[name]):
        _keep(folder / name, place / OLD / name)
    for name in names:
        try:
            (place / NEW / name).replace(folder / name)
        except OSError as error:
            raise not_written(folder / name, error) from error
    for name in (name for name in obsolete if had[name]):
        (folder / name).unlink(missing_ok=True)
    (place / JOURNAL).unlink()  # from here on the new result counts


def _keep(path: Path, kept: Path) -> None:
    """A second name for an earlier file, so that it is at no moment missing; moved aside where the file system knows no second names."""
    try:
        os.link(path, kept, follow_symlinks=False)
    except (OSError, NotImplementedError):
        path.replace(kept)


def _close(place: Path, lock: IO[bytes] | None) -> None:
    """Take everything back if the journal is there; then remove the hidden folder. May be cut off anywhere and begun again."""
    journal = place / JOURNAL
    try:
        if journal.exists():
            for name, had in json.loads(journal.read_text(encoding="utf-8")).items():
                _take_back(place, name, had)
            journal.unlink()
        for part in (NEW, OLD):
            shutil.rmtree(place / part, ignore_errors=True)
        with suppress(OSError):
            (place / DRAFT).unlink(missing_ok=True)
    finally:
        if lock is not None:
            lock.close()
    shutil.rmtree(place, ignore_errors=True)  # the lock is the last to go


def _take_back(place: Path, name: str, had: bool) -> None:
    target, kept = place.parent / name, place / OLD / name
    if had and os.path.lexists(kept):
        kept.replace(target)
    elif not had and not os.path.lexists(place / NEW / name):
        with suppress(FileNotFoundError):
            target.unlink()
