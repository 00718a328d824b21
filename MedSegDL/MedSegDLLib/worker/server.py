"""The child process: requests in on stdin, answers out on stdout, one JSON object a line. `python -m MedSegDLLib.worker`.

Knows the protocol, not the work (see `services`); imports only the standard library until it is known that the rest is there.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import OUT_OF_MEMORY_REMEDY, Cancelled, MedSegDLError, OutOfMemory, UsageError, is_out_of_memory
from ..io.private_folder import remove_private_folder, sweep_private_folders
from ..io.time_limit import hanging
from ..tasks import Task, chosen_task
from .processes import PRIVATE_VARIABLE, WINDOWS

if TYPE_CHECKING:
    from .services import Services

EXIT_MISSING_PACKAGE = 3
PROGRESS_EVERY_S = 0.05  # a tile may take less; the panel's timer would not show more
PARENT_WATCH_S = 1.0
LONGEST_REQUEST_BYTES = 2**24  # arrays go through files; a request of four images with all their tags has some kilobytes
KINDS = ("segment", "check", "warm", "info")


class Channel:
    """The real stdin and stdout, taken away from everybody else.

    What libraries print (also from C) goes to stderr, and nobody else reads stdin: file descriptors 0 and 1 are pointed elsewhere.
    On Windows this also keeps libraries that look at the standard handles while being loaded from waiting for our reading thread.
    """

    def __init__(self) -> None:
        sys.stdout.flush()
        self.requests: BinaryIO = os.fdopen(os.dup(0), "rb")
        self._answers: BinaryIO = os.fdopen(os.dup(1), "wb", buffering=0)
        self._lock = threading.Lock()
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        sys.stdout = sys.stderr

    def send(self, message: dict) -> None:
        """Send one message. A parent that is gone is no error here: the reading thread ends the process."""
        line = (json.dumps(message, default=_plain) + "\n").encode()
        with self._lock, contextlib.suppress(OSError):
            while line:
                line = line[self._answers.write(line) :]


def _plain(value: object) -> object:
    """A numpy number as Python's own, anything else as text."""
    return value.item() if hasattr(value, "item") else str(value)


class Inbox:
    """Requests in their order, read by a thread, and the ids of those that were cancelled since.

    The process ends when stdin does: without a parent there is nobody to work for.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._queue: queue.SimpleQueue[dict] = queue.SimpleQueue()
        self._cancelled: set[Any] = set()
        threading.Thread(target=self._read, daemon=True).start()

    def next_request(self) -> dict:
        """Wait for a request: an object with an id and one of `KINDS`."""
        return self._queue.get()

    def is_cancelled(self, number: object) -> bool:
        """Whether the request was cancelled, waiting or running."""
        return number in self._cancelled

    def forget(self, number: object) -> None:
        """The request is answered."""
        self._cancelled.discard(number)

    def _read(self) -> None:
        for line in _bounded_lines(self._channel.requests):
            try:
                self._sort(line)
            except UsageError as error:
                self._channel.send({"id": None, "error": _entry(error)})
        leave()

    def _sort(self, line: bytes) -> None:
        request = parse(line)
        if request.get("cancel"):
            self._cancelled.add(request["id"])
        else:
            self._queue.put(request)


def _bounded_lines(stream: BinaryIO) -> Iterator[bytes]:
    """The stream's lines; of one that is longer than any request only the beginning, so that it costs no memory."""
    while line := stream.readline(LONGEST_REQUEST_BYTES):
        yield line
        while not line.endswith(b"\n") and len(line) == LONGEST_REQUEST_BYTES:
            line = stream.readline(LONGEST_REQUEST_BYTES)


def parse(line: bytes) -> dict:
    """A line as a request.

    Raises:
        UsageError: not JSON, not an object, or without an id.
    """
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError("A request is not JSON, or nested too deeply.") from error
    if not isinstance(request, dict) or not isinstance(request.get("id"), (int, str)):
        raise UsageError("A request is not an object with an id.")
    return request


def main(services: Services | None = None) -> int:
    """Serve until stdin ends.

    Args:
        services: what to do with requests; None takes the core's.

    Returns:
        the exit code; only where a package is missing, for else the process is left by `leave`.
    """
    channel = Channel()
    watch_parent()
    sweep_private_folders()
    try:
        from . import services as core

        services = services or core.load()
        ready = services.describe()
    except (ImportError, OSError) as error:
        channel.send({"unready": _missing(error)})
        return EXIT_MISSING_PACKAGE
    inbox = Inbox(channel)
    gc.freeze()  # the libraries stay: collecting what a request left need not look through them (0.4 s with torch on a busy core)
    channel.send({"ready": ready})
    while True:
        serve(inbox.next_request(), services, channel, inbox)


def _missing(error: ImportError | OSError) -> dict:
    """The answer where a package is missing (ModuleNotFoundError) or cannot be loaded (a broken library)."""
    package = (getattr(error, "name", None) or "torch").split(".")[0]
    if package == __package__.split(".")[0]:
        return {"reason": package, "message": f"MedSegDL is not installed whole: {error}.", "remedy": "Install the extension anew."}
    message = f"{package} is not installed in {sys.executable}."
    if not isinstance(error, ModuleNotFoundError):
        message = f"{package} is installed in {sys.executable}, but cannot be loaded: {error}."
    return {"reason": package, "message": message, "remedy": f"Install {package}, or choose another Python in the settings."}


def serve(request: dict, services: Services, channel: Channel, inbox: Inbox) -> None:
    """Do what one request asks and answer it, whatever happens."""
    number = request["id"]
    try:
        body = perform(request, services, _reporter(number, channel, inbox))
    except MedSegDLError as error:
        body = {"error": _entry(error)}
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the worker must outlive every request
        body = {"error": explain(error, request)}
    channel.send({"id": number, **body})
    if hanging():  # in a library or on a share: nothing but our end ends it, and the next request starts another process
        os._exit(0)
    inbox.forget(number)
    gc.collect()  # mapped files are let go before the parent removes them


def _reporter(number: object, channel: Channel, inbox: Inbox) -> Callable[[float, str], None]:
    """The request's progress function: sends at most every `PROGRESS_EVERY_S` unless the message changes, and raises Cancelled."""
    last = {"at": 0.0, "message": None}

    def progress(fraction: float, message: str) -> None:
        if inbox.is_cancelled(number):
            raise Cancelled()
        now = time.monotonic()
        if message != last["message"] or now - last["at"] >= PROGRESS_EVERY_S:
            last.update(at=now, message=message)
            channel.send({"id": number, "progress": float(fraction), "message": message})

    return progress


def perform(request: dict, services: Services, progress: Callable[[float, str], None]) -> dict:
    """The answer to a request, less its id. Raises UsageError where it is incomplete, and whatever the service raises."""
    kinds = [kind for kind in (*KINDS, *services.more) if isinstance(request.get(kind), dict)]
    if len(kinds) != 1:
        raise UsageError(f"A request asks for one of {', '.join(KINDS)}.")
    payload = request[kinds[0]]
    progress(0.0, "Starting")
    if kinds[0] in services.more:
        return {"result": services.more[kinds[0]](payload, progress)}
    return {"segment": _segment, "check": _check, "warm": _warm, "info": _info}[kinds[0]](payload, services, progress)


def _segment(payload: dict, services: Services, progress: Callable[[float, str], None]) -> dict:
    from .protocol import images_from_json, result_to_json

    options = _required({"options": {}, **payload}, "options", dict)
    task = _task(payload, options)
    images = images_from_json(_required(payload, "inputs", dict))
    folder = Path(_required(payload, "folder", str))
    result = services.segment(images, task, options, progress)
    progress(1.0, "Handing over")
    return {"result": result_to_json(result, folder)}


def _check(payload: dict, services: Services, progress: Callable[[float, str], None]) -> dict:
    from .protocol import images_from_json

    return {"findings": services.check(images_from_json(_required(payload, "inputs", dict)), _task(payload, payload))}


def _warm(payload: dict, services: Services, progress: Callable[[float, str], None]) -> dict:
    task, weights = _task(payload, payload), payload.get("weights")
    return {"result": services.warm(task, str(payload.get("device", "auto")), Path(weights) if weights else None)}


def _info(payload: dict, services: Services, progress: Callable[[float, str], None]) -> dict:
    return {"result": services.describe()}


def _task(payload: dict, options: dict) -> Task:
    """The task of a request, by its key or by the weights that its options name. Raises UsageError, WeightsError."""
    key, weights = payload.get("task"), options.get("weights")
    if not isinstance(key, str | None) or not isinstance(weights, str | None):
        raise UsageError("The request names its task or its weights by something else than text.")
    return chosen_task(key, weights or None)


def _required(payload: dict, key: str, kind: type) -> Any:
    if not isinstance(payload.get(key), kind):
        raise UsageError(f"The request has no '{key}'.")
    return payload[key]


def _entry(error: MedSegDLError) -> dict:
    return {"kind": error.kind, "message": error.message, "remedy": error.remedy}


def explain(error: BaseException, request: dict) -> dict:
    """An error entry for what no one foresaw: memory that ran out, or a bug (with its traceback, to stderr as well)."""
    if is_out_of_memory(error):
        release_memory()
        return _entry(OutOfMemory("Memory ran out.", OUT_OF_MEMORY_REMEDY))
    details = scrub("".join(traceback.format_exception(error)), request)
    with contextlib.suppress(OSError):  # of a log on a full disk
        print(details, file=sys.stderr, flush=True)
    message = f"MedSegDL failed where it should not ({type(error).__name__} in {_place(error)})."
    return {"kind": "bug", "message": message, "remedy": "Please report it with the log.", "details": details}


def _place(error: BaseException) -> str:
    """Where in this library an error arose: its innermost line that is ours."""
    here = str(Path(__file__).parents[1])
    frame = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(here)][-1]
    return f"{Path(frame.filename).name}, line {frame.lineno}"


def release_memory() -> None:
    """Give back what torch keeps for the next time, so that there is one."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def scrub(text: str, request: dict) -> str:
    """A text without the names of the inputs and of a series' files (they may be a patient's), and of the user's home folder."""
    payload = next((value for value in request.values() if isinstance(value, dict)), {})
    files = payload.get("files")
    for path in files if isinstance(files, list) else ():
        if isinstance(path, str) and path:
            text = text.replace(path, "<file>").replace(str(Path(path).parent), "<folder>")
    inputs = payload.get("inputs")
    for key, entry in inputs.items() if isinstance(inputs, dict) else ():
        name = entry.get("name") if isinstance(entry, dict) else None
        if isinstance(name, str) and name:
            text = text.replace(name, f"<{key}>")
    return text.replace(str(Path.home()), "~")


def watch_parent() -> None:
    """End this process when its parent has ended, also where somebody else keeps our stdin open."""
    parent = os.getppid()
    threading.Thread(target=_wait_for_process if WINDOWS else _wait_for_orphanhood, args=(parent,), daemon=True).start()


def _wait_for_orphanhood(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_WATCH_S)
    leave()


def _wait_for_process(parent: int) -> None:
    synchronize, for_ever = 0x00100000, 0xFFFFFFFF  # winnt.h, winbase.h
    handle = ctypes.windll.kernel32.OpenProcess(synchronize, False, parent)
    if handle:
        ctypes.windll.kernel32.WaitForSingleObject(handle, for_ever)
        leave()


def leave() -> None:
    """End this process at once; if `child.Child` started it, its children too, and remove the folder that the parent no longer can."""
    folder = os.environ.get(PRIVATE_VARIABLE)
    if folder:
        remove_private_folder(Path(folder))
        if not WINDOWS:
            os.killpg(0, signal.SIGKILL)  # `processes.start_tree` made the group: nobody else is in it
    os._exit(0)
