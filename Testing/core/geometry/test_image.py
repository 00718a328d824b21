"""`Grid` and `Image`: where voxels lie, what counts as the same place, and what cannot be constructed."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest

from MedSegDLLib.geometry.image import Grid, Image

OBLIQUE = np.array([[-0.8, 0.6 * 2, 0, 10], [0.6, 0.8 * 2, 0, -20], [0, 0, 3.0, 5], [0, 0, 0, 1]])
SHAPE = (4, 5, 6)


def test_spacing_and_volume_of_an_oblique_grid():
    grid = Grid(SHAPE, OBLIQUE)
    np.testing.assert_allclose(grid.spacing_mm, (1, 2, 3))
    assert grid.voxel_volume_mm3 == pytest.approx(6)


def test_mirrored_axes_have_the_same_volume():
    assert Grid(SHAPE, OBLIQUE @ np.diag([-1, 1, 1, 1])).voxel_volume_mm3 == pytest.approx(6)


def test_a_sheared_voxel_has_the_volume_of_its_parallelepiped():
    sheared = np.eye(4)
    sheared[0, 1] = 1
    assert Grid(SHAPE, sheared).voxel_volume_mm3 == pytest.approx(1)


def test_corners_are_the_centres_of_the_outermost_voxels():
    corners = Grid(SHAPE, OBLIQUE).corners()
    assert corners.shape == (8, 3)
    np.testing.assert_allclose(corners[0], OBLIQUE[:3, 3])
    np.testing.assert_allclose(corners[-1], (OBLIQUE @ [5, 4, 3, 1])[:3])


def test_a_crop_stays_where_it_was():
    grid = Grid(SHAPE, OBLIQUE)
    part = grid.cropped((slice(1, 3), slice(2, 5), slice(4, 6)))
    assert part.shape == (2, 3, 2)
    np.testing.assert_allclose(part.affine @ [0, 0, 0, 1], OBLIQUE @ [4, 2, 1, 1])
    np.testing.assert_allclose(part.affine @ [1, 2, 1, 1], OBLIQUE @ [5, 4, 2, 1])
    whole = grid.cropped(tuple(slice(0, n) for n in SHAPE))
    assert whole.same_as(grid, 0.0)


def test_crops_of_crops_add_up():
    grid = Grid((9, 9, 9), OBLIQUE)
    twice = grid.cropped((slice(1, 8), slice(2, 9), slice(3, 9))).cropped((slice(1, 3), slice(2, 4), slice(0, 2)))
    assert twice.same_as(grid.cropped((slice(2, 4), slice(4, 6), slice(3, 5))), 1e-9)


@pytest.mark.parametrize(("shift_mm", "same"), [(0.0, True), (1e-3, True), (0.049, True), (0.06, False), (1000.0, False)])
def test_same_place_within_rounding(shift_mm, same):
    moved = OBLIQUE.copy()
    moved[0, 3] += shift_mm
    assert Grid(SHAPE, OBLIQUE).same_as(Grid(SHAPE, moved)) == same
    assert Grid(SHAPE, moved).same_as(Grid(SHAPE, OBLIQUE)) == same


def test_a_small_difference_of_spacing_adds_up_over_a_large_grid():
    small, large = (4, 4, 4), (4, 4, 512)
    stretched = OBLIQUE @ np.diag([1.001, 1, 1, 1])
    assert Grid(small, OBLIQUE).same_as(Grid(small, stretched))
    assert not Grid(large, OBLIQUE).same_as(Grid(large, stretched))


def test_another_shape_or_order_of_axes_is_another_grid():
    assert not Grid(SHAPE, OBLIQUE).same_as(Grid((4, 5, 7), OBLIQUE))
    assert not Grid((4, 4, 4), OBLIQUE).same_as(Grid((4, 4, 4), OBLIQUE[:, [1, 0, 2, 3]]))


@pytest.mark.parametrize("affine", [np.eye(3), np.full((4, 4), np.nan), np.diag([1, 1, 0, 1.0]), np.diag([1, np.inf, 1, 1])])
def test_affines_that_cannot_be_are_refused(affine):
    with pytest.raises(ValueError, match="affine"):
        Grid(SHAPE, affine)
    with pytest.raises(ValueError, match="affine"):
        Image(np.zeros(SHAPE), affine)


def test_a_grid_is_not_changed_from_outside():
    affine = OBLIQUE.copy()
    grid = Grid(np.array(SHAPE), affine)
    affine[0, 3] = 99
    assert grid.affine[0, 3] == OBLIQUE[0, 3]
    assert grid.shape == SHAPE and all(type(n) is int for n in grid.shape)
    with pytest.raises(ValueError, match="read-only"):
        grid.affine[0, 3] = 99


def test_an_image_knows_its_grid_and_channels():
    volume = Image(np.zeros(SHAPE, np.int16), OBLIQUE, "flair.nii.gz", {"EchoTime": "90"})
    assert volume.grid.same_as(Grid(SHAPE, OBLIQUE), 0.0) and volume.channels == 1
    picture = Image(np.zeros((1, 5, 6, 3), np.uint8), np.eye(4))
    assert picture.grid.shape == (1, 5, 6) and picture.channels == 3


def test_other_values_lie_at_the_same_place():
    image = Image(np.zeros(SHAPE), OBLIQUE, "flair.nii.gz", {"EchoTime": "90"})
    other = image.with_array(np.ones(SHAPE, np.uint8))
    assert other.array.sum() == 120 and (other.name, other.tags) == (image.name, image.tags)
    assert other.grid.same_as(image.grid, 0.0) and not image.array.any()


@pytest.mark.parametrize("shape", [(), (5,), (5, 6), (2, 3, 4, 5, 6)])
def test_an_image_has_three_axes_or_four(shape):
    with pytest.raises(ValueError, match="axes"):
        Image(np.zeros(shape), np.eye(4))


def test_very_oblique_axes_are_named_as_nibabel_names_them():
    for number in range(200):
        random = np.random.default_rng(number)
        affine = np.eye(4)
        affine[:3, :3] = np.float32(np.linalg.qr(random.normal(size=(3, 3)))[0] * random.uniform(0.3, 5, 3))
        assert Grid(SHAPE, affine).orientation == "".join(nibabel.aff2axcodes(affine))
