"""The panel's corrections: points that redraw an outline, undo, and what was changed beside what the network gave.
Desktop only. What is done with the segments is `correcting`; here are the buttons, the clicks in the views and what they say.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
import slicer
import vtk
from slicer.i18n import tr as _

from ..errors import InputRefused
from ..geometry.image import Image
from ..progress import Progress
from ..result import MM3_PER_ML
from ..tasks import TASKS, Task
from ..worker.client import Background, Callbacks
from ..worker.environment import default_folder
from ..worker.processes import Failure
from . import correcting, wording
from .correcting import untouched_of
from .guard import guarded
from .observing import Observing
from .point_markers import PointMarkers
from .segmentation import segment_ids
from .volumes import RESULT_ATTRIBUTE
from .widgets import Steps, new_timer, number_item, segment_item

if TYPE_CHECKING:  # imported with the first correction (`warming`)
    from ..correction.changes import Changed
    from ..correction.outline import Point

POLL_MS = 50  # how often the thread that writes a case is heard
SLICE_S = 0.015  # of this thread; a step more may begin (up to 0.03 s)
COMPARE_DELAY_MS = 400  # after the last stroke of a brush


@dataclass(frozen=True)
class _Done:
    """A click that was worked through: how to take it back, and its marker."""

    undo: correcting.Undo | None
    inside: bool
    marker: str


class CorrectionSection(Observing):
    """The buttons under the result.

    Args:
        ui: the panel's widgets.
        report: whom to tell what went wrong.
    """

    def __init__(self, ui: Any, report: Callable[[Failure], None]) -> None:
        Observing.__init__(self)
        self.report, self.scroll = report, ui.scrollArea
        self.segmentation: Any = None
        self.changes: Any = None  # the node 'Changes' while it is shown
        self.steps, self.compare_steps, self.saving_steps = Steps(report), Steps(report), Steps(report)
        self._writing: Background | None = None
        self._writing_timer = new_timer(self.poll, POLL_MS)
        self.timer = new_timer(self.compare_again, COMPARE_DELAY_MS, once=True)
        self._clicks: deque[tuple[bool, str, Sequence[float]] | None] = deque()  # inside, marker and place of a click; None: undo
        self._done: list[_Done] = []
        self._points: dict[Point, bool] = {}  # of the chosen segment
        self.markers = PointMarkers(report, self.point_placed, self.placing_left)
        self._items: list[Any] = []  # of the table; see widgets.fill_table
        self._found: dict[str, Changed] = {}
        self._orphans: list[Any] = []
        self._orphan_timer = new_timer(self.drop_orphans, 0, once=True)
        self._make_widgets(ui.resultCollapsibleButton.layout())
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.NodeAboutToBeRemovedEvent, self.on_node_goes)

    def _make_widgets(self, layout: Any) -> None:
        self.widget = qt.QWidget()
        column = qt.QVBoxLayout(self.widget)
        column.setContentsMargins(0, 0, 0, 0)
        self.segmentBox = qt.QComboBox()
        self.segmentBox.sizeAdjustPolicy = qt.QComboBox.AdjustToMinimumContentsLengthWithIcon
        self.segmentBox.toolTip = _("The segment that points correct.")
        self.buttons = {True: _button(_("Inside"), True), False: _button(_("Outside"), True)}
        self.buttons[True].toolTip = _("Click in a slice view on what belongs to the segment: its outline moves there, along the edges.")
        self.buttons[False].toolTip = _(
            "Click in a slice view on what does not belong to the segment: its outline moves away, to the edges."
        )
        self.undoButton, self.compareButton = _button(_("Undo")), _button(_("Compare"), True)
        self.undoButton.toolTip = _("Take the last point and what it changed back.")
        self.compareButton.toolTip = _("Show what was changed since the network's result: added in green, removed in magenta.")
        self.saveButton = _button(_("Save as training case"))
        self.saveButton.toolTip = _(
            "Write the images and the corrected labels for medsegdl-train, without names and dates. A head with its face on stays a face."
        )
        self.label = qt.QLabel()
        self.label.wordWrap = True
        self.table = qt.QTableWidget()
        self.table.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Preferred)
        self.table.sizeAdjustPolicy = qt.QAbstractScrollArea.AdjustToContents
        self.table.horizontalScrollBarPolicy = qt.Qt.ScrollBarAlwaysOff  # as in `follow_up_tables.new_table`
        self.table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        self.table.verticalHeader().hide()
        for widgets in ((qt.QLabel(_("Correct:")), self.segmentBox, self.undoButton), (*self.buttons.values(), self.compareButton)):
            row = qt.QHBoxLayout()
            for widget in widgets:
                row.addWidget(widget, int(widget is self.segmentBox))
            column.addLayout(row)
        column.addWidget(self.saveButton)
        column.addWidget(self.label)
        column.addWidget(self.table)
        layout.addWidget(self.widget)
        self.table.visible = self.label.visible = False
        self.segmentBox.connect("currentIndexChanged(int)", self.segment_chosen)
        self.buttons[True].connect("toggled(bool)", self.inside_toggled)
        self.buttons[False].connect("toggled(bool)", self.outside_toggled)
        self.undoButton.connect("clicked(bool)", self.undo)
        self.compareButton.connect("toggled(bool)", self.compare)
        self.saveButton.connect("clicked(bool)", self.save)

    @property
    def task(self) -> Task | None:
        """What the segmentation is a result of."""
        return TASKS.get(self.segmentation.GetAttribute(RESULT_ATTRIBUTE) or "") if self.segmentation is not None else None

    @property
    def key(self) -> str:
        """Id of the chosen segment; "" without one."""
        return self.segmentBox.itemData(self.segmentBox.currentIndex) or ""

    @property
    def busy(self) -> bool:
        """Whether something is being corrected, compared or written."""
        return self.steps.running or self.compare_steps.running or self.saving_steps.running or self._writing is not None

    def show(self, segmentation: Any) -> None:
        """Correct this result; None for none. Pictures have numbered objects, which points cannot redraw."""
        if segmentation is not None and segmentation.GetScene() is None:
            segmentation = None
        if segmentation is not self.segmentation:
            self._leave()
            self.segmentation = segmentation
            if segmentation is not None:
                kinds = slicer.vtkSegmentation
                for event in (kinds.SourceRepresentationModified, kinds.SegmentAdded, kinds.SegmentRemoved, kinds.SegmentModified):
                    self.addObserver(segmentation.GetSegmentation(), event, self.on_edited)
        self.widget.visible = self.task is not None and not self.task.pictures
        self._list_segments()
        self._update()

    def close(self) -> None:
        """For good."""
        self._leave()
        if self._writing is not None:
            self._writing.end()
        self._writing_timer.stop()
        self._orphan_timer.stop()
        self.markers.removeObservers()
        self.removeObservers()

    @guarded
    def inside_toggled(self, on: bool) -> None:
        """Points are placed inside, or no longer."""
        self._place(True, on)

    @guarded
    def outside_toggled(self, on: bool) -> None:
        """Points are placed outside, or no longer."""
        self._place(False, on)

    @guarded
    def segment_chosen(self, index: int) -> None:
        """Points belong to one segment: another one starts without."""
        self._forget_points()
        self._update()
        if self.changes is not None:
            correcting.show_changes_of(self.changes, self.key)

    def point_placed(self, inside: bool, marker: str, place: Sequence[float]) -> None:
        """A click in a view: redraw the outline there."""
        self._clicks.append((inside, marker, place))
        self._go_on()

    def placing_left(self) -> None:
        """The user left the placing of points by another way than the buttons."""
        for button in self.buttons.values():
            button.checked = False

    @guarded
    def undo(self) -> None:
        """Take the last click back."""
        self._clicks.append(None)
        self._go_on()

    @guarded
    def on_edited(self, caller: Any, event: str) -> None:
        """Segments were drawn, renamed, added or removed."""
        if event != slicer.vtkSegmentation.SourceRepresentationModified:
            self._list_segments()
        if self.compareButton.checked:
            self.timer.start()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    @guarded
    def on_node_goes(self, caller: Any, event: str, node: Any) -> None:
        """A result leaves the scene: its untouched copy, which nobody sees, goes with it a moment later."""
        copy = untouched_of(node) if node.IsA("vtkMRMLSegmentationNode") and not caller.IsClosing() else None
        if copy is not None:
            self._orphans.append(copy)
            self._orphan_timer.start()

    @guarded
    def drop_orphans(self) -> None:
        """Take copies without their result out of the scene."""
        orphans, self._orphans = self._orphans, []
        for node in orphans:
            correcting.remove_node(node)

    @guarded
    def compare(self, on: bool) -> None:
        """Show what was changed, or no longer."""
        if on:
            self.compare_steps.start(self._comparing(look=True))
        else:
            self._hide_changes()

    @guarded
    def compare_again(self) -> None:
        """The brush rests."""
        if self.compareButton.checked and self.segmentation is not None:
            self.compare_steps.start(self._comparing())

    @guarded
    def save(self) -> None:
        """Write what the result was made from, and what it is now, for training."""
        if not self.saving_steps.running and self._writing is None:
            self._say(_("Writing the case ..."))
            self.saving_steps.start(self._saving())

    @guarded
    def poll(self) -> None:
        """Hear what the writing thread says."""
        if self._writing is not None:
            self._writing.poll()
        if self._writing is None:
            self._writing_timer.stop()

    @guarded
    def case_saved(self, place: Path) -> None:
        """Say where it is."""
        self._writing = None
        self._say(_("Saved without names as case {name} in {folder}").format(name=place.name, folder=wording.breakable(str(place.parent))))

    @guarded
    def case_failed(self, failure: Failure) -> None:
        """Nothing was written."""
        self._writing = None
        self._say("")
        self.report(failure)

    def _saving(self) -> Iterator[None]:
        from ..correction.training_case import label_map, save_case

        task, folder = self.task, training_cases(self.task)
        try:
            images, masks, affine = yield from correcting.case_of(self.segmentation, task)
        except InputRefused:
            self._say("")
            raise

        def write(progress: Progress) -> Path:
            return folder / save_case(folder, task, images, Image(label_map(masks, task), affine), progress)

        self._writing = Background(write, Callbacks(on_result=self.case_saved, on_error=self.case_failed))
        self._writing_timer.start()

    def _go_on(self) -> None:
        if not self.steps.running:
            self.steps.start(in_slices(self._working()))

    def _working(self) -> Iterator[None]:
        """What was clicked, one after the other."""
        while self._clicks and self.segmentation is not None:
            click = self._clicks.popleft()
            yield from self._take_back() if click is None else self._correct(*click)
            self._update()

    def _correct(self, inside: bool, marker: str, place: Sequence[float]) -> Iterator[None]:
        from ..correction.outline import Points

        node, key = self.segmentation, self.key
        self._say(_("Redrawing ..."))
        try:
            voxel = correcting.voxel_at(node, place)
            self._points[voxel] = inside  # of two clicks on one voxel the later counts
            sides = (tuple(point for point, side in self._points.items() if side is wanted) for wanted in (True, False))
            undo = yield from correcting.correcting(node, self.task, key, Points(*sides), self._seen(), inside)
        except InputRefused:
            self.markers.remove(inside, marker)
            self._say("")
            raise
        self._done.append(_Done(undo, inside, marker))
        self._say(self._told(undo, key))

    def _take_back(self) -> Iterator[None]:
        if not self._done:
            return
        done = self._done.pop()
        if done.undo is not None:
            yield from correcting.undoing(self.segmentation, done.undo)
        place = self.markers.remove(done.inside, done.marker)
        if place is not None:
            self._points.pop(correcting.voxel_at(self.segmentation, place), None)
        self._say(_("The last point was taken back."))

    def _told(self, undo: correcting.Undo | None, key: str) -> str:
        if undo is None or not undo.changes:
            return _("Nothing to change: the point already lies on that side.")
        change = next((change for other, change in undo.changes if other == key), undo.changes[0][1])
        voxel_ml = math.prod(correcting.reference_of(self.segmentation).GetSpacing()) / MM3_PER_ML
        text = _("{segment}: {volume} mL added.") if undo.inside else _("{segment}: {volume} mL removed.")
        name = self.segmentation.GetSegmentation().GetSegment(key).GetName()
        return text.format(segment=name, volume=wording.milliliters(change.count * voxel_ml))

    def _seen(self) -> Any:
        """The volume whose edges the user sees: the background of the slice views, where it is a grey one; else the reference."""
        scene = slicer.mrmlScene
        view = scene.GetFirstNodeByClass("vtkMRMLSliceCompositeNode")
        volume = scene.GetNodeByID(view.GetBackgroundVolumeID() or "") if view is not None else None
        grey = volume is not None and volume.IsA("vtkMRMLScalarVolumeNode") and not volume.IsA("vtkMRMLLabelMapVolumeNode")
        fits = grey and volume.GetImageData() is not None and volume.GetImageData().GetNumberOfScalarComponents() == 1
        return volume if fits else correcting.reference_of(self.segmentation)

    def _comparing(self, look: bool = False) -> Iterator[None]:
        """Compare, and show it; `look`: and bring the table into sight."""
        self._found = yield from correcting.comparing(self.segmentation)
        earlier, self.changes = self.changes, None
        correcting.remove_node(earlier)
        yield
        self.changes = yield from correcting.showing_changes(self.segmentation, self._found)
        correcting.show_changes_of(self.changes, self.key)
        yield
        self._fill_table()
        if look:
            yield  # the table has its size when the window has looked at its events
            self.scroll.ensureWidgetVisible(self.table)

    def _fill_table(self) -> None:
        """A row a segment: millilitres before and after, Dice."""
        self.table.rowCount, self.table.columnCount = len(self._found), 4
        self.table.setHorizontalHeaderLabels([_("Segment"), _("mL before"), _("after"), _("Dice")])
        self._items = [self._compared(key, change) for key, change in self._found.items()]
        for row, cells in enumerate(self._items):
            for column, item in enumerate(cells):
                self.table.setItem(row, column, item)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(0, qt.QHeaderView.Stretch)
        self.table.resizeRowsToContents()
        self.table.visible = True

    def _compared(self, key: str, change: Changed) -> tuple[Any, ...]:
        before, after = (wording.milliliters(volume) for volume in change.volumes_ml)
        segment = self.segmentation.GetSegmentation().GetSegment(key)
        return segment_item(segment, key), number_item(before), number_item(after), number_item(f"{change.dice:.3f}")

    def _hide_changes(self) -> None:
        self.timer.stop()
        self.compare_steps.stop()
        earlier, self.changes = self.changes, None
        correcting.remove_node(earlier)
        self._found = {}
        self.table.visible = False

    def _place(self, inside: bool, on: bool) -> None:
        """Let clicks in the views place points of one kind, or let them be what they were."""
        if on:
            self.buttons[not inside].checked = False
            self.markers.place(inside)
        elif not any(button.checked for button in self.buttons.values()):
            self.markers.stop()

    def _forget_points(self) -> None:
        self._points = {}
        self.markers.clear()

    def _leave(self) -> None:
        """Nothing of the panel's stays beside a segmentation that is no longer shown."""
        for button in (*self.buttons.values(), self.compareButton):
            button.checked = False
        self.steps.stop()
        self.saving_steps.stop()
        self._hide_changes()
        self._clicks.clear()
        self._done, self._points = [], {}
        self.markers.drop()
        self.removeObservers(self.on_edited)
        self._say("")

    def _list_segments(self) -> None:
        """The segments to choose from; the chosen one stays chosen."""
        keys = segment_ids(self.segmentation) if self.widget.visible or self.segmentation is not None else []
        task = self.task
        helpers = [] if task is None else [key for key in keys if key not in {region.key for region in task.regions}]
        wanted = [(key, self.segmentation.GetSegmentation().GetSegment(key).GetName()) for key in keys if key not in helpers]
        box = self.segmentBox
        if wanted == [(box.itemData(n), box.itemText(n)) for n in range(box.count)]:
            return
        chosen = self.key
        was_blocked = box.blockSignals(True)
        box.clear()
        for key, name in wanted:
            box.addItem(name, key)
        box.currentIndex = max(box.findData(chosen), 0) if wanted else -1
        box.blockSignals(was_blocked)
        if self.key != chosen:
            self._forget_points()

    def _update(self) -> None:
        self.undoButton.enabled = bool(self._done)
        for button in self.buttons.values():
            button.enabled = bool(self.key)
        kept = untouched_of(self.segmentation) is not None
        self.compareButton.enabled = kept

    def _say(self, text: str) -> None:
        self.label.text, self.label.visible = text, bool(text)


def in_slices(steps: Iterator[None]) -> Iterator[None]:
    """The same steps, as many at a time as fit into `SLICE_S`: between two the window looks at its events, and may draw all views."""
    begun = time.thread_time()
    for _step in steps:
        if time.thread_time() - begun >= SLICE_S:
            yield
            begun = time.thread_time()


def training_cases(task: Task) -> Path:
    """Where the corrected cases of a task are written: beside the private environment, in this user's own data."""
    return default_folder().parent / "training-cases" / task.key


def _button(text: str, checkable: bool = False) -> Any:
    button = qt.QPushButton(text)
    button.checkable = checkable
    return button
