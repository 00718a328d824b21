"""N4 against SimpleITK's and ANTsPy's: the same volumes, mask, iterations; log fields compared, seconds side by side."""

from __future__ import annotations

import os

import numpy as np
import SimpleITK as sitk
import torch

from MedSegDLLib.bias import N4Options, correct_bias
from MedSegDLLib.foreground import head_mask

from .inputs import brain_images
from .meter import timed

ITERATIONS = (50, 40, 30)  # what `medsegdl n4` and the pipeline do at most
HALF, FEW = (25, 20, 15), (5, 4, 3)  # where SimpleITK takes minutes, both do half of it, or a tenth


def against_simpleitk(quick: bool) -> dict:
    """Rows of shrink 4 (all volumes) and 2 (one volume)."""
    volumes, mask = _inputs()
    every = os.cpu_count() or 1
    rows = [_row(volumes[:1] if quick else volumes, mask, 4, ITERATIONS, every)]
    if not quick:
        rows.append(_row(volumes[:1], mask, 4, ITERATIONS, 1))
    rows.append(_row(volumes[:1], mask, 2, FEW if quick else HALF, every))
    return {"rows": rows}


def against_ants(quick: bool) -> dict:
    """ANTsPy with its own defaults (shrink 4, 4 x 50 iterations, 1e-7) on one volume; ours with the same."""
    import ants

    volumes, mask = _inputs()
    iterations = (10,) * 4 if quick else (50,) * 4
    image, inside = ants.from_numpy(volumes[0]), ants.from_numpy(mask.astype(np.float32))
    convergence = {"iters": list(iterations), "tol": 0.0 if quick else 1e-7}
    theirs, _ = timed(lambda: ants.n4_bias_field_correction(image, mask=inside, convergence=convergence))
    ours, _ = timed(lambda: _ours(volumes[:1], mask, 4, iterations))
    return {"rows": [_entry("ANTsPy", 4, iterations, 1, os.cpu_count() or 1, theirs, ours, None)]}


def _inputs() -> tuple[np.ndarray, np.ndarray]:
    """Volumes (M, K, J, I) float32 and the head's mask."""
    images = brain_images()
    mask = head_mask({key: image.array for key, image in images.items()})
    volumes = np.stack([image.array.astype(np.float32) for image in images.values()])
    return volumes, mask & (volumes > 0).all(axis=0)


def _row(volumes: np.ndarray, mask: np.ndarray, shrink: int, iterations: tuple[int, ...], threads: int) -> dict:
    _ours(volumes[:1], mask, shrink, (1,))  # torch's own start is measured with the worker, not here
    ours, fields = timed(lambda: _ours(volumes, mask, shrink, iterations))
    theirs, judged = timed(lambda: [_simpleitk(volume, mask, shrink, iterations, threads) for volume in volumes])
    difference = [(a - b)[mask].std(dtype=np.float64) for a, b in zip(fields, judged, strict=True)]
    return _entry("SimpleITK", shrink, iterations, len(volumes), threads, theirs, ours, float(max(difference)))


def _entry(
    peer: str, shrink: int, iterations: tuple[int, ...], volumes: int, threads: int, theirs: float, ours: float, rms: float | None
) -> dict:
    print(f"{peer}, shrink {shrink}, {threads} threads: {theirs:.1f} s; ours {ours:.2f} s", flush=True)
    return {
        "peer": peer,
        "shrink": shrink,
        "iterations": list(iterations),
        "volumes": volumes,
        "threads": threads,
        "peer_s": theirs,
        "ours_s": ours,
        "rms": rms,
    }


def _ours(volumes: np.ndarray, mask: np.ndarray, shrink: int, iterations: tuple[int, ...]) -> np.ndarray:
    """Log fields at full size (one CPU thread, whatever the machine has; see `bias.one_thread`)."""
    done = correct_bias(torch.from_numpy(volumes), torch.from_numpy(mask), N4Options(shrink=shrink, iterations=iterations, threshold=0.0))
    return done.log_field.numpy()


def _simpleitk(volume: np.ndarray, mask: np.ndarray, shrink: int, iterations: tuple[int, ...], threads: int) -> np.ndarray:
    """What its users write: shrink, estimate, field at full size, divide."""
    field = simpleitk_log_field(volume, mask, shrink, iterations, 0.0, threads)
    np.divide(volume, np.exp(field))
    return field


def simpleitk_log_field(
    volume: np.ndarray, mask: np.ndarray, shrink: int, iterations: tuple[int, ...], threshold: float, threads: int | None = None
) -> np.ndarray:
    """SimpleITK's log field at full size; `threads` None takes all cores."""
    image, inside = sitk.GetImageFromArray(volume), sitk.GetImageFromArray(mask.astype(np.uint8))
    judge = sitk.N4BiasFieldCorrectionImageFilter()
    judge.SetNumberOfThreads(threads or os.cpu_count() or 1)
    judge.SetMaximumNumberOfIterations(list(iterations))
    judge.SetConvergenceThreshold(threshold)
    judge.Execute(sitk.Shrink(image, [shrink] * 3), sitk.Shrink(inside, [shrink] * 3))
    return sitk.GetArrayFromImage(judge.GetLogBiasFieldAsImage(image))
