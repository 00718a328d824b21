"""Stand-ins for the widgets of CTK and Slicer, natively drawn, with the properties, signals and slots of the real headers.
They follow a real MRML scene; what the real widget does not have is not here either.
"""

from __future__ import annotations

from typing import Any

import slicer
from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Property, Signal, Slot

from .observers import observe

HEADER_HEIGHT = 24
NONE_TEXT = "None"
CLOSED_SURFACE = "Closed surface"


class ctkCollapsibleButton(QtWidgets.QWidget):
    """A section with a header that folds it (ctkCollapsibleButton.h)."""

    contentsCollapsed = Signal(bool)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._text, self._collapsed = "", False
        self.setContentsMargins(0, HEADER_HEIGHT, 0, 0)

    def _get_text(self) -> str:
        return self._text

    def _set_text(self, text: str) -> None:
        self._text = text
        self.update()

    def _get_collapsed(self) -> bool:
        return self._collapsed

    @Slot(bool)
    def setCollapsed(self, collapsed: bool) -> None:
        """Fold or unfold; the children are hidden while it is folded."""
        self._collapsed = collapsed
        for child in self.findChildren(QtWidgets.QWidget, options=QtCore.Qt.FindChildOption.FindDirectChildrenOnly):
            child.setVisible(not collapsed)  # also one that was hidden before: the panel must not rely on it
        self.setMaximumHeight(HEADER_HEIGHT + 2 if collapsed else 16777215)
        self.contentsCollapsed.emit(collapsed)

    text = Property(str, _get_text, _set_text)
    collapsed = Property(bool, _get_collapsed, setCollapsed)

    def childEvent(self, event: QtCore.QChildEvent) -> None:
        """A child that comes while the section is folded is hidden, as in CTK."""
        if event.added() and self._collapsed and isinstance(event.child(), QtWidgets.QWidget):
            event.child().hide()
        super().childEvent(event)

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        """A click into the header folds or unfolds."""
        if event.position().y() < HEADER_HEIGHT:
            self.setCollapsed(not self._collapsed)

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """The header, in the colours of the palette."""
        painter = QtWidgets.QStylePainter(self)
        header = QtCore.QRect(0, 0, self.width(), HEADER_HEIGHT - 2)
        option = QtWidgets.QStyleOptionButton()
        option.initFrom(self)
        option.rect = header
        painter.drawControl(QtWidgets.QStyle.ControlElement.CE_PushButtonBevel, option)
        arrow = QtWidgets.QStyleOption()
        arrow.initFrom(self)
        arrow.rect = QtCore.QRect(8, 6, 10, 10)
        element = QtWidgets.QStyle.PrimitiveElement
        painter.drawPrimitive(element.PE_IndicatorArrowRight if self._collapsed else element.PE_IndicatorArrowDown, arrow)
        painter.drawText(header.adjusted(26, 0, 0, 0), QtCore.Qt.AlignmentFlag.AlignVCenter, self._text)


class ctkPathLineEdit(QtWidgets.QWidget):
    """A line with a file's path and a button to browse (ctkPathLineEdit.cpp). An empty path is no valid input: only that is told of it."""

    currentPathChanged = Signal(str)
    validInputChanged = Signal(bool)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._line = QtWidgets.QLineEdit(self)
        self._line.textChanged.connect(self._tell)
        self._valid = False
        browse = QtWidgets.QToolButton(self)
        browse.setText("...")
        row.addWidget(self._line)
        row.addWidget(browse)

    def _tell(self, path: str) -> None:
        was_valid, self._valid = self._valid, bool(path)
        if self._valid:
            self.currentPathChanged.emit(path)
        if self._valid != was_valid:
            self.validInputChanged.emit(self._valid)

    def _get_path(self) -> str:
        return self._line.text()

    @Slot(str)
    def setCurrentPath(self, path: str) -> None:
        """Show a path."""
        self._line.setText(path)

    currentPath = Property(str, _get_path, setCurrentPath)


class qMRMLWidget(QtWidgets.QWidget):
    """A widget that hands its scene on (qMRMLWidget.h); `connected` is filled from the .ui file's connections."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.connected: list[QtWidgets.QWidget] = []
        self._scene: Any = None

    @Slot(object)
    def setMRMLScene(self, scene: Any) -> None:
        """Set the scene, here and wherever mrmlSceneChanged is connected to."""
        self._scene = scene
        for receiver in self.connected:
            receiver.setMRMLScene(scene)


class qMRMLSegmentationShow3DButton(QtWidgets.QPushButton):
    """Shows or hides the closed surfaces of a segmentation (qMRMLSegmentationShow3DButton.cxx).

    As the real one it is enabled only while there are segments, and checked while there are surfaces, whoever made them.
    """

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__("Show 3D", parent)
        self.setCheckable(True)
        self.setEnabled(False)
        self._node: Any = None
        self._tags: list[int] = []
        self.toggled.connect(self._toggle)

    @Slot()
    def click(self) -> None:
        """Has a menu; ctkMenuButton keeps it shut in its mousePressEvent only, so a click from a program waits in the menu for ever."""
        raise AssertionError("click() of a ctkMenuButton opens its menu and waits: set `checked`")

    @Slot(object)
    def setSegmentationNode(self, node: Any) -> None:
        """The segmentation that the button is about; the same one again changes nothing."""
        if node is self._node:
            return
        for tag in self._tags:
            self._node.RemoveObserver(tag)
        self._node, segmentation = node, slicer.vtkSegmentation
        events = (
            "ModifiedEvent",
            segmentation.SegmentAdded,
            segmentation.SegmentRemoved,
            segmentation.ContainedRepresentationNamesModified,
        )
        self._tags = [observe(node, event, self, "_update") for event in events] if node is not None else []
        self._update()

    @Slot(result=object)
    def segmentationNode(self) -> Any:
        """The segmentation that the button is about."""
        return self._node

    def _update(self) -> None:
        segmentation = self._node.GetSegmentation() if self._node is not None else None
        self.setEnabled(segmentation is not None and segmentation.GetNumberOfSegments() > 0)
        if segmentation is not None:
            blocked = self.blockSignals(True)
            self.setChecked(segmentation.ContainsRepresentation(CLOSED_SURFACE))
            self.blockSignals(blocked)

    def _toggle(self, shown: bool) -> None:
        if self._node is None:
            return
        change = self._node.GetSegmentation().CreateRepresentation if shown else self._node.GetSegmentation().RemoveRepresentation
        change(CLOSED_SURFACE)


def _value(name: str, kind: Any, default: Any) -> Property:
    """A property of the selector that is stored and then applied to the list."""

    def read(self: qMRMLNodeComboBox) -> Any:
        return self._values.get(name, default)

    def write(self: qMRMLNodeComboBox, value: Any) -> None:
        self._values[name] = value
        self._refresh()

    return Property(kind, read, write)


class qMRMLNodeComboBox(QtWidgets.QWidget):
    """A selector of nodes that follows the scene (qMRMLNodeComboBox.h)."""

    currentNodeChanged = Signal(object)
    SIGNATURES = {"currentNodeChanged(vtkMRMLNode*)": "currentNodeChanged"}
    nodeTypes = _value("nodeTypes", "QStringList", [])
    hideChildNodeTypes = _value("hideChildNodeTypes", "QStringList", [])
    showChildNodeTypes = _value("showChildNodeTypes", bool, True)
    noneEnabled = _value("noneEnabled", bool, False)
    noneDisplay = _value("noneDisplay", str, NONE_TEXT)
    addEnabled = _value("addEnabled", bool, True)
    removeEnabled = _value("removeEnabled", bool, True)
    renameEnabled = _value("renameEnabled", bool, False)
    baseName = _value("baseName", str, "")

    def _get_policy(self) -> QtWidgets.QComboBox.SizeAdjustPolicy:
        return self._box.sizeAdjustPolicy()

    def _set_policy(self, policy: QtWidgets.QComboBox.SizeAdjustPolicy) -> None:
        self._box.setSizeAdjustPolicy(policy)

    sizeAdjustPolicy = Property(QtWidgets.QComboBox.SizeAdjustPolicy, _get_policy, _set_policy)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._values: dict[str, Any] = {}
        self._scene, self._tags, self._nodes, self._current = None, [], [], None
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._box = QtWidgets.QComboBox(self)
        self._box.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._box.activated.connect(lambda row: self.setCurrentNode(self._nodes[row]))
        row.addWidget(self._box)

    @Slot(object)
    def setMRMLScene(self, scene: Any) -> None:
        """Follow a scene."""
        for tag in self._tags:
            self._scene.RemoveObserver(tag)
        self._scene = scene
        events = (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndCloseEvent, scene.EndImportEvent) if scene else ()
        self._tags = [observe(scene, event, self, "_refresh") for event in events]
        self._refresh()

    @Slot(result=object)
    def currentNode(self) -> Any:
        """The selected node or None."""
        return self._current

    @Slot(object)
    def setCurrentNode(self, node: Any) -> None:
        """Select a node; one that the selector does not list counts as none."""
        node = node if node is not None and any(node is known for known in self._nodes) else None
        changed = node is not self._current
        self._current = node
        self._box.setCurrentIndex(next((row for row, known in enumerate(self._nodes) if known is node), -1))
        if changed:
            self.currentNodeChanged.emit(node)

    @Slot(result=int)
    def nodeCount(self) -> int:
        """How many nodes are listed."""
        return sum(node is not None for node in self._nodes)

    def _listed(self, node: Any) -> bool:
        if node.GetHideFromEditors() or any(node.IsA(hidden) for hidden in self.hideChildNodeTypes):
            return False
        return any(node.IsA(kind) if self.showChildNodeTypes else node.GetClassName() == kind for kind in self.nodeTypes)

    def _refresh(self) -> None:
        scene, kinds = self._scene, self.nodeTypes if self._scene else []
        found = [scene.GetNthNodeByClass(n, kind) for kind in kinds for n in range(scene.GetNumberOfNodesByClass(kind))]
        none = [None] if self.noneEnabled and self._scene else []  # qMRMLSceneModel: without a scene there is no item, not even 'None'
        before = self._nodes
        self._nodes = none + [node for node in found if self._listed(node)]
        self._box.clear()
        for node in self._nodes:
            self._box.addItem(self.noneDisplay if node is None else node.GetName())
        self.setCurrentNode(self._current if any(self._current is node for node in self._nodes) else self._instead(before))

    def _instead(self, before: list[Any]) -> Any:
        """Who is selected when the selected node is gone: the one listed before it, as QComboBox does."""
        row = next((row for row, known in enumerate(before) if known is self._current), 0)
        return self._nodes[min(max(row - 1, 0), len(self._nodes) - 1)] if self._nodes else None


_ALL = (ctkCollapsibleButton, ctkPathLineEdit, qMRMLWidget, qMRMLSegmentationShow3DButton, qMRMLNodeComboBox)
WIDGETS = {widget.__name__: widget for widget in _ALL}
