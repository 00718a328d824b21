"""SLURM's and Ray's engines with stand-in cases: the same outcomes as on this machine, crashes included, and nothing left behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from MedSegDLLib.cohort.driver import Cohort, run_cohort
from MedSegDLLib.cohort.orders import DONE, FAILED, KEPT, Needs
from MedSegDLLib.commands.main import main
from MedSegDLLib.errors import UsageError
from MedSegDLLib.options import Options

from . import stand_in
from .test_driver import ROOT, made_up, quiet

NEEDS = Needs(megabytes=200.0, threads=1, workers=2)


@pytest.fixture
def findable(monkeypatch) -> None:
    """Other processes find the stand-in."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "MedSegDL"), os.environ.get("PYTHONPATH", "")]))


def judged(folder: Path, engine) -> None:
    """Five cases, three of which fail or crash in their own way; then the same again, which does nothing twice."""
    cohort = Cohort(made_up(folder, "work", "crash 1", "refuse", "work", "crash 9"), "brain", Options(keep_names=True), folder)
    found = run_cohort(cohort, engine(), quiet)
    ended = [(outcome.status, outcome.kind) for outcome in found.values()]
    assert ended == [(DONE, ""), (DONE, ""), (FAILED, "input"), (DONE, ""), (FAILED, "crash")]
    cohort = Cohort([cohort.cases[place] for place in (0, 1, 3)], "brain", Options(keep_names=True), folder)
    assert {outcome.status for outcome in run_cohort(cohort, engine(), quiet).values()} == {KEPT}


def test_slurm_through_submitits_local_executor(tmp_path, monkeypatch, findable):
    submitit = pytest.importorskip("submitit", reason="submitit is not installed")
    from MedSegDLLib.cohort import slurm

    monkeypatch.setattr(submitit.core.core.Job, "_results_timeout_s", 1)  # 15 s, for slow network disks
    monkeypatch.setattr(slurm, "carry_out", stand_in.case)
    judged(tmp_path, lambda: slurm.SlurmEngine(tmp_path, NEEDS, 3, "local", {"timeout_min": "5"}))
    assert not list(tmp_path.glob(".jobs*"))


def test_slurm_says_what_is_missing(tmp_path, monkeypatch):
    pytest.importorskip("submitit", reason="submitit is not installed")
    from MedSegDLLib.cohort.slurm import SlurmEngine

    monkeypatch.setenv("PATH", "")
    for address, parameters, says in (("slurm", {}, "no srun"), ("moon", {}, "unknown"), ("local", {"walltime": "1"}, "submitit")):
        with pytest.raises(UsageError, match=says):
            SlurmEngine(tmp_path, NEEDS, None, address, parameters)


def test_an_option_of_another_engine_is_refused(tmp_path):
    (tmp_path / "flair.nii").write_bytes(b"x")
    (tmp_path / "list.csv").write_text("flair\nflair.nii\n")
    command = ["cohort", str(tmp_path / "list.csv"), "--task", "brain", "-o", str(tmp_path / "out")]
    assert main([*command, "--address", "auto"]) == 2
    assert main([*command, "--job", "slurm_partition=gpu"]) == 2


def test_ray_on_this_machine(tmp_path, monkeypatch, findable):
    pytest.importorskip("ray", reason="Ray is not installed (pip install 'medsegdl[ray]')")
    from MedSegDLLib.cohort import ray_cluster

    monkeypatch.setattr(ray_cluster, "carry_out_counted", stand_in.counted_case)
    judged(tmp_path, lambda: ray_cluster.RayEngine(NEEDS, 2, None))


def test_a_scheduler_that_starts_a_case_again_without_end_is_stopped(tmp_path, monkeypatch):
    from MedSegDLLib.cohort import remote

    def killed(entry):
        raise KeyboardInterrupt

    monkeypatch.setattr(remote, "carry_out", killed)
    order = stand_in.Order("c", "brain", {}, str(tmp_path / "c")).to_json()
    for _ in range(remote.MOST_STARTS):
        with pytest.raises(KeyboardInterrupt):
            remote.carry_out_counted(order, "run")
    assert remote.carry_out_counted(order, "run")["kind"] == "memory"
    monkeypatch.setattr(remote, "carry_out", lambda entry: {"status": FAILED})
    assert remote.carry_out_counted(order, "run") == {"status": FAILED} and not (tmp_path / "c").exists()
