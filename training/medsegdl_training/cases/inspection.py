"""What a data set holds and what is wrong with which file, found before a long run fails on it. Cases in, plain data out."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from MedSegDLLib.checks.findings import FindingCode, Severity
from MedSegDLLib.errors import InputRefused, counted
from MedSegDLLib.geometry.align import reference_of
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.read import read_image
from MedSegDLLib.metrics.labels import decide, is_told, regions_of_labels
from MedSegDLLib.result import MM3_PER_ML
from MedSegDLLib.tasks import Modality, Task

from .case import Case
from .preparation import findings_of, reference_beyond
from .references import read_reference

NAME_THEM = "Put a dataset.json with the names of the `labels` above the cases if that is not right."
MOST_NAMES = 5  # of cases that a refusal names
MOST_VALUES = 20  # of a label map's values that are listed
SEVERITIES = (Severity.NOTE, Severity.WARNING, Severity.ERROR)
Entry = dict[str, Any]


def inspect_cases(cases: Sequence[Case], task: Task, jobs: int = 1) -> Entry:
    """Read every file of every case and say what was found.

    Args:
        cases: with or without a reference.
        task: what they are for.
        jobs: processes that read side by side.

    Returns:
        {"task", "cases": [as `inspect_case`], "errors", "warnings", "labelled", "modalities": {key: cases}, "grids": {...}}.
    """
    look = partial(inspect_case, task=task)
    if jobs > 1:
        with ProcessPoolExecutor(jobs) as pool:
            entries = list(pool.map(look, cases))
    else:
        entries = [look(case) for case in cases]
    _find_twins(entries)
    _find_conventions(cases, entries, task)
    problems = [problem for entry in entries for problem in entry["problems"]]
    return {
        "task": task.key,
        "cases": entries,
        "errors": sum(problem["severity"] == Severity.ERROR.value for problem in problems),
        "warnings": sum(problem["severity"] == Severity.WARNING.value for problem in problems),
        "labelled": sum(entry["reference"] is not None for entry in entries),
        "modalities": dict(Counter(key for entry in entries for key in entry["inputs"])),
    }


def refuse_errors(cases: Sequence[Case], task: Task) -> None:
    """End a run before it begins, with the sentence that `inspect` says.

    Raises:
        InputRefused: the first error, and how many more there are.
    """
    found = inspect_cases(cases, task)
    wrong = [(entry["name"], part) for entry in found["cases"] for part in entry["problems"] if part["severity"] == Severity.ERROR.value]
    if not wrong:
        return
    (name, first), others = wrong[0], sorted({name for name, _ in wrong[1:]} - {wrong[0][0]})
    wrong = f"{counted(len(others), 'more case')} {'is' if len(others) == 1 else 'are'} wrong"
    more = f" ({wrong}: {', '.join(others[:MOST_NAMES])}; `medsegdl-train inspect` tells all.)" if others else ""
    raise InputRefused(first["message"], f"{first['remedy']} Or leave the case out: --leave-out {name}.{more}")


def inspect_case(case: Case, task: Task) -> Entry:
    """One case.

    Returns:
        {"name", "inputs": {key: {"file", "shape", "spacing_mm", "type", "least", "greatest", "voxels_sha256"}}, "reference": {"file",
        "shape", "labels": {value: voxels}, "volumes_ml" or "count"} or None, "problems": [{"severity", "code", "file", "message",
        "remedy"}]}. Errors would end or spoil a training run; warnings are for the reader to judge. A case without a reference, which
        supervised training passes over, has warnings only.
    """
    problems: list[Entry] = []
    images = {key: image for key, path in case.inputs.items() if (image := _read(path, read_image, problems)) is not None}
    reference = _read(case.reference, read_reference, problems) if case.reference is not None else None
    for finding in findings_of(case, images, task) if images else ():
        if finding.severity is not Severity.NOTE or finding.code is FindingCode.GRIDS_DIFFER:
            severity = max(finding.severity, Severity.WARNING, key=SEVERITIES.index)
            file = _short(case.inputs[finding.input]) if finding.input in case.inputs else ""
            problems.append(problem(severity, finding.code.value, file, finding.message, finding.remedy))
    entry = {"name": case.name, "inputs": {key: _input_entry(case.inputs[key], image) for key, image in images.items()}, "reference": None}
    if reference is not None:
        entry["reference"] = _reference_entry(case, reference, task, problems)
    problems += _grids(case, images, reference, task)
    if case.reference is None:
        problems = [{**part, "severity": Severity.WARNING.value} for part in problems]
    return {**entry, "problems": problems}


def problem(severity: Severity, code: str, file: str, message: str, remedy: str) -> Entry:
    """One thing that is wrong, and what to do about it."""
    return {"severity": severity.value, "code": code, "file": file, "message": message, "remedy": remedy}


def _read(path: Path, reader: Any, problems: list[Entry]) -> Image | None:
    try:
        return reader(path)
    except InputRefused as error:
        problems.append(problem(Severity.ERROR, "unreadable", _short(path), error.message, error.remedy))
        return None


def _short(path: Path) -> str:
    """A file with its folder: enough to find it, nothing about the machine."""
    return f"{path.parent.name}/{path.name}"


def _input_entry(path: Path, image: Image) -> Entry:
    values = np.ascontiguousarray(image.array)
    return {
        "file": _short(path),
        "shape": list(image.array.shape),
        "spacing_mm": [round(float(side), 4) for side in image.grid.spacing_mm],
        "type": str(values.dtype),
        "least": float(values.min()),
        "greatest": float(values.max()),
        "voxels_sha256": hashlib.sha256(values.view(np.uint8).reshape(-1)).hexdigest(),
    }


def _reference_entry(case: Case, reference: Image, task: Task, problems: list[Entry]) -> Entry:
    file = _short(case.reference)
    values, counts = np.unique(reference.array, return_counts=True)
    entry: Entry = {"file": file, "shape": list(reference.array.shape), "type": str(reference.array.dtype)}
    if task.instances:
        entry["count"] = int(np.count_nonzero(values > 0))
    else:
        entry["labels"] = {f"{value:g}": int(count) for value, count in list(zip(values, counts))[:MOST_VALUES]}
    try:
        regions = regions_of_labels(reference.array, task, case.reference)
    except InputRefused as error:
        problems.append(problem(Severity.ERROR, "labels", file, error.message, error.remedy))
        return entry
    voxel_ml = reference.grid.voxel_volume_mm3 / MM3_PER_ML
    if not task.instances:
        entry["volumes_ml"] = {key: round(float(np.count_nonzero(mask) * voxel_ml), 3) for key, mask in regions.items()}
    if not any(mask.any() for mask in regions.values()):
        says = f"The reference {case.reference.name} is empty."
        problems.append(problem(Severity.WARNING, "empty_reference", file, says, "Check that the case really shows nothing to segment."))
    return entry


def _find_conventions(cases: Sequence[Case], entries: Sequence[Entry], task: Task) -> None:
    """Whether the references that nothing but their values explains are of one convention: each is read by itself later.

    In a set of BraTS 2012 to 2015 the case without label 4 would be taken for one of 2023, where 3 is the enhancing tumour.
    """
    untold = [
        (case, entry)
        for case, entry in zip(cases, entries)
        if (entry["reference"] or {}).get("volumes_ml") and not is_told(case.reference, _values(entry), task)
    ]
    if len(untold) < 2:
        return
    present = set().union(*(_values(entry) for _, entry in untold))
    try:
        decision = decide(task, present, [case.reference for case, _ in untold])
    except InputRefused as error:
        case, entry = untold[0]
        entry["problems"].append(problem(Severity.ERROR, "labels", _short(case.reference), error.message, error.remedy))
        return
    if decision.note:
        untold[0][1]["problems"].append(problem(Severity.NOTE, "labels", _short(untold[0][0].reference), decision.note, NAME_THEM))


def _values(entry: Entry) -> set[int]:
    """Labels above 0 of an inspected reference."""
    return {int(value) for value in entry["reference"]["labels"]} - {0}


def _grids(case: Case, images: dict[str, Image], reference: Image | None, task: Task) -> list[Entry]:
    """A reference that does not lie on the images' grid: volumes are compared in physical space, pictures pixel by pixel."""
    if reference is None or not images:
        return []
    key = reference_of(images, task)
    image, path = images[key], case.inputs[key]
    if any(entry.modality is Modality.PICTURE for entry in task.inputs):
        if reference.grid.shape == image.grid.shape:
            return []
        says = f"{case.reference.name} ({_sides(reference)}) and {path.name} ({_sides(image)}) differ in size."
        return [problem(Severity.ERROR, "grids_differ", _short(case.reference), says, "Make them of one size.")]
    if refusal := reference_beyond(reference, case, image.grid):
        return [problem(Severity.ERROR, "grids_differ", _short(case.reference), refusal.message, refusal.remedy)]
    if reference.grid.same_as(image.grid):
        return []
    says = f"{case.reference.name} ({_sides(reference)}) lies on another grid than {path.name} ({_sides(image)}) and is resampled."
    return [problem(Severity.WARNING, "grids_differ", _short(case.reference), says, "Nothing need be done if it shows the same patient.")]


def _sides(image: Image) -> str:
    return " x ".join(map(str, image.grid.shape[::-1]))


def _find_twins(entries: Iterable[Entry]) -> None:
    """Add a problem to every case that shares an image with an earlier one."""
    seen: dict[str, str] = {}
    for entry in entries:
        for part in entry["inputs"].values():
            other = seen.setdefault(part["voxels_sha256"], entry["name"])
            if other != entry["name"]:
                says = f"{part['file']} is the same image as one of the case {other}."
                remedy = "Keep one of the cases: split apart they would leak from training into testing."
                entry["problems"].append(problem(Severity.ERROR, "duplicate", part["file"], says, remedy))


def format_inspection(entry: Entry) -> str:
    """For a terminal: a line a file, then what is wrong with it, then the sums."""
    lines = []
    for case in entry["cases"]:
        for key, part in case["inputs"].items():
            grid = f"{'x'.join(map(str, part['shape']))}  {part['type']}  {' x '.join(f'{side:.3g}' for side in part['spacing_mm'])} mm"
            lines.append(f"{case['name']}  {key}  {grid}  {part['least']:g}..{part['greatest']:g}  {part['file']}")
        lines.append(f"{case['name']}  reference  {_reference_text(case['reference'])}")
        lines += [f"  {part['severity']}: {part['message']} {part['remedy']}" for part in case["problems"]]
    modalities = ", ".join(f"{key} {count}" for key, count in entry["modalities"].items())
    sums = f"{counted(len(entry['cases']), 'case')}, {entry['labelled']} with a reference ({modalities})"
    return "\n".join([*lines, f"{sums}: {counted(entry['errors'], 'error')}, {counted(entry['warnings'], 'warning')}"])


def _reference_text(reference: Entry | None) -> str:
    if reference is None:
        return "none"
    shape = "x".join(map(str, reference["shape"]))
    if "count" in reference:
        return f"{shape}  {counted(reference['count'], 'object')}  {reference['file']}"
    volumes = ", ".join(f"{key} {value:g} mL" for key, value in reference.get("volumes_ml", {}).items())
    return f"{shape}  labels {', '.join(reference['labels'])}  {volumes}  {reference['file']}"
