"""Augmentation: it replays, flips undo themselves, rotations are rotations, and what must stay, stays."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
import torch

from medsegdl_training.train.sampler import Batch
from medsegdl_training.transforms.augment import (
    Drawn,
    Recipe,
    apply,
    biased,
    blurred,
    coarsened,
    draw,
    geometry_of,
    joined,
    mirrored_only,
    recipe_for,
    spatial,
)
from MedSegDLLib.tasks import BRAIN, LIVER, NUCLEI, TASKS

STILL = Recipe(**{name: 0.0 for name in vars(Recipe()) if name.endswith("_share")})
RESTLESS = {name: 1.0 for name in vars(STILL) if name.endswith("_share")}


def augment(batch: Batch, recipe: Recipe, numbers: torch.Generator) -> Batch:
    """Draw and apply, as a step of training does."""
    return apply(batch, draw(recipe, tuple(batch.x.shape), numbers), recipe.bounds)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(*shape: int) -> Batch:
    """Blocks of smooth values, and regions of them."""
    x = torch.nn.functional.interpolate(torch.rand(shape[0], shape[1], *[4] * (len(shape) - 2), generator=generator(5)), size=shape[2:])
    return Batch(x, (x[:, :2] > 0.5).float(), torch.ones(shape[0], min(2, shape[1])))


def sample_for(task: object) -> Batch:
    return batch(3, 4, 8, 12, 16) if task is BRAIN else batch(3, 3, 16, 24)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_the_same_numbers_give_the_same_batch(task) -> None:
    recipe, given = replace(recipe_for(task), **RESTLESS), sample_for(task)
    drawn = draw(recipe, tuple(given.x.shape), generator())
    first, second = apply(given, drawn, recipe.bounds), apply(given, drawn, recipe.bounds)
    assert torch.equal(first.x, second.x)
    assert torch.equal(first.y, second.y)
    again, other = augment(given, recipe, generator()), augment(given, recipe, generator(1))
    assert torch.equal(first.x, again.x)
    assert not torch.equal(first.x, other.x)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_the_last_stretch_mirrors_and_no_more(task) -> None:
    recipe, given = mirrored_only(recipe_for(task)), sample_for(task)
    inside = replace(given, x=given.x.clamp(0.0, 1.0))
    mirrored = 0
    for seed in range(6):
        after = augment(inside, recipe, generator(seed))
        for x, y, x0, y0 in zip(after.x, after.y, inside.x, inside.y, strict=True):
            flips = [axes for axes in powerset(recipe.mirror) if torch.equal(y, y0.flip(axes))]
            kept = x.flatten(1).any(dim=1)
            assert any(torch.allclose(x[kept], x0.flip(axes)[kept], atol=1e-5) for axes in flips)
            assert recipe.drop_share or kept.all()
            mirrored += () not in flips
    assert mirrored or not recipe.mirror


def powerset(axes: tuple[int, ...]) -> list[tuple[int, ...]]:
    return [chosen for count in range(len(axes) + 1) for chosen in combinations(axes, count)]


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_what_comes_out_is_what_a_network_may_get(task) -> None:
    recipe, given = replace(recipe_for(task), **RESTLESS), sample_for(task)
    before = given.x.clone()
    out = augment(given, recipe, generator(3))
    assert out.x.shape == given.x.shape
    assert out.x.dtype == torch.float32
    assert torch.isfinite(out.x).all()
    assert set(out.y.unique().tolist()) <= {0.0, 1.0}
    assert torch.equal(given.x, before)
    if recipe.bounds:
        assert out.x.min() >= recipe.bounds[0]
        assert out.x.max() <= recipe.bounds[1]


@pytest.mark.parametrize("shape", [(2, 3, 16, 24), (2, 4, 8, 12, 16)])
def test_nothing_drawn_changes_nothing(shape) -> None:
    given = batch(*shape)
    out = augment(given, replace(STILL, bounds=(0.0, 1.0)), generator())
    torch.testing.assert_close(out.x, given.x, atol=1e-4, rtol=0)
    assert torch.equal(out.y, given.y)


@pytest.mark.parametrize(("shape", "axis"), [((1, 3, 16, 24), -1), ((1, 3, 16, 24), -2), ((1, 4, 8, 12, 16), -1), ((1, 4, 8, 12, 16), -3)])
def test_a_flip_is_the_array_reversed_and_its_own_inverse(shape, axis) -> None:
    x, matrix = batch(*shape).x, torch.eye(len(shape) - 2)[None].clone()
    matrix[0, axis, axis] = -1
    once = spatial(x, matrix)
    torch.testing.assert_close(once, x.flip(axis), atol=1e-4, rtol=0)
    torch.testing.assert_close(spatial(once, matrix), x, atol=2e-4, rtol=0)


def test_only_allowed_axes_are_flipped() -> None:
    drawn = draw(replace(STILL, mirror=(-1,)), (64, 4, 4, 4, 4), generator())
    assert torch.equal(drawn.matrix[:, 0, 0], torch.ones(64))
    assert set(drawn.matrix[:, 2, 2].tolist()) == {-1.0, 1.0}


def test_a_quarter_turn_is_exact_in_a_square_and_keeps_distances_elsewhere() -> None:
    x, turn = batch(1, 1, 16, 16).x, torch.tensor([[[0.0, -1.0], [1.0, 0.0]]])
    torch.testing.assert_close(spatial(x, turn), x.rot90(-1, (2, 3)), atol=1e-4, rtol=0)
    long = torch.zeros(1, 1, 20, 40)
    long[..., 9:11, 15:25] = 1  # 10 long, 2 wide
    turned = spatial(long, turn)[0, 0, :, 10:30] > 0.5  # further out lie its mirror images
    assert turned.any(1).sum() == 10
    assert turned.any(0).sum() == 2


def test_rotations_and_scales_stay_within_the_recipe() -> None:
    recipe = replace(STILL, rotation_share=1.0, scale_share=1.0, rotation_degrees=30.0, scale=(0.5, 2.0))
    matrix = draw(recipe, (200, 1, 8, 8), generator()).matrix
    zoom = 1 / torch.linalg.det(matrix).abs().sqrt()
    assert zoom.min() >= 0.5
    assert zoom.max() <= 2.0
    cosine = matrix[:, 0, 0] * zoom
    assert torch.rad2deg(torch.arccos(cosine.clamp(-1, 1))).max() <= 30.1


def test_channels_go_missing_but_never_all() -> None:
    recipe = replace(recipe_for(BRAIN), drop_share=1.0)
    drawn = draw(recipe, (200, 4, 4, 4, 4), generator())
    kept = drawn.keep.sum(1)
    assert set(kept.tolist()) == {1, 2, 3, 4}
    given = Batch(torch.rand(200, 4, 4, 4, 4) + 1, torch.zeros(200, 3, 4, 4, 4), torch.ones(200, 3))
    out = apply(given, drawn, None)
    assert torch.equal((out.x != 0).flatten(2).any(2), drawn.keep)


def test_channels_of_one_picture_or_one_scan_stay_together() -> None:
    for task in (LIVER, NUCLEI):
        drawn = draw(replace(recipe_for(task), **RESTLESS), (8, 3, 16, 16), generator())
        assert drawn.keep.all()
        assert torch.equal(drawn.gamma[:, 0], drawn.gamma[:, 2])


def test_the_background_of_a_z_scored_brain_stays_zero_and_a_missing_modality_missing() -> None:
    recipe = replace(recipe_for(BRAIN), **{**RESTLESS, "drop_share": 0.0})
    x = torch.randn(2, 4, 12, 12, 12)
    x[:, 2] = 0
    out = augment(Batch(x, torch.zeros(2, 3, 12, 12, 12), torch.ones(2, 3)), recipe, generator())
    assert not out.x[:, 2].any()
    x[..., :6] = 0
    still = replace(recipe, rotation_share=0, scale_share=0, mirror=())
    out = augment(Batch(x, torch.zeros(2, 3, 12, 12, 12), torch.ones(2, 3)), still, generator())
    assert not out.x[..., :5].any()


def test_inversion_turns_dark_pictures_over_and_leaves_bright_ones() -> None:
    given = batch(4, 3, 16, 16)
    dark, bright = replace(given, x=0.4 * given.x), replace(given, x=1 - 0.4 * given.x)
    recipe = replace(STILL, picture=True, invert_share=1.0, tint=0.0, bounds=(0.0, 1.0))
    torch.testing.assert_close(augment(dark, recipe, generator()).x, 1 - dark.x, atol=1e-4, rtol=0)
    torch.testing.assert_close(augment(bright, recipe, generator()).x, bright.x, atol=1e-4, rtol=0)


@pytest.mark.parametrize("shape", [(2, 1, 16, 16), (2, 1, 8, 8, 8)])
def test_blur_keeps_the_mean_and_coarsening_the_constant(shape) -> None:
    x = torch.zeros(shape)
    x[(slice(None), 0, *[n // 2 for n in shape[2:]])] = 1
    out = blurred(x, torch.tensor([0.0, 0.6]))
    assert torch.equal(out[0], x[0])
    assert out[1].sum().item() == pytest.approx(1, abs=1e-5)
    assert out[1].max() < 1
    flat = torch.full(shape, 0.25)
    torch.testing.assert_close(coarsened(flat, torch.tensor([0.5, 1.0])), flat)


@pytest.mark.parametrize("name", ["rotation", "scale", "gamma", "contrast", "noise", "blur", "coarse", "field", "stain", "dye", "invert"])
def test_every_change_alone_replays_and_does_something(name: str) -> None:
    shares = {f"{name}_share": 1.0, **({"invert_share": 1.0} if name == "dye" else {})}
    recipe = replace(STILL, picture=True, tint=0.0, bounds=(0.0, 1.0), **shares)
    given = replace(batch(2, 3, 16, 24), x=0.1 + 0.3 * batch(2, 3, 16, 24).x)
    drawn = draw(recipe, tuple(given.x.shape), generator(2))
    first, second, still = (
        apply(given, drawn, recipe.bounds),
        apply(given, drawn, recipe.bounds),
        apply(given, geometry_of(drawn), recipe.bounds),
    )
    assert torch.equal(first.x, second.x)
    assert (first.x - given.x).abs().amax() > 0.02
    assert torch.equal(first.y, still.y)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_samples_drawn_apart_are_augmented_together(task) -> None:
    recipe, given = replace(recipe_for(task), **RESTLESS), sample_for(task)
    parts = [draw(recipe, (1, *given.x.shape[1:]), generator(seed)) for seed in range(3)]
    together = apply(given, joined(parts), recipe.bounds)
    for i, part in enumerate(parts):
        alone = apply(Batch(given.x[i : i + 1], given.y[i : i + 1], given.weight[i : i + 1]), part, recipe.bounds)
        torch.testing.assert_close(together.x[i : i + 1], alone.x, atol=1e-4, rtol=1e-4)
        assert torch.equal(together.y[i : i + 1], alone.y)


@pytest.mark.parametrize("shape", [(2, 3, 16, 24), (2, 4, 8, 12, 16)])
def test_a_bias_field_multiplies_smoothly(shape) -> None:
    drawn = draw(replace(STILL, field_share=1.0, separate=True, drop_share=0.0), shape, generator())
    flat = torch.ones(shape)
    flat.flatten(2)[..., 0] = 0.0  # the lowest value is what the field does not change
    gain = biased(flat, drawn.field)
    assert (gain.flatten(2)[..., 0] == 0).all()
    assert gain.flatten(2)[..., 1:].min() > 0
    assert gain.std() > 0.1
    assert gain[:, 0].ne(gain[:, 1]).any()  # every modality has its own
    steps = gain.log().diff(dim=-1)[..., 1:]
    assert steps[steps.isfinite()].abs().max() < 8 * 0.4 / (shape[-1] / 3)  # from knot to knot it changes by a few deviations at most
    torch.testing.assert_close(biased(2 * flat, drawn.field), 2 * gain)


def test_only_scans_with_such_fields_get_one() -> None:
    assert recipe_for(LIVER).field_share == 0
    assert recipe_for(BRAIN).field_share > 0


def test_what_was_drawn_cannot_be_changed() -> None:
    drawn = draw(STILL, (1, 1, 4, 4), generator())
    assert isinstance(drawn, Drawn)
    with pytest.raises(AttributeError):
        drawn.gamma = drawn.noise
