"""The whole way of a user: nnU-Net 2.8.1 plans, preprocesses and trains a tiny 3d_fullres on made-up cases; imported, segmented, equal.

Minutes, not seconds: `make test-slow`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

pytest.importorskip("nnunetv2", reason="nnunetv2 2.8.1 is in the extras dev and bench")

from MedSegDLLib.commands.main import main
from Testing.judges.nnunet_folder import nnunet_answer

pytestmark = pytest.mark.slow

EQUAL_SHARE = 0.9999
CASES = 5  # nnU-Net makes five folds, and fails with fewer cases
SHAPE = (20, 26, 24)
SPACING = (2.0, 1.5, 1.5)  # k, j, i
NUMBER = 902
TRAINED = """
import os
from nnunetv2.experiment_planning.plan_and_preprocess_api import extract_fingerprints, plan_experiments, preprocess
from nnunetv2.run.run_training import get_trainer_from_args
import torch
extract_fingerprints([902], num_processes=1)
plan_experiments([902])
preprocess([902], configurations=["3d_fullres"], num_processes=[1])
os.environ["nnUNet_n_proc_DA"] = "0"  # no processes beside; planning takes no 0
trainer = get_trainer_from_args("902", "3d_fullres", 0, device=torch.device("cpu"))
trainer.num_epochs, trainer.num_iterations_per_epoch, trainer.num_val_iterations_per_epoch = 2, 10, 1
trainer.run_training()
"""


def write_dataset(root: Path) -> list[Path]:
    """Balls in noise, bright ones with a core; the last image is for nobody's training."""
    folder = root / "raw" / f"Dataset{NUMBER}_Balls"
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir(parents=True)
    labels = {"background": 0, "ball": 1, "core": 2}
    entry = {"channel_names": {"0": "CT"}, "labels": labels, "numTraining": CASES, "file_ending": ".nii.gz"}
    (folder / "dataset.json").write_text(json.dumps(entry))
    written = []
    for number in range(CASES + 1):
        random = np.random.default_rng(number)
        grid = np.indices(SHAPE).astype(float)
        centre = np.array(SHAPE) / 2 + random.uniform(-3, 3, 3)
        away = np.sqrt(sum(((axis - c) * mm) ** 2 for axis, c, mm in zip(grid, centre, SPACING)))
        label = (away < 11).astype(np.uint8) + (away < 5)
        image = random.normal(-200, 40, SHAPE) + 250 * (label > 0) + 200 * (label > 1)
        for values, name in ((image.astype(np.int16), f"imagesTr/case{number}_0000"), (label.astype(np.uint8), f"labelsTr/case{number}")):
            volume = sitk.GetImageFromArray(values)
            volume.SetSpacing(SPACING[::-1])
            path = (root / "new" / Path(name).name if number == CASES else folder / name).with_suffix(".nii.gz")
            path.parent.mkdir(exist_ok=True)
            sitk.WriteImage(volume, str(path))
            written.append(path)
    return written


def test_trained_by_nnunet_imported_and_segmented_alike(tmp_path: Path) -> None:
    image, truth = write_dataset(tmp_path)[-2:]
    places = {f"nnUNet_{name}": str(tmp_path / name) for name in ("raw", "preprocessed", "results")}
    environment = {**os.environ, **places, "nnUNet_compile": "f", "nnUNet_def_n_proc": "1"}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", TRAINED], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    (source,) = (tmp_path / "results" / f"Dataset{NUMBER}_Balls").iterdir()
    assert main(["import", str(source), "-o", str(tmp_path / "balls.safetensors"), "--licence", "CC0"]) == 0
    arguments = ["segment", "--weights", str(tmp_path / "balls.safetensors"), "--input", f"ct={image}", "-o", str(tmp_path / "out")]
    assert main([*arguments, "--device", "cpu"]) == 0
    answer = nnunet_answer(source, [image], wide=False)
    for name, values in (("ball", (1,)), ("core", (2,))):
        mask = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "out" / f"{name}.nii.gz")))
        assert (mask.astype(bool) == np.isin(answer.labels, values)).mean() >= EQUAL_SHARE, name
    found = answer.labels > 0
    expected = sitk.GetArrayFromImage(sitk.ReadImage(str(truth))) > 0
    assert 2 * (found & expected).sum() / (found.sum() + expected.sum()) > 0.5, "the training taught it something"
