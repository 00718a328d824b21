"""Organs that an abdominal organ map leaves unnamed: lungs above a diaphragm, heart, spleen, stomach and kidneys where a body has them.

Most maps of 3D-IRCADb name the liver, its vessels and the bones only. Sizes and places are those of anatomy textbooks, varied by a third;
what the map names is never painted over. Axes of a map: k up, j to the back, i to the patient's left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from ..transforms.smoothing import blur
from .ct_images import Organ, Spacing
from .fields import chance, normal, uniform

GIVEN = 0.85  # chance that an unnamed organ is made up
RIB_DEPTH_MM, DEEPEST_RIB_MM = 25.0, 60.0  # below the skin: where no bone tells, and beyond which a bone is spine
DIAPHRAGM_REACH_MM = 40.0  # how far the dome of the liver tells of the diaphragm beside it
RECESS_MM, RECESS_DEPTH_MM = 45.0, 60.0  # the lung's rim: how wide, and how far down it reaches along the wall
MEDIASTINUM_MM = 30.0  # half its width


@dataclass(frozen=True)
class Ellipsoid:
    """Centre (k, j, i) and half axes, both mm."""

    centre: tuple[float, float, float]
    radii: tuple[float, float, float]


KEPT_ABOVE = (Organ.OUTSIDE, Organ.BODY, Organ.BONE, Organ.ARTERY, Organ.VENA_CAVA, Organ.LEFT_LUNG, Organ.RIGHT_LUNG)


@dataclass(frozen=True, eq=False)
class Trunk:
    """What the named organs tell of the body.

    Attributes:
        spacing: (k, j, i) mm.
        inside: (K, J, I) bool, within the ribs.
        edge_mm: (K, J, I) depth below the ribs, mm.
        diaphragm: (J, I) height of the diaphragm, voxels.
        spine: (j, i) of the middle of the spine, mm.
        front: j of the wall of the belly in the middle, mm.
        left: i of the left wall, mm.
        liver: lowest and highest k of the liver, mm.
    """

    spacing: tuple[float, float, float]
    inside: Tensor
    edge_mm: Tensor
    diaphragm: Tensor
    spine: tuple[float, float]
    front: float
    left: float
    liver: tuple[float, float]


def completed(organs: Tensor, spacing_mm: Spacing, generator: Generator) -> Tensor:
    """The map with lungs, heart, spleen, stomach and kidneys where it names none; unchanged where it has no liver or no bone.

    Args:
        organs: (K, J, I) uint8 of `Organ`, k up, j to the back, i to the left.
        spacing_mm: voxel sides along i, j, k.
        generator: of sizes, places and which organs are made up.
    """
    if not bool((organs == Organ.LIVER).any()) or not bool((organs == Organ.BONE).any()):
        return organs
    trunk = _trunk(organs, spacing_mm)
    out = organs.clone()
    if not bool(torch.isin(organs, torch.tensor([Organ.LEFT_LUNG, Organ.RIGHT_LUNG], dtype=torch.uint8)).any()):
        out[_lungs(trunk, generator) & (out == Organ.BODY)] = Organ.LEFT_LUNG
    for organ, shape in _shapes(trunk, generator).items():
        if bool((organs == organ).any()) or not chance(generator, GIVEN):
            continue
        free = (out == Organ.BODY) | (out == Organ.LEFT_LUNG) if organ == Organ.HEART else (out == Organ.BODY)
        out[free & trunk.inside & _within(shape, organs.shape, trunk.spacing, generator)] = organ
    return out


def raised(organs: Tensor, planes: int) -> Tensor:
    """The map with more planes above it, its uppermost repeated without organs of the belly: (K + planes, J, I)."""
    kept = torch.isin(organs[-1], torch.tensor(KEPT_ABOVE, dtype=torch.uint8))
    above = torch.where(kept, organs[-1], torch.tensor(int(Organ.BODY), dtype=torch.uint8))
    return torch.cat([organs, above.expand(planes, *above.shape)])


def _trunk(organs: Tensor, spacing_mm: Spacing) -> Trunk:
    """Measure the trunk."""
    spacing = spacing_mm[::-1]
    skin_mm = _depth_mm(organs > 0, spacing_mm)
    bone = organs == Organ.BONE
    ribs = skin_mm[bone & (skin_mm < DEEPEST_RIB_MM)]
    wall_mm = float(ribs.median()) + 6.0 if ribs.numel() else RIB_DEPTH_MM
    edge_mm = skin_mm - wall_mm
    inside = (edge_mm > 0) & ~bone
    deep = (bone & (skin_mm >= DEEPEST_RIB_MM)).nonzero().float()
    places = deep if len(deep) else bone.nonzero().float()
    spine = tuple(float(value) * side for value, side in zip(places[:, 1:].median(dim=0).values, spacing[1:]))
    middle = inside[:, :, int(spine[1] / spacing[2])].any(dim=0).nonzero()
    front = float(middle.min()) * spacing[1] if len(middle) else 0.0
    sides = inside.flatten(0, 1).any(dim=0).nonzero()
    left = float(sides.max()) * spacing[2] if len(sides) else organs.shape[2] * spacing[2]
    planes = (organs == Organ.LIVER).flatten(1).any(dim=1).nonzero().float() * spacing[0]
    return Trunk(spacing, inside, edge_mm, _diaphragm(organs, spacing), spine, front, left, (float(planes.min()), float(planes.max())))


def _depth_mm(body: Tensor, spacing_mm: Spacing) -> Tensor:
    """Distance from the skin within the planes, mm: (K, J, I)."""
    depth = np.zeros(body.shape, np.float32)
    for k, plane in enumerate(body.numpy().astype(np.uint8)):
        image = sitk.GetImageFromArray(np.pad(plane, 1))  # the frame is air, so that a body cut off by the image has a skin there
        image.SetSpacing(spacing_mm[:2])
        distance = sitk.SignedMaurerDistanceMap(image, insideIsPositive=True, squaredDistance=False, useImageSpacing=True)
        depth[k] = sitk.GetArrayFromImage(distance)[1:-1, 1:-1]
    return torch.from_numpy(depth)


def _diaphragm(organs: Tensor, spacing: tuple[float, float, float]) -> Tensor:
    """Height of the diaphragm of every column (J, I): the top of the liver, smoothly carried on beside it, in voxels."""
    liver = (organs == Organ.LIVER) | (organs == Organ.TUMOUR)
    heights = torch.arange(organs.shape[0], dtype=torch.float32)[:, None, None]
    top = (liver * heights).amax(dim=0)
    known = liver.any(dim=0).float() * (top > top.max() - 90.0 / spacing[0])
    reach = DIAPHRAGM_REACH_MM / spacing[1]
    share = blur(known[None], reach)[0]
    carried = blur((top * known)[None], reach)[0] / share.clamp(min=1e-6)
    beside = torch.where(share > 1e-4, carried, float(top.max()) - 20.0 / spacing[0])
    smooth_top = F.max_pool2d(top[None], 5, stride=1, padding=2)[0]
    return torch.where(known > 0, torch.maximum(smooth_top, beside - 15.0 / spacing[0]), beside)


def _lungs(trunk: Trunk, generator: Generator) -> Tensor:
    """Place of both lungs: (K, J, I) bool."""
    k = torch.arange(trunk.inside.shape[0], dtype=torch.float32)[:, None, None]
    i = torch.arange(trunk.inside.shape[2], dtype=torch.float32)[None, None] * trunk.spacing[2]
    lower_left = uniform(generator, 0.0, 20.0) * torch.sigmoid((i - trunk.spine[1]) / 15.0)
    recess = RECESS_DEPTH_MM * uniform(generator, 0.5, 1.2) * (1 - trunk.edge_mm / RECESS_MM).clamp(0, 1) ** 2
    above = k * trunk.spacing[0] > trunk.diaphragm * trunk.spacing[0] + uniform(generator, 2, 6) - lower_left - recess
    mediastinum = (i - trunk.spine[1]).abs() < MEDIASTINUM_MM * uniform(generator, 0.7, 1.2)
    return trunk.inside & above & ~mediastinum


def _shapes(trunk: Trunk, generator: Generator) -> dict[Organ, Ellipsoid]:
    """Where the made-up organs lie, the earlier before the later."""
    (spine_j, spine_i), (low, high) = trunk.spine, trunk.liver
    depth = max(spine_j - trunk.front, 60.0)
    column = tuple(int(at / side) for at, side in zip((spine_j - 0.55 * depth, spine_i + 20.0), trunk.spacing[1:]))
    floor = float(trunk.diaphragm[tuple(min(max(at, 0), n - 1) for at, n in zip(column, trunk.diaphragm.shape))]) * trunk.spacing[0]

    def at(k: float, j: float, i: float, radii: tuple[float, float, float]) -> Ellipsoid:
        centre = tuple(value + normal(generator, 0.0, 8.0) for value in (k, j, i))
        size = uniform(generator, 0.8, 1.25)
        return Ellipsoid(centre, tuple(radius * size * uniform(generator, 0.85, 1.15) for radius in radii))

    heart = at(floor + 50.0, spine_j - 0.55 * depth, spine_i + 20.0, (50.0, 48.0, 58.0))
    return {
        Organ.HEART: heart,
        Organ.LEFT_KIDNEY: at(low + 40.0, spine_j, spine_i + 60.0, (52.0, 27.0, 27.0)),
        Organ.RIGHT_KIDNEY: at(low + 25.0, spine_j, spine_i - 60.0, (52.0, 27.0, 27.0)),
        Organ.SPLEEN: at(high - 55.0, spine_j - 5.0, trunk.left - 35.0, (50.0, 45.0, 30.0)),
        Organ.STOMACH: at(high - 50.0, spine_j - 0.65 * depth, spine_i + 60.0, (45.0, 50.0, 50.0)),
    }


def _within(shape: Ellipsoid, size: tuple[int, ...], spacing: tuple[float, float, float], generator: Generator) -> Tensor:
    """The voxels of an ellipsoid, turned a little in the plane: (K, J, I) bool."""
    axes = [torch.arange(n, dtype=torch.float32) * side - centre for n, side, centre in zip(size, spacing, shape.centre)]
    k, j, i = torch.meshgrid(*axes, indexing="ij")
    turn = torch.tensor(normal(generator, 0.0, 0.35))
    j, i = turn.cos() * j - turn.sin() * i, turn.sin() * j + turn.cos() * i
    return (k / shape.radii[0]) ** 2 + (j / shape.radii[1]) ** 2 + (i / shape.radii[2]) ** 2 < 1
