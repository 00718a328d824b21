"""Child processes as whole trees: how they start and end, why one ended, and the worker's pipes and private folder. Standard library only.

Nobody else in the core calls `subprocess`; what the children say is not interpreted here.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..errors import MedSegDLError, ended_for_memory
from ..io.private_folder import remove_private_folder

WINDOWS = sys.platform == "win32"
PRIVATE_VARIABLE = "MEDSEGDL_PRIVATE_FOLDER"  # tells the child which folder to remove should its parent be gone
HEARTBEAT_S = 0.2

# https://learn.microsoft.com/openspecs/windows_protocols/ms-erref (NTSTATUS values), as Python returns them
_WINDOWS_CRASH_CODES = {
    0xC0000005: "access violation",
    0xC000001D: "illegal instruction",
    0xC0000135: "a library is missing",
    0xC0000409: "stack check failed",
}


@dataclass(frozen=True)
class Launch:
    """What to start.

    Attributes:
        arguments: program first.
        environment: the child's whole environment.
        folder: its working folder; None takes ours.
    """

    arguments: tuple[str, ...]
    environment: dict[str, str]
    folder: Path | None = None

    def same_program_as(self, other: Launch | None) -> bool:
        """Whether both start the same program with the same packages; other variables of the environment do not count."""
        if other is None or (self.arguments, self.folder) != (other.arguments, other.folder):
            return False
        return self.environment.get("PYTHONPATH") == other.environment.get("PYTHONPATH")


@dataclass(frozen=True)
class Failure:
    """Why a request did not end well, in the words that the reader sees.

    Attributes:
        kind: usage, input, weights, memory, cancelled (as in `errors`); bug (ours), crash (the process ended),
            torch (a package is missing), python (the interpreter cannot be started), installation.
        message: one sentence: what is wrong.
        remedy: one sentence: what to do.
        details: for the log, may be long.
    """

    kind: str
    message: str
    remedy: str = ""
    details: str = ""

    @classmethod
    def from_json(cls, entry: dict) -> Failure:
        """From a worker's error entry; what is left out is empty."""
        return cls(*(str(entry.get(key, "")) for key in ("kind", "message", "remedy", "details")))


def start_tree(launch: Launch) -> subprocess.Popen:
    """Start a child with pipes on all three streams, as the head of its own tree and without a console window.

    Raises:
        OSError: the program is missing or may not be run.
    """
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    if WINDOWS:
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        return subprocess.Popen(launch.arguments, env=launch.environment, cwd=launch.folder, creationflags=flags, **pipes)
    return subprocess.Popen(launch.arguments, env=launch.environment, cwd=launch.folder, start_new_session=True, **pipes)


def kill_tree(process: subprocess.Popen) -> None:
    """Kill a child of `start_tree` and all its children, at once and without waiting for their end.

    Also works when the child itself is gone and its children are not (POSIX).
    """
    if WINDOWS:
        # Without waiting: taskkill walks the tree by parent ids, so the head must still be there when it starts.
        subprocess.Popen(["taskkill", "/T", "/F", "/PID", str(process.pid)], creationflags=subprocess.CREATE_NO_WINDOW, **_nowhere())
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
        os.killpg(process.pid, signal.SIGKILL)


def _nowhere() -> dict[str, int]:
    return {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


# The leash: a Python that runs another one and kills the whole group once its own stdin ends, which it does however the parent ends.
# Read by os.read: a thread that waits in sys.stdin would hold its lock at the interpreter's end.
_LEASH = """
import os, signal, subprocess, sys, threading
child = subprocess.Popen([sys.executable, *sys.argv[1:]], stdin=subprocess.DEVNULL)
def hold():
    while os.read(0, 1024):
        pass
    if os.name == "nt":
        subprocess.call(["taskkill", "/T", "/F", "/PID", str(os.getpid())])
    else:
        os.killpg(0, signal.SIGKILL)
threading.Thread(target=hold, daemon=True).start()
code = child.wait()
os._exit(code if code >= 0 else 1)
"""


def leashed(launch: Launch) -> Launch:
    """The same call of a Python, so that it and all its children end with this process, even where this one is killed."""
    python, *arguments = launch.arguments
    return Launch((python, "-c", _LEASH, *arguments), launch.environment, launch.folder)


def run_with_lines(launch: Launch, listen: Callable[[str], None]) -> int:
    """Run a child to its end and hear what it says on either stream, line by line.

    Args:
        launch: what to run.
        listen: gets every line, and an empty one every `HEARTBEAT_S` in between. What it raises ends the child's tree and passes through.

    Returns:
        the exit code.

    Raises:
        OSError: the program cannot be started.
    """
    process = start_tree(launch)
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    streams = (process.stdout, process.stderr)
    for stream in streams:
        threading.Thread(target=_read_lines, args=(stream, lines), daemon=True).start()
    try:
        _hear(lines, len(streams), listen)
        return process.wait()
    except BaseException:
        kill_tree(process)
        process.wait()
        raise
    finally:
        process.stdin.close()  # kept open so long: a leash ends with it


def _read_lines(stream: IO[bytes], lines: queue.SimpleQueue[str | None]) -> None:
    with stream:
        for line in stream:
            lines.put(line.decode("utf-8", "replace").rstrip())
    lines.put(None)


def _hear(lines: queue.SimpleQueue[str | None], speakers: int, listen: Callable[[str], None]) -> None:
    """Pass lines on until every speaker has ended."""
    while speakers:
        try:
            line = lines.get(timeout=HEARTBEAT_S)
        except queue.Empty:
            line = ""
        if line is None:
            speakers -= 1
        else:
            listen(line)


def explain_exit(code: int, last_lines: Iterable[str] = ()) -> Failure:
    """A sentence on the end of a process that nobody asked to end.

    Args:
        code: as `Popen.returncode`: negative for a signal (POSIX), NTSTATUS for a crash (Windows).
        last_lines: of its stderr; the last one is quoted after an ordinary exit, all become the details.
    """
    lines = [line for line in last_lines if line.strip()]
    details = "\n".join(lines)
    if ended_for_memory(code):
        message = "The system ended the segmentation process, most likely because memory ran out."
        return Failure("memory", message, "Close other programs, or segment a smaller part of the volume.", details)
    crash = _name_of_crash(code)
    if crash:
        remedy = "Try again; if it happens again, choose the device 'cpu', or another Python for the segmentation."
        return Failure("crash", f"The segmentation process crashed ({crash}).", remedy, details)
    said = f": {lines[-1].strip()}" if lines else ""
    return Failure("crash", f"The segmentation process ended with code {code}{said}.", "Try again; the log shows its last lines.", details)


def _name_of_crash(code: int) -> str:
    if code >= 0:
        return _WINDOWS_CRASH_CODES.get(code & 0xFFFFFFFF, "")
    if -code in {int(known) for known in signal.Signals}:
        return signal.Signals(-code).name
    return _WINDOWS_CRASH_CODES.get(code & 0xFFFFFFFF, f"signal {-code}")


LOG_LINES = 200  # of stderr are kept
LOG_LINE_CHARACTERS = 500
LOG_LAG_S = 0.5  # the last lines of stderr may come a little later than the end
END_S = 5.0  # a killed process is gone long before; then we stop waiting for it


@dataclass(frozen=True)
class Ended:
    """The process is gone; `code` as `Popen.returncode`."""

    code: int


class Child:
    """A running worker. Everything that may wait (pipes, disk, the end of the process) is done by threads.

    Args:
        launch: what to start.
        folder: private folder; removed when the process has ended.

    Raises:
        OSError: the program cannot be started (the folder is removed).
    """

    def __init__(self, launch: Launch, folder: Path) -> None:
        self.folder = folder
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self._inbox: queue.SimpleQueue[dict | Ended] = queue.SimpleQueue()
        self._outbox: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        environment = {**launch.environment, PRIVATE_VARIABLE: str(folder)}
        try:
            self._process = start_tree(Launch(launch.arguments, environment, launch.folder))
        except OSError:
            remove_private_folder(folder)
            raise
        self._log_reader = threading.Thread(target=self._read_log, daemon=True)
        others = [threading.Thread(target=run, daemon=True) for run in (self._read_answers, self._write)]
        self._threads = [self._log_reader, *others]
        for thread in self._threads:
            thread.start()
        atexit.register(self.end, wait=True)

    @property
    def pid(self) -> int:
        """Of the head of the tree."""
        return self._process.pid

    def send(self, number: int, prepare: Callable[[], dict]) -> None:
        """Let the writing thread make a request and send it. A MedSegDLError of `prepare` becomes the request's answer."""
        self._outbox.put(lambda: self._send(number, prepare))

    def remove(self, folder: Path) -> None:
        """Let the writing thread remove a request's files; on Windows those still mapped stay until the end."""
        self._outbox.put(lambda: shutil.rmtree(folder, ignore_errors=True))

    def next_message(self) -> dict | Ended | None:
        """What the process said next, None while there is nothing; `Ended` comes last. Never waits."""
        with contextlib.suppress(queue.Empty):
            return self._inbox.get_nowait()
        return None

    def end(self, wait: bool = False) -> None:
        """Kill the tree and remove the private folder; in the background unless `wait` (at the interpreter's end)."""
        if self._process.returncode is None:  # else its number may be another's by now
            kill_tree(self._process)
        self._outbox.put(None)
        if wait:
            self._clean()
        else:
            threading.Thread(target=self._clean, daemon=True).start()

    def _clean(self) -> None:
        for thread in self._threads:
            thread.join(END_S)
        remove_private_folder(self.folder)
        atexit.unregister(self.end)

    def _send(self, number: int, prepare: Callable[[], dict]) -> None:
        try:
            line = json.dumps(prepare(), default=str) + "\n"
        except MedSegDLError as error:
            self._inbox.put({"id": number, "error": {"kind": error.kind, "message": error.message, "remedy": error.remedy}})
            return
        except Exception as error:  # noqa: BLE001 - the thread must live on, and whoever asked must be told
            message = f"The request cannot be sent ({type(error).__name__}: {error})."
            self._inbox.put({"id": number, "error": {"kind": "bug", "message": message, "remedy": "Please report it with the log."}})
            return
        with contextlib.suppress(OSError, ValueError):  # the process is gone: `Ended` tells it
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()

    def _write(self) -> None:
        while (job := self._outbox.get()) is not None:
            job()
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def _read_answers(self) -> None:
        with self._process.stdout as lines:
            for line in lines:
                self._inbox.put(self._parsed(line))
        code = self._process.wait()
        kill_tree(self._process)  # children that outlived it; its number cannot be another's so soon
        self._log_reader.join(LOG_LAG_S)
        self._inbox.put(Ended(code))

    def _parsed(self, line: bytes) -> dict:
        """A line as a message; one that is not of the protocol goes into the log, and an empty message stands for it."""
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if isinstance(message, dict):
            return message
        self._note(line)
        return {}

    def _read_log(self) -> None:
        with self._process.stderr as lines:
            for line in lines:
                self._note(line)

    def _note(self, line: bytes) -> None:
        self.log.append(line.decode("utf-8", "replace").rstrip()[:LOG_LINE_CHARACTERS])
