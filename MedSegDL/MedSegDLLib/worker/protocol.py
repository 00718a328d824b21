"""How images and results travel between panel and worker: memory-mapped .npy files in a private folder, described in JSON.

Both sides import this room; neither torch nor Slicer enters it.
"""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from pathlib import Path
from tokenize import TokenError

import numpy as np

from ..errors import InputRefused, UsageError
from ..geometry.image import Grid, Image, ReadingNote
from ..io import private_folder
from ..result import Result, Segment, segments_on
from ..schema.records import Unfit
from ..tasks import BRAIN_MASK, TASK_KEY, TASKS, Task

# What numpy raises for a header that is none: it reads it as Python's own text, and looks into what comes out.
UNREADABLE = (OSError, ValueError, EOFError, SyntaxError, TokenError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)


def make_private_folder(inside: Path | None = None) -> Path:
    """A new folder that only this user can read (mode 0700), in `inside` or the system's temporary folder.

    Raises:
        InputRefused: no folder can be made there.
    """
    try:
        return private_folder.make_private_folder(inside)
    except OSError as error:
        where = inside or "the system's temporary folder"
        raise InputRefused(f"No temporary folder can be made in {where}: {error.strerror}.", "Free some space, or set TMPDIR.") from error


def write_array(path: Path, array: np.ndarray) -> Path:
    """Write an array as .npy; the file is there whole or not at all. Makes the folder where it is missing.

    Raises:
        InputRefused: the file cannot be written (a full disk above all).
    """
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            np.save(file, np.ascontiguousarray(array), allow_pickle=False)
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        reason = error.strerror or "the disk is full"  # numpy's own error of a short write has no number
        message = f"The temporary file {path.name} cannot be written in {path.parent}: {reason}."
        raise InputRefused(message, "Free some space there, or set TMPDIR to a larger disk.") from error
    return path


def read_array(path: Path) -> np.ndarray:
    """Map a .npy file into memory, copy-on-write: torch takes it without a warning, and the file stays as it is.

    On Windows the file cannot be removed until the last reference to the array is gone.

    Raises:
        UsageError: no such file, or not a .npy file.
    """
    try:
        return np.load(path, mmap_mode="c", allow_pickle=False)
    except UNREADABLE as error:
        raise UsageError(f"The file {Path(path).name} of the request cannot be read ({type(error).__name__}).") from error


def images_to_json(images: dict[str, Image], folder: Path) -> dict[str, dict]:
    """Write the arrays into `folder` and describe the images for a request. Raises InputRefused where a file cannot be written."""
    return {key: _image_to_json(image, folder / f"{key}.npy") for key, image in images.items()}


def _image_to_json(image: Image, path: Path) -> dict:
    array = str(write_array(path, image.array))
    return {
        "array": array,
        "affine": image.affine.tolist(),
        "name": image.name,
        "tags": image.tags,
        "notes": [asdict(note) for note in image.notes],
    }


def images_from_json(entries: dict[str, dict]) -> dict[str, Image]:
    """Inverse of `images_to_json`; the arrays are mapped, not copied.

    Raises:
        UsageError: an entry is incomplete or does not make an image.
    """
    return {key: _image_from_json(key, entry) for key, entry in entries.items()}


def _image_from_json(key: str, entry: dict) -> Image:
    try:
        array = read_array(Path(entry["array"]))
        affine = np.array(entry["affine"], dtype=np.float64)
        notes = tuple(ReadingNote(**note) for note in entry.get("notes", ()))
        return Image(array, affine, str(entry.get("name", "")), dict(entry.get("tags", {})), notes)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"The input '{key}' of the request is not an image: {error}.") from error


def result_to_json(result: Result, folder: Path) -> dict:
    """Write a result's arrays into `folder` and describe it. Raises InputRefused where a file cannot be written."""
    return {
        TASK_KEY: result.task.to_json(),
        "segments": {key: str(write_array(folder / f"{key}.npy", mask)) for key, mask in result.masks.items()},
        "instances": _optional(folder / "instances.npy", result.instances),
        "uncertainty": _optional(folder / "uncertainty.npy", result.uncertainty),
        "brain_mask": _optional(folder / "brain_mask.npy", result.brain_mask and result.brain_mask.mask),
        "bias_fields": {key: str(write_array(folder / f"bias_{key}.npy", array)) for key, array in result.bias_fields.items()},
        "grid": {"shape": list(result.grid.shape), "affine": result.grid.affine.tolist()},
        "reference": result.reference,
        "record": result.record,
    }


def _optional(path: Path, array: np.ndarray | None) -> str | None:
    return None if array is None else str(write_array(path, array))


def result_from_json(entry: dict) -> Result:
    """Inverse of `result_to_json`; the arrays are mapped, not copied. Raises UsageError, KeyError where the entry does not fit."""
    task = _task_from_json(entry[TASK_KEY])
    grid = Grid(tuple(entry["grid"]["shape"]), np.array(entry["grid"]["affine"], dtype=np.float64))
    masks = {key: read_array(Path(path)) for key, path in entry["segments"].items()}
    brain = _mapped(entry.get("brain_mask"))
    return Result(
        task=task,
        grid=grid,
        reference=entry["reference"],
        segments=segments_on(grid, task, masks),
        instances=_mapped(entry.get("instances")),
        uncertainty=_mapped(entry.get("uncertainty")),
        brain_mask=None if brain is None else Segment(BRAIN_MASK.regions[0], brain, grid.voxel_volume_mm3),
        bias_fields={key: read_array(Path(path)) for key, path in entry.get("bias_fields", {}).items()},
        record=entry["record"],
    )


def _task_from_json(entry: dict) -> Task:
    """The task as the worker knows it, which may have weights that this side has not; the very one of `TASKS` where it is the same."""
    try:
        found = Task.from_json(entry)
    except Unfit as fault:
        raise UsageError(f"The task of the result does not fit: {fault}.") from fault
    known = TASKS.get(found.key)
    return known if known == found else found


def _mapped(path: str | None) -> np.ndarray | None:
    return None if path is None else read_array(Path(path))
