"""From label maps to MR-like images: grey levels a tissue, partial volume, texture, bias, noise. Only torch enters here.

After Billot et al., 'SynthSeg' (2023): random contrasts make a network blind to the scanner; here they stay near what physics gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from ..transforms.smoothing import blur
from .fields import chance, normal, pick, smooth_field, uniform
from .tissue import FLAIR, T1, T1CE, TYPICAL, Tissue

CLASSES = len(Tissue)

# How much the levels of `tissue.TYPICAL` differ between patients.
SPREAD = torch.tensor(
    [
        [0.4, 0.4, 0.5, 0.5],
        [0.25, 0.25, 0.35, 0.5],
        [0.2, 0.2, 0.2, 0.3],
        [0.7, 0.7, 0.9, 1.1],
        [0.4, 0.4, 0.5, 0.5],
        [0.5, 0.8, 0.5, 0.6],
    ]
)


@dataclass(frozen=True)
class TissueIntensities:
    """How the tissues of one patient look.

    Attributes:
        level: (6, 4) mean z-score of FLUID ... ENHANCING (rows) in t1, t1ce, t2, flair; NaN where not seen.
        spread: (6, 4) deviation within a class; NaN where not seen.
    """

    level: Tensor
    spread: Tensor


def tissue_intensities(image: Tensor, tissue: Tensor) -> TissueIntensities:
    """Means and deviations of (4, *S) z-scored modalities over the classes of a (*S) label map; classes under 30 voxels are unseen."""
    level, spread = torch.full((CLASSES - 1, 4), torch.nan), torch.full((CLASSES - 1, 4), torch.nan)
    present = (image.flatten(1) != 0).any(dim=1)
    for row in range(CLASSES - 1):
        values = image[:, tissue == row + 1]
        if values.shape[1] >= 30:
            level[row, present] = values.mean(dim=1)[present]
            spread[row, present] = values.std(dim=1)[present]
    return TissueIntensities(level, spread)


def draw_levels(intensities: Sequence[TissueIntensities], generator: Generator) -> Tensor:
    """Grey levels for a new patient: those of a real one, or typical ones, and random changes: (6, 4)."""
    typical = TYPICAL + SPREAD * torch.randn(TYPICAL.shape, generator=generator)
    if intensities and chance(generator, 0.65):
        seen = intensities[pick(generator, len(intensities))].level
        typical = torch.where(seen.isnan(), typical, seen + 0.35 * SPREAD * torch.randn(TYPICAL.shape, generator=generator))
    return _plausible(typical)


def _plausible(level: Tensor) -> Tensor:
    """What makes a tumour visible must stay so: oedema brighter than white matter in FLAIR, a rim that takes up contrast."""
    level = level.clone()
    white, oedema, enhancing = Tissue.WHITE - 1, Tissue.OEDEMA - 1, Tissue.ENHANCING - 1
    healthy = level[Tissue.GREY - 1 : Tissue.WHITE].amax(dim=0)
    level[oedema, FLAIR] = torch.maximum(level[oedema, FLAIR], healthy[FLAIR] + 0.5)
    level[enhancing, T1CE] = torch.maximum(level[enhancing, T1CE], torch.maximum(healthy[T1CE] + 0.5, level[oedema, T1CE] + 0.8))
    level[oedema, T1] = torch.minimum(level[oedema, T1], level[white, T1] - 0.1)
    return level


def paint(tissue: Tensor, level: Tensor, generator: Generator) -> Tensor:
    """A four-modality image of a label map, not yet normalised.

    Args:
        tissue: (*S) uint8 of `Tissue`.
        level: (6, 4) from `draw_levels`.

    Returns:
        (4, *S) float32, 0 outside the brain.
    """
    brain = tissue > 0
    table = torch.cat([level[:1], level]).T  # outside the brain as fluid, so that the blur makes no dark edge
    image = blur(table[:, tissue.long()], uniform(generator, 0.25, 0.8))
    plain = chance(generator, 0.3)
    image = image + _texture(tissue, generator, 0.25 if plain else 1.0)
    image = (image + 3.0) * torch.exp(_bias(tissue.shape, generator)) - 3.0
    image = blur(image, uniform(generator, 0.0, 0.5)) + uniform(generator, 0.02, 0.2) * torch.randn(image.shape, generator=generator)
    return torch.where(brain, image, torch.zeros(()))


def _texture(tissue: Tensor, generator: Generator, strength: float) -> Tensor:
    """Smooth unevenness, more of it inside tumours: (4, *S). Half of it is common to all modalities, as anatomy is."""
    common = smooth_field(tissue.shape, uniform(generator, 2.0, 6.0), generator)
    sick = (tissue >= Tissue.NECROSIS).float()
    amount = strength * (uniform(generator, 0.05, 0.3) + uniform(generator, 0.0, 0.45) * sick)
    fields = [smooth_field(tissue.shape, uniform(generator, 1.5, 8.0), generator) for _ in range(4)]
    signs = [normal(generator) for _ in range(4)]
    return torch.stack([amount * (0.6 * sign * common + 0.7 * field) for sign, field in zip(signs, fields)])


def _bias(shape: tuple[int, ...], generator: Generator) -> Tensor:
    """What N4 leaves of a bias field, logarithm: (4, *S)."""
    return torch.stack([uniform(generator, 0.0, 0.08) * smooth_field(shape, 40.0, generator) for _ in range(4)])


def standardise(image: Tensor, brain: Tensor) -> Tensor:
    """Mean 0 and deviation 1 over the brain in each modality, 0 outside."""
    values = image[:, brain]
    if values.shape[1] < 2:
        return torch.zeros_like(image)
    mean, deviation = values.mean(dim=1), values.std(dim=1).clamp(min=1e-3)
    scaled = (image - mean.view(-1, 1, 1, 1)) / deviation.view(-1, 1, 1, 1)
    return torch.where(brain, scaled, torch.zeros(()))


def plant(image: Tensor, healthy: Tensor, tissue: Tensor, level: Tensor, generator: Generator) -> Tensor:
    """Draw a made-up tumour into a patient's own image.

    Args:
        image: (4, *S) z-scored; modalities that are all 0 stay so.
        healthy: (*S) uint8, the classes before.
        tissue: (*S) uint8, the same with the new tumour.
        level: (6, 4) of the tumour in this patient's numbers.

    Returns:
        (4, *S): outside the tumour untouched; inside, its grey levels with some of the structure that was there.
    """
    sick = (tissue != healthy) & (tissue >= Tissue.NECROSIS)
    if not bool(sick.any()):
        return image
    table = torch.cat([level[:1], level]).T
    alpha = blur(sick[None].float(), uniform(generator, 0.35, 0.8)) * (healthy > 0)
    target = torch.where(sick, table[:, tissue.long()], table[:, Tissue.OEDEMA].view(4, 1, 1, 1))
    target = blur(target, uniform(generator, 0.3, 0.7)) + _texture(tissue, generator, 1.0)
    kept = uniform(generator, 0.1, 0.6) * (image - table[:, healthy.long()])
    grain = uniform(generator, 0.0, 0.15) * torch.randn(image.shape, generator=generator)
    painted = image * (1 - alpha) + (target + kept + grain) * alpha
    present = (image.flatten(1) != 0).any(dim=1).view(4, 1, 1, 1)
    return torch.where(present, painted, image)


def other_contrast(image: Tensor, tissue: Tensor, generator: Generator) -> Tensor:
    """A patient's image as another scanner, or another brain, might show it: healthy tissues shifted against the tumour.

    Grey matter differs most, since cortex may be nearly as bright as oedema in FLAIR; the shift varies smoothly over the brain.

    Args:
        image: (4, *S) z-scored; modalities that are all 0 stay so.
        tissue: (*S) uint8 of `Tissue`, with the tumour.
    """
    shift = torch.zeros((4, CLASSES))
    shift[:, Tissue.FLUID : Tissue.NECROSIS] = 0.25 * torch.randn((4, 3), generator=generator)
    shift[FLAIR, Tissue.GREY] += abs(normal(generator, 0.0, 0.5))
    uneven = torch.stack([1 + uniform(generator, 0.0, 0.6) * smooth_field(tissue.shape, 16.0, generator) for _ in range(4)])
    moved = image + blur(shift[:, tissue.long()] * uneven, 0.6) + 2 * _bias(tissue.shape, generator)
    return torch.where(image != 0, moved, torch.zeros(()))


def levels_in(host: TissueIntensities, drawn: Tensor) -> Tensor:
    """Drawn grey levels shifted and stretched a modality, so that grey and white matter fit the host's: (6, 4)."""
    seen = torch.where(host.level.isnan(), TYPICAL, host.level)
    healthy = slice(0, Tissue.WHITE)
    span = _range(seen[healthy]) / _range(drawn[healthy]).clamp(min=0.5)
    middle_seen = seen[Tissue.GREY - 1 : Tissue.WHITE].mean(dim=0)
    middle_drawn = drawn[Tissue.GREY - 1 : Tissue.WHITE].mean(dim=0)
    moved = (drawn - middle_drawn) * span.clamp(0.6, 1.6) + middle_seen
    moved[healthy] = seen[healthy]
    return _plausible(moved)


def _range(level: Tensor) -> Tensor:
    """Highest less lowest level a modality: (rows, 4) -> (4,)."""
    return level.amax(dim=0) - level.amin(dim=0)
