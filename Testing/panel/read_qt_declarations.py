"""Writes qt515.json: what Qt 5.15 declares of the classes that the panel may use, and what PythonQt wraps besides. Run by hand, rarely.

    python read_qt_declarations.py PYTHONQT/generated_cpp_515 > qt515.json

with PyQt5 5.15 importable (its meta objects are Qt's own) and a checkout of PythonQt (its generated headers say which functions that are
no slots it wraps, and which of them are static).
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from PyQt5 import QtCore, QtGui, QtWidgets

CLASSES = [  # those that the module touches, and their bases
    "QObject",
    "QTimer",
    "QWidget",
    "QFrame",
    "QAbstractScrollArea",
    "QScrollArea",
    "QAbstractItemView",
    "QTableView",
    "QTableWidget",
    "QHeaderView",
    "QLabel",
    "QAbstractButton",
    "QPushButton",
    "QCheckBox",
    "QComboBox",
    "QProgressBar",
    "QPlainTextEdit",
    "QLineEdit",
    "QLayout",
    "QBoxLayout",
    "QVBoxLayout",
    "QHBoxLayout",
    "QFormLayout",
    "QFile",
    "QTableWidgetItem",
    "QColor",
    "QSettings",
    "QPixmap",
    "QSizePolicy",
    "QIODevice",
    "QFileDevice",
    "QUiLoader",
    "QFileDialog",  # these three by hand: few of their names are used
    "QPdfWriter",
    "QTextDocument",
]
WRAPPED = re.compile(r"^\s+[\w:<>,*& ]+?[*& ]+(static_)?(\w+)\(", re.MULTILINE)


def main() -> None:
    """Read and print."""
    headers = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in sorted(Path(sys.argv[1]).rglob("*.h")))
    table = {name: declared(name, headers) for name in CLASSES}
    table["Qt"] = {"enums": {"": sorted(key for key, value in vars(QtCore.Qt).items() if isinstance(value, int))}}
    lines = (f"{json.dumps(name)}: {json.dumps(entry, sort_keys=True)}" for name, entry in sorted(table.items()))
    print("{\n" + ",\n".join(lines) + "\n}")


def declared(name: str, headers: str) -> dict[str, Any]:
    """One class's own declarations."""
    body = re.search(rf"class PythonQtWrapper_{name} : public QObject\n(.*?)\n}};", headers, re.DOTALL)
    entry: dict[str, Any] = wrapped(name, body.group(1) if body else "")
    native = next((getattr(module, name) for module in (QtCore, QtGui, QtWidgets) if hasattr(module, name)), None)
    meta = getattr(native, "staticMetaObject", None)
    if meta is None:
        return entry
    entry["enums"] |= enums(meta)
    if issubclass(native, QtCore.QObject):
        properties = [meta.property(n) for n in range(meta.propertyOffset(), meta.propertyCount())]
        entry["properties"] = {p.name(): p.typeName() + ("" if p.isWritable() else " const") for p in properties}
        entry["signals"], entry["slots"] = methods(meta)
    return entry


def methods(meta: Any) -> tuple[list[str], list[str]]:
    """Signatures of the signals and of the public slots."""
    found = [meta.method(n) for n in range(meta.methodOffset(), meta.methodCount())]
    text = [bytes(m.methodSignature()).decode() for m in found]
    signals = [said for said, m in zip(text, found) if m.methodType() == QtCore.QMetaMethod.Signal]
    public = [said for said, m in zip(text, found) if m.methodType() == QtCore.QMetaMethod.Slot and m.access() == QtCore.QMetaMethod.Public]
    return signals, public


def enums(meta: Any) -> dict[str, list[str]]:
    """Enum -> its keys; flags are passed over, as PythonQt does: their enum has the same keys."""
    found = [meta.enumerator(n) for n in range(meta.enumeratorOffset(), meta.enumeratorCount())]
    return {e.name(): [e.key(n) for n in range(e.keyCount())] for e in found}


def wrapped(name: str, body: str) -> dict[str, Any]:
    """What PythonQt wraps of a class besides: functions, static ones, and enums that Qt's meta object does not know."""
    found = WRAPPED.findall(body)
    plain = {function for static, function in found if not static and not function.startswith(("new_", "delete_", "py_q_"))}
    static = {function.removeprefix(f"{name}_") for static, function in found if static}
    keys = {enum: re.findall(r"(\w+) = ", values) for enum, values in re.findall(r"enum (\w+)\{(.*?)\};", body, re.DOTALL)}
    return {"functions": sorted(plain), "static": sorted(static), "enums": keys}


if __name__ == "__main__":
    main()
