"""HTTP before the jobs: who may ask, how often and how much; chunks in, events and arrays out. The protocol is in `worker.wire`."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import secrets
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ..worker.client import Callbacks, Worker
from ..worker.processes import Failure, Launch
from ..worker.wire import CHUNK_BYTES, CHUNK_HASH, DENIED, HEARTBEAT_S, VERSION
from .jobs import Job, Jobs, Limits, Refused, array_path

LONGEST_REQUEST_BYTES = 1 << 20  # without its arrays; four images with all their tags have some kilobytes
LOOK_EVERY_S = 0.02  # at the worker
TELL_EVERY_S = 0.05
PATIENCE_S = 10.0  # for a withdrawn job, whose network may be in the middle of a convolution
READ_BYTES = 1 << 20
MOST_WRONG_TOKENS = 20  # a minute and address: guessing is hopeless anyway
MINUTE_S = 60.0


class Rates:
    """How often each client asked within the last minute, roughly: a bucket that runs empty evenly."""

    def __init__(self, most_a_minute: int, clock: Callable[[], float]) -> None:
        self._most, self._clock = most_a_minute, clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, client: str) -> bool:
        """Whether the client may ask once more."""
        now = self._clock()
        filled, then = self._buckets.get(client, (0.0, now))
        filled = max(0.0, filled - (now - then) * self._most / MINUTE_S)
        if filled + 1 > self._most:
            return False
        self._buckets[client] = (filled + 1, now)
        if len(self._buckets) > 2 * self._most:
            self._buckets = {key: value for key, value in self._buckets.items() if now - value[1] < MINUTE_S}
        return True


class Service:
    """The routes, and the worker behind them.

    Args:
        folder: private; for the files of jobs.
        token: what clients must show.
        launch: how to start the worker.
        limits: what is given away.
    """

    def __init__(self, folder: Path, token: str, launch: Launch, limits: Limits = Limits()) -> None:
        self.identity = secrets.token_hex(8)
        self.failure: Failure | None = None
        self.stop: Callable[[], None] = lambda: None
        self._token, self._launch, self._limits = token, launch, limits
        self._jobs = Jobs(folder, limits, time.monotonic)
        self._rates = Rates(limits.requests_a_minute, time.monotonic)
        self._wrong = Rates(MOST_WRONG_TOKENS, time.monotonic)
        self._model = Worker(folder)

    def app(self) -> Starlette:
        """For a server of ASGI."""
        job, key = f"{VERSION}/jobs/{{number}}", f"{VERSION}/jobs/{{number}}/inputs/{{key}}"
        routes = [
            Route(f"{VERSION}/info", self._guarded(self._info), methods=["GET"]),
            Route(job, self._guarded(self._create), methods=["PUT"]),
            Route(job, self._guarded(self._state), methods=["GET"]),
            Route(job, self._guarded(self._forget), methods=["DELETE"]),
            Route(key, self._guarded(self._receive), methods=["PUT"]),
            Route(f"{job}/events", self._guarded(self._events), methods=["GET"]),
            Route(f"{job}/arrays/{{name}}", self._guarded(self._array), methods=["GET"]),
        ]
        return Starlette(routes=routes, lifespan=self._lifespan)

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        self._model.start(self._launch, Callbacks(on_error=self._unable))
        loop = asyncio.create_task(self._work())
        try:
            yield
        finally:
            loop.cancel()
            self._model.stop()

    def _unable(self, failure: Failure) -> None:
        """The worker cannot be started: nor can the server go on."""
        if failure.kind != "cancelled":
            self.failure = failure
            self.stop()

    async def _work(self) -> None:
        while True:
            self._model.poll()
            self._jobs.step(self._model, PATIENCE_S)
            await asyncio.sleep(LOOK_EVERY_S)

    def _guarded(self, answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """The route for those who have the token and do not ask too often; what is refused is told in JSON."""

        async def guarded(request: Request) -> Response:
            try:
                self._admit(request)
                return await answer(request)
            except Refused as refused:
                entry = {"kind": refused.kind, "message": refused.message, "remedy": refused.remedy}
                return JSONResponse({"error": entry}, refused.status)
            except ClientDisconnect:
                return Response(status_code=400)

        return guarded

    def _admit(self, request: Request) -> None:
        client = _client(request)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not hmac.compare_digest(token.encode(), self._token.encode()):
            if not self._wrong.take(client):
                raise Refused(DENIED, 429, "Too many wrong tokens.", "Wait a minute.")
            raise Refused(DENIED, 401, "The server does not know this token.", "Copy the address with its token from the server's start.")
        if not self._rates.take(client):
            raise Refused("busy", 429, "Too many requests.", "Wait a minute.")

    async def _info(self, request: Request) -> Response:
        ready = self._model.ready
        told = {"ready": ready, "waiting": self._jobs.waiting, "server": self.identity, "limits": asdict(self._limits)}
        return JSONResponse(told, 200 if ready is not None else 202)

    async def _create(self, request: Request) -> Response:
        body = await _body(request, LONGEST_REQUEST_BYTES)
        try:
            entry = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Refused("usage", 400, "The request is not JSON, or nested too deeply.") from error
        if not isinstance(entry, dict):
            raise Refused("usage", 400, "The request is no JSON object.")
        job = self._jobs.create(request.path_params["number"], _client(request), entry)
        return JSONResponse(self._jobs.state(job))

    async def _state(self, request: Request) -> Response:
        return JSONResponse(self._jobs.state(self._job(request)))

    async def _forget(self, request: Request) -> Response:
        self._jobs.forget(self._job(request), "The client let go of it.")
        return JSONResponse({})

    async def _receive(self, request: Request) -> Response:
        job = self._job(request)
        offset, digest = request.query_params.get("offset", ""), request.headers.get(CHUNK_HASH, "")
        if not offset.isdecimal():
            raise Refused("usage", 400, "A chunk has an offset.")
        chunk = await _body(request, CHUNK_BYTES)
        self._jobs.receive(self._job(request), request.path_params["key"], int(offset), chunk, digest)
        return JSONResponse(self._jobs.state(job))

    async def _events(self, request: Request) -> Response:
        return StreamingResponse(self._told(self._job(request)), media_type="application/x-ndjson")

    async def _told(self, job: Job) -> AsyncIterator[bytes]:
        seen: tuple[int, int] | None = None
        last = time.monotonic()
        while True:
            now, state = time.monotonic(), (job.version, self._jobs.position(job))
            if state != seen or now - last > HEARTBEAT_S:
                line = {} if state == seen else job.said or {"position": state[1]}
                seen, last = state, now
                yield json.dumps(line).encode() + b"\n"
            if job.said.keys() & {"result", "error"}:
                return
            job.heard = now
            await asyncio.sleep(TELL_EVERY_S)

    async def _array(self, request: Request) -> Response:
        job = self._job(request)
        return StreamingResponse(_deflated(array_path(job, request.path_params["name"])), media_type="application/zlib")

    def _job(self, request: Request) -> Job:
        return self._jobs.get(request.path_params["number"])


def _client(request: Request) -> str:
    return request.client.host if request.client else "unknown"


async def _body(request: Request, most: int) -> bytes:
    """The body of a request. Raises Refused where it is longer than `most`, before it is in memory."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise Refused("usage", 413, f"A request of more than {most} bytes is refused.")
        parts.append(part)
    return b"".join(parts)


def _deflated(path: Path) -> Iterator[bytes]:
    """A file, deflated block by block (masks become a hundredth); its checksum at the end tells a client that it has all."""
    packer = zlib.compressobj(1)
    with path.open("rb") as stream:
        while block := stream.read(READ_BYTES):
            if packed := packer.compress(block):
                yield packed
    yield packer.flush()
