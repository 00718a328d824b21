"""A radiologist's round by real mouse clicks, nonsense that is refused, and learning from corrections: steps of MedSegDLSelfTest.

Kept apart, for a round is long: each function is handed the test case (with `panel`, `ui`, `load_and_guess`, `result`, `lesions_shown`).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import qt
import slicer
from self_test_desktop import BRAIN_INPUTS, CASE, LONGEST_GAP_MS, Ticking, crowd, live, load_phantom, open_panel, wait_until
from self_test_mouse import Mouse

from MedSegDLLib.scene import learning_section
from MedSegDLLib.scene.lesion_table import rows_of

DATA_VARIABLE = "XDG_DATA_HOME"  # where this user's training cases go
LEARNING_STEPS = 20  # of a tiny network
LEARNED_S = 1500.0  # a guard, no bound: two minutes on a quiet machine, over five beside ten other programs
LAPTOP = (1366, 740)  # pixels of the window
CASES = 3  # the fewest that can be learned from


def by_mouse(test: Any) -> dict[str, float]:
    """From the tour to 'Undo run', every click by the pointer; name -> milliseconds of what has a limit."""
    mouse, ui, panel, took = Mouse(), test.ui, test.panel, {}
    slicer.util.mainWindow().resize(*LAPTOP)
    live(0.5)
    panel.tour.start()
    live(0.5)
    mouse.click(panel.tour.leaveButton)
    test.assertFalse(panel.tour.box.visible)
    test.load_and_guess()
    mouse.click(ui.segmentButton)
    wait_until(lambda: panel.session.running or panel.parameters.result, "the click has begun a run", 10)
    wait_until(lambda: not panel.session.running and panel.parameters.result, "the segmentation is done")
    test.lesions_shown()
    took["lesion"] = _lesion_by_mouse(test, mouse)
    _correction_by_mouse(test, mouse)
    _seen(ui, panel.undo.button)
    mouse.click(panel.undo.button)
    wait_until(lambda: not panel.undo.steps.running and panel.parameters.result is None, "the run is undone", 60)
    return took


def _lesion_by_mouse(test: Any, mouse: Mouse) -> float:
    """Milliseconds of this thread from the press on a lesion's row to the views, drawing left out."""
    table = test.ui.lesionTable
    _seen(test.ui, table)
    last = table.rowCount - 1
    for row in (0, last):
        item = table.item(row, 0)
        table.scrollToItem(item)
        live(0.2)
        mouse.move(table.viewport(), table.visualItemRect(item).center())
        with Ticking() as ticking:
            mouse.press()
            live(0.5)
    expected = [float(rows_of(test.panel.parameters.result)[last][axis]) for axis in "RAS"]
    red = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode()
    found = [red.GetSliceToRAS().GetElement(axis, 3) for axis in range(3)]
    test.assertLess(max(abs(a - b) for a, b in zip(found, expected)), 1e-3)
    return ticking.longest_ms


def _correction_by_mouse(test: Any, mouse: Mouse) -> None:
    """A point inside, the comparison, the way back, and a case for training."""
    section, ui = test.panel.correction, test.ui
    view = slicer.app.layoutManager().sliceWidget("Red").sliceView()
    _seen(ui, section.buttons[True])
    mouse.click(section.buttons[True])
    test.assertTrue(section.buttons[True].checked)
    mouse.click(view, qt.QPoint(view.width // 2 + 20, view.height // 2 + 15))
    wait_until(lambda: not section.busy and section.label.text, "the outline is redrawn", 60)
    test.assertEqual(section.markers.nodes[True].GetNumberOfControlPoints(), 1)
    _seen(ui, section.buttons[True])
    mouse.click(section.buttons[True])
    test.assertFalse(section.buttons[True].checked)
    _seen(ui, section.compareButton)
    mouse.click(section.compareButton)
    wait_until(lambda: not section.busy and section.table.visible, "the changes are shown", 60)
    _seen(ui, section.compareButton)
    mouse.click(section.compareButton)
    test.assertFalse(section.table.visible)
    _seen(ui, section.saveButton)
    with _own_data():
        mouse.click(section.saveButton)
        wait_until(lambda: not section.busy and "Saved without names" in section.label.text, "the case is saved", 60)


def nonsense(test: Any) -> None:
    """What no user should do and some do: each is refused or explained, and the next click works."""
    _without_sense_before(test)
    _away_during_a_run(test)
    _without_the_reference(test)
    _without_weights(test)


def _without_sense_before(test: Any) -> None:
    """An empty scene, one volume three times, a label map."""
    ui, panel = test.ui, test.panel
    panel.segment()
    wait_until(lambda: not panel.session.running, "the empty run has ended", 20)
    test.assertIn("No volume is selected", ui.findingsLabel.text)
    volume = load_phantom()[0]
    for key in BRAIN_INPUTS[:3]:
        getattr(ui, f"brain_{key}Selector").setCurrentNode(volume)
    wait_until(lambda: "No volume is selected" not in ui.findingsLabel.text, "the check is answered", 60)
    print(f"one volume three times: {ui.findingsLabel.text}")
    test.assertTrue("same" in ui.findingsLabel.text or "once" in ui.findingsLabel.text, ui.findingsLabel.text)
    labels = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "phantom_t2_labels")
    slicer.util.updateVolumeFromArray(labels, np.ones((4, 5, 6), np.uint8))
    ui.brain_t2Selector.setCurrentNode(labels)
    test.assertIsNot(ui.brain_t2Selector.currentNode(), labels)
    slicer.mrmlScene.Clear()
    live(0.5)


def _away_during_a_run(test: Any) -> None:
    """The scene is closed, then another module is opened, while the worker works."""
    ui, panel = test.ui, test.panel
    test.load_and_guess()
    ui.segmentButton.click()
    live(0.2)
    slicer.mrmlScene.Clear()
    wait_until(lambda: not panel.session.running, "the run has ended with its scene", 30)
    test.assertTrue(ui.segmentButton.visible)
    test.assertFalse(slicer.util.getNodesByClass("vtkMRMLSegmentationNode"))
    open_panel()
    test.load_and_guess()
    ui.segmentButton.click()
    slicer.util.selectModule("Data")
    wait_until(lambda: not panel.session.running, "the run ends while another module is shown")
    open_panel()
    test.assertIsNotNone(panel.parameters.result)
    test.lesions_shown()


def _without_the_reference(test: Any) -> None:
    """Everything under a result is clicked when the volume that it lies on is gone."""
    ui, panel = test.ui, test.panel
    result = panel.parameters.result
    slicer.mrmlScene.RemoveNode(result.GetNodeReference(result.GetReferenceImageGeometryReferenceRole()))
    live(0.5)
    section = panel.correction
    for button in (section.compareButton, section.saveButton, ui.labelsCheckBox, ui.uncertaintyBox):
        button.click()
        wait_until(lambda: not section.busy and not panel.shown.busy and not panel.session.running, "it has ended", 60)
        print(f"without the reference, {button.text}: {ui.findingsLabel.text}")
    section.compareButton.checked = False
    folder = Path(tempfile.mkdtemp(prefix="medsegdl-nonsense-"))
    panel.reporting.write(folder / "report.html")
    wait_until(lambda: not panel.reporting.news_due, "the report has ended", 60)
    test.assertIn("no longer in the scene", ui.findingsLabel.text)
    test.assertFalse(list(folder.iterdir()))
    folder.rmdir()
    ui.lesionTable.cellClicked(0, 0)
    ui.copyButton.click()
    ui.editButton.click()
    live(0.5)
    open_panel()
    slicer.mrmlScene.Clear()
    live(0.5)


def _without_weights(test: Any) -> None:
    """The task's weights leave the disk while the panel is open; they come back."""
    ui, panel = test.ui, test.panel
    test.load_and_guess()
    kept = Path(tempfile.mkdtemp(prefix="medsegdl-weights-"))
    files = [CASE["folder"] / f"brain{suffix}" for suffix in (".safetensors", ".json")]
    for path in files:
        shutil.move(path, kept / path.name)
    try:
        panel.session._client.stop()  # a warm worker still has them
        ui.segmentButton.click()
        wait_until(lambda: not panel.session.running, "the run without weights has ended")
        print(f"without weights: {ui.findingsLabel.text}")
        test.assertIn("weights", ui.findingsLabel.text)
        test.assertIsNone(panel.parameters.result)
    finally:
        for path in files:
            shutil.move(kept / path.name, path)
        kept.rmdir()
    open_panel()
    test.segment()


def learning(test: Any) -> str:
    """Three corrected cases saved, learned from, judged; what the panel says. "" where the training is not installed."""
    test.load_and_guess()
    node = test.result()
    test.lesions_shown()
    section, taught, ui = test.panel.correction, test.panel.learning, test.ui
    reference = node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole())
    shorter = mock.patch.object(
        learning_section, "lesson_of", lambda task, of=learning_section.lesson_of: replace(of(task), steps=LEARNING_STEPS)
    )
    with _own_data(), shorter:
        for number in range(CASES):
            mask = slicer.util.arrayFromSegmentBinaryLabelmap(node, "ET", reference)
            mask[10 + number : 14 + number, 20:26, 20:26] = 1
            slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, "ET", reference)
            for volume in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"):  # the same images again would be the same case
                slicer.util.arrayFromVolume(volume)[0, 0, 0] += 1
                slicer.util.arrayFromVolumeModified(volume)
            _seen(ui, section.saveButton)
            section.saveButton.click()
            wait_until(lambda: not section.busy and "Saved" in section.label.text, "the case is saved", 60)
        _seen(ui, taught.learnButton)
        with Ticking() as begun:
            taught.learnButton.click()
            test.assertTrue(taught.busy, ui.findingsLabel.text)
            live(1.0)
        test.at_widths("78-learning", taught.cancelButton)  # the dock's widths and pictures are this test's, not the panel's
        with Ticking() as ticking:
            wait_until(lambda: not taught.busy, "it has learned", LEARNED_S)
            live(0.3)
        longest = max(begun.longest_ms, ticking.longest_ms)
        print(f"learning: {taught.label.text} (longest gap {longest:.0f} ms)")
        test.assertLess(longest, LONGEST_GAP_MS * crowd())
        test.at_widths("78-learned", taught.label)
        if "pip install" in taught.label.text:
            return ""
        if taught.backButton.visible:
            taught.backButton.click()
            live(0.5)
            test.assertFalse(taught.backButton.visible)
    return taught.label.text


def _own_data() -> Any:
    """A folder of the test's own in place of this user's."""
    return mock.patch.dict(os.environ, {DATA_VARIABLE: str(CASE["folder"] / "data")})


def _seen(ui: Any, widget: Any) -> None:
    ui.scrollArea.ensureWidgetVisible(widget)
    live(0.3)
