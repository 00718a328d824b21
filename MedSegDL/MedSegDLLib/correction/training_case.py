"""A corrected case written where training reads it: images and one label map on one grid, a list, and what the labels mean.

cases.csv        name,t1,t1ce,t2,flair,reference: for `medsegdl-train ... --data cases.csv`
dataset.json     the labels' names, as nnU-Net writes them
<name>/*.nii.gz  <name> is a hash of the voxels: nothing tells whose they are but the images themselves
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..geometry.image import Image
from ..io.atomic import PREFIX, atomic_path, not_written
from ..io.nifti import write_nifti
from ..progress import Progress, quiet
from ..tasks import Task
from .sampling import OnGrid

LIST_FILE, LABELS_FILE = "cases.csv", "dataset.json"
NAME, REFERENCE = "name", "reference"
NAME_LETTERS = 12  # 48 bits: two of a million cases collide once in five hundred such sets
SLAB = 8  # slices read at a time where a volume lies on another grid
SAME_GRID = 1e-4


def label_map(masks: Mapping[str, np.ndarray], task: Task) -> np.ndarray:
    """Regions within each other as one map, (K, J, I) uint8: every voxel has the number of the innermost region that holds it.

    Args:
        masks: region key -> (K, J, I), not 0 is inside; a region that is not there is empty.
        task: its regions, counted from 1 in their order.
    """
    labels = np.zeros(next(iter(masks.values())).shape, np.uint8)
    for number, region in enumerate(task.regions, start=1):  # what holds comes before what it holds
        if region.key in masks:
            labels[masks[region.key] > 0] = number
    return labels


def save_case(folder: Path, task: Task, images: Mapping[str, Image], labels: Image, progress: Progress = quiet) -> str:
    """Write a case into a data set, or over an earlier correction of the same images; whole or not at all.

    Args:
        folder: of the data set, one task's; made where there is none.
        task: whose inputs and regions it is of.
        images: input key -> volume, on whatever grids, in one world.
        labels: see `label_map`; lends its grid to all.
        progress: told a part a file.

    Returns:
        the case's name.

    Raises:
        InputRefused: the file system says no.
        Cancelled: by `progress`.
    """
    folder = Path(folder)
    name = _name(images)
    draft = folder / f"{PREFIX}{secrets.token_hex(8)}"
    try:
        draft.mkdir(parents=True)
        for number, (key, image) in enumerate(images.items()):
            progress(number / (len(images) + 1), "Writing the case")
            write_nifti(draft / f"{key}.nii.gz", _on_grid(image, labels), labels.affine)
        progress(len(images) / (len(images) + 1), "Writing the case")
        write_nifti(draft / f"{REFERENCE}.nii.gz", labels.array, labels.affine)
        _replace(draft, folder / name)
        _write_text(folder / LABELS_FILE, json.dumps({"labels": _labels(task)}, indent=1))
        _write_text(folder / LIST_FILE, _list(folder, task))
    except OSError as error:
        raise not_written(folder, error) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return name


def _name(images: Mapping[str, Image]) -> str:
    digest = hashlib.sha256()
    for key in sorted(images):
        digest.update(key.encode())
        digest.update(np.ascontiguousarray(images[key].array))
    return digest.hexdigest()[:NAME_LETTERS]


def _labels(task: Task) -> dict[str, int]:
    return {"background": 0, **{region.title: number for number, region in enumerate(task.regions, start=1)}}


def _on_grid(image: Image, labels: Image) -> np.ndarray:
    """An image's voxels on the labels' grid: as they are where the grids are one, else linear in between."""
    to_array = np.linalg.inv(image.affine) @ labels.affine
    if image.array.shape == labels.array.shape and np.abs(to_array - np.eye(4)).max() < SAME_GRID:
        return image.array
    moved, (depth, height, width) = OnGrid(image.array, to_array), labels.array.shape
    slabs = (slice(start, min(start + SLAB, depth)) for start in range(0, depth, SLAB))
    return np.concatenate([moved[slab, slice(0, height), slice(0, width)] for slab in slabs])


def _replace(draft: Path, place: Path) -> None:
    """Put a folder in its place; the earlier one stays until the new one is there."""
    earlier = place.with_name(f"{draft.name}-earlier")
    with suppress(FileNotFoundError):
        place.rename(earlier)
    try:
        draft.rename(place)
    except OSError:
        with suppress(FileNotFoundError):
            earlier.rename(place)
        raise
    shutil.rmtree(earlier, ignore_errors=True)


def _list(folder: Path, task: Task) -> str:
    """The list of all cases that lie in the folder."""
    keys = [entry.key for entry in task.inputs]
    text = io.StringIO()
    rows = csv.DictWriter(text, [NAME, *keys, REFERENCE], lineterminator="\n")
    rows.writeheader()
    for reference in sorted(folder.glob(f"[!.]*/{REFERENCE}.nii.gz")):
        case = reference.parent
        files = {key: f"{case.name}/{key}.nii.gz" for key in keys if (case / f"{key}.nii.gz").is_file()}
        rows.writerow({NAME: case.name, **files, REFERENCE: f"{case.name}/{reference.name}"})
    return text.getvalue()


def _write_text(path: Path, text: str) -> None:
    with atomic_path(path) as draft:
        draft.write_text(text, encoding="utf-8")
