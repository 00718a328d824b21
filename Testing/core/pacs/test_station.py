"""The station at work: what fails is tried again after pauses, what is late is not lost, nothing is done twice; and the whole command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
import requests
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, AllStoragePresentationContexts, evt

from MedSegDLLib.commands.main import main
from MedSegDLLib.errors import InputRefused, MedSegDLError, OutOfMemory
from MedSegDLLib.io.formats import DICOM_RESULTS
from MedSegDLLib.pacs import queue as memory
from MedSegDLLib.pacs import station as room
from MedSegDLLib.pacs.address import Address
from MedSegDLLib.pacs.peer import Peer
from MedSegDLLib.pacs.queue import DONE, FAILED, RECEIVING, Queue
from MedSegDLLib.pacs.station import MOST_TRIES, Pace, Station
from MedSegDLLib.tasks import BRAIN

from ..dicom_kinds import MR, PATIENT, Stack, slices
from ..orthanc import Server, free_port, needs_orthanc, orthanc  # noqa: F401 - a fixture
from ..tiny import head_images, tiny_weights
from . import quick_station

AT_ONCE = Pace(quiet_s=0.0, cut_s=0.0)
LIMIT_S = 240.0


def until(condition: Callable[[], object], limit_s: float = LIMIT_S) -> None:
    limit = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.05)


class Bench:
    """A station whose segmenter and archive do what they are told: each call takes the next of `failures`."""

    def __init__(self, folder: Path, pace: Pace = AT_ONCE) -> None:
        self.queue = Queue(folder / "queue", 10**6)
        self.said: list[str] = []
        self.segmented: Counter = Counter()
        self.sent: Counter = Counter()
        self.failures: list[Exception] = []
        self.refusals: list[Exception] = []
        self.station = Station(self.queue, folder, self._segment, self._send, pace, self.said.append)

    def _segment(self, place: Path, folder: Path, go_on: Callable[[], None]) -> None:
        self.segmented[place.name] += 1
        if self.failures:
            raise self.failures.pop(0)
        folder.mkdir(exist_ok=True)

    def _send(self, path: Path) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.sent[path.name] += 1

    def ends(self, state: str) -> None:
        """Work until every study is in a state."""
        self.station.start()
        until(lambda: set(self.queue.states().values()) == {state} or self.station.failure, 60)
        self.station.close()
        assert self.station.failure is None

    def receive(self, count: int = 3) -> None:
        for place in range(count):
            self.queue.receive("1.2", f"1.2.{place}", b"%d" % place, wanted=True)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(memory, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(room, "LOOK_S", 0.01)
    return Bench(tmp_path)


def test_an_archive_that_answers_with_errors_gets_each_file_once_in_the_end(bench: Bench) -> None:
    bench.receive()
    bench.refusals = [InputRefused("The archive answers with an error (500).")] * 3 + [MedSegDLError("No answer came.")]
    bench.ends(DONE)
    assert bench.sent == dict.fromkeys(DICOM_RESULTS, 1) and bench.segmented == {"0001": 1}
    assert sum("Tried again in" in line for line in bench.said) == 4


def test_a_moment_without_memory_is_tried_again_and_a_study_that_cannot_be_segmented_is_not(bench: Bench) -> None:
    bench.receive()
    bench.failures = [OutOfMemory("Too little."), MedSegDLError("It crashed.")]
    bench.ends(DONE)
    assert bench.segmented == {"0001": 3}


@pytest.mark.parametrize("failures", [[InputRefused("No series fits.")], [OutOfMemory("Too little.")] * MOST_TRIES])
def test_what_fails_for_good_is_told_once_and_nothing_is_sent(bench: Bench, failures: list[Exception]) -> None:
    bench.receive()
    bench.failures = list(failures)
    bench.ends(FAILED)
    assert not bench.sent and bench.segmented["0001"] == len(failures)
    assert sum("failed" in line for line in bench.said) == 1


def test_slices_that_come_while_it_is_segmented_are_not_left_out(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.receive(3)
    plain_segment = bench.station._segment

    def segment(place: Path, folder: Path, go_on: Callable[[], None]) -> None:
        plain_segment(place, folder, go_on)
        bench.receive(5)

    monkeypatch.setattr(bench.station, "_segment", segment)
    bench.ends(DONE)
    assert bench.segmented == {"0001": 2} and bench.sent == dict.fromkeys(DICOM_RESULTS, 1)


def test_a_disk_without_room_for_a_result_is_waited_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LEAST_FREE_BYTES", 1 << 62)
    bench.receive()
    bench.station.start()
    time.sleep(0.2)
    assert not bench.segmented
    monkeypatch.undo()
    until(lambda: set(bench.queue.states().values()) == {DONE}, 60)
    bench.station.close()


def test_a_mistake_of_ours_does_not_look_like_waiting(bench: Bench) -> None:
    bench.receive()
    bench.failures = [ZeroDivisionError()]
    bench.station.start()
    until(lambda: bench.station.failure, 60)
    assert isinstance(bench.station.failure, ZeroDivisionError)
    bench.station.close()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--study", "1.2"], "--study names"),
        (["--quiet-s", "0"], "above zero"),
        (["--only", "Nothing=1"], "no tag"),
        (["--send-to", "nowhere"], "no address"),
        (["--certificate", "x.pem"], "belong together"),
    ],
)
def test_options_that_make_no_sense(tmp_path: Path, more: list[str], says: str, capfd: pytest.CaptureFixture) -> None:
    given = ["dicomweb", "--listen", "STATION:0", "--task", "brain", "-o", str(tmp_path / "out"), *more]
    assert main(given) == 2 and says in capfd.readouterr().err
    assert main(["dicomweb", "--listen", "STATION@10.0.0.1:0", "--task", "brain", "-o", str(tmp_path / "out")]) == 2
    assert main(["dicomweb", "--task", "brain", "-o", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()


def study() -> list[Dataset]:
    """Two series of 33 x 33."""
    made = []
    for number, (key, image) in enumerate(head_images(("flair", "t1ce"), (12, 33, 33)).items(), start=1):
        tags = {"SeriesDescription": {"flair": "t2 flair", "t1ce": "t1 gd"}[key], "series": f"{number}"}
        made += slices(image.array, Stack(spacing_mm=(6.0, 6.0, 6.0)), kind=MR, **tags)
    return made


class Command:
    """`medsegdl dicomweb --listen` as a process of its own.

    Args:
        module: the command's, or `quick_station`.

    Attributes:
        port: where it listens.
    """

    def __init__(self, folder: Path, send_to: str, module: str = "MedSegDLLib.commands.main") -> None:
        self.folder = folder
        weights = tiny_weights(folder, BRAIN)
        given = ["--listen", "STATION:0", "--send-to", send_to, "--task", "brain", "--weights", str(weights), "--device", "cpu"]
        more = ["--quiet-s", "0.3", "--no-bias-correction", "--brain-extraction", "off", "-o", str(folder / "out")]
        call = [sys.executable, "-m", module, "dicomweb", *given, *more]
        root = Path(__file__).resolve().parents[3]
        environment = {
            **os.environ,
            "PYTHONPATH": f"{root / 'MedSegDL'}{os.pathsep}{root}",
            "TMPDIR": str(folder / "tmp"),
            "OMP_NUM_THREADS": "1",
        }
        (folder / "tmp").mkdir(exist_ok=True)
        self.log = folder / "log"
        self._start = len(self.said)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(call, stdout=log, stderr=log, env=environment)
        until(lambda: "Listening" in self.news or self.process.poll() is not None)
        assert self.process.poll() is None, self.news
        self.port = int(self.news.split("port ")[1].split(".")[0])

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""

    @property
    def news(self) -> str:
        """What it said since it was started."""
        return self.said[self._start :]

    def waits_for(self, words: str) -> None:
        until(lambda: words in self.news or self.process.poll() is not None)
        assert words in self.news, self.news

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


@contextmanager
def archiving() -> Iterator[tuple[int, list[Dataset]]]:
    """Another side that keeps what it is sent; the first object it refuses. Its port, and what it has."""
    kept: list[Dataset] = []
    refused = []

    def store(event: evt.Event) -> int:
        if not refused:
            refused.append(event)
            return 0xA700
        data_set = event.dataset
        data_set.file_meta = event.file_meta
        kept.append(data_set)
        return 0x0000

    entity = AE(ae_title="ARCHIVE")
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(context.abstract_syntax, ExplicitVRLittleEndian)
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, store)])
    try:
        yield server.server_address[1], kept
    finally:
        server.shutdown()


def sends(port: int, files: list[Dataset], cut: bool = False) -> None:
    entity = AE(ae_title="SENDER")
    entity.add_requested_context(MR, ExplicitVRLittleEndian)
    link = entity.associate("127.0.0.1", port, ae_title="STATION")
    assert link.is_established
    assert [link.send_c_store(one).Status for one in files] == [0] * len(files)
    link.abort() if cut else link.release()


def left_over(folder: Path) -> list[str]:
    """Processes of a station in this folder (Linux)."""
    lines = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = place.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        lines += [line] if str(folder) in line else []
    return lines


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is a signal of POSIX")
def test_killed_at_any_moment_nothing_is_lost_or_sent_twice(tmp_path: Path) -> None:
    with archiving() as (port, kept):
        _killed_twice(tmp_path, port, kept)


def _killed_twice(tmp_path: Path, port: int, kept: list[Dataset]) -> None:
    files = study()
    station = Command(tmp_path, f"ARCHIVE@127.0.0.1:{port}")
    sends(station.port, files[:5], cut=True)
    station.end(signal.SIGKILL)  # while it is receiving
    station = Command(tmp_path, f"ARCHIVE@127.0.0.1:{port}")
    sends(station.port, files)
    station.waits_for(f"{len(files)} slices, complete")
    station.end(signal.SIGKILL)  # while it is segmenting
    until(lambda: not left_over(tmp_path))
    station = Command(tmp_path, f"ARCHIVE@127.0.0.1:{port}")
    station.waits_for("study 1: sent")
    assert station.end(signal.SIGTERM) == 130
    assert Counter(one.Modality for one in kept) == {"SEG": 1, "SR": 1, "OT": 1}
    assert {str(one.PatientName) for one in kept} == {PATIENT} and {one.StudyInstanceUID for one in kept} == {files[0].StudyInstanceUID}
    assert "Tried again in" in station.said, "the first was refused"
    assert PATIENT.split("^")[0].lower() not in station.said.lower()
    assert not left_over(tmp_path) and not [path for path in (tmp_path / "tmp").iterdir() if path.name.startswith("medsegdl-")]


MORTAL = """
import os, signal, sys
from pathlib import Path
from pynetdicom import AE, AllStoragePresentationContexts, evt
port, kept, dies = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
def die():
    os.kill(os.getpid(), signal.SIGKILL)
def store(event):
    if dies == "before":
        die()
    with (kept / event.request.AffectedSOPInstanceUID).open("ab") as stream:
        stream.write(b"x")
    if dies == "after":
        die()
    return 0
entity = AE(ae_title="ARCHIVE")
for context in AllStoragePresentationContexts:
    entity.add_supported_context(context.abstract_syntax, context.transfer_syntax)
entity.start_server(("127.0.0.1", port), evt_handlers=[(evt.EVT_C_STORE, store)])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is a signal of POSIX")
def test_an_archive_that_is_killed_before_or_after_it_stored_has_every_object_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was stored and not answered is sent again: the same object, so that the archive has it once."""
    monkeypatch.setattr(memory, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(memory, "LONGEST_PAUSE_S", 0.2)
    monkeypatch.setattr(room, "MOST_SENDS", 1_000_000)  # a busy machine starts an archive slowly
    monkeypatch.setattr(room, "LOOK_S", 0.01)
    monkeypatch.setattr(quick_station, "WORK_S", 0.0)
    kept, port = tmp_path / "kept", free_port()
    kept.mkdir()
    queue = Queue(tmp_path / "queue", 10**9)
    for one in study()[:3]:
        stream = BytesIO()
        pydicom.dcmwrite(stream, one, enforce_file_format=True)
        queue.receive("1.2", one.SOPInstanceUID, stream.getvalue(), wanted=True)
    send = Peer(Address("ARCHIVE", "127.0.0.1", port), "STATION").send
    station = Station(queue, tmp_path, lambda slices, folder, go_on: quick_station.segment(slices, folder), send, AT_ONCE)
    station.start()
    try:
        for dies in ("before", "after", "never"):
            archive = subprocess.Popen([sys.executable, "-c", MORTAL, str(port), str(kept), dies])
            if dies != "never":
                assert archive.wait(LIMIT_S) == -signal.SIGKILL
        until(lambda: set(queue.states().values()) == {DONE} or station.failure)
    finally:
        station.close()
        archive.kill()
        archive.wait()
    assert station.failure is None
    results = [pydicom.dcmread(tmp_path / "0001" / name).SOPInstanceUID for name in DICOM_RESULTS]
    assert {path.name: path.stat().st_size for path in kept.iterdir()} == {results[0]: 2, results[1]: 1, results[2]: 1}


@needs_orthanc
def test_orthanc_sends_a_study_and_gets_its_results(orthanc: Server, tmp_path: Path) -> None:  # noqa: F811
    station = Command(tmp_path, f"ORTHANC@127.0.0.1:{orthanc.dicom}")
    files = study()
    orthanc.store(files, tmp_path / "slices")
    requests.put(f"{orthanc.rest}/modalities/station", json=["STATION", "127.0.0.1", station.port], timeout=20).raise_for_status()
    (there,) = requests.get(f"{orthanc.rest}/studies", timeout=20).json()
    requests.post(f"{orthanc.rest}/modalities/station/store", data=there, timeout=60).raise_for_status()
    station.waits_for("study 1: sent")
    (back,) = orthanc.instances("SEG")
    assert len(orthanc.instances("SR")) == len(orthanc.instances("OT")) == 1
    assert back.Rows == back.Columns == 33 and back.pixel_array.shape[1:] == (33, 33) and np.isin(back.pixel_array, (0, 1)).all()
    requests.post(f"{orthanc.rest}/modalities/station/store", data=there, timeout=60).raise_for_status()  # now with our own results
    time.sleep(1)
    assert station.end(signal.SIGTERM) == 130
    assert station.said.count("complete") == 1 and len(orthanc.instances("SEG")) == 1
    assert set(Queue(tmp_path / "out" / "queue", 1).states().values()) <= {DONE, RECEIVING}
