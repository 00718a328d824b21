"""`medsegdl-train inspect`: what a data set holds, and what is wrong with which file."""

from __future__ import annotations

import argparse

from .options import add_data, chosen_cases, task_of, whole

HELP = "list the cases of a data set and what is wrong with them; exit code 3 if training would fail on one"
PROBLEMS = 3  # as for a refused input


def add(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add_data(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--jobs", type=whole(), default=1, help="processes that read side by side")


def run(options: argparse.Namespace) -> int:
    """Read everything and tell."""
    from MedSegDLLib.io.atomic import json_text

    from ..cases.inspection import format_inspection, inspect_cases

    task = task_of(options)
    found = inspect_cases(chosen_cases(options, task, labelled=False), task, options.jobs)
    print(json_text(found) if options.json else format_inspection(found), end="" if options.json else "\n")
    return PROBLEMS if found["errors"] else 0
