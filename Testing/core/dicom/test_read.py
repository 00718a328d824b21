"""DICOM series: slices by where they lie, one volume or one sentence, and never a patient's name."""

from __future__ import annotations

import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from MedSegDLLib.dicom import source as dicom_source
from MedSegDLLib.errors import InputRefused
from MedSegDLLib.geometry.image import DICOM_TAGS
from MedSegDLLib.io.read import read_image

from ..dicom_series import CT_CLASS, MR_CLASS, PATIENT, Series

SHAPE = (7, 12, 10)


def oblique(seed: int = 0) -> np.ndarray:
    """A right-handed oblique affine, as every DICOM series has it."""
    draw = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(draw.normal(size=(3, 3)))
    rotation[:, 2] *= np.sign(np.linalg.det(rotation))
    affine = np.eye(4)
    affine[:3, :3] = rotation * [0.7, 0.8, 2.5]
    affine[:3, 3] = [10, -20, 30]
    return affine


def series(seed: int = 0, **changes: object) -> Series:
    array = np.random.default_rng(seed).integers(-1000, 1000, SHAPE).astype(np.int16)
    return Series(**{"array": array, "affine": oblique(), **changes})


def refusal(path: Path) -> str:
    with pytest.raises(InputRefused) as caught:
        read_image(path)
    assert path.name in caught.value.message
    assert caught.value.remedy
    assert "\n" not in str(caught.value)
    return caught.value.message


def zipped(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, Path("Doe^Jane") / file.relative_to(folder))
    return path


@pytest.mark.parametrize("seed", range(4))
def test_slices_are_ordered_by_position_whatever_their_names(tmp_path: Path, seed: int) -> None:
    one = series(affine=oblique(seed))
    image = read_image(one.write(tmp_path / "scan", seed))
    assert np.array_equal(image.array, one.array)
    assert np.allclose(image.affine, one.affine, atol=1e-6)
    assert image.name == "scan"


def test_folder_zip_and_subfolders_give_the_same(tmp_path: Path) -> None:
    one = series()
    one.write(tmp_path / "scan" / "disk 1" / "ü", suffix=".dcm")
    (tmp_path / "scan" / "LIESMICH.txt").write_text("read me")
    (tmp_path / "scan" / "VERSION").write_text("5")
    folder, packed = read_image(tmp_path / "scan"), read_image(zipped(tmp_path / "scan", tmp_path / "scan.zip"))
    assert np.array_equal(folder.array, one.array)
    assert np.array_equal(packed.array, one.array)
    assert np.array_equal(folder.affine, packed.affine)
    assert packed.name == "scan.zip"


@pytest.mark.parametrize("name", ["IM0001", "IM0001.dcm", "IM.0001"])
def test_single_file_with_or_without_suffix(tmp_path: Path, name: str) -> None:
    one = series()
    image = read_image(one.write_slice(tmp_path / name, 3))
    assert np.array_equal(image.array, one.array[3:4])
    assert np.allclose(image.affine[:3, 3], (one.affine @ [0, 0, 3, 1])[:3])


def test_tags_of_the_sequence_are_kept_and_the_patient_is_not(tmp_path: Path) -> None:
    tags = {
        "0008|103e": "t1 mpr gd",
        "0018|1030": "HEAD",
        "0018|0081": "2.5",
        "0018|0080": "1900",
        "0018|0082": "900",
        "0018|0010": "Gadovist",
        "0018|0020": "GR",
        "0018|0021": "SP",
        "0008|0060": "MR",
        "0008|0016": MR_CLASS,
        "0008|0008": "ORIGINAL\\PRIMARY",
    }
    image = read_image(series(tags=tags).write(tmp_path / "scan"))
    assert set(image.tags) == set(DICOM_TAGS)
    assert image.tags["SeriesDescription"] == "t1 mpr gd"
    assert float(image.tags["InversionTime"]) == 900
    assert PATIENT.split("^", maxsplit=1)[0] not in repr((image.name, image.tags))


def patched(path: Path, slope: str) -> None:
    """Another slope (two characters) behind GDCM's back, whose writer divides by it."""
    old, new = (b"\x28\x00\x53\x10\x02\x00\x00\x00" + value.ljust(2).encode() for value in ("1", slope))
    content = path.read_bytes()
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, new))


def test_slope_and_intercept_give_hounsfield_units(tmp_path: Path) -> None:
    one = series(tags={"0028|1052": "-1024", "0028|1053": "1"})
    image = read_image(one.write(tmp_path / "scan"))
    assert image.array.dtype == np.int16
    assert np.array_equal(image.array, one.array)
    for file in (tmp_path / "scan").iterdir():
        patched(file, "2")
    doubled = read_image(tmp_path / "scan").array
    assert np.array_equal(doubled, (one.array.astype(int) + 1024) * 2 - 1024)


def test_slope_that_changes_from_slice_to_slice(tmp_path: Path) -> None:
    one = series(tags={"0028|1052": "-1024", "0028|1053": "1"})
    for k in range(SHAPE[0]):
        path = one.write_slice(tmp_path / "scan" / f"{k}", k)
        if k == 2:
            patched(path, ".5")
    expected = one.array.astype(np.float32)
    expected[2] = (expected[2] + 1024) * 0.5 - 1024
    image = read_image(tmp_path / "scan")
    assert image.array.dtype == np.float32
    assert np.array_equal(image.array, expected)


@pytest.mark.parametrize("lost", [1, 3, 5])
def test_missing_slice_is_refused(tmp_path: Path, lost: int) -> None:
    one = series()
    for k in set(range(SHAPE[0])) - {lost}:
        one.write_slice(tmp_path / "scan" / str(k), k)
    assert "lacks slices between" in refusal(tmp_path / "scan")


def test_damaged_slice_is_refused_even_at_the_end(tmp_path: Path) -> None:
    one = series()
    one.write(tmp_path / "scan")
    last = one.write_slice(tmp_path / "scan" / "last", SHAPE[0] - 1)
    content = last.read_bytes()
    for length in (400, len(content) - 100):
        last.write_bytes(content[:length])
        assert "damaged" in refusal(tmp_path / "scan")


def test_two_images_at_one_place_are_refused(tmp_path: Path) -> None:
    series().write(tmp_path / "scan")
    series(seed=1).write_slice(tmp_path / "scan" / "again", 2)
    assert "several images at the same place" in refusal(tmp_path / "scan")


def test_uneven_steps_are_refused(tmp_path: Path) -> None:
    one = series()
    bent = oblique()
    bent[:3, 3] += 0.3 * bent[:3, 2]
    for k in range(SHAPE[0]):
        (series(affine=bent) if k == 3 else one).write_slice(tmp_path / "scan" / str(k), k)
    assert "mm apart" in refusal(tmp_path / "scan")


def test_rounded_positions_are_no_reason_to_refuse(tmp_path: Path) -> None:
    class Rounded(Series):
        def position(self, k: int) -> np.ndarray:
            return super().position(k).round(2)

    one = Rounded(series().array, oblique())
    assert np.allclose(read_image(one.write(tmp_path / "scan")).affine, one.affine, atol=0.01)


def test_mixed_orientations_are_refused(tmp_path: Path) -> None:
    series().write(tmp_path / "scan")
    series(affine=oblique(5)).write_slice(tmp_path / "scan" / "localiser", 0)
    assert "different orientations" in refusal(tmp_path / "scan")


def test_mixed_sizes_are_refused(tmp_path: Path) -> None:
    series().write(tmp_path / "scan")
    Series(np.zeros((8, 6, 6), np.int16), oblique()).write_slice(tmp_path / "scan" / "small", 7)
    assert "different sizes" in refusal(tmp_path / "scan")


def test_the_largest_series_is_taken_and_a_tie_refused(tmp_path: Path) -> None:
    large = series(tags={"0008|103e": "axial"})
    scout = Series(np.zeros((2, 8, 8), np.int16), oblique(4), uid="1.2.826.9", tags={"0008|103e": "scout"})
    large.write(tmp_path / "scan")
    scout.write(tmp_path / "scan" / "scout")
    assert np.array_equal(read_image(tmp_path / "scan").array, large.array)
    twin = series(seed=1, uid="1.2.826.10", tags={"0008|103e": "coronal"})
    twin.write(tmp_path / "scan" / "twin")
    sentence = refusal(tmp_path / "scan")
    assert "two series of 7 slices" in sentence
    assert "'axial'" in sentence
    assert "'coronal'" in sentence


def test_a_whole_disk_is_not_walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(12):
        (tmp_path / f"{n}.txt").touch()
    monkeypatch.setattr(dicom_source, "MAX_FILES", 10)
    assert "more than 10 files" in refusal(tmp_path)


@pytest.mark.parametrize("slope", ["x", "0"])
def test_nonsense_in_the_slope_is_refused(tmp_path: Path, slope: str) -> None:
    one = series(tags={"0028|1052": "-1024", "0028|1053": "1"})
    for file in one.write(tmp_path / "scan").iterdir():
        patched(file, slope)
    assert "RescaleSlope" in refusal(tmp_path / "scan")


def test_colour_series_is_refused(tmp_path: Path) -> None:
    one = series()
    array = np.zeros((*SHAPE, 3), np.uint8)
    Series(array, one.affine, tags={"0008|0060": "OT"}).write(tmp_path / "scan")
    assert "colour slices" in refusal(tmp_path / "scan")


@pytest.fixture
def own_temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that zips are unpacked to, alone."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_names_in_a_zip_cannot_leave_the_folder(tmp_path: Path, own_temporary: Path) -> None:
    one = series()
    one.write(tmp_path / "scan")
    path = tmp_path / "slip.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for n, file in enumerate((tmp_path / "scan").iterdir()):
            archive.write(file, f"../../{'../' * n}outside{n}" if n % 2 else f"/etc/outside{n}")
    assert np.array_equal(read_image(path).array, one.array)
    assert list(own_temporary.iterdir()) == []
    assert not list(tmp_path.rglob("outside*"))
    assert not list(Path("/etc").glob("outside*"))


def test_zip_bombs_are_refused_unopened(tmp_path: Path, own_temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(20):
            archive.writestr(f"{n}", bytes(100_000))
    monkeypatch.setattr(dicom_source, "MAX_ZIP_BYTES", 1_000_000)
    started = time.perf_counter()
    assert "would unpack to more than" in refusal(path)
    monkeypatch.undo()
    monkeypatch.setattr(dicom_source, "MAX_FILES", 10)
    assert "would unpack to more than" in refusal(path)
    assert time.perf_counter() - started < 1
    assert list(own_temporary.iterdir()) == []


def test_lying_locked_and_broken_zips_are_refused(tmp_path: Path, own_temporary: Path) -> None:
    series().write(tmp_path / "scan")
    content = zipped(tmp_path / "scan", tmp_path / "good.zip").read_bytes()
    entry = content.rfind(b"PK\x01\x02")
    locked, lying = bytearray(content), bytearray(content)
    locked[entry + 8] |= 1
    lying[entry + 24 : entry + 28] = (10).to_bytes(4, "little")
    for name, variant, sentence in (
        ("locked.zip", locked, "password"),
        ("lying.zip", lying, "no readable zip"),
        ("cut.zip", content[:-200], "no readable zip"),
        ("wrong.zip", content[:300] + bytes(60) + content[360:], "no readable zip"),
    ):
        (tmp_path / name).write_bytes(variant)
        assert sentence in refusal(tmp_path / name), name
        assert list(own_temporary.iterdir()) == []


def test_zip_without_images_is_refused(tmp_path: Path, own_temporary: Path) -> None:
    path = tmp_path / "notes.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "no image")
    assert "holds no DICOM images" in refusal(path)
    assert list(own_temporary.iterdir()) == []


def test_other_dicom_objects_are_passed_over(tmp_path: Path) -> None:
    """A report or directory file carries DICOM's mark but no pixels; a cut image is another matter."""
    one = series()
    one.write(tmp_path / "scan")
    content = one.write_slice(tmp_path / "slice", 0).read_bytes()
    report = content.replace(CT_CLASS.encode().ljust(26, b"\0"), b"1.2.840.10008.5.1.4.1.1.88")[:400]
    (tmp_path / "scan" / "report").write_bytes(report)
    assert np.array_equal(read_image(tmp_path / "scan").array, one.array)


def test_real_series_lies_where_its_labels_lie(data: Path) -> None:
    image = read_image(data / "liver" / "3dircadb_07_dicom.zip")
    labels = read_image(data / "liver" / "3dircadb_07_seg.nii.gz")
    assert image.grid.same_as(labels.grid, tolerance_mm=1e-3)
    assert image.tags["Modality"] == "CT"
    liver_hu = image.array[labels.array > 0]
    assert 40 < np.median(liver_hu) < 200  # portal-venous liver; slices in another order would mix in air and bone
    assert liver_hu.std() < 60
