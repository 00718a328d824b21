"""From organ maps to CT-like blocks in HU, and made-up tumours and contrast phases for real ones. Only torch enters here.

HU ranges are those of portal-venous abdominal CT in textbooks, widened; organs that a map leaves out ('body') are made up.
"""

from __future__ import annotations

from enum import IntEnum

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from ..transforms.smoothing import blur
from .fields import chance, normal, pick, smooth_field, uniform

AIR_HU = -1000.0
NOISE_HU = (6.0, 30.0)  # deviation: thick soft slices to thin sharp ones
LIVER_HU = (60.0, 160.0)
TUMOUR_BELOW_HU = (12.0, 75.0)  # most liver tumours are darker than the liver in this phase
FILLINGS = 12  # made-up parts of the body that the map does not name
WITHIN = (0.5, 0.75)  # least share of liver around the centre of a made-up tumour, lowest and highest: at the surface to deep inside
TUMOUR_RADIUS_MM = (4.0, 32.0)
BULGING = 0.4  # share of the tumours that may reach out of the liver
BULGE_MM, BULGE_SHARE = 12.0, 0.25  # as far as so much of the neighbourhood is liver: some 8 mm beyond a flat surface
PRESSED = 0.15  # share of a mass that may lie where liver was; what would take more stays outside
MASS_RADIUS_MM = (6.0, 65.0)
ROUNDISH, LONGISH = ((0.75, 1.3),) * 3, ((0.45, 1.6),) * 3  # by what a made-up body is stretched along k, j, i
MASS_HU = (0.0, 180.0)  # stomach, tumour, spleen, heart
UNLIKE_HU = 15.0  # a mass as bright as the liver could not be told from it
CLOSE_BY_MM = 12.0
PLANES_BESIDE = 1  # planes on either side of the network's slab, so that the blur across planes has something to mix

SKIN_MM = 13.5  # how far the blur reaches that tells depth below the skin
BELOW_WALL = 0.97  # of `depth_of`: some 25 mm below the skin
THICK = 8  # planes from which on a block is treated in three dimensions; fewer are nearly alike

Spacing = tuple[float, float, float]
Bounds = tuple[float, float]
Stretch = tuple[Bounds, Bounds, Bounds]


class Organ(IntEnum):
    """Values of 3D-IRCADb organ maps; what is not here is drawn as muscle."""

    OUTSIDE = 0
    LIVER = 1
    TUMOUR = 2
    CYST = 3
    PORTAL_VEIN = 4
    VENA_CAVA = 5
    ARTERY = 6
    BONE = 7
    LEFT_KIDNEY = 8
    RIGHT_KIDNEY = 9
    SPLEEN = 10
    LEFT_LUNG = 11
    RIGHT_LUNG = 12
    BODY = 13
    GALL_BLADDER = 14
    STOMACH = 16
    PANCREAS = 17
    HEART = 18
    ADRENAL = 19
    BLADDER = 20
    BOWEL = 21
    MASS = 22  # ours, not in the maps: masses outside the liver
    SECOND_MASS = 23
    THIRD_MASS = 24
    FOURTH_MASS = 25
    DIAPHRAGM = 26


MASSES = (Organ.MASS, Organ.SECOND_MASS, Organ.THIRD_MASS, Organ.FOURTH_MASS)
# Lowest and highest mean HU of an organ, where it does not follow the liver's.
RANGES: dict[Organ, tuple[float, float]] = {
    Organ.CYST: (-5, 25),
    Organ.ARTERY: (110, 260),
    Organ.BONE: (150, 500),
    Organ.LEFT_KIDNEY: (120, 230),
    Organ.RIGHT_KIDNEY: (120, 230),
    Organ.LEFT_LUNG: (-900, -750),
    Organ.RIGHT_LUNG: (-900, -750),
    Organ.GALL_BLADDER: (-5, 30),
    Organ.STOMACH: (0, 80),
    Organ.PANCREAS: (60, 120),
    Organ.HEART: (80, 200),
    Organ.ADRENAL: (40, 90),
    Organ.BLADDER: (-5, 40),
    Organ.BOWEL: (0, 90),
}
LUNGS = (Organ.LEFT_LUNG, Organ.RIGHT_LUNG)
UNTOUCHED = (Organ.BONE, Organ.ARTERY, Organ.VENA_CAVA, Organ.PORTAL_VEIN)  # by a made-up mass; the lungs not always
INTO_LUNGS = 0.4  # share of the masses that may lie where lung is, as the heart does above the liver
FAT_HU, MUSCLE_HU, BOWEL_HU, LUNG_HU, GAS_HU = (-115.0, -80.0), (35.0, 75.0), (0.0, 60.0), (-900.0, -750.0), (-1000.0, -800.0)
UNNAMED = (FAT_HU, FAT_HU, FAT_HU, MUSCLE_HU, MUSCLE_HU, BOWEL_HU, (80.0, 150.0), (90.0, 140.0), (130.0, 230.0), LUNG_HU, GAS_HU)


def organ_levels(generator: Generator) -> Tensor:
    """Mean HU of every value of an organ map: (32,)."""
    liver = uniform(generator, *LIVER_HU)
    levels = torch.full((32,), uniform(generator, *MUSCLE_HU))
    levels[Organ.OUTSIDE] = AIR_HU
    levels[Organ.LIVER] = liver
    for organ, (low, high) in RANGES.items():
        levels[organ] = uniform(generator, low, high)
    for mass in MASSES:
        levels[mass] = mass_level(liver, generator)
    levels[Organ.TUMOUR] = tumour_level(liver, generator)
    levels[Organ.SPLEEN] = liver + uniform(generator, -15, 40)
    enhanced = chance(generator, 0.85)
    levels[Organ.PORTAL_VEIN] = liver + (uniform(generator, 5, 90) if enhanced else uniform(generator, -30, 5))
    levels[Organ.VENA_CAVA] = levels[Organ.PORTAL_VEIN] + uniform(generator, -30, 10)
    return levels


def tumour_level(liver: float, generator: Generator) -> float:
    """Mean HU of a tumour in a liver of that mean: mostly darker, seldom brighter."""
    if chance(generator, 0.08):
        return liver + uniform(generator, 20, 60)
    return max(liver - uniform(generator, *TUMOUR_BELOW_HU), 5.0)


def mass_level(liver: float, generator: Generator) -> float:
    """Mean HU of a mass beside a liver of that mean."""
    level = uniform(generator, *MASS_HU)
    if abs(level - liver) >= UNLIKE_HU:
        return level
    return level + (2 * UNLIKE_HU if level >= liver else -2 * UNLIKE_HU)


def paint_block(organs: Tensor, spacing_mm: Spacing, generator: Generator) -> Tensor:
    """A CT of an organ map.

    Args:
        organs: (K, J, I) uint8 of `Organ`, two planes more than wanted.
        spacing_mm: voxel sides along i, j, k.

    Returns:
        (K - 2, J, I) float32 HU.
    """
    index = organs.long()
    hounsfield = organ_levels(generator)[index]
    hounsfield = torch.where(organs == Organ.BODY, _fill_body(organs, spacing_mm, generator), hounsfield)
    hounsfield = hounsfield + _texture(organs, generator)
    if chance(generator, 0.3):
        hounsfield = _table(hounsfield, organs, generator)
    in_plane = uniform(generator, 0.35, 0.9)
    hounsfield = blur(hounsfield[None], (uniform(generator, 0.05, 0.7), in_plane, in_plane))[0]
    hounsfield = hounsfield + noise(hounsfield.shape, generator)
    return hounsfield[PLANES_BESIDE:-PLANES_BESIDE]


def noise(shape: tuple[int, ...], generator: Generator) -> Tensor:
    """Scanner noise with the grain of a reconstruction kernel, sometimes streaks: (K, J, I) HU."""
    grain = blur(torch.randn((1, *shape), generator=generator), (0.0, *[uniform(generator, 0.0, 1.0)] * 2))[0]
    grain = grain / grain.std() * uniform(generator, *NOISE_HU)
    if chance(generator, 0.15):
        streaks = torch.randn((shape[0], shape[1], 1), generator=generator) * uniform(generator, 2, 12)
        grain = grain + blur(streaks.expand(shape)[None], (0.0, 1.5, 0.0))[0]
    return grain


def _fill_body(organs: Tensor, spacing_mm: Spacing, generator: Generator) -> Tensor:
    """Fat under the skin, muscle around the ribs, and smooth patches of anything inside: (K, J, I) HU."""
    shape, voxel_mm = organs.shape, spacing_mm[0]
    depth = depth_of(organs > 0, SKIN_MM / voxel_mm)
    cell = uniform(generator, 20.0, 70.0) / voxel_mm
    fields = torch.stack([_layered(shape, cell, generator) + uniform(generator, -0.4, 0.4) for _ in range(FILLINGS)])
    levels = torch.tensor([uniform(generator, *UNNAMED[pick(generator, len(UNNAMED))]) for _ in range(FILLINGS)])
    filled = levels[fields.argmax(dim=0)]
    wrinkles = _layered(shape, 15.0 / voxel_mm, generator) + 0.5 * _layered(shape, 8.0 / voxel_mm, generator)
    filled = torch.where((wrinkles > 1.2) & (filled > -300), uniform(generator, *FAT_HU), filled)
    wall = uniform(generator, 0.5, 0.85) + 0.06 * _layered(shape, 45.0 / voxel_mm, generator)
    bone_near = blur((organs == Organ.BONE)[None].float(), (0.0, 6.0 / voxel_mm, 6.0 / voxel_mm))[0] > 0.08
    muscle = uniform(generator, *MUSCLE_HU)
    filled = torch.where((depth < wall + uniform(generator, 0.03, 0.15)) | bone_near, muscle, filled)
    skin_fat = uniform(generator, 0.5, 0.8) + 0.05 * _layered(shape, 60.0 / voxel_mm, generator)
    filled = torch.where((depth < skin_fat) & ~bone_near, uniform(generator, *FAT_HU), filled)
    return torch.where(depth < 0.53, uniform(generator, -40, 40), filled)


def depth_of(inside: Tensor, sigma: float) -> Tensor:
    """Half at the skin, 1 deep inside, a plane at a time, by blurring the body: (K, J, I)."""
    coarse = F.avg_pool2d(inside[:, None].float(), 2, ceil_mode=True)
    soft = blur(coarse[:, 0], sigma / 2)
    return F.interpolate(soft[:, None], size=inside.shape[1:], mode="bilinear", align_corners=False)[:, 0]


def _layered(shape: tuple[int, ...], cell: float, generator: Generator) -> Tensor:
    """A smooth field, in a few planes one that changes little from plane to plane: (K, J, I), deviation about 1."""
    if shape[0] >= THICK:
        return smooth_field(shape, cell, generator)
    base = smooth_field(shape[1:], cell, generator)
    return 0.96 * base + 0.28 * smooth_field(shape, cell, generator)


def _texture(organs: Tensor, generator: Generator) -> Tensor:
    """Unevenness inside organs, strongest in bone and tumours: (K, J, I) HU."""
    fine, coarse = _layered(organs.shape, 2.5, generator), _layered(organs.shape, 9.0, generator)
    amount = torch.full((32,), uniform(generator, 2, 10))
    amount[Organ.OUTSIDE] = 2.0
    amount[Organ.BODY] = uniform(generator, 5, 25)
    amount[Organ.BONE] = uniform(generator, 60, 250)
    amount[[Organ.TUMOUR, *MASSES]] = uniform(generator, 3, 20)
    amount[[Organ.LEFT_KIDNEY, Organ.RIGHT_KIDNEY, Organ.STOMACH, Organ.BOWEL]] = uniform(generator, 10, 50)
    amount[[Organ.LEFT_LUNG, Organ.RIGHT_LUNG]] = uniform(generator, 10, 60)
    return amount[organs.long()] * (0.6 * fine + 0.6 * coarse)


def _table(hounsfield: Tensor, organs: Tensor, generator: Generator) -> Tensor:
    """A bright line below the patient."""
    row = min(hounsfield.shape[1] - 2, int(uniform(generator, 0.78, 0.98) * hounsfield.shape[1]))
    line = torch.full_like(hounsfield, 0.0)
    line[:, row : row + 2] = uniform(generator, 300, 800)
    return torch.where(organs == Organ.OUTSIDE, hounsfield + line, hounsfield)


def grow_in_liver(organs: Tensor, liver: Tensor, spacing_mm: Spacing, generator: Generator) -> Tensor:
    """Places of one to three made-up tumours: (K, J, I) bool. They lie in the liver, at its surface too, where some bulge out of it.

    Args:
        organs: (K, J, I) uint8, to keep the vena cava and named organs free.
        liver: (K, J, I) bool.
        spacing_mm: voxel sides along i, j, k.
    """
    fresh = torch.zeros_like(liver)
    if not bool(liver.any()):
        return fresh
    for _ in range(1 + pick(generator, 3)):
        radius_mm = _between(TUMOUR_RADIUS_MM, generator)
        reach = 0.6 * radius_mm / spacing_mm[0]
        inner = blur(liver[None].float(), (0.0, reach, reach))[0] > uniform(generator, *WITHIN)
        room = liver & inner & (organs != Organ.VENA_CAVA)
        places = (room if bool(room.any()) else liver).nonzero()
        centre = places[pick(generator, len(places))].float()
        allowed = liver | _beside(liver, organs, spacing_mm) if chance(generator, BULGING) else liver
        fresh |= allowed & around(centre, (radius_mm, radius_mm), liver.shape, spacing_mm, generator)
    return fresh


def _beside(liver: Tensor, organs: Tensor, spacing_mm: Spacing) -> Tensor:
    """What no organ fills within a few millimetres of the liver's surface: (K, J, I) bool."""
    reach = BULGE_MM / spacing_mm[0]
    return (organs == Organ.BODY) & (blur(liver[None].float(), (0.0, reach, reach))[0] > BULGE_SHARE)


def grow_outside(organs: Tensor, liver: Tensor, spacing_mm: Spacing, generator: Generator) -> Tensor:
    """Place of a made-up mass of another organ: (K, J, I) bool. It is no liver, even where it presses into it a little.

    Args:
        organs: (K, J, I) uint8; bone and vessels stay free, mostly the lungs too.
        liver: (K, J, I) bool; the centre lies outside it, often close by.
        spacing_mm: voxel sides along i, j, k.
    """
    kept = UNTOUCHED if chance(generator, INTO_LUNGS) else UNTOUCHED + LUNGS
    free = (organs > 0) & ~torch.isin(organs, torch.tensor(kept, dtype=torch.uint8))
    room = free & ~liver
    reach = CLOSE_BY_MM / spacing_mm[0]
    near = room & (blur(liver[None].float(), (0.0, reach, reach))[0] > 0.08)
    places = (near if bool(near.any()) and chance(generator, 0.7) else room).nonzero()
    if not len(places):
        return torch.zeros_like(liver)
    mass = free & around(places[pick(generator, len(places))].float(), MASS_RADIUS_MM, liver.shape, spacing_mm, generator)
    pressing = int((mass & liver).sum()) <= PRESSED * int(mass.sum())  # more would look like a tumour of the liver
    return mass if pressing else mass & ~liver


def around(
    centre: Tensor, radii_mm: Bounds, shape: tuple[int, ...], spacing_mm: Spacing, generator: Generator, stretch: Stretch = ROUNDISH
) -> Tensor:
    """A body about a voxel (3,), of a size between two radii, its axes stretched by factors within `stretch`: (K, J, I) bool."""
    distance_mm = _distance_mm(shape, centre, spacing_mm, stretch, generator)
    return distance_mm < _uneven(_between(radii_mm, generator), shape, spacing_mm, generator)


def _between(bounds: Bounds, generator: Generator) -> float:
    """A number between two bounds, its logarithm uniform: small ones are as frequent as large ones."""
    return bounds[0] * (bounds[1] / bounds[0]) ** uniform(generator, 0.0, 1.0)


def _uneven(radius_mm: float, shape: tuple[int, ...], spacing_mm: Spacing, generator: Generator) -> Tensor:
    """A radius that varies smoothly from place to place: (K, J, I) mm."""
    cell = max(4.0, radius_mm / spacing_mm[0])
    return radius_mm * (1 + uniform(generator, 0.03, 0.25) * _layered(shape, cell, generator))


def _distance_mm(shape: tuple[int, ...], centre: Tensor, spacing_mm: Spacing, stretch: Stretch, generator: Generator) -> Tensor:
    """Distance from a voxel, stretched at random along the axes: (K, J, I)."""
    axes = torch.meshgrid(*[torch.arange(n, dtype=torch.float32) for n in shape], indexing="ij")
    sides = [side / uniform(generator, *bounds) for side, bounds in zip(spacing_mm[::-1], stretch)]
    return sum(((axis - c) * s) ** 2 for axis, c, s in zip(axes, centre, sides)).sqrt()


def plant_mass(hounsfield: Tensor, fresh: Tensor, liver_level: float, generator: Generator) -> Tensor:
    """Replace `fresh` voxels of a real slab by the tissue of a mass, sometimes with a brighter wall: (K, J, I) HU."""
    alpha = blur(fresh[None].float(), (0.2, *[uniform(generator, 0.4, 1.0)] * 2))[0]
    level = mass_level(liver_level, generator)
    inner = blur(fresh[None].float(), (0.0, 3.0, 3.0))[0]
    wall = uniform(generator, 0.0, 60.0) if chance(generator, 0.5) else 0.0
    uneven = uniform(generator, 2, 15) * _layered(fresh.shape, 6.0, generator)
    grain = grain_like(hounsfield, None, generator) * uniform(generator, 0.8, 1.2)
    tissue = level + wall * (1 - inner) + uneven + grain
    planted = hounsfield * (1 - alpha) + tissue * alpha
    if chance(generator, 0.4):  # a layer of fat around it
        rim = (4 * alpha * (1 - alpha)).clamp(0, 1)
        planted = planted * (1 - rim) + uniform(generator, *FAT_HU) * rim
    return planted


def plant_tumours(hounsfield: Tensor, fresh: Tensor, liver_level: float, generator: Generator) -> Tensor:
    """Shift the HU of `fresh` voxels of a real slab to a tumour's, its grain kept: (K, J, I)."""
    alpha = blur(fresh[None].float(), (0.3, *[uniform(generator, 0.4, 1.2)] * 2))[0]
    change = tumour_level(liver_level, generator) - liver_level
    uneven = 1 + 0.25 * _layered(fresh.shape, 5.0, generator)
    if chance(generator, 0.3):
        inner = blur(fresh[None].float(), (0.0, 3.0, 3.0))[0]
        uneven = uneven * (0.6 + 0.7 * inner * uniform(generator, 0.5, 1.5))
    kept = uniform(generator, 0.5, 1.0)
    target = liver_level + change * uneven + kept * (hounsfield - liver_level).clamp(-60, 60)
    return hounsfield * (1 - alpha) + target * alpha


def grain_hu(hounsfield: Tensor, within: Tensor | None = None) -> float:
    """Deviation of a real slab's noise: what a slight blur takes away, robustly, within soft tissue or a region (K, J, I) bool."""
    fine = hounsfield - blur(hounsfield[None], (0.0, 1.2, 1.2))[0]
    values = fine[(hounsfield > -50) & (hounsfield < 200) if within is None else within].abs()
    return 1.48 * float(values.median()) if values.numel() else NOISE_HU[0]


def grain_like(hounsfield: Tensor, within: Tensor | None, generator: Generator) -> Tensor:
    """Fresh noise as strong as a real slab's, see `grain_hu`: (K, J, I) HU."""
    grain = noise(hounsfield.shape, generator)
    return grain * (grain_hu(hounsfield, within) / grain.std())


def other_phase(hounsfield: Tensor, organs: Tensor, generator: Generator) -> Tensor:
    """Another contrast phase of a real slab: each organ brightened or darkened by a number of its own."""
    shift = torch.randn((32,), generator=generator) * 18.0
    shift[Organ.OUTSIDE] = 0.0
    shift[[Organ.LEFT_LUNG, Organ.RIGHT_LUNG, Organ.BONE]] *= 2.0
    shift[[Organ.BODY, Organ.DIAPHRAGM]] *= 0.4
    shift[Organ.LIVER] = uniform(generator, -45, 35)
    shift[[Organ.TUMOUR, Organ.CYST]] = 0.7 * shift[Organ.LIVER] + normal(generator, 0.0, 8.0)
    shift[[Organ.PORTAL_VEIN, Organ.VENA_CAVA]] = 0.6 * shift[Organ.LIVER] + normal(generator, 0.0, 25.0)
    return hounsfield + blur(shift[organs.long()][None], (0.0, 0.6, 0.6))[0]
