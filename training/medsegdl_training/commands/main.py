"""`medsegdl-train`: run, pretrain, finetune, export, and the other rooms of `commands`. Arguments in, exit code out.

The work is done elsewhere; torch is imported only once a command runs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from MedSegDLLib.commands.broken_pipe import lasting_output, refuse_lost_output
from MedSegDLLib.commands.signals import cancelling
from MedSegDLLib.errors import MedSegDLError

from ..evaluate.files import read_scores
from . import add_all
from . import experiments as experiment_commands
from . import training as training_commands
from .options import add_task, positive, probability, share


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    line = sys.argv[1:] if arguments is None else arguments
    with lasting_output():
        options = parser().parse_args(line)
        try:
            with cancelling():
                code = options.command(options, line)
                refuse_lost_output()
                return code
        except MedSegDLError as error:
            print(f"medsegdl-train: {error}", file=sys.stderr)
            return error.exit_code


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(prog="medsegdl-train", description="Train the networks of MedSegDL. For research only.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    training_commands.add_commands(commands, _command)
    experiment_commands.add_commands(commands, _command)

    export = commands.add_parser("export", help="write the weights of a run", description="Write the weights of a run.")
    export.add_argument("--task", help="not needed: the run knows its task")
    export.set_defaults(command=export_command)
    export.add_argument("--run", type=Path, required=True, help="folder of the run")
    export.add_argument("--out", type=Path, required=True, help="the .safetensors file; its manifest goes beside it")
    export.add_argument("--precision", choices=("float16", "int8"), default="float16")
    export.add_argument("--scores", type=Path, nargs="*", default=[], help="JSON files of `evaluate`, for the manifest and the card")
    export.add_argument("--note", help="a sentence on the training, for the manifest and the card")
    export.add_argument("--licence", help="name and licence of the data, and what it asks of the weights, for the manifest and the card")
    export.add_argument(
        "--spacing", type=positive, nargs=3, metavar="MM", help="the grid to work on, along i, j, k, in place of the one trained on"
    )
    export.add_argument(
        "--blend", type=Path, metavar="WEIGHTS", help="write the mean with the weights of this file, which the run began from"
    )
    export.add_argument("--blend-share", type=share, default=0.5, help="what those count in the mean, up to 1 (default 0.5)")
    export.add_argument(
        "--thresholds",
        type=probability,
        nargs=2,
        metavar=("OUTERMOST", "INSIDE"),
        help="probabilities from which a voxel belongs to a region, as `thresholds` finds them, in place of the task's",
    )
    export.add_argument("--thick-threshold", type=probability, help="the same of all regions where an image has thick slices")
    export.add_argument("--tuned-on", help="what was chosen by looking at the cases of the scores, for the manifest and the card")
    export.add_argument("--reproducible", metavar="COMMIT", help="commit whose code made the weights, or why none does")
    export.add_argument("--card", type=Path, help="also write a model card (Markdown)")

    add_all(commands)
    return top


def _command(commands: Any, name: str, text: str, function: Any, aliases: tuple[str, ...] = ()) -> argparse.ArgumentParser:
    command = commands.add_parser(name, aliases=aliases, help=text, description=text[0].upper() + text[1:] + ".")
    add_task(command)
    command.add_argument("--data", type=Path, required=True, help="folder of the data set")
    command.set_defaults(command=function)
    return command


def export_command(options: argparse.Namespace, line: list[str]) -> int:
    """Write weights, manifest and model card of a run."""
    from ..train.export import NOT_STATED, ExportOptions, export

    scores = [read_scores(path) for path in options.scores]
    chosen = ExportOptions(
        scores=scores,
        note=options.note,
        licence=options.licence or NOT_STATED,
        spacing_mm=tuple(options.spacing) if options.spacing else None,
        tuned_on=options.tuned_on or NOT_STATED,
        reproducible=options.reproducible or NOT_STATED,
        blend=(options.blend, options.blend_share) if options.blend else None,
        thresholds=tuple(options.thresholds) if options.thresholds else None,
        thick_threshold=options.thick_threshold,
    )
    manifest = export(options.run, options.out, options.precision, chosen, options.card)
    print(f"{options.out} ({options.out.stat().st_size / 1e6:.2f} MB) sha256 {manifest['sha256']}")
    return 0
