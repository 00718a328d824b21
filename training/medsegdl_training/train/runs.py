"""The folder of a run: what it was asked to do, kept beside its checkpoint, and the network that follows from it.

`settings.json` is the contract between starting, going on and exporting; torch is imported only once a network is built.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from MedSegDLLib.errors import UsageError
from MedSegDLLib.schema.records import Unfit
from MedSegDLLib.tasks import TASK_KEY, Task, task_named

if TYPE_CHECKING:
    from .settings import Settings
    from .state import Run

SETTINGS = "settings.json"
MAY_CHANGE = ("steps", "minutes", "device", "compile", "save_minutes", "save_steps", "validate_minutes", "patience")  # when a run goes on
IDENTITY = (
    *("task", "architecture", "plan", "patch", "holdout", "left_out", "data_hash"),
    *("labels", "unlabelled", "synthesis", "augmentation", "emphasis", "pretext", "finetuned_from", "init"),
)


def recorded(line: list[str]) -> str:
    """The command as manifests keep it: paths relative to the working folder, because absolute ones tell where and whose they are."""
    return shlex.join(["medsegdl-train", *(os.path.relpath(word) if Path(word).is_absolute() else word for word in line)])


def identity_of(entry: dict[str, Any]) -> str:
    """SHA-256 of what makes a run this run: task, network, plan, samples, data, and all settings but budget, device and bookkeeping.

    A checkpoint keeps it, so that nothing goes on with it by mistake. `entry` is that of the settings file, with `data_hash`.
    """
    settings = {name: value for name, value in entry["settings"].items() if name not in MAY_CHANGE}
    samples = {name: entry.get(name) for name in IDENTITY}
    return hashlib.sha256(json.dumps([settings, samples], sort_keys=True).encode()).hexdigest()


def start(entry: dict[str, Any], settings: Settings) -> Run:
    """A fresh run of the network that the settings file describes; the seed fixes its first weights."""
    import torch

    from MedSegDLLib.network.inception_unet import build

    from .state import Run

    torch.manual_seed(settings.seed)
    return Run.start(build(entry["architecture"]["name"], entry["architecture"]["arguments"]), settings)


def write_settings(folder: Path, entry: dict[str, Any]) -> None:
    """Keep what the run was asked to do beside its checkpoint."""
    from MedSegDLLib.io.atomic import write_json

    write_json(entry, folder / SETTINGS)


def task_of_run(entry: dict[str, Any]) -> Task:
    """The task of a run's settings file: its own; of a run that is older than that, the one of its key.

    Raises:
        UsageError: it does not fit, or there is none of that key.
    """
    if TASK_KEY not in entry:
        return task_named(entry["task"])
    try:
        return Task.from_json(entry[TASK_KEY])
    except Unfit as fault:
        raise UsageError(f"The run's settings hold a task that does not fit: {fault}.", "Start a new run.") from fault


def read_settings(folder: Path) -> tuple[Settings, dict[str, Any]]:
    """What a run was asked to do.

    Raises:
        UsageError: the folder holds no run.
    """
    from .settings import Settings

    try:
        entry = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{folder} holds no run.", "Start one without --resume.") from error
    known = {field.name for field in fields(Settings)}
    try:
        return Settings(**{key: value for key, value in entry["settings"].items() if key in known}), entry
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{folder / SETTINGS} is damaged: {error}.", "Start a new run.") from error
