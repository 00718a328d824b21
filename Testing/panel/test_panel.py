"""The panel as the user meets it: it builds, follows task and scene, guesses, checks, and is saved with the scene."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import slicer
from PySide6 import QtWidgets

from MedSegDLLib.geometry.image import Image
from MedSegDLLib.scene import slicer_python
from MedSegDLLib.scene.bare import BareScene
from MedSegDLLib.scene.volumes import node_from_image
from MedSegDLLib.tasks import TASKS
from MedSegDLLib.worker.processes import Failure

from . import pythonqt, standins
from .fake_client import FakeClient

BRAIN = ("t1", "t1ce", "t2", "flair")
TORCH_MISSING = Failure("torch", "torch is not installed in this Python.", "Let MedSegDL make an environment.")


def volume(name: str, shape: tuple[int, ...] = (6, 7, 8)) -> Any:
    """A volume node, with colours where the shape has four axes."""
    return node_from_image(Image(np.arange(np.prod(shape)).astype(np.uint8).reshape(shape), np.eye(4), name))


def brain_volumes(case: str = "case") -> dict[str, Any]:
    """Four volumes under names that tell what they are."""
    return {key: volume(f"{case}_{key}") for key in BRAIN}


def selected(panel: Any) -> dict[str, Any]:
    """Parameter name -> node, of the selectors that the user sees."""
    shown = {name: selector for name, selector in panel.inputs.rows.selectors.items() if not pythonqt.unwrap(selector).isHidden()}
    return {name.removesuffix("Selector"): selector.currentNode() for name, selector in shown.items()}


def choose(panel: Any, task: str) -> None:
    """Choose a task in the combo box, by the place of its title."""
    box = panel.ui.taskComboBox
    box.currentIndex = next(row for row in range(box.count) if box.itemText(row) == TASKS[task].title)


def test_without_volumes_nothing_can_be_segmented(entered: Any) -> None:
    entered.check()
    assert not entered.ui.segmentButton.enabled
    assert "Select at least one input" in entered.ui.segmentButton.toolTip
    assert "Load a volume" in entered.ui.findingsLabel.text


def widgets_in(widget: Any) -> list[str]:
    """Names of a layout's widgets, in order."""
    layout = pythonqt.unwrap(widget).layout()
    return [layout.itemAt(n).widget().objectName() for n in range(layout.count()) if layout.itemAt(n).widget()]


def test_speed_and_network_stand_above_the_inputs(panel: Any) -> None:
    form = pythonqt.unwrap(panel.ui.inputsWidget).layout()
    rows = [form.itemAt(row, QtWidgets.QFormLayout.ItemRole.FieldRole).widget().objectName() for row in range(form.rowCount())]
    assert rows[:5] == ["taskComboBox", "modeComboBox", "networkLabel", "caseComboBox", "brain_t1Selector"]
    assert panel.ui.networkLabel.text.startswith("brain (20") and "Dice WT" in panel.ui.networkLabel.toolTip


def test_a_task_without_weights_says_so(panel: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("MEDSEGDL_WEIGHTS", str(tmp_path))
    choose(panel, "liver")
    assert panel.ui.networkLabel.text == "none" and str(tmp_path) in panel.ui.networkLabel.toolTip


def test_inputs_are_explained_where_the_mouse_rests(panel: Any) -> None:
    assert "gadolinium" in panel.ui.brain_t1ceSelector.toolTip
    assert all(selector.toolTip for selector in panel.inputs.rows.selectors.values())


def test_the_log_is_copied(panel: Any) -> None:
    panel.log("first line")
    panel.log("second line")
    panel.ui.logCopyButton.click()
    assert QtWidgets.QApplication.clipboard().text() == "first line\nsecond line"


def test_sections_come_in_the_order_users_know(panel: Any) -> None:
    assert widgets_in(panel.ui.MedSegDL) == ["scrollArea", "segmentButton", "runWidget", "noticeLabel"]  # the button is always in sight
    sections = [name for name in widgets_in(panel.ui.scrollContents) if name != "expectationLabel"]  # a line under the findings
    assert sections[:4] == ["tourBox", "inputsCollapsibleButton", "findingsLabel", "resultCollapsibleButton"]
    assert sections[4:6] == ["followUpCollapsibleButton", "outputsCollapsibleButton"]
    assert sections[6:] == ["Networks", "advancedCollapsibleButton", "logCollapsibleButton"]
    assert panel.ui.advancedCollapsibleButton.collapsed
    assert "Research use only" in panel.ui.noticeLabel.text


@pytest.mark.parametrize("key", [key for key, task in TASKS.items() if not task.helper])
def test_every_task_shows_its_own_selectors(panel: Any, key: str) -> None:
    choose(panel, key)
    assert list(selected(panel)) == [f"{key}_{entry.key}" for entry in TASKS[key].inputs]
    assert panel.ui.biasCorrectionCheckBox.enabled == TASKS[key].bias_correction


def test_inputs_are_guessed_when_the_panel_opens(bare: BareScene, panel: Any) -> None:
    nodes = brain_volumes()
    panel.enter()
    assert selected(panel) == {f"brain_{key}": node for key, node in nodes.items()}
    assert panel.ui.segmentButton.enabled


def test_volumes_that_come_later_are_guessed_but_a_choice_is_left_alone(entered: Any) -> None:
    nodes = brain_volumes()
    entered.inputs.fill()
    assert selected(entered)["brain_t1"] is nodes["t1"]
    other = volume("other_t1")
    entered.ui.brain_t1Selector.setCurrentNode(other)
    entered.inputs.fill()
    assert selected(entered)["brain_t1"] is other
    entered.ui.guessButton.click()
    assert selected(entered)["brain_flair"] is nodes["flair"]


def test_a_new_task_is_guessed_too_and_the_old_choice_kept(entered: Any) -> None:
    nodes = brain_volumes()
    entered.inputs.fill()
    picture = volume("cells", (1, 8, 9, 3))
    choose(entered, "nuclei")
    assert selected(entered) == {"nuclei_image": picture}
    choose(entered, "brain")
    assert selected(entered)["brain_t2"] is nodes["t2"]


def test_nothing_takes_the_place_of_a_removed_node(entered: Any) -> None:
    nodes = brain_volumes()
    entered.inputs.fill()
    kept, chosen = (slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name) for name in ("kept", "chosen"))
    entered.ui.outputSelector.setCurrentNode(chosen)
    slicer.mrmlScene.RemoveNode(chosen)
    assert entered.parameters.output is None and entered.ui.outputSelector.currentNode() is None
    slicer.mrmlScene.RemoveNode(nodes["t2"])
    assert selected(entered)["brain_t2"] is None
    assert selected(entered)["brain_t1"] is nodes["t1"] and kept.GetScene() is not None


def test_label_maps_are_no_inputs(entered: Any) -> None:
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "seg")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "cells")
    assert all(selector.nodeCount() == 0 for selector in entered.inputs.rows.selectors.values())


def test_check_is_asked_and_its_findings_shown_with_their_remedy(entered: Any, client: FakeClient) -> None:
    brain_volumes()
    entered.inputs.fill()
    entered.check()
    kind, images, task, _ = client.asked[-1]
    assert (kind, set(images), task) == ("check", set(BRAIN), "brain")
    client.answer(
        [
            {"severity": "note", "input": "", "message": "Grids differ.", "remedy": ""},
            {"severity": "error", "input": "t1ce", "message": "The volume <x> is constant.", "remedy": "Choose another."},
        ]
    )
    entered.poll()
    text = entered.ui.findingsLabel.text
    assert text.index("T1ce") < text.index("Grids differ")  # the worst first
    assert "&lt;x&gt;" in text and "Choose another." in text


def test_an_answer_about_other_inputs_is_dropped(entered: Any, client: FakeClient) -> None:
    brain_volumes()
    entered.inputs.fill()
    entered.check()
    before = entered.ui.findingsLabel.text
    entered.ui.brain_t1Selector.setCurrentNode(None)
    client.answer([{"severity": "error", "input": "t1", "message": "Old news.", "remedy": ""}])
    entered.poll()
    assert entered.ui.findingsLabel.text == before


def test_changes_of_inputs_are_checked_together_and_later(entered: Any, client: FakeClient) -> None:
    brain_volumes()
    entered.inputs.fill()
    assert not client.asked  # nothing is asked in the middle of a change
    assert entered.check_timer.active and entered.check_timer.isSingleShot()


def test_worker_is_started_when_the_panel_opens_and_warmed(panel: Any, client: FakeClient) -> None:
    assert not client.launches
    panel.enter()
    assert len(client.launches) == 1
    assert "Getting ready" in panel.ui.findingsLabel.text
    client.become_ready()
    panel.poll()
    assert client.warmed == [("brain", "auto")]
    assert "torch 2.13.0" in panel.ui.pythonStateLabel.text


def test_without_torch_the_panel_says_so_and_offers_the_cure(panel: Any, client: FakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    brain_volumes()
    panel.enter()
    client.fail_to_start(TORCH_MISSING)
    panel.poll()
    text = panel.ui.findingsLabel.text
    assert "needs the helper program" in text and "Install it now (" in text and "min)" in text
    assert TORCH_MISSING.message in panel.ui.logTextEdit.plainText  # a path says nothing to a reader of images
    assert not panel.ui.segmentButton.enabled
    assert TORCH_MISSING.message in panel.ui.segmentButton.toolTip
    chosen: list[str] = []
    monkeypatch.setattr(panel.python, "make_environment", lambda: chosen.append("environment"))
    assert 'href="medsegdl:environment"' in text
    panel.findings.follow_link("medsegdl:environment")
    panel.findings.follow_link("medsegdl:of another world")
    assert chosen == ["environment"]


def test_another_python_starts_another_worker_and_is_remembered(entered: Any, client: FakeClient, module: Any) -> None:
    from MedSegDLLib.scene.widgets import python_setting

    launches = len(client.launches)
    entered.ui.pythonPathLineEdit.currentPath = "/opt/other/python"
    assert len(client.launches) == launches  # not at every key
    assert entered.python.timer.active and entered.python.timer.isSingleShot()
    entered.python.python_chosen()
    assert client.launches[-1].arguments[0] == "/opt/other/python"
    assert python_setting() == "/opt/other/python"
    assert not entered.python.timer.active
    entered.ui.pythonPathLineEdit.currentPath = ""
    assert entered.python.timer.active


def test_the_address_of_a_server_takes_the_place_of_a_python(entered: Any, client: FakeClient) -> None:
    entered.ui.pythonPathLineEdit.currentPath = "https://a-secret-token@gpu.example:8765"
    entered.python.python_chosen()
    assert str(client.launches[-1]) == "https://gpu.example:8765" and client.launches[-1].token == "a-secret-token"
    client.become_ready(server="https://gpu.example:8765", waiting=3)
    entered.poll()
    entered.python.show()
    said = entered.ui.pythonStateLabel.text.replace("\u200b", "")
    assert "gpu.example:8765" in said and "3 waiting" in said and "secret" not in said
    launches = len(client.launches)
    entered.ui.pythonPathLineEdit.currentPath = "http://no-token"
    entered.python.python_chosen()
    assert len(client.launches) == launches and "no address" in entered.ui.findingsLabel.text


def test_leaving_the_panel_asks_nothing_more(entered: Any, client: FakeClient) -> None:
    entered.exit()
    brain_volumes()
    assert not entered.inputs.timer.active and not entered.check_timer.active


def test_cleanup_ends_the_worker(entered: Any, client: FakeClient) -> None:
    entered.close()
    assert client.stopped and not entered.timer.active


def test_closing_the_scene_empties_the_panel(entered: Any) -> None:
    brain_volumes()
    entered.inputs.fill()
    slicer.mrmlScene.Clear(False)
    assert all(node is None for node in selected(entered).values())
    nodes = brain_volumes()
    entered.inputs.fill()
    assert selected(entered)["brain_t1"] is nodes["t1"]


def test_choices_are_saved_with_the_scene(bare: BareScene, entered: Any, tmp_path: Path) -> None:
    volume("cells", (1, 8, 9, 3))
    choose(entered, "nuclei")
    entered.ui.uncertaintyCheckBox.checked = True
    entered.ui.modeComboBox.currentIndex = 1
    bare.save(tmp_path / "scene.mrb")
    slicer.mrmlScene.Clear(False)
    assert list(selected(entered)) == ["brain_t1", "brain_t1ce", "brain_t2", "brain_flair"]
    bare.load(tmp_path / "scene.mrb")
    assert [node.GetName() for node in selected(entered).values()] == ["cells"]
    assert entered.ui.uncertaintyCheckBox.checked and entered.ui.modeComboBox.currentIndex == 1


def test_a_scene_of_a_newer_version_still_opens(bare: BareScene, entered: Any) -> None:
    node = entered.parameters.parameterNode
    entered.set_parameters(None)
    node.SetParameter("task", "a task of the future")
    entered.take_parameters()
    assert entered.parameters.task.name == "brain"


def test_opening_the_panel_often_binds_each_widget_once(entered: Any) -> None:
    for _ in range(3):
        entered.exit()
        entered.enter()
    writes: list[str] = []
    node = entered.parameters.parameterNode
    node.AddObserver("ModifiedEvent", lambda *_: writes.append("modified"))
    entered.ui.uncertaintyCheckBox.checked = True
    assert writes == ["modified"]


def test_the_modules_own_test_passes(bare: BareScene, module: Any) -> None:
    module.MedSegDLTest().runTest()


@pytest.fixture
def parent(bare: BareScene) -> SimpleNamespace:
    """What Slicer hands to the module's class (qSlicerScriptedLoadableModule)."""
    return SimpleNamespace(path=str(standins.MODULE_FOLDER / "MedSegDL.py"), title="", helpText="")


def test_the_module_names_itself(module: Any, parent: SimpleNamespace) -> None:
    module.MedSegDL(parent).runTest()
    assert parent.title == "MedSegDL" and parent.categories == ["Segmentation"]
    assert "not a medical device" in parent.helpText
    assert parent.icon.is_file()


def test_the_phantom_is_offered_as_sample_data(module: Any, parent: SimpleNamespace, client: FakeClient, monkeypatch: Any) -> None:
    monkeypatch.setattr(slicer_python, "load_phantom", lambda interpreter: [interpreter.python])
    module.MedSegDL(parent)
    assert not hasattr(slicer.modules, "sampleDataSources")  # only when all modules are there
    for started in slicer.app.startup:
        started()
    (source,) = slicer.modules.sampleDataSources["MedSegDL"]
    assert len(source.customDownloader(source)) == 1


def test_reloaded_while_it_is_shown_the_panel_works_on(bare: BareScene, module: Any, client: FakeClient) -> None:
    nodes, place = brain_volumes(), standins.module_panel()
    pythonqt.unwrap(place).entered = True
    widget = module.MedSegDLWidget(place)
    widget.setup()
    assert len(client.launches) == 1 and selected(widget.panel) == {f"brain_{key}": node for key, node in nodes.items()}
    widget.cleanup()


def test_nothing_is_guessed_while_a_scene_is_being_read(entered: Any) -> None:
    slicer.mrmlScene.StartState(slicer.vtkMRMLScene.ImportState)
    brain_volumes()
    entered.inputs.fill()  # the timer, should the reading let the application live
    assert not any(selected(entered).values())
    slicer.mrmlScene.EndState(slicer.vtkMRMLScene.ImportState)
    assert all(selected(entered).values())


def test_a_scene_closed_meanwhile_is_not_checked(entered: Any, client: FakeClient) -> None:
    entered.set_parameters(None)
    entered.check()
    assert not client.asked


def test_slicer_starts_without_numpy_simpleitk_and_torch_and_without_most_of_the_library() -> None:
    """Slicer imports the module's file at its start, for everybody: nothing of ours may ask for numpy there."""
    code = """
import builtins, sys
from PySide6 import QtWidgets
application = QtWidgets.QApplication([])
from Testing.panel import standins
standins.install()
import slicer
slicer.app = standins.Application()
asked, real = [], builtins.__import__
def noted(name, globals=None, *others):
    if (globals or {}).get("__name__", "").startswith("MedSegDL") and name.split(".")[0] in ("numpy", "SimpleITK", "torch", "safetensors"):
        asked.append((globals["__name__"], name))
    return real(name, globals, *others)
builtins.__import__ = noted
from types import SimpleNamespace
slicer.modules = SimpleNamespace()
standins.import_panel().MedSegDL(SimpleNamespace(path=str(standins.MODULE_FOLDER / "MedSegDL.py")))
for started in slicer.app.startup:
    started()
print(asked, sorted(name for name in sys.modules if name.startswith("MedSegDLLib.") and name.count(".") > 1))
"""
    environment = {**os.environ, "PYTHONPATH": str(standins.MODULE_FOLDER)}
    root = standins.MODULE_FOLDER.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True, check=False)
    few = [
        f"MedSegDLLib.{name}" for name in ("io.locks", "io.private_folder", "scene.slicer_python", "worker.environment", "worker.processes")
    ]
    assert done.stdout.strip() == f"[] {few}", done.stdout + done.stderr
