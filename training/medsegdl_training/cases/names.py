"""File names without their endings, and what lies beside a file. Only paths enter here."""

from __future__ import annotations

import os
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


def below(folder: Path) -> list[Path]:
    """All files and folders under a folder, sorted; behind symbolic links too, each folder once, so that a link to a parent ends."""
    found: list[Path] = []
    seen = {_identity(folder)}
    for place, folders, files in os.walk(folder, followlinks=True):
        here = Path(place)
        fresh = [name for name in sorted(folders) if (here / name).exists() and _identity(here / name) not in seen]
        seen.update(_identity(here / name) for name in fresh)
        folders[:] = fresh
        found += [here / name for name in (*fresh, *files)]
    return sorted(found)


def _identity(folder: Path) -> tuple[int, int]:
    """What tells one folder from another, whatever path leads to it."""
    status = folder.stat()
    return status.st_dev, status.st_ino


def is_picture(path: Path) -> bool:
    """Whether the name is that of a picture, hidden files left out."""
    return path.name.lower().endswith(PICTURES) and not path.name.startswith(".")


def volumes_below(folder: Path) -> list[Path]:
    """All files under a folder whose name is that of a volume, sorted."""
    return [path for path in below(folder) if is_volume(path) and path.is_file()]


def pictures_below(folder: Path) -> list[Path]:
    """All files under a folder whose name is that of a picture, sorted."""
    return [path for path in below(folder) if is_picture(path) and path.is_file()]


def first_there(candidates: Iterable[Path]) -> Path | None:
    """The first of these paths that exists."""
    return next((path for path in candidates if path.exists()), None)
