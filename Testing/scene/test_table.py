"""The table equals what Segment Statistics computes: vtkImageThreshold, stencil, vtkImageAccumulate on the same node."""

# ruff: noqa: E402 - nothing of the scene can be imported where slicer-core is missing

from __future__ import annotations

import math

import numpy as np
import pytest

slicer = pytest.importorskip("slicer", reason="slicer-core is not installed: pip install slicer-core==5.12.4.0")
vtk = pytest.importorskip("vtk")

from MedSegDLLib.geometry.image import Image
from MedSegDLLib.scene.segmentation import add_instances, add_segmentation
from MedSegDLLib.scene.table import COLUMNS, OBJECT_COLUMNS, measure, table_rows, volumes_table
from MedSegDLLib.scene.volumes import node_from_image
from MedSegDLLib.tasks import BRAIN, NUCLEI

from .conftest import SHAPE, brain_masks, brain_result, nuclei_result, put_under_transform, shift_and_turn


def accumulated(segmentation, key: str) -> tuple[int, float]:
    """Voxel count and mm3 of a segment, step by step as upstream's LabelmapSegmentStatisticsPlugin does it."""
    labelmap = slicer.vtkOrientedImageData()
    segmentation.GetBinaryLabelmapRepresentation(key, labelmap)
    if labelmap.GetNumberOfPoints() == 0:
        return 0, 0.0
    threshold = vtk.vtkImageThreshold()
    threshold.SetInputData(labelmap)
    threshold.ThresholdByLower(0)
    threshold.SetInValue(0)
    threshold.SetOutValue(1)
    threshold.SetOutputScalarType(vtk.VTK_UNSIGNED_CHAR)
    threshold.Update()
    stencil = vtk.vtkImageToImageStencil()
    stencil.SetInputData(threshold.GetOutput())
    stencil.ThresholdByUpper(1)
    stencil.Update()
    statistics = vtk.vtkImageAccumulate()
    statistics.SetInputData(threshold.GetOutput())
    statistics.SetStencilData(stencil.GetOutput())
    statistics.Update()
    return statistics.GetVoxelCount(), statistics.GetVoxelCount() * math.prod(labelmap.GetSpacing())


@pytest.mark.parametrize("moved", [False, True])
def test_table_equals_segment_statistics(bare, volume, moved):
    if moved:
        put_under_transform(bare, volume, shift_and_turn())
    result = brain_result(volume)
    segmentation = add_segmentation(result, volume)
    table = volumes_table(segmentation, BRAIN)
    rows = table_rows(table)
    assert [list(row) for row in rows] == [list(COLUMNS)] * 3
    for row, segment in zip(rows, result.segments):
        count, volume_mm3 = accumulated(segmentation, row["Id"])
        assert int(row["Voxels"]) == count == segment.voxel_count > 0
        assert measure(segmentation, row["Id"]).volume_mm3 == volume_mm3
        assert float(row["Volume mm3"]) == pytest.approx(volume_mm3, rel=1e-5)
        assert float(row["Volume mL"]) == pytest.approx(segment.volume_ml, rel=1e-5)


def test_an_edit_counts(volume):
    segmentation = add_segmentation(brain_result(volume), volume)
    changed = {**brain_masks(), "ET": np.zeros(SHAPE, np.uint8)}
    changed["ET"][3, 3, 3:6] = 1
    add_segmentation(brain_result(volume, changed), volume, segmentation)
    assert measure(segmentation, "ET").voxel_count == accumulated(segmentation, "ET")[0] == 3


def test_empty_segment_is_a_row_of_zeros(volume):
    masks = {key: np.zeros(SHAPE, np.uint8) for key in brain_masks()}
    segmentation = add_segmentation(brain_result(volume, masks), volume)
    assert [tuple(row.values()) for row in table_rows(volumes_table(segmentation, BRAIN))] == [
        (BRAIN.region(k).label, k, "0", "0", "0") for k in masks
    ]


def test_a_table_is_filled_anew(bare, volume):
    segmentation = add_segmentation(brain_result(volume), volume)
    table = volumes_table(segmentation, BRAIN)
    segmentation.GetSegmentation().RemoveSegment("TC")
    assert volumes_table(segmentation, BRAIN, table) is table
    assert [row["Id"] for row in table_rows(table)] == ["WT", "ET"]
    assert bare.scene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 1


def test_nuclei_are_counted_and_sized(bare):
    picture = node_from_image(Image(np.zeros((1, 9, 7), np.uint8), np.diag([-0.5, -0.5, 1.0, 1.0]), "slide"))
    result = nuclei_result(picture)
    table = volumes_table(add_segmentation(result, picture), NUCLEI, instances_node=add_instances(result, picture))
    (row,) = table_rows(table)
    assert row["Voxels"] == "11"
    assert row[OBJECT_COLUMNS[0]] == "3"
    assert float(row[OBJECT_COLUMNS[1]]) == pytest.approx(11 / 3, rel=1e-5)
    assert list(row) == [*COLUMNS[:3], *OBJECT_COLUMNS]  # a picture has no volume


def test_no_nuclei(bare):
    picture = node_from_image(Image(np.zeros((1, 9, 7), np.uint8), np.eye(4), "slide"))
    result = nuclei_result(picture)
    result.instances[:] = 0
    (row,) = table_rows(volumes_table(add_segmentation(result, picture), NUCLEI, instances_node=add_instances(result, picture)))
    assert (row["Count"], row["Mean area px"]) == ("0", "0")


def test_table_survives_the_scene_file(bare, volume, tmp_path):
    from MedSegDLLib.scene.bare import open_scene

    rows = table_rows(volumes_table(add_segmentation(brain_result(volume), volume), BRAIN))
    bare.save(tmp_path / "case.mrb")
    fresh = open_scene()
    fresh.load(tmp_path / "case.mrb")
    assert table_rows(fresh.scene.GetFirstNodeByClass("vtkMRMLTableNode")) == rows
