"""The panel's 'Undo run': one click takes a run back, and the panel and the views show what they showed before it. Desktop only.
What a run did to the scene is `undoing`'s.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from . import undoing
from .guard import guarded
from .widgets import Steps

MOST_RUNS = 10  # that can be taken back, the last one first


@dataclass(frozen=True)
class _Before:
    """What was shown before a run, and what the run did. Nodes by their ids."""

    placed: undoing.Placed
    seen: undoing.Seen
    result: str
    table: str
    summary: str


class UndoSection:
    """The button.

    Args:
        layout: of the buttons under the result.
        panel: whose parameters tell what is shown; reports failures.
    """

    def __init__(self, layout: Any, panel: Any) -> None:
        self.panel, self.report = panel, panel.report
        self.steps = Steps(panel.report)
        self._runs: deque[_Before] = deque(maxlen=MOST_RUNS)
        self.button = qt.QPushButton(_("Undo run"))
        self.button.name = "undoRunButton"
        self.button.toolTip = _("Take the last run away: its segments, tables and masks. What was shown before it is shown again.")
        self.button.connect("clicked(bool)", self.undo)
        layout.addWidget(self.button)
        self.show(True)

    def note(self, placed: undoing.Placed) -> None:
        """Remember a run that has just come into the scene; the panel still shows what was before it."""
        parameters = self.panel.parameters
        result, table = (node.GetID() if node is not None else "" for node in (parameters.result, parameters.resultTable))
        self._runs.append(_Before(placed, undoing.seen(), result, table, parameters.summary))

    def show(self, free: bool) -> None:
        """Offer it while nothing runs, for a run whose segmentation is still there."""
        while self._runs and slicer.mrmlScene.GetNodeByID(self._runs[-1].placed.node) is None:
            self._runs.pop()
        self.button.enabled = free and bool(self._runs) and not self.steps.running

    def close(self) -> None:
        """For good, or for another scene."""
        self.steps.stop()
        self._runs.clear()

    @guarded
    def undo(self) -> None:
        """Take the last run back."""
        self.button.enabled = False
        self.panel.steps.stop()
        self.panel.result.steps.stop()
        self.steps.start(self._undoing(self._runs.pop()))

    def _undoing(self, before: _Before) -> Iterator[None]:
        parameters, scene = self.panel.parameters, slicer.mrmlScene
        result = scene.GetNodeByID(before.result) if before.result else None
        table = scene.GetNodeByID(before.table) if before.table else None
        with slicer.util.NodeModify(parameters):  # the sections let go of the run's nodes first
            parameters.result, parameters.resultTable = result, table
            parameters.summary = before.summary if result is not None else ""
        yield
        yield from undoing.undoing(before.placed)
        if before.placed.over is not None:
            self.panel.result.measure()
        yield from undoing.showing_again(before.seen)
        self.panel.log(_("The run was undone."))
        self.panel.update_buttons()
