"""Medical Segmentation Decathlon and nnU-Net: a `dataset.json` beside `imagesTr`, `labelsTr`, `imagesTs`, or one that lists its files.

Task03_Liver is one volume a case. Task01_BrainTumour keeps four modalities in one four-dimensional file, with labels of its own:
`medsegdl-train unpack` writes it as BraTS stores it, once. The channels of a picture are its colours, all in one file.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.metrics.labels import plain_name
from MedSegDLLib.tasks import Task

from .case import Case
from .names import pictures_below, stem, volumes_below

DESCRIPTION = "dataset.json"
LISTED = "dataset"  # nnU-Net v2: {case: {"images": [...], "label": ...}}, in place of imagesTr and labelsTr
NUMBERED = re.compile(r"^(?P<name>.+)_(?P<channel>\d{4})$")  # nnU-Net: one file a channel
INPUT_NAMES = {  # of channels in dataset.json, in lower case -> input key
    **dict.fromkeys(("ct",), "ct"),
    **dict.fromkeys(("t1", "t1w", "t1n"), "t1"),
    **dict.fromkeys(("t1ce", "t1gd", "t1c", "t1wce"), "t1ce"),
    **dict.fromkeys(("t2", "t2w"), "t2"),
    **dict.fromkeys(("flair", "t2f"), "flair"),
}


def find(folder: Path, task: Task) -> list[Case]:
    """Cases of every `dataset.json` in the folder or one level below.

    Raises:
        InputRefused: it is no JSON, its channels are not the task's, or it keeps all modalities in one file.
    """
    descriptions = [path for path in (folder / DESCRIPTION, *sorted(folder.glob(f"*/{DESCRIPTION}"))) if path.is_file()]
    return [case for path in descriptions if not names_labels_only(path) for case in _cases(path, task)]


def names_labels_only(path: Path) -> bool:
    """Whether a `dataset.json` says no more than what the labels of a data set of another layout mean (`MedSegDLLib.metrics.labels`)."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(entry, dict) and "labels" in entry and not {"channel_names", "modality", "training", LISTED} & set(entry)


def _cases(path: Path, task: Task) -> list[Case]:
    entry = read_description(path)
    keys = channels_of(entry, path, task)
    training = entry.get("training")
    if LISTED in entry:
        return [_listed(path, name, row, keys) for name, row in _rows_of(entry, path)]
    if isinstance(training, list):
        if len(keys) > 1:
            raise InputRefused(f"{path.parent.name} keeps {len(keys)} modalities in one file.", "Run `medsegdl-train unpack` on it first.")
        rows = [(row["image"], row["label"]) for row in training] + [(image, None) for image in _texts(entry.get("test", []))]
        return [
            Case(stem(Path(image)), {keys[0]: path.parent / image}, path.parent / label if label else None)
            for image, label in rows
            if not Path(image).name.startswith(".")
        ]
    return _numbered(path.parent, keys, task)


def _rows_of(entry: dict[str, Any], path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Name and files of each case that nnU-Net's key `dataset` lists. Raises InputRefused: they are not written as nnU-Net reads them."""
    rows = entry[LISTED]
    for name, row in rows.items() if isinstance(rows, dict) else [("", None)]:
        images, label = (row.get("images"), row.get("label")) if isinstance(row, dict) else (None, None)
        if not (isinstance(images, list) and images and all(isinstance(one, str) for one in images) and isinstance(label, str)):
            says = f"{path.parent.name}/{path.name} does not tell the files of the case '{name:.60}' under '{LISTED}'."
            raise InputRefused(says, 'Write {"NAME": {"images": [one a channel], "label": FILE}, ...}.')
    return list(rows.items())


def _listed(path: Path, name: str, row: dict[str, Any], keys: list[str]) -> Case:
    """A case whose files lie anywhere: relative to `dataset.json`, absolute, or by variables of the environment (`$DATA/x.nii.gz`)."""
    if len(row["images"]) != len(keys):
        says = f"{path.parent.name}/{path.name} lists {len(row['images'])} images of the case '{name:.60}'; there are {len(keys)} channels."
        raise InputRefused(says, "List one image a channel, in the order of the channels (of a picture one for all its colours).")
    places = [path.parent / os.path.expandvars(one) for one in (*row["images"], row["label"])]
    return Case(name, dict(zip(keys, places[:-1], strict=True)), places[-1])


def _texts(rows: list[Any]) -> list[str]:
    """Test images, which the file lists as names or as {"image": name}."""
    return [row if isinstance(row, str) else row["image"] for row in rows]


def _numbered(folder: Path, keys: list[str], task: Task) -> list[Case]:
    """nnU-Net: `imagesTr/NAME_0000.nii.gz`, one a channel (of a picture one for all), and `labelsTr/NAME.nii.gz`."""
    files_below = pictures_below if task.pictures else volumes_below
    labels = {stem(path): path for path in files_below(folder / "labelsTr")} if (folder / "labelsTr").is_dir() else {}
    inputs: dict[str, dict[str, Path]] = {}
    for place in (folder / "imagesTr", folder / "imagesTs"):
        for path in files_below(place) if place.is_dir() else ():
            match = NUMBERED.match(stem(path))
            if match and task.pictures and int(match["channel"]):
                says = f"{folder.name} keeps channels of its pictures in files of their own ({path.name})."
                raise InputRefused(says, "Save each picture as one grey or RGB file, NAME_0000.")
            if match and int(match["channel"]) < len(keys):
                inputs.setdefault(match["name"], {})[keys[int(match["channel"])]] = path
    return [Case(name, files, labels.get(name)) for name, files in inputs.items()]


def read_description(path: Path) -> dict[str, Any]:
    """The content of a `dataset.json`.

    Raises:
        InputRefused: it is none.
    """
    try:
        entry = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputRefused(f"{path} cannot be read as JSON.", "Unpack the data set again.") from error
    if not isinstance(entry, dict) or not isinstance(entry.get("channel_names", entry.get("modality")), dict):
        raise InputRefused(f"{path} names no channels.", "Give the folder of a Medical Segmentation Decathlon or nnU-Net data set.")
    return entry


def channel_names(entry: dict[str, Any], path: Path) -> list[str]:
    """What a `dataset.json` calls its channels, in their order. Raises InputRefused: they are not numbered from 0."""
    names = entry.get("channel_names", entry.get("modality"))
    if sorted(names) != sorted(str(number) for number in range(len(names))):
        raise InputRefused(f"{path.parent.name}/{path.name} does not number its channels 0, 1, ...", "Correct its 'channel_names'.")
    return [str(names[str(number)]) for number in range(len(names))]


def _input_named(name: str, task: Task) -> str:
    """Key of the input that a channel of this name is; '' for none."""
    for entry in task.inputs:
        if plain_name(name) in (plain_name(entry.key), plain_name(entry.title)):
            return entry.key
    return INPUT_NAMES.get(name.lower(), "")


def channels_of(entry: dict[str, Any], path: Path, task: Task) -> list[str]:
    """Input key of every channel; of a picture, whose channels are colours, of all of them together.

    Raises:
        InputRefused: a channel is no input of the task.
    """
    names = channel_names(entry, path)
    if task.pictures:
        return [task.inputs[0].key]
    known = {part.key for part in task.inputs}
    keys = [_input_named(name, task) for name in names]
    strange = [name for name, key in zip(names, keys) if key not in known]
    if strange or len(set(keys)) < len(keys):
        strange = strange or [name for name, key in zip(names, keys) if keys.count(key) > 1]
        says = f"{path.parent.name} has the channel {strange[0]}, which is no input of the task '{task.key}'."
        raise InputRefused(says, f"Its inputs are {', '.join(sorted(known))}.")
    return keys
