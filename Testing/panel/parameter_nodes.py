"""A stand-in for `slicer.parameterNodeWrapper`, with the traps of the real one (Base/Python/slicer/parameterNodeWrapper).
The real one's connectGui returns nothing, asks for exact widget types, caches values, and writes a default where the scene has none.
"""

from __future__ import annotations

import enum
import typing
from collections.abc import Callable
from typing import Any

import slicer
import vtk

from .observers import observe

PROPERTY = "SlicerParameterName"


class _Serializer:
    """Reads and writes one parameter of one node."""

    def __init__(self, kind: type, name: str, default: Any) -> None:
        self.kind, self.name, self.default = kind, name, default

    @property
    def is_node(self) -> bool:
        """Whether the parameter is a reference to a node."""
        return issubclass(self.kind, slicer.vtkMRMLNode)

    def read(self, node: Any) -> Any:
        """The value; where there is none, the default is written first."""
        if not node.HasParameter(self.name):
            self.write(node, self.default)
        if self.is_node:
            return node.GetNodeReference(self.name)
        text = node.GetParameter(self.name)
        if issubclass(self.kind, enum.Enum):
            if text not in self.kind.__members__:
                raise ValueError(f"Found {text!r} in parameter node but it is not a name in {self.kind!r}")
            return self.kind[text]
        return text == "True" if self.kind is bool else self.kind(text)

    def write(self, node: Any, value: Any) -> None:
        """Write a value of the declared type."""
        if not isinstance(value, self.kind) and not (self.is_node and value is None):
            raise TypeError(f"'{self.name}' takes {self.kind.__name__}, not {value!r}")
        if self.is_node:
            node.SetParameter(self.name, "")
            node.SetNodeReferenceID(self.name, value.GetID() if value is not None else None)
        else:
            node.SetParameter(self.name, value.name if isinstance(value, enum.Enum) else str(value))


class _Connector:
    """One widget bound to one parameter."""

    def __init__(self, widget: Any, kind: type) -> None:
        self.widget, self.kind = widget, kind
        self.signal, self.read, self.write = self._access()
        self.changed: Callable | None = None

    def _access(self) -> tuple[str, Callable, Callable]:
        import qt

        widget, kind = self.widget, self.kind
        if kind is bool and type(widget) is qt.QCheckBox:
            return "stateChanged(int)", lambda: widget.checked, lambda value: setattr(widget, "checked", value)
        if issubclass(kind, enum.Enum) and type(widget) is qt.QComboBox:
            return self._enum_access()
        if issubclass(kind, slicer.vtkMRMLNode) and type(widget) is slicer.qMRMLNodeComboBox:
            widget.nodeTypes = (kind().GetClassName(),)
            return "currentNodeChanged(vtkMRMLNode*)", lambda: widget.currentNode(), lambda value: widget.setCurrentNode(value)
        raise RuntimeError(f"Unable to create GUI connector from datatype '{kind}' to widget type '{type(widget)}'")

    def _enum_access(self) -> tuple[str, Callable, Callable]:
        widget, members = self.widget, list(self.kind)
        label = getattr(self.kind, "label", lambda member: member.name)
        widget.clear()
        for member in members:
            widget.addItem(label(member))

        def write(value: enum.Enum) -> None:
            widget.currentIndex = members.index(value)

        return "currentIndexChanged(int)", lambda: members[widget.currentIndex], write

    def listen(self, callback: Callable | None) -> None:
        """Call back on changes; None stops that."""
        if self.changed is not None:
            self.widget.disconnect(self.signal, self._tell)
        self.changed = callback
        if callback is not None:
            self.widget.connect(self.signal, self._tell)

    def _tell(self) -> None:
        if self.changed is not None:
            self.changed()


class _Wrapper:
    """The methods that the decorator adds."""

    def __init__(self, parameterNode: Any) -> None:
        object.__setattr__(self, "parameterNode", parameterNode)
        object.__setattr__(self, "_guis", {})
        object.__setattr__(self, "_updating", False)
        object.__setattr__(self, "_values", {})
        object.__setattr__(self, "_writing", set())
        for name, serializer in self._serializers.items():
            self._values[name] = serializer.read(parameterNode)
            observe(parameterNode, vtk.vtkCommand.ModifiedEvent, self, "_refresh", name)

    def _refresh(self, name: str) -> None:
        """Read a value anew; one that cannot be read raises here, within the event, and the old value stays."""
        if name not in self._writing:
            self._values[name] = self._serializers[name].read(self.parameterNode)

    def __getattr__(self, name: str) -> Any:
        if name not in self._serializers:
            raise AttributeError(f"Cannot find a param with the given name: {name}")
        return self.getValue(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._serializers:
            raise AttributeError(f"Cannot find a param with the given name: {name}")
        self.setValue(name, value)

    def getValue(self, name: str) -> Any:
        """The value of a parameter as it was at the node's last ModifiedEvent: upstream caches."""
        if name not in self._serializers:
            raise ValueError(f"Cannot find a param with the given name: {name}")
        return self._values[name]

    def setValue(self, name: str, value: Any) -> None:
        """Set the value of a parameter; one modified event."""
        self._writing.add(name)
        try:
            with slicer.util.NodeModify(self.parameterNode):
                self._serializers[name].write(self.parameterNode, value)
                self._values[name] = self._serializers[name].read(self.parameterNode)
        finally:
            self._writing.discard(name)

    def connectParametersToGui(self, mapping: dict[str, Any]) -> int:
        """Bind widgets to parameters both ways; returns the tag for `disconnectGui`."""
        connectors = {name: _Connector(widget, self._serializers[name].kind) for name, widget in mapping.items()}
        tag = len(self._guis)
        self._guis[tag] = connectors
        for name, connector in connectors.items():
            connector.write(self.getValue(name))
            connector.listen(lambda name=name, connector=connector: self._from_gui(name, connector))
        observe(self.parameterNode, vtk.vtkCommand.ModifiedEvent, self, "_to_gui")
        return tag

    def connectGui(self, gui: Any) -> None:
        """Bind by the dynamic property. Returns nothing, as upstream: the tag is lost."""
        widgets = [widget for widget in vars(gui).values() if widget.property(PROPERTY)]
        self.connectParametersToGui({widget.property(PROPERTY): widget for widget in widgets})

    def disconnectGui(self, tag: int | None) -> None:
        """Undo `connectParametersToGui`; an unknown tag is passed over."""
        for connector in self._guis.pop(tag, {}).values():
            connector.listen(None)

    def _from_gui(self, name: str, connector: _Connector) -> None:
        if not self._updating:
            self.setValue(name, connector.read())

    def _to_gui(self) -> None:
        if self._updating:
            return
        object.__setattr__(self, "_updating", True)
        try:
            for connectors in list(self._guis.values()):
                for name, connector in connectors.items():
                    connector.write(self.getValue(name))
        finally:
            object.__setattr__(self, "_updating", False)

    def AddObserver(self, event: Any, callback: Callable, priority: float = 0.0) -> int:
        """Observe the node."""
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag: int) -> None:
        """Stop observing the node."""
        self.parameterNode.RemoveObserver(tag)

    def StartModify(self) -> int:
        """Hold back events."""
        return self.parameterNode.StartModify()

    def EndModify(self, was: int) -> None:
        """Send the event that was held back."""
        self.parameterNode.EndModify(was)


def parameterNodeWrapper(declared: type) -> type:
    """The decorator: turns annotations into parameters of a vtkMRMLScriptedModuleNode."""
    serializers = {}
    for name, kind in typing.get_type_hints(declared).items():
        if hasattr(_Wrapper, name):
            raise ValueError(f"Cannot use reserved name '{name}' in a parameterNodeWrapper")
        serializers[name] = _Serializer(kind, name, getattr(declared, name, _default(kind)))
    return type(declared.__name__, (_Wrapper,), {"_serializers": serializers, "__doc__": declared.__doc__})


def _default(kind: type) -> Any:
    if issubclass(kind, slicer.vtkMRMLNode):
        kind()  # the real one asks an instance for its class's name: an abstract type fails
        return None
    return next(iter(kind)) if issubclass(kind, enum.Enum) else kind()
