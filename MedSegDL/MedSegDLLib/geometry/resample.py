"""Resampling in physical space: the room where grids meet. No files, no networks here.

Linear and nearest-neighbour answers equal those of ITK's ResampleImageFilter, edges and ties included (judged in Testing/judges).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from .image import Grid, Image

Pointwise = Callable[[torch.Tensor], torch.Tensor]

MODES = ("linear", "nearest")
WITHOUT_FLOAT64 = ("mps",)  # kinds of accelerators
SLAB_VOXELS = 2**18  # target voxels at once on the CPU: 2 MB a float64 coordinate, which the caches hold
ACCELERATOR_SLAB = 2**24  # fewer, larger kernels
PARALLEL_DRIFT_VOXELS = 1e-4  # axes count as parallel if no voxel strays further; float32 headers (NIfTI) stay below it
TIE = 2.0**-27  # coordinates this close below a half count as the half; ITK leaves 0.5 - 1e-13 to the rounding of its sums

_SAME_BITS = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}  # torch indexes only signed ones


@dataclass(frozen=True)
class _Axis:
    """Where one target axis reads the source axis behind it.

    Attributes:
        lower, upper: (n,) int64 neighbours in the source.
        weight: (n,) float32 share of the upper one; None where it counts nowhere.
        outside: (m,) int64 target positions that leave the source.
    """

    lower: np.ndarray
    upper: np.ndarray
    weight: np.ndarray | None
    outside: np.ndarray

    def part(self, start: int, stop: int) -> _Axis:
        """Targets start..stop only."""
        weight = None if self.weight is None else self.weight[start:stop]
        return _Axis(self.lower[start:stop], self.upper[start:stop], weight, self.outside)

    def span(self) -> tuple[int, int]:
        """First source position read, and one past the last."""
        return int(self.lower.min()), int(self.upper.max()) + 1

    def shifted(self, offset: int) -> _Axis:
        """For a source that has lost its first `offset` positions."""
        return _Axis(self.lower - offset, self.upper - offset, self.weight, self.outside)


def knows_float64(device: torch.device) -> bool:
    """Whether a device computes with 64 bits."""
    return device.type not in WITHOUT_FLOAT64


def resample(
    array: torch.Tensor,
    source: Grid,
    target: Grid,
    mode: str = "linear",
    fill: float = 0.0,
    scale: Pointwise | None = None,
) -> torch.Tensor:
    """Values of `array` at the voxel centres of `target`.

    The source is widened to float32 only where and when it is read: a CT of 512x512x600 stays 300 MB of int16.

    Args:
        array: (K, J, I) or (C, K, J, I) on `source`; the work is done on its device.
        source, target: the grids, any orientation, spacing and handedness.
        mode: "linear" (result float32) or "nearest" (result keeps its type).
        fill: value where the target leaves the source by more than half a voxel; within that half the edge is repeated.
        scale: done to every source value (float32) before it is interpolated, voxel by voxel; "linear" only.

    Returns:
        (K, J, I) or (C, K, J, I) on `target`.

    Raises:
        ValueError: unknown mode, or an array that does not fit `source`.
    """
    _refuse_misfits(array, source, mode)
    read = _reader(mode, scale)
    bits = array
    if array.dtype in _SAME_BITS:
        bits = array.view(_SAME_BITS[array.dtype]) if mode == "nearest" else array.to(torch.float32)
    channels = bits if bits.ndim == 4 else bits[None]
    found = torch.empty((channels.shape[0], *target.shape), dtype=torch.float32 if mode == "linear" else bits.dtype, device=array.device)
    index_affine = _index_affine(source, target)
    order = _parallel_axes(index_affine, target.shape)
    if order is None:
        _resample_general(channels, index_affine, found, mode, fill, read)
    else:
        _resample_parallel(channels.permute(0, *(1 + axis for axis in order)), index_affine[list(order)], found, mode, fill, read)
    found = found if bits.ndim == 4 else found[0]
    return found.view(array.dtype) if mode == "nearest" else found


def regrid(image: Image, grid: Grid, mode: str = "linear", fill: float = 0.0, device: str = "cpu") -> Image:
    """The image on another grid, resampled on the device; colours stay the last axis. Linear gives float32, nearest keeps the type."""
    array = np.ascontiguousarray(image.array)
    array = np.moveaxis(array, -1, 0) if array.ndim == 4 else array
    values = torch.from_numpy(array.copy() if not array.flags.writeable else array).to(device)
    found = resample(values, image.grid, grid, mode, fill).cpu().numpy()
    found = np.moveaxis(found, 0, -1) if found.ndim == 4 else found
    return Image(np.ascontiguousarray(found), grid.affine, image.name, image.tags)


def pooled(image: Image, side_mm: float) -> tuple[torch.Tensor, Grid]:
    """Means over blocks of whole voxels not longer than `side_mm`, float32 (K, J, I), and where they lie; a rest at the end is left out."""
    steps = [min(n, max(1, int(side_mm / side))) for side, n in zip(image.grid.spacing_mm[::-1], image.grid.shape)]
    kept = tuple(slice(0, n // step * step) for n, step in zip(image.grid.shape, steps))
    values = torch.from_numpy(np.ascontiguousarray(image.array[kept]).astype(np.float32))
    means = torch.nn.functional.avg_pool3d(values[None], steps)[0]
    scale = np.diag([*map(float, steps[::-1]), 1.0])
    scale[:3, 3] = [(step - 1) / 2 for step in steps[::-1]]
    return means, Grid(tuple(means.shape), image.affine @ scale)


def _refuse_misfits(array: torch.Tensor, source: Grid, mode: str) -> None:
    if mode not in MODES:
        raise ValueError(f"mode is one of {MODES}, not {mode!r}")
    if array.ndim not in (3, 4) or tuple(array.shape[-3:]) != source.shape:
        raise ValueError(f"an array of shape {tuple(array.shape)} does not lie on a grid of shape {source.shape}")


def _index_affine(source: Grid, target: Grid) -> np.ndarray:
    """(3, 4): target index (k, j, i, 1) to continuous source index (k, j, i)."""
    ijk = np.linalg.solve(source.affine, target.affine)[:3]
    return np.concatenate([ijk[::-1, 2::-1], ijk[::-1, 3:]], axis=1)


def _parallel_axes(index_affine: np.ndarray, shape: tuple[int, int, int]) -> tuple[int, int, int] | None:
    """For every target axis the source axis that it runs along; None if one runs along several."""
    drift = np.abs(index_affine[:, :3]) * np.maximum(np.array(shape) - 1, 1)
    order = np.abs(index_affine[:, :3]).argmax(axis=0)
    if len(set(order.tolist())) < 3:
        return None
    drift[order, np.arange(3)] = 0
    return tuple(order.tolist()) if drift.sum(axis=1).max() <= PARALLEL_DRIFT_VOXELS else None


def _reader(mode: str, scale: Pointwise | None) -> Pointwise:
    """What is done to source values as they are read."""
    if mode == "nearest":
        return lambda values: values
    return (lambda values: values.to(torch.float32)) if scale is None else (lambda values: scale(values.to(torch.float32)))


def _resample_parallel(
    values: torch.Tensor, index_affine: np.ndarray, found: torch.Tensor, mode: str, fill: float, read: Pointwise
) -> None:
    """One axis after the other, the one that shrinks most first, a slab of target slices at a time.

    `values` has its axes in the target's order, and the rows of `index_affine` too: what is left is one scale and shift an axis.
    """
    shape = found.shape[1:]
    axes = [_axis(row[axis] * np.arange(shape[axis]) + row[3], values.shape[1 + axis], mode) for axis, row in enumerate(index_affine)]
    cheapest_first = sorted(range(3), key=lambda axis: shape[axis] / values.shape[1 + axis])
    plane_voxels = max(shape[1] * shape[2], values.shape[2] * values.shape[3])
    for start, stop in _slabs(plane_voxels, shape[0], found.device):
        depth = axes[0].part(start, stop)
        first, last = depth.span()
        slab = values[:, first:last].contiguous()
        for number, axis in enumerate(cheapest_first):
            slab = _along(slab, 1 + axis, depth.shifted(first) if axis == 0 else axes[axis], None if number else read)
        found[:, start:stop] = slab
    for axis, axis_plan in enumerate(axes):
        if len(axis_plan.outside):
            found.index_fill_(1 + axis, torch.from_numpy(axis_plan.outside).to(found.device), fill)


def _axis(coordinates: np.ndarray, length: int, mode: str) -> _Axis:
    """Plan for continuous source coordinates (n,) on an axis of `length` voxels; beyond the edges the edge is repeated."""
    outside = np.flatnonzero((coordinates < -0.5 - TIE) | (coordinates >= length - 0.5 - TIE))
    if mode == "nearest":
        nearest = np.clip(np.floor(coordinates + (0.5 + TIE)), 0, length - 1).astype(np.int64)
        return _Axis(nearest, nearest, None, outside)
    rounded = np.round(coordinates)
    inner = np.clip(np.where(np.abs(coordinates - rounded) < TIE, rounded, coordinates), 0, length - 1)
    lower = np.floor(inner).astype(np.int64)
    weight = (inner - lower).astype(np.float32)
    if not weight.any():
        return _Axis(lower, lower, None, outside)
    return _Axis(lower, np.minimum(lower + 1, length - 1), weight, outside)


def _slabs(plane_voxels: int, planes: int, device: torch.device) -> Iterator[tuple[int, int]]:
    thickness = max(1, (SLAB_VOXELS if device.type == "cpu" else ACCELERATOR_SLAB) // plane_voxels)
    for start in range(0, planes, thickness):
        yield start, min(start + thickness, planes)


def _along(values: torch.Tensor, dim: int, axis: _Axis, read: Pointwise | None) -> torch.Tensor:
    """Interpolate one dimension; nothing is copied where source and target positions are the same. Source values are `read` first."""
    read = read or (lambda found: found)
    if axis.weight is None and np.array_equal(axis.lower, np.arange(values.shape[dim])):
        return read(values)
    lower = read(values.index_select(dim, torch.from_numpy(axis.lower).to(values.device)))
    if axis.weight is None:
        return lower
    upper = read(values.index_select(dim, torch.from_numpy(axis.upper).to(values.device)))
    weight = torch.from_numpy(axis.weight).to(values.device).reshape(-1, *(1,) * (values.ndim - 1 - dim))
    return lower.lerp_(upper, weight.expand_as(lower))


def _resample_general(values: torch.Tensor, index_affine: np.ndarray, found: torch.Tensor, mode: str, fill: float, read: Pointwise) -> None:
    """Axes oblique to each other: every voxel finds its neighbours by itself, a slab of target slices at a time."""
    shape = found.shape[1:]
    flat = values.reshape(values.shape[0], -1)
    steps = [stride if length > 1 else 0 for stride, length in zip(_strides(values), values.shape[1:])]
    for start, stop in _slabs(shape[1] * shape[2], shape[0], found.device):
        index, weights, outside = _neighbours(values, index_affine, (start, stop, *shape[1:]), mode)
        for channel, target in zip(flat, found):
            slab = channel.index_select(0, index) if mode == "nearest" else _trilinear(channel, index, steps, weights, read)
            target[start:stop] = slab.view(outside.shape).masked_fill_(outside, fill)


def _strides(values: torch.Tensor) -> tuple[int, int, int]:
    return values.shape[2] * values.shape[3], values.shape[3], 1


def _neighbours(
    values: torch.Tensor, index_affine: np.ndarray, slab: tuple[int, int, int, int], mode: str
) -> tuple[torch.Tensor, list[torch.Tensor], torch.Tensor]:
    """Flat index of the (lowest) neighbour of every voxel, weight of the upper ones along each axis, and who is outside.

    `slab` is (first slice, end slice, J, I). Indices are summed in float64, exact up to 2^53.
    """
    index, weights, outside = 0.0, [], False
    place = values.device if knows_float64(values.device) else torch.device("cpu")
    for row, length, stride in zip(index_affine, values.shape[1:], _strides(values)):
        position = _coordinates(row, slab, place)
        outside = outside | (position < -0.5 - TIE) | (position >= length - 0.5 - TIE)
        if mode == "nearest":
            lower = position.add_(0.5 + TIE).floor_().clamp_(0, length - 1)
        else:
            position.clamp_(0, length - 1)
            lower = position.floor().clamp_(max=max(length - 2, 0))
            weights.append((position - lower).to(torch.float32).flatten())
        index = lower.mul_(stride).add_(index)
    return index.long().flatten().to(values.device), [weight.to(values.device) for weight in weights], outside.to(values.device)


def _coordinates(row: np.ndarray, slab: tuple[int, int, int, int], device: torch.device) -> torch.Tensor:
    """Continuous source coordinates along one axis: (stop - start, J, I) float64."""
    start, stop, height, width = slab
    k, j, i = (torch.arange(*bounds, dtype=torch.float64, device=device) for bounds in ((start, stop), (height,), (width,)))
    return ((row[0] * k + row[3])[:, None] + row[1] * j)[:, :, None] + row[2] * i


def _trilinear(flat: torch.Tensor, index: torch.Tensor, steps: list[int], weights: list[torch.Tensor], read: Pointwise) -> torch.Tensor:
    """The eight neighbours, each gathered from a view that starts as far in as the neighbour lies from the lowest one."""

    def gathered(offset: int) -> torch.Tensor:
        return read(flat[offset:].index_select(0, index))

    planes = []
    for plane in (0, steps[0]):
        rows = [gathered(plane + row).lerp_(gathered(plane + row + steps[2]), weights[2]) for row in (0, steps[1])]
        planes.append(rows[0].lerp_(rows[1], weights[1]))
    return planes[0].lerp_(planes[1], weights[0])
