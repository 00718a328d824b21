"""`medsegdl import`: a network that others trained, as weights of ours."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..errors import UsageError, counted
from .terminal import path, progress_bar

LONGEST_LICENCE = 200


def add(command: argparse.ArgumentParser) -> None:
    """Options."""
    command.add_argument(
        "source",
        type=path,
        metavar="SOURCE",
        help="a result folder of nnU-Net v2, a MONAI bundle, a model.pt of Auto3DSeg, deepbet's wheel",
    )
    command.add_argument("-o", "--output", type=path, required=True, metavar="FILE", help="the weights: FILE.safetensors, with FILE.json")
    command.add_argument("--licence", default="", metavar="TEXT", help="the licence that came with it (asked for where it is not found)")
    command.add_argument("--key", default="", metavar="KEY", help="key of the task that the weights carry (default: the source's name)")
    command.add_argument("--title", default="", metavar="TEXT", help="its title")
    command.add_argument("--folds", type=_names, default=(), metavar="N[,N...]", help="folds of nnU-Net (default: all there are)")
    command.add_argument("--checkpoint", default="checkpoint_final.pth", metavar="NAME", help="file in its folds (default: %(default)s)")
    command.add_argument("--tile-step", type=float, default=0.5, metavar="SHARE", help="of a tile to the next one (default: %(default)s)")
    turned = "how nnU-Net's training images were stored, e.g. RAS: others are turned to it (default: taken as they are stored)"
    command.add_argument("--orientation", default="", metavar="XYZ", help=turned)
    command.set_defaults(run=run)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(part.strip().removeprefix("fold_") for part in text.split(","))
    if not all(name == "all" or name.isdecimal() for name in names):
        raise argparse.ArgumentTypeError("numbers of folds, separated by commas, or 'all'")
    return names


def run(arguments: argparse.Namespace) -> None:
    """`medsegdl import`."""
    if not 0.1 <= arguments.tile_step <= 1:
        raise UsageError("--tile-step is not from 0.1 to 1.", "nnU-Net takes 0.5.")
    from ..network.nnunet_plan import ORIENTATIONS

    if arguments.orientation.upper() not in ("", *ORIENTATIONS):
        raise UsageError(f"--orientation {arguments.orientation} is none.", "Name where the axes i, j, k run to: RAS, LPS, ...")
    from ..imports.convert import UNSTATED, Wishes, import_network
    from ..io.write import prepare_file

    prepare_file(arguments.output, [".safetensors"])
    with progress_bar() as progress:
        wishes = Wishes(
            licence=arguments.licence.strip()[:LONGEST_LICENCE],
            task_key=arguments.key,
            title=arguments.title,
            folds=arguments.folds,
            checkpoint=arguments.checkpoint,
            step=arguments.tile_step,
            orientation=arguments.orientation.upper(),
        )
        manifest = import_network(arguments.source, arguments.output, wishes, _licence_asked, progress)
    _print(manifest, arguments.output)
    if manifest["training"]["licence"] == UNSTATED:
        print("warning: The source states no licence; ask who trained it what may be done with it (--licence).", file=sys.stderr)


def _licence_asked() -> str:
    """The licence, from whoever sits at the terminal; "" where nobody does."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        return ""
    print("The source states no licence. Under which may it be used? (Enter: not known)", file=sys.stderr)
    return sys.stdin.readline().strip()[:LONGEST_LICENCE]


def _print(manifest: dict, output: Path) -> None:
    task = manifest["task_definition"]
    inputs = " ".join(f"--input {entry['key']}=FILE" for entry in task["inputs"])
    print(f"{task['title']}: {counted(len(task['regions']), 'region')} ({', '.join(region['key'] for region in task['regions'][:12])}).")
    print(f"Licence: {manifest['training']['licence']}.")
    print(f"Run it with: medsegdl segment --weights {output} {inputs} -o DIR")
