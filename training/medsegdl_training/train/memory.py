"""How much memory a training step takes, from a probe: what autograd keeps for one small sample, scaled up by voxels.

Convolutional networks keep memory in proportion to their input, so a probe of a few thousand voxels on the CPU tells for any patch. The
estimate is meant to be on the safe side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from MedSegDLLib.network.inception_unet import Architecture, InceptionUNet

COPIES_OF_WEIGHTS = 5  # weights, gradients, AdamW's two moments, moving average; float32
FLOAT_BYTES = 4
TRANSIENT_MAPS = 6  # full-resolution maps alive at once in the backward pass beside what is kept
LIBRARY_BYTES = 2**28  # what oneDNN and the allocator hold beside: 0.05 to 0.35 GB measured on the CPU, whatever the patch
PROBE_DIVISORS = (1, 2)  # sides of the two probes in units of the network's divisor: what does not grow is not per voxel


@dataclass(frozen=True)
class Footprint:
    """Memory of training steps of one network.

    Attributes:
        fixed: bytes that do not depend on the sample.
        per_voxel: bytes for every voxel of a batch.
    """

    fixed: int
    per_voxel: float

    def step_bytes(self, patch: tuple[int, ...], batch: int) -> int:
        """Bytes of a training step of `batch` samples of that patch."""
        return round(self.fixed + self.per_voxel * math.prod(patch) * batch)


@lru_cache(maxsize=16)
def footprint(arch: Architecture, precision: str) -> Footprint:
    """Probe a network.

    Args:
        arch: of the network.
        precision: of the forward pass: bfloat16, float16 (taken as bfloat16) or float32.
    """
    network = InceptionUNet(arch).train()
    small, large = ((n * arch.divisor,) * arch.spatial_dims for n in PROBE_DIVISORS)
    least, most = (kept_bytes(network, torch.randn(1, arch.in_channels, *sides), precision) for sides in (small, large))
    kept = (most - least) / (math.prod(large) - math.prod(small))
    weights = sum(parameter.numel() for parameter in network.parameters())
    width = max(8 if arch.fusion else arch.in_channels, arch.widths[0])
    transient = TRANSIENT_MAPS * width * (FLOAT_BYTES if precision == "float32" else FLOAT_BYTES // 2)
    casts = max(0.0, least - kept * math.prod(small))  # weights in the lower precision
    return Footprint(round(LIBRARY_BYTES + COPIES_OF_WEIGHTS * FLOAT_BYTES * weights + casts), kept + transient)


def kept_bytes(network: InceptionUNet, x: Tensor, precision: str) -> int:
    """Bytes of everything that autograd keeps for the backward pass, each storage once, weights left out."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    alive: dict[int, Tensor] = {}  # holding them keeps their addresses from being used again

    def keep(tensor: Tensor) -> Tensor:
        address = tensor.untyped_storage().data_ptr()
        if address not in weights:
            alive[address] = tensor
        return tensor

    with (
        torch.autocast("cpu", torch.bfloat16, enabled=precision != "float32"),
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
    ):
        levels = network.supervised(x)
    loss = sum(level.float().square().mean() for level in levels)
    del loss
    return sum(tensor.untyped_storage().nbytes() for tensor in alive.values())
