"""Segment every labelled case of a folder with the pipeline that users run, and measure on the original grid.

The measures are the core's; here they are only gathered into a table.
"""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import Any

import numpy as np

from MedSegDLLib.evaluate import regions_of_labels
from MedSegDLLib.files import read_image
from MedSegDLLib.measures import confusion, kaggle_precision, surface_distances
from MedSegDLLib.pipeline import Options, segment
from MedSegDLLib.result import Result
from MedSegDLLib.tasks import Task
from MedSegDLLib.weights import find_weights

from .source import Case

Measures = dict[str, float]


def evaluate_case(case: Case, task: Task, options: Options) -> dict[str, Any]:
    """Segment one case and measure each region's Dice, HD95 (volumes) and the Kaggle precision (where objects are counted)."""
    result = segment({key: read_image(path) for key, path in case.inputs.items()}, task, options)
    reference = read_image(case.reference).array
    measures = volume_measures(result, reference, task) if result.instances is None else object_measures(result, reference, task)
    return {"name": case.name, "measures": measures, "seconds": round(sum(result.record["seconds"].values()), 2)}


def volume_measures(result: Result, reference: np.ndarray, task: Task) -> Measures:
    """`Dice <region>` and `HD95 <region> (mm)` of every region."""
    spacing_mm = tuple(float(side) for side in result.grid.spacing_mm)
    measures: Measures = {}
    for key, truth in regions_of_labels(reference, task).items():
        mask = result.masks[key] > 0
        measures[f"Dice {key}"] = confusion(mask, truth).dice
        measures[f"HD95 {key} (mm)"] = surface_distances(mask, truth, spacing_mm).hd95_mm
    return measures


def object_measures(result: Result, reference: np.ndarray, task: Task) -> Measures:
    """Semantic `Dice`, `Kaggle precision` and the counts of objects."""
    key = task.regions[0].key
    found, true = result.instances[0], reference.reshape(result.instances.shape)[0]
    return {
        f"Dice {key}": confusion(result.masks[key][0] > 0, true > 0).dice,
        "Kaggle precision": kaggle_precision(found, true),
        "found": int(found.max()),
        "true": len(np.unique(true[true > 0])),
    }


def evaluate_cases(cases: Sequence[Case], task: Task, options: Options, title: str, told: Callable[[str], None] = print) -> dict[str, Any]:
    """Scores of all labelled cases, their mean, and the protocol.

    Args:
        cases: those without a reference are passed over.
        task: what to segment.
        options: of the pipeline; `options.weights` None takes the installed ones.
        title: which cases they are, for the protocol.
        told: called with a line a case.
    """
    scored = []
    for case in (case for case in cases if case.reference is not None):
        scored.append(evaluate_case(case, task, options))
        told(f"{case.name}: " + ", ".join(f"{key} {value:.4g}" for key, value in scored[-1]["measures"].items()))
    return {
        "task": task.key,
        "protocol": protocol(len(scored), options, title),
        "weights_sha256": hashlib.sha256(find_weights(task, options.weights).read_bytes()).hexdigest(),
        "date": datetime.now(timezone.utc).date().isoformat(),
        "mean": mean_of([entry["measures"] for entry in scored]),
        "cases": scored,
    }


def protocol(count: int, options: Options, title: str) -> str:
    """One sentence that says what the numbers are."""
    correction = "" if options.bias_correction else ", without bias correction"
    way = f"`segment` in {options.mode} mode{correction}, each case measured on its original grid"
    return f"{title}: mean over {count} cases, {way}; an empty region that is found empty counts Dice 1."


def mean_of(measures: Sequence[Measures]) -> Measures:
    """Mean of every measure over the cases that have it."""
    names = dict.fromkeys(name for entry in measures for name in entry)
    return {name: statistics.fmean(entry[name] for entry in measures if name in entry) for name in names}


def table(scores: dict[str, Any]) -> str:
    """The mean for a terminal."""
    lines = [scores["protocol"], *(f"  {name:24} {value:.4f}" for name, value in scores["mean"].items())]
    return "\n".join(lines)
