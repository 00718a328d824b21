"""The panel in a narrow dock in the languages that it speaks: German and French words are longer, and none of them may be cut."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from PySide6 import QtCore, QtWidgets

from MedSegDLLib.scene import translation

from . import pythonqt, standins
from .fake_client import FakeClient
from .test_follow_up import two, worked  # noqa: F401 - fixtures
from .test_run import loaded  # noqa: F401 - a fixture
from .test_width import NARROW, contents_width, native

pytestmark = pytest.mark.slow  # and what it measures depends on the fonts and styles of a machine

WIDTHS = (NARROW, 450, 700)
HEIGHT = 900
ROUNDS = 10


@pytest.fixture(params=["en_US", "de_DE", "fr_FR"])
def spoken(application: QtWidgets.QApplication, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The language, before the panel is made."""
    path = translation.file_for(request.param)
    found = tuple(translation.messages(path)) if path is not None else ()
    translator = QtCore.QTranslator()
    assert not found or translator.load(translation.compiled(found))
    application.installTranslator(translator)
    for entry in found:
        monkeypatch.setitem(standins.TRANSLATED, entry.source, entry.translation)
    monkeypatch.setattr(translation, "_sentences", translation.sentences_of(found))
    monkeypatch.setattr(translation, "_language", request.param[:2])
    yield request.param
    application.removeTranslator(translator)


@pytest.fixture
def full(spoken: str, two: Any, client: FakeClient) -> Any:  # noqa: F811
    """The panel with two studies compared and all its sections open."""
    two.follow_up.compareButton.click()
    worked(two)
    client.answer({"motion": {}})
    worked(two)
    for section in native(two).findChildren(QtWidgets.QWidget):
        if hasattr(section, "collapsed"):
            pythonqt.wrap(section).collapsed = False
    return two


def show(panel: Any, width: int) -> QtWidgets.QWidget:
    """The panel in a dock of that width; what is scrolled."""
    widget = native(panel)
    widget.show()
    for _ in range(ROUNDS):
        widget.resize(width, HEIGHT)
        QtWidgets.QApplication.processEvents()
    return pythonqt.unwrap(panel.ui.scrollArea).widget()


def cut(widget: QtWidgets.QWidget) -> Iterator[str]:
    """What stands in a widget and does not fit into it."""
    needs = widget.sizeHint()
    if isinstance(widget, QtWidgets.QHeaderView):
        sections = [number for number in range(widget.count()) if not widget.isSectionHidden(number)]
        for number in sections if widget.orientation() == QtCore.Qt.Orientation.Horizontal else ():
            if widget.sectionSize(number) < widget.sectionSizeHint(number):
                title = widget.model().headerData(number, widget.orientation())
                yield f"{title} (a column): {widget.sectionSize(number)} of {widget.sectionSizeHint(number)}"
        return
    if isinstance(widget, QtWidgets.QTableWidget):
        yield from cut_words(widget)
        return
    if not isinstance(widget, (QtWidgets.QAbstractButton, QtWidgets.QLabel)) or not widget.text():
        return
    if isinstance(widget, QtWidgets.QLabel) and widget.wordWrap():
        needs = QtCore.QSize(0, widget.heightForWidth(widget.width()))
    if widget.width() < needs.width() or widget.height() < needs.height():
        yield f"{widget.text()} ({widget.objectName()}): {widget.size().toTuple()} of {needs.toTuple()}"


def cut_words(table: QtWidgets.QTableWidget) -> Iterator[str]:
    """Words of a table that are wider than their column: lines break between words only."""
    for row, column in itertools.product(range(table.rowCount()), range(table.columnCount())):
        item = table.item(row, column)
        for word in item.text().split() if item is not None else ():
            needs = table.fontMetrics().horizontalAdvance(word)
            if needs > table.columnWidth(column):
                yield f"{word} ({item.text()}): {table.columnWidth(column)} of {needs}"


def test_no_word_is_cut(full: Any) -> None:
    for width in WIDTHS:
        inside = show(full, width)
        assert contents_width(full) <= NARROW
        widgets = [widget for widget in inside.findChildren(QtWidgets.QWidget) if widget.isVisible()]
        assert len(widgets) > 100
        assert not [found for widget in widgets for found in cut(widget)], width
        for widget in widgets:
            right = widget.mapTo(inside, QtCore.QPoint(widget.width(), 0)).x()
            assert right <= inside.width(), (width, widget, widget.objectName())
