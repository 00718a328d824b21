"""`medsegdl evaluate`: a segmentation on disk against a reference, case by case, and the mean.

Knows files, label conventions and grids; the arithmetic is in `measures`. Prints nothing, writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

import numpy as np

from .errors import InputRefused
from .files import PICTURE_SUFFIXES, VOLUME_READERS, file_suffix, read_image
from .image import Grid, Image
from .measures import confusion, kaggle_precision, surface_distances
from .resample import regrid
from .result import MM3_PER_ML
from .tasks import LabelConvention, Modality, Task

OVERLAP_MEASURES = ("dice", "iou", "sensitivity", "precision", "f1", "accuracy", "voe", "rvd")
DISTANCE_MEASURES = ("hd95_mm", "assd_mm", "msd_mm")
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
    ("volume_ml", "Volume (mL)", ".2f"),
    ("reference_ml", "Reference (mL)", ".2f"),
    ("count", "Count", ".4g"),
    ("reference_count", "Reference", ".4g"),
    ("kaggle_precision", "Kaggle precision", ".4f"),
)
NAME_WIDTH = 32


@dataclass(frozen=True)
class Segmentation:
    """A segmentation read from disk.

    Attributes:
        name: file or folder, for messages.
        grid: where its voxels lie.
        regions: region key -> (K, J, I) uint8 mask.
        instances: (K, J, I) numbered objects, for tasks that count them.
    """

    name: str
    grid: Grid
    regions: dict[str, np.ndarray]
    instances: np.ndarray | None = None

    def volume_ml(self, region: str) -> float:
        """Volume of a region in millilitres."""
        return float(np.count_nonzero(self.regions[region]) * self.grid.voxel_volume_mm3 / MM3_PER_ML)


def evaluate(prediction: Path, reference: Path, task: Task) -> dict:
    """Measure a prediction against a reference, region by region, on the reference's own grid.

    Args:
        prediction: folder that `segment` wrote, or a label map; for many cases a folder of these, named like the references.
        reference: label map, or a folder with one mask a region; for many cases a folder of these.
        task: says what the labels mean.

    Returns:
        {"task", "cases": [{"case", "regions": {key: {"dice", ..., "hd95_mm", "volume_ml", "reference_ml"}}, "notes": [...]}],
        "mean": {"regions": {key: {...}}}, "notes": [...]}. Pictures have no distances and volumes; numbered objects add "count",
        "reference_count" and "kaggle_precision". JSON types only; for the rules for empty masks see `measures`.

    Raises:
        InputRefused: a file is missing or no label map, no reference has a prediction, or pictures differ in size.
    """
    prediction, reference = Path(prediction), Path(reference)
    pairs, notes = [(_case_name(reference), prediction, reference)], []
    if reference.is_dir() and not _is_case(reference, task):
        pairs, notes = _pairs(prediction, reference, task)
    cases = [_measure(name, _read(ours, task), _read(theirs, task), task) for name, ours, theirs in pairs]
    return {"task": task.key, "cases": cases, "mean": _mean(cases), "notes": notes}


def format_table(evaluation: dict) -> str:
    """The measures as lines for a terminal, one a case and region, then the mean, then what had to be noted."""
    several = len(evaluation["cases"]) > 1
    rows = list(_rows([*evaluation["cases"], *([{"case": "mean", **evaluation["mean"]}] if several else [])]))
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
    return _is_case(path, task) if path.is_dir() else file_suffix(path) in (*VOLUME_READERS, *PICTURE_SUFFIXES)


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


def _measure(name: str, prediction: Segmentation, reference: Segmentation, task: Task) -> dict:
    """The entry of one case."""
    picture = any(entry.modality is Modality.PICTURE for entry in task.inputs)
    placed, notes = _same_size(prediction, reference) if picture else _on_grid(prediction, reference)
    regions = {}
    for region in task.regions:
        ours, theirs = placed.regions[region.key], reference.regions[region.key]
        counts = confusion(ours, theirs)
        regions[region.key] = {measure: getattr(counts, measure) for measure in OVERLAP_MEASURES}
        if not picture:
            distances = surface_distances(ours, theirs, reference.grid.spacing_mm)
            regions[region.key] |= {measure: getattr(distances, measure) for measure in DISTANCE_MEASURES}
            regions[region.key] |= {"volume_ml": prediction.volume_ml(region.key), "reference_ml": reference.volume_ml(region.key)}
    return {"case": name, "regions": regions, **_objects(placed, reference), "notes": notes}


def _objects(prediction: Segmentation, reference: Segmentation) -> dict:
    """Counts and their agreement, for tasks that number objects."""
    if prediction.instances is None or reference.instances is None:
        return {}
    counts = [np.unique(numbers[numbers > 0]).size for numbers in (prediction.instances, reference.instances)]
    agreement = kaggle_precision(prediction.instances, reference.instances)
    return {"count": counts[0], "reference_count": counts[1], "kaggle_precision": agreement}


def _same_size(prediction: Segmentation, reference: Segmentation) -> tuple[Segmentation, list[str]]:
    """Pictures have no place in space: they must be of one size."""
    ours, theirs = (f"{grid.shape[2]} x {grid.shape[1]}" for grid in (prediction.grid, reference.grid))
    if prediction.grid.shape != reference.grid.shape:
        raise InputRefused(
            f"The prediction {prediction.name} ({ours}) and the reference {reference.name} ({theirs}) differ in size.",
            "Segment the picture that the reference belongs to.",
        )
    return prediction, []


def _on_grid(prediction: Segmentation, reference: Segmentation) -> tuple[Segmentation, list[str]]:
    """The prediction on the reference's grid, and what has to be said about it."""
    if prediction.grid.same_as(reference.grid):
        return prediction, []
    regions = {
        key: regrid(Image(mask, prediction.grid.affine), reference.grid, "nearest", 0.0).array for key, mask in prediction.regions.items()
    }
    notes = ["The prediction lies on another grid and was resampled (nearest) onto the reference's."]
    lost = [key for key, mask in regions.items() if prediction.regions[key].any() and not mask.any()]
    notes += [f"No part of the prediction's {key} lies within the reference's grid." for key in lost]
    return replace(prediction, grid=reference.grid, regions=regions), notes


def _mean(cases: list[dict]) -> dict:
    """Means over the cases, in the form of a case; an undefined measure (None) counts nowhere."""
    keys = cases[0]["regions"]
    regions = {key: _mean_of([case["regions"][key] for case in cases]) for key in keys}
    return {"regions": regions, **_mean_of([{key: case[key] for key in case if key not in ("case", "regions", "notes")} for case in cases])}


def _mean_of(entries: list[dict]) -> dict:
    defined = {key: [entry[key] for entry in entries if entry[key] is not None] for key in entries[0]}
    return {key: fmean(values) if values else None for key, values in defined.items()}


def _rows(cases: Iterable[dict]) -> Iterable[tuple[str, str, dict]]:
    for case in cases:
        for region, measures in case["regions"].items():
            yield case["case"], region, {**case, **measures}


def _shortened(name: str) -> str:
    return name if len(name) <= NAME_WIDTH else f"{name[: NAME_WIDTH - 3]}..."


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
