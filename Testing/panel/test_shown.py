"""The switches below a result: labels without overlap in place of nested regions, uncertainty over the images, histogram; bars."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
import slicer
from PySide6 import QtCore, QtWidgets

from MedSegDLLib.scene import disjoint, histogram, overlay
from MedSegDLLib.scene.table import table_rows
from MedSegDLLib.tasks import TASKS

from . import pythonqt
from .fake_client import FakeClient, brain_result, result_of
from .test_panel import choose, volume
from .test_results import after_an_edit, draw, segmented
from .test_run import CRASH, finish, hidden, loaded, settle_lesions, shown_table, take_all  # noqa: F401 - a fixture

LABELS = ["Oedema (ED)", "Necrosis and non-enhancing tumour (NCR)", "Enhancing tumour (ET)"]
REGIONS = ["Whole tumour (WT)", "Tumour core (TC)", "Enhancing tumour (ET)"]


def settle(panel: Any) -> None:
    """Until the labels are cut and shown."""
    deadline = time.monotonic() + 20
    while panel.shown.busy and time.monotonic() < deadline:
        panel.shown.poll()
        take_all(panel.shown.steps)
        take_all(panel.shown.map_steps)
        time.sleep(0.002)
    assert not panel.shown.busy


def names(panel: Any) -> list[str]:
    """The table's first column."""
    return [row[0] for row in shown_table(panel)]


def choose_labels(panel: Any, on: bool) -> None:
    """Click the switch."""
    panel.ui.labelsCheckBox.checked = on
    panel.shown.labels_chosen(on)
    settle(panel)


def test_one_click_shows_labels_without_overlap_and_the_same_takes_them_back(loaded: Any, client: FakeClient) -> None:  # noqa: F811
    node = segmented(loaded, client)
    settle_lesions(loaded)
    assert not hidden(loaded.ui.labelsCheckBox) and hidden(loaded.ui.shownLabel)
    assert "Oedema (ED)" in loaded.ui.labelsCheckBox.toolTip
    whole = table_rows(loaded.parameters.resultTable)
    pythonqt.unwrap(loaded.ui.labelsCheckBox).click()
    settle(loaded)
    twin = disjoint.labels_of(node)
    assert names(loaded) == LABELS and not hidden(loaded.ui.shownLabel)
    assert twin.GetDisplayNode().GetVisibility() and not node.GetDisplayNode().GetVisibility()
    assert loaded.ui.show3DButton.segmentationNode() is twin
    assert sum(int(row["Voxels"]) for row in table_rows(disjoint.table_of(twin))) == int(whole[0]["Voxels"])
    loaded.ui.copyButton.click()
    lines = QtWidgets.QApplication.clipboard().text().splitlines()
    assert lines[0] == twin.GetName() and lines[1].startswith("Oedema (ED): ") and loaded.ui.shownLabel.text in lines
    pythonqt.unwrap(loaded.ui.labelsCheckBox).click()
    assert names(loaded) == REGIONS and hidden(loaded.ui.shownLabel) and node.GetDisplayNode().GetVisibility()
    assert table_rows(loaded.parameters.resultTable) == whole


def test_the_labels_follow_an_edit_and_go_when_a_region_goes(loaded: Any, client: FakeClient) -> None:  # noqa: F811
    node = segmented(loaded, client)
    settle_lesions(loaded)
    choose_labels(loaded, True)
    mask = np.zeros((6, 7, 8), np.uint8)
    mask[1:5, 1:5, 1:5] = 1
    for key in ("WT", "TC"):
        draw(node, key, mask)
    after_an_edit(loaded)
    settle_lesions(loaded)
    settle(loaded)
    assert shown_table(loaded)[0][2] == "0", "the core fills the whole: no oedema is left"
    node.GetSegmentation().RemoveSegment("TC")
    after_an_edit(loaded)
    settle_lesions(loaded)
    assert hidden(loaded.ui.labelsCheckBox) and node.GetDisplayNode().GetVisibility()
    assert names(loaded) == ["Whole tumour (WT)", "Enhancing tumour (ET)"]


def test_a_new_run_shows_its_own_regions_and_hides_the_labels_of_the_first(loaded: Any, client: FakeClient) -> None:  # noqa: F811
    first = segmented(loaded, client)
    choose_labels(loaded, True)
    second = segmented(loaded, client)
    assert not disjoint.labels_of(first).GetDisplayNode().GetVisibility() and second.GetDisplayNode().GetVisibility()
    assert names(loaded) == REGIONS and not loaded.ui.labelsCheckBox.checked


def test_the_choice_comes_back_with_the_scene(loaded: Any, client: FakeClient) -> None:  # noqa: F811
    segmented(loaded, client)
    settle_lesions(loaded)
    choose_labels(loaded, True)
    loaded.set_parameters(None)
    loaded.result.show(None, None, "")
    loaded.take_parameters()
    assert names(loaded) == LABELS and loaded.ui.labelsCheckBox.checked


def test_bars_are_as_long_as_the_volumes(loaded: Any, client: FakeClient) -> None:  # noqa: F811
    segmented(loaded, client)
    volumes = [float(row["Volume mL"]) for row in table_rows(loaded.parameters.resultTable)]
    table = pythonqt.unwrap(loaded.ui.resultTable)
    bars = [table.item(row, 1).data(QtCore.Qt.ItemDataRole.DecorationRole) for row in range(3)]
    assert [bar.width() for bar in bars] == [max(1, round(44 * volume / max(volumes))) for volume in volumes]
    assert bars[0].toImage().pixelColor(0, 0).getRgbF()[:3] == pytest.approx((0.95, 0.85, 0.25), abs=0.01)


@pytest.fixture
def views(bare: Any) -> list[Any]:
    """Two slice views, one of which shows something of the user's on top."""
    made = [slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSliceCompositeNode") for _ in range(2)]
    mine = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "mine")
    made[0].SetForegroundVolumeID(mine.GetID())
    made[0].SetForegroundOpacity(0.25)
    return made


def tops(views: list[Any]) -> list[tuple[str | None, float]]:
    """What lies on top, and how opaque."""
    return [(view.GetForegroundVolumeID(), view.GetForegroundOpacity()) for view in views]


def entropy(peak: float) -> np.ndarray:
    """A map with one bright voxel."""
    made = np.zeros((6, 7, 8), np.float32)
    made[3, 3, 3] = peak
    return made


def test_uncertainty_lies_over_the_images_and_the_same_click_lifts_it(loaded: Any, client: FakeClient, views: list[Any]) -> None:  # noqa: F811
    before = tops(views)
    node = segmented(loaded, client, uncertainty=entropy(0.9))
    box = pythonqt.unwrap(loaded.ui.uncertaintyBox)
    box.click()
    settle(loaded)
    volume = overlay.map_of(node)
    assert tops(views) == [(volume.GetID(), overlay.OPACITY)] * 2 and "near 0.5" in loaded.ui.uncertaintyShownLabel.text
    display = volume.GetDisplayNode()
    assert display.GetApplyThreshold() and display.GetLowerThreshold() == overlay.LEAST_SHOWN < overlay.largest_value(volume)
    box.click()
    settle(loaded)
    assert tops(views) == before and hidden(loaded.ui.uncertaintyShownLabel)


def test_a_result_without_a_map_gets_one_and_keeps_its_edits(loaded: Any, client: FakeClient, views: list[Any]) -> None:  # noqa: F811
    loaded.ui.modeComboBox.currentIndex = 1
    node = segmented(loaded, client, record={"options": {"mode": "accurate", "bias_correction": False}})
    draw(node, "ET", np.ones((6, 7, 8), np.uint8))
    pythonqt.unwrap(loaded.ui.uncertaintyBox).click()
    kind, _images, task, options = client.asked[-1]
    assert (kind, task) == ("segment", "brain") and not loaded.ui.uncertaintyBox.enabled
    assert options["uncertainty"] and options["mode"] == "accurate" and not options["bias_correction"]  # as its own run
    finish(loaded, client, brain_result(client, uncertainty=entropy(0.02)))
    settle(loaded)
    assert loaded.parameters.result is node and slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 2  # and untouched
    loaded.result.measure()
    assert shown_table(loaded)[2][2] == "336", "the edit is still there"
    assert overlay.lies_over(overlay.map_of(node)) and loaded.ui.uncertaintyBox.checked and loaded.ui.uncertaintyBox.enabled
    assert "sure everywhere" in loaded.ui.uncertaintyShownLabel.text and "0.02" in loaded.ui.uncertaintyShownLabel.text
    segmented(loaded, client)
    settle(loaded)
    assert not overlay.lies_over(overlay.map_of(node)) and not loaded.ui.uncertaintyBox.checked


def test_a_map_that_does_not_come_leaves_the_switch_off(loaded: Any, client: FakeClient, views: list[Any]) -> None:  # noqa: F811
    before = tops(views)
    segmented(loaded, client)
    pythonqt.unwrap(loaded.ui.uncertaintyBox).click()
    client.fail(CRASH, dead=True)
    loaded.poll()
    assert not loaded.ui.uncertaintyBox.checked and tops(views) == before and "crashed" in loaded.ui.findingsLabel.text


@pytest.mark.parametrize("pixel_mm", [0.0005, 1.0])
def test_nuclei_are_counted_with_density_and_histogram(entered: Any, client: FakeClient, pixel_mm: float) -> None:
    choose(entered, "nuclei")
    picture = volume("cells", (1, 40, 50, 3))
    picture.SetSpacing(pixel_mm, pixel_mm, 1.0)
    entered.inputs.fill()
    entered.ui.segmentButton.click()
    objects = np.zeros((1, 40, 50), np.uint32)
    objects[0, 2:4, 2:4], objects[0, 10:20, 10:13], objects[0, 30, 30] = 1, 2, 3
    finish(entered, client, result_of(TASKS["nuclei"], client.asked[-1][1], instances=objects))
    settle_lesions(entered)
    known = pixel_mm < 0.01
    assert ("6,000 per mm2, at 0.25 um2 a pixel" if known else "1,500 per megapixel") in entered.ui.lesionLabel.text
    assert not hidden(entered.ui.histogramCheckBox) and hidden(entered.ui.labelsCheckBox)
    pythonqt.unwrap(entered.ui.histogramCheckBox).click()
    chart = histogram.chart_of(entered.parameters.result)
    series = chart.GetNthPlotSeriesNode(0)
    rows = table_rows(series.GetTableNode())
    assert sum(float(row["Objects"]) for row in rows) == 3 and chart.GetXAxisTitle() == ("Area (um2)" if known else "Area (pixels)")
    areas = [float(row["Area"]) for row in rows]
    assert 1 * (0.25 if known else 1) <= areas[0] and areas[-1] <= 30 * (0.25 if known else 1)
    assert series.GetPlotType() == series.PlotTypeScatterBar
