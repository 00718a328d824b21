"""The house: which room may import which. Arrows go one way, from the command line down to the words; no room stands on the stairs."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "MedSegDL" / "MedSegDLLib"
# Each wing (a folder, or a module on the ground floor) may import those of its own row and of the rows below.
ROWS = (
    ("commands",),
    ("cohort", "serve", "pacs"),
    ("phantom",),
    ("scene",),
    ("followup",),
    ("worker", "imports", "report"),
    ("pipeline",),
    ("memory",),
    ("preprocess", "network", "postprocess", "metrics", "checks", "correction"),
    ("io", "dicom"),
    ("record",),
    ("geometry",),
    ("options", "result", "progress"),
    ("tasks",),
    ("schema", "errors"),
)
GROUND_FLOOR = {"__init__", "pipeline", "options", "memory", "progress", "record", "result", "tasks", "errors"}
ROW_OF = {wing: number for number, row in enumerate(ROWS) for wing in row}
NEVER_IN_THE_CORE = {"slicer", "vtk", "qt", "ctk"}


def modules() -> list[Path]:
    """Every module of the core but the package's own door."""
    return sorted(path for path in CORE.rglob("*.py") if path != CORE / "__init__.py")


def imported(path: Path) -> set[str]:
    """Absolute names of the modules that a file imports; those for type checking only are left out."""
    package = ["MedSegDLLib", *path.relative_to(CORE).parts[:-1]]
    found: set[str] = set()
    for node in _walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module or "")
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1], *(node.module.split(".") if node.module else [])]
            found |= {".".join([*base, alias.name]) for alias in node.names}
    return found


def _walk(tree: ast.AST):
    """All nodes but those under `if TYPE_CHECKING`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _walk(node)


def wing(name: str) -> str | None:
    """The wing of an absolute name within the core."""
    parts = name.split(".")
    return parts[1] if parts[0] == "MedSegDLLib" and len(parts) > 1 and parts[1] in ROW_OF else None


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(CORE).as_posix())
def test_arrows_go_one_way(path: Path) -> None:
    own = path.relative_to(CORE).parts[0].removesuffix(".py")
    for name in imported(path):
        other = wing(name)
        assert other is None or other == own or ROW_OF[other] >= ROW_OF[own], f"{own} imports {name}"


@pytest.mark.parametrize("path", [p for p in modules() if "scene" not in p.parts], ids=lambda path: path.relative_to(CORE).as_posix())
def test_only_the_scene_knows_slicer(path: Path) -> None:
    assert not {name.split(".")[0] for name in imported(path)} & NEVER_IN_THE_CORE


def test_the_ground_floor_holds_the_story_and_nothing_else() -> None:
    assert {path.stem for path in CORE.glob("*.py")} == GROUND_FLOOR
    assert {path.name for path in CORE.iterdir() if path.is_dir() and path.name != "__pycache__"} <= set(ROW_OF)


def test_no_wing_imports_itself_in_a_circle() -> None:
    graph = {path: {name for name in imported(path) if name.startswith("MedSegDLLib.")} for path in modules()}
    names = {".".join(["MedSegDLLib", *path.relative_to(CORE).with_suffix("").parts]): path for path in graph}
    arrows = {
        path: {names[part] for name in found for part in (name, name.rpartition(".")[0]) if part in names} - {path}
        for path, found in graph.items()
    }
    done: set[Path] = set()

    def visit(path: Path, way: tuple[Path, ...]) -> None:
        assert path not in way, " -> ".join(step.stem for step in (*way, path))
        if path not in done:
            for other in arrows[path]:
                visit(other, (*way, path))
            done.add(path)

    for path in graph:
        visit(path, ())


WITHOUT = """
import importlib, sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("nibabel", "nrrd", "tifffile", "PIL", "imagecodecs", "slicerio"):
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Missing())
for name in sys.argv[1:]:
    importlib.import_module("MedSegDLLib." + name)
"""


def test_slicers_own_python_needs_none_of_the_libraries_that_read_files() -> None:
    """The panel's arrays never pass through files: its worker, the checks and the sample data run with what Slicer bundles and torch."""
    rooms = [
        "pipeline",
        "worker.services",
        "worker.server",
        "worker.client",
        "worker.remote",
        "phantom.sample_data",
        "phantom.demo",
        "io.write",
        "checks.inputs",
    ]
    environment = {**os.environ, "PYTHONPATH": str(CORE.parent)}
    done = subprocess.run([sys.executable, "-c", WITHOUT, *rooms], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
