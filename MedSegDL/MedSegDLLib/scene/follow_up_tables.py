"""Tables and buttons of the panel's follow-up: the studies, what has changed, and the lesions.
Desktop only. What they hold is `follow_up`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from . import follow_up
from .follow_up_texts import kind_texts
from .table import table_rows
from .widgets import MOST_ROWS, number_item
from .wording import milliliters


def fill_changes(view: Any, change: Any) -> list[Any]:
    """A row a region: its volumes then and now, and the change; the items, see `widgets.fill_table`."""
    rows = table_rows(change)
    view.rowCount, view.columnCount = len(rows), 4
    _head(view, _("Region"), _("First (mL)"), _("Last (mL)"), _("Change"))
    lines = []
    for row in rows:
        share = f"\n({float(row['Change %']):+.0f} %)" if row["Change %"] else ""
        sizes = [milliliters(float(row[part])) for part in ("First mL", "Last mL")]
        grown = float(row["Change mL"])
        lines.append((row["Region"], *sizes, f"{'+' if grown >= 0 else '-'}{milliliters(abs(grown))}{share}"))
    return _fill(view, lines)


def fill_lesions(view: Any, change: Any) -> list[Any]:
    """A row a lesion: its number now, what became of it, and its diameters then and now."""
    rows, kinds = follow_up.lesion_rows(change)[:MOST_ROWS], kind_texts()
    view.rowCount, view.columnCount = len(rows), 4
    _head(view, _("Lesion"), _("Became"), _("Before (mm)"), _("Now (mm)"))
    return _fill(view, [(f"{row['Id']} {row['Lesion']}", kinds[row["Kind"]], *_lines(row["Before mm"], row["Now mm"])) for row in rows])


def _head(view: Any, *titles: str) -> None:
    """The columns' titles, their units below them: in a narrow panel the names keep room for their words."""
    view.setHorizontalHeaderLabels([title.replace(" (", "\n(") for title in titles])


def _lines(*texts: str) -> list[str]:
    """Several sizes below each other, so that the table is as narrow as the panel."""
    return [text.replace("; ", "\n") for text in texts]


def _fill(view: Any, lines: Sequence[Sequence[str]]) -> list[Any]:
    items = []
    for row, line in enumerate(lines):
        for column, text in enumerate(line):
            item = number_item(text) if column else qt.QTableWidgetItem(text)
            item.setToolTip(text)
            items.append(item)
            view.setItem(row, column, item)
    fit(view)
    return items


def fit(view: Any) -> None:
    header = view.horizontalHeader()
    header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
    header.setSectionResizeMode(0, qt.QHeaderView.Stretch)  # the names give way, so that the table is as wide as the panel, not wider
    view.resizeRowsToContents()  # once, see `widgets.fill_table`


def new_table(tooltip: str) -> Any:
    view = qt.QTableWidget()
    view.toolTip = tooltip
    view.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Preferred)
    view.sizeAdjustPolicy = qt.QAbstractScrollArea.AdjustToContents
    view.horizontalScrollBarPolicy = qt.Qt.ScrollBarAlwaysOff  # names give way; Qt 5 would leave room for a bar that never comes
    view.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
    view.selectionBehavior = qt.QAbstractItemView.SelectRows
    view.verticalHeader().hide()
    return view


def new_button(text: str, tooltip: str, checkable: bool = False) -> Any:
    button = qt.QPushButton(text)
    button.toolTip, button.checkable = tooltip, checkable
    return button


def row_of(widgets: Sequence[Any]) -> Any:
    row = qt.QHBoxLayout()
    for widget in widgets:
        row.addWidget(widget)
    return row
