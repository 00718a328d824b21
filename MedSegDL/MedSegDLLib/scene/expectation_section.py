"""The panel's line under the findings: what a run will take and what a missing input costs, before the click.
Desktop only. What was learned of this machine lies in its settings, not in the scene; the words are `expectation`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import qt

from ..checks.expectation import expected
from ..tasks import Task
from .expectation import cost_text, missing_text, past_run, remembered, to_remember
from .network_info import manifest_of

RUNS_SETTING = "MedSegDL/Runs"


class ExpectationSection:
    """A label of its own.

    Args:
        above: the widget that it comes under.
    """

    def __init__(self, above: Any) -> None:
        self.label = qt.QLabel()
        self.label.name = "expectationLabel"
        self.label.wordWrap = True
        self.label.visible = False
        layout = above.parentWidget().layout()
        layout.insertWidget(layout.indexOf(above) + 1, self.label)

    def tell(self, task: Task, nodes: Mapping[str, Any], device: str) -> None:
        """Say what is known of a run of these volumes on a device; nothing where nothing is known."""
        voxels = sum(prod(node.GetImageData().GetDimensions()) for node in nodes.values() if node.GetImageData() is not None)
        told = [
            missing_text(expected(manifest_of(task), task, nodes), task, nodes) if nodes else "",
            cost_text(self._runs(task, device), voxels),
        ]
        self.label.text = " ".join(text for text in told if text)
        self.label.visible = bool(self.label.text)

    def learn(self, task: Task, device: str, record: Mapping[str, Any]) -> None:
        """Remember how long a run took here."""
        run = past_run(record)
        if run is not None:
            qt.QSettings().setValue(_setting(task, device), to_remember([*self._runs(task, device), run]))

    def _runs(self, task: Task, device: str) -> list[Any]:
        return remembered(qt.QSettings().value(_setting(task, device), "") or "")


def _setting(task: Task, device: str) -> str:
    return f"{RUNS_SETTING}/{task.key}/{device}"
