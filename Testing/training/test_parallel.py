"""Several processes that train one network: the loss and the weights are those of one process with the whole batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from medsegdl_training.train import parallel
from medsegdl_training.train.loop import CHECKPOINT, LOG
from Testing.training import shared_training


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}


def torchrun(*line: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *line]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=120, check=False)


def test_two_processes_are_one_with_the_same_batch(tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    alone = shared_training.go(tmp_path / "alone")
    torch.set_num_threads(threads)
    ended = torchrun(shared_training.__file__, str(tmp_path / "shared"))  # a batch of five: three samples here, two there
    assert ended.returncode == 0, ended.stderr[-2000:]
    one, two = (
        [json.loads(line) for line in (tmp_path / name / LOG).read_text(encoding="utf-8").splitlines()] for name in ("alone", "shared")
    )
    assert len(one) == len(two) == shared_training.SETTINGS.steps  # one process alone writes the log
    for key in ("loss", "norm"):
        assert [entry[key] for entry in two] == pytest.approx([entry[key] for entry in one], rel=2e-5)
    shared = torch.load(tmp_path / "shared" / CHECKPOINT, weights_only=True)
    for name, tensor in alone.network.state_dict().items():
        torch.testing.assert_close(shared["network"][name], tensor, atol=1e-4, rtol=0)


def test_one_process_alone_needs_no_group() -> None:
    x = torch.ones(3, requires_grad=True)
    assert parallel.count() == 1
    assert parallel.rank() == 0
    assert parallel.total(x) is x
    assert parallel.share([1, 2, 3]) == [1, 2, 3]
    assert parallel.agreed(True, 2.5, "cpu") == (True, 2.5)
    module = torch.nn.Identity()
    assert parallel.wrapped(module) is module
    with parallel.joined("cpu") as device:
        assert device == "cpu"
