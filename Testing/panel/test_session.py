"""The panel's logic without widgets: orders, outcomes, refusals, and what scripts get from `run`."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import slicer

from MedSegDLLib.errors import InputRefused, MedSegDLError
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.scene import session as session_room
from MedSegDLLib.scene import slicer_python, wording
from MedSegDLLib.scene.bare import BareScene
from MedSegDLLib.scene.session import Order, Session, guess_nodes
from MedSegDLLib.scene.volumes import node_from_image
from MedSegDLLib.tasks import TASKS
from MedSegDLLib.worker.client import Callbacks
from MedSegDLLib.worker.environment import Interpreter, Source
from MedSegDLLib.worker.processes import Failure

from .fake_client import READY, FakeClient, brain_result

ROOT = Path(__file__).resolve().parents[2]
BRAIN = TASKS["brain"]


class Heard:
    """Callbacks that keep what they are told."""

    def __init__(self) -> None:
        self.results: list[Any] = []
        self.failures: list[Failure] = []
        self.callbacks = Callbacks(on_result=self.results.append, on_error=self.failures.append)


@pytest.fixture
def client(bare: BareScene) -> FakeClient:
    """A worker that is ready."""
    client = FakeClient()
    client.become_ready()
    return client


@pytest.fixture
def session(client: FakeClient, tmp_path: Path) -> Session:
    """A session with its environment folder out of the way."""
    return Session(client, tmp_path / "environment")


def volume(name: str, kind: str = "") -> Any:
    """A small volume."""
    return node_from_image(Image(np.arange(60, dtype=np.int16).reshape(3, 4, 5), np.eye(4), name), kind=kind)


def order(**more: Any) -> Order:
    """An order for T1 and FLAIR."""
    return Order(BRAIN, {"t1": volume("a_t1"), "flair": volume("a_flair")}, **more)


def test_reference_is_the_first_input_of_the_tasks_order(bare: BareScene) -> None:
    assert order().reference.GetName() == "a_flair"
    assert Order(BRAIN, {}).reference is None


def test_only_volume_of_the_right_class_is_guessed_for_a_single_input(bare: BareScene) -> None:
    grey = volume("something")
    assert guess_nodes(TASKS["liver"]) == {"ct": grey}
    assert guess_nodes(TASKS["nuclei"]) == {"image": grey}
    colour = node_from_image(Image(np.zeros((1, 4, 5, 3), np.uint8), np.eye(4), "cells"))
    assert guess_nodes(TASKS["nuclei"]) == {"image": colour}  # a colour picture is the better guess
    volume("another")
    assert guess_nodes(TASKS["liver"]) == {}  # two are no guess


def test_hidden_volumes_are_not_guessed(bare: BareScene) -> None:
    volume("case_flair").SetHideFromEditors(True)
    assert guess_nodes(BRAIN) == {}


def test_a_second_segmentation_is_refused_while_one_runs(session: Session) -> None:
    first, second = Heard(), Heard()
    session.segment(order(), first.callbacks)
    session.segment(order(), second.callbacks)
    assert second.failures == [session_room.BUSY] and not first.failures and session.running


def test_no_check_is_asked_while_a_segmentation_runs(session: Session, client: FakeClient) -> None:
    session.segment(order(), Heard().callbacks)
    session.check(order(), Heard().callbacks)
    assert [kind for kind, *_ in client.asked] == ["segment"]


def test_an_order_without_inputs_is_refused(session: Session, client: FakeClient) -> None:
    heard = Heard()
    session.segment(Order(BRAIN, {}), heard.callbacks)
    assert heard.failures[0].kind == InputRefused.kind and not session.running and not client.asked


def placed(session: Session, heard: Heard) -> None:
    """Poll until the result is in the scene: it goes there in short steps, more of them on a busy machine."""
    for _ in range(1000):
        session.poll()
        if heard.results:
            return
    raise AssertionError("the result never came")


def test_outcome_hangs_beside_its_reference(session: Session, client: FakeClient) -> None:
    heard, asked = Heard(), order()
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "study")
    hierarchy.SetItemParent(hierarchy.CreateItem(study, asked.reference), study)
    session.segment(asked, heard.callbacks)
    client.answer(brain_result(client))
    placed(session, heard)
    outcome = heard.results[0]
    for node in (outcome.segmentation, outcome.table):
        assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == study
    assert outcome.uncertainty is None and outcome.record["device"] == "cpu"


def test_an_output_that_was_deleted_meanwhile_is_made_anew(session: Session, client: FakeClient) -> None:
    heard, output = Heard(), slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "old")
    session.segment(order(output=output), heard.callbacks)
    slicer.mrmlScene.RemoveNode(output)
    client.answer(brain_result(client))
    placed(session, heard)
    assert heard.results[0].segmentation is not output


def test_a_result_is_not_guessed_as_an_input(session: Session, client: FakeClient) -> None:
    asked, heard = order(), Heard()
    session.segment(asked, heard.callbacks)
    client.answer(brain_result(client, uncertainty=np.ones((3, 4, 5), np.float32)))
    placed(session, heard)
    assert heard.results[0].uncertainty.GetName() == "a_flair uncertainty"
    assert guess_nodes(BRAIN) == asked.nodes


def test_run_waits_for_the_nodes(session: Session, client: FakeClient) -> None:
    answers = iter([None])

    def live() -> None:
        if client.asked:
            for _once in answers:
                client.answer(brain_result(client))

    outcome = session.run(order(), "/some/python", live)
    assert outcome.segmentation.GetSegmentation().GetNumberOfSegments() == 3
    assert client.launches[0].arguments[0] == "/some/python"


def test_run_raises_what_went_wrong(session: Session, client: FakeClient) -> None:
    with pytest.raises(MedSegDLError, match=r"too small\. Take a larger one\."):
        session.run(order(), "", lambda: client.fail(Failure("input", "It is too small.", "Take a larger one.")))


def test_failed_environment_is_told_and_can_be_tried_again(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def make(folder: Path, base: Interpreter, options: Any, progress: Any) -> Interpreter:
        raise MedSegDLError("No space left.", "Free some.")

    monkeypatch.setattr("MedSegDLLib.worker.installation.make_environment", make)
    for _ in range(2):
        heard = Heard()
        session.make_environment(heard.callbacks)
        assert session.making_environment and session.news_due
        while not heard.failures:
            session.poll()
        assert heard.failures[0].message == "No space left." and not session.making_environment


class PyTorchUtilsLogic:
    """The extension PyTorch: keeps what it is asked."""

    asked: dict[str, Any] = {}
    answer: Any = "torch"

    def installTorch(self, **asked: Any) -> Any:
        """Install, or not."""
        PyTorchUtilsLogic.asked = asked
        return self.answer


def test_torch_without_the_extension_is_explained(bare: BareScene) -> None:
    failure = slicer_python.install_torch()
    assert failure.kind == "torch" and "extension PyTorch is not installed" in failure.message


@pytest.mark.parametrize("answer", ["torch", None])
def test_torch_is_installed_through_the_extension_which_asks(bare: BareScene, monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    installed: list[str] = []
    monkeypatch.setattr(PyTorchUtilsLogic, "answer", answer)
    monkeypatch.setitem(sys.modules, "PyTorchUtils", SimpleNamespace(PyTorchUtilsLogic=PyTorchUtilsLogic))
    monkeypatch.setitem(sys.modules, "slicer.packaging", None)  # Slicer 5.10
    monkeypatch.setattr(slicer.util, "pip_install", installed.append)
    failure = slicer_python.install_torch()
    assert PyTorchUtilsLogic.asked["askConfirmation"] is True
    assert PyTorchUtilsLogic.asked["torchVersionRequirement"].startswith(">=")
    assert (failure is None) == (answer is not None) == bool(installed)


def test_slicers_own_installer_is_used_where_it_is(bare: BareScene, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setitem(sys.modules, "PyTorchUtils", SimpleNamespace(PyTorchUtilsLogic=PyTorchUtilsLogic))
    monkeypatch.setitem(
        sys.modules, "slicer.packaging", SimpleNamespace(pip_ensure=lambda wanted, requester: asked.append((wanted, requester)))
    )
    monkeypatch.setattr(slicer.util, "pip_install", lambda wanted: asked.append("the old way"))
    assert slicer_python.install_torch() is None
    assert asked == [([slicer_python.SAFETENSORS], "MedSegDL")]


def test_the_phantom_is_computed_by_a_module_that_is_there() -> None:
    assert importlib.util.find_spec(slicer_python.PHANTOM_MODULE) is not None


def test_phantom_of_a_python_without_torch_is_explained(bare: BareScene, tmp_path: Path) -> None:
    interpreter = Interpreter(tmp_path / "no-such-python", Source.SETTING)
    with pytest.raises(MedSegDLError, match="cannot be started"):
        slicer_python.load_phantom(interpreter)


@pytest.mark.parametrize(
    ("volume_ml", "text"), [(0.0, "0"), (0.0012345, "0.00123"), (1.2345, "1.23"), (9.994, "9.99"), (1378.04, "1378.0")]
)
def test_milliliters_keep_what_matters(volume_ml: float, text: str) -> None:
    assert wording.milliliters(volume_ml) == text


def test_long_names_may_break_and_keep_their_letters() -> None:
    broken = wording.breakable("a short word and " + "x" * 120)
    assert broken.replace("\u200b", "") == "a short word and " + "x" * 120
    assert max(len(part) for part in broken.replace("\u200b", " ").split()) <= wording.LONGEST_RUN


def test_summary_counts_only_where_objects_are_counted() -> None:
    record = {"seconds": {"check": 1.0, "network": 2.26}, "device": "cuda:0", "count": 0}
    assert wording.summary(record, "{seconds} s on {device}.") == "0 objects. 3.3 s on CUDA:0."
    assert wording.summary({**record, "count": 1}, "{seconds} s.") == "1 object. 3.3 s."
    assert wording.summary({**record, "count": None}, "{seconds} s.") == "3.3 s."


def test_failures_of_the_core_offer_no_other_python() -> None:
    text = wording.failure_html(Failure("memory", "Memory ran out.", "Close programs."), "install")
    assert "Memory ran out." in text and "href" not in text


SKULLS = [
    {"severity": "warning", "code": "skull", "input": key, "message": f"{key} has a skull.", "remedy": "Strip it."}
    for key in ("t1", "t2", "flair")
]


def test_findings_are_a_line_a_kind_and_unfold() -> None:
    error = {"severity": "error", "code": "constant", "input": "t1ce", "message": "The T1ce is empty.", "remedy": "Choose another file."}
    grids = {"severity": "note", "code": "grids_differ", "input": "t1", "message": "T1 lies on another grid.", "remedy": ""}
    text = wording.findings_html([*SKULLS, grids, error], BRAIN, "good")
    lines = text.split("<p ")[1:]
    assert len(lines) == 3 and "The T1ce is empty." in lines[0] and "Choose another file." in lines[0]  # an error in full, and first
    assert "<b>3 inputs:</b> skull present" in lines[1] and "has a skull" not in text
    assert "<b>T1:</b> on another grid" in lines[2]
    assert "<b>T1, T2:</b> skull present" in wording.findings_html(SKULLS[:2], BRAIN, "good")
    unfolded = wording.findings_html([*SKULLS, grids], BRAIN, "good", {"skull"})
    assert [f"{key} has a skull." in unfolded for key in ("t1", "t2", "flair")] == [True] * 3 and "lies on another grid" not in unfolded


def test_every_kind_that_has_words_is_one_of_the_checks() -> None:
    from MedSegDLLib.checks.findings import FindingCode

    assert wording.kind_texts().keys() <= {code.value for code in FindingCode}
    assert wording.input_helps().keys() == {entry.key for task in TASKS.values() for entry in task.inputs}


def test_interpreter_is_named_with_its_origin() -> None:
    interpreter = Interpreter(Path("/opt/python"), Source.VARIABLE)
    assert wording.interpreter_text(interpreter, None) == "/opt/python (variable)"
    assert "torch 2.13.0" in wording.interpreter_text(interpreter, READY)


def test_nothing_that_the_panel_imports_needs_torch() -> None:
    code = """
import sys
for name in ("torch", "safetensors"):
    sys.modules[name] = None  # importing it raises ImportError
from Testing.panel import standins
standins.install()
module = standins.import_panel()
import MedSegDLLib.scene.panel
from MedSegDLLib.checks.modality_guess import guess_modalities
print(module.MedSegDL.__name__, "without torch")
"""
    environment = {"PYTHONPATH": f"{ROOT / 'MedSegDL'}:{ROOT}", "QT_QPA_PLATFORM": "offscreen", "PATH": "/usr/bin:/bin"}
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=180)
    assert "MedSegDL without torch" in ran.stdout, ran.stderr[-2000:]
