"""`medsegdl demo`: a phantom segmented in a real MRML scene."""

from __future__ import annotations

import argparse
from pathlib import Path

from .terminal import output_folder, path


def add(command: argparse.ArgumentParser) -> None:
    """Options."""
    command.add_argument(
        "-o", "--output", type=path, default=Path("out/demo"), metavar="DIR", help="folder for its files (default %(default)s)"
    )
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """`medsegdl demo`."""
    from ..phantom.demo import run_demo as demo

    with output_folder(arguments.output) as folder:
        demo(folder)
