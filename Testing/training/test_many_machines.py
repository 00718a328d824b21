"""The runbook of training/README.md, line by line: on one machine, on two of which one is lost, through SLURM, and as a local job."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from medsegdl_training.commands.main import main
from medsegdl_training.train.loop import CHECKPOINT, LOG
from medsegdl_training.train.runs import SETTINGS
from Testing.networks import two_machines, why_not
from Testing.training.made_up import write_pictures

README = Path(__file__).resolve().parents[2] / "training" / "README.md"
STEPS, SAVE_STEPS = 20, 2
SMALL = ["--steps", str(STEPS), "--widths", "2", "2", "3", "--patch", "32", "32", "--batch", "2", "--threads", "1", "--optimiser", "sgd"]
QUICK = "read_timeout=240,last_call_timeout=15,keep_alive_interval=1,keep_alive_max_attempt=3,join_timeout=120"
PATIENCE_S = 240.0
SAME = 2e-5  # of a loss, between one process and two: rounding
FAKE_SBATCH = '#!/bin/sh\nfor last; do :; done\ncp "$last" "{copy}"\necho "Submitted batch job 17"\n'


def runbook() -> list[list[str]]:
    """Its lines, in words."""
    text = README.read_text(encoding="utf-8").partition("The runbook")[2]
    return [shlex.split(line) for line in text.split("```")[1].strip().splitlines()]


def line(number: int, data: Path, out: Path, *more: str) -> list[str]:
    """A line as it is written, with these folders and a small network; programs are this Python's."""
    programs = {"torchrun": [sys.executable, "-m", "torch.distributed.run"], "medsegdl-train": [sys.executable, "-m", "medsegdl_training"]}
    words = [{"DATA": str(data), "OUT": str(out)}.get(word, word) for word in runbook()[number]]
    return [*programs[words[0]], *words[1:], *SMALL, *more]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1", **more}


def losses(folder: Path) -> list[float]:
    """Of the log's whole lines, in their order."""
    text = (folder / LOG).read_text(encoding="utf-8") if (folder / LOG).exists() else ""
    return [json.loads(entry)["loss"] for entry in text.splitlines(keepends=True) if entry.endswith("\n")]


def until(condition: Callable[[], bool], says: Callable[[], str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, says()
        time.sleep(0.02)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("data") / "data")


@pytest.fixture(scope="module")
def alone(data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    """The losses of one process: what all others must give."""
    out = tmp_path_factory.mktemp("alone") / "run"
    assert main(["run", "--task", "nuclei", "--data", str(data), "--out", str(out), *SMALL]) == 0
    assert len(losses(out)) == STEPS
    settings = json.loads((out / SETTINGS).read_text(encoding="utf-8"))
    assert settings["architecture"]["arguments"]["dropout"] > 0, "the others must draw the same"
    return losses(out)


def test_the_runbook_has_the_lines_that_are_tested_here() -> None:
    assert [words[0] for words in runbook()] == ["torchrun", "torchrun", "medsegdl-train", "medsegdl-train"]


def test_one_machine(data: Path, alone: list[float], tmp_path: Path) -> None:
    ended = subprocess.run(line(0, data, tmp_path / "run"), env=environment(), capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert losses(tmp_path / "run") == pytest.approx(alone, rel=SAME)


def test_two_machines_of_which_one_is_lost(data: Path, alone: list[float], tmp_path: Path) -> None:
    if reason := why_not():
        pytest.skip(reason)
    out, log = tmp_path / "run", tmp_path / "log"
    with two_machines() as (host, other):
        words = line(1, data, out, "--save-steps", str(SAVE_STEPS))
        words = [word.replace("HOST", host.address) for word in words]
        started = []
        for machine in (host, other):
            conf = f"{QUICK},is_host={machine is host}"  # a namespace has no name that means its address
            own = [*words[:3], "--rdzv-conf", conf, "--local-addr", machine.address, *words[3:]]
            started.append(machine.start(*own, log=log, environment=environment(GLOO_SOCKET_IFNAME=machine.cable)))

        def said() -> str:
            return log.read_text(encoding="utf-8")[-3000:]

        until(lambda: len(other.pids()) > 1, said)  # its process of the training starts when both have met
        first = len(losses(out))
        until(lambda: len(losses(out)) > first + SAVE_STEPS, said)
        other.lose()
        assert len(losses(out)) < STEPS, "it was lost in the middle"
        assert started[0].wait(PATIENCE_S) == 0, said()
    assert losses(out) == pytest.approx(alone, rel=SAME)


def test_slurm(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("submitit", reason="submitit is not installed")
    programs, script = tmp_path / "bin", tmp_path / "script"
    programs.mkdir()
    for name, text in (("sbatch", FAKE_SBATCH.format(copy=script)), ("srun", "#!/bin/sh\n")):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    assert main(line(2, data, tmp_path / "run")[3:]) == 0
    asked = script.read_text(encoding="utf-8").splitlines()
    for wanted in ("nodes=2", "ntasks-per-node=4", "gpus-per-node=4", "partition=gpu", "time=1440", "cpus-per-task=2"):
        assert f"#SBATCH --{wanted}" in asked
    assert any("submitit.core._submit" in command for command in asked)


def test_a_local_job(data: Path, alone: list[float], tmp_path: Path) -> None:
    pytest.importorskip("submitit", reason="submitit is not installed")
    command = line(3, data, tmp_path / "run")
    ended = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert losses(tmp_path / "run") == pytest.approx(alone, rel=SAME)


def test_one_line_begins_and_goes_on(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "run"
    again = ["run", "--task", "nuclei", "--data", str(data), "--out", str(out), *SMALL, "--go-on"]
    for steps in (2, 4):
        assert main([*again, "--steps", str(steps)]) == 0
        assert len(losses(out)) == steps and (out / CHECKPOINT).exists()
    assert main([*again, "--seed", "7"]) == 2 and "another seed" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--cluster", "local"], ["--cluster", "local", "--", "export"], ["--", "run", "--task", "nuclei"]])
def test_what_is_no_training_does_not_stand_in_a_queue(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        code = main(["submit", *words])
    except SystemExit as ended:
        code = ended.code
    assert code == 2 and not list(tmp_path.iterdir())
