"""One worker process as seen from the parent: its pipes, the threads that serve them, its private folder. No Qt, no torch.

`client` decides what is said and to whom it is delivered; here nothing is interpreted.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import queue
import shutil
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .errors import MedSegDLError
from .processes import PRIVATE_VARIABLE, Launch, kill_tree, remove_private_folder, start_tree

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
        except ValueError:
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
