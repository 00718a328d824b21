"""PythonQt played by PySide6, as strict as the real one: it fails on everything that PythonQt does not have.
What it enforces is read from PythonQt's own sources (PythonQtInstanceWrapper.cpp, PythonQtClassInfo.cpp, PythonQtSignalReceiver.cpp).

Properties are attributes, and calling one fails; a name that is neither property, slot, signal nor wrapped function fails;
new attributes on C++ objects fail; signals connect by signature or by name; enum values are attributes of their class.
"""

from __future__ import annotations

import ctypes
import enum
import inspect
import types
import weakref
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets

# Functions that are neither slots nor properties: PythonQt has a generated wrapper slot for each. Only what the panel may use is listed:
# whoever adds one looks it up in PythonQt's generated_cpp first.
FUNCTIONS: dict[str, tuple[str, ...]] = {
    "QObject": ("children", "parent", "property", "setProperty", "isWidgetType", "findChildren", "blockSignals", "inherits"),
    "QWidget": ("layout", "setLayout", "setToolTip", "isVisible", "grab", "window", "sizePolicy"),
    "QLayout": ("addWidget", "removeWidget", "setContentsMargins", "count"),
    "QFormLayout": ("addRow",),
    "QBoxLayout": ("addStretch", "addLayout", "insertWidget"),
    "QComboBox": ("addItem", "itemText", "itemData", "findData", "setItemData"),
    "QTableWidget": ("setItem", "item", "setHorizontalHeaderLabels", "horizontalHeader", "verticalHeader", "resizeColumnsToContents"),
    "QTableWidgetItem": ("setText", "text", "setTextAlignment", "setData", "data"),
    "QAbstractScrollArea": ("verticalScrollBar",),
    "QFile": ("exists", "open", "close"),
    "QPixmap": ("save", "width", "height", "fill"),
    "QTimer": ("isActive",),
    "QUiLoader": ("load",),
}
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
    if not isinstance(value, (QtCore.QObject, QtWidgets.QTableWidgetItem, QtGui.QPixmap)):
        return value
    address = shiboken6.getCppPointer(value)[0]
    known = _alive.get(address)
    if known is None or known[0] is not value:
        proxy = object.__new__(proxy_class(type(value)))
        object.__setattr__(proxy, "_native", value)
        _alive[address] = known = (value, proxy)
    return known[1]


def unwrap(value: Any) -> Any:
    """The native value behind a proxy, a proxy class, or a list of them."""
    if isinstance(value, (list, tuple)):
        return type(value)(unwrap(entry) for entry in value)
    if isinstance(value, _ProxyType):
        return value._native_class
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

    def __init__(self, owner: PythonQtObject, name: str) -> None:
        self._signal = _with_all_arguments(unwrap(owner), name)
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


def _with_all_arguments(native: QtCore.QObject, name: str) -> Any:
    """The signal that carries all its arguments: PySide leaves out those with a default (`clicked(bool)`)."""
    signal, meta = getattr(native, name), native.metaObject()
    same = [method for method in map(meta.method, range(meta.methodCount())) if method.name().data().decode() == name]
    types = max((method.parameterTypes() for method in same), key=len)
    return signal[types[0].data().decode()] if len(same) > 1 and len(types) == 1 else signal


class Slot:
    """A slot, or a wrapped function, bound to its object."""

    def __init__(self, owner: PythonQtObject, name: str) -> None:
        self._owner, self._name = owner, name

    def __call__(self, *arguments: Any) -> Any:
        return wrap(getattr(unwrap(self._owner), self._name)(*unwrap(list(arguments))))


class _ProxyType(type):
    """Makes enum values and static functions attributes of the class; everything else fails."""

    _native_class: type

    def __getattr__(cls, name: str) -> Any:
        native = cls.__dict__.get("_native_class")
        for holder in () if native is None else native.__mro__:
            for member in vars(holder).values():
                if isinstance(member, type) and issubclass(member, enum.Enum) and name in member.__members__:
                    return member[name]
        raise AttributeError(f"type object '{cls.__name__}' has no attribute '{name}'")


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
        return Signal(self, self._signal_of(signature)).connect(function)

    def disconnect(self, signature: str, function: Callable) -> bool:
        """Inverse of `connect`."""
        return Signal(self, self._signal_of(signature)).disconnect(function)

    def _signal_of(self, signature: str) -> str:
        known = _aliases(type(self))
        if signature in known:
            return known[signature]
        normal = QtCore.QMetaObject.normalizedSignature(signature).data().decode()
        if unwrap(self).metaObject().indexOfSignal(normal) < 0:
            raise AttributeError(f"{self.className()} has no signal '{signature}'")
        return signature.split("(")[0]

    def __getattr__(self, name: str) -> Any:
        native = unwrap(self)
        property_index = _property_index(native, name)
        if property_index >= 0:
            return wrap(native.property("objectName" if name == "name" else name))
        kind = _method_kind(native, name)
        if kind == QtCore.QMetaMethod.MethodType.Signal:
            return Signal(self, name)
        if kind is not None or _is_function(type(native), name):
            return Slot(self, name)
        raise AttributeError(f"{self.className()} has no attribute named '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        native = unwrap(self)
        index = _property_index(native, name)
        if index < 0:
            raise AttributeError(f"'{name}' does not exist on {self.className()} and creating new attributes on C++ objects is not allowed")
        prop = native.metaObject().property(index)
        if not prop.isWritable():
            raise AttributeError(f"Property '{name}' of {self.className()} object is not writable")
        if not _fits(prop.typeName(), value):
            kinds = f"of type '{prop.typeName()}' does not accept an object of type {type(value).__name__}"
            raise AttributeError(f"Property '{name}' {kinds} ({value!r})")
        raw = unwrap(value)
        if not prop.write(native, list(raw) if isinstance(raw, tuple) else raw):
            raise AttributeError(f"Property '{name}' of {self.className()} object could not be set to {value!r}")


def _delete(native: Any) -> None:
    """An item stays Python's, even in a table (PythonQt's setItem without PythonQtPassOwnershipToCPP), and ends with it."""
    if shiboken6.isValid(native):
        shiboken6.delete(native)


def _aliases(proxy: type) -> dict[str, str]:
    """C++ signatures that the stand-ins of the class and its bases answer to."""
    return {signature: name for holder in reversed(proxy.__mro__) for signature, name in vars(holder).get("SIGNATURES", {}).items()}


def _property_index(native: QtCore.QObject, name: str) -> int:
    if not isinstance(native, QtCore.QObject):
        return -1
    return native.metaObject().indexOfProperty("objectName" if name == "name" else name)


_methods: dict[type, dict[str, QtCore.QMetaMethod.MethodType]] = {}


def _method_kind(native: QtCore.QObject, name: str) -> QtCore.QMetaMethod.MethodType | None:
    if not isinstance(native, QtCore.QObject):
        return None
    kinds = _methods.get(type(native))
    if kinds is None:
        meta, public = native.metaObject(), QtCore.QMetaMethod.Access.Public
        methods = [method for method in map(meta.method, range(meta.methodCount())) if method.access() == public]
        kinds = _methods[type(native)] = {method.name().data().decode(): method.methodType() for method in methods}
    return kinds.get(name)


def _is_function(native_class: type, name: str) -> bool:
    return any(name in FUNCTIONS.get(holder.__name__, ()) for holder in native_class.__mro__)


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
        for member in vars(QtCore.Qt).values():
            if isinstance(member, type) and issubclass(member, enum.Enum) and name in member.__members__:
                return member[name]
        raise AttributeError(f"Qt has no attribute '{name}'")


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
