"""What the values of an image tell about it before anything runs: its kind, its background, odd numbers.

numpy only (the panel checks without torch); sentences for the reader are made in `image_checks`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

SAMPLE_VOXELS = 200_000  # enough for shares and percentiles to 0.2 %
SIGNIFICANT = 0.05  # of the 99th percentile: smaller values may be the ringing of an interpolation
NEGATIVE_SHARE = 0.1  # of the significant voxels; z-scored volumes have 0.3 to 0.95, magnitude images none

AIR_HU = (-1100.0, -900.0)  # -1000 with noise and calibration
TISSUE_HU = (-200.0, 400.0)  # fat to contrast-filled vessels
AIR_SHARE = 0.05  # of the voxels; whole cuts of a body have 0.2 to 0.6, phase images (-4096..4096) 0.02
STRAY_SHARE = 0.01  # of the voxels: what may lie where a kind of image has nothing
BELOW_SOFT_TISSUE_HU = -200.0
LEAST_TISSUE_SHARE = 0.03  # of the voxels: bodies have 0.4 and more, a small one in a large field 0.1; bone alone 0.002
COMPACT_BONE_HU, SPONGY_BONE_HU = (850.0, 1250.0), (300.0, 700.0)
COMPACT_TO_SPONGY = 3.0  # in bodies 0 to 0.2, in a skull about 1; 23 to 27 where soft tissue lies at 1000 to 1100
BRIGHTER_SHARE = 0.45  # of what is no air or lung may lie above soft tissue: 0.02 in bodies, 0.8 where everything is multiplied by 10
DARK_HU, DARK_SHARE = -400.0, 0.2  # where so much is darker, air is among it: lungs alone have their median at -850
AIR_MEDIAN_HU, DARKEST_HU = -1150.0, -850.0  # the median of what is dark, its darkest percentile: air is no darker, no brighter
WINDOW_STEP_HU = 50.0  # people choose windows in whole fifties; a scanner's own least value is -1024
FILLING = 0.0  # what programs put where there is nothing: no share counts it
FILLED_SHARE = 0.1  # of the faces: tissue holds exactly 0 HU in 0.01 of its voxels
SOFT_TISSUE_HU = 40.0  # a body holds brighter things, and fat or noise below 0
PADDING_GAP_HU = 50.0  # padding stands alone by at least so much
MOST_PADDINGS = 4
CT_CORRECTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "its offset of -1024 was applied twice": lambda values: values + 1024,
    "it is ten times too large": lambda values: values / 10,
    "its offset of -1024 was never applied, or dark and bright are exchanged": lambda values: values - 1024,
    "it is ten times too small": lambda values: values * 10,
    "it is a thousand times too small": lambda values: values * 1000,
}

REMOVED_BACKGROUND = 0.9  # of the 12 edges of the box hold one value: 0.99 and 1.0 in masked volumes, 0.26 to 0.52 from a scanner
FAINT = 0.01  # of the 99.5th percentile: a difference from the background that is none
SKULL_STEP_MM = 2.5  # every n-th voxel is enough for volumes and sections
LARGEST_BRAIN_ML = 2200.0  # brains with their fluid: 1080 to 1690 ml in BraTS; heads with their scalp: 2800 to 3500 ml
LARGEST_SECTION_MM2 = 21_000.0  # largest section of those brains 17,700 mm2, of those heads 23,700 to 25,600 mm2

ROUGH_STEP = 8  # every so-manieth row and column is compared before whole slices are
MOST_LABELS = 10  # different whole numbers in a label map at most


def sampled(array: np.ndarray, voxels: int = SAMPLE_VOXELS) -> np.ndarray:
    """About `voxels` of the finite values: (n,) float64. The step shares no factor with the rows, so that all columns are met."""
    step = max(1, array.size // voxels)
    while math.gcd(step, math.prod(array.shape[1:])) > 1:
        step += 1
    values = array.reshape(-1)[::step].astype(np.float64)
    return values[np.isfinite(values)]


def non_finite_count(array: np.ndarray) -> int:
    """Voxels that are NaN or infinite. One pass where there are none: the least and the greatest value tell."""
    if array.dtype.kind != "f" or not array.size or (np.isfinite(array.min()) and np.isfinite(array.max())):
        return 0
    return int(array.size - np.count_nonzero(np.isfinite(array)))


def looks_normalised(array: np.ndarray) -> bool:
    """Whether an MR volume holds negative intensities, as z-scored ones do and magnitude images do not (CT in HU does).

    A share of the voxels is looked at. Scale does not matter.
    """
    values = sampled(array)
    if not values.size or values.min() >= 0:
        return False
    significant = values[np.abs(values) > SIGNIFICANT * np.percentile(np.abs(values), 99)]
    return bool(significant.size) and float((significant < 0).mean()) > NEGATIVE_SHARE


def looks_like_ct(values: np.ndarray) -> bool:
    """Whether sampled values have the air of a CT at -1000 HU. Padding of one value (-2000, -3024) may lie below it."""
    if not values.size:
        return False
    air = (values >= AIR_HU[0]) & (values <= AIR_HU[1])
    below = (values < AIR_HU[0]) & (values > values.min())
    return bool(air.mean() > AIR_SHARE and below.mean() < STRAY_SHARE)


def in_hounsfield_units(values: np.ndarray) -> bool:
    """Whether sampled values can be a CT in HU: something darker than soft tissue (air, lung), soft tissue, and little that is brighter.

    Padding of one value outside the scanner's circle (-2000, -3024) is no air. Where air lies at 0 and soft tissue at 1000, there are many
    values as of compact bone and hardly any as of spongy bone; in bodies it is the other way round.
    """
    values = without_padding(values)
    values = values[values != FILLING]
    if not values.size:
        return False
    darker = (values < BELOW_SOFT_TISSUE_HU).mean()
    tissue = _share(values, TISSUE_HU)
    compact, spongy = _share(values, COMPACT_BONE_HU), _share(values, SPONGY_BONE_HU)
    shifted = compact > max(COMPACT_TO_SPONGY * spongy, STRAY_SHARE)
    brighter = (values > TISSUE_HU[1]).mean() > BRIGHTER_SHARE * (1 - darker)
    body = tissue > LEAST_TISSUE_SHARE and not shifted and not brighter and not _narrow(values)
    return bool(darker > STRAY_SHARE / 10 and body and not _air_elsewhere(values))


def _air_elsewhere(values: np.ndarray) -> bool:
    """Whether much is as dark as air or lung and none of it is air at -1000 HU: another offset or scale. A window may begin above air."""
    dark = values[values < DARK_HU]
    if dark.size < DARK_SHARE * values.size:
        return False
    windowed = values.min() % WINDOW_STEP_HU == 0
    return bool(np.median(dark) < AIR_MEDIAN_HU or (np.percentile(dark, 1) > DARKEST_HU and not windowed))


def _narrow(values: np.ndarray) -> bool:
    """Whether all that is dark is one value (air that was cut out, or padding), and what is left is no body: a window, or divided."""
    rest = values[values > values.min()]
    if not rest.size or rest.min() < BELOW_SOFT_TISSUE_HU:
        return False
    return bool(rest.min() >= 0 or np.percentile(rest, 99) < SOFT_TISSUE_HU)


def _share(values: np.ndarray, ends: tuple[float, float]) -> float:
    return float(((values >= ends[0]) & (values <= ends[1])).mean())


def without_padding(values: np.ndarray) -> np.ndarray:
    """Sampled values less those that stand alone below anything that air can be, one value each: (n,)."""
    for _ in range(MOST_PADDINGS):
        least = values.min() if values.size else 0.0
        others = values[values > least]
        if not others.size or others.min() - least < PADDING_GAP_HU or least >= AIR_HU[0]:
            break
        values = others
    return values


def why_not_hounsfield(values: np.ndarray) -> str:
    """What was probably done to a CT whose sampled values are not in HU, '' if nothing that is known: a key of `CT_CORRECTIONS`."""
    rest = without_padding(values)
    for reason, corrected in CT_CORRECTIONS.items():
        if rest.size and in_hounsfield_units(corrected(rest)):
            return reason
    return ""


def looks_like_labels(values: np.ndarray) -> bool:
    """Whether sampled values are a few small whole numbers from 0: a mask or label map, not an image."""
    found = np.unique(values)
    return bool(1 < found.size <= MOST_LABELS and found[0] == 0 and found[-1] <= 255 and (found == np.floor(found)).all())


def removed_background(array: np.ndarray) -> float | None:
    """The value that the background of an MR volume (K, J, I) was set to; None where it is a scanner's noise."""
    edges = _edges(array)
    values, counts = np.unique(edges, return_counts=True)
    return float(values[counts.argmax()]) if counts.max() >= REMOVED_BACKGROUND * edges.size else None


def shows_skull(array: np.ndarray, spacing_mm: np.ndarray) -> bool:
    """Whether an MR head (K, J, I) still has its skull and scalp; `spacing_mm` along i, j, k.

    It has if its background is noise (skull-stripping leaves one value), or if what is not background is larger than any brain:
    as a whole, or in one section where only part of the head was taken. A small child's head in few slices goes unnoticed.
    """
    background = removed_background(array)
    if background is None:
        return True
    steps = [max(1, int(SKULL_STEP_MM / mm)) for mm in spacing_mm[::-1]]
    coarse = array[:: steps[0], :: steps[1], :: steps[2]].astype(np.float32)
    head = np.abs(coarse - background) > FAINT * abs(np.percentile(coarse, 99.5) - background)
    side_mm = [mm * step for mm, step in zip(spacing_mm[::-1], steps, strict=True)]
    volume_ml = np.count_nonzero(head) * math.prod(side_mm) / 1000
    sections = [head.sum(axis=(a, b)).max() * side_mm[a] * side_mm[b] for a, b in ((0, 1), (0, 2), (1, 2))]
    return bool(volume_ml > LARGEST_BRAIN_ML or max(sections) > LARGEST_SECTION_MM2)


def copied_slices(array: np.ndarray) -> tuple[int, int, int]:
    """How many slices of (K, J, I) are exact copies of the one before, along each axis; slices of a single value are no copies.

    A few rows of every slice are compared first: 0.1 s for a CT of 512 x 512 x 600.
    """
    counts = []
    for axis in range(3):
        slices = np.moveaxis(array, axis, 0)
        rough = slices[:, ::ROUGH_STEP, ::ROUGH_STEP]
        same = [n for n in range(1, len(slices)) if np.array_equal(rough[n - 1], rough[n])]
        counts.append(sum(bool((slices[n] != slices[n].flat[0]).any() and np.array_equal(slices[n - 1], slices[n])) for n in same))
    return tuple(counts)


def _edges(array: np.ndarray) -> np.ndarray:
    """Values along the twelve edges of (K, J, I): (n,)."""
    ends = [(a, b) for a in (0, -1) for b in (0, -1)]
    return np.concatenate([line for a, b in ends for line in (array[a, b, :], array[a, :, b], array[:, a, b])])
