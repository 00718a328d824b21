"""Series that are no plain stack: a tilted gantry, missing slices, time points. What is done is exact where it can be, and said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from MedSegDLLib.commands.dicom_results import dicom_writers
from MedSegDLLib.commands.main import main
from MedSegDLLib.dicom.options import ReadOptions
from MedSegDLLib.dicom.origin import Reading
from MedSegDLLib.errors import InputRefused
from MedSegDLLib.geometry.image import LPS_FROM_RAS, Image
from MedSegDLLib.io.formats import DICOM_SEGMENTATION
from MedSegDLLib.io.read import read_with_origin
from MedSegDLLib.io.write import write_result

from ..dicom_kinds import CT, MR, Stack, Storage, enhanced, hounsfield, item, numbers, oblique, save, slices, with_pixels
from .test_output import result_on

RAMP = np.array([3.0, -5.0, 7.0])  # HU a mm along L, P, S
STEP = 0.1  # of the stored numbers
FILL = ReadOptions(fill_gaps=True)


def put(files: Sequence[Dataset], folder: Path) -> Path:
    for number, one in enumerate(files):
        save(one, folder / f"{number:03d}")
    return folder


def said(reading: Reading) -> str:
    return " ".join(note.says for note in reading.image.notes)


def refusal(path: Path, options: ReadOptions = ReadOptions()) -> str:
    with pytest.raises(InputRefused) as caught:
        read_with_origin(path, options)
    return str(caught.value)


def tilted(degrees: float, stack: Stack, shape: tuple[int, int, int] = (10, 24, 20)) -> list[Dataset]:
    """A CT whose numbers are a ramp in space, its slices shifted along their columns as the table moves under a tilted gantry."""
    across = np.array(stack.orientation).reshape(2, 3)
    files = slices(np.zeros(shape), stack)
    rows, columns = np.mgrid[: shape[1], : shape[2]]
    for k, one in enumerate(files):
        position = np.array(stack.position(k)) + across[1] * np.tan(np.radians(degrees)) * stack.spacing_mm[2] * k
        one.ImagePositionPatient = [round(part, 6) for part in position]
        places = position + columns[..., None] * across[0] * stack.spacing_mm[0] + rows[..., None] * across[1] * stack.spacing_mm[1]
        with_pixels(one, np.round(places @ RAMP / STEP), Storage())
        one.RescaleSlope, one.RescaleIntercept = STEP, 0
    return files


def ramp_on(image: Image) -> np.ndarray:
    k, j, i = np.indices(image.array.shape)
    places = np.stack([i, j, k, np.ones_like(i)], axis=-1) @ (LPS_FROM_RAS @ image.affine).T
    return places[..., :3] @ RAMP


@pytest.mark.parametrize("stack", [Stack(), Stack(oblique(1)), Stack(oblique(2))], ids=["axial", "oblique 1", "oblique 2"])
@pytest.mark.parametrize("degrees", [-25, -15, 15, 30])
def test_a_tilted_gantry_is_straightened_by_the_true_positions(degrees: float, stack: Stack, tmp_path: Path) -> None:
    files = tilted(degrees, stack)
    reading = read_with_origin(put(files, tmp_path / "scan"))
    image = reading.image
    assert "tilted gantry" in said(reading)
    axes = image.affine[:3, :3] / np.linalg.norm(image.affine[:3, :3], axis=0)
    assert np.abs(axes.T @ axes - np.eye(3)).max() < 1e-6, "straight"
    assert np.allclose(image.grid.spacing_mm, stack.spacing_mm)
    exact = np.abs(image.array - ramp_on(image)) < STEP
    shifted = abs(np.tan(np.radians(degrees))) * stack.spacing_mm[2] / stack.spacing_mm[1]
    assert exact.sum() >= image.array.shape[0] * 20 * (24 - 1 - 1e-6), "all but a row a slice that ends within a voxel"
    assert image.array.shape[1] == 24 + np.ceil(shifted * 9 - 1e-9)
    assert image.array[~exact].min() == image.array.min(), "what no slice shows is the least value"


def test_segments_of_a_tilted_series_lie_in_the_planes_of_its_slices(tmp_path: Path) -> None:
    stack = Stack(oblique(1))
    files = tilted(20, stack)
    reading = read_with_origin(put(files, tmp_path / "scan"))
    normal = np.cross(*np.array(stack.orientation).reshape(2, 3))
    for plane, one in zip(reading.origin.planes, files, strict=True):
        assert plane.moved and plane.frame.file.instance == one.SOPInstanceUID
        assert abs((plane.position - np.array(one.ImagePositionPatient, dtype=float)) @ normal) < 1e-4


@pytest.mark.parametrize(("degrees", "preserved"), [(20, {"NO"}), (0, {"YES"})])
def test_a_result_says_whether_its_voxels_are_the_slices_own(degrees: float, preserved: set[str], tmp_path: Path) -> None:
    reading = read_with_origin(put(tilted(degrees, Stack()), tmp_path / "scan"))
    result = result_on(reading)
    write_result(result, tmp_path / "out", dicom_writers(result, reading))
    seg = pydicom.dcmread(tmp_path / "out" / DICOM_SEGMENTATION)
    assert {one.SpatialLocationsPreserved for one in seg.SourceImageSequence} == preserved
    derived = [item for group in seg.PerFrameFunctionalGroupsSequence for item in group.DerivationImageSequence]
    assert {one.SpatialLocationsPreserved for item in derived for one in item.SourceImageSequence} == preserved


def test_a_stack_that_leans_too_far_is_no_gantry(tmp_path: Path) -> None:
    assert "beside the others" in refusal(put(tilted(60, Stack()), tmp_path / "scan"))


def without_slices(count: int, *lost: int) -> tuple[np.ndarray, list[Dataset]]:
    values = numbers(0, -1000, 1000, (count, 16, 12))
    return values, [one for k, one in enumerate(slices(values)) if k not in lost]


@pytest.mark.parametrize("lost", [(11,), (11, 12)])
def test_a_small_gap_is_filled_when_asked_for(lost: tuple[int, ...], tmp_path: Path) -> None:
    values, files = without_slices(40, *lost)
    path = put(files, tmp_path / "scan")
    assert "lacks slices between 55.0 and" in refusal(path) and "--fill-gaps" in refusal(path)
    reading = read_with_origin(path, FILL)
    kept = [k for k in range(40) if k not in lost]
    np.testing.assert_array_equal(reading.image.array[kept], values[kept])
    for k in lost:
        share = (k - 10) / (len(lost) + 1)
        between = (1 - share) * values[10] + share * values[10 + len(lost) + 1]
        assert np.abs(reading.image.array[k] - between).max() <= 0.5
        assert reading.origin.planes[k].frame is None
        assert np.allclose(reading.origin.planes[k].position, Stack().position(k))
    assert f"lacks {len(lost)} slice" in said(reading) and any(note.serious for note in reading.image.notes)
    assert np.allclose(reading.image.affine, Stack().affine)


@pytest.mark.parametrize("lost", [(11, 12, 13), (5, 10, 15, 20, 25)])
def test_large_gaps_are_not_filled(lost: tuple[int, ...], tmp_path: Path) -> None:
    _, files = without_slices(40, *lost)
    path = put(files, tmp_path / "scan")
    assert "lacks slices" in refusal(path) and "--fill-gaps" not in refusal(path)
    assert "are not filled" in refusal(path, FILL)


def points(kind: str, tags: Sequence[dict[str, object]], seed: int = 0) -> list[Dataset]:
    """Images of several times at every place, in any order."""
    files = []
    for number, own in enumerate(tags):
        for k, one in enumerate(slices(hounsfield(number), kind=kind, **own)):
            one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number + 1}.{k + 1}"
            files.append(one)
    return [files[place] for place in np.random.default_rng(seed).permutation(len(files))]


TIMES = {
    "numbered": [{"TemporalPositionIdentifier": n, "AcquisitionTime": "120000"} for n in (1, 2, 3)],
    "timed": [{"AcquisitionTime": f"1200{n:02d}"} for n in (5, 20, 35)],
    "triggered": [{"TriggerTime": n} for n in (0, 90, 500)],
    "dated": [{"FrameReferenceDateTime": f"202001011200{n:02d}"} for n in (5, 20, 35)],
}


@pytest.mark.parametrize("tags", TIMES.values(), ids=TIMES.keys())
def test_a_time_point_of_an_mr_is_taken(tags: list[dict[str, object]], tmp_path: Path) -> None:
    path = put(points(MR, tags), tmp_path / "scan")
    for wanted in (None, 1, 2, 3):
        reading = read_with_origin(path, ReadOptions(time_point=wanted))
        np.testing.assert_array_equal(reading.image.array, hounsfield((wanted or 1) - 1))
        assert f"holds 3 time points (they differ in {next(iter(tags[0]))})" in said(reading) and reading.time_points == 3
        assert reading.image.notes[0].serious is (wanted is None)
    assert "no number 4" in refusal(path, ReadOptions(time_point=4))


def test_phases_of_a_ct_must_be_chosen(tmp_path: Path) -> None:
    path = put(points(CT, [{"AcquisitionNumber": n} for n in (1, 2)]), tmp_path / "scan")
    assert "same place" in refusal(path) and "--time-point" in refusal(path)
    np.testing.assert_array_equal(read_with_origin(path, ReadOptions(time_point=2)).image.array, hounsfield(1))


def test_acquisitions_of_an_mr_must_be_chosen(tmp_path: Path) -> None:
    """Before and after the contrast agent, perhaps: nothing tells."""
    path = put(points(MR, [{"AcquisitionNumber": n} for n in (1, 2)]), tmp_path / "scan")
    assert "AcquisitionNumber" in refusal(path) and "--time-point" in refusal(path)


@pytest.mark.parametrize(
    "tags", [[{"EchoTime": 10, "AcquisitionTime": "120000"}, {"EchoTime": 90, "AcquisitionTime": "120001"}], [{"InversionTime": 9}, {}]]
)
def test_contrasts_at_one_place_are_no_time_points(tags: list[dict[str, object]], tmp_path: Path) -> None:
    path = put(points(MR, tags), tmp_path / "scan")
    assert "same place" in refusal(path) and "same place" in refusal(path, ReadOptions(time_point=1))


def test_time_points_of_a_multi_frame_file(tmp_path: Path) -> None:
    values = np.concatenate([hounsfield(0), hounsfield(1)])
    data_set = enhanced(values)
    for number, frame in enumerate(data_set.PerFrameFunctionalGroupsSequence):
        frame.PlanePositionSequence[0].ImagePositionPatient = Stack().position(number % 6)
        frame.FrameContentSequence[0].TemporalPositionIndex = 1 + number // 6
    path = save(data_set, tmp_path / "multi.dcm")
    for wanted in (1, 2):
        reading = read_with_origin(path, ReadOptions(time_point=wanted))
        np.testing.assert_array_equal(reading.image.array, hounsfield(wanted - 1))
        assert [plane.frame.index for plane in reading.origin.planes] == list(range(6 * (wanted - 1), 6 * wanted))


@pytest.mark.parametrize(
    ("tag", "values"),
    [
        ("FrameType", (["ORIGINAL", "PRIMARY", "M", "NONE"], ["ORIGINAL", "PRIMARY", "P", "NONE"])),
        ("ComplexImageComponent", ("MAGNITUDE", "PHASE")),
    ],
)
def test_magnitude_and_phase_in_a_multi_frame_file_are_refused_by_the_tag(tag: str, values: tuple, tmp_path: Path) -> None:
    """As Philips and Siemens write them: the file's own ImageType is the same for all, and their numbers count on."""
    data_set = enhanced(np.concatenate([hounsfield(0), hounsfield(1)]))
    for number, frame in enumerate(data_set.PerFrameFunctionalGroupsSequence):
        frame.PlanePositionSequence[0].ImagePositionPatient = Stack().position(number % 6)
        frame.FrameContentSequence[0].TemporalPositionIndex = 1 + number // 6
        frame.MRImageFrameTypeSequence = [item(**{tag: values[number // 6]})]
    assert f"they differ in {tag}" in refusal(save(data_set, tmp_path / "multi.dcm")).replace("TemporalPositionIndex (1, 2), ", "")


def test_a_time_point_of_what_has_none_is_wrong_usage(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    path = put(slices(hounsfield()), tmp_path / "scan")
    arguments = ["segment", "--task", "liver", "--ct", str(path), "-o", str(tmp_path / "out"), "--time-point"]
    assert main([*arguments, "2"]) == 2 and "no input is a time series" in capfd.readouterr().err
    assert main([*arguments, "0"]) == 2 and "no number from 1" in capfd.readouterr().err
