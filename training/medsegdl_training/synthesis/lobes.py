"""Made-up lobes: livers reach as far to the left, down or forward as those of the few patients at hand do not. Only torch enters here.

A network that saw two livers learns where they end; one that also saw them end elsewhere has to look.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from ..transforms.smoothing import blur
from .ct_images import BELOW_WALL, CLOSE_BY_MM, FAT_HU, LONGISH, LUNGS, SKIN_MM, UNTOUCHED, Organ, Spacing, around, depth_of, grain_like
from .fields import chance, pick, smooth_field, uniform

LOBE_RADIUS_MM = (12.0, 50.0)
SOLID = (Organ.LEFT_KIDNEY, Organ.RIGHT_KIDNEY, Organ.HEART)  # a lobe lies beside them
LEFTWARD = 0.65  # share of the lobes that lengthen the left lobe, over the stomach towards the spleen
RAISED = 0.5  # share of those that also lie where the left lung or the spleen was
LEFT_RADIUS_MM, LEFT_STRETCH = (20.0, 45.0), ((0.3, 0.9), (0.6, 1.3), (1.2, 2.2))
TIP = 0.8  # of a raised lobe, the share that lies further to the right than the root of its tail, which goes on around the spleen
TAIL_RADIUS_MM, TAIL_STRETCH = (15.0, 35.0), ((0.4, 0.9), (0.9, 2.0), (0.8, 1.6))
LEFTMOST = 0.85  # of the places beside a liver, the share that lies further to the right than such a lobe's
SPINE_HALF_MM, BEFORE_SPINE_MM = 50.0, 25.0  # how far beside its middle and before the vertebrae no lobe lies
NEAR_LIVER = 0.08  # of a liver blurred by `CLOSE_BY_MM`


def grow_lobe(organs: Tensor, liver: Tensor, spacing_mm: Spacing, generator: Generator) -> Tensor:
    """Place of more liver beside a liver: (K, J, I) bool, disjoint from it.

    Args:
        organs: (K, J, I) uint8, i to the patient's left; the wall of the belly, solid organs, bone, vessels, and mostly lungs and spleen
            stay as they are.
        liver: (K, J, I) bool; nothing grows where it is empty.
        spacing_mm: voxel sides along i, j, k.
    """
    leftward = chance(generator, LEFTWARD)
    raised = leftward and chance(generator, RAISED)
    free = _room(organs, liver, spacing_mm, raised)
    reach = CLOSE_BY_MM / spacing_mm[0]
    places = (free & (blur(liver[None].float(), (0.0, reach, reach))[0] > NEAR_LIVER)).nonzero()
    if not len(places):
        return torch.zeros_like(liver)
    radii_mm, stretch = LOBE_RADIUS_MM, LONGISH
    if leftward:
        places = places[places[:, 2] >= places[:, 2].float().quantile(LEFTMOST)]
        radii_mm, stretch = LEFT_RADIUS_MM, LEFT_STRETCH
    centre = places[pick(generator, len(places))].float()
    lobe = free & around(centre, radii_mm, liver.shape, spacing_mm, generator, stretch)
    if not raised or not bool(lobe.any()):
        return lobe
    tips = lobe.nonzero()
    tips = tips[tips[:, 2] >= tips[:, 2].float().quantile(TIP)]
    tip = tips[pick(generator, len(tips))].float()
    return lobe | (free & around(tip, TAIL_RADIUS_MM, liver.shape, spacing_mm, generator, TAIL_STRETCH))


def _room(organs: Tensor, liver: Tensor, spacing_mm: Spacing, raised: bool) -> Tensor:
    """Where a liver may reach: in the belly, under the diaphragm, away from the spine, in no solid organ: (K, J, I) bool."""
    obstacles = torch.tensor((*UNTOUCHED, *SOLID, *(() if raised else (*LUNGS, Organ.SPLEEN))), dtype=torch.uint8)
    inside = depth_of(organs > 0, SKIN_MM / spacing_mm[0]) > BELOW_WALL
    below = (liver.cumsum(dim=0) == 0) & (liver.flatten(1).any(dim=1).flip(0).cumsum(dim=0).flip(0) > 0)[:, None, None]
    return inside & below & ~_beside_spine(organs, spacing_mm) & ~torch.isin(organs, obstacles) & ~liver


def _beside_spine(organs: Tensor, spacing_mm: Spacing) -> Tensor:
    """The great vessels, the crura and the muscles on both sides of the vertebrae: (J, I) bool, nowhere without bone."""
    bone = organs == Organ.BONE
    behind = torch.zeros(organs.shape[1:], dtype=torch.bool)
    if not bool(bone.any()):
        return behind
    middle = int(bone.nonzero()[:, 2].median())
    half = round(SPINE_HALF_MM / spacing_mm[0])
    columns = slice(max(0, middle - half), middle + half + 1)
    rows = bone[:, :, columns].nonzero()[:, 1]
    front = int(rows.float().quantile(0.2)) if len(rows) else organs.shape[1]  # ribs and breast bone are fewer
    behind[max(0, front - round(BEFORE_SPINE_MM / spacing_mm[1])) :, columns] = True
    return behind


def plant_lobe(hounsfield: Tensor, lobe: Tensor, liver: Tensor, level: float, generator: Generator) -> Tensor:
    """Replace the voxels of a real slab by liver, sometimes with a layer of fat around it, but not towards the liver: (K, J, I) HU.

    Args:
        hounsfield: (K, J, I).
        lobe: (K, J, I) bool from `grow_lobe`.
        liver: (K, J, I) bool, the liver as it was.
        level: median HU of that liver.
        generator: of the texture.
    """
    edge = (0.2, *[uniform(generator, 0.4, 0.8)] * 2)
    whole = blur((lobe | liver)[None].float(), edge)[0]
    share = blur(lobe[None].float(), edge)[0]
    grain = grain_like(hounsfield, liver, generator)
    tissue = level + uniform(generator, 1, 5) * smooth_field(hounsfield.shape, 6.0, generator) + grain
    planted = hounsfield * (1 - share) + tissue * share
    if chance(generator, 0.5):
        rim = (4 * share * (1 - whole)).clamp(0, 1) * ~lobe  # a thin one stays liver
        planted = planted * (1 - rim) + uniform(generator, *FAT_HU) * rim
    return planted
