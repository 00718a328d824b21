"""What label maps lose without their small parts: by hand on maps made for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from medsegdl_training.commands.main import main


def write(folder: Path, name: str, *cubes: tuple[int, int]) -> None:
    """A BraTS label map of oedema: cubes of so many voxels a side, from a place on."""
    labels = np.zeros((40, 40, 40), np.uint8)
    for start, side in cubes:
        labels[start : start + side, start : start + side, start : start + side] = 2
    (folder / name).mkdir()
    sitk.WriteImage(sitk.GetImageFromArray(labels), str(folder / name / f"{name}_seg.nii.gz"))


def test_what_is_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "Brats18_a_1", (2, 20), (28, 8))  # 8000 and 512 mm3: 6.4 % of the largest, 6.0 % of all
    write(tmp_path, "Brats18_b_1", (2, 10))
    assert main(["small-parts", "--task", "brain", "--data", str(tmp_path), "--shares", "0.05", "0.1"]) == 0
    said = capsys.readouterr().out
    assert "2 label maps" in said
    assert "| WT | 5% | 0.00% | 0.0% | 0 |" in said and "| WT | 10% | 3.01% | 6.0% | 1 |" in said
    assert "| ET |" not in said  # no map has any


def test_a_folder_without_label_maps_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["small-parts", "--task", "brain", "--data", str(tmp_path)]) != 0
    assert "no label maps" in capsys.readouterr().err
