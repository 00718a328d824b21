"""Heads as the scanner gave them, in the panel: the two choices, the mask that is corrected and used, the transforms that are undone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import slicer

from MedSegDLLib.options import MASK_KEY
from MedSegDLLib.result import Result, Segment
from MedSegDLLib.scene.head_nodes import MASK_SEGMENT
from MedSegDLLib.scene.segmentation import cut_out, segment_mask
from MedSegDLLib.scene.volumes import image_from_node, vtk_matrix
from MedSegDLLib.tasks import BRAIN_MASK

from .fake_client import FakeClient, brain_result
from .test_panel import choose, volume
from .test_run import finish, hidden, loaded, settle_lesions  # noqa: F401 - a fixture

MOTION = np.array([[0.0, -1.0, 0.0, 4.0], [1.0, 0.0, 0.0, 5.0], [0.0, 0.0, 1.0, -6.0], [0.0, 0.0, 0.0, 1.0]])


def head_result(client: FakeClient, mask: np.ndarray | None = None, moved: str = "t1") -> Result:
    """A result with a brain mask, and one input moved."""
    result = brain_result(client)
    result.brain_mask = Segment(BRAIN_MASK.regions[0], np.ones(result.grid.shape, np.uint8) if mask is None else mask, 1.0)
    result.record["registration"] = {
        "t1": {"applied": moved == "t1", "matrix_ras_mm": MOTION.tolist()},
        "t2": {"applied": False, "matrix_ras_mm": np.eye(4).tolist()},
    }
    result.record["inputs"] = {key: {} for key in client.asked[-1][1]}
    return result


def run(panel: Any, client: FakeClient, **how: Any) -> Any:
    """A click and its result; the segmentation."""
    panel.ui.segmentButton.click()
    finish(panel, client, head_result(client, **how))
    settle_lesions(panel)
    return panel.parameters.result


def redraw(segmentation: Any, mask: np.ndarray) -> None:
    """The user changes the mask, where the labelmap's voxels are those of the reference."""
    labelmap = cut_out(mask)
    labelmap.SetGeometryFromImageToWorldMatrix(vtk_matrix(np.eye(4)))
    segment = segmentation.GetSegmentation().GetSegment(MASK_SEGMENT)
    segment.RemoveAllRepresentations()
    segment.AddRepresentation("Binary labelmap", labelmap)


def asked_mask(client: FakeClient) -> np.ndarray | None:
    """The brain mask of the last request."""
    image = client.asked[-1][1].get(MASK_KEY)
    return None if image is None else image.array


def test_choices_are_sent_and_only_where_the_task_has_them(loaded: Any, client: FakeClient) -> None:  # noqa: F811
    loaded.ui.brainExtractionComboBox.currentIndex = 2
    loaded.ui.registrationComboBox.currentIndex = 1
    loaded.ui.segmentButton.click()
    assert not loaded.ui.brainExtractionComboBox.enabled and not loaded.ui.registrationComboBox.enabled
    sent = client.asked[-1][3]
    assert (sent["brain_extraction"], sent["registration"]) == ("off", "on")
    finish(loaded, client, brain_result(client))
    assert loaded.ui.brainExtractionComboBox.enabled and hidden(loaded.ui.maskCheckBox) and hidden(loaded.ui.movedCheckBox)
    choose(loaded, "liver")
    assert not loaded.ui.brainExtractionComboBox.enabled and not loaded.ui.registrationComboBox.enabled


def test_a_moved_input_lies_under_a_transform_that_is_undone_and_made_again(loaded: Any, client: FakeClient) -> None:  # noqa: F811
    t1, before = slicer.util.getNode("case_t1"), {}
    outer = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "the user's")
    outer.SetMatrixTransformToParent(vtk_matrix(np.diag([-1.0, -1.0, 1.0, 1.0]) @ MOTION))
    t1.SetAndObserveTransformNodeID(outer.GetID())
    before = image_from_node(t1).affine
    run(loaded, client)
    transform = t1.GetParentTransformNode()
    assert transform.GetName() == "case_t1 onto case_flair" and transform.GetParentTransformNode() is outer
    np.testing.assert_allclose(image_from_node(t1).affine, MOTION @ before, atol=1e-9)
    assert slicer.util.getNode("case_t2").GetParentTransformNode() is None
    box = loaded.ui.movedCheckBox
    assert not hidden(box) and box.checked and "case_t1 onto case_flair" in box.toolTip
    box.click()
    np.testing.assert_allclose(image_from_node(t1).affine, before, atol=1e-12)
    assert t1.GetParentTransformNode() is outer
    box.click()
    np.testing.assert_allclose(image_from_node(t1).affine, MOTION @ before, atol=1e-9)
    slicer.mrmlScene.RemoveNode(transform)
    loaded.parameters_changed()
    assert hidden(box)


def test_the_mask_is_hidden_shown_with_its_volume_and_corrected_in_the_editor(
    loaded: Any,  # noqa: F811
    client: FakeClient,
    editor: SimpleNamespace,
) -> None:
    node = run(loaded, client)
    box, display = loaded.ui.maskCheckBox, node.GetDisplayNode()
    assert not hidden(box) and not box.checked and not display.GetSegmentVisibility(MASK_SEGMENT)
    assert f"({6 * 7 * 8 / 1000:.0f} mL)" in box.text
    box.click()
    assert display.GetSegmentVisibility(MASK_SEGMENT)
    box.click()
    loaded.ui.maskButton.click()
    assert editor.segmentation is node and editor.segment == MASK_SEGMENT and display.GetSegmentVisibility(MASK_SEGMENT) and box.checked


def test_a_corrected_mask_is_used_from_then_on_and_an_untouched_one_is_found_anew(loaded: Any, client: FakeClient) -> None:  # noqa: F811
    node = run(loaded, client)
    loaded.ui.segmentButton.click()
    assert asked_mask(client) is None
    finish(loaded, client, head_result(client))
    node = loaded.parameters.result
    mask = segment_mask(node, MASK_SEGMENT, (6, 7, 8))
    mask[0] = 0
    redraw(node, mask)
    loaded.ui.segmentButton.click()
    np.testing.assert_array_equal(asked_mask(client), mask)
    assert "The corrected brain mask is used." in loaded.ui.logTextEdit.plainText
    finish(loaded, client, head_result(client, mask))
    loaded.ui.segmentButton.click()
    np.testing.assert_array_equal(asked_mask(client), mask)  # though nothing was changed since
    finish(loaded, client, head_result(client, mask))
    loaded.parameters.result.GetSegmentation().RemoveSegment(MASK_SEGMENT)
    loaded.ui.segmentButton.click()
    assert asked_mask(client) is None


@pytest.mark.parametrize("what", ["off", "other reference", "other task"])
def test_a_corrected_mask_is_not_used_where_it_does_not_belong(loaded: Any, client: FakeClient, what: str) -> None:  # noqa: F811
    node = run(loaded, client)
    redraw(node, np.eye(8, dtype=np.uint8)[:6, None].repeat(7, 1))
    if what == "off":
        loaded.ui.brainExtractionComboBox.currentIndex = 2
    elif what == "other reference":
        loaded.ui.brain_flairSelector.setCurrentNode(volume("another flair"))
    else:
        choose(loaded, "liver")
        loaded.ui.liver_ctSelector.setCurrentNode(slicer.util.getNode("case_flair"))
    loaded.ui.segmentButton.click()
    assert client.asked[-1][2] == ("liver" if what == "other task" else "brain") and asked_mask(client) is None
