"""A server whose worker misbehaves as requests ask it to (`odd_services`), in a process of its own; and a line that can be cut."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from MedSegDLLib.worker.remote import Address

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "a-token-for-the-tests"
SERVER = """
import sys
from pathlib import Path
import uvicorn
from MedSegDLLib.io.private_folder import private_folder, sweep_private_folders
from MedSegDLLib.serve.app import Service
from MedSegDLLib.serve.jobs import Limits
from Testing.core.odd_services import odd_launch
port, place, silent, jobs = int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
sweep_private_folders(place)
with private_folder(place) as folder:
    service = Service(folder, "a-token-for-the-tests", odd_launch(), Limits(silent_s=silent, kept_s=silent, jobs=jobs, jobs_each=jobs))
    tls = dict(zip(("ssl_certfile", "ssl_keyfile"), sys.argv[5:]))
    uvicorn.Server(uvicorn.Config(service.app(), port=port, log_level="error", timeout_graceful_shutdown=1, **tls)).run()
"""


def free_port() -> int:
    """One that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class OddServer:
    """The process, which may be killed and started again at the same port."""

    def __init__(self, place: Path, silent_s: float = 60.0, jobs: int = 8, tls: tuple[str, ...] = ()) -> None:
        self.place, self.port, self._silent_s = place, free_port(), silent_s
        self._jobs, self._tls = jobs, tls
        self.address = Address(bool(tls), "127.0.0.1", self.port, TOKEN)
        self.start()

    def start(self) -> None:
        """Again."""
        paths = os.pathsep.join([str(ROOT), str(ROOT / "MedSegDL")])
        command = [sys.executable, "-c", SERVER, str(self.port), str(self.place), str(self._silent_s), str(self._jobs), *self._tls]
        self.process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": paths})
        until(self._listens)

    def _listens(self) -> bool:
        assert self.process.poll() is None, "the server ended"
        with socket.socket() as line:
            return line.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        """At once, nothing tidied."""
        self.process.kill()
        self.process.wait(20)

    def end(self) -> None:
        """As a service is ended."""
        self.process.terminate()
        self.process.wait(20)

    def job_files(self) -> list[Path]:
        """Arrays of jobs that lie on the server's disk."""
        walked = os.walk(self.place)  # pathlib's rglob raises where a folder goes while it looks (Python 3.11)
        return [Path(parent, name) for parent, _folders, names in walked for name in names if name.endswith(".npy")]


class Cutter:
    """A line to a server that is cut after so many bytes, time and again.

    Attributes:
        budgets: bytes that each connection lets through, in their order: from the client, or to it where negative; those after the last
            are whole.
        cuts: so far.
    """

    def __init__(self, port: int) -> None:
        self._server, self.budgets = port, []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = Address(False, "127.0.0.1", self._listener.getsockname()[1], TOKEN)
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            try:
                server = socket.create_connection(("127.0.0.1", self._server))
            except OSError:  # it is away just now
                client.close()
                continue
            budget = self.budgets.pop(0) if self.budgets else None
            up, down = (budget, None) if budget is None or budget >= 0 else (None, -budget)
            threading.Thread(target=self._carry, args=(client, server, up), daemon=True).start()
            threading.Thread(target=self._carry, args=(server, client, down), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, budget: int | None) -> None:
        try:
            while block := source.recv(4096):
                if budget is not None and len(block) > budget:
                    self.cuts += 1
                    break
                budget = budget and budget - len(block)
                target.sendall(block)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


def until(condition, limit_s: float = 40.0, meanwhile=lambda: None) -> None:
    """Wait, and fail where it does not come."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "nothing came"
        meanwhile()
        time.sleep(0.01)
