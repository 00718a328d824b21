"""What the numbers of a label map mean. One rule for `evaluate` and for every reader of training data; no files are read here but
`dataset.json`.

The first that speaks decides, and a guess is never made in silence:

1. the convention that the user names (`--labels`);
2. `labels` of an nnU-Net or Decathlon `dataset.json` in the folder of the label map or the one above;
3. the conventions of the task that know every value of the data set (all its label maps together: a case without enhancing tumour says
   nothing by itself); of these the ones whose names fit the files; where those that are left agree about the values, they are one;
4. the convention for which these values are usual, with a note;
5. a refusal that names the option.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..errors import InputRefused, UsageError
from ..tasks import LabelConvention, Task

LABEL_TOLERANCE = 0.1  # nibabel stores labels up to 50 in 8 bits with a slope: 1.0039 and 1.9922 for 1 and 2, off by up to 50/510
LISTED = 5  # values or names that a message lists at most
DESCRIPTION = "dataset.json"
NAMED_FOLDERS = 3  # parts of a path that may tell its origin: the file and the two folders around it
MASK_VALUES = (1, 255)  # of a mask of one region
PICTURE_STEPS = 0.5  # of neighbours within the foreground that differ: a tenth in crowded nuclei, nine tenths in a picture


@dataclass(frozen=True)
class Decision:
    """Which convention counts.

    Attributes:
        convention: see `LabelConvention`.
        note: a sentence where something had to be assumed, else "".
    """

    convention: LabelConvention
    note: str = ""


def whole_numbers(labels: np.ndarray, name: str) -> np.ndarray:
    """Labels as a type of whole numbers.

    Raises:
        InputRefused: a value is negative, not finite, or not near a whole number.
    """
    whole = labels
    if np.issubdtype(labels.dtype, np.floating):
        whole = np.round(np.where(np.isfinite(labels), labels, -1.0)).astype(np.int32)
    if whole.min(initial=0) < 0 or (whole is not labels and np.abs(labels - whole).max(initial=0) > LABEL_TOLERANCE):
        raise InputRefused(f"{name} is no label map: its values are not whole numbers from 0 up.", "Give labels, not an image.")
    return whole


def values_of(labels: np.ndarray, name: str) -> set[int]:
    """The values above 0 that occur; raises InputRefused as `whole_numbers` does."""
    return set(np.unique(whole_numbers(labels, name)).tolist()) - {0}


def regions_of_labels(
    labels: np.ndarray, task: Task, name: str | Path = "The label map", convention: LabelConvention | None = None
) -> dict[str, np.ndarray]:
    """One mask a region, (K, J, I) uint8.

    Args:
        labels: (K, J, I) whole numbers, in whatever number type.
        task: holds the conventions.
        name: what a refusal calls the labels, and may tell their origin; a Path also leads to a `dataset.json`.
        convention: what they mean; None decides by this one map and its name or path.

    Raises:
        InputRefused: the values are not whole numbers, mean nothing in the task, or may mean several things.
    """
    path = Path(name)
    if convention is None and isinstance(name, Path):
        convention, name = described(path, task), path.name
    whole = whole_numbers(labels, str(name))
    present = values_of(whole, str(name))
    if convention is None:
        convention = decide(task, present, [path]).convention
    _refuse_unknown(present, convention, task, str(name))
    masks = {key: np.isin(whole, wanted) if wanted else whole > 0 for key, wanted in convention.labels.items()}
    return {region.key: masks[region.key].astype(np.uint8) for region in task.regions}


def convention_named(key: str, task: Task) -> LabelConvention:
    """The task's convention of that key; UsageError if there is none."""
    for convention in task.conventions:
        if convention.key == key:
            return convention
    listed = "; ".join(f"{convention.key} ({convention.title})" for convention in task.conventions)
    raise UsageError(f"'{key}' is no convention of labels of the task '{task.key}'.", f"There are: {listed}.")


def decide(task: Task, present: set[int], paths: Iterable[Path]) -> Decision:
    """The convention of a data set by its values and names (rules 3 to 5).

    Args:
        present: all values above 0 of all its label maps.
        paths: those label maps.

    Raises:
        InputRefused: the values mean nothing in the task, or may mean several things.
    """
    paths = list(paths)
    name = paths[0].name if len(paths) == 1 else f"The set of {len(paths)} label maps"
    fitting = [convention for convention in task.conventions if convention.knows(present)]
    if not fitting:
        _refuse_unknown(present, min(task.conventions, key=lambda known: len(_unknown(present, known))), task, name)
    told = [convention for convention in fitting if convention.names and any(_names(path, convention) for path in paths)]
    meanings = _meanings(told or fitting, present)
    if len(meanings) == 1:
        return Decision((told or fitting)[0])
    usual = [convention for convention in fitting if present and present <= set(convention.usual)]
    if len(_meanings(usual, present)) == 1:
        others = ", ".join(convention.key for convention in fitting if _meaning(convention, present) != _meaning(usual[0], present))
        note = f"Its labels are taken for those of {usual[0].title} (--labels {usual[0].key}); they might also be those of: {others}."
        return Decision(usual[0], f"{name}: {note}")
    keys = "; ".join(f"{convention.key} ({convention.title})" for convention in told or fitting)
    listed = ", ".join(map(str, sorted(present)))
    raise InputRefused(
        f"{name} holds the labels {listed}, which have several meanings.",
        f"Say which with `evaluate --labels`, or by `labels` in a dataset.json: {keys}.",
    )


def is_told(path: Path, present: set[int], task: Task) -> bool:
    """Whether a `dataset.json` or a name tells what the values of a label map mean, or all conventions that know them agree."""
    if described(path, task) is not None:
        return True
    fitting = [convention for convention in task.conventions if convention.knows(present)]
    told = [convention for convention in fitting if convention.names and _names(path, convention)]
    return len(_meanings(told or fitting, present)) == 1


def described(path: Path, task: Task) -> LabelConvention | None:
    """The convention that a `dataset.json` in the label map's folder or the one above tells; None where there is none with labels.

    Raises:
        InputRefused: it is no JSON, or names a label that means nothing in the task.
    """
    if task.instances:
        return None
    folder = path if path.is_dir() else path.parent
    for place in (folder, folder.parent):
        description = place / DESCRIPTION
        if description.is_file():
            return _convention_in(description, task)
    return None


def _convention_in(description: Path, task: Task) -> LabelConvention | None:
    try:
        entry = json.loads(description.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputRefused(f"{description} cannot be read as JSON.", "Unpack the data set again, or name its labels.") from error
    named = entry.get("labels") if isinstance(entry, dict) else None
    if not isinstance(named, dict):
        return None
    found: dict[str, set[int]] = {region.key: set() for region in task.regions}
    others: set[int] = set()
    for name, values in names_and_values(named, description):
        region = _region_named(name, task, description)
        while region is not None:
            found[region] |= values
            region = task.region(region).inside
        others |= values
    title = f"{description.parent.name}/{description.name}"
    if not any(found.values()):
        raise InputRefused(f"{title} names no label of the task '{task.key}'.", f"Its labels are: {', '.join(map(str, named))}.")
    # A region that the data set does not know is a value that never occurs.
    labels = {key: tuple(sorted(values)) or (-1,) for key, values in found.items()}
    return LabelConvention(DESCRIPTION, title, labels, others=tuple(sorted(others)))


def names_and_values(named: dict[str, Any], description: Path) -> Iterable[tuple[str, set[int]]]:
    """Names and label values of nnU-Net ({"oedema": 1} or {"whole tumour": [1, 2, 3]}) and of the Decathlon ({"1": "oedema"}), 0 left out.

    Raises:
        InputRefused: a label has no number.
    """
    for key, value in named.items():
        try:
            if isinstance(value, str):
                name, values = value, {int(key)}
            else:
                name, values = key, {int(part) for part in (value if isinstance(value, list) else [value])}
        except (TypeError, ValueError) as error:
            raise InputRefused(f"{description} has a label '{key}' without a number.", "Correct its 'labels'.") from error
        if values - {0}:
            yield name, values - {0}


def _region_named(name: str, task: Task, description: Path) -> str | None:
    """The innermost region that a label of this name belongs to, None for one that belongs to none."""
    plain = plain_name(name)
    for pattern, region in task.label_names:
        if re.search(pattern, plain):
            return region
    raise InputRefused(
        f"{description.parent.name}/{description.name} names a label '{name}', which means nothing in the task '{task.key}'.",
        "Rename it there (oedema, necrosis, enhancing ...), or name the convention with --labels.",
    )


def plain_name(name: str) -> str:
    """A name as names are compared: small letters and digits, single blanks between words ('wholeTumour_1' -> 'whole tumour 1')."""
    return " ".join(re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()).split())


def region_of_name(path: Path, task: Task) -> str | None:
    """The region whose key or title a file is named after (`WT.nii.gz`, `case_WT.nii.gz`, `whole_tumour.nii.gz`); None for none."""
    stem = re.sub(r"(\.nii)?\.[a-z]+$", "", path.name.lower())
    for region in task.regions:
        for word in (region.key, region.title):
            ending = re.sub(r"[^a-z0-9]+", "[ _.-]?", word.lower())
            if re.search(rf"(^|[ _.-]){ending}$", stem):
                return region.key
    return None


def is_mask(present: set[int], task: Task, convention: LabelConvention | None) -> bool:
    """Whether the values are those of a mask of one region rather than of a label map.

    255 always is. A lone 1 is where it would mean more than the outermost region, or nothing, and nobody said what it means.
    """
    if len(present) != 1 or not present <= set(MASK_VALUES) or len(task.regions) == 1:
        return False
    if convention is not None:
        return not convention.knows(present)
    outermost = tuple((region.key, frozenset(present if region.inside is None else ())) for region in task.regions)
    return _meanings([known for known in task.conventions if known.knows(present)], present) != {outermost}


def looks_like_a_picture(numbers: np.ndarray) -> bool:
    """Whether most neighbours in the foreground differ: grey values (a picture, a probability map), not object numbers."""
    left, right = numbers[..., :-1], numbers[..., 1:]
    both = (left > 0) & (right > 0)
    return bool(np.count_nonzero(both & (left != right)) > PICTURE_STEPS * np.count_nonzero(both) > 0)


def connected_objects(mask: np.ndarray) -> np.ndarray:
    """(K, J, I) numbers 1..n of the connected parts (corners count as touching) of what is above 0."""
    parts = sitk.ConnectedComponent(sitk.GetImageFromArray((mask > 0).astype(np.uint8)), True)
    return sitk.GetArrayFromImage(parts).astype(np.int32)


def _names(path: Path, convention: LabelConvention) -> bool:
    return any(re.search(convention.names, part) for part in path.parts[-NAMED_FOLDERS:])


def _meaning(convention: LabelConvention, present: set[int]) -> tuple[tuple[str, frozenset[int]], ...]:
    """What the values that are there make of each region."""
    return tuple((key, frozenset(present & set(wanted) if wanted else present)) for key, wanted in convention.labels.items())


def _meanings(conventions: Iterable[LabelConvention], present: set[int]) -> set[tuple[tuple[str, frozenset[int]], ...]]:
    return {_meaning(convention, present) for convention in conventions}


def _unknown(present: set[int], convention: LabelConvention) -> set[int]:
    return {value for value in present if not convention.knows({value})}


def _refuse_unknown(present: set[int], convention: LabelConvention, task: Task, name: str) -> None:
    unknown = sorted(_unknown(present, convention))
    if unknown:
        listed = ", ".join(map(str, unknown[:LISTED])) + (", ..." if len(unknown) > LISTED else "")
        says = f"{name} holds values that are no labels of the task '{task.key}' ({listed})."
        raise InputRefused(says, f"Give a label map of this task ({convention.title}).")
