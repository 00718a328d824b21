"""Series of many kinds: the truth that they were written from, SimpleITK and dcm2niix (Debian: apt-get install dcm2niix) as judges."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegDLLib.geometry.image import LPS_FROM_RAS, Image
from MedSegDLLib.io.read import read_image

from ..core.dicom_kinds import Kind, kinds

KINDS = {kind.name: kind for kind in kinds()}
POSITION_MM = 1e-3

each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())


def judged_by(name: str) -> pytest.MarkDecorator:
    """Every kind that the judge reads as the standard says.

    SimpleITK inverts MONOCHROME1, keeps the stored order of frames and rounds slices with a slope of their own; dcm2niix does not read
    32 bits, JPEG-LS, deflated or RLE-packed multi-frame files, and cuts the sign off 12 signed bits.
    """
    wanted = {kind.name: kind for kind in KINDS.values() if name in kind.judges}
    return pytest.mark.parametrize("kind", wanted.values(), ids=wanted.keys())


def in_our_order(image: sitk.Image, affine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The judge's array with its axes turned as ours lie, and its affine (RAS) for it; both judges keep to whole axes."""
    theirs = np.eye(4)
    theirs[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    theirs[:3, 3] = image.GetOrigin()
    theirs = LPS_FROM_RAS @ theirs
    array = sitk.GetArrayFromImage(image).transpose(2, 1, 0)
    turn = np.linalg.inv(affine[:3, :3]) @ theirs[:3, :3]
    axes = np.abs(turn).argmax(axis=1)
    array = array.transpose(axes)
    columns = theirs[:3, axes]
    for axis in range(3):
        if turn[axis, axes[axis]] < 0:
            theirs[:3, 3] += columns[:, axis] * (array.shape[axis] - 1)
            columns[:, axis] *= -1
            array = np.flip(array, axis)
    return array.transpose(2, 1, 0), np.column_stack([columns, theirs[:3, 3]])


def assert_agrees(image: Image, judge: sitk.Image) -> None:
    array, columns = in_our_order(judge, image.affine)
    assert array.shape == image.array.shape
    assert np.abs(array.astype(np.float64) - image.array.astype(np.float64)).max() == 0
    corners = np.array([[i, j, k, 1] for i in (0, array.shape[2] - 1) for j in (0, array.shape[1] - 1) for k in (0, array.shape[0] - 1)])
    assert np.abs(corners @ columns.T - corners @ image.affine[:3].T).max() < POSITION_MM


def test_there_are_enough_kinds() -> None:
    assert len(KINDS) >= 25


@each_kind
def test_the_truth(kind: Kind, tmp_path: Path) -> None:
    image = read_image(kind.write(tmp_path / "scan"))
    assert image.array.dtype.kind in "iu" or np.any(kind.voxels % 1) or kind.name.startswith(("a slope", "slope", "PET", "enhanced MR, a"))
    np.testing.assert_array_equal(image.array, kind.voxels)
    np.testing.assert_allclose(image.affine, kind.affine, atol=1e-5)


@each_kind
def test_the_same_out_of_a_zip(kind: Kind, tmp_path: Path) -> None:
    folder = kind.write(tmp_path / "scan")
    with zipfile.ZipFile(tmp_path / "scan.zip", "w", zipfile.ZIP_LZMA) as archive:
        for file in folder.rglob("*"):
            archive.write(file, file.relative_to(folder))
    packed, image = read_image(tmp_path / "scan.zip"), read_image(folder)
    np.testing.assert_array_equal(packed.array, image.array)
    assert packed.array.dtype == image.array.dtype and packed.notes == image.notes
    np.testing.assert_array_equal(packed.affine, image.affine)


def by_simpleitk(folder: Path) -> sitk.Image:
    """A folder of one series, or of one file."""
    files = list(folder.iterdir())
    if len(files) > 1:
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    else:
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(files[0]))
    reader.SetImageIO("GDCMImageIO")
    return reader.Execute()


def by_dcm2niix(folder: Path, out: Path) -> sitk.Image:
    """The one volume that it makes of a folder."""
    subprocess.run(["dcm2niix", "-z", "n", "-b", "n", "-o", out, folder], check=True, capture_output=True)
    (made,) = out.glob("*.nii")
    return sitk.ReadImage(str(made))


@judged_by("SimpleITK")
def test_simpleitk(kind: Kind, tmp_path: Path) -> None:
    folder = kind.write(tmp_path / "scan")
    assert_agrees(read_image(folder), by_simpleitk(folder))


@pytest.mark.skipif(shutil.which("dcm2niix") is None, reason="dcm2niix is not there (Debian: apt-get install dcm2niix)")
@judged_by("dcm2niix")
def test_dcm2niix(kind: Kind, tmp_path: Path) -> None:
    folder = kind.write(tmp_path / "scan")
    (tmp_path / "out").mkdir()
    assert_agrees(read_image(folder), by_dcm2niix(folder, tmp_path / "out"))


def test_the_page_names_every_kind_and_no_failure() -> None:
    """docs/dicom.md is what `make dicom-table` printed for these kinds."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "dicom.md").read_text(encoding="utf-8")
    rows = [line.split(" | ")[0].removeprefix("| ") for line in page.splitlines() if line.startswith("| ")]
    assert rows[1:] == list(KINDS)
    assert not any(word in page for word in ("DIFFERENT", "DISAGREES", "MISPLACED", "ERRORS", "refused:"))
