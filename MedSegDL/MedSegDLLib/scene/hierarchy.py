"""Where results hang in the subject hierarchy: beside their input, under its study, which DICOM SEG export looks for.
Nodes come in finished; no names, no voxels.
"""

from __future__ import annotations

from typing import Any

import slicer

NO_ITEM = 0  # vtkMRMLSubjectHierarchyNode::INVALID_ITEM_ID


def place_beside(input_node: Any, *results: Any) -> None:
    """Hang results next to their input, at the same level; items that do not exist yet are made (the desktop makes them by itself).

    Args:
        input_node: the reference volume.
        results: segmentation, table, further volumes; None is passed over.
    """
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    parent = hierarchy.GetItemParent(item_of(hierarchy, input_node))
    for node in results:
        if node is not None:
            hierarchy.SetItemParent(item_of(hierarchy, node), parent)


def same_patient(node: Any, *others: Any) -> bool:
    """Whether nothing in the hierarchy speaks against it: volumes that hang under no patient, or under the same one, may be one case."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    level = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMLevelPatient()
    items = [hierarchy.GetItemByDataNode(entry) for entry in (node, *others)]
    patients = {hierarchy.GetItemAncestorAtLevel(item, level) for item in items if item != NO_ITEM}
    return len(patients - {NO_ITEM}) <= 1


def item_of(hierarchy: Any, node: Any) -> int:
    """The node's item, made under the scene where there is none."""
    item = hierarchy.GetItemByDataNode(node)
    return item if item != NO_ITEM else hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)


def place_in_study(name: str, *nodes: Any) -> int:
    """Hang nodes under a new study of that name, at the top; returns the study's item."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), name)
    for node in nodes:
        hierarchy.SetItemParent(item_of(hierarchy, node), study)
    return study
