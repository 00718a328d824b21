"""How long reading may take: some minutes for the headers, then what the bytes and pixels that these announce take on the slowest disk.

A stalled share or a decoder that never ends holds up the thread that reads, not the process. Standard library only.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from ..errors import InputRefused

Answer = TypeVar("Answer")

HEADERS_S = 300.0  # until the first header is understood, and from one file's header to the next one's
PIXELS_S = 120.0  # a tape robot or a disk that wakes up
SLOWEST_BYTES_S = 1 << 18  # 0.25 MiB/s: a share over a line of 2 Mbit/s
SLOWEST_PIXELS_S = 1 << 20  # bytes of pixels; JPEG 2000 is decoded at 10 MiB/s and more on one core
LOOK_S = 0.2
LAST_WORD_S = 5.0  # for a thread that is to end: a frame is decoded in that time, and its temporary file removed

_here = threading.local()
_given_up: list[threading.Thread] = []


class TimeIsUp(InputRefused):
    """Reading took longer than its headers bear."""


class Limit:
    """Until when the reading of one path may last.

    Args:
        name: what the sentence calls it.
        clock: seconds.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name, self._clock = name, clock
        self._given_up = False
        self.allow(HEADERS_S)

    def allow(self, seconds: float) -> None:
        """So long from now on."""
        self._seconds, self._until = seconds, self._clock() + seconds

    @property
    def over(self) -> bool:
        """Whether the time is up, or nobody waits any more."""
        return self._given_up or self._clock() > self._until

    def give_up(self) -> None:
        """Nobody waits any more."""
        self._given_up = True

    def refusal(self) -> TimeIsUp:
        """The sentence."""
        says = f"{self._name} was not read within {self._seconds:.0f} s, which its headers allow on the slowest disk."
        return TimeIsUp(says, "Copy it to a disk of this machine, or export it uncompressed.")


def announce(stored_bytes: int, pixel_bytes: int) -> None:
    """A header was understood: from now on reading may take what these many bytes bear. No limit is set, none is changed.

    Args:
        stored_bytes: that lie on the disk.
        pixel_bytes: that come out of them.
    """
    limit = getattr(_here, "limit", None)
    if limit is not None:
        limit.allow(PIXELS_S + stored_bytes / SLOWEST_BYTES_S + pixel_bytes / SLOWEST_PIXELS_S)


def next_header() -> None:
    """Another file of many was opened: its header may take as long as the first one's. Raises as `go_on`."""
    go_on()
    limit = getattr(_here, "limit", None)
    if limit is not None:
        limit.allow(HEADERS_S)


def go_on() -> None:
    """Between two pieces of reading. Raises TimeIsUp where the time is up, or nobody waits for it any more."""
    limit = getattr(_here, "limit", None)
    if limit is not None and limit.over:
        raise limit.refusal()


def within_limit(work: Callable[[], Answer], name: str, clock: Callable[[], float] = time.monotonic) -> Answer:
    """`work()`, in a thread whose time is limited; within another such work, in its time.

    Args:
        work: reads; calls `announce` and `go_on`.
        name: of what it reads, for the sentence.
        clock: seconds.

    Raises:
        TimeIsUp: it did not end in time; whether its thread still hangs in a library tells `hanging`.
        whatever the work raises, and whatever a signal raises here, once the work has ended or was given up.
    """
    if getattr(_here, "limit", None) is not None:
        return work()
    limit, heard, done = Limit(name, clock), [], threading.Event()

    def run() -> None:
        _here.limit = limit
        try:
            heard.append((work(), None))
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits
            heard.append((None, error))
        finally:
            done.set()

    thread = threading.Thread(target=run, name="medsegdl-reading", daemon=True)
    thread.start()
    try:
        while not done.wait(LOOK_S):
            if limit.over:
                raise limit.refusal()
    except BaseException:
        limit.give_up()
        if not done.wait(LAST_WORD_S):
            _given_up.append(thread)
        raise
    answer, error = heard[0]
    if error is not None:
        raise error
    return answer


def hanging() -> bool:
    """Whether a thread that was given up is still at work: the process should end when it has said so, and without waiting for it."""
    return any(thread.is_alive() for thread in _given_up)
