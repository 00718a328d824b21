"""Plans follow the data and the memory; the estimate of memory is held against what a step really takes."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from medsegdl_training.cases import find_cases
from medsegdl_training.cases.characteristics import characteristics
from medsegdl_training.commands.main import main
from medsegdl_training.train.memory import footprint, kept_bytes
from medsegdl_training.train.planning import coverage, make_plan, read_plan
from MedSegDLLib.errors import InputRefused, UsageError
from MedSegDLLib.network.inception_unet import PROFILES, InceptionUNet
from MedSegDLLib.tasks import BRAIN, LIVER, NUCLEI, Plan
from Testing.training.made_up import write_pictures
from Testing.training.test_brain import write_patient
from Testing.training.test_liver import body, hounsfield, write

MEASURE = """
import sys, threading, time, torch
from MedSegDLLib.network.inception_unet import PROFILES, InceptionUNet
network = InceptionUNet(PROFILES["brain"]).to(memory_format=torch.channels_last_3d)
def step(side):
    x = torch.randn(1, 4, side, side, side).contiguous(memory_format=torch.channels_last_3d)
    sum(level.square().mean() for level in network.supervised(x)).backward()
resident = lambda: int(open("/proc/self/statm").read().split()[1]) * 4096
step(16)  # libraries load what they need
base, peak = resident(), [0]
def watch():
    while True:
        peak[0] = max(peak[0], resident())
        time.sleep(0.001)
threading.Thread(target=watch, daemon=True).start()
step(48)
print(peak[0] - base)
"""


def fingerprint(size: tuple[int, int, int] = (140, 170, 140), spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> dict:
    extent = [n * side for n, side in zip(size, spacing_mm[::-1])]
    intensity = {"ct": {"p00_5": -12.0, "p99_5": 203.0}}
    spacing = {"median": list(spacing_mm)}
    return {"cases": 3, "spacing_mm": spacing, "size": list(size), "extent_mm": {"median": extent}, "intensity": intensity}


@pytest.mark.parametrize("memory_gb", [1.0, 2.0, 6.0, 40.0])
def test_a_plan_fits_memory_network_and_data(memory_gb: float) -> None:
    planned = make_plan(fingerprint(), BRAIN, "brain", "bfloat16", memory_gb)
    arch = PROFILES["brain"]
    assert len(planned.patch) == 3 and all(side % arch.divisor == 0 for side in planned.patch)
    assert planned.memory_gb <= memory_gb and planned.batch >= 2
    case = np.ceil(np.array([140, 170, 140]) / planned.plan.spacing_mm[0])
    assert coverage(planned.patch, case) >= 0.25
    assert Plan.from_json(planned.plan.to_json()) == planned.plan


def test_more_memory_never_makes_a_coarser_grid_or_a_smaller_patch() -> None:
    plans = [make_plan(fingerprint(), BRAIN, "brain", "float32", memory) for memory in (1.0, 2.0, 4.0, 8.0, 16.0)]
    spacings = [planned.plan.spacing_mm[0] for planned in plans]
    assert spacings == sorted(spacings, reverse=True) and spacings[-1] == 1.0 < spacings[0]
    seen_mm = [math.prod(planned.patch) * math.prod(planned.plan.spacing_mm) * planned.batch for planned in plans]
    assert seen_mm[-1] > seen_mm[0]


def test_anisotropic_grids_are_made_coarser_along_their_finest_axes() -> None:
    planned = make_plan(fingerprint((60, 500, 500), (0.7, 0.7, 5.0)), BRAIN, "brain", "float32", 1.5)
    i, j, k = planned.plan.spacing_mm
    assert i == j > 0.7 and k == 5.0


def test_a_grid_may_be_kept_and_the_window_follows_the_foreground() -> None:
    profile = "brain"
    task = replace(LIVER, plan=replace(LIVER.plan, slices=1))
    planned = make_plan(fingerprint(), task, profile, "bfloat16", 2.0, (2.0, 2.0, 2.0))
    assert planned.plan.spacing_mm == (2.0, 2.0, 2.0) and planned.plan.window == (-20.0, 210.0)


def test_what_cannot_be_planned_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="smallest patch"):
        make_plan(fingerprint(), BRAIN, "brain", "float32", 0.01)
    with pytest.raises(UsageError, match="no network profile"):
        make_plan(fingerprint(), BRAIN, "huge", "float32", 4)
    with pytest.raises(InputRefused, match="no labelled case"):
        characteristics([], BRAIN)
    (tmp_path / "plan.json").write_text("{}")
    with pytest.raises(UsageError, match="is no plan"):
        read_plan(tmp_path / "plan.json", BRAIN)


def test_characteristics_of_made_up_brains(tmp_path: Path) -> None:
    for seed, name in enumerate(("a", "b")):
        write_patient(tmp_path, name, 4, seed)
    found = characteristics(find_cases(tmp_path, BRAIN), BRAIN)
    assert found["cases"] == 2 and found["spacing_mm"]["median"] == [3, 3, 3]
    assert all(23 <= side <= 26 for side in found["size"])  # the head is a ball of radius 13
    assert found["intensity"]["t1ce"]["p99_5"] == pytest.approx(810, abs=30)  # the enhancing rim
    assert found["regions_ml"]["WT"] > found["regions_ml"]["TC"] > found["regions_ml"]["ET"] > 0


def test_the_command_writes_what_is_read_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = write_pictures(tmp_path / "data"), tmp_path / "plans" / "plan.json"
    assert main(["plan", "--task", "nuclei", "--data", str(folder), "--out", str(out), "--memory-gb", "1", "--holdout", "picture2"]) == 0
    planned = read_plan(out, NUCLEI)
    assert planned.fingerprint["cases"] == 2 and planned.plan.spacing_mm is None and planned.patch == (48, 64)
    assert json.loads(json.dumps(planned.to_json())) == json.loads(out.read_text(encoding="utf-8"))
    with pytest.raises(UsageError, match="nuclei"):
        read_plan(out, BRAIN)
    assert "patch 48 x 64" in capsys.readouterr().out


def test_hounsfield_windows_come_from_the_liver(tmp_path: Path) -> None:
    organs, labels = body()
    write(hounsfield(organs, 0), tmp_path / "volume-0.nii")
    write(labels, tmp_path / "segmentation-0.nii")
    low, high = make_plan(characteristics(find_cases(tmp_path, LIVER), LIVER), LIVER, LIVER.profile, "bfloat16", 4).plan.window
    assert 20 <= low <= 60 and 130 <= high <= 150  # liver 110, tumour 60, noise 10


def test_what_autograd_keeps_grows_with_the_voxels() -> None:
    arch = PROFILES["brain"]
    network = InceptionUNet(arch).train()
    small, large = (kept_bytes(network, torch.randn(1, 4, side, side, side), "float32") for side in (32, 48))
    assert large / small == pytest.approx((48 / 32) ** 3, rel=0.05)
    assert kept_bytes(network, torch.randn(2, 4, 32, 32, 32), "float32") == pytest.approx(2 * small, rel=0.05)


def test_the_estimate_of_memory_is_near_the_measured_peak() -> None:
    environment = {"PYTHONPATH": ":".join(sys.path), "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run([sys.executable, "-c", MEASURE], env=environment, check=True, capture_output=True, text=True, timeout=300)
    estimate = footprint(PROFILES["brain"], "float32").step_bytes((48, 48, 48), 1)
    assert 0.5 * estimate < int(done.stdout) < 1.25 * estimate
