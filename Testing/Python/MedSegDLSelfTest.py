"""Self tests of the module inside a real Slicer: the real panel, the real worker, a tiny random network, a small phantom.
Started by run_self_tests.py or by ctest. Nothing is downloaded. Without a Python with torch there is no worker: the tests of a run
are skipped and say so, all others (panel, scene, table, surfaces, editor) run with volumes and a result made by hand.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
import time
import unittest
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import qt
import self_test_languages
import self_test_rounds
import slicer
import vtk
from self_test_desktop import (
    BRAIN_INPUTS,
    CASE,
    LONGEST_GAP_MS,
    MOVED_MM,
    SCREENSHOTS_VARIABLE,
    Ticking,
    close_dialogs,
    crowd,
    dated,
    kill,
    live,
    load_phantom,
    made_head,
    made_result,
    made_volume,
    make_tiny_case,
    needs_worker,
    open_panel,
    phantom_loaders,
    pictures,
    resident_mb,
    screenshot,
    wait_until,
    write_series,
)
from self_test_mouse import available
from self_test_opening import OPENING

from MedSegDLLib.options import MASK_KEY
from MedSegDLLib.scene import guard
from MedSegDLLib.scene.disjoint import labels_of, table_of
from MedSegDLLib.scene.follow_up import part_of
from MedSegDLLib.scene.head_nodes import MASK_SEGMENT
from MedSegDLLib.scene.histogram import chart_of
from MedSegDLLib.scene.lesion_table import rows_of
from MedSegDLLib.scene.overlay import LEAST_SHOWN, lies_over, map_of
from MedSegDLLib.scene.parameters import inputs_of, order_of
from MedSegDLLib.scene.placing import place_result
from MedSegDLLib.scene.segmentation import segment_ids
from MedSegDLLib.scene.table import table_rows
from MedSegDLLib.scene.volumes import world_affine
from MedSegDLLib.scene.widgets import MOST_ROWS
from MedSegDLLib.scene.wording import DARK, LIGHT
from MedSegDLLib.tasks import manifest_path, task_of_weights

BRAIN_REGIONS = ["WT", "TC", "ET"]
BRAIN_LABELS = ["Oedema (ED)", "Necrosis and non-enhancing tumour (NCR)", "Enhancing tumour (ET)"]
BRAIN_NAMES = ["Whole tumour (WT)", "Tumour core (TC)", "Enhancing tumour (ET)"]
LONGEST_OPENING_MS = 500  # of this thread, with the import of everything; Slicer's own Segment Editor takes about 200
NARROW = 350  # pixels of a dock in which the panel works
LAPTOP = (1366, 740)
LONGEST_JUMP_MS = 100
RUNS_VARIABLE, FEW_RUNS = "MEDSEGDL_RUNS", 3  # of test_76
WARM_RUNS = 10  # after which memory stands still: caches of VTK and of Python are filled
MOST_GROWTH_MB_A_RUN = 0.2  # a made result of the phantom takes 0.3 MB a region
LONG_NAME = "patient_with_a_very_long_series_description_" * 3
OWN_VARIABLES = ("MEDSEGDL_OWN_WEIGHTS", "MEDSEGDL_OWN_IMAGE")  # of test_62
NO_PYTHON = "/no/such/python"


def setUpModule() -> None:
    """Make the tiny case once, if there is a Python that can."""
    CASE["folder"], CASE["reason"] = make_tiny_case()
    if CASE["folder"] is None:
        print(f"without a worker: {CASE['reason']}")


def tearDownModule() -> None:
    """Remove the tiny case."""
    if CASE.get("folder"):
        shutil.rmtree(CASE["folder"], ignore_errors=True)


class MedSegDLSelfTest(unittest.TestCase):
    """Each test starts with an empty scene and the panel open."""

    def setUp(self) -> None:
        self.bugs: list[str] = []
        failure_of = guard.failure_of
        noting = mock.patch.object(guard, "failure_of", lambda error: self.noted(failure_of(error)))
        noting.start()
        self.addCleanup(noting.stop)
        slicer.mrmlScene.Clear()
        self.take(open_panel())
        self.panel.tour.leave()

    def tearDown(self) -> None:
        self.assertFalse(self.bugs, "a callback raised what is no user's mistake")

    def noted(self, failure: Any) -> Any:
        """Keep what a callback raised that is no user's mistake."""
        self.bugs += [failure.details] if failure.kind == "bug" else []
        return failure

    def take(self, widget: Any) -> None:
        """Work with this widget of the module."""
        self.widget, self.panel, self.ui = widget, widget.panel, widget.ui

    def load_and_guess(self) -> None:
        """Volumes come in, and the panel finds out by itself what they are."""
        load_phantom()
        wait_until(lambda: len(inputs_of(self.panel.parameters)) == 4, "four inputs are guessed", 20)

    def segment(self) -> Any:
        """Click Segment and wait; the segmentation."""
        before = self.panel.parameters.result
        self.ui.segmentButton.click()
        self.assertTrue(self.panel.session.running)
        self.assertFalse(self.ui.inputsWidget.enabled)
        wait_until(lambda: not self.panel.session.running, "the segmentation is done")
        result = self.panel.parameters.result
        self.assertIsNot(result, before, self.ui.findingsLabel.text)
        return result

    def result(self) -> Any:
        """A segmentation in the panel: the worker's; without one, a made one, handed in where the worker's would come."""
        if CASE["folder"] is not None:
            return self.segment()
        order = order_of(self.panel.parameters)
        self.panel.segmented(place_result(order, made_result(order)))
        return self.panel.parameters.result

    def test_00_the_first_opening_is_short(self) -> None:
        """The panel is there half a second after the first click on it."""
        if not OPENING:
            self.skipTest("the panel was open before: run_self_tests.py opens it first of all")
        print(f"first opening: {OPENING['thread_ms']:.0f} ms of this thread, {OPENING['wall_ms']:.0f} ms by the clock")
        self.assertLess(OPENING["thread_ms"], LONGEST_OPENING_MS * crowd())

    def test_01_empty_panel(self) -> None:
        """Nothing is loaded: nothing can be segmented, and the panel says why; also what to do where torch is missing."""
        self.assertFalse(self.ui.segmentButton.enabled)
        self.assertTrue(self.ui.segmentButton.toolTip)
        self.assertEqual("Install it now" in self.ui.findingsLabel.text, CASE["folder"] is None)
        self.assertIn("Research use only", self.ui.noticeLabel.text)
        screenshot("1-empty")

    def test_02_volumes_come_one_by_one(self) -> None:
        """Each selector shows the volume that its name says, though they come apart, and one is named late."""
        for number, (name, load) in enumerate(phantom_loaders(), start=1):
            late = number == len(BRAIN_INPUTS)
            node = load("Volume" if late else name)
            if late:
                live(1.0)
                self.assertEqual(len(inputs_of(self.panel.parameters)), number - 1)
                node.SetName(name)
            wait_until(lambda number=number: len(inputs_of(self.panel.parameters)) == number, f"{number} inputs are filled", 20)
        for key in BRAIN_INPUTS:
            selector = getattr(self.ui, f"brain_{key}Selector")
            self.assertEqual(selector.currentNode().GetName(), f"phantom_{key}")
            self.assertTrue(selector.visible)
        self.assertFalse(self.ui.liver_ctSelector.visible)

    @needs_worker
    def test_03_inputs_are_checked(self) -> None:
        """The findings of the check replace what was said before."""
        self.load_and_guess()
        wait_until(lambda: "<span" in self.ui.findingsLabel.text, "the check is answered", 60)
        self.assertIsNone(self.panel.failure)
        self.assertTrue(self.ui.segmentButton.enabled)
        screenshot("2-checked")

    @needs_worker
    def test_04_segment(self) -> None:
        """Click, wait, segments with their names and colours, volumes in the table."""
        self.load_and_guess()
        segmentation = self.segment()
        self.assertEqual(segment_ids(segmentation), BRAIN_REGIONS)
        self.assertTrue(self.ui.resultCollapsibleButton.visible)
        self.assertEqual(self.ui.resultTable.rowCount, 3)
        self.assertEqual([self.ui.resultTable.item(row, 0).text() for row in range(3)], BRAIN_NAMES)
        rows = table_rows(self.panel.parameters.resultTable)
        self.assertGreater(int(rows[0]["Voxels"]), 0)
        self.assertIsNotNone(segmentation.GetDisplayNode())
        reference = segmentation.GetNodeReference(segmentation.GetReferenceImageGeometryReferenceRole())
        self.assertEqual(reference.GetName(), "phantom_flair")
        self.lesions_shown()  # else the picture shows views that are still being turned
        screenshot("3-segmented")

    def test_05_volumes_equal_segment_statistics(self) -> None:
        """The table's millilitres are those of Slicer's own module."""
        import SegmentStatistics

        self.load_and_guess()
        segmentation = self.result()
        logic = SegmentStatistics.SegmentStatisticsLogic()
        logic.getParameterNode().SetParameter("Segmentation", segmentation.GetID())
        logic.computeStatistics()
        statistics = logic.getStatistics()
        self.assertEqual(self.ui.resultTable.rowCount, 3)
        for row in table_rows(self.panel.parameters.resultTable):
            theirs = statistics[row["Id"], "LabelmapSegmentStatisticsPlugin.volume_cm3"]
            self.assertAlmostEqual(float(row["Volume mL"]), theirs, places=4)

    @needs_worker
    def test_06_cancel(self) -> None:
        """Cancel stops at once, nothing is written, and the next click works."""
        self.load_and_guess()
        self.ui.segmentButton.click()
        self.assertTrue(self.ui.runWidget.visible)
        self.ui.cancelButton.click()
        wait_until(lambda: not self.panel.session.running, "the run is cancelled", 10)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode"), 0)
        self.assertTrue(self.ui.segmentButton.visible)
        self.segment()

    @needs_worker
    def test_07_worker_killed(self) -> None:
        """A worker that is killed is explained and does not take Slicer with it; the next click works."""
        self.load_and_guess()
        self.ui.segmentButton.click()
        kill(self.panel.session._client._child.pid)
        wait_until(lambda: not self.panel.session.running, "the end of the worker is noticed", 20)
        self.assertIn("process", self.ui.findingsLabel.text)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode"), 0)
        screenshot("4-killed")
        self.segment()

    def test_08_scene_saved_and_loaded(self) -> None:
        """Inputs, choices, result and table are there again."""
        self.load_and_guess()
        self.result()
        self.ui.uncertaintyCheckBox.checked = True
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "case.mrb")
            self.assertTrue(slicer.util.saveScene(path))
            slicer.mrmlScene.Clear()
            live(0.5)
            self.assertFalse(inputs_of(self.panel.parameters))
            self.assertFalse(self.ui.resultCollapsibleButton.visible)
            slicer.util.loadScene(path)
            live(0.5)
        self.assertEqual(len(inputs_of(self.panel.parameters)), 4)
        self.assertTrue(self.ui.uncertaintyCheckBox.checked)
        self.assertTrue(self.ui.resultCollapsibleButton.visible)
        self.assertEqual(segment_ids(self.panel.parameters.result), BRAIN_REGIONS)
        self.assertEqual(self.ui.resultTable.rowCount, 3)

    def test_09_show_3d(self) -> None:
        """The button makes surfaces, and takes them away again."""
        self.load_and_guess()
        segmentation = self.result().GetSegmentation()
        self.assertTrue(self.ui.show3DButton.enabled)
        self.ui.show3DButton.checked = True  # click() would open its menu and wait: only a mouse press keeps it shut (ctkMenuButton)
        live(0.5)
        self.assertTrue(segmentation.ContainsRepresentation("Closed surface"))
        screenshot("5-surfaces")
        self.ui.show3DButton.checked = False
        self.assertFalse(segmentation.ContainsRepresentation("Closed surface"))

    def test_10_edit(self) -> None:
        """The Segment Editor opens on the result and its reference."""
        self.load_and_guess()
        segmentation = self.result()
        self.ui.editButton.click()
        live(0.5)
        self.assertEqual(slicer.util.selectedModule(), "SegmentEditor")
        mode = slicer.mrmlScene.GetSingletonNode("SegmentEditor", "vtkMRMLSegmentEditorNode").GetOverwriteMode()
        self.assertEqual(mode, slicer.vtkMRMLSegmentEditorNode.OverwriteNone)
        editor = slicer.util.getModuleWidget("SegmentEditor").editor
        self.assertIs(editor.segmentationNode(), segmentation)
        self.assertEqual(editor.sourceVolumeNode().GetName(), "phantom_flair")
        screenshot("6-editor")

    @needs_worker
    def test_11_nuclei_in_a_colour_picture(self) -> None:
        """Another task: its own selector takes a colour picture, its result counts."""
        random = np.random.default_rng(0)
        picture = random.integers(0, 255, (1, 64, 96, 3), dtype=np.uint8)
        slicer.util.addVolumeFromArray(picture, name="cells", nodeClassName="vtkMRMLVectorVolumeNode")
        self.ui.taskComboBox.currentIndex = 2
        wait_until(lambda: inputs_of(self.panel.parameters), "the picture is guessed", 20)
        self.assertTrue(self.ui.nuclei_imageSelector.visible)
        self.assertFalse(self.ui.brain_t1Selector.visible)
        self.assertEqual(segment_ids(self.segment()), ["nucleus"])
        self.ui.taskComboBox.currentIndex = 0

    @needs_worker
    def test_12_from_a_script(self) -> None:
        """The logic segments without a click, and waits."""
        import MedSegDL

        self.load_and_guess()
        logic = MedSegDL.MedSegDLLogic()
        try:
            outcome = logic.segment(order_of(logic.getParameterNode()))
        finally:
            logic.session.close()
        self.assertEqual(segment_ids(outcome.segmentation), BRAIN_REGIONS)
        self.assertEqual(outcome.record["task"], "brain")

    @needs_worker
    def test_13_panel_is_never_blocked_for_long(self) -> None:
        """From the click to the views that show the result the window's thread is never at work for long without a look at its events."""
        self.load_and_guess()
        with Ticking() as ticking:
            self.segment()
            self.lesions_shown()
            live(0.5)
        print(f"longest of {len(ticking.gaps_ms)} times between two ticks: {ticking.longest_ms:.0f} ms of this thread without drawing,")
        print(f"{max(ticking.gaps_ms):.0f} ms with it; longest drawing between two ticks {max(ticking.drawing_ms):.0f} ms")
        self.assertLess(ticking.longest_ms, LONGEST_GAP_MS * crowd())

    def test_14_a_python_that_cannot_run_is_explained(self) -> None:
        """A wrong path is said, both cures are offered, and the way back is open."""
        self.ui.pythonPathLineEdit.currentPath = NO_PYTHON
        wait_until(lambda: NO_PYTHON in self.ui.findingsLabel.text, "the wrong Python is explained", 20)
        self.assertIn("Install it now", self.ui.findingsLabel.text)
        self.load_and_guess()
        self.assertFalse(self.ui.segmentButton.enabled)
        self.assertIn(NO_PYTHON, self.ui.segmentButton.toolTip)
        screenshot("7-wrong-python")
        self.ui.pythonPathLineEdit.currentPath = ""
        wait_until(lambda: NO_PYTHON not in self.ui.pythonStateLabel.text, "the path is taken back", 20)
        open_panel()
        self.assertEqual(self.ui.segmentButton.enabled, CASE["folder"] is not None)

    def test_15_reload(self) -> None:
        """After Slicer's own Reload a new panel is there, at work at once, and the old one's worker is gone."""
        self.load_and_guess()
        slicer.util.reloadScriptedModule("MedSegDL")
        old = self.widget
        self.take(open_panel())
        self.assertIsNot(self.widget, old)
        self.assertIsNone(old.logic.session.ready)
        self.assertEqual(len(inputs_of(self.panel.parameters)), 4)
        self.assertEqual(segment_ids(self.result()), BRAIN_REGIONS)
        screenshot("8-reloaded")

    def test_16_sample_data(self) -> None:
        """The phantom is offered in the Sample Data module, and the module's own test passes."""
        sources = wait_until(lambda: getattr(slicer.modules, "sampleDataSources", {}).get("MedSegDL"), "the phantom is offered", 20)
        self.assertTrue(callable(sources[0].customDownloader))
        slicer.selfTests["MedSegDL"]()

    def test_17_a_choice_is_never_undone(self) -> None:
        """'not given' stays so while other volumes come, and 'Guess again' takes it back."""
        self.load_and_guess()
        self.ui.brain_t2Selector.setCurrentNode(None)
        made_volume("another_t2")
        live(1.0)
        self.assertIsNone(self.ui.brain_t2Selector.currentNode())
        slicer.mrmlScene.RemoveNode(slicer.util.getNode("another_t2"))
        self.ui.guessButton.click()
        self.assertEqual(self.ui.brain_t2Selector.currentNode().GetName(), "phantom_t2")

    def test_18_an_edit_is_measured(self) -> None:
        """What is drawn in the Segment Editor is in the panel's table a moment later, and erases nothing else."""
        self.load_and_guess()
        segmentation = self.result()
        before = [row["Voxels"] for row in table_rows(self.panel.parameters.resultTable)]
        reference = segmentation.GetNodeReference(segmentation.GetReferenceImageGeometryReferenceRole())
        drawn = np.ones(slicer.util.arrayFromVolume(reference).shape, np.uint8)
        slicer.util.updateSegmentBinaryLabelmapFromArray(drawn, segmentation, "WT", reference)
        wait_until(lambda: self.shown(0, 2) == f"{drawn.size:,}", "the edit is measured", 20)
        rows = table_rows(self.panel.parameters.resultTable)
        self.assertEqual([row["Voxels"] for row in rows], [str(drawn.size), *before[1:]])

    def test_19_a_second_run(self) -> None:
        """It has a name of its own and hides the first, surfaces included; the 3-D button says what is shown."""
        self.load_and_guess()
        first = self.result()
        self.ui.show3DButton.checked = True
        live(0.5)
        second = self.result()
        self.assertNotEqual(first.GetName(), second.GetName())
        self.assertFalse(first.GetDisplayNode().GetVisibility())
        self.assertTrue(second.GetDisplayNode().GetVisibility())
        self.assertFalse(self.ui.show3DButton.checked)
        screenshot("9-second-run")

    def test_20_long_names_in_a_narrow_dock(self) -> None:
        """The panel needs no more than 350 pixels, and does not grow with every change."""
        self.load_and_guess()
        for key in BRAIN_INPUTS:
            slicer.util.getNode(f"phantom_{key}").SetName(f"{LONG_NAME}{key}")
        segmentation = self.result()
        self.ui.advancedCollapsibleButton.collapsed = False
        for number in range(4):
            segmentation.GetSegmentation().GetSegment("WT").SetName(f"{LONG_NAME}{number}")
            wait_until(lambda number=number: self.shown(0, 0) == f"{LONG_NAME}{number}", "the name is shown", 20)
            live(0.2)
            self.assertLessEqual(self.ui.MedSegDL.minimumSizeHint.width(), NARROW)
        screenshot("10-long-names")
        self.ui.advancedCollapsibleButton.collapsed = True

    @needs_worker
    def test_21_the_panel_always_comes_back(self) -> None:
        """A reference that loses its voxels during the run: said, and the next click works."""
        self.load_and_guess()
        self.ui.segmentButton.click()
        reference = slicer.util.getNode("phantom_flair")
        data = reference.GetImageData()
        reference.SetAndObserveImageData(None)
        wait_until(lambda: not self.panel.session.running, "the run has ended")
        self.assertTrue(self.ui.segmentButton.visible)
        self.assertFalse(self.ui.runWidget.visible)
        self.assertIn("changed while it was segmented", self.ui.findingsLabel.text)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode"), 0)
        reference.SetAndObserveImageData(data)
        self.segment()

    def test_22_the_private_environment_is_told_before(self) -> None:
        """Size and time stand beside the button; nothing is there to be removed."""
        wait_until(lambda: self.ui.environmentLabel.text, "the cost is told", 20)
        if not self.ui.removeButton.enabled:  # else this user has one: then its place is told
            for part in ("to download", "on disk", " min"):
                self.assertIn(part, self.ui.environmentLabel.text)

    def test_23_lesions(self) -> None:
        """A row a lesion; a click on one turns the slice views to it in a tenth of a second."""
        self.load_and_guess()
        segmentation = self.result()
        self.lesions_shown()
        rows = rows_of(segmentation)
        self.assertEqual(self.ui.lesionTable.rowCount, min(len(rows), MOST_ROWS))
        self.assertIn(BRAIN_NAMES[0], self.ui.lesionLabel.text)
        for chosen in (len(rows) - 1, 0):
            with Ticking() as ticking:
                start = time.thread_time()
                self.ui.lesionTable.cellClicked(chosen, 0)
                took_ms = 1000 * (time.thread_time() - start) - ticking.drawn_ms
            expected = [float(rows[chosen][axis]) for axis in "RAS"]
            for view in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
                found = [view.GetSliceToRAS().GetElement(row, 3) for row in range(3)]
                self.assertLess(max(abs(a - b) for a, b in zip(found, expected)), 1e-3)
            print(f"from the click to the views: {took_ms:.0f} ms of this thread, and {ticking.drawn_ms:.0f} ms of drawing by it")
            self.assertLess(took_ms, LONGEST_JUMP_MS * crowd())
        screenshot("11-lesions")

    def test_24_on_a_small_screen(self) -> None:
        """The button is in sight all the time, and the result comes into sight by itself."""
        window = slicer.util.mainWindow()
        window.resize(*LAPTOP)
        self.load_and_guess()
        self.ui.advancedCollapsibleButton.collapsed = False
        live(0.5)
        self.assertFalse(self.ui.segmentButton.visibleRegion().isEmpty())
        self.result()
        self.lesions_shown()
        live(0.5)
        self.assertFalse(self.ui.segmentButton.visibleRegion().isEmpty())
        self.assertFalse(self.ui.resultTable.visibleRegion().isEmpty())
        self.ui.advancedCollapsibleButton.collapsed = True

    def test_40_report(self) -> None:
        """One page as HTML and as PDF, printed by Qt, the figures beside them; no name of a node in any of them."""
        self.load_and_guess()
        segmentation = self.result()
        self.lesions_shown()
        segmentation.SetName("Mustermann^Anna")
        folder = Path(tempfile.mkdtemp(prefix="medsegdl-report-"))
        for name in ("report.html", "report.pdf"):
            with Ticking() as ticking:
                self.panel.reporting.write(folder / name)
                wait_until(lambda: not self.panel.reporting.news_due, "the report is written", 60)
                live(0.2)
            print(f"{name}: {(folder / name).stat().st_size:,} bytes, longest gap {ticking.longest_ms:.0f} ms")
            self.assertLess(ticking.longest_ms, LONGEST_GAP_MS * crowd())
        self.assertIn("not a medical device", (folder / "report.html").read_text(encoding="utf-8"))
        self.assertTrue((folder / "report.pdf").read_bytes().startswith(b"%PDF"))
        self.assertTrue((folder / "report.csv").read_text(encoding="utf-8").startswith("kind,"))
        for path in folder.iterdir():
            self.assertNotIn(b"Mustermann", path.read_bytes())
        kept = os.environ.get(SCREENSHOTS_VARIABLE)
        if kept:
            shutil.copytree(folder, Path(kept) / "report", dirs_exist_ok=True)
        shutil.rmtree(folder)
        screenshot("40-report")

    @needs_worker
    def test_41_save_as_dicom(self) -> None:
        """A series written by pydicom, read by Slicer, segmented, corrected, saved into a folder and into a database; no long gap."""
        try:
            import pydicom
        except ImportError:
            self.skipTest("this Slicer has no pydicom")
        folder = Path(tempfile.mkdtemp(prefix="medsegdl-dicom-"))
        files = write_series(next(node for node in load_phantom() if "flair" in node.GetName()), folder)
        slicer.mrmlScene.Clear()
        volume = slicer.util.loadVolume(str(files[0]), {"singleFile": False, "name": "flair"})
        wait_until(lambda: inputs_of(self.panel.parameters), "the input is guessed", 20)
        segmentation, section = self.segment(), self.panel.dicom
        self.lesions_shown()
        mask = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, "ET", volume)
        mask[2:6, 3:9, 4:9] = 1
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask, segmentation, "ET", volume)
        self.assertTrue(section.widget.visible and section.button.enabled)
        self.assertFalse(section.databaseButton.visible)
        inserted: list[str] = []
        uids = [str(pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID) for path in files]
        known = dict(zip(uids, map(str, files)))
        database = SimpleNamespace(
            isOpen=True,
            fileForInstance=lambda uid: known.get(uid, ""),
            instanceValue=lambda uid, tag: "",
            insert=lambda path: inserted.append(str(pydicom.dcmread(path).Modality)),
        )
        with Ticking() as ticking:
            start = time.monotonic()
            section.save(folder / "out")
            wait_until(lambda: not section.news_due, "it is saved", 120)
            took_s = time.monotonic() - start
            live(0.2)
        print(f"save as DICOM: {took_s:.1f} s by the clock; between two ticks {ticking.longest_ms:.0f} ms of this thread")
        self.assertLess(ticking.longest_ms, LONGEST_GAP_MS * crowd())
        seg = pydicom.dcmread(folder / "out" / "segmentation.dcm")
        self.assertEqual({str(entry.ReferencedSOPInstanceUID) for entry in seg.SourceImageSequence}, set(uids))
        frames = zip(seg.PerFrameFunctionalGroupsSequence, seg.pixel_array.reshape(-1, seg.Rows, seg.Columns), strict=True)
        third = [pixels.sum() for group, pixels in frames if group.SegmentIdentificationSequence[0].ReferencedSegmentNumber == 3]
        self.assertEqual(int(sum(third)), int(mask.sum()))
        self.assertEqual(str(seg.SegmentSequence[2].SegmentAlgorithmType), "SEMIAUTOMATIC")
        with mock.patch.object(slicer, "dicomDatabase", database, create=True):
            volume.SetAttribute("DICOM.instanceUIDs", " ".join(uids))
            section.show()
            self.assertTrue(section.databaseButton.visible)
            self.ui.scrollArea.ensureWidgetVisible(section.widget)
            screenshot("41-save-as-dicom")
            self.assertLessEqual(self.ui.MedSegDL.minimumSizeHint.width(), NARROW)
            section.databaseButton.click()
            wait_until(lambda: not section.news_due, "it is in the database", 120)
        self.assertEqual(inserted, ["SEG", "SR", "OT"])
        section.save(folder / "again")  # the database is gone, the files that the volume names are not
        wait_until(lambda: not section.news_due, "it is saved again", 120)
        self.assertTrue((folder / "again" / "segmentation.dcm").is_file() and section.button.enabled)
        section.show()
        shutil.rmtree(folder)

    def test_50_a_head_as_scanned(self) -> None:
        """A moved input lies under a transform that is undone; the mask is shown, corrected in the editor, and used by the next run."""
        self.load_and_guess()
        order = order_of(self.panel.parameters)
        self.assertEqual(order.besides, {})
        self.panel.segmented(place_result(order, made_head(order)))
        self.lesions_shown()
        t1, segmentation = order.nodes["t1"], self.panel.parameters.result
        transform = t1.GetParentTransformNode()
        self.assertEqual(transform.GetMatrixTransformToParent().GetElement(0, 3), MOVED_MM)
        self.ui.movedCheckBox.click()
        self.assertIsNone(t1.GetParentTransformNode())
        self.ui.movedCheckBox.click()
        self.assertIs(t1.GetParentTransformNode(), transform)
        self.assertFalse(segmentation.GetDisplayNode().GetSegmentVisibility(MASK_SEGMENT))
        self.ui.maskCheckBox.click()
        self.assertTrue(segmentation.GetDisplayNode().GetSegmentVisibility(MASK_SEGMENT))
        self.ui.advancedCollapsibleButton.collapsed = False
        self.ui.scrollArea.ensureWidgetVisible(self.ui.maskButton)
        dock = slicer.util.findChild(slicer.util.mainWindow(), "PanelDockWidget")
        for width in (NARROW, 450):
            dock.setFixedWidth(width)
            screenshot(f"12-head-{width}")
            self.assertLessEqual(self.ui.MedSegDL.minimumSizeHint.width(), NARROW)
            self.assertEqual(self.ui.scrollArea.horizontalScrollBar().maximum, 0, "the panel's right edge is cut")
        dock.setMinimumWidth(0)
        dock.setMaximumWidth(16777215)
        self.ui.advancedCollapsibleButton.collapsed = True
        self.ui.maskButton.click()
        self.assertEqual(slicer.util.getModuleWidget("SegmentEditor").editor.currentSegmentID(), MASK_SEGMENT)
        screenshot("13-mask-in-the-editor")
        mask = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, MASK_SEGMENT, order.reference)
        mask[:3] = 0
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask, segmentation, MASK_SEGMENT, order.reference)
        slicer.util.selectModule("MedSegDL")
        used = order_of(self.panel.parameters).besides[MASK_KEY]
        self.assertEqual(int(used.array.sum()), int((mask > 0).sum()))

    @needs_worker
    def test_60_a_network_is_added_and_removed(self) -> None:
        """From a folder of nnU-Net to a task in the list, its segments, and back, without a restart; the chooser is Qt's own."""
        sources = sorted((CASE["folder"] / "foreign").glob("*"))
        if not sources:
            self.skipTest("dynamic-network-architectures is not installed in the worker's Python")
        self.panel.session._client.stop()  # it was started before the tiny case was made, and knows nothing of its folder
        self.panel.networks.show()
        self.panel.restart()
        wait_until(lambda: self.panel.session.ready, "the worker is ready again")
        self.ui.networksCollapsibleButton.collapsed = False
        closed = close_dialogs(2)
        self.ui.addNetworkButton.click()
        self.ui.addModelButton.click()
        self.assertEqual(len(closed), 2, "both choosers open, and a closed one adds nothing")
        before = self.listed()
        self.assertNotIn("Brain mask (MR)", before)
        self.panel.networks.look(str(sources[0]))
        wait_until(lambda: self.ui.networkOfferWidget.visible, "the network is looked at", 60)
        self.assertIn("nnU-Net v2", self.ui.networkOfferLabel.text)
        self.ui.networkLicenceLineEdit.text = "CC0"
        screenshot("60-network-offered")
        self.ui.acceptNetworkButton.click()
        self.assertTrue(self.ui.runWidget.visible)
        wait_until(lambda: not self.panel.networks.adding, "the network is converted", 120)
        self.assertEqual(self.listed(), [*before, "MadeUp"], self.ui.findingsLabel.text)
        self.assertEqual(self.ui.taskComboBox.currentText, "MadeUp")
        load_phantom()
        wait_until(lambda: not self.panel.inputs.timer.active, "the volumes are looked at", 20)
        self.ui.madeup_ctSelector.setCurrentNode(slicer.util.getNode("phantom_flair"))
        result = self.segment()
        self.assertEqual(segment_ids(result), ["liver", "tumour"])
        table = self.ui.networksTable
        table.selectRow(next(row for row in range(table.rowCount) if table.item(row, 0).text() == "MadeUp"))
        self.ui.scrollArea.ensureWidgetVisible(self.ui.removeNetworkButton)
        screenshot("61-network-added")
        with mock.patch.object(slicer.util, "confirmOkCancelDisplay", lambda text: True):  # --testing says no
            self.ui.removeNetworkButton.click()
        self.assertEqual(self.listed(), before)
        self.assertFalse((CASE["folder"] / "madeup.safetensors").exists())
        self.ui.networksCollapsibleButton.collapsed = True

    @needs_worker
    def test_62_a_task_of_ones_own(self) -> None:
        """The weights that $MEDSEGDL_OWN_WEIGHTS names, dropped into the folder: a task more in the list, one click to its segments."""
        given, image = (os.environ.get(name) for name in OWN_VARIABLES)
        if not (given and image):
            self.skipTest(f"${OWN_VARIABLES[0]} and ${OWN_VARIABLES[1]} name no weights and no image")
        before, task = self.listed(), task_of_weights(given)
        for path in (Path(given), manifest_path(given)):
            shutil.copy(path, CASE["folder"])
        self.panel.session._client.stop()  # it was started before the tiny case was made, and knows nothing of its folder
        self.panel.restart()
        wait_until(lambda: self.panel.session.ready, "the worker is ready again")
        self.panel.tasks_changed()
        self.assertEqual(sorted(self.listed()), sorted([*before, task.title]))
        self.ui.taskComboBox.currentIndex = self.listed().index(task.title)
        [entry] = task.inputs
        volume = slicer.util.loadVolume(image, {"singleFile": True})
        getattr(self.ui, f"{task.key}_{entry.key}Selector").setCurrentNode(volume)
        self.at_widths("62-own-task", self.ui.taskComboBox)
        segmentation = self.segment()
        self.assertEqual(segment_ids(segmentation), [region.key for region in task.regions])
        self.panel.result.show_surfaces()
        slicer.util.setSliceViewerLayers(fit=True)
        self.ui.scrollArea.ensureWidgetVisible(self.ui.resultTable)
        screenshot("62-own-task-done")
        self.ui.taskComboBox.currentIndex = 0

    def listed(self) -> list[str]:
        """The titles in the list of tasks."""
        return [self.ui.taskComboBox.itemText(row) for row in range(self.ui.taskComboBox.count)]

    def test_61_a_click_redraws_the_outline(self) -> None:
        """In half a second, without a gap; undone by one click; what was changed is shown by one click and goes by another."""
        self.load_and_guess()
        segmentation = self.result()
        self.lesions_shown()
        section, node = self.panel.correction, segmentation.GetSegmentation()
        reference = segmentation.GetNodeReference(segmentation.GetReferenceImageGeometryReferenceRole())
        whole, inner = (slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, key, reference) for key in ("WT", "ET"))
        around = np.argwhere((whole > 0) & (inner == 0))
        place = (world_affine(reference) @ (*around[len(around) // 2][::-1], 1))[:3]
        section.segmentBox.currentIndex = 2
        before = [row["Voxels"] for row in table_rows(self.panel.parameters.resultTable)]
        section.buttons[True].click()
        with Ticking() as ticking:
            start = time.monotonic()
            section.markers.nodes[True].AddControlPoint(*place)
            wait_until(lambda: not section.busy, "the outline is redrawn", 120)
            took_s = time.monotonic() - start
            live(0.3)
        print(f"click to outline: {1000 * took_s:.0f} ms by the clock; between two ticks {ticking.longest_ms:.0f} ms of this thread")
        self.assertLess(ticking.longest_ms, LONGEST_GAP_MS * crowd())
        self.assertIn("mL added", section.label.text)
        section.compareButton.click()
        wait_until(lambda: not section.busy and section.table.visible, "the changes are shown", 20)
        self.assertEqual(section.table.rowCount, node.GetNumberOfSegments())
        live(1.0)
        self.ui.scrollArea.ensureWidgetVisible(section.widget)
        screenshot("12-corrected")
        self.assertLessEqual(self.ui.MedSegDL.minimumSizeHint.width(), NARROW)
        section.compareButton.click()
        self.assertFalse(section.table.visible)
        section.undoButton.click()
        wait_until(lambda: not section.busy, "the point is taken back", 20)
        wait_until(lambda: [r["Voxels"] for r in table_rows(self.panel.parameters.resultTable)] == before, "it is measured again", 20)
        self.assertFalse(section.undoButton.enabled)

    def test_70_labels_without_overlap(self) -> None:
        """One click shows oedema, necrosis and enhancing tumour, which Segment Statistics measures as the table does; another goes back."""
        self.load_and_guess()
        segmentation = self.result()
        self.lesions_shown()
        shown = self.panel.shown
        with Ticking() as ticking:
            self.ui.labelsCheckBox.click()
            wait_until(lambda: self.ui.labelsCheckBox.checked and not shown.busy, "the labels are shown", 30)
            live(0.2)
        print(f"labels without overlap: longest gap {ticking.longest_ms:.0f} ms")
        self.assertLess(ticking.longest_ms, LONGEST_GAP_MS * crowd())
        labels = labels_of(segmentation)
        self.assertEqual([self.shown(row, 0) for row in range(3)], BRAIN_LABELS)
        self.assertFalse(segmentation.GetDisplayNode().GetVisibility())
        import SegmentStatistics

        logic = SegmentStatistics.SegmentStatisticsLogic()
        logic.getParameterNode().SetParameter("Segmentation", labels.GetID())
        logic.computeStatistics()
        statistics = logic.getStatistics()
        for row in table_rows(table_of(labels)):
            theirs = statistics[row["Id"], "LabelmapSegmentStatisticsPlugin.volume_cm3"]
            self.assertAlmostEqual(float(row["Volume mL"]), theirs, places=4)
        self.at_widths("70-labels", self.ui.labelsCheckBox)
        self.ui.labelsCheckBox.click()
        self.assertEqual([self.shown(row, 0) for row in range(3)], BRAIN_NAMES)
        self.assertTrue(segmentation.GetDisplayNode().GetVisibility())

    @needs_worker
    def test_71_uncertainty_by_one_click(self) -> None:
        """A result made without a map gets one by a click, which shows something; the next click takes it off; the segments stay."""
        self.load_and_guess()
        segmentation = self.result()
        self.lesions_shown()
        before = [row["Voxels"] for row in table_rows(self.panel.parameters.resultTable)]
        views = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
        with Ticking() as ticking:
            self.ui.uncertaintyBox.click()
            wait_until(lambda: lies_over(map_of(segmentation)), "the map lies over the images", 120)
            live(0.3)
        print(f"uncertainty: longest gap {ticking.longest_ms:.0f} ms")
        self.assertLess(ticking.longest_ms, LONGEST_GAP_MS * crowd())
        bits = slicer.util.arrayFromVolume(map_of(segmentation))
        print(f"uncertainty: {100 * (bits > LEAST_SHOWN).mean():.1f} % of the voxels are coloured, the largest has {bits.max():.2f} bits")
        self.assertTrue(self.ui.uncertaintyShownLabel.visible)
        self.at_widths("71-uncertainty", self.ui.uncertaintyBox)
        self.assertIs(self.panel.parameters.result, segmentation)
        self.assertEqual([row["Voxels"] for row in table_rows(self.panel.parameters.resultTable)], before)
        self.ui.uncertaintyBox.click()
        wait_until(lambda: not lies_over(map_of(segmentation)), "the map is off", 20)
        self.assertFalse(any(view.GetForegroundVolumeID() for view in views))

    @needs_worker
    def test_72_density_and_histogram_of_nuclei(self) -> None:
        """Density by the pixel's size, the areas as a chart in a view of its own; the same click goes back to the layout before."""
        picture = np.random.default_rng(0).integers(0, 255, (1, 64, 96, 3), dtype=np.uint8)
        node = slicer.util.addVolumeFromArray(picture, name="cells", nodeClassName="vtkMRMLVectorVolumeNode")
        node.SetSpacing(0.0005, 0.0005, 1.0)
        self.ui.taskComboBox.currentIndex = 2
        wait_until(lambda: inputs_of(self.panel.parameters), "the picture is guessed", 20)
        segmentation = self.segment()
        wait_until(lambda: not self.panel.result.news_due, "the objects are measured", 30)
        if not rows_of(segmentation):  # a random network finds what it finds: four objects by hand
            self.four_objects(segmentation)
        self.assertIn("per mm2", self.ui.lesionLabel.text)
        layout = slicer.app.layoutManager().layout
        self.ui.histogramCheckBox.click()
        live(0.5)
        self.assertNotEqual(slicer.app.layoutManager().layout, layout)
        chart = chart_of(segmentation)
        self.assertEqual(slicer.app.layoutManager().plotWidget(0).mrmlPlotViewNode().GetPlotChartNodeID(), chart.GetID())
        self.ui.scrollArea.ensureWidgetVisible(self.ui.histogramCheckBox)
        self.window_picture("72-histogram")
        self.ui.histogramCheckBox.click()
        self.assertEqual(slicer.app.layoutManager().layout, layout)
        self.ui.taskComboBox.currentIndex = 0

    def test_73_the_tour(self) -> None:
        """Four steps on top of the panel, which stay within a narrow dock, and are left by one click."""
        tour = self.panel.tour
        tour.start()
        self.assertTrue(tour.box.visible)
        self.at_widths("73-tour", tour.box)
        for step in range(2, 5):
            tour.nextButton.click()
            self.assertIn(f"Step {step} of 4", tour.label.text)
        tour.nextButton.click()
        self.assertFalse(tour.box.visible)
        tour.start()
        tour.leaveButton.click()
        self.assertFalse(tour.box.visible)

    def test_74_dark_style(self) -> None:
        """What the panel shows has other colours the moment that Slicer becomes dark, and its own again when it becomes light."""
        before = qt.QPalette(slicer.app.palette())
        finding = {"severity": "warning", "code": "made", "input": "t1", "message": "A made finding.", "remedy": "None."}
        load_phantom()
        wait_until(lambda: len(inputs_of(self.panel.parameters)) == 4, "four inputs are guessed", 20)
        t1, flair = self.ui.brain_t1Selector.currentNode(), self.ui.brain_flairSelector.currentNode()
        self.ui.brain_t1Selector.setCurrentNode(flair)
        self.ui.brain_flairSelector.setCurrentNode(t1)
        if CASE["folder"] is not None:
            wait_until(lambda: "Swap" in self.ui.findingsLabel.text, "the swap is offered", 60)
        else:
            self.panel.findings.show([finding], order_of(self.panel.parameters).task, "Good.")
        for style, window, text in (("light", "#ffffff", "#000000"), ("dark", "#323232", "#ffffff")):
            palette = qt.QPalette(before)
            for role in (qt.QPalette.Window, qt.QPalette.Base, qt.QPalette.Button):
                palette.setColor(role, qt.QColor(window))
            for role in (qt.QPalette.WindowText, qt.QPalette.Text, qt.QPalette.ButtonText):
                palette.setColor(role, qt.QColor(text))
            palette.setColor(qt.QPalette.Link, qt.QColor("#3ca4ff" if style == "dark" else "#0000ff"))
            slicer.app.setPalette(palette)
            live(1.5)  # the panel looks about every second
            own, other = (DARK, LIGHT) if style == "dark" else (LIGHT, DARK)
            shown = self.ui.findingsLabel.text
            self.assertTrue(own.warning in shown or own.note in shown, shown)
            self.assertFalse(other.warning in shown or other.note in shown, shown)
            self.ui.scrollArea.ensureWidgetVisible(self.ui.inputsWidget)
            self.at_widths(f"74-{style}", self.ui.findingsLabel)
        slicer.app.setPalette(before)

    def test_77_several_studies(self) -> None:
        """Volumes of two studies are not mixed: the fuller one is chosen, the other is offered."""
        volumes = {name: made_volume(name) for name in ("a_t1", "a_flair", "b_t1", "b_t2", "b_t1ce")}
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
        for letter in "ab":
            person = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), f"Patient {letter}")
            study = hierarchy.CreateStudyItem(person, "MR head")
            for name in (name for name in volumes if name.startswith(letter)):
                hierarchy.SetItemParent(hierarchy.GetItemByDataNode(volumes[name]), study)
        self.ui.guessButton.click()
        wait_until(lambda: len(inputs_of(self.panel.parameters)) == 3, "the fuller study is chosen", 20)
        self.assertEqual({node.GetName()[0] for node in inputs_of(self.panel.parameters).values()}, {"b"})
        self.assertTrue(self.ui.caseComboBox.visible)
        self.at_widths("77-studies", self.ui.caseComboBox)
        self.panel.inputs.case_chosen(0)
        live(0.5)
        self.assertEqual(sorted(node.GetName() for node in inputs_of(self.panel.parameters).values()), ["a_flair", "a_t1"])
        self.assertEqual(self.ui.caseComboBox.currentText, "Patient a, MR head")

    def four_objects(self, segmentation: Any) -> None:
        """Put four objects into a result that has none, and measure them."""
        numbers = slicer.util.arrayFromVolume(segmentation.GetNodeReference("MedSegDL.Instances"))
        for number, side in enumerate((3, 4, 4, 9), start=1):
            numbers[0, 12 * number : 12 * number + side, 5 : 5 + side] = number
        self.panel.result.measure_lesions()
        wait_until(lambda: rows_of(segmentation), "the objects are measured", 30)

    def window_picture(self, name: str) -> None:
        """A picture of the main window as it is."""
        folder = os.environ.get(SCREENSHOTS_VARIABLE)
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            live(1.0)
            slicer.util.mainWindow().grab().save(str(Path(folder) / f"{name}.png"))

    def at_widths(self, name: str, seen: Any) -> None:
        """Pictures of the panel at three widths of its dock, with a widget in sight; it needs none of them wider than the narrowest."""
        dock = slicer.util.findChild(slicer.util.mainWindow(), "PanelDockWidget")
        for width in (NARROW, 450, 700):
            dock.setFixedWidth(width)
            live(0.3)
            self.ui.scrollArea.ensureWidgetVisible(seen)
            screenshot(f"{name}-{width}")
            self.assertLessEqual(self.ui.MedSegDL.minimumSizeHint.width(), NARROW)
        dock.setMinimumWidth(0)
        dock.setMaximumWidth(16777215)

    def test_75_follow_up(self) -> None:
        """Two studies of different days: compared, charted, beside each other, saved, loaded, and back to what was shown."""
        self.load_and_guess()
        self.result()
        self.lesions_shown()
        order = order_of(self.panel.parameters)
        later = {
            key: slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, node, f"later_{key}") for key, node in order.nodes.items()
        }
        result = made_result(order)
        result.segments[0].mask[:, :, : result.grid.shape[2] // 2] = 0
        self.panel.segmented(place_result(replace(order, nodes=later), result))
        self.lesions_shown()
        dated(order.nodes["flair"], "20240101")
        dated(later["flair"], "20240601")
        section = self.panel.follow_up
        self.panel.parameters_changed()
        section.widget.collapsed = False
        self.assertEqual([point.when for point in section.points], ["2024-01-01", "2024-06-01"])
        with Ticking() as ticking:
            section.compareButton.click()
            wait_until(lambda: not section.news_due and section.change, "the studies are compared", 120)
            live(0.3)
        print(f"compare studies: longest gap {ticking.longest_ms:.0f} ms of this thread")
        self.assertLess(ticking.longest_ms, LONGEST_GAP_MS * crowd())
        self.assertEqual(section.changeTable.rowCount, 3)
        self.assertIn("not a diagnosis", section.label.text)
        layout = slicer.app.layoutManager()
        before = layout.layout
        section.chartButton.click()
        wait_until(lambda: not section.view_steps.running, "the chart is shown", 120)
        self.assertEqual(layout.plotWidget(0).mrmlPlotViewNode().GetPlotChartNode(), part_of(section.change, "Chart"))
        pictures("75-chart", self.ui, section.widget)
        section.sideButton.click()
        wait_until(lambda: not section.view_steps.running, "the studies are beside each other", 120)
        self.assertEqual(layout.layout, slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView)
        pictures("75-side-by-side", self.ui, section.widget)
        red, yellow = (layout.sliceWidget(name).mrmlSliceNode() for name in ("Red", "Yellow"))
        self.assertEqual(red.GetSliceOffset(), yellow.GetSliceOffset())
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "both.mrb")
            self.assertTrue(slicer.util.saveScene(path))
            slicer.mrmlScene.Clear()
            live(0.5)
            self.assertFalse(section.widget.visible)
            slicer.util.loadScene(path)
            live(0.5)
        self.assertTrue(section.widget.visible)
        self.assertTrue(section.sideButton.checked)
        self.assertEqual(section.changeTable.rowCount, 3)
        section.sideButton.click()
        self.assertEqual(layout.layout, slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
        self.assertFalse(section.sideButton.checked)
        layout.setLayout(before)
        section.widget.collapsed = True

    def test_76_undo_of_a_run(self) -> None:
        """One click takes a run back; $MEDSEGDL_RUNS of them in a row (100: some minutes) leave nodes and observers as they were."""
        self.load_and_guess()
        first = self.result()
        self.lesions_shown()
        button, counts, gone, memory_mb = self.panel.undo.button, [], [], []
        shown = self.shown(0, 1)
        for number in range(int(os.environ.get(RUNS_VARIABLE, FEW_RUNS))):
            node = self.result() if number < FEW_RUNS else self.made()  # the worker's few, then as many as are asked for without waiting
            self.lesions_shown()
            self.assertFalse(first.GetDisplayNode().GetVisibility())
            node.AddObserver(vtk.vtkCommand.DeleteEvent, lambda caller, event: gone.append(event))
            if number == 0:
                pictures("76-before-undo", self.ui, button)
            del node
            button.click()
            wait_until(lambda: not self.panel.undo.steps.running, "the run is undone", 120)
            self.assertIs(self.panel.parameters.result, first)
            live(0.1)
            observers = sum(
                len(part.observations)
                for part in (self.panel, self.panel.inputs, self.panel.result, self.panel.correction, self.panel.correction.markers)
            )
            counts.append((slicer.mrmlScene.GetNumberOfNodes(), observers))
            memory_mb.append(resident_mb())
        gc.collect()
        print(f"{len(counts)} runs undone: nodes and observers {counts[0]} after the first, {counts[-1]} after the last")
        warm = min(WARM_RUNS, len(memory_mb) - 1)
        print(f"memory: {memory_mb[0]:.0f} MB, {memory_mb[warm]:.0f} after run {warm + 1}, {memory_mb[-1]:.0f} after the last")
        self.assertLess(memory_mb[-1] - memory_mb[warm], MOST_GROWTH_MB_A_RUN * len(memory_mb))
        self.assertEqual(counts[0], counts[-1])
        self.assertGreaterEqual(len(gone), len(counts) - 1)
        self.assertTrue(first.GetDisplayNode().GetVisibility())
        self.assertEqual(self.shown(0, 1), shown)
        pictures("76-after-undo", self.ui, button)

    def made(self) -> Any:
        """A result made by hand, handed in where the worker's would come; the segmentation."""
        order = order_of(self.panel.parameters)
        self.panel.segmented(place_result(order, made_result(order)))
        return self.panel.parameters.result

    @needs_worker
    def test_78_learning_from_corrections(self) -> None:
        """Three cases saved, learned from in the background, judged on one that is kept back; taken back by one click."""
        told = self_test_rounds.learning(self)
        if not told:
            self.skipTest("the Python of the worker has no medsegdl-training")
        self.assertTrue("Dice on" in told or "network from before" in told, told)

    @needs_worker
    def test_79_nonsense(self) -> None:
        """An empty scene, one volume three times, a label map, a scene closed in a run, no reference, no weights: said, and it goes on."""
        self_test_rounds.nonsense(self)

    @needs_worker
    def test_80_a_round_by_mouse(self) -> None:
        """Tour, Segment, a lesion, a point, Compare, a training case and Undo by the pointer."""
        if available():
            self.skipTest(available())
        took = self_test_rounds.by_mouse(self)
        print(f"a press on a lesion's row: {took['lesion']:.0f} ms of this thread until the views are turned")
        self.assertLess(took["lesion"], LONGEST_JUMP_MS * crowd())

    def test_81_german_and_french(self) -> None:
        """The panel in both languages, at three widths: its words, the segments' names and the findings; and back to English."""
        self_test_languages.spoken(self)

    def lesions_shown(self) -> None:
        """Wait until the lesions are measured and the views are turned to the largest."""
        wait_until(lambda: rows_of(self.panel.parameters.result), "the lesions are measured", 30)
        wait_until(lambda: not self.panel.steps.running and not self.panel.result.steps.running, "the views are turned", 30)

    def shown(self, row: int, column: int) -> str:
        """A text of the table of volumes."""
        return self.ui.resultTable.item(row, column).text()


if __name__ == "__main__":
    unittest.main()
