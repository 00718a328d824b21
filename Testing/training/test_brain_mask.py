"""The brain mask's sampler on made-up heads and brains, and the skulls that are drawn around brains."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from medsegdl_training.cases.selection import Selection
from medsegdl_training.synthesis.head_images import TYPICAL, Frame, Part, draw_levels, draw_parts, paint_parts
from medsegdl_training.train.brain_mask_sampler import BrainMaskSampler, Mixture, find_names, half_of, make_sampler, middle_of
from MedSegDLLib.errors import InputRefused
from MedSegDLLib.tasks import BRAIN_MASK

from .test_brain import write, write_patient

PATCH = (24, 28, 24)
BRAIN_RADIUS, SKULL_RADIUS, HEAD_RADIUS = 14, 16, 19  # voxels of 3 mm
BRAIN_LEVEL, SCALP_LEVEL = 500, 900


def write_head(folder: Path) -> None:
    """A brain in a dark skull in a bright scalp, and its mask; another patient's image without a mask is no case."""
    folder.mkdir(parents=True)
    k, j, i = np.indices((44, 44, 44)) - 21.5
    r = np.sqrt(k**2 + j**2 + i**2)
    noise = np.random.default_rng(0).normal(0, 10, r.shape)
    levels = np.select([r < BRAIN_RADIUS, r < SKULL_RADIUS, r < HEAD_RADIUS], [BRAIN_LEVEL, 40, SCALP_LEVEL], 0)
    write(np.abs(levels + noise).astype(np.int16), folder / "t1.nii.gz")
    write((r < BRAIN_RADIUS).astype(np.uint8), folder / "t1_brain.nii.gz")
    write(np.abs(noise).astype(np.int16), folder / "t2.nii.gz")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("heads")
    write_head(place / "heads" / "somebody")
    write_patient(place / "brain", "stripped", 4, 0)
    return place


@pytest.fixture(scope="module")
def sampler(folder: Path) -> BrainMaskSampler:
    return make_sampler(Selection(folder), BRAIN_MASK.plan, PATCH, seed=0)


def of_kind(sampler: BrainMaskSampler, **mixture: float) -> BrainMaskSampler:
    """One kind of sample only, neither bent nor seen by another scanner."""
    none = dict.fromkeys(("real", "exchanged", "painted", "cavity", "bare", "bent"), 0.0)
    return replace(sampler, mixture=Mixture(**{**none, **mixture}))


def drawn(sampler: BrainMaskSampler, seed: int = 0, batch: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    found = sampler.draw(torch.Generator().manual_seed(seed), batch)
    return found.x, found.y


def test_heads_with_a_mask_and_stripped_brains_are_the_cases(folder: Path, sampler: BrainMaskSampler) -> None:
    assert find_names(folder) == ["somebody_t1", "stripped"] and sampler.cases == ("somebody_t1", "stripped")
    assert "1 images of heads" in sampler.data and "1 stripped" in sampler.data
    bare = make_sampler(Selection(folder, ("somebody_t1",)), BRAIN_MASK.plan, PATCH, seed=0)
    assert bare.cases == ("stripped",)
    with pytest.raises(InputRefused, match="only stripped brains"):
        bare.without_synthesis()
    with pytest.raises(InputRefused, match="no heads"):
        make_sampler(Selection(folder, ("somebody_t1", "stripped")), BRAIN_MASK.plan, PATCH, seed=0)
    assert sampler.data_hash != bare.data_hash


def test_a_seed_replays_a_batch_and_shares_lie_between_0_and_1(sampler: BrainMaskSampler) -> None:
    x, y = drawn(sampler, 3, 4)
    again, other = drawn(sampler, 3, 4), drawn(sampler, 4, 4)
    assert x.shape == y.shape == (4, 1, *PATCH) and torch.isfinite(x).all()
    assert torch.equal(x, again[0]) and torch.equal(y, again[1]) and not torch.equal(x, other[0])
    assert float(y.min()) >= 0 and float(y.max()) <= 1 + 1e-5 and float(y.amax(dim=(1, 2, 3, 4)).min()) > 0.5


def test_a_real_head_keeps_its_skull_and_its_mask(sampler: BrainMaskSampler) -> None:
    """Straight and as it is: the share of the brain is the mask's volume, and the scalp is brighter than the brain."""
    x, y = drawn(of_kind(sampler, real=1.0))
    ml = float(y.sum()) * 0.216
    assert ml == pytest.approx(4 / 3 * np.pi * (BRAIN_RADIUS * 0.3) ** 3, rel=0.05)
    inside = x[0, 0][y[0, 0] > 0.95]
    assert x.max() > inside.mean() + 1 and inside.std() < 0.5
    head = x[0, 0][x[0, 0] != 0]
    assert float(head.mean()) == pytest.approx(0, abs=1e-4) and float(head.std()) == pytest.approx(1, abs=1e-3)


def test_another_brain_fills_the_place_of_a_heads_own(sampler: BrainMaskSampler) -> None:
    """The stripped brain keeps its size, for the head is scaled to it; around it the head is there, and its levels are the head's."""
    x, y = drawn(of_kind(sampler, exchanged=1.0))
    stripped = sampler.brains[0]
    half = half_of(y[0, 0] > 0.5)
    assert torch.allclose(half, half_of(stripped.mask) * 3 / 6, atol=1.1)
    around = x[0, 0][(y[0, 0] < 0.01) & (x[0, 0] != 0)]
    inside = x[0, 0][y[0, 0] > 0.95]
    assert around.numel() > 500 and float(around.std()) > 10 * float(inside.std())


def test_a_drawn_head_holds_the_brain_and_a_bare_brain_nothing_else(sampler: BrainMaskSampler) -> None:
    with_head, y = drawn(of_kind(sampler))
    bare, mask = drawn(of_kind(sampler, bare=1.0))
    assert torch.allclose(y, mask)
    outside = y[0, 0] < 0.001
    assert float((with_head[0, 0][outside] != 0).float().mean()) > 0.1
    assert int((bare[0, 0][outside].abs() > 1e-3).sum()) <= 0.05 * int(outside.sum())


def test_a_cavity_changes_the_image_and_never_the_mask(sampler: BrainMaskSampler) -> None:
    """A resection cavity stays within the brain: the same head, the same mask, another grey level at its surface."""
    seeds = range(4)
    plain = [drawn(of_kind(sampler, bare=1.0), seed) for seed in seeds]
    holed = [drawn(of_kind(sampler, bare=1.0, cavity=1.0), seed) for seed in seeds]
    assert all(torch.equal(one[1], other[1]) for one, other in zip(plain, holed))
    assert all(not torch.equal(one[0], other[0]) for one, other in zip(plain, holed))


def test_held_against_shares_the_favoured_case_is_drawn_more_often(sampler: BrainMaskSampler) -> None:
    assert sampler.emphasising({"somebody_t1": 3.0}).shares == {"somebody_t1": 3.0} and sampler.shares == {}
    assert sampler.in_shape().mixture.bent == 0.0 and sampler.without_synthesis().mixture.real == 1.0


# ---- what is drawn around a brain


def frame(half: tuple[float, float, float] = (60.0, 80.0, 65.0), mm: float = 6.0) -> Frame:
    """An ellipsoid of a brain in the middle of 250 x 280 x 250 mm."""
    axes = [(torch.arange(round(side / mm), dtype=torch.float32) - (round(side / mm) - 1) / 2) * mm for side in (250, 280, 250)]
    place = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    radius = torch.sqrt(sum((one / side) ** 2 for one, side in zip(place, half)))
    return Frame(place, (radius - 1) * min(half), half, (-half[0], 10.0, 0.0))


@pytest.mark.parametrize("seed", range(4))
def test_drawn_parts_lie_where_they_belong(seed: int) -> None:
    where = frame()
    parts = draw_parts(where, torch.Generator().manual_seed(seed))
    up, back, left = where.place
    assert parts.shape == where.distance.shape and parts.dtype == torch.uint8 and int(parts.max()) <= max(Part)
    eyes = parts == Part.EYE
    assert eyes.any() and (back[eyes] < 0).all() and left[eyes].min() < 0 < left[eyes].max()
    cord = (parts == Part.CORD) & (left.abs() < 10) & (up < -70)
    assert cord.any(), "below the brain there is the cord"
    near = (where.distance > 0) & (where.distance < 8) & (up > 0)
    assert not (parts[near] == Part.AIR).any(), "no air between the vault's brain and its skull"
    bone = (parts == Part.BONE) & (up > 0)
    assert bone.any() and (where.distance[bone] > -6).all() and (parts[where.distance > 120] == Part.AIR).all()


def test_grey_levels_are_those_of_the_contrast_or_any_and_never_negative() -> None:
    generator = torch.Generator().manual_seed(0)
    levels = torch.stack([draw_levels(number % 4, 0.4, generator) for number in range(200)])
    assert levels.shape == (200, len(Part)) and float(levels.min()) >= 0
    assert 0.7 < float((levels[:, Part.FLUID] - 0.4).abs().lt(1e-6).float().mean()) < 0.9, "the fluid of the brain goes on around it"
    dark_fat = float((levels[:, Part.FAT] < 0.3).float().mean())
    assert 0.2 < dark_fat < 0.7, "fat is suppressed in a part of the heads only"
    assert TYPICAL.shape == (len(Part), 4)


def test_painting_gives_each_part_its_level_and_air_almost_none() -> None:
    parts = torch.full((20, 20, 20), int(Part.AIR), dtype=torch.uint8)
    parts[10:] = Part.FAT
    image = paint_parts(parts, draw_levels(0, 0.2, torch.Generator().manual_seed(1)), torch.Generator().manual_seed(2))
    assert float(image[10:].mean()) > 5 * float(image[:10].abs().mean())


def test_the_middle_and_the_half_of_a_box() -> None:
    mask = torch.zeros(10, 12, 14)
    mask[2:5, 4:10, 1:3] = 1
    assert middle_of(mask).tolist() == [3.0, 6.5, 1.5] and half_of(mask).tolist() == [1.5, 3.0, 1.0]
