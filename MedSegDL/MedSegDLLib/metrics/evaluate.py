"""`medsegdl evaluate`: a segmentation on disk against a reference, case by case, and the mean.

Knows files and label conventions; a case is measured in `scores`. Prints nothing, writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..errors import InputRefused
from ..io.formats import PICTURE_SUFFIXES, VOLUME_SUFFIXES, file_suffix
from ..io.read import read_image
from ..tasks import LabelConvention, Task
from .scores import Empty, Segmentation, mean, pooled, score, spread

LABEL_TOLERANCE = 1e-3  # labels stored as floats (BraTS 2023) are whole numbers up to rounding
SEGMENTATION_SUFFIX = ".seg.nrrd"
LISTED = 5  # values or names that a message lists at most
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


def evaluate(prediction: Path, reference: Path, task: Task, empty: Empty = Empty.BRATS) -> dict:
    """Measure a prediction against a reference, region by region, on the reference's own grid.

    Args:
        prediction: folder that `segment` wrote, or a label map; for many cases a folder of these, named like the references.
        reference: label map, or a folder with one mask a region; for many cases a folder of these.
        task: says what the labels mean.
        empty: what two empty masks count for.

    Returns:
        {"task", "empty", "cases": [as `scores.score` gives them], "mean": {"regions": {key: {...}}, ...}, "spread": the same with
        {"mean", "deviation", "n"} for every number, "pooled": {"regions": {key: measures of one confusion matrix over all cases}},
        "notes": [...]}. JSON types only.

    Raises:
        InputRefused: a file is missing or no label map, no reference has a prediction, or pictures differ in size.
    """
    prediction, reference = Path(prediction), Path(reference)
    pairs, notes = [(_case_name(reference), prediction, reference)], []
    if reference.is_dir() and not _is_case(reference, task):
        pairs, notes = _pairs(prediction, reference, task)
    cases = [score(name, _read(ours, task), _read(theirs, task), task, empty) for name, ours, theirs in pairs]
    return {**summary(cases, task, empty), "notes": notes}


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


def regions_of_labels(labels: np.ndarray, task: Task, name: str = "The label map") -> dict[str, np.ndarray]:
    """One mask a region, (K, J, I) uint8, by the first of the task's conventions whose sign occurs among the labels.

    Args:
        labels: (K, J, I) whole numbers, in whatever number type.
        task: holds the conventions.
        name: what a refusal calls the labels.

    Raises:
        InputRefused: the values are not whole numbers, or mean nothing in the task.
    """
    whole = _whole_numbers(labels, name)
    present = set(np.unique(whole[whole > 0]).tolist())
    convention = next(known for known in task.conventions if known.sign is None or known.sign in present)
    unknown = sorted(_unknown(present, convention))
    if unknown:
        listed = ", ".join(map(str, unknown[:LISTED]))
        reason = f"{name} holds values that are no labels of the task '{task.key}' ({listed})."
        raise InputRefused(reason, "Give a label map of this task.")
    masks = {key: np.isin(whole, wanted) if wanted else whole > 0 for key, wanted in convention.labels.items()}
    return {region.key: masks[region.key].astype(np.uint8) for region in task.regions}


def _whole_numbers(labels: np.ndarray, name: str) -> np.ndarray:
    """Labels as a type of whole numbers, checked."""
    whole = labels
    if np.issubdtype(labels.dtype, np.floating):
        whole = np.round(np.where(np.isfinite(labels), labels, -1.0)).astype(np.int32)
    if whole.min(initial=0) < 0 or (whole is not labels and np.abs(labels - whole).max(initial=0) > LABEL_TOLERANCE):
        raise InputRefused(f"{name} is no label map: its values are not whole numbers from 0 up.", "Give labels, not an image.")
    return whole


def _unknown(present: set[int], convention: LabelConvention) -> set[int]:
    """Labels that no region of the convention is made of."""
    if () in convention.labels.values():
        return set()
    return present - {value for wanted in convention.labels.values() for value in wanted}


def _case_name(path: Path) -> str:
    return path.name if path.is_dir() else path.name[: len(path.name) - len(file_suffix(path))]


def _case_files(folder: Path, task: Task) -> list[Path]:
    """The files of one case in the form that `segment` writes, whether or not they are there."""
    return [folder / f"{task.key}.png"] if task.instances else [folder / f"{region.key}.nii.gz" for region in task.regions]


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


def _read(path: Path, task: Task) -> Segmentation:
    """A label map, or a folder in the form that `segment` writes."""
    if path.is_dir() and not task.instances:
        return _read_masks(path, task)
    if path.name.endswith(SEGMENTATION_SUFFIX):
        raise InputRefused(f"{path.name} numbers its segments in an order of its own.", "Give the folder that holds it, or a label map.")
    image = read_image(_case_files(path, task)[0] if path.is_dir() else path)
    if image.channels > 1:
        raise InputRefused(f"{image.name} is a colour picture, not a label map.", "Give a grey picture of object numbers.")
    regions = regions_of_labels(image.array, task, image.name)
    instances = _whole_numbers(image.array, image.name) if task.instances else None
    return Segmentation(path.name, image.grid, regions, instances)


def _read_masks(folder: Path, task: Task) -> Segmentation:
    images = [read_image(path) for path in _case_files(folder, task)]
    for image in images[1:]:
        if not image.grid.same_as(images[0].grid):
            raise InputRefused(f"{folder.name}/{image.name} lies on another grid than {images[0].name}.", "Segment the case again.")
    masks = {region.key: (_whole_numbers(image.array, image.name) > 0).astype(np.uint8) for region, image in zip(task.regions, images)}
    return Segmentation(folder.name, images[0].grid, masks)


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
