"""What the phantom is made of: smooth random fields and signed distances to simple shapes, as formulas of the place in mm.
No anatomy and no grey levels enter. Distances are negative inside; the ellipsoid's is the bound of I. Quilez, 'ellipsoid - distance'.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch.nn import functional

Points = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
Triple = tuple[float, float, float]

FIELD_PERIOD_MM = 240.0  # longer than a head, so that noise never repeats inside one
FIELD_CELLS = 80  # 3 mm each: three to the shortest wave


def noise(points: Points, random: np.random.Generator, longer_than_mm: float = 0.0, wavelength_mm: float = 0.0) -> torch.Tensor:
    """Gaussian noise of deviation 1 at the points: low-pass (`longer_than_mm`) or around one wavelength."""
    radius = _frequencies()
    if wavelength_mm:
        gain = torch.exp(-0.5 * ((radius * wavelength_mm - 1) / 0.22) ** 2)
    else:
        gain = torch.exp(-((radius * longer_than_mm) ** 2)) * (radius > 0)
    white = torch.from_numpy(random.standard_normal((FIELD_CELLS,) * 3, dtype=np.float32))
    field = torch.fft.irfftn(torch.fft.rfftn(white) * gain, s=white.shape)
    return _sample(field / field.std(), points)


@lru_cache(maxsize=1)
def _frequencies() -> torch.Tensor:
    """Length of the frequency of each Fourier coefficient of a noise field, 1 / mm."""
    axis = torch.fft.fftfreq(FIELD_CELLS, FIELD_PERIOD_MM / FIELD_CELLS)
    return torch.sqrt(axis.view(-1, 1, 1) ** 2 + axis.view(-1, 1) ** 2 + axis[: FIELD_CELLS // 2 + 1] ** 2)


def _sample(field: torch.Tensor, points: Points) -> torch.Tensor:
    """Trilinear values of a cubic field of side `FIELD_PERIOD_MM` around the origin, (K, J, I)."""
    cells = [p * (FIELD_CELLS / FIELD_PERIOD_MM) + (FIELD_CELLS - 1) / 2 for p in points]
    if points[0].numel() == points[0].shape[-1]:  # a regular grid: three small products, 10x faster
        columns, rows, layers = (_hats(c.flatten()) for c in cells)
        return torch.einsum("kz,zyx,jy,ix->kji", layers, field, rows, columns)
    place = torch.stack(torch.broadcast_tensors(*cells), dim=-1) * (2 / FIELD_CELLS) + (1 / FIELD_CELLS - 1)
    return functional.grid_sample(field[None, None], place[None], padding_mode="border", align_corners=False)[0, 0]


def _hats(cells: torch.Tensor) -> torch.Tensor:
    """Weights of linear interpolation along one axis, (points, `FIELD_CELLS`)."""
    place = cells.clamp(0, FIELD_CELLS - 1)
    return (1 - (place[:, None] - torch.arange(FIELD_CELLS)).abs()).clamp_min(0)


def ellipsoid(points: Points, center: Triple, radii: Triple) -> torch.Tensor:
    """Signed distance to an ellipsoid in mm, exact on its surface."""
    offsets = [p - c for p, c in zip(points, center)]
    first = torch.sqrt(sum((o / r) ** 2 for o, r in zip(offsets, radii))).clamp_min(1e-4)
    second = torch.sqrt(sum((o / r**2) ** 2 for o, r in zip(offsets, radii))).clamp_min(1e-6)
    return first * (first - 1) / second


def tube(points: Points, start: Triple, stop: Triple, radii: tuple[float, float]) -> torch.Tensor:
    """Signed distance to a straight tube with round ends whose radius goes from one value to the other, mm."""
    along = [b - a for a, b in zip(start, stop)]
    offsets = [p - a for p, a in zip(points, start)]
    part = sum(o * d for o, d in zip(offsets, along)) / sum(d * d for d in along)
    part = part.clamp(0, 1)
    distance = torch.sqrt(sum((o - part * d) ** 2 for o, d in zip(offsets, along)))
    return distance - (radii[0] + part * (radii[1] - radii[0]))


def union(*distances: torch.Tensor, round_mm: float = 1.0) -> torch.Tensor:
    """Smooth minimum of signed distances."""
    total = -distances[0] / round_mm
    for distance in distances[1:]:
        total = torch.logaddexp(total, -distance / round_mm)
    return -round_mm * total


def inside(distance: torch.Tensor, soft_mm: float) -> torch.Tensor:
    """Part of a voxel inside a signed distance: 1 deep inside, 0 outside."""
    return torch.sigmoid(-distance / soft_mm)


def sheet(value: torch.Tensor, spacing_mm: float) -> torch.Tensor:
    """Distance in mm to the surface where a smooth field is 0."""
    slope = torch.sqrt(sum(axis**2 for axis in torch.gradient(value, spacing=spacing_mm)))
    return value.abs() / slope.clamp_min(0.02)
