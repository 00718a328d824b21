"""`medsegdl-train evaluate`: segment the cases of a data set with the pipeline that users run, and measure."""

from __future__ import annotations

import argparse
from pathlib import Path

from .options import add_data, chosen_cases, task_of, whole

HELP = "segment the cases of a folder and measure"


def add(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add_data(parser)
    parser.add_argument("--weights", type=Path, help="weights file; by default the installed one")
    parser.add_argument("--title", help="what the cases are, for the protocol; by default the folder's name")
    parser.add_argument("--json", type=Path, help="write the scores here")
    parser.add_argument("--mode", choices=("fast", "accurate"), default="fast")
    parser.add_argument("--inputs", nargs="+", metavar="INPUT", help="give only these inputs, as if the others were missing")
    parser.add_argument("--subsets", action="store_true", help="also with every subset of the inputs (15 of four modalities)")
    parser.add_argument("--size", type=whole(), help="bring pictures to so many pixels a side first; 128 is the chapter's protocol")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=whole(), default=2)


def run(options: argparse.Namespace) -> int:
    """Segment, measure, tell."""
    import torch

    from MedSegDLLib.io.atomic import write_json
    from MedSegDLLib.pipeline import Options

    from ..evaluate.evaluate import InputChoice, evaluate_cases, evaluate_subsets, table

    torch.set_num_threads(options.threads)
    task = task_of(options)
    cases = chosen_cases(options, task)
    title = options.title or f"{options.data.resolve().parent.name}/{options.data.resolve().name}"
    pipeline = Options(options.device, options.weights, mode=options.mode)
    subsets = evaluate_subsets(cases, task, pipeline, title) if options.subsets else None
    scores = evaluate_cases(cases, task, pipeline, title, choice=InputChoice(options.inputs, options.size))
    scores |= {"subsets": subsets} if subsets else {}
    print(table(scores))
    if options.json:
        write_json(scores, options.json)
    return 0
