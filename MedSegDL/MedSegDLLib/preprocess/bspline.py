"""Cubic B-spline lattices over regular grids, as matrices: basis, least-squares wishes, evaluation, exact refinement.

Only torch; knows nothing of images, intensities or millimetres. Source: Lee, Wolberg, Shin, IEEE TVCG 3(3), 1997.
"""

from __future__ import annotations

import torch

EDGE = 1e-3  # share of a sample by which ITK pulls the last sample back into the last span
Matrices = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def basis(samples: int, controls: int) -> torch.Tensor:
    """Weights of `controls` cubic control points at `samples` equidistant samples of one axis: (samples, controls) float64.

    The first and last sample lie on the ends of the spans. An axis of one sample has one constant row.
    """
    spans = controls - 3
    step = spans / (samples - 1) if samples > 1 else 0.0
    position = torch.arange(samples, dtype=torch.float64) * step
    position[(position - spans).abs() <= EDGE * step] = spans - EDGE * step
    first = position.floor()
    weights = torch.zeros(samples, controls, dtype=torch.float64)
    weights.scatter_(1, first.long()[:, None] + torch.arange(4), _cubic(position - first))
    return weights


def _cubic(t: torch.Tensor) -> torch.Tensor:
    """The four cubic weights at offsets `t` in 0..1 within a span: (n, 4)."""
    return torch.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], dim=1) / 6


def wish_numerator(weights: torch.Tensor) -> torch.Tensor:
    """Cubed weights over the row's sum of squares: contracted with residuals they give the numerator of Lee's lattice."""
    return weights**3 / (weights**2).sum(dim=1, keepdim=True)


def contract(volumes: torch.Tensor, matrices: Matrices) -> torch.Tensor:
    """Sums (M, K, J, I) volumes against (K, a), (J, b), (I, c) matrices: (M, a, b, c). The slowest axis goes first: one large product."""
    along_k, along_j, along_i = matrices
    planes = (along_k.T @ volumes.flatten(2)).unflatten(2, volumes.shape[2:])
    return (along_j.T @ planes) @ along_i


def evaluate(lattices: torch.Tensor, matrices: Matrices) -> torch.Tensor:
    """Values of (M, a, b, c) lattices at the rows of (K, a), (J, b), (I, c) basis matrices: (M, K, J, I). The slowest axis goes last."""
    along_k, along_j, along_i = matrices
    return stack(in_plane(lattices, along_j, along_i), along_k)


def in_plane(lattices: torch.Tensor, along_j: torch.Tensor, along_i: torch.Tensor) -> torch.Tensor:
    """The two faster axes evaluated: (M, a, b, c) -> (M, a, J, I)."""
    return (along_j @ lattices) @ along_i.T


def stack(planes: torch.Tensor, along_k: torch.Tensor) -> torch.Tensor:
    """The slowest axis evaluated: (M, a, J, I) -> (M, K, J, I) for the K rows of (K, a)."""
    return (along_k @ planes.flatten(2)).unflatten(2, planes.shape[2:])


def refine(lattices: torch.Tensor) -> torch.Tensor:
    """The same functions with every span halved, n -> 2n - 3 control points an axis: exact up to rounding."""
    for axis in (1, 2, 3):
        lattices = _refine_axis(lattices.movedim(axis, -1)).movedim(-1, axis)
    return lattices.contiguous()


def _refine_axis(c: torch.Tensor) -> torch.Tensor:
    """Knot halving along the last axis."""
    finer = c.new_empty(*c.shape[:-1], 2 * c.shape[-1] - 3)
    finer[..., 0::2] = (c[..., :-1] + c[..., 1:]) / 2
    finer[..., 1::2] = (c[..., :-2] + 6 * c[..., 1:-1] + c[..., 2:]) / 8
    return finer
