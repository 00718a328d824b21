"""Many desks: `medsegdl serve` under many clients, cut lines, uploads left half done, clients and the server killed. No torch here."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from MedSegDLLib.geometry.image import Image
from MedSegDLLib.worker.client import Callbacks
from MedSegDLLib.worker.processes import Failure
from MedSegDLLib.worker.remote import Address, RemoteWorker
from MedSegDLLib.worker.wire import CHUNK_HASH, VERSION
from Testing.core.serve.odd_server import Cutter, OddServer

from .inputs import ROOT

CLIENTS, REQUESTS_EACH = 50, 10
QUICK_CLIENTS, QUICK_EACH = 10, 5
EVERY_CUT = 10  # one client in so many sits behind a line that is cut time and again
CUTS = (3_000, 60_000, 0, -2_000, -300) * 4
DOOMED = 3  # clients beside the counted ones that ask without end and are killed
SHAPE = (20, 48, 48)
LIMIT_S = 1000.0
SILENT_S = 60.0  # until the server lets go of what a client left
SETTLE_S = 5.0  # after that, until its files are gone
PAUSE_S = 0.002  # between two looks at all clients
ENDLESS = 1 << 30
ROUNDS, ROUND_CLIENTS, ROUND_EACH = 10, 20, 10
QUICK_ROUNDS = 3
CLIENT = """
import sys, time
from MedSegDLLib.worker.remote import Address
from bench.desks import Desk, ENDLESS
desk = Desk(int(sys.argv[1]), Address.parsed(sys.argv[2]), ENDLESS)
while True:
    desk.step()
    time.sleep(0.01)
"""


class Desk:
    """A client that asks one thing after the other and counts how often each was answered."""

    def __init__(self, number: int, address: Address, requests: int) -> None:
        self.worker, self.number = RemoteWorker(), number
        self.answers: list[list] = []
        self._left = requests
        self.worker.start(address)

    @property
    def done(self) -> bool:
        """Whether everything was asked and answered."""
        return self._left == 0 and all(self.answers)

    def step(self) -> None:
        """Deliver what has come; ask the next."""
        self.worker.poll()
        if self._left and all(self.answers):
            self._left -= 1
            heard: list = []
            self.answers.append(heard)
            values = np.random.default_rng([self.number, self._left]).integers(0, 4, SHAPE).astype(np.int16)

            def answered(result) -> None:
                right = all(np.array_equal(result.masks[key], values > level) for level, key in enumerate(("WT", "TC", "ET")))
                heard.append("right" if right else "wrong")

            def failed(failure: Failure) -> None:
                heard.append(f"refused: {failure.message}")

            self.worker.segment({"flair": Image(values, np.eye(4), "")}, "brain", {}, Callbacks(on_result=answered, on_error=failed))


class Harm:
    """What is done to the server while it works, each once so much has been asked: (share of all requests, harm)."""

    def __init__(self, server: OddServer) -> None:
        self.server, self.half_uploads, self.killed_clients = server, 0, 0
        self.memory_mb = [memory_mb(server.process.pid)]
        self._doomed = [self._client(number) for number in range(DOOMED)]
        kills = [(0.1 + 0.25 * number, self._kill_client) for number in range(DOOMED)]
        halves = [(0.2 + 0.25 * number, self._upload_half) for number in range(DOOMED)]
        self._plan = sorted([*kills, *halves, (0.5, self._kill_server)], key=lambda entry: entry[0])

    def look(self, share: float) -> None:
        """Do what is due."""
        while self._plan and share > self._plan[0][0]:
            self._plan.pop(0)[1]()

    def end(self) -> None:
        """No client of these lives on."""
        for client in self._doomed:
            client.kill()
            client.wait()

    def _client(self, number: int) -> subprocess.Popen:
        address = f"http://{self.server.address.token}@127.0.0.1:{self.server.port}"
        paths = os.pathsep.join([str(ROOT), str(ROOT / "MedSegDL")])
        return subprocess.Popen([sys.executable, "-c", CLIENT, str(CLIENTS + number), address], env={**os.environ, "PYTHONPATH": paths})

    def _kill_client(self) -> None:
        client = self._doomed.pop()
        client.kill()
        client.wait()
        self.killed_clients += 1

    def _upload_half(self) -> None:
        """Announce an image, send half of it, and go."""
        line = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=LIMIT_S)
        half = bytes(1 << 16)
        path, token = f"{VERSION}/jobs/{secrets.token_hex(16)}", {"Authorization": f"Bearer {self.server.address.token}"}
        inputs = {"flair": {"bytes": 2 * len(half), "sha256": hashlib.sha256(2 * half).hexdigest()}}
        chunk = {**token, CHUNK_HASH: hashlib.sha256(half).hexdigest()}
        for where, body, headers in (
            (path, json.dumps({"kind": "segment", "task": "brain", "options": {}, "inputs": inputs}), token),
            (f"{path}/inputs/flair?offset=0", half, chunk),
        ):
            line.request("PUT", where, body, headers)
            answer = line.getresponse()
            answer.read()
            if answer.status != http.client.OK:
                raise RuntimeError(f"the half upload was answered with {answer.status}")
        line.close()
        self.half_uploads += 1

    def _kill_server(self) -> None:
        self.memory_mb.append(memory_mb(self.server.process.pid))
        self.server.kill()
        self.server.start()


def measure(quick: bool) -> dict:
    """Every request of every counted client answered once, or refused with a reason, whatever is done to the server meanwhile."""
    clients, each = (QUICK_CLIENTS, QUICK_EACH) if quick else (CLIENTS, REQUESTS_EACH)
    place = Path(tempfile.mkdtemp())
    server = OddServer(place, silent_s=SILENT_S, jobs=2 * CLIENTS)
    cutter = Cutter(server.port)
    cutter.budgets += CUTS
    harm = Harm(server)
    start = time.perf_counter()
    try:
        desks = [Desk(n, cutter.address if n % EVERY_CUT == 0 else server.address, each) for n in range(clients)]
        while not all(desk.done for desk in desks):
            if time.perf_counter() - start > LIMIT_S:
                raise TimeoutError("the clients were not answered in time")
            for desk in desks:
                desk.step()
            harm.look(sum(len(desk.answers) for desk in desks) / (clients * each))
            time.sleep(PAUSE_S)
        seconds = time.perf_counter() - start
        harm.memory_mb.append(memory_mb(server.process.pid))
        left = _left_after(server, SILENT_S + SETTLE_S)
    finally:
        harm.end()
        server.kill()
        shutil.rmtree(place, ignore_errors=True)
    heard = [answer for desk in desks for answer in desk.answers]
    return {
        "clients": clients,
        "requests": len(heard),
        "once": sum(len(answer) == 1 for answer in heard),
        "right": sum(answer[0] == "right" for answer in heard),
        "cuts": cutter.cuts,
        "half_uploads": harm.half_uploads,
        "killed_clients": harm.killed_clients,
        "seconds": seconds,
        "memory_mb": harm.memory_mb,
        "left": left,
    }


def rounds(quick: bool) -> dict:
    """What one server that nobody kills takes after each of several rounds of requests: where its memory ends."""
    place = Path(tempfile.mkdtemp())
    server = OddServer(place, silent_s=SILENT_S, jobs=2 * ROUND_CLIENTS)
    after = [memory_mb(server.process.pid)]
    start = time.perf_counter()
    try:
        for _ in range(QUICK_ROUNDS if quick else ROUNDS):
            _round(server, start + LIMIT_S)
            after.append(memory_mb(server.process.pid))
    finally:
        server.kill()
        shutil.rmtree(place, ignore_errors=True)
    return {"requests": ROUND_CLIENTS * ROUND_EACH, "after_mb": after, "seconds": time.perf_counter() - start}


def _round(server: OddServer, until: float) -> None:
    """So many clients, each with so many requests. Raises RuntimeError where one is not answered rightly."""
    desks = [Desk(number, server.address, ROUND_EACH) for number in range(ROUND_CLIENTS)]
    while not all(desk.done for desk in desks):
        if time.perf_counter() > until:
            raise TimeoutError("the clients were not answered in time")
        for desk in desks:
            desk.step()
        time.sleep(PAUSE_S)
    for desk in desks:
        desk.worker.stop()
        if any(answer != ["right"] for answer in desk.answers):
            raise RuntimeError("a request was not answered once and rightly")


def _left_after(server: OddServer, most_s: float) -> int:
    """Files of jobs on the server's disk, at the latest after so long."""
    deadline = time.monotonic() + most_s
    while server.job_files() and time.monotonic() < deadline:
        time.sleep(1.0)
    return len(server.job_files())


def memory_mb(pid: int) -> float:
    """Of a process, resident."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
