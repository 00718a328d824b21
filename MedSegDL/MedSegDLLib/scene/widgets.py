"""Widgets that the panel makes or fills in Python: selectors for the inputs of every task, the table of volumes, timers.
Desktop only: with MedSegDL.py the one room that knows Qt, through PythonQt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from ..tasks import Input, Task
from ..worker.processes import Failure
from .choices import Opinion
from .guard import guarded
from .parameters import OFFERED, input_parameter
from .scheme import scheme_of
from .session import GREY_VOLUMES, volume_classes
from .table import COLUMNS, OBJECT_COLUMNS
from .translation import label as label_of
from .translation import sentence
from .wording import input_helps, milliliters

PARAMETER_PROPERTY = "SlicerParameterName"  # dynamic property by which parameterNodeWrapper knows its widgets
# They derive from scalar volumes and are no images. vtkMRMLTensorVolumeNode stays in: colour pictures derive from it.
NO_IMAGES = ["vtkMRMLLabelMapVolumeNode", "vtkMRMLDiffusionImageVolumeNode", "vtkMRMLDiffusionWeightedVolumeNode"]
PYTHON_SETTING = "MedSegDL/Python"
_NAME, KEY, VOXELS, _MM3, MILLILITERS = COLUMNS
COUNT = OBJECT_COLUMNS[0]
COLOR_LEVELS = 255
STEP_PAUSE_MS = 5
FIT_DELAY_MS = 20  # after a table's width has changed
BAR_PIXELS = (44, 10)  # of the longest bar beside a volume; the panel works at 350 pixels
MOST_ROWS = 200  # of lesions or objects that the panel lists


class InputRows:
    """A labelled selector for each input of each task; those of one task are shown.

    Args:
        form: a QFormLayout.
    """

    def __init__(self, form: Any) -> None:
        self._form = form
        self._rows: dict[Task, list[tuple[Any, Any]]] = {}
        self.renew()

    def renew(self) -> None:
        """Rows for the tasks of today: new ones get theirs, those of tasks that are gone or have changed go."""
        for task in [task for task in self._rows if OFFERED.get(task.key) != task]:
            for label, selector in self._rows.pop(task):
                selector.setMRMLScene(None)
                for widget in (label, selector):
                    widget.hide()
                    self._form.removeWidget(widget)
                    widget.deleteLater()
        for task in OFFERED.values():
            if task not in self._rows:
                self._rows[task] = [self._row(self._form, task, entry) for entry in task.inputs]

    @property
    def selectors(self) -> dict[str, Any]:
        """Widget name -> selector, of all tasks."""
        return {selector.name: selector for rows in self._rows.values() for _label, selector in rows}

    def show(self, task: Task) -> None:
        """Show the rows of one task only."""
        for shown, rows in self._rows.items():
            for label, selector in rows:
                label.visible = selector.visible = shown.key == task.key

    def explain(self, task: Task, opinions: Mapping[str, Opinion]) -> None:
        """Say where the mouse rests why an image stands for an input; what contradicts its choice is amber.

        Light or dark is asked of the selector: a label with a style sheet of its own keeps the palette of the day it got it.
        """
        for entry, (label, selector) in zip(task.inputs, self._rows[task]):
            opinion = opinions.get(entry.key, Opinion())
            told = [_("Chosen, for {reason}.").format(reason=sentence(opinion.reason))] if opinion.reason else []
            if opinion.looks_like:
                told.append(
                    _("Looks like {title}: {against}.").format(title=label_of(opinion.looks_like), against=sentence(opinion.against))
                )
            selector.toolTip = "\n".join([*told, input_helps().get(entry.key, "")]).strip()
            label.styleSheet = f"color: {scheme_of(selector).warning}; font-weight: bold" if opinion.looks_like else ""

    def _row(self, form: Any, task: Task, entry: Input) -> tuple[Any, Any]:
        label, selector = qt.QLabel(f"{label_of(entry.title)}:"), slicer.qMRMLNodeComboBox()
        label.toolTip = selector.toolTip = input_helps().get(entry.key, "")
        selector.name = f"{input_parameter(task, entry)}Selector"
        selector.noneEnabled = True
        selector.noneDisplay = _("not given")
        selector.addEnabled = False
        selector.removeEnabled = False
        selector.showChildNodeTypes = len(volume_classes(entry.modality)) > 1  # colour pictures derive from scalar volumes
        selector.hideChildNodeTypes = NO_IMAGES
        selector.nodeTypes = GREY_VOLUMES
        narrow(selector)
        selector.setProperty(PARAMETER_PROPERTY, input_parameter(task, entry))
        selector.setMRMLScene(slicer.mrmlScene)
        form.addRow(label, selector)
        return label, selector


def narrow(selector: Any) -> None:
    """Let a selector of nodes be as narrow as the panel is: else it asks for the width of its longest name."""
    selector.sizeAdjustPolicy = qt.QComboBox.AdjustToMinimumContentsLengthWithIcon


def button_row(layout: Any) -> Any:
    """A row for buttons at the end of a layout; the row's own layout."""
    row = qt.QWidget()
    inner = qt.QHBoxLayout(row)
    inner.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(row)
    return inner


def parameter_widgets(ui: Any) -> dict[str, Any]:
    """Parameter name -> widget, of all widgets of the panel that have the dynamic property."""
    named = ((widget.property(PARAMETER_PROPERTY), widget) for widget in vars(ui).values())
    return {name: widget for name, widget in named if name}


def new_timer(function: Callable[[], None], interval_ms: int, once: bool = False) -> Any:
    """A QTimer that calls a function; not started."""
    timer = qt.QTimer()
    timer.interval = interval_ms
    timer.setSingleShot(once)  # the static function of that name hides the property
    timer.connect("timeout()", function)
    return timer


class FittedRows:
    """Gives a table's names the lines that they need, a moment after its width has changed. Call `stop` before the table goes."""

    def __init__(self, view: Any) -> None:
        self._view = view
        self._timer = new_timer(self.fit, FIT_DELAY_MS, once=True)
        view.horizontalHeader().connect("sectionResized(int,int,int)", self.resized)

    def resized(self, section: int, before: int, now: int) -> None:
        """A column is wider or narrower."""
        if section == 0:
            self._timer.start()

    def fit(self) -> None:
        """Now."""
        self._view.resizeRowsToContents()

    def stop(self) -> None:
        """For good."""
        self._timer.stop()
        self._view.horizontalHeader().disconnect("sectionResized(int,int,int)", self.resized)


class Steps:
    """Does work that would stop the window for too long a step at a time, as often as the window has nothing else to do.

    Args:
        report: whom to tell what went wrong.
    """

    def __init__(self, report: Callable[[Failure], None]) -> None:
        self.report = report
        self._steps: Iterator[None] = iter(())
        self._timer = new_timer(self.take, STEP_PAUSE_MS)

    @property
    def running(self) -> bool:
        """Whether a step is left."""
        return self._timer.active

    def start(self, steps: Iterator[None]) -> None:
        """Begin; what is still to be done of an earlier piece of work is dropped."""
        self._steps = steps
        self._timer.start()

    def stop(self) -> None:
        """Drop what is left."""
        self.start(iter(()))
        self._timer.stop()

    @guarded
    def take(self) -> None:
        """The next step. What it raises ends the work."""
        self._timer.stop()
        for _step in self._steps:
            self._timer.start()
            return


def python_setting() -> str:
    """The Python that the user chose for the worker, or nothing. It belongs to the machine, not to the scene."""
    return qt.QSettings().value(PYTHON_SETTING, "") or ""


def set_python_setting(path: str) -> None:
    """Remember the Python for the worker."""
    qt.QSettings().setValue(PYTHON_SETTING, path)


def fill_table(view: Any, segmentation: Any, rows: Sequence[dict[str, str]]) -> list[Any]:
    """Show a row a segment: what it is with its colour, millilitres, voxels; in a picture the number of objects and pixels.

    Args:
        view: a QTableWidget.
        segmentation: vtkMRMLSegmentationNode, for names and colours.
        rows: see `table.table_rows`.

    Returns:
        the table's items; keep them as long as they are shown. Not every PythonQt hands them over to the table (setItem): then an item
        that Python forgets is deleted and leaves its cell empty.
    """
    view.rowCount, view.columnCount = len(rows), 3
    flat = any(MILLILITERS not in entry for entry in rows)
    view.setHorizontalHeaderLabels([_("Segment"), *((_("Count"), _("Pixels")) if flat else (_("Volume (mL)"), _("Voxels")))])
    largest = max((float(entry.get(MILLILITERS, 0)) for entry in rows), default=0.0)
    items = [_row(segmentation, entry, largest) for entry in rows]
    for row, cells in enumerate(items):
        for column, item in enumerate(cells):
            view.setItem(row, column, item)
    header = view.horizontalHeader()
    header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
    header.setSectionResizeMode(0, qt.QHeaderView.Stretch)  # the names give way, so that the table is as wide as the panel, not wider
    # Long names take a second line. Once (and again a moment after the width has changed: `FittedRows`): a vertical header that follows
    # its contents, in a table that follows them too, goes round without end where a scroll bar comes and goes with the width.
    view.resizeRowsToContents()
    return items


def fill_lesions(view: Any, segmentation: Any, rows: Sequence[dict[str, str]]) -> list[Any]:
    """Show a row a lesion: number and segment with its colour, millilitres, the two diameters; of counted objects their areas.

    Args and Returns: as for `fill_table`; at most `MOST_ROWS` are shown, the table node has all.
    """
    rows = rows[:MOST_ROWS]
    titles = [_("Object"), _("Area (px)")] if rows and "Area px" in rows[0] else [_("Lesion"), _("mL"), _("Diameters (mm)")]
    view.rowCount, view.columnCount = len(rows), len(titles)
    view.setHorizontalHeaderLabels(titles)
    items = [_lesion(segmentation, entry) for entry in rows]
    for row, cells in enumerate(items):
        for column, item in enumerate(cells):
            view.setItem(row, column, item)
    header = view.horizontalHeader()
    header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
    header.setSectionResizeMode(0, qt.QHeaderView.Stretch)
    view.resizeRowsToContents()
    return items


def _lesion(segmentation: Any, entry: dict[str, str]) -> tuple[Any, ...]:
    name = segment_item(segmentation.GetSegmentation().GetSegment(entry[KEY]), entry[KEY])
    name.setText(f"{entry[KEY] if entry[KEY].isupper() else name.text()} {entry['Number']}")  # short, so that the number is seen
    if "Area px" in entry:
        return name, number_item(f"{float(entry['Area px']):,.0f}")
    across = f"{float(entry['Longest mm']):.1f} x {float(entry['Perpendicular mm']):.1f}"
    return name, number_item(milliliters(float(entry[MILLILITERS]))), number_item(across)


def _row(segmentation: Any, entry: dict[str, str], largest_ml: float) -> tuple[Any, Any, Any]:
    """The items of one segment; beside its volume a bar, the longest that of the largest segment."""
    segment = segmentation.GetSegmentation().GetSegment(entry[KEY])
    name = segment_item(segment, entry[KEY])
    size = number_item(milliliters(float(entry[MILLILITERS])) if MILLILITERS in entry else entry.get(COUNT, ""))
    volume_ml = float(entry.get(MILLILITERS, 0))
    if volume_ml > 0 and segment is not None:
        size.setData(qt.Qt.DecorationRole, _bar(volume_ml / largest_ml, segment))
    return name, size, number_item(f"{int(float(entry[VOXELS])):,}")


def _bar(share: float, segment: Any) -> Any:
    """A bar in the segment's colour, a pixel long at least."""
    longest, height = BAR_PIXELS
    bar = qt.QPixmap(max(1, round(share * longest)), height)
    bar.fill(_color(segment))
    return bar


def _color(segment: Any) -> Any:
    return qt.QColor(*(round(COLOR_LEVELS * part) for part in segment.GetColor()))


def segment_item(segment: Any, key: str) -> Any:
    """The segment's name with its colour; the key alone for one that was deleted since."""
    item = qt.QTableWidgetItem(key if segment is None else segment.GetName())
    item.setToolTip(item.text())
    if segment is not None:
        item.setData(qt.Qt.DecorationRole, _color(segment))
    return item


def number_item(text: str) -> Any:
    """A number, at the right of its cell."""
    item = qt.QTableWidgetItem(text)
    item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
    return item
