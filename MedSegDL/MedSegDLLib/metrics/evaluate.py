"""`medsegdl evaluate`: a segmentation on disk against a reference, case by case, and the mean.

Knows files; what labels mean is decided in `labels`, a case is measured in `scores`. Prints nothing, writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputRefused
from ..geometry.image import Image
from ..io.formats import PICTURE_SUFFIXES, VOLUME_SUFFIXES, file_suffix
from ..io.read import read_image
from ..io.transaction import repair
from ..tasks import LabelConvention, Task
from .labels import (
    connected_objects,
    convention_named,
    decide,
    described,
    is_mask,
    looks_like_a_picture,
    region_of_name,
    regions_of_labels,
    values_of,
    whole_numbers,
)
from .scores import Empty, Segmentation, mean, pooled, score, spread

SEGMENTATION_SUFFIX = ".seg.nrrd"
REPORT = "report.json"
LISTED = 5  # names that a message lists at most
COLUMNS = (  # key, title, number format
    ("dice", "Dice", ".4f"),
    ("iou", "IoU", ".4f"),
    ("sensitivity", "Sensitivity", ".4f"),
    ("precision", "Precision", ".4f"),
    ("accuracy", "Accuracy", ".4f"),
    ("hd95_mm", "HD95 (mm)", ".2f"),
    ("assd_mm", "ASSD (mm)", ".2f"),
    ("lesion_dice", "Lesion Dice", ".4f"),
    ("volume_ml", "Volume (mL)", ".2f"),
    ("reference_ml", "Reference (mL)", ".2f"),
    ("count", "Count", ".4g"),
    ("reference_count", "Reference", ".4g"),
    ("kaggle_precision", "Kaggle precision", ".4f"),
    ("aji", "AJI", ".4f"),
    ("pq", "PQ", ".4f"),
)
NAME_WIDTH = 32


@dataclass(frozen=True)
class _Meaning:
    """What the label maps of one side mean.

    Attributes:
        convention: of their numbers; None where they are masks of one region each, named after it.
        notes: what had to be assumed.
    """

    convention: LabelConvention | None
    notes: tuple[str, ...] = ()


def evaluate(prediction: Path, reference: Path, task: Task, empty: Empty = Empty.BRATS, labels: str | None = None) -> dict:
    """Measure a prediction against a reference, region by region, on the reference's own grid.

    Args:
        prediction: folder that `segment` wrote, or a label map; for many cases a folder of these, named like the references.
        reference: label map, or a folder with one mask a region; for many cases a folder of these.
        task: says what the labels mean.
        empty: what two empty masks count for.
        labels: key of the convention of both sides' label maps; None decides by the rule in `labels`, each side by itself.

    Returns:
        {"task", "empty", "cases": [as `scores.score` gives them], "mean": {"regions": {key: {...}}, ...}, "spread": the same with
        {"mean", "deviation", "n"} for every number, "pooled": {"regions": {key: measures of one confusion matrix over all cases}},
        "notes": [...]}. JSON types only.

    Raises:
        InputRefused: a file is missing or no label map, its labels may mean several things, it is a result of another task, no reference
            has a prediction, or pictures differ in size.
        UsageError: `labels` names no convention of the task.
    """
    prediction, reference = Path(prediction), Path(reference)
    pairs, notes = [(_case_name(reference), prediction, reference)], []
    if reference.is_dir() and not _is_case(reference, task):
        pairs, notes = _pairs(prediction, reference, task)
    sides = [_meaning([pair[side] for pair in pairs], task, labels) for side in (1, 2)]
    cases = []
    for name, *files in pairs:
        ours, theirs = (_read(path, task, side.convention) for path, side in zip(files, sides))
        cases.append(score(name, ours, theirs, task, empty))
    notes += [note for side in sides for note in side.notes]
    return {**summary(cases, task, empty), "notes": list(dict.fromkeys(notes))}


def summary(cases: list[dict], task: Task, empty: Empty = Empty.BRATS) -> dict:
    """Cases as `scores.score` gives them, with their mean, spread and pooled measures."""
    return {
        "task": task.key,
        "empty": empty.value,
        "cases": cases,
        "mean": mean(cases),
        "spread": spread(cases),
        "pooled": pooled(cases),
    }


def format_table(evaluation: dict) -> str:
    """The measures as lines for a terminal, one a case and region, then mean and deviation, then what had to be noted."""
    overall = [{"case": "mean", **evaluation["mean"]}, {"case": "deviation", **_deviations(evaluation["spread"])}]
    rows = list(_rows([*evaluation["cases"], *(overall if len(evaluation["cases"]) > 1 else [])]))
    columns = [(key, title, form) for key, title, form in COLUMNS if any(key in measures for _, _, measures in rows)]
    table = [["Case", "Region", *(title for _, title, _ in columns)]]
    for name, region, measures in rows:
        table.append([_shortened(name), region, *(_cell(measures.get(key), form) for key, _, form in columns)])
    widths = [max(map(len, column)) for column in zip(*table)]
    lines = ["  ".join([*map(str.ljust, row[:2], widths), *map(str.rjust, row[2:], widths[2:])]).rstrip() for row in table]
    notes = [f"{case['case']}: {note}" for case in evaluation["cases"] for note in case["notes"]]
    return "\n".join([*lines, *notes, *evaluation["notes"]])


def _case_name(path: Path) -> str:
    return path.name if path.is_dir() else path.name[: len(path.name) - len(file_suffix(path))]


def _case_files(folder: Path, task: Task) -> list[Path]:
    """The files of one case in the form that `segment` writes, whether or not they are there."""
    if task.instances:
        many = folder / f"{task.key}.tif"  # more objects than 16 bits can number
        return [many if many.is_file() else folder / f"{task.key}.png"]
    return [folder / f"{region.key}.nii.gz" for region in task.regions]


def _is_case(folder: Path, task: Task) -> bool:
    return any(path.is_file() for path in _case_files(folder, task))


def _pairs(prediction: Path, reference: Path, task: Task) -> tuple[list[tuple[str, Path, Path]], list[str]]:
    """Cases of the reference folder with a prediction: (name, prediction, reference); and a note on those without one."""
    known = {_case_name(path): path for path in sorted(reference.iterdir()) if _holds_case(path, task)}
    found = {_case_name(path): path for path in sorted(prediction.iterdir()) if _holds_case(path, task)} if prediction.is_dir() else {}
    missing = [name for name in known if name not in found]
    if len(missing) == len(known):
        raise InputRefused(
            f"{prediction.name} holds no prediction for any case of {reference.name}.",
            f"Name each prediction like its reference (NAME/{_case_files(Path(), task)[0].name} or NAME.png, NAME.nii.gz).",
        )
    notes = []
    if missing:
        listed = ", ".join(missing[:LISTED]) + (", ..." if len(missing) > LISTED else "")
        notes.append(f"{len(missing)} of {len(known)} references have no prediction and do not count in the mean: {listed}.")
    return [(name, found[name], known[name]) for name in known if name in found], notes


def _holds_case(path: Path, task: Task) -> bool:
    if path.name.startswith("."):
        return False
    return _is_case(path, task) if path.is_dir() else file_suffix(path) in (*VOLUME_SUFFIXES, *PICTURE_SUFFIXES)


def _meaning(paths: Sequence[Path], task: Task, labels: str | None) -> _Meaning:
    """What one side's label maps mean; all of them are looked at together, and only where nothing else tells."""
    maps = [path for path in paths if not path.is_dir()]
    if labels is not None:
        return _Meaning(convention_named(labels, task))
    if task.instances or not maps:
        return _Meaning(task.conventions[0])
    convention = described(maps[0], task)
    present: set[int] = set()
    for path in maps:
        image = _label_image(path)
        present |= values_of(image.array, image.name)
    if is_mask(present, task, convention):
        return _Meaning(None)
    if convention is not None:
        return _Meaning(convention, (f"The labels are those of {convention.title}.",))
    decision = decide(task, present, maps)
    return _Meaning(decision.convention, (decision.note,) if decision.note else ())


def _read(path: Path, task: Task, convention: LabelConvention | None) -> Segmentation:
    """A label map, the mask of one region, or a folder in the form that `segment` writes."""
    if path.is_dir():
        repair(path)
        _refuse_other_task(path, task)
        if not task.instances:
            return _read_masks(path, task)
    image = _label_image(_case_files(path, task)[0] if path.is_dir() else path)
    if task.instances:
        return _read_objects(image, path.name, task)
    named = region_of_name(path, task)
    if convention is None or (named and len(values_of(image.array, image.name)) == 1):
        return Segmentation(path.name, image.grid, {_one_region(path, named, task): _mask(image)})
    return Segmentation(path.name, image.grid, regions_of_labels(image.array, task, image.name, convention))


def _label_image(path: Path) -> Image:
    if path.name.endswith(SEGMENTATION_SUFFIX):
        raise InputRefused(f"{path.name} numbers its segments in an order of its own.", "Give the folder that holds it, or a label map.")
    image = read_image(path)
    if image.channels > 1:
        raise InputRefused(f"{image.name} is a colour picture, not a label map.", "Give a grey picture of object numbers.")
    return image


def _one_region(path: Path, named: str | None, task: Task) -> str:
    """The region that a mask is of, by its name."""
    if named is not None:
        return named
    keys = ", ".join(f"{region.key}.nii.gz" for region in task.regions)
    ask = f"Name it after its region ({keys})" + (", or say with --labels what its label means." if len(task.conventions) > 1 else ".")
    raise InputRefused(f"{path.name} holds a single value, as the mask of one region does, and its name does not say of which.", ask)


def _mask(image: Image) -> np.ndarray:
    return (whole_numbers(image.array, image.name) > 0).astype(np.uint8)


def _read_objects(image: Image, name: str, task: Task) -> Segmentation:
    """Numbered objects; in a mask of one value its connected parts are the objects, which a note says."""
    numbers = whole_numbers(image.array, image.name)
    if looks_like_a_picture(numbers):
        raise InputRefused(f"{image.name} looks like a picture, not like object numbers: neighbours differ.", "Give one number an object.")
    notes = []
    if len(values_of(numbers, image.name)) == 1:
        numbers = connected_objects(numbers)
        notes = [f"{name} holds a single value: its connected parts ({numbers.max()}) are taken for the objects."]
    return Segmentation(name, image.grid, {task.regions[0].key: (numbers > 0).astype(np.uint8)}, numbers, tuple(notes))


def _refuse_other_task(folder: Path, task: Task) -> None:
    """A folder that `segment` wrote says in its report which task it was."""
    try:
        report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        found = report["task"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return  # label maps of other programs have none
    if found != task.key:
        says = f"{folder.name} is a result of the task '{found}', not of '{task.key}'."
        raise InputRefused(says, f"Give a result of --task {task.key}.")


def _read_masks(folder: Path, task: Task) -> Segmentation:
    files = _case_files(folder, task)
    if not _is_case(folder, task):
        listed = ", ".join(path.name for path in files)
        raise InputRefused(f"{folder.name} holds no result of the task '{task.key}' ({listed}).", "Give the folder that `segment` wrote.")
    images = [read_image(path) for path in files]
    for image in images[1:]:
        if not image.grid.same_as(images[0].grid):
            raise InputRefused(f"{folder.name}/{image.name} lies on another grid than {images[0].name}.", "Segment the case again.")
    return Segmentation(folder.name, images[0].grid, {region.key: _mask(image) for region, image in zip(task.regions, images)})


def _deviations(spreads: dict) -> dict:
    """The deviations alone, in the form of a case."""
    regions = {key: {name: entry["deviation"] for name, entry in measures.items()} for key, measures in spreads["regions"].items()}
    return {"regions": regions, **{name: entry["deviation"] for name, entry in spreads.items() if name != "regions"}}


def _rows(cases: Iterable[dict]) -> Iterable[tuple[str, str, dict]]:
    for case in cases:
        for region, measures in case["regions"].items():
            yield case["case"], region, {**case, **measures}


def _shortened(name: str) -> str:
    return name if len(name) <= NAME_WIDTH else f"{name[: NAME_WIDTH - 3]}..."


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
