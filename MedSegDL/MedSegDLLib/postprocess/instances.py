"""From a nucleus map and a boundary map to numbered nuclei: seeds, marker watershed, and a split by shape where boundaries are missing.

Only numpy and SimpleITK enter here; two-dimensional pictures only.
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

BOUNDARY_THRESHOLD = 0.5  # a pixel is on a boundary from here on
LINE_PIXELS = 5  # fewer boundary pixels in one piece are noise
SPECK_PIXELS = 10  # the smallest nucleus of Kaggle Data Science Bowl 2018 has 21 pixels
SPECK_FRACTION = 0.01  # of the typical nucleus of the picture; the smallest true ones there reach 0.010
SEED_FRACTION = 0.02  # of the typical seed; smaller ones are noise in the boundary map (0.005 and 0.05 cost Kaggle precision)
NECK_PIXELS = 1.0  # a neck narrower by less than this is a staircase of the pixel grid, not a neck
# Two parts of one blob are two nuclei where the neck is narrower than this share of the narrower part. Kaggle precision on training labels
# (Data Science Bowl): without a boundary map 0.60 gives 0.836, 0.70 0.851, 0.80 0.874; with all contacts seen each gives 0.984.
SILENT_NECK_RATIO = 0.8
GAP_NECK_RATIO = 0.6
_LEVELS = 255  # steps of the landscape that the watershed floods


def split_instances(nucleus: np.ndarray, boundary: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """Number the nuclei of a picture; touching ones are separated.

    Seeds are what is left of the nuclei without their boundaries, once more divided at narrow necks (gaps in a boundary), and at wider ones
    in blobs where no boundary is seen at all. A watershed grows them back over the blobs. A blob without any seed keeps one number.

    Args:
        nucleus: (J, I) probability that a pixel lies in a nucleus.
        boundary: (J, I) probability that it lies on the boundary of one.
        threshold: probability from which a pixel belongs to a nucleus.

    Returns:
        (J, I) uint32: 0 background, 1..n without gaps. Its foreground is `nucleus >= threshold` less the specks.

    Raises:
        ValueError: the maps are not two-dimensional or differ in shape.
    """
    if nucleus.ndim != 2 or nucleus.shape != boundary.shape:
        raise ValueError(f"two maps of one (J, I) shape are needed, not {nucleus.shape} and {boundary.shape}")
    above = nucleus >= threshold
    lines = _large_parts(above & (boundary >= BOUNDARY_THRESHOLD), LINE_PIXELS)
    cores = _label(above & ~lines, diagonal=False)
    typical = typical_area(cores)
    mask = _large_parts(above, max(SPECK_PIXELS, SPECK_FRACTION * typical))
    if not mask.any():
        return np.zeros(mask.shape, np.uint32)
    distance = _distance(mask & (np.bincount(cores.ravel()) >= SEED_FRACTION * typical)[cores] & (cores > 0))
    blobs = _label(mask, diagonal=True)
    silent = _silent(blobs, mask & lines)
    seeds = np.where(silent, _tops(distance, SILENT_NECK_RATIO), _tops(distance, GAP_NECK_RATIO))
    landscape = np.where(silent, -distance / max(distance.max(), 1.0), boundary - nucleus)
    return _flood(landscape, _markers(seeds, blobs), mask)


def typical_area(labels: np.ndarray) -> float:
    """Area of the object that a random foreground pixel lies in (half of the foreground lies in larger ones); 0 where there is none.

    Unlike the median it is not pulled down by any number of specks.
    """
    areas = np.sort(np.bincount(labels.ravel())[1:])
    if not areas.sum():
        return 0.0
    return float(areas[np.searchsorted(np.cumsum(areas), areas.sum() / 2)])


def _label(mask: np.ndarray, diagonal: bool) -> np.ndarray:
    """Connected parts numbered 1..n; `diagonal` joins pixels that share a corner only."""
    return sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8)), diagonal))


def _large_parts(mask: np.ndarray, pixels: float) -> np.ndarray:
    """The mask less its connected parts of fewer than so many pixels."""
    parts = _label(mask, diagonal=True)
    large = np.bincount(parts.ravel()) >= pixels
    large[0] = False
    return large[parts]


def _silent(blobs: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Mask of the blobs in which no boundary is seen at all."""
    heard = np.zeros(blobs.max() + 1, bool)
    heard[blobs[bounds]] = True
    heard[0] = True
    return ~heard[blobs]


def _distance(mask: np.ndarray) -> np.ndarray:
    """Distance of every pixel of the mask to the nearest pixel outside it, in pixels, 0 outside; the picture's edge is no outside."""
    if mask.all():
        return np.ones(mask.shape, np.float32)
    outside = sitk.GetImageFromArray((~mask).astype(np.uint8))
    return np.maximum(sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(outside, False, False, False)), 0)


def _tops(distance: np.ndarray, neck_ratio: float) -> np.ndarray:
    """Mask of the middles of all parts that are set off by necks narrower than `neck_ratio` times the narrower part.

    On the logarithm of the distance a ratio of widths is a difference of heights: one h-maximum serves nuclei of any size.
    """
    steepest = -NECK_PIXELS / np.log(neck_ratio)
    height = np.where(distance < steepest, distance / NECK_PIXELS, (1 + np.log(np.maximum(distance, 1) / steepest)) / -np.log(neck_ratio))
    domes = sitk.HMaxima(sitk.GetImageFromArray(height.astype(np.float32)), 1.0)
    tops = sitk.GetArrayFromImage(sitk.RegionalMaxima(domes, fullyConnected=True, flatIsMaxima=True)) > 0
    return tops & (distance > 0)


def _markers(seeds: np.ndarray, blobs: np.ndarray) -> np.ndarray:
    """Seeds numbered, and every blob without a seed as its own."""
    seeded = np.zeros(blobs.max() + 1, bool)
    seeded[blobs[seeds]] = True
    return _label(seeds | ((blobs > 0) & ~seeded[blobs]), diagonal=True)


def _flood(landscape: np.ndarray, markers: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Grow the markers over the mask, low ground first, and number them 1..n."""
    low, high = landscape[mask].min(), landscape[mask].max()
    steps = np.round((landscape - low) / max(high - low, 1e-6) * _LEVELS)
    steps = np.where(mask, steps, _LEVELS + 1).astype(np.uint16)
    grown = sitk.MorphologicalWatershedFromMarkers(
        sitk.GetImageFromArray(steps), sitk.GetImageFromArray(markers.astype(np.uint32)), markWatershedLine=False, fullyConnected=True
    )
    return np.where(mask, sitk.GetArrayFromImage(grown), 0).astype(np.uint32)
