"""What a run changed in the scene, so that one click takes it back: the nodes it made go, what it wrote over or hid is there again.

Slicer's own undo is off: for the scene (`GetUndoFlag`), and for each segmentation (`GetUndoEnabled`). Nodes are known by their ids, so that
nothing is kept in memory but the segments that were written over. No widget.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import slicer

from ..tasks import TASKS
from .correcting import INPUT_ROLE, keep_untouched, remove_node, untouched_of
from .disjoint import remove_labels
from .head_nodes import MASK_ATTRIBUTE, MOVED_ROLE, motions_of, set_moved
from .lesion_table import LESIONS_ROLE
from .report_case import RECORD_ATTRIBUTE
from .table import INSTANCES_ROLE
from .volumes import RESULT_ATTRIBUTE, numpy_matrix, vtk_matrix

ATTRIBUTES = (RESULT_ATTRIBUTE, RECORD_ATTRIBUTE, MASK_ATTRIBUTE)  # that a run writes on its segmentation
COMPOSITE, SLICE = "vtkMRMLSliceCompositeNode", "vtkMRMLSliceNode"


@dataclass(frozen=True)
class Over:
    """A segmentation before a run wrote over it.

    Attributes:
        segmentation, untouched: copies (vtkSegmentation); the second one None where there was none.
        attributes: name -> value, None where it had none.
        references: role -> ids of nodes.
        transform: id of its transform, or None.
    """

    segmentation: Any
    untouched: Any
    attributes: dict[str, str | None]
    references: dict[str, tuple[str, ...]]
    transform: str | None


@dataclass(frozen=True)
class Placed:
    """What a run did to the scene.

    Attributes:
        node: id of its segmentation.
        made: ids of the nodes that are new.
        hidden: ids of the displays that it hid.
        over: its segmentation before, where that is not new.
    """

    node: str
    made: tuple[str, ...]
    hidden: tuple[str, ...]
    over: Over | None


@dataclass(frozen=True)
class Seen:
    """What the slice views showed. Attributes: backgrounds: view's id -> volume's id; places: view's id -> (4, 4) slice to RAS."""

    backgrounds: dict[str, str | None] = field(default_factory=dict)
    places: dict[str, np.ndarray] = field(default_factory=dict)


def before_writing(node: Any) -> Over | None:
    """What must be kept of a segmentation that is to be written over; None for none."""
    if node is None or node.GetScene() is None:
        return None
    copy = untouched_of(node)
    kept = {role: _references(node, role) for role in _roles(node)}
    attributes = {name: node.GetAttribute(name) for name in ATTRIBUTES}
    untouched = None if copy is None else _copied(copy.GetSegmentation())
    return Over(_copied(node.GetSegmentation()), untouched, attributes, kept, node.GetTransformNodeID())


def _copied(segmentation: Any) -> Any:
    copy = slicer.vtkSegmentation()
    copy.DeepCopy(segmentation)
    return copy


def _roles(node: Any) -> list[str]:
    inputs = {f"{INPUT_ROLE}{entry.key}" for task in TASKS.values() for entry in task.inputs}
    return [INSTANCES_ROLE, MOVED_ROLE, node.GetReferenceImageGeometryReferenceRole(), *sorted(inputs)]


def _references(node: Any, role: str) -> tuple[str, ...]:
    return tuple(node.GetNthNodeReferenceID(role, number) for number in range(node.GetNumberOfNodeReferences(role)))


def undoing(placed: Placed) -> Iterator[None]:
    """Take a run back, in steps. What the user has removed meanwhile is passed over."""
    scene = slicer.mrmlScene
    node = scene.GetNodeByID(placed.node)
    if node is not None:
        for transform, _volume in motions_of(node):
            set_moved(node, False)
            scene.RemoveNode(transform)
            yield
        remove_labels(node)
        yield
        lesions = node.GetNodeReference(LESIONS_ROLE)
        if placed.over is None and lesions is not None:
            scene.RemoveNode(lesions)
            yield
    for key in placed.made:
        _remove(scene.GetNodeByID(key))
        yield
    if node is not None and placed.over is not None:
        yield from _put_back(node, placed.over)
    for display in (scene.GetNodeByID(key) for key in placed.hidden):
        if display is not None:
            display.SetVisibility(True)
            yield


def _put_back(node: Any, over: Over) -> Iterator[None]:
    """Segments, attributes and references of a segmentation as they were."""
    was_modifying = node.StartModify()
    node.GetSegmentation().DeepCopy(over.segmentation)
    node.SetAndObserveTransformNodeID(over.transform)
    for name, value in over.attributes.items():
        node.SetAttribute(name, value)
    for role, ids in over.references.items():
        node.RemoveNodeReferenceIDs(role)
        for key in (key for key in ids if slicer.mrmlScene.GetNodeByID(key) is not None):
            node.AddNodeReferenceID(role, key)
    node.EndModify(was_modifying)
    yield
    if over.untouched is not None:
        keep_untouched(node).GetSegmentation().DeepCopy(over.untouched)


def _remove(node: Any) -> None:
    """A node with its displays and its file's node, which would stay."""
    if node is None:
        return
    storage = node.GetStorageNode() if node.IsA("vtkMRMLStorableNode") else None
    if node.IsA("vtkMRMLDisplayableNode"):
        remove_node(node)
    else:
        slicer.mrmlScene.RemoveNode(node)
    if storage is not None and storage.GetScene() is not None:
        slicer.mrmlScene.RemoveNode(storage)


def seen() -> Seen:
    """What the slice views show now."""
    backgrounds = {view.GetID(): view.GetBackgroundVolumeID() for view in _nodes(COMPOSITE)}
    return Seen(backgrounds, {view.GetID(): numpy_matrix(view.GetSliceToRAS()) for view in _nodes(SLICE)})


def showing_again(before: Seen) -> Iterator[None]:
    """Turn the slice views back, a view a step."""
    for key, volume in before.backgrounds.items():
        view = slicer.mrmlScene.GetNodeByID(key)
        if view is not None and view.GetBackgroundVolumeID() != volume and (volume is None or slicer.mrmlScene.GetNodeByID(volume)):
            view.SetBackgroundVolumeID(volume)
            yield
    for key, place in before.places.items():
        view = slicer.mrmlScene.GetNodeByID(key)
        if view is not None:
            view.GetSliceToRAS().DeepCopy(vtk_matrix(place))
            view.UpdateMatrices()
            yield


def _nodes(kind: str) -> Sequence[Any]:
    scene = slicer.mrmlScene
    return [scene.GetNthNodeByClass(number, kind) for number in range(scene.GetNumberOfNodesByClass(kind))]
