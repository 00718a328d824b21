"""`medsegdl follow-up`: finished output folders of one patient, in the order of time, compared on one page and as CSV."""

from __future__ import annotations

import argparse

from ..errors import UsageError
from .terminal import NOTICE, path


def add(command: argparse.ArgumentParser) -> None:
    """Options."""
    command.add_argument("folders", type=path, nargs="+", metavar="DIR", help="what `segment` wrote, two or more, the earliest first")
    command.add_argument("-o", "--output", type=path, required=True, metavar="FILE.html", help="the page; its figures go beside it as .csv")
    command.add_argument(
        "--image",
        type=path,
        action="append",
        default=[],
        metavar="FILE",
        help="the image of each folder, in their order",
    )
    command.add_argument("--criteria", choices=("rano2", "recist1.1"), help="of the response (default: RANO 2.0 for MR, RECIST 1.1 for CT)")
    command.add_argument("--weights", type=path, metavar="FILE", help="the weights of a task that is not installed")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """`medsegdl follow-up`."""
    from ..followup.course import follow, laid_on_first
    from ..followup.page import csv_text, page
    from ..followup.response import CRITERIA, usual_criteria
    from ..report.folder import prepare_report, read_case, write_texts

    if arguments.image and len(arguments.image) != len(arguments.folders):
        raise UsageError(f"{len(arguments.folders)} folders and {len(arguments.image)} images.", "Give one a folder, or none.")
    if len(arguments.folders) < 2:
        raise UsageError("A follow-up needs two or more results of one task.", "Name their folders in the order of time.")
    prepare_report(arguments.output)
    images = arguments.image or [None] * len(arguments.folders)
    cases = [read_case(folder, image, arguments.weights) for folder, image in zip(arguments.folders, images)]
    studies, findings = laid_on_first(cases)
    criteria = CRITERIA[arguments.criteria] if arguments.criteria else usual_criteria(cases[0].task)
    course = follow(studies, criteria, findings)
    written, figures = write_texts(page(course), csv_text(course), arguments.output)
    for one in course.regions:
        print(f"{one.region.key:<8} {one.diameters.value} by diameters, {one.volume.value} by volume ({criteria.title})")
    print(f"{written} and {figures} written. An aid, not a diagnosis. {NOTICE}")
