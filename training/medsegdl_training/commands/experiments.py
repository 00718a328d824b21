"""`medsegdl-train label-efficiency` (also `ladder`), `compare`, `synthesis`, `small-parts`: tables. torch comes once a command runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from MedSegDLLib.errors import UsageError

from ..cases import special
from .options import share, task_of, whole
from .training import PATCHES, MakeCommand


def add_commands(commands: Any, make: MakeCommand) -> None:
    """The four commands and their options."""
    labels = make(
        commands, "label-efficiency", "what each level of supervision brings, as a table", label_efficiency_command, aliases=("ladder",)
    )
    _folders(labels)
    labels.add_argument("--steps", type=whole(), default=200, help="of every training")
    labels.add_argument("--shares", type=share, nargs="+", help="of the labels, 0..1")
    labels.add_argument("--seeds", type=whole(0), nargs="+")
    labels.add_argument("--methods", nargs="+", help="supervised, 'mean teacher', masked, contrastive")
    labels.add_argument("--workers", type=whole(), default=1, help="processes of one thread each")

    compare = make(commands, "compare", "our network against others with the same budget, as a table", compare_command)
    _folders(compare)
    compare.add_argument("--steps", type=whole(), required=True, help="of every training")
    compare.add_argument("--batch", type=whole(), default=4)
    compare.add_argument("--patch", type=whole(), nargs=2, default=[128, 128])
    compare.add_argument("--seeds", type=whole(0), nargs="+", default=[1])
    compare.add_argument("--networks", nargs="+", help="some of them only")
    compare.add_argument("--widths", type=whole(), nargs="+", help="filters a level of our network; the others are scaled to it")
    compare.add_argument("--precision", choices=("bfloat16", "float32"), default="bfloat16")
    compare.add_argument("--speed", type=whole(), metavar="STEPS", help="only race our loop against a plain MONAI loop for so many steps")
    compare.add_argument("--threads", type=whole(), default=2)

    synthesis = make(commands, "synthesis", "what synthesised samples bring on cases never seen, as a table", synthesis_command)
    synthesis.add_argument("--out", type=Path, required=True, help="gets the table; what is done already is not done again")
    synthesis.add_argument("--steps", type=whole(), required=True, help="of every training")
    synthesis.add_argument("--patch", type=whole(), nargs="+", help="sides of a sample in voxels: (K) J I")
    synthesis.add_argument("--tests", nargs="+", required=True, metavar="CASE", help="each is held out of trainings of its own")
    synthesis.add_argument("--apart", nargs="+", default=[], metavar="CASE", help="names that no training may see")
    synthesis.add_argument("--seeds", type=whole(0), nargs="+", default=[1])
    synthesis.add_argument("--threads", type=whole(), default=2)

    parts = make(commands, "small-parts", "what label maps lose where parts under a share of the largest are left out", small_parts_command)
    parts.add_argument("--shares", type=share, nargs="+", default=[0.05, 0.1, 0.2], help="of the largest part, 0..1")


def _folders(command: argparse.ArgumentParser) -> None:
    command.add_argument("--test", type=Path, required=True, help="folder of the labelled pictures to measure on")
    command.add_argument("--out", type=Path, required=True, help="gets the table; what is done already is not done again")


def label_efficiency_command(options: argparse.Namespace, line: list[str]) -> int:
    """Few labels and many, with and without the unlabelled pictures."""
    from ..experiments.label_efficiency import METHODS, LabelEfficiency, run_study

    if options.task != "nuclei":
        raise UsageError(f"Label efficiency is measured on pictures, not for '{options.task}'.", "Give --task nuclei.")
    chosen = {name: tuple(getattr(options, name)) for name in ("shares", "seeds", "methods") if getattr(options, name)}
    _known(chosen.get("methods", ()), METHODS)
    print(run_study(LabelEfficiency(options.data, options.test, options.out, options.steps, **chosen), options.workers))
    return 0


def compare_command(options: argparse.Namespace, line: list[str]) -> int:
    """Compare networks, or race the loops."""
    import torch

    from ..experiments.compare import OURS, Contest, contend
    from ..experiments.rivals import RIVALS

    torch.set_num_threads(options.threads)
    names = tuple(options.networks or (OURS, *RIVALS))
    _known(names, (OURS, *RIVALS))
    widths = tuple(options.widths) if options.widths else None
    contest = Contest(
        task=task_of(options),
        train=options.data,
        test=options.test,
        out=options.out,
        steps=options.steps,
        batch=options.batch,
        patch=tuple(options.patch),
        names=names,
        seeds=tuple(options.seeds),
        widths=widths,
        precision=options.precision,
    )
    print(_raced(contest, options.speed) if options.speed else contend(contest))
    return 0


def synthesis_command(options: argparse.Namespace, line: list[str]) -> int:
    """With synthesised samples and without."""
    from ..experiments.with_synthesis import Question, answer

    task = task_of(options)
    lists = {name: tuple(getattr(options, name)) for name in ("tests", "apart", "seeds")}
    if task.instances or special(task) is None:
        raise UsageError(f"Nothing is synthesised for '{task.key}'.", "Give --task brain or liver.")
    patch = tuple(options.patch or PATCHES[task.key])
    print(answer(Question(task, options.data, options.out, options.steps, patch, threads=options.threads, **lists)))
    return 0


def small_parts_command(options: argparse.Namespace, line: list[str]) -> int:
    """Experts' label maps without their small parts."""
    from ..experiments.small_parts import table

    print(table(options.data, task_of(options), options.shares))
    return 0


def _raced(contest: Any, steps: int) -> str:
    """The race's table, also written beside the comparison."""
    from dataclasses import replace

    from MedSegDLLib.io.atomic import write_json

    from ..experiments.compare import OURS, pictures_in
    from ..experiments.speed import first_pictures, race, table

    settings = replace(contest.settings(1), steps=steps)
    rates = race(contest.builder(OURS), contest.task, first_pictures(pictures_in(contest.train)), settings, contest.patch)
    contest.out.mkdir(parents=True, exist_ok=True)
    write_json(rates, contest.out / "speed.json")
    return table(rates)


def _known(names: tuple[str, ...], known: tuple[str, ...]) -> None:
    """Refuse what is not one of the known names."""
    for name in names:
        if name not in known:
            raise UsageError(f"There is no '{name}' to compare.", f"Choose among {', '.join(known)}.")
