"""Synthesis from label maps: laws that every made-up image must keep, whatever the numbers drawn."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from medsegdl_training.synthesis.brain_images import (
    TYPICAL,
    draw_levels,
    levels_in,
    other_contrast,
    paint,
    plant,
    standardise,
    tissue_intensities,
)
from medsegdl_training.synthesis.ct_images import (
    PRESSED,
    UNLIKE_HU,
    Organ,
    grow_in_liver,
    grow_outside,
    mass_level,
    other_phase,
    paint_block,
    plant_mass,
    plant_tumours,
)
from medsegdl_training.synthesis.fields import identity_coordinates, random_rotation, smooth_field, warp
from medsegdl_training.synthesis.lobes import plant_lobe
from medsegdl_training.synthesis.tissue import FLAIR, T1CE, Tissue, brain_tissue
from medsegdl_training.synthesis.tumours import cut_out, grow, regions_of, transplant
from medsegdl_training.transforms.smoothing import blur

SHAPE = (28, 32, 28)
SPACING_MM = (1.5, 1.5, 3.0)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def radius(shape: tuple[int, ...] = SHAPE) -> torch.Tensor:
    axes = torch.meshgrid(*[torch.arange(n, dtype=torch.float32) - (n - 1) / 2 for n in shape], indexing="ij")
    return torch.stack(axes).norm(dim=0)


def shells() -> torch.Tensor:
    """A ball of white matter in grey matter in fluid, with fluid in its middle."""
    r, tissue = radius(), torch.zeros(SHAPE, dtype=torch.uint8)
    for limit, value in ((13, Tissue.FLUID), (12, Tissue.GREY), (9, Tissue.WHITE), (2, Tissue.FLUID)):
        tissue[r < limit] = value
    return tissue


@pytest.fixture()
def abdomen() -> torch.Tensor:
    """Five planes of a round body with a liver, a lung, a spine and outside air."""
    organs = torch.zeros((5, 64, 72), dtype=torch.uint8)
    plane = radius((64, 72))
    organs[:, plane < 30] = Organ.BODY
    organs[:, 20:44, 12:34] = Organ.LIVER
    organs[:, 18:34, 44:54] = Organ.LEFT_LUNG
    organs[:, 48:54, 32:40] = Organ.BONE
    return organs


@pytest.mark.parametrize("seed", range(6))
def test_a_grown_tumour_lies_in_the_brain_and_spares_fluid(seed: int) -> None:
    healthy = shells()
    tissue = grow(healthy, seeded(seed))
    assert bool((tissue[healthy == 0] == 0).all())
    oedema = tissue == Tissue.OEDEMA
    assert not bool((oedema & (healthy == Tissue.FLUID)).any())
    assert bool((tissue >= Tissue.NECROSIS).any())


@pytest.mark.parametrize("seed", range(6))
def test_a_transplanted_tumour_lies_in_the_brain(seed: int) -> None:
    healthy = shells()
    r = radius((9, 9, 9))
    donor = cut_out(torch.stack([r < 4, r < 3, (r < 3) & (r > 1.5)]))
    tissue = transplant(healthy, donor, seeded(seed))
    assert bool((tissue[healthy == 0] == 0).all())
    assert bool((tissue != healthy).any())


@pytest.mark.parametrize("seed", range(4))
def test_regions_are_nested(seed: int) -> None:
    whole, core, enhancing = regions_of(grow(shells(), seeded(seed)))
    assert not bool((core & ~whole).any()) and not bool((enhancing & ~core).any())


def test_growing_in_nothing_changes_nothing() -> None:
    empty = torch.zeros(SHAPE, dtype=torch.uint8)
    assert torch.equal(grow(empty, seeded(0)), empty)
    assert torch.equal(transplant(empty, torch.ones(3, 2, 2, 2), seeded(0)), empty)


@pytest.mark.parametrize("seed", range(8))
def test_drawn_levels_show_a_tumour(seed: int) -> None:
    level = draw_levels([], seeded(seed))
    healthy = level[Tissue.GREY - 1 : Tissue.WHITE].amax(dim=0)
    assert level[Tissue.OEDEMA - 1, FLAIR] > healthy[FLAIR]
    assert level[Tissue.ENHANCING - 1, T1CE] > healthy[T1CE]


def test_a_painted_brain_is_finite_zero_outside_and_replays() -> None:
    tissue = grow(shells(), seeded(1))
    first, again = (standardise(paint(tissue, draw_levels([], seeded(2)), seeded(3)), tissue > 0) for _ in range(2))
    assert torch.equal(first, again)
    assert bool(torch.isfinite(first).all()) and bool((first[:, tissue == 0] == 0).all())
    inside = first[:, tissue > 0]
    assert torch.allclose(inside.mean(dim=1), torch.zeros(4), atol=1e-4) and torch.allclose(inside.std(dim=1), torch.ones(4), atol=1e-4)
    assert not torch.equal(first, standardise(paint(tissue, draw_levels([], seeded(2)), seeded(4)), tissue > 0))


def test_the_intensities_of_a_painted_map_is_what_was_painted() -> None:
    tissue = shells()
    image = TYPICAL.T[:, (tissue.long() - 1).clamp(min=0)] * (tissue > 0)
    intensities = tissue_intensities(image, tissue)
    assert torch.allclose(intensities.level[:3], TYPICAL[:3], atol=1e-5)
    assert bool(intensities.level[3:].isnan().all())
    assert torch.allclose(levels_in(intensities, TYPICAL)[:3], TYPICAL[:3], atol=1e-5)


def test_planting_leaves_the_rest_and_missing_modalities_alone() -> None:
    healthy = shells()
    tissue = grow(healthy, seeded(5))
    image = torch.randn((4, *SHAPE), generator=seeded(6)) * (healthy > 0)
    image[2] = 0
    planted = plant(image, healthy, tissue, TYPICAL, seeded(7))
    far = blur((tissue != healthy)[None].float(), 2.5)[0] == 0
    assert torch.equal(planted[:, far], image[:, far])
    assert bool((planted[2] == 0).all())
    assert not torch.equal(planted[3], image[3])


def test_another_contrast_leaves_tumour_outside_and_missing_modalities_alone() -> None:
    tissue = shells()
    tissue[10:14, 10:14, 20:24] = Tissue.OEDEMA
    image = torch.ones((4, *SHAPE)) * (tissue > 0)
    image[0] = 0
    changed = other_contrast(image, tissue, seeded(1))
    assert bool((changed[0] == 0).all()) and bool((changed[:, tissue == 0] == 0).all())
    grey = tissue == Tissue.GREY
    assert abs(float(changed[3, grey].mean()) - 1) > abs(float(changed[3, tissue == Tissue.OEDEMA].mean()) - 1)


def test_clustering_finds_the_tissues_that_were_painted() -> None:
    tissue = shells()
    noise = 0.1 * torch.randn((4, *SHAPE), generator=seeded(0))
    image = (TYPICAL.T[:, (tissue.long() - 1).clamp(min=0)] + noise) * (tissue > 0)
    found = brain_tissue(image, tissue > 0, torch.zeros(SHAPE, dtype=torch.bool))
    assert float((found == tissue).float().mean()) > 0.9
    assert bool((found[tissue == 0] == 0).all())


def test_clustering_covers_the_tumour_with_healthy_classes() -> None:
    tissue = shells()
    image = TYPICAL.T[:, (tissue.long() - 1).clamp(min=0)] * (tissue > 0)
    tumour = torch.zeros(SHAPE, dtype=torch.bool)
    tumour[10:18, 10:18, 4:10] = True
    image[:, tumour] = 5.0
    found = brain_tissue(image, tissue > 0, tumour)
    assert bool(((found[tumour & (tissue > 0)] >= Tissue.FLUID) & (found[tumour & (tissue > 0)] <= Tissue.WHITE)).all())


@pytest.mark.parametrize("seed", range(4))
def test_a_painted_block_has_air_outside_and_an_even_liver(abdomen: torch.Tensor, seed: int) -> None:
    slab = paint_block(abdomen, SPACING_MM, seeded(seed))
    assert slab.shape == (3, 64, 72) and bool(torch.isfinite(slab).all())
    corner = slab[:, :8, :8]
    assert float(corner.median()) < -700
    liver = slab[:, 24:40, 16:30]
    assert 30 < float(liver.median()) < 200
    assert torch.equal(slab, paint_block(abdomen, SPACING_MM, seeded(seed)))


@pytest.mark.parametrize("seed", range(6))
def test_made_up_liver_tumours_lie_in_the_liver_or_bulge_out_of_it_a_little(abdomen: torch.Tensor, seed: int) -> None:
    liver = abdomen == Organ.LIVER
    fresh = grow_in_liver(abdomen, liver, SPACING_MM, seeded(seed))
    assert bool((fresh & liver).any())
    assert set(abdomen[fresh].tolist()) <= {int(Organ.LIVER), int(Organ.BODY)}
    within_12_mm = F.max_pool2d(liver.float(), 17, stride=1, padding=8) > 0
    assert not bool((fresh & ~within_12_mm).any())


def test_some_made_up_liver_tumours_bulge_and_most_do_not(abdomen: torch.Tensor) -> None:
    liver, generator = abdomen == Organ.LIVER, seeded(1)
    bulging = sum(bool((grow_in_liver(abdomen, liver, SPACING_MM, generator) & ~liver).any()) for _ in range(40))
    assert 2 < bulging < 36


@pytest.mark.parametrize("seed", range(6))
def test_a_made_up_mass_takes_little_of_the_liver(abdomen: torch.Tensor, seed: int) -> None:
    liver = abdomen == Organ.LIVER
    mass = grow_outside(abdomen, liver, SPACING_MM, seeded(seed))
    assert int((mass & liver).sum()) <= PRESSED * int(mass.sum())


def test_a_planted_lobe_leaves_the_rest_of_the_liver_as_it_was(abdomen: torch.Tensor) -> None:
    slab, liver = torch.where(abdomen == Organ.LIVER, 110.0, -90.0), abdomen == Organ.LIVER
    lobe = torch.zeros_like(liver)
    lobe[:, 44:50, 16:28] = True
    planted = plant_lobe(slab, lobe, liver, 110.0, seeded(3))
    assert torch.equal(planted[:, :36], slab[:, :36])
    assert float(planted[2, 46:48, 19:25].mean()) > 80


@pytest.mark.parametrize("seed", range(6))
def test_made_up_masses_lie_in_the_body_and_spare_bone(abdomen: torch.Tensor, seed: int) -> None:
    fresh = grow_outside(abdomen, abdomen == Organ.LIVER, SPACING_MM, seeded(seed))
    assert bool(fresh.any())
    assert set(abdomen[fresh].tolist()) <= {int(Organ.BODY), int(Organ.LIVER), int(Organ.LEFT_LUNG)}
    assert bool((abdomen[fresh] != Organ.LIVER).any())


def test_some_made_up_masses_lie_where_lung_is_and_most_do_not(abdomen: torch.Tensor) -> None:
    generator = seeded(0)
    masses = [grow_outside(abdomen, abdomen == Organ.LIVER, SPACING_MM, generator) for _ in range(60)]
    in_lung = sum(bool((abdomen[mass] == Organ.LEFT_LUNG).any()) for mass in masses)
    assert 0 < in_lung < 30


def test_no_mass_is_as_bright_as_the_liver() -> None:
    levels = [mass_level(liver, seeded(seed)) for seed in range(200) for liver in (60.0, 110.0, 160.0)]
    livers = [liver for _ in range(200) for liver in (60.0, 110.0, 160.0)]
    assert min(abs(level - liver) for level, liver in zip(levels, livers)) >= UNLIKE_HU
    assert min(levels) < 20 and max(levels) > 165


def test_a_planted_mass_changes_its_place_only(abdomen: torch.Tensor) -> None:
    slab = torch.where(abdomen > 0, -100.0, -1000.0)
    fresh = grow_outside(abdomen, abdomen == Organ.LIVER, SPACING_MM, seeded(3))
    planted = plant_mass(slab, fresh, 110.0, seeded(4))
    far = blur(fresh[None].float(), 2.5)[0] == 0
    assert torch.allclose(planted[far], slab[far], atol=1e-3)
    assert float(planted[fresh].mean()) > float(slab[fresh].mean())


def test_no_liver_no_tumour(abdomen: torch.Tensor) -> None:
    nothing = torch.zeros_like(abdomen, dtype=torch.bool)
    assert not bool(grow_in_liver(abdomen, nothing, SPACING_MM, seeded(0)).any())


def test_a_planted_liver_tumour_changes_its_place_only(abdomen: torch.Tensor) -> None:
    slab = torch.where(abdomen == Organ.LIVER, 110.0, 0.0)
    fresh = torch.zeros_like(abdomen, dtype=torch.bool)
    fresh[1:4, 28:36, 20:28] = True
    planted = plant_tumours(slab, fresh, 110.0, seeded(2))
    assert torch.equal(planted[:, 44:], slab[:, 44:])
    assert abs(float(planted[2, 30:34, 22:26].mean()) - 110) > 5


def test_another_phase_leaves_the_air_alone(abdomen: torch.Tensor) -> None:
    slab = torch.full(abdomen.shape, -1000.0)
    changed = other_phase(slab, abdomen, seeded(0))
    assert torch.equal(changed[:, :6, :6], slab[:, :6, :6])
    assert not torch.equal(changed, slab)


@pytest.mark.parametrize("shape", [(20, 24), (10, 12, 14)])
def test_fields_blurs_and_warps(shape: tuple[int, ...]) -> None:
    field = smooth_field(shape, 4.0, seeded(0))
    assert field.shape == shape and float(field.std()) == pytest.approx(1, abs=1e-3)
    assert torch.allclose(blur(torch.full((2, *shape), 3.0), 1.5), torch.full((2, *shape), 3.0), atol=1e-4)
    assert torch.allclose(warp(field[None], identity_coordinates(shape))[0], field, atol=1e-4)
    turn = random_rotation(len(shape), seeded(1))
    assert torch.allclose(turn @ turn.T, torch.eye(len(shape)), atol=1e-5)
