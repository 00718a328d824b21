"""File names without their endings, and what lies beside a file. Only paths enter here."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

VOLUMES = (".nii.gz", ".nii", ".mha", ".mhd", ".nrrd", ".nhdr")
PICTURES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp")


def is_volume(path: Path) -> bool:
    """Whether the name is that of a volume, hidden files left out."""
    return path.name.lower().endswith(VOLUMES) and not path.name.startswith(".")


def stem(path: Path) -> str:
    """The name without its ending; '.nii.gz' is one."""
    name = path.name
    ending = next((ending for ending in (*VOLUMES, *PICTURES, ".zip") if name.lower().endswith(ending)), path.suffix)
    return name[: len(name) - len(ending)] if ending else name


def volumes_below(folder: Path) -> list[Path]:
    """All files under a folder whose name is that of a volume, sorted."""
    return sorted(path for path in folder.rglob("*") if is_volume(path) and path.is_file())


def first_there(candidates: Iterable[Path]) -> Path | None:
    """The first of these paths that exists."""
    return next((path for path in candidates if path.exists()), None)
