"""From the network's probabilities to uint8 masks on the reference's own grid: each region alone, only inside its box."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import SimpleITK as sitk
import torch
from torch import Tensor

from .foreground import bounding_box
from .image import Grid
from .resample import Box, resample
from .tasks import Plan, Region, Task

BOX_MARGIN_VOXELS = 2  # of the network's grid, so that interpolation at a region's rim sees what lies beyond it
SLAB_PLANES = 16  # restored at a time, so that probabilities never lie in memory at the reference's resolution
COUNTED_VOXELS = 2**22  # at a time, for numpy widens what it counts to int64


def restore(
    probabilities: Tensor, source: Grid, target: Grid, task: Task, plan: Plan, foreground: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Masks of all regions, made consistent: each lies inside the region that contains it.

    Args:
        probabilities: (R, K, J, I), the task's outputs on the network's grid; auxiliary outputs after the regions are left alone.
        source: the network's grid.
        target: the reference's grid.
        foreground: (K, J, I) bool on `target`; no region reaches beyond it. None for everywhere.

    Returns:
        region key -> (K, J, I) uint8 on `target`.
    """
    masks: dict[str, np.ndarray] = {}
    for region, probability in zip(task.regions, probabilities):
        limit = foreground if region.inside is None else masks[region.inside]
        mask, box = _on_target(probability, source, target, plan.threshold_of(region), limit)
        mask[box] = cleaned(mask[box], region, target.voxel_volume_mm3)
        masks[region.key] = mask
    return masks


def _on_target(
    probability: Tensor, source: Grid, target: Grid, threshold: float, limit: np.ndarray | None
) -> tuple[np.ndarray, tuple[slice, slice, slice]]:
    """One region's mask on the target grid, nothing outside the `limit` there; and the box outside of which it is empty."""
    above = (probability >= threshold).numpy()
    if source.same_as(target):
        mask = above.astype(np.uint8) if limit is None else (above & (limit != 0)).astype(np.uint8)
        return mask, bounding_box(mask)
    mask = np.zeros(target.shape, dtype=np.uint8)
    if not above.any():
        return mask, tuple(slice(0, 0) for _ in range(3))
    box = target_box(source.cropped(_grown(bounding_box(above), above.shape)), target)
    for inner, fine in _parts(above, source, target, box):
        values = resample(probability[inner].contiguous(), source.cropped(inner), target.cropped(fine), "linear", 0.0)
        found = (values >= threshold).numpy()
        mask[fine] = found if limit is None else found & (limit[fine] != 0)
    return mask, box


def _parts(above: np.ndarray, source: Grid, target: Grid, box: Box) -> Iterator[tuple[Box, Box]]:
    """Some slices of the box at a time: the part of `source` that reaches the threshold there, with a margin, and its place on `target`."""
    for start in range(box[0].start, box[0].stop, SLAB_PLANES):
        slab = (slice(start, min(start + SLAB_PLANES, box[0].stop)), *box[1:])
        if _is_empty(slab):
            continue
        behind = target_box(target.cropped(slab), source)
        if _is_empty(behind) or not above[behind].any():
            continue
        reached = bounding_box(above[behind])
        inner = _grown(tuple(slice(s.start + b.start, s.stop + b.start) for s, b in zip(reached, behind)), above.shape)
        fine = tuple(slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(target_box(source.cropped(inner), target), slab))
        if not _is_empty(fine):
            yield inner, fine


def _is_empty(box: Box) -> bool:
    return any(s.stop <= s.start for s in box)


def _grown(box: tuple[slice, ...], shape: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(max(0, s.start - BOX_MARGIN_VOXELS), min(n, s.stop + BOX_MARGIN_VOXELS)) for s, n in zip(box, shape))


def target_box(part: Grid, target: Grid) -> tuple[slice, slice, slice]:
    """The box of `target` that covers `part` wholly; empty where they do not meet."""
    inverse = np.linalg.inv(target.affine)
    corners = part.corners() @ inverse[:3, :3].T + inverse[:3, 3]
    low = np.floor(corners.min(axis=0)).astype(int)[::-1]
    high = np.ceil(corners.max(axis=0)).astype(int)[::-1] + 1
    return tuple(slice(max(0, int(a)), max(0, min(int(b), n))) for a, b, n in zip(low, high, target.shape))


def cleaned(mask: np.ndarray, region: Region, voxel_volume_mm3: float) -> np.ndarray:
    """The mask without the connected parts that the region's entry does not allow: (K, J, I) uint8."""
    if not mask.any() or not (region.largest_only or region.smallest_ml > 0):
        return mask
    connected = sitk.ConnectedComponentImageFilter()
    parts = connected.Execute(sitk.GetImageFromArray(mask))
    labels = sitk.GetArrayViewFromImage(parts)
    flat, most = labels.reshape(-1), connected.GetObjectCount() + 1
    counts = sum(np.bincount(flat[start : start + COUNTED_VOXELS], minlength=most) for start in range(0, flat.size, COUNTED_VOXELS))
    counts[0] = 0
    kept = counts * voxel_volume_mm3 / 1000.0 >= region.smallest_ml
    if region.largest_only:
        kept = np.arange(counts.size) == counts.argmax()
    kept[0] = False
    if kept[1:].all():
        return mask
    left, of_label = np.empty_like(mask), kept.astype(np.uint8)
    for plane, into in zip(labels, left):
        into[...] = of_label[plane]
    return left


def entropy(probabilities: Tensor, source: Grid, target: Grid) -> np.ndarray:
    """Mean over the regions of the binary entropy in bits (0 sure, 1 undecided): (K, J, I) float32 on `target`, 0 outside `source`."""
    p = probabilities.clamp(1e-6, 1 - 1e-6)
    bits = -(p * torch.log2(p) + (1 - p) * torch.log2(1 - p)).mean(dim=0)
    if source.same_as(target):
        return bits.numpy()
    image = np.zeros(target.shape, dtype=np.float32)
    box = target_box(source, target)
    image[box] = resample(bits, source, target.cropped(box), "linear", 0.0).numpy()
    return image
