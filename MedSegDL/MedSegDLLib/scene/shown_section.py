"""How a result is looked at: its regions as they are, or as labels that do not overlap. Switches below the table of volumes.
Desktop only. What lies in the scene is `disjoint`'s; nothing of a run enters.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from ..worker.client import Background, Callbacks
from ..worker.processes import Failure
from . import disjoint
from .guard import guarded
from .result_section import ResultSection
from .translation import label
from .widgets import Steps, new_timer

POLL_MS = 20  # how often the thread that cuts is heard


class ShownSection:
    """The switches.

    Args:
        ui: the panel's widgets; these are added to them.
        result: shows the result that these are about.
        report: whom to tell what went wrong.
    """

    def __init__(self, ui: Any, result: ResultSection, report: Callable[[Failure], None]) -> None:
        self.ui, self.result, self.report = ui, result, report
        self.steps = Steps(report)
        self._cutting: Background | None = None
        self._timer = new_timer(self.poll, POLL_MS)
        ui.labelsCheckBox, ui.shownLabel = qt.QCheckBox(_("Labels without overlap")), qt.QLabel()
        ui.labelsCheckBox.name, ui.shownLabel.name = "labelsCheckBox", "shownLabel"
        ui.shownLabel.wordWrap = True
        layout = ui.resultCollapsibleButton.layout()
        at = layout.indexOf(ui.resultTable) + 1
        for widget in (ui.shownLabel, ui.labelsCheckBox):
            layout.insertWidget(at, widget)
        ui.labelsCheckBox.connect("clicked(bool)", self.labels_chosen)
        result.followers.append(self.measured_again)
        self.show()

    @property
    def busy(self) -> bool:
        """Whether labels are being cut."""
        return self._cutting is not None or self.steps.running

    def show(self) -> None:
        """Offer what the shown result has."""
        subject, ui = self.result.subject, self.ui
        offered = subject is not None and disjoint.can_be_cut(*subject)
        ui.labelsCheckBox.visible = offered
        if offered:
            names = ", ".join(label(region.label) for region in subject[1].labels)
            ui.labelsCheckBox.toolTip = _("Show each region without those inside it: {names}.").format(names=names)
        self._tell(offered and disjoint.are_shown(subject[0]))

    def close(self) -> None:
        """For good."""
        self.steps.stop()
        self._timer.stop()
        self._cutting = None

    @guarded
    def poll(self) -> None:
        """Hear the thread that cuts."""
        if self._cutting is not None:
            self._cutting.poll()
        if self._cutting is None:
            self._timer.stop()

    @guarded
    def labels_chosen(self, on: bool) -> None:
        """Cut the labels out of the segments as they now are and show them, or show the regions again."""
        if on:
            self.steps.start(self._taking_out())
        else:
            self.steps.stop()
            self._cutting = None
            disjoint.show_labels(self.result.segmentation, False)
            self._tell(False)

    @guarded
    def measured_again(self) -> None:
        """The segments were edited: the labels follow, where they are shown."""
        subject = self.result.subject
        if subject is not None and self.ui.labelsCheckBox.checked:
            if disjoint.can_be_cut(*subject):
                self.steps.start(self._taking_out())
            else:
                self.labels_chosen(False)
                self.show()

    @guarded
    def labels_cut(self, node: Any, labels: Sequence[disjoint.Label]) -> None:
        """Put them into the scene, if that result is still shown."""
        self._cutting = None
        if node is self.result.segmentation and node.GetScene() is not None:
            self.steps.start(self._placing(node, labels))

    @guarded
    def cutting_failed(self, failure: Failure) -> None:
        """Nothing was changed."""
        self._cutting = None
        self.show()
        self.report(failure)

    def _taking_out(self) -> Iterator[None]:
        node, task = self.result.subject
        parts = []
        try:
            for part in disjoint.wholes(node, task):
                parts.append(part)
                yield
        except BaseException:
            self.show()  # the switch shows again what is true
            raise
        told = Callbacks(on_result=functools.partial(self.labels_cut, node), on_error=self.cutting_failed)
        self._cutting = Background(lambda progress: disjoint.cut(parts), told)
        self._timer.start()

    def _placing(self, node: Any, labels: Sequence[disjoint.Label]) -> Iterator[None]:
        yield from disjoint.placing_labels(node, self.result.task, labels)
        disjoint.show_labels(node, True)
        yield
        self._tell(True)

    def _tell(self, on: bool) -> None:
        """Let table, surfaces and words be about what is shown."""
        twin = disjoint.labels_of(self.result.segmentation) if on else None
        note = _("Each label is without those inside it. Lesions, corrections and the report keep to the regions.") if on else ""
        self.ui.labelsCheckBox.checked = on
        self.ui.shownLabel.visible, self.ui.shownLabel.text = on, note
        self.result.show_instead(twin, disjoint.table_of(twin), note)
