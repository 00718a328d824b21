"""The station's memory: which studies came, how far each is, what was sent. In sqlite and in files, so that it outlives every end.

A slice is acknowledged only when its file and its row lie on the disk. Every step is one transaction after the files that it tells of; what
a killed process left without a row is removed at the next start. No patient is named here: studies have numbers, slices the hashes of their
UIDs; the files themselves are the patient's, in a folder that only this user can read.

| state | waits for | then |
|---|---|---|
| receiving | a quiet time without new slices (longer where the sender was cut off) | waiting, or aside where the filter does not want it |
| waiting | its turn, after failures a growing pause | sending, failed |
| sending | the archive, after failures a growing pause | done |
| done, failed, aside | slices that come late (receiving again), until they are forgotten | |
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputRefused
from ..io.atomic import flush_to_disk

RECEIVING, WAITING, SENDING, DONE, FAILED, ASIDE = "receiving", "waiting", "sending", "done", "failed", "aside"
DATABASE, SLICES = "queue.sqlite", "slices"
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 3600.0
GROWTH = 3.0
DIGEST_LETTERS = 40
TOO_LARGE = "It is larger than may be received (--most-gb)."
LACKING = "Slices of it could not be kept for want of space: make room, and send it again."
SCHEMA = """
CREATE TABLE IF NOT EXISTS study (
    number INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT, state TEXT NOT NULL,
    heard REAL NOT NULL, cut INTEGER NOT NULL DEFAULT 1,
    revision INTEGER NOT NULL DEFAULT 0, wanted INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL DEFAULT 0, said TEXT NOT NULL DEFAULT '');
CREATE UNIQUE INDEX IF NOT EXISTS by_uid ON study (uid);
CREATE TABLE IF NOT EXISTS slice (
    study INTEGER NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (study, name));
CREATE TABLE IF NOT EXISTS lacking (study INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (study, name));
CREATE TABLE IF NOT EXISTS sent (study INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (study, name));
"""


class TooMuch(Exception):
    """A study would grow beyond what may be received."""


@dataclass(frozen=True)
class Job:
    """A study whose turn it is.

    Attributes:
        number: its name here.
        revision: of its slices when it was taken; a result of others than there are now is not sent.
        attempts: how often it was begun, this time included.
    """

    number: int
    revision: int
    attempts: int


class Queue:
    """The studies of one folder. Every method may be called from any thread.

    Args:
        folder: its own; made where it is not there.
        most_bytes: of one study's slices.

    Raises:
        InputRefused: the folder cannot be used, or its queue is damaged.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.folder, self.most_bytes = folder, most_bytes
        self._lock = threading.RLock()
        self._lacking: set[tuple[int, str]] = set()
        try:
            (folder / SLICES).mkdir(parents=True, exist_ok=True)
            for place in (folder, folder / SLICES):
                place.chmod(0o700)
            self._base = sqlite3.connect(folder / DATABASE, check_same_thread=False, isolation_level=None)
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=FULL")
            self._base.executescript(SCHEMA)
        except sqlite3.DatabaseError as error:
            remedy = "Move the folder away; what waits in it has to be sent again."
            raise InputRefused(f"The queue in {folder} cannot be used: {error}.", remedy) from error
        self._sweep()

    def close(self) -> None:
        """For good."""
        with self._lock:
            self._base.close()

    def receive(self, study: str, instance: str, content: bytes, wanted: bool, room: bool = True) -> int:
        """Keep one slice; one that is there already, unchanged, changes nothing, but that a study that failed is tried anew.

        Args:
            study, instance: UIDs.
            content: of the file.
            wanted: whether the filter takes its study.
            room: whether the disk has enough.

        Returns:
            the study's number. The slice is on the disk.

        Raises:
            TooMuch: the study would be larger than it may be.
            OSError, sqlite3.Error: the disk does not take it; nothing has changed.
        """
        name, digest = _short(instance), hashlib.sha256(content).hexdigest()
        with self._lock:
            number = self._number_of(study)
            known = self._one("SELECT digest FROM slice WHERE study=? AND name=?", number, name)
            if known is not None and known[0] == digest:
                again = "state=?, heard=?, cut=1, revision=revision+1, attempts=0, due=0 WHERE number=? AND state IN (?, ?) AND said!=?"
                self._base.execute(f"UPDATE study SET {again}", (RECEIVING, time.time(), number, RECEIVING, FAILED, TOO_LARGE))
                return number
            self._refuse_too_much(number, len(content))
            path = self.slices_of(number) / f"{name}.dcm"
            try:
                if not room:
                    raise OSError(errno.ENOSPC, "no room")
                _write(path, content)
                self._add(number, (name, digest, len(content)), wanted)
            except BaseException:
                if known is None:
                    path.unlink(missing_ok=True)
                self._note_lack(number, name)
                raise
            return number

    def _add(self, number: int, entry: tuple[str, str, int], wanted: bool) -> None:
        with self._transaction():
            self._base.execute("INSERT OR REPLACE INTO slice VALUES (?, ?, ?, ?)", (number, *entry))
            self._base.execute("DELETE FROM lacking WHERE study=? AND name=?", (number, entry[0]))
            changed = "state=?, heard=?, cut=1, revision=revision+1, wanted=MAX(wanted, ?), attempts=0, due=0, said=''"
            self._base.execute(f"UPDATE study SET {changed} WHERE number=?", (RECEIVING, time.time(), wanted, number))
            self._base.execute("DELETE FROM sent WHERE study=?", (number,))
        self._lacking.discard((number, entry[0]))

    def _refuse_too_much(self, number: int, more: int) -> None:
        """A study that is too large stays so: what was kept of it is no whole."""
        said = self._one("SELECT said FROM study WHERE number=?", number)[0]
        if said != TOO_LARGE and self._bytes(number) + more > self.most_bytes:
            change = "UPDATE study SET state=?, said=?, heard=? WHERE number=?"
            self._base.execute(change, (FAILED, TOO_LARGE, time.time(), number))
            said = TOO_LARGE
        if said == TOO_LARGE:
            raise TooMuch

    def _note_lack(self, number: int, name: str) -> None:
        """A slice was refused: without it the study is no whole, however its sender goes on."""
        self._lacking.add((number, name))
        with suppress(sqlite3.Error):  # the disk may be full
            self._base.execute("INSERT OR IGNORE INTO lacking VALUES (?, ?)", (number, name))

    def released(self, numbers: set[int]) -> None:
        """Their sender took leave in good order: nothing was cut off."""
        with self._lock, self._transaction():
            self._base.executemany("UPDATE study SET cut=0 WHERE number=?", [(number,) for number in numbers])

    def settle(self, quiet_s: float, cut_s: float) -> list[tuple[int, str, int]]:
        """Studies that have been quiet for long enough leave `receiving`: (number, new state, slices)."""
        now = time.time()
        settled = []
        with self._lock, self._transaction():
            lacking = {number for number, _ in self._lacking}
            for number, wanted, heard, cut in self._all("SELECT number, wanted, heard, cut FROM study WHERE state=?", RECEIVING):
                if now - heard < (cut_s if cut or number in lacking else quiet_s):
                    continue
                state = FAILED if number in lacking else WAITING if wanted else ASIDE
                said = LACKING if number in lacking else ""
                self._base.execute("UPDATE study SET state=?, said=?, heard=? WHERE number=?", (state, said, now, number))
                settled.append((number, state, self._count(number)))
        return settled

    def take(self, state: str) -> Job | None:
        """The next study in a state whose pause is over, counted as begun: one that ends this process each time is not begun for ever."""
        with self._lock, self._transaction():
            found = "SELECT number, revision, attempts FROM study WHERE state=? AND due<=? ORDER BY due, number"
            row = self._one(found, state, time.time())
            if row is None:
                return None
            job = Job(row[0], row[1], row[2] + 1)
            due = time.time() + pause_s(job.attempts)
            self._base.execute("UPDATE study SET attempts=?, due=? WHERE number=?", (job.attempts, due, job.number))
            return job

    def segmented(self, job: Job) -> bool:
        """Its result lies in its folder, to be sent; False where slices came meanwhile and it will be done anew."""
        with self._lock, self._transaction():
            if not self._as_taken(job, WAITING):
                return False
            self._base.execute("UPDATE study SET state=?, attempts=0, due=0, said='' WHERE number=?", (SENDING, job.number))
            return True

    def sent(self, job: Job, name: str) -> bool:
        """One of its files is in the archive; False where the rest must not follow."""
        with self._lock, self._transaction():
            if not self._as_taken(job, SENDING):
                return False
            self._base.execute("INSERT OR IGNORE INTO sent VALUES (?, ?)", (job.number, name))
            return True

    def unsent(self, job: Job, names: tuple[str, ...]) -> list[str]:
        """Those of its files that are not in the archive yet."""
        with self._lock:
            done = {row[0] for row in self._all("SELECT name FROM sent WHERE study=?", job.number)}
        return [name for name in names if name not in done]

    def finish(self, job: Job, state: str, said: str = "") -> bool:
        """Its last state, and a sentence; False where slices came meanwhile and it goes on."""
        with self._lock, self._transaction():
            change = "UPDATE study SET state=?, said=?, heard=? WHERE number=? AND revision=?"
            return self._base.execute(change, (state, said, time.time(), job.number, job.revision)).rowcount > 0

    def later(self, job: Job) -> float:
        """The pause before its next try begins now: seconds."""
        pause = pause_s(job.attempts)
        with self._lock:
            self._base.execute("UPDATE study SET due=? WHERE number=?", (time.time() + pause, job.number))
        return pause

    def states(self) -> dict[int, str]:
        """Number -> state of every study that is not forgotten."""
        with self._lock:
            return dict(self._all("SELECT number, state FROM study WHERE uid IS NOT NULL"))

    def forget(self, older_s: float) -> list[int]:
        """Remove the slices of studies that ended so long ago; what comes of them later counts as a new study."""
        with self._lock:
            ended = "SELECT number FROM study WHERE uid IS NOT NULL AND state IN (?, ?, ?) AND heard<=?"
            old = [row[0] for row in self._all(ended, DONE, FAILED, ASIDE, time.time() - older_s)]
            with self._transaction():
                for number in old:
                    self._base.execute("UPDATE study SET uid=NULL WHERE number=?", (number,))
                    for table in ("slice", "sent", "lacking"):
                        self._base.execute(f"DELETE FROM {table} WHERE study=?", (number,))
            self._lacking = {one for one in self._lacking if one[0] not in old}
            for number in old:
                shutil.rmtree(self.slices_of(number), ignore_errors=True)
        return old

    def slices_of(self, number: int) -> Path:
        """Where a study's slices lie."""
        return self.folder / SLICES / f"{number:04d}"

    def _sweep(self) -> None:
        """Remove files that no row tells of; whoever was cut off by our end is waited for anew."""
        with self._lock:
            self._base.execute("UPDATE study SET heard=?, cut=1 WHERE state=?", (time.time(), RECEIVING))
            self._base.execute("UPDATE study SET due=0, attempts=0 WHERE state IN (?, ?)", (WAITING, SENDING))
            self._lacking = set(self._all("SELECT study, name FROM lacking"))
            known = {self.slices_of(number) / f"{name}.dcm" for number, name in self._all("SELECT study, name FROM slice")}
        for place in (self.folder / SLICES).iterdir():
            for path in place.iterdir():
                if path not in known:
                    path.unlink()
            with suppress(OSError):
                place.rmdir()  # only an empty one goes

    def _number_of(self, study: str) -> int:
        row = self._one("SELECT number FROM study WHERE uid=?", study)
        if row is not None:
            return row[0]
        return self._base.execute("INSERT INTO study (uid, state, heard) VALUES (?, ?, ?)", (study, RECEIVING, time.time())).lastrowid

    def _as_taken(self, job: Job, state: str) -> bool:
        return self._one("SELECT state, revision FROM study WHERE number=?", job.number) == (state, job.revision)

    def _count(self, number: int) -> int:
        return self._one("SELECT COUNT(*) FROM slice WHERE study=?", number)[0]

    def _bytes(self, number: int) -> int:
        return self._one("SELECT COALESCE(SUM(bytes), 0) FROM slice WHERE study=?", number)[0]

    def _one(self, query: str, *values: object) -> tuple | None:
        return self._base.execute(query, values).fetchone()

    def _all(self, query: str, *values: object) -> list[tuple]:
        return self._base.execute(query, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._base.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._base.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # sqlite may have taken it back itself
                self._base.execute("ROLLBACK")
            raise


def pause_s(attempts: int) -> float:
    """How long to wait after the so many-th attempt failed: growing, one hour at most."""
    return min(FIRST_PAUSE_S * GROWTH ** (attempts - 1), LONGEST_PAUSE_S)


def _short(uid: str) -> str:
    """A file name for a UID, whatever the sender wrote for one."""
    return hashlib.sha256(uid.encode("utf-8", "replace")).hexdigest()[:DIGEST_LETTERS]


def _write(path: Path, content: bytes) -> None:
    """A file that is there whole, and on the disk, or not at all. Raises OSError."""
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(".part")
    try:
        part.write_bytes(content)
        flush_to_disk(part)
        part.replace(path)
        _flush_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    """The names in a folder too, where the system can (POSIX)."""
    with suppress(OSError, AttributeError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
