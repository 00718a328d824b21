"""N4 of the four modalities on this machine: one after the other, side by side, or as one batch. The first is what the pipeline does."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import numpy as np
import torch

from MedSegDLLib.io.threads import cores
from MedSegDLLib.preprocess import n4
from MedSegDLLib.preprocess.foreground import head_mask

from .inputs import brain_images
from .meter import timed

SPACING_MM = (1.0, 1.0, 1.0)


def measure(quick: bool) -> dict:
    """Medians of runs in turns, so that what else the machine does falls on all alike."""
    images = brain_images()
    mask = torch.from_numpy(head_mask({key: image.array for key, image in images.items()}))
    volumes = torch.from_numpy(np.stack([image.array.astype(np.float32) for image in images.values()]))
    options = n4.N4Options(spacing_mm=SPACING_MM)
    coarse, usable = n4._coarse_grid(volumes, mask, options)
    groups = [slice(m, m + 1) for m in range(len(volumes))]

    def fit(group: slice) -> torch.Tensor:
        found = n4._Fit(coarse[group], usable[group], options)
        found.run(options.iterations, lambda done: None)
        return found.lattices

    ways: dict[str, Callable[[], torch.Tensor]] = {
        "one after the other, one thread": lambda: torch.cat([fit(group) for group in groups]),
        f"{cores()} at a time, one thread each": lambda: _at_a_time(fit, groups),
        f"one batch, {cores()} threads": lambda: _with_threads(cores(), lambda: fit(slice(None))),
    }
    with n4.one_thread():
        rows = _in_turns(ways, 3 if quick else 7)
    return {"runs": 3 if quick else 7, "rows": rows}


def _at_a_time(fit: Callable[[slice], torch.Tensor], groups: list[slice]) -> torch.Tensor:
    with ThreadPoolExecutor(cores(), initializer=torch.set_num_threads, initargs=(1,)) as pool:
        return torch.cat(list(pool.map(fit, groups)))


def _with_threads(count: int, work: Callable[[], torch.Tensor]) -> torch.Tensor:
    torch.set_num_threads(count)
    try:
        return work()
    finally:
        torch.set_num_threads(1)


def _in_turns(ways: dict[str, Callable[[], torch.Tensor]], runs: int) -> list[dict]:
    seconds: dict[str, list[float]] = {what: [] for what in ways}
    spent: dict[str, list[float]] = {what: [] for what in ways}
    lattices = {what: work() for what, work in ways.items()}  # warms up, too
    for _ in range(runs):
        for what, work in ways.items():
            before = time.process_time()
            seconds[what].append(timed(work)[0])
            spent[what].append(time.process_time() - before)
    first = next(iter(lattices.values()))
    rows = []
    for what, found in lattices.items():
        row = {"what": what, "seconds": median(seconds[what]), "cpu_s": median(spent[what])}
        rows.append(row | {"difference": float((found - first).abs().max())})
        print(rows[-1], flush=True)
    return rows
