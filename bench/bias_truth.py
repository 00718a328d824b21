"""Bias correction held against truth on real heads: a known field is put on them, taken off again, and the damage is counted.

`python -m bench.bias_truth` prints the table from which the default options were chosen; `make bench` puts it into docs/performance.md.
A real image has a field of its own that nobody knows. So the error is that of the difference: field found with the known field on the
image, less the field found without, less the known field. What a method finds without is its own bias and the method's inventions.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import mean

import numpy as np
import SimpleITK as sitk
import torch

from MedSegDLLib.io.read import read_image
from MedSegDLLib.io.threads import cores
from MedSegDLLib.phantom.head import Tissue, head_phantom
from MedSegDLLib.preprocess.n4 import N4Options, correct_bias, default_mask

from .inputs import DATA, PHANTOM_SEED
from .n4 import Setting, simpleitk_log_field

STRENGTH = 0.25  # of the known field: half its span, log intensity
LABELLED = {  # case -> how its T1, T2, FLAIR and labels end
    "BraTS-GLI-00000-000": ("-t1n", "-t2W", "-t2f", "-seg"),
    "Brats18_2013_2_1": ("_t1", "_t2", "_flair", "_seg"),
    "Brats18_TCIA05_396_1": ("_t1", "_t2", "_flair", "_seg"),
}
INSIDE_SKULL_MM = 25.0  # from the skin, for a head that has it
WHITE_SHARE = 0.3  # of the brain that counts as white: the highest of T1 over T2

LogField = Callable[[np.ndarray, np.ndarray, tuple[float, float, float]], np.ndarray]


@dataclass(frozen=True)
class Subject:
    """A volume (K, J, I) float32, its mask, white matter, tumour (None where none is known), and voxel sides along i, j, k."""

    name: str
    volume: np.ndarray
    mask: np.ndarray
    white: np.ndarray
    tumour: np.ndarray | None
    spacing_mm: tuple[float, float, float]


def ours(iterations: tuple[int, ...], threshold: float, shrink: int | None = None) -> LogField:
    """Our field with these options."""

    def find(volume: np.ndarray, mask: np.ndarray, spacing_mm: tuple[float, float, float]) -> np.ndarray:
        options = N4Options(shrink, spacing_mm, iterations, threshold)
        return correct_bias(torch.from_numpy(volume)[None], torch.from_numpy(mask), options).log_field[0].numpy()

    return find


def simpleitk_defaults(volume: np.ndarray, mask: np.ndarray, spacing_mm: tuple[float, float, float]) -> np.ndarray:
    """SimpleITK's field, four levels of 50, 1e-3, at the usual shrink 4; its mean removed, as ours."""
    field = simpleitk_log_field(volume, mask, Setting(4, (50,) * 4, cores()), 1e-3)
    return field - field[mask].mean()


CANDIDATES: dict[str, LogField] = {
    "SimpleITK defaults: 4 levels of 50, 1e-3, shrink 4": simpleitk_defaults,
    "ours: the same": ours((50,) * 4, 1e-3, 4),
    "ours: 4 levels of 50, 1e-7 (ANTsPy's)": ours((50,) * 4, 1e-7, 4),
    "ours: 50, 40, 30, 1e-3, to 4 mm": ours((50, 40, 30), 1e-3),
    "ours: 50, 40, 30, 1e-4, to 4 mm": ours((50, 40, 30), 1e-4),
    "ours: 50, 40, 30, 1e-4, shrink 2": ours((50, 40, 30), 1e-4, 2),
    "ours: 50, 40, 1e-4, to 4 mm": ours((50, 40), 1e-4),
    "ours: 50, 40, 1e-3, to 4 mm": ours((50, 40), 1e-3),
}


def measure(quick: bool) -> dict:
    """A row a candidate, means over the subjects."""
    subjects = list(itertools.islice(_subjects(), 1 if quick else None))
    rows = []
    for name, find in CANDIDATES.items():
        found = [_measures(subject, find) for subject in subjects]
        rows.append(
            {"candidate": name, **{key: mean(f[key] for f in found if key in f) for key in dict.fromkeys(k for f in found for k in f)}}
        )
        print(json.dumps(rows[-1]), flush=True)
    return {"subjects": [subject.name for subject in subjects], "rows": rows}


def _measures(subject: Subject, find: LogField) -> dict[str, float]:
    known = known_field(subject.mask)
    biased = np.where(subject.mask, subject.volume * np.exp(known), subject.volume).astype(np.float32)
    alone = find(subject.volume, subject.mask, subject.spacing_mm)
    both = find(biased, subject.mask, subject.spacing_mm)
    mended = subject.volume / np.exp(alone)
    answer = {
        "known_rms": _rms(known, subject.mask),
        "error_rms": _rms(both - alone - known, subject.mask),
        "found_without_rms": _rms(alone, subject.mask),
        "white_cv_before": _variation(subject.volume, subject.white),
        "white_cv_after": _variation(mended, subject.white),
        "white_cv_biased": _variation(biased, subject.white),
        "white_cv_biased_after": _variation(biased / np.exp(both), subject.white),
    }
    if subject.tumour is not None:
        before, after = (_contrast(volume, subject) for volume in (subject.volume, mended))
        answer["tumour_contrast_kept"] = after / before
    return answer


def known_field(mask: np.ndarray) -> np.ndarray:
    """A log field over the mask's box, mean 0 over the mask: slow cosines and a slope, as a surface coil's (K, J, I) float32."""
    spans = [np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3)]
    k, j, i = np.ogrid[tuple(slice(0, n) for n in mask.shape)]
    z, y, x = (2 * (index - s[0]) / max(s[-1] - s[0], 1) - 1 for index, s in zip((k, j, i), spans, strict=True))
    field = STRENGTH * (np.cos(1.3 * x + 0.4) * np.cos(1.1 * y) + 0.5 * z - 0.3 * y)
    return (field - field[mask].mean()).astype(np.float32)


def _rms(field: np.ndarray, mask: np.ndarray) -> float:
    return float(field[mask].std(dtype=np.float64))


def _variation(volume: np.ndarray, mask: np.ndarray) -> float:
    """Coefficient of variation, the outermost 2 % of either side left out."""
    low, high = np.percentile(volume[mask], (2, 98))
    values = volume[mask & (volume >= low) & (volume <= high)]
    return float(values.std(dtype=np.float64) / values.mean(dtype=np.float64))


def _contrast(volume: np.ndarray, subject: Subject) -> float:
    """Log of the tumour's median over white matter's."""
    return float(np.log(np.median(volume[subject.tumour]) / np.median(volume[subject.white])))


def _subjects() -> Iterator[Subject]:
    """Real heads; a phantom where the images are not there."""
    folder = DATA / "brain"
    if not folder.is_dir():
        yield from _phantom()
        return
    for case, names in LABELLED.items():
        yield from _labelled(case, names)
    image = read_image(folder / "raw" / "chris_t1.nii.gz")
    volume = image.array.astype(np.float32)
    mask = default_mask(volume)
    white = _white_with_skull(volume, mask, image.grid.spacing_mm)
    yield Subject("chris_t1 (with skull)", volume, mask, white, None, tuple(float(mm) for mm in image.grid.spacing_mm))


def _labelled(case: str, names: tuple[str, ...]) -> Iterator[Subject]:
    folder = DATA / "brain" / "labelled" / case
    t1, t2, flair, labels = (read_image(folder / f"{case}{name}.nii.gz").array.astype(np.float32) for name in names)
    mask = (t1 > 0) & (t2 > 0) & (flair > 0)
    white = _white(t1, t2, mask & (labels == 0))
    for name, volume in (("T1", t1), ("FLAIR", flair)):
        yield Subject(f"{case} {name}", volume, mask, white, labels > 0, (1.0, 1.0, 1.0))


def _phantom() -> Iterator[Subject]:
    phantom = head_phantom(PHANTOM_SEED)
    white, tumour = phantom.tissue == Tissue.WHITE, phantom.truth["WT"] > 0
    for key in ("t1", "flair"):
        volume = phantom.images[key].array.astype(np.float32)
        yield Subject(f"phantom {key}", volume, phantom.tissue > 0, _eroded(white, 1), tumour, (1.0, 1.0, 1.0))


def _white(t1: np.ndarray, t2: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """White matter without looking at one volume's brightness alone, which its bias would bend: the highest of smoothed T1 over T2."""
    ratio = _smooth(t1, 1.0) / np.maximum(_smooth(t2, 1.0), 1e-3)
    return _eroded(mask & (ratio > np.quantile(ratio[mask], 1 - WHITE_SHARE)), 1)


def _white_with_skull(volume: np.ndarray, head: np.ndarray, spacing_mm: np.ndarray) -> np.ndarray:
    """White matter of a T1 alone: bright against its neighbourhood, deep below the skin."""
    filled = sitk.BinaryFillhole(sitk.GetImageFromArray(head.astype(np.uint8)))
    depth = sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(filled, insideIsPositive=True, squaredDistance=False))
    deep = depth * float(np.mean(spacing_mm)) > INSIDE_SKULL_MM
    local = volume / np.maximum(_smooth(volume, 15.0), 1e-3)
    return _eroded(deep & (local > np.quantile(local[deep], 1 - WHITE_SHARE)), 1)


def _smooth(volume: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian, sigma in voxels."""
    return sitk.GetArrayFromImage(sitk.SmoothingRecursiveGaussian(sitk.GetImageFromArray(volume), sigma))


def _eroded(mask: np.ndarray, voxels: int) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.BinaryErode(sitk.GetImageFromArray(mask.astype(np.uint8)), [voxels] * 3)) > 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="bench.bias_truth", description="Bias correction against known fields on real heads.")
    parser.add_argument("--quick", action="store_true", help="one volume only")
    measure(parser.parse_args().quick)
