"""What training minimises: Dice with binary cross-entropy a region, or the paper's Dice and IoU, over all supervised levels.

Tensors in, one number out; outputs that a sample has no label for do not count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

SMOOTH = 1.0  # voxels added to both sides of a ratio: an empty region costs little if nothing is predicted

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def _sums(p: Tensor, y: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection and total of every output over the batch, each (R,)."""
    w = weight.reshape(*weight.shape, *[1] * (p.ndim - 2))
    axes = [0, *range(2, p.ndim)]
    return (w * p * y).sum(axes), (w * (p + y)).sum(axes)


def _mean_over_labelled(value: Tensor, weight: Tensor) -> Tensor:
    """Mean of (R,) over the outputs that any sample of the batch is labelled for."""
    labelled = (weight.sum(0) > 0).to(value.dtype)
    return (value * labelled).sum() / labelled.sum().clamp(min=1)


def soft_dice(p: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """Soft Dice of every output over the whole batch: (N, R, *S), (N, R, *S), (N, R) -> (R,)."""
    intersection, total = _sums(p, y, weight)
    return (2 * intersection + SMOOTH) / (total + SMOOTH)


def soft_iou(p: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """Soft intersection over union of every output over the whole batch: -> (R,)."""
    intersection, total = _sums(p, y, weight)
    return (intersection + SMOOTH) / (total - intersection + SMOOTH)


def dice_and_cross_entropy(logits: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """1 - soft Dice plus binary cross-entropy, mean over outputs (nnU-Net's loss for regions)."""
    p = torch.sigmoid(logits)
    w = weight.reshape(*weight.shape, *[1] * (logits.ndim - 2))
    entropy = F.binary_cross_entropy_with_logits(logits, y, reduction="none") * w
    per_voxel = logits[0, 0].numel() * weight.sum().clamp(min=1)
    return _mean_over_labelled(1 - soft_dice(p, y, weight), weight) + entropy.sum() / per_voxel


def paper(logits: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """0.5 (1 - soft Dice) + 0.5 (1 - soft IoU), Punn and Agarwal 2020."""
    p = torch.sigmoid(logits)
    return _mean_over_labelled(0.5 * (1 - soft_dice(p, y, weight)) + 0.5 * (1 - soft_iou(p, y, weight)), weight)


LOSSES: dict[str, Loss] = {"dice-bce": dice_and_cross_entropy, "paper": paper}


def deep_supervision(levels: Sequence[Tensor], y: Tensor, weight: Tensor, loss: Loss = dice_and_cross_entropy) -> Tensor:
    """Weighted mean of the loss over the network's levels: 1, 1/2, 1/4 ... from the finest on.

    Args:
        levels: logits (N, R, *S / 2^l), as `InceptionUNet.supervised` gives them.
        y: (N, R, *S) targets; coarser levels see their means over blocks, that is the share of a block that a region fills.
        weight: (N, R), see `Batch`.
    """
    total, weights = torch.zeros((), device=y.device), 0.0
    for level, logits in enumerate(levels):
        share = 0.5**level
        target = y if logits.shape == y.shape else F.interpolate(y, size=logits.shape[2:], mode="area")
        total = total + share * loss(logits.float(), target, weight)
        weights += share
    return total / weights
