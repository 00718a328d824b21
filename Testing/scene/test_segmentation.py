"""Results as segmentation nodes: every voxel, every attribute, under transforms, through files, and beside the user's own segments."""

# ruff: noqa: E402 - nothing of the scene can be imported where slicer-core is missing

from __future__ import annotations

import json

import numpy as np
import pytest

slicer = pytest.importorskip("slicer", reason="slicer-core is not installed: pip install slicer-core==5.12.4.0")
vtk = pytest.importorskip("vtk")

from vtk.util.numpy_support import vtk_to_numpy

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.seg_nrrd import terminology_entry
from MedSegDLLib.io.write import write_seg_nrrd
from MedSegDLLib.result import Result, Segment
from MedSegDLLib.scene.bare import open_scene
from MedSegDLLib.scene.segmentation import (
    CLOSED_SURFACE,
    add_instances,
    add_segmentation,
    add_uncertainty,
    count_voxels,
    cut_out,
    labelmap_voxels,
    segment_ids,
    segment_mask,
    show_3d,
    task_segments,
)
from MedSegDLLib.scene.volumes import image_from_node, node_from_image
from MedSegDLLib.tasks import BRAIN, LIVER, read_task

from .conftest import (
    SHAPE,
    assert_same_place,
    brain_masks,
    brain_result,
    nuclei_result,
    oblique_affine,
    put_under_transform,
    put_under_warp,
    shift_and_turn,
)


def exported(segmentation, key: str, volume) -> np.ndarray:
    """A segment on a volume's voxels by Slicer's own export, which works in the world."""
    return slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, key, volume)


def assert_holds(segmentation, volume, masks) -> None:
    for key, mask in masks.items():
        np.testing.assert_array_equal(segment_mask(segmentation, key, SHAPE), mask)
        np.testing.assert_array_equal(exported(segmentation, key, volume), mask)


def described(segmentation) -> list[tuple]:
    """Id, name, colour and codes of every segment."""
    tag = vtk.mutable("")
    rows = []
    for key in segment_ids(segmentation):
        segment = segmentation.GetSegmentation().GetSegment(key)
        segment.GetTag("TerminologyEntry", tag)
        rows.append((key, segment.GetName(), tuple(round(part, 5) for part in segment.GetColor()), str(tag)))
    return rows


EXPECTED = [(region.key, region.label, region.color, terminology_entry(region)) for region in BRAIN.regions]


def test_codes_names_and_colours_of_a_task_file_reach_the_segments(volume, tmp_path):
    """A task that nobody has written a line of code for, as its file has it."""
    codes = [{"scheme": "SCT", "value": value, "meaning": meaning} for value, meaning in (("123037004", "Anatomy"), ("78961009", "Spleen"))]
    region = {"key": "spleen", "title": "Milz", "color": [0.25, 0.5, 0.75], "category": codes[0], "type": codes[1], "anatomy": codes[1]}
    cyst = {**region, "key": "cyst-1", "title": "Zyste", "color": [1, 0, 0], "inside": "spleen", "anatomy": None}
    plan = {"scale": "zscore", "spacing_mm": [1, 1, 1], "tile": [32, 32, 32]}
    inputs = [{"key": "flair", "title": "FLAIR", "modality": "MR"}]
    entry = {"key": "spleen", "title": "Spleen", "version": 1, "inputs": inputs, "regions": [region, cyst], "plan": plan}
    (tmp_path / "task.json").write_text(json.dumps(entry), encoding="utf-8")
    task, masks, grid = read_task(tmp_path / "task.json"), list(brain_masks().values()), image_from_node(volume).grid
    segments = tuple(Segment(one, mask, grid.voxel_volume_mm3) for one, mask in zip(task.regions, masks))
    segmentation = add_segmentation(Result(task, grid, "flair", segments), volume)
    [spleen, cyst] = described(segmentation)
    assert spleen[:3] == ("spleen", "Milz", (0.25, 0.5, 0.75)) and cyst[:3] == ("cyst-1", "Zyste", (1.0, 0.0, 0.0))
    assert "SCT^123037004^Anatomy~SCT^78961009^Spleen" in spleen[3] and spleen[3] == terminology_entry(task.regions[0])
    assert spleen[3].count("SCT^78961009^Spleen") == 2 and cyst[3].count("SCT^78961009^Spleen") == 1


def test_overlapping_segments_are_exact(volume):
    segmentation = add_segmentation(brain_result(volume), volume)
    assert_holds(segmentation, volume, brain_masks())
    assert described(segmentation) == EXPECTED
    assert segmentation.GetName() == "flair segmentation"
    assert segmentation.GetSegmentation().GetNumberOfLayers() == 3
    assert segmentation.GetNodeReference(segmentation.GetReferenceImageGeometryReferenceRole()) is volume


def test_codes_are_complete_entries(volume):
    for region in (*BRAIN.regions, *LIVER.regions):
        parts = terminology_entry(region).split("~")
        assert len(parts) == 7
        entry = slicer.vtkSlicerTerminologyEntry()
        logic = slicer.vtkSlicerTerminologiesModuleLogic()
        assert logic.DeserializeTerminologyEntry(terminology_entry(region), entry)
        assert entry.GetTypeObject().GetCodeValue() == region.type.value
        assert entry.GetCategoryObject().GetCodeMeaning() == region.category.meaning


def test_parent_transform_moves_the_segments_with_the_volume(bare, volume):
    put_under_transform(bare, volume, shift_and_turn())
    world = image_from_node(volume).affine
    masks = brain_masks()
    segmentation = add_segmentation(brain_result(volume), volume)
    assert segmentation.GetTransformNodeID() == volume.GetTransformNodeID()
    assert_holds(segmentation, volume, masks)
    hardened = node_from_image(Image(np.zeros(SHAPE, np.uint8), world, "hardened"))  # same voxels, no parent
    np.testing.assert_array_equal(exported(segmentation, "WT", hardened), masks["WT"])
    show_3d(segmentation)
    surface = vtk.vtkPolyData()
    segmentation.GetClosedSurfaceRepresentation("WT", surface)
    points = vtk_to_numpy(surface.GetPoints().GetData()) @ shift_and_turn()[:3, :3].T + shift_and_turn()[:3, 3]
    k, j, i = np.nonzero(masks["WT"])
    centres = world[:3] @ np.stack([i, j, k, np.ones_like(i)])
    np.testing.assert_allclose(points.min(axis=0), centres.min(axis=1), atol=1.6)  # half a voxel's diagonal
    np.testing.assert_allclose(points.max(axis=0), centres.max(axis=1), atol=1.6)


def test_a_deforming_parent_cancels_out(bare, volume):
    """The core refuses it as an input; a result that is put back under the same transform needs no matrix."""
    result = brain_result(volume)
    put_under_warp(bare, volume)
    segmentation = add_segmentation(result, volume)
    for key, mask in brain_masks().items():
        np.testing.assert_array_equal(segment_mask(segmentation, key, SHAPE), mask)


def test_seg_nrrd_round_trip(bare, volume, tmp_path):
    segmentation = add_segmentation(brain_result(volume), volume)
    bare.save_node(segmentation, tmp_path / "case.seg.nrrd")
    assert [path.name for path in tmp_path.iterdir()] == ["case.seg.nrrd"]
    loaded = bare.load_segmentation(tmp_path / "case.seg.nrrd")
    assert described(loaded) == EXPECTED
    for key, mask in brain_masks().items():
        np.testing.assert_array_equal(exported(loaded, key, volume), mask)


def test_the_core_writes_the_same_file_as_slicer(bare, volume, tmp_path):
    """`write_seg_nrrd` knows no MRML; Slicer reads it as if it were its own. Its segments bear the same names as in the scene."""
    write_seg_nrrd(brain_result(volume), tmp_path / "core.seg.nrrd")
    loaded = bare.load_segmentation(tmp_path / "core.seg.nrrd")
    assert described(loaded) == EXPECTED
    for key, mask in brain_masks().items():
        np.testing.assert_array_equal(exported(loaded, key, volume), mask)


def test_mrb_round_trip_keeps_segments_transform_and_reference(bare, volume, tmp_path):
    put_under_transform(bare, volume, shift_and_turn())
    affine, voxels = image_from_node(volume).affine, image_from_node(volume).array
    add_segmentation(brain_result(volume), volume)
    bare.save(tmp_path / "case.mrb")
    assert [path.name for path in tmp_path.iterdir()] == ["case.mrb"]
    fresh = open_scene()
    fresh.load(tmp_path / "case.mrb")
    segmentation = fresh.scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    again = fresh.scene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
    assert described(segmentation) == EXPECTED
    assert_same_place(image_from_node(again), Image(voxels, affine))
    for key, mask in brain_masks().items():
        assert_same_place(Image(exported(segmentation, key, again), image_from_node(again).affine), Image(mask, affine))
    assert segmentation.GetNodeReference(segmentation.GetReferenceImageGeometryReferenceRole()) is again


@pytest.mark.parametrize("empty", [("ET",), ("WT", "TC", "ET")])
def test_empty_segments_stay_segments(bare, volume, tmp_path, empty):
    masks = {key: np.zeros(SHAPE, np.uint8) if key in empty else mask for key, mask in brain_masks().items()}
    segmentation = add_segmentation(brain_result(volume, masks), volume)
    assert_holds(segmentation, volume, masks)
    show_3d(segmentation)
    bare.save_node(segmentation, tmp_path / "case.seg.nrrd")
    loaded = bare.load_segmentation(tmp_path / "case.seg.nrrd")
    assert described(loaded) == EXPECTED
    for key, mask in masks.items():
        np.testing.assert_array_equal(segment_mask(loaded, key, SHAPE), mask)


def test_segments_are_what_slicers_dicom_export_looks_for(bare, volume):
    """Its plug-in takes a segment without an array of this name for empty, and one without these tags for drawn by hand."""
    result = brain_result(volume)
    segmentation = add_segmentation(result, volume).GetSegmentation()
    for number, segment in enumerate(result.segments):
        node, told = segmentation.GetNthSegment(number), vtk.reference("")
        assert node.GetTag("DICOM.SegmentAlgorithmType", told) and str(told.get()) == "AUTOMATIC"
        assert node.GetTag("DICOM.SegmentAlgorithmName", told) and str(told.get()) == "MedSegDL"
        scalars = node.GetRepresentation("Binary labelmap").GetPointData().GetArray("ImageScalars")
        assert scalars.GetValueRange() == ((0, 1) if segment.mask.any() else (0, 0))


def add_own_segment(segmentation, mask: np.ndarray, affine: np.ndarray) -> None:
    segment = slicer.vtkSegment()
    segment.SetName("mine")
    labelmap = cut_out(mask)
    labelmap.SetGeometryFromImageToWorldMatrix(_matrix(affine))
    segment.AddRepresentation("Binary labelmap", labelmap)
    segmentation.GetSegmentation().AddSegment(segment, "mine")


def test_a_second_run_replaces_its_own_segments_only(bare, volume):
    segmentation = add_segmentation(brain_result(volume), volume)
    mine = np.zeros(SHAPE, np.uint8)
    mine[1:4, 1:4, 1:4] = 1
    add_own_segment(segmentation, mine, oblique_affine())
    changed = {key: np.roll(mask, 1, axis=2) for key, mask in brain_masks().items()}
    assert add_segmentation(brain_result(volume, changed), volume, segmentation) is segmentation
    assert segment_ids(segmentation) == ["WT", "TC", "ET", "mine"]
    assert_holds(segmentation, volume, {**changed, "mine": mine})
    assert bare.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 1


def test_surfaces_follow_a_second_run(volume):
    segmentation = add_segmentation(brain_result(volume), volume)
    show_3d(segmentation)
    far = {key: np.zeros(SHAPE, np.uint8) for key in brain_masks()}
    far["WT"][5:8, 5:8, 5:8] = 1
    add_segmentation(brain_result(volume, far), volume, segmentation)
    surface = vtk.vtkPolyData()
    assert segmentation.GetClosedSurfaceRepresentation("WT", surface)
    centre = oblique_affine()[:3] @ (6, 6, 6, 1)
    np.testing.assert_allclose(np.array(surface.GetCenter()), centre, atol=1.0)


def test_a_given_node_with_own_segments_keeps_its_place(bare, volume):
    """Its transform is not touched, for the user's segments lie under it; ours are brought into its coordinates."""
    segmentation = bare.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "given")
    put_under_transform(bare, segmentation, shift_and_turn())
    own = segmentation.GetTransformNodeID()
    add_own_segment(segmentation, brain_masks()["TC"], oblique_affine())
    add_segmentation(brain_result(volume), volume, segmentation)
    assert segmentation.GetTransformNodeID() == own
    np.testing.assert_array_equal(segment_mask(segmentation, "mine", SHAPE), brain_masks()["TC"])
    for key, mask in brain_masks().items():
        np.testing.assert_array_equal(exported(segmentation, key, volume), mask)


def test_a_given_empty_node_takes_the_volumes_transform(bare, volume):
    put_under_transform(bare, volume, shift_and_turn())
    segmentation = bare.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "given")
    add_segmentation(brain_result(volume), volume, segmentation)
    assert segmentation.GetTransformNodeID() == volume.GetTransformNodeID()
    assert segmentation.GetName() == "given"


def test_a_volume_of_another_size_is_refused_and_nothing_is_left_behind(bare, volume):
    result = brain_result(volume)
    other = node_from_image(Image(np.zeros((3, 4, 5), np.float32), np.eye(4), "other"))
    with pytest.raises(InputRefused, match="'other' changed while it was segmented"):
        add_segmentation(result, other)
    assert bare.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0


def test_display_shows_outlines_fill_and_see_through_holders(volume):
    segmentation = add_segmentation(brain_result(volume), volume)
    display = segmentation.GetDisplayNode()
    assert display.GetVisibility2DFill() and display.GetVisibility2DOutline()
    assert display.GetSegmentOpacity3D("WT") < display.GetSegmentOpacity3D("ET") == 1.0


def test_surfaces_on_demand(volume):
    segmentation = add_segmentation(brain_result(volume), volume)
    assert not segmentation.GetSegmentation().ContainsRepresentation(CLOSED_SURFACE)
    show_3d(segmentation)
    surface = vtk.vtkPolyData()
    assert segmentation.GetClosedSurfaceRepresentation("WT", surface) and surface.GetNumberOfPoints() > 100
    assert segmentation.GetDisplayNode().GetVisibility3D()
    show_3d(segmentation, False)
    assert not segmentation.GetDisplayNode().GetVisibility3D()


def test_a_picture_gets_a_segment_and_numbers(bare):
    affine = np.diag([-0.5, -0.5, 1.0, 1.0])
    picture = node_from_image(Image(np.zeros((1, 9, 7, 3), np.uint8), affine, "slide"))
    result = nuclei_result(picture)
    segmentation = add_segmentation(result, picture)
    labels = add_instances(result, picture)
    np.testing.assert_array_equal(segment_mask(segmentation, "nucleus", (1, 9, 7)), result.segments[0].mask)
    assert labels.GetName() == "slide nuclei" and labels.IsA("vtkMRMLLabelMapVolumeNode")
    np.testing.assert_array_equal(image_from_node(labels).array, result.instances)
    np.testing.assert_allclose(image_from_node(labels).affine, affine)


def test_extras_only_where_the_result_has_them(volume):
    result = brain_result(volume)
    assert add_instances(result, volume) is None and add_uncertainty(result, volume) is None
    result.uncertainty = np.random.default_rng(0).random(SHAPE).astype(np.float32)
    node = add_uncertainty(result, volume)
    assert node.GetName() == "flair uncertainty"
    np.testing.assert_array_equal(image_from_node(node).array, result.uncertainty)


def test_mask_of_an_edited_segment_that_reaches_beyond_the_volume_is_cut(volume):
    segmentation = add_segmentation(brain_result(volume), volume)
    image = slicer.vtkOrientedImageData()
    image.SetExtent(-3, 2, -3, 2, -3, 2)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    image.GetPointData().GetScalars().Fill(1)
    image.SetGeometryFromImageToWorldMatrix(labelmap_voxels(segmentation, "WT")[0] and _matrix(oblique_affine()))
    segmentation.GetSegmentation().GetSegment("WT").AddRepresentation("Binary labelmap", image)
    mask = segment_mask(segmentation, "WT", SHAPE)
    assert mask[:3, :3, :3].all() and mask.sum() == 27


def _matrix(affine: np.ndarray):
    from MedSegDLLib.scene.volumes import vtk_matrix

    return vtk_matrix(affine)


def test_only_the_tasks_segments_are_listed(volume):
    segmentation = add_segmentation(brain_result(volume), volume)
    add_own_segment(segmentation, brain_masks()["WT"], oblique_affine())
    segmentation.GetSegmentation().RemoveSegment("TC")
    assert [region.key for region in task_segments(segmentation, BRAIN)] == ["WT", "ET"]
    assert task_segments(segmentation, LIVER) == []


def test_voxels_are_counted_where_they_lie_and_after_conversion(bare, volume):
    segmentation = add_segmentation(brain_result(volume), volume)
    for key, mask in brain_masks().items():
        assert count_voxels(segmentation, key)[0] == mask.sum()
    sphere = vtk.vtkSphereSource()
    sphere.SetRadius(4.0)
    sphere.Update()
    drawn = bare.scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    drawn.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    drawn.AddSegmentFromClosedSurfaceRepresentation(sphere.GetOutput(), "ball", (1.0, 0.0, 0.0), "ball")
    assert count_voxels(drawn, "ball")[0] == np.count_nonzero(labelmap_voxels(drawn, "ball")[1])


def test_segments_that_share_a_layer_are_counted_apart(volume):
    apart = {key: np.zeros(SHAPE, np.uint8) for key in brain_masks()}
    for number, mask in enumerate(apart.values()):
        mask[2 + 3 * number, 3:6, 3 : 5 + number] = 1
    segmentation = add_segmentation(brain_result(volume, apart), volume)
    segmentation.GetSegmentation().CollapseBinaryLabelmaps(False)
    assert segmentation.GetSegmentation().GetNumberOfLayers() == 1
    assert [count_voxels(segmentation, key)[0] for key in apart] == [int(mask.sum()) for mask in apart.values()]
