"""`medsegdl-train run`, `pretrain`, `finetune`: from options to a run's description, and from that to training.

torch is imported only once a command runs.
"""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from MedSegDLLib.errors import UsageError
from MedSegDLLib.tasks import TASKS, Task

from ..train.runs import read_settings, recorded, start, write_settings

if TYPE_CHECKING:
    from MedSegDLLib.network.inception_unet import Architecture

    from ..train.loop import Report
    from ..train.planning import Planned
    from ..train.settings import Settings
    from ..train.state import Run, Trainable
    from ..train.supervision import Place

PATCHES = {"brain": (64, 64, 64), "liver": (48, 64, 96), "nuclei": (192, 192)}
FINETUNE_RATE = 3e-4  # a tenth of a fresh run's
FINETUNE_STEPS = 200
BATCH = 4
REST = "rest"
MakeCommand = Callable[..., argparse.ArgumentParser]


def add_commands(commands: Any, make: MakeCommand) -> None:
    """The three commands and their options."""
    run = make(commands, "run", "train a network", run_command)
    _budget(run)
    _shape(run)
    run.add_argument("--init", type=Path, help="first weights: the folder of another run (pre-trained), or a weights file")
    run.add_argument(
        "--labels", type=float, default=1.0, help="share of the labelled cases whose labels are used, 0..1, chosen by the seed"
    )
    run.add_argument(
        "--unlabelled",
        nargs="?",
        const=REST,
        help="mean teacher on a folder of unlabelled cases, or (without a folder) on those whose labels are set aside",
    )

    run.add_argument("--no-synthesis", dest="synthesis", action="store_false", help="real samples only, for comparison")
    run.add_argument(
        "--augmentation",
        choices=("full", "mirror"),
        default="full",
        help="mirror: nothing else, not even scale; the last stretch, begun with --init",
    )
    run.add_argument(
        "--emphasis",
        type=Path,
        metavar="SCORES",
        help="draw the cases that a network does badly on more often: what `evaluate --json` wrote of the training cases",
    )

    pretrain = make(commands, "pretrain", "train a network without labels, for run --init", pretrain_command)
    pretrain.add_argument("--method", choices=("masked", "contrastive"), default="masked")
    _budget(pretrain)
    _shape(pretrain)

    finetune = make(commands, "finetune", "go on from weights on a few corrected cases", finetune_command)
    finetune.add_argument("--weights", type=Path, help="weights file; by default the installed one")
    _budget(finetune, rate=FINETUNE_RATE, warm_up=10)
    finetune.add_argument("--patch", type=int, nargs="+", help="sides of a sample in voxels: (K) J I")


def _budget(command: argparse.ArgumentParser, rate: float = 3e-3, warm_up: int = 50) -> None:
    """What every kind of training has."""
    command.add_argument("--out", type=Path, required=True, help="folder of the run")
    command.add_argument("--steps", type=int, help="budget in steps")
    command.add_argument("--minutes", type=float, help="budget in minutes of wall-clock time")
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--holdout", nargs="*", default=[], help="names of cases that training must not see")
    command.add_argument("--batch", type=int, help=f"samples a step, over all processes of torchrun (default {BATCH})")
    command.add_argument("--rate", type=float, default=rate, help="highest learning rate")
    command.add_argument("--warm-up", type=int, default=warm_up, help="steps until the highest learning rate")
    command.add_argument("--average", type=float, default=0.995, help="decay of the moving average of the weights")
    command.add_argument(
        "--loss",
        choices=("dice-bce", "nested", "paper"),
        default="dice-bce",
        help="nested: what lies inside another region is judged near it only",
    )
    command.add_argument("--schedule", choices=("cosine", "poly"), default="cosine")
    command.add_argument("--optimiser", choices=("adamw", "sgd"), default="adamw")
    command.add_argument("--precision", choices=("auto", "bfloat16", "float16", "float32"), default="auto")
    command.add_argument("--compile", action="store_true", help="compile the forward pass (torch.compile; needs a C++ compiler)")
    command.add_argument("--save-steps", type=int, help="steps between checkpoints, beside one every five minutes")
    command.add_argument("--validation", type=Path, help="folder of held-out cases to measure on; without it those of --holdout")
    command.add_argument("--validate-minutes", type=float, help="measure Dice on held-out samples every so many minutes")
    command.add_argument("--patience", type=int, help="end after so many steps without improvement")
    command.add_argument("--board", action="store_true", help="also write the curves for TensorBoard into --out")
    command.add_argument("--device", default="cpu")
    command.add_argument("--threads", type=int, default=2, help="CPU threads of torch")
    command.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint in --out, with the settings that it was started with"
    )


def _shape(command: argparse.ArgumentParser) -> None:
    """What fixes a fresh network and its samples."""
    command.add_argument("--profile", help="network profile; by default the task's own")
    command.add_argument("--widths", type=int, nargs="+", help="filters a level, finest first, in place of the profile's")
    command.add_argument("--patch", type=int, nargs="+", help="sides of a sample in voxels: (K) J I")
    command.add_argument("--plan", type=Path, help="file of `medsegdl-train plan`: grid, profile, patch, batch, unless given here")


def run_command(options: argparse.Namespace, line: list[str]) -> int:
    """Train from the start, or go on."""

    def fresh(task: Task) -> dict[str, Any]:
        if not 0 < options.labels <= 1:
            raise UsageError(f"--labels is {options.labels}.", "Give a share above 0 and up to 1.")
        unlabelled = options.unlabelled if options.unlabelled in (None, REST) else os.path.relpath(options.unlabelled)
        chosen = {name: getattr(options, name) for name in ("labels", "synthesis", "augmentation")}
        entry = {**described(options, task, architecture(options, task)), **chosen, "unlabelled": unlabelled}
        return {**entry, "emphasis": _emphasis(options, task)} if options.emphasis else entry

    return _train(options, line, fresh, options.init)


def _emphasis(options: argparse.Namespace, task: Task) -> dict[str, float]:
    """Shares of the cases that may be trained on."""
    from ..train.emphasis import emphasis_of
    from ..train.samplers import cases_of

    return emphasis_of(options.emphasis, [case.name for case in cases_of(task.key)(options.data) if case.name not in options.holdout])


def pretrain_command(options: argparse.Namespace, line: list[str]) -> int:
    """Train on a pretext."""

    def fresh(task: Task) -> dict[str, Any]:
        from ..train.pretext import outputs_of

        arch = architecture(options, task)
        arch = replace(arch, out_channels=outputs_of(options.method, arch.in_channels))
        return {**described(options, task, arch), "pretext": options.method}

    return _train(options, line, fresh, None)


def finetune_command(options: argparse.Namespace, line: list[str]) -> int:
    """Go on from weights, with their own network and plan."""
    from MedSegDLLib.network.weights import find_weights, load_weights

    task = TASKS[options.task]
    path = find_weights(task, options.weights)
    if options.steps is None and options.minutes is None:
        options.steps = FINETUNE_STEPS

    def fresh(task: Task) -> dict[str, Any]:
        weights = load_weights(path, task)
        entry = described(options, task, weights.network.arch)
        return {**entry, "plan": weights.plan.to_json(), "finetuned_from": weights.manifest["sha256"]}

    return _train(options, line, fresh, path)


def architecture(options: argparse.Namespace, task: Task) -> Architecture:
    """The profile's network, or one of its kind with other widths.

    Raises:
        UsageError: there is no such profile.
    """
    from MedSegDLLib.network.inception_unet import PROFILES

    planned = _planned(options, task)
    profile = options.profile or (planned.profile if planned else task.profile)
    if profile not in PROFILES:
        raise UsageError(f"There is no network profile '{profile}'.", f"Choose one of {', '.join(PROFILES)}.")
    arch = PROFILES[profile]
    if not options.widths:
        return arch
    if len(options.widths) < 2:
        raise UsageError("A network needs two levels at least.", "Give --widths two or more numbers.")
    return replace(arch, widths=tuple(options.widths), added_maps=min(arch.added_maps, len(options.widths) - 1))


def described(options: argparse.Namespace, task: Task, arch: Architecture) -> dict[str, Any]:
    """What the settings file says of every fresh run.

    Raises:
        UsageError: the patch does not fit the network.
    """
    planned = _planned(options, task)
    patch = tuple(options.patch or (planned.patch if planned else PATCHES[task.key]))
    if len(patch) != arch.spatial_dims or any(side % arch.divisor for side in patch):
        raise UsageError(f"The patch {patch} does not fit the network.", f"Give {arch.spatial_dims} sides divisible by {arch.divisor}.")
    return {
        "task": task.key,
        "architecture": {"name": "inception_unet", "arguments": asdict(arch)},
        "plan": (planned.plan if planned else task.plan).to_json(),
        "patch": list(patch),
        "holdout": list(options.holdout),
    }


def _planned(options: argparse.Namespace, task: Task) -> Planned | None:
    """The plan file, if one is given."""
    path = getattr(options, "plan", None)
    if path is None:
        return None
    from ..train.planning import read_plan

    return read_plan(path, task)


def _train(options: argparse.Namespace, line: list[str], fresh: Callable[[Task], dict[str, Any]], init: Path | None) -> int:
    """Everything from the options to the last checkpoint."""
    import torch

    from ..train import parallel
    from ..train.loop import CHECKPOINT, train
    from ..train.progress import reporter
    from ..train.supervision import Place, objective_of

    torch.set_num_threads(options.threads)
    task = TASKS[options.task]
    with parallel.joined(options.device) as device:
        settings, entry = _resumed_run(options, line) if options.resume else _new_run(options, fresh(task), line)
        settings = replace(settings, device=device)
        if settings.batch < parallel.count():
            raise UsageError("There are more processes than samples a step.", f"Give --batch {parallel.count()} or more.")
        place = Place.of(task, options.data, entry, settings.seed)
        objective, source = objective_of(place, entry, settings)
        run = start(entry, settings)
        if options.resume:
            run.load(options.out / CHECKPOINT)
        elif init is not None:
            from ..train.initial import commands_before, initialise

            initialise(run, init, task)
            entry = {**entry, "command": "\n".join([*commands_before(init), entry["command"]])}
        told = {"cases": list(source.cases), "data": source.data, "data_hash": source.data_hash}
        validate = _validator(options, place, told["cases"], settings)
        if parallel.rank() == 0:
            options.out.mkdir(parents=True, exist_ok=True)
            write_settings(options.out, {**entry, **told})
        with reporter(settings) as report, _watched(options, report) as told_to:
            ended = train(run, objective, settings, options.out, told_to, validate)
        if parallel.rank() == 0:
            _tell(ended, run, options.out / CHECKPOINT)
    return 0


@contextlib.contextmanager
def _watched(options: argparse.Namespace, report: Report) -> Iterator[Report]:
    """The terminal's report, and TensorBoard's beside it if it is asked for."""
    from ..train import parallel

    if not options.board or parallel.rank() > 0:
        yield report
        return
    from ..train.board import board, both

    with board(options.out) as scalars:
        yield both(report, scalars)


def _tell(ended: str, run: Run, path: Path) -> None:
    print(f"{ended} after {run.step} steps, {run.seconds / 60:.1f} min: {path}")


def _validator(options: argparse.Namespace, place: Place, training: list[str], settings: Settings) -> Callable[[Trainable], float] | None:
    """The measure on held-out samples, if it is asked for."""
    if options.validation is None and options.validate_minutes is None:
        return None
    from ..train.supervision import held_out
    from ..train.validation import validator

    source = held_out(place, options.validation, training)
    return validator(source, [place.plan.threshold_of(region) for region in place.task.regions], settings.device)


def _resumed_run(options: argparse.Namespace, line: list[str]) -> tuple[Settings, dict[str, Any]]:
    """Settings of the run in the folder, with a larger budget if one is given; the settings file keeps every command that made the run."""
    settings, entry = read_settings(options.out)
    settings = replace(settings, steps=options.steps or settings.steps, minutes=options.minutes or settings.minutes)
    return settings, {**entry, "command": f"{entry['command']}\n{recorded(line)}", "settings": asdict(settings)}


def _new_run(options: argparse.Namespace, entry: dict[str, Any], line: list[str]) -> tuple[Settings, dict[str, Any]]:
    """Settings of a fresh run, checked before anything is read."""
    from ..train.loop import CHECKPOINT, Settings

    if options.steps is None and options.minutes is None:
        raise UsageError("The run has no budget.", "Give --steps or --minutes.")
    if (options.out / CHECKPOINT).exists():
        raise UsageError(f"{options.out} holds a run already.", "Go on with --resume, or choose another folder.")
    same = ("steps", "minutes", "batch", "warm_up", "average", "precision", "loss", "seed", "device", "schedule", "optimiser", "compile")
    chosen = {name: getattr(options, name) for name in (*same, "save_steps", "patience")}
    planned = _planned(options, TASKS[options.task])
    chosen["batch"] = options.batch or (planned.batch if planned else BATCH)
    if options.validate_minutes is not None:
        chosen["validate_minutes"] = options.validate_minutes
    try:
        settings = Settings(**chosen, learning_rate=options.rate)
    except ValueError as error:
        raise UsageError(f"The run cannot be done so: {error}.", "Choose another precision or device.") from error
    return settings, {**entry, "command": recorded(line), "settings": asdict(settings)}
