"""Our own wheel (PEP 427), made of the files that run here: no build tools, no network. Pure Python, with the shipped weights and tasks."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import re
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from .. import __version__
from ..errors import InputRefused
from ..tasks import TASKS_FOLDER, WEIGHTS_FOLDER

PACKAGE = Path(__file__).resolve().parents[1]
PROJECT = PACKAGE.parents[1] / "pyproject.toml"
LEFT_OUT = ("shipped", "shipped_tasks", "__pycache__")
BEGINNING = (1980, 1, 1, 0, 0, 0)  # the same files make the same wheel
FILE_MODE = 0o644 << 16
WHEEL = "Wheel-Version: 1.0\nGenerator: medsegdl\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
ENTRY_POINTS = "[console_scripts]\nmedsegdl = MedSegDLLib.commands.main:main\n"
OLDEST_PYTHON = ">=3.10"


def requirements() -> list[str]:
    """What the core and its extras need, as a wheel states it ("rich>=13; extra == 'cli'").

    Raises:
        InputRefused: neither the project's file nor an installed distribution tells.
    """
    if PROJECT.is_file() and sys.version_info >= (3, 11):
        import tomllib

        project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
        extras = project["optional-dependencies"].items()
        return [*project["dependencies"], *(f"{needed}; extra == '{extra}'" for extra, several in extras for needed in several)]
    try:
        return importlib.metadata.requires("medsegdl") or []
    except importlib.metadata.PackageNotFoundError as error:
        raise InputRefused("Nothing tells what medsegdl needs: it is not installed.", "Install it with pip first.") from error


def write_own_wheel(folder: Path, needs: Sequence[str]) -> Path:
    """Write `medsegdl-VERSION-py3-none-any.whl`.

    Args:
        folder: where to.
        needs: see `requirements`.

    Raises:
        OSError: it cannot be written.
    """
    path = folder / f"medsegdl-{__version__}-py3-none-any.whl"
    about = f"medsegdl-{__version__}.dist-info"
    texts = {"METADATA": _metadata(needs), "WHEEL": WHEEL, "entry_points.txt": ENTRY_POINTS}
    record = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        contents = [*((name, source.read_bytes()) for name, source in _files())]
        for name, content in (*contents, *((f"{about}/{name}", text.encode()) for name, text in texts.items())):
            _add(wheel, name, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record.append(f"{name},sha256={digest},{len(content)}")
        _add(wheel, f"{about}/RECORD", "\n".join([*record, f"{about}/RECORD,,", ""]).encode())
    return path


def _files() -> Iterator[tuple[str, Path]]:
    """(name in the wheel, file)."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if not set(path.relative_to(PACKAGE).parts) & set(LEFT_OUT):
            yield f"{PACKAGE.name}/{path.relative_to(PACKAGE).as_posix()}", path
    for place, name in ((WEIGHTS_FOLDER, "shipped"), (TASKS_FOLDER, "shipped_tasks")):
        for path in sorted((*place.glob("*.json"), *place.glob("*.safetensors"))):
            yield f"{PACKAGE.name}/{name}/{path.name}", path


def _add(wheel: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, BEGINNING)
    entry.external_attr, entry.compress_type = FILE_MODE, zipfile.ZIP_DEFLATED
    wheel.writestr(entry, content)


def _metadata(needs: Sequence[str]) -> str:
    extras = sorted({found[1] for need in needs if (found := re.search(r"extra == ['\"]([\w-]+)", need))})
    lines = [
        "Metadata-Version: 2.1",
        "Name: medsegdl",
        f"Version: {__version__}",
        "License: Apache-2.0",
        f"Requires-Python: {OLDEST_PYTHON}",
    ]
    lines += [f"Provides-Extra: {extra}" for extra in extras] + [f"Requires-Dist: {need}" for need in needs]
    return "\n".join(lines) + "\n"
