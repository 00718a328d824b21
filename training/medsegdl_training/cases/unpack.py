"""Data sets of the Medical Segmentation Decathlon that keep their modalities in one file, once, into files with one a modality.

Task01_BrainTumour as BraTS stores it, labels renumbered; any other (Task05_Prostate) as nnU-Net stores it, labels as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.atomic import write_json
from MedSegDLLib.io.itk_workarounds import native_messages_off
from MedSegDLLib.io.meta_reader import affine_of
from MedSegDLLib.io.write import write_image
from MedSegDLLib.tasks import BRAIN, Task

from .decathlon import DESCRIPTION, channel_names, channels_of, read_description
from .names import stem

BRATS_VALUES = {"background": 0, "edema": 2, "non-enhancing tumor": 1, "enhancing tumour": 4}  # the Decathlon's names -> BraTS


def unpack(folder: Path, out: Path, task: Task | None = None, report: Callable[[str], None] = print) -> int:
    """Write every case of a data set that keeps its modalities in one file: `<out>/<case>/<case>_<modality>.nii.gz` and `_seg`.

    Args:
        folder: with `dataset.json`.
        out: gets one folder a case (brains), or `imagesTr`, `labelsTr` and `dataset.json`; cases that are there already are left alone.
        task: brain; None for what the labels tell.
        report: called with the name of every case.

    Returns:
        How many cases were written.

    Raises:
        InputRefused: no such data set, labels of unknown names, or a damaged file.
    """
    entry = read_description(folder / DESCRIPTION)
    rows = entry.get("training")
    if not isinstance(rows, list):
        raise InputRefused(f"{folder.name} does not list its cases.", "Data sets of nnU-Net need no unpacking.")
    if task is None and not {name.lower() for name in _label_names(entry).values()} <= set(BRATS_VALUES):
        return _as_channels(folder, out, entry, report)
    keys = channels_of(entry, folder / DESCRIPTION, task or BRAIN)
    values = _values(entry)
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


def _as_channels(folder: Path, out: Path, entry: dict[str, Any], report: Callable[[str], None]) -> int:
    """Write the data set as nnU-Net stores it; the description last."""
    channels, written = channel_names(entry, folder / DESCRIPTION), 0
    for row in entry["training"]:
        name = stem(Path(row["image"]))
        labels_path = out / "labelsTr" / f"{name}.nii.gz"
        if labels_path.exists():
            continue
        report(name)
        image, labels = _read(folder / row["image"]), _read(folder / row["label"])
        paths = [out / "imagesTr" / f"{name}_{number:04d}.nii.gz" for number in range(len(channels))]
        _write_channels(image, paths)
        labels_path.parent.mkdir(parents=True, exist_ok=True)
        write_image(Image(sitk.GetArrayFromImage(labels), affine_of(labels)), labels_path)
        written += 1
    labels = {name: number for number, name in _label_names(entry).items()}
    described = {"channel_names": {str(number): name for number, name in enumerate(channels)}, "labels": labels, "file_ending": ".nii.gz"}
    write_json({"name": str(entry.get("name", folder.name)), **described}, out / DESCRIPTION)
    return written


def _label_names(entry: dict[str, Any]) -> dict[int, str]:
    """Label -> name."""
    return {int(number): str(name) for number, name in entry.get("labels", {}).items() if str(number).isdigit()}


def _values(entry: dict[str, Any]) -> np.ndarray:
    """BraTS value of every label."""
    names = {number: name.lower() for number, name in _label_names(entry).items()}
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


def _write_channels(image: sitk.Image, paths: list[Path]) -> None:
    """The volumes of a four-dimensional image, one a file."""
    if image.GetDimension() != 4 or image.GetSize()[3] != len(paths):
        raise InputRefused(f"{paths[0].name} would not be one of {len(paths)} modalities in one file.", "Only such data sets are unpacked.")
    for number, path in enumerate(paths):
        volume = image[:, :, :, number]
        path.parent.mkdir(parents=True, exist_ok=True)
        write_image(Image(sitk.GetArrayFromImage(volume), affine_of(volume)), path)


def _write_case(image: sitk.Image, labels: sitk.Image, keys: list[str], values: np.ndarray, labels_path: Path) -> None:
    """The labels last: a case that was cut off is written again."""
    name = labels_path.parent.name
    _write_channels(image, [labels_path.with_name(f"{name}_{key}.nii.gz") for key in keys])
    numbers = sitk.GetArrayFromImage(labels).astype(np.int64)
    if numbers.min() < 0 or numbers.max() >= len(values):
        raise InputRefused(f"The labels of {name} hold values that {DESCRIPTION} does not name.", "Unpack the data set's archive again.")
    write_image(Image(values[numbers], affine_of(labels)), labels_path)
