"""`medsegdl n4` from end to end: a drop-in for N4 users, with SimpleITK as the judge of what it writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegDLLib.commands.main import main
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.write import write_image

from ..biased import biased_head, centred_rms

SHAPE = (33, 48, 44)
AFFINE = np.array([[0.0, -1.5, 0, 10], [-1.2, 0, 0, -20], [0, 0, 1.8, 5], [0, 0, 0, 1]])


@pytest.fixture
def case(tmp_path: Path):
    """A biased head on a turned grid, as file, with its mask."""
    head = biased_head(SHAPE)
    write_image(Image(head.volume, AFFINE, "t1"), tmp_path / "t1.nii.gz")
    write_image(Image(head.head.astype(np.uint8), AFFINE, "mask"), tmp_path / "mask.nii.gz")
    return head


def read(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def run(folder: Path, *more: str) -> int:
    return main(["n4", str(folder / "t1.nii.gz"), "-o", str(folder / "out.nii.gz"), *more])


def test_writes_what_simpleitk_would(case, tmp_path):
    options = ["--mask", str(tmp_path / "mask.nii.gz"), "--field", str(tmp_path / "field.nii.gz")]
    assert run(tmp_path, *options, "--shrink", "2", "--iterations", "6,5,4", "--threshold", "0") == 0
    image, mask = (sitk.ReadImage(str(tmp_path / name)) for name in ("t1.nii.gz", "mask.nii.gz"))
    judge = sitk.N4BiasFieldCorrectionImageFilter()
    judge.SetMaximumNumberOfIterations([6, 5, 4])
    judge.SetConvergenceThreshold(0.0)
    judge.Execute(sitk.Shrink(image, [2] * 3), sitk.Shrink(sitk.Cast(mask, sitk.sitkUInt8), [2] * 3))
    judged = sitk.GetArrayFromImage(judge.GetLogBiasFieldAsImage(image))
    field, corrected = read(tmp_path / "field.nii.gz"), read(tmp_path / "out.nii.gz")
    assert field.shape == SHAPE
    assert centred_rms(field - judged, case.head) < 1e-5
    np.testing.assert_allclose(corrected, case.volume / np.exp(field), rtol=1e-3, atol=1e-3)
    for name in ("out.nii.gz", "field.nii.gz"):
        written = sitk.ReadImage(str(tmp_path / name))
        assert np.allclose(written.GetDirection(), image.GetDirection()) and np.allclose(written.GetOrigin(), image.GetOrigin())


def test_the_mask_counts(case, tmp_path):
    part = case.head.copy()
    part[:, :24] = False
    write_image(Image(part.astype(np.uint8), AFFINE, "part"), tmp_path / "part.nii.gz")
    fields = []
    for name in ("mask", "part"):
        field = tmp_path / f"field_{name}.nii.gz"
        assert run(tmp_path, "--mask", str(tmp_path / f"{name}.nii.gz"), "--field", str(field), "--iterations", "5,4") == 0
        fields.append(read(field))
    assert centred_rms(fields[0] - fields[1], case.head) > 1e-3


def test_defaults_take_the_field_away(case, tmp_path, capfd):
    assert run(tmp_path, "--field", str(tmp_path / "field.nii.gz")) == 0
    assert "No mask was given" in capfd.readouterr().out
    left = centred_rms(read(tmp_path / "field.nii.gz") - case.log_field, case.head)
    assert left < 0.3 * centred_rms(case.log_field, case.head)


@pytest.mark.parametrize("options", [("--shrink", "0"), ("--shrink", "2,2"), ("--iterations", "5,x"), ("--iterations", "0")])
def test_wrong_options_are_wrong_usage(case, tmp_path, options, capsys):
    with pytest.raises(SystemExit) as ended:
        run(tmp_path, *options)
    assert ended.value.code == 2 and "_integers" not in capsys.readouterr().err
    assert not (tmp_path / "out.nii.gz").exists()


def test_a_negative_threshold_is_wrong_usage(case, tmp_path, capfd):
    assert run(tmp_path, "--threshold=-1") == 2
    assert "Traceback" not in capfd.readouterr().err


def test_refuses_z_scored_input_by_name(case, tmp_path, capfd):
    inside = case.volume[case.head]
    scored = np.where(case.head, (case.volume - inside.mean()) / inside.std(), 0).astype(np.float32)
    write_image(Image(scored, AFFINE, "t1"), tmp_path / "t1.nii.gz")
    assert run(tmp_path) == 3
    said = capfd.readouterr().err
    assert "t1.nii.gz" in said and len(said.strip().splitlines()) == 1
    assert not (tmp_path / "out.nii.gz").exists()


def test_refuses_a_mask_on_another_grid_and_an_empty_one(case, tmp_path, capfd):
    write_image(Image(case.head.astype(np.uint8), np.diag([2.0, 2.0, 2.0, 1.0]), "far"), tmp_path / "far.nii.gz")
    write_image(Image(np.zeros(SHAPE, np.uint8), AFFINE, "none"), tmp_path / "none.nii.gz")
    for name in ("far", "none"):
        assert run(tmp_path, "--mask", str(tmp_path / f"{name}.nii.gz")) == 3
    assert "Traceback" not in capfd.readouterr().err
    assert not (tmp_path / "out.nii.gz").exists()
