"""`medsegdl-train cache`: prepare the cases of a data set once, or compare ways to store them."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from MedSegDLLib.errors import UsageError
from MedSegDLLib.tasks import Plan, Task

from .options import add_data, chosen_cases, task_of, whole

if TYPE_CHECKING:
    from ..cases.case import Case
    from ..train.samplers import OnDisk

HELP = "prepare cases into a chunked cache on disk, or compare ways to store them"


def add(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add_data(parser)
    parser.add_argument("--out", type=Path, help="folder of the cache; train with $MEDSEGDL_CACHE set to it")
    parser.add_argument("--plan", type=Path, help="plan file; by default the task's own plan")
    parser.add_argument("--compare", action="store_true", help="store the first case in several ways and measure")
    parser.add_argument("--patch", type=whole(), default=64, help="side of the patches of --compare")
    parser.add_argument("--threads", type=whole(), default=1)


def run(options: argparse.Namespace) -> int:
    """Prepare, or compare."""
    import torch

    from ..train.samplers import cache_of

    torch.set_num_threads(options.threads)
    task = task_of(options)
    if task.instances:
        raise UsageError(f"The task '{task.key}' keeps its cases in memory.", "Tasks that number no objects have a cache.")
    cases, plan = chosen_cases(options, task), _plan(options.plan, task)
    keep = cache_of(task)
    if options.compare:
        return _compare(cases[0], plan, options.patch, keep)
    if options.out is None:
        raise UsageError("The cache has no folder.", "Give --out, or --compare.")
    for case in cases:
        found = keep(case, plan, options.out)
        size = sum(path.stat().st_size for path in found.arrays.folder.iterdir()) / 1e6
        print(f"{case.name}: {' x '.join(map(str, found.shape))}, {size:.1f} MB")
    return 0


def _plan(path: Path | None, task: Task) -> Plan:
    if path is None:
        return task.plan
    from ..train.planning import read_plan

    return read_plan(path, task).plan


def _compare(case: Case, plan: Plan, side: int, keep: Callable[[Case, Plan, Path], OnDisk]) -> int:
    from ..experiments.cache_comparison import compare, format_outcomes

    with tempfile.TemporaryDirectory() as folder:
        arrays = keep(case, plan, Path(folder)).arrays
        image = arrays.whole(next(iter(arrays.shapes))).numpy()  # the first is that of the intensities
    print(
        json.dumps({"case": case.name, "shape": image.shape, "type": str(image.dtype), "MB": round(image.nbytes / 1e6, 1), "patch": side})
    )
    print(format_outcomes(compare(image, side)))
    return 0
