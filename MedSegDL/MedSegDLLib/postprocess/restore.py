"""From the network's probabilities to uint8 masks on the reference's own grid: each region alone, only inside its box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
import torch
from torch import Tensor

from ..geometry.boxes import Box, bounding_box, box_around, parts, target_box
from ..geometry.image import Grid, Image
from ..geometry.resample import resample
from ..result import SmallParts
from ..tasks import Plan, Region, Task
from .edges import Edges, edges_of

COUNTED_VOXELS = 2**22  # at a time, for numpy widens what it counts to int64
NO_PARTS = SmallParts(0, 0.0)


@dataclass(frozen=True)
class Known:
    """What else is known of the reference.

    Attributes:
        foreground: (K, J, I) bool; no region reaches beyond it. None for everywhere.
        image: its intensities; where the plan says so, outermost regions follow its edges.
    """

    foreground: np.ndarray | None = None
    image: Image | None = None


@dataclass(frozen=True)
class Restored:
    """What `restore` gives back.

    Attributes:
        masks: region key -> (K, J, I) uint8 on the target grid.
        small_parts: region key -> parts that are left out beside a much larger one; only regions that had such.
    """

    masks: dict[str, np.ndarray]
    small_parts: dict[str, SmallParts]


def restore(probabilities: Tensor, source: Grid, target: Grid, task: Task, plan: Plan, known: Known = Known()) -> Restored:
    """Masks of all regions, made consistent: each lies inside the region that contains it.

    Args:
        probabilities: (R, K, J, I), the task's outputs on the network's grid; auxiliary outputs after the regions are left alone.
            Everything but connected parts and distances, which SimpleITK finds, is computed on their device.
        source: the network's grid.
        target: the reference's grid.
        known: on `target`.

    Returns:
        the masks, and what was left out of them.
    """
    masks: dict[str, np.ndarray] = {}
    small_parts: dict[str, SmallParts] = {}
    for region, probability in zip(task.regions, probabilities):
        limit = known.foreground if region.inside is None else masks[region.inside]
        threshold, edges = plan.threshold_of(region), None
        if plan.follow_edges and known.image is not None and region.inside is None:
            edges = edges_of(probability, _within(region, task, probabilities), source, known.image, plan.window, threshold)
        mask, box = _on_target(probability, source, target, threshold, limit, edges)
        mask[box], small = cleaned(mask[box], region, target.voxel_volume_mm3)
        masks[region.key] = mask
        if small.count:
            small_parts[region.key] = small
    return Restored(masks, small_parts)


def _within(region: Region, task: Task, probabilities: Tensor) -> Tensor:
    """The greatest probability of the regions inside this one: (K, J, I), 0 where there are none."""
    inner = [probability for other, probability in zip(task.regions, probabilities) if other.inside == region.key]
    return torch.stack(inner).amax(dim=0) if inner else torch.zeros_like(probabilities[0])


def _on_target(
    probability: Tensor, source: Grid, target: Grid, threshold: float, limit: np.ndarray | None, edges: Edges | None = None
) -> tuple[np.ndarray, Box]:
    """One region's mask on the target grid, nothing outside the `limit` there; and the box outside of which it is empty."""
    above = (probability >= threshold).cpu().numpy() if edges is None else edges.near
    if edges is None and source.same_as(target):
        mask = above.astype(np.uint8) if limit is None else (above & (limit != 0)).astype(np.uint8)
        return mask, bounding_box(mask)
    mask = np.zeros(target.shape, dtype=np.uint8)
    box = box_around(above, source, target)
    for inner, fine in parts(above, source, target, box):
        values = resample(probability[inner].contiguous(), source.cropped(inner), target.cropped(fine), "linear", 0.0)
        if edges is not None:
            values = edges.moved(values, inner, fine)
        found = (values >= threshold).cpu().numpy()
        mask[fine] = found if limit is None else found & (limit[fine] != 0)
    return mask, box


def cleaned(mask: np.ndarray, region: Region, voxel_volume_mm3: float) -> tuple[np.ndarray, SmallParts]:
    """The mask (K, J, I) uint8 without the connected parts that the region's entry does not allow, and those that went for their share."""
    if not mask.any() or not (region.largest_only or region.smallest_ml > 0 or region.smallest_share > 0):
        return mask, NO_PARTS
    labels, counts = _connected(mask)
    large = counts * voxel_volume_mm3 / 1000.0 >= region.smallest_ml
    kept = large & (counts >= region.smallest_share * counts.max())
    if region.largest_only:
        kept = np.arange(counts.size) == counts.argmax()
    kept[0] = large[0] = False
    small = large & ~kept & (not region.largest_only)
    told = SmallParts(int(small.sum()), float(counts[small].sum() * voxel_volume_mm3))
    if kept[1:].all():
        return mask, told
    left, of_label = np.empty_like(mask), kept.astype(np.uint8)
    for plane, into in zip(labels, left):
        into[...] = of_label[plane]
    return left, told


def _connected(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Connected parts numbered (K, J, I), and the voxels of each; 0 of what is outside."""
    connected = sitk.ConnectedComponentImageFilter()
    labels = sitk.GetArrayFromImage(connected.Execute(sitk.GetImageFromArray(mask)))
    flat, most = labels.reshape(-1), connected.GetObjectCount() + 1
    counts = sum(np.bincount(flat[start : start + COUNTED_VOXELS], minlength=most) for start in range(0, flat.size, COUNTED_VOXELS))
    counts[0] = 0
    return labels, counts


def entropy(probabilities: Tensor, source: Grid, target: Grid) -> np.ndarray:
    """Mean over the regions of the binary entropy in bits (0 sure, 1 undecided): (K, J, I) float32 on `target`, 0 outside `source`."""
    p = probabilities.clamp(1e-6, 1 - 1e-6)
    bits = -(p * torch.log2(p) + (1 - p) * torch.log2(1 - p)).mean(dim=0)
    if source.same_as(target):
        return bits.cpu().numpy()
    image = np.zeros(target.shape, dtype=np.float32)
    box = target_box(source, target)
    image[box] = resample(bits, source, target.cropped(box), "linear", 0.0).cpu().numpy()
    return image
