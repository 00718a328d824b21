"""Stains of bright-field pictures, changed where they act: in optical density (Beer and Lambert), where dyes add up. Only torch here.

After Ruifrok and Johnston 2001 (the vectors of haematoxylin and eosin) and Tellez et al. 2018 (jitter of each stain's concentration).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

DARKEST = 1 / 255  # intensity at which the optical density is capped
# Optical density of haematoxylin, eosin and what is left, in red, green and blue: rows of length 1 (Ruifrok and Johnston 2001).
STAINS = torch.tensor([[0.6500, 0.7040, 0.2860], [0.0700, 0.9900, 0.1100], [0.2681, 0.5703, 0.7764]])
CONCENTRATION = (0.6, 1.5)  # of each stain
GROUND = 0.15  # largest optical density a stain that the ground takes up
DYES = torch.tensor([[0.80, 1.00, 0.30], [0.55, 0.70, 0.15], [0.35, 1.00, 0.45], [0.60, 0.95, 0.75], [1.00, 0.75, 0.35]])  # violet to blue
DYE_SPREAD = 0.15
DYE_STRENGTH = (0.3, 1.1)  # of the nuclei: pale in thick sections, nearly black in smears
DYE_GROUND = (0.0, 0.6)  # optical density of the ground of a dyed picture
TEXTURE = 0.35  # largest deviation of the ground's density from its mean, relative: tissue is not even
TEXTURE_KNOTS = (5, 24)  # an axis, coarse and fine


@dataclass(frozen=True, eq=False)
class Stain:
    """Optical density d of every pixel becomes `mix` d + `ground` (1 + `texture`); N samples of three colours.

    Attributes:
        mix: (N, 3, 3).
        ground: (N, 3).
        texture: (N, 1, 24, 24), spread over the picture.
        acts: (N,) bool, False for a picture that stays as it is.
    """

    mix: Tensor
    ground: Tensor
    texture: Tensor
    acts: Tensor


def no_stain(n: int) -> Stain:
    """Nothing happens to `n` pictures."""
    even = torch.zeros(n, 1, TEXTURE_KNOTS[1], TEXTURE_KNOTS[1])
    return Stain(torch.eye(3).repeat(n, 1, 1), torch.zeros(n, 3), even, torch.zeros(n, dtype=torch.bool))


def draw_stain(share: float, dye_share: float, inverted: Tensor, generator: Generator) -> Stain:
    """Jittered concentrations of the stains; most of the pictures `inverted`, (N,) bool, get one dye on a tissue-like ground instead."""
    n = len(inverted)
    jitter, ground = _jitter(n, generator)
    dye, depth, texture = _dye(n, generator), uniform(DYE_GROUND, (n, 1), generator), _texture(n, generator)
    paint = dye[:, :, None] * torch.full((3,), 1 / 3) * uniform(DYE_STRENGTH, (n, 1, 1), generator)
    dyed = inverted & (torch.rand(n, generator=generator) < dye_share)
    acts = dyed | (torch.rand(n, generator=generator) < share)
    flat, wide = dyed[:, None], dyed[:, None, None]
    return Stain(torch.where(wide, paint, jitter), torch.where(flat, depth * dye, ground), texture * wide[..., None], acts)


def uniform(bounds: tuple[float, float], size: tuple[int, ...], generator: Generator) -> Tensor:
    """Numbers from bounds[0] to bounds[1]."""
    return bounds[0] + (bounds[1] - bounds[0]) * torch.rand(size, generator=generator)


def _jitter(n: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """What changes every stain's concentration, (N, 3, 3), and a little stain on the ground, (N, 3)."""
    low, high = CONCENTRATION
    concentration = low * (high / low) ** torch.rand((n, 3), generator=generator)
    mix = STAINS.T @ torch.diag_embed(concentration) @ torch.linalg.inv(STAINS.T)
    return mix, GROUND * torch.rand((n, 3), generator=generator) @ STAINS


def _dye(n: int, generator: Generator) -> Tensor:
    """Optical density of a random dye: (N, 3)."""
    dye = DYES[torch.randint(len(DYES), (n,), generator=generator)]
    return (dye + DYE_SPREAD * torch.randn((n, 3), generator=generator)).clamp(min=0.05)


def _texture(n: int, generator: Generator) -> Tensor:
    """Coarse and fine unevenness, within -1 and 1: (N, 1, 24, 24)."""
    coarse, fine = (torch.randn((n, 1, knots, knots), generator=generator) for knots in TEXTURE_KNOTS)
    smooth = F.interpolate(coarse, size=fine.shape[2:], mode="bicubic", align_corners=True)
    return (uniform((0.0, TEXTURE), (n, 1, 1, 1), generator) * (smooth + 0.7 * fine)).clamp(-1, 1)


def density(x: Tensor) -> Tensor:
    """Optical density of intensities in 0..1."""
    return -x.clamp(DARKEST, 1.0).log()


def stained(x: Tensor, stain: Stain) -> Tensor:
    """The pictures (N, 3, J, I) in 0..1, stained as drawn; the lowest intensity is `DARKEST`."""
    chosen = stain.acts.nonzero().flatten().tolist()
    if not chosen:
        return x
    mix, ground, texture = (value[chosen].to(x) for value in (stain.mix, stain.ground, stain.texture))
    uneven = 1 + F.interpolate(texture, size=list(x.shape[2:]), mode="bicubic", align_corners=True).clamp(-1, 1)
    mixed = torch.einsum("nij,njhw->nihw", mix, density(x[chosen]))
    out = x.clone()
    out[chosen] = torch.exp(-(mixed + ground[:, :, None, None] * uneven)).clamp(0.0, 1.0)
    return out
