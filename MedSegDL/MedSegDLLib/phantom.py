"""A procedural head: four MR contrasts of a brain with a tumour, and the truth that belongs to them.
Numbers only; nothing here reads or writes files, and no patient's image went into it.

Everything is a formula of the place in mm (LPS, origin at the brain's middle), so the same seed is the same head at any voxel size.
The skull is removed, as the brain task expects. Signed distances are negative inside; the ellipsoid's is the bound of I. Quilez,
'ellipsoid - distance'. Grey levels follow the medians of real skull-stripped volumes, white matter at 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import torch
from torch.nn import functional

from .image import Grid, Image

Points = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
Triple = tuple[float, float, float]

FIELD_PERIOD_MM = 240.0  # longer than a head, so that noise never repeats inside one
FIELD_CELLS = 96
WHITE_LEVEL = 600.0  # grey level of T1 white matter, as scanners and BraTS files have it
NOISE_LEVEL = 0.02  # Rician deviation as a part of white matter: 50:1, a good 1 mm scan
BIAS_LEVEL = 0.12  # deviation of the log field within the brain
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
    "grey": (0.78, 0.82, 0.92, 0.86),
    "nuclei": (0.87, 0.90, 0.74, 0.78),
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
        field = BIAS_LEVEL * _noise(points, random, longer_than_mm=110.0)
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


# ------------------------------------------------------------------ noise and shapes


def _noise(points: Points, random: np.random.Generator, longer_than_mm: float = 0.0, wavelength_mm: float = 0.0) -> torch.Tensor:
    """Gaussian noise of deviation 1 at the points: low-pass (`longer_than_mm`) or around one wavelength."""
    frequency = np.fft.fftfreq(FIELD_CELLS, FIELD_PERIOD_MM / FIELD_CELLS)
    radius = np.sqrt(sum(axis**2 for axis in np.meshgrid(frequency, frequency, frequency[: FIELD_CELLS // 2 + 1], indexing="ij")))
    if wavelength_mm:
        gain = np.exp(-0.5 * ((radius * wavelength_mm - 1) / 0.22) ** 2)
    else:
        gain = np.exp(-0.5 * (radius * longer_than_mm) ** 2 * 2) * (radius > 0)
    white = np.fft.rfftn(random.standard_normal((FIELD_CELLS,) * 3))
    field = np.fft.irfftn(white * gain, s=(FIELD_CELLS,) * 3, axes=(0, 1, 2))
    return _sample(torch.from_numpy((field / field.std()).astype(np.float32)), points)


def _sample(field: torch.Tensor, points: Points) -> torch.Tensor:
    """Trilinear values of a cubic field of side `FIELD_PERIOD_MM` around the origin, (K, J, I)."""
    place = torch.stack(torch.broadcast_tensors(*points), dim=-1) * (2 / FIELD_PERIOD_MM)
    return functional.grid_sample(field[None, None], place[None], padding_mode="border", align_corners=False)[0, 0]


def _ellipsoid(points: Points, center: Triple, radii: Triple) -> torch.Tensor:
    """Signed distance to an ellipsoid in mm, exact on its surface."""
    offsets = [p - c for p, c in zip(points, center)]
    first = torch.sqrt(sum((o / r) ** 2 for o, r in zip(offsets, radii))).clamp_min(1e-4)
    second = torch.sqrt(sum((o / r**2) ** 2 for o, r in zip(offsets, radii))).clamp_min(1e-6)
    return first * (first - 1) / second


def _tube(points: Points, start: Triple, stop: Triple, radii: tuple[float, float]) -> torch.Tensor:
    """Signed distance to a straight tube with round ends whose radius goes from one value to the other, mm."""
    along = [b - a for a, b in zip(start, stop)]
    offsets = [p - a for p, a in zip(points, start)]
    part = sum(o * d for o, d in zip(offsets, along)) / sum(d * d for d in along)
    part = part.clamp(0, 1)
    distance = torch.sqrt(sum((o - part * d) ** 2 for o, d in zip(offsets, along)))
    return distance - (radii[0] + part * (radii[1] - radii[0]))


def _union(*distances: torch.Tensor, round_mm: float = 1.0) -> torch.Tensor:
    """Smooth minimum of signed distances."""
    total = -distances[0] / round_mm
    for distance in distances[1:]:
        total = torch.logaddexp(total, -distance / round_mm)
    return -round_mm * total


def _inside(distance: torch.Tensor, soft_mm: float) -> torch.Tensor:
    """Part of a voxel inside a signed distance: 1 deep inside, 0 outside."""
    return torch.sigmoid(-distance / soft_mm)


def _sheet(value: torch.Tensor, spacing_mm: float) -> torch.Tensor:
    """Distance in mm to the surface where a smooth field is 0."""
    slope = torch.sqrt(sum(axis**2 for axis in torch.gradient(value, spacing=spacing_mm)))
    return value.abs() / slope.clamp_min(0.02)


# ------------------------------------------------------------------ the healthy head


@dataclass
class _Anatomy:
    """Signed distances in mm and noise that the contrasts are made of, (K, J, I) each."""

    head: torch.Tensor  # brain with the fluid around it
    pial: torch.Tensor  # fluid of sulci and fissures
    ventricles: torch.Tensor
    nuclei: torch.Tensor  # deep grey matter
    core_depth: torch.Tensor  # brain stem and other places without cortex


def _anatomy(points: Points, tumour: _Tumour, random: np.random.Generator) -> _Anatomy:
    """Shapes of the head; the tumour pushes what lies inside the skull, not the skull."""
    spacing_mm = float(points[0][0, 0, 1] - points[0][0, 0, 0])
    points = tuple(p + 2.5 * _noise(points, random, longer_than_mm=60.0) for p in points)
    cerebrum, cerebellum, stem = _hulls(points)
    head = _union(cerebrum, cerebellum, stem, round_mm=3.0) - MENINGES_MM
    inner = tumour.pulled(points)
    folds = _cerebral_fluid(inner, cerebrum, spacing_mm, random)
    folia = _cerebellar_fluid(inner, cerebellum, random)
    pial = torch.where(cerebellum < cerebrum, folia, folds)
    return _Anatomy(head, torch.where(stem < -1, -stem, pial), _ventricles(inner), _nuclei(inner), stem)


def _hulls(points: Points) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Cerebrum, cerebellum and brain stem."""
    x, y, z = points
    side = (x.abs(), y, z)
    cerebellum = _ellipsoid(side, (19, 52, -36), (31, 28, 21))
    domes = _ellipsoid(side, (27, -2, 10), (40, 84, 55))
    floor = -(z + 19 + 0.10 * y)
    temporal = _ellipsoid(side, (42, -8, -22), (22, 38, 23))
    cerebrum = _union(-_union(-domes, -floor, round_mm=3.0), temporal, round_mm=2.0)
    cerebrum = -_union(-cerebrum, cerebellum - 1.0, round_mm=1.0)
    pons = _ellipsoid(points, (0, 14, -36), (17, 14, 15))
    stem = _union(_tube(points, (0, 10, -8), (0, 30, -75), (13, 10)), pons, round_mm=2.0)
    return cerebrum, cerebellum, stem


def _cerebral_fluid(points: Points, cerebrum: torch.Tensor, spacing_mm: float, random: np.random.Generator) -> torch.Tensor:
    """Signed distance to the fluid around and between the folds of the cerebrum.

    Sulci are the sheets where band-pass noise is 0. The noise is read at the place projected towards the surface, so that they stand
    upright on it and end at a depth of their own.
    """
    x, y, z = points
    depth = -cerebrum
    radial = _ellipsoid_norm(points).clamp_min(0.25) ** -0.7
    outward = (x * radial + 5 * torch.sign(x), y * radial, z * radial)
    deepest = 17 + 5 * _noise(points, random, longer_than_mm=40.0)
    width = 0.35 + 1.0 * torch.exp(-depth.clamp_min(0) / 7)
    folds = [depth]
    for wavelength_mm, part in ((29.0, 1.0), (17.0, 0.55)):
        sheet = _sheet(_noise(outward, random, wavelength_mm=wavelength_mm), spacing_mm)
        folds.append(torch.hypot(sheet, (depth - part * deepest).clamp_min(0)) - width * part**0.5)
    return _union(*folds, *_fissures(points, random), round_mm=0.4)


def _ellipsoid_norm(points: Points) -> torch.Tensor:
    """1 on the cerebrum's surface, 0 in its middle, roughly."""
    return torch.sqrt(sum(((p - c) / r) ** 2 for p, c, r in zip(points, (0, -2, 4), (68, 86, 62))))


def _fissures(points: Points, random: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Between the hemispheres, between temporal and frontal lobe (Sylvius), and before the insula."""
    x, y, z = points
    wobble = 1.5 * _noise(points, random, longer_than_mm=45.0)
    middle = _ellipsoid(points, (0, 4, -1), (40, 43, 26))
    between = torch.hypot(x + wobble, (-middle).clamp_min(0)) - 1.1
    lateral, sylvian = x.abs(), z + 8 - 0.22 * (-y) + 2 * wobble
    sylvius = torch.sqrt(sylvian**2 + (34 - lateral).clamp_min(0) ** 2 + (y.abs() - 34).clamp_min(0) ** 2) - 1.7
    insula = torch.sqrt((lateral - 35 + wobble) ** 2 + (sylvian.abs() - 9).clamp_min(0) ** 2 + (y.abs() - 20).clamp_min(0) ** 2) - 1.0
    return between, sylvius, insula


def _cerebellar_fluid(points: Points, cerebellum: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    """Signed distance to the fluid between folia, which fan out from the peduncles."""
    x, y, z = points
    angle = torch.atan2(z + 38, y - 24) + 0.05 * _noise(points, random, longer_than_mm=25.0)
    radius = torch.hypot(z + 38, y - 24).clamp_min(8)
    count = 2 * math.pi * 30 / 6.5  # a fissure every 6.5 mm at 30 mm from the peduncles
    sheet = torch.sin(angle * count / 2).abs() * radius / (count / 2)
    depth = -cerebellum
    sheets = torch.hypot(sheet, (depth - 15).clamp_min(0)) - 0.15
    return torch.minimum(depth, sheets) + 0.0 * x


def _ventricles(points: Points) -> torch.Tensor:
    """Lateral ventricles with their horns, third and fourth."""
    x, y, z = points
    side = (x.abs(), y, z)
    lateral = _union(
        _tube(side, (9, -30, 6), (8, -8, 16), (4.5, 5.0)),
        _tube(side, (8, -8, 16), (13, 16, 18), (5.0, 5.0)),
        _tube(side, (13, 16, 18), (25, 36, 6), (5.0, 6.5)),
        _tube(side, (25, 36, 6), (22, 58, 2), (5.5, 2.0)),
        _tube(side, (25, 36, 6), (33, 2, -20), (4.5, 2.0)),
        round_mm=1.5,
    )
    septum = 1.2 - x.abs()
    third = _ellipsoid(points, (0, 2, -4), (2.4, 14, 10))
    fourth = _ellipsoid(points, (0, 31, -36), (6, 5, 9))
    return _union(torch.maximum(lateral, septum), third, fourth, round_mm=0.5)


def _nuclei(points: Points) -> torch.Tensor:
    """Caudate, putamen with pallidum, thalamus."""
    x, y, z = points
    side = (x.abs(), y, z)
    caudate = _union(_ellipsoid(side, (15, -22, 6), (5.5, 11, 9)), _tube(side, (16, -14, 14), (19, 14, 20), (4, 2)), round_mm=1.0)
    putamen = _ellipsoid((side[0] - 0.12 * y, y, z), (26, -5, 0), (5.5, 17, 10))
    thalamus = _ellipsoid(side, (10.5, 9, 4), (8, 14, 9))
    return _union(caudate, putamen, thalamus, round_mm=0.5)


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
    rough = 0.20 * _noise(points, random, longer_than_mm=28.0) + 0.10 * _noise(points, random, wavelength_mm=12.0)
    distance = tumour.distance(points) * (1 + rough) - tumour.radius_mm
    rim = (tumour.rim_mm * (1 + 0.45 * _noise(points, random, wavelength_mm=22.0))).clamp_min(0.9)
    strands = 1.3 * (_noise(points, random, wavelength_mm=13.0) - 1.7) + 0.08 * (distance + 2 * rim)
    solid = _inside(torch.maximum(distance, 1.0 - anatomy.pial), 0.6)
    enhancing = solid * torch.maximum(_inside(-(distance + rim), 0.6), torch.sigmoid(4 * strands))
    oedema = _oedema(distance, parts["white"], anatomy, points, tumour, random) * (1 - solid)
    tumorous = {"enhancing": enhancing, "necrosis": solid - enhancing}
    healthy = {key: part * (1 - solid) for key, part in parts.items()}
    soaked = oedema * (healthy["white"] + 0.8 * healthy["grey"] + 0.5 * healthy["nuclei"])
    healthy["white"] = healthy["white"] * (1 - oedema)
    healthy["grey"] = healthy["grey"] * (1 - 0.8 * oedema)
    healthy["nuclei"] = healthy["nuclei"] * (1 - 0.5 * oedema)
    inside = _inside(anatomy.head, 0.4)
    return {key: part * inside for key, part in {**healthy, **tumorous, "oedema": soaked}.items()}


def _oedema(
    distance: torch.Tensor, white: torch.Tensor, anatomy: _Anatomy, points: Points, tumour: _Tumour, random: np.random.Generator
) -> torch.Tensor:
    """How wet the tissue is, 0..1: fingers along white matter, halted by cortex and fluid."""
    fingers = tumour.reach_mm * (0.8 + 0.45 * _noise(points, random, longer_than_mm=30.0) + 0.2 * _noise(points, random, wavelength_mm=16.0))
    reach = fingers.clamp_min(2.5) * (0.25 + 0.75 * white)
    return torch.sigmoid((reach - distance) / 1.2) * torch.sigmoid((anatomy.ventricles - 0.5) / 0.7)


def _healthy(anatomy: _Anatomy, random: np.random.Generator, points: Points) -> dict[str, torch.Tensor]:
    """Parts of fluid, grey, white, deep grey and vessel before the tumour; they add up to 1."""
    thickness = CORTEX_MM * (1 + 0.15 * _noise(points, random, longer_than_mm=20.0))
    fluid = torch.maximum(_inside(anatomy.pial, 0.45), _inside(anatomy.ventricles, 0.5))
    white = _inside(thickness - anatomy.pial, 0.55) * (1 - fluid)
    nuclei = _inside(anatomy.nuclei, 0.8) * white
    veins = _noise(points, random, wavelength_mm=9.0)
    plexus = _inside(anatomy.ventricles + 1.5, 0.6) * (points[1] > 18) * torch.sigmoid(6 * (veins - 1.0))
    vessel = fluid * torch.maximum(plexus, torch.sigmoid(6 * (veins - 2.1)) * (anatomy.ventricles > 3))
    return {"fluid": fluid - vessel, "vessel": vessel, "nuclei": nuclei, "white": white - nuclei, "grey": 1 - fluid - white}


# ------------------------------------------------------------------ images and truth


def _contrast(parts: dict[str, torch.Tensor], column: int, points: Points, random: np.random.Generator) -> torch.Tensor:
    """Grey levels of one modality without bias and noise, white matter of T1 at 1."""
    texture = 0.035 * _noise(points, random, wavelength_mm=9.0) + 0.04 * _noise(points, random, longer_than_mm=24.0)
    clean = sum(part * LEVELS[key][column] for key, part in parts.items())
    sick = parts["oedema"] + parts["enhancing"] + parts["necrosis"]
    return clean * (1 + texture * (1 + 2 * sick))


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
