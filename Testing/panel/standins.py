"""Puts the stand-ins in the place of `qt`, `ctk` and the parts of `slicer` that only the desktop has; MRML itself is the real one."""

from __future__ import annotations

import importlib
import sys
import types
import unittest
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import slicer
import slicer.util
from PySide6 import QtCore, QtUiTools, QtWidgets

from . import parameter_nodes, pythonqt
from .slicer_widgets import WIDGETS

MODULE_FOLDER = Path(__file__).resolve().parents[2] / "MedSegDL"


class _Loader(QtUiTools.QUiLoader):
    """Qt's loader with the stand-ins for the designer plugins; applies mrmlSceneChanged connections itself."""

    def __init__(self) -> None:
        super().__init__()
        for widget in WIDGETS.values():
            self.registerCustomWidget(widget)

    def load(self, file: QtCore.QFile, parent: QtWidgets.QWidget | None = None) -> QtWidgets.QWidget:
        """Load a .ui file; a class that neither Qt nor a designer plugin has fails, as in Slicer."""
        tree = ElementTree.fromstring(bytes(file.readAll().data()))
        unknown = {entry.get("class") for entry in tree.iter("widget")} - set(WIDGETS) - set(dir(QtWidgets))
        assert not unknown, f"no designer plugin for {unknown}"
        connections = tree.find("connections")
        tree.remove(connections)
        content = QtCore.QBuffer()
        content.setData(ElementTree.tostring(tree))
        widget = super().load(content, parent)
        for connection in connections:
            _apply(connection, widget)
        return widget


def _apply(connection: ElementTree.Element, root: QtWidgets.QWidget) -> None:
    parts = {part.tag: part.text for part in connection}
    assert (parts["signal"], parts["slot"]) == ("mrmlSceneChanged(vtkMRMLScene*)", "setMRMLScene(vtkMRMLScene*)"), parts
    assert parts["sender"] == root.objectName(), parts
    root.connected.append(root.findChild(QtWidgets.QWidget, parts["receiver"]))


class Settings:
    """`qt.QSettings`: kept in memory."""

    values: dict[str, Any] = {}

    def value(self, key: str, default: Any = None) -> Any:
        """A setting."""
        return self.values.get(key, default)

    def setValue(self, key: str, value: Any) -> None:
        """Change a setting."""
        self.values[key] = value


class Application:
    """The parts of `slicer.app` that the panel touches."""

    applicationName = "Slicer"
    applicationLocaleName = "en_US"

    def __init__(self) -> None:
        self.startup: list[Callable] = []

    def testingEnabled(self) -> bool:
        """As under --testing."""
        return True

    def connect(self, signal: str, function: Callable) -> None:
        """Only the signal that modules use is known."""
        assert signal == "startupCompleted()", signal
        self.startup.append(function)

    def layoutManager(self) -> None:
        """There are no views."""

    def processEvents(self) -> None:
        """Let Qt work."""
        QtWidgets.QApplication.processEvents()


class ScriptedLoadableModule:
    """Base of the module; `parent` must know its path, as a qSlicerScriptedLoadableModule does."""

    def __init__(self, parent: Any) -> None:
        self.parent = parent
        self.moduleName = type(self).__name__
        icon = Path(parent.path).parent / "Resources" / "Icons" / f"{self.moduleName}.png"
        if icon.is_file():
            parent.icon = icon
        if not hasattr(slicer, "selfTests"):
            slicer.selfTests = {}
        slicer.selfTests[self.moduleName] = self.runTest

    def runTest(self, msec: int = 100, **options: Any) -> None:
        """Run the test class of the module's own file."""
        test = getattr(sys.modules[type(self).__module__], f"{self.moduleName}Test")()
        test.messageDelay = msec
        test.runTest(**options)


class ScriptedLoadableModuleWidget:
    """Base of the panel; `parent` is what Slicer puts it into."""

    def __init__(self, parent: Any = None) -> None:
        self.parent = parent
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.layout = parent.layout()

    def resourcePath(self, filename: str) -> str:
        """A file of the module's Resources."""
        return str(MODULE_FOLDER / "Resources" / filename)

    def setup(self) -> None:
        """No developer section here."""

    def cleanup(self) -> None:
        """Overridden."""


class ScriptedLoadableModuleLogic:
    """Base of the logic: one parameter node a scene."""

    def __init__(self, parent: Any = None) -> None:
        self.moduleName = type(self).__name__.removesuffix("Logic")

    def getParameterNode(self) -> Any:
        """The scene's parameter node of this module, made where there is none."""
        node = slicer.mrmlScene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
        if node is None:
            node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
            node.UnRegister(None)
            node.SetSingletonTag(self.moduleName)
            node.SetAttribute("ModuleName", self.moduleName)
            node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
            node = slicer.mrmlScene.AddNode(node)
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    """Base of the module's own test."""


class SampleDataLogic:
    """`SampleData.SampleDataLogic`: keeps what is offered; as upstream, a single file or as many names as addresses."""

    @staticmethod
    def registerCustomSampleDataSource(
        category: str = "Custom",
        sampleName: str | None = None,
        uris: Any = None,
        fileNames: Any = None,
        nodeNames: Any = None,
        customDownloader: Callable[[Any], Any] | None = None,
        thumbnailFileName: str | None = None,
        loadFileType: str = "VolumeFile",
        loadFiles: Any = None,
        loadFileProperties: dict[str, Any] | None = None,
        checksums: Any = None,
    ) -> None:
        """Offer a data set."""
        lengths = {1 if isinstance(entry, str) else len(entry) for entry in (uris, fileNames, nodeNames)}
        if len(lengths) != 1:
            raise ValueError("All fields of sample data source must have the same length")
        sources = vars(slicer.modules).setdefault("sampleDataSources", {})
        source = types.SimpleNamespace(sampleName=sampleName, customDownloader=customDownloader)
        sources.setdefault(category, []).append(source)


class ModulePanel(QtWidgets.QWidget):
    """The widget that Slicer puts a module's panel into (qSlicerScriptedLoadableModuleWidget).

    Attributes:
        entered: what `isEntered` says; C++ sets it before it calls `enter`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setLayout(QtWidgets.QVBoxLayout())
        self.entered = False

    isEntered = QtCore.Property(bool, lambda self: self.entered)


def _module(name: str, **contents: Any) -> types.ModuleType:
    module = types.ModuleType(name)
    vars(module).update(contents)
    sys.modules[name] = module
    return module


TRANSLATED: dict[str, str] = {}  # what `slicer.i18n.tr` finds; a test that speaks another language fills it
_module(
    "slicer.i18n", tr=lambda text: TRANSLATED.get(text, text), translate=lambda context, text: text
)  # imported with the panel's modules


def install() -> None:
    """Make `import qt, ctk, slicer` work as in the desktop. Once a process; needs a QApplication."""
    qt = pythonqt.QtModule("qt")
    qt.QUiLoader, qt.QSettings = pythonqt.proxy_class(_Loader), Settings
    sys.modules["qt"] = qt
    proxies = {name: pythonqt.proxy_class(widget) for name, widget in WIDGETS.items()}
    _module("ctk", **{name: proxy for name, proxy in proxies.items() if name.startswith("ctk")})
    for name in (name for name in proxies if name.startswith("q")):
        setattr(slicer, name, proxies[name])
    bases = (ScriptedLoadableModule, ScriptedLoadableModuleWidget, ScriptedLoadableModuleLogic, ScriptedLoadableModuleTest)
    _module("slicer.ScriptedLoadableModule", **{base.__name__: base for base in bases}, __all__=[base.__name__ for base in bases])
    _module("SampleData", SampleDataLogic=SampleDataLogic)
    _module("slicer.parameterNodeWrapper", parameterNodeWrapper=parameter_nodes.parameterNodeWrapper)


def segment_editor(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    """A Segment Editor that keeps what it is asked for, behind `slicer.util.selectModule` and `getModuleWidget`."""
    asked = types.SimpleNamespace(module=None, segmentation=None, source=None, segment=None)
    editor = types.SimpleNamespace(
        setSegmentationNode=lambda node: setattr(asked, "segmentation", node),
        setSourceVolumeNode=lambda node: setattr(asked, "source", node),
        setCurrentSegmentID=lambda key: setattr(asked, "segment", key),
    )
    monkeypatch.setattr(slicer.util, "selectModule", lambda name: setattr(asked, "module", name))
    monkeypatch.setattr(slicer.util, "getModuleWidget", lambda name: types.SimpleNamespace(editor=editor) if name == asked.module else None)
    return asked


def module_panel() -> Any:
    """A new module panel, as PythonQt would show it."""
    return pythonqt.wrap(ModulePanel())


def import_panel() -> types.ModuleType:
    """The module MedSegDL, imported as Slicer does it."""
    if str(MODULE_FOLDER) not in sys.path:
        sys.path.insert(0, str(MODULE_FOLDER))
    return importlib.import_module("MedSegDL")
