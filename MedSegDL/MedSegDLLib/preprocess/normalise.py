"""From volumes on one grid to the network's tensor: normalisation, crop, the network's own grid.

Training uses the same functions, so that a network sees at work what it saw in training. No files and no networks here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..geometry.background import background_value
from ..geometry.boxes import Box, bounding_box
from ..geometry.image import Grid, Image
from ..geometry.resample import resample
from ..tasks import Plan, Scale

MARGIN_MM = 6.0  # kept around the foreground, so that no edge of it touches the network's padding
OUTSIDE = {Scale.ZSCORE: 0.0, Scale.WINDOW: -1.0, Scale.PERCENTILE: 0.0}  # the normalised value of nothing at all


@dataclass(frozen=True)
class Prepared:
    """What the network gets.

    Attributes:
        x: (C, K, J, I) float32, normalised; a missing input's channel is all 0.
        grid: where its voxels lie.
    """

    x: Tensor
    grid: Grid


def normalise(array: Tensor, plan: Plan, foreground: Tensor | None = None) -> Tensor:
    """Intensities to the network's numbers, by `plan.scale`.

    Args:
        array: any shape, any real type; for colours all channels of one picture together.
        plan: the scale and, for `Scale.WINDOW`, the window.
        foreground: bool, the same shape; for `Scale.ZSCORE` only, by default the voxels that are not 0.

    Returns:
        float32 of the same shape. ZSCORE: mean 0 and deviation 1 over the foreground, 0 elsewhere. WINDOW: -1 at the window's lower
        bound, 1 at its upper, clipped. PERCENTILE: 0 at the 1st and 1 at the 99th percentile, clipped.
    """
    array = array.float()
    if plan.scale is Scale.WINDOW:
        low, high = plan.window
        return (array.clamp(low, high) - low) * (2.0 / (high - low)) - 1.0
    if plan.scale is Scale.PERCENTILE:
        low, high = percentiles(array, (1, 99))
        return ((array - low) / max(high - low, 1e-6)).clamp(0.0, 1.0)
    inside = array != 0 if foreground is None else foreground
    values = array[inside]
    if values.numel() < 2:
        return torch.zeros_like(array)
    deviation = values.std().clamp(min=1e-6)
    return torch.where(inside, (array - values.mean()) / deviation, torch.zeros_like(array))


def percentiles(array: Tensor, wanted: tuple[float, ...]) -> list[float]:
    """Percentiles (0..100), interpolated linearly as numpy does, found on the array's own device."""
    if array.device.type == "cpu":  # numpy sorts no more than it must: 0.3 s against 2 s for a picture of 3000 x 3000 pixels
        return [float(value) for value in np.percentile(array.numpy(), wanted)]
    ordered = array.flatten().sort().values
    places = [percent / 100 * (len(ordered) - 1) for percent in wanted]
    ends = [(float(ordered[int(place)]), float(ordered[math.ceil(place)])) for place in places]
    return [low + (high - low) * (place % 1) for (low, high), place in zip(ends, places)]


def network_grid(reference: Grid, plan: Plan) -> Grid:
    """The grid that the network works on: straight along the patient's axes (as BraTS and LiTS are stored), `plan.spacing_mm` apart.

    It covers the `reference` grid (already cropped to the foreground) and a margin. Without a spacing, the reference itself.
    """
    if plan.spacing_mm is None:
        return reference
    spacing = np.array(plan.spacing_mm)
    corners = reference.corners()
    low, high = corners.min(axis=0) - MARGIN_MM, corners.max(axis=0) + MARGIN_MM
    size = np.maximum(np.ceil((high - low) / spacing).astype(int) + 1, 1)
    start = (low + high) / 2 + np.array([1, 1, -1]) * (size - 1) * spacing / 2
    affine = np.eye(4)
    affine[:3, :3] = np.diag([-1.0, -1.0, 1.0] * spacing)
    affine[:3, 3] = start
    return Grid(tuple(int(n) for n in size[::-1]), affine)


def prepare(volumes: dict[str, Image | None], foreground: np.ndarray, plan: Plan, device: torch.device | str = "cpu") -> Prepared:
    """Normalise, crop and resample to the network's grid.

    Args:
        volumes: the task's inputs in their order, all on one grid; None for a missing one. At least one must be there.
        foreground: (K, J, I) bool, on the same grid.
        plan: of the weights.
        device: where to normalise and resample; the result stays there.
    """
    given = next(image for image in volumes.values() if image is not None)
    if given.channels > 1 or plan.scale is Scale.PERCENTILE:
        return Prepared(_colours(given, plan, device), given.grid)
    box = bounding_box(foreground)
    source = given.grid.cropped(box)
    target = network_grid(source, plan)

    def moved(values: Tensor, **how: Any) -> Tensor:
        """To the network's grid."""
        return resample(values.to(device), source, target, **how)

    x = torch.zeros((len(volumes), *target.shape), device=device)
    for channel, image in zip(x, volumes.values()):
        if image is not None:
            channel.copy_(_channel(image.array, foreground, box, plan, moved, torch.device(device)))
    return Prepared(x, target)


def _channel(
    array: np.ndarray, foreground: np.ndarray, box: Box, plan: Plan, resampled: Callable[..., Tensor], device: torch.device
) -> Tensor:
    """One input, normalised, on the network's grid. A window needs no look at the whole: it is applied to what resampling reads."""
    fill = OUTSIDE[plan.scale]
    if plan.scale is Scale.WINDOW:
        return resampled(_viewed(array[box]), fill=fill, scale=partial(normalise, plan=plan))
    values = torch.from_numpy(np.ascontiguousarray(array[box]).astype(np.float32, copy=False)).to(device)
    inside = torch.from_numpy(np.ascontiguousarray(foreground[box])).to(device) & (values != (background_value(array) or 0.0))
    return resampled(normalise(values, plan, inside), fill=fill)


def _viewed(array: np.ndarray) -> Tensor:
    """The array's own memory as a tensor; a copy where torch cannot read it (reversed axes, foreign byte order, read-only)."""
    if array.dtype.isnative and array.flags.writeable and min(array.strides, default=0) >= 0:
        return torch.from_numpy(array)
    return torch.from_numpy(array.astype(array.dtype.newbyteorder("="), order="C"))


def _colours(image: Image, plan: Plan, device: torch.device | str) -> Tensor:
    """A picture as (3, 1, J, I): grey ones are repeated."""
    array = torch.from_numpy(np.ascontiguousarray(image.array).astype(np.float32)).to(device)
    scaled = normalise(array, plan)
    return scaled.permute(3, 0, 1, 2).contiguous() if image.channels > 1 else scaled.expand(3, -1, -1, -1).contiguous()
