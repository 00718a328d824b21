"""How large a region is, against scipy's convex hull and by hand."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from MedSegDLLib.geometry.image import Grid
from MedSegDLLib.metrics.size import farthest_mm, outermost, size_of, surface_points

from ..tiny import ball

OBLIQUE = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0] * [0.7, 0.9, 2.5]


def grid(shape: tuple[int, int, int], axes: np.ndarray) -> Grid:
    affine = np.eye(4)
    affine[:3, :3] = axes
    return Grid(shape, affine)


def test_one_voxel_is_as_long_as_it_is_wide() -> None:
    mask = np.zeros((3, 3, 3), np.uint8)
    mask[1, 1, 1] = 1
    size = size_of(mask, grid(mask.shape, np.diag([1.0, 2.0, 5.0])))
    assert (size.volume_ml, size.parts, size.longest_mm) == (pytest.approx(0.01), 1, 5.0)


def test_nothing_has_no_length() -> None:
    size = size_of(np.zeros((2, 3, 4), np.uint8), grid((2, 3, 4), np.eye(3)))
    assert (size.volume_ml, size.parts, size.longest_mm) == (0.0, 0, None)


def test_a_diameter_never_spans_two_parts() -> None:
    mask = np.zeros((2, 2, 60), np.uint8)
    mask[..., :5], mask[..., 50:60] = 1, 1
    size = size_of(mask, grid(mask.shape, np.eye(3)))
    assert size.parts == 2
    assert size.longest_mm == pytest.approx(np.sqrt(9.0**2 + 1 + 4), abs=1.0) and size.longest_mm < 12


@pytest.mark.parametrize("seed", range(8))
def test_the_diameter_is_the_hulls(seed: int) -> None:
    random = np.random.default_rng(seed)
    mask = random.random((9, 11, 13)) < 0.3
    mask[3:6, 3:6, 3:6] = True
    points = surface_points(mask) @ OBLIQUE.T
    hull = points[ConvexHull(points).vertices]
    assert farthest_mm(points) == pytest.approx(pdist(hull).max(), abs=1e-9)
    corners = outermost(surface_points(mask)) @ OBLIQUE.T
    assert len(corners) < len(points) and farthest_mm(corners) == pytest.approx(pdist(hull).max(), abs=1e-9)
    assert {tuple(point) for point in hull.round(6)} <= {tuple(point) for point in corners.round(6)}


def test_a_ball_is_as_wide_as_it_is_and_takes_no_time() -> None:
    shape = (100, 100, 100)
    begun = time.process_time()
    size = size_of(ball(shape, (50, 50, 50), 45), grid(shape, np.eye(3)))
    assert size.longest_mm == pytest.approx(91, abs=1)
    assert time.process_time() - begun < 5


def test_voxels_that_share_a_corner_are_one_part() -> None:
    mask = np.zeros((4, 4, 4), np.uint8)
    mask[1, 1, 1] = mask[2, 2, 2] = 1
    size = size_of(mask, grid(mask.shape, np.eye(3)))
    assert size.parts == 1 and size.longest_mm == pytest.approx(np.sqrt(2**2 + 1 + 1))


@pytest.mark.parametrize("seed", range(5))
def test_no_two_points_are_farther_apart_than_the_farthest(seed: int) -> None:
    """Round clouds, in which many pairs are nearly as far apart, and clouds with a side that reaches no further than the middle."""
    random = np.random.default_rng(seed)
    points = random.normal(size=(1500, 3))
    points /= np.linalg.norm(points, axis=1)[:, None]
    for cloud in (points * random.uniform(0.97, 1.0, (1500, 1)), points[points[:, 0] > random.uniform(-0.4, 0.4)] * [1.0, 1.0, 0.9]):
        assert farthest_mm(cloud) == pytest.approx(pdist(cloud).max(), rel=1e-9)
