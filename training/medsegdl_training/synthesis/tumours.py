"""Made-up tumours: where necrosis, oedema and enhancement lie, grown by rule or taken from a patient and bent. Only torch enters here.

Shapes only; how they look is drawn in `synthesis`.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from .fields import chance, normal, pick, random_rotation, smooth_field, uniform, warp
from .tissue import Tissue

LARGEST_SHARE = 0.35  # of the brain that one tumour may take
RADIUS_VOXELS = (3.0, 15.0)  # of the core, at 2 mm: 6 to 30 mm


def grow(tissue: Tensor, generator: Generator) -> Tensor:
    """A procedural tumour in a healthy label map.

    A core with a noisy surface, with or without enhancing rim and necrosis, and oedema that prefers white matter and spares fluid.

    Args:
        tissue: (K, J, I) uint8 of `Tissue`, healthy.

    Returns:
        the same map with NECROSIS, OEDEMA, ENHANCING drawn in.
    """
    inside = tissue > 0
    if not bool(inside.any()):
        return tissue
    distance = _distance(tissue.shape, _centre(tissue == Tissue.WHITE, inside, generator), generator)
    core_radius = uniform(generator, *RADIUS_VOXELS)
    distance = distance + core_radius * uniform(generator, 0.1, 0.45) * smooth_field(tissue.shape, uniform(generator, 5, 14), generator)
    core = inside & (distance < core_radius)
    oedema = inside & (distance < _reach(tissue, core_radius, generator)) & ~core
    return _draw(tissue, core, oedema, _rim(distance, core_radius, generator))


def _centre(white: Tensor, inside: Tensor, generator: Generator) -> Tensor:
    """A voxel of the white matter (of the brain, where there is none): (3,)."""
    places = (white if bool(white.any()) else inside).nonzero()
    return places[pick(generator, len(places))].float()


def _distance(shape: tuple[int, ...], centre: Tensor, generator: Generator) -> Tensor:
    """Distance in voxels from the centre, stretched by a random ellipsoid."""
    axes = torch.meshgrid(*[torch.arange(n, dtype=torch.float32) for n in shape], indexing="ij")
    offset = torch.stack(axes, dim=-1) - centre
    stretch = torch.tensor([uniform(generator, 0.7, 1.4) for _ in range(3)])
    return ((offset @ random_rotation(3, generator)) * stretch).norm(dim=-1)


def _reach(tissue: Tensor, core_radius: float, generator: Generator) -> Tensor:
    """How far oedema goes, voxel by voxel; none in one of six tumours."""
    if chance(generator, 0.15):
        return torch.zeros(tissue.shape)
    width = core_radius * uniform(generator, 0.3, 0.9) + uniform(generator, 1.0, 7.0)
    share = torch.zeros(len(Tissue))
    share[Tissue.GREY], share[Tissue.WHITE], share[Tissue.OEDEMA] = uniform(generator, 0.1, 0.8), 1.0, 1.0
    return core_radius + width * share[tissue.long()]


def _rim(distance: Tensor, core_radius: float, generator: Generator) -> Tensor:
    """Which voxels would enhance if they belonged to the core: a closed or broken rim, all of it, or nothing."""
    kind = uniform(generator, 0.0, 1.0)
    if kind < 0.15:
        return torch.zeros_like(distance, dtype=torch.bool)
    if kind < 0.35:
        return smooth_field(distance.shape, 6.0, generator) > -1.5
    thickness = uniform(generator, 1.0, max(1.6, 0.6 * core_radius))
    rim = distance > core_radius - thickness * (1 + 0.4 * smooth_field(distance.shape, 6.0, generator))
    gaps = smooth_field(distance.shape, uniform(generator, 6.0, 14.0), generator) > uniform(generator, 0.8, 2.5)
    return rim & ~gaps


def _draw(tissue: Tensor, core: Tensor, oedema: Tensor, enhancing: Tensor) -> Tensor:
    drawn = tissue.clone()
    drawn[oedema] = Tissue.OEDEMA
    drawn[core] = Tissue.NECROSIS
    drawn[core & enhancing] = Tissue.ENHANCING
    return drawn


def cut_out(regions: Tensor) -> Tensor:
    """The smallest box around a patient's tumour: (3, k, j, i) float, nested WT, TC, ET."""
    box = []
    for axis in range(3):
        hit = regions[0].movedim(axis, 0).flatten(1).any(dim=1).nonzero()[:, 0]
        box.append(slice(int(hit[0]), int(hit[-1]) + 1))
    return regions[(slice(None), *box)].float()


def transplant(tissue: Tensor, donor: Tensor, generator: Generator) -> Tensor:
    """A patient's tumour, turned, mirrored, scaled and bent, at another place of another brain.

    Args:
        tissue: (K, J, I) uint8 of `Tissue`, healthy.
        donor: (3, k, j, i) from `cut_out`, at the same voxel size.

    Returns:
        the label map with the tumour; oedema spares fluid.
    """
    inside = tissue > 0
    if not bool(inside.any()):
        return tissue
    centre = _centre(tissue == Tissue.WHITE, inside, generator)
    whole, core, enhancing = (warp(donor, _donor_coordinates(tissue.shape, donor.shape[1:], centre, generator)) > 0.5) & inside
    if int(whole.sum()) > LARGEST_SHARE * int(inside.sum()):
        return tissue
    oedema = whole & ~core & (tissue != Tissue.FLUID)
    return _draw(tissue, core, oedema, enhancing)


def _donor_coordinates(shape: tuple[int, ...], donor: tuple[int, ...], centre: Tensor, generator: Generator) -> Tensor:
    """Where each voxel of the host reads the donor: (*shape, 3) for `warp`."""
    axes = torch.meshgrid(*[torch.arange(n, dtype=torch.float32) for n in shape], indexing="ij")
    turn = random_rotation(3, generator) if chance(generator, 0.5) else torch.eye(3)
    zoom = torch.tensor([1 / uniform(generator, 0.45, 1.2) for _ in range(3)]).mean() * torch.tensor(
        [uniform(generator, 0.85, 1.18) for _ in range(3)]
    )
    offset = (torch.stack(axes, dim=-1) - centre) @ turn * zoom
    bend = abs(normal(generator, 0.0, 1.5))
    offset = offset + bend * torch.stack([smooth_field(shape, 12.0, generator) for _ in range(3)], dim=-1)
    if chance(generator, 0.5):
        offset[..., 2] = -offset[..., 2]
    return (offset * (2.0 / torch.tensor(donor, dtype=torch.float32))).flip(-1)


def regions_of(tissue: Tensor) -> Tensor:
    """Nested WT, TC, ET of a label map: (3, *S) bool."""
    enhancing = tissue == Tissue.ENHANCING
    core = enhancing | (tissue == Tissue.NECROSIS)
    return torch.stack([core | (tissue == Tissue.OEDEMA), core, enhancing])
