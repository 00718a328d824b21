"""From volumes on one grid to the tensor of a network that nnU-Net trained: axes, crop, normalisation, resampling, in its order.

`DefaultPreprocessor.run_case` of nnunetv2 2.8.1, some planes at a time: the image stays as it was read, the only whole arrays made are
the result and what lies between its two resampled axes and the third.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
import torch
from torch import Tensor

from ..errors import InputRefused
from ..geometry.boxes import Box, bounding_box
from ..geometry.image import Grid
from ..network.nnunet_plan import Channel, NnunetPlan, Scheme
from .resize import Resizer, resizer

LEAST_DEVIATION = 1e-8  # nnU-Net's eps in float32
PLANES_AT_ONCE = 16
PICTURE_SPACING = (999.0, 1.0, 1.0)  # NaturalImage2DIO's
BYTES = (0.0, 255.0)  # that a colour of a picture can have


@dataclass(frozen=True)
class Frame:
    """The part of an image that the network sees, along its own axes.

    Attributes:
        axes: for each of the network's axes the image's (0 is K).
        flipped: for each of the network's axes whether it runs against the image's.
        box: on the network's axes.
        spacing_mm: along the network's axes.
    """

    axes: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]
    box: Box
    spacing_mm: tuple[float, float, float]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the box."""
        return tuple(s.stop - s.start for s in self.box)

    def turned(self, array: np.ndarray) -> np.ndarray:
        """An array on the image's grid along the network's axes, not cropped; it shares its memory."""
        return array.transpose(self.axes)[tuple(slice(None, None, -1) if flip else slice(None) for flip in self.flipped)]

    def view(self, array: np.ndarray) -> np.ndarray:
        """The part of an array on the image's grid that the network sees; it shares its memory."""
        return self.turned(array)[self.box]


@dataclass(frozen=True)
class NnunetInput:
    """What the network gets.

    Attributes:
        x: (C, *S) float32.
        frame: where it was taken from.
    """

    x: Tensor
    frame: Frame


def nnunet_input(arrays: Sequence[np.ndarray], grid: Grid, plan: NnunetPlan, device: torch.device | str = "cpu") -> NnunetInput:
    """Turn, crop to what is not 0, normalise, resample.

    Args:
        arrays: one a channel, (K, J, I) on `grid`.

    Raises:
        InputRefused: a picture's colours are none.
    """
    frame = _frame(arrays, grid, plan)
    mask = _filled(arrays, frame) if any(channel.masked for channel in plan.channels) else None
    way = network_resizer(plan, frame)
    x = torch.empty((len(arrays), *plan.network_shape(frame.shape, frame.spacing_mm)), device=device)
    for into, array, channel in zip(x, arrays, plan.channels):
        seen = frame.view(array)
        scaling = _scaling(seen, channel, mask if channel.masked else None)
        into.copy_(_resampled(seen, scaling, way, x.device))
    return NnunetInput(x, frame)


def network_resizer(plan: NnunetPlan, frame: Frame) -> Resizer:
    """From the image's voxels to the network's."""
    spacings = (frame.spacing_mm, plan.network_spacing(frame.spacing_mm))
    return resizer(plan.data, frame.shape, plan.network_shape(frame.shape, frame.spacing_mm), spacings)


def _frame(arrays: Sequence[np.ndarray], grid: Grid, plan: NnunetPlan) -> Frame:
    axes, flipped = turned_axes(plan.orientation, grid) if plan.orientation else ((0, 1, 2), (False, False, False))
    axes, flipped = (tuple(values[axis] for axis in plan.transpose) for values in (axes, flipped))
    spacing = PICTURE_SPACING if plan.pixels else grid.spacing_mm[::-1]
    whole = Frame(axes, flipped, (slice(None),) * 3, tuple(float(spacing[axis]) for axis in axes))
    boxes = [bounding_box(whole.turned(array) != 0) for array in arrays if array.any()]
    ends = [(min(s.start for s in side), max(s.stop for s in side)) for side in zip(*boxes)]
    ends = ends or [(0, grid.shape[axis]) for axis in axes]
    return Frame(axes, flipped, tuple(slice(*end) for end in ends), whole.spacing_mm)


def turned_axes(orientation: str, grid: Grid) -> tuple[tuple[int, ...], tuple[bool, ...]]:
    """The image's axes (0 is K) that run most nearly along those of an orientation, and whether against them; in the order K, J, I."""
    there = {world: (2 - axis, against) for axis, (world, against) in enumerate(grid.world_axes())}
    found = []
    for letter in reversed(orientation):
        world, wanted_against = next((axes.index(letter), n == 1) for n, axes in enumerate(("RAS", "LPI")) if letter in axes)
        axis, against = there[world]
        found.append((axis, against != wanted_against))
    return tuple(axis for axis, _ in found), tuple(flip for _, flip in found)


def _filled(arrays: Sequence[np.ndarray], frame: Frame) -> np.ndarray:
    """Where any channel is not 0, holes filled: bool, along the network's axes, cropped."""
    mask = np.zeros(frame.shape, dtype=np.uint8)
    for array in arrays:
        mask |= frame.view(array) != 0
    outside = sitk.ConnectedComponent(sitk.GetImageFromArray(1 - np.pad(mask, 1)))  # by faces, as scipy's binary_fill_holes
    labels = sitk.GetArrayViewFromImage(outside)
    return (labels != labels[0, 0, 0])[1:-1, 1:-1, 1:-1]


@dataclass(frozen=True)
class _Scaling:
    """Intensities to the network's numbers: clipped, shifted, divided; only within the mask where there is one.

    Attributes:
        low, high: clipped to these.
        shift, divisor: afterwards.
        ends: the smallest and largest number that comes out.
        mask: along the network's axes, or None for everywhere.
    """

    low: float
    high: float
    shift: float
    divisor: float
    ends: tuple[float, float]
    mask: np.ndarray | None

    def __call__(self, planes: np.ndarray, part: slice, device: torch.device) -> Tensor:
        values = torch.from_numpy(planes.astype(np.float32)).to(device)
        scaled = values.clamp(self.low, self.high).sub_(self.shift).div_(self.divisor)
        if self.mask is None:
            return scaled
        return torch.where(torch.from_numpy(np.ascontiguousarray(self.mask[part])).to(device), scaled, values)


def _scaling(seen: np.ndarray, channel: Channel, mask: np.ndarray | None) -> _Scaling:
    low, high, shift, divisor = SCALINGS[channel.scheme](seen, channel, mask)
    ends = [(min(max(value, low), high) - shift) / divisor for value in _ends(seen, mask)]
    ends += [0.0] if mask is not None and not mask.all() else []  # outside of the mask every channel is 0, and stays so
    return _Scaling(low, high, shift, divisor, (min(ends), max(ends)), mask)


def _ends(seen: np.ndarray, mask: np.ndarray | None) -> tuple[float, float]:
    """The smallest and largest intensity, within the mask where there is one with anything in it."""
    if mask is None or not mask.any():
        return float(seen.min()), float(seen.max())
    parts = [slice(start, start + PLANES_AT_ONCE) for start in range(0, seen.shape[0], PLANES_AT_ONCE)]
    found = [seen[part][mask[part]] for part in parts if mask[part].any()]
    return min(float(values.min()) for values in found), max(float(values.max()) for values in found)


Numbers = tuple[float, float, float, float]


def _ct(seen: np.ndarray, channel: Channel, mask: np.ndarray | None) -> Numbers:
    return channel.low, channel.high, channel.mean, max(channel.deviation, LEAST_DEVIATION)


def _zscore(seen: np.ndarray, channel: Channel, mask: np.ndarray | None) -> Numbers:
    count, total, squares = 0, 0.0, 0.0
    for start in range(0, seen.shape[0], PLANES_AT_ONCE):
        part = slice(start, start + PLANES_AT_ONCE)
        values = seen[part] if mask is None else seen[part][mask[part]]
        values = values.astype(np.float64)
        count, total, squares = count + values.size, total + values.sum(), squares + np.square(values).sum()
    mean = total / max(count, 1)
    return -np.inf, np.inf, mean, max(np.sqrt(max(squares / max(count, 1) - mean**2, 0.0)), LEAST_DEVIATION)


def _rescale(seen: np.ndarray, channel: Channel, mask: np.ndarray | None) -> Numbers:
    least, most = float(seen.min()), float(seen.max())
    return -np.inf, np.inf, least, max(most - least, LEAST_DEVIATION)


def _unchanged(seen: np.ndarray, channel: Channel, mask: np.ndarray | None) -> Numbers:
    return -np.inf, np.inf, 0.0, 1.0


def _colour(seen: np.ndarray, channel: Channel, mask: np.ndarray | None) -> Numbers:
    least, most = float(seen.min()), float(seen.max())
    if least < BYTES[0] or most > BYTES[1]:
        raise InputRefused(f"The picture has values from {least:g} to {most:g}, but this network needs colours from 0 to 255.",
                           "Save it with 8 bits a colour.")  # fmt: skip
    return -np.inf, np.inf, 0.0, BYTES[1]


SCALINGS = {
    Scheme.CT: _ct,
    Scheme.ZSCORE: _zscore,
    Scheme.RESCALED: _rescale,
    Scheme.UNCHANGED: _unchanged,
    Scheme.COLOUR: _colour,
}


def _resampled(seen: np.ndarray, scaling: _Scaling, way: Resizer, device: torch.device) -> Tensor:
    """One channel, normalised, on the network's grid: two axes plane by plane, then the third."""
    first = 0 if way.across is None else way.across
    order = (first, *(axis for axis in range(3) if axis != first))
    axes = [way.axes[axis] for axis in order]
    turned = np.moveaxis(seen, first, 0)
    mask = None if scaling.mask is None else np.moveaxis(scaling.mask, first, 0)
    scaling = _Scaling(scaling.low, scaling.high, scaling.shift, scaling.divisor, scaling.ends, mask)
    done = []
    for start in range(0, turned.shape[0], PLANES_AT_ONCE):
        part = slice(start, start + PLANES_AT_ONCE)
        planes = scaling(turned[part], part, device)
        least, most = planes.amin((1, 2), keepdim=True), planes.amax((1, 2), keepdim=True)
        for dim, axis in ((1, axes[1]), (2, axes[2])):
            planes = planes if axis is None else axis.applied(planes, dim)
        if way.clipped and way.across is not None:
            planes = torch.minimum(torch.maximum(planes, least), most)
        done.append(planes)
    whole = torch.cat(done)
    done.clear()
    whole = whole if axes[0] is None else axes[0].applied(whole, 0)
    if way.clipped and way.across is None:
        whole.clamp_(*scaling.ends)
    return torch.movedim(whole, 0, first)
