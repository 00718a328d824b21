"""Resampling in physical space, cropping and the exact way back: the room where grids meet. No files, no networks here.

Linear and nearest-neighbour answers equal those of ITK's ResampleImageFilter, edges and ties included (judged in Testing/judges).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from .image import Grid, Image

MODES = ("linear", "nearest")
SLAB_VOXELS = 2**20  # target voxels at once on the general path: 8 MB a float64 coordinate
PARALLEL_DRIFT_VOXELS = 1e-4  # axes count as parallel if no voxel strays further; float32 headers (NIfTI) stay below it
COORDINATE_STEP = 2.0**-26  # coordinates are rounded to this, so that 0.5 - 1e-13 and 0.5 fall on the same voxel

_SAME_BITS = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}  # torch indexes only signed ones
_TORCH_OF_UNSIGNED = {"uint16": torch.uint16, "uint32": torch.uint32, "uint64": torch.uint64}


@dataclass(frozen=True)
class _Axis:
    """Where one target axis reads the source axis behind it: lower neighbour, upper neighbour, weight of the upper, inside or not."""

    lower: torch.Tensor
    upper: torch.Tensor
    weight: torch.Tensor
    inside: torch.Tensor

    def part(self, start: int, stop: int) -> _Axis:
        return _Axis(self.lower[start:stop], self.upper[start:stop], self.weight[start:stop], self.inside[start:stop])

    def shifted(self, offset: int) -> _Axis:
        return _Axis(self.lower - offset, self.upper - offset, self.weight, self.inside)


def resample(
    array: torch.Tensor, source: Grid, target: Grid, mode: str = "linear", fill: float = 0.0, device: str | torch.device = "cpu"
) -> torch.Tensor:
    """Values of `array` at the voxel centres of `target`.

    Args:
        array: (K, J, I) or (C, K, J, I) on `source`.
        source, target: the grids, any orientation, spacing and handedness.
        mode: "linear" (result float32) or "nearest" (result keeps its type).
        fill: value where the target leaves the source by more than half a voxel; within that half the edge is repeated.
        device: where the work is done and the result lies.

    Returns:
        (K, J, I) or (C, K, J, I) on `target`.

    Raises:
        ValueError: unknown mode, or an array that does not fit `source`.
    """
    _refuse_misfits(array, source, mode)
    values = array.to(device)
    if mode == "linear":
        values = values.to(torch.float32)
    dtype = values.dtype
    if dtype in _SAME_BITS:
        values = values.view(_SAME_BITS[dtype])
    work = values if values.ndim == 4 else values[None]
    found = _resample_channels(work, _index_affine(source, target), target.shape, mode, fill)
    found = found if values.ndim == 4 else found[0]
    return found.view(dtype) if dtype in _SAME_BITS else found


def regrid(image: Image, grid: Grid, mode: str = "linear", fill: float = 0.0) -> Image:
    """The image on another grid; colours stay the last axis. Linear gives float32, nearest keeps the type."""
    array = np.ascontiguousarray(image.array)
    array = np.moveaxis(array, -1, 0) if array.ndim == 4 else array
    found = resample(torch.from_numpy(array.copy() if not array.flags.writeable else array), image.grid, grid, mode, fill).numpy()
    found = np.moveaxis(found, 0, -1) if found.ndim == 4 else found
    return Image(np.ascontiguousarray(found), grid.affine, image.name, image.tags)


def crop_box(mask: np.ndarray | torch.Tensor, margin: int | tuple[int, int, int] = 0) -> tuple[slice, slice, slice]:
    """Smallest box around the non-zero voxels of a (K, J, I) mask, widened by `margin` voxels (one number, or one an axis), cut at the borders.

    An empty mask gives the whole volume, for a crop to nothing would lose it.
    """
    margins = (margin,) * 3 if isinstance(margin, int) else margin
    present = torch.as_tensor(mask) != 0
    box = []
    for axis, width in enumerate(margins):
        others = tuple(other for other in range(3) if other != axis)
        hits = torch.nonzero(present.any(dim=others[1]).any(dim=others[0])).flatten()
        if not len(hits):
            return tuple(slice(0, n) for n in present.shape)
        box.append(slice(max(int(hits[0]) - width, 0), min(int(hits[-1]) + 1 + width, present.shape[axis])))
    return tuple(box)


def paste(array: np.ndarray | torch.Tensor, box: tuple[slice, slice, slice], shape: tuple[int, int, int], fill: float = 0) -> np.ndarray | torch.Tensor:
    """The way back from `array[box]`: a volume of `shape` that holds `array` at `box` and `fill` elsewhere. Leading axes are kept."""
    whole = (*array.shape[:-3], *shape)
    if isinstance(array, torch.Tensor):
        canvas = torch.full(whole, fill, dtype=array.dtype, device=array.device)
    else:
        canvas = np.full(whole, fill, dtype=array.dtype)
    canvas[(..., *box)] = array
    return canvas


def _refuse_misfits(array: torch.Tensor, source: Grid, mode: str) -> None:
    if mode not in MODES:
        raise ValueError(f"mode is one of {MODES}, not {mode!r}")
    if array.ndim not in (3, 4) or tuple(array.shape[-3:]) != source.shape:
        raise ValueError(f"an array of shape {tuple(array.shape)} does not lie on a grid of shape {source.shape}")


def _index_affine(source: Grid, target: Grid) -> np.ndarray:
    """(3, 4): target index (k, j, i, 1) to continuous source index (k, j, i)."""
    ijk = np.linalg.solve(source.affine, target.affine)[:3]
    return np.concatenate([ijk[::-1, 2::-1], ijk[::-1, 3:]], axis=1)


def _resample_channels(values: torch.Tensor, index_affine: np.ndarray, shape: tuple[int, int, int], mode: str, fill: float) -> torch.Tensor:
    order = _parallel_axes(index_affine, shape)
    if order is None:
        return _resample_general(values, index_affine, shape, mode, fill)
    return _resample_parallel(values, index_affine, shape, mode, fill)


def _parallel_axes(index_affine: np.ndarray, shape: tuple[int, int, int]) -> tuple[int, int, int] | None:
    """For every target axis the source axis that it runs along; None if one runs along several."""
    drift = np.abs(index_affine[:, :3]) * np.maximum(np.array(shape) - 1, 1)
    order = np.abs(index_affine[:, :3]).argmax(axis=0)
    if len(set(order.tolist())) < 3:
        return None
    drift[order, np.arange(3)] = 0
    return tuple(order.tolist()) if drift.sum(axis=1).max() <= PARALLEL_DRIFT_VOXELS else None


def _axis(coordinates: np.ndarray, length: int, mode: str, device: torch.device) -> _Axis:
    """Neighbours and weights of continuous source coordinates (n,) on an axis of `length` voxels."""
    snapped = np.round(coordinates / COORDINATE_STEP) * COORDINATE_STEP
    inside = (snapped >= -0.5) & (snapped < length - 0.5)
    floor = np.floor(snapped + 0.5) if mode == "nearest" else np.floor(snapped)
    lower = np.clip(floor, 0, length - 1).astype(np.int64)
    upper = np.clip(floor + 1, 0, length - 1).astype(np.int64)
    tensors = (lower, upper, (snapped - floor).astype(np.float32), inside)
    return _Axis(*(torch.from_numpy(values).to(device) for values in tensors))


def _resample_parallel(values: torch.Tensor, index_affine: np.ndarray, shape: tuple[int, int, int], mode: str, fill: float) -> torch.Tensor:
    """One axis after the other, the one that shrinks most first, a slab of target slices at a time."""
    order = _parallel_axes(index_affine, shape)
    values = values.permute(0, *(1 + axis for axis in order))
    axes = []
    for axis, row in enumerate(order):
        coordinates = index_affine[row, axis] * np.arange(shape[axis]) + index_affine[row, 3]
        axes.append(_axis(coordinates, values.shape[1 + axis], mode, values.device))
    found = torch.empty((values.shape[0], *shape), dtype=values.dtype, device=values.device)
    cheapest_first = sorted(range(3), key=lambda axis: shape[axis] / values.shape[1 + axis])
    for start, stop in _slabs(max(shape[1] * shape[2], values.shape[2] * values.shape[3]), shape[0]):
        slab_axis = axes[0].part(start, stop)
        first, last = int(min(slab_axis.lower.min(), slab_axis.upper.min())), int(max(slab_axis.lower.max(), slab_axis.upper.max()))
        slab = values[:, first : last + 1]
        for axis in cheapest_first:
            slab = _along(slab, 1 + axis, slab_axis.shifted(first) if axis == 0 else axes[axis], mode)
        found[:, start:stop] = slab
    for axis, axis_plan in enumerate(axes):
        outside = torch.nonzero(~axis_plan.inside).flatten()
        if len(outside):
            found.index_fill_(1 + axis, outside, fill)
    return found


def _slabs(plane_voxels: int, planes: int) -> Iterator[tuple[int, int]]:
    thickness = max(1, SLAB_VOXELS // plane_voxels)
    for start in range(0, planes, thickness):
        yield start, min(start + thickness, planes)


def _along(values: torch.Tensor, dim: int, axis: _Axis, mode: str) -> torch.Tensor:
    lower = values.index_select(dim, axis.lower)
    if mode == "nearest":
        return lower
    weight = axis.weight.reshape(-1, *(1,) * (values.ndim - 1 - dim))
    return lower.lerp_(values.index_select(dim, axis.upper), weight.expand_as(lower))


def _resample_general(values: torch.Tensor, index_affine: np.ndarray, shape: tuple[int, int, int], mode: str, fill: float) -> torch.Tensor:
    """Oblique to each other: the eight neighbours of every voxel, a slab of target slices at a time."""
    found = torch.empty((values.shape[0], *shape), dtype=values.dtype, device=values.device)
    flat = values.reshape(values.shape[0], -1)
    source_shape = tuple(values.shape[1:])
    for start, stop in _slabs(shape[1] * shape[2], shape[0]):
        coordinates = [_slab_coordinates(row, start, stop, shape, values.device) for row in index_affine]
        inside = torch.ones_like(coordinates[0], dtype=torch.bool)
        for position, length in zip(coordinates, source_shape, strict=True):
            inside &= (position >= -0.5) & (position < length - 0.5)
        picked = [position[inside] for position in coordinates]
        slab = torch.full((values.shape[0], stop - start, *shape[1:]), fill, dtype=values.dtype, device=values.device)
        slab[:, inside] = _nearest(flat, picked, source_shape) if mode == "nearest" else _trilinear(flat, picked, source_shape)
        found[:, start:stop] = slab
    return found


def _slab_coordinates(row: np.ndarray, start: int, stop: int, shape: tuple[int, int, int], device: torch.device) -> torch.Tensor:
    """Continuous source coordinate along one axis for target slices start..stop: (stop - start, J, I) float64."""
    ranges = [torch.arange(first, last, dtype=torch.float64, device=device) for first, last in ((start, stop), (0, shape[1]), (0, shape[2]))]
    position = (row[0] * ranges[0] + row[3])[:, None, None] + (row[1] * ranges[1])[:, None] + row[2] * ranges[2]
    return position.div_(COORDINATE_STEP).round_().mul_(COORDINATE_STEP)


def _nearest(flat: torch.Tensor, coordinates: list[torch.Tensor], shape: tuple[int, int, int]) -> torch.Tensor:
    index = [torch.floor(position + 0.5).long().clamp_(0, length - 1) for position, length in zip(coordinates, shape, strict=True)]
    return flat[:, (index[0] * shape[1] + index[1]) * shape[2] + index[2]]


def _trilinear(flat: torch.Tensor, coordinates: list[torch.Tensor], shape: tuple[int, int, int]) -> torch.Tensor:
    lower, upper, weight = [], [], []
    for position, length, stride in zip(coordinates, shape, (shape[1] * shape[2], shape[2], 1), strict=True):
        floor = torch.floor(position)
        weight.append((position - floor).to(torch.float32))
        lower.append(floor.long().clamp_(0, length - 1).mul_(stride))
        upper.append((floor.long() + 1).clamp_(0, length - 1).mul_(stride))
    planes = []
    for plane in (lower[0], upper[0]):
        rows = []
        for line in (lower[1], upper[1]):
            base = plane + line
            rows.append(torch.lerp(flat[:, base + lower[2]], flat[:, base + upper[2]], weight[2]))
        planes.append(torch.lerp(rows[0], rows[1], weight[1]))
    return torch.lerp(planes[0], planes[1], weight[0])
