"""From a result to its nodes in the scene, in steps so short that the panel never stands still: named, hung and shown beside the reference.
What is asked for (`Order`) and what comes of it (`Outcome`). No widget, no worker.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

import slicer

from ..errors import InputRefused
from ..geometry.image import Image
from ..result import Result
from ..tasks import Task
from .correcting import keep_inputs, keep_untouched
from .disjoint import labels_of
from .head_nodes import move_inputs, note_mask
from .hierarchy import place_beside
from .overlay import UNCERTAINTY_ROLE
from .report_case import RECORD_ATTRIBUTE
from .segmentation import Packed, add_instances, add_uncertainty, filling, new_segmentation, pack
from .table import INSTANCES_ROLE, volumes_table
from .undoing import Placed, before_writing
from .volumes import RESULT_ATTRIBUTE

__all__ = ["Order", "Outcome", "pack", "place_result", "placing"]


@dataclass(frozen=True)
class Order:
    """What the user asks for.

    Attributes:
        task: what to segment.
        nodes: input key -> volume node; inputs that are not given are left out.
        options: fields of `pipeline.Options`, JSON types only.
        output: segmentation node to write into, or None for a new one.
        table: table node to fill anew, or None for a new one.
        besides: further images that the run gets, by their key: a brain mask.
        map_for: an earlier result of the same inputs of which only the uncertainty is wanted: its segments stay as they are; else None.
    """

    task: Task
    nodes: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)
    output: Any = None
    table: Any = None
    besides: dict[str, Image] = field(default_factory=dict)
    map_for: Any = None

    @property
    def reference(self) -> Any:
        """The node that lends its grid to the result; None where no input is given."""
        return next((self.nodes[key] for key in self.task.reference_order if key in self.nodes), None)


@dataclass(frozen=True)
class Outcome:
    """The nodes of a result.

    Attributes:
        segmentation: vtkMRMLSegmentationNode.
        table: vtkMRMLTableNode with a row a segment.
        uncertainty: vtkMRMLScalarVolumeNode, or None.
        record: the run record (what report.json holds).
        placed: what was done to the scene, to be taken back.
    """

    segmentation: Any
    table: Any
    uncertainty: Any
    record: dict[str, Any]
    placed: Placed


def place_result(order: Order, result: Result) -> Outcome:
    """Put a result into the scene beside its reference volume, in one go. Raises InputRefused, see `placing`."""
    steps = placing(order, result, pack(result))
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value


def placing(order: Order, result: Result, packed: list[Packed]) -> Generator[None, None, Outcome]:
    """The steps from a result to its nodes; what is yielded is nothing, what is returned is the outcome.

    Whatever is raised within, or a `close()` half-way, takes the new nodes out of the scene again.

    Raises:
        InputRefused: the reference was removed from the scene, or changed, since it was given.
    """
    volume = order.nodes[result.reference]
    if not _in_scene(volume):
        raise InputRefused(f"Volume '{volume.GetName()}' was removed while it was segmented.", "Load it again.")
    if order.map_for is not None:
        return (yield from _placing_map(order, result, volume))
    made: list[Any] = []
    hidden: list[Any] = []
    try:
        output = order.output if _in_scene(order.output) else None
        over = before_writing(output)
        name = result_name(order, volume)
        objects = yield from _added(add_instances, result, volume, name, made)
        uncertainty = yield from _added(add_uncertainty, result, volume, name, made)
        segmentation = output or new_segmentation(name)
        made += [] if output is segmentation else [segmentation]
        yield from filling(segmentation, result, volume, packed)
        segmentation.SetAttribute(RESULT_ATTRIBUTE, order.task.key)
        segmentation.SetAttribute(RECORD_ATTRIBUTE, json.dumps(result.record))
        note_mask(result, segmentation)
        segmentation.SetNodeReferenceID(UNCERTAINTY_ROLE, uncertainty.GetID() if uncertainty is not None else None)
        segmentation.SetNodeReferenceID(INSTANCES_ROLE, objects.GetID() if objects is not None else None)
        yield
        keep_inputs(segmentation, order.task, order.nodes)
        made.append(keep_untouched(segmentation))
        yield
        hidden += hide_earlier(order.task, segmentation)
        segmentation.GetDisplayNode().SetVisibility(True)
        yield
        table = volumes_table(segmentation, order.task, order.table if _in_scene(order.table) else None, objects)
        made += [] if table is order.table else [table]
        yield
        place_beside(volume, segmentation, table, objects, uncertainty)
        yield
        move_inputs(result, order.nodes, segmentation)
    except BaseException:
        for node in made:
            _remove(node)
        for display in hidden:
            display.SetVisibility(True)
        raise
    placed = Placed(segmentation.GetID(), tuple(node.GetID() for node in made), tuple(display.GetID() for display in hidden), over)
    return Outcome(segmentation, table, uncertainty, result.record, placed)


def _placing_map(order: Order, result: Result, volume: Any) -> Generator[None, None, Outcome]:
    """The uncertainty alone, beside the result that it is about."""
    segmentation = order.map_for
    if not _in_scene(segmentation):
        raise InputRefused("The segmentation was removed while its uncertainty was computed.", "Segment again.")
    made: list[Any] = []
    uncertainty = yield from _added(add_uncertainty, result, volume, "", made)
    segmentation.SetNodeReferenceID(UNCERTAINTY_ROLE, uncertainty.GetID())
    place_beside(volume, uncertainty)
    placed = Placed(segmentation.GetID(), (uncertainty.GetID(),), (), None)
    return Outcome(segmentation, order.table, uncertainty, result.record, placed)


def result_name(order: Order, volume: Any) -> str:
    """'<volume> segmentation'; where there is one already, with what differs: the mode and the time of day."""
    name = f"{volume.GetName()} segmentation"
    if slicer.mrmlScene.GetFirstNodeByName(name) is None:
        return name
    told = f"{name} ({order.options.get('mode', 'fast')}, {time.strftime('%H:%M:%S')})"
    return told if slicer.mrmlScene.GetFirstNodeByName(told) is None else slicer.mrmlScene.GenerateUniqueName(told)


def hide_earlier(task: Task, shown: Any) -> list[Any]:
    """Hide the results of earlier runs of the task, surfaces included: two drawn over each other cannot be told apart.

    Returns:
        the display nodes that were visible before.
    """
    scene = slicer.mrmlScene
    kind = "vtkMRMLSegmentationNode"
    nodes = [scene.GetNthNodeByClass(number, kind) for number in range(scene.GetNumberOfNodesByClass(kind))]
    earlier = [node for node in nodes if node is not shown and node.GetAttribute(RESULT_ATTRIBUTE) == task.key]
    earlier += [labels for labels in map(labels_of, earlier) if labels is not None]
    displays = [node.GetDisplayNode() for node in earlier if node.GetDisplayNode() is not None and node.GetDisplayNode().GetVisibility()]
    for display in displays:
        display.SetVisibility(False)
    return displays


def _remove(node: Any) -> None:
    """Take a node out of the scene with its display, which would stay."""
    displayed = node.IsA("vtkMRMLDisplayableNode")
    displays = [node.GetNthDisplayNode(number) for number in range(node.GetNumberOfDisplayNodes())] if displayed else []
    for entry in (*displays, node):
        if _in_scene(entry):
            entry.GetScene().RemoveNode(entry)


def _added(add: Callable[[Result, Any, str], Any], result: Result, volume: Any, name: str, made: list[Any]) -> Generator[None, None, Any]:
    """The numbered objects or the uncertainty as a volume that is no input, in a step of its own; None where the result has none."""
    node = add(result, volume, name.removeprefix(f"{volume.GetName()} segmentation"))
    if node is not None:
        node.SetAttribute(RESULT_ATTRIBUTE, result.task.key)
        made.append(node)
        yield
    return node


def _in_scene(node: Any) -> bool:
    return node is not None and node.GetScene() is not None
