"""Augmentation of whole batches on the device, in two and three dimensions: numbers are drawn first, then applied, so that they replay.

Drawing uses a CPU generator; applying is deterministic. What fits a task follows from its inputs and its plan, not from its name.
What only coloured pictures need is in `stain`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from MedSegDLLib.tasks import Modality, Scale, Task

from ..train.sampler import Batch
from .smoothing import blur
from .stain import Stain, draw_stain, no_stain, stained

FIELD_LATTICE = 4  # knots of the bias field an axis
BOUNDS = {Scale.ZSCORE: None, Scale.WINDOW: (-1.0, 1.0), Scale.PERCENTILE: (0.0, 1.0)}  # inference clips to these, so does training


@dataclass(frozen=True)
class Recipe:
    """How far and how often a batch is changed; probabilities and ranges after nnU-Net v2.

    Attributes:
        mirror: axes, -1 the last, that may be flipped.
        rotation_degrees: largest angle about every axis.
        separate: channels hold different images (modalities): each gets its own intensities, and may go missing.
        picture: channels are colours: tinted, inverted and stained at random.
        bounds: intensities are clipped to these; None keeps all, and keeps 0 (the background of z-scored images) at 0.
        field: deviation of the logarithm of the bias field's knots.
        invert_share: of the pictures; dark ones are turned over, and most of them, `dye_share`, are painted in a random dye.
    """

    mirror: tuple[int, ...] = ()
    rotation_degrees: float = 30.0
    separate: bool = False
    picture: bool = False
    bounds: tuple[float, float] | None = None
    rotation_share: float = 0.3
    scale_share: float = 0.3
    scale: tuple[float, float] = (0.7, 1.4)
    gamma_share: float = 0.3
    gamma: tuple[float, float] = (0.7, 1.5)
    contrast_share: float = 0.3
    contrast: tuple[float, float] = (0.75, 1.25)
    brightness: tuple[float, float] = (-0.15, 0.15)
    noise_share: float = 0.15
    noise: tuple[float, float] = (0.0, 0.1)
    blur_share: float = 0.15
    blur: tuple[float, float] = (0.5, 1.2)
    coarse_share: float = 0.15
    coarse: tuple[float, float] = (0.5, 1.0)
    invert_share: float = 0.1
    tint: float = 0.1
    drop_share: float = 0.5
    field_share: float = 0.0
    field: float = 0.4
    stain_share: float = 0.5
    dye_share: float = 0.8


def recipe_for(task: Task) -> Recipe:
    """The recipe that a task's inputs and plan ask for.

    A picture that may be mirrored along both axes has neither an up nor a left: it is turned by any angle. Objects are the same in whatever
    dye; in other pictures the colour may be what tells, so that it is tinted only.
    """
    picture = all(entry.modality is Modality.PICTURE for entry in task.inputs)
    shares = {} if task.instances or not picture else {"invert_share": 0.0, "stain_share": 0.0}
    return Recipe(
        mirror=task.plan.mirror,
        rotation_degrees=180.0 if picture and {-1, -2} <= set(task.plan.mirror) else 20.0,
        separate=len(task.inputs) > 1,
        picture=picture,
        bounds=BOUNDS[task.plan.scale],
        field_share=0.0 if task.plan.scale is Scale.WINDOW else 0.15,  # CT has no bias field
        **shares,
    )


def mirrored_only(recipe: Recipe) -> Recipe:
    """The recipe less everything but mirroring and missing channels: samples as inference sees them, for the last stretch of a training."""
    shares = [field.name for field in fields(recipe) if field.name.endswith("_share") and field.name != "drop_share"]
    return replace(recipe, tint=0.0, **dict.fromkeys(shares, 0.0))


@dataclass(frozen=True, eq=False)
class Drawn:
    """The numbers of one batch; N samples, C channels.

    Attributes:
        matrix: (N, D, D) from the result's voxels to the image's, about the centre.
        gamma, contrast, brightness: (N, C).
        noise: (N, C) standard deviation; `noise_seed` (N,) makes the pattern.
        blur: (N,) standard deviation in voxels, 0 for none.
        coarse: (N,) factor of the resolution, 1 for none.
        invert: (N,) bool, whether a dark picture is turned over.
        keep: (N, C) bool, False for a channel that goes missing.
        field: (N, C, 4, ...) logarithm of the bias field at its knots.
        stain: what happens to the colours, see `Stain`.
    """

    matrix: Tensor
    gamma: Tensor
    contrast: Tensor
    brightness: Tensor
    noise: Tensor
    noise_seed: Tensor
    blur: Tensor
    coarse: Tensor
    invert: Tensor
    keep: Tensor
    field: Tensor
    stain: Stain


def draw(recipe: Recipe, shape: tuple[int, ...], generator: torch.Generator) -> Drawn:
    """Draw the numbers for a batch of `shape` (N, C, *S)."""
    n, c, dims = shape[0], shape[1], len(shape) - 2
    channels = c if recipe.separate else 1

    def uniform(bounds: tuple[float, float], *size: int) -> Tensor:
        return torch.rand(size, generator=generator) * (bounds[1] - bounds[0]) + bounds[0]

    def some(share: float, bounds: tuple[float, float], neutral: float, *size: int) -> Tensor:
        value, chosen = uniform(bounds, *size), torch.rand(size, generator=generator) < share
        return torch.where(chosen, value, torch.full_like(value, neutral))

    contrast = some(recipe.contrast_share, recipe.contrast, 1.0, n, channels).expand(n, c)
    brightness = some(recipe.contrast_share, recipe.brightness, 0.0, n, channels).expand(n, c)
    tint = recipe.tint if recipe.picture else 0.0
    invert = torch.rand(n, generator=generator) < (recipe.invert_share if recipe.picture else 0.0)
    return Drawn(
        matrix=_matrices(recipe, n, dims, uniform, some),
        gamma=some(recipe.gamma_share, recipe.gamma, 1.0, n, channels).expand(n, c),
        contrast=contrast + some(recipe.contrast_share, (-tint, tint), 0.0, n, c),
        brightness=brightness + some(recipe.contrast_share, (-tint, tint), 0.0, n, c),
        noise=some(recipe.noise_share, recipe.noise, 0.0, n, channels).expand(n, c),
        noise_seed=torch.randint(2**62, (n,), generator=generator),
        blur=some(recipe.blur_share, recipe.blur, 0.0, n),
        coarse=some(recipe.coarse_share, recipe.coarse, 1.0, n),
        invert=invert,
        keep=_kept(recipe, n, c, generator),
        field=_field(recipe, n, channels, dims, generator).expand(n, c, *[FIELD_LATTICE] * dims),
        stain=draw_stain(recipe.stain_share, recipe.dye_share, invert, generator) if recipe.picture else no_stain(n),
    )


def _matrices(recipe: Recipe, n: int, dims: int, uniform: Callable[..., Tensor], some: Callable[..., Tensor]) -> Tensor:
    """Flip x rotations x scale of every sample, (N, D, D), axes in the order of the array (K, J, I)."""
    limit = math.radians(recipe.rotation_degrees)
    pairs = [(a, b) for a in range(dims) for b in range(a + 1, dims)]
    angles = some(recipe.rotation_share, (-limit, limit), 0.0, n, len(pairs))
    matrix = torch.eye(dims).repeat(n, 1, 1)
    for column, (a, b) in enumerate(pairs):
        turn = torch.eye(dims).repeat(n, 1, 1)
        cosine, sine = angles[:, column].cos(), angles[:, column].sin()
        turn[:, a, a], turn[:, b, b], turn[:, a, b], turn[:, b, a] = cosine, cosine, -sine, sine
        matrix = matrix @ turn
    zoom = some(recipe.scale_share, recipe.scale, 1.0, n)
    signs = torch.ones(n, dims)
    for axis in recipe.mirror:
        signs[:, axis] = torch.where(uniform((0.0, 1.0), n) < 0.5, -1.0, 1.0)
    return matrix * (signs / zoom[:, None])[:, None, :]


def _kept(recipe: Recipe, n: int, c: int, generator: torch.Generator) -> Tensor:
    """Which channels stay: at least one of every sample."""
    if not recipe.separate:
        return torch.ones(n, c, dtype=torch.bool)
    order = torch.rand(n, c, generator=generator).argsort(1).argsort(1)
    count = torch.randint(1, c + 1, (n, 1), generator=generator)
    whole = torch.rand(n, 1, generator=generator) >= recipe.drop_share
    return (order < count) | whole


def _field(recipe: Recipe, n: int, channels: int, dims: int, generator: torch.Generator) -> Tensor:
    """Logarithms of the bias field at its knots, mean 0; all 0 where there is none: (N, channels, 4, ...)."""
    knots = torch.randn((n, channels, *[FIELD_LATTICE] * dims), generator=generator) * recipe.field
    knots = knots - knots.mean(list(range(2, 2 + dims)), keepdim=True)
    return knots * wide(torch.rand(n, channels, generator=generator) < recipe.field_share, knots.ndim)


def joined(parts: Sequence[Drawn]) -> Drawn:
    """The numbers of several batches as those of one."""
    stain = Stain(*(torch.cat([getattr(part.stain, entry.name) for part in parts]) for entry in fields(Stain)))
    names = [entry.name for entry in fields(Drawn) if entry.name != "stain"]
    return Drawn(**{name: torch.cat([getattr(part, name) for part in parts]) for name in names}, stain=stain)


def geometry_of(drawn: Drawn) -> Drawn:
    """The same movements, and nothing else: what a weak view of a sample is."""
    one, none = torch.ones_like(drawn.gamma), torch.zeros_like(drawn.gamma)
    return replace(
        drawn,
        gamma=one,
        contrast=one,
        brightness=none,
        noise=none,
        blur=torch.zeros_like(drawn.blur),
        coarse=torch.ones_like(drawn.coarse),
        invert=torch.zeros_like(drawn.invert),
        keep=torch.ones_like(drawn.keep),
        field=torch.zeros_like(drawn.field),
        stain=no_stain(len(drawn.gamma)),
    )


def apply(batch: Batch, drawn: Drawn, bounds: tuple[float, float] | None) -> Batch:
    """The batch, changed as drawn; the same numbers give the same result."""
    x, y = spatial(torch.cat([batch.x, batch.y], 1), drawn.matrix).split([batch.x.shape[1], batch.y.shape[1]], 1)
    y = (y > 0.5).float()
    missing = (batch.x == 0).flatten(2).all(2)
    background = x == 0 if bounds is None else None
    x = blurred(x, drawn.blur)
    x = coarsened(x, drawn.coarse)
    x = biased(intensities(x, drawn), drawn.field)
    if bounds is None:
        x = x.masked_fill(background, 0.0)
    else:
        x = x.clamp(*bounds)
        x = inverted(x, drawn.invert, bounds)
        x = stained(x, drawn.stain)
    gone = ~drawn.keep.to(x.device)
    return Batch(x.masked_fill(wide(gone | missing if bounds is None else gone, x.ndim), 0.0), y, batch.weight)


def inverted(x: Tensor, chosen: Tensor, bounds: tuple[float, float]) -> Tensor:
    """Dark ones of the chosen pictures turned over; bright ones stay, because dark nuclei on a bright ground are what is rare."""
    dark = x.flatten(1).mean(1) < sum(bounds) / 2
    return torch.where(wide(chosen.to(x.device) & dark, x.ndim), sum(bounds) - x, x)


def wide(value: Tensor, ndim: int) -> Tensor:
    """Trailing axes of length 1, so that it spreads over an image."""
    return value.reshape(*value.shape, *[1] * (ndim - value.ndim))


def spatial(x: Tensor, matrix: Tensor) -> Tensor:
    """Resample (N, C, *S) once by (N, D, D) about the centre; linear, the image is mirrored beyond its edges."""
    sides = torch.tensor(x.shape[2:], dtype=torch.float32)
    normalised = matrix * sides[None, None, :] / sides[None, :, None]
    theta = torch.cat([normalised.flip(1, 2), torch.zeros(*matrix.shape[:2], 1)], dim=2).to(x.device)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def blurred(x: Tensor, sigma: Tensor) -> Tensor:
    """Gaussian blur of those samples whose sigma is above 0."""
    out = x.clone()
    for i in (sigma > 0).nonzero().flatten().tolist():
        out[i] = blur(x[i], float(sigma[i]))
    return out


def coarsened(x: Tensor, factor: Tensor) -> Tensor:
    """Simulate a lower resolution where the factor is below 1: nearest down, linear up."""
    out = x.clone()
    mode = "bilinear" if x.ndim == 4 else "trilinear"
    for i in (factor < 1).nonzero().flatten().tolist():
        size = [max(2, round(side * float(factor[i]))) for side in x.shape[2:]]
        low = F.interpolate(x[i : i + 1], size=size, mode="nearest-exact")
        out[i] = F.interpolate(low, size=list(x.shape[2:]), mode=mode, align_corners=False)[0]
    return out


def intensities(x: Tensor, drawn: Drawn) -> Tensor:
    """Gamma, contrast, brightness and noise, each sample and channel with its own numbers."""
    gamma, contrast, brightness, noise = (
        wide(value.to(x.device), x.ndim) for value in (drawn.gamma, drawn.contrast, drawn.brightness, drawn.noise)
    )
    axes = list(range(2, x.ndim))
    low, high = x.amin(axes, keepdim=True), x.amax(axes, keepdim=True)
    span = (high - low).clamp(min=1e-6)
    x = ((x - low) / span).clamp(0, 1) ** gamma * span + low
    mean = x.mean(axes, keepdim=True)
    x = (x - mean) * contrast + mean + brightness
    for i in drawn.noise.any(1).nonzero().flatten().tolist():
        generator = torch.Generator(x.device).manual_seed(int(drawn.noise_seed[i]))
        x[i] += noise[i] * torch.randn(x.shape[1:], generator=generator, device=x.device)
    return x


def biased(x: Tensor, field: Tensor) -> Tensor:
    """Multiply (N, C, *S), above its lowest value, by the smooth field exp(knots), one a sample and channel."""
    chosen = field.flatten(1).any(1).nonzero().flatten().tolist()
    if not chosen:
        return x
    out = x.clone()
    mode = "bilinear" if x.ndim == 4 else "trilinear"
    gain = F.interpolate(field[chosen].to(x.device), size=list(x.shape[2:]), mode=mode, align_corners=True).exp()
    low = x[chosen].amin(list(range(2, x.ndim)), keepdim=True)
    out[chosen] = (x[chosen] - low) * gain + low
    return out
