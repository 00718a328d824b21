"""A finished output folder of `segment` as a case, and a report into its files. For the command line: it reads files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import InputRefused
from ..io.atomic import atomic_path
from ..io.read import read_image
from ..io.write import REPORT_FILE, prepare_file
from ..tasks import Task, chosen_task
from .case import Case
from .page import page
from .table import csv_text

PAGE_SUFFIXES = (".html", ".htm")
AGAIN = "Name a folder that `medsegdl segment` has written."


def read_case(folder: Path, image: Path | None = None, weights: Path | None = None) -> Case:
    """The case in a folder.

    Args:
        folder: with report.json and the masks.
        image: what the outlines are drawn on; its own grid may be another.
        weights: where the task is theirs and not installed.

    Raises:
        InputRefused: no such folder, a file is missing or is not what it was.
        UsageError: the task is not known.
    """
    record = read_record(folder)
    task = chosen_task(str(record.get("task", "")), weights)
    read = {key: read_image(path) for key, path in _mask_files(folder, task).items()}
    grid = next(iter(read.values())).grid
    if any(mask.grid.shape != grid.shape for mask in read.values()):
        raise InputRefused(f"The masks in {folder.name} are of several sizes.", "Segment again: they are not of one result.")
    shown = None if image is None else read_image(image)
    if shown is not None and not task.pictures and shown.channels > 1:
        raise InputRefused(f"{image.name} is a colour picture, and the result is a volume.", "Give the volume that was segmented.")
    masks = {key: mask.array for key, mask in read.items()}
    return Case(task, grid, masks, record, shown, _title(task, record) if shown is not None else "")


def read_record(folder: Path) -> dict[str, Any]:
    """What report.json holds. Raises InputRefused."""
    path = folder / REPORT_FILE
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputRefused(f"{folder} holds no {REPORT_FILE}.", AGAIN) from error
    except (ValueError, RecursionError) as error:
        raise InputRefused(f"{path} is damaged: it is not JSON.", AGAIN) from error
    if not isinstance(record, dict):
        raise InputRefused(f"{path} is no run record.", AGAIN)
    return record


def prepare_report(path: Path) -> Path:
    """Try out where a report is to be written, and the CSV beside it. Raises InputRefused."""
    prepare_file(csv_path(path), None)
    return prepare_file(path, PAGE_SUFFIXES)


def csv_path(path: Path) -> Path:
    """Where the figures of a report go: beside the page."""
    return path.with_suffix(".csv")


def write_report(case: Case, path: Path) -> tuple[Path, Path]:
    """Write the page and the CSV beside it, each atomically. Raises InputRefused where the disk does not take them."""
    return write_texts(page(case), csv_text(case), path)


def write_texts(html: str, figures: str, path: Path) -> tuple[Path, Path]:
    """The same of any page and its figures: the paths of both."""
    for target, text in ((csv_path(path), figures), (path, html)):
        with atomic_path(target) as temporary:
            temporary.write_text(text, encoding="utf-8", errors="replace")
    return path, csv_path(path)


def _mask_files(folder: Path, task: Task) -> dict[str, Path]:
    """Region key -> its file; of counted objects their numbers."""
    if task.instances:
        numbered = [folder / f"{task.key}{suffix}" for suffix in (".png", ".tif")]
        return {task.regions[0].key: next((path for path in numbered if path.is_file()), numbered[0])}
    return {region.key: folder / f"{region.key}.nii.gz" for region in task.regions}


def _title(task: Task, record: dict[str, Any]) -> str:
    return next((entry.title for entry in task.inputs if entry.key == record.get("reference")), "")
