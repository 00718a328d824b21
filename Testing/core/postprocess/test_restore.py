"""Masks come back on the reference's own grid, nested, cleaned as the task says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from MedSegDLLib.geometry.image import Grid
from MedSegDLLib.geometry.resample import resample
from MedSegDLLib.postprocess.restore import Known, cleaned, entropy, restore, target_box
from MedSegDLLib.tasks import BRAIN, LIVER

from ..tiny import LPS, ball

PLAN = replace(BRAIN.plan, threshold=0.5)
COARSE = Grid((20, 20, 20), LPS @ np.diag([2.0, 2.0, 2.0, 1.0]))


def oblique(degrees: float, spacing: tuple[float, float, float], shape: tuple[int, int, int], centre_mm: np.ndarray) -> Grid:
    """A grid turned about two axes with its middle at `centre_mm`."""
    a = np.deg2rad(degrees)
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    affine = np.eye(4)
    affine[:3, :3] = about_z @ about_x @ np.diag(spacing)
    affine[:3, 3] = centre_mm - affine[:3, :3] @ ((np.array(shape[::-1]) - 1) / 2)
    return Grid(shape, affine)


def soft_ball(grid: Grid, centre_mm: np.ndarray, radius_mm: float) -> torch.Tensor:
    """Probability 0.5 on the surface of a ball, on any grid: (K, J, I)."""
    kji = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1)
    world = kji[..., ::-1] @ grid.affine[:3, :3].T + grid.affine[:3, 3]
    distance = np.linalg.norm(world - centre_mm, axis=-1)
    return torch.from_numpy(1 / (1 + np.exp(distance - radius_mm))).float()


CENTRE = (COARSE.affine @ np.array([9.5, 9.5, 9.5, 1.0]))[:3]


@pytest.mark.parametrize(
    "target",
    [Grid((40, 40, 40), LPS), oblique(25, (0.9, 1.1, 3.0), (14, 40, 44), CENTRE), oblique(0, (-1.0, 1.0, 1.0), (40, 40, 40), CENTRE)],
)
def test_a_ball_keeps_its_volume_and_place_on_any_grid(target):
    probabilities = torch.stack([soft_ball(COARSE, CENTRE, r) for r in (12, 10, 8)])
    masks = restore(probabilities, COARSE, target, BRAIN, PLAN).masks
    for key, radius in (("WT", 12), ("TC", 10), ("ET", 8)):
        truth = soft_ball(target, CENTRE, radius).numpy() >= 0.5
        overlap = 2 * (truth & (masks[key] > 0)).sum() / (truth.sum() + masks[key].sum())
        assert masks[key].dtype == np.uint8 and masks[key].shape == target.shape
        assert overlap > 0.97


def test_regions_inside_others_may_have_a_threshold_of_their_own():
    probabilities = torch.stack([soft_ball(COARSE, CENTRE, r) for r in (12, 10, 8)])
    usual, lower = (restore(probabilities, COARSE, COARSE, BRAIN, replace(PLAN, inner_threshold=inner)).masks for inner in (None, 0.2))
    assert np.array_equal(usual["WT"], lower["WT"]) and np.array_equal(usual["WT"] > 0, probabilities[0].numpy() >= 0.5)
    for key, probability in zip(("TC", "ET"), probabilities[1:]):
        assert np.array_equal(lower[key] > 0, probability.numpy() >= 0.2)
        assert lower[key].sum() > usual[key].sum()


def test_regions_are_nested():
    probabilities = torch.rand((3, *COARSE.shape), generator=torch.Generator().manual_seed(3))
    masks = restore(probabilities, COARSE, Grid((40, 40, 40), LPS), BRAIN, PLAN).masks
    assert (masks["TC"] <= masks["WT"]).all() and (masks["ET"] <= masks["TC"]).all()


def test_no_region_leaves_the_foreground():
    target = Grid((40, 40, 40), LPS)
    foreground = ball(target.shape, (20, 20, 20), 10)
    masks = restore(torch.ones((3, *COARSE.shape)), COARSE, target, BRAIN, PLAN, Known(foreground)).masks
    assert all(((mask > 0) == foreground).all() for mask in masks.values())


def test_nothing_found_is_an_empty_mask_each():
    masks = restore(torch.zeros((3, *COARSE.shape)), COARSE, Grid((40, 40, 40), LPS), BRAIN, PLAN).masks
    assert [int(mask.sum()) for mask in masks.values()] == [0, 0, 0]


def test_a_region_off_the_reference_grid_is_left_out():
    far = LPS.copy()
    far[0, 3] = 500.0
    masks = restore(torch.ones((3, *COARSE.shape)), COARSE, Grid((8, 8, 8), far), BRAIN, PLAN).masks
    assert masks["WT"].sum() == 0


def test_only_the_largest_part_of_the_liver_stays():
    mask = (ball((30, 30, 30), (10, 10, 10), 6) | ball((30, 30, 30), (24, 24, 24), 3)).astype(np.uint8)
    kept = cleaned(mask, LIVER.region("liver"), 1.0)[0]
    assert kept[10, 10, 10] == 1 and kept[24, 24, 24] == 0


def test_small_parts_go_by_their_millilitres():
    mask = (ball((30, 30, 30), (10, 10, 10), 5) | ball((30, 30, 30), (24, 24, 24), 2)).astype(np.uint8)
    region = replace(BRAIN.region("ET"), smallest_ml=0.1)
    assert cleaned(mask, region, 1.0)[0][24, 24, 24] == 0
    assert cleaned(mask, region, 8.0)[0][24, 24, 24] == 1


def test_small_parts_beside_a_large_one_go_by_their_share_and_are_told():
    large, small, speck = (
        ball((40, 40, 40), centre, radius) for centre, radius in (((12, 12, 12), 9), ((30, 30, 30), 4), ((5, 35, 35), 1))
    )
    region = replace(BRAIN.region("WT"), smallest_ml=0.05, smallest_share=0.1)
    left, told = cleaned((large | small | speck).astype(np.uint8), region, 1.0)
    assert np.array_equal(left, large) and (told.count, told.volume_mm3) == (1, small.sum())  # specks are not told
    assert cleaned((large | small | speck).astype(np.uint8), region, 2.5)[1].volume_mm3 == pytest.approx(2.5 * small.sum())
    alone, told = cleaned(small.astype(np.uint8), region, 1.0)
    assert np.array_equal(alone, small) and told.count == 0  # by itself it is the largest
    kept, told = cleaned((large | small).astype(np.uint8), replace(region, smallest_share=small.sum() / large.sum()), 1.0)
    assert np.array_equal(kept, large | small) and told.count == 0


def test_what_a_region_loses_its_inner_ones_lose_too():
    target = Grid((40, 40, 20), LPS @ np.diag([2.0, 1.0, 1.0, 1.0]))
    tumour = soft_ball(COARSE, CENTRE - 4.0, 11.0)
    elsewhere = soft_ball(COARSE, CENTRE + np.array([11.0, 11.0, 11.0]), 4.5)
    everywhere = torch.maximum(tumour, elsewhere)
    found = restore(torch.stack([everywhere, everywhere, elsewhere]), COARSE, target, BRAIN, PLAN)
    assert found.small_parts["WT"].count == 1 and set(found.small_parts) == {"WT"}
    assert found.small_parts["WT"].volume_mm3 == pytest.approx(4 / 3 * np.pi * 4.5**3, rel=0.1)
    assert found.masks["WT"].any() and not found.masks["ET"].any()


def test_the_target_box_covers_the_part():
    target = oblique(30, (1.0, 1.0, 2.0), (20, 40, 40), CENTRE)
    box = target_box(COARSE.cropped((slice(8, 12), slice(8, 12), slice(8, 12))), target)
    assert target_box(COARSE, COARSE) == tuple(slice(0, n) for n in COARSE.shape)
    inverse = np.linalg.inv(target.affine)
    inside = inverse @ np.append(CENTRE, 1.0)
    for s, index in zip(box, inside[2::-1]):
        assert s.start <= index <= s.stop - 1


def test_entropy_is_one_where_undecided_and_none_where_sure():
    undecided = entropy(torch.full((2, *COARSE.shape), 0.5), COARSE, COARSE)
    sure = entropy(torch.ones((2, *COARSE.shape)), COARSE, COARSE)
    assert np.allclose(undecided, 1.0) and sure.max() < 1e-4


def test_entropy_is_none_beyond_the_network_s_grid():
    """A small part, looked at from a turned grid whose box about it holds more than it."""
    part = COARSE.cropped((slice(8, 12), slice(8, 12), slice(8, 12)))
    target = oblique(30, (1.0, 1.0, 1.0), (24, 24, 24), CENTRE)
    found = entropy(torch.full((2, *part.shape), 0.5), part, target)
    index = np.stack(np.indices(target.shape)[::-1], axis=-1) @ target.affine[:3, :3].T + target.affine[:3, 3]
    within = (index - part.affine[:3, 3]) @ np.linalg.inv(part.affine[:3, :3]).T
    inner, outer = (((within >= -reach) & (within < 3 + reach)).all(axis=-1) for reach in (0, 0.5))
    assert inner.any() and np.allclose(found[inner], 1) and not found[~outer].any()


@pytest.mark.parametrize("degrees", [0, 25])
@pytest.mark.parametrize("seed", range(3))
def test_part_by_part_is_all_at_once(seed, degrees):
    """Several lumps apart from each other, on grids of more slices than are restored at a time, straight and turned."""
    target = oblique(degrees, (0.6, 0.7, 0.5), (75, 50, 60), CENTRE)
    random = np.random.default_rng(seed)
    lumps = [soft_ball(COARSE, CENTRE + random.uniform(-11, 11, 3), random.uniform(1, 5)) for _ in range(4)]
    probability = torch.stack(lumps).amax(dim=0)
    region = replace(BRAIN.region("WT"), smallest_ml=0.0, smallest_share=0.0)
    task = replace(BRAIN, regions=(region,), conventions=(), label_names=())
    whole = (resample(probability, COARSE, target) >= PLAN.threshold).numpy()
    limit = random.random(target.shape) < 0.9
    assert whole.any()
    assert np.array_equal(restore(probability[None], COARSE, target, task, PLAN).masks["WT"], whole)
    assert np.array_equal(restore(probability[None], COARSE, target, task, PLAN, Known(limit)).masks["WT"], whole & limit)


@pytest.mark.parametrize("seed", range(4))
def test_parts_are_dropped_as_if_looked_at_one_by_one(seed):
    random = np.random.default_rng(seed)
    mask = (random.random((9, 12, 14)) < 0.25).astype(np.uint8)
    before = mask.copy()
    labels = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(mask)))
    sizes = {label: int((labels == label).sum()) for label in range(1, labels.max() + 1)}
    large = replace(BRAIN.region("ET"), smallest_ml=0.004)
    assert np.array_equal(cleaned(mask, large, 1.0)[0], np.isin(labels, [label for label, size in sizes.items() if size >= 4]))
    assert cleaned(mask, LIVER.region("liver"), 1.0)[0].sum() == max(sizes.values())
    assert np.array_equal(mask, before)
