"""The Gaussian of synthesis and augmentation. Only torch enters here."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_CONVOLUTION = {2: F.conv2d, 3: F.conv3d}
REACH = 3.0  # deviations
LEAST_SIGMA = 0.05  # voxels; less changes nothing


def blur(x: Tensor, sigma: float | tuple[float, ...]) -> Tensor:
    """Gaussian blur of (C, *S) with `sigma` voxels, one number or one an axis; edges are repeated."""
    dims = x.ndim - 1
    sigmas = (sigma,) * dims if isinstance(sigma, (int, float)) else sigma
    for axis, deviation in enumerate(sigmas):
        if deviation > LEAST_SIGMA:
            x = _blur_axis(x, axis, float(deviation))
    return x


def _blur_axis(x: Tensor, axis: int, sigma: float) -> Tensor:
    dims = x.ndim - 1
    radius = max(1, int(REACH * sigma + 0.5))
    offsets = torch.arange(-radius, radius + 1, dtype=x.dtype, device=x.device)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = (kernel / kernel.sum()).view([1, 1] + [-1 if a == axis else 1 for a in range(dims)])
    pads = [amount for a in reversed(range(dims)) for amount in ((radius, radius) if a == axis else (0, 0))]
    padded = F.pad(x[:, None], pads, mode="replicate")
    return _CONVOLUTION[dims](padded, kernel)[:, 0]
