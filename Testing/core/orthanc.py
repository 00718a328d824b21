"""Debian's Orthanc on the loopback, for tests: an archive with DICOMweb and DICOM."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
import requests
from pydicom.dataset import Dataset

from .dicom_kinds import save

ORTHANC, PLUGIN = shutil.which("Orthanc"), Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
needs_orthanc = pytest.mark.skipif(
    ORTHANC is None or not PLUGIN.exists(), reason="Orthanc is not there (Debian: apt-get install orthanc orthanc-dicomweb)"
)
LOGIN = ("me", "secret")
START_S = 60.0
TRIES = 3  # another process may take a port that was free


@dataclass(frozen=True)
class Server:
    """An Orthanc of our own.

    Attributes:
        http, dicom: ports.
        login: (user, password) that it asks for; None for none.
    """

    http: int
    dicom: int = 0
    login: tuple[str, str] | None = None

    @property
    def rest(self) -> str:
        return f"http://127.0.0.1:{self.http}"

    @property
    def url(self) -> str:
        return f"{self.rest}/dicom-web"

    def instances(self, modality: str) -> list[Dataset]:
        """What it holds of a modality."""
        query = {"Level": "Instance", "Query": {"Modality": modality}}
        found = requests.post(f"{self.rest}/tools/find", json=query, timeout=20).json()
        files = [requests.get(f"{self.rest}/instances/{one}/file", timeout=20).content for one in found]
        return [pydicom.dcmread(BytesIO(content)) for content in files]

    def store(self, files: Sequence[Dataset], folder: Path) -> None:
        """Let it keep them."""
        for place, one in enumerate(files):
            path = save(one, folder / f"{place}")
            requests.post(f"{self.rest}/instances", data=path.read_bytes(), timeout=20).raise_for_status()


def free_port() -> int:
    """One that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def silent_port() -> Iterator[int]:
    """One that is taken, and at which nobody listens, while the block runs: who connects is refused."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@contextmanager
def running(folder: Path, login: tuple[str, str] | None = None) -> Iterator[Server]:
    """One that keeps its files in a folder, while the block runs; see `Server` for the login."""
    folder.mkdir(parents=True, exist_ok=True)
    server, process = _started(folder, login)
    try:
        yield server
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests of a module."""
    with running(tmp_path_factory.mktemp("orthanc")) as server:
        yield server


@pytest.fixture(scope="module")
def locked_orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that lets in only 'me', whose password is 'secret'. (Debian's 1.10.1 ends at the first TLS connection: TLS is in front of it.)"""
    with running(tmp_path_factory.mktemp("orthanc"), LOGIN) as server:
        yield server


def _started(folder: Path, login: tuple[str, str] | None = None) -> tuple[Server, subprocess.Popen]:
    for number in range(TRIES):
        server = Server(free_port(), free_port(), login)
        settings = _settings(server, folder / f"db{number}")
        (folder / "orthanc.json").write_text(json.dumps(settings), encoding="utf-8")
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([ORTHANC, folder / "orthanc.json"], stdout=log, stderr=log)
        if _answers(server, process):
            return server, process
        process.terminate()
        process.wait(timeout=20)
    raise AssertionError((folder / "log").read_text(encoding="utf-8", errors="replace"))


def _settings(server: Server, storage: Path) -> dict[str, object]:
    return {
        "Name": "test",
        "StorageDirectory": str(storage),
        "IndexDirectory": str(storage),
        "HttpPort": server.http,
        "DicomPort": server.dicom,
        "DicomAet": "ORTHANC",
        "DicomAlwaysAllowStore": True,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": server.login is not None,
        "RegisteredUsers": dict([server.login] if server.login else []),
        "Plugins": [str(PLUGIN)],
        "DicomWeb": {"Enable": True},
    }


def _answers(server: Server, process: subprocess.Popen) -> bool:
    """Whether it has come up, and is ours: another one at the port would not let this process live."""
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        try:
            requests.get(f"{server.rest}/system", timeout=2, auth=server.login).raise_for_status()
            return process.poll() is None
        except requests.RequestException:
            time.sleep(0.2)
    return False
