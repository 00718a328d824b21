"""A run taken back leaves the scene as it was: the same nodes, the same voxels, the same things in sight."""

# ruff: noqa: E402 - nothing of the scene can be imported where slicer-core is missing

from __future__ import annotations

import numpy as np
import pytest

slicer = pytest.importorskip("slicer", reason="slicer-core is not installed: pip install slicer-core==5.12.4.0")

from MedSegDLLib.geometry.image import Image
from MedSegDLLib.result import Segment
from MedSegDLLib.scene import undoing
from MedSegDLLib.scene.correcting import untouched_of
from MedSegDLLib.scene.lesion_table import lesion_table, measured, voxels_of
from MedSegDLLib.scene.placing import Order, place_result
from MedSegDLLib.scene.segmentation import segment_ids, segment_mask
from MedSegDLLib.scene.volumes import node_from_image, volume_like
from MedSegDLLib.tasks import BRAIN, BRAIN_MASK, NUCLEI

from .conftest import SHAPE, brain_masks, brain_result, nuclei_result


def state(bare) -> dict[str, tuple]:
    """Every node that a user could miss or find: class, name, what it lies under, whether it is drawn, and its segments' voxels."""
    found = {}
    for number in range(bare.scene.GetNumberOfNodes()):
        node = bare.scene.GetNthNode(number)
        if node.IsA("vtkMRMLSubjectHierarchyNode"):
            continue  # items are made where there were none, as the desktop does by itself
        above = node.GetTransformNodeID() if node.IsA("vtkMRMLTransformableNode") else None
        drawn = node.GetVisibility() if node.IsA("vtkMRMLDisplayNode") else None
        voxels = (
            tuple(int(segment_mask(node, key, SHAPE).sum()) for key in segment_ids(node)) if node.IsA("vtkMRMLSegmentationNode") else ()
        )
        found[node.GetID()] = (node.GetClassName(), node.GetName(), above, drawn, voxels)
    return found


def undo(placed) -> None:
    for _step in undoing.undoing(placed):
        pass


def head(volume, moved):
    """A result with a brain mask, an uncertainty, and an input that lay elsewhere."""
    result = brain_result(volume)
    result.brain_mask = Segment(BRAIN_MASK.regions[0], np.ones(SHAPE, np.uint8), 1.0)
    result.uncertainty = np.ones(SHAPE, np.float32)
    motion = np.eye(4)
    motion[0, 3] = 9.0
    result.record["registration"] = {"t1": {"applied": True, "matrix_ras_mm": motion.tolist()}}
    return place_result(Order(BRAIN, {"flair": volume, "t1": moved}), result)


def test_everything_that_a_run_made_goes_and_the_earlier_one_is_seen_again(bare, volume) -> None:
    t1 = volume_like(volume, np.zeros(SHAPE, np.float32), "t1")
    first = place_result(Order(BRAIN, {"flair": volume}), brain_result(volume))
    before = state(bare)
    outcome = head(volume, t1)
    lesion_table(outcome.segmentation, measured(voxels_of(outcome.segmentation, BRAIN)))
    assert len(state(bare)) > len(before) + 5 and not first.segmentation.GetDisplayNode().GetVisibility()
    undo(outcome.placed)
    assert state(bare) == before
    undo(first.placed)
    assert not bare.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") and t1.GetScene() is not None


def test_objects_go_too(bare) -> None:
    picture = node_from_image(Image(np.zeros((1, 10, 10), np.float32), np.eye(4), "cells"))
    before = state(bare)
    undo(place_result(Order(NUCLEI, {"image": picture}), nuclei_result(picture)).placed)
    assert state(bare) == before


def test_what_was_written_over_is_there_again(bare, volume) -> None:
    first = place_result(Order(BRAIN, {"flair": volume}), brain_result(volume))
    node = first.segmentation
    node.GetSegmentation().RemoveSegment("ET")
    node.GetSegmentation().AddEmptySegment("mine", "cyst")
    copy, keys = segment_mask(untouched_of(node), "ET", SHAPE), segment_ids(node)
    masks, record = {key: segment_mask(node, key, SHAPE) for key in keys}, node.GetAttribute("MedSegDL.Record")
    count = bare.scene.GetNumberOfNodes()
    other = brain_result(volume, {key: 1 - mask for key, mask in brain_masks().items()})
    other.record["seconds"] = {"network": 1.0}
    second = place_result(Order(BRAIN, {"flair": volume}, output=node, table=first.table), other)
    assert node.GetAttribute("MedSegDL.Record") != record
    undo(second.placed)
    assert segment_ids(node) == keys and node.GetAttribute("MedSegDL.Record") == record and bare.scene.GetNumberOfNodes() == count
    for key, mask in masks.items():
        np.testing.assert_array_equal(segment_mask(node, key, SHAPE), mask)
    np.testing.assert_array_equal(segment_mask(untouched_of(node), "ET", SHAPE), copy)
    assert segment_ids(untouched_of(node)) == ["WT", "TC", "ET"]


def test_what_the_user_removed_meanwhile_is_passed_over(bare, volume) -> None:
    outcome = place_result(Order(BRAIN, {"flair": volume}), brain_result(volume))
    bare.scene.RemoveNode(outcome.segmentation)
    bare.scene.RemoveNode(outcome.table)
    undo(outcome.placed)
    assert not bare.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")
