"""Measures against MONAI, DeepMind's surface-distance and scikit-image, on random and degenerate masks."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from MedSegDLLib.metrics import KAGGLE_THRESHOLDS, confusion, kaggle_precision, surface_distances

ndimage = pytest.importorskip("scipy.ndimage")


def pair(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two masks of one random shape, from smooth blobs to single voxels, 2-D and 3-D, and a spacing along their axes."""
    random = np.random.default_rng(seed)
    shape = random.integers(2, 18, 2 + seed % 2)
    if seed % 5 == 0:
        masks = [random.random(shape) > 0.97 for _ in range(2)]
    else:
        masks = [ndimage.gaussian_filter(random.normal(size=shape), random.uniform(0.3, 2)) > random.uniform(-0.1, 0.1) for _ in range(2)]
    for mask in masks:
        mask.flat[random.integers(mask.size)] = True
    return *masks, random.uniform(0.4, 4, len(shape))


@pytest.fixture(scope="module")
def deepmind():
    return pytest.importorskip("surface_distance")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_weighted_hausdorff_distances_are_deepminds(deepmind):
    for seed in range(120):
        one, two, sides = pair(seed)
        ours = surface_distances(one, two, sides[::-1])
        theirs = deepmind.compute_surface_distances(two, one, sides.tolist())
        for percent in (10, 50, 95, 100):
            expected = deepmind.compute_robust_hausdorff(theirs, percent)
            assert ours.hausdorff_mm(percent) == pytest.approx(expected, abs=1e-4), (seed, percent)
        areas = theirs["surfel_areas_gt"], theirs["surfel_areas_pred"]
        assert ours.reference_size.sum() == pytest.approx(areas[0].sum())
        means = deepmind.compute_average_surface_distance(theirs)
        pooled = sum(mean * area.sum() for mean, area in zip(means, areas)) / sum(area.sum() for area in areas)
        assert ours.assd_mm == pytest.approx(pooled, abs=1e-4)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("sides", [(1, 1, 1), (1.6, 0.57, 0.57), (1, 2, 3)])
def test_the_surface_in_every_neighbourhood_has_deepminds_area(deepmind, sides):
    for voxels in product((False, True), repeat=8):
        mask = np.array(voxels).reshape(2, 2, 2)
        expected = deepmind.compute_surface_distances(mask, mask, sides)["surfel_areas_gt"]
        ours = surface_distances(mask, mask, sides[::-1]).prediction_size
        assert sorted(ours) == pytest.approx(sorted(expected))


def test_overlaps_are_monais():
    torch = pytest.importorskip("torch")
    metrics = pytest.importorskip("monai.metrics")
    for seed in range(40):
        one, two, _ = pair(seed)
        ours = confusion(one, two)
        x, y = (torch.from_numpy(mask.astype(np.float32))[None, None] for mask in (one, two))
        assert ours.dice == pytest.approx(float(metrics.compute_dice(x, y)), abs=1e-6)
        assert ours.iou == pytest.approx(float(metrics.compute_iou(x, y)), abs=1e-6)
        matrix = metrics.get_confusion_matrix(x, y)
        assert matrix.flatten().tolist() == [ours.tp, ours.fp, ours.tn, ours.fn]
        for name in ("sensitivity", "precision", "accuracy", "f1 score"):
            expected = float(metrics.compute_confusion_matrix_metric(name, matrix))
            if not np.isnan(expected):
                assert getattr(ours, name.split()[0]) == pytest.approx(expected, abs=1e-6), name


def test_both_empty_is_one_where_monai_is_told_so():
    torch = pytest.importorskip("torch")
    metrics = pytest.importorskip("monai.metrics")
    empty = np.zeros((4, 4, 4))
    x = torch.from_numpy(empty)[None, None]
    assert confusion(empty, empty).dice == float(metrics.DiceHelper(include_background=True, ignore_empty=False)(x, x)[0].mean())


def test_matches_of_objects_are_those_of_monais_panoptic_quality():
    torch = pytest.importorskip("torch")
    metrics = pytest.importorskip("monai.metrics")
    measure = pytest.importorskip("skimage.measure")
    for seed in range(8):
        random = np.random.default_rng(seed)
        truth = measure.label(ndimage.gaussian_filter(random.normal(size=(60, 60)), 2) > 0.06)
        found = measure.label(ndimage.gaussian_filter(np.pad(truth > 0, 1)[:-2, 1:-1] + random.normal(size=truth.shape) * 0.3, 1) > 0.5)
        shares = []
        for threshold in KAGGLE_THRESHOLDS:
            x, y = (torch.from_numpy(labels.astype(np.int64)) for labels in (found, truth))
            tp, fp, fn, _ = metrics.compute_panoptic_quality(x, y, match_iou_threshold=threshold, output_confusion_matrix=True).tolist()
            shares.append(tp / (tp + fp + fn))
        assert kaggle_precision(found, truth) == pytest.approx(np.mean(shares), abs=1e-6)
        assert 0 < np.mean(shares) < 1


def test_the_area_of_a_ball_is_that_of_scikit_images_mesh():
    measure = pytest.importorskip("skimage.measure")
    grid = np.indices((30, 30, 30)) - 14.7
    ball = (grid**2).sum(0) <= 11.3**2
    vertices, faces, _, _ = measure.marching_cubes(ball.astype(float), 0.5, spacing=(1.0, 2.0, 0.5), method="lorensen")
    ours = surface_distances(ball, ball, (0.5, 2.0, 1.0)).prediction_size.sum()
    assert ours == pytest.approx(measure.mesh_surface_area(vertices, faces), rel=0.01)
