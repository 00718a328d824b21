"""Lesion-wise Dice and HD95 against the rule of BraTS 2023 written out with scipy and DeepMind's surface distances."""

from __future__ import annotations

import numpy as np
import pytest

from MedSegDLLib.metrics import lesion_score

ndimage = pytest.importorskip("scipy.ndimage")
deepmind = pytest.importorskip("surface_distance")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

EVERYTHING = np.ones((3, 3, 3))
EIGHTEEN = ndimage.generate_binary_structure(3, 2)


def by_the_rule(prediction: np.ndarray, reference: np.ndarray, sides: tuple[float, ...], dilations: int, smallest: float):
    """(Dice, HD95, lesions, missed, false), step by step on whole volumes."""
    grown, count = ndimage.label(ndimage.binary_dilation(reference, EIGHTEEN, iterations=dilations), EVERYTHING)
    found, _ = ndimage.label(prediction, EVERYTHING)
    used, rows, missed = {0}, [], 0
    for number in range(1, count + 1):
        lesion = (grown == number) & reference
        near = set(np.unique(found[ndimage.binary_dilation(lesion, EIGHTEEN, iterations=dilations)])) - {0}
        used |= near
        if lesion.sum() * np.prod(sides) <= smallest:
            continue
        missed += not near
        ours = np.isin(found, list(near))
        if near:
            hd95 = deepmind.compute_robust_hausdorff(deepmind.compute_surface_distances(lesion, ours, sides), 95)
        rows.append((deepmind.compute_dice_coefficient(lesion, ours), hd95 if near else 374.0))
    false = len(set(np.unique(found)) - used)
    lesions = len(rows)
    rows += [(0.0, 374.0)] * false
    return (*(np.mean(rows, axis=0) if rows else (1.0, 0.0)), lesions, missed, false)


def speckled(random: np.random.Generator, shape: tuple[int, ...], share: float) -> np.ndarray:
    noise = ndimage.gaussian_filter(random.normal(size=shape), random.uniform(0.8, 2.0))
    return noise > np.quantile(noise, 1 - share)


@pytest.mark.parametrize("seed", range(24))
def test_the_rule_of_brats(seed):
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(12, 34, 3))
    reference = speckled(random, shape, random.choice([0.0005, 0.01, 0.04]))
    prediction = speckled(random, shape, 0.01) | (reference & (random.random(shape) < 0.9) if seed % 2 else np.zeros(shape, bool))
    sides = tuple(float(side) for side in random.choice([1.0, 1.7, 0.6], 3))
    dilations, smallest = int(random.integers(1, 4)), float(random.choice([0, 5, 50]))
    ours = lesion_score(prediction, reference, sides[::-1], dilations, smallest)
    expected = by_the_rule(prediction, reference, sides, dilations, smallest)
    assert (ours.dice, ours.hd95_mm) == pytest.approx(expected[:2], abs=1e-4)
    assert (ours.lesions, ours.missed, ours.false) == expected[2:]
