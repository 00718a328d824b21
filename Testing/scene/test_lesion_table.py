"""Lesions and counted objects as a table node, on a real scene."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer
import vtk

from MedSegDLLib.geometry.image import Image
from MedSegDLLib.result import Result, Segment
from MedSegDLLib.scene.bare import BareScene
from MedSegDLLib.scene.lesion_table import (
    LESION_COLUMNS,
    OBJECT_COLUMNS,
    burdens,
    largest,
    lesion_table,
    measured,
    place_of,
    rows_of,
    voxels_of,
)
from MedSegDLLib.scene.segmentation import add_instances, add_segmentation
from MedSegDLLib.scene.table import INSTANCES_ROLE
from MedSegDLLib.scene.volumes import image_from_node, node_from_image
from MedSegDLLib.tasks import BRAIN, LIVER, NUCLEI, Task

SHAPE = (12, 20, 30)
AFFINE = np.array([[-2.0, 0, 0, 10], [0, -2.0, 0, 20], [0, 0, 3.0, -5], [0, 0, 0, 1]])


def segmented(task: Task, boxes: dict[str, list[tuple[slice, slice, slice]]]) -> tuple[Any, Any]:
    """A volume and the segmentation of made regions."""
    volume = node_from_image(Image(np.zeros(SHAPE, np.int16), AFFINE, "case"))
    grid, segments = image_from_node(volume).grid, []
    for region in task.regions:
        mask = np.zeros(SHAPE, np.uint8)
        for box in boxes.get(region.key, []):
            mask[box] = 1
        segments.append(Segment(region, mask, grid.voxel_volume_mm3))
    return volume, add_segmentation(Result(task, grid, task.reference_order[0], tuple(segments)), volume)


def box(k: int, j: int, i: int, size: tuple[int, int, int]) -> tuple[slice, slice, slice]:
    """A box of voxels."""
    return slice(k, k + size[0]), slice(j, j + size[1]), slice(i, i + size[2])


def test_a_row_a_lesion_the_largest_first_where_it_lies(bare: BareScene) -> None:
    small, large = box(1, 2, 3, (2, 2, 2)), box(5, 8, 10, (3, 4, 10))
    _, node = segmented(BRAIN, {"WT": [small, large], "ET": [small]})
    table = lesion_table(node, measured(voxels_of(node, BRAIN)))
    rows = rows_of(node)
    assert list(rows[0]) == list(LESION_COLUMNS) and table.GetName() == "case segmentation lesions"
    assert [(row["Id"], row["Number"]) for row in rows] == [("WT", "1"), ("WT", "2"), ("ET", "1")]
    assert rows[0]["Segment"] == "Whole tumour (WT)" and largest(rows) is rows[0] and largest([]) is None
    assert float(rows[0]["Volume mL"]) == pytest.approx(3 * 4 * 10 * 12 / 1000)
    assert 20 <= float(rows[0]["Longest mm"]) <= np.hypot(20, 8) and 6 <= float(rows[0]["Perpendicular mm"]) <= 9
    place = np.linalg.inv(AFFINE) @ [*place_of(node, rows[0]), 1]
    assert place[:2] == pytest.approx([14.5, 9.5]) and 5 <= place[2] <= 7


def test_a_transform_of_the_segmentation_moves_the_place(bare: BareScene) -> None:
    _, node = segmented(BRAIN, {"WT": [box(5, 8, 10, (3, 4, 10))]})
    lesion_table(node, measured(voxels_of(node, BRAIN)))
    before = place_of(node, rows_of(node)[0])
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(1, 3, 7.0)
    transform.SetMatrixTransformToParent(matrix)
    node.SetAndObserveTransformNodeID(transform.GetID())
    np.testing.assert_allclose(place_of(node, rows_of(node)[0]) - before, [0, 7, 0], atol=1e-9)


def test_an_edit_fills_the_same_table_and_nothing_is_left_of_nothing(bare: BareScene) -> None:
    _, node = segmented(BRAIN, {"WT": [box(5, 8, 10, (3, 4, 10))]})
    table = lesion_table(node, measured(voxels_of(node, BRAIN)))
    node.GetSegmentation().RemoveSegment("WT")
    assert lesion_table(node, measured(voxels_of(node, BRAIN))) is table and rows_of(node) == []


def test_the_share_of_the_organ_is_told_where_there_is_one(bare: BareScene) -> None:
    liver, tumour = box(1, 1, 1, (10, 10, 10)), box(2, 2, 2, (5, 2, 2))
    _, node = segmented(LIVER, {"liver": [liver], "tumour": [tumour]})
    assert [row.key for row in measured(voxels_of(node, LIVER))] == ["tumour"]  # the organ is no lesion
    assert burdens(node, LIVER, {"liver": 12.0, "tumour": 0.24}) == [("Liver tumour", 2.0, "Liver")]
    assert burdens(node, LIVER, {"liver": 0.0}) == []
    _, brain = segmented(BRAIN, {"WT": [liver], "TC": [tumour]})
    assert burdens(brain, BRAIN, {"WT": 12.0, "TC": 1.0}) == []


def test_counted_objects_have_area_and_centroid(bare: BareScene) -> None:
    picture = node_from_image(Image(np.zeros((1, 20, 30), np.uint8), np.diag([-1.0, -1.0, 1.0, 1.0]), "cells"))
    numbers = np.zeros((1, 20, 30), np.uint32)
    numbers[0, 2:5, 4:8], numbers[0, 10:12, 20:25] = 1, 2
    grid = image_from_node(picture).grid
    segments = (Segment(NUCLEI.regions[0], (numbers > 0).astype(np.uint8), None),)
    result = Result(NUCLEI, grid, "image", segments, numbers)
    node = add_segmentation(result, picture)
    node.SetNodeReferenceID(INSTANCES_ROLE, add_instances(result, picture).GetID())
    lesion_table(node, measured(voxels_of(node, NUCLEI)))
    rows = rows_of(node)
    assert list(rows[0]) == list(OBJECT_COLUMNS) and [row["Area px"] for row in rows] == ["12", "10"]
    assert place_of(node, rows[0]) == pytest.approx([-5.5, -3, 0]) and place_of(node, rows[1]) == pytest.approx([-22, -10.5, 0])
