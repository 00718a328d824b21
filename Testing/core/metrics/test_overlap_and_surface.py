"""Measures: worked by hand, laws that tie them together, and every kind of emptiness."""

from __future__ import annotations

import math

import numpy as np
import pytest

from MedSegDLLib.metrics import Confusion, confusion, kaggle_precision, surface_distances

PREDICTION = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]])
REFERENCE = np.array([[1, 1, 1, 0], [1, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
EMPTY = np.zeros((4, 4), np.uint8)
OVERLAPS = ("dice", "iou", "sensitivity", "precision", "f1", "accuracy")
DISTANCES = ("hd95_mm", "assd_mm", "msd_mm")


def blob(seed: int, shape: tuple[int, ...] = (9, 11, 10), share: float = 0.5) -> np.ndarray:
    """A rough random mask with an outside margin left to chance."""
    random = np.random.default_rng(seed)
    noise = random.normal(size=shape)
    for axis in range(len(shape)):
        noise = noise + np.roll(noise, 1, axis)
    return noise > np.quantile(noise, 1 - share)


def box(shape: tuple[int, ...], start: tuple[int, ...], stop: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[tuple(slice(*ends) for ends in zip(start, stop))] = True
    return mask


def test_a_confusion_matrix_worked_by_hand():
    counts = confusion(PREDICTION, REFERENCE)
    assert counts == Confusion(tp=4, fp=1, fn=2, tn=9)
    assert counts.dice == pytest.approx(8 / 11)
    assert counts.iou == pytest.approx(4 / 7)
    assert counts.sensitivity == pytest.approx(4 / 6)
    assert counts.precision == pytest.approx(4 / 5)
    assert counts.accuracy == pytest.approx(13 / 16)
    assert counts.voe == pytest.approx(3 / 7)
    assert counts.rvd == pytest.approx(-1 / 6)


@pytest.mark.parametrize("seed", range(20))
def test_laws_of_the_confusion_matrix(seed):
    prediction, reference = blob(seed, share=0.02 * (seed + 1)), blob(seed + 100, share=0.4)
    counts, swapped = confusion(prediction, reference), confusion(reference, prediction)
    assert counts.tp + counts.fp + counts.fn + counts.tn == prediction.size
    assert counts.f1 == pytest.approx(counts.dice)
    if counts.tp:
        assert counts.f1 == pytest.approx(2 * counts.precision * counts.sensitivity / (counts.precision + counts.sensitivity))
    assert counts.dice == pytest.approx(2 * counts.iou / (1 + counts.iou))
    assert (counts.dice, counts.sensitivity, counts.precision) == (swapped.dice, swapped.precision, swapped.sensitivity)
    assert counts.iou <= counts.dice <= 1 and min(counts.sensitivity, counts.precision) <= counts.dice
    assert counts.rvd == pytest.approx(prediction.sum() / reference.sum() - 1)


@pytest.mark.parametrize(
    ("prediction", "reference", "value", "rvd"),
    [(EMPTY, EMPTY, 1.0, 0.0), (EMPTY, REFERENCE, 0.0, -1.0), (PREDICTION, EMPTY, 0.0, None), (REFERENCE, REFERENCE, 1.0, 0.0)],
    ids=["both empty", "empty prediction", "empty reference", "equal"],
)
def test_empty_masks_have_their_values_and_are_never_dropped(prediction, reference, value, rvd):
    counts = confusion(prediction, reference)
    assert all(getattr(counts, name) == value for name in ("dice", "iou", "sensitivity", "precision", "f1"))
    assert counts.voe == 1 - value and counts.rvd == rvd
    assert counts.accuracy == (prediction.astype(bool) == reference.astype(bool)).mean()


def test_full_masks_and_any_number_type():
    full = np.full((3, 3, 3), 7, np.int16)
    assert confusion(full, full.astype(np.float32)) == Confusion(27, 0, 0, 0)
    assert confusion(full, full).accuracy == 1.0


def test_masks_of_two_shapes_are_refused():
    for compare in (confusion, kaggle_precision, lambda a, b: surface_distances(a, b, (1, 1))):
        with pytest.raises(ValueError, match="shape"):
            compare(EMPTY, EMPTY[:3])
    with pytest.raises(ValueError, match="spacings"):
        surface_distances(EMPTY, EMPTY, (1, 1, 1))


@pytest.mark.parametrize("axis", range(3))
def test_a_shifted_box_is_as_far_away_as_it_was_shifted(axis):
    spacing_mm = (0.7, 1.3, 2.5)  # i, j, k
    here = box((14, 14, 14), (4, 4, 4), (9, 9, 9))
    distances = surface_distances(np.roll(here, 3, axis), here, spacing_mm)
    assert distances.msd_mm == pytest.approx(3 * spacing_mm[2 - axis])
    assert distances.hd95_mm == pytest.approx(3 * spacing_mm[2 - axis])
    assert 0 < distances.assd_mm < distances.hd95_mm


def test_a_far_voxel_counts_in_the_maximum_but_not_in_the_percentile():
    here = box((12, 12, 40), (1, 1, 1), (11, 11, 11))
    stray = here.copy()
    stray[5, 5, 35] = True
    distances = surface_distances(stray, here, (1.0, 1.0, 1.0))
    assert distances.msd_mm == pytest.approx(25)
    assert distances.hd95_mm == 0 and 0 < distances.assd_mm < 0.2


@pytest.mark.parametrize("seed", range(8))
def test_laws_of_the_surface_distances(seed):
    one, two = blob(seed, share=0.3), blob(seed + 50, share=0.2)
    spacing_mm = (1.0, 0.5, 3.0)
    distances = surface_distances(one, two, spacing_mm)
    swapped = surface_distances(two, one, spacing_mm)
    turned = surface_distances(one.transpose(2, 0, 1)[::-1], two.transpose(2, 0, 1)[::-1], (0.5, 3.0, 1.0))
    doubled = surface_distances(one, two, tuple(2 * side for side in spacing_mm))
    itself = surface_distances(one, one, spacing_mm)
    for name in DISTANCES:
        value = getattr(distances, name)
        assert value == pytest.approx(getattr(swapped, name))
        assert value == pytest.approx(getattr(turned, name))
        assert value == pytest.approx(getattr(doubled, name) / 2)
        assert getattr(itself, name) == 0
    percentiles = [distances.hausdorff_mm(percent) for percent in (0, 25, 50, 75, 95, 100)]
    assert percentiles == sorted(percentiles) and percentiles[-1] == distances.msd_mm
    assert distances.assd_mm <= distances.msd_mm <= distances.worst_mm
    assert (np.diff(distances.prediction_mm) >= 0).all() and (distances.prediction_size > 0).all()


@pytest.mark.parametrize("margin", [0, 5])
def test_room_around_the_masks_changes_no_distance(margin):
    one, two = blob(1), blob(2)
    here = surface_distances(one, two, (1, 1, 1))
    wide = surface_distances(np.pad(one, margin), np.pad(two, margin), (1, 1, 1))
    assert all(getattr(here, name) == pytest.approx(getattr(wide, name)) for name in DISTANCES)


def test_the_surface_of_one_voxel_is_an_octahedron():
    voxel = box((3, 3, 3), (1, 1, 1), (2, 2, 2))
    assert surface_distances(voxel, voxel, (1, 1, 1)).prediction_size.sum() == pytest.approx(math.sqrt(3))
    flat = surface_distances(voxel[1], voxel[1], (3.0, 4.0))
    assert flat.prediction_size.sum() == pytest.approx(4 * 2.5)


def test_the_surface_of_a_box_is_that_of_its_sides():
    sides = np.array([30, 40, 50])
    mask = np.pad(np.ones(sides), 1)
    exact = 2 * (30 * 40 * 0.5 * 1 + 30 * 50 * 0.5 * 2 + 40 * 50 * 1 * 2)
    assert surface_distances(mask, mask, (2.0, 1.0, 0.5)).prediction_size.sum() == pytest.approx(exact, rel=0.03)


def test_inside_and_outside_share_one_surface():
    mask = np.pad(blob(4, (6, 6, 6)), 2)
    hollow = ~mask
    inner = surface_distances(mask, mask, (1, 2, 3)).prediction_size.sum()
    outer = surface_distances(hollow, hollow, (1, 2, 3)).prediction_size.sum()
    whole = np.ones(mask.shape)
    assert outer - inner == pytest.approx(surface_distances(whole, whole, (1, 2, 3)).prediction_size.sum())


@pytest.mark.parametrize("shape", [(155, 240, 240), (155, 240)])
def test_an_empty_mask_is_the_whole_grid_away(shape):
    empty, other = np.zeros(shape, bool), box(shape, (5,) * len(shape), (9,) * len(shape))
    spacing_mm = (1.0,) * len(shape)
    for name in DISTANCES:
        assert getattr(surface_distances(empty, empty, spacing_mm), name) == 0
        assert getattr(surface_distances(empty, other, spacing_mm), name) == pytest.approx(math.hypot(*shape))
        assert getattr(surface_distances(other, empty, spacing_mm), name) == pytest.approx(math.hypot(*shape))


def test_the_grid_of_brats_gives_its_number():
    empty, voxel = np.zeros((155, 240, 240), bool), box((155, 240, 240), (1, 1, 1), (2, 2, 2))
    assert surface_distances(empty, voxel, (1, 1, 1)).hd95_mm == pytest.approx(373.1287, abs=1e-4)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 7, 9), (7, 1, 1)])
def test_the_thinnest_grids_pass(shape):
    full = np.ones(shape, bool)
    corner = np.zeros(shape, bool)
    corner.flat[0] = True
    assert surface_distances(full, full, (1, 1, 1)).hd95_mm == 0
    assert surface_distances(corner, full, (1, 1, 1)).msd_mm == pytest.approx(math.hypot(*(n - 1 for n in shape)))


def objects(*areas: tuple[int, int, int, int]) -> np.ndarray:
    labels = np.zeros((20, 20), np.uint16)
    for number, (top, left, bottom, right) in enumerate(areas, start=1):
        labels[top:bottom, left:right] = number
    return labels


def test_kaggle_precision_worked_by_hand():
    truth = objects((0, 0, 10, 10), (10, 10, 20, 20))
    shorter = objects((0, 0, 10, 8), (10, 10, 20, 20))  # IoU 0.80 and 1
    assert kaggle_precision(truth, truth) == 1.0
    assert kaggle_precision(shorter, truth) == pytest.approx((6 * 1 + 4 * 1 / 3) / 10)  # 0.80 is no match at 0.80
    merged = np.minimum(truth, 1)  # IoU 0.5 with each
    assert kaggle_precision(merged, truth) == 0.0
    assert kaggle_precision(objects((0, 0, 10, 10)), truth) == pytest.approx(1 / 2)
    extra = objects((0, 0, 10, 10), (10, 10, 20, 20), (0, 15, 3, 18))
    assert kaggle_precision(extra, truth) == pytest.approx(2 / 3)


def test_kaggle_precision_of_empty_pictures():
    truth = objects((0, 0, 10, 10))
    assert kaggle_precision(truth * 0, truth * 0) == 1.0
    assert kaggle_precision(truth * 0, truth) == 0.0
    assert kaggle_precision(truth, truth * 0) == 0.0


@pytest.mark.parametrize("seed", range(5))
def test_kaggle_precision_knows_no_names(seed):
    random = np.random.default_rng(seed)
    truth = np.kron(random.integers(0, 9, (5, 5)), np.ones((4, 4), int))
    found = np.where(random.random(truth.shape) < 0.9, truth, 0)
    value = kaggle_precision(found, truth)
    names = np.concatenate([[0], 1000 + 7 * random.permutation(8)])
    assert kaggle_precision(names[found].astype(np.uint32), truth) == value == kaggle_precision(truth, found)
    assert 0 <= value <= 1
