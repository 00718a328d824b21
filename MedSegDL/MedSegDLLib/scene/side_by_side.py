"""Two studies beside each other in the slice views, linked, each with its own segments; or the chart and the table of a follow-up.
Layouts are Slicer's own, so that a saved scene needs nothing of ours. Nodes of the scene only; without views nothing happens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import slicer

LEFT, RIGHT = "Red", "Yellow"  # the two views of Slicer's layout 'Side by side'
AXIAL = "Axial"
SLICE, COMPOSITE, LAYOUT = "vtkMRMLSliceNode", "vtkMRMLSliceCompositeNode", "vtkMRMLLayoutNode"
PLOT_VIEW, TABLE_VIEW = "vtkMRMLPlotViewNode", "vtkMRMLTableViewNode"


@dataclass
class Before:
    """What the views showed, to be shown again.

    Attributes:
        layout: number of Slicer's layout.
        backgrounds: (composite node, id of its volume, whether it was linked).
        orientations: (slice node, name).
        displays: (display node, whether it was visible).
    """

    layout: int = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
    backgrounds: list[tuple[Any, str | None, int]] = field(default_factory=list)
    orientations: list[tuple[Any, str]] = field(default_factory=list)
    displays: list[tuple[Any, bool]] = field(default_factory=list)


def beside(segmentations: Sequence[Any], volumes: Sequence[Any], before: Before) -> Iterator[None]:
    """Show two studies beside each other, in steps.

    Args:
        segmentations: the left one and the right one.
        volumes: that they lie on.
        before: is filled with what was shown.
    """
    _arrange(slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView, before)
    yield
    for name, segmentation, volume in zip((LEFT, RIGHT), segmentations, volumes):
        view, composite = _view(name), _composite(name)
        if view is None or composite is None:
            continue
        before.backgrounds.append((composite, composite.GetBackgroundVolumeID(), composite.GetLinkedControl()))
        before.orientations.append((view, view.GetOrientation()))
        display = segmentation.GetDisplayNode()
        before.displays.append((display, display.GetVisibility()))
        composite.SetLinkedControl(False)
        composite.SetBackgroundVolumeID(volume.GetID())
        view.SetOrientation(AXIAL)
        display.SetViewNodeIDs([view.GetID()])
        display.SetVisibility(True)
        yield
    fit()
    for name in (LEFT, RIGHT):  # from now on, what is done in one view is done in both
        if _composite(name) is not None:
            _composite(name).SetLinkedControl(True)


def fit() -> None:
    """Show both studies whole, in the same size and at the same place."""
    application, left, right = getattr(slicer, "app", None), _view(LEFT), _view(RIGHT)
    if left is None or right is None:
        return
    manager = application.layoutManager() if application is not None else None
    if manager is not None:
        manager.sliceWidget(LEFT).sliceLogic().FitSliceToAll()
    right.SetFieldOfView(*left.GetFieldOfView())
    right.GetSliceToRAS().DeepCopy(left.GetSliceToRAS())
    right.UpdateMatrices()


def are_beside(segmentations: Sequence[Any]) -> bool:
    """Whether the views show the two, each its own; also after a scene was loaded."""
    layout, views = layout_node(), [_view(name) for name in (LEFT, RIGHT)]
    if layout is None or None in views or layout.GetViewArrangement() != slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView:
        return False
    shown = [segmentation.GetDisplayNode() for segmentation in segmentations]
    return all(display is not None and list(display.GetViewNodeIDs()) == [view.GetID()] for display, view in zip(shown, views))


def charted(chart: Any, table: Any, before: Before) -> Iterator[None]:
    """Show a chart and a table beside the slices."""
    _arrange(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotTableView, before)
    yield
    for view in _nodes(PLOT_VIEW):
        view.SetPlotChartNodeID(chart.GetID())
    for view in _nodes(TABLE_VIEW):
        view.SetTableNodeID(table.GetID())


def is_charted(chart: Any) -> bool:
    """Whether the views show that chart."""
    layout = layout_node()
    arranged = layout is not None and layout.GetViewArrangement() == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotTableView
    return arranged and chart is not None and any(view.GetPlotChartNodeID() == chart.GetID() for view in _nodes(PLOT_VIEW))


def restore(before: Before, segmentations: Sequence[Any]) -> None:
    """Show again what was shown before; what left the scene meanwhile is passed over.

    Args:
        before: see `beside`; a new one where it is not known: four views.
        segmentations: are shown in all views again.
    """
    for name in (LEFT, RIGHT):
        if _composite(name) is not None:
            _composite(name).SetLinkedControl(False)
    for view, orientation in before.orientations:
        if view.GetScene() is not None and orientation:
            view.SetOrientation(orientation)
    for composite, volume, linked in before.backgrounds:
        if composite.GetScene() is not None and slicer.mrmlScene.GetNodeByID(volume or "") is not None:
            composite.SetBackgroundVolumeID(volume)
        composite.SetLinkedControl(linked)
    for display in (segmentation.GetDisplayNode() for segmentation in segmentations):
        if display is not None:
            display.RemoveAllViewNodeIDs()
    for display, visible in before.displays:
        if display.GetScene() is not None:
            display.SetVisibility(visible)
    _set_layout(before.layout)


def _arrange(number: int, before: Before) -> None:
    layout = layout_node()
    if layout is not None:
        before.layout = layout.GetViewArrangement()
        layout.SetViewArrangement(number)


def _set_layout(number: int) -> None:
    layout = layout_node()
    if layout is not None:
        layout.SetViewArrangement(number)


def layout_node() -> Any:
    """What tells which views are shown; None without views."""
    return slicer.mrmlScene.GetFirstNodeByClass(LAYOUT)


def _view(name: str) -> Any:
    return slicer.mrmlScene.GetSingletonNode(name, SLICE)


def _composite(name: str) -> Any:
    return next((node for node in _nodes(COMPOSITE) if node.GetLayoutName() == name), None)


def _nodes(kind: str) -> list[Any]:
    scene = slicer.mrmlScene
    return [scene.GetNthNodeByClass(number, kind) for number in range(scene.GetNumberOfNodesByClass(kind))]
