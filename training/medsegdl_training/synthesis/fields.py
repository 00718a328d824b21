"""Random numbers, random smooth fields and warps: the tools of every synthesis. Only torch enters here.

All randomness comes from the generator given, so that a seed replays an image.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

_INTERPOLATION = {2: "bilinear", 3: "trilinear"}


def uniform(generator: Generator, low: float, high: float) -> float:
    """One number from [low, high)."""
    return low + (high - low) * float(torch.rand((), generator=generator))


def normal(generator: Generator, mean: float = 0.0, deviation: float = 1.0) -> float:
    """One normal number."""
    return mean + deviation * float(torch.randn((), generator=generator))


def chance(generator: Generator, probability: float) -> bool:
    """True with that probability."""
    return float(torch.rand((), generator=generator)) < probability


def pick(generator: Generator, count: int) -> int:
    """A whole number from 0 to count - 1, all alike."""
    return int(torch.randint(count, (), generator=generator))


def draw_one(generator: Generator, shares: Sequence[float]) -> int:
    """A position, as often as its share says."""
    bounds = torch.tensor(shares, dtype=torch.float64).cumsum(0)
    return int(torch.searchsorted(bounds, torch.rand((), generator=generator, dtype=torch.float64) * bounds[-1], right=True))


def smooth_field(shape: tuple[int, ...], cell: float, generator: Generator) -> Tensor:
    """Smooth noise of about mean 0 and deviation 1 over `shape`; features are some `cell` voxels wide."""
    coarse = [max(2, round(n / cell) + 1) for n in shape]
    lattice = torch.randn((1, 1, *coarse), generator=generator)
    field = F.interpolate(lattice, size=tuple(shape), mode=_INTERPOLATION[len(shape)], align_corners=True)[0, 0]
    return field / field.std().clamp(min=1e-3)


def identity_coordinates(shape: tuple[int, ...]) -> Tensor:
    """Coordinates of `grid_sample` (last axis first, -1..1 over the volume's outer faces): (*shape, dims)."""
    axes = [(torch.arange(n, dtype=torch.float32) + 0.5) * (2.0 / n) - 1.0 for n in shape]
    return torch.stack(torch.meshgrid(*axes, indexing="ij")[::-1], dim=-1)


def warp(x: Tensor, coordinates: Tensor, mode: str = "bilinear", padding: str = "zeros") -> Tensor:
    """(C, *S) read at `coordinates` (*T, dims) of `grid_sample`: (C, *T)."""
    return F.grid_sample(x[None].float(), coordinates[None], mode=mode, padding_mode=padding, align_corners=False)[0]


def random_rotation(dims: int, generator: Generator) -> Tensor:
    """A rotation or mirrored rotation matrix, all alike (orthogonal part of a normal matrix): (dims, dims)."""
    q, r = torch.linalg.qr(torch.randn((dims, dims), generator=generator))
    return q * torch.sign(torch.diagonal(r))
