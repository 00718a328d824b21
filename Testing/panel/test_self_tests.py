"""Slicer's own self tests (Testing/Python) on the stand-ins, with the real worker: what fails here would fail in the desktop.
The one that needs a module of the desktop (Segment Statistics) is left to it.
"""

from __future__ import annotations

import importlib
import os
import sys
import types
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import slicer

from MedSegDLLib.scene.bare import BareScene

from . import pythonqt, standins

SELF_TESTS = Path(__file__).resolve().parents[1] / "Python"
# About a second each on an idle machine; the others repeat what test_panel and test_run show. $MEDSEGDL_SELF_TESTS=all runs them all.
WITH_THE_REAL_WORKER = "test_06_cancel test_07_worker_killed test_08_scene_saved_and_loaded"
IN_THE_DESKTOP_ONLY = {"test_05_volumes_equal_segment_statistics"}
WORKER_NEEDED = ("torch", "safetensors")


class Desktop:
    """The functions of `slicer.util` that reach for the main window."""

    def __init__(self, bare: BareScene, module: Any) -> None:
        self.bare, self.module, self.shown, self.panel = bare, module, "", None
        self.editor = types.SimpleNamespace(nodes={})
        self.editor.setSegmentationNode = lambda node: self.editor.nodes.update(segmentation=node)
        self.editor.setSourceVolumeNode = lambda node: self.editor.nodes.update(source=node)
        self.editor.segmentationNode = lambda: self.editor.nodes["segmentation"]
        self.editor.sourceVolumeNode = lambda: self.editor.nodes["source"]

    def selectModule(self, name: str) -> None:
        """Show a module."""
        if self.shown == "MedSegDL":
            self.panel.exit()
        self.shown = name
        if name == "MedSegDL":
            if self.panel is None:
                parent = standins.module_panel()
                self.panel = self.module.MedSegDLWidget(parent)
                self.panel.setup()
                pythonqt.unwrap(parent).show()
            self.panel.enter()

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
    for name in ("selectModule", "getModuleWidget", "selectedModule", "mainWindow", "loadVolume", "saveScene", "loadScene"):
        monkeypatch.setattr(slicer.util, name, getattr(desktop, name))
    monkeypatch.setenv("MEDSEGDL_PYTHON", sys.executable)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("MEDSEGDL_WEIGHTS", "")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.syspath_prepend(str(SELF_TESTS))
    yield desktop
    if desktop.panel is not None:
        desktop.panel.cleanup()


def test_self_tests_pass_on_the_stand_ins(desktop: Desktop) -> None:
    for package in WORKER_NEEDED:
        pytest.importorskip(package)
    tests = importlib.import_module("MedSegDLSelfTest")
    chosen = os.environ.get("MEDSEGDL_SELF_TESTS", WITH_THE_REAL_WORKER)
    suite = unittest.TestSuite(
        test
        for test in unittest.defaultTestLoader.loadTestsFromTestCase(tests.MedSegDLSelfTest)
        if test._testMethodName not in IN_THE_DESKTOP_ONLY and (chosen == "all" or test._testMethodName in chosen.split())
    )
    result = unittest.TextTestRunner(stream=sys.stderr, verbosity=2).run(suite)
    assert result.testsRun > 0
    assert not result.skipped, result.skipped
    assert result.wasSuccessful(), [text for _, text in result.failures + result.errors]
