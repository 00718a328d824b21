"""The station at work: studies that are complete are segmented one by one, and their results sent, each at its own pace.

What a step does lies on the disk before the queue says so; whatever ends in between is done again, and doing it again changes nothing.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import Cancelled, InputRefused, MedSegDLError, UsageError, WeightsError, counted
from ..io.formats import DICOM_RESULTS
from .queue import ASIDE, DONE, FAILED, SENDING, WAITING, Job, Queue

LOOK_S = 0.1  # between two looks at the queue
MOST_TRIES = 3  # of segmenting: after that it is the study, not the moment
MOST_SENDS = 60  # with pauses up to an hour: two days
LEAST_FREE_BYTES = 1 << 28  # for a result
FINAL = (UsageError, InputRefused, WeightsError)  # of segmenting: the same images fail in the same way
END_S = 5.0

Segmenter = Callable[[Path, Path, Callable[[], None]], None]


@dataclass(frozen=True)
class Pace:
    """How long is waited.

    Attributes:
        quiet_s: without a new slice, until a study counts as complete.
        cut_s: the same where the sender was cut off, or is still connected.
        keep_s: after its end, until a study's slices are removed.
    """

    quiet_s: float = 30.0
    cut_s: float = 600.0
    keep_s: float = 24 * 3600.0


class Station:
    """One queue, worked off in two threads.

    Args:
        queue: what came.
        results: folder with a folder a study, by its number.
        segment: (slices, folder for the result, called now and then and may raise Cancelled): writes all files or none.
        send: stores one file in the archive; None: results stay here.
        pace: how long is waited.
        tell: gets a sentence an event; numbers, no names.
    """

    def __init__(
        self,
        queue: Queue,
        results: Path,
        segment: Segmenter,
        send: Callable[[Path], None] | None,
        pace: Pace = Pace(),
        tell: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self._queue, self._results, self._segment, self._send = queue, results, segment, send
        self._pace, self._tell = pace, tell
        self._ended = threading.Event()
        self.failure: Exception | None = None
        self._threads = [threading.Thread(target=self._work, args=(step,), daemon=True) for step in (self._segment_next, self._send_next)]

    def start(self) -> None:
        """Begin to work."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End soon; what was begun is begun again by the next start. A send under way may go on until this process ends."""
        self._ended.set()
        for thread in self._threads:
            thread.join(END_S)

    def _work(self, step: Callable[[], bool]) -> None:
        while not self._ended.is_set():
            try:
                busy = step()
            except sqlite3.OperationalError:  # the disk is full: nothing has changed, and is tried again
                busy = False
            except Cancelled:
                return
            except Exception as error:  # noqa: BLE001 - the main thread raises it: a station that works no more must not look alive
                self.failure = error
                return
            if not busy:
                self._ended.wait(LOOK_S)

    def _segment_next(self) -> bool:
        """Whether there was something to do."""
        for number, state, slices in self._queue.settle(self._pace.quiet_s, self._pace.cut_s):
            says = {WAITING: "complete", ASIDE: "left aside by --only", FAILED: "not complete, and left"}[state]
            self._tell(f"study {number}: {counted(slices, 'slice')}, {says}")
        for number in self._queue.forget(self._pace.keep_s):
            self._tell(f"study {number}: slices removed")
        if shutil.disk_usage(self._results).free < LEAST_FREE_BYTES:
            return False
        job = self._queue.take(WAITING)
        if job is not None:
            self._segmented(job)
        return job is not None

    def _segmented(self, job: Job) -> None:
        if job.attempts > MOST_TRIES:
            self._fail(job, "Segmenting it ended this program each time.")
            return
        try:
            self._segment(self._queue.slices_of(job.number), self._folder(job), self._go_on)
        except Cancelled:
            raise
        except MedSegDLError as error:
            if isinstance(error, FINAL) or job.attempts == MOST_TRIES:
                self._fail(job, str(error))
            else:
                self._tell(f"study {job.number}: {error} Tried again in {self._queue.later(job):.0f} s")
            return
        if not self._queue.segmented(job):
            self._tell(f"study {job.number}: more slices came; it is segmented anew")
        elif self._send is None:
            self._tell(f"study {job.number}: segmented")
        else:
            self._tell(f"study {job.number}: segmented, to be sent")

    def _send_next(self) -> bool:
        job = self._queue.take(SENDING)
        if job is None:
            return False
        try:
            for name in self._queue.unsent(job, DICOM_RESULTS) if self._send is not None else ():
                self._send(self._folder(job) / name)
                if not self._queue.sent(job, name):
                    return True
        except (MedSegDLError, OSError) as error:
            said = str(error) if isinstance(error, MedSegDLError) else "A result cannot be read."
            if job.attempts >= MOST_SENDS:
                self._fail(job, said)
            else:
                self._tell(f"study {job.number}: not sent. {said} Tried again in {self._queue.later(job):.0f} s")
            return True
        if self._queue.finish(job, DONE) and self._send is not None:
            self._tell(f"study {job.number}: sent")
        return True

    def _fail(self, job: Job, said: str) -> None:
        if self._queue.finish(job, FAILED, said):
            self._tell(f"study {job.number}: failed. {said}")

    def _folder(self, job: Job) -> Path:
        return self._results / f"{job.number:04d}"

    def _go_on(self) -> None:
        if self._ended.is_set():
            raise Cancelled()
