"""Made-up organs around a named liver: they lie where a body has them, and never on what the map names."""

from __future__ import annotations

import pytest
import torch

from medsegdl_training.synthesis.anatomy import completed, raised
from medsegdl_training.synthesis.ct_images import Organ

SPACING_MM = (4.0, 4.0, 4.0)
SHAPE = (50, 64, 90)


@pytest.fixture(scope="module")
def abdomen() -> torch.Tensor:
    """A body with ribs, a spine and a liver on the right, under a chest: k up, j to the back, i to the left."""
    k, j, i = torch.meshgrid(*[torch.arange(n, dtype=torch.float32) for n in SHAPE], indexing="ij")
    radius = ((j - 32) / 30) ** 2 + ((i - 45) / 43) ** 2
    organs = torch.where(radius < 1, int(Organ.BODY), 0).to(torch.uint8)
    ribs = (radius > 0.68) & (radius < 0.78) & (k % 6 < 2) & (k > 10)
    spine = ((j - 50) ** 2 + (i - 45) ** 2) < 25
    liver = ((k - 22) / 11) ** 2 + ((j - 30) / 16) ** 2 + ((i - 28) / 17) ** 2 < 1
    organs[ribs | spine] = Organ.BONE
    organs[liver & ~ribs & ~spine] = Organ.LIVER
    return organs


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def centre(organs: torch.Tensor, organ: Organ) -> torch.Tensor:
    return (organs == organ).nonzero().float().mean(dim=0)


@pytest.mark.parametrize("seed", range(4))
def test_only_the_unnamed_body_is_painted_over(abdomen: torch.Tensor, seed: int) -> None:
    full = completed(abdomen, SPACING_MM, seeded(seed))
    changed = full != abdomen
    assert bool(changed.any()) and bool((abdomen[changed] == Organ.BODY).all())
    assert torch.equal(full, completed(abdomen, SPACING_MM, seeded(seed)))


def test_the_organs_lie_where_a_body_has_them(abdomen: torch.Tensor) -> None:
    maps = [completed(abdomen, SPACING_MM, seeded(seed)) for seed in range(8)]
    liver = centre(abdomen, Organ.LIVER)
    seen = set()
    for full in maps:
        lungs = centre(full, Organ.LEFT_LUNG)
        assert float(lungs[0]) > float(liver[0]), "lungs lie above the liver"
        for organ in (Organ.HEART, Organ.SPLEEN, Organ.STOMACH, Organ.LEFT_KIDNEY):
            if bool((full == organ).any()):
                seen.add(organ)
                assert float(centre(full, organ)[2]) > float(liver[2]), f"{organ.name} lies left of the liver"
        if bool((full == Organ.HEART).any()):
            assert float(centre(full, Organ.HEART)[0]) > float(liver[0])
    assert seen == {Organ.HEART, Organ.SPLEEN, Organ.STOMACH, Organ.LEFT_KIDNEY}


def test_named_organs_are_not_made_up_again(abdomen: torch.Tensor) -> None:
    named = abdomen.clone()
    named[40:45, 20:30, 40:50] = Organ.HEART
    full = completed(named, SPACING_MM, seeded(1))
    assert torch.equal(full == Organ.HEART, named == Organ.HEART)


def test_without_bones_or_liver_nothing_is_guessed(abdomen: torch.Tensor) -> None:
    for missing in (Organ.BONE, Organ.LIVER):
        bare = abdomen.masked_fill(abdomen == missing, int(Organ.BODY))
        assert torch.equal(completed(bare, SPACING_MM, seeded(0)), bare)


def test_a_raised_map_keeps_bones_and_drops_organs(abdomen: torch.Tensor) -> None:
    cut = abdomen[:24]
    tall = raised(cut, 5)
    assert tall.shape == (29, *SHAPE[1:]) and torch.equal(tall[:24], cut)
    assert not bool((tall[24:] == Organ.LIVER).any())
    assert torch.equal(tall[-1] == Organ.BONE, cut[-1] == Organ.BONE)
