"""What a run leaves in the scene of a head as the scanner gave it: transforms that lay its volumes on the reference, and its brain mask.

Both are the user's from then on: a transform can be taken off again, and a mask that was corrected is what the next run goes by.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import slicer

from ..geometry.image import Image
from ..options import MASK_KEY, OFF
from ..result import Result
from ..tasks import BRAIN_MASK, Task
from .segmentation import segment_ids, segment_mask
from .volumes import to_world, vtk_matrix, world_affine

MASK_SEGMENT = BRAIN_MASK.regions[0].key
MASK_ATTRIBUTE = "MedSegDL.BrainMask"  # of a segmentation: the checksum of the mask that a network found, or `GIVEN`
GIVEN = "given"
MOVED_ROLE = "MedSegDL.Moved"  # a segmentation's references to the transforms of its inputs
VOLUME_ROLE = "MedSegDL.Volume"  # and a transform's to its volume
KIND = "vtkMRMLLinearTransformNode"


def move_inputs(result: Result, nodes: Mapping[str, Any], segmentation: Any) -> list[Any]:
    """Put the volumes that registration moved under a transform each, so that the scene shows them where the run saw them.

    Args:
        result: its record tells the motions.
        nodes: input key -> volume node, as given to the run.
        segmentation: of the result; it remembers the transforms.

    Returns:
        the new transform nodes; a volume's earlier transform is their parent.
    """
    made = []
    segmentation.RemoveNodeReferenceIDs(MOVED_ROLE)
    for key, motion in result.record.get("registration", {}).items():
        if motion["applied"] and nodes[key].GetScene() is not None:
            made.append(_moved(nodes[key], np.array(motion["matrix_ras_mm"]), nodes[result.reference]))
            segmentation.AddNodeReferenceID(MOVED_ROLE, made[-1].GetID())
    return made


def _moved(volume: Any, motion: np.ndarray, reference: Any) -> Any:
    name = f"{volume.GetName()} onto {reference.GetName()}"
    node = slicer.mrmlScene.AddNewNodeByClass(KIND, slicer.mrmlScene.GenerateUniqueName(name))
    before = to_world(volume)
    node.SetMatrixTransformToParent(vtk_matrix(np.linalg.inv(before) @ motion @ before))
    node.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
    node.SetNodeReferenceID(VOLUME_ROLE, volume.GetID())
    volume.SetAndObserveTransformNodeID(node.GetID())
    return node


def motions_of(segmentation: Any) -> list[tuple[Any, Any]]:
    """(transform, volume) of the inputs that a run moved, as far as both are still in the scene."""
    count = segmentation.GetNumberOfNodeReferences(MOVED_ROLE)
    transforms = [segmentation.GetNthNodeReference(MOVED_ROLE, number) for number in range(count)]
    pairs = [(node, node.GetNodeReference(VOLUME_ROLE)) for node in transforms if node is not None]
    return [(node, volume) for node, volume in pairs if volume is not None]


def are_moved(segmentation: Any) -> bool:
    """Whether each of those volumes lies under its transform."""
    return all(volume.GetTransformNodeID() == node.GetID() for node, volume in motions_of(segmentation))


def set_moved(segmentation: Any, moved: bool) -> None:
    """Lay the inputs where registration laid them, or where they came from. The transforms stay in the scene."""
    for node, volume in motions_of(segmentation):
        if moved:
            volume.SetAndObserveTransformNodeID(node.GetID())
        elif volume.GetTransformNodeID() == node.GetID():
            volume.SetAndObserveTransformNodeID(node.GetTransformNodeID())


def has_mask(segmentation: Any) -> bool:
    """Whether a result holds the brain mask that it was found within."""
    return MASK_SEGMENT in segment_ids(segmentation) and bool(segmentation.GetAttribute(MASK_ATTRIBUTE))


def note_mask(result: Result, segmentation: Any) -> None:
    """Remember which mask a run used, to tell a corrected one from it."""
    if result.brain_mask is not None:
        given = MASK_KEY in result.record.get("inputs", {})
        segmentation.SetAttribute(MASK_ATTRIBUTE, GIVEN if given else _checksum(result.brain_mask.mask))


def corrected_mask(segmentation: Any, reference: Any, task: Task, wanted: str) -> Image | None:
    """The brain mask of an earlier result of the same reference, where the user has changed it or a run was given it; else None.

    Args:
        segmentation: the earlier result, or None.
        reference: volume node that lends the grid to the run that is to come.
        task: of that run.
        wanted: its choice of brain extraction.
    """
    if wanted == OFF or not task.skull_stripped or segmentation is None or not has_mask(segmentation):
        return None
    if segmentation.GetNodeReference(segmentation.GetReferenceImageGeometryReferenceRole()) is not reference:
        return None
    mask = segment_mask(segmentation, MASK_SEGMENT, tuple(reversed(reference.GetImageData().GetDimensions())))
    noted = segmentation.GetAttribute(MASK_ATTRIBUTE)
    return Image(mask, world_affine(reference)) if mask.any() and noted != _checksum(mask) else None


def _checksum(mask: np.ndarray) -> str:
    return f"{zlib.crc32(np.packbits(mask > 0).tobytes()):08x}"
