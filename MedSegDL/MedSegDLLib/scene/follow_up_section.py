"""The panel's follow-up: the results of several studies of one patient chosen and put in order, compared, and shown beside each other.
Desktop only. What lies in the scene is `follow_up`'s, the views `side_by_side`'s; the worker lays heads on each other, a thread matches.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import ctk
import qt
import slicer
import vtk
from slicer.i18n import tr as _

from ..errors import InputRefused
from ..progress import Progress
from ..tasks import Task
from ..worker.client import Background, Callbacks
from ..worker.processes import Failure
from . import follow_up, side_by_side, views
from .follow_up import TimePoint, follow_up_of, part_of, studies_of
from .follow_up_tables import fill_changes, fill_lesions, fit, new_button, new_table, row_of
from .follow_up_texts import told_html
from .guard import guarded
from .observing import Observing
from .report_case import collecting
from .scheme import scheme_of
from .widgets import FittedRows, Steps, new_timer, number_item

if TYPE_CHECKING:  # imported with the second study (`warming`)
    from ..followup.course import Course
    from ..report.case import Case

LOOK_DELAY_MS = 200  # after a node has gone: a scene may lose many at once
UP, DOWN = -1, 1
NAME, WHEN = 0, 1  # columns of the list of studies


class FollowUpSection(Observing):
    """A section below the result, there while the scene holds two results of a task with volumes.

    Args:
        ui: the panel's widgets.
        session: asks the worker.
        panel: reports failures, and is told when news is due.
    """

    def __init__(self, ui: Any, session: Any, panel: Any) -> None:
        Observing.__init__(self)
        self.session, self.panel, self.report = session, panel, panel.report
        self.task: Task | None = None
        self.points: list[TimePoint] = []
        self.change: Any = None  # the follow-up node that is shown
        self.steps, self.view_steps = Steps(panel.report), Steps(panel.report)
        self._shown: Any = None
        self._known: tuple[tuple[str, str], ...] = ()
        self._offered: Task | None = None  # whose criteria can be chosen
        self._filled: tuple[str, int] | None = None  # the follow-up that the tables show
        self._waits = False  # for the worker
        self._comparing: Background | None = None
        self._course: tuple[str, Course] | None = None  # of the last comparison, and the id of its follow-up
        self._before = side_by_side.Before()
        self._items: list[Any] = []  # of the tables; see widgets.fill_table
        self._study_items: list[Any] = []
        self._make_widgets(ui)
        self.timer = new_timer(self.look, LOOK_DELAY_MS, once=True)
        self.fitted = FittedRows(self.changeTable)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.NodeRemovedEvent, self.on_node_gone)

    def _make_widgets(self, ui: Any) -> None:
        self.widget = ctk.ctkCollapsibleButton()
        self.widget.text = _("Follow-up")
        self.widget.name = "followUpCollapsibleButton"
        self.body = qt.QWidget()  # its parts come and go whether or not the section is folded
        qt.QVBoxLayout(self.widget).addWidget(self.body)
        column = qt.QVBoxLayout(self.body)
        column.setContentsMargins(0, 0, 0, 0)
        self.studiesTable = new_table(_("The results to compare, the earliest first. Leave out what is no study of its own."))
        self.upButton = new_button(_("Earlier"), _("Move the chosen study up."))
        self.downButton = new_button(_("Later"), _("Move the chosen study down."))
        self.criteriaBox = qt.QComboBox()
        self.criteriaBox.sizeAdjustPolicy = qt.QComboBox.AdjustToMinimumContentsLengthWithIcon
        self.criteriaBox.toolTip = _("What the response is told by.")
        self.compareButton = new_button(
            _("Compare studies"), _("Lay the studies on the first one, match their lesions, and measure what has changed.")
        )
        self.label = qt.QLabel()
        self.label.wordWrap = True
        self.changeTable = new_table(_("Volumes of the first and the last study."))
        self.lesionTable = new_table(_("The lesions of the last study, and those that are gone. A click shows one."))
        self.sideButton = new_button(_("Side by side"), _("First and last study beside each other, linked; again: as before."), True)
        self.chartButton = new_button(_("Chart"), _("Volumes over time, as a chart and a table; again: as before."), True)
        self.reportButton = new_button(_("Report ..."), _("Write the comparison as one page (HTML or PDF), and its figures as CSV."))
        self.laidCheckBox = qt.QCheckBox(_("Studies laid on the first one"))
        self.laidCheckBox.toolTip = _("The transforms that registration found; they can be taken off.")
        views = (self.sideButton, self.chartButton, self.reportButton)
        parts = (self.studiesTable, (self.criteriaBox, self.upButton, self.downButton), self.compareButton, self.label)
        for widget in (*parts, self.changeTable, self.lesionTable, views, self.laidCheckBox):
            column.addLayout(row_of(widget)) if isinstance(widget, tuple) else column.addWidget(widget)
        layout = ui.scrollArea.widget().layout()
        layout.insertWidget(layout.indexOf(ui.resultCollapsibleButton) + 1, self.widget)
        self.widget.collapsed = True
        self.widget.visible = False
        self.studiesTable.connect("itemSelectionChanged()", self.study_chosen)
        self.upButton.connect("clicked(bool)", self.earlier)
        self.downButton.connect("clicked(bool)", self.later)
        self.compareButton.connect("clicked(bool)", self.compare)
        self.lesionTable.connect("cellClicked(int,int)", self.look_at)
        self.sideButton.connect("clicked(bool)", self.side_chosen)
        self.chartButton.connect("clicked(bool)", self.chart_chosen)
        self.laidCheckBox.connect("clicked(bool)", self.laid_chosen)
        self.reportButton.connect("clicked(bool)", self.report_chosen)

    @property
    def news_due(self) -> bool:
        """Whether studies are being compared."""
        return self._waits or self._comparing is not None or self.steps.running

    def poll(self) -> None:
        """Take the comparison in once it is made."""
        if self._comparing is not None:
            self._comparing.poll()

    def close(self) -> None:
        """For good."""
        for part in (self.steps, self.view_steps, self.timer, self.fitted):
            part.stop()
        self._comparing = self.change = self._course = None
        self.points, self._before = [], side_by_side.Before()
        self.removeObservers()

    def show(self, task: Task | None, result: Any) -> None:
        """List the scene's results of a task; nothing where there are fewer than two.

        Args:
            task: of the panel.
            result: the segmentation that it shows, or None.
        """
        points = [] if task is None or task.pictures else follow_up.time_points(task)
        known = tuple((point.node.GetID(), point.when) for point in points)  # a date may come later than its result
        changed, other = known != self._known, task is not self.task
        self.task, self._shown, self._known = task, result, known
        if len(points) > 1 and self._offered is not task:
            self._offer_criteria(task)
        if changed or other:
            self._list(points)
        self._show_change()
        self.widget.visible = len(points) > 1

    @vtk.calldata_type(vtk.VTK_OBJECT)
    @guarded
    def on_node_gone(self, caller: Any, event: str, node: Any) -> None:
        """A result, or a part of a follow-up, may have left the scene."""
        if node.IsA(follow_up.KIND) or node.IsA(follow_up.TABLE):
            if node is self.change:
                self.change = None
            self.points = [point for point in self.points if point.node is not node]
            self.timer.start()

    @guarded
    def look(self) -> None:
        """Look at the scene anew."""
        if self.panel.parameters is not None:
            self.show(self.task, self._shown if self._shown is not None and self._shown.GetScene() is not None else None)

    def chosen(self) -> list[TimePoint]:
        """What is to be compared, in the order of the list."""
        count = self.studiesTable.rowCount
        checked = [self.studiesTable.item(row, NAME).checkState() == qt.Qt.Checked for row in range(count)]
        return [point for point, wanted in zip(self.points, checked) if wanted]

    @guarded
    def study_chosen(self) -> None:
        """A row was chosen: it can be moved."""
        row = self.studiesTable.currentRow()
        self.upButton.enabled, self.downButton.enabled = row > 0, 0 <= row < len(self.points) - 1

    @guarded
    def earlier(self) -> None:
        """Move the chosen study up."""
        self._move(UP)

    @guarded
    def later(self) -> None:
        """Move the chosen study down."""
        self._move(DOWN)

    @guarded
    def compare(self) -> None:
        """Measure what has changed."""
        points = self.chosen()
        if len(points) < 2:
            raise InputRefused("A follow-up needs two or more results of one task.", "Choose them in the list.")
        self._busy(_("Measuring the studies ..."))
        self.steps.start(self._collecting(points, self.task))
        self.panel.expect_news()

    @guarded
    def look_at(self, row: int, column: int) -> None:
        """A lesion was clicked: the slice views show it."""
        rows = follow_up.lesion_rows(self.change)
        place = follow_up.place_of(self.change, rows[row]) if row < len(rows) else None
        if place is not None:
            for _view in views.jumping(place):
                pass

    @guarded
    def side_chosen(self, on: bool) -> None:
        """Show first and last study beside each other, or what was there before."""
        self._leave_views()
        if on:
            self.sideButton.checked = True
            ends = self._ends()
            references = [segmentation.GetNodeReference(segmentation.GetReferenceImageGeometryReferenceRole()) for segmentation in ends]
            self.view_steps.start(self._beside(ends, references))

    @guarded
    def chart_chosen(self, on: bool) -> None:
        """Show the chart and the table of volumes, or what was there before."""
        self._leave_views()
        if on:
            self.chartButton.checked = True
            self.view_steps.start(side_by_side.charted(part_of(self.change, "Chart"), part_of(self.change, "Volumes"), self._before))

    @guarded
    def layout_changed(self, caller: Any, event: str) -> None:
        """The user chose other views: each study is seen in all of them again."""
        if caller.GetViewArrangement() == slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView:
            return
        self.removeObservers(self.layout_changed)
        if self.change is not None:
            self._before.layout = caller.GetViewArrangement()
            side_by_side.restore(self._before, studies_of(self.change))
        self._before = side_by_side.Before()
        self.sideButton.checked = False

    @guarded
    def laid_chosen(self, laid: bool) -> None:
        """Lay the studies on the first one, or where they were taken."""
        follow_up.set_laid(self.change, laid)

    @guarded
    def report_chosen(self) -> None:
        """Ask where to, and write the page of the comparison."""
        if self._course is None or self._course[0] != self.change.GetID():
            raise InputRefused("The comparison came with the scene, without its pictures.", "Compare the studies again.")
        self.panel.reporting.ask(functools.partial(_texts, self._course[1]))

    def restyle(self) -> None:
        """The panel became light or dark: show the same in its colours."""
        if self.change is not None and not self.news_due:
            self._say(told_html(self.change, self.task, scheme_of(self.label)))

    @guarded
    def compared(self, points: Sequence[TimePoint], course: Course) -> None:
        """The lesions are matched: put it into the scene."""
        self._comparing = None
        self.steps.start(self._placing(points, course))

    @guarded
    def failed(self, failure: Failure) -> None:
        """It could not be compared."""
        self._comparing = None
        self._free()
        self.report(failure)

    def _collecting(self, points: Sequence[TimePoint], task: Task) -> Iterator[None]:
        """Take the masks out of the scene, a region a step, then lay the studies on the first one."""
        cases = []
        try:
            for point in points:
                cases.append((yield from collecting(point.node, task)))
        except BaseException:
            self._free()
            raise
        self._register(points, cases, [])

    def _register(self, points: Sequence[TimePoint], cases: Sequence[Case], found: list[dict | None]) -> None:
        """Ask the worker where the next study lies; when all are laid, let a thread match the lesions."""
        from ..followup.course import can_be_registered

        number = len(found) + 1
        self._waits = False
        if number == len(cases):
            self._match(points, cases, found)
        elif not can_be_registered(self.task):
            self._register(points, cases, [*found, None])
        else:
            self._waits = True
            self._say(_("Laying study {number} on the first one ...").format(number=number + 1))
            told = Callbacks(
                on_result=lambda answer: self._registered(points, cases, [*found, answer["motion"]]),
                on_error=lambda failure: self._registered(points, cases, [*found, None]),  # the comparison tells of it
            )
            self.session.register(cases[number].image, cases[0].image, told)
            self.panel.expect_news()

    @guarded
    def _registered(self, points: Sequence[TimePoint], cases: Sequence[Case], found: list[dict | None]) -> None:
        if all(point.node.GetScene() is not None for point in points):
            self._register(points, cases, found)
        else:
            self._waits = False
            self._free()

    def _match(self, points: Sequence[TimePoint], cases: Sequence[Case], found: Sequence[dict | None]) -> None:
        self._say(_("Matching the lesions ..."))
        told = Callbacks(on_result=functools.partial(self.compared, points), on_error=self.failed)
        self._comparing = Background(functools.partial(_followed, cases, found, self.criteriaBox.currentText), told)

    def _placing(self, points: Sequence[TimePoint], course: Course) -> Iterator[None]:
        try:
            yield from follow_up.placing(points, course, self.change)
        finally:
            self._free()
        yield  # nodes and tables in one step would hold the window for 50 ms
        self._show_change()
        self._course = (self.change.GetID(), course) if self.change is not None else None

    def _beside(self, ends: Sequence[Any], references: Sequence[Any]) -> Iterator[None]:
        yield from side_by_side.beside(ends, references, self._before)
        self._watch_layout()
        rows = follow_up.lesion_rows(self.change)
        places = [place for place in (follow_up.place_of(self.change, row) for row in rows) if place is not None]
        if places:
            yield from views.jumping(places[0])

    def _watch_layout(self) -> None:
        layout = side_by_side.layout_node()
        self.removeObservers(self.layout_changed)
        if layout is not None:
            self.addObserver(layout, vtk.vtkCommand.ModifiedEvent, self.layout_changed)

    def _leave_views(self) -> None:
        """Show what was shown before one of the two buttons was pressed."""
        self.view_steps.stop()
        self.removeObservers(self.layout_changed)
        if self.change is not None and (self._is_beside or side_by_side.is_charted(part_of(self.change, "Chart"))):
            side_by_side.restore(self._before, studies_of(self.change))
        self._before = side_by_side.Before()
        self.sideButton.checked = self.chartButton.checked = False

    @property
    def _is_beside(self) -> bool:
        return self.change is not None and side_by_side.are_beside(self._ends())

    def _ends(self) -> list[Any]:
        studies = studies_of(self.change)
        return [studies[0], studies[-1]]

    def _list(self, points: Sequence[TimePoint]) -> None:
        """The results to choose from; those that were chosen and ordered by the user stay so."""
        wanted = {point.node.GetID() for point in follow_up.suggested(points, self._shown)}
        dated = all(point.day is not None for point in points)
        order = {point.node.GetID(): place for place, point in enumerate(self.points)}
        self.points = list(points) if dated else sorted(points, key=lambda point: order.get(point.node.GetID(), len(order)))
        self._fill_studies(wanted)

    def _fill_studies(self, wanted: set[str]) -> None:
        table = self.studiesTable
        table.rowCount, table.columnCount = len(self.points), 2
        table.setHorizontalHeaderLabels([_("Study"), _("Date")])
        self._study_items = []
        for row, point in enumerate(self.points):
            name, when = qt.QTableWidgetItem(point.node.GetName()), number_item(point.when or _("not known"))
            name.setToolTip(point.node.GetName())
            name.setCheckState(qt.Qt.Checked if point.node.GetID() in wanted else qt.Qt.Unchecked)
            self._study_items += [name, when]
            table.setItem(row, NAME, name)
            table.setItem(row, WHEN, when)
        fit(table)
        self.study_chosen()

    def _move(self, by: int) -> None:
        row = self.studiesTable.currentRow()
        if 0 <= row + by < len(self.points) and row >= 0:
            wanted = {point.node.GetID() for point in self.chosen()}
            self.points[row], self.points[row + by] = self.points[row + by], self.points[row]
            self._fill_studies(wanted)
            self.studiesTable.setCurrentCell(row + by, NAME)

    def _offer_criteria(self, task: Task) -> None:
        from ..followup.response import CRITERIA, usual_criteria

        box, self._offered = self.criteriaBox, task
        box.clear()
        for criteria in CRITERIA.values():
            box.addItem(criteria.title)
        box.currentIndex = list(CRITERIA.values()).index(usual_criteria(task))

    def _show_change(self) -> None:
        """What the scene's follow-up of the task says; nothing where there is none."""
        self.change = follow_up_of(self.task) if self.task is not None else None
        there = self.change is not None
        filled = (self.change.GetID(), self.change.GetMTime()) if there else None
        for widget in (self.changeTable, self.lesionTable, self.sideButton, self.chartButton, self.reportButton):
            widget.visible = there
        self.laidCheckBox.visible = there and bool(follow_up.laid_transforms(self.change))
        if not self.news_due:
            self._say(told_html(self.change, self.task, scheme_of(self.label)) if there else "")
        if there:
            self.laidCheckBox.checked = follow_up.are_laid(self.change)
            if filled != self._filled:
                self._items = [*fill_changes(self.changeTable, self.change), *fill_lesions(self.lesionTable, self.change)]
            if not self.view_steps.running:
                self.sideButton.checked = self._is_beside
                if self.sideButton.checked:
                    self._watch_layout()
                self.chartButton.checked = side_by_side.is_charted(part_of(self.change, "Chart"))
        else:
            self._before, self._course = side_by_side.Before(), None  # they keep nodes and voxels
            self.sideButton.checked = self.chartButton.checked = False
        self._filled = filled

    def _busy(self, text: str) -> None:
        self.compareButton.enabled = False
        self._say(text)

    def _free(self) -> None:
        self.compareButton.enabled = True
        self._say("")

    def _say(self, text: str) -> None:
        self.label.text, self.label.visible = text, bool(text)


def _followed(cases: Sequence[Case], found: Sequence[dict | None], title: str, progress: Progress) -> Course:
    """The course of the studies, in a thread."""
    from ..followup.course import Study, follow, way
    from ..followup.response import CRITERIA

    studies, findings = [Study(cases[0])], []
    for number, (case, registered) in enumerate(zip(cases[1:], found), start=2):
        motion, told = way(registered, number)
        studies.append(Study(case, motion))
        findings += told
    criteria = next(entry for entry in CRITERIA.values() if entry.title == title)
    return follow(studies, criteria, findings)


def _texts(course: Course) -> tuple[str, str]:
    """The page and its figures, in a thread."""
    from ..followup.page import csv_text, page

    return page(course), csv_text(course)
