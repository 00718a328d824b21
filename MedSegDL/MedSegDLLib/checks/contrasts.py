"""Whether the images of one head contradict what they are said to be: exchanged contrasts, a mirrored image. numpy only.

Only ranks of intensities are compared, at points in space, so that scale, offset, bias and grids do not matter. Only heads without their
skull are judged: fat is bright everywhere. The bounds leave a margin to every one of 21 stripped brains (BraTS 2013 to 2023, low and high
grade): among these none is called exchanged or mirrored.
"""

from __future__ import annotations

import numpy as np

from ..geometry.background import background_value
from ..geometry.image import Image

POINTS = 44  # along each axis of the box that is looked at
FEWEST = 2000  # of them within the brain
BRIGHTEST = 0.97  # rank from which a point is among the brightest

# What is brightest in a FLAIR (oedema, tumour) is bright in a T2: mean rank 0.73 to 0.95. Of a T1's or T1ce's brightest, or of a T2's in
# the FLAIR (fluid), it is 0.06 to 0.77.
BRIGHT_IN, TOO = "flair", "t2"
CONTRADICTS = 0.60
FITS = 0.70
BETTER = 0.20  # by so much another assignment must fit better
EXCHANGES = (("flair", "t1"), ("flair", "t2"), ("t2", "t1"), ("flair", "t1ce"), ("t2", "t1ce"))

# Sign of the correlation of left-right differences (tumours, ventricles): T1 with T1ce 0.32 to 0.88, T1 with T2 -0.85 to -0.20,
# T1ce with T2 -0.76 to -0.11, T2 with FLAIR -0.07 to 0.77.
SIDES = (("t1", "t1ce", 1), ("t1", "t2", -1), ("t1ce", "t2", -1), ("t2", "flair", 1))
MIRRORED = 0.25
TWIN = 0.9995  # correlation of ranks; rounding to other numbers takes 0.0001 from 1
SAME = 0.95  # beyond it is one image twice, which is another finding

Ranks = dict[str, np.ndarray]


def ranks_of(images: dict[str, Image]) -> Ranks:
    """Input key -> rank in 0..1 at points along the patient's axes (R, A, S): (POINTS,) * 3, NaN outside the brain.

    Images with their skull (no single value in the background) are left out; nothing is given where fewer than two are left.
    """
    backgrounds = {key: background_value(image.array) for key, image in images.items()}
    stripped = {key: image for key, image in images.items() if backgrounds[key] is not None}
    if len(stripped) < 2:
        return {}
    points = _points(next(iter(stripped.values())))
    values = {key: _values_at(points, image) for key, image in stripped.items()}
    brain = np.all([np.isfinite(found) & (found != backgrounds[key]) for key, found in values.items()], axis=0)
    if np.count_nonzero(brain) < FEWEST:
        return {}
    ranks = {}
    for key, found in values.items():
        ranks[key] = np.full(brain.shape, np.nan)
        ranks[key][brain] = np.argsort(np.argsort(found[brain], kind="stable"), kind="stable") / np.count_nonzero(brain)
    return ranks


def exchanged(ranks: Ranks) -> list[tuple[str, str]]:
    """Pairs of inputs that seem to be exchanged, the likeliest first; none where all fit as they are, or nothing fits better."""
    if not {BRIGHT_IN, TOO} <= ranks.keys():
        return []
    now = _brightness(ranks, {})
    if now >= CONTRADICTS:
        return []
    fits = {pair: _brightness(ranks, dict([pair, pair[::-1]])) for pair in EXCHANGES if set(pair) <= ranks.keys()}
    likely = [pair for pair in fits if fits[pair] >= max(FITS, now + BETTER)]
    return sorted(likely, key=lambda pair: -fits[pair])


def mirrored(ranks: Ranks) -> list[tuple[str, str]]:
    """Pairs of inputs of which one shows on the left what the other shows on the right."""
    sides = {key: _side_difference(rank) for key, rank in ranks.items()}
    known = [(one, two, sign) for one, two, sign in SIDES if {one, two} <= sides.keys()]
    return [(one, two) for one, two, sign in known if -SAME < sign * _correlation(sides[one], sides[two]) < -MIRRORED]


def twins(images: dict[str, Image]) -> list[tuple[str, str]]:
    """Pairs of inputs that show the same, in other numbers or turned, the earlier first: their ranks agree as those of no two images do.

    Between the four images of BraTS heads the correlation of ranks is -0.1 to 0.74.
    """
    if len(images) < 2:
        return []
    points = _points(next(iter(images.values())))
    values = {key: _values_at(points, image) for key, image in images.items()}
    for key, image in images.items():
        values[key][values[key] == background_value(image.array)] = np.nan
    pairs = [(one, two) for number, two in enumerate(images) for one in list(images)[:number]]
    return [(one, two) for one, two in pairs if _agreement(values[one], values[two]) > TWIN]


def _agreement(one: np.ndarray, two: np.ndarray) -> float:
    """Correlation of ranks where neither is NaN, whichever way round they run: 0..1."""
    both = np.isfinite(one) & np.isfinite(two)
    if np.count_nonzero(both) < FEWEST:
        return 0.0
    ranks = [np.unique(found[both], return_inverse=True)[1].astype(np.float64) for found in (one, two)]
    return abs(float(np.corrcoef(*ranks)[0, 1])) if min(rank.std() for rank in ranks) else 0.0


def _brightness(ranks: Ranks, taken_for: dict[str, str]) -> float:
    """Mean rank in the T2 of what is brightest in the FLAIR, were some inputs taken for others."""
    bright, too = (ranks[taken_for.get(key, key)] for key in (BRIGHT_IN, TOO))
    with np.errstate(invalid="ignore"):
        return float(too[bright > BRIGHTEST].mean())


def _points(image: Image) -> np.ndarray:
    """(POINTS, POINTS, POINTS, 3) RAS mm in the box of an image, its first axis from left to right."""
    corners = image.grid.corners()
    low, high = corners.min(axis=0), corners.max(axis=0)
    axes = [low[axis] + (np.arange(POINTS) + 0.5) / POINTS * (high[axis] - low[axis]) for axis in range(3)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def _values_at(points: np.ndarray, image: Image) -> np.ndarray:
    """The nearest voxel's value at points (..., 3): float64, NaN outside the image."""
    inverse = np.linalg.inv(image.affine)
    ijk = np.rint(points @ inverse[:3, :3].T + inverse[:3, 3]).astype(np.int64)
    inside = ((ijk >= 0) & (ijk < np.array(image.array.shape[2::-1]))).all(axis=-1)
    i, j, k = np.moveaxis(ijk[inside], -1, 0)
    values = np.full(points.shape[:-1], np.nan)
    values[inside] = image.array[k, j, i]
    return values


def _side_difference(rank: np.ndarray) -> np.ndarray:
    """Left minus right about the middle of the brain, for its left half: NaN where either side is outside."""
    middle = np.nonzero(np.isfinite(rank))[0].mean()
    left = np.arange(int(middle))
    right = np.rint(2 * middle - left).astype(int)
    left, right = left[right < rank.shape[0]], right[right < rank.shape[0]]
    return rank[left] - rank[right]


def _correlation(one: np.ndarray, two: np.ndarray) -> float:
    both = np.isfinite(one) & np.isfinite(two)
    if np.count_nonzero(both) < FEWEST / 4 or one[both].std() == 0 or two[both].std() == 0:
        return 0.0
    return float(np.corrcoef(one[both], two[both])[0, 1])
