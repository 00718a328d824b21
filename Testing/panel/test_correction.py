"""Corrections in the panel: a click redraws, one step takes it back, what was changed is shown by one click and goes by another."""

from __future__ import annotations

import csv
from typing import Any

import numpy as np
import slicer

from MedSegDLLib.scene.correcting import CHANGES_NAME, untouched_of
from MedSegDLLib.scene.segmentation import segment_mask
from MedSegDLLib.scene.volumes import world_affine

from . import pythonqt
from .fake_client import FakeClient
from .test_results import segmented
from .test_run import hidden, loaded, take_all  # noqa: F401 - a fixture


def shape_of(volume: Any) -> tuple[int, ...]:
    return tuple(reversed(volume.GetImageData().GetDimensions()))


def click(section: Any, inside: bool, ijk: tuple[int, int, int]) -> None:
    """A click in a view while points of one kind are placed."""
    section.buttons[inside].click()
    volume = section.segmentation.GetNodeReference(section.segmentation.GetReferenceImageGeometryReferenceRole())
    section.markers.nodes[inside].AddControlPoint(*(world_affine(volume) @ (*ijk, 1))[:3])
    take_all(section.steps)
    section.buttons[inside].click()


def changes_shown() -> list[Any]:
    return [node for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode") if node.GetName() == CHANGES_NAME]


def test_from_the_click_to_the_changes_and_back(loaded: Any, client: FakeClient, monkeypatch: Any) -> None:  # noqa: F811
    node, section = segmented(loaded, client), loaded.correction
    shape = shape_of(node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole()))
    assert section.segmentBox.itemText(0) == "Whole tumour (WT)" and not section.undoButton.enabled
    section.segmentBox.currentIndex = 2
    before = {key: segment_mask(node, key, shape) for key in ("WT", "ET")}
    assert not before["WT"][0, 0, 0]
    click(section, True, (0, 0, 0))
    assert segment_mask(node, "ET", shape)[0, 0, 0] and segment_mask(node, "WT", shape)[0, 0, 0]
    assert section.label.text.endswith("mL added.") and "Enhancing" in section.label.text
    section.compareButton.click()
    take_all(section.compare_steps)
    (changes,) = changes_shown()
    assert section.table.rowCount == 3 and float(section.table.item(2, 3).text()) < 1
    assert changes.GetDisplayNode().GetSegmentVisibility("ET added") and not changes.GetDisplayNode().GetSegmentVisibility("WT added")
    section.segmentBox.currentIndex = 0
    assert changes.GetDisplayNode().GetSegmentVisibility("WT added") and not changes.GetDisplayNode().GetSegmentVisibility("ET added")
    section.compareButton.click()
    assert not changes_shown() and hidden(section.table)
    section.undoButton.click()
    take_all(section.steps)
    assert not section.undoButton.enabled
    for key, mask in before.items():
        np.testing.assert_array_equal(segment_mask(node, key, shape), mask)


def test_a_click_beside_the_volume_is_said_and_the_next_one_works(loaded: Any, client: FakeClient) -> None:  # noqa: F811
    node, section = segmented(loaded, client), loaded.correction
    click(section, True, (1000, 0, 0))
    assert "outside of" in loaded.ui.findingsLabel.text and section.markers.nodes[True].GetNumberOfControlPoints() == 0
    click(section, False, (4, 3, 3))
    assert not segment_mask(node, "WT", (6, 7, 8))[3, 3, 4] and section.label.text.endswith("mL removed.")


def test_one_kind_of_points_at_a_time_and_none_for_another_result(loaded: Any, client: FakeClient) -> None:  # noqa: F811
    segmented(loaded, client)
    section = loaded.correction
    section.buttons[True].click()
    section.buttons[False].click()
    assert not section.buttons[True].checked and section.buttons[False].checked
    segmented(loaded, client)
    assert not section.buttons[False].checked and not slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")


def test_the_untouched_copy_goes_with_its_result(loaded: Any, client: FakeClient) -> None:  # noqa: F811
    node = segmented(loaded, client)
    copy = untouched_of(node)
    slicer.mrmlScene.RemoveNode(node)
    loaded.correction.drop_orphans()
    assert copy.GetScene() is None and hidden(loaded.correction.widget)


def test_the_section_shows_with_a_result_and_is_narrow(loaded: Any, client: FakeClient) -> None:  # noqa: F811
    assert hidden(loaded.correction.widget)
    segmented(loaded, client)
    assert not hidden(loaded.correction.widget) and pythonqt.unwrap(loaded.correction.widget).minimumSizeHint().width() <= 330


def test_the_correction_is_saved_in_three_clicks(loaded: Any, client: FakeClient, tmp_path: Any) -> None:  # noqa: F811
    segmented(loaded, client)
    section = loaded.correction
    click(section, True, (0, 0, 0))  # the button and the view
    section.saveButton.click()
    take_all(section.saving_steps)
    while section.busy:
        section.poll()
    (row,) = list(csv.DictReader((tmp_path / "MedSegDL" / "training-cases" / "brain" / "cases.csv").read_text().splitlines()))
    assert all(row.values()) and row["name"] in section.label.text
