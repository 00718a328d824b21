"""LinkNet in three dimensions, as deepbet 1.0.2 has it: an encoder whose maps are added to what the decoder makes. Only torch enters.

After Chaurasia and Culurciello, 'LinkNet' (2017); Fisch and others, 'deepbet: Fast brain extraction of T1-weighted MRI using
Convolutional Neural Networks' (2024). Two layers are written as what they amount to, so that they run quickly: a transposed
convolution of stride 1 is a convolution with its kernel turned round, and one of kernel and stride 2 is a 1-convolution to the eight
voxels of a cell. `imports.deepbet` turns the weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-5  # of InstanceNorm3d
CELL = 2  # voxels along a side of the cells that the last layer makes
MOST_FEATURES, LEVELS = 512, 4
DIVISOR = 32  # the encoder halves its input five times


def standardised_(x: Tensor) -> Tensor:
    """Mean 0 and deviation 1 of each channel of (N, C, *S) over its spatial axes, in place: a third of instance norm's time."""
    flat = x.view(*x.shape[:2], -1)
    flat.sub_(flat.mean(dim=2, keepdim=True))
    flat.mul_(_inverse_deviation(flat))
    return x


def _inverse_deviation(centred: Tensor) -> Tensor:
    """(N, C, V) with mean 0 -> (N, C, 1)."""
    return (torch.linalg.vector_norm(centred, dim=2, keepdim=True).square() / centred.shape[2] + EPSILON).rsqrt()


class Standardised(nn.Module):
    """Instance normalisation without weights, and a ReLU where it is asked for; in place."""

    def __init__(self, rectified: bool = True) -> None:
        super().__init__()
        self.rectified = rectified

    def forward(self, x: Tensor) -> Tensor:
        x = standardised_(x)
        return x.relu_() if self.rectified else x


class Stem(nn.Module):
    """A 7-convolution of stride 2, normalised, rectified, the largest of 3 at every second place: (N, inputs, *S) -> (N, outputs, *S/4)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = nn.Conv3d(inputs, outputs, 7, stride=2, padding=3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """The largest is taken before the division and the ReLU, which keep the order: an eighth of the work."""
        x = self.convolution(x)
        flat = x.view(*x.shape[:2], -1)
        flat.sub_(flat.mean(dim=2, keepdim=True))
        scale = _inverse_deviation(flat)[..., None, None]
        return F.max_pool3d(x, 3, stride=2, padding=1).mul_(scale).relu_()


class Block(nn.Module):
    """Two 3-convolutions added to their input: (N, inputs, *S) -> (N, outputs, *S/stride)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv3d(inputs, outputs, 3, stride=stride, padding=1, bias=False), Standardised())
        self.second = nn.Sequential(nn.Conv3d(outputs, outputs, 3, padding=1, bias=False), Standardised(rectified=False))
        self.beside = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.beside = nn.Sequential(nn.Conv3d(inputs, outputs, 1, stride=stride, bias=False), Standardised(rectified=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x)).add_(self.beside(x)).relu_()


class Up(nn.Module):
    """A quarter of the channels, twice the side (or the same, with `stride` 1), then the wanted channels."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        inner = inputs // 4
        self.narrow = nn.Sequential(nn.Conv3d(inputs, inner, 1, bias=False), Standardised())
        wide: nn.Module = nn.Conv3d(inner, inner, 3, padding=1, bias=False)
        if stride == 2:
            wide = nn.ConvTranspose3d(inner, inner, 3, stride=2, padding=1, output_padding=1, bias=False)
        self.larger = nn.Sequential(wide, Standardised())
        self.widen = nn.Sequential(nn.Conv3d(inner, outputs, 1, bias=False), Standardised())

    def forward(self, x: Tensor) -> Tensor:
        return self.widen(self.larger(self.narrow(x)))


class LinkNet(nn.Module):
    """An image in, one logit map out; `torch.sigmoid` makes probabilities of it.

    Shapes: (N, in_channels, *S) -> (N, 1, *S), every side of S divisible by `DIVISOR`.
    """

    def __init__(self, in_channels: int, features: tuple[int, ...], last: int) -> None:
        super().__init__()
        first, *_ = features
        inputs = (first, *features)
        self.stem = Stem(in_channels, first)
        strides = (1, *(2,) * (len(features) - 1))
        self.down = nn.ModuleList([nn.Sequential(Block(a, b, s), Block(b, b, 1)) for a, b, s in zip(inputs, features, strides)])
        self.up = nn.ModuleList([Up(b, a, s) for a, b, s in zip(inputs, features, strides)])
        wide = nn.ConvTranspose3d(first, last, 3, stride=2, padding=1, output_padding=1)
        self.finish = nn.Sequential(wide, Standardised(), nn.Conv3d(last, last, 3, padding=1), Standardised())
        self.cells = nn.Conv3d(last, CELL**3, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        kept = []
        for level in self.down:
            kept.append(x)
            x = level(x)
        for level, beside in zip(reversed(self.up), reversed(kept)):
            x = level(x).add_(beside)
        return cells_opened(self.cells(self.finish(x)))


def cells_opened(cells: Tensor) -> Tensor:
    """(N, 8, D, H, W), the voxels of each cell in the order of their axes -> (N, 1, 2D, 2H, 2W)."""
    count, _, *sides = cells.shape
    parts = cells.view(count, CELL, CELL, CELL, *sides).permute(0, 4, 1, 5, 2, 6, 3)
    return parts.reshape(count, 1, *(CELL * side for side in sides))


def build_linknet(arguments: Mapping[str, Any]) -> LinkNet:
    """A network from a manifest's arguments: `in_channels`, `out_channels` (1), `features` of the four levels, and `last`.

    Raises:
        ValueError: unknown, missing or absurd arguments.
    """
    if set(arguments) != {"in_channels", "out_channels", "features", "last"} or arguments["out_channels"] != 1:
        raise ValueError("the arguments are not in_channels, out_channels (1), features and last")
    features = arguments["features"]
    counts = [arguments["in_channels"], arguments["last"], *features]
    if len(features) != LEVELS or any(isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MOST_FEATURES for n in counts):
        raise ValueError(f"the features are not {LEVELS} numbers from 1 to {MOST_FEATURES}")
    if any(n % 4 for n in features):
        raise ValueError("the features are not multiples of 4")
    return LinkNet(arguments["in_channels"], tuple(features), arguments["last"])
