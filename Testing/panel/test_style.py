"""Slicer's light and dark style: every colour that the panel names can be told from what it stands on, also after a change of style."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

import pytest
from PySide6 import QtGui, QtWidgets

from MedSegDLLib.scene.wording import DARK, LIGHT
from MedSegDLLib.tasks import BRAIN
from MedSegDLLib.worker.processes import Failure

from . import pythonqt, standins
from .fake_client import FakeClient
from .test_choices import choose
from .test_panel import brain_volumes

LEAST_CONTRAST = 4.5  # WCAG 2.1, 1.4.3
COLOR = re.compile(r"#[0-9a-fA-F]{6}\b")
# Slicer's own (qSlicerStyle.cxx), and Fusion's grey
STYLES = {
    "light": {"Window": "#ffffff", "WindowText": "#000000", "Base": "#ffffff", "Text": "#000000", "Link": "#0000ff"},
    "grey": {"Window": "#efefef", "WindowText": "#000000", "Base": "#ffffff", "Text": "#000000", "Link": "#0000ff"},
    "dark": {"Window": "#323232", "WindowText": "#ffffff", "Base": "#1e1e1e", "Text": "#ffffff", "Link": "#3ca4ff"},
}


def palette(style: str) -> QtGui.QPalette:
    """The palette of a style."""
    made = QtGui.QPalette()
    for role, color in STYLES[style].items():
        made.setColor(getattr(QtGui.QPalette.ColorRole, role), QtGui.QColor(color))
    return made


@pytest.fixture
def styled(entered: Any, client: FakeClient) -> Iterator[Any]:
    """The panel with contradicting inputs; the palette of before comes back."""
    before = QtGui.QPalette(QtWidgets.QApplication.palette())
    brain_volumes()
    entered.inputs.fill()
    choose(entered, t1="case_flair", flair="case_t1")
    pythonqt.unwrap(entered.ui.MedSegDL).window().show()  # a window that was never shown does not know its palette
    yield entered
    QtWidgets.QApplication.setPalette(before)


def dress(panel: Any, style: str) -> None:
    """Slicer's style is changed, and the panel looks about as it does every second."""
    QtWidgets.QApplication.setPalette(palette(style))
    QtWidgets.QApplication.processEvents()
    panel.poll()


def contrast(one: str, other: str) -> float:
    """The ratio of two colours' luminances (WCAG 2.1)."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    """Relative luminance, 0 to 1."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def named_colors(panel: Any) -> list[tuple[str, str, str]]:
    """(widget, colour, background) of every colour in a style sheet or in the text of a label."""
    root, found = pythonqt.unwrap(panel.ui.MedSegDL), []
    for widget in [root, *root.findChildren(QtWidgets.QWidget)]:
        written = widget.styleSheet() + (widget.text() if isinstance(widget, QtWidgets.QLabel) else "")
        holder = widget
        while holder.styleSheet():  # it keeps an old palette, and is seen through
            holder = holder.parentWidget()
        found += [(widget.objectName(), color, holder.palette().window().color().name()) for color in COLOR.findall(written)]
    return found


def everything_shown(panel: Any) -> Iterator[None]:
    """One after the other, all that has a colour."""
    findings = [
        {"severity": severity, "code": severity, "input": "t1", "message": "So.", "remedy": ""} for severity in ("error", "warning", "note")
    ]
    panel.findings.show(findings, BRAIN, "Good.")
    yield
    panel.findings.show([], BRAIN, "Good.")
    yield
    for kind in ("torch", "cancelled"):
        panel.findings.fail(Failure(kind, "It failed.", "Do something."))
        yield


@pytest.mark.parametrize("style", STYLES)
def test_every_named_colour_can_be_read(styled: Any, style: str) -> None:
    dress(styled, style)
    seen = set()
    for _ in everything_shown(styled):
        found = named_colors(styled)
        assert all(contrast(color, background) >= LEAST_CONTRAST for _widget, color, background in found), found
        seen |= {color for _widget, color, _background in found}
    scheme = DARK if style == "dark" else LIGHT
    assert seen == {scheme.error, scheme.warning, scheme.note, scheme.good}, "labels of inputs in conflict are amber too"
    assert contrast(STYLES[style]["Link"], STYLES[style]["Window"]) >= LEAST_CONTRAST


def test_what_is_shown_changes_its_colours_with_the_style(styled: Any) -> None:
    dress(styled, "light")
    next(everything_shown(styled))
    assert {color for _w, color, _b in named_colors(styled)} == {LIGHT.error, LIGHT.warning, LIGHT.note}
    dress(styled, "dark")
    assert {color for _w, color, _b in named_colors(styled)} == {DARK.error, DARK.warning, DARK.note}


def test_links_that_nobody_writes_anew_name_their_colour(styled: Any) -> None:
    """Rich text keeps the palette of the day that it was set: the tour's link stayed dark blue on a dark panel."""
    for style in STYLES:
        dress(styled, style)
        root = pythonqt.unwrap(styled.ui.MedSegDL)
        links = [label for label in root.findChildren(QtWidgets.QLabel) if "<a " in label.text() and label.objectName() != "findingsLabel"]
        assert links and all((DARK if style == "dark" else LIGHT).note in label.text() for label in links)


def test_no_other_part_of_the_panel_names_a_colour() -> None:
    """Pictures and segments have colours of their own; words, signs and widgets have the scheme's or the palette's."""
    for path in sorted((standins.MODULE_FOLDER / "MedSegDLLib" / "scene").glob("*.py")):
        texts = [node.value for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Constant)]
        named = {color for text in texts if isinstance(text, str) for color in COLOR.findall(text)}
        assert not named or path.name == "wording.py", (path.name, named)
    for path in (standins.MODULE_FOLDER / "Resources" / "UI").glob("*.ui"):
        text = path.read_text(encoding="utf-8")
        assert not COLOR.findall(text) and "styleSheet" not in text and "<palette>" not in text, path.name
