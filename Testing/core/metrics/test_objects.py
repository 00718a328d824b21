"""AJI and panoptic quality worked by hand, laws that tie them together, and every kind of emptiness."""

from __future__ import annotations

import numpy as np
import pytest

from MedSegDLLib.metrics import PanopticQuality, aggregated_jaccard, kaggle_precision, panoptic_quality


def objects(*areas: tuple[int, int, int, int]) -> np.ndarray:
    labels = np.zeros((20, 20), np.uint16)
    for number, (top, left, bottom, right) in enumerate(areas, start=1):
        labels[top:bottom, left:right] = number
    return labels


TRUTH = objects((0, 0, 10, 10), (10, 10, 20, 20))
EMPTY = np.zeros((20, 20), np.uint16)


def test_worked_by_hand():
    shorter = objects((0, 0, 10, 8), (10, 10, 20, 20))  # IoU 0.80 and 1
    assert aggregated_jaccard(shorter, TRUTH) == pytest.approx(180 / 200)
    assert panoptic_quality(shorter, TRUTH) == PanopticQuality(pytest.approx(1.8), 2, 0, 0)
    missed = objects((0, 0, 10, 10))
    assert aggregated_jaccard(missed, TRUTH) == pytest.approx(0.5)
    assert panoptic_quality(missed, TRUTH).quality == pytest.approx(1 / 1.5)
    extra = objects((0, 0, 10, 10), (10, 10, 20, 20), (0, 15, 5, 19))
    assert aggregated_jaccard(extra, TRUTH) == pytest.approx(200 / 220)
    assert panoptic_quality(extra, TRUTH).quality == pytest.approx(2 / 2.5)


def test_merging_and_splitting_are_punished():
    merged = np.minimum(TRUTH, 1)  # the best of both, IoU 0.5 with each: the union counts twice, as in the paper
    assert aggregated_jaccard(merged, TRUTH) == pytest.approx(200 / 400)
    assert panoptic_quality(merged, TRUTH) == PanopticQuality(0.0, 0, 1, 2)
    halves = objects((0, 0, 10, 6), (0, 6, 10, 10), (10, 10, 20, 20))
    assert aggregated_jaccard(halves, TRUTH) == pytest.approx(160 / 240)
    assert panoptic_quality(halves, TRUTH).tp == 2


@pytest.mark.parametrize(("found", "truth", "value"), [(EMPTY, EMPTY, 1.0), (EMPTY, TRUTH, 0.0), (TRUTH, EMPTY, 0.0), (TRUTH, TRUTH, 1.0)])
def test_empty_and_equal_pictures(found, truth, value):
    panoptic = panoptic_quality(found, truth)
    assert [aggregated_jaccard(found, truth), panoptic.quality, panoptic.segmentation, panoptic.recognition] == [value] * 4


@pytest.mark.parametrize("seed", range(10))
def test_laws(seed):
    random = np.random.default_rng(seed)
    truth = np.kron(random.integers(0, 9, (5, 5)), np.ones((4, 4), int))
    found = np.where(random.random(truth.shape) < 0.8, truth, random.integers(0, 9, truth.shape))
    names = np.concatenate([[0], 1000 + 7 * random.permutation(8)])
    for compare in (aggregated_jaccard, lambda a, b: panoptic_quality(a, b).quality):
        assert compare(names[found], truth) == pytest.approx(compare(found, truth))
        assert 0 <= compare(found, truth) <= 1
    panoptic, swapped = panoptic_quality(found, truth), panoptic_quality(truth, found)
    assert panoptic.quality == pytest.approx(panoptic.segmentation * panoptic.recognition) == pytest.approx(swapped.quality)
    assert (panoptic.fp, panoptic.fn) == (swapped.fn, swapped.fp)
    assert panoptic.tp + panoptic.fn == len(np.unique(truth[truth > 0]))


def test_pictures_of_two_sizes_are_refused():
    for compare in (aggregated_jaccard, panoptic_quality, kaggle_precision):
        with pytest.raises(ValueError, match="shape"):
            compare(TRUTH, TRUTH[:3])


def test_half_is_not_more_than_half():
    """An IoU of exactly 0.5 is no match, of Kaggle's and of the panoptic quality's."""
    found, truth = np.zeros((1, 4), int), np.zeros((1, 4), int)
    found[0, :1], truth[0, :2] = 1, 1
    assert kaggle_precision(found, truth) == 0.0
    assert (panoptic_quality(found, truth).tp, panoptic_quality(found, truth).quality) == (0, 0.0)
