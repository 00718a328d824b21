"""A run that is told to stop, or killed outright, in a process of its own goes on and ends with the very weights of one never disturbed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from medsegdl_training.train.loop import CHECKPOINT, LOG
from Testing.training import resumed_training

STEPS = 60
HIT = 23  # the log has so many steps when the signal is sent; checkpoints come every 5
PATIENCE_S = 60.0


def lines(folder: Path) -> list[dict]:
    """The log's whole entries."""
    text = (folder / LOG).read_text(encoding="utf-8") if (folder / LOG).exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def launch(folder: Path, *more: str) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, resumed_training.__file__, str(folder), str(STEPS), *more], env=environment)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    threads = torch.get_num_threads()
    resumed_training.go(folder, STEPS, resume=False)
    torch.set_num_threads(threads)
    return folder


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_going_on_after_a_signal_ends_with_the_same_bits(tmp_path: Path, undisturbed: Path, number: signal.Signals) -> None:
    process = launch(tmp_path)
    given_up = time.monotonic() + PATIENCE_S
    while len(lines(tmp_path)) < HIT and process.poll() is None and time.monotonic() < given_up:
        time.sleep(0.01)
    process.send_signal(number)
    assert process.wait(PATIENCE_S) == (0 if number is signal.SIGTERM else -signal.SIGKILL)
    stopped = torch.load(tmp_path / CHECKPOINT, weights_only=True)["step"]
    assert HIT - resumed_training.SAVE_STEPS <= stopped < STEPS
    if number is signal.SIGKILL:
        assert stopped % resumed_training.SAVE_STEPS == 0

    assert launch(tmp_path, "resume").wait(PATIENCE_S) == 0
    ended, wanted = (torch.load(folder / CHECKPOINT, weights_only=True) for folder in (tmp_path, undisturbed))
    for part in ("network", "average"):
        assert all(torch.equal(ended[part][name], tensor) for name, tensor in wanted[part].items()), part
    assert torch.equal(ended["generator"], wanted["generator"])
    moments = [[v for state in run["optimiser"]["state"].values() for v in state.values()] for run in (ended, wanted)]
    assert all(torch.equal(a, b) for a, b in zip(*moments))
    assert [entry["step"] for entry in lines(tmp_path)] == list(range(1, STEPS + 1))
    assert [entry["loss"] for entry in lines(tmp_path)] == [entry["loss"] for entry in lines(undisturbed)]
