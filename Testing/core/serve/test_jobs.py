"""A server's jobs without HTTP: what is taken and what refused, who is next, and when nothing of a job is left."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from MedSegDLLib.serve.jobs import Jobs, Limits, Refused, array_path
from MedSegDLLib.worker.processes import Failure
from MedSegDLLib.worker.wire import ANSWERED, RUNNING, UPLOADING, WAITING

DATA = b"0123456789"
SHA = hashlib.sha256(DATA).hexdigest()


class Clock:
    """Stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Model:
    """Remembers what it was asked."""

    def __init__(self) -> None:
        self.asked, self.withdrawn, self.cancelled = [], [], 0

    def request(self, kind, payload, callbacks) -> int:
        self.asked.append((kind, payload, callbacks))
        return len(self.asked)

    def withdraw(self, number) -> None:
        self.withdrawn.append(number)

    def cancel(self) -> None:
        self.cancelled += 1
        self.asked[-1][2].on_error(Failure("cancelled", "Cancelled."))


def number(digit: str) -> str:
    return digit * 32


def request(size: int = len(DATA), sha: str = SHA, kind: str = "segment", **more) -> dict:
    entry = {"bytes": size, "sha256": sha, "affine": [], "name": "n", "array": "/etc/passwd"}
    return {"kind": kind, "task": "brain", "options": {"mode": "fast", "weights": "/etc/passwd"}, "inputs": {"flair": entry}, **more}


@pytest.fixture
def jobs(tmp_path) -> Jobs:
    return Jobs(tmp_path, Limits(jobs=3, jobs_each=2, job_bytes=100, all_bytes=120, silent_s=60, kept_s=600), Clock())


def sent(jobs: Jobs, digit: str, client: str = "a"):
    job = jobs.create(number(digit), client, request())
    jobs.receive(job, "flair", 0, DATA, SHA)
    return job


def sha(chunk: bytes) -> str:
    return hashlib.sha256(chunk).hexdigest()


def test_chunks_come_in_order_whole_and_as_often_as_they_like(jobs):
    job = jobs.create(number("1"), "a", request())
    assert jobs.state(job) == {"state": UPLOADING, "received": {"flair": 0}, "position": 0}
    jobs.receive(job, "flair", 0, DATA[:4], sha(DATA[:4]))
    jobs.receive(job, "flair", 0, DATA[:4], sha(DATA[:4]))
    assert jobs.create(number("1"), "a", request()) is job, "the same request, sent again"
    for offset, chunk, digest, status in ((6, DATA[6:], None, 409), (4, DATA[4:], "0", 422), (4, DATA, None, 409)):
        with pytest.raises(Refused) as refused:
            jobs.receive(job, "flair", offset, chunk, digest or sha(chunk))
        assert refused.value.status == status and job.uploads["flair"].received == 4
    jobs.receive(job, "flair", 4, DATA[4:], sha(DATA[4:]))
    assert job.state == WAITING and job.uploads["flair"].path.read_bytes() == DATA


def test_what_is_not_what_was_announced_is_refused_and_gone(jobs):
    job = jobs.create(number("1"), "a", request(sha="0" * 64))
    with pytest.raises(Refused, match="damaged"):
        jobs.receive(job, "flair", 0, DATA, SHA)
    assert len(jobs) == 0 and not job.folder.exists()
    with pytest.raises(Refused) as refused:
        jobs.get(number("1"))
    assert refused.value.status == 410


@pytest.mark.parametrize(
    "entry",
    [
        {"kind": "info"},
        {"kind": "segment", "inputs": []},
        {"kind": "segment", "inputs": {"../x": {"bytes": 1, "sha256": ""}}},
        {"kind": "segment", "inputs": {"x": {"bytes": 0, "sha256": ""}}},
        {"kind": "segment", "inputs": {"x": {"bytes": True, "sha256": ""}}},
        {"kind": "segment", "inputs": {"x": {"bytes": 5}}},
        {"kind": "segment", "options": 3},
    ],
)
def test_a_request_that_makes_no_sense_is_refused(jobs, entry, tmp_path):
    with pytest.raises(Refused):
        jobs.create(number("1"), "a", entry)
    with pytest.raises(Refused):
        jobs.create("../../x", "a", request())
    assert not list(tmp_path.iterdir())


def test_the_limits_hold_for_one_client_for_all_and_for_the_disk(jobs):
    with pytest.raises(Refused) as refused:
        jobs.create(number("9"), "a", request(size=101))
    assert refused.value.status == 413
    jobs.create(number("1"), "a", request(size=60))
    with pytest.raises(Refused, match="disk"):
        jobs.create(number("2"), "a", request(size=61))
    jobs.create(number("2"), "a", request())
    with pytest.raises(Refused, match="no more"):
        jobs.create(number("3"), "a", request())
    jobs.create(number("3"), "b", request())
    with pytest.raises(Refused, match="no more"):
        jobs.create(number("4"), "c", request())


def test_one_after_the_other_and_only_by_the_servers_own_paths(jobs, tmp_path):
    model = Model()
    first, second = sent(jobs, "1"), sent(jobs, "2")
    jobs.step(model, 10)
    assert (first.state, jobs.position(second)) == (RUNNING, 1) and len(model.asked) == 1
    kind, payload, callbacks = model.asked[0]
    assert kind == "segment" and "/etc/passwd" not in str(payload)
    assert payload["inputs"]["flair"]["array"] == str(tmp_path / number("1") / "in/flair.npy") and payload["options"] == {"mode": "fast"}
    callbacks.on_progress(0.5, "Half")
    assert first.said == {"progress": 0.5, "message": "Half"}
    (tmp_path / number("1") / "out").mkdir()
    paths = {"segments": {"WT": str(tmp_path / number("1") / "out/WT.npy")}, "instances": None, "uncertainty": None, "bias_fields": {}}
    callbacks.on_result({**paths, "record": {}})
    assert first.state == ANSWERED and first.said["result"]["segments"] == {"WT": "WT.npy"}
    assert array_path(first, "WT.npy") == tmp_path / number("1") / "out/WT.npy" and not (first.folder / "in").exists()
    for name in ("TC.npy", "../in/flair.npy", "None"):
        with pytest.raises(Refused):
            array_path(first, name)
    jobs.step(model, 10)
    assert second.state == RUNNING


def test_a_silent_client_loses_its_job_wherever_it_stands(jobs):
    model, clock = Model(), jobs._clock
    running, waiting = sent(jobs, "1"), sent(jobs, "2")
    jobs.step(model, 10)
    uploading = jobs.create(number("3"), "b", request())
    clock.now = 50
    jobs.get(number("2"))
    clock.now = 70
    jobs.step(model, 10)
    assert len(jobs) == 1 and model.withdrawn == [1] and not uploading.folder.exists()
    assert running.folder.exists(), "the worker may write there still"
    jobs.step(model, 10)
    assert model.withdrawn == [1] and model.cancelled == 0
    clock.now = 81
    jobs.step(model, 10)
    assert model.cancelled == 1, "a deaf worker is ended"
    assert not running.folder.exists() and waiting.state == RUNNING
    assert "error" in running.said and "heard" in running.said["error"]["message"]


def test_an_answer_that_nobody_fetches_is_forgotten(jobs, tmp_path):
    model, clock = Model(), jobs._clock
    job = sent(jobs, "1")
    jobs.step(model, 10)
    model.asked[0][2].on_error(Failure("input", "Refused.", "Crop."))
    assert job.said == {"error": {"kind": "input", "message": "Refused.", "remedy": "Crop."}}
    clock.now = 599
    jobs.step(model, 10)
    assert len(jobs) == 1
    clock.now = 1300
    jobs.step(model, 10)
    assert len(jobs) == 0 and not list(tmp_path.iterdir())


def test_a_job_without_images_waits_for_nothing(jobs):
    job = jobs.create(number("1"), "a", {"kind": "warm", "task": "brain", "device": "cpu", "weights": "/x"})
    model = Model()
    jobs.step(model, 10)
    assert job.state == RUNNING and model.asked[0][:2] == ("warm", {"task": "brain", "device": "cpu"})
    assert isinstance(job.folder, Path)
