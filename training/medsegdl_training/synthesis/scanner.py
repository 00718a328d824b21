"""What a scanner does to a head: a field of view that cuts, thick slices, an uneven field, noise, a background set to nothing.

Images are (K, J, I) float32 of about 0 to 1; everything random comes from the generator.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from ..transforms.smoothing import blur
from .fields import chance, identity_coordinates, normal, pick, smooth_field, uniform, warp

UP, BACK, LEFT = range(3)
SLICE_MM = (3.5, 7.5)  # thickness with gap of 2-D series
SLOPE = 0.13  # deviation of the tangent of a series' inclination: 7.4 degrees; raw heads of TCGA differ by 5 to 18
LEFT_MM, LEFT_RADIANS = 0.6, 0.01  # deviations of what registration leaves, an axis

Slopes = tuple[float, float]


def acquired(image: Tensor, spacing_mm: float, generator: Generator) -> Tensor:
    """The image through bias field, slices and noise."""
    shape = tuple(image.shape)
    image = image.clamp(min=0).pow(uniform(generator, 0.7, 1.4)) if chance(generator, 0.5) else image.clamp(min=0)
    image = image * torch.exp(uniform(generator, 0.0, 0.5) * smooth_field(shape, uniform(generator, 25.0, 60.0), generator))
    if chance(generator, 0.65):
        axis = UP if chance(generator, 0.65) else pick(generator, 3)
        image = thick_slices(image, axis, uniform(generator, *SLICE_MM) / spacing_mm)
    sigma = uniform(generator, 0.0, 0.06)
    real, imaginary = (sigma * torch.randn(shape, generator=generator) for _ in range(2))
    return torch.sqrt((image + real) ** 2 + imaginary**2)


def thick_slices(image: Tensor, axis: int, thickness: float) -> Tensor:
    """Blurred over `thickness` voxels along an axis, taken at that distance and interpolated back."""
    if thickness <= 1:
        return image
    sigmas = tuple(0.35 * thickness if number == axis else 0.0 for number in range(3))
    blurred = blur(image[None], sigmas)[None]
    size = list(image.shape)
    size[axis] = max(2, round(size[axis] / thickness))
    coarse = F.interpolate(blurred, size=size, mode="trilinear", align_corners=False)
    return F.interpolate(coarse, size=tuple(image.shape), mode="trilinear", align_corners=False)[0, 0]


def thick_series(image: Tensor, spacing_mm: float, generator: Generator) -> Tensor:
    """Modalities as series of thick slices, mostly axial and mostly all of them; each keeps its mean and deviation over the brain.

    Half of the time each series has slices of its own inclination and position, as where the head was moved between series, and lies
    beside the others by what a registration leaves.

    Args:
        image: (C, K, J, I) z-scored, 0 outside the brain.
        spacing_mm: side of a voxel.
    """
    axis = UP if chance(generator, 0.7) else pick(generator, 3)
    thickness = uniform(generator, *SLICE_MM) / spacing_mm
    common, apart = _slopes(generator), chance(generator, 0.5)
    return torch.stack([_one_series(channel, axis, thickness, None if apart else common, spacing_mm, generator) for channel in image])


def _one_series(channel: Tensor, axis: int, thickness: float, common: Slopes | None, spacing_mm: float, generator: Generator) -> Tensor:
    """A modality as thick slices, inclined as the others are, or (`None`) in its own way and place."""
    slopes = common or _slopes(generator)
    moved = channel if common else misplaced(channel, spacing_mm, generator)
    if chance(generator, 0.85):
        moved = inclined_slices(moved, axis, thickness, slopes, uniform(generator, 0.0, 1.0))
    return _like(channel, moved)


def _slopes(generator: Generator) -> Slopes:
    """Tangents of two angles, mostly within 15 degrees."""
    return normal(generator, 0.0, SLOPE), normal(generator, 0.0, SLOPE)


def inclined_slices(image: Tensor, axis: int, thickness: float, slopes: Slopes, phase: float) -> Tensor:
    """Taken in inclined slices and interpolated back linearly between them: what a thick series shows on another's grid.

    Args:
        image: (K, J, I).
        axis: along which the slices follow one another.
        thickness: of a slice along that axis, and the distance of two of them, in voxels; up to 1 changes nothing.
        slopes: voxels along `axis` by which a slice rises a voxel of the other two axes.
        phase: where the first slice lies, in slices.
    """
    if thickness <= 1:
        return image
    lines = blur(image[None], tuple(0.35 * thickness if number == axis else 0.0 for number in range(3)))[0].movedim(axis, 0)
    count, *sides = lines.shape
    rise = sum(
        s * (torch.arange(n) - n / 2).view([-1, 1] if a == 0 else [1, -1]) for a, (s, n) in enumerate(zip(slopes, sides, strict=True))
    )
    height = torch.arange(count).view(-1, 1, 1) - rise
    above = (height / thickness + phase) % 1.0
    lower = torch.arange(count).view(-1, 1, 1) - above * thickness
    between = _along(lines, lower) * (1 - above) + _along(lines, lower + thickness) * above
    return between.movedim(0, axis)


def _along(lines: Tensor, height: Tensor) -> Tensor:
    """(K, J, I) read at heights (K, J, I) of its first axis, linearly; the ends are repeated."""
    height = height.clamp(0, len(lines) - 1)
    below = height.floor().long().clamp(max=max(len(lines) - 2, 0))
    upper = (below + 1).clamp(max=len(lines) - 1)
    return torch.lerp(lines.gather(0, below), lines.gather(0, upper), height - below)


def misplaced(image: Tensor, spacing_mm: float, generator: Generator) -> Tensor:
    """Moved by what a rigid registration of thick slices leaves: about half a millimetre and half a degree an axis."""
    turn = torch.eye(3)
    for axis in range(3):
        sine = normal(generator, 0.0, LEFT_RADIANS)
        turn[axis, (axis + 1) % 3] += sine
        turn[(axis + 1) % 3, axis] -= sine
    sides = torch.tensor(image.shape[::-1], dtype=torch.float32)
    shift = torch.tensor([normal(generator, 0.0, LEFT_MM) for _ in range(3)]) / spacing_mm
    coordinates = identity_coordinates(tuple(image.shape)) * (sides / 2)
    return warp(image[None], (coordinates @ turn.T + shift) / (sides / 2))[0]


def _like(channel: Tensor, moved: Tensor) -> Tensor:
    """What a channel became, with its mean and deviation over the brain, 0 outside."""
    brain = channel != 0
    if int(brain.sum()) < 2:
        return channel
    before, after = channel[brain], moved[brain]
    scaled = (moved - after.mean()) * (before.std() / after.std().clamp(min=1e-3)) + before.mean()
    return torch.where(brain, scaled, torch.zeros(()))


def field_of_view(mask: Tensor, spacing_mm: float, generator: Generator) -> Tensor:
    """What the scanner takes: (K, J, I) bool, a box that may cut the neck, the face, or some of the brain (K, J, I) itself."""
    seen = torch.ones(mask.shape, dtype=torch.bool)
    for axis in range(3):
        places = (mask > 0.5).any(dim=tuple(number for number in range(3) if number != axis))
        seen &= _between(places.nonzero()[:, 0], axis, mask.shape, spacing_mm, generator)
    return seen


def _between(places: Tensor, axis: int, shape: torch.Size, spacing_mm: float, generator: Generator) -> Tensor:
    """Voxels between a lower and an upper bound along one axis, each some way off the brain's own."""
    first, last = (int(places.min()), int(places.max())) if len(places) else (0, shape[axis] - 1)
    below, above = (_margin(axis, lower, generator) / spacing_mm for lower in (True, False))
    index = torch.arange(shape[axis])
    inside = (index >= first - below) & (index <= last + above)
    return inside.view([-1 if number == axis else 1 for number in range(3)])


def _margin(axis: int, lower: bool, generator: Generator) -> float:
    """Millimetres beyond the brain that are shown; a few less than none where it is cut."""
    if axis == UP:
        cut = 0.5 if lower else 0.3
        return uniform(generator, -12.0, 25.0) if chance(generator, cut) else uniform(generator, 20.0, 140.0)
    return uniform(generator, -4.0, 20.0) if chance(generator, 0.1) else uniform(generator, 15.0, 90.0)
