"""The memory estimate held against what a run really takes, each in a fresh process: each network, brain, and the largest CT."""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Callable

import torch

from MedSegDLLib.network.inception_unet import InceptionUNet
from MedSegDLLib.network.sliding_window import estimate_bytes, kept_bytes, predict, strategies
from MedSegDLLib.network.weights import find_weights
from MedSegDLLib.pipeline import Options, load_once, segment
from MedSegDLLib.tasks import TASKS, Plan

from .inputs import brain_images, ct_of
from .meter import metered_pipeline, peak_mb, reset_peak, resident_mb

LARGE_SLICES, QUICK_SLICES = 600, 300
MIB = 1 << 20
SIDES, PICTURE_SIDES = (64, 96), (512, 1024)


def measure(quick: bool) -> dict:
    """Rows of (what, estimated, measured): a pass of each network, and whole cases."""
    rows = [_in_child(_pass, key, tile) for key in TASKS for tile in _tiles(key)[: 1 if quick else 2]]
    slices = QUICK_SLICES if quick else LARGE_SLICES
    cases = [_in_child(_case, "brain", 0), _in_child(_case, "liver", slices)]
    return {"rows": rows, "cases": cases}


def _tiles(task_key: str) -> list[tuple[int, int, int]]:
    """Two sizes (K, J, I) of a volume or a picture."""
    volumes = TASKS[task_key].plan.spacing_mm is not None
    return [(side,) * 3 for side in SIDES] if volumes else [(1, side, side) for side in PICTURE_SIDES]


def _in_child(work: Callable[..., dict], *arguments: object) -> dict:
    """The answer of a fresh process, so that nothing of an earlier measurement is left in its memory."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        answer = pool.apply(work, arguments)
    print(answer, flush=True)
    return answer


def _pass(task_key: str, tile: tuple[int, int, int]) -> dict:
    """One forward pass over random numbers."""
    task = TASKS[task_key]
    loaded = load_once(find_weights(task, None), task)
    network, plan = loaded.network, loaded.plan
    inputs = network.arch.in_channels // plan.slices
    _predict(network, plan, torch.zeros((inputs, min(tile[0], network.arch.divisor), *(network.arch.divisor,) * 2)))
    x = torch.randn((inputs, *tile))
    gc.collect()
    before = resident_mb()
    reset_peak()
    _predict(network, plan, x)
    estimated = (estimate_bytes(network.arch, tile) + kept_bytes(network.arch, tile)) / MIB
    return _row(f"{task_key} network, {'x'.join(map(str, tile))}", estimated, before)


def _predict(network: InceptionUNet, plan: Plan, x: torch.Tensor) -> None:
    tried = strategies(network.arch, tuple(x.shape[1:]), torch.device("cpu"))
    predict(network, x, plan, tried, False, lambda fraction, message: None)


def _case(task_key: str, slices: int) -> dict:
    """A whole case: the highest peak of the process against what its record foretold before the run."""
    images = {"ct": ct_of(slices)} if slices else brain_images()
    with metered_pipeline() as meters:
        record = segment(images, TASKS[task_key], Options("cpu")).record
    meter = meters[0]
    largest = max(meter.peaks_mb, key=lambda name: meter.peaks_mb[name] or 0.0)
    return {
        "what": f"{task_key}, {'x'.join(map(str, next(iter(images.values())).array.shape[::-1]))}",
        "estimated_mb": record["expected_memory_mb"],
        "measured_mb": meter.peaks_mb[largest],
        "by_phase_mb": {name: [mb, meter.peaks_mb.get(name)] for name, mb in record["expected_memory_by_phase_mb"].items()},
        "peak_phase": largest,
        "strategy": record["strategy"],
        "seconds": meter.seconds,
    }


def _row(what: str, estimated: float, before: float | None) -> dict:
    peak = peak_mb()
    return {"what": what, "estimated_mb": estimated, "measured_mb": None if peak is None or before is None else peak - before}
