"""A procedural head: four MR contrasts of a brain with a tumour, and the truth that belongs to them.
Numbers only; nothing here reads or writes files, and no patient's image went into it.

Everything is a formula of the place in mm (LPS, origin at the brain's middle), so the same seed is the same head at any voxel size.
The skull is removed, as the brain task expects. Grey levels follow the medians of real skull-stripped volumes, white matter at 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import torch

from ..geometry.image import Grid, Image
from .shapes import Points, Triple, ellipsoid, inside, noise, sheet, tube, union

WHITE_LEVEL = 600.0  # grey level of T1 white matter, as scanners and BraTS files have it
NOISE_LEVEL = 0.02  # Rician deviation as a part of white matter: 50:1, a good 1 mm scan
BIAS_LEVEL = 0.09  # deviation of the log field within the brain
CORTEX_MM = 2.7  # mean thickness of the human cortex
MENINGES_MM = 1.2  # fluid left outside the cortex by skull stripping


class Tissue(IntEnum):
    """Values of `Phantom.tissue`."""

    BACKGROUND = 0
    FLUID = 1
    GREY = 2
    WHITE = 3
    NECROSIS = 4
    OEDEMA = 5
    ENHANCING = 6


# Grey levels of (t1, t1ce, t2, flair), white matter of T1 being 1.
LEVELS: dict[str, tuple[float, float, float, float]] = {
    "fluid": (0.28, 0.30, 2.30, 0.22),
    "grey": (0.82, 0.85, 0.86, 0.84),
    "nuclei": (0.89, 0.91, 0.74, 0.78),
    "white": (1.00, 1.00, 0.66, 0.70),
    "necrosis": (0.58, 0.60, 1.75, 0.95),
    "oedema": (0.80, 0.82, 1.35, 1.45),
    "enhancing": (0.80, 1.85, 1.15, 1.22),
    "vessel": (0.55, 2.10, 0.60, 0.50),
}
MODALITIES = ("t1", "t1ce", "t2", "flair")


@dataclass(frozen=True)
class Phantom:
    """A made-up patient.

    Attributes:
        images: t1, t1ce, t2, flair; (K, J, I) int16, background 0.
        truth: WT, TC, ET; (K, J, I) uint8, 0 or 1.
        tissue: (K, J, I) uint8, see `Tissue`.
        log_bias: modality -> (K, J, I) float32; the image without its bias is image / exp(log_bias).
    """

    images: dict[str, Image]
    truth: dict[str, np.ndarray]
    tissue: np.ndarray
    log_bias: dict[str, np.ndarray]

    @property
    def grid(self) -> Grid:
        """Where the voxels of all of them lie."""
        return self.images["t1"].grid


def head_phantom(seed: int = 0, shape: tuple[int, int, int] = (160, 192, 160), spacing_mm: float = 1.0) -> Phantom:
    """A head with a glioma-like tumour; the same seed gives the same head at every spacing (noise aside).

    Args:
        seed: picks folds, ventricles, tumour, bias field and noise.
        shape: (K, J, I) voxels; a whole head takes 150 x 180 x 145 mm along (K, J, I), less cuts it off.
        spacing_mm: side of the cubic voxels.
    """
    random = np.random.default_rng(seed)
    points = _points(shape, spacing_mm)
    tumour = _Tumour.draw(random)
    anatomy = _anatomy(points, tumour, random)
    parts = _add_tumour(anatomy, points, tumour, random)
    tissue = _tissue(parts)
    affine = _affine(shape, spacing_mm)
    images, log_bias = {}, {}
    for column, key in enumerate(MODALITIES):
        clean = _contrast(parts, column, points, random)
        field = BIAS_LEVEL * noise(points, random, longer_than_mm=110.0)
        values = _acquire(clean * torch.exp(field), tissue > 0, random)
        images[key] = Image(values, affine, name=f"phantom_{key}")
        log_bias[key] = field.numpy()
    return Phantom(images, _truth(tissue), tissue.numpy(), log_bias)


def _affine(shape: tuple[int, int, int], spacing_mm: float) -> np.ndarray:
    """Axes to the left, back and top, as BraTS files have them; 0 mm in the middle."""
    affine = np.diag([-spacing_mm, -spacing_mm, spacing_mm, 1.0])
    middle = (np.array(shape[::-1]) - 1) / 2
    affine[:3, 3] = -affine[:3, :3] @ middle
    return affine


def _points(shape: tuple[int, int, int], spacing_mm: float) -> Points:
    """Left, back, up in mm: three open tensors that broadcast to (K, J, I)."""
    axes = [(torch.arange(n, dtype=torch.float32) - (n - 1) / 2) * spacing_mm for n in shape]
    return axes[2].view(1, 1, -1), axes[1].view(1, -1, 1), axes[0].view(-1, 1, 1)


# ------------------------------------------------------------------ the healthy head


@dataclass
class _Anatomy:
    """Signed distances in mm and noise that the contrasts are made of, (K, J, I) each."""

    head: torch.Tensor  # brain with the fluid around it
    pial: torch.Tensor  # fluid of sulci and fissures
    ventricles: torch.Tensor
    nuclei: torch.Tensor  # deep grey matter


def _anatomy(points: Points, tumour: _Tumour, random: np.random.Generator) -> _Anatomy:
    """Shapes of the head; the tumour pushes what lies inside the skull, not the skull."""
    spacing_mm = float(points[0][0, 0, 1] - points[0][0, 0, 0])
    meninges = MENINGES_MM * noise(points, random, longer_than_mm=16.0)
    bent = tuple(p + 1.8 * noise(points, random, longer_than_mm=80.0) for p in points)
    cerebrum, cerebellum, stem = _hulls(bent)
    head = union(cerebrum, cerebellum, stem, round_mm=3.0) - meninges
    inner = tumour.pulled(bent)
    folds = _cerebral_fluid(inner, cerebrum, spacing_mm, random)
    folia = _cerebellar_fluid(inner, cerebellum)
    pial = torch.where(cerebellum < cerebrum, folia, folds)
    return _Anatomy(head, torch.where(stem < -1, -stem + CORTEX_MM, pial), _ventricles(inner), _nuclei(inner))


def _hulls(points: Points) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Cerebrum, cerebellum and brain stem."""
    x, y, z = points
    side = (x.abs(), y, z)
    cerebellum = ellipsoid(side, (19, 52, -38), (31, 28, 21))
    domes = union(ellipsoid(side, (19, 4, 10), (48, 83, 54)), ellipsoid(side, (14, -30, 6), (40, 55, 46)), round_mm=4.0)
    floor = -(z + 25 + 0.12 * y)
    temporal = ellipsoid(side, (42, -8, -26), (22, 38, 23))
    cerebrum = union(-union(-domes, -floor, round_mm=3.0), temporal, round_mm=2.0)
    cerebrum = -union(-cerebrum, cerebellum - 1.0, round_mm=1.0)
    pons = ellipsoid(points, (0, 14, -38), (17, 14, 15))
    stem = union(tube(points, (0, 10, -12), (0, 30, -76), (13, 10)), pons, round_mm=2.0)
    return cerebrum, cerebellum, stem


def _cerebral_fluid(points: Points, cerebrum: torch.Tensor, spacing_mm: float, random: np.random.Generator) -> torch.Tensor:
    """Signed distance to the fluid around and between the folds of the cerebrum.

    Sulci are the sheets where band-pass noise is 0. The noise is read at the place projected towards the surface, so that they stand
    upright on it and end at a depth of their own, and never within the middle of the brain.
    """
    middle, between, lateral = _fissures(points, random)
    depth = torch.minimum(-cerebrum, between)
    radial = (1 + cerebrum / 70).clamp(0.3, 1) ** -0.7
    bend = 2.2 * noise(points, random, wavelength_mm=24.0)
    outward = tuple(p * radial + bend + 6 * torch.sign(points[0]) for p in points)
    deepest = 20 + 6 * noise(points, random, longer_than_mm=35.0)
    width = 0.05 + 0.35 * noise(points, random, longer_than_mm=25.0) + 0.8 * torch.exp(-depth.clamp_min(0) / 6)
    slow = noise(outward, random, wavelength_mm=32.0)
    fast = noise(outward, random, wavelength_mm=18.0)
    folds = [depth, lateral]
    for field, part in ((slow + 0.5 * fast, 1.0), (fast - 0.4 * slow, 0.6)):
        end = torch.maximum(depth - part * deepest, 4 - middle)
        folds.append(torch.hypot(sheet(field, spacing_mm), end.clamp_min(0)) - width * part)
    return union(*folds, round_mm=0.3)


def _fissures(points: Points, random: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Distances to the brain's middle, where no fold reaches, to the cleft between the hemispheres, to Sylvius' with the insula."""
    x, y, z = points
    wobble = 1.5 * noise(points, random, longer_than_mm=45.0)
    middle = ellipsoid(points, (0, 4, -3), (40, 43, 28))
    between = torch.hypot(x + wobble, (-middle).clamp_min(0)) - 0.7
    lateral, across = x.abs(), z + 8 - 0.40 * y + 2.5 * wobble
    sylvius = torch.sqrt(across**2 + (37 - lateral).clamp_min(0) ** 2 + (y.abs() - 32).clamp_min(0) ** 2) - 0.9
    beyond = (across.abs() - 10).clamp_min(0) ** 2 + ((y + 2).abs() - 20).clamp_min(0) ** 2
    insula = torch.sqrt((lateral - 38 + 2 * wobble) ** 2 + beyond) - 0.8
    return middle, between, torch.minimum(sylvius, insula)


def _cerebellar_fluid(points: Points, cerebellum: torch.Tensor) -> torch.Tensor:
    """Signed distance to the fluid between folia, which fan out from the peduncles."""
    x, y, z = points
    angle = torch.atan2(z + 38, y - 24) + 0.0015 * x
    radius = torch.hypot(z + 38, y - 24).clamp_min(8)
    count = 2 * math.pi * 30 / 6.5  # a fissure every 6.5 mm at 30 mm from the peduncles
    across = torch.sin(angle * count / 2).abs() * radius / (count / 2)
    depth = -cerebellum
    sheets = torch.hypot(across, (depth - 15).clamp_min(0)) - 0.15
    return torch.minimum(depth, sheets)


def _ventricles(points: Points) -> torch.Tensor:
    """Lateral ventricles with their horns, third and fourth."""
    x, y, z = points
    side = (x.abs(), y, z)
    lateral = union(
        tube(side, (10, -30, 6), (8, -8, 16), (6.0, 6.5)),
        tube(side, (8, -8, 16), (13, 16, 18), (6.5, 6.0)),
        tube(side, (13, 16, 18), (25, 36, 6), (6.0, 8.0)),
        tube(side, (25, 36, 6), (22, 58, 2), (7.0, 2.0)),
        tube(side, (25, 36, 6), (33, 2, -20), (5.5, 2.0)),
        round_mm=1.5,
    )
    septum = 1.2 - x.abs()
    third = ellipsoid(points, (0, 2, -4), (2.4, 14, 10))
    fourth = ellipsoid(points, (0, 31, -36), (6, 5, 9))
    return union(torch.maximum(lateral, septum), third, fourth, round_mm=0.5)


def _nuclei(points: Points) -> torch.Tensor:
    """Caudate, putamen with pallidum, thalamus."""
    x, y, z = points
    side = (x.abs(), y, z)
    caudate = union(ellipsoid(side, (15, -22, 6), (5.5, 11, 9)), tube(side, (16, -14, 14), (19, 14, 20), (4, 2)), round_mm=1.0)
    putamen = ellipsoid((side[0] - 0.12 * y, y, z), (26, -5, 0), (5.5, 17, 10))
    thalamus = ellipsoid(side, (10.5, 9, 4), (8, 14, 9))
    return union(caudate, putamen, thalamus, round_mm=0.5)


# ------------------------------------------------------------------ the tumour


@dataclass(frozen=True)
class _Tumour:
    """Where the tumour sits and how far it reaches, mm."""

    center: Triple
    radius_mm: float
    rim_mm: float
    reach_mm: float

    @classmethod
    def draw(cls, random: np.random.Generator) -> _Tumour:
        """Somewhere in the white matter of one hemisphere."""
        side = float(random.choice((-1.0, 1.0)))
        center = (side * random.uniform(24, 36), random.uniform(-42, 34), random.uniform(14, 32))
        return cls(center, random.uniform(13, 19), random.uniform(3.0, 4.5), random.uniform(15, 22))

    def distance(self, points: Points) -> torch.Tensor:
        """From the tumour's centre, mm."""
        return torch.sqrt(sum((p - c) ** 2 for p, c in zip(points, self.center)))

    def pulled(self, points: Points) -> Points:
        """Where tissue now at the points would lie without the tumour's pressure."""
        pull = 0.45 * torch.exp(-((self.distance(points) / (1.9 * self.radius_mm)) ** 2))
        return tuple(p - pull * (p - c) for p, c in zip(points, self.center))


def _add_tumour(anatomy: _Anatomy, points: Points, tumour: _Tumour, random: np.random.Generator) -> dict[str, torch.Tensor]:
    """Parts of every tissue in each voxel; they add up to the part of the voxel inside the head."""
    parts = _healthy(anatomy, random, points)
    rough = 0.22 * noise(points, random, longer_than_mm=28.0) + 0.10 * noise(points, random, wavelength_mm=12.0)
    distance = tumour.distance(points) - tumour.radius_mm * (1 + rough)
    rim = (tumour.rim_mm * (1 + 0.45 * noise(points, random, wavelength_mm=22.0))).clamp_min(0.9)
    strands = 1.3 * (noise(points, random, wavelength_mm=13.0) - 1.7) + 0.08 * (distance + 2 * rim)
    solid = inside(torch.maximum(distance, 1.0 - anatomy.pial), 0.6)
    enhancing = solid * torch.maximum(inside(-(distance + rim), 0.6), torch.sigmoid(4 * strands))
    oedema = _oedema(distance, parts["white"] + parts["nuclei"], anatomy, points, tumour, random) * (1 - solid)
    tumorous = {"enhancing": enhancing, "necrosis": solid - enhancing}
    healthy = {key: part * (1 - solid) for key, part in parts.items()}
    soaked = oedema * (healthy["white"] + 0.8 * healthy["grey"] + 0.5 * healthy["nuclei"])
    healthy["white"] = healthy["white"] * (1 - oedema)
    healthy["grey"] = healthy["grey"] * (1 - 0.8 * oedema)
    healthy["nuclei"] = healthy["nuclei"] * (1 - 0.5 * oedema)
    head = inside(anatomy.head, 0.4)
    return {key: part * head for key, part in {**healthy, **tumorous, "oedema": soaked}.items()}


def _oedema(
    distance: torch.Tensor, white: torch.Tensor, anatomy: _Anatomy, points: Points, tumour: _Tumour, random: np.random.Generator
) -> torch.Tensor:
    """How wet the tissue is, 0..1: fingers along white matter, halted by cortex and fluid."""
    uneven = 0.35 * noise(points, random, longer_than_mm=32.0) + 0.12 * noise(points, random, wavelength_mm=16.0)
    fingers = tumour.reach_mm * (0.8 + uneven)
    reach = fingers.clamp_min(2.5) * (0.25 + 0.75 * white)
    return torch.sigmoid((reach - distance) / 1.2) * torch.sigmoid((anatomy.ventricles - 0.5) / 0.7)


def _healthy(anatomy: _Anatomy, random: np.random.Generator, points: Points) -> dict[str, torch.Tensor]:
    """Parts of fluid, grey, white, deep grey and vessel before the tumour; they add up to 1."""
    thickness = CORTEX_MM * (1 + 0.15 * noise(points, random, longer_than_mm=20.0))
    fluid = torch.maximum(inside(anatomy.pial, 0.45), inside(anatomy.ventricles, 0.5))
    white = inside(thickness - anatomy.pial, 0.55) * (1 - fluid)
    nuclei = inside(anatomy.nuclei, 0.8) * white
    veins = noise(points, random, wavelength_mm=9.0)
    plexus = inside(anatomy.ventricles + 1.5, 0.6) * (points[1] > 18) * torch.sigmoid(6 * (veins - 1.0))
    vessel = fluid * torch.maximum(plexus, torch.sigmoid(6 * (veins - 2.1)) * (anatomy.ventricles > 3))
    return {"fluid": fluid - vessel, "vessel": vessel, "nuclei": nuclei, "white": white - nuclei, "grey": 1 - fluid - white}


# ------------------------------------------------------------------ images and truth


def _contrast(parts: dict[str, torch.Tensor], column: int, points: Points, random: np.random.Generator) -> torch.Tensor:
    """Grey levels of one modality without bias and noise, white matter of T1 at 1."""
    texture = 0.03 * noise(points, random, wavelength_mm=9.0) + 0.025 * noise(points, random, longer_than_mm=24.0)
    clean = sum(part * LEVELS[key][column] for key, part in parts.items())
    sick = parts["oedema"] + parts["enhancing"] + parts["necrosis"]
    return clean * (1 + texture * (1 + sick))


def _acquire(signal: torch.Tensor, mask: torch.Tensor, random: np.random.Generator) -> np.ndarray:
    """Rician noise, the skull-stripped background and whole numbers, (K, J, I) int16."""
    generator = torch.Generator().manual_seed(int(random.integers(2**31)))
    real, imaginary = (NOISE_LEVEL * torch.randn(signal.shape, generator=generator) for _ in range(2))
    noisy = torch.hypot(signal + real, imaginary)
    return (noisy * WHITE_LEVEL).round().clamp_min(1).mul(mask).to(torch.int16).numpy()


def _tissue(parts: dict[str, torch.Tensor]) -> torch.Tensor:
    """The largest part of each voxel as a `Tissue`, (K, J, I) uint8."""
    grey = parts["grey"] + parts["nuclei"]
    fluid = parts["fluid"] + parts["vessel"]
    order = (1 - sum(parts.values()), fluid, grey, parts["white"], parts["necrosis"], parts["oedema"], parts["enhancing"])
    return torch.stack(order).argmax(0).to(torch.uint8)


def _truth(tissue: torch.Tensor) -> dict[str, np.ndarray]:
    """The three nested regions."""
    enhancing = tissue == Tissue.ENHANCING
    core = enhancing | (tissue == Tissue.NECROSIS)
    whole = core | (tissue == Tissue.OEDEMA)
    return {key: mask.to(torch.uint8).numpy() for key, mask in {"WT": whole, "TC": core, "ET": enhancing}.items()}
