"""The convolutions of a training step on the CPU, by the kernels that are quickest forwards and backwards. Only torch enters.

torch leaves oneDNN alone where N*C*D*H <= 20480 (aten/src/ATen/native/Convolution.cpp, use_mkldnn) and unfolds the input instead: in a
batch of one, every level of a 3-D network but the finest. Inference forces oneDNN by its operator (`network.fused_inference`), whose
gradient chooses again. Here a volume is given as two halves with a halo, a batch of two, for which torch takes oneDNN both ways; and a
1-convolution is the matrix product that it is. Forwards and backwards 15.3 s -> 6.2 s (64x80x64 voxels, profile `brain`, one busy core
with AVX2; `python -m bench training-step`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

LEFT_ALONE = 20480  # N*C*D*H up to which torch does not take oneDNN for a single sample
ARGUMENTS = 7  # of conv3d as nn.Conv3d calls it: input, weight, bias, stride, padding, dilation, groups


class TrainingConvolutions(TorchFunctionMode):
    """Within: 3-D convolutions of float32 tensors on the CPU run as told above; results and gradients are the same up to rounding."""

    def __torch_function__(self, func: Callable, types: Sequence[type], args: tuple = (), kwargs: dict[str, Any] | None = None) -> Any:
        if func is not F.conv3d or kwargs or len(args) != ARGUMENTS or not _ours(args[0], *args[4:]):
            return func(*args, **(kwargs or {}))
        x, weight, bias, stride, padding = args[:5]
        if set(weight.shape[2:]) == {1} and set(stride) == {1}:
            return as_product(x, weight, bias)
        if is_left_alone(x) and depth_after(x, weight, stride, padding) % 2 == 0:
            return in_halves(x, weight, bias, stride, padding)
        return func(*args)


def quick_convolutions(device: str) -> AbstractContextManager:
    """The context in which a training step is quickest on the device."""
    return TrainingConvolutions() if torch.device(device).type == "cpu" and torch.backends.mkldnn.is_available() else nullcontext()


def as_product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """A convolution of kernel 1: (N, C, *S) -> (N, O, *S)."""
    product = torch.matmul(weight.flatten(1), x.flatten(2))
    product = product if bias is None else product + bias[:, None]
    return product.view(x.shape[0], weight.shape[0], *x.shape[2:])


def is_left_alone(x: Tensor) -> bool:
    """Whether torch would unfold this single sample (1, C, D, H, W)."""
    return x.shape[0] == 1 and x.shape[1] * x.shape[2] * x.shape[3] <= LEFT_ALONE


def depth_after(x: Tensor, weight: Tensor, stride: Sequence[int], padding: Sequence[int]) -> int:
    """Slices that the convolution gives."""
    return (x.shape[2] + 2 * padding[0] - weight.shape[2]) // stride[0] + 1


def in_halves(x: Tensor, weight: Tensor, bias: Tensor | None, stride: Sequence[int], padding: Sequence[int]) -> Tensor:
    """The convolution of (1, C, D, H, W) as a batch of its two halves of slices, each with what it sees beyond."""
    half = depth_after(x, weight, stride, padding) // 2
    seen, second = (half - 1) * stride[0] + weight.shape[2], half * stride[0]
    padded = F.pad(x, (0, 0, 0, 0, padding[0], padding[0]))
    parts = torch.cat([padded[:, :, :seen], padded[:, :, second : second + seen]])
    found = torch.conv3d(parts, weight, bias, stride, (0, *padding[1:]))
    return torch.cat([found[:1], found[1:]], dim=2)


def _ours(x: Tensor, padding: Any, dilation: Any, groups: int) -> bool:
    """Whether these are the convolutions of our networks: float32 on the CPU, undilated, one group, numbers for padding."""
    return x.dtype == torch.float32 and x.device.type == "cpu" and set(dilation) == {1} and groups == 1 and not isinstance(padding, str)
