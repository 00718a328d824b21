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
import torch.nn.functional as F
from torch import Tensor

from ..geometry.background import background_value
from ..geometry.boxes import Box, box_of_most, is_empty, reach, whole_of
from ..geometry.image import Grid, Image
from ..geometry.resample import resample
from ..result import COARSEST_PIXEL_MM, MOST_ENLARGED
from ..tasks import Plan, Scale
from .pictures import survey

MARGIN_MM = 6.0  # kept around the foreground, so that no edge of it touches the network's padding
OUTSIDE = {Scale.ZSCORE: 0.0, Scale.WINDOW: -1.0, Scale.PERCENTILE: 0.0}  # the normalised value of nothing at all


@dataclass(frozen=True)
class Prepared:
    """What the network gets.

    Attributes:
        x: (C, K, J, I) float32, normalised; a missing input's channel is all 0.
        grid: where its voxels lie.
        places: boxes of x in which there is anything, to be looked at one after the other: the later counts where they overlap.
    """

    x: Tensor
    grid: Grid
    places: tuple[Box, ...]


def normalise(array: Tensor, plan: Plan, foreground: Tensor | None = None) -> Tensor:
    """A volume's intensities to the network's numbers, by `plan.scale`; those of pictures are found by `survey`.

    Args:
        array: any shape, any real type.
        plan: the scale and, for `Scale.WINDOW`, the window.
        foreground: bool, the same shape; for `Scale.ZSCORE` only, by default the voxels that are not 0.

    Returns:
        float32 of the same shape. ZSCORE: mean 0 and deviation 1 over the foreground, 0 elsewhere. WINDOW: -1 at the window's lower
        bound, 1 at its upper, clipped.
    """
    array = array.float()
    if plan.scale is Scale.WINDOW:
        low, high = plan.window
        return (array.clamp(low, high) - low) * (2.0 / (high - low)) - 1.0
    inside = array != 0 if foreground is None else foreground
    values = array[inside]
    if values.numel() < 2:
        return torch.zeros_like(array)
    deviation = values.std().clamp(min=1e-6)
    return torch.where(inside, (array - values.mean()) / deviation, torch.zeros_like(array))


def between(array: Tensor, low: float, high: float) -> Tensor:
    """Intensities from `low` to `high` as 0 to 1, clipped."""
    return ((array - low) / max(high - low, 1e-6)).clamp(0.0, 1.0)


def network_grid(reference: Grid, plan: Plan, reached: np.ndarray | None = None) -> Grid:
    """The grid that the network works on: straight along the patient's axes (as BraTS and LiTS are stored), `plan.spacing_mm` apart.

    It covers the `reference` grid (already cropped to the foreground), or what is `reached` of it ((2, 3), see `reach`), and a margin.
    Without a spacing, the reference itself. The network's normalisation takes its statistics over all of it: nothing around a head would
    change what is found in it.
    """
    if plan.spacing_mm is None:
        return reference
    spacing = np.array(plan.spacing_mm)
    corners = reference.corners() if reached is None else reached
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
        return _picture(given, plan, device)
    box = box_of_most(foreground)
    source = given.grid.cropped(box)
    target = network_grid(source, plan, reach(foreground[box], source))

    def moved(values: Tensor, **how: Any) -> Tensor:
        """To the network's grid."""
        return resample(values.to(device), source, target, **how)

    x = torch.zeros((len(volumes), *target.shape), device=device)
    for channel, image in zip(x, volumes.values()):
        if image is not None:
            channel.copy_(_channel(image.array, foreground, box, plan, moved, torch.device(device)))
    return Prepared(x, target, (whole_of(target.shape),))


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


def picture_grid(grid: Grid, plan: Plan) -> Grid:
    """The grid on which a picture is looked at: its own, or one of the plan's pixels where its own are known to lie beyond them."""
    sides = 1000 * grid.spacing_mm[:2]
    side = float(np.sqrt(sides.prod()))
    if plan.pixel_um is None or sides.max() > 1000 * COARSEST_PIXEL_MM or plan.pixel_um[0] <= side <= plan.pixel_um[1]:
        return grid
    wanted = math.sqrt(math.prod(plan.pixel_um))
    if side > MOST_ENLARGED * wanted:
        return grid
    shape = np.maximum(np.round(np.array(grid.shape[:0:-1]) * sides / wanted), 1)
    steps = np.array([*(np.array(grid.shape[:0:-1]) / shape), 1.0])
    affine = grid.affine.copy()
    affine[:3, :3] *= steps
    affine[:3, 3] = (grid.affine @ np.array([*((steps - 1) / 2), 1.0]))[:3]
    return Grid((1, int(shape[1]), int(shape[0])), affine)


def _picture(image: Image, plan: Plan, device: torch.device | str) -> Prepared:
    """A picture as (3, 1, J, I), grey ones repeated; its frame does not count, and a sparse one is looked at around its objects too."""
    found = survey(image.array)
    array = torch.from_numpy(np.ascontiguousarray(image.array).astype(np.float32)).to(device)
    scaled = between(array, found.low, found.high)
    x = scaled.permute(3, 0, 1, 2).contiguous() if image.channels > 1 else scaled.expand(3, -1, -1, -1).contiguous()
    if is_empty(found.content):
        return Prepared(x, image.grid, ())
    within = image.grid.cropped(found.content)
    target = picture_grid(within, plan)
    if target is within:
        return Prepared(x, image.grid, (found.content, *found.places))
    x = F.interpolate(x[(slice(None), *found.content)][:, 0][None], size=target.shape[1:], mode="bilinear", antialias=True)
    places = [_moved(place, found.content, target.shape) for place in found.places]
    return Prepared(x[0][:, None].clamp(0, 1), target, (whole_of(target.shape), *places))


def _moved(place: Box, content: Box, shape: tuple[int, ...]) -> Box:
    """A box of a picture as one of its content on a grid of another shape."""
    steps = [n / (side.stop - side.start) for n, side in zip(shape, content)]
    ends = [((part.start - side.start) * step, (part.stop - side.start) * step) for part, side, step in zip(place, content, steps)]
    return tuple(slice(int(start), math.ceil(stop)) for start, stop in ends)
