"""What the panel's opening imports, and what it leaves for the moments after. No time is measured: a busy machine changes nothing."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import MedSegDLLib
from MedSegDLLib.scene.warming import FOREIGN, LATER, LIBRARY, importing

CORE = Path(MedSegDLLib.__file__).parent
OPENED = f"{LIBRARY}.scene.panel"
# Their functions are no part of a click on the panel: the demo's bare scene, and what runs on importing itself.
OUTSIDE = {"bare", "warming"}


def path_of(name: str) -> Path | None:
    """The file of a module of the core; None for others."""
    parts = name.split(".")
    if parts[0] != LIBRARY:
        return None
    plain = CORE.joinpath(*parts[1:])
    found = [path for path in (plain.with_suffix(".py"), plain / "__init__.py") if path.is_file()]
    return found[0] if found else None


def names_in(path: Path, nodes: Iterator[ast.AST]) -> Iterator[str]:
    """The core's modules that statements import, and the packages that hold them."""
    package = [LIBRARY, *path.relative_to(CORE).parts[:-1]]
    for node in nodes:
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = [*package[: len(package) - node.level + 1], *(node.module.split(".") if node.module else [])]
        for alias in node.names:
            whole = ".".join([*base, alias.name])
            name = whole if path_of(whole) else ".".join(base)
            yield from (".".join(name.split(".")[:end]) for end in range(2, name.count(".") + 2))


def at_import(name: str) -> set[str]:
    """What the import of a module imports, all the way down; itself too."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        path = path_of(one)
        if path is not None and one not in found:
            found.add(one)
            waiting += names_in(path, iter(ast.parse(path.read_text(encoding="utf-8")).body))
    return found


def in_functions(path: Path) -> Iterator[str]:
    """What is imported within functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.Lambda))]
    yield from names_in(path, (inner for function in functions for inner in ast.walk(function)))


def test_the_opening_imports_nothing_that_can_come_later() -> None:
    opening = at_import(OPENED)
    assert not opening & {f"{LIBRARY}.{name}" for name in LATER}
    assert len(opening) < 85, sorted(opening)  # 77; it was 107, a fifth of a second more


def test_whatever_a_click_imports_was_imported_before_in_idle_time() -> None:
    opening = at_import(OPENED)
    ready = opening.union(*(at_import(f"{LIBRARY}.{name}") for name in LATER))
    rooms = {name for name in opening if name.startswith(f"{LIBRARY}.scene.")} | {f"{LIBRARY}.scene.dicom_nodes"}
    for name in sorted(rooms):
        if name.rpartition(".")[2] not in OUTSIDE:
            assert set(in_functions(path_of(name))) <= ready, name


def test_no_step_imports_two_modules() -> None:
    known = at_import(OPENED)
    for name in LATER:
        whole = f"{LIBRARY}.{name}"
        new = {one for one in at_import(whole) - known if path_of(one).name != "__init__.py"}
        assert all(one == whole or one.startswith(f"{whole}.") for one in new), f"{name} brings {sorted(new)}"
        known |= at_import(whole)


def test_the_steps_import_them_all() -> None:
    steps = sum(1 for _step in importing())
    assert steps == len(LATER) + len(FOREIGN)
    assert all(f"{LIBRARY}.{name}" in sys.modules for name in LATER)
    assert all(importlib.import_module(name) for name in FOREIGN)
