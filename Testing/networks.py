"""Two machines in one: network namespaces joined by a cable, as root on Linux can make them. Everything in them ends with them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ADDRESSES = ("10.77.0.1", "10.77.0.2")
PATIENCE_S = 20.0


@dataclass(frozen=True)
class Machine:
    """A network namespace.

    Attributes:
        name: of the namespace.
        address: in the network that both share.
        cable: name of its end of the cable.
    """

    name: str
    address: str
    cable: str

    def start(self, *command: str, log: Path, environment: Mapping[str, str] = {}) -> subprocess.Popen:
        """A process of this machine; what it says is appended to the log."""
        with log.open("ab") as stream:
            inside = ["ip", "netns", "exec", self.name, *command]
            return subprocess.Popen(inside, stdout=stream, stderr=subprocess.STDOUT, env={**os.environ, **environment})

    def pids(self) -> set[int]:
        """Of all its processes."""
        found = subprocess.run(["ip", "netns", "pids", self.name], capture_output=True, text=True, check=False)
        return {int(pid) for pid in found.stdout.split()}

    def lose(self, but: set[int] = frozenset()) -> None:
        """The machine is switched off: everything on it is gone at once; processes of these numbers live on."""
        deadline = time.monotonic() + PATIENCE_S
        while left := self.pids() - but:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            assert time.monotonic() < deadline, "a process does not end"
            time.sleep(0.02)


def why_not() -> str:
    """Why two machines cannot be made here; empty where they can."""
    if shutil.which("ip") is None:
        return "`ip` is not installed (apt install iproute2)"
    name = f"medsegdl-try-{os.getpid()}"
    tried = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if tried.returncode:
        return f"`ip netns` is not allowed here: {tried.stderr.strip()}"
    _ip("netns", "del", name)
    return ""


@contextlib.contextmanager
def two_machines() -> Iterator[tuple[Machine, Machine]]:
    """While open, two namespaces that reach each other and nothing else."""
    number = os.getpid()
    machines = tuple(Machine(f"medsegdl-{place}-{number}", address, f"m{place}-{number}") for place, address in enumerate(ADDRESSES))
    try:
        for machine in machines:
            _ip("netns", "add", machine.name)
        one, two = machines
        _ip("link", "add", one.cable, "netns", one.name, "type", "veth", "peer", "name", two.cable, "netns", two.name)
        for machine in machines:
            _ip("-n", machine.name, "addr", "add", f"{machine.address}/24", "dev", machine.cable)
            for device in ("lo", machine.cable):
                _ip("-n", machine.name, "link", "set", device, "up")
        yield one, two
    finally:
        for machine in machines:
            machine.lose()
            subprocess.run(["ip", "netns", "del", machine.name], capture_output=True, check=False)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
