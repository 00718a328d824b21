"""The parent's side with real children: answers, failures, cancel, crashes, and what is left behind (nothing)."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from MedSegDLLib.errors import Cancelled, InputRefused, UsageError
from MedSegDLLib.io.private_folder import LOCK_FILE, remove_private_folder
from MedSegDLLib.io.private_folder import PREFIX as PRIVATE_PREFIX
from MedSegDLLib.network.weights import find_weights
from MedSegDLLib.tasks import BRAIN
from MedSegDLLib.worker.client import Background, Callbacks, SegmentationClient, State, Worker
from MedSegDLLib.worker.processes import Failure, Launch, explain_exit
from MedSegDLLib.worker.protocol import read_array, write_array

from ..odd_services import FRACTIONS, odd_launch
from .test_server import ended, volume

LIMIT_S = 20.0
LONGEST_POLL_S = 0.05


@dataclass
class Heard:
    """Callbacks that remember."""

    progress: list[tuple[float, str]] = field(default_factory=list)
    results: list = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    @property
    def callbacks(self) -> Callbacks:
        return Callbacks(lambda *said: self.progress.append(said), self.results.append, self.failures.append)

    @property
    def done(self) -> bool:
        return bool(self.results or self.failures)


def wait_for(worker: Worker | Background, condition, limit_s: float = LIMIT_S) -> None:
    """Poll as the panel's timer does."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "nothing came"
        worker.poll()
        time.sleep(0.005)


def started(temporary: Path, *arguments: str) -> Worker:
    worker = Worker(temporary)
    heard = Heard()
    worker.start(odd_launch(*arguments), heard.callbacks)
    wait_for(worker, lambda: heard.done)
    return worker


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    """One that no test kills."""
    worker = started(tmp_path_factory.mktemp("shared"))
    yield worker
    worker.stop()


@pytest.fixture
def mortal(tmp_path):
    worker = started(tmp_path)
    yield worker
    worker.stop()


def asked(worker: Worker, options: dict | None = None, wait: bool = True) -> Heard:
    heard = Heard()
    worker.segment({"flair": volume()}, "brain", options or {}, heard.callbacks)
    if wait:
        wait_for(worker, lambda: heard.done)
    return heard


def private_folders(temporary: Path) -> list[Path]:
    return list(temporary.glob(PRIVATE_PREFIX + "*"))


def test_the_client_side_needs_neither_torch_nor_slicer():
    """Slicer imports it before torch is installed."""
    code = "import sys, MedSegDLLib.worker.client, MedSegDLLib.worker.environment; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env=odd_launch().environment, capture_output=True, check=True)
    assert not {"torch", "SimpleITK", "slicer", "vtk", "qt", "safetensors"} & set(done.stdout.decode().split())


def test_result_comes_back_on_the_images_grid(worker):
    heard = asked(worker)
    (result,) = heard.results
    assert not heard.failures and result.grid.same_as(volume().grid, 0.0)
    np.testing.assert_array_equal(result.masks["TC"], volume().array > 1)
    assert [said[0] for said in heard.progress if said[1].startswith("At")] == list(FRACTIONS)


def test_a_result_stays_readable_when_its_files_are_gone(worker):
    first = asked(worker).results[0]
    for _ in range(3):
        asked(worker)
    np.testing.assert_array_equal(first.masks["WT"], volume().array > 0)


def test_the_files_of_a_request_are_removed_with_its_answer(mortal, tmp_path):
    asked(mortal)
    (folder,) = private_folders(tmp_path)
    wait_for(mortal, lambda: [path.name for path in folder.iterdir()] == [LOCK_FILE])


def test_states(tmp_path):
    worker = Worker(tmp_path)
    assert worker.state is State.STOPPED and worker.ready is None
    heard = Heard()
    worker.start(odd_launch(), heard.callbacks)
    assert worker.state is State.STARTING
    wait_for(worker, lambda: heard.done)
    assert worker.state is State.READY and heard.results == [worker.ready] and worker.ready["device"] == "cpu"
    waiting = asked(worker, wait=False)
    assert worker.state is State.BUSY
    wait_for(worker, lambda: waiting.done)
    assert worker.state is State.READY
    worker.stop()
    assert worker.state is State.STOPPED


def test_requests_made_before_it_is_ready_are_answered_in_their_order(tmp_path):
    worker = Worker(tmp_path)
    worker.start(odd_launch())
    order: list[str] = []
    worker.warm("liver", "cpu", Callbacks(on_result=lambda answer: order.append(answer["task"])))
    worker.check({"t1": volume()}, "brain", Callbacks(on_result=lambda findings: order.append(findings[0]["code"])))
    worker.request("info", {}, Callbacks(on_result=lambda answer: order.append(answer["device"])))
    wait_for(worker, lambda: len(order) == 3)
    assert order == ["liver", "arrived", "cpu"]
    worker.stop()


def test_starting_again_is_free_and_another_launch_replaces_it(mortal):
    heard, pid = Heard(), mortal.ready["pid"]
    mortal.start(odd_launch(), heard.callbacks)
    wait_for(mortal, lambda: heard.done)
    assert heard.results[0]["pid"] == pid
    other = Heard()
    mortal.start(odd_launch("talks early"), other.callbacks)
    wait_for(mortal, lambda: other.done)
    assert other.results[0]["pid"] != pid and ended(pid, 2)
    assert mortal.log_lines() == ["a word before anything"]


def test_failures_of_the_core_keep_their_words(worker):
    (failure,) = asked(worker, {"do": "raise", "kind": "weights"}).failures
    assert failure == Failure("weights", "The sentence.", "The remedy.")


def test_a_bug_leaves_its_traceback_in_the_log(worker):
    (failure,) = asked(worker, {"do": "bug"}).failures
    assert failure.kind == "bug" and "IndexError" in failure.details
    wait_for(worker, lambda: any("IndexError" in line for line in worker.log_lines()))


def test_noise_is_kept_in_the_log(worker):
    assert asked(worker, {"do": "noise"}).results
    wait_for(worker, lambda: {"noise of Python", "noise of C", "noise of a child"} <= set(worker.log_lines()))


def test_the_log_is_bounded(mortal):
    for _ in range(30):
        asked(mortal, {"do": "bug"})
    assert len(mortal.log_lines()) == 200 and max(map(len, mortal.log_lines())) <= 500


def test_options_may_be_paths_and_arrays_that_cannot_be_sent_are_told(worker):
    assert asked(worker, {"weights": find_weights(BRAIN)}).results
    heard = Heard()
    worker.segment({"t1": replace(volume(), array=np.full((1, 1, 1), None))}, "brain", {}, heard.callbacks)
    wait_for(worker, lambda: heard.done)
    assert heard.failures[0].kind == "bug" and asked(worker).results


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_killed_worker_is_reported_as_memory_and_the_next_request_gets_a_new_one(mortal, tmp_path):
    pids = tmp_path / "pids"
    heard = asked(mortal, {"do": "deaf", "pids": str(pids)}, wait=False)
    wait_for(mortal, lambda: pids.exists() and pids.read_text(encoding="utf-8"))
    os.kill(int(pids.read_text(encoding="utf-8")), 9)
    wait_for(mortal, lambda: heard.done, 2)
    (failure,) = heard.failures
    assert failure.kind == "memory" and "memory ran out" in failure.message and failure.remedy
    assert mortal.state is State.STOPPED
    assert asked(mortal).results and mortal.ready["pid"] != int(pids.read_text(encoding="utf-8"))


def test_an_exit_code_is_reported_with_the_last_words(mortal):
    (failure,) = asked(mortal, {"do": "die"}).failures
    assert failure.kind == "crash" and "code 7" in failure.message and "last words" in failure.message
    assert mortal.log_lines()[-1] == "last words"  # the log outlives the process


def test_a_crash_in_a_library_is_named(mortal):
    (failure,) = asked(mortal, {"do": "crash"}).failures
    assert failure.kind == "crash" and ("SIGSEGV" in failure.message or "access violation" in failure.message)


def test_everybody_who_waits_is_told_of_a_crash(mortal):
    waiting = [asked(mortal, {"do": "die"}, wait=False), asked(mortal, wait=False), asked(mortal, wait=False)]
    wait_for(mortal, lambda: all(heard.done for heard in waiting))
    assert [heard.failures[0].kind for heard in waiting] == ["crash"] * 3


@pytest.mark.skipif(os.name == "nt", reason="POSIX process groups")
def test_cancel_kills_the_whole_tree_within_a_second_and_leaves_nothing(mortal, tmp_path):
    pids = tmp_path / "pids"
    heard = asked(mortal, {"do": "sleep", "pids": str(pids)}, wait=False)
    wait_for(mortal, lambda: pids.exists() and " " in pids.read_text(encoding="utf-8"))
    start = time.monotonic()
    mortal.cancel()
    assert time.monotonic() - start < LONGEST_POLL_S and mortal.state is State.STOPPED
    assert all(ended(int(pid), 1.0) for pid in pids.read_text(encoding="utf-8").split())
    mortal.poll()
    assert [failure.kind for failure in heard.failures] == ["cancelled"] and not heard.results
    wait_for(mortal, lambda: not private_folders(tmp_path), 2)
    assert asked(mortal).results  # and the next click works


def test_cancel_leaves_an_idle_worker_warm(mortal):
    pid = mortal.ready["pid"]
    mortal.cancel()
    assert mortal.state is State.READY and mortal.ready["pid"] == pid


def test_stop_removes_the_folder_and_forgets_the_launch(mortal, tmp_path):
    mortal.stop()
    wait_for(mortal, lambda: not private_folders(tmp_path), 3)
    with pytest.raises(RuntimeError):
        mortal.warm("brain")


def test_leaving_python_ends_the_worker_and_removes_its_folder(tmp_path):
    code = (
        "import pathlib, sys, time, odd_services; from MedSegDLLib.worker.client import Worker, State\n"
        "worker = Worker(pathlib.Path(sys.argv[1])); worker.start(odd_services.odd_launch())\n"
        "while worker.state is not State.READY: worker.poll()\n"
        "print(worker.ready['pid'])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=odd_launch().environment, capture_output=True, check=True)
    assert ended(int(done.stdout), 1) and not private_folders(tmp_path)


def test_a_missing_torch_is_told_as_such(tmp_path):
    worker, heard, request = Worker(tmp_path), Heard(), Heard()
    worker.start(odd_launch("no torch"), heard.callbacks)
    worker.warm("brain", callbacks=request.callbacks)
    wait_for(worker, lambda: heard.done and request.done)
    assert heard.failures == request.failures and worker.state is State.STOPPED
    assert heard.failures[0].kind == heard.failures[0].details == "torch" and heard.failures[0].remedy


def test_a_worker_that_dies_early_blames_the_python(tmp_path):
    worker, heard = Worker(tmp_path), Heard()
    worker.start(odd_launch("dies early"), heard.callbacks)
    wait_for(worker, lambda: heard.done)
    assert heard.failures[0].kind == "python" and "no luck today" in heard.failures[0].message


def test_a_python_that_is_not_there_is_told_at_start_and_at_each_request(tmp_path):
    worker, heard, request = Worker(tmp_path), Heard(), Heard()
    worker.start(Launch((str(tmp_path / "python"),), {}), heard.callbacks)
    worker.warm("brain", callbacks=request.callbacks)
    worker.poll()
    assert heard.failures[0].kind == request.failures[0].kind == "python" and "No such file" in heard.failures[0].message
    assert worker.state is State.STOPPED and not private_folders(tmp_path)


def test_a_temporary_folder_that_is_not_there_is_told(tmp_path):
    worker, heard = Worker(tmp_path / "gone"), Heard()
    worker.start(odd_launch(), heard.callbacks)
    worker.poll()
    assert heard.failures[0].kind == "input" and heard.failures[0].remedy


def test_an_exception_of_a_callback_passes_and_the_rest_still_comes(worker):
    heard = Heard()
    worker.request("info", {}, Callbacks(on_result=lambda answer: 1 / 0))
    worker.request("info", {}, heard.callbacks)
    with pytest.raises(ZeroDivisionError):
        wait_for(worker, lambda: False)
    wait_for(worker, lambda: heard.done)
    assert heard.results


def test_a_callback_may_ask_and_poll_again(worker):
    inner = Heard()

    def again(answer: dict) -> None:
        worker.request("info", {}, inner.callbacks)
        wait_for(worker, lambda: inner.done)

    worker.request("info", {}, Callbacks(on_result=again))
    wait_for(worker, lambda: inner.done)
    assert inner.results


def test_the_panel_is_never_held_for_long(worker):
    """A big volume is written, and its result is taken in, while every call returns in time."""
    image = replace(volume(), array=np.zeros((150, 240, 240), np.float32))
    heard, busy_s, held_s = Heard(), [], []
    calls = [lambda: worker.segment({"t1": image}, "brain", {}, heard.callbacks)]
    deadline = time.monotonic() + LIMIT_S
    while not heard.done and time.monotonic() < deadline:
        busy, start = time.thread_time(), time.monotonic()
        calls.pop()() if calls else worker.poll()
        busy_s.append(time.thread_time() - busy)
        held_s.append(time.monotonic() - start)
    assert heard.results and max(busy_s) < LONGEST_POLL_S
    assert np.quantile(held_s, 0.95) < LONGEST_POLL_S  # a loaded machine may hold a thread now and then


def test_worker_is_a_segmentation_client():
    client: SegmentationClient = Worker()
    names = [name for name in vars(SegmentationClient) if not name.startswith("_")]
    assert len(names) == 13 and all(hasattr(client, name) for name in names)


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (-9, "memory", "memory"),
        (0xC0000017, "memory", "memory"),
        (-11, "crash", "SIGSEGV"),
        (-6, "crash", "SIGABRT"),
        (0xC0000005, "crash", "access violation"),
        (0xC0000005 - (1 << 32), "crash", "access violation"),
        (0xC0000135, "crash", "library is missing"),
        (-99, "crash", "signal 99"),
        (0, "crash", "code 0"),
        (3, "crash", "code 3: the end"),
    ],
)
def test_ends_are_explained(code, kind, said):
    failure = explain_exit(code, ["begin", "the end", "  "])
    assert failure.kind == kind and said in failure.message and failure.remedy and failure.details == "begin\nthe end"


@pytest.mark.parametrize(
    "header", [b"{'descr': '<i2', \0\0", b"{'descr': (", b"\n  x\n y\n", b"{[]: 1}", b"{'descr': {}, 'fortran_order': 0, 'shape': 0}"]
)
def test_an_array_whose_header_is_none_is_refused(tmp_path, header):
    """numpy reads the header as Python's own text, and lets the errors of that through."""
    (tmp_path / "x.npy").write_bytes(b"\x93NUMPY\x01\0" + (len(header) + 1).to_bytes(2, "little") + header + b"\n" + bytes(100))
    with pytest.raises(UsageError, match="cannot be read"):
        read_array(tmp_path / "x.npy")


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64", "uint32", "bool", ">i2"])
@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 4, 5, 3), (1, 1, 1), (0, 2, 2)])
def test_arrays_come_back_as_they_were(tmp_path, dtype, shape):
    array = (np.arange(np.prod(shape)).reshape(shape) % 2).astype(dtype)
    read = read_array(write_array(tmp_path / "a" / "x.npy", array))
    assert read.dtype == array.dtype and read.shape == shape
    np.testing.assert_array_equal(read, array)


def test_views_come_back_as_they_were(tmp_path):
    array = np.arange(60).reshape(3, 4, 5)
    for number, view in enumerate((array.T, array[:, ::-1], array[::2])):
        np.testing.assert_array_equal(read_array(write_array(tmp_path / f"{number}.npy", view)), view)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), OSError("100 requested and 20 written")])
def test_a_disk_that_is_full_is_told_and_nothing_is_left(tmp_path, monkeypatch, error):
    def full(file, array, **_):
        file.write(b"part")
        raise error

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(InputRefused, match=r"No space left|disk is full"):
        write_array(tmp_path / "x.npy", np.zeros(3))
    assert not list(tmp_path.iterdir())


def test_only_our_own_folders_are_ever_removed(tmp_path):
    for name, left in (("precious", True), (PRIVATE_PREFIX + "x", False)):
        folder = tmp_path / name
        folder.mkdir()
        remove_private_folder(folder)
        assert folder.exists() is left


def test_background_work_reports_and_can_be_cancelled():
    heard = Heard()
    done = Background(lambda progress: progress(0.5, "half") or 42, heard.callbacks)
    wait_for(done, lambda: heard.done)
    assert heard.results == [42] and heard.progress == [(0.5, "half")] and not done.running

    def endless(progress):
        while True:
            progress(0.1, "on and on")
            time.sleep(0.01)

    stopped = Heard()
    work = Background(endless, stopped.callbacks)
    wait_for(work, lambda: stopped.progress)
    work.cancel()
    wait_for(work, lambda: stopped.done)
    assert stopped.failures[0].kind == Cancelled.kind


def test_background_work_that_fails_says_how():
    refused, broken = Heard(), Heard()

    def refuse(progress):
        raise InputRefused("No.", "Yes.")

    for work, heard in ((refuse, refused), (lambda progress: {}["x"], broken)):
        background = Background(work, heard.callbacks)
        wait_for(background, lambda heard=heard: heard.done)
    assert refused.failures == [Failure("input", "No.", "Yes.")] and broken.failures[0].kind == "bug"


@pytest.mark.skipif(os.name == "nt", reason="the C library's usleep")
def test_threads_get_their_turn_where_the_interpreter_is_held_between_polls(worker):
    """As in Slicer, whose event loop does not let go of the interpreter while it waits."""
    hold = ctypes.PyDLL(None).usleep  # PyDLL keeps the lock while it calls
    images = {key: replace(volume(), array=np.zeros((40, 240, 240), np.float32)) for key in ("t1", "t2")}
    heard, polls = Heard(), 0
    worker.segment(images, "brain", {}, heard.callbacks)
    while not heard.done and polls < 200:
        hold(20_000)
        worker.poll()
        polls += 1
    assert heard.results and polls < 60
