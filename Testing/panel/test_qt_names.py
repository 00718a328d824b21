"""Every Qt name that the module uses, in its Python and in its .ui file, is one that Qt 5.15 declares, whether a test touches it or not."""

from __future__ import annotations

import ast
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator

import pytest

from . import pythonqt, standins
from .slicer_widgets import WIDGETS

TABLE = pythonqt.TABLE
UI = ElementTree.parse(standins.MODULE_FOLDER / "Resources" / "UI" / "MedSegDL.ui")
SCENE = sorted((standins.MODULE_FOLDER / "MedSegDLLib" / "scene").glob("*.py"))
SIGNATURES = {signature for entry in TABLE.values() for signature in entry.get("signals", ())} | {
    signature for widget in WIDGETS.values() for signature in pythonqt.declared(widget).signals
}


def known(class_name: str) -> pythonqt.Declared:
    """What a class of the .ui file declares."""
    native = WIDGETS.get(class_name) or getattr(pythonqt.QtWidgets, class_name)
    return pythonqt.declared(native)


def ui_properties() -> Iterator[tuple[str, ElementTree.Element]]:
    """Class name and property, of every widget and layout."""
    for kind in ("widget", "layout"):
        for entry in UI.iter(kind):
            for prop in entry.findall("property"):
                if prop.get("stdset") != "0":
                    yield entry.get("class"), prop


MARGINS = {"leftMargin", "topMargin", "rightMargin", "bottomMargin"}  # of layouts: the .ui format's own


def test_every_property_of_the_ui_file_is_declared_and_can_be_written() -> None:
    for class_name, prop in ui_properties():
        name = prop.get("name")
        if name in MARGINS:
            continue
        declared = known(class_name).properties
        assert name in declared and not declared[name].endswith(" const"), f"{class_name}.{name}"


def test_every_enum_of_the_ui_file_is_declared() -> None:
    for class_name, prop in ui_properties():
        for value in (*prop.iter("enum"), *prop.iter("set")):
            for entry in value.text.split("|"):
                holder, key = entry.split("::")
                names = TABLE["Qt"]["enums"][""] if holder == "Qt" else [k for keys in TABLE[holder]["enums"].values() for k in keys]
                assert key in names, f"{class_name}.{prop.get('name')}: {entry}"


def used(path) -> Iterator[tuple[str, str]]:
    """`qt.Class.name` in a file, as (class, name)."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        inner = node.value if isinstance(node, ast.Attribute) else None
        if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name) and inner.value.id == "qt":
            yield inner.attr, node.attr


@pytest.mark.parametrize("path", SCENE, ids=lambda path: path.name)
def test_every_value_and_signal_in_the_python_is_declared(path) -> None:
    text = path.read_text(encoding="utf-8")
    for holder, name in used(path):
        entry = TABLE[holder]
        names = [key for keys in entry.get("enums", {}).values() for key in keys] + entry.get("static", [])
        assert name in names, f"qt.{holder}.{name}"
    for signature in re.findall(r'\.connect\("([^"]+)"', text):
        assert signature in SIGNATURES, signature
    for name in re.findall(r"\.(\w+)\.connect\((?!\")", text):
        raise AssertionError(f"{path.name}: connect '{name}' by its signature: by name an overloaded signal is ambiguous")
