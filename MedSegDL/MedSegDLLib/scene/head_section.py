"""The panel's choices for heads as the scanner gives them (brain extraction, registration), and what a run made of them, to be undone.
Desktop only. What lies in the scene is `head_nodes`'; nothing of a run enters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from ..tasks import Modality, Task
from ..worker.processes import Failure
from .guard import guarded
from .head_nodes import MASK_SEGMENT, are_moved, has_mask, motions_of, set_moved
from .result_section import ResultSection
from .segmentation import count_voxels
from .widgets import PARAMETER_PROPERTY

ROW = 1  # of the advanced settings: after the bias correction
MM3_PER_ML = 1000.0


class HeadSection:
    """Two choices among the advanced settings, and two switches and a button below a result.

    Args:
        ui: the panel's widgets; these are added to them.
        result: shows the result whose mask and transforms these are.
        report: whom to tell what went wrong.
    """

    def __init__(self, ui: Any, result: ResultSection, report: Callable[[Failure], None]) -> None:
        self.ui, self.result, self.report = ui, result, report
        ui.brainExtractionComboBox = _choice(ui, ROW, "brainExtraction", _("Brain extraction:"))
        ui.registrationComboBox = _choice(ui, ROW + 1, "registration", _("Registration:"))
        ui.brainExtractionComboBox.toolTip = _(
            "Take skull and scalp away first. Automatic does so where the check finds them. A mask that you corrected is used instead."
        )
        ui.registrationComboBox.toolTip = _(
            "Move the images onto the reference. Automatic does so where they do not lie on it; the transforms can be undone."
        )
        layout = ui.resultCollapsibleButton.layout()
        self.box = qt.QWidget()
        rows = qt.QVBoxLayout(self.box)
        rows.setContentsMargins(0, 0, 0, 0)
        ui.movedCheckBox, ui.maskCheckBox, ui.maskButton = qt.QCheckBox(), qt.QCheckBox(), qt.QPushButton(_("Correct the brain mask"))
        ui.maskButton.toolTip = _("Open the Segment Editor on the brain mask. The next run uses the mask as you leave it.")
        ui.maskCheckBox.toolTip = _("To have the brain found anew, delete the segment of the mask in the Segment Editor.")
        for widget in (ui.movedCheckBox, ui.maskCheckBox, ui.maskButton):
            rows.addWidget(widget)
        layout.addWidget(self.box)
        ui.movedCheckBox.connect("clicked(bool)", self.moved_chosen)
        ui.maskCheckBox.connect("clicked(bool)", self.mask_chosen)
        ui.maskButton.connect("clicked(bool)", self.correct)
        self.show()

    def offer(self, task: Task, free: bool) -> None:
        """Let the user choose what the task has; nothing while a run rests on it."""
        self.ui.brainExtractionComboBox.enabled = free and task.skull_stripped
        self.ui.registrationComboBox.enabled = free and sum(entry.modality is Modality.MR for entry in task.inputs) > 1
        self.ui.movedCheckBox.enabled = free

    def show(self) -> None:
        """Say what the shown result's run moved and extracted; nothing where it did neither."""
        node, ui = self.result.segmentation, self.ui
        pairs = motions_of(node) if node is not None else []
        masked = node is not None and has_mask(node)
        ui.movedCheckBox.visible, ui.maskCheckBox.visible, ui.maskButton.visible = bool(pairs), masked, masked
        self.box.visible = bool(pairs) or masked
        if pairs:
            ui.movedCheckBox.text = _("Inputs moved onto the reference: {count}").format(count=len(pairs))
            ui.movedCheckBox.toolTip = "\n".join(transform.GetName() for transform, _volume in pairs)
            ui.movedCheckBox.checked = are_moved(node)
        if masked:
            count, voxel_mm3 = count_voxels(node, MASK_SEGMENT)
            ui.maskCheckBox.text = _("Show the brain mask ({volume} mL)").format(volume=f"{count * voxel_mm3 / MM3_PER_ML:.0f}")
            display = node.GetDisplayNode()
            ui.maskCheckBox.checked = display is not None and bool(display.GetSegmentVisibility(MASK_SEGMENT))

    @guarded
    def moved_chosen(self, moved: bool) -> None:
        """Lay the inputs on the reference, or where they came from."""
        set_moved(self.result.segmentation, moved)

    @guarded
    def mask_chosen(self, shown: bool) -> None:
        """Show the mask over the images, or hide it."""
        self.result.segmentation.GetDisplayNode().SetSegmentVisibility(MASK_SEGMENT, shown)

    @guarded
    def correct(self) -> None:
        """Open the Segment Editor with the mask in sight and chosen."""
        self.mask_chosen(True)
        self.ui.maskCheckBox.checked = True
        self.result.edit()
        slicer.util.getModuleWidget("SegmentEditor").editor.setCurrentSegmentID(MASK_SEGMENT)


def _choice(ui: Any, row: int, parameter: str, title: str) -> Any:
    """A labelled box among the advanced settings, bound to a parameter."""
    box = qt.QComboBox()
    box.name = f"{parameter}ComboBox"
    box.sizeAdjustPolicy = qt.QComboBox.AdjustToMinimumContentsLengthWithIcon
    box.setProperty(PARAMETER_PROPERTY, parameter)
    ui.advancedCollapsibleButton.layout().insertRow(row, title, box)
    return box
