"""What lies around a brain, drawn: fluid, skull, marrow, scalp, face, eyes, neck and cord, in random shapes and grey levels.

After Hoopes and others, 'SynthStrip' (2022): a network that has seen every contrast finds the brain in any. Lengths are in mm, places
in the head's own axes (up, backwards, left) from the middle of the brain.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Generator, Tensor

from .fields import chance, normal, pick, smooth_field, uniform


class Part(IntEnum):
    """Values of the maps of what is not brain."""

    AIR = 0
    FLUID = 1
    BONE = 2
    MARROW = 3
    FAT = 4
    MUSCLE = 5
    GLAND = 6
    SKIN = 7
    EYE = 8
    LENS = 9
    CORD = 10
    VESSEL = 11


# Grey levels of t1, t1ce, t2, flair, white matter being about 0.6 in t1 and 0.35 in t2.
TYPICAL = torch.tensor(
    [
        [0.01, 0.01, 0.01, 0.01],
        [0.15, 0.15, 0.95, 0.10],
        [0.06, 0.06, 0.05, 0.06],
        [0.70, 0.70, 0.45, 0.35],
        [1.00, 0.95, 0.70, 0.60],
        [0.35, 0.45, 0.20, 0.25],
        [0.45, 0.85, 0.50, 0.50],
        [0.50, 0.55, 0.35, 0.35],
        [0.18, 0.18, 1.00, 0.15],
        [0.40, 0.40, 0.25, 0.40],
        [0.55, 0.55, 0.35, 0.45],
        [0.25, 1.10, 0.10, 0.20],
    ]
)
SUPPRESSED = (Part.FAT, Part.MARROW)


@dataclass(frozen=True)
class Frame:
    """Where a brain lies on the voxels that are drawn.

    Attributes:
        place: (3, K, J, I) mm up, backwards and left of the brain's middle.
        distance: (K, J, I) mm from the brain's surface, negative inside.
        half: half the brain's extent up, backwards and left, mm.
        stem: (up, backwards, left) of its lowest part.
    """

    place: Tensor
    distance: Tensor
    half: tuple[float, float, float]
    stem: tuple[float, float, float]


def draw_parts(frame: Frame, generator: Generator) -> Tensor:
    """A map of `Part` around the brain: (K, J, I) uint8; within the brain it means nothing."""
    shape = tuple(frame.distance.shape)
    rough = smooth_field(shape, uniform(generator, 6.0, 16.0), generator)
    fluid, bone = uniform(generator, 0.0, 5.0) + 1.2 * rough, uniform(generator, 3.0, 9.0)
    bone_end = fluid.clamp(min=0) + bone + 1.0 * rough
    depth = -_outer(frame, bone_end + uniform(generator, 3.0, 13.0), rough, generator)
    parts = _soft_tissue(depth, generator)
    _face(parts, frame, generator)
    _cord(parts, frame, generator)
    skull = (frame.distance >= fluid) & (frame.distance < bone_end)
    parts[skull] = Part.BONE
    middle, reach = (fluid + bone_end) / 2, uniform(generator, 0.0, 0.4) * bone
    parts[skull & ((frame.distance - middle).abs() < reach)] = Part.MARROW
    parts[frame.distance < fluid] = Part.FLUID
    _sinus(parts, frame, generator)
    _eyes(parts, frame, generator)
    parts[depth < 0] = Part.AIR
    return parts


def _outer(frame: Frame, thickness: Tensor, rough: Tensor, generator: Generator) -> Tensor:
    """Roughly mm outside of the skin, negative inside: vault, face and neck."""
    up, back, left = frame.place
    tall, long, wide = frame.half
    vault = frame.distance - thickness
    radii = (tall * uniform(generator, 0.8, 1.3), long * uniform(generator, 0.5, 0.8), wide * uniform(generator, 0.7, 1.0))
    low, front = -tall * uniform(generator, 0.7, 1.2), -long * uniform(generator, 0.35, 0.65)
    face = (torch.sqrt(((up - low) / radii[0]) ** 2 + ((back - front) / radii[1]) ** 2 + (left / radii[2]) ** 2) - 1) * radii[1]
    girth = (long * uniform(generator, 0.45, 0.75), wide * uniform(generator, 0.6, 0.95))
    neck = (torch.sqrt(((back - frame.stem[1]) / girth[0]) ** 2 + ((left - frame.stem[2]) / girth[1]) ** 2) - 1) * girth[1]
    neck = torch.where(up < -0.4 * tall, neck, torch.full_like(neck, 1e3))
    return torch.minimum(torch.minimum(vault, face), neck) + uniform(generator, 0.0, 3.0) * rough


def _soft_tissue(depth: Tensor, generator: Generator) -> Tensor:
    """Skin, fat below it, and muscle mixed with fat and glands further in."""
    texture = smooth_field(tuple(depth.shape), uniform(generator, 3.0, 8.0), generator)
    parts = torch.full(depth.shape, Part.MUSCLE, dtype=torch.uint8)
    parts[texture > uniform(generator, 0.3, 1.5)] = Part.FAT
    parts[texture < -uniform(generator, 0.8, 2.0)] = Part.GLAND
    parts[depth < uniform(generator, 2.0, 10.0)] = Part.FAT
    parts[depth < uniform(generator, 0.0, 3.0)] = Part.SKIN
    return parts


def _face(parts: Tensor, frame: Frame, generator: Generator) -> None:
    """Bones and air below and before the brain."""
    up, back, left = frame.place
    tall, long, wide = frame.half
    below = (up < -0.3 * tall) & (left.abs() < 0.8 * wide) & (frame.distance > 3)
    texture = smooth_field(tuple(parts.shape), uniform(generator, 3.0, 7.0), generator)
    parts[below & (texture > uniform(generator, 0.4, 1.4))] = Part.BONE
    parts[below & (texture > uniform(generator, 1.0, 2.0))] = Part.MARROW
    hollow = smooth_field(tuple(parts.shape), uniform(generator, 4.0, 9.0), generator)
    middle = below & (back < 0.1 * long) & (left.abs() < 0.5 * wide)
    parts[middle & (hollow > uniform(generator, 0.2, 1.4))] = Part.AIR
    ear = below & (left.abs() > 0.5 * wide) & (back.abs() < 0.4 * long)
    parts[ear & (hollow > 1.0)] = Part.AIR


def _cord(parts: Tensor, frame: Frame, generator: Generator) -> None:
    """The cord in its fluid within the vertebrae, below the brain's lowest part."""
    up, back, left = frame.place
    low, behind, aside = frame.stem
    drift = uniform(generator, -0.3, 0.3) * (up - low)
    radius = torch.sqrt((back - behind - drift) ** 2 + (left - aside) ** 2)
    below = up < low + 6.0
    parts[below & (radius < uniform(generator, 15.0, 24.0))] = (Part.BONE, Part.MARROW, Part.MUSCLE)[pick(generator, 3)]
    parts[below & (radius < uniform(generator, 9.0, 14.0))] = Part.FLUID
    parts[below & (radius < uniform(generator, 5.0, 8.0))] = Part.CORD


def _sinus(parts: Tensor, frame: Frame, generator: Generator) -> None:
    """The large veins: along the midline on top, and at the back."""
    up, back, left = frame.place
    close = (frame.distance < uniform(generator, 3.0, 9.0)) & (left.abs() < uniform(generator, 3.0, 9.0))
    parts[close & ((up > 0.3 * frame.half[0]) | (back > 0.7 * frame.half[1]))] = Part.VESSEL


def _eyes(parts: Tensor, frame: Frame, generator: Generator) -> None:
    """Two eyes in their fat, with lenses and nerves."""
    up, back, left = frame.place
    tall, long, wide = frame.half
    height, front = -tall * uniform(generator, 0.25, 0.6), -long * uniform(generator, 0.8, 1.0)
    apart, radius, socket = wide * uniform(generator, 0.4, 0.55), uniform(generator, 10.0, 13.5), uniform(generator, 14.0, 24.0)
    for side in (-1, 1):
        away = torch.sqrt((up - height) ** 2 + (back - front) ** 2 + (left - side * apart) ** 2)
        parts[(away < socket) & (frame.distance > 3)] = Part.FAT
        nerve = torch.sqrt((up - height) ** 2 + (left - side * apart * (1 - (back - front) / long)) ** 2)
        parts[(nerve < 3.0) & (back > front) & (back < front + 40) & (frame.distance > 0)] = Part.CORD
        parts[away < radius] = Part.EYE
        lens = torch.sqrt((up - height) ** 2 + (back - front + 0.8 * radius) ** 2 + (left - side * apart) ** 2)
        parts[lens < 4.0] = Part.LENS


def draw_levels(modality: int, fluid: float, generator: Generator) -> Tensor:
    """A grey level for each part: (12,); near what the modality shows, with fat suppressed or not, or anything at all."""
    level = TYPICAL[:, modality] + 0.12 * torch.randn(len(Part), generator=generator)
    if chance(generator, 0.4):
        level = torch.rand(len(Part), generator=generator) * uniform(generator, 0.6, 1.5)
        level[Part.AIR] = 0.02
    if chance(generator, 0.3):
        for part in SUPPRESSED:
            level[part] = uniform(generator, 0.03, 0.3)
    if chance(generator, 0.8):
        level[Part.FLUID] = fluid
    level[Part.BONE] = level[Part.BONE] * uniform(generator, 0.3, 1.0)
    return level.clamp(min=0.0)


def paint_parts(parts: Tensor, level: Tensor, generator: Generator) -> Tensor:
    """An image of a map of parts, with some texture: (K, J, I) float32."""
    texture = smooth_field(tuple(parts.shape), uniform(generator, 2.0, 6.0), generator)
    image = level[parts.long()]
    return image * (1 + uniform(generator, 0.0, 0.25) * texture) + 0.02 * abs(normal(generator)) * texture
