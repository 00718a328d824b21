"""Task01_BrainTumour of the Medical Segmentation Decathlon, once, into files as BraTS stores them: one a modality, labels renumbered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.itk_workarounds import native_messages_off
from MedSegDLLib.io.meta_reader import affine_of
from MedSegDLLib.io.write import write_image
from MedSegDLLib.tasks import Task

from .decathlon import DESCRIPTION, channels_of, read_description
from .names import stem

BRATS_VALUES = {"background": 0, "edema": 2, "non-enhancing tumor": 1, "enhancing tumour": 4}  # the Decathlon's names -> BraTS


def unpack(folder: Path, out: Path, task: Task, report: Callable[[str], None] = print) -> int:
    """Write every case of a data set that keeps its modalities in one file: `<out>/<case>/<case>_<modality>.nii.gz` and `_seg`.

    Args:
        folder: with `dataset.json`.
        out: gets one folder a case; cases that are there already are left alone.
        task: its inputs name the modalities.
        report: called with the name of every case.

    Returns:
        How many cases were written.

    Raises:
        InputRefused: no such data set, labels of unknown names, or a damaged file.
    """
    entry = read_description(folder / DESCRIPTION)
    keys = channels_of(entry, folder / DESCRIPTION, task)
    values = _values(entry)
    rows = entry.get("training")
    if not isinstance(rows, list):
        raise InputRefused(f"{folder.name} does not list its cases.", "Data sets of nnU-Net need no unpacking.")
    written = 0
    for row in rows:
        name = stem(Path(row["image"]))
        labels_path = out / name / f"{name}_seg.nii.gz"
        if labels_path.exists():
            continue
        report(name)
        image, labels = _read(folder / row["image"]), _read(folder / row["label"])
        _write_case(image, labels, keys, values, labels_path)
        written += 1
    return written


def _values(entry: dict[str, Any]) -> np.ndarray:
    """BraTS value of every label."""
    names = {int(number): str(name).lower() for number, name in entry.get("labels", {}).items() if str(number).isdigit()}
    strange = [name for name in names.values() if name not in BRATS_VALUES]
    if strange or not names:
        says = f"The data set has the label '{strange[0]}', which BraTS does not know." if strange else "The data set names no labels."
        raise InputRefused(says, f"Known are {', '.join(BRATS_VALUES)}.")
    table = np.zeros(max(names) + 1, np.uint8)
    for number, name in names.items():
        table[number] = BRATS_VALUES[name]
    return table


def _read(path: Path) -> sitk.Image:
    try:
        with native_messages_off():
            return sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise InputRefused(f"{path.name} cannot be read.", "Unpack the data set's archive again.") from error


def _write_case(image: sitk.Image, labels: sitk.Image, keys: list[str], values: np.ndarray, labels_path: Path) -> None:
    """The labels last: a case that was cut off is written again."""
    if image.GetDimension() != 4 or image.GetSize()[3] != len(keys):
        raise InputRefused(
            f"{labels_path.parent.name} does not hold {len(keys)} modalities in one file.", "Only such data sets are unpacked."
        )
    labels_path.parent.mkdir(parents=True, exist_ok=True)
    name = labels_path.parent.name
    for number, key in enumerate(keys):
        volume = image[:, :, :, number]
        write_image(Image(sitk.GetArrayFromImage(volume), affine_of(volume)), labels_path.with_name(f"{name}_{key}.nii.gz"))
    numbers = sitk.GetArrayFromImage(labels).astype(np.int64)
    if numbers.min() < 0 or numbers.max() >= len(values):
        raise InputRefused(f"The labels of {name} hold values that {DESCRIPTION} does not name.", "Unpack the data set's archive again.")
    write_image(Image(values[numbers], affine_of(labels)), labels_path)
