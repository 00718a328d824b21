"""The panel in a narrow dock: it works at 350 pixels whatever the names, and it never grows by itself."""

from __future__ import annotations

from typing import Any

import pytest
import slicer
from PySide6 import QtCore, QtWidgets

from MedSegDLLib.worker.processes import Failure

from . import pythonqt
from .fake_client import FakeClient, brain_result
from .test_panel import BRAIN, volume
from .test_run import finish

NARROW = 350
SMALL = 560  # height of the module on a laptop of 1366 x 740
READABLE = 300
LONG = "patient_with_a_very_long_series_description_" * 3  # 132 characters without a place to break
ROUNDS = 20


@pytest.fixture
def crowded(entered: Any, client: FakeClient) -> Any:
    """The panel with long names everywhere, a result among them, all sections open."""
    for key in BRAIN:
        volume(f"{LONG}{key}")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", LONG)
    entered.inputs.fill()
    entered.ui.advancedCollapsibleButton.collapsed = False
    entered.ui.segmentButton.click()
    warning = {"severity": "warning", "code": "skull", "input": "t1", "message": f"'{LONG}t1' has a skull.", "remedy": f"Strip '{LONG}t1'."}
    finish(entered, client, brain_result(client, record={"warnings": [warning]}))
    return entered


def native(panel: Any) -> QtWidgets.QWidget:
    """The widget that Slicer puts into its dock."""
    return pythonqt.unwrap(panel.ui.MedSegDL).window()


def dock_width(panel: Any, start: int = NARROW) -> int:
    """How wide the dock is after a while: it never shows less than the panel's smallest width (qSlicerModulePanel)."""
    width, widget = start, native(panel)
    widget.show()
    for _ in range(ROUNDS):
        QtWidgets.QApplication.processEvents()
        width = max(width, widget.minimumSizeHint().width(), contents_width(panel))
        widget.resize(width, 900)
    return width


def contents_width(panel: Any) -> int:
    """What the scrolled part needs, with its bar: the area around it would hide that it is cut off."""
    area = pythonqt.unwrap(panel.ui.scrollArea)
    return area.widget().minimumSizeHint().width() + area.verticalScrollBar().sizeHint().width()


def test_the_button_is_in_sight_on_a_small_screen(crowded: Any) -> None:
    dock_width(crowded)
    widget = native(crowded)
    widget.resize(NARROW, SMALL)
    QtWidgets.QApplication.processEvents()
    assert widget.height() == SMALL  # it can be as low as that
    button = pythonqt.unwrap(crowded.ui.segmentButton)
    assert 0 < button.mapTo(widget, QtCore.QPoint(0, button.height())).y() <= SMALL


def test_an_empty_panel_is_narrow(entered: Any) -> None:
    entered.ui.advancedCollapsibleButton.collapsed = False
    assert dock_width(entered) == NARROW
    assert native(entered).minimumSizeHint().width() >= READABLE  # a dock gives no more than that
    assert entered.ui.noticeLabel.wordWrap


def test_long_names_do_not_widen_the_panel(crowded: Any) -> None:
    assert dock_width(crowded) == NARROW


def test_the_panel_does_not_grow_with_every_change(crowded: Any, client: FakeClient) -> None:
    for number in range(5):
        crowded.result.segmentation.GetSegmentation().GetSegment("WT").SetName(f"{LONG}{number}")
        crowded.result.measure()
        assert dock_width(crowded) == NARROW
    assert crowded.ui.resultTable.columnCount == 3


def test_failures_and_paths_wrap(crowded: Any) -> None:
    path = "/home/" + "a_folder_with_a_long_name/" * 8 + "bin/python"
    crowded.ui.pythonPathLineEdit.currentPath = path
    crowded.python.show()
    crowded.report(Failure("python", f"The Python {path} cannot be started: {LONG}.", f"Choose another than {LONG}."))
    assert dock_width(crowded) == NARROW


def test_a_table_of_one_result_fills_the_width(crowded: Any) -> None:
    assert dock_width(crowded, 500) == 500
    QtWidgets.QApplication.processEvents()
    table = pythonqt.unwrap(crowded.ui.resultTable)
    assert table.horizontalHeader().length() <= table.viewport().width()


def test_no_table_follows_its_contents_without_end(crowded: Any) -> None:
    """Rows as high as their contents, in a table as high as its own: a scroll bar that changes the width starts it all again."""
    tables = native(crowded).findChildren(QtWidgets.QTableWidget)
    assert crowded.ui.resultTable.rowCount and len(tables) > 1
    adjusting = [table for table in tables if table.sizeAdjustPolicy() == QtWidgets.QAbstractScrollArea.SizeAdjustPolicy.AdjustToContents]
    assert adjusting
    for table in adjusting:
        rows = table.verticalHeader()
        modes = {rows.sectionResizeMode(row) for row in range(rows.count())}
        assert QtWidgets.QHeaderView.ResizeMode.ResizeToContents not in modes, table.objectName()


def test_the_panel_may_be_as_low_as_a_laptops_dock(panel: Any) -> None:
    """A line that wraps gives the whole panel a height for its width, which Slicer's dock asks for: the scrolled part must not count."""
    root = pythonqt.unwrap(panel.ui.MedSegDL)
    assert max(root.layout().totalHeightForWidth(331), root.minimumSizeHint().height()) < 340
