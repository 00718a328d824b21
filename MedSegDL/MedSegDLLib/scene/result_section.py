"""The panel's result: volumes in a table, measured again after every edit, surfaces in 3-D, the way to the Segment Editor.
Desktop only. Nothing of a run enters: what is shown is what the nodes hold.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
from slicer.util import VTKObservationMixin

from ..tasks import TASKS
from ..worker.processes import Failure
from . import views, wording
from .guard import guarded
from .segmentation import show_3d
from .table import measure_again, table_rows
from .volumes import RESULT_ATTRIBUTE
from .widgets import fill_table, new_timer

MEASURE_DELAY_MS = 400  # after the last stroke of a brush
EDITOR_TAG = "SegmentEditor"  # singleton tag of the module's parameter node (SegmentEditor.py)


class ResultSection(VTKObservationMixin):
    """Shows a segmentation and its table, and follows what becomes of the segmentation.

    Args:
        ui: the panel's widgets.
        report: whom to tell what went wrong.
    """

    def __init__(self, ui: Any, report: Callable[[Failure], None]) -> None:
        VTKObservationMixin.__init__(self)
        self.ui, self.report = ui, report
        self.segmentation: Any = None
        self.table: Any = None
        self.timer = new_timer(self.measure, MEASURE_DELAY_MS, once=True)
        self._items: list[Any] = []  # of the table; see widgets.fill_table
        ui.resultCollapsibleButton.visible = False
        ui.editButton.connect("clicked(bool)", self.edit)
        ui.show3DButton.connect("toggled(bool)", self.centre)

    def show(self, segmentation: Any, table: Any, summary: str) -> None:
        """Show a result; None for none."""
        there = segmentation is not None and table is not None
        self._follow(segmentation if there else None)
        self.table = table
        self.ui.resultCollapsibleButton.visible = there
        self.ui.show3DButton.setSegmentationNode(segmentation)
        if there:
            self.ui.resultNameLabel.text = wording.breakable(segmentation.GetName())
            self.ui.resultLabel.text = summary
            self._items = fill_table(self.ui.resultTable, segmentation, table_rows(table))

    def show_surfaces(self) -> None:
        """Make the surfaces and look at them."""
        show_3d(self.segmentation)
        views.centre_3d()

    def close(self) -> None:
        """For good."""
        self.timer.stop()
        self.removeObservers()

    @guarded
    def centre(self, shown: bool) -> None:
        """The user has switched the surfaces on: the view turns about them."""
        if shown:
            views.centre_3d()

    @guarded
    def on_edited(self, caller: Any, event: str) -> None:
        """Segments were drawn, renamed, added or removed."""
        self.timer.start()

    @guarded
    def measure(self) -> None:
        """Measure again, and show it."""
        node, table = self.segmentation, self.table
        if node is None or node.GetScene() is None or table is None or table.GetScene() is None:
            return
        task = TASKS.get(node.GetAttribute(RESULT_ATTRIBUTE) or "")
        if task is not None:
            measure_again(node, task, table)
        self._items = fill_table(self.ui.resultTable, node, table_rows(table))

    @guarded
    def edit(self) -> None:
        """Open the Segment Editor on the result and the volume that lent it its grid.

        Regions lie within each other: in the editor's own mode, 'Overwrite all', painting one would erase the others.
        """
        segmentation = self.segmentation
        let_segments_overlap()
        slicer.util.selectModule("SegmentEditor")
        editor = slicer.util.getModuleWidget("SegmentEditor").editor
        editor.setSegmentationNode(segmentation)
        editor.setSourceVolumeNode(segmentation.GetNodeReference(segmentation.GetReferenceImageGeometryReferenceRole()))

    def _follow(self, segmentation: Any) -> None:
        if segmentation is self.segmentation:
            return
        self.removeObservers(self.on_edited)
        self.timer.stop()
        self.segmentation = segmentation
        if segmentation is not None:
            kinds = slicer.vtkSegmentation
            for event in (kinds.SourceRepresentationModified, kinds.SegmentAdded, kinds.SegmentRemoved, kinds.SegmentModified):
                self.addObserver(segmentation.GetSegmentation(), event, self.on_edited)


def let_segments_overlap() -> None:
    """Set the Segment Editor's parameter node, made as the module itself makes it where there is none, to overlapping segments."""
    scene, kind = slicer.mrmlScene, "vtkMRMLSegmentEditorNode"
    node = scene.GetSingletonNode(EDITOR_TAG, kind)
    if node is None:
        node = scene.CreateNodeByClass(kind)
        node.UnRegister(None)
        node.SetSingletonTag(EDITOR_TAG)
        node = scene.AddNode(node)
    node.SetOverwriteMode(slicer.vtkMRMLSegmentEditorNode.OverwriteNone)
