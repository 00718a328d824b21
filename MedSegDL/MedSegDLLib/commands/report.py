"""`medsegdl report`: a finished output folder as one page and a CSV."""

from __future__ import annotations

import argparse

from .terminal import NOTICE, path


def add(command: argparse.ArgumentParser) -> None:
    """Options."""
    command.add_argument("folder", type=path, metavar="DIR", help="what `segment` wrote")
    command.add_argument("-o", "--output", type=path, required=True, metavar="FILE.html", help="the page; its figures go beside it as .csv")
    command.add_argument("--image", type=path, metavar="FILE", help="what the outlines are drawn on: the input that the result lies on")
    command.add_argument("--weights", type=path, metavar="FILE", help="the weights of a task that is not installed")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """`medsegdl report`."""
    from ..report.folder import prepare_report, read_case, write_report

    prepare_report(arguments.output)
    case = read_case(arguments.folder, arguments.image, arguments.weights)
    page, figures = write_report(case, arguments.output)
    print(f"{page} and {figures} written. {NOTICE}")
