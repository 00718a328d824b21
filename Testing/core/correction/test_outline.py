"""An outline redrawn by points: what points may and may not change, in laws."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from MedSegDLLib.correction.outline import LEAST_REACH_MM, Change, Points, automatic_reach, changing, longest_reach, redrawn

SHAPE = (26, 28, 30)
SPACING = np.array([1.5, 1.0, 0.9])
MIDDLE = np.array([13, 14, 13])
INSIDE, OUTSIDE = (13, 14, 22), (13, 14, 6)
REACH_MM = 9.0


def ball(middle: np.ndarray, radius_mm: float) -> np.ndarray:
    """Voxels of a ball."""
    return (((np.moveaxis(np.indices(SHAPE), 0, -1) - middle) * SPACING) ** 2).sum(axis=-1) <= radius_mm**2


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    return ball(MIDDLE + np.array([0, 0, 2]), 9.0)


@pytest.fixture(scope="module")
def image(truth: np.ndarray) -> np.ndarray:
    """Bright within the truth, noise of a tenth of the step."""
    return (100.0 * truth + np.random.default_rng(0).normal(0, 10, SHAPE)).astype(np.float32)


@pytest.fixture(scope="module")
def mask() -> np.ndarray:
    """Too far to the left."""
    return ball(MIDDLE - np.array([0, 0, 2]), 9.0).astype(np.uint8)


def distance_mm(point: tuple[int, int, int]) -> np.ndarray:
    """Of every voxel to a point."""
    return np.sqrt((((np.moveaxis(np.indices(SHAPE), 0, -1) - point) * SPACING) ** 2).sum(axis=-1))


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other))


def test_points_bring_the_outline_to_the_edge(mask: np.ndarray, image: np.ndarray, truth: np.ndarray) -> None:
    assert dice(mask > 0, truth) < 0.75
    first = redrawn(mask, [image], SPACING, Points((INSIDE,)), REACH_MM)
    second = redrawn(first, [image], SPACING, Points((INSIDE,), (OUTSIDE,)), REACH_MM)
    assert dice(mask > 0, truth) + 0.05 < dice(first, truth) < dice(second, truth) - 0.05
    assert np.count_nonzero(first & ~truth & (mask == 0)) < 0.02 * np.count_nonzero(first & (mask == 0))


@pytest.mark.parametrize("seed", range(4))
def test_laws(seed: int, mask: np.ndarray, image: np.ndarray) -> None:
    """Inside ends inside, outside outside; inside points only add, outside points only take; beyond the reach nothing changes."""
    random = np.random.default_rng(seed)
    points = [tuple(int(part) for part in random.integers(0, SHAPE)) for _number in range(4)]
    inside, outside = points[:2], points[2:]
    reach_mm = float(random.uniform(3, 12))
    drawn = redrawn(mask, [image], SPACING, Points(tuple(inside), tuple(outside)), reach_mm)
    assert all(drawn[point] for point in inside) and not any(drawn[point] for point in outside)
    changed = drawn != (mask > 0)
    contradicted = [point for point in inside if not mask[point]] + [point for point in outside if mask[point]]
    assert not changed[np.min([distance_mm(point) for point in contradicted], axis=0) > reach_mm].any()
    assert not (~redrawn(mask, [image], SPACING, Points(tuple(inside)), reach_mm) & (mask > 0)).any()
    assert not (redrawn(mask, [image], SPACING, Points((), tuple(outside)), reach_mm) & (mask == 0)).any()


def test_points_that_agree_change_nothing_but_hold(mask: np.ndarray, image: np.ndarray) -> None:
    assert not list(changing(mask, [image], SPACING, Points(), REACH_MM))
    kept, wrong = tuple(int(part) for part in MIDDLE - np.array([0, 0, 6])), OUTSIDE
    assert mask[kept] and mask[wrong] and kept != wrong
    assert not list(changing(mask, [image], SPACING, Points((kept,), ((0, 0, 0),)), REACH_MM))
    free = redrawn(mask, [], SPACING, Points((), (wrong,)), REACH_MM)
    held = redrawn(mask, [], SPACING, Points((kept,), (wrong,)), REACH_MM)
    assert held[kept] and not held[wrong] and np.count_nonzero(held) >= np.count_nonzero(free)


def test_the_other_side_is_the_same_task(mask: np.ndarray, image: np.ndarray) -> None:
    """What is added to a segment is taken from what surrounds it."""
    drawn = redrawn(mask, [image], SPACING, Points((INSIDE,)), REACH_MM)
    around = redrawn(mask == 0, [image], SPACING, Points((), (INSIDE,)), REACH_MM)
    np.testing.assert_array_equal(drawn, ~around)


def test_the_order_of_the_voxels_does_not_matter(mask: np.ndarray, image: np.ndarray) -> None:
    points = Points((INSIDE,), (OUTSIDE,))
    expected = redrawn(mask, [image], SPACING, points, REACH_MM)
    for axes, turned in itertools.product(((0, 1, 2), (2, 0, 1), (1, 0, 2)), ((), (0,), (0, 2))):

        def moved(array: np.ndarray) -> np.ndarray:
            return np.flip(array.transpose(axes), turned)  # noqa: B023 - called at once

        def place(point: tuple[int, int, int]) -> tuple[int, ...]:
            there = [point[axis] for axis in axes]  # noqa: B023
            return tuple(SHAPE[axes[n]] - 1 - along if n in turned else along for n, along in enumerate(there))  # noqa: B023

        there = Points(tuple(map(place, points.inside)), tuple(map(place, points.outside)))
        drawn = redrawn(moved(mask), [moved(image)], SPACING[list(axes)], there, REACH_MM)
        assert dice(drawn, moved(expected)) >= 0.999


def test_an_empty_segment_gets_what_stands_out_and_a_lonely_false_one_goes(image: np.ndarray) -> None:
    island = ball(np.array([8, 8, 8]), 3.0)
    seen = (100.0 * island).astype(np.float32)
    assert dice(redrawn(np.zeros(SHAPE, np.uint8), [seen], SPACING, Points(((8, 8, 8),)), 8.0), island) > 0.9
    assert not redrawn(island, [image], SPACING, Points((), ((8, 8, 8),)), 8.0).any()


def test_without_contrast_distance_decides(mask: np.ndarray) -> None:
    flat = np.full(SHAPE, 7, np.int16)
    points = Points((INSIDE,))
    np.testing.assert_array_equal(redrawn(mask, [flat], SPACING, points, REACH_MM), redrawn(mask, [], SPACING, points, REACH_MM))


def test_intensities_may_have_any_scale(mask: np.ndarray, image: np.ndarray) -> None:
    points = Points((INSIDE,))
    expected = redrawn(mask, [image], SPACING, points, REACH_MM)
    assert dice(redrawn(mask, [image * 1000 - 40_000], SPACING, points, REACH_MM), expected) >= 0.999


def test_the_box_is_small_and_holds_all(mask: np.ndarray, image: np.ndarray) -> None:
    *waits, change = changing(mask, [image], SPACING, Points((INSIDE,)), 4.0)
    assert isinstance(change, Change) and waits and not any(waits)
    assert change.added.shape == tuple(side.stop - side.start for side in change.box) and change.added.size < mask.size / 4
    assert change.count == change.added.sum() and not change.removed.any()


def test_the_reach_follows_the_distance_and_has_a_limit(mask: np.ndarray) -> None:
    fine = np.full(3, 0.2)
    near, far = (int(MIDDLE[0]), int(MIDDLE[1]), 21), (2, 2, 29)
    assert automatic_reach(mask, near, SPACING) == LEAST_REACH_MM < automatic_reach(mask, far, SPACING) <= longest_reach(SPACING)
    assert automatic_reach(mask, near, fine) <= longest_reach(fine) < LEAST_REACH_MM
    assert automatic_reach(np.zeros(SHAPE, np.uint8), near, SPACING) == LEAST_REACH_MM


@pytest.mark.parametrize("wrong", [Points(((26, 0, 0),)), Points((), ((0, -1, 0),))])
def test_points_outside_of_the_volume_are_refused(wrong: Points, mask: np.ndarray) -> None:
    with pytest.raises(ValueError, match="outside of the volume"):
        redrawn(mask, [], SPACING, wrong, REACH_MM)


def test_what_contradicts_itself_is_refused(mask: np.ndarray) -> None:
    with pytest.raises(ValueError, match="both"):
        Points((INSIDE,), (INSIDE,))
    with pytest.raises(ValueError, match="reach"):
        redrawn(mask, [], SPACING, Points((INSIDE,)), 0.0)
