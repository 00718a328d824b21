"""All measures of one segmentation against its reference, and their mean, spread and pooled values over many.

Knows regions and grids; the arithmetic is in `measures`. No files, no printing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from statistics import fmean, stdev

import numpy as np

from ..errors import InputRefused
from ..geometry.image import Grid, Image
from ..geometry.resample import regrid
from ..result import MM3_PER_ML
from ..tasks import Region, Task
from . import Confusion, aggregated_jaccard, confusion, kaggle_precision, lesion_score, panoptic_quality, surface_distances

COUNTS = ("tp", "fp", "fn", "tn")
OVERLAP_MEASURES = ("dice", "iou", "sensitivity", "precision", "f1", "accuracy", "voe", "rvd")
DISTANCE_MEASURES = ("hd95_mm", "assd_mm", "msd_mm")
LABELS_OF_A_CASE = ("case", "regions", "notes")  # what is no number in a case's entry


class Empty(str, Enum):
    """What two empty masks count for."""

    BRATS = "brats"  # nothing to find and nothing found is right: Dice 1, HD95 0
    NAN = "nan"  # the case has no value for that region and counts in no mean; an empty prediction alone always counts


@dataclass(frozen=True)
class Segmentation:
    """A segmentation and where it lies.

    Attributes:
        name: file or folder, for messages.
        grid: where its voxels lie.
        regions: region key -> (K, J, I) uint8 mask; a region that the files do not speak of is not there.
        instances: (K, J, I) numbered objects, for tasks that count them.
        notes: what had to be assumed when it was read.
    """

    name: str
    grid: Grid
    regions: dict[str, np.ndarray]
    instances: np.ndarray | None = None
    notes: tuple[str, ...] = ()

    def volume_ml(self, region: str) -> float:
        """Volume of a region in millilitres."""
        return float(np.count_nonzero(self.regions[region]) * self.grid.voxel_volume_mm3 / MM3_PER_ML)


def score(name: str, prediction: Segmentation, reference: Segmentation, task: Task, empty: Empty = Empty.BRATS) -> dict:
    """Every measure of one case, on the reference's own grid.

    Args:
        name: of the case.
        prediction, reference: what to compare; another grid than the reference's is resampled (nearest), and a note says so.
        task: its regions, of which those are measured that both hold; pictures have no distances, volumes and lesions.
        empty: what two empty masks count for.

    Returns:
        {"case", "regions": {key: {"dice", "iou", "sensitivity", "precision", "f1", "accuracy", "voe", "rvd", "tp", "fp", "fn", "tn"}},
        "notes"}; volumes add "hd95_mm", "assd_mm", "msd_mm", "lesion_dice", "lesion_hd95_mm", "lesions", "missed_lesions",
        "false_lesions", "volume_ml", "reference_ml"; objects add to the case "count", "reference_count", "kaggle_precision", "aji", "pq",
        "sq", "rq". A measure without a value is None.

    Raises:
        InputRefused: pictures differ in size, or the two have no region in common.
    """
    shared = _shared(prediction, reference, task)
    picture = task.pictures
    placed, notes = _same_size(prediction, reference) if picture else _on_grid(prediction, reference)
    notes = [*prediction.notes, *reference.notes, *notes]
    regions = {}
    for region in shared:
        ours, theirs = placed.regions[region.key], reference.regions[region.key]
        regions[region.key] = overlap_entry(confusion(ours, theirs))
        if not picture:
            regions[region.key] |= _volume_entry(ours, theirs, reference.grid)
            regions[region.key] |= {"volume_ml": prediction.volume_ml(region.key), "reference_ml": reference.volume_ml(region.key)}
        if empty is Empty.NAN and not (ours.any() or theirs.any()):
            regions[region.key] = dict.fromkeys(regions[region.key])
    return {"case": name, "regions": regions, **_objects(placed, reference), "notes": notes}


def _shared(prediction: Segmentation, reference: Segmentation, task: Task) -> list[Region]:
    """The regions that both speak of, in the task's order."""
    shared = [region for region in task.regions if region.key in prediction.regions and region.key in reference.regions]
    if not shared:
        ours, theirs = (", ".join(side.regions) for side in (prediction, reference))
        says = f"The prediction {prediction.name} holds {ours}, the reference {reference.name} holds {theirs}: nothing in common."
        raise InputRefused(says, "Give masks of the same region.")
    return shared


def overlap_entry(counts: Confusion) -> dict:
    """All measures of one confusion matrix, and the matrix."""
    return {measure: getattr(counts, measure) for measure in (*OVERLAP_MEASURES, *COUNTS)}


def _volume_entry(ours: np.ndarray, theirs: np.ndarray, grid: Grid) -> dict:
    """Distances and lesions."""
    distances = surface_distances(ours, theirs, grid.spacing_mm)
    lesions = lesion_score(ours, theirs, grid.spacing_mm)
    return {
        **{measure: getattr(distances, measure) for measure in DISTANCE_MEASURES},
        "lesion_dice": lesions.dice,
        "lesion_hd95_mm": lesions.hd95_mm,
        "lesions": lesions.lesions,
        "missed_lesions": lesions.missed,
        "false_lesions": lesions.false,
    }


def _objects(prediction: Segmentation, reference: Segmentation) -> dict:
    """Counts and their agreement, for tasks that number objects."""
    ours, theirs = prediction.instances, reference.instances
    if ours is None or theirs is None:
        return {}
    counts = [np.unique(numbers[numbers > 0]).size for numbers in (ours, theirs)]
    panoptic = panoptic_quality(ours, theirs)
    return {
        "count": counts[0],
        "reference_count": counts[1],
        "kaggle_precision": kaggle_precision(ours, theirs),
        "aji": aggregated_jaccard(ours, theirs),
        "pq": panoptic.quality,
        "sq": panoptic.segmentation,
        "rq": panoptic.recognition,
    }


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


def mean(cases: Sequence[dict]) -> dict:
    """Means over the cases, in the form of a case; a measure without a value (None) counts nowhere."""
    return _over_cases(cases, lambda values: fmean(values) if values else None)


def spread(cases: Sequence[dict]) -> dict:
    """The same with {"mean", "deviation", "n"} in place of every number; the sample's deviation, None for fewer than two values."""
    return _over_cases(cases, spread_of)


def spread_of(values: Sequence[float]) -> dict:
    """Mean, the sample's standard deviation and number of some values: never a lone number."""
    return {
        "mean": fmean(values) if values else None,
        "deviation": stdev(values) if len(values) > 1 else None,
        "n": len(values),
    }


def pooled(cases: Sequence[dict]) -> dict:
    """Overlap measures from the one confusion matrix of all cases together (LiTS: Dice global), a region."""
    regions = {}
    for key in _regions_of(cases):
        matrices = [[case["regions"][key][count] or 0 for count in COUNTS] for case in cases if key in case["regions"]]
        regions[key] = overlap_entry(Confusion(*(sum(column) for column in zip(*matrices))))
    return {"regions": regions}


def _regions_of(cases: Sequence[dict]) -> list[str]:
    """Regions that any of the cases has, in their order."""
    return list(dict.fromkeys(key for case in cases for key in case["regions"]))


def _over_cases(cases: Sequence[dict], reduce: Callable[[list[float]], object]) -> dict:
    regions = {key: _reduced([case["regions"][key] for case in cases if key in case["regions"]], reduce) for key in _regions_of(cases)}
    rest = [{key: case[key] for key in case if key not in LABELS_OF_A_CASE} for case in cases]
    return {"regions": regions, **_reduced(rest, reduce)}


def _reduced(entries: Sequence[dict], reduce: Callable[[list[float]], object]) -> dict:
    return {key: reduce([entry[key] for entry in entries if entry[key] is not None]) for key in entries[0]}
