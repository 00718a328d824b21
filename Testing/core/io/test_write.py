"""Results on disk: what is written, what other programs read in it, and that a failure leaves nothing."""

from __future__ import annotations

import csv
import json
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
import tifffile

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.geometry.image import Grid
from MedSegDLLib.io import write
from MedSegDLLib.io.nifti import write_nifti
from MedSegDLLib.io.read import read_image
from MedSegDLLib.io.seg_nrrd import terminology_entry
from MedSegDLLib.io.write import prepare_folder, write_result, write_seg_nrrd
from MedSegDLLib.result import Result, Segment, segments_on
from MedSegDLLib.tasks import BRAIN, LIVER, NUCLEI, Task

from ..small_images import left_in, oblique_affine

SHAPE = (9, 11, 13)


def ball(radius: float, shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    centred = [np.arange(n) - n / 2 for n in shape]
    return (sum(axis**2 for axis in np.meshgrid(*centred, indexing="ij")) < radius**2).astype(np.uint8)


def result_of(task: Task, masks: list[np.ndarray], affine: np.ndarray, **more: object) -> Result:
    grid = Grid(masks[0].shape, affine)
    segments = tuple(Segment(region, mask, grid.voxel_volume_mm3) for region, mask in zip(task.regions, masks, strict=True))
    return Result(task, grid, task.reference_order[0], segments, **more)


def brain(affine: np.ndarray | None = None, **more: object) -> Result:
    """Nested regions of which each lies within the one before."""
    return result_of(BRAIN, [ball(4.5), ball(3), ball(1.6)], oblique_affine(1) if affine is None else affine, **more)


def nuclei(**more: object) -> Result:
    instances = np.zeros((1, 20, 30), np.uint32)
    instances[0, 2:6, 3:9], instances[0, 10:15, 10:25] = 1, 300
    return result_of(NUCLEI, [(instances > 0).astype(np.uint8)], np.eye(4), instances=instances, **more)


def test_every_file_of_a_brain_result(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    extras = {"uncertainty": draw.random(SHAPE, np.float32), "bias_fields": {"t1": draw.normal(size=SHAPE).astype(np.float32)}}
    result = brain(**extras, record={"task": "brain", "volumes_ml": {"WT": 1.5}, "worst": float("nan")})
    written = write_result(result, tmp_path / "new" / "folder")
    names = ["ET.nii.gz", "TC.nii.gz", "WT.nii.gz", "bias_field_t1.nii.gz", "report.json", "segmentation.seg.nrrd", "uncertainty.nii.gz"]
    assert left_in(tmp_path / "new" / "folder") == names
    assert sorted(path.name for path in written) == names
    arrays = {**result.masks, "uncertainty": result.uncertainty, "bias_field_t1": result.bias_fields["t1"]}
    for name, array in arrays.items():
        image = read_image(tmp_path / "new" / "folder" / f"{name}.nii.gz")
        assert image.array.dtype == array.dtype
        assert np.array_equal(image.array, array)
        assert image.grid.same_as(result.grid, 1e-4)
    report = json.loads((tmp_path / "new" / "folder" / "report.json").read_text(encoding="utf-8"))
    assert report == {"task": "brain", "volumes_ml": {"WT": 1.5}, "worst": None}


def test_nuclei_are_numbered_in_16_bits(tmp_path: Path) -> None:
    result = nuclei()
    write_result(result, tmp_path)
    assert left_in(tmp_path) == ["nuclei.png", "nucleus.nii.gz", "objects.csv", "report.json", "segmentation.seg.nrrd"]
    image = read_image(tmp_path / "nuclei.png")
    assert image.array.dtype == np.uint16
    assert np.array_equal(image.array, result.instances)


def test_more_objects_than_16_bits_number_go_into_a_tiff_of_32(tmp_path: Path) -> None:
    write_result(nuclei(), tmp_path)
    many = nuclei()
    many.instances[0, 0, 0] = 70_000
    write_result(many, tmp_path)
    assert left_in(tmp_path) == ["nuclei.tif", "nucleus.nii.gz", "objects.csv", "report.json", "segmentation.seg.nrrd"]
    image = read_image(tmp_path / "nuclei.tif")
    assert image.array.dtype == np.uint32 and np.array_equal(image.array, many.instances)
    assert np.array_equal(tifffile.imread(tmp_path / "nuclei.tif"), many.instances[0])
    write_result(nuclei(), tmp_path)
    assert "nuclei.tif" not in left_in(tmp_path) and "nuclei.png" in left_in(tmp_path)


@pytest.mark.parametrize("micron", [0.25, None])
def test_the_table_of_objects_is_what_skimage_measures(tmp_path: Path, micron: float | None) -> None:
    regionprops = pytest.importorskip("skimage.measure", reason="scikit-image is not installed").regionprops
    labels = np.zeros((1, 60, 80), np.uint32)
    draw = np.random.default_rng(0)
    for number in range(1, 12):
        y, x = draw.integers(0, 50), draw.integers(0, 70)
        labels[0, y : y + draw.integers(1, 10), x : x + draw.integers(1, 10)] = number
    side = 1.0 if micron is None else micron / 1000
    result = result_of(NUCLEI, [(labels > 0).astype(np.uint8)], np.diag([-side, -side, 1, 1]), instances=labels)
    write_result(result, tmp_path)
    rows = list(csv.DictReader((tmp_path / "objects.csv").open(encoding="utf-8")))
    judged = regionprops(labels[0].astype(int))
    assert [int(row["number"]) for row in rows] == [each.label for each in judged]
    for row, each in zip(rows, judged, strict=True):
        assert int(row["area_px"]) == each.area
        assert np.allclose([float(row["centroid_y_px"]), float(row["centroid_x_px"])], each.centroid, atol=0.005)
        assert row["area_um2"] == "" if micron is None else float(row["area_um2"]) == pytest.approx(each.area * micron**2)


def test_no_objects_make_a_table_of_titles(tmp_path: Path) -> None:
    nothing = result_of(NUCLEI, [np.zeros((1, 5, 6), np.uint8)], np.eye(4), instances=np.zeros((1, 5, 6), np.uint32))
    write_result(nothing, tmp_path)
    assert (tmp_path / "objects.csv").read_text(encoding="utf-8") == "number,area_px,area_um2,centroid_x_px,centroid_y_px\n"


def test_a_picture_has_no_volume_and_an_area_only_with_a_pixel_size() -> None:
    mask = np.ones((1, 10, 20), np.uint8)
    for side_mm, area in ((1.0, None), (0.3528, None), (0.0005, 200 * 0.25)):
        (segment,) = segments_on(Grid(mask.shape, np.diag([-side_mm, -side_mm, 1, 1])), NUCLEI, {"nucleus": mask})
        assert segment.volume_ml is None and segment.volume_mm3 is None
        assert segment.area_um2 == (area if area is None else pytest.approx(area))
    (liver, _) = segments_on(Grid((1, 10, 20), np.eye(4)), LIVER, {"liver": mask, "tumour": mask})
    assert liver.volume_ml == pytest.approx(0.2) and liver.area_um2 is None


def test_second_run_replaces_its_files_and_leaves_others_alone(tmp_path: Path) -> None:
    (tmp_path / "my notes.txt").write_text("mine")
    write_result(brain(record={"run": 1}), tmp_path)
    write_result(brain(record={"run": 2}), tmp_path)
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == {"run": 2}
    assert (tmp_path / "my notes.txt").read_text(encoding="utf-8") == "mine"
    assert not [name for name in left_in(tmp_path) if name.startswith(".")]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()])
@pytest.mark.parametrize("nth", [1, 3, 5])
def test_failure_in_any_file_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, nth: int) -> None:
    count = 0

    def failing(*arguments: object) -> None:
        nonlocal count
        count += 1
        if count == nth:
            raise error

    monkeypatch.setattr(write, "flush_to_disk", failing)
    with pytest.raises(InputRefused if isinstance(error, OSError) else type(error)):
        write_result(brain(), tmp_path / "out")
    assert not (tmp_path / "out").exists() or left_in(tmp_path / "out") == []


def test_failure_while_the_files_are_put_in_place_takes_them_back(tmp_path: Path) -> None:
    (tmp_path / "report.json").mkdir()
    (tmp_path / "report.json" / "in the way").touch()
    with pytest.raises(InputRefused, match=r"report\.json could not be written"):
        write_result(brain(), tmp_path)
    assert left_in(tmp_path) == ["report.json"]


def test_full_disk_leaves_no_file(tiny_disk: Path) -> None:
    noise = np.random.default_rng(0).random((20, 40, 40)).astype(np.float32)
    result = result_of(LIVER, [ball(9, noise.shape), ball(4, noise.shape)], np.eye(4), uncertainty=noise)
    with pytest.raises(InputRefused, match=r"\S+ could not be written to .*disk: no space left"):  # files are written side by side
        write_result(result, tiny_disk)
    assert left_in(tiny_disk) == []


def test_folders_that_take_no_files_are_refused_early(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputRefused) as caught:
            prepare_folder(folder)
        assert caught.value.remedy
    assert prepare_folder(str(tmp_path / "a" / "b")) == tmp_path / "a" / "b"
    assert left_in(tmp_path / "a" / "b") == []


def test_full_disk_is_noticed_early(tiny_disk: Path) -> None:
    (tiny_disk / "large").write_bytes(bytes(65_536))
    with pytest.raises(InputRefused, match="no space left"):
        prepare_folder(tiny_disk / "out")
    assert left_in(tiny_disk) == ["large"]


def test_read_only_disk_is_noticed_early(tiny_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    for folder in (tiny_disk, tiny_disk / "out"):
        with pytest.raises(InputRefused, match="read-only file system"):
            prepare_folder(folder)


def test_no_permission_is_noticed_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(**where: object) -> None:
        raise PermissionError(13, "Permission denied", str(where["dir"]))

    monkeypatch.setattr(tempfile, "TemporaryFile", denied)
    with pytest.raises(InputRefused, match="permission denied"):
        prepare_folder(tmp_path / "out")
    assert left_in(tmp_path) == []


CASES: dict[str, Callable[[], Result]] = {
    "nested, oblique": brain,
    "nested, left-handed": lambda: brain(oblique_affine(2, -1)),
    "apart": lambda: result_of(BRAIN, [np.roll(ball(2), 4 * n, 2) for n in (-1, 0, 1)], oblique_affine(3)),
    "empty inner": lambda: result_of(LIVER, [ball(4), np.zeros(SHAPE, np.uint8)], oblique_affine(4)),
    "all empty": lambda: result_of(BRAIN, [np.zeros(SHAPE, np.uint8)] * 3, oblique_affine(5)),
    "all full": lambda: result_of(LIVER, [np.ones(SHAPE, np.uint8)] * 2, oblique_affine(6)),
    "picture": nuclei,
    "tall": lambda: result_of(LIVER, [ball(19, (40, 5, 6)), ball(10, (40, 5, 6))], oblique_affine(7)),
}


@pytest.mark.parametrize("case", CASES)
def test_slicer_reads_our_segmentation_as_it_is(tmp_path: Path, case: str) -> None:
    slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")
    result = CASES[case]()
    write_seg_nrrd(result, tmp_path / "s.seg.nrrd")
    scene = slicer.vtkMRMLScene()
    node, storage = slicer.vtkMRMLSegmentationNode(), slicer.vtkMRMLSegmentationStorageNode()
    for each in (node, storage):
        scene.AddNode(each)
    storage.SetFileName(str(tmp_path / "s.seg.nrrd"))
    assert storage.ReadData(node) == 1
    segmentation = node.GetSegmentation()
    assert [segmentation.GetNthSegmentID(n) for n in range(segmentation.GetNumberOfSegments())] == list(result.masks)
    for segment in result.segments:
        read = segmentation.GetSegment(segment.region.key)
        assert read.GetName() == segment.region.label
        assert np.allclose(read.GetColor(), segment.region.color)
        assert read.GetTerminology() == terminology_entry(segment.region)
        mask, affine = labelmap_of(slicer, node, segment.region.key)
        assert np.array_equal(mask, segment.mask)
        assert np.allclose(affine, result.grid.affine, atol=1e-9)
    layers = {"nested, oblique": 3, "nested, left-handed": 3, "apart": 1, "empty inner": 1, "all empty": 1, "all full": 2}
    assert segmentation.GetNumberOfLayers() == layers.get(case, segmentation.GetNumberOfLayers())


def labelmap_of(slicer, node, segment_id: str) -> tuple[np.ndarray, np.ndarray]:
    """Mask and image-to-world matrix of a segment, on the whole extent of the file."""
    from vtk import vtkMatrix4x4
    from vtk.util.numpy_support import vtk_to_numpy

    image = node.GetBinaryLabelmapInternalRepresentation(segment_id)
    label = node.GetSegmentation().GetSegment(segment_id).GetLabelValue()
    array = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])
    matrix = vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    assert image.GetExtent()[::2] == (0, 0, 0)
    return (array == label).astype(np.uint8), np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def test_reference_geometry_in_the_file_is_the_grid(tmp_path: Path) -> None:
    slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")
    result = brain()
    write_seg_nrrd(result, tmp_path / "s.seg.nrrd")
    scene = slicer.vtkMRMLScene()
    node, storage = slicer.vtkMRMLSegmentationNode(), slicer.vtkMRMLSegmentationStorageNode()
    for each in (node, storage):
        scene.AddNode(each)
    storage.SetFileName(str(tmp_path / "s.seg.nrrd"))
    storage.ReadData(node)
    geometry = node.GetSegmentation().GetConversionParameter("Reference image geometry")
    numbers = [float(part) for part in geometry.rstrip(";").split(";")]
    assert np.allclose(np.reshape(numbers[:16], (4, 4)), result.grid.affine, atol=1e-9)
    assert numbers[16:] == [0, SHAPE[2] - 1, 0, SHAPE[1] - 1, 0, SHAPE[0] - 1]


def test_simpleitk_reads_the_layers(tmp_path: Path) -> None:
    result = brain()
    write_seg_nrrd(result, tmp_path / "s.seg.nrrd")
    volume = sitk.ReadImage(str(tmp_path / "s.seg.nrrd"))
    assert np.array_equal(sitk.GetArrayFromImage(volume), np.stack(list(result.masks.values()), axis=-1))
    assert volume.GetMetaData("Segment1_ID") == "TC"


def test_equal_results_make_equal_files(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write_result(brain(record={"x": 1}), tmp_path / folder)
    for name in left_in(tmp_path / "a"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_terminology_of_a_region_without_anatomy() -> None:
    entry = terminology_entry(NUCLEI.regions[0])
    assert entry.split("~")[2] == "SCT^84640000^Nucleus"
    assert entry.split("~")[5:] == ["^^", "^^"]


def test_slicer_understands_the_terminology() -> None:
    slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")
    for region in (*BRAIN.regions, *LIVER.regions, *NUCLEI.regions):
        entry = slicer.vtkSlicerTerminologyEntry()
        assert slicer.vtkSlicerTerminologiesModuleLogic().DeserializeTerminologyEntry(terminology_entry(region), entry)
        assert entry.GetCategoryObject().GetCodeValue() == region.category.value
        assert entry.GetTypeObject().GetCodeMeaning() == region.type.meaning
        assert entry.GetRegionObject().GetCodeValue() == (region.anatomy.value if region.anatomy else None)


def test_axes_that_lean_have_no_qform(tmp_path: Path) -> None:
    affine = np.eye(4)
    affine[0, 1] = 0.2
    write_nifti(tmp_path / "sheared.nii", np.zeros((2, 3, 4), np.uint8), affine)
    header = nib.load(tmp_path / "sheared.nii").header
    assert int(header["qform_code"]) == 0 and int(header["sform_code"]) == 1


def test_a_compressed_file_holds_no_time(tmp_path: Path) -> None:
    write_nifti(tmp_path / "mask.nii.gz", np.zeros((2, 3, 4), np.uint8), np.eye(4))
    assert (tmp_path / "mask.nii.gz").read_bytes()[4:8] == b"\0" * 4  # RFC 1952, MTIME


def test_organs_and_findings_are_named_by_the_lists_that_slicer_has_them_in() -> None:
    anatomy, findings = (f"Segmentation category and type - {name}" for name in ("3D Slicer General Anatomy list", "DICOM master list"))
    assert terminology_entry(LIVER.region("liver")).split("~")[0] == anatomy
    assert {terminology_entry(region).split("~")[0] for region in (*BRAIN.regions, LIVER.region("tumour"))} == {findings}
