"""Several cases in a row, a reload, Tab, tooltips: what a user notices only where it is missing."""

from __future__ import annotations

import gc
import threading
from pathlib import Path
from typing import Any

import slicer
import vtk
from PySide6 import QtCore

from MedSegDLLib.scene import observing

from . import pythonqt
from .fake_client import FakeClient, brain_result
from .test_panel import brain_volumes
from .test_run import finish, settle_lesions

CASES = 6


class Alive:
    """How many of the objects that were noted have not been deleted."""

    def __init__(self) -> None:
        self.count = 0

    def note(self, *objects: Any) -> None:
        """Count these until they are deleted."""
        for entry in objects:
            self.count += 1
            entry.AddObserver(vtk.vtkCommand.DeleteEvent, self._gone)

    def _gone(self, caller: Any, event: str) -> None:
        self.count -= 1


def observed(panel: Any) -> int:
    """How many observers the panel and its sections have."""
    return sum(len(part.observations) for part in (panel, panel.inputs, panel.result, panel.correction))


def test_no_section_has_the_mixin_that_keeps_what_it_observed() -> None:
    """`slicer.util.VTKObservationMixin`: see `scene.observing`. The stand-ins' own lets go, so that no other test would see it."""
    scene = Path(observing.__file__).parent
    having = [path.name for path in scene.glob("*.py") if "import VTKObservationMixin" in path.read_text(encoding="utf-8")]
    assert not having


def a_case(panel: Any, client: FakeClient, alive: Alive) -> None:
    """Load, segment, look, close."""
    brain_volumes()
    panel.inputs.fill()
    panel.ui.segmentButton.click()
    finish(panel, client, brain_result(client))
    settle_lesions(panel)
    result = panel.parameters.result
    volumes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    alive.note(result, result.GetSegmentation(), *volumes, *(node.GetImageData() for node in volumes))
    del result, volumes
    client.asked.clear()
    slicer.mrmlScene.Clear()


def test_cases_in_a_row_leave_nothing(entered: Any, client: FakeClient) -> None:
    """Volumes, results and observers of a closed case are gone; what grows by a case would fill the memory of a day."""
    alive, seen = Alive(), []
    threads = threading.active_count()
    for _case in range(CASES):
        a_case(entered, client, alive)
        gc.collect()
        seen.append((slicer.mrmlScene.GetNumberOfNodes(), observed(entered)))
    assert len(set(seen[1:])) == 1, seen
    assert alive.count <= 10, f"{alive.count} objects of {CASES} closed cases are kept"  # the last case's may be, until the next
    assert threading.active_count() <= threads


ASKING = ("QPushButton", "QComboBox", "QCheckBox", "QTableWidget", "qMRMLNodeComboBox", "qMRMLSegmentationShow3DButton", "ctkPathLineEdit")


def test_tab_goes_down_the_panel(panel: Any) -> None:
    """Selectors and sections made in Python are reached where they are seen, not after all the rest."""
    told = ["taskComboBox", "modeComboBox", "guessButton", "show3DButton", "editButton", "biasCorrectionCheckBox", "deviceComboBox"]
    told += ["environmentButton", "logCopyButton", "segmentButton", "cancelButton"]
    widgets = {name: pythonqt.unwrap(getattr(panel.ui, name)) for name in told}
    chain, at = [], pythonqt.unwrap(panel.ui.MedSegDL)
    while at not in chain:
        chain.append(at)
        at = at.nextInFocusChain()
    places = [chain.index(widgets[name]) for name in told]
    assert places == sorted(places)
    selectors = [pythonqt.unwrap(selector) for name, selector in panel.inputs.rows.selectors.items() if name.startswith("brain_")]
    inside = [place for place, widget in enumerate(chain) if any(widget is one or one.isAncestorOf(widget) for one in selectors)]
    focused = [place for place in inside if chain[place].focusPolicy() != QtCore.Qt.FocusPolicy.NoFocus]
    assert focused and all(places[1] < place < places[2] for place in focused)


def test_every_widget_that_asks_says_what_it_is_for(panel: Any) -> None:
    """A tooltip at everything that can be clicked or filled in, of whatever section."""
    from MedSegDLLib.scene.tab_order import in_layout_order

    widgets = [widget for widget in in_layout_order(panel.ui.MedSegDL) if type(pythonqt.unwrap(widget)).__name__ in ASKING]
    assert len(widgets) > 12
    widgets = [widget for widget in widgets if widget.name != "" or not pythonqt.unwrap(widget).isHidden()]  # else it says so as it comes
    silent = [widget.name or widget.className() for widget in widgets if not (widget.toolTip or widget.parentWidget().toolTip)]
    assert not silent
