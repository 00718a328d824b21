"""Undo of a run: one click, and panel and scene are as before; a hundred runs would leave nothing."""

from __future__ import annotations

import gc
from typing import Any

import pytest
import slicer

from . import pythonqt
from .fake_client import FakeClient
from .test_manners import Alive, observed
from .test_results import segmented
from .test_run import hidden, loaded, settle_lesions, shown_table, take_all  # noqa: F401 - a fixture

RUNS = 4


@pytest.fixture
def view(bare: Any) -> Any:
    """A slice view that shows something else than the reference."""
    view = slicer.vtkMRMLSliceCompositeNode()
    bare.scene.AddNode(view)
    return view


def undo(panel: Any) -> None:
    panel.undo.button.click()
    take_all(panel.undo.steps)


def test_one_click_takes_a_run_back(view: Any, loaded: Any, client: FakeClient) -> None:  # noqa: F811
    assert not loaded.undo.button.enabled
    first = segmented(loaded, client)
    settle_lesions(loaded)
    rows, summary, count = shown_table(loaded), loaded.ui.resultLabel.text, slicer.mrmlScene.GetNumberOfNodes()
    t2 = slicer.util.getNode("case_t2")
    view.SetBackgroundVolumeID(t2.GetID())
    second = segmented(loaded, client)
    settle_lesions(loaded)
    assert view.GetBackgroundVolumeID() != t2.GetID() and not first.GetDisplayNode().GetVisibility()
    undo(loaded)
    assert second.GetScene() is None and loaded.parameters.result is first and first.GetDisplayNode().GetVisibility()
    assert slicer.mrmlScene.GetNumberOfNodes() == count and view.GetBackgroundVolumeID() == t2.GetID()
    assert shown_table(loaded) == rows and loaded.ui.resultLabel.text == summary and "undone" in loaded.ui.logTextEdit.toPlainText()
    undo(loaded)
    assert loaded.parameters.result is None and hidden(loaded.ui.resultCollapsibleButton) and not loaded.undo.button.enabled


def test_written_over_and_back(loaded: Any, client: FakeClient) -> None:  # noqa: F811
    node = segmented(loaded, client)
    node.GetSegmentation().RemoveSegment("ET")
    loaded.result.measure()
    rows = shown_table(loaded)
    loaded.parameters.output = node
    segmented(loaded, client)
    loaded.result.measure()  # as its timer does: the nodes are the same
    assert len(shown_table(loaded)) == 3
    undo(loaded)
    assert shown_table(loaded) == rows and loaded.parameters.result is node


def test_none_is_offered_while_a_run_goes_on_or_after_another_scene(loaded: Any, client: FakeClient) -> None:  # noqa: F811
    segmented(loaded, client)
    assert loaded.undo.button.enabled
    loaded.ui.segmentButton.click()
    assert not loaded.undo.button.enabled
    client.cancel()
    loaded.poll()
    assert loaded.undo.button.enabled
    slicer.mrmlScene.Clear()
    loaded.update_buttons()
    assert not loaded.undo.button.enabled


def test_runs_and_undos_in_a_row_leave_nothing(loaded: Any, client: FakeClient) -> None:  # noqa: F811
    alive, counts = Alive(), []
    for _run in range(RUNS):
        node = segmented(loaded, client)
        settle_lesions(loaded)
        alive.note(node, node.GetSegmentation(), loaded.parameters.resultTable)
        del node
        undo(loaded)
        client.asked.clear()
        gc.collect()
        counts.append((slicer.mrmlScene.GetNumberOfNodes(), observed(loaded), len(pythonqt._alive) > 0))
    assert len(set(counts[1:])) == 1, counts
    assert alive.count <= 3  # of the last one
