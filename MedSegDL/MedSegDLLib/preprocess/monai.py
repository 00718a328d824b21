"""From volumes on one grid to the tensor of a network that MONAI trained, and the way back: linear along each axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..geometry.boxes import bounding_box, grown
from ..geometry.image import Grid
from ..network.monai_plan import Intensities, MonaiPlan
from .nnunet import Frame, NnunetInput, turned_axes
from .resize import Axis, Resizer, linear_axis

SQUARE = 1e-8  # of a voxel: what numpy's allclose takes for 0, by which MONAI judges where the first voxel lies
COUNTS_ZEROS = {Intensities.ZSCORE, Intensities.TANH}
SAMPLED_AT_ONCE = 2**20  # voxels: 30 MB of places
UNCHANGED = 1e-3 + 1e-5  # MONAI's AFFINE_TOL and allclose's own: a grid that differs less is not resampled


@dataclass(frozen=True)
class Lattice:
    """How an image's voxels lie among the network's, along the network's axes (i, j, k).

    Attributes:
        shape: of the network's grid.
        steps: of the network's voxels from one voxel of the image to the next; None leaves the image's voxels as they are.
        starts: index on the network's grid of the image's first voxel.
        to_image: (4, 4) from an index on the network's grid to the image's, by the numbers that MONAI reckons with.
    """

    shape: tuple[int, int, int]
    steps: tuple[float | None, float | None, float | None]
    starts: tuple[float, float, float]
    to_image: np.ndarray


def monai_input(arrays: Sequence[np.ndarray], grid: Grid, plan: MonaiPlan, device: torch.device | str = "cpu") -> NnunetInput:
    """Turn, crop, resample, scale (or scale first).

    Args:
        arrays: one a channel, (K, J, I) on `grid`.

    Returns:
        the tensor along (i, j, k), and the frame.
    """
    frame = monai_frame(arrays, grid, plan)
    found = lattice(plan, frame, grid)
    way = forth(found, frame)
    channels = []
    for array, intensities in zip(arrays, plan.each):
        if plan.scaled_first:
            array = scaled(torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)), plan, intensities).numpy()
        values = _filled_up(torch.from_numpy(frame.view(array).astype(np.float32)), frame.shape).to(device)
        if COUNTS_ZEROS & {intensities} and not plan.scaled_first and found.steps != (None, None, None):
            values = _sampled(values, found, plan.single)
        else:
            for axis, one in enumerate(way.axes):
                values = values if one is None else one.applied(values, axis)
        channels.append(values if plan.scaled_first else scaled(values, plan, intensities))
    return NnunetInput(torch.stack(channels), frame)


def _filled_up(values: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The values, with 0 where a box reaches beyond the image."""
    beyond = [0 if side else wanted - there for there, wanted in zip(values.shape[::-1], shape[::-1]) for side in (1, 0)]
    return F.pad(values, beyond) if any(beyond) else values


def monai_frame(arrays: Sequence[np.ndarray], grid: Grid, plan: MonaiPlan) -> Frame:
    """The image's axes in MONAI's order, and the box to which it is cropped (which may end beyond the image: `box_as_stored`)."""
    stored = Frame((2, 1, 0), (False, False, False), (slice(None),) * 3, (1.0, 1.0, 1.0))
    axes, flipped = turned_axes(plan.orientation, grid) if plan.orientation else ((0, 1, 2), (False, False, False))
    axes, flipped = axes[::-1], flipped[::-1]
    spacing = grid.spacing_mm[::-1]
    shape = tuple(grid.shape[axis] for axis in axes)
    whole = Frame(axes, flipped, tuple(slice(0, n) for n in shape), tuple(float(spacing[axis]) for axis in axes))
    if plan.margin is None:
        return whole
    seen = stored if plan.box_as_stored else whole
    shape = grid.shape[::-1] if plan.box_as_stored else shape
    asked = arrays[:1] if plan.box_as_stored else arrays
    boxes = [bounding_box(seen.turned(array) > 0) for array in asked if (array > 0).any()]
    ends = [(min(s.start for s in side), max(s.stop for s in side)) for side in zip(*boxes)] or [(0, n) for n in shape]
    box = grown(tuple(slice(*end) for end in ends), shape, plan.margin)
    return Frame(axes, flipped, box, whole.spacing_mm)


def lattice(plan: MonaiPlan, frame: Frame, grid: Grid) -> Lattice:
    """As MONAI's `Spacing` lays the network's grid: first voxel on first voxel, or, where rounding has left the axes of an oblique
    header a trace from square, middle on middle.

    The numbers are made in its own order, with the image's place in the world: half a voxel more is rounded up or down by the last bit.
    """
    n = np.array(frame.shape, dtype=float)
    new = plan.network_spacing(frame.spacing_mm)
    own = _affine(frame, grid)
    upper = np.linalg.cholesky(own[:3, :3].T @ own[:3, :3]).T
    wanted = np.eye(4)
    wanted[:3, :3] = own[:3, :3] @ np.linalg.inv(upper) @ np.diag(new)
    corners = np.array([[x, y, z, 1.0] for x in (0, n[0] - 1) for y in (0, n[1] - 1) for z in (0, n[2] - 1)]).T
    to_network = np.linalg.solve(wanted, own)
    there = (to_network @ corners)[:3]
    shape = np.round(np.ptp(there, axis=1) + 1.0)
    square = bool((there.min(axis=1) - there[:, 0] >= -SQUARE).all())
    starts = np.zeros(3) if square else shape / 2 - to_network[:3, :3] @ (n / 2)
    steps = np.array(frame.spacing_mm) / np.array(new)
    if (shape == n).all() and (np.abs(1 / steps - 1) <= UNCHANGED).all() and (np.abs(starts / steps) <= UNCHANGED).all():
        return Lattice(frame.shape, (None, None, None), (0.0, 0.0, 0.0), np.eye(4))
    kept = [bool(step == 1 and a == b) for step, a, b in zip(steps, shape, n)]
    wanted[:3, 3] = own[:3, 3] if square else own[:3, :3] @ (n / 2.0) + own[:3, 3] - wanted[:3, :3] @ (shape / 2.0)
    shape, steps = tuple(int(m) for m in shape), tuple(None if k else float(s) for k, s in zip(kept, steps))
    return Lattice(shape, steps, tuple(map(float, starts)), np.linalg.solve(own, wanted))


def _affine(frame: Frame, grid: Grid) -> np.ndarray:
    """(4, 4) from (i, j, k, 1) of the box to RAS mm, one product after the other as MONAI has it."""
    turn = np.zeros((4, 4))
    turn[3, 3] = 1.0
    for column, (axis, flip) in enumerate(zip(frame.axes, frame.flipped)):
        turn[2 - axis, column] = -1.0 if flip else 1.0
        turn[2 - axis, 3] = grid.shape[axis] - 1 if flip else 0.0
    start = np.eye(4)
    start[:3, 3] = [side.start for side in frame.box]
    return (torch.from_numpy(grid.affine.copy()) @ torch.from_numpy(turn) @ torch.from_numpy(start)).numpy()


def forth(found: Lattice, frame: Frame) -> Resizer:
    """From the image's voxels to the network's."""
    sides = zip(found.steps, found.starts, found.shape, frame.shape)
    axes = [None if step is None else linear_axis((np.arange(m) - start) / step, n) for step, start, m, n in sides]
    return Resizer(tuple(axes), None, False, by_edges=False)


def _sampled(values: Tensor, found: Lattice, single: bool) -> Tensor:
    """The same by torch's own grid and sampling, as MONAI's `AffineTransform` has them, some planes at a time.

    A voxel of the network's that lies on one beside a 0 keeps a trace of its neighbour by their rounding, and so is not 0: with 2 mm
    brought to 1 mm that is the head's whole surface, which then counts in the mean of what is not 0.
    """
    real = torch.float32 if single else torch.float64
    theta = _theta(torch.from_numpy(found.to_image).to(real), tuple(values.shape), found.shape)
    source, planes = values.to(real)[None, None], []
    lines = [torch.linspace(-1, 1, n, dtype=real) * (n - 1) / n if n > 1 else torch.zeros(1, dtype=real) for n in found.shape]
    for line in lines[0].split(max(1, SAMPLED_AT_ONCE // (found.shape[1] * found.shape[2]))):
        places = torch.meshgrid(line, *lines[1:], indexing="ij")
        units = torch.stack([*reversed(places), torch.ones_like(places[0])], dim=-1).reshape(1, -1, 4)  # torch names the last axis first
        grid = units.bmm(theta.transpose(1, 2)).reshape(1, *places[0].shape, 3)
        planes.append(F.grid_sample(source, grid.to(source.device), "bilinear", "border", align_corners=False)[0, 0].float())
    return torch.cat(planes)


def back(plan: MonaiPlan, frame: Frame, grid: Grid) -> Resizer:
    """From the network's voxels to the image's."""
    found = lattice(plan, frame, grid)
    if plan.nearest:
        return Resizer(_nearest_axes(found, frame.shape), None, False, by_edges=False)
    sides = zip(found.steps, found.starts, found.shape, frame.shape)
    axes = [None if step is None else linear_axis(np.arange(n) * step + start, m) for step, start, m, n in sides]
    return Resizer(tuple(axes), None, False, by_edges=False)


def _nearest_axes(found: Lattice, shape: tuple[int, ...]) -> tuple[Axis | None, ...]:
    """By torch's own grids in float32, as MONAI's `AffineTransform` makes them: which of two voxels that lie equally near is taken is told
    by their rounding, and with 1 mm brought to 2 mm every second voxel lies so."""
    place = torch.diag(torch.tensor([*(step or 1.0 for step in found.steps), 1.0], dtype=torch.float64))
    place[:3, 3] = torch.tensor(found.starts)
    theta = _theta(place.float(), found.shape, shape)
    axes: list[Axis | None] = []
    for axis, (step, m, n) in enumerate(zip(found.steps, found.shape, shape)):
        places = F.affine_grid(theta, _along(axis, n), align_corners=False)
        index = F.grid_sample(torch.arange(m).float().reshape(_along(axis, m)), places, "nearest", "border", align_corners=False)
        axes.append(None if step is None else Axis(index.flatten().long()))
    return tuple(axes)


def _theta(place: Tensor, source: tuple[int, ...], wanted: tuple[int, ...]) -> Tensor:
    """(1, 3, 4) as torch's `affine_grid` takes it, of (4, 4) from indices of the grid that is wanted to those of the source."""
    theta = _to_units(source, place) @ place @ torch.from_numpy(np.linalg.inv(_to_units(wanted, place).numpy()))
    return torch.cat([theta[:3, :3].flip(0, 1), theta[:3, 3:].flip(0)], dim=1)[None]  # torch names the last axis first


def _along(axis: int, n: int) -> list[int]:
    """The shape of a batch of one volume that has n voxels along an axis, and one along the others."""
    return [1, 1] + [n if at == axis else 1 for at in range(3)]


def _to_units(shape: tuple[int, ...], like: Tensor) -> Tensor:
    """(4, 4) from voxel indices to -1..1 between the outer edges of an image."""
    sides = torch.tensor(shape, dtype=torch.float64)
    matrix = torch.diag(torch.cat([2.0 / sides, torch.ones(1, dtype=torch.float64)]))
    matrix[:3, 3] = 1.0 / sides - 1.0
    return matrix.to(like)


def scaled(values: Tensor, plan: MonaiPlan, intensities: Intensities) -> Tensor:
    """One channel in the network's numbers."""
    if intensities is Intensities.UNCHANGED:
        return values
    if intensities is Intensities.ZSCORE:
        return _zscore(values)
    if intensities is Intensities.TANH:
        return 3 * torch.tanh(_zscore(values) / 3)
    if intensities is Intensities.LOGISTIC:
        return torch.sigmoid((values - values.min()) / (float(values.double().std()) or 1.0))
    (low, high), (first, last) = plan.source, plan.target
    values = (values - low) / (high - low)
    if intensities is Intensities.SIGMOID:
        return torch.sigmoid(values * 2 - 1)
    values = values * (last - first) + first
    return values.clamp(*sorted((first, last))) if plan.clip else values


def _zscore(values: Tensor) -> Tensor:
    """Mean 0 and deviation 1 of what is not 0."""
    own = values != 0
    if not own.any():
        return values
    within = values[own].double()
    deviation = float(within.std(correction=0)) or 1.0
    return torch.where(own, (values - float(within.mean())) / deviation, values)
