"""From a nucleus map and a boundary map to numbered nuclei: seeds, marker watershed, and a split by shape where no boundary is seen.

Only numpy and SimpleITK enter here; two-dimensional pictures only.
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

BOUNDARY_THRESHOLD = 0.5  # a pixel is on a boundary from here on
SPECK_PIXELS = 10  # the smallest nucleus of Kaggle Data Science Bowl 2018 has 21 pixels
SPECK_FRACTION = 0.01  # of the typical nucleus of the picture; the smallest true ones there reach 0.010
SEED_FRACTION = 0.05  # of the typical seed; smaller ones beside others are noise in the boundary map
NECK_RATIO = 0.75  # two parts of one blob are two nuclei where the neck is narrower than this times the narrower part
_LEVELS = 255  # steps of the landscape that the watershed floods


def split_instances(nucleus: np.ndarray, boundary: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """Number the nuclei of a picture; touching ones are separated.

    Seeds are what is left of the nuclei without their boundaries. A watershed grows them back over `1 - nucleus + boundary`.
    A blob in which the boundary map is silent is split at its necks, seen in its distance map. A blob without any seed keeps one number.

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
        raise ValueError(f"maps of one (J, I) shape are needed, not {nucleus.shape} and {boundary.shape}")
    mask = nucleus >= threshold
    interior = mask & (boundary < BOUNDARY_THRESHOLD)
    seeds = _label(interior, diagonal=False)
    mask = _without_specks(mask, typical_area(seeds))
    if not mask.any():
        return np.zeros(mask.shape, np.uint32)
    blobs = _label(mask, diagonal=True)
    silent = _silent(blobs, mask & ~interior)
    distance = _distance(mask)
    seeds = _without_small_seeds(seeds * mask)
    seeds = np.where(silent, _seeds_of_shape(distance, silent, first=seeds.max() + 1), seeds)
    markers = _with_every_blob(seeds, blobs)
    landscape = np.where(silent, -distance / distance.max(), boundary - nucleus)
    return _flood(landscape, markers, mask)


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


def _distance(mask: np.ndarray) -> np.ndarray:
    """Distance of every pixel of the mask to the nearest pixel outside it, in pixels; the picture's edge is no outside."""
    if mask.all():
        return np.ones(mask.shape, np.float32)
    outside = sitk.GetImageFromArray((~mask).astype(np.uint8))
    return np.maximum(sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(outside, False, False, False)), 0)


def _without_specks(mask: np.ndarray, typical: float) -> np.ndarray:
    """The mask less its parts that are too small for a nucleus."""
    parts = _label(mask, diagonal=True)
    large = np.bincount(parts.ravel()) >= max(SPECK_PIXELS, SPECK_FRACTION * typical)
    large[0] = False
    return large[parts]


def _without_small_seeds(seeds: np.ndarray) -> np.ndarray:
    """Seeds less those too small beside the typical one."""
    large = np.bincount(seeds.ravel()) >= SEED_FRACTION * typical_area(seeds)
    return np.where(large[seeds], seeds, 0)


def _silent(blobs: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Pixels of the blobs in which no boundary is seen at all."""
    heard = np.zeros(blobs.max() + 1, bool)
    heard[blobs[bounds]] = True
    heard[0] = True
    return ~heard[blobs]


def _seeds_of_shape(distance: np.ndarray, silent: np.ndarray, first: int) -> np.ndarray:
    """Seeds, numbered from `first`, one a part of a blob that a neck narrower than `NECK_RATIO` times the part sets off.

    On the logarithm of the distance a ratio of widths is a difference of heights, so that one h-maximum serves nuclei of any size.
    """
    height = np.log(np.maximum(distance, 0.5)).astype(np.float32)
    domes = sitk.HMaxima(sitk.GetImageFromArray(height), float(-np.log(NECK_RATIO)))
    tops = sitk.GetArrayFromImage(sitk.RegionalMaxima(domes, fullyConnected=True)) > 0
    labels = _label(tops & silent, diagonal=True)
    return np.where(labels > 0, labels + (first - 1), 0)


def _with_every_blob(seeds: np.ndarray, blobs: np.ndarray) -> np.ndarray:
    """Seeds renumbered, and each blob without a seed as its own."""
    seeded = np.zeros(blobs.max() + 1, bool)
    seeded[blobs[seeds > 0]] = True
    seeded[0] = True
    own = np.where(seeded[blobs], 0, blobs)
    return seeds.astype(np.int64) + np.where(own > 0, own + int(seeds.max()), 0)


def _flood(landscape: np.ndarray, markers: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Grow the markers over the mask, low ground first, and number them 1..n."""
    low, high = landscape[mask].min(), landscape[mask].max()
    steps = np.round((landscape - low) / max(high - low, 1e-6) * _LEVELS)
    steps = np.where(mask, steps, _LEVELS + 1).astype(np.uint16)
    grown = sitk.MorphologicalWatershedFromMarkers(
        sitk.GetImageFromArray(steps), sitk.GetImageFromArray(markers.astype(np.uint32)), markWatershedLine=False, fullyConnected=True
    )
    labels = np.where(mask, sitk.GetArrayFromImage(grown), 0)
    _, numbers = np.unique(labels, return_inverse=True)
    return (numbers.reshape(labels.shape) + int(mask.all())).astype(np.uint32)
