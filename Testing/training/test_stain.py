"""Stains: they act in optical density, a dye keeps its colour, white ground stays white unless stained, and drawing replays."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from medsegdl_training.transforms.stain import DARKEST, STAINS, Stain, density, draw_stain, no_stain, stained


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(n: int = 6) -> torch.Tensor:
    return torch.rand(n, 3, 12, 16, generator=generator(9))


def drawn(n: int, inverted: bool, seed: int = 1) -> Stain:
    return draw_stain(1.0, 1.0, torch.full((n,), inverted), generator(seed))


def test_no_stain_is_no_change() -> None:
    assert stained(pictures(), no_stain(6)) is not None
    assert torch.equal(stained(pictures(), no_stain(6)), pictures())
    some = replace(drawn(6, False), acts=torch.tensor([True, False] * 3))
    changed = (stained(pictures(), some) != pictures()).flatten(1).any(1)
    assert changed.tolist() == [True, False] * 3


@pytest.mark.parametrize("inverted", [False, True])
def test_the_same_numbers_give_the_same_picture_within_its_bounds(inverted: bool) -> None:
    stain = drawn(6, inverted)
    first = stained(pictures(), stain)
    assert torch.equal(first, stained(pictures(), stain))
    assert 0 <= first.min() <= first.max() <= 1
    assert not torch.equal(first, stained(pictures(), drawn(6, inverted, seed=2)))


def test_half_the_light_is_the_logarithm_of_two() -> None:
    assert density(torch.tensor([1.0, 0.5, 0.0])).tolist() == pytest.approx([0.0, 0.6931472, -torch.tensor(DARKEST).log().item()])


@pytest.mark.parametrize("dye", range(3))
def test_jitter_changes_how_much_of_a_stain_there_is_and_not_its_colour(dye: int) -> None:
    stain = replace(drawn(20, False), ground=torch.zeros(20, 3))
    x = torch.exp(-0.8 * STAINS[dye])[None, :, None, None].expand(20, 3, 2, 2)
    after = density(stained(x, stain))[:, :, 0, 0]
    strength = after.norm(dim=1)
    torch.testing.assert_close(after / strength[:, None], STAINS[dye].expand(20, 3) / STAINS[dye].norm(), atol=2e-3, rtol=0)
    assert strength.min() >= 0.8 * 0.6 - 1e-3
    assert strength.max() <= 0.8 * 1.5 + 1e-3
    assert strength.std() > 0.05


def test_a_white_ground_stays_white_unless_it_takes_up_stain() -> None:
    stain, white = drawn(6, False), torch.ones(6, 3, 4, 4)
    torch.testing.assert_close(stained(white, replace(stain, ground=torch.zeros(6, 3))), white)
    assert (stained(white, stain) < 1).any()


def test_a_dyed_picture_has_one_colour_and_keeps_what_is_dark_dark() -> None:
    stain = drawn(6, True)
    grey = torch.linspace(0.2, 1.0, 50)[None, None, None].expand(6, 3, 1, 50).contiguous()
    plain = replace(stain, texture=torch.zeros_like(stain.texture))
    out = stained(grey, plain)
    assert (out.diff(dim=-1) >= 0).all()
    deep = density(out)[:, :, 0, :-1]
    colour = deep / deep.norm(dim=1, keepdim=True)
    torch.testing.assert_close(colour, colour[:, :, :1].expand_as(colour), atol=1e-3, rtol=0)
    assert (stained(grey, stain) != out).any()  # the ground is as uneven as tissue


def test_dyes_are_for_inverted_pictures() -> None:
    inverted = torch.tensor([True, False] * 50)
    stain = draw_stain(0.0, 1.0, inverted, generator())
    assert torch.equal(stain.acts, inverted)
    assert not stain.texture[1::2].any()
    assert draw_stain(0.5, 0.0, inverted, generator()).acts.float().mean() == pytest.approx(0.5, abs=0.2)
