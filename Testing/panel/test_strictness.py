"""The stand-ins fail where PythonQt fails: otherwise a green test of the panel would prove nothing about the desktop."""

from __future__ import annotations

import enum
import functools
import gc
from typing import Any

import pytest
import slicer
import vtk
from PySide6 import QtWidgets

from MedSegDLLib.scene.bare import BareScene

from . import pythonqt
from .observers import observe
from .parameter_nodes import parameterNodeWrapper


@pytest.fixture
def qt(bare: BareScene) -> Any:
    """The module `qt` as the panel imports it."""
    import qt

    return qt


def test_properties_are_attributes(qt: Any) -> None:
    box = qt.QCheckBox()
    box.checked = True
    assert box.checked is True
    with pytest.raises(TypeError, match="not callable"):
        box.checked()
    with pytest.raises(TypeError, match="not callable"):
        qt.QLineEdit().text()


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [("chekced", True, "creating new attributes"), ("text", 3, "does not accept"), ("checked", "yes", "does not accept")],
)
def test_wrong_assignments_fail(qt: Any, name: str, value: Any, complaint: str) -> None:
    with pytest.raises(AttributeError, match=complaint):
        setattr(qt.QCheckBox(), name, value)


def test_read_only_properties_cannot_be_set(qt: Any) -> None:
    with pytest.raises(AttributeError, match="not writable"):
        qt.QComboBox().count = 3


@pytest.mark.parametrize("name", ["set_text", "staticMetaObject", "clicked2", "checkStateChanged"])
def test_what_qt_5_does_not_declare_fails(qt: Any, name: str) -> None:
    with pytest.raises(AttributeError, match="no attribute"):
        getattr(qt.QCheckBox(), name)  # the last one is a signal of Qt 6


def test_a_static_function_hides_the_property_of_its_name(qt: Any) -> None:
    timer = qt.QTimer()
    with pytest.raises(AttributeError, match="Slot 'singleShot' can not be overwritten on QTimer object"):
        timer.singleShot = True
    timer.setSingleShot(True)
    assert timer.isSingleShot() and timer.singleShot is not True  # what is read is the function
    assert callable(qt.QTimer.singleShot)


@pytest.mark.parametrize("name", ["setValue", "valueChanged"])
def test_slots_and_signals_cannot_be_overwritten(qt: Any, name: str) -> None:
    with pytest.raises(AttributeError, match="can not be overwritten"):
        setattr(qt.QProgressBar(), name, 3)


def test_an_overloaded_signal_wants_its_signature(qt: Any) -> None:
    box, heard = qt.QComboBox(), []
    with pytest.raises(AttributeError, match="overloaded"):
        box.currentIndexChanged.connect(heard.append)
    box.connect("currentIndexChanged(int)", heard.append)
    box.addItem("first")
    assert heard == [0]


def test_enum_values_are_whole_numbers(qt: Any) -> None:
    both = qt.Qt.AlignRight | qt.Qt.AlignVCenter
    assert type(both) is int and both == 0x82
    item = qt.QTableWidgetItem("right")
    item.setTextAlignment(both)
    box = qt.QComboBox()
    box.sizeAdjustPolicy = qt.QComboBox.AdjustToMinimumContentsLengthWithIcon


def test_a_class_that_the_table_lacks_is_refused(qt: Any) -> None:
    with pytest.raises(AttributeError, match="no attribute named 'value'"):
        _ = qt.QDial().value


def test_the_panels_timers_are_made_as_pythonqt_wants_it(bare: BareScene) -> None:
    from MedSegDLLib.scene.widgets import new_timer

    once, often = new_timer(lambda: None, 20, once=True), new_timer(lambda: None, 20)
    assert once.isSingleShot() and not often.isSingleShot() and once.interval == 20


def test_enums_are_attributes_of_their_class_only(qt: Any) -> None:
    assert qt.Qt.AlignRight and qt.QFile.ReadOnly
    with pytest.raises(AttributeError):
        _ = qt.Qt.AlignmentFlag
    with pytest.raises(AttributeError):
        _ = qt.QHeaderView.ResizeMode


def test_signals_connect_by_signature_that_must_exist(qt: Any) -> None:
    button, heard = qt.QPushButton(), []
    button.connect("clicked(bool)", heard.append)
    button.click()
    assert heard == [False]
    with pytest.raises(AttributeError, match="no signal"):
        button.connect("clicked(int)", heard.append)


def test_receivers_get_as_many_arguments_as_they_take(qt: Any) -> None:
    class Panel:
        calls = 0

        def on_click(self) -> None:
            self.calls += 1

    panel, button = Panel(), qt.QPushButton()
    button.connect("clicked(bool)", panel.on_click)
    button.clicked.connect(lambda *arguments: arguments[0])
    button.click()
    assert panel.calls == 1


def test_wrapped_receivers_get_all_arguments(qt: Any) -> None:
    @functools.wraps(lambda: None)
    def receiver(*arguments: Any) -> None:
        heard.append(arguments)

    heard: list[tuple[Any, ...]] = []
    button = qt.QPushButton()
    button.connect("clicked(bool)", receiver)
    button.connect("clicked(bool)", functools.partial(receiver, "first"))
    button.click()
    assert heard == [(False,), ("first", False)]


def test_an_error_in_a_slot_is_kept_for_the_fixture(qt: Any) -> None:
    button = qt.QPushButton()
    button.connect("clicked(bool)", lambda: 1 / 0)
    button.click()
    assert [type(error) for error in pythonqt.slot_errors] == [ZeroDivisionError]
    pythonqt.slot_errors.clear()


def test_the_same_object_is_the_same_proxy_and_classes_are_exact(qt: Any) -> None:
    outer = qt.QWidget()
    outer.setLayout(qt.QFormLayout())
    label = qt.QLabel("name")
    outer.layout().addRow(label, qt.QLineEdit())
    assert outer.layout() is outer.layout()
    assert label in outer.children()
    assert type(label) is qt.QLabel and isinstance(label, qt.QWidget)


def test_an_item_that_python_forgets_leaves_the_table(qt: Any) -> None:
    table = qt.QTableWidget()
    table.rowCount, table.columnCount = 1, 2
    kept = qt.QTableWidgetItem("kept")
    table.setItem(0, 0, kept)
    table.setItem(0, 1, qt.QTableWidgetItem("forgotten"))
    assert table.item(0, 0).text() == "kept" and table.item(0, 1) is None


def test_dialogs_are_never_opened(qt: Any) -> None:
    with pytest.raises(AssertionError, match="modal"):
        _ = qt.QMessageBox


def test_unknown_widgets_in_a_ui_file_fail(bare: BareScene, tmp_path: Any) -> None:
    path = tmp_path / "odd.ui"
    path.write_text('<ui version="4.0"><widget class="qMRMLNoSuchWidget" name="odd"/><connections/></ui>', encoding="utf-8")
    with pytest.raises(AssertionError, match="qMRMLNoSuchWidget"):
        slicer.util.loadUI(str(path))


def test_selector_lists_what_the_real_one_lists(bare: BareScene) -> None:
    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    selector.setMRMLScene(slicer.mrmlScene)
    grey, colour, labels = (
        slicer.mrmlScene.AddNewNodeByClass(f"vtkMRML{kind}VolumeNode", kind) for kind in ("Scalar", "Vector", "LabelMap")
    )
    assert selector.nodeCount() == 3 and selector.currentNode() is grey  # without noneEnabled the first is taken
    selector.hideChildNodeTypes = ["vtkMRMLLabelMapVolumeNode"]
    assert selector.nodeCount() == 2
    selector.showChildNodeTypes = False
    selector.setCurrentNode(colour)
    assert selector.nodeCount() == 1 and selector.currentNode() is None
    slicer.mrmlScene.RemoveNode(labels)
    slicer.mrmlScene.RemoveNode(grey)
    assert selector.currentNode() is None


def test_a_selector_takes_the_node_before_a_removed_one(bare: BareScene) -> None:
    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes, selector.noneEnabled = ["vtkMRMLModelNode"], True
    selector.setMRMLScene(slicer.mrmlScene)
    first, second = (slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode") for _ in range(2))
    selector.setCurrentNode(second)
    slicer.mrmlScene.RemoveNode(second)
    assert selector.currentNode() is first


class Choice(enum.Enum):
    """For the wrapper's test."""

    ONE = 1
    TWO = 2


def test_parameter_wrapper_has_the_traps_of_the_real_one(bare: BareScene, qt: Any) -> None:
    class Declared:
        choice: Choice
        node: slicer.vtkMRMLModelNode

    Declared.__annotations__ = {"choice": Choice, "node": slicer.vtkMRMLModelNode}
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
    wrapper = parameterNodeWrapper(Declared)(node)
    assert node.GetParameter("choice") == "ONE"  # the default is written at once
    with pytest.raises(TypeError):
        wrapper.node = slicer.vtkMRMLSegmentationNode()
    with pytest.raises(RuntimeError, match="GUI connector"):
        wrapper.connectParametersToGui({"choice": qt.QLineEdit()})
    assert wrapper.connectGui(type("", (), {})()) is None  # upstream loses the tag
    node.SetParameter("choice", "TWO")
    assert wrapper.choice is Choice.TWO
    node.DisableModifiedEventOn()
    node.SetParameter("choice", "ONE")
    assert wrapper.choice is Choice.TWO  # values are cached until the next ModifiedEvent
    node.DisableModifiedEventOff()
    node.SetParameter("choice", "THREE")
    with pytest.raises(ValueError, match="THREE"):
        parameterNodeWrapper(Declared)(node)


class Owner:
    """Observes a node; part of a cycle, as a panel and its widgets are."""

    def __init__(self, node: Any) -> None:
        self.node, self.self, self.calls = node, self, 0
        observe(node, vtk.vtkCommand.ModifiedEvent, self, "count")

    def count(self) -> None:
        """One more call."""
        self.calls += 1


def test_the_collector_does_not_empty_an_observer_that_the_scene_still_calls(bare: BareScene, capfd: pytest.CaptureFixture) -> None:
    owner = Owner(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))
    name = owner.node.GetID()
    owner.node.Modified()
    assert owner.calls == 1
    del owner
    assert gc.collect() > 0
    slicer.mrmlScene.GetNodeByID(name).Modified()
    assert capfd.readouterr().err == ""


def test_an_abstract_node_type_is_no_parameter(bare: BareScene) -> None:
    class Declared:
        node: slicer.vtkMRMLVolumeNode

    Declared.__annotations__ = {"node": slicer.vtkMRMLVolumeNode}
    with pytest.raises((TypeError, NotImplementedError)):
        parameterNodeWrapper(Declared)


def test_the_3d_button_follows_the_segmentation(bare: BareScene) -> None:
    button, node = slicer.qMRMLSegmentationShow3DButton(), slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    button.setSegmentationNode(node)
    assert not button.enabled  # nothing to show yet
    sphere = vtk.vtkSphereSource()
    sphere.Update()
    node.AddSegmentFromClosedSurfaceRepresentation(sphere.GetOutput(), "ball", (1.0, 0.0, 0.0))
    assert button.enabled and button.checked
    with pytest.raises(AssertionError, match="opens its menu"):
        button.click()
    button.setSegmentationNode(None)
    assert not button.enabled


def test_a_section_hides_all_its_children_and_shows_them_again(bare: BareScene) -> None:
    import ctk

    section = ctk.ctkCollapsibleButton()
    native = pythonqt.unwrap(section)
    layout = QtWidgets.QVBoxLayout(native)
    child = QtWidgets.QLabel("hidden by the panel")
    layout.addWidget(child)
    child.hide()
    section.collapsed = True
    section.collapsed = False
    assert not child.isHidden()  # what is hidden must lie one level deeper
