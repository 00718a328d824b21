"""The panel's side of the worker: starts it, sends requests, delivers answers in the thread that polls. No Qt, no Slicer, no torch.

The panel calls `poll()` from a timer; every callback runs inside `poll()`, hence in the main thread, and nothing here waits. `Background`
does the same for work of our own that would block the panel (asking a Python what it has, making an environment).
"""

from __future__ import annotations

import functools
import itertools
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from ..errors import Cancelled, MedSegDLError
from ..geometry.image import Image
from ..progress import Progress
from .processes import END_S, Child, Ended, Failure, Launch, explain_exit
from .protocol import images_to_json, make_private_folder, result_from_json

POLL_BUDGET_S = 0.03  # deliver callbacks for so long at most in one poll; the panel may be blocked for 50 ms
YIELD_S = 0.004  # PythonQt holds the interpreter between our calls: here our reading and writing threads get their turn


class State(str, Enum):
    """What the worker is doing."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    BUSY = "busy"


def _ignore(*_: object) -> None:
    """The callback of one who does not listen."""


@dataclass(frozen=True)
class Callbacks:
    """Whom to tell about one request. Exactly one of `on_result` and `on_error` is called, once, from within `poll()`.

    Attributes:
        on_progress: (fraction 0..1, message).
        on_result: the answer: a `Result` for `segment`, a list of findings (dicts as in the run record's warnings) for `check`,
            a dict for `start`, `warm` and `info`.
        on_error: what went wrong.
    """

    on_progress: Callable[[float, str], None] = _ignore
    on_result: Callable[[Any], None] = _ignore
    on_error: Callable[[Failure], None] = _ignore


class SegmentationClient(Protocol):
    """What the panel needs of a worker; tests hand in their own."""

    @property
    def state(self) -> State:
        """Where the worker stands."""
        ...

    @property
    def ready(self) -> dict | None:
        """What the worker said of itself when it was ready (versions, devices), or None before."""
        ...

    def start(self, launch: Launch, callbacks: Callbacks = ...) -> None:
        """Start the worker unless it runs; the answer is what `ready` gives."""
        ...

    def segment(self, images: dict[str, Image], task_key: str, options: dict, callbacks: Callbacks) -> None:
        """Segment volumes, input key -> image; `options` are fields of `pipeline.Options`, JSON types only."""
        ...

    def check(self, images: dict[str, Image], task_key: str, callbacks: Callbacks) -> None:
        """Look at the inputs, and segment nothing."""
        ...

    def warm(self, task_key: str, device: str = ..., callbacks: Callbacks = ...) -> None:
        """Load a task's weights before they are needed."""
        ...

    def register(self, moving: Image, fixed: Image, callbacks: Callbacks) -> None:
        """Lay an image on another one; the answer is what `services.register` gives."""
        ...

    def request(self, kind: str, payload: dict, callbacks: Callbacks) -> int:
        """Ask for something else (`look`, `add`); its number."""
        ...

    def withdraw(self, number: int) -> None:
        """Give a request up, and live on."""
        ...

    def cancel(self) -> None:
        """End what is under way; its `on_error` is told "cancelled"."""
        ...

    def poll(self) -> None:
        """Call what is due; nothing is ever called from elsewhere."""
        ...

    def stop(self) -> None:
        """End the worker."""
        ...

    def log_lines(self) -> list[str]:
        """The last lines that the worker wrote to its log."""
        ...


@dataclass
class _Pending:
    """A request that waits for its answer, and how the answer becomes what `on_result` takes."""

    callbacks: Callbacks
    convert: Callable[[dict], Any]
    folder: Path


class Worker:
    """A worker process that is started when needed, survives its own crash, and never blocks the caller.

    Requests may be made at any time after the first `start`: while the process starts they wait, after a crash or a cancel they
    start a new one. They are answered one after the other.

    Args:
        temporary: where the private folder for the arrays is made; None takes the system's temporary folder.
    """

    def __init__(self, temporary: Path | None = None) -> None:
        self._temporary = temporary
        self._launch: Launch | None = None
        self._child: Child | None = None
        self._ready: dict | None = None
        self._greeted: list[Callbacks] = []
        self._pending: dict[int, _Pending] = {}
        self._numbers = itertools.count(1)
        self._due: deque[Callable[[], None]] = deque()
        self._old_log: list[str] = []

    @property
    def state(self) -> State:
        """What the worker is doing now."""
        if self._child is None:
            return State.STOPPED
        if self._ready is None:
            return State.STARTING
        return State.BUSY if self._pending else State.READY

    @property
    def ready(self) -> dict | None:
        """What the process said of itself (python, torch, device ...), or None while there is no ready process."""
        return self._ready

    def log_lines(self) -> list[str]:
        """The last lines that the process (or the last one, if there is none) wrote to its stderr."""
        return list(self._child.log) if self._child else list(self._old_log)

    def start(self, launch: Launch, callbacks: Callbacks = Callbacks()) -> None:
        """Start the process, unless the same program runs already; another one is stopped first.

        `on_result` gets the ready line; `on_error` a Failure of kind 'torch' (a package is missing), 'python' (the interpreter
        cannot be started, or ended before it was ready) or 'cancelled'.
        """
        if not launch.same_program_as(self._launch):
            self.stop()
        self._launch = launch
        if self._ready is not None:
            self._due.append(functools.partial(callbacks.on_result, self._ready))
            return
        if failure := self._begin(launch):
            self._due.append(functools.partial(callbacks.on_error, failure))
        else:
            self._greeted.append(callbacks)

    def segment(self, images: dict[str, Image], task_key: str, options: dict, callbacks: Callbacks) -> None:
        """Ask for a segmentation; `on_result` gets a `Result` whose arrays are memory maps (copy-on-write).

        Args:
            images: input key -> Image. The arrays are written by a thread of ours: leave them alone until the first progress.
            task_key: key of `TASKS`.
            options: fields of `pipeline.Options`, JSON types only (`weights` a str or None).
            callbacks: whom to tell.
        """
        payload = {"task": task_key, "options": options}
        self._ask("segment", functools.partial(_with_images, payload, images), callbacks, _segmented)

    def check(self, images: dict[str, Image], task_key: str, callbacks: Callbacks) -> None:
        """Ask for the input check; `on_result` gets a list of findings as dicts."""
        self._ask("check", functools.partial(_with_images, {"task": task_key}, images), callbacks, lambda answer: answer["findings"])

    def warm(self, task_key: str, device: str = "auto", callbacks: Callbacks = Callbacks()) -> None:
        """Let the worker load a task's weights and run once, so that the first click waits for nothing."""
        self.request("warm", {"task": task_key, "device": device}, callbacks)

    def register(self, moving: Image, fixed: Image, callbacks: Callbacks) -> None:
        """Ask for the rigid motion that lays an image on another one, as a dict; see `services.register`."""
        images = {"moving": moving, "fixed": fixed}
        self._ask("register", functools.partial(_with_images, {}, images), callbacks, lambda answer: answer["result"])

    def request(self, kind: str, payload: dict, callbacks: Callbacks) -> int:
        """Any other request (`info`, `warm`, `look`, `add`): `on_result` gets the answer's `result` (of `check` the findings) as it came.

        Returns:
            its number, for `withdraw`.
        """
        return self._ask(kind, lambda folder: payload, callbacks, lambda answer: answer.get("result", answer.get("findings")))

    def withdraw(self, number: int) -> None:
        """Ask the process to give a request up, and live on; `on_error` is told "cancelled" when it has."""
        if self._child is not None and number in self._pending:
            self._child.send(number, lambda: {"id": number, "cancel": True})

    def cancel(self) -> None:
        """Kill the process tree and remove its private folder; whoever waits is told 'cancelled' in the next poll.

        A worker that is ready and has nothing to do stays warm.
        """
        if self.state is not State.READY:
            self._drop(Failure("cancelled", "Cancelled."))

    def stop(self) -> None:
        """End the worker for good (panel closed, other interpreter chosen): as `cancel`, even when idle; `start` makes a new one."""
        self._drop(Failure("cancelled", "Cancelled."))
        self._launch = None

    def poll(self) -> None:
        """Deliver what has arrived. Call it from the main thread, every 50 to 100 ms; returns within 50 ms but for the callbacks' own time.

        An exception of a callback passes through; what else has arrived stays for the next poll.
        """
        time.sleep(YIELD_S)
        deadline = time.monotonic() + POLL_BUDGET_S
        self._collect()
        while self._due:
            self._due.popleft()()
            if time.monotonic() > deadline:
                return

    def _begin(self, launch: Launch) -> Failure | None:
        """Make sure that there is a process; what went wrong if there is none."""
        if self._child is not None:
            return None
        try:
            self._child = Child(launch, make_private_folder(self._temporary))
        except OSError as error:
            message = f"The Python {launch.arguments[0]} cannot be started: {error.strerror or error}."
            return Failure("python", message, "Choose another Python in the settings.")
        except MedSegDLError as error:
            return Failure(error.kind, error.message, error.remedy)
        return None

    def _ask(self, kind: str, prepare: Callable[[Path], dict], callbacks: Callbacks, convert: Callable[[dict], Any]) -> int:
        if self._launch is None:
            raise RuntimeError("a request before the first start")
        if failure := self._begin(self._launch):
            self._due.append(functools.partial(callbacks.on_error, failure))
            return 0
        number = next(self._numbers)
        folder = self._child.folder / str(number)
        self._pending[number] = _Pending(callbacks, convert, folder)
        self._child.send(number, lambda: {"id": number, kind: prepare(folder)})
        return number

    def _drop(self, failure: Failure) -> None:
        """Let go of the process; everybody who waits for it is told why in the next poll."""
        self._fail_all(failure)
        child, self._child, self._ready = self._child, None, None
        if child is not None:
            self._old_log = list(child.log)
            child.end()

    def _fail_all(self, failure: Failure) -> None:
        waiting = [*self._greeted, *(pending.callbacks for pending in self._pending.values())]
        self._greeted, self._pending = [], {}
        self._due.extend(functools.partial(callbacks.on_error, failure) for callbacks in waiting)

    def _collect(self) -> None:
        """Turn what the process said into callbacks that are due."""
        while self._child is not None and (message := self._child.next_message()) is not None:
            if isinstance(message, Ended):
                self._ended(message.code)
            elif "ready" in message:
                self._became_ready(message["ready"])
            elif "unready" in message:
                self._drop(_missing(message["unready"]))
            elif message.get("id") in self._pending:
                self._answered(message)

    def _ended(self, code: int) -> None:
        failure = explain_exit(code, self._child.log)
        if self._ready is None and failure.kind == "crash":
            failure = Failure("python", failure.message, "Choose another Python in the settings.", failure.details)
        self._drop(failure)

    def _became_ready(self, ready: dict) -> None:
        self._ready = ready
        greeted, self._greeted = self._greeted, []
        self._due.extend(functools.partial(callbacks.on_result, ready) for callbacks in greeted)

    def _answered(self, message: dict) -> None:
        number = message["id"]
        callbacks = self._pending[number].callbacks
        if "progress" in message:
            self._due.append(functools.partial(callbacks.on_progress, float(message["progress"]), str(message.get("message", ""))))
            return
        pending = self._pending.pop(number)
        if "error" in message:
            self._due.append(functools.partial(callbacks.on_error, Failure.from_json(message["error"])))
        else:
            self._due.append(_conversion(pending, message))
        self._due.append(functools.partial(self._child.remove, pending.folder))


def _conversion(pending: _Pending, answer: dict) -> Callable[[], None]:
    """The delivery of an answer; the arrays are mapped now, while their files are sure to be there."""
    try:
        return functools.partial(pending.callbacks.on_result, pending.convert(answer))
    except Exception as error:  # noqa: BLE001 - whoever waits for the answer must be told
        message = "The segmentation process gave an answer that cannot be read."
        failure = Failure("bug", message, "Please report it with the log.", repr(error))
        return functools.partial(pending.callbacks.on_error, failure)


def _missing(unready: dict) -> Failure:
    """The failure where a package is missing; its details are the package's name."""
    return Failure.from_json({**unready, "kind": "torch", "details": unready.get("reason", "")})


def _with_images(payload: dict, images: dict[str, Image], folder: Path) -> dict:
    """The payload with the images written out; runs in the writing thread."""
    return {**payload, "inputs": images_to_json(images, folder / "in"), "folder": str(folder / "out")}


def _segmented(answer: dict) -> Any:
    return result_from_json(answer["result"])


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

    @property
    def alive(self) -> bool:
        """Whether the work goes on; what it has to say may wait still."""
        return self._thread.is_alive()

    def cancel(self) -> None:
        """Ask the work to stop; `on_error` gets a Failure of kind 'cancelled' once it has."""
        self._stop.set()

    def end(self, limit_s: float = END_S) -> None:
        """`cancel`, and wait until the work has stopped, for so long at most: the application is about to end. Nobody is told."""
        self._stop.set()
        self._thread.join(limit_s)

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
