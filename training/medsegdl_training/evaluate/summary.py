"""Several `evaluate` files into one statement: folds (other cases each) or seeds (the same cases each), with their spread."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from MedSegDLLib.errors import UsageError, counted
from MedSegDLLib.metrics.scores import spread_of

from .evaluate import spread_over, spread_text

Entry = dict[str, Any]


def summarise(files: Sequence[Entry]) -> Entry:
    """Combine scores.

    Args:
        files: as `evaluate_cases` gives them, one a fold or seed.

    Returns:
        {"task", "design": "folds" | "seeds" | "mixed", "files": [{"protocol", "weights_sha256", "mean", "cases"}], "over_files":
        {title: {"mean", "deviation", "n"}} of the files' means, "over_cases": the same over cases (a case of several files counts once, by
        its mean), "subsets": [{"inputs", "over_cases"}] where all have them}.

    Raises:
        UsageError: there are none, or they belong to different tasks.
    """
    tasks = {entry["task"] for entry in files}
    if len(tasks) != 1:
        raise UsageError("The scores belong to different tasks.", "Give files of one task that `medsegdl-train evaluate` wrote.")
    summary = {
        "task": tasks.pop(),
        "design": _design([{case["name"] for case in entry["cases"]} for entry in files]),
        "files": [
            {"protocol": entry["protocol"], "weights_sha256": entry["weights_sha256"], "mean": entry["mean"], "cases": len(entry["cases"])}
            for entry in files
        ],
        "over_files": spread_over([entry["mean"] for entry in files]),
        "over_cases": _over_cases([entry["cases"] for entry in files]),
    }
    if all("subsets" in entry for entry in files):
        summary["subsets"] = _subsets([entry["subsets"] for entry in files])
    return summary


def _design(names: Sequence[set[str]]) -> str:
    """Whether the files measure the same cases, others each, or something between."""
    if all(part == names[0] for part in names):
        return "seeds"
    return "folds" if sum(map(len, names)) == len(set().union(*names)) else "mixed"


def _over_cases(parts: Sequence[Sequence[Entry]]) -> dict[str, Entry]:
    """Spread over cases, each by its mean over the files that measure it."""
    values: dict[str, dict[str, list[float]]] = {}
    for case in (case for cases in parts for case in cases):
        for title, value in case["measures"].items():
            values.setdefault(title, {}).setdefault(case["name"], []).append(value)
    return {title: spread_of([fmean(found) for found in cases.values()]) for title, cases in values.items()}


def _subsets(parts: Sequence[Sequence[Entry]]) -> list[Entry]:
    by_inputs: dict[tuple[str, ...], list[Sequence[Entry]]] = {}
    for entry in (entry for part in parts for entry in part):
        by_inputs.setdefault(tuple(entry["inputs"]), []).append(entry["cases"])
    return [{"inputs": list(inputs), "over_cases": _over_cases(cases)} for inputs, cases in by_inputs.items()]


def format_summary(summary: Entry) -> str:
    """For a terminal: a line a measure, over cases and over files."""
    count, cases = len(summary["files"]), sum(entry["cases"] for entry in summary["files"])
    lines = [f"{summary['task']}: {counted(count, 'file')} ({summary['design']}), {counted(cases, 'case')} in all"]
    for title, entry in summary["over_cases"].items():
        lines.append(f"  {title:24} over cases {spread_text(entry):32} over files {spread_text(summary['over_files'][title])}")
    for entry in summary.get("subsets", ()):
        dice = ", ".join(f"{title} {spread_text(part)}" for title, part in entry["over_cases"].items() if title.startswith("Dice"))
        lines.append(f"  {' + '.join(entry['inputs']):24} {dice}")
    return "\n".join(lines)
