"""What changed in figures, and a volume read on another grid."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from MedSegDLLib.correction.changes import changed
from MedSegDLLib.correction.sampling import OnGrid


def test_changes_of_a_mask_by_hand() -> None:
    before, after = np.zeros((2, 3, 4), bool), np.zeros((2, 3, 4), bool)
    before[0], after[0, :, :3], after[1, 0, 0] = True, True, True
    found = changed(before, after, 500.0)
    assert (found.before, found.after, found.volumes_ml) == (12, 10, (6.0, 5.0))
    assert found.added.sum() == 1 and found.removed.sum() == 3
    assert found.dice == pytest.approx(2 * 9 / 22)


def test_nothing_and_nothing_agree() -> None:
    empty = np.zeros((2, 2, 2), bool)
    assert changed(empty, empty, 1.0).dice == 1.0 and changed(empty, ~empty, 1.0).dice == 0.0


def test_a_volume_on_another_grid_is_what_scipy_says() -> None:
    array = np.random.default_rng(0).normal(size=(5, 6, 7)).astype(np.float32)
    to_array = np.array([[0.6, 0.1, 0, -0.4], [0, 0.8, -0.2, 0.5], [0.1, 0, 0.7, 0.3], [0, 0, 0, 1]])
    box = (slice(1, 6), slice(0, 7), slice(2, 9))
    k, j, i = np.mgrid[box]
    places = np.tensordot(to_array[[2, 1, 0]], np.stack([i, j, k, np.ones_like(i)]), 1)
    expected = map_coordinates(array, places, order=1, mode="nearest")
    np.testing.assert_allclose(OnGrid(array, to_array)[box], expected, atol=1e-5)


def test_a_single_slice_has_nothing_in_between() -> None:
    array = np.arange(12, dtype=np.int16).reshape(1, 3, 4)
    found = OnGrid(array, np.eye(4))[slice(0, 2), slice(0, 3), slice(0, 4)]
    np.testing.assert_array_equal(found, np.repeat(array, 2, axis=0))
