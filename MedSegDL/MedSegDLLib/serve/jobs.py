"""The jobs of a server: their uploads, their queue, their answers, and when each is forgotten. No HTTP; time and worker are handed in."""

from __future__ import annotations

import hashlib
import shutil
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ..errors import MedSegDLError
from ..worker.client import Callbacks
from ..worker.processes import Failure
from ..worker.wire import ANSWERED, ARRAYS, BUSY, GONE, KINDS, RUNNING, SINGLE_ARRAYS, UPLOADING, WAITING

ID_LENGTH = 32
MOST_INPUTS = 16
REMEMBERED = 1000  # jobs that are over, for clients that ask late
NAME_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


class Refused(MedSegDLError):
    """A request that the server does not take: who asks may have done nothing wrong.

    Args:
        kind: `busy`, `gone`, `denied` or one of `errors`.
        status: of HTTP.
    """

    def __init__(self, kind: str, status: int, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.kind, self.status = kind, status


@dataclass(frozen=True)
class Limits:
    """What one server gives away.

    Attributes:
        jobs: that wait or upload at once, of all clients.
        jobs_each: the same of one client (by its address).
        job_bytes: of one job's arrays.
        all_bytes: of all jobs' arrays together.
        silent_s: a job whose client has not been heard of for so long is cancelled.
        kept_s: an answer that nobody fetched is forgotten after so long.
        requests_a_minute: of one client.
    """

    jobs: int = 64
    jobs_each: int = 16
    job_bytes: int = 4 << 30
    all_bytes: int = 32 << 30
    silent_s: float = 60.0
    kept_s: float = 600.0
    requests_a_minute: int = 6000


class Model(Protocol):
    """What does the work: `client.Worker`, or a stand-in."""

    def request(self, kind: str, payload: dict, callbacks: Callbacks) -> int: ...

    def withdraw(self, number: int) -> None: ...

    def cancel(self) -> None: ...


@dataclass
class Upload:
    """An array that is on its way: bytes expected and received, and the hash of all."""

    path: Path
    expected: int
    sha256: str
    received: int = 0
    digest: Any = field(default_factory=hashlib.sha256)


@dataclass
class Job:
    """One request of one client.

    Attributes:
        number: that the client gave it.
        client: its address.
        request: as it came, without the arrays.
        folder: of its files.
        uploads: input key -> upload.
        state: see `wire`.
        heard: when the client was last heard of.
        said: the last progress, or the answer; `version` counts the changes.
    """

    number: str
    client: str
    request: dict
    folder: Path
    uploads: dict[str, Upload]
    heard: float
    state: str = UPLOADING
    said: dict = field(default_factory=dict)
    version: int = 0
    worker_number: int | None = None
    withdrawn_at: float | None = None

    @property
    def expected_bytes(self) -> int:
        """Of all its arrays."""
        return sum(upload.expected for upload in self.uploads.values())

    def say(self, message: dict) -> None:
        """What listeners hear next."""
        self.said, self.version = message, self.version + 1


class Jobs:
    """All jobs of a server. Every method is quick and called from one thread.

    Args:
        folder: private; each job has a folder in it.
        limits: what is given away.
        clock: seconds.
    """

    def __init__(self, folder: Path, limits: Limits, clock: Callable[[], float]) -> None:
        self._folder, self._limits, self._clock = folder, limits, clock
        self._jobs: dict[str, Job] = {}
        self._queue: list[Job] = []
        self._running: Job | None = None
        self._over: OrderedDict[str, str] = OrderedDict()

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def waiting(self) -> int:
        """Jobs in the queue and at work."""
        return len(self._queue) + (self._running is not None)

    def create(self, number: str, client: str, request: dict) -> Job:
        """Take a job, or find the one that this number means already. Raises Refused."""
        if number in self._jobs:
            return self.get(number)
        if len(number) != ID_LENGTH or not set(number) <= set("0123456789abcdef"):
            raise Refused("usage", 400, "A job's number has 32 hexadecimal digits.")
        uploads = _uploads(request, self._folder / number)
        open_jobs = [job for job in self._jobs.values() if job.state != ANSWERED]
        if len(open_jobs) >= self._limits.jobs or sum(job.client == client for job in open_jobs) >= self._limits.jobs_each:
            raise Refused(BUSY, 429, f"The server has {len(open_jobs)} jobs, and takes no more now.", "Try again in a minute.")
        job = Job(number, client, request, self._folder / number, uploads, self._clock())
        if job.expected_bytes > self._limits.job_bytes:
            most = self._limits.job_bytes >> 20
            raise Refused("input", 413, f"The images take {job.expected_bytes >> 20} MiB; the server takes {most}.", "Crop the images.")
        if job.expected_bytes + sum(other.expected_bytes for other in self._jobs.values()) > self._limits.all_bytes:
            raise Refused(BUSY, 429, "The server's disk is full of other jobs.", "Try again in a minute.")
        (job.folder / "in").mkdir(parents=True, mode=0o700)
        self._jobs[number] = job
        self._over.pop(number, None)
        self._enter(job)
        return job

    def get(self, number: str) -> Job:
        """A job, whose client is heard of by that. Raises Refused where it is over or was never here."""
        job = self._jobs.get(number)
        if job is None:
            why = self._over.get(number, "The server does not know this job: it was started anew, or the job is long over.")
            raise Refused(GONE, 410 if number in self._over else 404, why, "Ask again.")
        job.heard = self._clock()
        return job

    def state(self, job: Job) -> dict:
        """What a client is told of its job."""
        received = {key: upload.received for key, upload in job.uploads.items()}
        return {"state": job.state, "received": received, "position": self.position(job)}

    def position(self, job: Job) -> int:
        """Jobs before this one, 0 where it runs or is answered."""
        return self._queue.index(job) + (self._running is not None) if job in self._queue else 0

    def receive(self, job: Job, key: str, offset: int, chunk: bytes, digest: str) -> None:
        """Take a chunk; one that is there already changes nothing. Raises Refused where it does not fit or is damaged."""
        upload = job.uploads.get(key)
        if upload is None:
            raise Refused("usage", 404, f"The job has no input '{key}'.")
        if hashlib.sha256(chunk).hexdigest() != digest:
            raise Refused("usage", 422, "The chunk was damaged on its way.", "Send it again.")
        if offset + len(chunk) <= upload.received:
            return
        if offset != upload.received or offset + len(chunk) > upload.expected:
            raise Refused("usage", 409, f"The next byte of '{key}' is {upload.received} of {upload.expected}, not {offset}.")
        try:
            with upload.path.open("ab") as stream:
                stream.write(chunk)
        except OSError as error:
            self.forget(job, "The server's disk took no more.")
            raise Refused(BUSY, 507, "The server's disk took no more.", "Try again later.") from error
        upload.received += len(chunk)
        upload.digest.update(chunk)
        if upload.received == upload.expected and upload.digest.hexdigest() != upload.sha256:
            self.forget(job, f"The input '{key}' was damaged on its way.")
            raise Refused("usage", 422, f"The input '{key}' was damaged on its way.", "Send it again.")
        self._enter(job)

    def _enter(self, job: Job) -> None:
        """Into the queue, once all is there."""
        if job.state == UPLOADING and all(upload.received == upload.expected for upload in job.uploads.values()):
            job.state = WAITING
            self._queue.append(job)

    def forget(self, job: Job, why: str) -> None:
        """The job is over: nothing of it stays but its number. One at work is withdrawn by the next `step`."""
        self._jobs.pop(job.number, None)
        self._over[job.number] = why
        while len(self._over) > REMEMBERED:
            self._over.popitem(last=False)
        if job in self._queue:
            self._queue.remove(job)
        if job.state != ANSWERED:
            job.say({"error": {"kind": "cancelled", "message": why, "remedy": ""}})
        if job is not self._running:
            shutil.rmtree(job.folder, ignore_errors=True)

    def step(self, model: Model, patience_s: float) -> None:
        """Let go of what nobody wants, and give the model the next job.

        Args:
            model: does one job at a time.
            patience_s: a job that was withdrawn and goes on for so long ends with its process.
        """
        self._expire()
        running = self._running
        if running is not None and running.number not in self._jobs:
            if running.withdrawn_at is None:
                running.withdrawn_at = self._clock()
                model.withdraw(running.worker_number)
            elif self._clock() - running.withdrawn_at > patience_s:
                running.withdrawn_at = float("inf")
                model.cancel()
        if self._running is None and self._queue:
            self._give(model, self._queue.pop(0))

    def _expire(self) -> None:
        now = self._clock()
        for job in list(self._jobs.values()):
            if job.state == ANSWERED and now - job.heard > self._limits.kept_s:
                self.forget(job, "Nobody fetched the answer in time.")
            elif job.state != ANSWERED and now - job.heard > self._limits.silent_s:
                self.forget(job, "The client was not heard of for too long.")

    def _give(self, model: Model, job: Job) -> None:
        self._running, job.state = job, RUNNING
        job.say({"progress": 0.0, "message": "Starting"})

        def progress(fraction: float, message: str) -> None:
            job.say({"progress": fraction, "message": message})

        def answered(answer: object) -> None:
            self._answered(job, {"result": answer})

        def failed(failure: Failure) -> None:
            self._answered(job, {"error": {"kind": failure.kind, "message": failure.message, "remedy": failure.remedy}})

        job.worker_number = model.request(job.request["kind"], _payload(job), Callbacks(progress, answered, failed))

    def _answered(self, job: Job, answer: dict) -> None:
        self._running = None
        if job.number not in self._jobs:
            shutil.rmtree(job.folder, ignore_errors=True)
            return
        shutil.rmtree(job.folder / "in", ignore_errors=True)
        job.state, job.heard = ANSWERED, self._clock()
        job.say(_described(answer, job))


def _uploads(request: dict, folder: Path) -> dict[str, Upload]:
    """The arrays that a request announces. Raises Refused where it makes no sense."""
    kind, inputs = request.get("kind"), request.get("inputs", {})
    if kind not in KINDS or not isinstance(inputs, dict) or not all(isinstance(request.get(key, {}), dict) for key in ("options",)):
        raise Refused("usage", 400, f"A job is one of {', '.join(KINDS)}, with inputs and options.")
    if len(inputs) > MOST_INPUTS or not all(_is_name(key) and isinstance(entry, dict) for key, entry in inputs.items()):
        raise Refused("usage", 400, "The inputs of a job are named by short plain words.")
    uploads = {}
    for key, entry in inputs.items():
        size, digest = entry.get("bytes"), entry.get("sha256")
        if not isinstance(size, int) or isinstance(size, bool) or size < 1 or not isinstance(digest, str):
            raise Refused("usage", 400, f"The input '{key}' states no size and hash.")
        uploads[key] = Upload(folder / "in" / f"{key}.npy", size, digest)
    return uploads


def _is_name(key: object) -> bool:
    return isinstance(key, str) and 0 < len(key) <= ID_LENGTH and set(key) <= NAME_LETTERS


def _payload(job: Job) -> dict:
    """The request for the worker: paths are the server's own, whatever the client wrote."""
    entries = {
        key: {"array": str(job.uploads[key].path), **{name: entry[name] for name in ("affine", "name", "tags", "notes") if name in entry}}
        for key, entry in job.request.get("inputs", {}).items()
    }
    told = {name: job.request[name] for name in ("task", "device") if name in job.request}
    if job.request["kind"] == "warm":
        return told
    options = {name: value for name, value in job.request.get("options", {}).items() if name != "weights"}
    return {**told, "options": options, "inputs": entries, "folder": str(job.folder / "out")}


def _described(answer: dict, job: Job) -> dict:
    """The answer with names in place of the paths of arrays; `array_path` finds them again."""
    result = answer.get("result")
    if job.request["kind"] != "segment" or not isinstance(result, dict):
        return answer
    named = dict(result)
    for field_name in ARRAYS:
        named[field_name] = {key: Path(path).name for key, path in result.get(field_name, {}).items()}
    for field_name in SINGLE_ARRAYS:
        path = result.get(field_name)
        named[field_name] = None if path is None else Path(path).name
    return {"result": named}


def array_path(job: Job, name: str) -> Path:
    """Where an array of the answer lies. Raises Refused where the answer has none of that name."""
    result = job.said.get("result") if job.state == ANSWERED else None
    names = set()
    if isinstance(result, dict):
        names = {entry for field_name in ARRAYS for entry in result.get(field_name, {}).values()}
        names |= {result.get(field_name) for field_name in SINGLE_ARRAYS}
    if name not in names:
        raise Refused("usage", 404, f"The answer has no array '{name}'.")
    return job.folder / "out" / name
