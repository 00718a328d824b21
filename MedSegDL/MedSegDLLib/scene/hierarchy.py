"""Where results hang in the subject hierarchy: beside their input, under its study, which DICOM SEG export looks for.
Nodes come in finished; no names, no voxels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Place:
    """Whose image a volume is. Attributes: patient, study: items of the hierarchy; `NO_ITEM` where it hangs under none."""

    patient: int = NO_ITEM
    study: int = NO_ITEM

    def fits(self, other: Place) -> bool:
        """Whether nothing speaks against one case: no other patient, no other study."""
        pairs = ((self.patient, other.patient), (self.study, other.study))
        return all(NO_ITEM in pair or pair[0] == pair[1] for pair in pairs)

    @property
    def name(self) -> str:
        """Patient and study as the Data module names them; "" for a place of nobody."""
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
        return ", ".join(hierarchy.GetItemName(item) for item in (self.patient, self.study) if item != NO_ITEM)


NOWHERE = Place()


def place_of(node: Any) -> Place:
    """Whose image a volume is, by the hierarchy."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item = hierarchy.GetItemByDataNode(node)
    levels = slicer.vtkMRMLSubjectHierarchyConstants
    if item == NO_ITEM:
        return NOWHERE
    return Place(*(hierarchy.GetItemAncestorAtLevel(item, level()) for level in (levels.GetDICOMLevelPatient, levels.GetDICOMLevelStudy)))


def joined(places: Iterable[Place]) -> Place:
    """What several places of one case say together."""
    places = list(places)
    return Place(*(next((item for item in items if item != NO_ITEM), NO_ITEM) for items in zip(*((p.patient, p.study) for p in places))))


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
