"""Results as DICOM: at the place of their source, referring to its instances; judged by dciodvfy, highdicom and dcmqi."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from highdicom.color import CIELabColor
from highdicom.seg import segread
from highdicom.sr import MeasurementReport
from highdicom.sr import srread as read_report
from pydicom.dataset import Dataset

from MedSegDLLib.commands.dicom_results import dicom_findings, dicom_writers
from MedSegDLLib.commands.main import main
from MedSegDLLib.dicom.capture import painted, towards
from MedSegDLLib.dicom.origin import Reading
from MedSegDLLib.errors import InputRefused
from MedSegDLLib.geometry.image import LPS_FROM_RAS, Image
from MedSegDLLib.io.formats import DICOM_CAPTURE, DICOM_REPORT, DICOM_RESULTS, DICOM_SEGMENTATION
from MedSegDLLib.io.read import read_with_origin
from MedSegDLLib.io.write import write_image, write_result
from MedSegDLLib.result import Result, segments_on
from MedSegDLLib.tasks import BRAIN, LIVER

from ..dicom_kinds import MR, SEGMENTATION, Kind, Stack, kinds, numbers, oblique, save, slices
from ..tiny import head_images, tiny_weights

PLACES = (
    *("axial CT", "feet first", "sagittal", "coronal", "oblique 0", "oblique 1", "oblique 2", "odd number of bytes", "no InstanceNumber"),
    *("before Part 10", "big endian", "Japanese", "RLE", "a slice twice", "with other objects", "PET with a slope a slice"),
    *("enhanced CT", "enhanced MR, shuffled", "enhanced MR, oblique, RLE", "enhanced in two files"),
    *("prone", "oblique sagittal", "enhanced MR, oblique sagittal, shuffled", "legacy converted CT", "legacy converted MR, oblique"),
)
KINDS = {kind.name: kind for kind in kinds() if kind.name in PLACES}
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
SHA = "0123456789abcdef" * 4
MICRON = 1e-3


@dataclass(frozen=True)
class Written:
    """A result on disk beside its source."""

    source: Path
    folder: Path
    reading: Reading
    result: Result


def written(kind: Kind, folder: Path, empty: str = "ET") -> Written:
    """Regions that overlap, one of them empty, as a result of the series."""
    source = kind.write(folder / "scan")
    reading = read_with_origin(source)
    result = result_on(reading, empty)
    write_result(result, folder / "out", dicom_writers(result, reading))
    return Written(source, folder / "out", reading, result)


@pytest.fixture(scope="module")
def case_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Written]:
    """`written`, once for all tests that look at it."""
    done: dict[tuple[str, str], Written] = {}

    def once(kind: Kind, empty: str = "ET") -> Written:
        if (kind.name, empty) not in done:
            done[kind.name, empty] = written(kind, tmp_path_factory.mktemp("case"), empty)
        return done[kind.name, empty]

    return once


def result_on(reading: Reading, empty: str = "ET") -> Result:
    shape = reading.image.grid.shape
    whole = np.random.default_rng(3).random(shape) < 0.2
    whole[-1] = False
    core = whole & (np.random.default_rng(4).random(shape) < 0.5)
    masks = {"WT": whole, "TC": core, "ET": core}
    masks = {key: np.zeros(shape, np.uint8) if key == empty else mask.astype(np.uint8) for key, mask in masks.items()}
    record = {"weights": {"file": "brain.safetensors", "sha256": SHA}}
    return Result(BRAIN, reading.image.grid, "flair", segments_on(reading.image.grid, BRAIN, masks), record=record)


def places(mask: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """(n, 3) LPS mm of the voxels inside."""
    kji = np.argwhere(mask)
    return (np.column_stack([kji[:, ::-1], np.ones(len(kji))]) @ (LPS_FROM_RAS @ affine).T)[:, :3]


def same_places(mask: np.ndarray, affine: np.ndarray, points: np.ndarray) -> bool:
    """Whether the points (LPS mm) are the centres of the voxels inside, each once, within a micron; `affine` leads to RAS."""
    lps = LPS_FROM_RAS @ affine
    ijk = np.rint((points - lps[:3, 3]) @ np.linalg.inv(lps[:3, :3]).T).astype(int)
    told = np.zeros(mask.shape, int)
    np.add.at(told, tuple(ijk.T[::-1]), 1)
    exact = ijk @ lps[:3, :3].T + lps[:3, 3]
    return np.array_equal(told, mask != 0) and (not len(points) or bool(np.abs(exact - points).max() < MICRON))


def frame_affine(seg: Dataset, group: Dataset) -> np.ndarray:
    """(column, row, 0, 1) of a SEG's frame to LPS mm, by the standard's own equation (PS3.3 C.7.6.2.1.1)."""
    shared = seg.SharedFunctionalGroupsSequence[0]
    direction = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, dtype=float).reshape(2, 3)
    rows, columns = (float(side) for side in shared.PixelMeasuresSequence[0].PixelSpacing)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = direction[0] * columns, direction[1] * rows
    affine[:3, 3] = group.PlanePositionSequence[0].ImagePositionPatient
    return affine


def stored_places(seg: Dataset) -> dict[int, np.ndarray]:
    """Segment number -> LPS mm of all its voxels."""
    found: dict[int, list[np.ndarray]] = {}
    pixels = seg.pixel_array.reshape(-1, seg.Rows, seg.Columns)
    for plane, group in zip(pixels, seg.PerFrameFunctionalGroupsSequence, strict=True):
        rows, columns = np.nonzero(plane)
        points = np.column_stack([columns, rows, np.zeros(len(rows)), np.ones(len(rows))]) @ frame_affine(seg, group).T
        found.setdefault(int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber), []).append(points[:, :3])
    return {number: np.concatenate(parts) for number, parts in found.items()}


@each_kind
def test_every_voxel_lies_where_it_lay(kind: Kind, case_of: Callable[..., Written]) -> None:
    case = case_of(kind)
    found = stored_places(pydicom.dcmread(case.folder / DICOM_SEGMENTATION))
    for number, segment in enumerate(case.result.segments, start=1):
        ours = places(segment.mask, kind.affine)
        theirs = found.get(number, np.empty((0, 3)))
        assert same_places(segment.mask, kind.affine, theirs), segment.region.key
        if len(ours):
            assert np.abs(ours.mean(axis=0) - theirs.mean(axis=0)).max() < MICRON


@each_kind
def test_every_frame_refers_to_the_slice_at_its_place(kind: Kind, case_of: Callable[..., Written]) -> None:
    case = case_of(kind)
    seg = pydicom.dcmread(case.folder / DICOM_SEGMENTATION)
    originals = {}
    for path in case.source.rglob("*"):
        if path.is_file() and path.suffix != ".txt" and "__MACOSX" not in path.parts:
            found = pydicom.dcmread(path, force=True)
            if found.SOPClassUID != SEGMENTATION:
                originals[found.SOPInstanceUID] = found
    for group in seg.PerFrameFunctionalGroupsSequence:
        (source,) = group.DerivationImageSequence[0].SourceImageSequence
        original = originals[source.ReferencedSOPInstanceUID]
        assert source.ReferencedSOPClassUID == original.SOPClassUID
        if "PerFrameFunctionalGroupsSequence" in original:
            original = original.PerFrameFunctionalGroupsSequence[source.ReferencedFrameNumber - 1].PlanePositionSequence[0]
        position = group.PlanePositionSequence[0].ImagePositionPatient
        assert np.abs(np.subtract(position, original.ImagePositionPatient, dtype=float)).max() < MICRON
    (series,) = seg.ReferencedSeriesSequence
    any_original = originals[series.ReferencedInstanceSequence[0].ReferencedSOPInstanceUID]
    assert series.SeriesInstanceUID == any_original.SeriesInstanceUID
    assert seg.FrameOfReferenceUID == any_original.FrameOfReferenceUID
    assert {item.ReferencedSOPInstanceUID for item in series.ReferencedInstanceSequence} <= set(originals)


@each_kind
def test_results_carry_what_their_source_carries(kind: Kind, case_of: Callable[..., Written]) -> None:
    case = case_of(kind)
    source = pydicom.dcmread(next(path for path in sorted(case.source.iterdir()) if path.is_file() and path.suffix != ".txt"), force=True)
    for name in DICOM_RESULTS:
        made = pydicom.dcmread(case.folder / name)
        for keyword in ("PatientName", "PatientID", "StudyInstanceUID", "StudyDate", "StudyID"):
            assert str(made[keyword].value) == str(source[keyword].value), (name, keyword)
        assert made.SeriesInstanceUID != source.SeriesInstanceUID and int(made.InstanceNumber) == 1
    numbers_made = [int(pydicom.dcmread(case.folder / name).SeriesNumber) for name in DICOM_RESULTS]
    first = 9000 if kind.name == "no InstanceNumber" else int(source.SeriesNumber) * 100
    assert numbers_made == [first + 1, first + 2, first + 3]


@pytest.mark.parametrize(
    "name",
    [
        *("axial CT", "sagittal", "coronal", "oblique 1", "feet first", "prone", "PET with a slope a slice"),
        *("enhanced MR, shuffled", "enhanced in two files", "legacy converted CT"),
    ],
)
@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy is not there (Debian: apt-get install dicom3tools)")
def test_dciodvfy_finds_no_error(name: str, case_of: Callable[..., Written]) -> None:
    case = case_of(KINDS[name])
    for made in DICOM_RESULTS:
        done = subprocess.run(["dciodvfy", "-new", case.folder / made], capture_output=True, text=True, errors="replace")
        said = (done.stdout + done.stderr).splitlines()
        assert [line for line in said if line.startswith("Error")] == [], made
        assert any(line for line in said if line in ("Segmentation", "EnhancedSR", "MultiframeTrueColorSCImage")), said


@pytest.mark.parametrize("name", ["axial CT", "oblique 2", "feet first", "enhanced MR, shuffled"])
def test_highdicom_reads_codes_colours_and_masks_back(name: str, case_of: Callable[..., Written]) -> None:
    case = case_of(KINDS[name], empty="")
    seg = segread(case.folder / DICOM_SEGMENTATION)
    assert seg.SegmentationType == "BINARY" and seg.SegmentsOverlap == "YES" and seg.number_of_segments == 3
    for number, segment in enumerate(case.result.segments, start=1):
        told, region = seg.get_segment_description(number), segment.region
        assert told.segment_label == region.label
        assert told.segmented_property_type.value == region.type.value and told.segmented_property_category.value == region.category.value
        assert told.anatomic_regions[0].value == region.anatomy.value
        assert np.abs(np.subtract(color_of(told), np.multiply(region.color, 255))).max() <= 1.5
        algorithm = told.algorithm_identification
        assert algorithm.name == "MedSegDL brain" and algorithm.parameters["weights SHA-256"] == SHA and algorithm.version
        volume = seg.get_volume(segment_numbers=[number], combine_segments=False)
        mask = volume.array[..., 0].transpose(0, 1, 2)
        points = np.argwhere(mask)
        theirs = (np.column_stack([points, np.ones(len(points))]) @ volume.affine.T)[:, :3]
        assert same_places(segment.mask, case.reading.image.affine, theirs)


def color_of(segment: Dataset) -> tuple[int, ...]:
    """Red, green, blue in 0..255."""
    lightness, a, b = segment.RecommendedDisplayCIELabValue
    return CIELabColor(lightness / 0xFFFF * 100, a / 0xFFFF * 255 - 128, b / 0xFFFF * 255 - 128).to_rgb()


@pytest.mark.parametrize("name", ["axial CT", "oblique 2", "sagittal", "feet first", "enhanced CT", "enhanced MR, shuffled"])
def test_dcmqi_reads_the_segments_at_their_place(name: str, tmp_path: Path, case_of: Callable[..., Written]) -> None:
    tool = Path(sys.executable).with_name("segimage2itkimage")
    if not tool.exists():
        pytest.skip("dcmqi is not there (pip install dcmqi)")
    case = case_of(KINDS[name])
    done = subprocess.run(
        [tool, "--inputDICOM", case.folder / DICOM_SEGMENTATION, "--outputDirectory", tmp_path, "-p", "s", "-t", "nrrd"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    described = json.loads((tmp_path / "s-meta.json").read_text(encoding="utf-8"))["segmentAttributes"]
    by_label = {entry["labelID"]: entry for group in described for entry in group}
    images = [sitk.ReadImage(str(path)) for path in sorted(tmp_path.glob("s-*.nrrd"))]
    for number, segment in enumerate(case.result.segments[:2], start=1):
        assert by_label[number]["SegmentLabel"] == segment.region.label
        found = [points for image in images if len(points := itk_places(image, number))]
        assert same_places(segment.mask, case.reading.image.affine, np.concatenate(found))


def test_dcmqi_reads_the_measurements(tmp_path: Path, case_of: Callable[..., Written]) -> None:
    """Its program is what Slicer's own TID 1500 plug-in reads reports with."""
    tool = Path(sys.executable).with_name("tid1500reader")
    if not tool.exists():
        pytest.skip("dcmqi is not there (pip install dcmqi)")
    case = case_of(KINDS["oblique 1"])
    call = [tool, "--inputDICOM", case.folder / DICOM_REPORT, "--outputMetadata", tmp_path / "told.json"]
    done = subprocess.run(call, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    groups = json.loads((tmp_path / "told.json").read_text(encoding="utf-8"))["Measurements"]
    for number, (group, segment) in enumerate(zip(groups, case.result.segments, strict=True), start=1):
        assert (group["ReferencedSegment"], group["Finding"]["CodeValue"]) == (number, segment.region.type.value)
        assert group["segmentationSOPInstanceUID"] == pydicom.dcmread(case.folder / DICOM_SEGMENTATION).SOPInstanceUID
        volume = next(entry for entry in group["measurementItems"] if entry["quantity"]["CodeMeaning"] == "Volume")
        assert float(volume["value"]) == pytest.approx(segment.volume_ml, abs=1e-6) and volume["units"]["CodeValue"] == "mL"


def itk_places(image: sitk.Image, label: int) -> np.ndarray:
    indices = np.argwhere(sitk.GetArrayFromImage(image) == label)[:, ::-1]
    axes = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    return indices @ axes.T + image.GetOrigin()


def test_the_report_measures_every_segment_and_refers_to_it(case_of: Callable[..., Written]) -> None:
    case = case_of(KINDS["oblique 1"])
    seg = segread(case.folder / DICOM_SEGMENTATION)
    report = read_report(case.folder / DICOM_REPORT)
    assert isinstance(report.content, MeasurementReport)
    groups = report.content.get_volumetric_roi_measurement_groups()
    assert len(groups) == 3
    for number, (group, segment) in enumerate(zip(groups, case.result.segments, strict=True), start=1):
        described = seg.get_segment_description(number)
        assert (group.tracking_uid, group.tracking_identifier) == (described.tracking_uid, described.tracking_id)
        referred = group.referenced_segmentation_frame if hasattr(group, "referenced_segmentation_frame") else group
        items = [item for item in referred if getattr(item, "ValueType", "") == "CONTAINER"] or [referred]
        assert any(_refers_to(item, seg.SOPInstanceUID, number) for item in items)
        told = {measured.name.meaning: (measured.value, measured.unit.value) for measured in group.get_measurements()}
        assert told["Volume"] == (pytest.approx(segment.volume_ml, abs=1e-6), "mL")
        assert told["Number of lesions (observable entity)"][0] == (0 if segment.region.key == "ET" else told_parts(segment.mask))
        assert ("Maximum 3D Diameter of a Mesh" in told) is bool(segment.mask.any())
        assert group.finding_type.value == segment.region.type.value


def _refers_to(item: Dataset, instance: str, number: int) -> bool:
    """Whether the segment is referred to anywhere below."""
    for reference in item.get("ReferencedSOPSequence", []):
        if reference.ReferencedSOPInstanceUID == instance and reference.get("ReferencedSegmentNumber") == number:
            return True
    return any(_refers_to(child, instance, number) for child in item.get("ContentSequence", []))


def told_parts(mask: np.ndarray) -> int:
    return int(sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(mask), True)).max())


def test_the_capture_shows_outlines_on_the_slices(case_of: Callable[..., Written]) -> None:
    case = case_of(KINDS["axial CT"])
    made = pydicom.dcmread(case.folder / DICOM_CAPTURE)
    pictures = made.pixel_array
    assert pictures.shape == (5, 16, 12, 3) and len(made.SliceLocationVector) == 5 and list(made.PatientOrientation) == ["L", "P"]
    coloured = np.ptp(pictures.astype(int), axis=-1) > 0
    masks = np.any([segment.mask[:5] for segment in case.result.segments], axis=0)
    assert coloured.any() and not (coloured & (masks == 0)).any()
    assert made.BurnedInAnnotation == "NO"


def test_the_capture_of_slices_at_any_angle_steps_by_their_distance(case_of: Callable[..., Written]) -> None:
    for name in ("coronal", "oblique 1"):
        case = case_of(KINDS[name])
        steps = np.abs(np.diff([float(place) for place in pydicom.dcmread(case.folder / DICOM_CAPTURE).SliceLocationVector]))
        np.testing.assert_allclose(steps, case.result.grid.spacing_mm[2], atol=1e-3)


def test_a_capture_is_grey_within_its_outlines_and_a_ct_has_the_window_of_soft_tissue() -> None:
    values = np.array([-1000, -150, 50, 250, 900], np.int16)
    image = Image(np.repeat(values[None, None], 5, axis=1), np.eye(4), tags={"Modality": "CT"})
    mask = np.zeros((1, 5, 5), np.uint8)
    mask[0, 1:4, 1:4] = 1
    plain, outlined = painted(image, (), [0]), painted(image, segments_on(image.grid, LIVER, {"liver": mask, "tumour": 0 * mask}), [0])
    assert plain[0, 0, :, 0].tolist() == [0, 0, 127, 255, 255]
    changed = (plain != outlined).any(axis=-1)[0]
    ring = mask[0] != 0
    ring[2, 2] = False
    assert np.array_equal(changed, ring)


@pytest.mark.parametrize(("direction", "letters"), [((1, 0, 0), "L"), ((0, 0, -1), "F"), ((0.1, -0.9, 0.3), "AHL")])
def test_directions_have_letters(direction: tuple[float, ...], letters: str) -> None:
    assert towards(direction) == letters


def errors_of(folder: Path) -> dict[str, list[str]]:
    """File -> what dciodvfy calls an error."""
    told = {}
    for name in DICOM_RESULTS:
        done = subprocess.run(["dciodvfy", "-new", folder / name], capture_output=True, text=True, errors="replace")
        told[name] = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")]
    return told


LETTERS = {
    "none": ({}, "Doe^Jane"),
    "empty": ({"SpecificCharacterSet": ""}, "Doe^Jane"),
    "Latin": ({"SpecificCharacterSet": "ISO_IR 100", "PatientName": "Müller^Jürgen"}, "Müller^Jürgen"),
    "Japanese": ({"SpecificCharacterSet": ["", "ISO 2022 IR 87"], "PatientName": "Yamada^Tarou=山田^太郎"}, "Yamada^Tarou=山田^太郎"),
}


@pytest.mark.parametrize(("tags", "who"), LETTERS.values(), ids=LETTERS.keys())
@pytest.mark.parametrize("title", ["Отёк, Ödem", "Oedema", "Oedema\\" + 190 * "x"])
def test_letters_that_the_source_does_not_have(title: str, tags: dict, who: str, tmp_path: Path) -> None:
    """A task's own names, or a reader's, in a file whose character set was made for another language."""
    for number, one in enumerate(slices(numbers(0, 0, 900), **tags)):
        save(one, tmp_path / "scan" / f"{number}")
    reading = read_with_origin(tmp_path / "scan")
    result = result_on(reading)
    named = [replace(one, region=replace(one.region, title=title)) for one in result.segments]
    result = replace(result, segments=type(result.segments)(named))
    write_result(result, tmp_path / "out", dicom_writers(result, reading))
    made = {name: pydicom.dcmread(tmp_path / "out" / name) for name in DICOM_RESULTS}
    assert {str(one.PatientName) for one in made.values()} == {who}
    assert str(made[DICOM_SEGMENTATION].SegmentSequence[0].SegmentLabel) == f"{title} (WT)".replace("\\", "/")[:64]
    if shutil.which("dciodvfy"):
        assert not any(errors_of(tmp_path / "out").values())


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy is not there (Debian: apt-get install dicom3tools)")
@pytest.mark.parametrize("count", [1, 6])
def test_a_single_picture_is_no_error_either(count: int, tmp_path: Path) -> None:
    """Of a source of one slice, and of a result without anything, of which one slice is shown."""
    for number, one in enumerate(slices(numbers(0, 0, 900, (count, 16, 12)))):
        save(one, tmp_path / "scan" / f"{number}")
    reading = read_with_origin(tmp_path / "scan")
    masks = {region.key: np.full(reading.image.grid.shape, count == 1, np.uint8) for region in BRAIN.regions}
    result = Result(BRAIN, reading.image.grid, "flair", segments_on(reading.image.grid, BRAIN, masks))
    write_result(result, tmp_path / "out", dicom_writers(result, reading))
    assert int(pydicom.dcmread(tmp_path / "out" / DICOM_CAPTURE).NumberOfFrames) == 1
    assert not any(errors_of(tmp_path / "out").values())


def test_nothing_found_is_a_result_too(tmp_path: Path) -> None:
    reading = read_with_origin(KINDS["axial CT"].write(tmp_path / "scan"))
    masks = {region.key: np.zeros(reading.image.grid.shape, np.uint8) for region in LIVER.regions}
    result = Result(LIVER, reading.image.grid, "ct", segments_on(reading.image.grid, LIVER, masks))
    write_result(result, tmp_path / "out", dicom_writers(result, reading))
    seg = segread(tmp_path / "out" / DICOM_SEGMENTATION)
    assert seg.number_of_segments == 2 and not seg.pixel_array.any()


def test_dicom_results_are_written_with_the_others_or_not_at_all(tmp_path: Path) -> None:
    reading = read_with_origin(KINDS["axial CT"].write(tmp_path / "scan"))
    result = result_on(reading)

    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    good = dicom_writers(result, reading)
    write_result(result, tmp_path / "out", good)
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with pytest.raises(InputRefused, match="no space"):
        write_result(result, tmp_path / "out", {**dicom_writers(result, reading), DICOM_REPORT: fail})
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    write_result(result, tmp_path / "out")
    assert not {path.name for path in (tmp_path / "out").iterdir()} & set(DICOM_RESULTS), "those were another result's"


def lacking(keyword: str, folder: Path) -> Path:
    """A series whose files lack an attribute."""
    KINDS["axial CT"].write(folder)
    for path in folder.iterdir():
        changed = pydicom.dcmread(path)
        delattr(changed, keyword)
        changed.save_as(path)
    return folder


def test_a_source_without_a_frame_of_reference_gets_one_and_a_warning(tmp_path: Path) -> None:
    """As in 3D-IRCADb: always the same one for a series, so that its results share it."""
    path = lacking("FrameOfReferenceUID", tmp_path / "scan")
    named = set()
    for number in (1, 2):
        reading = read_with_origin(path)
        result = result_on(reading)
        write_result(result, tmp_path / str(number), dicom_writers(result, reading))
        named.add(pydicom.dcmread(tmp_path / str(number) / DICOM_SEGMENTATION).FrameOfReferenceUID)
        (finding,) = dicom_findings({"flair": reading}, BRAIN)
        assert "no FrameOfReferenceUID" in finding.message
    assert len(named) == 1 and named.pop()
    assert dicom_findings({"flair": read_with_origin(KINDS["axial CT"].write(tmp_path / "whole"))}, BRAIN) == []


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SOPInstanceUID"])
def test_a_source_that_cannot_be_referred_to_is_refused(keyword: str, tmp_path: Path) -> None:
    reading = read_with_origin(lacking(keyword, tmp_path / "scan"))
    with pytest.raises(InputRefused, match=f"states no {keyword}"):
        dicom_writers(result_on(reading), reading)


@pytest.mark.parametrize(("instance", "says"), [("", "without a SOPInstanceUID"), (None, "of one SOPInstanceUID")])
def test_slices_that_cannot_be_told_apart_are_not_referred_to(instance: str | None, says: str, tmp_path: Path) -> None:
    """As some anonymisers leave them; an archive would keep one of them."""
    files = slices(numbers(0, 0, 900))
    files[3].SOPInstanceUID = files[2].SOPInstanceUID if instance is None else instance
    for place, data_set in enumerate(files):
        save(data_set, tmp_path / "scan" / f"{place}")
    reading = read_with_origin(tmp_path / "scan")
    with pytest.raises(InputRefused, match=says):
        dicom_writers(result_on(reading), reading)


def test_the_command_line_writes_all_three(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    head = head_images(("flair",))["flair"]
    stack = Stack(oblique(1), (6.0, 6.0, 6.0))
    for name, tags in (("flair", {"SeriesDescription": "flair"}),):
        for number, one in enumerate(slices(head.array, stack, kind=MR, **tags)):
            path = tmp_path / name / str(number)
            path.parent.mkdir(exist_ok=True)
            pydicom.dcmwrite(path, one, enforce_file_format=True)
    weights = tiny_weights(tmp_path, BRAIN)
    common = ["segment", "--task", "brain", "--weights", str(weights), "--device", "cpu", "--no-bias-correction", "--dicom"]
    assert main([*common, "--flair", str(tmp_path / "flair"), "-o", str(tmp_path / "out")]) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} >= set(DICOM_RESULTS)
    seg = segread(tmp_path / "out" / DICOM_SEGMENTATION)
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    algorithm = seg.get_segment_description(1).algorithm_identification
    assert algorithm.parameters["weights SHA-256"] == report["weights"]["sha256"]
    capfd.readouterr()


def test_what_is_no_dicom_gets_no_dicom_result(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    write_image(Image(numbers(0, 0, 900), np.eye(4)), tmp_path / "flair.nii.gz")
    arguments = ["segment", "--task", "brain", "--flair", str(tmp_path / "flair.nii.gz"), "-o", str(tmp_path / "out"), "--dicom"]
    assert main(arguments) == 3
    said = capfd.readouterr().err
    assert said.count("\n") == 1 and "--dicom needs FLAIR as DICOM" in said and "leave out --dicom" in said
    assert not (tmp_path / "out").exists()
