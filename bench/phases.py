"""Where a case's time and memory go: read, check, align, N4, prepare, network, restore, write."""

from __future__ import annotations

import shutil
from statistics import median

import torch

from MedSegDLLib.io.read import read_images
from MedSegDLLib.io.write import write_result
from MedSegDLLib.pipeline import Options, segment
from MedSegDLLib.tasks import TASKS

from .inputs import OUT, Files, brain_files, ct_files, head_files
from .meter import PhaseMeter, metered_pipeline, peak_mb

ARRAYS_TO_MASKS = (
    "check",
    "load",
    "register",
    "align",
    "brain extraction",
    "bias correction",
    "prepare",
    "network",
    "restore",
    "own probability",
    "record",
)
PHASES = ("read", *ARRAYS_TO_MASKS, "write")


def brain(quick: bool) -> dict:
    """The four-volume brain case."""
    return _case("brain", brain_files(), 2 if quick else 4)


def head(quick: bool) -> dict:
    """A head as the scanner gave it: four series that lie apart, skull on."""
    return _case("brain", head_files(), 1 if quick else 2)


def liver(quick: bool) -> dict:
    """The CT."""
    return _case("liver", ct_files(), 1 if quick else 3)


def _case(task_key: str, files: Files, runs: int) -> dict:
    """Seconds of the first run and the median of the later ones, memory peaks over all, MiB."""
    meters, highest = [], 0.0
    for number in range(runs):
        meter, strategy = _run(task_key, files)
        meters.append(meter)
        highest = max(highest, *(peak or 0.0 for peak in meter.peaks_mb.values()))
        print(f"{task_key}, run {number + 1} of {runs}: {sum(meter.seconds.values()):.1f} s", flush=True)
    later = meters[1:] or meters
    names = [name for name in PHASES if name in meters[0].seconds]
    return {
        "input": files.described,
        "runs": runs,
        "threads": torch.get_num_threads(),
        "strategy": strategy,
        "first_s": {name: meters[0].seconds[name] for name in names},
        "later_s": {name: median(meter.seconds[name] for meter in later) for name in names},
        "peak_mb": {name: max(meter.peaks_mb[name] or 0.0 for meter in meters) for name in names},
        "arrays_to_masks_s": median(sum(meter.seconds.get(name, 0.0) for name in ARRAYS_TO_MASKS) for meter in later),
        "highest_mb": highest or peak_mb(),
    }


def _run(task_key: str, files: Files) -> tuple[PhaseMeter, str]:
    """One case from files to files."""
    outside = PhaseMeter()
    with outside.phase("read"):
        images = read_images(files.paths)
    with metered_pipeline() as meters:
        result = segment(images, TASKS[task_key], Options("cpu"))
    folder = OUT / "written"
    with outside.phase("write"):
        write_result(result, folder)
    shutil.rmtree(folder)
    inside = meters[0]
    inside.seconds.update(outside.seconds)
    inside.peaks_mb.update(outside.peaks_mb)
    return inside, result.record["strategy"]
