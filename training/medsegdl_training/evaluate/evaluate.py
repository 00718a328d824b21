"""Segment every labelled case of a folder with the pipeline that users run, and measure on the original grid.

The measures are the core's; here they are only gathered, with their spread.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import combinations
from pathlib import Path
from typing import Any

from MedSegDLLib.errors import InputRefused, UsageError, counted
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.read import read_image
from MedSegDLLib.metrics.labels import regions_of_labels
from MedSegDLLib.metrics.scores import Segmentation, pooled, score, spread_of
from MedSegDLLib.network.weights import find_weights
from MedSegDLLib.pipeline import Options, segment
from MedSegDLLib.result import Result
from MedSegDLLib.tasks import Task

from ..cases.case import Case
from ..cases.references import read_reference
from .resized import resized, resized_labels

Measures = dict[str, float]
Entry = dict[str, Any]
REGION_TITLES = {"dice": "Dice {}", "hd95_mm": "HD95 {} (mm)", "lesion_dice": "Lesion Dice {}"}  # what tables and model cards show
CASE_TITLES = {"kaggle_precision": "Kaggle precision", "aji": "AJI", "pq": "PQ", "count": "found", "reference_count": "true"}


@dataclass(frozen=True)
class InputChoice:
    """What the pipeline gets of each case.

    Attributes:
        only: the inputs to give; None for all that the case has.
        size: bring pictures to so many pixels a side first (the chapter's protocol), and measure there; None for as they are.
    """

    only: Sequence[str] | None = None
    size: int | None = None


ALL = InputChoice()


def evaluate_case(case: Case, task: Task, options: Options, choice: InputChoice = ALL) -> Entry:
    """Segment one case and measure it.

    Args:
        case: with a reference.
        task: what to segment.
        options: of the pipeline.
        choice: what it gets.

    Returns:
        {"name", "measures": the few of tables and cards, "regions" and the rest as `metrics.scores.score` gives them, "seconds"}.
    """
    images, labels = read_case(case, choice)
    result = segment(images, task, options)
    entry = score(case.name, of_result(result), of_labels(labels, task, case.reference), task)
    rest = {key: value for key, value in entry.items() if key != "case"}
    return {"name": case.name, "measures": measures_of(entry), **rest, "seconds": round(sum(result.record["seconds"].values()), 2)}


def read_case(case: Case, choice: InputChoice = ALL) -> tuple[dict[str, Image], Image]:
    """Inputs and reference from their files, as `evaluate_case` gives them to the pipeline."""
    images = {key: read_image(path) for key, path in case.inputs.items() if choice.only is None or key in choice.only}
    labels = read_reference(case.reference)
    if choice.size is None:
        return images, labels
    return {key: resized(image, choice.size) for key, image in images.items()}, resized_labels(labels, choice.size)


def of_result(result: Result) -> Segmentation:
    """What `segment` found, to be measured."""
    return Segmentation("the result", result.grid, dict(result.masks), result.instances)


def of_labels(labels: Image, task: Task, origin: Path) -> Segmentation:
    """A reference, to be measured against; `origin` is its file, which may tell what its labels mean."""
    name = labels.name or "the reference"
    return Segmentation(name, labels.grid, regions_of_labels(labels.array, task, origin), labels.array if task.instances else None)


def measures_of(entry: Entry) -> Measures:
    """The measures of tables and model cards by their titles; those without a value are left out."""
    found = {
        title.format(key): measures[name]
        for name, title in REGION_TITLES.items()
        for key, measures in entry["regions"].items()
        if measures.get(name) is not None
    }
    return {**found, **{title: entry[name] for name, title in CASE_TITLES.items() if entry.get(name) is not None}}


def evaluate_cases(
    cases: Sequence[Case],
    task: Task,
    options: Options,
    title: str,
    report: Callable[[str], None] = print,
    choice: InputChoice = ALL,
) -> Entry:
    """Scores of all labelled cases, their mean and spread, and the protocol.

    Args:
        cases: those without a reference are passed over.
        task: what to segment.
        options: of the pipeline; `options.weights` None takes the installed ones.
        title: which cases they are, for the protocol.
        report: called with a line a case.
        choice: what the pipeline gets; a case that has none of the inputs is passed over.

    Returns:
        {"task", "protocol", "weights_sha256", "date", "mean": {title: value}, "spread": {title: {"mean", "deviation", "n"}}, "pooled":
        measures of one confusion matrix over all cases, "cases": [...]}.
    """
    scored = []
    for case in cases:
        if case.reference is None or (choice.only is not None and not set(choice.only) & set(case.inputs)):
            continue
        scored.append(evaluate_case(case, task, options, choice))
        report(f"{case.name}: " + ", ".join(f"{key} {value:.4g}" for key, value in scored[-1]["measures"].items()))
    if not scored:
        raise InputRefused("None of the cases has a reference to measure against.", "`medsegdl-train inspect` lists what was found.")
    spread = spread_over([entry["measures"] for entry in scored])
    return {
        "task": task.key,
        "protocol": protocol(len(scored), options, title, choice),
        "weights_sha256": hashlib.sha256(find_weights(task, options.weights).read_bytes()).hexdigest(),
        "date": datetime.now(timezone.utc).date().isoformat(),
        "mean": {name: entry["mean"] for name, entry in spread.items()},
        "spread": spread,
        "pooled": pooled(scored),
        "cases": scored,
    }


def protocol(count: int, options: Options, title: str, choice: InputChoice = ALL) -> str:
    """One sentence that says what the numbers are."""
    correction = "" if options.bias_correction else ", without bias correction"
    inputs = f" from {' + '.join(choice.only)} alone" if choice.only else ""
    place = (
        f"each picture brought to {choice.size}x{choice.size} and measured there"
        if choice.size
        else "each case measured on its original grid"
    )
    mode = "fast" if options.mode == "auto" else options.mode  # which is what `auto` means for our own networks
    way = f"`segment` in {mode} mode{inputs}{correction}, {place}"
    return f"{title}: mean over {counted(count, 'case')}, {way}; an empty region that is found empty counts Dice 1."


def evaluate_subsets(cases: Sequence[Case], task: Task, options: Options, title: str, report: Callable[[str], None] = print) -> list[Entry]:
    """The scores with every subset of the task's inputs, the fewest first: one network, whatever a hospital has.

    Only cases that have all inputs are taken, so that the subsets can be compared.

    Raises:
        UsageError: the task has one input, or no case has all.
    """
    keys = [entry.key for entry in task.inputs]
    complete = [case for case in cases if set(case.inputs) == set(keys) and case.reference is not None]
    if len(keys) < 2 or not complete:
        raise UsageError("Subsets need a task of several inputs and a case that has them all.", "Leave --subsets out.")
    found = []
    for only in subsets(keys):
        report(f"{' + '.join(only)}:")
        scores = evaluate_cases(complete, task, options, title, report, InputChoice(only))
        found.append({"inputs": list(only), **{key: scores[key] for key in ("mean", "spread", "cases")}})
    return found


def subsets(keys: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Every subset but the empty one: 15 of four."""
    return (chosen for count in range(1, len(keys) + 1) for chosen in combinations(keys, count))


def spread_over(measures: Sequence[Measures]) -> dict[str, Entry]:
    """{"mean", "deviation", "n"} of every measure over the cases that have it."""
    names = dict.fromkeys(name for entry in measures for name in entry)
    return {name: spread_of([entry[name] for entry in measures if name in entry]) for name in names}


def table(scores: Entry) -> str:
    """Mean, deviation and number of cases for a terminal, then the pooled measures, then a line a subset."""
    lines = [scores["protocol"], *(f"  {name:24} {spread_text(entry)}" for name, entry in scores["spread"].items())]
    for key, measures in scores["pooled"]["regions"].items():
        five = ", ".join(f"{name} {measures[name]:.4f}" for name in ("accuracy", "sensitivity", "precision", "f1", "dice"))
        lines.append(f"  all voxels of {key}: {five}")
    for entry in scores.get("subsets", ()):
        dice = ", ".join(f"{name} {spread_text(values)}" for name, values in entry["spread"].items() if name.startswith("Dice"))
        lines.append(f"  {' + '.join(entry['inputs']):24} {dice}")
    return "\n".join(lines)


def spread_text(entry: Entry) -> str:
    """'0.8123 +- 0.0456 (n = 3)'."""
    deviation = "" if entry["deviation"] is None else f" +- {entry['deviation']:.4f}"
    return f"{entry['mean']:.4f}{deviation} (n = {entry['n']})"
