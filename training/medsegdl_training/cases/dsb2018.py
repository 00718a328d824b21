"""Kaggle Data Science Bowl 2018: the original `<id>/images/<id>.png` and `<id>/masks/`, or `images/` and `labels/` of the same names."""

from __future__ import annotations

from pathlib import Path

from MedSegDLLib.tasks import Task

from .case import Case
from .names import PICTURES, first_there

STAGES = ("stage1_train", "stage1_test", "stage2_test_final")


def find(folder: Path, task: Task) -> list[Case]:
    """Pictures of `images/`, or of every `<id>/images/` in the folder or in its `stage1_train`; without labels too."""
    key = task.inputs[0].key
    if (folder / "images").is_dir():
        return [Case(path.stem, {key: path}, _label_image(path)) for path in pictures_in(folder / "images")]
    places = [folder, *(folder / stage for stage in STAGES)]
    found = []
    for images in (images for place in places for images in sorted(place.glob("*/images"))):
        masks = images.parent / "masks"
        if (images.parent / "labels").is_dir():
            continue  # a split of its own, such as train/ beside test/: never mixed unasked
        found += [Case(path.stem, {key: path}, masks if masks.is_dir() else None) for path in pictures_in(images)]
    return found


def pictures_in(folder: Path) -> list[Path]:
    """Picture files of a folder, sorted."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES and not path.name.startswith("."))


def _label_image(path: Path) -> Path | None:
    """The picture of numbers that belongs to a picture."""
    places = (path.parent.parent / name for name in ("labels", "masks"))
    return first_there(place / f"{path.stem}{ending}" for place in places for ending in (".png", ".tif", ".tiff"))
