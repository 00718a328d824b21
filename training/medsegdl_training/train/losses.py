"""What training minimises: Dice with binary cross-entropy a region, or the paper's Dice and IoU, over all supervised levels.

A region that lies inside another (a tumour in a liver) may be judged near that other only: a few voxels in a hundred thousand weigh
nothing, and what is found elsewhere never reaches a result.

Every loss is a function of a few sums over the batch, taken over all processes that train together: it is that of the whole batch however
it is shared out. Outputs that a sample has no label for do not count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from MedSegDLLib.tasks import Task

from ..transforms.augment import wide
from .parallel import total

NESTED = "nested"
REACH = 3  # voxels around an outer region that inner ones are judged on
_MAX_POOL = {2: F.max_pool2d, 3: F.max_pool3d}
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
    """The sums over the batch of all processes, in one exchange: (N, R, *S), (N, R, *S), (N, R) or (N, R, *S)."""
    p, w = torch.sigmoid(logits), wide(weight, logits.ndim)
    axes = [0, *range(2, logits.ndim)]
    entropy = F.binary_cross_entropy_with_logits(logits, y, reduction="none")
    parts = [(w * p * y).sum(axes), (w * (p + y)).sum(axes), (w * entropy).sum(axes), w.expand_as(logits).sum(axes)]
    return Sums(*total(torch.stack(parts)).unbind())


def dice_and_cross_entropy(logits: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """1 - soft Dice plus binary cross-entropy, mean over outputs (nnU-Net's loss for regions)."""
    batch = sums(logits, y, weight)
    return batch.mean(1 - batch.dice) + batch.entropy.sum() / batch.voxels.sum().clamp(min=1)


def paper(logits: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """0.5 (1 - soft Dice) + 0.5 (1 - soft IoU), Punn and Agarwal 2020."""
    batch = sums(logits, y, weight)
    return batch.mean(0.5 * (1 - batch.dice) + 0.5 * (1 - batch.iou))


def nested(logits: Tensor, y: Tensor, weight: Tensor, outer: Sequence[int | None]) -> Tensor:
    """1 - soft Dice plus binary cross-entropy, mean over outputs; what lies inside another output counts near that other only.

    Args:
        logits, y, weight: see `deep_supervision`, of one level.
        outer: for every output the one that it lies inside, or None.
    """
    batch = sums(logits, y, wide(weight, y.ndim) * near(y, outer))
    return batch.mean(1 - batch.dice + batch.entropy / batch.voxels.clamp(min=1))


def near(y: Tensor, outer: Sequence[int | None]) -> Tensor:
    """1 within `REACH` voxels of the output that each lies inside (everywhere for None), else 0: (N, R, *S) -> (N, R, *S)."""
    grown = _MAX_POOL[y.ndim - 2]((y > 0).to(y.dtype), 2 * REACH + 1, stride=1, padding=REACH)
    return torch.stack([torch.ones_like(y[:, 0]) if index is None else grown[:, index] for index in outer], dim=1)


LOSSES: dict[str, Loss] = {"dice-bce": dice_and_cross_entropy, "paper": paper}


def loss_of(name: str, task: Task) -> Loss:
    """A loss by its name: one of `LOSSES`, or `NESTED` for the regions of the task."""
    if name != NESTED:
        return LOSSES[name]
    keys = [region.key for region in task.regions]
    inside = [region.inside for region in task.regions] + [None] * len(task.auxiliary)
    return partial(nested, outer=[None if key is None else keys.index(key) for key in inside])


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
