"""The switches below a result: labels without overlap in place of nested regions, bars beside the volumes."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from PySide6 import QtCore, QtWidgets

from MedSegDLLib.scene import disjoint
from MedSegDLLib.scene.table import table_rows

from . import pythonqt
from .fake_client import FakeClient
from .test_results import after_an_edit, draw, segmented
from .test_run import hidden, loaded, settle_lesions, shown_table, take_all  # noqa: F401 - a fixture

LABELS = ["Oedema (ED)", "Necrosis and non-enhancing tumour (NCR)", "Enhancing tumour (ET)"]
REGIONS = ["Whole tumour (WT)", "Tumour core (TC)", "Enhancing tumour (ET)"]


def settle(panel: Any) -> None:
    """Until the labels are cut and shown."""
    deadline = time.monotonic() + 20
    while panel.shown.busy and time.monotonic() < deadline:
        panel.shown.poll()
        take_all(panel.shown.steps)
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
    settle(loaded)
    assert shown_table(loaded)[0][2] == "0", "the core fills the whole: no oedema is left"
    node.GetSegmentation().RemoveSegment("TC")
    after_an_edit(loaded)
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
