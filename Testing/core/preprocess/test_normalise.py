"""Normalisation, crop and the network's grid; foreground masks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from MedSegDLLib.geometry.align import align, reference_of
from MedSegDLLib.geometry.background import background_value
from MedSegDLLib.geometry.boxes import bounding_box, box_of_most, reach
from MedSegDLLib.geometry.image import Grid, Image
from MedSegDLLib.geometry.resample import resample
from MedSegDLLib.preprocess.foreground import body_mask, head_mask, otsu_threshold
from MedSegDLLib.preprocess.normalise import network_grid, normalise, prepare
from MedSegDLLib.tasks import BRAIN, LIVER, NUCLEI

from ..tiny import LPS, ball, head_images


def test_zscore_over_the_foreground():
    array = torch.tensor([0.0, 0.0, 10.0, 20.0, 30.0])
    out = normalise(array, BRAIN.plan)
    assert out[:2].tolist() == [0.0, 0.0]
    assert out[2:].mean().abs() < 1e-6 and (out[2:].std() - 1).abs() < 1e-6


def test_zscore_does_not_see_scale_or_offset_of_the_foreground():
    array = torch.rand(50) + 1
    assert torch.allclose(normalise(array * 7 + 100, BRAIN.plan), normalise(array, BRAIN.plan), atol=1e-4)


def test_window_maps_its_bounds_to_minus_one_and_one():
    low, high = LIVER.plan.window
    out = normalise(torch.tensor([-1000.0, low, (low + high) / 2, high, 3000.0]), LIVER.plan)
    assert torch.allclose(out, torch.tensor([-1.0, -1.0, 0.0, 1.0, 1.0]))


def test_constant_input_gives_finite_numbers():
    for task in (BRAIN, LIVER):
        assert torch.isfinite(normalise(torch.full((4, 4), 7.0), task.plan)).all()


def test_network_grid_is_straight_and_covers_an_oblique_reference():
    angle = np.deg2rad(20)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]) @ np.diag([0.9, 0.9, 5.5])
    affine[:3, 3] = (-80, 40, 12)
    reference = Grid((26, 200, 180), affine)
    grid = network_grid(reference, BRAIN.plan)
    assert np.allclose(grid.affine[:3, :3], np.diag([-2.0, -2.0, 2.0]))
    low, high = grid.corners().min(axis=0), grid.corners().max(axis=0)
    assert (low <= reference.corners().min(axis=0)).all() and (high >= reference.corners().max(axis=0)).all()


def drawn_head(affine: np.ndarray, shape: tuple[int, int, int]) -> Image:
    """An ellipsoid of 70 x 90 x 66 mm half axes about the origin, on any grid."""
    k, j, i = np.indices(shape).reshape(3, -1)
    places = np.stack([i, j, k], axis=1) @ affine[:3, :3].T + affine[:3, 3]
    inside = ((places / (70, 90, 66)) ** 2).sum(axis=1) < 1
    return Image(np.where(inside, 300 + places[:, 1], 0).reshape(shape).astype(np.float32), affine)


def inclined(degrees: float) -> tuple[np.ndarray, tuple[int, int, int]]:
    """A grid of 2 mm about the origin, turned about all three axes, and its shape."""
    turn, sides = np.eye(3), (110, 126, 118)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        step = np.eye(3)
        sine, cosine = np.sin(np.deg2rad(degrees)), np.cos(np.deg2rad(degrees))
        step[[a, b], [a, b]], step[a, b], step[b, a] = cosine, -sine, sine
        turn = turn @ step
    affine = np.eye(4)
    affine[:3, :3] = 2.0 * turn
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(sides[::-1]) - 1) / 2)
    return affine, sides


@pytest.mark.parametrize("degrees", [7.0, 15.0, 30.0])
def test_an_inclined_series_shows_the_network_no_more_nothing_than_a_straight_one(degrees):
    """The network's normalisation counts what is around a head: twelve more voxels of nothing made 21 mL of a tumour of 3."""
    shapes = []
    for angle in (0.0, degrees):
        image = drawn_head(*inclined(angle))
        shapes.append(prepare({"flair": image}, image.array != 0, BRAIN.plan).grid.shape)
    straight, turned = np.array(shapes)
    assert abs(straight - turned).max() <= 2
    image = drawn_head(*inclined(degrees))
    corners = network_grid(image.grid.cropped(bounding_box(image.array)), BRAIN.plan)
    assert (np.array(corners.shape) - turned).max() >= 5  # what the corners of an inclined box would ask for


@pytest.mark.parametrize("degrees", [0.0, 15.0])
def test_stray_voxels_far_from_the_head_change_nothing_in_it(degrees):
    """A marker, or what a tool that strips skulls left over."""
    image = drawn_head(*inclined(degrees))
    dirty = image.array.copy()
    dirty[2:4, 2:5, 2:4] = 400
    clean, marked = (prepare({"flair": image}, image.array != 0, BRAIN.plan), prepare({"flair": image}, dirty != 0, BRAIN.plan))
    assert marked.grid.same_as(clean.grid)
    assert torch.equal(marked.x, clean.x)


def test_what_is_more_than_a_speck_stays_in_sight():
    mask = np.zeros((60, 60, 60), bool)
    mask[5:30, 10:50, 10:50] = True
    mask[40:44, 20:40, 20:40] = True  # below a lost slice: four hundredths of it
    assert box_of_most(mask) == (slice(5, 44), slice(10, 50), slice(10, 50))
    mask[55, 3, 57] = True
    assert box_of_most(mask) == (slice(5, 44), slice(10, 50), slice(10, 50))
    assert box_of_most(np.zeros((3, 4, 5), bool)) == (slice(0, 3), slice(0, 4), slice(0, 5))


def test_a_mask_reaches_as_far_as_its_voxels():
    affine, shape = inclined(15.0)
    image = drawn_head(affine, shape)
    k, j, i = np.nonzero(image.array)
    places = np.stack([i, j, k], axis=1) @ affine[:3, :3].T + affine[:3, 3]
    np.testing.assert_allclose(reach(image.array != 0, image.grid), [places.min(axis=0), places.max(axis=0)])
    corners = image.grid.corners()
    assert np.array_equal(reach(np.ones(shape, bool), image.grid), [corners.min(axis=0), corners.max(axis=0)])
    assert np.array_equal(reach(np.zeros(shape, bool), image.grid), [corners.min(axis=0), corners.max(axis=0)])


def test_the_same_head_stored_another_way_is_prepared_alike():
    images = head_images(("flair",))
    flipped = {}
    for key, image in images.items():
        turn = np.diag([-1.0, 1.0, 1.0, 1.0])
        turn[0, 3] = image.array.shape[2] - 1
        flipped[key] = Image(image.array[:, :, ::-1].copy(), image.affine @ turn)
    one, two = (prepare(volumes, head_mask({k: v.array for k, v in volumes.items()}), BRAIN.plan) for volumes in (images, flipped))
    assert one.grid.same_as(two.grid)
    assert torch.allclose(one.x, two.x, atol=1e-4)


def test_a_missing_modality_is_a_channel_of_zeros():
    images = head_images(("t1", "flair"))
    volumes = {entry.key: images.get(entry.key) for entry in BRAIN.inputs}
    prepared = prepare(volumes, head_mask({k: v.array for k, v in images.items()}), BRAIN.plan)
    silent = [not channel.any() for channel in prepared.x]
    assert silent == [False, True, True, False]


def test_grey_and_colour_pictures_become_three_channels():
    grey = Image(np.random.default_rng(0).integers(0, 255, (1, 20, 24), dtype=np.uint8), LPS)
    colour = Image(np.repeat(grey.array[..., None], 3, axis=-1), LPS)
    one, two = (prepare({"image": image}, np.ones((1, 20, 24), bool), NUCLEI.plan) for image in (grey, colour))
    assert one.x.shape == (3, 1, 20, 24)
    assert torch.allclose(one.x, two.x, atol=1e-2)  # percentiles interpolate between neighbours


def test_head_mask_of_stripped_and_of_noisy_heads():
    head = ball((24, 24, 24), (12, 12, 12), 9)
    random = np.random.default_rng(0)
    stripped = head * random.normal(300, 20, head.shape)
    noisy = head * random.normal(300, 20, head.shape) + np.abs(random.normal(0, 8, head.shape)) + 1
    assert background_value(stripped) == 0 and background_value(noisy) is None
    assert (head_mask({"t1": stripped}) == head).all()
    assert (head_mask({"t1": noisy}) == head).mean() > 0.99


def test_body_mask_and_otsu():
    body = ball((10, 20, 20), (5, 10, 10), 8)
    ct = np.where(body, 40, -1000).astype(np.int16)
    assert (body_mask({"ct": ct}) == body).all()
    assert -1000 < otsu_threshold(ct) < 40


def test_bounding_box_is_tight():
    mask = np.zeros((6, 7, 8), bool)
    mask[2:4, 3, 1:7] = True
    assert bounding_box(mask) == (slice(2, 4), slice(3, 4), slice(1, 7))
    assert bounding_box(np.zeros((2, 3, 4), bool)) == (slice(0, 2), slice(0, 3), slice(0, 4))


def test_the_reference_is_the_first_given_in_the_tasks_order():
    images = head_images()
    assert reference_of(images, BRAIN) == "flair"
    assert reference_of({k: images[k] for k in ("t1", "t2")}, BRAIN) == "t1"
    reordered = replace(BRAIN, reference_order=("t2", "t1", "t1ce", "flair"))
    assert reference_of(images, reordered) == "t2"


def test_align_leaves_what_lies_on_the_grid_and_resamples_the_rest():
    images = head_images(("t1", "flair"))
    nudged = images["t1"].affine.copy()
    nudged[0, 3] += 1e-3
    same = align({**images, "t1": replace(images["t1"], affine=nudged)}, BRAIN)
    assert same.resampled == () and same.volumes["t1"].array is images["t1"].array
    moved = images["t1"].affine.copy()
    moved[0, 3] += 6.0
    other = align({**images, "t1": replace(images["t1"], affine=moved)}, BRAIN)
    assert other.resampled == ("t1",) and other.volumes["t1"].grid.same_as(images["flair"].grid)
    assert np.allclose(other.volumes["t1"].array[..., :-1], images["t1"].array[..., 1:], atol=1e-2)


def test_a_z_scored_head_with_its_constant_background_is_found():
    head = ball((24, 24, 24), (12, 12, 12), 9)
    values = np.where(head, np.random.default_rng(0).normal(300, 20, head.shape), 0)
    scored = ((values - values.mean()) / values.std()).astype(np.float32)
    assert (head_mask({"t1": scored}) == head).all()
    volumes = {entry.key: Image(scored, LPS) if entry.key == "t1" else None for entry in BRAIN.inputs}
    straight = {**volumes, "t1": Image(values.astype(np.float32), LPS)}
    one, two = (prepare(given, head, BRAIN.plan) for given in (volumes, straight))
    assert torch.allclose(one.x, two.x, atol=1e-3)


def test_a_ct_is_prepared_as_if_it_were_scaled_as_a_whole_first():
    body = ball((20, 40, 44), (10, 20, 22), 18)
    values = np.where(body, np.random.default_rng(0).normal(60, 200, body.shape), -1000).astype(np.int16)
    affine = LPS @ np.diag([2.0, 2.0, 3.0, 1.0])
    found = prepare({"ct": Image(values, affine)}, body, LIVER.plan)
    box = bounding_box(body)
    source = Grid(body.shape, affine).cropped(box)
    whole = normalise(torch.from_numpy(values[box].astype(np.float32)), LIVER.plan)
    assert found.grid.same_as(network_grid(source, LIVER.plan))
    assert torch.equal(found.x[0], resample(whole, source, found.grid, "linear", -1.0))


@pytest.mark.parametrize("kind", ["reversed", "read-only", "big-endian", "transposed"])
def test_an_array_of_any_layout_is_prepared_alike_and_left_alone(kind):
    plain = np.random.default_rng(0).integers(-400, 400, (12, 14, 16)).astype(np.int16)
    odd = {
        "reversed": np.ascontiguousarray(plain[::-1, :, ::-1])[::-1, :, ::-1],
        "read-only": plain.copy(),
        "big-endian": plain.astype(">i2"),
        "transposed": np.ascontiguousarray(plain.T).T,
    }[kind]
    if kind == "read-only":
        odd.flags.writeable = False
    one, two = (prepare({"ct": Image(array, LPS)}, np.ones(plain.shape, bool), LIVER.plan) for array in (plain, odd))
    assert torch.equal(one.x, two.x) and np.array_equal(odd, plain)


def test_the_body_is_above_the_air_in_every_number_type():
    values = np.array([-1024, -501, -500, -499, 40]).reshape(1, 1, 5)
    for dtype in (np.int16, np.int32, np.float32, np.float64):
        assert body_mask({"ct": values.astype(dtype)})[0, 0].tolist() == [False, False, False, True, True]
    assert body_mask({"ct": np.zeros((1, 1, 2), np.uint16)}).all()
