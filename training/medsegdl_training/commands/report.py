"""`medsegdl-train report`: one self-contained HTML file about a run."""

from __future__ import annotations

import argparse
from pathlib import Path

from MedSegDLLib.tasks import task_named

from .options import whole

HELP = "write one HTML file with curves, measures and pictures of the worst, median and best case"


def add(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    parser.add_argument("--out", type=Path, required=True, help="the HTML file")
    parser.add_argument("--scores", type=Path, nargs="*", default=[], help="JSON files of `evaluate`")
    parser.add_argument("--data", type=Path, help="the data set that was measured on; without it there are no pictures")
    parser.add_argument("--weights", type=Path, help="weights for the pictures; by default the installed ones")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=whole(), default=2)


def run(options: argparse.Namespace) -> int:
    """Read, draw, write."""
    import torch

    from MedSegDLLib.io.atomic import atomic_path
    from MedSegDLLib.pipeline import Options

    from ..cases import find_cases
    from ..evaluate.files import read_scores
    from ..evaluate.report import choose, read_log, report
    from ..train.runs import SETTINGS, read_settings, task_of_run

    torch.set_num_threads(options.threads)
    log = read_log(options.run)
    settings = read_settings(options.run)[1] if (options.run / SETTINGS).is_file() else {}
    scores = [read_scores(path) for path in options.scores]
    pictures = []
    if options.data is not None and scores:
        task = task_of_run(settings) if settings else task_named(scores[0]["task"])
        pictures = choose(scores, find_cases(options.data, task), task, Options(options.device, options.weights), print)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(options.out) as temporary:
        temporary.write_text(report(settings, log, scores, pictures), encoding="utf-8")
    print(options.out)
    return 0
