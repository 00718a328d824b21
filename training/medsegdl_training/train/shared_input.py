"""Inception modules in training whose two 3-convolutions of the input are done as one; the parameters stay where they were.

What `network.fused_inference.MergedInception` is to inference, which need not keep the weights apart. With 8 filters a branch the two fill
the registers together, and the input is read once, forwards and backwards. It pays in three dimensions on a CPU (the brain's network,
`python -m bench training-step`: 0.91 of the time); in two, where filters are many, it costs (liver 1.05, nuclei 1.08 of the time), so those
stay as they are.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from MedSegDLLib.network.inception_unet import LEAKY_SLOPE, Inception, instance_normalised


class TrainingInception(nn.Module):
    """A factorised inception module in three dimensions whose 3-branch and first half of the 5-branch are one convolution.

    It holds the plain module's parameters under their names.
    """

    def __init__(self, plain: Inception) -> None:
        super().__init__()
        self.branches, self.join = plain.branches, plain.join

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, K, J, I) -> (N, outputs, K / stride, J / stride, I / stride)."""
        one, three, five = self.branches
        direct, half = side_by_side(x, three, five[0]).chunk(2, dim=1)
        return self.join(torch.cat([one(x), direct, five[1](half)], dim=1))


def side_by_side(x: Tensor, first: nn.Sequential, second: nn.Sequential) -> Tensor:
    """Two units (convolution, norm, leaky ReLU) of one shape and one input: (N, C, K, J, I) -> (N, outputs of both, ...)."""
    convolution = first[0]
    weight, bias, scale, shift = (
        torch.cat([getattr(first[layer], name), getattr(second[layer], name)]) for layer in (0, 1) for name in ("weight", "bias")
    )
    maps = F.conv3d(x, weight, bias, convolution.stride, convolution.padding, convolution.dilation, convolution.groups)
    return F.leaky_relu_(instance_normalised(maps, scale, shift), LEAKY_SLOPE)


def share_input(network: nn.Module, device: str) -> None:
    """Put a `TrainingInception` in the place of every factorised inception module of a network in three dimensions on a CPU."""
    if torch.device(device).type != "cpu":
        return
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, Inception) and child.dims == 3 and isinstance(child.branches[2][0], nn.Sequential):
                setattr(parent, name, TrainingInception(child))
