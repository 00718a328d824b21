"""A lesion with what lies about it, set into another patient's brain. Only torch enters here.

As `CarveMix` does (Zhang et al., 2021), but with the healthy surroundings too: they show how the brains of other scanners look.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from ..transforms.smoothing import blur
from .fields import chance, smooth_field

SEAM_VOXELS = 1.0  # deviation of the Gaussian over which one brain passes into the other
ROUNDNESS = 4  # power of the rounded box: 2 is an ellipsoid
UNEVENNESS = 0.08  # of the cut, in half sides, so that no tumour ends at a plane
KNOT_VOXELS = 7.0  # width of its bumps


def graft(
    image: Tensor, regions: Tensor, lesion: tuple[Tensor, Tensor, Tensor], centre: Tensor, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Set a cube into an image; half of the time mirrored from left to right.

    Args:
        image: (4, *S) z-scored; modalities that are all 0 stay so.
        regions: (3, *S) bool.
        lesion: image (4, k, j, i), regions (3, k, j, i) bool and the voxels that show brain (k, j, i) bool, at the same voxel size.
        centre: (3,) where the cube's middle comes to lie.

    Returns:
        image and regions: the cube's where it shows brain and the host has brain, its edges and corners left out; the host's elsewhere.
    """
    values, nested, inside = (part.flip(-1) for part in lesion) if chance(generator, 0.5) else lesion
    carved = inside & _uneven_box(inside, generator)
    placed = _placed(torch.cat([values, nested.float(), carved[None].float()]), image.shape[1:], centre)
    brain = (image != 0).any(dim=0)
    shown = (placed[7] > 0.5) & brain
    share = (2 * blur(shown[None].float(), SEAM_VOXELS) - 1).clamp(0.0, 1.0) * shown
    present = (image.flatten(1) != 0).any(dim=1).view(4, 1, 1, 1)
    joined = torch.where(present, image * (1 - share) + placed[:4] * share, image)
    return joined, torch.where(share > 0.5, placed[4:7] > 0.5, regions)


def _uneven_box(inside: Tensor, generator: Generator) -> Tensor:
    """A rounded, uneven box around what the cube shows: (k, j, i) bool."""
    ranges = [torch.nonzero(inside.movedim(axis, 0).flatten(1).any(dim=1))[:, 0] for axis in range(3)]
    if not all(len(seen) for seen in ranges):
        return torch.zeros_like(inside)
    axes = [_scaled(side, int(seen[0]), int(seen[-1])) for side, seen in zip(inside.shape, ranges)]
    power = torch.stack(torch.meshgrid(*axes, indexing="ij")).abs().pow(ROUNDNESS).sum(dim=0)
    return power.pow(1 / ROUNDNESS) < 1 + UNEVENNESS * (smooth_field(inside.shape, KNOT_VOXELS, generator) - 1)


def _scaled(side: int, first: int, last: int) -> Tensor:
    """-1 at the outer face of the first voxel, 1 at that of the last: (side,)."""
    return (torch.arange(side) - (first + last) / 2) / ((last - first + 1) / 2)


def _placed(cube: Tensor, shape: torch.Size, centre: Tensor) -> Tensor:
    """(C, k, j, i) in a volume of nothing: (C, *shape), what leaves it cut off."""
    volume = torch.zeros((cube.shape[0], *shape))
    source, target = [slice(None)], [slice(None)]
    for middle, side, length in zip(centre.tolist(), cube.shape[1:], shape):
        first = int(middle) - side // 2
        low, high = max(first, 0), min(first + side, length)
        source.append(slice(low - first, high - first))
        target.append(slice(low, high))
    volume[tuple(target)] = cube[tuple(source)]
    return volume
