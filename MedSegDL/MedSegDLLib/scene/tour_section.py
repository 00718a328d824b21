"""The tour for who opens the panel for the first time: four steps, left at any time.

Shown once a user and machine, and again by a link. Desktop only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from ..worker.processes import Failure
from .guard import guarded
from .scheme import scheme_of

SEEN_SETTING = "MedSegDL/TourSeen"
YES = "true"  # as QSettings keeps truths in files


class TourSection:
    """A box above the inputs, and the link that shows it again.

    Args:
        ui: the panel's widgets.
        report: whom to tell what went wrong.
    """

    def __init__(self, ui: Any, report: Callable[[Failure], None]) -> None:
        self.ui, self.report = ui, report
        self.step = 0
        self.box = qt.QFrame()
        self.box.name, self.box.frameShape = "tourBox", qt.QFrame.StyledPanel
        column = qt.QVBoxLayout(self.box)
        self.label = qt.QLabel()
        self.label.name, self.label.wordWrap = "tourLabel", True
        column.addWidget(self.label)
        row = qt.QHBoxLayout()
        self.leaveButton, self.nextButton = qt.QPushButton(_("Leave the tour")), qt.QPushButton()
        self.leaveButton.toolTip = _("The link below the inputs shows it again.")
        self.nextButton.toolTip = _("Go to the next step.")
        for button in (self.leaveButton, self.nextButton):
            row.addWidget(button)
        column.addLayout(row)
        ui.scrollContents.layout().insertWidget(0, self.box)  # outside it, a text of several lines would push Segment out of sight
        self.link = qt.QLabel()
        self.link.name = "tourLink"
        self.link.toolTip = _("Show what the parts of this panel are for.")
        ui.inputsCollapsibleButton.layout().addWidget(self.link)
        self.restyle()
        self.box.visible = False
        self.link.connect("linkActivated(QString)", self.start)
        self.leaveButton.connect("clicked(bool)", self.leave)
        self.nextButton.connect("clicked(bool)", self.go_on)

    def restyle(self) -> None:
        """The link in the colours of a light or a dark panel: rich text keeps the palette of the day it was set."""
        color = scheme_of(self.link).note
        self.link.text = f'<a href="medsegdl:tour" style="color:{color}">{_("Help: a tour in four steps")}</a>'

    @guarded
    def offer(self) -> None:
        """Start for who has never seen it."""
        if str(qt.QSettings().value(SEEN_SETTING, "")).lower() != YES:
            self.start()

    @guarded
    def start(self) -> None:
        """Show the first step. Once is enough, whether it is left or not."""
        qt.QSettings().setValue(SEEN_SETTING, YES)
        self.step = 0
        self._show()

    @guarded
    def leave(self) -> None:
        """Hide it."""
        self.box.visible = False

    @guarded
    def go_on(self) -> None:
        """The next step; after the last one it is over."""
        self.step += 1
        if self.step < len(self._steps()):
            self._show()
        else:
            self.leave()

    def _show(self) -> None:
        steps = self._steps()
        text = steps[self.step]
        place = _("Step {number} of {count}").format(number=self.step + 1, count=len(steps))
        self.label.text = f"<b>{place}</b><br>{text}"
        self.nextButton.text = _("Next") if self.step + 1 < len(steps) else _("Done")
        self.box.visible = True
        self.ui.scrollArea.ensureWidgetVisible(self.box)

    def _steps(self) -> list[str]:
        """What is said, one after the other."""
        return [
            _(
                "<b>Load images and choose the task.</b> The inputs fill themselves from names and DICOM tags; rest the mouse "
                "on one to read why. Without images of your own: <i>Sample Data</i>, <i>MedSegDL</i>."
            ),
            _("<b>Read the findings.</b> They say what is unusual about the images, and offer what can be done about it in one click."),
            _("<b>Click Segment</b>, at the bottom. It can be cancelled at any time; Slicer stays free meanwhile."),
            _(
                "<b>Look, correct, report.</b> Volumes and lesions appear here; a click on a lesion shows it, <i>Inside</i> and "
                "<i>Outside</i> redraw an outline, <i>Report</i> writes a page. Research use only: check every result."
            ),
        ]
