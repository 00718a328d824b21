"""Slicer's own self tests (Testing/Python) on the stand-ins, with the real worker and without one: what fails here would fail in the
desktop. The one that needs a module of the desktop (Segment Statistics) is left to it.
"""

from __future__ import annotations

import importlib
import os
import runpy
import sys
import types
import unittest
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import slicer

from MedSegDLLib.scene.bare import BareScene

from . import pythonqt, standins

SELF_TESTS = Path(__file__).resolve().parents[1] / "Python"
# About a second each on an idle machine; the others repeat what test_panel and test_run show. $MEDSEGDL_SELF_TESTS=all runs them all.
WITH_THE_REAL_WORKER = "test_06_cancel test_07_worker_killed test_08_scene_saved_and_loaded test_21_the_panel_always_comes_back"
IN_THE_DESKTOP_ONLY = {"test_00_the_first_opening_is_short", "test_05_volumes_equal_segment_statistics", "test_24_on_a_small_screen"}
IN_THE_DESKTOP_ONLY |= {"test_40_report", "test_50_a_head_as_scanned", "test_61_a_click_redraws_the_outline"}
IN_THE_DESKTOP_ONLY |= {"test_75_follow_up", "test_76_undo_of_a_run"}
IN_THE_DESKTOP_ONLY |= {"test_70_labels_without_overlap", "test_71_uncertainty_by_one_click", "test_72_density_and_histogram_of_nuclei"}
IN_THE_DESKTOP_ONLY |= {"test_73_the_tour", "test_74_dark_style", "test_77_several_studies"}
IN_THE_DESKTOP_ONLY |= {"test_78_learning_from_corrections", "test_79_nonsense", "test_80_a_round_by_mouse", "test_81_german_and_french"}
WORKER_NEEDED = ("torch", "safetensors")
RUNS_WITHOUT_A_WORKER = 14  # of the tests that the stand-ins can run


class Desktop:
    """The functions of `slicer.util` that reach for the main window."""

    def __init__(self, bare: BareScene, module: Any) -> None:
        self.bare, self.module, self.shown, self.panel = bare, module, "", None
        self.place = standins.module_panel()
        module.MedSegDL(types.SimpleNamespace(path=str(standins.MODULE_FOLDER / "MedSegDL.py")))
        for started in slicer.app.startup:
            started()
        self.editor = types.SimpleNamespace(nodes={})
        self.editor.setSegmentationNode = lambda node: self.editor.nodes.update(segmentation=node)
        self.editor.setSourceVolumeNode = lambda node: self.editor.nodes.update(source=node)
        self.editor.segmentationNode = lambda: self.editor.nodes["segmentation"]
        self.editor.sourceVolumeNode = lambda: self.editor.nodes["source"]

    def selectModule(self, name: str) -> None:
        """Show a module."""
        if self.shown == name:
            return  # Slicer does nothing then
        place = pythonqt.unwrap(self.place)
        if self.shown == "MedSegDL":
            place.entered = False
            self.panel.exit()
        self.shown = name
        if name == "MedSegDL":
            if self.panel is None:
                self.panel = self.module.MedSegDLWidget(self.place)
                self.panel.setup()
                place.show()
            place.entered = True
            self.panel.enter()

    def reloadScriptedModule(self, name: str) -> None:
        """As `slicer.util.reloadScriptedModule`: hide, clean up, empty the layout, build anew; `enter` is not called."""
        layout = pythonqt.unwrap(self.place).layout()
        self.panel.cleanup()
        while layout.count():
            layout.takeAt(0).widget().hide()
        self.panel = self.module.MedSegDLWidget(self.place)
        self.panel.setup()

    def getModuleWidget(self, name: str) -> Any:
        """The panel, or a Segment Editor that remembers."""
        return self.panel if name == "MedSegDL" else types.SimpleNamespace(editor=self.editor)

    def selectedModule(self) -> str:
        """The module that is shown."""
        return self.shown

    def mainWindow(self) -> None:
        """There is none."""

    def loadVolume(self, path: str, properties: dict) -> Any:
        """A volume file."""
        return self.bare.load_volume(path)

    def saveScene(self, path: str) -> bool:
        """The scene as .mrb."""
        self.bare.save(path)
        return True

    def loadScene(self, path: str) -> None:
        """A .mrb file."""
        self.bare.load(path)


@pytest.fixture
def desktop(bare: BareScene, module: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Desktop]:
    """Enough of a desktop for the self tests; the worker runs on this Python."""
    desktop = Desktop(bare, module)
    replaced = ("selectModule", "getModuleWidget", "selectedModule", "mainWindow", "loadVolume", "saveScene", "loadScene")
    for name in (*replaced, "reloadScriptedModule"):
        monkeypatch.setattr(slicer.util, name, getattr(desktop, name))
    monkeypatch.setenv("MEDSEGDL_PYTHON", sys.executable)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("MEDSEGDL_WEIGHTS", "")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.syspath_prepend(str(SELF_TESTS))
    yield desktop
    if desktop.panel is not None:
        desktop.panel.cleanup()


def run(chosen: str) -> unittest.TestResult:
    """Run self tests by name, or all that the stand-ins can; none may fail."""
    tests = importlib.import_module("MedSegDLSelfTest")
    suite = unittest.TestSuite(
        test
        for test in unittest.defaultTestLoader.loadTestsFromTestCase(tests.MedSegDLSelfTest)
        if test._testMethodName not in IN_THE_DESKTOP_ONLY and (chosen == "all" or test._testMethodName in chosen.split())
    )
    result = unittest.TextTestRunner(stream=sys.stderr, verbosity=2).run(suite)
    assert result.testsRun > 0
    assert result.wasSuccessful(), [text for _, text in result.failures + result.errors]
    return result


def test_self_tests_pass_on_the_stand_ins(desktop: Desktop) -> None:
    for package in WORKER_NEEDED:
        pytest.importorskip(package)
    result = run(os.environ.get("MEDSEGDL_SELF_TESTS", WITH_THE_REAL_WORKER))
    assert not result.skipped, result.skipped


def test_without_torch_what_needs_no_worker_runs_and_the_rest_says_why_not(
    desktop: Desktop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv.create(tmp_path / "bare", symlinks=True)
    python = tmp_path / "bare" / "bin" / "python"
    monkeypatch.setenv("MEDSEGDL_PYTHON", str(python))
    result = run("all")
    assert result.testsRun - len(result.skipped) == RUNS_WITHOUT_A_WORKER
    for _test, reason in result.skipped:
        assert str(python) in reason and "torch" in reason and "set MEDSEGDL_PYTHON" in reason


def test_the_repositorys_python_is_taken_only_where_nobody_chose_one(
    desktop: Desktop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helpers = importlib.import_module("self_test_desktop")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    helpers.offer_repository_python(tmp_path)
    assert os.environ["MEDSEGDL_PYTHON"] == sys.executable
    monkeypatch.setenv("MEDSEGDL_PYTHON", "")
    helpers.offer_repository_python(tmp_path / "not there")
    assert os.environ["MEDSEGDL_PYTHON"] == ""
    helpers.offer_repository_python(tmp_path)
    assert os.environ["MEDSEGDL_PYTHON"] == str(tmp_path)


class Small(unittest.TestCase):
    """Stands for the self tests where only the verdict matters."""

    __test__ = False

    def passes(self) -> None:
        """Well."""

    def skips(self) -> None:
        """No worker."""
        self.skipTest("no worker")

    def fails(self) -> None:
        """Badly."""
        self.fail("badly")


@pytest.mark.parametrize(("choice", "run"), [("", ["fails", "passes", "skips"]), ("pass ski", ["passes", "skips"]), ("none", [])])
def test_single_self_tests_are_chosen_by_the_beginning_of_their_names(
    desktop: Desktop, monkeypatch: pytest.MonkeyPatch, choice: str, run: list[str]
) -> None:
    seen: list[str] = []
    suite = unittest.TestSuite([unittest.TestSuite([Small("fails"), Small("passes")]), Small("skips")])
    monkeypatch.setattr(unittest.defaultTestLoader, "loadTestsFromName", lambda name: suite)
    monkeypatch.setattr(unittest.TestCase, "run", lambda self, result: seen.append(self._testMethodName))
    monkeypatch.setattr(slicer.util, "exit", lambda code: None)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("MEDSEGDL_SELF_TESTS", choice)
    runpy.run_path(str(SELF_TESTS / "run_self_tests.py"), run_name="__main__")
    assert seen == run


@pytest.mark.parametrize(("names", "code"), [(["passes"], 0), (["passes", "fails", "skips"], 1), (["passes", "skips"], 2), ([], 1)])
def test_the_exit_code_is_honest(desktop: Desktop, monkeypatch: pytest.MonkeyPatch, names: list[str], code: int) -> None:
    codes: list[int] = []
    monkeypatch.setattr(slicer.util, "exit", codes.append)
    suite = unittest.TestSuite(Small(name) for name in names)
    monkeypatch.setattr(unittest.defaultTestLoader, "loadTestsFromName", lambda name: suite)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delenv("MEDSEGDL_SELF_TESTS", raising=False)
    runpy.run_path(str(SELF_TESTS / "run_self_tests.py"), run_name="__main__")
    assert codes == [code]
