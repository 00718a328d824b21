"""A server in a process of its own and clients before it: the same answers as at home, whatever is cut, killed or restarted."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from MedSegDLLib.commands.main import main
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.serve.app import Rates
from MedSegDLLib.worker.client import Callbacks, SegmentationClient, State
from MedSegDLLib.worker.remote import Address, AnyWorker, RemoteWorker, is_address

from .odd_server import ROOT, TOKEN, Cutter, OddServer, free_port, until

pytest.importorskip("uvicorn", reason="uvicorn is not installed")


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[OddServer]:
    server = OddServer(tmp_path_factory.mktemp("server"))
    yield server
    server.end()


@pytest.fixture
def own_server(tmp_path) -> Iterator[OddServer]:
    """For tests that kill it; its patience is short."""
    (tmp_path / "server").mkdir()
    server = OddServer(tmp_path / "server", silent_s=2.0)
    yield server
    server.kill()


class Desk:
    """A client that remembers what it heard of each request."""

    def __init__(self, address: Address, temporary: Path | None = None) -> None:
        self.worker = RemoteWorker(temporary)
        self.heard: dict[int, list] = {}
        self.worker.start(address, Callbacks(on_result=lambda ready: self.heard.setdefault(-1, [ready])))
        until(lambda: -1 in self.heard, meanwhile=self.worker.poll)

    def segment(self, image: Image, **options) -> int:
        number = len(self.heard)
        said = self.heard[number] = []
        self.worker.segment({"flair": image}, "brain", options, Callbacks(lambda *p: said.append(p), said.append, said.append))
        return number

    def answers(self, number: int) -> list:
        """Of a request, without its progress."""
        return [said for said in self.heard[number] if not isinstance(said, tuple)]

    def wait(self, number: int, limit_s: float = 40.0) -> object:
        until(lambda: self.answers(number), limit_s, self.worker.poll)
        for _ in range(5):
            self.worker.poll()
        assert len(self.answers(number)) == 1, "answered once"
        return self.answers(number)[0]


def image(seed: int = 0, shape: tuple[int, int, int] = (3, 4, 5)) -> Image:
    values = np.random.default_rng(seed).integers(0, 4, shape).astype(np.int16)
    return Image(values, np.diag([2.0, 1.0, 3.0, 1.0]), "Doe flair")


def right(result, given: Image) -> bool:
    same = all(np.array_equal(result.masks[key], given.array > level) for level, key in enumerate(("WT", "TC", "ET")))
    return same and np.array_equal(result.uncertainty, given.array) and np.array_equal(result.instances, given.array > 0)


def test_the_same_result_as_from_a_worker_at_home(server, tmp_path):
    desk = Desk(server.address, tmp_path)
    client: SegmentationClient = desk.worker
    assert client.ready["device"] == "cpu" and client.state is State.READY
    given = image()
    number = desk.segment(given)
    assert client.state is State.BUSY
    result = desk.wait(number)
    assert right(result, given) and result.record["names"] == ["Doe flair"] and np.allclose(result.grid.affine, given.affine)
    said = [message for _, message in (p for p in desk.heard[number] if isinstance(p, tuple))]
    assert "Sending the images" in said and "Fetching the result" in said
    heard = []
    desk.worker.check({"flair": given}, "brain", Callbacks(on_result=heard.append))
    desk.worker.warm("brain", "cpu", Callbacks(on_result=heard.append))
    until(lambda: len(heard) == 2, meanwhile=client.poll)
    assert {"task": "brain", "device": "cpu"} in heard and [
        {"severity": "note", "code": "arrived", "input": "flair", "message": "brain", "remedy": ""}
    ] in heard
    until(lambda: not server.job_files(), meanwhile=client.poll)
    client.stop()
    assert not list(tmp_path.rglob("*.npy"))


def test_failures_are_told_as_at_home_and_the_next_request_works(server):
    desk = Desk(server.address)
    refused = desk.wait(desk.segment(image(), do="raise", kind="input"))
    assert (refused.kind, refused.message, refused.remedy) == ("input", "The sentence.", "The remedy.")
    crashed = desk.wait(desk.segment(image(), do="die"))
    assert crashed.kind == "crash" and "code 7" in crashed.message
    given = image(3)
    assert right(desk.wait(desk.segment(given)), given)


def test_who_waits_is_told_how_many_come_before(server, tmp_path):
    first, second = Desk(server.address), Desk(server.address)
    busy = first.segment(image(), do="sleep", pids=str(tmp_path / "pids"))
    until((tmp_path / "pids").exists, meanwhile=first.worker.poll)
    given = image(5)
    waiting = second.segment(given)
    until(lambda: (0.0, "Waiting: 1 before this one") in second.heard[waiting], meanwhile=second.worker.poll)
    worker = int((tmp_path / "pids").read_text().split()[0])
    first.worker.cancel()
    assert first.wait(busy).kind == "cancelled"
    assert right(second.wait(waiting), given)
    assert Path(f"/proc/{worker}").exists(), "the model stays warm for the others"


def test_a_stranger_gets_nothing(server):
    stranger = RemoteWorker()
    failures = []
    stranger.start(replace(server.address, token="guessed"), Callbacks(on_error=failures.append))
    until(lambda: failures, meanwhile=stranger.poll)
    assert failures[0].kind == "denied" and TOKEN not in str(failures)
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    for headers, method, path, status in (
        ({}, "GET", "/v1/info", 401),
        ({"Authorization": f"Bearer {TOKEN}"}, "PUT", "/v1/jobs/" + "1" * 32, 400),
        ({"Authorization": f"Bearer {TOKEN}"}, "GET", "/v1/jobs/" + "1" * 32 + "/arrays/x", 404),
    ):
        line.request(method, path, b"[" * 2000, headers)
        response = line.getresponse()
        assert response.status == status
        assert json.loads(response.read())["error"]["message"]
    line.request("PUT", "/v1/jobs/" + "1" * 32, b" " * (2 << 20), {"Authorization": f"Bearer {TOKEN}"})
    assert line.getresponse().status == 413
    line.close()


@pytest.mark.parametrize("budgets", [(300,), (40_000, 0, 200_000, 1_000), (-100, *[-3_000] * 6)])
def test_a_line_that_is_cut_again_and_again_costs_nothing_but_time(server, budgets):
    cutter = Cutter(server.port)
    desk = Desk(cutter.address)
    desk.worker.poll()
    cutter.budgets += budgets
    given = image(7, (30, 64, 64))
    assert right(desk.wait(desk.segment(given)), given)
    assert cutter.cuts >= min(len(budgets), 3)


def test_a_server_that_is_killed_and_started_anew_answers_once(own_server, tmp_path):
    desk = Desk(own_server.address)
    given = image(9)
    number = desk.segment(given, do="sleep", pids=str(tmp_path / "pids"))
    until((tmp_path / "pids").exists, meanwhile=desk.worker.poll)
    own_server.kill()
    until(lambda: any("cannot be reached" in said[1] for said in desk.heard[number] if isinstance(said, tuple)), meanwhile=desk.worker.poll)
    second = desk.segment(given)
    (tmp_path / "pids").unlink()
    own_server.start()
    until((tmp_path / "pids").exists, meanwhile=desk.worker.poll)
    assert not desk.answers(number) and not desk.answers(second), "both were asked anew"
    os.kill(int((tmp_path / "pids").read_text().split()[0]), signal.SIGKILL)
    assert desk.wait(number).kind == "memory"
    assert right(desk.wait(second), given)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_https_with_a_certificate_of_ones_own(tmp_path, monkeypatch):
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "cert.pem")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"]
    subprocess.run(
        [*command, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True, capture_output=True
    )
    server = OddServer(tmp_path, tls=(certificate, key))
    try:
        stranger, failures = RemoteWorker(), []
        stranger.start(server.address, Callbacks(on_error=failures.append))
        until(lambda: failures, meanwhile=stranger.poll)
        assert "not trusted" in failures[0].message and "SSL_CERT_FILE" in failures[0].remedy
        monkeypatch.setenv("SSL_CERT_FILE", certificate)
        desk, given = Desk(server.address), image(1)
        assert right(desk.wait(desk.segment(given)), given)
    finally:
        server.end()


CLIENT = """
import sys, time
from pathlib import Path
from Testing.core.serve.test_serve import Desk, image
from MedSegDLLib.worker.remote import Address
desk = Desk(Address.parsed(sys.argv[1]))
desk.segment(image(), do="sleep", pids=sys.argv[2])
desk.segment(image())
while True:
    desk.worker.poll()
    time.sleep(0.01)
"""


def test_a_client_that_is_killed_leaves_nothing_on_the_server(own_server, tmp_path):
    paths = os.pathsep.join([str(ROOT), str(ROOT / "MedSegDL")])
    address = f"http://{TOKEN}@127.0.0.1:{own_server.port}"
    command = [sys.executable, "-c", CLIENT, address, str(tmp_path / "pids")]
    client = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": paths})
    until((tmp_path / "pids").exists)
    assert own_server.job_files()
    client.kill()
    client.wait(20)
    until(lambda: not own_server.job_files())
    given = image(2)
    desk = Desk(own_server.address)
    assert right(desk.wait(desk.segment(given)), given)


def test_addresses_and_pythons_are_told_apart(tmp_path):
    assert is_address(" http://t@h:1") and not is_address("/usr/bin/python3") and not is_address("")
    address = Address.parsed("https://secret@host:8765")
    assert address == Address(True, "host", 8765, "secret") and "secret" not in str(address)
    for wrong in ("http://host:8765", "http://t@host", "http://t@:1", "http://t@h:port", "http://["):
        with pytest.raises(Exception, match="no address"):
            Address.parsed(wrong)


def test_a_server_that_is_not_there_is_said_and_another_worker_can_be_chosen(server, monkeypatch):
    from MedSegDLLib.worker import remote

    worker = AnyWorker()
    failures, ready = [], []
    worker.start(Address(False, "127.0.0.1", free_port(), TOKEN), Callbacks(on_error=failures.append))
    until(lambda: failures, meanwhile=worker.poll)
    assert failures[0].kind == "server" and "cannot be reached" in failures[0].message
    worker.start(server.address, Callbacks(on_result=ready.append))
    until(lambda: ready, meanwhile=worker.poll)
    assert worker.state is State.READY
    monkeypatch.setattr(remote, "PATIENCE_S", 0.5)
    worker.stop()
    assert worker.state is State.STOPPED


def test_a_client_that_asks_too_often_is_slowed_down():
    now = [0.0]
    rates = Rates(60, lambda: now[0])
    assert all(rates.take("a") for _ in range(60)) and not rates.take("a") and rates.take("b")
    now[0] = 1.0
    assert rates.take("a") and not rates.take("a")


def test_the_command_opens_no_door_by_mistake(tmp_path, capfd, monkeypatch):
    monkeypatch.delenv("MEDSEGDL_TOKEN", raising=False)
    assert main(["serve", "--host", "0.0.0.0", "--port", "0"]) == 2
    assert main(["serve", "--certificate", "c.pem"]) == 2
    (tmp_path / "token").write_text("short")
    assert main(["serve", "--token-file", str(tmp_path / "token")]) == 3
    assert "Traceback" not in capfd.readouterr().err


def test_the_command_serves_until_it_is_told_to_end(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "MedSegDL"), "MEDSEGDL_TOKEN": TOKEN, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "MedSegDLLib.commands.main", "serve", "--port", "0"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    address = Address.parsed(process.stdout.readline().split()[-1])
    desk = Desk(address)
    assert desk.worker.ready["torch"]
    taken = subprocess.run([*command[:-1], str(address.port)], env=environment, capture_output=True, text=True, timeout=60)
    assert taken.returncode == 3 and "address already in use" in taken.stderr
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert not list(tmp_path.glob("medsegdl-*"))
