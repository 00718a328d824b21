"""N4 against SimpleITK's and ANTsPy's: the same volumes, mask, iterations; log fields compared, seconds side by side."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from statistics import median

import numpy as np
import SimpleITK as sitk
import torch

from MedSegDLLib.io.threads import cores
from MedSegDLLib.preprocess.foreground import head_mask
from MedSegDLLib.preprocess.n4 import N4Options, correct_bias

from .inputs import brain_images
from .meter import timed

ITERATIONS = (50, 40, 30)  # what `medsegdl n4` and the pipeline do at most
RUNS = 3  # of ours, the median counts; the peers take long enough to be run once
HALF, FEW = (25, 20, 15), (5, 4, 3)  # where SimpleITK takes minutes, both do half of it, or a tenth


@dataclass(frozen=True)
class Setting:
    """What both sides do: `threads` each, every `shrink`-th voxel, so many iterations a level and no early end."""

    shrink: int
    iterations: tuple[int, ...]
    threads: int = 1


def against_simpleitk(quick: bool) -> dict:
    """Rows of shrink 4 (all volumes, and one) and 2 (one volume), on all cores and on one."""
    volumes, mask = _inputs()
    settings = [Setting(4, ITERATIONS, cores()), Setting(2, FEW if quick else HALF, cores())]
    if not quick:
        settings += [Setting(4, ITERATIONS), Setting(2, HALF)]
    rows = [_row(volumes[:1], mask, setting) for setting in settings]
    if not quick:
        rows.insert(0, _row(volumes, mask, settings[0]))
    return {"rows": rows}


def against_ants(quick: bool) -> dict:
    """ANTsPy with its own defaults (shrink 4, 4 x 50 iterations, 1e-7) on one volume; ours with the same."""
    import ants

    volumes, mask = _inputs()
    setting = Setting(4, (10,) * 4 if quick else (50,) * 4, cores())
    image, inside = ants.from_numpy(volumes[0]), ants.from_numpy(mask.astype(np.float32))
    convergence = {"iters": list(setting.iterations), "tol": 0.0 if quick else 1e-7}
    theirs, _ = timed(lambda: ants.n4_bias_field_correction(image, mask=inside, convergence=convergence))
    ours = median(timed(lambda: _ours(volumes[:1], mask, setting))[0] for _ in range(RUNS))
    return {"rows": [_entry("ANTsPy", setting, 1, {"peer_s": theirs, "ours_s": ours, "rms": None})]}


def _inputs() -> tuple[np.ndarray, np.ndarray]:
    """Volumes (M, K, J, I) float32 and the head's mask."""
    images = brain_images()
    mask = head_mask({key: image.array for key, image in images.items()})
    volumes = np.stack([image.array.astype(np.float32) for image in images.values()])
    return volumes, mask & (volumes > 0).all(axis=0)


def _row(volumes: np.ndarray, mask: np.ndarray, setting: Setting) -> dict:
    _ours(volumes[:1], mask, replace(setting, iterations=(1,)))  # torch's own start is measured with the worker, not here
    runs = [timed(lambda: _ours(volumes, mask, setting)) for _ in range(RUNS)]
    ours, fields = median(seconds for seconds, _ in runs), runs[-1][1]
    theirs, judged = timed(lambda: [_simpleitk(volume, mask, setting) for volume in volumes])
    difference = [(a - b)[mask].std(dtype=np.float64) for a, b in zip(fields, judged, strict=True)]
    return _entry("SimpleITK", setting, len(volumes), {"peer_s": theirs, "ours_s": ours, "rms": float(max(difference))})


def _entry(peer: str, setting: Setting, volumes: int, found: dict) -> dict:
    print(f"{peer}, {setting}, {volumes} volumes: {found['peer_s']:.1f} s; ours {found['ours_s']:.2f} s", flush=True)
    return {"peer": peer, **asdict(setting), "volumes": volumes, **found}


def _ours(volumes: np.ndarray, mask: np.ndarray, setting: Setting) -> np.ndarray:
    """Log fields at full size, and the corrected volumes. The estimate takes one thread whatever is given; see `bias.one_thread`."""
    torch.set_num_threads(setting.threads)
    options = N4Options(shrink=setting.shrink, iterations=setting.iterations, threshold=0.0)
    return correct_bias(torch.from_numpy(volumes), torch.from_numpy(mask), options).log_field.numpy()


def _simpleitk(volume: np.ndarray, mask: np.ndarray, setting: Setting) -> np.ndarray:
    """What its users write: shrink, estimate, field at full size, divide."""
    field = simpleitk_log_field(volume, mask, setting)
    np.divide(volume, np.exp(field))
    return field


def simpleitk_log_field(volume: np.ndarray, mask: np.ndarray, setting: Setting, threshold: float = 0.0) -> np.ndarray:
    """SimpleITK's log field at full size."""
    image, inside = sitk.GetImageFromArray(volume), sitk.GetImageFromArray(mask.astype(np.uint8))
    judge = sitk.N4BiasFieldCorrectionImageFilter()
    judge.SetNumberOfThreads(setting.threads)
    judge.SetMaximumNumberOfIterations(list(setting.iterations))
    judge.SetConvergenceThreshold(threshold)
    judge.Execute(sitk.Shrink(image, [setting.shrink] * 3), sitk.Shrink(inside, [setting.shrink] * 3))
    return sitk.GetArrayFromImage(judge.GetLogBiasFieldAsImage(image))
