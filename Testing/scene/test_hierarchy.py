"""Results hang beside their input under its study, whether or not items existed before."""

# ruff: noqa: E402 - nothing of the scene can be imported where slicer-core is missing

from __future__ import annotations

import pytest

slicer = pytest.importorskip("slicer", reason="slicer-core is not installed: pip install slicer-core==5.12.4.0")

from MedSegDLLib.scene.hierarchy import item_of, place_beside, place_in_study
from MedSegDLLib.scene.segmentation import add_segmentation
from MedSegDLLib.scene.table import volumes_table
from MedSegDLLib.tasks import BRAIN

from .conftest import brain_result


def hierarchy_of(bare):
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(bare.scene)


def test_under_the_inputs_study(bare, volume):
    hierarchy = hierarchy_of(bare)
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "patient")
    study = hierarchy.CreateStudyItem(patient, "study")
    hierarchy.CreateItem(study, volume)
    segmentation = add_segmentation(brain_result(volume), volume)
    table = volumes_table(segmentation, BRAIN)
    place_beside(volume, segmentation, table, None)
    for node in (segmentation, table):
        assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == study
        assert hierarchy.GetItemLevel(hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node))) == "Study"


def test_items_are_made_where_there_are_none(bare, volume):
    hierarchy = hierarchy_of(bare)
    segmentation = add_segmentation(brain_result(volume), volume)
    assert hierarchy.GetItemByDataNode(volume) == 0
    place_beside(volume, segmentation)
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(segmentation)) == hierarchy.GetSceneItemID()
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(volume)) == hierarchy.GetSceneItemID()


def test_an_item_is_not_made_twice(bare, volume):
    hierarchy = hierarchy_of(bare)
    first = item_of(hierarchy, volume)
    assert item_of(hierarchy, volume) == first
    place_beside(volume, add_segmentation(brain_result(volume), volume))
    assert hierarchy.GetNumberOfItems() == 2


def test_study_survives_the_scene_file(bare, volume, tmp_path):
    from MedSegDLLib.scene.bare import open_scene

    place_in_study("Phantom study", volume)
    place_beside(volume, add_segmentation(brain_result(volume), volume))
    bare.save(tmp_path / "case.mrb")
    fresh = open_scene()
    fresh.load(tmp_path / "case.mrb")
    hierarchy = hierarchy_of(fresh)
    item = hierarchy.GetItemByDataNode(fresh.scene.GetFirstNodeByClass("vtkMRMLSegmentationNode"))
    assert hierarchy.GetItemName(hierarchy.GetItemParent(item)) == "Phantom study"
