"""Lesion-wise scores worked by hand: merged, small, missed and false lesions, and every kind of emptiness."""

from __future__ import annotations

import numpy as np
import pytest

from MedSegDLLib.metrics import LesionScore, lesion_score

SHAPE = (20, 20, 40)
UNIT_MM = (1.0, 1.0, 1.0)


def boxes(*starts: int, side: int = 4) -> np.ndarray:
    """Cubes along the last axis."""
    mask = np.zeros(SHAPE, np.uint8)
    for start in starts:
        mask[4 : 4 + side, 4 : 4 + side, start : start + side] = 1
    return mask


def test_every_lesion_weighs_the_same():
    score = lesion_score(boxes(0), boxes(0, 30), UNIT_MM)
    assert score == LesionScore(dice=0.5, hd95_mm=187.0, lesions=2, missed=1, false=0)


def test_a_false_lesion_costs_a_full_share():
    assert lesion_score(boxes(0, 30), boxes(0), UNIT_MM) == LesionScore(0.5, 187.0, 1, 0, 1)


def test_lesions_that_a_dilation_joins_are_one():
    near, far = boxes(0, 10), boxes(0, 11)
    assert lesion_score(near, near, UNIT_MM).lesions == 1
    assert lesion_score(far, far, UNIT_MM).lesions == 2
    assert lesion_score(boxes(0), near, UNIT_MM).dice == pytest.approx(2 / 3)  # half of one lesion


def test_small_lesions_are_not_asked_for_and_not_held_against_anyone():
    small = boxes(0, side=3)  # 27 mm3
    assert lesion_score(np.zeros(SHAPE), small, UNIT_MM) == LesionScore(1.0, 0.0, 0, 0, 0)
    assert lesion_score(small, small, UNIT_MM) == LesionScore(1.0, 0.0, 0, 0, 0)
    assert lesion_score(np.zeros(SHAPE), small, (1.0, 1.0, 2.0)).missed == 1  # 54 mm3


def test_a_prediction_near_a_lesion_is_no_false_one():
    assert lesion_score(boxes(7), boxes(0), UNIT_MM).false == 1
    near = lesion_score(boxes(6), boxes(0), UNIT_MM)
    assert (near.false, near.missed, near.dice) == (0, 0, 0.0)
    assert 0 < near.hd95_mm < 10


def test_corners_join_components():
    corner = np.zeros(SHAPE, bool)
    corner[0:4, 0:4, 0:4] = corner[4:8, 4:8, 4:8] = True
    assert lesion_score(corner, corner, UNIT_MM, dilations=0) == LesionScore(1.0, 0.0, 1, 0, 0)


def test_empty_masks():
    nothing = np.zeros(SHAPE, bool)
    assert lesion_score(nothing, nothing, UNIT_MM) == LesionScore(1.0, 0.0, 0, 0, 0)
    assert lesion_score(nothing, boxes(0), UNIT_MM) == LesionScore(0.0, 374.0, 1, 1, 0)
    assert lesion_score(boxes(0), nothing, UNIT_MM) == LesionScore(0.0, 374.0, 0, 0, 1)


def test_what_is_no_pair_of_volumes_is_refused():
    with pytest.raises(ValueError, match="three dimensions"):
        lesion_score(boxes(0)[0], boxes(0)[0], (1.0, 1.0))
    with pytest.raises(ValueError, match="one shape"):
        lesion_score(boxes(0), boxes(0)[1:], UNIT_MM)


@pytest.mark.parametrize(("spacing_mm", "asked"), [((1.0, 1.0, 50 / 64), 0), ((1.0, 1.0, 50.5 / 64), 1)])
def test_a_lesion_of_just_the_smallest_volume_is_not_asked_for(spacing_mm, asked):
    score = lesion_score(boxes(0, 20, side=4), boxes(0), spacing_mm)
    assert (score.lesions, score.false) == (asked, 1)
