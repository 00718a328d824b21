"""The diaphragm over a liver: muscle between it and the lungs, the heart and the wall. Only torch enters here.

It is darker than the liver and no part of it, but a network that saw thin ones only takes a thick one for the liver's rim.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from ..transforms.smoothing import blur
from .ct_images import BELOW_WALL, LUNGS, SKIN_MM, UNTOUCHED, Organ, Spacing, depth_of, grain_like
from .fields import smooth_field, uniform

THICKNESS_MM = (2.0, 13.0)  # the mean of one patient; it varies by half from place to place
REACH_MM = 9.0  # deviation of the blur that tells the distance from the liver
FOLD_MM = 60.0  # how far apart it is thick and thin
BELOW_SKIN = 0.8  # of `depth_of`: some 11 mm of skin and fat stay as they are
LEVEL_HU = (35.0, 95.0)  # muscle without and with contrast
LEAST_CONTRAST_HU = 20.0  # darker than the liver by so much at least


def grow_diaphragm(organs: Tensor, liver: Tensor, spacing_mm: Spacing, generator: Generator) -> Tensor:
    """Place of the muscle around a liver, towards the lungs, the wall of the trunk and upwards: (K, J, I) bool, disjoint from the liver.

    Args:
        organs: (K, J, I) uint8, k up; bone and vessels stay as they are.
        liver: (K, J, I) bool.
        spacing_mm: voxel sides along i, j, k.
    """
    thickness = uniform(generator, *THICKNESS_MM) * (1 + 0.5 * smooth_field(liver.shape, FOLD_MM / spacing_mm[0], generator))
    near = blur(liver[None].float(), [REACH_MM / side for side in spacing_mm[::-1]])[0] > torch.special.ndtr(-thickness / REACH_MM)
    lungs = torch.isin(organs, torch.tensor(LUNGS, dtype=torch.uint8))
    depth = depth_of(organs > 0, SKIN_MM / spacing_mm[0])
    wall = (depth > BELOW_SKIN) & (depth < BELOW_WALL)
    above = liver.cumsum(dim=0) > 0
    kept = torch.isin(organs, torch.tensor((Organ.OUTSIDE, *UNTOUCHED), dtype=torch.uint8))
    return near & (thickness > 0) & (lungs | wall | above) & ~kept & ~liver


def plant_diaphragm(hounsfield: Tensor, muscle: Tensor, liver: Tensor, level: float, generator: Generator) -> Tensor:
    """Replace the voxels of a real slab by muscle: (K, J, I) HU.

    Args:
        hounsfield: (K, J, I).
        muscle: (K, J, I) bool from `grow_diaphragm`.
        liver: (K, J, I) bool, for its grain.
        level: median HU of the liver.
        generator: of the level and the texture.
    """
    share = blur(muscle[None].float(), (0.2, *[uniform(generator, 0.4, 0.8)] * 2))[0]
    grain = grain_like(hounsfield, liver, generator)
    mean = min(uniform(generator, *LEVEL_HU), level - LEAST_CONTRAST_HU)
    tissue = mean + uniform(generator, 1, 8) * smooth_field(hounsfield.shape, 6.0, generator) + grain
    return hounsfield * (1 - share) + tissue * share
