"""The points of a correction in the views: placed by clicks, in one colour inside and in another outside. They are not saved.
Desktop only. What a point does is `correction_section`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import slicer
from slicer.i18n import tr as _

from ..worker.processes import Failure
from . import correcting
from .guard import guarded
from .observing import Observing

POINT_KIND = "vtkMRMLMarkupsFiducialNode"
POINT_COLORS = {True: correcting.ADDED_COLOR, False: correcting.REMOVED_COLOR}
POINT_SIZE = 1.5  # per cent of the view
Placed = Callable[[bool, str, Sequence[float]], None]


class PointMarkers(Observing):
    """A markups node for the points inside, and one for those outside; each is made when it is needed.

    Args:
        report: whom to tell what went wrong.
        placed: called at a click in a view with inside, the marker's id and its place in the world, RAS mm.
        left: called when the user ends the placing by another way (right click, Escape, another tool).
    """

    def __init__(self, report: Callable[[Failure], None], placed: Placed, left: Callable[[], None]) -> None:
        Observing.__init__(self)
        self.report, self.placed, self.left = report, placed, left
        self.nodes: dict[bool, Any] = {}

    def place(self, inside: bool) -> None:
        """Let clicks in the views place points of one kind."""
        node = self._node(inside)
        selection, interaction = _singletons()
        if selection is not None and interaction is not None:
            selection.SetReferenceActivePlaceNodeClassName(POINT_KIND)
            selection.SetActivePlaceNodeID(node.GetID())
            interaction.SetPlaceModePersistence(1)
            interaction.SetCurrentInteractionMode(interaction.Place)
            if not self.hasObserver(interaction, interaction.InteractionModeChangedEvent, self.mode_changed):
                self.addObserver(interaction, interaction.InteractionModeChangedEvent, self.mode_changed)

    def stop(self) -> None:
        """Let clicks be what they were."""
        _selection, interaction = _singletons()
        if interaction is not None:
            interaction.SetCurrentInteractionMode(interaction.ViewTransform)

    @guarded
    def mode_changed(self, caller: Any, event: str) -> None:
        """Perhaps nothing is placed any more."""
        if caller.GetCurrentInteractionMode() != caller.Place:
            self.left()

    @guarded
    def point_placed(self, caller: Any, event: str) -> None:
        """A click in a view."""
        placed = [
            n for n in range(caller.GetNumberOfControlPoints()) if caller.GetNthControlPointPositionStatus(n) == caller.PositionDefined
        ]
        marker, place = caller.GetNthControlPointID(placed[-1]), [0.0, 0.0, 0.0]
        caller.GetNthControlPointPositionWorld(placed[-1], place)
        self.placed(caller is self.nodes.get(True), marker, place)

    def remove(self, inside: bool, marker: str) -> list[float] | None:
        """Take a marker away; where it stood, None if it is gone already."""
        node = self.nodes.get(inside)
        index = node.GetNthControlPointIndexByID(marker) if node is not None and node.GetScene() is not None else -1
        if index < 0:
            return None
        place = [0.0, 0.0, 0.0]
        node.GetNthControlPointPositionWorld(index, place)
        node.RemoveNthControlPoint(index)
        return place

    def clear(self) -> None:
        """Take all markers away."""
        for node in self.nodes.values():
            if node.GetScene() is not None:
                node.RemoveAllControlPoints()

    def drop(self) -> None:
        """Take the nodes out of the scene."""
        for node in self.nodes.values():
            self.removeObserver(node, node.PointPositionDefinedEvent, self.point_placed)
            correcting.remove_node(node)
        self.nodes = {}

    def _node(self, inside: bool) -> Any:
        """The markers of one kind; hidden from the lists of nodes."""
        node = self.nodes.get(inside)
        if node is None or node.GetScene() is None:
            node = self.nodes[inside] = slicer.mrmlScene.AddNewNodeByClass(POINT_KIND, _("Inside") if inside else _("Outside"))
            node.SetSaveWithScene(False)
            node.SetHideFromEditors(True)
            node.CreateDefaultDisplayNodes()
            display = node.GetDisplayNode()
            display.SetSaveWithScene(False)
            display.SetSelectedColor(*POINT_COLORS[inside])
            display.SetPointLabelsVisibility(False)
            display.SetGlyphScale(POINT_SIZE)
            self.addObserver(node, node.PointPositionDefinedEvent, self.point_placed)
        return node


def _singletons() -> tuple[Any, Any]:
    """The scene's nodes for the chosen tool; None for each that is not there."""
    found = [slicer.mrmlScene.GetSingletonNode("Singleton", f"vtkMRML{kind}Node") for kind in ("Selection", "Interaction")]
    return found[0], found[1]
