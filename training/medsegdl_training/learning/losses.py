"""What training minimises: Dice with binary cross-entropy a region, or the paper's Dice and IoU, over all supervised levels.

Every loss is a function of a few sums over the batch, taken over all processes that train together: it is that of the whole batch however
it is shared out. Outputs that a sample has no label for do not count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .parallel import total

SMOOTH = 1.0  # voxels added to both sides of a ratio: an empty region costs little if nothing is predicted

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums of every output over all labelled voxels of the whole batch, each (R,).

    Attributes:
        both: probability where the target is 1 (soft intersection).
        either: probability plus target (soft total of the two sizes).
        entropy: binary cross-entropy.
        voxels: how many voxels there are.
    """

    both: Tensor
    either: Tensor
    entropy: Tensor
    voxels: Tensor

    @property
    def dice(self) -> Tensor:
        """Soft Dice over the whole batch: (R,)."""
        return (2 * self.both + SMOOTH) / (self.either + SMOOTH)

    @property
    def iou(self) -> Tensor:
        """Soft intersection over union over the whole batch: (R,)."""
        return (self.both + SMOOTH) / (self.either - self.both + SMOOTH)

    def mean(self, value: Tensor) -> Tensor:
        """Mean of (R,) over the outputs that any sample of the batch is labelled for."""
        labelled = (self.voxels > 0).to(value.dtype)
        return (value * labelled).sum() / labelled.sum().clamp(min=1)


def sums(logits: Tensor, y: Tensor, weight: Tensor) -> Sums:
    """The sums over the batch of all processes, in one exchange: (N, R, *S), (N, R, *S), (N, R)."""
    p, w = torch.sigmoid(logits), weight.reshape(*weight.shape, *[1] * (logits.ndim - 2))
    axes = [0, *range(2, logits.ndim)]
    entropy = F.binary_cross_entropy_with_logits(logits, y, reduction="none")
    parts = [(w * p * y).sum(axes), (w * (p + y)).sum(axes), (w * entropy).sum(axes), weight.sum(0) * logits[0, 0].numel()]
    return Sums(*total(torch.stack(parts)).unbind())


def dice_and_cross_entropy(logits: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """1 - soft Dice plus binary cross-entropy, mean over outputs (nnU-Net's loss for regions)."""
    batch = sums(logits, y, weight)
    return batch.mean(1 - batch.dice) + batch.entropy.sum() / batch.voxels.sum().clamp(min=1)


def paper(logits: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """0.5 (1 - soft Dice) + 0.5 (1 - soft IoU), Punn and Agarwal 2020."""
    batch = sums(logits, y, weight)
    return batch.mean(0.5 * (1 - batch.dice) + 0.5 * (1 - batch.iou))


LOSSES: dict[str, Loss] = {"dice-bce": dice_and_cross_entropy, "paper": paper}


def deep_supervision(levels: Sequence[Tensor], y: Tensor, weight: Tensor, loss: Loss = dice_and_cross_entropy) -> Tensor:
    """Weighted mean of the loss over the network's levels: 1, 1/2, 1/4 ... from the finest on.

    Args:
        levels: logits (N, R, *S / 2^l), as `InceptionUNet.supervised` gives them.
        y: (N, R, *S) targets; coarser levels see their means over blocks, that is the share of a block that a region fills.
        weight: (N, R), see `Batch`.
    """
    targets = [y if logits.shape == y.shape else F.interpolate(y, size=logits.shape[2:], mode="area") for logits in levels]
    return over_levels([loss(logits.float(), target, weight) for logits, target in zip(levels, targets)])


def over_levels(values: Sequence[Tensor]) -> Tensor:
    """Mean of one number a level, the finest first, with weights 1, 1/2, 1/4 ..."""
    shares = [0.5**level for level in range(len(values))]
    return sum(share * value for share, value in zip(shares, values)) / sum(shares)


def mean_square(difference: Tensor) -> Tensor:
    """Mean of the squares over the batch of all processes: any shape -> ()."""
    square, elements = total(torch.stack([difference.square().sum(), torch.full_like(difference.sum(), difference.numel())]))
    return square / elements.clamp(min=1)
