"""The network over a whole volume, by the quickest of three strategies that memory allows; all give the same answer.

Tensors in, probabilities out.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import OutOfMemory, is_out_of_memory
from ..progress import Progress
from ..tasks import Plan
from .device import available_memory_bytes, freed_at_once, full_precision, release_memory
from .fused_inference import best_kernels, merged
from .inception_unet import Architecture, InceptionUNet
from .slabs import LEAST_PLANES, SLAB_BYTES, SlabNetwork, slab_bytes

PLANES_AT_ONCE = {"cpu": 1, "cuda": 8}  # slices a batch of a 2-D network; one stays in the caches: 0.32 s against 0.46 s a slice of 8
LEAST_PASS_BYTES = 16 << 20  # oneDNN's own buffers
SAFE_SHARE = 0.7  # of the free memory that a strategy may plan with
MOST_AT_ONCE_BYTES = 2 << 30  # of the machine's memory that one pass takes while another strategy would take less: a desktop is shared
SHOWN_STEPS = 200  # of a pass are told at most

CPU = torch.device("cpu")


class How(Enum):
    """What is in memory at once during a pass of the network."""

    WHOLE = "whole"  # everything, as torch runs it: the quickest
    LAYERS = "layer by layer"  # the outputs of one module's layers
    SLABS = "slab by slab"  # inputs and outputs of modules; what lies between is computed again when needed


BYTES_A_VOXEL_AND_FILTER = {  # float32 maps alive at once at the finest level and oneDNN's copies, measured (`make bench`)
    How.WHOLE: {2: 70, 3: 61},
    How.LAYERS: {2: 32, 3: 33},
    How.SLABS: {2: 9, 3: 10},
}


@dataclass(frozen=True)
class Strategy:
    """How the network goes over a volume.

    Attributes:
        how: what is in memory at once.
        device: where it runs.
    """

    how: How
    device: torch.device

    @property
    def name(self) -> str:
        """For the report."""
        return f"{self.how.value} on {self.device}"


def estimate_bytes(arch: Architecture, shape: tuple[int, int, int], how: How = How.WHOLE, device: torch.device = CPU) -> int:
    """Memory that one pass over a volume (K, J, I) takes, besides what is kept of it; within 25 % (`make bench`, CPU)."""
    depth = min(shape[0], _planes(device) if how is How.WHOLE else 1) if arch.spatial_dims == 2 else shape[0]
    maps = depth * shape[1] * shape[2] * arch.widths[0] * BYTES_A_VOXEL_AND_FILTER[how][arch.spatial_dims]
    if how is How.WHOLE:
        return LEAST_PASS_BYTES + maps
    planes, plane = (shape[1], shape[2]) if arch.spatial_dims == 2 else (shape[0], shape[1] * shape[2])
    a_plane = slab_bytes(plane, 3 * arch.widths[0])
    return LEAST_PASS_BYTES + maps + min(max(SLAB_BYTES, LEAST_PLANES * a_plane), planes * a_plane)


def kept_bytes(arch: Architecture, shape: tuple[int, int, int]) -> int:
    """Memory of what is kept for the whole volume: probabilities, their sum, the padded input."""
    copies = arch.out_channels + (1 if arch.spatial_dims == 2 else arch.in_channels + arch.out_channels)
    return 4 * copies * math.prod(shape)


def _planes(device: torch.device) -> int:
    return PLANES_AT_ONCE.get(device.type, 1)


def strategies(arch: Architecture, shape: tuple[int, int, int], device: torch.device, left_out: int = 0) -> list[Strategy]:
    """What may be tried for a volume (K, J, I), the quickest first; those that the estimate rules out are left off.

    Args:
        arch, shape: of the network and its input.
        device: where to try first; the CPU comes after it.
        left_out: how many of the quickest not to try (a process ended in them); the last is always tried.

    Raises:
        OutOfMemory: not even the last is expected to fit.
    """
    padded = tuple(-(-n // arch.divisor) * arch.divisor for n in shape)
    padded = padded if arch.spatial_dims == 3 else (shape[0], *padded[1:])
    fitting = []
    for place in dict.fromkeys((device, CPU)):
        budget = SAFE_SHARE * available_memory_bytes(place) - kept_bytes(arch, shape)
        needs = {how: estimate_bytes(arch, padded, how, place) for how in How}
        allowed = [how for how in How if needs[how] <= budget]
        modest = [how for how in allowed if place.type != "cpu" or needs[how] <= MOST_AT_ONCE_BYTES]
        fitting += [Strategy(how, place) for how in modest or allowed[-1:]]
    if not fitting:
        gib = (min(needs.values()) + kept_bytes(arch, shape)) / SAFE_SHARE / 2**30
        message = f"There is not enough free memory: the network needs {gib:.1f} GiB for an image of this size."
        raise OutOfMemory(message, "Close other programs, crop the image to the region of interest, or use a machine with more memory.")
    return fitting[min(left_out, len(fitting) - 1) :]


def predict(
    network: InceptionUNet, x: Tensor, plan: Plan, tried: list[Strategy], mirrored: bool, progress: Progress
) -> tuple[Tensor, Strategy]:
    """Probabilities (R, K, J, I) float32 of (C, K, J, I), on the device of the strategy that held, and that strategy.

    Args:
        tried: from `strategies`, in this order.
        mirrored: the mean over mirrored images, along the plan's axes.
        progress: moves with every convolution.

    Raises:
        OutOfMemory: every strategy ran out of memory.
    """
    for strategy in tried:
        try:
            return _run(network, x, plan, strategy, mirrored, progress), strategy
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        release_memory(strategy.device)  # outside of the handler, which holds the failed pass's tensors
    raise OutOfMemory(
        "The memory of this machine was not enough for the network.", "Close other programs, or crop the image to the region of interest."
    )


def _run(network: InceptionUNet, x: Tensor, plan: Plan, strategy: Strategy, mirrored: bool, progress: Progress) -> Tensor:
    axes: list[tuple[int, ...]] = [()]
    if mirrored:
        axes = [chosen for n in range(len(plan.mirror) + 1) for chosen in itertools.combinations(plan.mirror, n)]
    x = x.to(strategy.device)
    one_pass = _Pass(merged(network).to(strategy.device), plan, strategy.how)
    total = None
    with torch.inference_mode(), full_precision(strategy.device):
        tick = _Steps(one_pass.work(x) * len(axes), progress)
        with best_kernels(strategy.device):
            for flips in axes:
                one = torch.flip(one_pass(torch.flip(x, flips), tick), flips) if flips else one_pass(x, tick)
                total = one if total is None else total.add_(one)
        return total.div_(len(axes))


class _Steps:
    """Multiplications done, told as a fraction of all, not more often than anyone can see."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._total, self._progress, self._done, self._shown = max(total, 1), progress, 0, -1
        self(0)

    def __call__(self, multiplications: int) -> None:
        self._done += multiplications
        step = SHOWN_STEPS * self._done // self._total
        if step > self._shown:
            self._shown = step
            self._progress(min(1.0, self._done / self._total), "Segmenting")


@dataclass(frozen=True)
class _Pass:
    """One pass of a network over a volume.

    Attributes:
        network: as `merged` gives it, on its device.
        plan: for the neighbouring slices of a 2-D network.
        how: what is in memory at once.
    """

    network: InceptionUNet
    plan: Plan
    how: How

    def __call__(self, x: Tensor, tick: Callable[[int], None]) -> Tensor:
        """(C, K, J, I) -> (R, K, J, I) float32 probabilities on the same device."""
        with _heard(self.network, tick):
            return self._planes(x, tick) if self.network.arch.spatial_dims == 2 else self._answer(x[None], tick)[0]

    def work(self, x: Tensor) -> int:
        """The multiplications of all convolutions of a pass, counted in a run without numbers (torch's `meta` device)."""
        done = [0]

        def count(multiplications: int) -> None:
            done[0] += multiplications

        rehearsed = _Pass(copy.deepcopy(self.network).to("meta"), self.plan, self.how)
        if self.network.arch.spatial_dims == 3:
            rehearsed(torch.empty(x.shape, device="meta"), count)
            return done[0]
        rehearsed(torch.empty((x.shape[0], 1, *x.shape[2:]), device="meta"), count)
        return done[0] * x.shape[1]

    def _planes(self, x: Tensor, tick: Callable[[int], None]) -> Tensor:
        """A two-dimensional network on every slice, a few slices a batch where it runs whole, neighbours as channels."""
        found = torch.empty((self.network.arch.out_channels, *x.shape[1:]), device=x.device)
        at_once = _planes(x.device) if self.how is How.WHOLE else 1
        for start in range(0, x.shape[1], at_once):
            stop = min(start + at_once, x.shape[1])
            found[:, start:stop] = self._answer(neighbour_stack(x, self.plan.slices, start, stop), tick).transpose(0, 1)
        return found

    def _answer(self, x: Tensor, tick: Callable[[int], None]) -> Tensor:
        """(N, C, *S) -> (N, R, *S); the input is padded to the network's divisor, repeating the edge. N is 1 but for `WHOLE`."""
        sides = x.shape[2:]
        if self.how is How.WHOLE:
            logits = self.network(_pad(x, self.network.arch.divisor))
            return torch.sigmoid(logits[(..., *(slice(0, n) for n in sides))]).float()
        found = torch.empty((1, self.network.arch.out_channels, *sides), device=x.device)
        slabs = SlabNetwork(self.network, self.how is How.LAYERS, tick)
        with freed_at_once():
            slabs.probabilities(_pad(x, self.network.arch.divisor), found[0])
        return found


@contextmanager
def _heard(network: nn.Module, tick: Callable[[int], None]) -> Iterator[None]:
    """Within: `tick` is told the multiplications of each convolution that is run as a module."""

    def after(layer: nn.Module, given: tuple[Tensor, ...], found: Tensor) -> None:
        tick(found.numel() * layer.weight[0].numel())

    kinds = (nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.ConvTranspose3d)
    hooks = [layer.register_forward_hook(after) for layer in network.modules() if isinstance(layer, kinds)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def neighbour_stack(x: Tensor, slices: int, start: int = 0, stop: int | None = None) -> Tensor:
    """(C, K, J, I) -> (stop - start, C * slices, J, I): each slice with its neighbours as channels; the outermost ones are repeated.

    With slices = 3 and one input the channels are slice k-1, k, k+1. With slices = 1 it is the slices themselves, no copy of a picture.
    """
    count = x.shape[1]
    if slices == 1:
        return x[:, start : count if stop is None else stop].transpose(0, 1).contiguous()
    reach = slices // 2
    wanted = torch.arange(start, count if stop is None else stop)
    indices = [(wanted + offset).clamp(0, count - 1) for offset in range(-reach, reach + 1)]
    return torch.cat([x[:, index.to(x.device)] for index in indices]).transpose(0, 1).contiguous()


def _pad(x: Tensor, divisor: int) -> Tensor:
    """Pad the spatial axes of (N, C, *S) at their ends to multiples of `divisor`, repeating the edge."""
    missing = [(-side) % divisor for side in x.shape[2:]]
    pads = [amount for extra in reversed(missing) for amount in (0, extra)]
    return F.pad(x, pads, mode="replicate") if any(pads) else x
