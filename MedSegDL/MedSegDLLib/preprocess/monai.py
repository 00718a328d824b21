"""From volumes on one grid to the tensor of a network that MONAI trained, and the way back: linear along each axis, corner on corner."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..geometry.boxes import bounding_box, grown
from ..geometry.image import Grid
from ..network.monai_plan import Intensities, MonaiPlan
from .nnunet import Frame, NnunetInput, turned_axes
from .resize import Axis, Resizer, linear_axis


def monai_input(arrays: Sequence[np.ndarray], grid: Grid, plan: MonaiPlan, device: torch.device | str = "cpu") -> NnunetInput:
    """Turn, crop, resample, scale (or scale first).

    Args:
        arrays: one a channel, (K, J, I) on `grid`.

    Returns:
        the tensor along (i, j, k), and the frame.
    """
    frame = monai_frame(arrays, grid, plan)
    way = forth(plan, frame)
    channels = []
    for array in arrays:
        if plan.scaled_first:
            array = scaled(torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)), plan).numpy()
        values = torch.from_numpy(frame.view(array).astype(np.float32)).to(device)
        for axis, one in enumerate(way.axes):
            values = values if one is None else one.applied(values, axis)
        channels.append(values if plan.scaled_first else scaled(values, plan))
    return NnunetInput(torch.stack(channels), frame)


def monai_frame(arrays: Sequence[np.ndarray], grid: Grid, plan: MonaiPlan) -> Frame:
    """The image's axes in MONAI's order, and the box to which it is cropped."""
    axes, flipped = turned_axes(plan.orientation, grid) if plan.orientation else ((0, 1, 2), (False, False, False))
    axes, flipped = axes[::-1], flipped[::-1]
    spacing = grid.spacing_mm[::-1]
    shape = tuple(grid.shape[axis] for axis in axes)
    whole = Frame(axes, flipped, tuple(slice(0, n) for n in shape), tuple(float(spacing[axis]) for axis in axes))
    if plan.margin is None:
        return whole
    boxes = [bounding_box(whole.turned(array) > 0) for array in arrays if (array > 0).any()]
    ends = [(min(s.start for s in side), max(s.stop for s in side)) for side in zip(*boxes)] or [(0, n) for n in shape]
    box = grown(tuple(slice(*end) for end in ends), shape, plan.margin)
    return Frame(axes, flipped, box, whole.spacing_mm)


def forth(plan: MonaiPlan, frame: Frame) -> Resizer:
    """From the image's voxels to the network's."""
    new = plan.network_spacing(frame.spacing_mm)
    sizes = plan.network_shape(frame.shape, frame.spacing_mm)
    axes = [None if a == b else linear_axis(np.arange(m) * b / a, n) for a, b, n, m in zip(frame.spacing_mm, new, frame.shape, sizes)]
    return Resizer(tuple(axes), None, False, by_edges=False)


def back(plan: MonaiPlan, frame: Frame) -> Resizer:
    """From the network's voxels to the image's."""
    new = plan.network_spacing(frame.spacing_mm)
    sizes = plan.network_shape(frame.shape, frame.spacing_mm)
    make = _nearest_axis if plan.nearest else linear_axis
    axes = [None if a == b else make(np.arange(n) * a / b, m) for a, b, n, m in zip(frame.spacing_mm, new, frame.shape, sizes)]
    return Resizer(tuple(axes), None, False, by_edges=False)


def _nearest_axis(places: np.ndarray, n: int) -> Axis:
    """As torch's grid_sample rounds: halves to the even voxel."""
    return Axis(torch.from_numpy(np.clip(np.rint(places), 0, n - 1).astype(np.int64)))


def scaled(values: Tensor, plan: MonaiPlan) -> Tensor:
    """One channel in the network's numbers."""
    if plan.intensities is Intensities.UNCHANGED:
        return values
    if plan.intensities is Intensities.ZSCORE:
        own = values != 0
        if not own.any():
            return values
        within = values[own].double()
        deviation = float(within.std(correction=0)) or 1.0
        return torch.where(own, (values - float(within.mean())) / deviation, values)
    (low, high), (first, last) = plan.source, plan.target
    values = (values - low) / (high - low)
    if plan.intensities is Intensities.SIGMOID:
        return torch.sigmoid(values * 2 - 1)
    values = values * (last - first) + first
    return values.clamp(*sorted((first, last))) if plan.clip else values
