"""`medsegdl-train`: run, export, evaluate, inspect. Arguments in, exit code out; the work is done in the other rooms.

torch is imported only once a command runs.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from MedSegDLLib.errors import MedSegDLError, UsageError
from MedSegDLLib.tasks import TASKS, Plan, Task

if TYPE_CHECKING:
    from MedSegDLLib.networks import InceptionUNet

    from .loop import Run, Settings

SETTINGS = "settings.json"
PATCHES = {"brain": (64, 64, 64), "liver": (256, 256), "nuclei": (192, 192)}


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    line = sys.argv[1:] if arguments is None else arguments
    options = parser().parse_args(line)
    try:
        return options.command(options, line)
    except MedSegDLError as error:
        print(f"medsegdl-train: {error}", file=sys.stderr)
        return error.exit_code


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(prog="medsegdl-train", description="Train the networks of MedSegDL. For research only.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    run = _command(commands, "run", "train a network", run_command)
    run.add_argument("--out", type=Path, required=True, help="folder of the run")
    run.add_argument("--steps", type=int, help="budget in steps")
    run.add_argument("--minutes", type=float, help="budget in minutes of wall-clock time")
    run.add_argument("--seed", type=int, default=1)
    run.add_argument("--profile", help="network profile; by default the task's own")
    run.add_argument("--holdout", nargs="*", default=[], help="names of cases that training must not see")
    run.add_argument("--patch", type=int, nargs="+", help="sides of a sample in voxels: (K) J I")
    run.add_argument("--batch", type=int, default=4)
    run.add_argument("--rate", type=float, default=3e-3, help="highest learning rate")
    run.add_argument("--loss", choices=("dice-bce", "paper"), default="dice-bce")
    run.add_argument("--precision", choices=("bfloat16", "float32"), default="bfloat16")
    run.add_argument("--device", default="cpu")
    run.add_argument("--threads", type=int, default=2, help="CPU threads of torch")
    run.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out, with the settings that it was started with")

    export = _command(commands, "export", "write the weights of a run", export_command, data=False)
    export.add_argument("--run", type=Path, required=True, help="folder of the run")
    export.add_argument("--out", type=Path, required=True, help="the .safetensors file; its manifest goes beside it")
    export.add_argument("--precision", choices=("float16", "int8"), default="float16")
    export.add_argument("--scores", type=Path, nargs="*", default=[], help="JSON files of `evaluate`, for the manifest and the card")
    export.add_argument("--note", help="a sentence on the training, for the manifest and the card")
    export.add_argument("--card", type=Path, help="also write a model card (Markdown)")

    evaluate = _command(commands, "evaluate", "segment the cases of a folder and measure", evaluate_command)
    evaluate.add_argument("--weights", type=Path, help="weights file; by default the installed one")
    evaluate.add_argument("--title", help="what the cases are, for the protocol; by default the folder's name")
    evaluate.add_argument("--json", type=Path, help="write the scores here")
    evaluate.add_argument("--cases", nargs="*", help="only these")
    evaluate.add_argument("--mode", choices=("fast", "accurate"), default="fast")
    evaluate.add_argument("--device", default="cpu")
    evaluate.add_argument("--threads", type=int, default=2)

    _command(commands, "inspect", "list the cases of a folder", inspect_command)
    return top


def _command(commands: Any, name: str, text: str, function: Any, data: bool = True) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    command.add_argument("--task", choices=sorted(TASKS), required=True)
    if data:
        command.add_argument("--data", type=Path, required=True, help="folder of the data set")
    command.set_defaults(command=function)
    return command


def run_command(options: argparse.Namespace, line: list[str]) -> int:
    """Train from the start, or go on."""
    import torch

    from .augment import recipe_for
    from .loop import CHECKPOINT, train
    from .progress import reporter
    from .registry import source_of

    torch.set_num_threads(options.threads)
    task = TASKS[options.task]
    settings, entry = _resumed_run(options, line) if options.resume else _new_run(options, task, line)
    patch, plan = tuple(entry["patch"]), Plan.from_json(entry["plan"])
    source = source_of(task.key)(options.data, tuple(entry["holdout"]), plan, patch, settings.seed)
    run = start(entry, settings)
    if options.resume:
        run.load(options.out / CHECKPOINT)
    described = {"cases": list(source.cases), "data": source.data, "licence": source.licence, "data_hash": source.data_hash}
    write_settings(options.out, {**entry, **described})
    with reporter(settings) as report:
        ended = train(run, source, recipe_for(task), settings, options.out, report)
    print(f"{ended} after {run.step} steps, {run.seconds / 60:.1f} min: {options.out / CHECKPOINT}")
    return 0


def recorded(line: list[str]) -> str:
    """The command as manifests keep it: paths relative to the working folder, because absolute ones tell where and whose they are."""
    return shlex.join(["medsegdl-train", *(os.path.relpath(word) if Path(word).is_absolute() else word for word in line)])


def _resumed_run(options: argparse.Namespace, line: list[str]) -> tuple[Settings, dict[str, Any]]:
    """Settings of the run in the folder, with a larger budget if one is given; the settings file keeps every command that made the run."""
    settings, entry = read_settings(options.out)
    settings = replace(settings, steps=options.steps or settings.steps, minutes=options.minutes or settings.minutes)
    command = f"{entry['command']}\n{recorded(line)}"
    return settings, {**entry, "command": command, "settings": asdict(settings)}


def _new_run(options: argparse.Namespace, task: Task, line: list[str]) -> tuple[Settings, dict[str, Any]]:
    """Settings of a fresh run, checked before anything is read."""
    from MedSegDLLib.networks import PROFILES

    from .loop import CHECKPOINT, Settings

    profile = options.profile or task.profile
    if profile not in PROFILES:
        raise UsageError(f"There is no network profile '{profile}'.", f"Choose one of {', '.join(PROFILES)}.")
    if options.steps is None and options.minutes is None:
        raise UsageError("The run has no budget.", "Give --steps or --minutes.")
    if (options.out / CHECKPOINT).exists():
        raise UsageError(f"{options.out} holds a run already.", "Go on with --resume, or choose another folder.")
    arch = PROFILES[profile]
    patch = tuple(options.patch or PATCHES[task.key])
    if len(patch) != arch.spatial_dims or any(side % arch.divisor for side in patch):
        raise UsageError(f"The patch {patch} does not fit the network.", f"Give {arch.spatial_dims} sides divisible by {arch.divisor}.")
    settings = Settings(
        steps=options.steps,
        minutes=options.minutes,
        batch=options.batch,
        learning_rate=options.rate,
        precision=options.precision,
        loss=options.loss,
        seed=options.seed,
        device=options.device,
    )
    options.out.mkdir(parents=True, exist_ok=True)
    entry = {
        "task": task.key,
        "command": recorded(line),
        "architecture": {"name": "inception_unet", "arguments": asdict(arch)},
        "plan": task.plan.to_json(),
        "patch": list(patch),
        "holdout": list(options.holdout),
        "settings": asdict(settings),
    }
    return settings, entry


def start(entry: dict[str, Any], settings: Settings) -> Run:
    """A fresh run of the network that the settings file describes; the seed fixes its first weights."""
    import torch

    from MedSegDLLib.networks import build

    from .loop import Run

    torch.manual_seed(settings.seed)
    network: InceptionUNet = build(entry["architecture"]["name"], entry["architecture"]["arguments"])
    return Run.start(network, settings)


def write_settings(folder: Path, entry: dict[str, Any]) -> None:
    """Keep what the run was asked to do beside its checkpoint."""
    from MedSegDLLib.files import write_json

    write_json(entry, folder / SETTINGS)


def read_settings(folder: Path) -> tuple[Settings, dict[str, Any]]:
    """What a run was asked to do.

    Raises:
        UsageError: the folder holds no run.
    """
    from .loop import Settings

    try:
        entry = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder} holds no run.", "Start one without --resume.") from error
    known = {field.name for field in fields(Settings)}
    return Settings(**{key: value for key, value in entry["settings"].items() if key in known}), entry


def export_command(options: argparse.Namespace, line: list[str]) -> int:
    """Write weights, manifest and model card of a run."""
    from .export import Told, export

    scores = [json.loads(path.read_text(encoding="utf-8")) for path in options.scores]
    manifest = export(options.run, options.out, options.precision, Told(scores, options.note), options.card)
    print(f"{options.out} ({options.out.stat().st_size / 1e6:.2f} MB) sha256 {manifest['sha256']}")
    return 0


def evaluate_command(options: argparse.Namespace, line: list[str]) -> int:
    """Segment and measure every case of a folder."""
    import torch

    from MedSegDLLib.files import write_json
    from MedSegDLLib.pipeline import Options

    from .evaluate import evaluate_cases, table
    from .registry import cases_of

    torch.set_num_threads(options.threads)
    cases = [case for case in cases_of(options.task)(options.data) if options.cases is None or case.name in options.cases]
    if not cases:
        raise UsageError(f"None of the named cases lies in {options.data}.", "`medsegdl-train inspect` lists them.")
    title = options.title or f"{options.data.resolve().parent.name}/{options.data.resolve().name}"
    scores = evaluate_cases(cases, TASKS[options.task], Options(options.device, options.weights, mode=options.mode), title)
    print(table(scores))
    if options.json:
        write_json(scores, options.json)
    return 0


def inspect_command(options: argparse.Namespace, line: list[str]) -> int:
    """List cases, their inputs and sizes."""
    from MedSegDLLib.files import read_image

    from .registry import cases_of

    for case in cases_of(options.task)(options.data):
        for key, path in case.inputs.items():
            image = read_image(path)
            print(f"{case.name}  {key}  {'x'.join(map(str, image.array.shape))}  {image.array.dtype}  {path.name}")
    return 0
