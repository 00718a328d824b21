"""A worker played by the test: it keeps what it is asked and answers what the test says, from within `poll()` as the real one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from MedSegDLLib.geometry.image import Image
from MedSegDLLib.result import Result, Segment
from MedSegDLLib.tasks import TASKS, Task
from MedSegDLLib.worker.client import Callbacks, State
from MedSegDLLib.worker.processes import Failure, Launch

READY = {"python": "3.12.10", "torch": "2.13.0", "device": "cpu"}


class FakeClient:
    """Fulfils `client.SegmentationClient`."""

    def __init__(self) -> None:
        self.state, self.ready, self.stopped = State.STOPPED, None, False
        self.launches: list[Launch] = []
        self.warmed: list[tuple[str, str]] = []
        self.requested: list[tuple[str, dict]] = []
        self.withdrawn: list[int] = []
        self.asked: list[tuple[str, dict[str, Image], str, dict]] = []
        self._greeted: list[Callbacks] = []
        self._waiting: list[Callbacks] = []
        self._due: list[Callable[[], None]] = []

    def start(self, launch: Launch, callbacks: Callbacks = Callbacks()) -> None:
        """Keep the launch; `become_ready` or `fail_to_start` answers."""
        if not self.launches or self.launches[-1] != launch or self.state is State.STOPPED:
            self.launches.append(launch)
            self.state, self.ready = State.STARTING, None
        if self.ready is not None:
            self._due.append(lambda: callbacks.on_result(self.ready))
        else:
            self._greeted.append(callbacks)

    def segment(self, images: dict[str, Image], task_key: str, options: dict, callbacks: Callbacks) -> None:
        """Keep the request."""
        self._ask("segment", images, task_key, options, callbacks)

    def check(self, images: dict[str, Image], task_key: str, callbacks: Callbacks) -> None:
        """Keep the request."""
        self._ask("check", images, task_key, {}, callbacks)

    def warm(self, task_key: str, device: str = "auto", callbacks: Callbacks = Callbacks()) -> None:
        """Keep the request."""
        self.warmed.append((task_key, device))

    def request(self, kind: str, payload: dict, callbacks: Callbacks) -> int:
        """Keep the request; its number."""
        self.requested.append((kind, payload))
        self._waiting.append(callbacks)
        return len(self.requested)

    def register(self, moving: Image, fixed: Image, callbacks: Callbacks) -> None:
        """Keep the request; `answer` or `fail` ends it."""
        self._ask("register", {"moving": moving, "fixed": fixed}, "", {}, callbacks)

    def withdraw(self, number: int) -> None:
        """Keep that it was given up."""
        self.withdrawn.append(number)

    def cancel(self) -> None:
        """The process is gone; who waits is told so."""
        waiting, self._waiting = [*self._greeted, *self._waiting], []
        self._greeted, self.ready, self.state = [], None, State.STOPPED
        self._due += [lambda c=callbacks: c.on_error(Failure("cancelled", "Cancelled.")) for callbacks in waiting]

    def stop(self) -> None:
        """As `cancel`, for good."""
        self.cancel()
        self.stopped = True

    def log_lines(self) -> list[str]:
        """Nothing."""
        return []

    def poll(self) -> None:
        """Deliver what the test has let happen."""
        due, self._due = self._due, []
        for tell in due:
            tell()

    # ------------------------------------------------------------------ what the test lets happen

    def become_ready(self, **more: object) -> None:
        """The process says that it is there, and what a server says besides."""
        self.ready, self.state = {**READY, **more}, State.READY
        greeted, self._greeted = self._greeted, []
        self._due += [lambda c=callbacks: c.on_result(self.ready) for callbacks in greeted]

    def fail_to_start(self, failure: Failure) -> None:
        """The process cannot be started, or lacks a package."""
        self.state = State.STOPPED
        greeted, self._greeted = self._greeted, []
        self._due += [lambda c=callbacks: c.on_error(failure) for callbacks in greeted]

    def progress(self, fraction: float, message: str) -> None:
        """The last request goes on."""
        callbacks = self._waiting[-1]
        self._due.append(lambda: callbacks.on_progress(fraction, message))

    def answer(self, result: Any) -> None:
        """The last request is done."""
        callbacks = self._waiting.pop()
        self.state = State.READY
        self._due.append(lambda: callbacks.on_result(result))

    def fail(self, failure: Failure, dead: bool = False) -> None:
        """The last request fails; the process may be gone with it."""
        callbacks = self._waiting.pop()
        self.state, self.ready = (State.STOPPED, None) if dead else (State.READY, self.ready)
        self._due.append(lambda: callbacks.on_error(failure))

    def _ask(self, kind: str, images: dict[str, Image], task_key: str, options: dict, callbacks: Callbacks) -> None:
        self.asked.append((kind, images, task_key, options))
        self._waiting.append(callbacks)
        self.state = State.BUSY


def result_of(task: Task, images: dict[str, Image], **more: Any) -> Result:
    """A result whose regions are boxes, each within the one before."""
    reference = next(key for key in task.reference_order if key in images)
    grid = images[reference].grid
    segments = []
    for margin, region in enumerate(task.regions, start=1):
        mask = np.zeros(grid.shape, np.uint8)
        mask[tuple(slice(min(margin, size // 2), max(size - margin, size // 2 + 1)) for size in grid.shape)] = 1
        segments.append(Segment(region, mask, grid.voxel_volume_mm3))
    record = {"seconds": {"check": 0.5, "network": 2.0}, "device": "cpu", "warnings": [], "count": None}
    return Result(task, grid, reference, tuple(segments), record={**record, **more.pop("record", {})}, **more)


def brain_result(client: FakeClient, **more: Any) -> Result:
    """A result for the last brain request."""
    return result_of(TASKS["brain"], client.asked[-1][1], **more)
