"""Fluid, grey and white matter of skull-stripped MR volumes by clustering. Only torch enters here.

Good enough to draw new images from; not a measurement.
"""

from __future__ import annotations

from enum import IntEnum

import torch
from torch import Tensor

from ..transforms.smoothing import blur

ROUNDS = 5
TRUST = 0.5  # of a class's own mean; the rest is the typical level, since k-means would make the classes equally large
SMOOTHING = 0.6  # voxels; noise would otherwise scatter single voxels into wrong classes
CLIP = 2.5  # deviations; vessels and lesions must not draw a centre to themselves
T1, T1CE, T2, FLAIR = range(4)


class Tissue(IntEnum):
    """Values of brain label maps."""

    BACKGROUND = 0
    FLUID = 1
    GREY = 2
    WHITE = 3
    NECROSIS = 4  # with the non-enhancing core
    OEDEMA = 5
    ENHANCING = 6


# Grey levels of t1, t1ce, t2, flair in deviations of the brain, by what each weighting shows.
# Rows: fluid, grey, white, necrosis, oedema, enhancing.
TYPICAL = torch.tensor(
    [
        [-1.9, -1.7, 1.6, -1.7],
        [-0.3, -0.3, 0.0, -0.1],
        [0.7, 0.6, -0.6, -0.1],
        [-0.9, -0.9, 1.8, 0.8],
        [-0.2, -0.2, 1.0, 1.5],
        [-0.1, 2.2, 0.9, 1.4],
    ]
)


def brain_tissue(image: Tensor, brain: Tensor, tumour: Tensor) -> Tensor:
    """Tissue classes by k-means over the modalities that are there.

    Args:
        image: (4, K, J, I) z-scored, in the order t1, t1ce, t2, flair; missing ones all 0.
        brain: (K, J, I) bool.
        tumour: (K, J, I) bool; left out of the clustering, then given the classes of the mirrored place.

    Returns:
        (K, J, I) uint8 of FLUID, GREY, WHITE inside the brain, 0 outside.
    """
    present = [c for c in (T1, T1CE, T2, FLAIR) if bool((image[c] != 0).any())]
    values = blur(image[present], SMOOTHING).clamp(-CLIP, CLIP)
    healthy = values[:, brain & ~tumour].T
    centres = _centres(healthy, TYPICAL[:3, present])
    labels = torch.zeros(brain.shape, dtype=torch.uint8)
    labels[brain] = (torch.cdist(values[:, brain].T, centres).argmin(dim=1) + 1).to(torch.uint8)
    return _without_tumour(labels, brain, tumour)


def _centres(values: Tensor, typical: Tensor) -> Tensor:
    """Centres of fluid, grey and white matter for (n, channels), held near `typical` (3, channels)."""
    centres = typical
    for _ in range(ROUNDS):
        labels = torch.cdist(values, centres).argmin(dim=1)
        means = torch.stack([values[labels == k].mean(dim=0) if bool((labels == k).any()) else typical[k] for k in range(3)])
        centres = TRUST * means + (1 - TRUST) * typical
    return centres


def _without_tumour(labels: Tensor, brain: Tensor, tumour: Tensor) -> Tensor:
    """The tumour's voxels get the classes of the mirrored place, or white matter where that is no brain."""
    columns = brain.any(dim=0).any(dim=0).nonzero()[:, 0]
    left, right = int(columns[0]), int(columns[-1])
    mirrored = labels.clone()
    mirrored[..., left : right + 1] = labels[..., left : right + 1].flip(-1)
    sick = torch.zeros_like(tumour)
    sick[..., left : right + 1] = tumour[..., left : right + 1].flip(-1)
    filling = torch.where((mirrored == 0) | sick, torch.full_like(labels, Tissue.WHITE), mirrored)
    return torch.where(tumour & brain, filling, labels)
