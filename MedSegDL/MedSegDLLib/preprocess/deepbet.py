"""deepbet's way from an image to the brain: a box in a coarse picture of the whole, then the brain in a fine one of the box.

As `BrainExtraction.run_model` of deepbet 1.0.2: every voxel of either picture is the nearest of the image (torch's `nearest-exact`), so
that no float copy of the image is made, and the way back is the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk
import torch
from torch import Tensor, nn

from ..geometry.boxes import Box
from ..geometry.image import Grid
from ..network.deepbet_plan import DeepbetPlan
from ..network.device import full_precision
from ..network.fused_inference import best_kernels
from ..progress import Progress, quiet
from .nnunet import Frame, turned_axes

BOX_SHARE = 0.15  # of the time: an eighth of the voxels, and the quantiles
FINDER_HALF = 0.5  # probability from which the finder's voxel belongs to the brain


def deepbet_probability(
    array: np.ndarray, grid: Grid, networks: Sequence[nn.Module], plan: DeepbetPlan, device: torch.device, progress: Progress = quiet
) -> tuple[Tensor, Grid]:
    """How probably each voxel is brain, within the box where the brain is.

    Args:
        array: (K, J, I) on `grid`, any type.
        networks: the finder and the one that outlines, on the CPU.
        device: where they work.
        progress: called with (fraction 0..1, message).

    Returns:
        (K', J', I') float32 on the device, and its grid, which is a part of the image's own; all 0 where no brain was found.
    """
    progress(0.0, "Looking for the brain")
    axes, flipped = (values[::-1] for values in turned_axes(plan.orientation, grid))
    shape, spacing = (tuple(values[axis] for axis in axes) for values in (grid.shape, grid.spacing_mm[::-1]))
    whole = Frame(axes, flipped, tuple(slice(0, n) for n in shape), tuple(map(float, spacing)))
    coarse = _sampled(whole.view(array), plan.finder)
    ends = tuple(float(end) for end in np.quantile(coarse, (plan.low, plan.high)))
    finder, outliner = (network.to(device) for network in networks)
    box = None
    if ends[0] < ends[1]:
        found = _answer(finder, _scaled(coarse, ends, plan), device) > FINDER_HALF
        box = box_of(largest_part(found.cpu().numpy()), shape, plan)
    if box is None:
        return torch.zeros(grid.shape, device=device), grid
    progress(BOX_SHARE, "Looking for the brain")
    frame = Frame(axes, flipped, box, whole.spacing_mm)
    fine = _answer(outliner, _scaled(_sampled(frame.view(array), plan.tile), ends, plan), device)
    for axis, (n, side) in enumerate(zip(frame.shape, plan.tile)):
        fine = fine.index_select(axis, torch.from_numpy(_nearest(n, side)).to(device))
    progress(1.0, "Looking for the brain")
    return _turned_back(fine, frame), grid.cropped(_box_on_grid(frame, grid.shape))


def _nearest(wanted: int, there: int) -> np.ndarray:
    """For each of `wanted` places along `there` voxels the voxel that torch's `nearest-exact` takes."""
    scale = np.float32(there) / np.float32(wanted)
    return np.minimum(((np.arange(wanted, dtype=np.float32) + np.float32(0.5)) * scale).astype(np.int64), there - 1)


def _sampled(array: np.ndarray, sides: tuple[int, int, int]) -> np.ndarray:
    """The nearest voxels of an array, float32, no NaN and nothing infinite."""
    taken = array[np.ix_(*(_nearest(side, n) for side, n in zip(sides, array.shape)))]
    return np.nan_to_num(taken.astype(np.float32))


def _scaled(values: np.ndarray, ends: tuple[float, float], plan: DeepbetPlan) -> Tensor:
    """The networks' numbers."""
    x = torch.from_numpy(values).sub_(ends[0]).div_(ends[1] - ends[0]).clamp_(0, 1)
    deviation, mean = torch.std_mean(x)
    return x.sub_(mean).mul_(plan.deviation / deviation).add_(plan.mean)


def _answer(network: nn.Module, x: Tensor, device: torch.device) -> Tensor:
    with torch.inference_mode(), full_precision(device), best_kernels(device):
        return torch.sigmoid(network(x.to(device)[None, None])[0, 0])


def largest_part(mask: np.ndarray) -> np.ndarray:
    """The largest connected part (corners count as neighbours), bool; of nothing, nothing."""
    parts = sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8)), True)
    labels = sitk.GetArrayViewFromImage(parts)  # of memory that is `parts`'s
    counts = np.bincount(labels.ravel())
    return labels == counts[1:].argmax() + 1 if counts.size > 1 else mask.astype(bool)


def box_of(found: np.ndarray, shape: tuple[int, ...], plan: DeepbetPlan) -> Box | None:
    """The box of the finder's mask on the image's voxels, with its margin; None where no plane holds enough of it."""
    box = []
    for axis, (side, n) in enumerate(zip(found.shape, shape)):
        planes = np.flatnonzero(found.mean(axis=tuple(other for other in range(3) if other != axis)) > plan.least)
        if not planes.size:
            return None
        scale, (first, last) = np.float32(n) / np.float32(side), (planes[0], planes[-1] + 1)
        centre = np.round(scale * np.float32((first + last) / 2))
        wide = np.round(np.float32(1 + 2 * plan.margin) * (scale * np.float32(last - first)))
        box.append(slice(max(0, int(centre - wide / 2)), min(n, int(centre + wide / 2))))
    return tuple(box)


def _turned_back(values: Tensor, frame: Frame) -> Tensor:
    """Along the image's own axes."""
    flips = [axis for axis, flip in enumerate(frame.flipped) if flip]
    return torch.flip(values, flips).permute(tuple(int(place) for place in np.argsort(frame.axes))).contiguous()


def _box_on_grid(frame: Frame, shape: tuple[int, int, int]) -> Box:
    """The frame's box along the image's own axes (K, J, I)."""
    own: list[slice] = [slice(0, 0)] * 3
    for axis, flip, part in zip(frame.axes, frame.flipped, frame.box):
        n = shape[axis]
        own[axis] = slice(n - part.stop, n - part.start) if flip else part
    return tuple(own)
