"""The network over a whole volume: at once where memory allows, else in Gaussian-weighted tiles. Tensors in, probabilities out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import OutOfMemory
from ..progress import Progress
from ..tasks import Plan
from .device import available_memory_bytes
from .fused_inference import best_kernels, merged
from .inception_unet import Architecture, InceptionUNet

OVERLAP = 0.5  # of a tile; as nnU-Net's predictor
GAUSSIAN_SIGMA = 1 / 8  # of a tile's side; as nnU-Net's predictor
PLANES_AT_ONCE = {"cpu": 1, "cuda": 8}  # slices a batch of a 2-D network; one stays in the caches: 0.32 s against 0.46 s a slice of 8
BYTES_A_VOXEL_AND_FILTER = {2: 70, 3: 61}  # float32 maps alive at once at the finest level and oneDNN's copies, measured
LEAST_PASS_BYTES = 16 << 20  # oneDNN's own buffers
SAFE_SHARE = 0.7  # of the free memory that a rung may plan with

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Rung:
    """One step of the memory ladder.

    Attributes:
        name: for the report.
        tile: block given to the network at once, (K, J, I).
        device: where it runs.
    """

    name: str
    tile: tuple[int, int, int]
    device: torch.device


def estimate_bytes(arch: Architecture, tile: tuple[int, int, int], device: torch.device = CPU) -> int:
    """Memory that one forward pass over a tile (K, J, I) takes, besides the volume it is cut from; within 25 % (`make bench`, CPU)."""
    depth = min(tile[0], _planes(device)) if arch.spatial_dims == 2 else tile[0]
    return LEAST_PASS_BYTES + depth * tile[1] * tile[2] * arch.widths[0] * BYTES_A_VOXEL_AND_FILTER[arch.spatial_dims]


def whole_bytes(arch: Architecture, shape: tuple[int, int, int]) -> int:
    """Memory of what is kept for the whole volume: probabilities, their sum, the padded input."""
    copies = arch.out_channels + (1 if arch.spatial_dims == 2 else arch.in_channels + arch.out_channels)
    return 4 * copies * math.prod(shape)


def _planes(device: torch.device) -> int:
    return PLANES_AT_ONCE.get(device.type, 1)


def ladder(arch: Architecture, plan: Plan, shape: tuple[int, int, int], device: torch.device) -> list[Rung]:
    """Rungs from the whole volume down to small tiles on the CPU; those that the estimate rules out are left off.

    Raises:
        OutOfMemory: not even the smallest is expected to fit.
    """
    whole = tuple(_round_up(n, arch.divisor) for n in shape)
    if arch.spatial_dims == 2:
        whole = (shape[0], *whole[1:])
    plan_tile = (shape[0], *plan.tile[1:]) if arch.spatial_dims == 2 else plan.tile
    planned = tuple(min(a, b) for a, b in zip(whole, plan_tile))
    small = tuple(_round_up(n // 2, arch.divisor) for n in planned)
    if arch.spatial_dims == 2:
        small = (planned[0], *small[1:])
    sizes = [("whole", whole), ("tiles", planned), ("small tiles", small)]
    devices = [device] if device.type == "cpu" else [device, torch.device("cpu")]
    rungs = [Rung(f"{name} on {place}", tile, place) for place in devices for name, tile in sizes]
    budget = {place: SAFE_SHARE * available_memory_bytes(place) for place in devices}
    budget[CPU] = budget.get(CPU, math.inf) - whole_bytes(arch, shape)
    fitting = [rung for rung in rungs if estimate_bytes(arch, rung.tile, rung.device) <= budget[rung.device]]
    if not fitting:
        remedy = "Close other programs, or use a machine with more memory."
        raise OutOfMemory("There is not enough free memory for even a small tile.", remedy)
    return fitting


def predict(network: InceptionUNet, x: Tensor, plan: Plan, rungs: list[Rung], mirrored: bool, progress: Progress) -> tuple[Tensor, Rung]:
    """Probabilities (R, K, J, I) float32 on the CPU for (C, K, J, I), and the rung of the ladder that held.

    Raises:
        OutOfMemory: every rung ran out of memory.
    """
    for rung in rungs:
        try:
            return _run(network, x, plan, rung, mirrored, progress), rung
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
    raise OutOfMemory("The memory of this machine was not enough, not even tile by tile.", "Close other programs, or use --device cpu.")


def _run(network: InceptionUNet, x: Tensor, plan: Plan, rung: Rung, mirrored: bool, progress: Progress) -> Tensor:
    axes = [()]
    if mirrored:
        axes = [chosen for n in range(len(plan.mirror) + 1) for chosen in itertools.combinations(plan.mirror, n)]
    quick = merged(network).to(rung.device)
    total = None
    with torch.inference_mode(), best_kernels(rung.device):
        for done, flips in enumerate(axes):

            def part(fraction: float, message: str, done: int = done) -> None:
                progress((done + fraction) / len(axes), message)

            one = torch.flip(_tiled(quick, torch.flip(x, flips), plan, rung, part), flips) if flips else _tiled(quick, x, plan, rung, part)
            total = one if total is None else total.add_(one)
        return total.div_(len(axes))


def _tiled(network: InceptionUNet, x: Tensor, plan: Plan, rung: Rung, progress: Progress) -> Tensor:
    """One pass over all tiles: (C, K, J, I) -> (R, K, J, I) float32 on the CPU."""
    shape = tuple(x.shape[1:])
    forward = _forward_planes if network.arch.spatial_dims == 2 else _forward_block
    if all(a >= b for a, b in zip(rung.tile, shape)):
        return forward(network, x, plan, rung.device, progress)
    boxes = list(tile_boxes(shape, rung.tile))
    total = torch.zeros((network.arch.out_channels, *shape))
    weight = torch.zeros(shape)
    for number, box in enumerate(boxes):
        progress(number / len(boxes), "Segmenting")
        part = forward(network, x[(slice(None), *box)], plan, rung.device, _silent)
        window = gaussian_window(tuple(part.shape[1:]))
        total[(slice(None), *box)] += part * window
        weight[box] += window
    return total.div_(weight)


def _silent(fraction: float, message: str) -> None:
    """Progress within one tile is not told."""


def _forward_block(network: InceptionUNet, x: Tensor, plan: Plan, device: torch.device, progress: Progress) -> Tensor:
    """A three-dimensional network on one block (C, K, J, I), padded to the network's divisor."""
    progress(0.0, "Segmenting")
    padded = _pad(x, network.arch.divisor, x.shape[1:])
    logits = network(padded[None].to(device))[0]
    return torch.sigmoid(logits[(slice(None), *(slice(0, n) for n in x.shape[1:]))]).float().cpu()


def _forward_planes(network: InceptionUNet, x: Tensor, plan: Plan, device: torch.device, progress: Progress) -> Tensor:
    """A two-dimensional network on every slice of a block, a few slices a batch, neighbours as channels."""
    found = torch.empty((network.arch.out_channels, *x.shape[1:]))
    for start in range(0, x.shape[1], _planes(device)):
        progress(start / x.shape[1], "Segmenting")
        stop = min(start + _planes(device), x.shape[1])
        planes = _pad(neighbour_stack(x, plan.slices, start, stop), network.arch.divisor, x.shape[2:])
        probability = torch.sigmoid(network(planes.to(device)))[..., : x.shape[2], : x.shape[3]]
        found[:, start:stop] = probability.float().cpu().transpose(0, 1)
    return found


def neighbour_stack(x: Tensor, slices: int, start: int = 0, stop: int | None = None) -> Tensor:
    """(C, K, J, I) -> (stop - start, C * slices, J, I): each slice with its neighbours as channels; the outermost ones are repeated.

    With slices = 3 and one input the channels are slice k-1, k, k+1.
    """
    count = x.shape[1]
    reach = slices // 2
    wanted = torch.arange(start, count if stop is None else stop)
    indices = [(wanted + offset).clamp(0, count - 1) for offset in range(-reach, reach + 1)]
    return torch.cat([x[:, index] for index in indices]).transpose(0, 1).contiguous()


def _pad(x: Tensor, divisor: int, sides: torch.Size) -> Tensor:
    """Pad the trailing axes at their ends to multiples of `divisor`, repeating the edge."""
    missing = [(-side) % divisor for side in sides]
    pads = [amount for extra in reversed(missing) for amount in (0, extra)]
    if not any(pads):
        return x
    batched = x if x.ndim == len(sides) + 2 else x[None]
    padded = F.pad(batched, pads, mode="replicate")
    return padded if x.ndim == len(sides) + 2 else padded[0]


def tile_boxes(shape: tuple[int, ...], tile: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Boxes of the tile's size (or the axis's, if shorter) that cover the shape and overlap by at least half."""
    starts = []
    for side, length in zip(shape, tile):
        if length >= side:
            starts.append([0])
            continue
        steps = -(-(side - length) // max(1, int(length * (1 - OVERLAP))))
        starts.append([round(i * (side - length) / steps) for i in range(steps + 1)])
    for corner in itertools.product(*starts):
        yield tuple(slice(a, min(a + length, side)) for a, length, side in zip(corner, tile, shape))


def gaussian_window(shape: tuple[int, ...]) -> Tensor:
    """Weights of a tile: 1 in the middle, falling to the sides, never 0: (K, J, I)."""
    window = torch.ones(())
    for side in shape:
        place = torch.arange(side, dtype=torch.float32) - (side - 1) / 2
        bell = torch.exp(-0.5 * (place / max(side * GAUSSIAN_SIGMA, 1e-3)) ** 2).clamp(min=1e-3)
        window = window[..., None] * bell
    return window


def _round_up(n: int, divisor: int) -> int:
    return -(-n // divisor) * divisor
