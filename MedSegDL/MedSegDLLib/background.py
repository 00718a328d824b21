"""Work that would block the panel (asking a Python what it has, making an environment), done in a thread and delivered by polling.

Same callbacks and same rule as `client.Worker`: everything is delivered inside `poll()`, in the thread that polls.
"""

from __future__ import annotations

import functools
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from .client import YIELD_S, Callbacks
from .errors import Cancelled, MedSegDLError
from .processes import Failure

Progress = Callable[[float, str], None]


class Background:
    """One piece of work in a thread of its own, started at once.

    Args:
        work: called with a progress function, which raises `Cancelled` once the work is to stop; its return value is the result.
        callbacks: whom to tell.
    """

    def __init__(self, work: Callable[[Progress], Any], callbacks: Callbacks) -> None:
        self._callbacks = callbacks
        self._due: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether anything is still to be done or delivered."""
        return self._thread.is_alive() or not self._due.empty()

    def cancel(self) -> None:
        """Ask the work to stop; `on_error` gets a Failure of kind 'cancelled' once it has."""
        self._stop.set()

    def poll(self) -> None:
        """Deliver what has arrived; call it from the main thread. Exceptions of callbacks pass through."""
        time.sleep(YIELD_S)
        while not self._due.empty():
            self._due.get()()

    def _run(self, work: Callable[[Progress], Any]) -> None:
        try:
            self._tell(self._callbacks.on_result, work(self._progress))
        except MedSegDLError as error:
            self._tell(self._callbacks.on_error, Failure(error.kind, error.message, error.remedy))
        except Exception as error:  # noqa: BLE001 - nobody above a thread would tell the reader
            message = f"An unexpected failure ({type(error).__name__}: {error})."
            self._tell(self._callbacks.on_error, Failure("bug", message, "Please report it with the log."))

    def _progress(self, fraction: float, message: str) -> None:
        if self._stop.is_set():
            raise Cancelled()
        self._tell(self._callbacks.on_progress, fraction, message)

    def _tell(self, callback: Callable[..., None], *arguments: object) -> None:
        self._due.put(functools.partial(callback, *arguments))
