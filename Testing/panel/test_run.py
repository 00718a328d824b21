"""A segmentation from the click to the nodes: progress, result, cancel, failure, and what is offered afterwards."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import slicer

from MedSegDLLib.scene.bare import BareScene
from MedSegDLLib.scene.segmentation import segment_ids
from MedSegDLLib.tasks import TASKS
from MedSegDLLib.worker.client import State
from MedSegDLLib.worker.processes import Failure

from . import pythonqt
from .fake_client import FakeClient, brain_result, result_of
from .test_panel import brain_volumes, choose, volume

CRASH = Failure("crash", "The segmentation process crashed (SIGSEGV).", "Try again.", "last line of the log")


@pytest.fixture
def loaded(entered: Any, client: FakeClient) -> Any:
    """The panel with four volumes selected."""
    brain_volumes()
    entered.inputs.fill()
    return entered


def finish(panel: Any, client: FakeClient, result: Any) -> None:
    """The worker is done."""
    client.answer(result)
    settle(panel)


def settle(panel: Any) -> None:
    """Let a result find its way into the scene."""
    for _ in range(500):
        panel.poll()
        if not panel.session.running:
            take_all(panel.steps)
            return
    raise AssertionError("the run does not end")


def settle_lesions(panel: Any) -> None:
    """Until the lesions of a result are measured and looked at."""
    while panel.result.news_due:
        panel.poll()
    take_all(panel.result.steps)


def take_all(steps: Any) -> None:
    """Let the views be turned, and what else is done in steps."""
    while steps.running:
        steps.take()


def hidden(widget: Any) -> bool:
    """Whether the panel has hidden a widget."""
    return pythonqt.unwrap(widget).isHidden()


def shown_table(panel: Any) -> list[list[str]]:
    """The table's texts, row by row."""
    table = panel.ui.resultTable
    return [[table.item(row, column).text() for column in range(table.columnCount)] for row in range(table.rowCount)]


def test_click_sends_the_volumes_and_the_choices(loaded: Any, client: FakeClient) -> None:
    loaded.ui.uncertaintyCheckBox.checked = True
    loaded.ui.biasCorrectionCheckBox.checked = False
    loaded.ui.deviceComboBox.currentIndex = 1
    loaded.ui.segmentButton.click()
    kind, images, task, options = client.asked[-1]
    assert (kind, task) == ("segment", "brain")
    assert {key: image.name for key, image in images.items()} == {key: f"case_{key}" for key in images}
    switches = {"brain_extraction": "auto", "registration": "auto"}
    assert options == {"device": "cpu", "mode": "auto", "bias_correction": False, "uncertainty": True, **switches}


def test_button_gives_way_to_progress_and_cancel(loaded: Any, client: FakeClient) -> None:
    loaded.ui.segmentButton.click()
    assert hidden(loaded.ui.segmentButton) and not hidden(loaded.ui.runWidget)
    assert not loaded.ui.guessButton.enabled
    client.progress(0.42, "Correcting the bias field")
    loaded.poll()
    assert loaded.ui.progressBar.value == 42
    assert loaded.ui.progressBar.format.startswith("Correcting the bias field")
    finish(loaded, client, brain_result(client))
    assert not hidden(loaded.ui.segmentButton) and hidden(loaded.ui.runWidget)
    assert loaded.ui.guessButton.enabled


def test_result_becomes_segments_volumes_and_a_summary(loaded: Any, client: FakeClient) -> None:
    loaded.ui.segmentButton.click()
    result = brain_result(client)
    finish(loaded, client, result)
    segmentation = loaded.parameters.result
    assert segment_ids(segmentation) == ["WT", "TC", "ET"]
    expected = [
        [TASKS["brain"].region(key).label, f"{result.volumes_ml[key]:.3g}", str(int(mask.sum()))] for key, mask in result.masks.items()
    ]
    assert shown_table(loaded) == expected
    assert loaded.ui.resultLabel.text == "2.5 s on CPU."
    assert loaded.ui.show3DButton.segmentationNode() is segmentation
    assert loaded.parameters.resultTable.GetTable().GetNumberOfRows() == 3
    assert "Done." in loaded.ui.findingsLabel.text


def test_a_segment_that_the_user_renamed_or_deleted_stays_readable(loaded: Any, client: FakeClient) -> None:
    loaded.ui.segmentButton.click()
    finish(loaded, client, brain_result(client))
    segmentation = loaded.parameters.result.GetSegmentation()
    segmentation.GetSegment("WT").SetName("mine")
    segmentation.RemoveSegment("ET")
    loaded.parameters_changed()
    assert [row[0] for row in shown_table(loaded)] == ["mine", "Tumour core (TC)", "ET"]


def test_warnings_of_the_run_are_shown_with_the_result(loaded: Any, client: FakeClient) -> None:
    loaded.ui.segmentButton.click()
    warning = {"severity": "warning", "code": "skull", "input": "t1", "message": "The skull is still there.", "remedy": "Strip it."}
    finish(loaded, client, brain_result(client, record={"warnings": [warning]}))
    assert "<b>T1:</b> skull present" in loaded.ui.findingsLabel.text and "The skull is still there." not in loaded.ui.findingsLabel.text
    loaded.findings.follow_link("medsegdl:kind:skull")
    assert "The skull is still there." in loaded.ui.findingsLabel.text and "Strip it." in loaded.ui.findingsLabel.text
    loaded.findings.follow_link("medsegdl:kind:skull")
    assert "The skull is still there." not in loaded.ui.findingsLabel.text


def test_each_run_makes_its_own_segmentation_unless_one_is_chosen(loaded: Any, client: FakeClient) -> None:
    found = []
    for _ in range(2):
        loaded.ui.segmentButton.click()
        finish(loaded, client, brain_result(client))
        settle_lesions(loaded)
        found.append(loaded.parameters.result)
    assert found[0] is not found[1]
    tables = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTableNode")
    loaded.ui.outputSelector.setCurrentNode(found[1])
    loaded.ui.segmentButton.click()
    finish(loaded, client, brain_result(client))
    settle_lesions(loaded)
    assert loaded.parameters.result is found[1]
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 4  # each with its untouched copy
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTableNode") == tables


def test_surfaces_are_made_when_asked_for(loaded: Any, client: FakeClient) -> None:
    loaded.ui.segmentButton.click()
    finish(loaded, client, brain_result(client))
    loaded.ui.show3DButton.checked = True
    loaded.ui.segmentButton.click()
    finish(loaded, client, brain_result(client))
    assert loaded.parameters.result.GetSegmentation().ContainsRepresentation("Closed surface")
    assert loaded.ui.show3DButton.checked


def test_uncertainty_and_counted_objects_become_nodes(entered: Any, client: FakeClient) -> None:
    volume("cells", (1, 8, 9, 3))
    choose(entered, "nuclei")
    entered.ui.segmentButton.click()
    images = client.asked[-1][1]
    numbers = np.zeros((1, 8, 9), np.uint32)
    numbers[0, 1:3, 1:3], numbers[0, 5:7, 5:8] = 1, 2
    result = result_of(TASKS["nuclei"], images, instances=numbers, uncertainty=np.ones((1, 8, 9), np.float32), record={"count": 2})
    finish(entered, client, result)
    assert "2 objects" in entered.ui.resultLabel.text and hidden(entered.ui.show3DButton)
    settle_lesions(entered)
    assert entered.ui.lesionTable.rowCount == 2 and entered.ui.lesionTable.item(1, 1).text() == "6"
    assert "2 objects, mean area 5.0 px" in entered.ui.lesionLabel.text
    assert slicer.util.getNode("cells uncertainty") is not None
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLLabelMapVolumeNode") == 1


def test_cancel_stops_and_the_next_click_works(loaded: Any, client: FakeClient) -> None:
    loaded.ui.segmentButton.click()
    loaded.ui.cancelButton.click()
    loaded.poll()
    assert not loaded.logic.session.running
    assert "Cancelled" in loaded.ui.findingsLabel.text
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    assert client.state is State.STARTING  # a new worker is on its way already
    client.become_ready()
    loaded.poll()
    loaded.ui.segmentButton.click()
    finish(loaded, client, brain_result(client))
    assert loaded.parameters.result is not None


def test_what_a_run_rests_on_is_locked_while_it_runs(loaded: Any, client: FakeClient) -> None:
    names = ("inputsWidget", "guessButton", "outputSelector", "biasCorrectionCheckBox", "uncertaintyCheckBox", "deviceComboBox")
    loaded.ui.brain_t2Selector.setCurrentNode(None)
    loaded.parameters.chosen = ""  # as if it had never been given
    loaded.ui.segmentButton.click()
    assert not any(getattr(loaded.ui, name).enabled for name in names) and not hidden(loaded.ui.cancelButton)
    loaded.inputs.fill()
    assert loaded.ui.brain_t2Selector.currentNode() is None
    finish(loaded, client, brain_result(client))
    assert all(getattr(loaded.ui, name).enabled for name in names) and loaded.inputs.timer.active
    choose(loaded, "liver")
    loaded.ui.segmentButton.click()
    assert not loaded.ui.biasCorrectionCheckBox.enabled


def test_volumes_name_their_segmentation_and_go_with_it(loaded: Any, client: FakeClient) -> None:
    loaded.ui.segmentButton.click()
    finish(loaded, client, brain_result(client))
    assert loaded.ui.resultNameLabel.text == loaded.parameters.result.GetName() and not hidden(loaded.ui.resultCollapsibleButton)
    slicer.mrmlScene.RemoveNode(loaded.parameters.result)
    assert hidden(loaded.ui.resultCollapsibleButton)


def test_crash_is_explained_and_survived(loaded: Any, client: FakeClient) -> None:
    loaded.ui.segmentButton.click()
    client.fail(CRASH, dead=True)
    loaded.poll()
    assert CRASH.message in loaded.ui.findingsLabel.text and CRASH.remedy in loaded.ui.findingsLabel.text
    assert CRASH.details in loaded.ui.logTextEdit.plainText
    assert loaded.ui.segmentButton.enabled
    client.become_ready()
    loaded.poll()
    assert CRASH.message in loaded.ui.findingsLabel.text  # the new worker does not wipe the reason away
    loaded.ui.segmentButton.click()
    assert client.asked[-1][0] == "segment"


def test_refused_input_is_explained_in_the_cores_own_words(loaded: Any, client: FakeClient) -> None:
    loaded.ui.segmentButton.click()
    client.fail(Failure("input", "'case_t1' holds NaN.", "Replace them."))
    loaded.poll()
    assert "'case_t1' holds NaN." in loaded.ui.findingsLabel.text.replace("&#x27;", "'")
    assert "Install it now" not in loaded.ui.findingsLabel.text


def test_a_volume_without_voxels_is_refused_at_once(entered: Any, client: FakeClient) -> None:
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty_t1")
    entered.inputs.fill()
    entered.ui.segmentButton.click()
    assert "holds no voxels" in entered.ui.findingsLabel.text
    assert not client.asked and not entered.logic.session.running


def test_a_volume_removed_meanwhile_is_no_crash(loaded: Any, client: FakeClient) -> None:
    loaded.ui.segmentButton.click()
    result = brain_result(client)
    slicer.mrmlScene.RemoveNode(slicer.util.getNode("case_flair"))
    finish(loaded, client, result)
    assert "was removed" in loaded.ui.findingsLabel.text
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0


def test_a_result_deleted_by_the_user_leaves_the_panel(loaded: Any, client: FakeClient) -> None:
    loaded.ui.segmentButton.click()
    finish(loaded, client, brain_result(client))
    slicer.mrmlScene.RemoveNode(loaded.parameters.result)
    assert loaded.parameters.result is None
    assert hidden(loaded.ui.resultCollapsibleButton)
    assert not loaded.ui.show3DButton.enabled


def test_closing_the_scene_cancels_the_run(loaded: Any, client: FakeClient) -> None:
    loaded.ui.segmentButton.click()
    slicer.mrmlScene.Clear(False)
    loaded.poll()
    assert not loaded.logic.session.running
    assert loaded.ui.guessButton.enabled


def test_edit_opens_the_segment_editor_on_result_and_reference(loaded: Any, client: FakeClient, editor: SimpleNamespace) -> None:
    loaded.ui.segmentButton.click()
    finish(loaded, client, brain_result(client))
    loaded.ui.editButton.click()
    assert editor.module == "SegmentEditor"
    assert editor.segmentation is loaded.parameters.result
    assert editor.source.GetName() == "case_flair"


def test_result_is_there_again_after_saving_and_loading(bare: BareScene, loaded: Any, client: FakeClient, tmp_path: Path) -> None:
    loaded.ui.segmentButton.click()
    finish(loaded, client, brain_result(client))
    before = shown_table(loaded)
    bare.save(tmp_path / "scene.mrb")
    slicer.mrmlScene.Clear(False)
    bare.load(tmp_path / "scene.mrb")
    assert shown_table(loaded) == before
    assert loaded.ui.resultLabel.text == "2.5 s on CPU."


@pytest.mark.parametrize("given", ["bundle", "bundle/bundle.json", ""])
def test_the_environment_is_made_of_a_folder_where_one_is_chosen(
    loaded: Any, monkeypatch: pytest.MonkeyPatch, tmp_path, given: str
) -> None:

    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "bundle.json").write_text("{}")
    asked: list[Any] = []
    monkeypatch.setattr("MedSegDLLib.worker.installation.make_environment", lambda folder, base, options, progress: asked.append(options))
    loaded.ui.packagesPathLineEdit.currentPath = str(tmp_path / given) if given else ""
    loaded.ui.environmentButton.click()
    for _ in range(400):
        loaded.poll()
        if asked:
            break
        time.sleep(0.02)
    (options,) = asked
    assert (options and options.wheels) == (tmp_path / "bundle" if given else None)


def test_environment_is_made_with_progress_and_then_used(loaded: Any, client: FakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from MedSegDLLib.worker.environment import Interpreter, Source

    def make(folder: Path, base: Interpreter, options: Any, progress: Any) -> Interpreter:
        progress(0.5, "Downloading torch")
        return Interpreter(folder / "python", Source.PRIVATE)

    monkeypatch.setattr("MedSegDLLib.worker.installation.make_environment", make)
    loaded.ui.pythonPathLineEdit.currentPath = "/a/python/without/torch"
    loaded.ui.environmentButton.click()
    assert not loaded.ui.environmentButton.enabled
    for _ in range(100):
        loaded.poll()
        if not loaded.session.making_environment:
            break
    else:
        raise AssertionError("the environment is not made")
    assert "private environment is ready" in loaded.ui.logTextEdit.plainText
    assert loaded.ui.environmentButton.enabled
    assert loaded.ui.pythonPathLineEdit.currentPath == ""  # else the old choice would win over the new environment
    assert "/a/python" not in client.launches[-1].arguments[0]
