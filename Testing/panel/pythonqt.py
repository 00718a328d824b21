"""PythonQt played by PySide6, as strict as the real one: it fails on everything that PythonQt does not have.
What it enforces is read from PythonQt's own sources (PythonQtInstanceWrapper.cpp, PythonQtClassInfo.cpp, PythonQtSignalReceiver.cpp).

Properties are attributes, and calling one fails; a name that is neither property, slot, signal nor wrapped function fails; a property that
shares its name with a slot or a static function is hidden by it; new attributes on C++ objects fail; signals connect by signature, and by
name where they are not overloaded; enum values are whole numbers and attributes of their class.
"""

from __future__ import annotations

import ctypes
import enum
import inspect
import json
import types
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import shiboken6
from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets

# What Qt 5.15 declares and PythonQt wraps, class by class: properties with their types, signals, public slots, functions, static functions,
# enums (made by read_qt_declarations.py). PySide6 is Qt 6: what only that has is refused.
TABLE: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("qt515.json").read_text(encoding="utf-8"))
_DECORATORS = (
    "children",
    "parent",
    "setParent",
    "findChild",
    "findChildren",
    "property",
    "setProperty",
    "metaObject",
    "tr",
)  # PythonQtStdDecorators.h
TABLE["QObject"]["functions"].extend(_DECORATORS)
_MODULES = (QtCore, QtGui, QtWidgets, QtUiTools)
_NUMBERS = {"bool": (bool, int), "int": (int,), "double": (int, float)}

# PySide 6.12 gives back one reference too many to None, True and False at each emit; before Python 3.12 that ends in an abort.
for _constant in (None, True, False):
    for _ in range(100_000):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(_constant))

slot_errors: list[BaseException] = []  # PythonQt prints what a slot raises and goes on; the tests look here
_alive: dict[int, tuple[Any, Any]] = {}
_proxies: dict[type, type] = {}


def forget_all() -> None:
    """Drop every proxy, as at the end of the application."""
    _alive.clear()
    slot_errors.clear()


def wrap(value: Any) -> Any:
    """What Python code sees of a native value: objects get a proxy (always the same one), lists are wrapped through."""
    if isinstance(value, (list, tuple)):
        return type(value)(wrap(entry) for entry in value)
    if isinstance(value, QtWidgets.QLayoutItem) and not isinstance(value, QtCore.QObject):
        return LayoutItem(value)
    if not isinstance(value, (QtCore.QObject, QtWidgets.QTableWidgetItem, QtGui.QPixmap)):
        return value
    address = shiboken6.getCppPointer(value)[0]
    known = _alive.get(address)
    if known is None or known[0] is not value:
        proxy = object.__new__(proxy_class(type(value)))
        object.__setattr__(proxy, "_native", value)
        _alive[address] = known = (value, proxy)
    return known[1]


class LayoutItem:
    """A place in a layout: what is there, a widget or another layout; None for neither."""

    def __init__(self, native: QtWidgets.QLayoutItem) -> None:
        self.widget = lambda: wrap(native.widget())
        self.layout = lambda: wrap(native.layout())


def unwrap(value: Any) -> Any:
    """The native value behind a proxy, a proxy class, or a list of them."""
    if isinstance(value, (list, tuple)):
        return type(value)(unwrap(entry) for entry in value)
    if isinstance(value, _ProxyType):
        return value._native_class
    if isinstance(value, EnumValue):
        return value.native
    return object.__getattribute__(value, "_native") if isinstance(value, PythonQtObject) else value


def accepted_arguments(function: Callable) -> int | None:
    """How many arguments PythonQt passes to a callable at most; None for all.

    PythonQtSignalTarget::call counts co_argcount of functions and methods as they are: what functools.wraps or partial made gets all.
    """
    target = function.__func__ if inspect.ismethod(function) else function
    if not inspect.isfunction(target) or target.__code__.co_flags & inspect.CO_VARARGS:
        return None
    return target.__code__.co_argcount - (1 if inspect.ismethod(function) else 0)


def _receiver(function: Callable) -> Callable:
    """A slot that passes on as many arguments as the callable takes and keeps what it raises."""

    def receive(*arguments: Any) -> None:
        try:
            function(*wrap(list(arguments))[: accepted_arguments(function)])
        except Exception as error:  # noqa: BLE001 - a C++ caller cannot take it: PythonQt prints it and goes on
            slot_errors.append(error)

    return receive


class Signal:
    """A signal bound to its object."""

    def __init__(self, owner: PythonQtObject, name: str, signature: str = "") -> None:
        self._signal = _native_signal(unwrap(owner), name, signature)
        self._receivers: list[tuple[Callable, Callable]] = unwrap(owner).__dict__.setdefault(f"_receivers_{name}", [])

    def connect(self, function: Callable) -> bool:
        """Connect a callable."""
        if not callable(function):
            raise TypeError(f"a signal connects to a callable, not to {function!r}")
        receiver = _receiver(function)
        self._receivers.append((function, receiver))
        self._signal.connect(receiver)
        return True

    def disconnect(self, function: Callable) -> bool:
        """Disconnect a callable that was connected."""
        for pair in self._receivers:
            if pair[0] == function:
                self._receivers.remove(pair)
                self._signal.disconnect(pair[1])
                return True
        return False

    def __call__(self, *arguments: Any) -> None:
        self._signal.emit(*unwrap(arguments))


def _native_signal(native: QtCore.QObject, name: str, signature: str) -> Any:
    """The signal of that signature; without one, the one that carries all its arguments: PySide leaves out those with a default."""
    signal, meta = getattr(native, name), native.metaObject()
    same = [method for method in map(meta.method, range(meta.methodCount())) if method.name().data().decode() == name]
    wanted = [method for method in same if method.methodSignature().data().decode() == signature] or same
    types = max((method.parameterTypes() for method in wanted), key=len)
    return signal[types[0].data().decode()] if len(same) > 1 and len(types) == 1 else signal


class Slot:
    """A slot, or a wrapped function, bound to its object."""

    def __init__(self, owner: Any, name: str) -> None:
        self._owner, self._name = owner, name

    def __call__(self, *arguments: Any) -> Any:
        found = getattr(unwrap(self._owner), self._name)(*unwrap(list(arguments)))
        return _whole(found) if isinstance(found, enum.Enum) else wrap(found)


class _ProxyType(type):
    """Makes enum values and static functions attributes of the class; everything else fails."""

    _native_class: type

    def __getattr__(cls, name: str) -> Any:
        native = cls.__dict__.get("_native_class")
        known = declared(native) if native is not None else Declared()
        if name in known.enum_values:
            return _enum_value(native.__mro__, name)
        if name in known.static:
            return Slot(cls, name)
        raise AttributeError(f"type object '{cls.__name__}' has no attribute '{name}'")


class EnumValue(int):
    """A value of an enum, as PythonQt has it: a whole number; `|` gives a plain one."""

    native: enum.Enum


def _whole(member: enum.Enum) -> EnumValue:
    value = EnumValue(member.value)
    value.native = member
    return value


def _enum_value(holders: tuple[type, ...], name: str) -> EnumValue:
    for holder in holders:
        for member in vars(holder).values():
            if isinstance(member, type) and issubclass(member, enum.Enum) and name in member.__members__:
                return _whole(member[name])
    raise AttributeError(f"Qt 6 has no '{name}' any more: the stand-ins cannot play it")


class PythonQtObject(metaclass=_ProxyType):
    """The root of all proxies (PythonQtInstanceWrapper)."""

    _native_class: type = QtCore.QObject
    SIGNATURES: dict[str, str] = {}  # C++ signature -> the stand-in's signal, for arguments that Qt does not know

    def __init__(self, *arguments: Any) -> None:
        native = type(self)._native_class(*unwrap(list(arguments)))
        object.__setattr__(self, "_native", native)
        if isinstance(native, QtWidgets.QTableWidgetItem):
            weakref.finalize(self, _delete, native).atexit = False
        else:
            _alive[shiboken6.getCppPointer(native)[0]] = (native, self)

    def className(self) -> str:
        """The C++ class's name."""
        return type(self).__name__

    def connect(self, signature: str, function: Callable) -> bool:
        """Connect a signal given by its C++ signature, `clicked(bool)`."""
        return Signal(self, *self._signal_of(signature)).connect(function)

    def disconnect(self, signature: str, function: Callable) -> bool:
        """Inverse of `connect`."""
        return Signal(self, *self._signal_of(signature)).disconnect(function)

    def _signal_of(self, signature: str) -> tuple[str, str]:
        known = _aliases(type(self))
        if signature in known:
            return known[signature], ""
        normal = QtCore.QMetaObject.normalizedSignature(signature).data().decode()
        if normal not in declared(type(unwrap(self))).signals:
            raise AttributeError(f"{self.className()} has no signal '{signature}'")
        return signature.split("(")[0], normal

    def __getattr__(self, name: str) -> Any:
        native = unwrap(self)
        known = declared(type(native))
        kind = known.kind("objectName" if name == "name" else name)
        if kind == "property":
            return wrap(native.property("objectName" if name == "name" else name))
        if kind == "signal":
            if known.overloaded(name):
                raise AttributeError(f"the signal '{name}' of {self.className()} is overloaded: connect it by its signature")
            return Signal(self, name)
        if kind is not None:
            return Slot(self, name)
        raise AttributeError(f"{self.className()} has no attribute named '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        native = unwrap(self)
        known = declared(type(native))
        mapped = "objectName" if name == "name" else name
        kind = known.kind(mapped)
        if kind in ("slot", "signal"):
            raise AttributeError(f"{kind.title()} '{name}' can not be overwritten on {self.className()} object")
        if kind is None:
            raise AttributeError(f"'{name}' does not exist on {self.className()} and creating new attributes on C++ objects is not allowed")
        declared_type = known.properties[mapped]
        if declared_type.endswith(" const"):
            raise AttributeError(f"Property '{name}' of {self.className()} object is not writable")
        if not _fits(declared_type, value):
            kinds = f"of type '{declared_type}' does not accept an object of type {type(value).__name__}"
            raise AttributeError(f"Property '{name}' {kinds} ({value!r})")
        raw, prop = unwrap(value), native.metaObject().property(native.metaObject().indexOfProperty(mapped))
        if not prop.write(native, list(raw) if isinstance(raw, tuple) else raw):
            raise AttributeError(f"Property '{name}' of {self.className()} object could not be set to {value!r}")


def _delete(native: Any) -> None:
    """An item stays Python's, even in a table (PythonQt's setItem without PythonQtPassOwnershipToCPP), and ends with it."""
    if shiboken6.isValid(native):
        shiboken6.delete(native)


def _aliases(proxy: type) -> dict[str, str]:
    """C++ signatures that the stand-ins of the class and its bases answer to."""
    return {signature: name for holder in reversed(proxy.__mro__) for signature, name in vars(holder).get("SIGNATURES", {}).items()}


@dataclass
class Declared:
    """What a class and its bases declare.

    Attributes:
        properties: name -> type, with ' const' where it cannot be written.
        signals, slots: signatures.
        functions, static: names of what PythonQt wraps besides.
        enum_values: names.
    """

    properties: dict[str, str] = field(default_factory=dict)
    signals: set[str] = field(default_factory=set)
    slots: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)
    static: set[str] = field(default_factory=set)
    enum_values: set[str] = field(default_factory=set)

    def kind(self, name: str) -> str | None:
        """What PythonQt finds under a name of an instance; a slot or a static function hides the property of its name."""
        if name in self.static or any(signature.startswith(f"{name}(") for signature in self.slots):
            return "slot"
        if name in self.properties:
            return "property"
        if any(signature.startswith(f"{name}(") for signature in self.signals):
            return "signal"
        return "slot" if name in self.functions else None

    def overloaded(self, name: str) -> bool:
        """Whether signals of that name differ by more than arguments with defaults."""
        same = sorted((signature for signature in self.signals if signature.startswith(f"{name}(")), key=len)
        longest = same[-1].removesuffix(")")
        return not all(longest.startswith(signature.removesuffix(")")) for signature in same)

    def add(self, entry: dict[str, Any]) -> None:
        """Take in one class's entry of the table."""
        self.properties |= entry.get("properties", {})
        for name in ("signals", "slots", "functions", "static"):
            getattr(self, name).update(entry.get(name, ()))
        self.enum_values.update(value for values in entry.get("enums", {}).values() for value in values)


_declared: dict[type, Declared] = {}


def declared(native_class: type) -> Declared:
    """What PythonQt knows of a native class or a stand-in; of a class that the table does not hold only what its bases declare."""
    if native_class not in _declared:
        known = Declared()
        for holder in native_class.__mro__:
            known.add(_entry(holder))
        _declared[native_class] = known
    return _declared[native_class]


def _entry(holder: type) -> dict[str, Any]:
    if holder.__module__.startswith("PySide6") or not issubclass(holder, QtCore.QObject):
        return TABLE.get(holder.__name__, {})
    return _stand_in_entry(holder)


def _stand_in_entry(holder: type) -> dict[str, Any]:
    """What a stand-in declares itself, after the real header."""
    meta, kinds = holder.staticMetaObject, QtCore.QMetaMethod.MethodType
    methods = [meta.method(n) for n in range(meta.methodOffset(), meta.methodCount())]
    text = {kind: [m.methodSignature().data().decode() for m in methods if m.methodType() == kind] for kind in (kinds.Signal, kinds.Slot)}
    properties = [meta.property(n) for n in range(meta.propertyOffset(), meta.propertyCount())]
    types = {p.name(): p.typeName() + ("" if p.isWritable() else " const") for p in properties}
    return {"properties": types, "signals": text[kinds.Signal], "slots": text[kinds.Slot]}


def _fits(type_name: str, value: Any) -> bool:
    """Whether PythonQtConv::PyObjToQVariant takes the value for a property of this type."""
    if type_name in _NUMBERS:
        return isinstance(value, _NUMBERS[type_name]) and not (type_name == "int" and isinstance(value, bool))
    if type_name == "QString":
        return isinstance(value, str)
    if type_name == "QStringList":
        return isinstance(value, (list, tuple)) and all(isinstance(entry, str) for entry in value)
    return value is not None


def proxy_class(native_class: type) -> type:
    """The class that `qt` or `ctk` shows for a native one; its bases mirror the native ones."""
    if native_class not in _proxies:
        parents = tuple(proxy_class(base) for base in native_class.__bases__ if _is_wrapped(base))
        body = {"_native_class": native_class, "SIGNATURES": vars(native_class).get("SIGNATURES", {})}
        _proxies[native_class] = _ProxyType(native_class.__name__, parents or (PythonQtObject,), body)
    return _proxies[native_class]


def _is_wrapped(base: type) -> bool:
    return issubclass(base, QtCore.QObject) or base.__module__.startswith("PySide6")


class _Namespace:
    """`qt.Qt`: enum values as attributes, without their enum's name."""

    def __getattr__(self, name: str) -> Any:
        if name not in TABLE["Qt"]["enums"][""]:
            raise AttributeError(f"Qt has no attribute '{name}'")
        return _enum_value((QtCore.Qt,), name)


class QtModule(types.ModuleType):
    """The module `qt`: every class of QtCore, QtGui, QtWidgets and QtUiTools, no dialogs."""

    Qt = _Namespace()

    def __getattr__(self, name: str) -> Any:
        if name in ("QMessageBox", "QFileDialog", "QInputDialog", "QDialog"):
            raise AssertionError(f"a modal dialog was about to open: {name}")
        for module in _MODULES:
            native = getattr(module, name, None)
            if isinstance(native, type):
                return proxy_class(native)
        raise AttributeError(f"module 'qt' has no attribute '{name}'")
