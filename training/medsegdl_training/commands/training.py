"""`medsegdl-train run`, `pretrain`, `finetune`: from options to a run's description, and from that to training.

torch is imported only once a command runs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from MedSegDLLib.errors import UsageError
from MedSegDLLib.tasks import TASK_KEY, Plan, Task

from ..cases import special
from ..train.runs import MAY_CHANGE, identity_of, read_settings, recorded, start, task_of_run, write_settings
from ..train.settings import AUTO
from .options import share, task_of, whole
from .training_options import BATCH, add_budget, add_shape

if TYPE_CHECKING:
    from MedSegDLLib.network.inception_unet import Architecture

    from ..train.loop import Report
    from ..train.planning import Planned
    from ..train.settings import Settings
    from ..train.state import Run, Trainable
    from ..train.supervision import Place

PATCHES = {"brain": (64, 64, 64), "liver": (48, 64, 96), "nuclei": (192, 192), "brainmask": (40, 40, 32)}
SIDES = {2: 192, 3: 64}  # of a sample at most, where neither the line nor a plan tells
FINETUNE_RATE = 3e-4  # a tenth of a fresh run's
FINETUNE_STEPS = 200
REST = "rest"
PRETEXT = "masked"
MOST_LETTERS = 60  # of a setting in a message
Command = Callable[[argparse.Namespace, list[str]], int]
MakeCommand = Callable[..., argparse.ArgumentParser]


def add_commands(commands: Any, make: MakeCommand) -> None:
    """The three commands and their options."""
    run = make(commands, "run", "train a network", _or_going_on(run_command))
    add_budget(run)
    add_shape(run)
    run.add_argument("--init", type=Path, help="first weights: the folder of another run (pre-trained), or a weights file")
    run.add_argument("--labels", type=share, help="share of the labelled cases whose labels are used, 0..1, chosen by the seed")
    run.add_argument(
        "--unlabelled",
        nargs="?",
        const=REST,
        help="mean teacher on a folder of unlabelled cases, or (without a folder) on those whose labels are set aside",
    )

    run.add_argument("--no-synthesis", dest="synthesis", action="store_false", default=None, help="real samples only, for comparison")
    run.add_argument(
        "--augmentation",
        choices=("full", "mirror"),
        help="mirror: nothing else, not even scale; the last stretch, begun with --init",
    )
    run.add_argument(
        "--emphasis",
        type=Path,
        metavar="SCORES",
        help="draw the cases that a network does badly on more often: what `evaluate --json` wrote of the training cases",
    )

    pretrain = make(commands, "pretrain", "train a network without labels, for run --init", _or_going_on(pretrain_command))
    pretrain.add_argument("--method", choices=("masked", "contrastive"), help="(default masked)")
    add_budget(pretrain)
    add_shape(pretrain)

    finetune = make(commands, "finetune", "go on from weights on a few corrected cases", _or_going_on(finetune_command))
    finetune.add_argument("--weights", type=Path, help="weights file; by default the installed one")
    add_budget(finetune, rate=FINETUNE_RATE, warm_up=10)
    finetune.add_argument("--patch", type=whole(), nargs="+", help="sides of a sample in voxels: (K) J I")


def _or_going_on(command: Command) -> Command:
    """The command, with --resume where --go-on finds a checkpoint: the same for all, as none is written before they have met."""

    def run(options: argparse.Namespace, line: list[str]) -> int:
        from ..train.state import CHECKPOINT

        options.resume = options.resume or (options.go_on and (options.out / CHECKPOINT).exists())
        return command(options, line)

    return run


def run_command(options: argparse.Namespace, line: list[str]) -> int:
    """Train from the start, or go on."""

    def asked(task: Task) -> dict[str, Any]:
        chosen = {name: getattr(options, name) for name in ("labels", "synthesis", "augmentation")}
        unlabelled = options.unlabelled if options.unlabelled in (None, REST) else os.path.relpath(options.unlabelled)
        emphasis = _emphasis(options, task) if options.emphasis else None
        return {**described(options, task, None), **chosen, "unlabelled": unlabelled, "emphasis": emphasis}

    return _train(options, line, Asked(asked, {"labels": 1.0, "synthesis": True, "augmentation": "full"}, options.init))


def _emphasis(options: argparse.Namespace, task: Task) -> dict[str, float]:
    """Shares of the cases that may be trained on."""
    from ..cases.selection import Selection
    from ..train.emphasis import emphasis_of
    from ..train.samplers import cases_of

    selection = Selection(options.data, tuple(options.holdout or ()), tuple(options.leave_out or ()))
    return emphasis_of(options.emphasis, [case.name for case in selection.of(cases_of(task)(options.data))])


def pretrain_command(options: argparse.Namespace, line: list[str]) -> int:
    """Train on a pretext."""

    def asked(task: Task) -> dict[str, Any]:
        from ..train.pretext import outputs_of

        entry = described(options, task, None if options.resume else architecture(options, task))
        if entry["architecture"]:
            arguments = entry["architecture"]["arguments"]
            arguments["out_channels"] = outputs_of(options.method or PRETEXT, arguments["in_channels"])
        return {**entry, "pretext": options.method}

    return _train(options, line, Asked(asked, {"pretext": PRETEXT}))


def finetune_command(options: argparse.Namespace, line: list[str]) -> int:
    """Go on from weights, with their own network and plan."""
    from MedSegDLLib.network.weights import find_weights, load_weights

    path = find_weights(_task(options), options.weights)
    going_on = options.resume and options.weights is None
    if options.steps is None and options.minutes is None and not options.resume:
        options.steps = FINETUNE_STEPS

    def asked(task: Task) -> dict[str, Any]:
        if going_on:
            return described(options, task, None)
        weights = load_weights(path, task)
        if not isinstance(weights.plan, Plan):
            raise UsageError(f"{path.name} is an imported network.", "Only weights that were trained here can be trained on.")
        entry = described(options, task, weights.network.arch)
        return {**entry, "plan": weights.plan.to_json(), "finetuned_from": weights.manifest["sha256"]}

    return _train(options, line, Asked(asked, {}, None if going_on else path))


@dataclass(frozen=True)
class Asked:
    """What a command line asks of a run.

    Attributes:
        entry: of the settings file, for a task; None where the line says nothing.
        defaults: for what it says nothing of.
        init: where the first weights come from, or None.
    """

    entry: Callable[[Task], dict[str, Any]]
    defaults: dict[str, Any]
    init: Path | None = None


def architecture(options: argparse.Namespace, task: Task) -> Architecture:
    """The profile's network for the task, or one of its kind with other widths. Raises UsageError: there is no such profile."""
    from ..train.planning import architecture_of

    planned = _planned(options, task)
    profile = options.profile or (planned.profile if planned else task.profile)
    return architecture_of(profile, task, planned.plan if planned else task.plan, options.widths or ())


def described(options: argparse.Namespace, task: Task, arch: Architecture | None) -> dict[str, Any]:
    """What the settings file says of every run; None for what the line says nothing of.

    Args:
        options: of the line.
        task: of the run.
        arch: of the network, where the line does not choose it.

    Raises:
        UsageError: the patch does not fit the network.
    """
    planned = _planned(options, task)
    chosen = arch or (architecture(options, task) if planned or options.profile or options.widths else None)
    patch = options.patch or (planned.patch if planned else None)
    return {
        "task": task.key,
        TASK_KEY: task.to_json(),
        "architecture": {"name": "inception_unet", "arguments": asdict(chosen)} if chosen else None,
        "plan": planned.plan.to_json() if planned else None,
        "patch": list(patch) if patch else None,
        "holdout": None if options.holdout is None else list(options.holdout),
        "left_out": None if options.leave_out is None else list(options.leave_out),
    }


def _task(options: argparse.Namespace) -> Task:
    """The task of the line; of a run that goes on its own, which the line must not contradict.

    Raises:
        UsageError: another task, or one of other inputs or regions.
    """
    task = task_of(options)
    if not options.resume:
        return task
    own = task_of_run(read_settings(options.out)[1])
    if (own.key, own.meaning) != (task.key, task.meaning):
        raise UsageError(f"The run in {options.out} is of another task ('{own.key}').", "Give the task that it began with.")
    return own


def _planned(options: argparse.Namespace, task: Task) -> Planned | None:
    """The plan file, if one is given."""
    path = getattr(options, "plan", None)
    if path is None:
        return None
    from ..train.planning import read_plan

    return read_plan(path, task)


def _train(options: argparse.Namespace, line: list[str], asked: Asked) -> int:
    """Everything from the options to the last checkpoint."""
    import torch

    from ..train import parallel
    from ..train.loop import CHECKPOINT, train
    from ..train.progress import reporter
    from ..train.supervision import Place, objective_of

    torch.set_num_threads(options.threads)
    task = _task(options)
    with parallel.joined(options.device) as device:
        settings, entry = _resumed_run(options, line, asked, task) if options.resume else _new_run(options, line, asked, task)
        settings = replace(settings, device=device)
        if settings.batch < parallel.count():
            raise UsageError("There are more processes than samples a step.", f"Give --batch {parallel.count()} or more.")
        place = Place.of(task, options.data, entry, settings.seed)
        refuse_mistakes(place, options, entry)
        objective, sampler = objective_of(place, entry, settings)
        read = {"cases": list(sampler.cases), "data": sampler.data, "data_hash": sampler.data_hash}
        validate = _validator(options, place, read["cases"], settings)
        run = start(entry, settings)
        run.identity = identity_of({**entry, **read})
        if options.resume:
            refuse_other_data(entry, read["data_hash"])
            run.load(options.out / CHECKPOINT)
        elif asked.init is not None:
            from ..train.initial import commands_before, initialise

            initialise(run, asked.init, task)
            entry = {**entry, "command": "\n".join([*commands_before(asked.init), entry["command"]])}
        if parallel.rank() == 0:
            options.out.mkdir(parents=True, exist_ok=True)
            write_settings(options.out, {**entry, **read})
        with reporter(settings) as report, _watched(options, report) as every_report:
            ended = train(run, objective, settings, options.out, every_report, validate)
        if parallel.rank() == 0:
            _tell(ended, run, options.out / CHECKPOINT)
    return 0


def refuse_mistakes(place: Place, options: argparse.Namespace, entry: dict[str, Any]) -> None:
    """Everything that is wrong with the names and files of a run, before it takes its first step. What is held out is printed.

    Raises:
        UsageError: a name that no case has.
        InputRefused: a case that `inspect` calls wrong.
    """
    from ..cases.inspection import refuse_errors
    from ..train.samplers import cases_of, names_of

    names = names_of(place.task)(place.selection.data)
    place.selection.refuse_unknown(names)
    if kept := [name for name in names if not place.selection.reads(name)]:
        print(f"not trained on: {', '.join(kept)}", file=sys.stderr)
    if options.resume or entry.get("pretext"):
        return  # a run that goes on is refused where its data have changed; a pretext looks at no labels
    cases = cases_of(place.task)(place.selection.data)
    read = place.selection.of(cases)
    if options.validation is not None:
        read += cases_of(place.task)(options.validation)
    elif options.validate_minutes is not None:
        read += place.selection.held_out().of(cases)
    refuse_errors(read, place.task)


def refuse_other_data(entry: dict[str, Any], data_hash: str) -> None:
    """Refuse to go on with files that are not those that the run began with.

    Raises:
        UsageError: their hash differs.
    """
    if entry.get("data_hash", data_hash) != data_hash:
        says = f"The data are not those that the run began with (SHA-256 {data_hash[:12]}, not {entry['data_hash'][:12]})."
        raise UsageError(says, "Give the same --data, or start another run with --init.")


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

    sampler = held_out(place, options.validation, training)
    return validator(sampler, [place.plan.threshold_of(region) for region in place.task.regions], settings.device)


def _resumed_run(options: argparse.Namespace, line: list[str], asked: Asked, task: Task) -> tuple[Settings, dict[str, Any]]:
    """Settings of the run in the folder, with a larger budget if one is given; the settings file keeps every command that made the run.

    Raises:
        UsageError: the line asks for something else than the run began with.
    """
    settings, entry = read_settings(options.out)
    wanted = {**_asked_settings(options), **{key: value for key, value in asked.entry(task).items() if value is not None}}
    if asked.init is not None:
        wanted["init"] = os.path.relpath(asked.init)
    kept = {**asdict(settings), **entry}
    for key, value in wanted.items():
        if key not in (*MAY_CHANGE, TASK_KEY) and kept.get(key) != json.loads(json.dumps(value)):
            says = f"The run in {options.out} has another {key.replace('_', ' ')} ({_short(kept.get(key))}, not {_short(value)})."
            raise UsageError(says, "Leave the option out to go on, or start another run with --init.")
    settings = replace(settings, **{key: value for key, value in _asked_settings(options).items() if key in MAY_CHANGE})
    return settings, {**entry, "command": f"{entry['command']}\n{recorded(line)}", "settings": asdict(settings)}


def _short(value: Any) -> str:
    """A setting for a message."""
    text = json.dumps(value)
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}..."


def _asked_settings(options: argparse.Namespace) -> dict[str, Any]:
    """The settings that the line gives."""
    from ..train.loop import Settings

    names = {field.name for field in fields(Settings)} - {"device", "save_minutes"}
    return {name: getattr(options, name) for name in names if getattr(options, name, None) not in (None, AUTO)}


def _new_run(options: argparse.Namespace, line: list[str], asked: Asked, task: Task) -> tuple[Settings, dict[str, Any]]:
    """Settings of a fresh run, checked before anything is read."""
    from ..train.loop import CHECKPOINT, Settings

    if options.steps is None and options.minutes is None:
        raise UsageError("The run has no budget.", "Give --steps or --minutes.")
    if (options.out / CHECKPOINT).exists():
        raise UsageError(f"{options.out} holds a run already.", "Go on with --resume, or choose another folder.")
    given = {key: value for key, value in asked.entry(task).items() if value is not None}
    entry = {"plan": task.plan.to_json(), "holdout": [], "left_out": [], **asked.defaults, **given}
    if "architecture" not in entry:
        entry["architecture"] = {"name": "inception_unet", "arguments": asdict(architecture(options, task))}
    entry.setdefault("patch", list(PATCHES.get(special(task) or "", ()) or _patch(entry)))
    _refuse_misfit(entry)
    planned = _planned(options, task)
    batch = {"batch": planned.batch if planned else BATCH}
    try:
        settings = Settings(**{**options.defaults, **batch, "device": options.device, **_asked_settings(options)})
    except ValueError as error:
        raise UsageError(f"The run cannot be done so: {error}.", "Choose another value.") from error
    if asked.init is not None:
        entry["init"] = os.path.relpath(asked.init)
    return settings, {**entry, "command": recorded(line), "settings": asdict(settings)}


def _patch(entry: dict[str, Any]) -> list[int]:
    """Sides of a sample that the network takes: those of the plan's tile, none longer than `SIDES`."""
    from MedSegDLLib.network.inception_unet import Architecture

    arch = Architecture(**entry["architecture"]["arguments"])
    sides = [min(side, SIDES[arch.spatial_dims]) for side in entry["plan"]["tile"][-arch.spatial_dims :]]
    return [max(side // arch.divisor, 1) * arch.divisor for side in sides]


def _refuse_misfit(entry: dict[str, Any]) -> None:
    """Refuse a patch that the network cannot take."""
    from MedSegDLLib.network.inception_unet import Architecture

    arch, patch = Architecture(**entry["architecture"]["arguments"]), entry["patch"]
    if len(patch) != arch.spatial_dims or any(side % arch.divisor for side in patch):
        raise UsageError(
            f"The patch {tuple(patch)} does not fit the network.", f"Give {arch.spatial_dims} sides divisible by {arch.divisor}."
        )
