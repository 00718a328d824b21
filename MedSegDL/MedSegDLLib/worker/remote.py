"""The worker of another machine: `client.Worker`'s ways over HTTP to `medsegdl serve`. Standard library and numpy only.

Each request has a thread, which goes on where a connection was cut and asks anew where the server was started anew; callbacks come
from within `poll()`.
"""

from __future__ import annotations

import functools
import hashlib
import http.client
import itertools
import json
import secrets
import shutil
import ssl
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import MedSegDLError, UsageError
from ..geometry.image import Image
from ..io.atomic import file_sha256
from ..io.private_folder import remove_private_folder
from ..progress import Progress
from .client import Background, Callbacks, State, Worker
from .processes import LOG_LINES, Failure, Launch
from .protocol import images_to_json, make_private_folder, result_from_json
from .wire import ARRAYS, CHUNK_BYTES, CHUNK_HASH, GONE, HEARTBEAT_S, SINGLE_ARRAYS, UPLOADING, VERSION

PREFIXES = ("http://", "https://")
PATIENCE_S = 120.0  # for a server that is away: it may be started anew
PAUSES_S = (0.2, 0.5, 1.0, 2.0)  # between tries; the last one again and again
SILENCE_S = 5 * HEARTBEAT_S  # of a stream of events, after which the connection counts as cut
ANSWER_S = 60.0  # for any other answer
MOST_STARTS = 3  # of one job: a server that forgets it time and again is not to be trusted with another
READ_BYTES = 1 << 20


def is_address(setting: str) -> bool:
    """Whether a setting means a server, not a Python."""
    return setting.strip().startswith(PREFIXES)


@dataclass(frozen=True)
class Address:
    """A server: `http://TOKEN@HOST:PORT`, as `medsegdl serve` prints it."""

    secure: bool
    host: str
    port: int
    token: str

    @classmethod
    def parsed(cls, text: str) -> Address:
        """From its text. Raises UsageError where it is none."""
        try:
            parts = urlsplit(text.strip())
            port = parts.port
        except ValueError:
            parts = port = None
        if parts is None or not parts.hostname or not port or not parts.username:
            raise UsageError("This is no address of a server.", "Copy it from the start of `medsegdl serve`: http://TOKEN@HOST:PORT.")
        return cls(parts.scheme == "https", parts.hostname, port, parts.username)

    def __str__(self) -> str:
        """Without the token."""
        return f"{'https' if self.secure else 'http'}://{self.host}:{self.port}"


class Away(MedSegDLError):
    """The server cannot be reached, or the connection was cut."""

    kind = "server"


class Said(MedSegDLError):
    """What the server answered instead of doing what it was asked."""

    def __init__(self, status: int, entry: dict) -> None:
        super().__init__(str(entry.get("message", f"The server answers {status}.")), str(entry.get("remedy", "")))
        self.status, self.kind = status, str(entry.get("kind", "server"))


class Connection:
    """One line to a server; a call that fails closes it, the next one opens it again.

    Args:
        address: of the server.
        limit_s: for an answer, or a line of one.
    """

    def __init__(self, address: Address, limit_s: float = ANSWER_S) -> None:
        self._address, self._limit_s = address, limit_s
        self._line: http.client.HTTPConnection | None = None

    def call(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
        """The response, not read yet.

        Raises:
            Away: no connection, or a cut one.
            Said: the server refuses.
        """
        try:
            self._line = self._line or self._opened()
            told = {"Authorization": f"Bearer {self._address.token}", **(headers or {})}
            self._line.request(method, f"{VERSION}{path}", body, told)
            response = self._line.getresponse()
            if response.status < http.client.BAD_REQUEST:
                return response
            said = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self.away(error) from error
        try:
            entry = json.loads(said)["error"]
        except (ValueError, KeyError, TypeError):
            entry = {}
        raise Said(response.status, entry if isinstance(entry, dict) else {})

    def json(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Any:
        """The answer of `call`."""
        response = self.call(method, path, body, headers)
        return json.loads(b"".join(self.blocks(response)) or b"{}")

    def blocks(self, response: http.client.HTTPResponse) -> Iterator[bytes]:
        """The body. Raises Away where it is cut."""
        try:
            while block := response.read(READ_BYTES):
                yield block
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self.away(error) from error

    def lines(self, response: http.client.HTTPResponse) -> Iterator[dict]:
        """The body's JSON lines, to its end. Raises Away where it is cut."""
        try:
            while line := response.readline():
                yield json.loads(line)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise self.away(error) from error

    def close(self) -> None:
        """Hang up."""
        line, self._line = self._line, None
        if line is not None:
            line.close()

    def away(self, error: Exception) -> MedSegDLError:
        """The failure of a line: `Away`, unless waiting does not help."""
        if isinstance(error, ssl.SSLCertVerificationError):
            reason = f"The certificate of {self._address} is not trusted ({error.verify_message})."
            return MedSegDLError(reason, "Let this machine trust it ($SSL_CERT_FILE).")
        return Away(f"The server {self._address} cannot be reached ({error or type(error).__name__}).", "Check whether it runs.")

    def _opened(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._address.secure else http.client.HTTPConnection
        return kind(self._address.host, self._address.port, timeout=self._limit_s)


class RemoteJob:
    """One request, from its images to its answer, whatever happens on the way.

    Args:
        address: of the server.
        request: kind, task, options.
        images: input key -> image.
        folder: of this request alone, for arrays in and out; exists.
        progress: told of everything, often; raises `Cancelled`.
    """

    def __init__(self, address: Address, request: dict, images: dict[str, Image], folder: Path, progress: Progress) -> None:
        self._line, self._events = Connection(address), Connection(address, SILENCE_S)
        self._folder, self._progress, self._last = folder, progress, (0.0, "Waiting")
        self._number = secrets.token_hex(16)
        self._entries = images_to_json(images, folder / "in")
        self._paths = {key: Path(entry.pop("array")) for key, entry in self._entries.items()}
        for key, path in self._paths.items():
            self._entries[key] |= {"bytes": path.stat().st_size, "sha256": file_sha256(path)}
        self._body = json.dumps({**request, "inputs": self._entries}, default=str).encode()

    def answer(self) -> Any:
        """The answer as the worker gave it; arrays of a result lie in the folder.

        Raises:
            MedSegDLError: what the server or its worker says; Away: it did not come back in time; Cancelled.
        """
        starts = 1
        try:
            while True:
                try:
                    return self._fetched(self._lasting(self._once))
                except Said as said:
                    if said.status not in (http.client.NOT_FOUND, http.client.GONE) or said.kind != GONE or starts == MOST_STARTS:
                        raise
                    starts, self._number = starts + 1, secrets.token_hex(16)
        finally:
            self._let_go()

    def _lasting(self, work: Callable[[], Any]) -> Any:
        """`work`, again while the server is away."""
        tries, until = 0, time.monotonic() + PATIENCE_S
        while True:
            try:
                return work()
            except Away as away:
                if time.monotonic() > until:
                    raise
                self._wait(PAUSES_S[min(tries, len(PAUSES_S) - 1)], away)
                tries += 1

    def _wait(self, seconds: float, away: Away) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._progress(0.0, f"Waiting for the server: {away.message}")
            time.sleep(min(PAUSES_S[0], seconds))

    def _once(self) -> dict:
        """Send what is missing and listen: the last line of the events."""
        state = self._line.json("PUT", f"/jobs/{self._number}", self._body)
        if state["state"] == UPLOADING:
            for key, path in self._paths.items():
                self._upload(key, path, state["received"][key])
        for line in self._events.lines(self._events.call("GET", f"/jobs/{self._number}/events")):
            if "error" in line:
                entry = line["error"]
                raise Said(http.client.OK, entry)
            if "result" in line:
                return line["result"]
            self._tell(line)
        raise self._events.away(ConnectionError("the connection was cut"))

    def _tell(self, line: dict) -> None:
        """Progress, or the position; an empty line is a heartbeat. Each lets a cancel take effect."""
        if "position" in line:
            count = int(line["position"])
            self._last = (0.0, f"Waiting: {count} before this one" if count else "Waiting")
        elif "progress" in line:
            self._last = (float(line["progress"]), str(line.get("message", "")))
        self._progress(*self._last)

    def _upload(self, key: str, path: Path, offset: int) -> None:
        size = path.stat().st_size
        with path.open("rb") as stream:
            while offset < size:
                stream.seek(offset)
                chunk = stream.read(CHUNK_BYTES)
                self._progress(0.0, "Sending the images")
                headers = {CHUNK_HASH: hashlib.sha256(chunk).hexdigest(), "Content-Type": "application/octet-stream"}
                state = self._line.json("PUT", f"/jobs/{self._number}/inputs/{key}?offset={offset}", chunk, headers)
                offset = state["received"][key]

    def _fetched(self, result: Any) -> Any:
        """The answer with its arrays here."""
        if not isinstance(result, dict) or "segments" not in result:
            return result
        here = dict(result)
        for name in ARRAYS:
            here[name] = {key: self._lasting(functools.partial(self._array, array)) for key, array in result[name].items()}
        for name in SINGLE_ARRAYS:
            array = result.get(name)
            here[name] = None if array is None else self._lasting(functools.partial(self._array, array))
        return here

    def _array(self, name: str) -> str:
        """Fetch one array; raises Away where it did not come whole."""
        self._progress(1.0, "Fetching the result")
        path = self._folder / "out" / Path(name).name
        path.parent.mkdir(exist_ok=True)
        unpacker = zlib.decompressobj()
        response = self._line.call("GET", f"/jobs/{self._number}/arrays/{name}")
        try:
            with path.open("wb") as stream:
                for block in self._line.blocks(response):
                    stream.write(unpacker.decompress(block))
        except zlib.error as error:
            self._line.close()
            raise self._line.away(error) from error
        if not unpacker.eof:
            raise self._line.away(ConnectionError("the connection was cut"))
        return str(path)

    def _let_go(self) -> None:
        """Tell the server that nothing of the job is needed any more; if that fails it finds out itself."""
        self._events.close()
        try:
            self._line.json("DELETE", f"/jobs/{self._number}")
        except MedSegDLError:
            self._events.close()
        self._line.close()


@dataclass
class _Request:
    """A request under way."""

    work: Background
    callbacks: Callbacks
    folder: Path


class RemoteWorker:
    """`client.Worker`'s ways to a worker on another machine, or in another process of this one. Nothing here waits.

    Args:
        temporary: where the private folder for the arrays is made; None takes the system's temporary folder.
    """

    def __init__(self, temporary: Path | None = None) -> None:
        self._temporary = temporary
        self._address: Address | None = None
        self._ready: dict | None = None
        self._folder: Path | None = None
        self._greeting: Background | None = None
        self._requests: dict[int, _Request] = {}
        self._ending: list[Background] = []
        self._numbers = itertools.count(1)
        self._due: deque[Callable[[], None]] = deque()
        self._log: deque[str] = deque(maxlen=LOG_LINES)

    @property
    def state(self) -> State:
        """What it is doing now."""
        if self._greeting is not None:
            return State.STARTING
        if self._requests:
            return State.BUSY
        return State.STOPPED if self._ready is None else State.READY

    @property
    def ready(self) -> dict | None:
        """What the server's worker said of itself."""
        return self._ready

    def log_lines(self) -> list[str]:
        """What went wrong on the line lately."""
        return list(self._log)

    def start(self, address: Address, callbacks: Callbacks = Callbacks()) -> None:
        """Ask the server what it is; `on_result` gets what its worker says of itself."""
        if address != self._address:
            self.stop()
        self._address = address
        if self._ready is not None:
            self._due.append(functools.partial(callbacks.on_result, self._ready))
            return

        def greeted(ready: dict) -> None:
            self._greeting, self._ready = None, ready
            callbacks.on_result(ready)

        def failed(failure: Failure) -> None:
            self._greeting = None
            self._log.append(failure.message)
            callbacks.on_error(failure)

        self._greeting = Background(functools.partial(_greeting, address), Callbacks(on_result=greeted, on_error=failed))

    def segment(self, images: dict[str, Image], task_key: str, options: dict, callbacks: Callbacks) -> None:
        """As `client.Worker.segment`; the progress tells also how many wait before. Weights are those of the server."""
        self._ask({"kind": "segment", "task": task_key, "options": options}, images, callbacks, result_from_json)

    def check(self, images: dict[str, Image], task_key: str, callbacks: Callbacks) -> None:
        """As `client.Worker.check`."""
        self._ask({"kind": "check", "task": task_key}, images, callbacks, _as_it_is)

    def warm(self, task_key: str, device: str = "auto", callbacks: Callbacks = Callbacks()) -> None:
        """As `client.Worker.warm`."""
        self._ask({"kind": "warm", "task": task_key, "device": device}, {}, callbacks, _as_it_is)

    def register(self, moving: Image, fixed: Image, callbacks: Callbacks) -> None:
        """As `client.Worker.register`."""
        self._ask({"kind": "register"}, {"moving": moving, "fixed": fixed}, callbacks, _as_it_is)

    def cancel(self) -> None:
        """Give up what is under way; whoever waits is told 'cancelled' in the next poll, the server as soon as it can be."""
        for number in list(self._requests):
            request = self._requests.pop(number)
            request.work.cancel()
            self._ending.append(request.work)
            self._due.append(functools.partial(request.callbacks.on_error, Failure("cancelled", "Cancelled.")))

    def stop(self) -> None:
        """For good, or until the next `start`."""
        self.cancel()
        if self._greeting is not None:
            self._greeting.cancel()
            self._ending.append(self._greeting)
        self._greeting = self._ready = self._address = None
        folder, self._folder = self._folder, None
        if folder is not None:
            remove_private_folder(folder)

    def poll(self) -> None:
        """Deliver what has arrived. Exceptions of callbacks pass through; what else has arrived stays for the next poll."""
        if self._greeting is not None:
            self._greeting.poll()
        for request in list(self._requests.values()):
            request.work.poll()
        self._ending = [work for work in self._ending if work.alive]
        while self._due:
            self._due.popleft()()

    def _ask(self, request: dict, images: dict[str, Image], callbacks: Callbacks, convert: Callable[[Any], Any]) -> None:
        if self._address is None:
            raise RuntimeError("a request before the first start")
        try:
            self._folder = self._folder or make_private_folder(self._temporary)
        except MedSegDLError as error:
            self._due.append(functools.partial(callbacks.on_error, Failure(error.kind, error.message, error.remedy)))
            return
        number, address = next(self._numbers), self._address
        folder = self._folder / str(number)

        def work(progress: Progress) -> Any:
            return convert(RemoteJob(address, request, images, folder, progress).answer())

        def ended(tell: Callable[[Any], None], answer: Any) -> None:
            self._requests.pop(number, None)
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(answer, Failure):
                self._log.append(answer.message)
            tell(answer)

        told = Callbacks(callbacks.on_progress, functools.partial(ended, callbacks.on_result), functools.partial(ended, callbacks.on_error))
        self._requests[number] = _Request(Background(work, told), callbacks, folder)


def _as_it_is(answer: Any) -> Any:
    return answer


def _greeting(address: Address, progress: Progress) -> dict:
    """What the server's worker says of itself, once it has started."""
    line, until = Connection(address), time.monotonic() + PATIENCE_S
    try:
        while True:
            progress(0.0, "Asking the server")
            told = line.json("GET", "/info")
            if told["ready"] is not None:
                return {**told["ready"], "server": str(address), "waiting": told["waiting"]}
            if time.monotonic() > until:
                raise Away(f"The worker of {address} does not start.", "Look at the server.")
            time.sleep(PAUSES_S[1])
    finally:
        line.close()


class AnyWorker:
    """A worker here or on a server, by what `start` is given; the other one is ended."""

    def __init__(self, temporary: Path | None = None) -> None:
        self._here, self._there = Worker(temporary), RemoteWorker(temporary)
        self._chosen: Worker | RemoteWorker = self._here

    def start(self, launch: Launch | Address, callbacks: Callbacks = Callbacks()) -> None:
        """See `Worker.start` and `RemoteWorker.start`."""
        chosen = self._there if isinstance(launch, Address) else self._here
        if chosen is not self._chosen:
            self._chosen.stop()
            self._chosen.poll()
        self._chosen = chosen
        chosen.start(launch, callbacks)

    def __getattr__(self, name: str) -> Any:
        """All else is the chosen one's."""
        return getattr(self._chosen, name)
