"""A network tile by tile over a volume, and its outputs plane by plane: what is finished is handed on, so that a whole volume of outputs
never lies in memory. Tensors in, tensors out.

Tiles lie and count as in nnU-Net (`compute_steps_for_sliding_window`, `compute_gaussian`) and MONAI (`sliding_window_inference`).
nnU-Net sums in float16, in the corners of a volume with weights of 6e-8, the smallest there is: here sums are float32.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..progress import Progress
from .device import full_precision
from .fused_inference import best_kernels

PEAK = 10.0  # of nnU-Net's weights, made in float16
SIGMAS_A_TILE = 8  # of both origins
LEAST_WEIGHT = 1e-3  # of MONAI's
Steps = Callable[[int, int], list[int]]


@dataclass(frozen=True)
class Tiling:
    """How tiles cover a volume.

    Attributes:
        tile: two or three sides in voxels; two mean that every plane is a picture of its own.
        steps: (side of the volume, side of the tile) -> where tiles start.
        weight: the tile's shape, float32: how much each voxel of a tile counts.
        flips: sets of the tile's axes; the outputs are the mean over tiles mirrored along each.
        padding: what is put around a volume that is smaller than a tile.
    """

    tile: tuple[int, ...]
    steps: Steps
    weight: Tensor
    flips: tuple[tuple[int, ...], ...] = ((),)
    padding: float = 0.0


def nnunet_steps(step: float) -> Steps:
    """Starts of tiles at most `step` of a tile apart, evenly spread."""

    def starts(side: int, tile: int) -> list[int]:
        count = math.ceil((side - tile) / (tile * step)) + 1
        apart = (side - tile) / (count - 1) if count > 1 else 0.0
        return [round(apart * number) for number in range(count)]  # halves to even, as numpy does

    return starts


def nnunet_weight(tile: Sequence[int]) -> Tensor:
    """nnU-Net's Gaussian: sigma an eighth of the tile, in float16; where that is 0, its smallest value. float32, (*tile)."""
    weight = torch.ones((), dtype=torch.float64)
    for side in tile:
        sigma = side / SIGMAS_A_TILE
        away = torch.arange(side, dtype=torch.float64) - side // 2
        line = torch.exp(-0.5 * (away / sigma) ** 2)
        line[away.abs() > int(4 * sigma + 0.5)] = 0.0  # scipy.ndimage.gaussian_filter ends there
        weight = weight[..., None] * line
    coarse = (weight / weight.max() * PEAK).half()
    coarse[coarse == 0] = coarse[coarse != 0].min()
    return coarse.float()


def monai_steps(overlap: float) -> Steps:
    """Starts of tiles that overlap by a share; the last one is moved back into the volume."""

    def starts(side: int, tile: int) -> list[int]:
        apart = tile if side == tile else max(1, int(tile * (1 - overlap)))
        count = next(n for n in range(side) if n * apart + tile >= side) + 1
        return [min(number * apart, side - tile) for number in range(count)]

    return starts


def monai_weight(tile: Sequence[int], gaussian: bool) -> Tensor:
    """MONAI's weight of a tile's voxels: all the same, or a Gaussian of an eighth of the tile, at least 0.001. float32, (*tile)."""
    weight = torch.ones(())
    for side in tile:
        away = torch.arange(side, dtype=torch.float32) - (side - 1) / 2
        line = torch.exp(away**2 / (-2 * (side / SIGMAS_A_TILE) ** 2))
        weight = weight[..., None] * (line if gaussian else torch.ones(side))
    return weight.clamp(min=max(float(weight.min()), LEAST_WEIGHT))


def all_flips(axes: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Every set of the axes, the empty one first."""
    return tuple(chosen for n in range(len(axes) + 1) for chosen in itertools.combinations(axes, n))


def finished_planes(networks: Sequence[nn.Module], x: Tensor, tiling: Tiling, progress: Progress) -> Iterator[tuple[int, Tensor]]:
    """The networks' mean outputs, some planes of the first axis at a time, in order.

    Args:
        networks: on the device of `x`.
        x: (C, *S), S three sides.
        progress: moves with every tile.

    Yields:
        number of the first plane, and (R, planes, S1, S2) float32; every plane once. The tensor is overwritten afterwards.
    """
    flat = len(tiling.tile) == 2
    before = [max(0, tile - side) // 2 for tile, side in zip(tiling.tile, x.shape[-len(tiling.tile) :])]
    padded = _padded(x, tiling)
    inner = tuple(slice(b, b + n) for b, n in zip(before, x.shape[-len(tiling.tile) :]))
    work = _Counted(networks, tiling, progress)
    with torch.inference_mode(), full_precision(x.device), best_kernels(x.device):
        if flat:
            work.total *= x.shape[1] * len(_places(padded.shape[2:], tiling))
            for plane in range(x.shape[1]):
                yield plane, work.covered(padded[:, plane])[:, None][(..., *inner)]
        else:
            work.total *= len(_places(padded.shape[1:], tiling))
            for start, planes in work.rolled(padded):
                first, last = max(start, inner[0].start), min(start + planes.shape[1], inner[0].stop)
                if first < last:
                    yield first - inner[0].start, planes[(slice(None), slice(first - start, last - start), *inner[1:])]


def _padded(x: Tensor, tiling: Tiling) -> Tensor:
    """The volume with something around where it is smaller than a tile; the odd voxel goes to the end."""
    missing = [max(0, tile - side) for tile, side in zip(tiling.tile, x.shape[-len(tiling.tile) :])]
    pads = [part for extra in reversed(missing) for part in (extra // 2, extra - extra // 2)]
    return F.pad(x, pads, value=tiling.padding) if any(pads) else x


def _places(sides: Sequence[int], tiling: Tiling) -> list[tuple[int, ...]]:
    return list(itertools.product(*(tiling.steps(side, tile) for side, tile in zip(sides, tiling.tile))))


class _Counted:
    """Networks over tiles, with a count of what is done."""

    def __init__(self, networks: Sequence[nn.Module], tiling: Tiling, progress: Progress) -> None:
        self.networks, self.tiling, self.progress = networks, tiling, progress
        self.total, self.done = len(networks) * len(tiling.flips), 0
        self.weight: Tensor | None = None

    def answer(self, tile: Tensor) -> Tensor:
        """(C, *tile) -> (R, *tile): the mean over networks and mirrored tiles."""
        total: Tensor | None = None
        for network in self.networks:
            for axes in self.tiling.flips:
                dims = [2 + axis for axis in axes]
                found = network(torch.flip(tile[None], dims)) if dims else network(tile[None].contiguous())
                found = (torch.flip(found, dims) if dims else found)[0].float()
                total = found.clone() if total is None else total.add_(found)
                self.done += 1
                self.progress(self.done / self.total, "Segmenting")
        return total.div_(len(self.networks) * len(self.tiling.flips))

    def weights(self, device: torch.device) -> Tensor:
        if self.weight is None:
            self.weight = self.tiling.weight.to(device)
        return self.weight

    def covered(self, image: Tensor) -> Tensor:
        """(C, *S) of as many axes as the tile has -> (R, *S)."""
        total, counted = None, torch.zeros(image.shape[1:], device=image.device)
        weight = self.weights(image.device)
        for place in _places(image.shape[1:], self.tiling):
            box = tuple(slice(start, start + side) for start, side in zip(place, self.tiling.tile))
            found = self.answer(image[(slice(None), *box)]).mul_(weight)
            if total is None:
                total = torch.zeros((found.shape[0], *image.shape[1:]), device=image.device)
            total[(slice(None), *box)] += found
            counted[box] += weight
        return total.div_(counted)

    def rolled(self, x: Tensor) -> Iterator[tuple[int, Tensor]]:
        """(C, S0, S1, S2) -> planes that no further tile reaches. The sums of one tile's depth are kept, and move on."""
        depth = self.tiling.tile[0]
        starts = self.tiling.steps(x.shape[1], depth)
        weight = self.weights(x.device)
        sums, counted = None, torch.zeros((depth, *x.shape[2:]), device=x.device)
        for start, following in itertools.pairwise([*starts, x.shape[1]]):
            for place in _places(x.shape[2:], Tiling(self.tiling.tile[1:], self.tiling.steps, weight)):
                box = tuple(slice(a, a + side) for a, side in zip(place, self.tiling.tile[1:]))
                found = self.answer(x[(slice(None), slice(start, start + depth), *box)]).mul_(weight)
                if sums is None:
                    sums = torch.zeros((found.shape[0], depth, *x.shape[2:]), device=x.device)
                sums[(slice(None), slice(None), *box)] += found
                counted[(slice(None), *box)] += weight
            done = min(following - start, depth)
            yield start, sums[:, :done].div_(counted[:done])
            _move_on(sums, done, 1)
            _move_on(counted, done, 0)


def _move_on(sums: Tensor, planes: int, dim: int) -> None:
    """Drop the first planes, bring the others to the front, and put zeros behind them, in place."""
    left = sums.shape[dim] - planes
    for plane in range(left):  # one at a time: source and target overlap
        sums.select(dim, plane).copy_(sums.select(dim, plane + planes))
    sums.narrow(dim, left, planes).zero_()
