"""The same network, quicker: convolutions that share an input done as one, and the CPU kernel that each convolution runs best with.

Nothing here changes what a network computes, up to rounding (max. 1e-5 of a probability, tested); only torch enters.
bf16 was tried on the CPU and left out: Dice 0.998 against float32 on a real brain, where 0.999 is asked for. So was the
channels-last layout in float32: torch's instance norm loses digits in it (0.009 of a probability), and it is no faster.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from .inception_unet import LEAKY_SLOPE, Inception, InstanceNorm


class MergedInception(nn.Module):
    """An inception module whose two 3-convolutions of the input (the 3-branch, the first half of the 5-branch) are one.

    With 8 filters a branch they fill the 16 lanes of a vector unit together, which each alone leaves half empty.
    """

    def __init__(self, plain: Inception) -> None:
        super().__init__()
        one, three, five = plain.branches
        self.one, self.join, self.pooled, self.dims = one, plain.join, plain.pooled, plain.dims
        self.wide = _side_by_side(three, five[0])
        self.second = five[1]

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, *S) -> (N, outputs, *S / stride)."""
        three, five = self.wide(x).chunk(2, dim=1)
        maps = [self.one(x), three, self.second(five)]
        if self.pooled is not None:
            maps.append(self.pooled({2: F.max_pool2d, 3: F.max_pool3d}[self.dims](x, 3, stride=1, padding=1)))
        return self.join(torch.cat(maps, dim=1))


def _side_by_side(first: nn.Sequential, second: nn.Sequential) -> nn.Sequential:
    """Two units (convolution, norm, leaky ReLU) of one shape as one with the filters of both."""
    a, b = first[0], second[0]
    with torch.device("meta"):
        convolution = type(a)(a.in_channels, a.out_channels + b.out_channels, a.kernel_size, stride=a.stride, padding=a.padding)
        norm = InstanceNorm(convolution.out_channels)
    for wide, parts in ((convolution, (a, b)), (norm, (first[1], second[1]))):
        for name in ("weight", "bias"):
            both = torch.cat([getattr(part, name).detach() for part in parts])
            setattr(wide, name, nn.Parameter(both, requires_grad=False))
    return nn.Sequential(convolution, norm, nn.LeakyReLU(LEAKY_SLOPE, inplace=True))


def merged(network: nn.Module) -> nn.Module:
    """The network, for inference, with a `MergedInception` for every factorised one; the weights of the others are shared, not copied."""
    shared = {id(tensor): tensor for tensor in network.parameters()}
    network = copy.deepcopy(network, shared).eval()
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, Inception) and isinstance(child.branches[2][0], nn.Sequential):
                setattr(parent, name, MergedInception(child))
    return network


class OneDnnConvolutions(TorchFunctionMode):
    """Within: 3-D convolutions of float32 tensors on the CPU run in oneDNN, but for those of kernel 1 (a matrix product).

    torch itself leaves oneDNN alone where N*C*D*H <= 20480 (aten/src/ATen/native/Convolution.cpp, use_mkldnn) and unfolds the
    input instead: 3.3 s against 2.0 s for a brain (80x96x80 voxels, one core). And oneDNN needs 0.17 s for a 1-convolution
    from 24 to 8 channels that the matrix product does in 0.03 s.
    """

    def __torch_function__(self, func: Callable, types: Sequence[type], args: tuple = (), kwargs: dict[str, Any] | None = None) -> Any:
        if func is not F.conv3d or kwargs or len(args) != 7 or args[0].dtype != torch.float32 or args[0].requires_grad:
            return func(*args, **(kwargs or {}))
        x, weight, bias, stride, padding, dilation, groups = args
        if set(weight.shape[2:]) == {1} and set(stride) == {1} and groups == 1:
            return torch._C._nn.slow_conv3d(x, weight, weight.shape[2:], bias, stride, padding)
        return torch.ops.aten.mkldnn_convolution(x, weight, bias, padding, stride, dilation, groups)


@functools.cache
def trusted() -> bool:
    """Whether this version of torch has the two kernels and they agree with `conv3d` on a small example."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 3, 5, 6, 7, generator=generator)
    try:
        for kernel in (1, 3):
            weight, bias = torch.randn(4, 3, *[kernel] * 3, generator=generator), torch.randn(4, generator=generator)
            plain = F.conv3d(x, weight, bias, (1, 1, 1), (kernel // 2,) * 3, (1, 1, 1), 1)
            with OneDnnConvolutions():
                quick = F.conv3d(x, weight, bias, (1, 1, 1), (kernel // 2,) * 3, (1, 1, 1), 1)
            if not torch.allclose(plain, quick, atol=1e-4):
                return False
    except (AttributeError, NotImplementedError, RuntimeError, TypeError):  # they are no public interface: another version may lack them
        return False
    return True


def best_kernels(device: torch.device) -> AbstractContextManager:
    """The context in which a network runs fastest on the device."""
    if device.type == "cpu" and torch.backends.mkldnn.is_available() and trusted():
        return OneDnnConvolutions()
    return nullcontext()
