"""How a result is looked at: its regions as they are or as labels that do not overlap, the network's uncertainty over the images, a
picture's areas as a histogram. Switches below the table of volumes; each takes back what it showed.
Desktop only. What lies in the scene is `disjoint`'s, `overlay`'s and `histogram`'s; a run is asked for, and made elsewhere.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from ..worker.client import Background, Callbacks
from ..worker.processes import Failure
from . import disjoint, histogram, lesion_table, overlay
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
        ask_for_map: asks the network for the uncertainty of a result that was made without.
    """

    def __init__(self, ui: Any, result: ResultSection, report: Callable[[Failure], None], ask_for_map: Callable[[Any], None]) -> None:
        self.ui, self.result, self.report, self.ask_for_map = ui, result, report, ask_for_map
        self.steps, self.map_steps = Steps(report), Steps(report)
        self._map: Any = None  # what lies over the images
        self._layout_before: int | None = None  # of the views, while a histogram is shown
        self._cutting: Background | None = None
        self._timer = new_timer(self.poll, POLL_MS)
        self._make_widgets(ui)
        result.followers.append(self.measured_again)
        self.show()

    def _make_widgets(self, ui: Any) -> None:
        ui.labelsCheckBox, ui.shownLabel = qt.QCheckBox(_("Labels without overlap")), _wrapping("shownLabel")
        ui.uncertaintyBox, ui.uncertaintyShownLabel = qt.QCheckBox(_("Uncertainty over the images")), _wrapping("uncertaintyShownLabel")
        ui.labelsCheckBox.toolTip = ui.labelsCheckBox.text  # until there is something to name
        ui.uncertaintyBox.toolTip = _(
            "Show where the network is undecided: brightest where its probability is near 0.5, clear where it is sure. "
            "A result that was made without such a map gets one first; its segments stay as they are."
        )
        ui.histogramCheckBox = qt.QCheckBox(_("Histogram of the areas"))
        ui.histogramCheckBox.toolTip = _("Show how many objects have which area, in a view of its own. The chart is saved with the scene.")
        ui.labelsCheckBox.name, ui.uncertaintyBox.name, ui.histogramCheckBox.name = "labelsCheckBox", "uncertaintyBox", "histogramCheckBox"
        layout = ui.resultCollapsibleButton.layout()
        at = layout.indexOf(ui.resultTable) + 1
        for widget in (ui.uncertaintyShownLabel, ui.uncertaintyBox, ui.shownLabel, ui.labelsCheckBox, ui.histogramCheckBox):
            layout.insertWidget(at, widget)
        ui.labelsCheckBox.connect("clicked(bool)", self.labels_chosen)
        ui.uncertaintyBox.connect("clicked(bool)", self.uncertainty_chosen)
        ui.histogramCheckBox.connect("clicked(bool)", self.histogram_chosen)

    @property
    def busy(self) -> bool:
        """Whether labels are being cut."""
        return self._cutting is not None or self.steps.running or self.map_steps.running

    def show(self) -> None:
        """Offer what the shown result has."""
        subject, ui = self.result.subject, self.ui
        offered = subject is not None and disjoint.can_be_cut(*subject)
        ui.labelsCheckBox.visible = offered
        if offered:
            names = ", ".join(label(region.label) for region in subject[1].labels)
            ui.labelsCheckBox.toolTip = _("Show each region without those inside it: {names}.").format(names=names)
        self._tell(offered and disjoint.are_shown(subject[0]))
        self._show_map()
        self._show_histogram()

    def lock(self, running: bool) -> None:
        """While something runs no further run can be asked for."""
        self.ui.uncertaintyBox.enabled = not running

    def close(self) -> None:
        """For good."""
        self.steps.stop()
        self.map_steps.stop()
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
    def uncertainty_chosen(self, on: bool) -> None:
        """Lay the map over the images, asking for it where there is none; or take it off."""
        node = self.result.segmentation
        if not on:
            self._lift()
        elif overlay.map_of(node) is not None:
            self.lay_over(node)
        else:
            self.ask_for_map(node)

    def lay_over(self, node: Any) -> None:
        """Show the map of a result, if that is still the one that is shown."""
        volume = overlay.map_of(node)
        if node is self.result.segmentation and volume is not None:
            self._map = volume
            self.map_steps.start(overlay.laying_over(volume))
        self._show_map()

    @guarded
    def histogram_chosen(self, on: bool) -> None:
        """Draw the areas of the objects as they now are, in a layout with a plot; or go back to the layout that was before."""
        layout = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")
        if on:
            chart = self._drawn()
            self._layout_before = layout.GetViewArrangement() if layout is not None else 0
            plots = getattr(slicer.modules, "plots", None)
            if plots is not None:
                plots.logic().ShowChartInLayout(chart)
        elif self._layout_before is not None:
            if layout is not None:
                layout.SetViewArrangement(self._layout_before)
            self._layout_before = None

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
        self._show_histogram()
        if self._layout_before is not None and self._areas():
            self._drawn()

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

    def _show_map(self) -> None:
        node, ui = self.result.segmentation, self.ui
        volume = overlay.map_of(node)
        if self._map is not None and volume is not self._map:
            self._lift()  # it is about another result
        if self._map is None and overlay.lies_over(volume):
            self._map = volume  # it came with a scene
        on = self._map is not None
        ui.uncertaintyBox.visible, ui.uncertaintyBox.checked = self.result.task is not None, on
        ui.uncertaintyShownLabel.visible = on
        if on:
            largest = overlay.largest_value(volume)
            told = _("Bright: undecided, a probability near 0.5. Clear: sure, which is not to say right.")
            if largest < overlay.LEAST_SHOWN:
                told = _("The network is sure everywhere, which is not to say right: the largest uncertainty is {largest} bits.")
            ui.uncertaintyShownLabel.text = told.format(largest=f"{largest:.2f}")

    def _lift(self) -> None:
        volume, self._map = self._map, None
        if volume is not None:
            self.map_steps.start(overlay.lifting(volume))
        self.ui.uncertaintyShownLabel.visible = False

    def _areas(self) -> list[float]:
        """Of the counted objects, in pixels."""
        return [float(row["Area px"]) for row in lesion_table.rows_of(self.result.segmentation) if "Area px" in row]

    def _show_histogram(self) -> None:
        there = self.result.segmentation is not None and bool(self._areas())
        self.ui.histogramCheckBox.visible = there
        self.ui.histogramCheckBox.checked = there and self._layout_before is not None

    def _drawn(self) -> Any:
        """The chart of the areas, in square micrometres where the size of a pixel is known."""
        pixel_um2 = self.result.density.pixel_area_um2
        areas = [area * (pixel_um2 or 1.0) for area in self._areas()]
        unit = _("Area (um2)") if pixel_um2 else _("Area (pixels)")
        return histogram.draw_histogram(self.result.segmentation, areas, (_("Areas of the objects"), unit, _("Objects")))

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


def _wrapping(name: str) -> Any:
    """A label of several lines."""
    made = qt.QLabel()
    made.name, made.wordWrap = name, True
    return made
