"""The panel's result: volumes and lesions in tables, measured again after every edit, surfaces in 3-D, the way to the Segment Editor.
Desktop only. Nothing of a run enters: what is shown is what the nodes hold.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import slicer

from ..tasks import TASKS, Task
from ..worker.client import Background, Callbacks
from ..worker.processes import Failure
from . import lesion_table, views, wording
from .guard import guarded
from .hierarchy import place_beside
from .observing import Observing
from .report_case import record_of
from .segmentation import note_edits, show_3d
from .table import COLUMNS, measure_again, table_rows
from .volumes import RESULT_ATTRIBUTE
from .widgets import FittedRows, Steps, fill_lesions, fill_table, new_timer

if TYPE_CHECKING:
    from ..metrics.density import Density

MEASURE_DELAY_MS = 400  # after the last stroke of a brush
EDITOR_TAG = "SegmentEditor"  # singleton tag of the module's parameter node (SegmentEditor.py)


class ResultSection(Observing):
    """Shows a segmentation and its table, and follows what becomes of the segmentation.

    Args:
        ui: the panel's widgets.
        report: whom to tell what went wrong.
    """

    def __init__(self, ui: Any, report: Callable[[Failure], None]) -> None:
        Observing.__init__(self)
        self.ui, self.report = ui, report
        self.segmentation: Any = None
        self.table: Any = None
        self.timer = new_timer(self.measure, MEASURE_DELAY_MS, once=True)
        self.steps = Steps(report)
        self.rows = FittedRows(ui.resultTable)
        self.followers: list[Callable[[], None]] = []  # called after lesions or objects were measured
        self._instead: tuple[Any, Any, str] | None = None  # segmentation and table that are shown instead, and a word on it
        self._items: list[Any] = []  # of the table; see widgets.fill_table
        self._lesion_items: list[Any] = []
        self._measuring: Background | None = None
        ui.resultCollapsibleButton.visible = False
        ui.editButton.connect("clicked(bool)", self.edit)
        ui.show3DButton.connect("toggled(bool)", self.centre)
        ui.copyButton.connect("clicked(bool)", self.copy)
        ui.resultTextEdit.visible = False  # only what copies to the clipboard
        ui.lesionTable.connect("cellClicked(int,int)", self.look_at)

    @property
    def task(self) -> Task | None:
        """What the segmentation is a result of."""
        return TASKS.get(self.segmentation.GetAttribute(RESULT_ATTRIBUTE) or "") if self.segmentation is not None else None

    @property
    def subject(self) -> tuple[Any, Task] | None:
        """The segmentation that is shown and its task; None where there is none, or it is no result of ours."""
        return None if self.task is None else (self.segmentation, self.task)

    @property
    def news_due(self) -> bool:
        """Whether lesions are being measured."""
        return self._measuring is not None

    def poll(self) -> None:
        """Take the lesions in once they are measured."""
        if self._measuring is not None:
            self._measuring.poll()

    def show(self, segmentation: Any, table: Any, summary: str) -> None:
        """Show a result; None for none."""
        there = segmentation is not None and table is not None
        self.table = table
        self._follow(segmentation if there else None)
        self.ui.resultCollapsibleButton.visible = there
        if there:
            self.ui.resultLabel.text = summary
        self._fill()

    def show_instead(self, segmentation: Any, table: Any, note: str = "") -> None:
        """Let table, surfaces and the copied text be about another segmentation made of this one; None for itself.

        Args:
            segmentation, table: it and its volumes.
            note: a sentence on what is shown.
        """
        instead = (segmentation, table, note) if segmentation is not None and table is not None else None
        if instead is not None or self._instead is not None:
            self._instead = instead
            self._fill()

    def _fill(self) -> None:
        node, table, _note = self._shown
        self.ui.show3DButton.setSegmentationNode(node)
        if node is not None:
            self.ui.resultNameLabel.text = wording.breakable(node.GetName())
            self._items = fill_table(self.ui.resultTable, node, table_rows(table))

    @property
    def _shown(self) -> tuple[Any, Any, str]:
        """Segmentation and table that are shown, and a word on it."""
        if self._instead is not None and all(node.GetScene() is not None for node in self._instead[:2]):
            return self._instead
        return self.segmentation, self.table, ""

    def show_surfaces(self) -> None:
        """Make the surfaces and look at them; nothing where the result has gone meanwhile."""
        if self._shown[0] is not None:
            show_3d(self._shown[0])
            views.centre_3d()

    def close(self) -> None:
        """For good."""
        self.timer.stop()
        self.steps.stop()
        self.rows.stop()
        self._measuring = None
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
        if self.task is not None:
            measure_again(node, self.task, table)
            measured = {row[COLUMNS[1]]: int(row[COLUMNS[2]]) for row in table_rows(table)}
            note_edits(node, record_of(node).get("voxel_count", {}), measured)
            self.measure_lesions()
        self._fill()

    def measure_lesions(self, look: bool = False) -> None:
        """Measure the lesions in a thread; `look`: and turn the views to the largest one."""
        if self.task is None:
            return
        segments = lesion_table.voxels_of(self.segmentation, self.task)
        told = Callbacks(on_result=functools.partial(self.lesions_measured, self.segmentation, look), on_error=self.report)
        self._measuring = Background(lambda progress: lesion_table.measured(segments), told)

    @guarded
    def lesions_measured(self, node: Any, look: bool, rows: Sequence[lesion_table.Row]) -> None:
        """Write the table, show it, and look at the largest lesion of a new result."""
        self._measuring = None
        if node is not self.segmentation or node.GetScene() is None:
            return
        table = lesion_table.lesion_table(node, rows)
        place_beside(node, table)
        self.show_lesions()
        for follower in self.followers:
            follower()
        first = lesion_table.largest(lesion_table.rows_of(node))
        if look and first is not None:
            self.steps.start(views.jumping(lesion_table.place_of(node, first)))

    def show_lesions(self) -> None:
        """Show what the table of lesions holds; nothing where there is none."""
        node, task = self.segmentation, self.task
        rows = lesion_table.rows_of(node) if task is not None else []
        volumes = {row[COLUMNS[1]]: float(row.get(COLUMNS[4], 0)) for row in table_rows(self.table)} if task is not None else {}
        text = wording.lesions_text(rows, lesion_table.burdens(node, task, volumes), self.density) if task is not None else ""
        self.ui.lesionTable.visible = bool(rows)
        self.ui.lesionLabel.visible, self.ui.lesionLabel.text = bool(text), wording.breakable(text)
        self.ui.show3DButton.visible = task is None or not task.pictures
        if rows:
            self._lesion_items = fill_lesions(self.ui.lesionTable, node, rows)

    @property
    def density(self) -> Density | None:
        """Of the objects that the result counts; None where it counts none."""
        if self.task is None:
            return None
        return lesion_table.density_of(self.segmentation, self.task, len(lesion_table.rows_of(self.segmentation)))

    @guarded
    def look_at(self, row: int, column: int) -> None:
        """A lesion was clicked: the slice views show it."""
        rows = lesion_table.rows_of(self.segmentation)
        if row < len(rows):
            for _view in views.jumping(lesion_table.place_of(self.segmentation, rows[row])):
                pass

    @guarded
    def copy(self) -> None:
        """Copy volumes and lesions to the clipboard as text."""
        node, text = self.segmentation, self.ui.resultTextEdit
        volumes = {row[COLUMNS[1]]: float(row.get(COLUMNS[4], 0)) for row in table_rows(self.table)}
        shares = lesion_table.burdens(node, self.task, volumes) if self.task is not None else []
        shown, table, note = self._shown
        counted = wording.density_text(self.density) if self.density is not None else ""
        told = [note, counted, wording.lesions_text([], shares), self.ui.resultLabel.text, self.ui.noticeLabel.text]
        text.plainText = wording.result_text(shown.GetName(), table_rows(table), lesion_table.rows_of(node), told)
        text.selectAll()
        text.copy()

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
        self.segmentation, self._instead = segmentation, None
        if segmentation is not None:
            kinds = slicer.vtkSegmentation
            for event in (kinds.SourceRepresentationModified, kinds.SegmentAdded, kinds.SegmentRemoved, kinds.SegmentModified):
                self.addObserver(segmentation.GetSegmentation(), event, self.on_edited)
        self.show_lesions()


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
