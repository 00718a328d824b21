"""Numbered nuclei: laws of the split, shapes drawn by hand, and real labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegDLLib.metrics import kaggle_precision
from MedSegDLLib.postprocess.instances import SPECK_PIXELS, split_instances, typical_area

SHAPE = (64, 80)


def disc(centre: tuple[float, float], radius: float, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    j, i = np.mgrid[: shape[0], : shape[1]]
    return (j - centre[0]) ** 2 + (i - centre[1]) ** 2 <= radius**2


def outlines(labels: np.ndarray) -> np.ndarray:
    """Pixels of objects with another value beside them (four neighbours); the picture's edge is no outline."""
    edge = np.zeros(labels.shape, bool)
    for axis in (0, 1):
        differs = np.diff(labels, axis=axis) != 0
        ahead, behind = [(0, 0), (0, 0)], [(0, 0), (0, 0)]
        ahead[axis], behind[axis] = (0, 1), (1, 0)
        edge |= np.pad(differs, ahead) | np.pad(differs, behind)
    return edge & (labels > 0)


def contacts(labels: np.ndarray) -> np.ndarray:
    """Outlines between two objects only."""
    return outlines(labels) & ~outlines((labels > 0).astype(int))


def split(mask: np.ndarray, boundary: np.ndarray | None = None) -> np.ndarray:
    silent = np.zeros(mask.shape, np.float32)
    return split_instances(mask.astype(np.float32), silent if boundary is None else boundary.astype(np.float32))


def scattered(seed: int) -> np.ndarray:
    """Labels of discs of many sizes, some of which touch; later ones lie on top."""
    random = np.random.default_rng(seed)
    labels = np.zeros((96, 112), int)
    for number in range(1, 16):
        labels[disc(random.uniform(0, 96, 2) * (1, 112 / 96), random.uniform(4, 12), labels.shape)] = number
    return labels


def test_nothing_gives_nothing():
    labels = split(np.zeros(SHAPE))
    assert labels.dtype == np.uint32 and labels.shape == SHAPE and not labels.any()


def test_a_picture_full_of_nucleus_is_one():
    assert (split(np.ones(SHAPE)) == 1).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 3)])
def test_the_thinnest_pictures_pass(shape):
    labels = split(np.ones(shape))
    assert labels.shape == shape and labels.max() == (np.prod(shape) >= SPECK_PIXELS)


def test_a_ring_is_one_and_keeps_its_hole():
    ring = disc((32, 40), 20) & ~disc((32, 40), 12)
    labels = split(ring)
    assert labels.max() == 1 and ((labels > 0) == ring).all()


@pytest.mark.parametrize("radii", [(12, 12), (14, 8), (7, 7), (5, 5)])
@pytest.mark.parametrize("boundary", [False, True], ids=["silent", "seen"])
def test_touching_discs_are_two(radii, boundary):
    left, right = disc((30, 40 - radii[0]), radii[0]), disc((30, 40 + radii[1] - 1), radii[1])
    truth = np.where(left, 1, np.where(right, 2, 0))
    labels = split(truth > 0, contacts(truth) if boundary else None)
    assert labels.max() == 2
    assert kaggle_precision(labels, truth) >= 0.9


def test_a_chain_of_four_is_four_without_any_boundary():
    chain = sum(disc((32, 12 + 18 * n), 9.5) for n in range(4)) > 0
    assert split(chain).max() == 4


def test_an_ellipse_is_not_cut():
    j, i = np.mgrid[: SHAPE[0], : SHAPE[1]]
    assert split(((j - 32) / 8) ** 2 + ((i - 40) / 30) ** 2 <= 1).max() == 1


def test_a_boundary_divides_what_its_shape_does_not():
    square = np.zeros(SHAPE, bool)
    square[20:40, 20:60] = True
    line = np.zeros(SHAPE)
    line[:, 39:41] = 1
    labels = split(square, line)
    assert split(square).max() == 1 and labels.max() == 2
    assert abs(int((labels == 1).sum()) - int((labels == 2).sum())) <= 40


def test_a_gap_in_a_boundary_is_bridged():
    square = np.zeros(SHAPE, bool)
    square[20:40, 20:60] = True
    line = np.zeros(SHAPE)
    line[:, 39:41] = 1
    line[28:32] = 0
    assert split(square, line).max() == 2


def test_noise_in_the_boundary_map_divides_nothing():
    random = np.random.default_rng(0)
    noise = random.random(SHAPE) < 0.03
    assert split(disc((32, 40), 20), noise).max() == 1


def test_a_nucleus_that_is_all_boundary_keeps_its_number():
    small = disc((10, 10), 3)
    truth = np.where(small, 1, np.where(disc((40, 50), 15), 2, 0))
    labels = split(truth > 0, (small | outlines(truth)).astype(float))
    assert labels.max() == 2 and kaggle_precision(labels, truth) == 1.0


def test_specks_are_dropped_small_nuclei_kept():
    mask = disc((40, 50), 12) | disc((10, 10), 2.2)
    mask[5:8, 60:62] = True
    labels = split(mask)
    assert labels.max() == 2 and not labels[5:8, 60:62].any()
    assert not split(np.pad(np.ones((3, 3)), 20)).any()


def test_the_threshold_counts():
    map_ = np.where(disc((32, 20), 8), 0.9, 0) + np.where(disc((32, 60), 8), 0.4, 0)
    silent = np.zeros(SHAPE)
    assert split_instances(map_, silent).max() == 1
    assert split_instances(map_, silent, 0.3).max() == 2
    assert not split_instances(map_, silent, 0.95).any()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["silent", "contacts", "outlines", "noise"])
def test_laws(seed, kind):
    truth = scattered(seed)
    random = np.random.default_rng(seed)
    boundary = {"silent": truth * 0, "contacts": contacts(truth), "outlines": outlines(truth), "noise": random.random(truth.shape)}[kind]
    mask = truth > 0
    labels = split(mask, boundary)
    count = int(labels.max())
    assert np.array_equal(np.unique(labels), np.arange(count + 1))
    assert not labels[~mask].any()
    parts = _parts(mask & (labels == 0))
    assert all((parts == number).sum() < SPECK_PIXELS for number in range(1, parts.max() + 1)), "only specks may go"
    assert all(_parts(labels == number).max() == 1 for number in range(1, count + 1)), "an object is one piece"
    assert len({int(labels[_parts(mask) == part].max()) for part in range(1, _parts(mask).max() + 1)} - {0}) <= count


@pytest.mark.parametrize("seed", range(6))
def test_turning_the_picture_changes_no_count(seed):
    truth = scattered(seed)
    for boundary in (truth * 0, contacts(truth), outlines(truth)):
        expected = split(truth > 0, boundary).max()
        for turns in range(1, 4):
            assert split(np.rot90(truth > 0, turns), np.rot90(boundary, turns)).max() == expected
        assert split((truth > 0)[:, ::-1], boundary[:, ::-1]).max() == expected


def test_more_background_changes_nothing():
    truth = scattered(1)
    truth[[0, -1]] = 0
    truth[:, [0, -1]] = 0
    boundary = contacts(truth)
    wide = split(np.pad(truth > 0, 9), np.pad(boundary, 9))
    assert np.array_equal(wide[9:-9, 9:-9], split(truth > 0, boundary))


def test_seen_contacts_give_back_the_truth():
    scores = []
    for seed in range(6):
        truth = scattered(seed)
        truth[np.isin(truth, np.flatnonzero(np.bincount(truth.ravel()) < 40))] = 0
        scores.append(kaggle_precision(split(truth > 0, contacts(truth)), truth))
    assert np.mean(scores) > 0.8


def test_the_typical_area_is_that_of_most_of_the_foreground():
    labels = np.zeros(SHAPE, int)
    labels[:10, :10] = 1
    labels[20:30, :10] = 2
    labels[40, ::2] = np.arange(3, 43)
    assert typical_area(labels) == 100
    assert typical_area(labels * 0) == 0


def test_maps_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="shape"):
        split_instances(np.zeros((4, 5)), np.zeros((5, 4)))
    with pytest.raises(ValueError, match="shape"):
        split_instances(np.zeros((1, 4, 5)), np.zeros((1, 4, 5)))


def test_real_labels_come_back(data):
    files = sorted((data / "nuclei" / "test" / "labels").glob("*.png"))[::9]
    seen, silent = zip(*(_real_scores(file) for file in files))
    assert np.mean(seen) > 0.95, "measured on all 102: 0.974"
    assert np.mean(silent) > 0.80, "measured on all 102: 0.86"


def _real_scores(file: Path) -> tuple[float, float]:
    truth = sitk.GetArrayFromImage(sitk.ReadImage(str(file)))[:360, :360].astype(int)
    return tuple(kaggle_precision(split(truth > 0, boundary), truth) for boundary in (outlines(truth), truth * 0))


def _parts(mask: np.ndarray) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8)), True))


def test_beside_large_nuclei_a_larger_speck_is_one():
    """A hundredth of what is typical of the picture: 50 pixels beside nuclei of 5,000, of which none of 30 is one."""
    shape = (100, 220)
    large = disc((48, 48), 40, shape) | disc((48, 150), 40, shape)
    speck, small = disc((90, 100), 3, shape), disc((48, 206), 5, shape)
    assert SPECK_PIXELS < speck.sum() < 0.01 * large.sum() / 2 < small.sum()
    found = split(large | speck | small)
    assert not found[speck].any() and len(set(found[small])) == 1 and found.max() == 3
