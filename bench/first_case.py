"""Seconds from the click to the segments, through the worker as the panel uses it: cold, warmed, and the next case."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from MedSegDLLib.geometry.image import Image
from MedSegDLLib.worker.client import Callbacks, Worker
from MedSegDLLib.worker.environment import Interpreter, Source, worker_launch

from .inputs import brain_images

LIMIT_S = 180.0
POLL_S = 0.05  # the panel's timer
OPTIONS = {"device": "cpu"}


class WorkerFailed(Exception):
    """The worker gave an error instead of segments."""


class _Answer:
    """Callbacks that keep what came."""

    def __init__(self) -> None:
        self.value: Any = None
        self.done = False

    def callbacks(self) -> Callbacks:
        return Callbacks(on_result=self._result, on_error=self._error)

    def _result(self, value: Any) -> None:
        self.value, self.done = value, True

    def _error(self, failure: object) -> None:
        raise WorkerFailed(str(failure))


def measure(quick: bool) -> dict:
    """Three figures: opening the panel and clicking at once; warm worker, first case; second case."""
    images = brain_images()
    launch = worker_launch(Interpreter(Path(sys.executable), Source.SETTING))
    at_once = _opened_and_clicked(launch, images)
    worker, answer = Worker(), _Answer()
    try:
        start = time.perf_counter()
        worker.start(launch, answer.callbacks())
        _wait(worker, answer)
        ready_s = time.perf_counter() - start
        answer = _Answer()
        worker.warm("brain", "cpu", answer.callbacks())
        _wait(worker, answer)
        warm_s = time.perf_counter() - start
        cases = [_click(worker, images) for _ in range(2 if quick else 3)]
    finally:
        worker.stop()
    return {"click_at_once_s": at_once, "ready_s": ready_s, "warm_s": warm_s, "first_case_s": cases[0], "later_case_s": min(cases[1:])}


def _opened_and_clicked(launch: object, images: dict[str, Image]) -> float:
    worker = Worker()
    try:
        start = time.perf_counter()
        worker.start(launch)
        _click(worker, images)
        return time.perf_counter() - start
    finally:
        worker.stop()


def _click(worker: Worker, images: dict[str, Image]) -> float:
    """Seconds until the masks are there."""
    answer = _Answer()
    start = time.perf_counter()
    worker.segment(images, "brain", OPTIONS, answer.callbacks())
    _wait(worker, answer)
    seconds = time.perf_counter() - start
    print(f"worker: {seconds:.1f} s", flush=True)
    return seconds


def _wait(worker: Worker, answer: _Answer) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not answer.done:
        if time.monotonic() > deadline:
            raise WorkerFailed(f"no answer within {LIMIT_S:.0f} s")
        worker.poll()
        time.sleep(POLL_S)
