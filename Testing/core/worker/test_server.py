"""The child process by itself: what comes out on stdout for what goes in on stdin, and when it ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from MedSegDLLib.errors import ERROR_KINDS, UsageError
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.tasks import TASKS
from MedSegDLLib.worker import server
from MedSegDLLib.worker.environment import Interpreter, Source, worker_launch
from MedSegDLLib.worker.processes import Launch, kill_tree, start_tree
from MedSegDLLib.worker.protocol import images_to_json, read_array, result_from_json

from ..odd_services import FRACTIONS, odd_launch
from ..tiny import head_images, tiny_weights

LIMIT_S = 20.0


class Spoken:
    """A worker spoken to line by line."""

    def __init__(self, launch: Launch) -> None:
        self.process = start_tree(launch)
        self.first = self.read()

    def read(self) -> dict:
        return json.loads(self.process.stdout.readline() or b"{}")

    def write(self, line: str | dict) -> None:
        self.process.stdin.write(((line if isinstance(line, str) else json.dumps(line)) + "\n").encode())
        self.process.stdin.flush()

    def ask(self, request: str | dict) -> list[dict]:
        """All answers to one request, the last one ends it."""
        self.write(request)
        return self.rest()

    def rest(self) -> list[dict]:
        answers = [self.read()]
        while "progress" in answers[-1]:
            answers.append(self.read())
        return answers

    def close(self) -> None:
        kill_tree(self.process)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()
        self.process.wait()


@pytest.fixture(scope="module")
def spoken():
    child = Spoken(odd_launch())
    yield child
    child.close()


@pytest.fixture
def alone():
    child = Spoken(odd_launch())
    yield child
    child.close()


def volume(name: str = "flair.nii.gz") -> Image:
    values = np.random.default_rng(0).integers(0, 4, (3, 4, 5)).astype(np.int16)
    affine = np.array([[0.0, -2.0, 0.0, 7.0], [1.0, 0.0, 0.5, -3.0], [0.0, 0.0, 4.0, 1.0], [0.0, 0.0, 0.0, 1.0]])
    return Image(values, affine, name, {"SeriesDescription": "tirm ä"})


def request(folder: Path, number: int = 1, image: Image | None = None, **options: object) -> dict:
    inputs = images_to_json({"flair": image or volume()}, folder / "in")
    return {"id": number, "segment": {"task": "brain", "inputs": inputs, "options": options, "folder": str(folder / "out")}}


def ended(pid: int, within_s: float) -> bool:
    """Whether a process (maybe no child of ours) ends in time; a zombie has ended."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except OSError:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 0)
                time.sleep(0.02)
                continue
            return True
        time.sleep(0.02)
    return False


def test_says_what_it_is_before_anything_is_asked(spoken):
    assert spoken.first["ready"]["python"] == sys.version.split()[0]


def test_segment_answers_progress_then_the_result(spoken, tmp_path):
    *progress, last = spoken.ask(request(tmp_path, 12))
    assert [answer["progress"] for answer in progress if answer["message"].startswith("At")] == list(FRACTIONS)
    assert {answer["id"] for answer in progress} == {12} and last["id"] == 12
    result, image = result_from_json(last["result"]), volume()
    assert result.grid.same_as(image.grid, 0.0) and result.task is TASKS["brain"] and result.reference == "flair"
    for level, key in enumerate(("WT", "TC", "ET")):
        np.testing.assert_array_equal(result.masks[key], image.array > level)
        assert result.masks[key].dtype == np.uint8
    assert result.instances.dtype == np.uint32 and result.uncertainty.dtype == np.float32
    assert result.record["mean"] == pytest.approx(image.array.mean()) and result.record["names"] == ["flair.nii.gz"]
    assert not list((tmp_path / "out").glob("*.partial"))


@pytest.mark.parametrize("kind", ERROR_KINDS)
def test_errors_of_the_core_keep_their_words(spoken, tmp_path, kind):
    last = spoken.ask(request(tmp_path, 3, do="raise", kind=kind))[-1]
    assert last == {"id": 3, "error": {"kind": kind, "message": "The sentence.", "remedy": "The remedy."}}


@pytest.mark.parametrize("how", ["memory", "torch memory"])
def test_memory_that_runs_out_is_called_so(spoken, tmp_path, how):
    error = spoken.ask(request(tmp_path, do=how))[-1]["error"]
    assert error["kind"] == "memory" and error["remedy"]


def test_memory_of_a_gpu_that_runs_out_is_called_so():
    torch = pytest.importorskip("torch")
    assert server.is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory."))
    assert not server.is_out_of_memory(RuntimeError("shapes differ")) and not server.is_out_of_memory(ValueError("out of memory"))


def test_a_bug_is_told_without_the_patients_name_and_the_worker_goes_on(spoken, tmp_path):
    error = spoken.ask(request(tmp_path, image=volume("Doe^Jane"), do="bug"))[-1]["error"]
    assert error["kind"] == "bug" and "IndexError" in error["message"]
    assert "no such voxel in <flair>" in error["details"] and "Doe" not in json.dumps(error)
    assert "result" in spoken.ask(request(tmp_path, 2))[-1]


def test_a_library_that_exits_does_not_end_the_worker(spoken, tmp_path):
    assert spoken.ask(request(tmp_path, do="exit"))[-1]["error"]["kind"] == "bug"
    assert "result" in spoken.ask({"id": 2, "info": {}})[-1]


def test_noise_on_stdout_does_not_reach_the_protocol(spoken, tmp_path):
    assert "result" in spoken.ask(request(tmp_path, do="noise"))[-1]


def test_writing_into_an_input_leaves_its_file_alone(spoken, tmp_path):
    spoken.ask(request(tmp_path, do="overwrite"))
    np.testing.assert_array_equal(read_array(tmp_path / "in" / "flair.npy"), volume().array)


@pytest.mark.parametrize("line", ["nonsense", "[1, 2]", "{}", '{"id": [1], "info": {}}', '"' + "x" * 100_000 + '"', "\x00\x01"])
def test_garbage_is_answered_with_an_error(spoken, line):
    (answer,) = spoken.ask(line)
    assert answer["id"] is None and answer["error"]["kind"] == "usage" and answer["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        {"dance": {}},
        {"segment": {}},
        {"segment": "brain"},
        {"segment": {"task": "spleen", "inputs": {}, "folder": "x"}},
        {"segment": {"task": ["brain"], "inputs": {}, "folder": "x"}},
        {"segment": {"task": "brain", "inputs": {"flair": {}}, "folder": "x"}},
        {"segment": {"task": "brain", "inputs": {"flair": {"array": "/nowhere.npy", "affine": []}}, "folder": "x"}},
        {"segment": {"task": "brain", "inputs": {}}},
        {"warm": {"task": "spleen"}},
        {"check": {}, "info": {}},
    ],
)
def test_incomplete_requests_are_usage_errors(spoken, body):
    (*_, last) = spoken.ask({"id": 5, **body})
    assert last["id"] == 5 and last["error"]["kind"] == "usage"


def test_an_affine_that_is_none_is_a_usage_error(spoken, tmp_path):
    flat = request(tmp_path)
    flat["segment"]["inputs"]["flair"]["affine"] = np.zeros((4, 4)).tolist()
    assert spoken.ask(flat)[-1]["error"]["kind"] == "usage"


def test_check_warm_and_info(spoken, tmp_path):
    inputs = images_to_json({"flair": volume(), "t1": volume()}, tmp_path)
    findings = spoken.ask({"id": 1, "check": {"task": "brain", "inputs": inputs}})[-1]["findings"]
    assert findings[0]["input"] == "flair,t1" and findings[0]["message"] == "brain"
    warmed = spoken.ask({"id": 2, "warm": {"task": "liver", "device": "cpu"}})[-1]
    assert warmed == {"id": 2, "result": {"task": "liver", "device": "cpu"}}
    assert spoken.ask({"id": 3, "info": {}})[-1]["result"] == spoken.first["ready"]


def test_results_that_cannot_be_written_are_told(spoken, tmp_path):
    asked = request(tmp_path)
    (tmp_path / "out").write_text("in the way")
    error = spoken.ask(asked)[-1]["error"]
    assert error["kind"] == "input" and "WT.npy" in error["message"] and error["remedy"]


def test_cancel_reaches_a_running_and_a_waiting_request(spoken, tmp_path):
    spoken.write(request(tmp_path / "a", 1, do="sleep", pids=str(tmp_path / "pids")))
    spoken.write(request(tmp_path / "b", 2))
    spoken.write({"id": 2, "cancel": True})
    spoken.read()
    spoken.write({"id": 1, "cancel": True})
    first, second = spoken.rest()[-1], spoken.rest()[-1]
    assert (first["id"], first["error"]["kind"]) == (1, "cancelled") and (second["id"], second["error"]["kind"]) == (2, "cancelled")
    assert "result" in spoken.ask(request(tmp_path / "c", 2))[-1]  # a number may come again


def test_ends_when_stdin_ends_even_at_work(alone, tmp_path):
    alone.write(request(tmp_path, do="deaf", pids=str(tmp_path / "pids")))
    while alone.read().get("message") != "Begun":
        pass
    alone.process.stdin.close()
    alone.process.wait(3)


def test_ends_with_its_parent_though_stdin_stays_open(tmp_path):
    """A middle process starts the worker on our pipe and goes; the pipe stays open."""
    launch = odd_launch()
    code = "import subprocess, sys, time; p = subprocess.Popen(sys.argv[1:]); print(p.pid, file=sys.stderr, flush=True); time.sleep(1.5)"
    arguments = (sys.executable, "-c", code, *launch.arguments)
    middle = subprocess.Popen(arguments, env=launch.environment, cwd=launch.folder, stdin=-1, stdout=-1, stderr=-1)
    pid = int(middle.stderr.readline())
    assert "ready" in json.loads(middle.stdout.readline())
    middle.wait(LIMIT_S)
    assert ended(pid, 2 * server.PARENT_WATCH_S + 20)  # a busy machine
    for stream in (middle.stdin, middle.stdout, middle.stderr):
        stream.close()


def test_a_missing_package_is_named_and_the_exit_code_is_3():
    child = Spoken(odd_launch("no torch"))
    assert child.first["unready"]["reason"] == "torch" and sys.executable in child.first["unready"]["message"]
    assert child.process.wait(LIMIT_S) == server.EXIT_MISSING_PACKAGE
    child.close()


def test_a_python_without_any_package_says_so():
    """The real entry point, in a Python that cannot see site-packages."""
    launch = worker_launch(Interpreter(Path(sys.executable), Source.SETTING))
    child = Spoken(Launch((sys.executable, "-S", *launch.arguments[1:]), launch.environment, launch.folder))
    assert child.first["unready"]["reason"] == "numpy" and child.first["unready"]["remedy"]
    assert child.process.wait(LIMIT_S) == server.EXIT_MISSING_PACKAGE
    child.close()


def test_the_real_worker_segments_and_keeps_warm(tmp_path):
    pytest.importorskip("torch")
    weights = tiny_weights(tmp_path, TASKS["brain"])
    images = head_images(("t1",), shape=(12, 14, 13))
    child = Spoken(worker_launch(Interpreter(Path(sys.executable), Source.SETTING)))
    try:
        assert child.first["ready"]["torch"] and child.first["ready"]["device"] in ("cpu", "cuda")
        warm = child.ask({"id": 1, "warm": {"task": "brain", "device": "cpu", "weights": str(weights)}})[-1]
        assert warm["result"] == {"device": "cpu", "weights": "brain.safetensors"}
        body = {"task": "brain", "inputs": images_to_json(images, tmp_path / "in"), "folder": str(tmp_path / "out")}
        options = {"weights": str(weights), "device": "cpu", "uncertainty": True, "keep_bias_field": True}
        *progress, last = child.ask({"id": 2, "segment": {**body, "options": options}})
        result = result_from_json(last["result"])
        assert list(result.masks) == ["WT", "TC", "ET"] and result.grid.same_as(images["t1"].grid)
        assert result.uncertainty.shape == result.grid.shape and set(result.bias_fields) == {"t1"}
        assert result.record["weights"]["file"] == "brain.safetensors"
        fractions = [answer["progress"] for answer in progress]
        assert fractions[-1] == 1.0 and len(fractions) > 5
        assert child.ask({"id": 3, "segment": {**body, "options": {"tempo": 3}}})[-1]["error"]["kind"] == "usage"
        findings = child.ask({"id": 4, "check": body})[-1]["findings"]
        assert findings and findings == result.record["warnings"][: len(findings)]  # those about the result follow
    finally:
        child.close()


@pytest.mark.parametrize(
    "line",
    ["[" * 100_000, '{"id": 1, "info": ' + "[" * 100_000, "x" * (server.LONGEST_REQUEST_BYTES + 5)],
    ids=("lists", "in an object", "long"),
)
def test_a_request_that_cannot_be_parsed_leaves_the_worker_listening(alone, line):
    """Deep nesting ends Python's JSON reader with an error of its own kind; what is longer than any request is not kept."""
    assert alone.ask(line)[-1]["error"]["kind"] == "usage"
    assert alone.ask({"id": 2, "info": {}})[-1]["result"]["torch"]


def test_options_that_are_no_object_are_a_usage_error(spoken, tmp_path):
    body = request(tmp_path)
    body["segment"]["options"] = ["fast"]
    assert spoken.ask(body)[-1]["error"]["kind"] == "usage"


def test_parse_wants_an_id():
    with pytest.raises(UsageError):
        server.parse(b'{"info": {}}')
    assert server.parse(b'{"id": "a", "info": {}}')["id"] == "a"


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="POSIX signals")
def test_ends_its_children_and_removes_its_folder_when_its_parent_is_killed(tmp_path):
    """The parent is a program that uses `client.Worker`, as Slicer would, and is killed in the middle of a request."""
    pids = tmp_path / "pids"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path), str(pids)], env=odd_launch().environment, stdout=-1)
    folder = Path(parent.stdout.readline().decode().strip())
    worker_pid, child_pid = map(int, pids.read_text(encoding="utf-8").split())
    assert folder.is_dir() and folder.stat().st_mode & 0o777 == 0o700
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert ended(worker_pid, 3) and ended(child_pid, 1)
    assert not folder.exists()


def test_a_bug_names_neither_volumes_nor_the_files_of_a_series() -> None:
    request = {"id": 1, "dicom": {"files": ["/data/Doe^Jane 1951/0001"], "inputs": {"t1": {"name": "Doe^Jane"}}}}
    told = server.scrub("cannot read /data/Doe^Jane 1951/0001 of /data/Doe^Jane 1951/DICOMDIR for Doe^Jane", request)
    assert told == "cannot read <file> of <folder>/DICOMDIR for <t1>"


PARENT = """
import pathlib, sys, time
import numpy as np
from MedSegDLLib.worker.client import Callbacks, Worker
from MedSegDLLib.geometry.image import Image
import odd_services
worker = Worker(pathlib.Path(sys.argv[1]))
worker.start(odd_services.odd_launch())
image = Image(np.zeros((2, 2, 2)), np.eye(4))
worker.segment({"t1": image}, "brain", {"do": "sleep", "pids": sys.argv[2]}, Callbacks())
while not pathlib.Path(sys.argv[2]).exists() or " " not in pathlib.Path(sys.argv[2]).read_text(encoding="utf-8"):
    worker.poll()
print(worker._child.folder, flush=True)
time.sleep(60)
"""
