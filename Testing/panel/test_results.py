"""After the run: edits are measured, runs are told apart, whatever goes wrong the panel comes back."""

from __future__ import annotations

import inspect
import json
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import slicer
import vtk
from PySide6 import QtWidgets

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.scene import guard, lesion_table, placing, session
from MedSegDLLib.scene.report_case import RECORD_ATTRIBUTE, record_of
from MedSegDLLib.scene.segmentation import cut_out, segment_ids
from MedSegDLLib.scene.table import table_rows
from MedSegDLLib.scene.volumes import local_affine, vtk_matrix
from MedSegDLLib.worker.client import Callbacks

from . import pythonqt
from .fake_client import FakeClient, brain_result
from .test_panel import brain_volumes
from .test_run import finish, hidden, loaded, settle, settle_lesions, shown_table, take_all  # noqa: F401 - a fixture

VOXELS, ML = 2, 1


def segmented(panel: Any, client: FakeClient, **more: Any) -> Any:
    """Click, and the worker answers; the segmentation."""
    panel.ui.segmentButton.click()
    finish(panel, client, brain_result(client, **more))
    return panel.parameters.result


def draw(segmentation: Any, key: str, mask: np.ndarray) -> None:
    """Replace a segment's voxels, as an effect of the Segment Editor does."""
    volume = segmentation.GetNodeReference(segmentation.GetReferenceImageGeometryReferenceRole())
    labelmap = cut_out(mask)
    labelmap.SetGeometryFromImageToWorldMatrix(vtk_matrix(local_affine(volume)))
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    assert logic.SetBinaryLabelmapToSegment(labelmap, segmentation, key, logic.MODE_REPLACE)


def tag_of(segmentation: Any, key: str, name: str) -> str:
    """A tag of a segment."""
    found = vtk.reference("")
    segmentation.GetSegmentation().GetSegment(key).GetTag(name, found)
    return str(found.get())


def after_an_edit(panel: Any) -> list[list[str]]:
    """The table once the brush has rested."""
    assert panel.result.timer.isActive() and panel.result.timer.isSingleShot()
    panel.result.timer.stop()
    panel.result.measure()
    return shown_table(panel)


class TestEdits:
    """The panel's figures are the segmentation's."""

    def test_an_edit_is_measured_again_in_panel_and_table(self, loaded: Any, client: FakeClient) -> None:  # noqa: F811
        node = segmented(loaded, client)
        mask = np.zeros((6, 7, 8), np.uint8)
        mask[1:5, 1:5, 1:5] = 1
        draw(node, "ET", mask)
        assert after_an_edit(loaded)[2][1:] == ["0.064", "64"]
        assert table_rows(loaded.parameters.resultTable)[2]["Voxels"] == "64"

    def test_slicers_export_is_told_what_was_corrected(self, loaded: Any, client: FakeClient) -> None:  # noqa: F811
        node = segmented(loaded, client)
        record = record_of(node)
        record["voxel_count"] = {row["Id"]: int(row["Voxels"]) for row in table_rows(loaded.parameters.resultTable)}
        node.SetAttribute(RECORD_ATTRIBUTE, json.dumps(record))
        mask = np.zeros((6, 7, 8), np.uint8)
        mask[1:5, 1:5, 1:5] = 1
        draw(node, "ET", mask)
        after_an_edit(loaded)
        assert [tag_of(node, key, "DICOM.SegmentAlgorithmType") for key in ("WT", "ET")] == ["AUTOMATIC", "SEMIAUTOMATIC"]

    def test_segments_of_the_users_own_are_listed_and_deleted_ones_go(self, loaded: Any, client: FakeClient) -> None:  # noqa: F811
        node = segmented(loaded, client)
        node.GetSegmentation().AddEmptySegment("mine", "cyst")
        node.GetSegmentation().RemoveSegment("TC")
        assert [row[0] for row in after_an_edit(loaded)] == ["Whole tumour (WT)", "Enhancing tumour (ET)", "cyst"]

    def test_a_name_is_the_segments_own_everywhere(self, loaded: Any, client: FakeClient) -> None:  # noqa: F811
        node = segmented(loaded, client)
        assert node.GetSegmentation().GetSegment("WT").GetName() == shown_table(loaded)[0][0] == "Whole tumour (WT)"
        node.GetSegmentation().GetSegment("WT").SetName("mine")
        assert after_an_edit(loaded)[0][0] == "mine"

    def test_a_table_that_was_deleted_is_not_measured_into(self, loaded: Any, client: FakeClient) -> None:  # noqa: F811
        node = segmented(loaded, client)
        slicer.mrmlScene.RemoveNode(loaded.parameters.resultTable)
        node.GetSegmentation().RemoveSegment("TC")
        loaded.result.measure()
        assert hidden(loaded.ui.resultCollapsibleButton)

    def test_the_editor_lets_segments_overlap(self, loaded: Any, client: FakeClient, editor: SimpleNamespace) -> None:  # noqa: F811
        segmented(loaded, client)
        modes: list[int] = []
        select = slicer.util.selectModule
        slicer.util.selectModule = lambda name: (modes.append(self.mode()), select(name))
        try:
            loaded.ui.editButton.click()
        finally:
            slicer.util.selectModule = select
        assert modes == [slicer.vtkMRMLSegmentEditorNode.OverwriteNone]  # set before the editor is shown

    def test_an_editor_that_was_open_before_is_set_too(self, loaded: Any, client: FakeClient, editor: SimpleNamespace) -> None:  # noqa: F811
        segmented(loaded, client)
        for _ in range(2):
            loaded.ui.editButton.click()
            self.node().SetOverwriteMode(slicer.vtkMRMLSegmentEditorNode.OverwriteAllSegments)
        loaded.ui.editButton.click()
        assert self.mode() == slicer.vtkMRMLSegmentEditorNode.OverwriteNone
        assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentEditorNode") == 1

    def node(self) -> Any:
        """The Segment Editor's parameter node."""
        return slicer.mrmlScene.GetSingletonNode("SegmentEditor", "vtkMRMLSegmentEditorNode")

    def mode(self) -> int:
        """What the Segment Editor does to the segments around the painted one."""
        return self.node().GetOverwriteMode()


class TestSecondRun:
    """Two runs can be told apart, and only one is drawn."""

    def test_names_say_what_differs(self, loaded: Any, client: FakeClient) -> None:  # noqa: F811
        first = segmented(loaded, client)
        loaded.ui.modeComboBox.currentIndex = 2  # accurate
        second = segmented(loaded, client, uncertainty=np.ones((6, 7, 8), np.float32))
        third = segmented(loaded, client)
        names = [node.GetName() for node in (first, second, third)]
        assert names[0] == "case_flair segmentation" and len(set(names)) == 3
        assert names[1].startswith("case_flair segmentation (accurate, ")
        assert loaded.parameters.resultTable.GetName() == f"{names[2]} volumes"
        assert slicer.util.getNode("case_flair uncertainty (accurate*") is not None

    def test_the_earlier_one_is_hidden_with_its_surfaces_and_the_button_tells_the_truth(self, loaded: Any, client: FakeClient) -> None:  # noqa: F811
        first = segmented(loaded, client)
        loaded.ui.show3DButton.checked = True
        second = segmented(loaded, client)
        assert not first.GetDisplayNode().GetVisibility() and second.GetDisplayNode().GetVisibility()
        assert loaded.ui.show3DButton.checked and second.GetDisplayNode().GetVisibility3D()  # as the user had the first
        loaded.ui.show3DButton.checked = False
        third = segmented(loaded, client)
        assert not loaded.ui.show3DButton.checked and not third.GetSegmentation().ContainsRepresentation("Closed surface")
        assert not second.GetDisplayNode().GetVisibility()

    def test_a_chosen_output_that_was_hidden_is_shown(self, loaded: Any, client: FakeClient) -> None:  # noqa: F811
        first, second = segmented(loaded, client), segmented(loaded, client)
        loaded.ui.outputSelector.setCurrentNode(first)
        assert segmented(loaded, client) is first
        assert first.GetDisplayNode().GetVisibility() and not second.GetDisplayNode().GetVisibility()

    def test_segmentations_of_the_users_own_stay_visible(self, loaded: Any, client: FakeClient) -> None:  # noqa: F811
        mine = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "mine")
        mine.CreateDefaultDisplayNodes()
        segmented(loaded, client)
        assert mine.GetDisplayNode().GetVisibility()


class TestFaults:
    """Whatever is raised, wherever: Segment is there again, Cancel is gone, the reason is shown, nothing is left half-way."""

    def assert_back(self, panel: Any, said: str) -> None:
        """The panel is the user's again."""
        assert not panel.session.running and not hidden(panel.ui.segmentButton) and hidden(panel.ui.runWidget)
        assert panel.ui.segmentButton.enabled and panel.ui.guessButton.enabled
        assert said in panel.ui.findingsLabel.text.replace("\u200b", "") and said in panel.ui.logTextEdit.plainText

    def test_a_reference_that_lost_its_voxels(self, loaded: Any, client: FakeClient) -> None:  # noqa: F811
        loaded.ui.segmentButton.click()
        result = brain_result(client)
        slicer.util.getNode("case_flair").SetAndObserveImageData(None)
        finish(loaded, client, result)
        self.assert_back(loaded, "changed while it was segmented")

    @pytest.mark.parametrize("step", ["pack", "new_segmentation", "filling", "volumes_table", "place_beside", "hide_earlier"])
    def test_every_step_of_placing(self, loaded: Any, client: FakeClient, monkeypatch: pytest.MonkeyPatch, step: str) -> None:  # noqa: F811
        first = segmented(loaded, client)
        settle_lesions(loaded)  # their table is a node too
        nodes = slicer.mrmlScene.GetNumberOfNodes()

        def broken(*_: Any) -> None:
            raise RuntimeError(f"{step} is broken")

        monkeypatch.setattr(session if step == "pack" else placing, step, broken)
        loaded.ui.segmentButton.click()
        finish(loaded, client, brain_result(client, uncertainty=np.ones((6, 7, 8), np.float32)))
        self.assert_back(loaded, f"{step} is broken")
        assert "Traceback" in loaded.ui.logTextEdit.plainText or step == "pack"
        assert slicer.mrmlScene.GetNumberOfNodes() == nodes and first.GetDisplayNode().GetVisibility()
        monkeypatch.undo()
        assert segmented(loaded, client) is not first

    def test_a_result_that_cannot_be_shown(self, loaded: Any, client: FakeClient, bugs: list[str]) -> None:  # noqa: F811
        loaded.ui.segmentButton.click()
        finish(loaded, client, brain_result(client, record={"seconds": None}))
        self.assert_back(loaded, "AttributeError")
        bugs.clear()

    def test_inputs_that_cannot_be_read(self, loaded: Any, client: FakeClient, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
        def broken(node: Any) -> None:
            raise RuntimeError("no image")

        monkeypatch.setattr(session, "image_from_node", broken)
        loaded.ui.segmentButton.click()
        self.assert_back(loaded, "no image")

    def test_a_client_that_fails_within_a_poll(self, loaded: Any, client: FakeClient, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
        def broken() -> None:
            raise RuntimeError("no worker")

        loaded.ui.segmentButton.click()
        monkeypatch.setattr(client, "poll", broken)
        loaded.poll()
        self.assert_back(loaded, "no worker")
        monkeypatch.undo()
        finish(loaded, client, brain_result(client))
        assert loaded.parameters.result is None  # the answer to a run that was given up is dropped

    def test_progress_that_cannot_be_shown_does_not_end_the_run(self, loaded: Any, client: FakeClient, bugs: list[str]) -> None:  # noqa: F811
        loaded.ui.segmentButton.click()
        client.progress("half", "Working")  # type: ignore[arg-type]
        loaded.poll()
        assert loaded.session.running and bugs.pop()
        finish(loaded, client, brain_result(client))
        assert loaded.parameters.result is not None

    def test_cancel_while_the_result_is_placed(self, loaded: Any, client: FakeClient, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
        monkeypatch.setattr(session, "FINISHING_BUDGET_S", 0.0)
        nodes = slicer.mrmlScene.GetNumberOfNodes()
        loaded.ui.segmentButton.click()
        client.answer(brain_result(client))
        while not loaded.session.finishing:
            loaded.poll()
        loaded.ui.cancelButton.click()
        settle(loaded)
        assert "Cancelled" in loaded.ui.findingsLabel.text and slicer.mrmlScene.GetNumberOfNodes() == nodes
        assert segmented(loaded, client) is not None

    def test_every_callback_is_guarded(self, loaded: Any) -> None:  # noqa: F811
        called_by_ours = {"report", "log", "update_buttons", "expect_news", "take_parameters", "set_parameters", "follow", "pause", "show"}
        called_by_ours |= {"show_surfaces", "close", "lock", "measure_lesions", "show_lesions", "tell", "fail", "fold", "explain", "offers"}
        called_by_ours |= {"follow_swap", "follow_task"}  # by the guarded follow_link
        called_by_ours |= {"tasks_changed", "renew"}  # by the section of networks
        called_by_ours |= {
            "show_instead",
            "restyle",
            "lay_over",
        }  # by the section of what is shown and by the panel, whose own callbacks are guarded
        for part in (loaded, loaded.inputs, loaded.findings, loaded.result, loaded.python, loaded.shown):
            public = {name: value for name, value in vars(type(part)).items() if inspect.isfunction(value) and not name.startswith("_")}
            free = {name for name, value in public.items() if not hasattr(value, "__wrapped__")} - called_by_ours
            assert free <= ({"poll"} if part in (loaded.python, loaded.result) else set()), type(part)  # the panel's own poll calls these

    def test_scene_events_and_timers_that_fail_are_reported(self, loaded: Any, bugs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
        def broken(*_: Any) -> None:
            raise RuntimeError("broken")

        monkeypatch.setattr(loaded.inputs.choices, "fill", broken)
        monkeypatch.setattr(loaded.inputs.choices, "forget", broken)
        loaded.inputs.fill()
        slicer.mrmlScene.RemoveNode(slicer.util.getNode("case_t1"))
        assert len(bugs) == 2 and "broken" in loaded.ui.findingsLabel.text
        bugs.clear()


def test_a_guarded_method_takes_what_it_wants_and_keeps_vtks_marks() -> None:
    class Holder:
        told: list[Any] = []

        def report(self, failure: Any) -> None:
            self.told.append(failure)

        @guard.guarded
        def one(self, value: int) -> None:
            self.told.append(value)

        @guard.guarded
        def refuse(self) -> None:
            raise InputRefused("No.", "Yes.")

    holder = Holder()
    holder.one(1, 2, 3)
    holder.refuse("more", "than", "wanted")
    assert holder.told[0] == 1 and (holder.told[1].kind, holder.told[1].message) == ("input", "No.")
    assert Holder.one.__name__ == "one"


class TestSteps:
    """A result comes into the scene without a long stop of the window."""

    def test_the_voxels_are_found_in_another_thread(self, loaded: Any, client: FakeClient, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
        threads: list[int] = []
        pack = session.pack
        monkeypatch.setattr(session, "pack", lambda result: (threads.append(threading.get_ident()), pack(result))[1])
        segmented(loaded, client)
        assert len(threads) == 1 and threads[0] != threading.get_ident()

    def test_one_step_a_poll_where_steps_take_their_time(self, loaded: Any, client: FakeClient, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
        monkeypatch.setattr(session, "FINISHING_BUDGET_S", 1e-9)
        loaded.ui.segmentButton.click()
        client.answer(brain_result(client))
        seen = []
        while loaded.session.running:
            loaded.poll()
            seen.append((loaded.session.finishing, slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTableNode")))
        assert len([finishing for finishing, _ in seen if finishing]) >= 2 and seen[0][1] == 0
        assert segment_ids(loaded.parameters.result) == ["WT", "TC", "ET"]

    def test_a_new_segmentation_comes_into_the_scene_with_its_segments(self, loaded: Any, client: FakeClient) -> None:  # noqa: F811
        counts: list[int] = []
        scene = slicer.mrmlScene

        def added(*_: Any) -> None:
            nodes = [
                scene.GetNthNodeByClass(n, "vtkMRMLSegmentationNode")
                for n in range(scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode"))
            ]
            counts.extend(node.GetSegmentation().GetNumberOfSegments() for node in nodes)

        tag = scene.AddObserver(scene.NodeAddedEvent, added)
        segmented(loaded, client)
        scene.RemoveObserver(tag)
        assert counts and set(counts) == {3}


class TestLesions:
    """A row a lesion, measured in a thread, looked at by a click."""

    @pytest.fixture
    def slices(self, bare: Any) -> list[Any]:
        """Three slice views."""
        nodes = []
        for name, turn in (("Red", "Axial"), ("Yellow", "Sagittal"), ("Green", "Coronal")):
            nodes.append(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSliceNode", name))
            nodes[-1].SetLayoutName(name)
            nodes[-1].SetOrientation(turn)
        return nodes

    def place(self, node: Any) -> list[float]:
        """Where a view is."""
        return [node.GetSliceToRAS().GetElement(row, 3) for row in range(3)]

    def test_the_views_turn_to_the_largest_and_a_click_to_any(self, loaded: Any, client: FakeClient, slices: list[Any]) -> None:  # noqa: F811
        segmentation = segmented(loaded, client)
        settle_lesions(loaded)
        rows = lesion_table.rows_of(segmentation)
        assert [row["Id"] for row in rows] == ["WT", "TC", "ET"] and loaded.ui.lesionTable.rowCount == 3
        assert loaded.ui.lesionTable.item(0, 0).text() == "WT 1"
        assert loaded.ui.lesionTable.item(0, 0).toolTip() == "Whole tumour (WT)"
        assert "Whole tumour (WT): 1" in loaded.ui.lesionLabel.text and not hidden(loaded.ui.lesionTable)
        expected = [float(rows[0][axis]) for axis in "RAS"]
        assert all(self.place(node) == pytest.approx(expected) for node in slices)
        for node in slices:
            node.JumpSliceByCentering(99, 99, 99)
        pythonqt.unwrap(loaded.ui.lesionTable).cellClicked.emit(2, 0)
        assert all(self.place(node) == pytest.approx([float(rows[2][axis]) for axis in "RAS"]) for node in slices)

    def test_the_result_is_copied_as_text(self, loaded: Any, client: FakeClient) -> None:  # noqa: F811
        segmentation = segmented(loaded, client)
        settle_lesions(loaded)
        loaded.ui.copyButton.click()
        lines = QtWidgets.QApplication.clipboard().text().splitlines()
        assert lines[0] == segmentation.GetName() and lines[1].startswith("Whole tumour (WT): ") and lines[1].endswith(" mL")
        assert any(line.startswith("Lesion WT 1: ") and line.endswith(" mm") for line in lines)
        assert lines[-1] == "Research use only - not a medical device." and "case_t1\n" not in "\n".join(lines)

    def test_an_edit_measures_again_and_leaves_the_views(self, loaded: Any, client: FakeClient, slices: list[Any]) -> None:  # noqa: F811
        segmentation = segmented(loaded, client)
        settle_lesions(loaded)
        before = self.place(slices[0])
        slices[0].JumpSliceByCentering(1, 2, 3)
        segmentation.GetSegmentation().RemoveSegment("TC")
        loaded.result.measure()
        settle_lesions(loaded)
        assert loaded.ui.lesionTable.rowCount == 2 and self.place(slices[0]) == [1, 2, 3] != before

    def test_an_answer_about_another_result_is_dropped(self, loaded: Any, client: FakeClient) -> None:  # noqa: F811
        first = segmented(loaded, client)
        settle_lesions(loaded)
        loaded.result.lesions_measured(object(), True, [])
        assert len(lesion_table.rows_of(first)) == 3


class TestLaterSteps:
    """What is done a step at a time after a result has come."""

    @pytest.fixture
    def told(self) -> list[Any]:
        """What was reported."""
        return []

    @pytest.fixture
    def steps(self, entered: Any, told: list[Any]) -> Any:
        """Steps of their own."""
        from MedSegDLLib.scene.widgets import Steps

        return Steps(told.append)

    def test_one_at_a_time_to_the_end(self, steps: Any) -> None:
        done: list[int] = []
        steps.start(done.append(number) for number in range(2))
        assert steps.running and not done
        steps.take()
        assert done == [0] and steps.running
        steps.take()
        steps.take()
        assert done == [0, 1] and not steps.running

    def test_a_new_piece_of_work_drops_the_old(self, steps: Any) -> None:
        done: list[str] = []
        steps.start(done.append("old") for _ in range(3))
        steps.take()
        steps.start(done.append("new") for _ in range(1))
        take_all(steps)
        assert done == ["old", "new"]
        steps.start(done.append("never") for _ in range(1))
        steps.stop()
        take_all(steps)
        assert "never" not in done and not steps.running

    def test_what_fails_is_said_and_ends_the_work(self, steps: Any, told: list[Any], bugs: list[str]) -> None:
        steps.start(1 // zero for zero in (0, 1))
        take_all(steps)
        assert len(told) == 1 and "ZeroDivisionError" in told[0].message and not steps.running
        bugs.clear()


def test_a_second_environment_is_not_begun(entered: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    go, begun, failures = threading.Event(), [], []

    def make(folder: Any, base: Any, options: Any, progress: Any) -> Any:
        begun.append(folder)
        go.wait(10)
        raise InputRefused("Stopped.", "")

    monkeypatch.setattr("MedSegDLLib.worker.installation.make_environment", make)
    entered.ui.environmentButton.click()
    entered.python.make_environment()  # the link in the findings
    entered.session.make_environment(Callbacks(on_error=failures.append))  # a script
    assert failures == [session.BUSY_INSTALLING] and not entered.ui.environmentButton.enabled
    go.set()
    while entered.session.making_environment:
        entered.poll()
    assert len(begun) == 1 and entered.ui.environmentButton.enabled and "Stopped." in entered.ui.findingsLabel.text


def test_size_and_time_are_said_before_and_the_size_on_disk_after(entered: Any, client: FakeClient) -> None:
    place = entered.session.environment_folder / "env1"
    wait_for_size(entered)
    assert all(part in entered.ui.environmentLabel.text for part in ("MB to download", "on disk", " min"))
    assert not entered.ui.removeButton.enabled
    place.mkdir(parents=True)
    (place / "torch.py").write_bytes(b"x" * 3_000_000)
    entered.python.show()
    wait_for_size(entered)
    assert entered.ui.removeButton.text == "Remove (3 MB)" and entered.ui.removeButton.enabled
    entered.ui.removeButton.click()
    assert client.stopped  # the worker may run on it
    while entered.session.making_environment:
        entered.poll()
    wait_for_size(entered)
    assert not place.exists() and not entered.ui.removeButton.enabled and "is removed" in entered.ui.logTextEdit.plainText


def wait_for_size(panel: Any) -> None:
    """Until the environment is measured."""
    while panel.python.news_due:
        panel.poll()


def test_closing_ends_what_is_being_installed(entered: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def make(folder: Any, base: Any, options: Any, progress: Any) -> Any:
        try:
            while True:
                progress(0.1, "Downloading")
        finally:
            ended.set()

    monkeypatch.setattr("MedSegDLLib.worker.installation.make_environment", make)
    entered.ui.environmentButton.click()
    entered.close()
    assert ended.is_set()


def test_loading_the_scene_again_follows_the_segmentation_that_is_shown(loaded: Any, client: FakeClient) -> None:  # noqa: F811
    first = segmented(loaded, client)
    slicer.mrmlScene.Clear(False)
    brain_volumes()
    loaded.inputs.fill()
    second = segmented(loaded, client)
    first.GetSegmentation().RemoveSegment("WT")
    assert not loaded.result.timer.isActive()
    second.GetSegmentation().RemoveSegment("WT")
    assert loaded.result.timer.isActive()


def test_a_scene_that_is_closed_while_a_result_is_brought_into_sight_ends_that(loaded: Any, client: FakeClient) -> None:  # noqa: F811
    """Else the surfaces of nothing were asked for: 'An unexpected failure' in the empty panel."""
    node = segmented(loaded, client)
    reference = node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole())
    loaded.steps.start(loaded._looking_at(reference, surfaces=True))
    loaded.steps.take()
    slicer.mrmlScene.Clear()
    assert not loaded.steps.running and loaded.parameters.result is None
    loaded.result.show_surfaces()  # and who asks for them all the same gets none
