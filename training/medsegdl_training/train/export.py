"""From a run to what the extension ships: averaged weights, a manifest that says where they come from, and a model card.

Nothing is measured here; scores come from `evaluate`'s JSON files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from MedSegDLLib.errors import UsageError, counted
from MedSegDLLib.io.atomic import atomic_path, write_json
from MedSegDLLib.network.weights import load_weights, save_weights, task_entries
from MedSegDLLib.tasks import Plan, Task, carried_task, manifest_path, read_manifest, refuse_target

from .initial import blend
from .loop import CHECKPOINT, Run
from .runs import read_settings, start, task_of_run

LICENCE_NOTE = "Weights for research use only, not a medical device; the licence of the training data applies to what was made from it."
NOT_STATED = "not stated; ask whoever gave the data"
EXPORTED = ("protocol", "mean", "cases", "weights_sha256", "date", "tuned_on")


@dataclass(frozen=True)
class ExportOptions:
    """What the run itself does not know.

    Attributes:
        scores: as `evaluate` wrote them.
        note: on the training.
        licence: of the data.
        spacing_mm: the grid to work on, along i, j, k, in place of the one that was trained on.
        tuned_on: what of the weights was chosen by looking at the cases of the scores.
        reproducible: the commit whose code made the weights, or why no commit does.
        blend: a weights file, and its share in the mean with the run's weights.
        thresholds: of the outermost regions and of those inside another, in place of the task's; None for those.
        thick_threshold: of all regions where slices are thick; None for the task's, and beside new `thresholds` for none of their own.
    """

    scores: Sequence[dict[str, Any]] = ()
    note: str | None = None
    licence: str = NOT_STATED
    spacing_mm: tuple[float, float, float] | None = None
    tuned_on: str = NOT_STATED
    reproducible: str = NOT_STATED
    blend: tuple[Path, float] | None = None
    thresholds: tuple[float, float] | None = None
    thick_threshold: float | None = None


def load_run(folder: Path) -> tuple[Run, dict[str, Any]]:
    """The run in a folder at its last checkpoint, and its settings file.

    Raises:
        UsageError: there is no run or no checkpoint.
    """
    settings, entry = read_settings(folder)
    if not (folder / CHECKPOINT).is_file():
        raise UsageError(f"{folder} holds no checkpoint yet.", "Wait for the first one.")
    run = start(entry, settings)
    run.load(folder / CHECKPOINT)
    return run, entry


def export(folder: Path, path: Path, precision: str, options: ExportOptions, card: Path | None = None) -> dict[str, Any]:
    """Write the weights of a run with their manifest, and a model card if asked.

    Args:
        folder: of the run.
        path: of the safetensors file.
        precision: see `save_weights`.
        options: scores, a note and the licence.
        card: Markdown file to write.

    Returns:
        The manifest.

    Raises:
        UsageError: there is no run or no checkpoint, nothing to blend it with, or the files would not be weights or replace what is no
            manifest.
        WeightsError: the weights to blend with cannot be read.
    """
    refuse_target(path)
    run, entry = load_run(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    described = manifest_of(run, entry, options)
    if options.blend:
        described["training"]["blend"] = blend(run.average, *options.blend, task_of_run(entry))
    manifest = save_weights(run.average, path, described, precision)
    if card is not None:
        card.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(card) as temporary:
            temporary.write_text(card_text(manifest, path), encoding="utf-8")
    return manifest


def manifest_of(run: Run, entry: dict[str, Any], options: ExportOptions) -> dict[str, Any]:
    """Everything about the weights but what `save_weights` adds itself.

    Raises:
        UsageError: a grid is asked for that is none, or that a network which works on the image's own has no use for.
    """
    task, trained = task_of_run(entry), Plan.from_json(entry["plan"])
    if options.spacing_mm and trained.spacing_mm is None:
        raise UsageError(f"Networks of the task '{task.key}' work on the image's own grid.", "Leave --spacing out.")
    if options.spacing_mm and min(options.spacing_mm) <= 0:
        raise UsageError(f"{_millimetres(options.spacing_mm)} is no spacing.", "Give --spacing three numbers above 0.")
    plan = replace(trained, spacing_mm=options.spacing_mm) if options.spacing_mm else trained
    if options.thresholds:
        plan = replace(plan, threshold=options.thresholds[0], inner_threshold=options.thresholds[1], thick_threshold=None)
    if options.thick_threshold:
        plan = replace(plan, thick_threshold=options.thick_threshold)
    return {
        **task_entries(task),
        "plan": plan.to_json(),
        "training": {
            "data": entry["data"],
            "licence": options.licence,
            "data_hash": entry["data_hash"],
            "cases": len(entry["cases"]),
            "held_out": entry["holdout"],
            "command": entry["command"],
            "seed": entry["settings"]["seed"],
            "steps": run.step,
            "minutes": round(run.seconds / 60, 1),
            "spacing_mm": trained.spacing_mm,
            "reproducible": options.reproducible,
            **({"note": options.note} if options.note else {}),
        },
        "scores": [{"tuned_on": options.tuned_on} | exported(score) for score in options.scores],
        "date": datetime.now(timezone.utc).date().isoformat(),
        "licence_note": LICENCE_NOTE,
    }


def exported(score: dict[str, Any]) -> dict[str, Any]:
    """What of a file of `evaluate` goes into a manifest; of the subsets of inputs the means and the number of cases."""
    told = {key: score[key] for key in EXPORTED if key in score}
    if "subsets" in score:
        told["subsets"] = [
            {"inputs": part["inputs"], "n": len(part["cases"]), "mean": {k: v for k, v in part["mean"].items() if k.startswith("Dice")}}
            for part in score["subsets"]
        ]
    return told


def describe(weights: Path, score: dict[str, Any]) -> int:
    """Add scores with every subset of the inputs to the manifest of weights; how many subsets.

    The score of the same weights is replaced where there is one, but for what only `export` knows. The weights stay as they are.

    Raises:
        UsageError: the scores have no subsets, or are of other weights.
        WeightsError: there is no manifest.
    """
    if not score.get("subsets"):
        raise UsageError("These scores have no subsets of inputs.", "Measure with `medsegdl-train evaluate --subsets --json FILE`.")
    manifest = read_manifest(manifest_path(weights))
    if score.get("weights_sha256") != manifest.get("sha256"):
        raise UsageError(f"The scores are of other weights than {weights.name}.", "Measure again with --weights.")
    same = [entry for entry in manifest.get("scores") or [] if entry.get("protocol") == score["protocol"]]
    others = [entry for entry in manifest.get("scores") or [] if entry not in same]
    kept = {key: entry[key] for entry in same for key in ("tuned_on",) if key in entry}
    write_json(manifest | {"scores": [kept | exported(score), *others]}, manifest_path(weights))
    return len(score["subsets"])


def carry_task(weights: Path, task: Task | None = None) -> Task:
    """Write into the manifest of weights the task that they are for. The weights stay as they are, and all else in the manifest.

    Args:
        weights: the safetensors file.
        task: the task in other words (titles, colours, conventions of labels); None for the one that the manifest carries or names.

    Raises:
        WeightsError: the pair is not genuine, or not for this task: its key, version, inputs, regions or outputs are others.
    """
    manifest = read_manifest(weights)
    task = task or carried_task(manifest, manifest_path(weights).name)
    load_weights(weights, task)
    entries = task_entries(task)
    write_json(entries | {key: value for key, value in manifest.items() if key not in entries}, manifest_path(weights))
    return task


def card_text(manifest: dict[str, Any], path: Path) -> str:
    """The model card: what the weights are, what they were made from and how to make them again, how good they are."""
    task, training = carried_task(manifest, path.name), manifest["training"]
    lines = [
        f"# {task.title}: model card",
        "",
        f"**For research only. Not a medical device; never base a diagnosis or a treatment on it.** {manifest['licence_note']}",
        "",
        f"- File: `{path.name}`, {manifest['precision']}, {path.stat().st_size / 1e6:.2f} MB, SHA-256 `{manifest['sha256']}`",
        f"- Network: inception U-Net, {manifest['architecture']['arguments']}",
        f"- Inputs: {', '.join(entry.title for entry in task.inputs)}; outputs: {', '.join(manifest['outputs'])}",
        f"- Grid: {_millimetres(manifest['plan']['spacing_mm'])}; trained on: {_millimetres(training['spacing_mm'])}",
        f"- Date: {manifest['date']}",
        "",
        "## Training",
        "",
        f"- Data: {training['data']}; licence: {training['licence']}",
        f"- {counted(training['cases'], 'case')}; SHA-256 over the contents of the files read: `{training['data_hash']}`",
        f"- Held out: {', '.join(training['held_out']) or 'see the scores below'}",
        f"- Seed {training['seed']}, {training['steps']} steps in {training['minutes']} minutes; shipped is their moving average",
        *([_blend_line(training["blend"])] if "blend" in training else []),
        *([f"- {training['note']}"] if "note" in training else []),
        "",
        "```",
        training["command"],
        "```",
        "",
        f"Reproducible: {training.get('reproducible', NOT_STATED)}",
        "",
        "## Scores",
        "",
    ]
    for score in manifest["scores"]:
        lines += score_lines(score)
    if not manifest["scores"]:
        lines.append("Not measured.")
    if "calibration" in manifest:
        lines += calibration_lines(manifest["calibration"])
    return "\n".join(lines) + "\n"


def _blend_line(told: dict[str, Any]) -> str:
    return f"- Mean of these weights and of those with SHA-256 `{told['sha256']}`, which count {told['share']:g}"


def _millimetres(spacing_mm: Sequence[float] | None) -> str:
    return "the image's own" if spacing_mm is None else " x ".join(f"{side:g}" for side in spacing_mm) + " mm"


def score_lines(score: dict[str, Any]) -> list[str]:
    """One protocol's table: the mean, then case by case."""
    mean = score.get("mean", {})
    names = list(mean)
    tuned = score.get("tuned_on", NOT_STATED)
    lines = [score.get("protocol", NOT_STATED), "", "| case | " + " | ".join(names) + " | tuned on |", "|---" * (len(names) + 2) + "|"]
    for name, values in [("**mean**", mean), *((case["name"], case["measures"]) for case in score.get("cases", ()))]:
        cells = (_cell(values.get(key)) for key in names)
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {tuned} |")
    return [*lines, ""]


def calibration_lines(told: dict[str, Any]) -> list[str]:
    """What the probabilities are worth: a table with a line a region."""
    head = ["## Calibration", "", f"{told['protocol']}.", "", "| region | expected error | above one half |", "|---|---|---|"]
    rows = [f"| {key} | {one['expected_error']:.4f} | {one['expected_error_above_half']:.3f} |" for key, one in told["regions"].items()]
    return [*head, *rows, ""]


def _cell(value: float | None) -> str:
    """A number of the table; counts as whole numbers."""
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.4f}"
