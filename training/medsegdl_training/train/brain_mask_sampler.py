"""Training batches for the brain mask: heads as the scanner gave them, other brains within them, and heads that are drawn around brains.

Cases are kept in memory on a grid twice as fine as the network's; everything random comes from the generator of `draw`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.preprocess.foreground import head_mask
from MedSegDLLib.preprocess.normalise import normalise
from MedSegDLLib.tasks import Plan

from ..cases.fingerprint import fingerprint
from ..cases.heads import Head, Stripped, find_brains, find_cases, read_brain, read_head
from ..cases.selection import Selection
from ..synthesis import tissue
from ..synthesis.fields import chance, draw_one, pick, smooth_field, uniform
from ..synthesis.head_images import Frame, draw_levels, draw_parts, paint_parts
from ..synthesis.scanner import acquired, field_of_view
from ..transforms.smoothing import blur
from .sampler import Batch

__all__ = ["BrainMaskSampler", "Mixture", "find_cases", "find_names", "make_sampler"]

FINER = 2  # cases and drawings against the network's grid
LARGEST_TURN = math.radians(22.0)
BEND_MM = 6.0
LOWEST_SHARE = 0.04  # of a brain, by which its stem's place is told


@dataclass(frozen=True)
class Mixture:
    """How often each kind of sample is drawn; what is left of 1 is a drawn head.

    Attributes:
        real: a head as it is.
        exchanged: another brain within a head.
        painted: brains whose tissues get any grey levels.
        cavity: brains with a hole at their surface.
        bare: brains without anything around them.
        bent: heads that are turned, scaled and warped.
    """

    real: float = 0.3
    exchanged: float = 0.25
    painted: float = 0.4
    cavity: float = 0.12
    bare: float = 0.04
    bent: float = 1.0


@dataclass(frozen=True)
class Pose:
    """How a sample lies: for each of its voxels the place in the head, mm up, backwards and left of the middle: (3, K, J, I)."""

    place: Tensor

    def read(self, volume: Tensor, middle: Tensor, spacing_mm: float, stretch: Tensor | float = 1.0) -> Tensor:
        """(C, k, j, i) at the places, 0 beyond it. `middle` (3,) in its voxels; `stretch` (3,) of it against this head."""
        index = self.place * torch.as_tensor(stretch).reshape(-1, 1, 1, 1) / spacing_mm + middle.view(3, 1, 1, 1)
        sides = torch.tensor(volume.shape[1:], dtype=torch.float32).view(3, 1, 1, 1)
        coordinates = ((index + 0.5) * 2 / sides - 1).flip(0).permute(1, 2, 3, 0)
        return F.grid_sample(volume[None], coordinates[None], mode="bilinear", padding_mode="zeros", align_corners=False)[0]


@dataclass(frozen=True)
class BrainMaskSampler:
    """See `Sampler`."""

    heads: Sequence[Head]
    brains: Sequence[Stripped]
    plan: Plan
    patch: tuple[int, ...]
    data_hash: str
    mixture: Mixture = Mixture()
    shares: Mapping[str, float] = field(default_factory=dict)

    @property
    def data(self) -> str:
        """See `Sampler`."""
        drawn = f", and {len(self.brains)} stripped brains within them and within drawn heads" if self.mixture.real < 1 else ""
        return f"{len(self.heads)} images of heads with a brain mask{drawn}"

    @property
    def cases(self) -> tuple[str, ...]:
        """Names of the training cases."""
        return tuple(case.name for case in (*self.heads, *(self.brains if self.mixture.real < 1 else ())))

    @property
    def fine_mm(self) -> float:
        """Voxels of the cases and drawings."""
        return self.plan.spacing_mm[0] / FINER

    def without_synthesis(self) -> BrainMaskSampler:
        """See `LabelledSampler`."""
        if not self.heads:
            raise InputRefused("There is no head with a brain mask, only stripped brains.", "Leave --no-synthesis out, or add a head.")
        return replace(self, mixture=replace(self.mixture, real=1.0, cavity=0.0))

    def in_shape(self) -> BrainMaskSampler:
        """See `LabelledSampler`."""
        return replace(self, mixture=replace(self.mixture, bent=0.0))

    def emphasising(self, shares: Mapping[str, float]) -> BrainMaskSampler:
        """See `LabelledSampler`."""
        return replace(self, shares=dict(shares))

    def draw(self, generator: Generator, batch: int) -> Batch:
        """`batch` heads (1, *patch) and the share of the brain in each voxel (1, *patch)."""
        drawn = [self._sample(generator) for _ in range(batch)]
        x, y = (torch.stack([pair[number] for pair in drawn])[:, None] for number in range(2))
        return Batch(x, y, torch.ones(y.shape[:2]))

    def _sample(self, generator: Generator) -> tuple[Tensor, Tensor]:
        kind = uniform(generator, 0.0, 1.0)
        if self.heads and (kind < self.mixture.real or not self.brains):
            image, mask = self._real(generator)
        elif self.heads and kind < self.mixture.real + self.mixture.exchanged:
            image, mask = self._exchanged(generator)
        else:
            image, mask = self._drawn(generator)
        if self.mixture.bent:
            image = acquired(image, self.fine_mm, generator)
            seen = field_of_view(mask, self.fine_mm, generator)
            image, mask = image * seen, mask * seen
        return self._as_at_work(image), _coarser(mask)

    def _as_at_work(self, image: Tensor) -> Tensor:
        """Normalised over the head, as inference does it, on the network's grid."""
        x = _coarser(image)
        head = torch.from_numpy(head_mask({"mr": x.numpy()}))
        return normalise(x, self.plan, head & (x != 0))

    def _real(self, generator: Generator) -> tuple[Tensor, Tensor]:
        head = self._one_of(self.heads, generator)
        pose, middle = self._pose(generator), middle_of(head.mask)
        image, mask = pose.read(torch.stack([head.image, head.mask]), middle, self.fine_mm)
        return image, mask

    def _exchanged(self, generator: Generator) -> tuple[Tensor, Tensor]:
        """A stripped brain in the place of a head's own; what it leaves free is filled with fluid."""
        head, brain = self._one_of(self.heads, generator), self._one_of(self.brains, generator)
        pose = self._pose(generator)
        stretch = half_of(head.mask) / half_of(brain.mask)
        around = pose.read(torch.stack([head.image, head.mask, torch.ones_like(head.mask)]), middle_of(head.mask), self.fine_mm, stretch)
        inside, mask, fluid = self._brain(brain, pose, _levels(head), generator)
        outside = torch.where(around[1] > 0.5, torch.full_like(inside, fluid), around[0])
        return (outside + (inside - outside) * mask) * (around[2] > 0.5), mask * (around[2] > 0.5)

    def _drawn(self, generator: Generator) -> tuple[Tensor, Tensor]:
        """A stripped brain in a head of its own making."""
        brain, pose = self._one_of(self.brains, generator), self._pose(generator)
        inside, mask, fluid = self._brain(brain, pose, None, generator)
        if chance(generator, self.mixture.bare):
            return inside * mask, mask
        parts = draw_parts(_frame(pose, mask, self.fine_mm), generator)
        outside = paint_parts(parts, draw_levels(pick(generator, 4), fluid, generator), generator)
        return blur((outside + (inside - outside) * mask)[None], uniform(generator, 0.0, 0.6))[0], mask

    def _brain(self, brain: Stripped, pose: Pose, levels: tuple[float, float] | None, generator: Generator) -> tuple[Tensor, Tensor, float]:
        """Image and mask of a brain in a pose, and the grey level of its fluid; middle and spread of its levels, or None to draw them."""
        present = [number for number in range(4) if bool((brain.image[number] != 0).any())]
        modality = present[pick(generator, len(present))]
        middle, spread = levels or (uniform(generator, 0.3, 0.7), uniform(generator, 0.08, 0.2))
        values = brain.image[modality]
        if chance(generator, self.mixture.painted):
            table = torch.randn(len(tissue.Tissue), generator=generator)
            values = blur(table[brain.tissue.long()][None], 0.4)[0] + uniform(generator, 0.0, 0.5) * values
        fluid = float(values[brain.tissue == tissue.Tissue.FLUID].mean()) if bool((brain.tissue == tissue.Tissue.FLUID).any()) else 0.0
        image, mask = pose.read(torch.stack([values, brain.mask]), middle_of(brain.mask), self.fine_mm)
        image = (middle + spread * image / mask.clamp(min=0.3)).clamp(min=0.02)
        level = max(0.02, middle + spread * fluid)
        if chance(generator, self.mixture.cavity):
            image = _with_cavity(image, mask, level if chance(generator, 0.7) else 0.03, self.fine_mm, generator)
        return image, mask, level

    def _one_of(self, cases: Sequence, generator: Generator) -> Head | Stripped:
        return cases[draw_one(generator, [self.shares.get(case.name, 1.0) for case in cases])]

    def _pose(self, generator: Generator) -> Pose:
        """Turned, scaled, mirrored, moved and bent; straight for `in_shape`."""
        shape = [side * FINER for side in self.patch]
        axes = [(torch.arange(side, dtype=torch.float32) - (side - 1) / 2) * self.fine_mm for side in shape]
        place = torch.stack(torch.meshgrid(*axes, indexing="ij"))
        if not self.mixture.bent:
            return Pose(place + torch.tensor([20.0, 0.0, 0.0]).view(3, 1, 1, 1) * -1)
        matrix = _turn(generator) * uniform(generator, 0.85, 1.2)
        matrix = matrix @ torch.diag(torch.tensor([uniform(generator, 0.92, 1.08) for _ in range(3)]))
        matrix[:, 2] *= -1 if chance(generator, 0.5) else 1
        moved = torch.tensor([uniform(generator, -50.0, 15.0), uniform(generator, -15.0, 15.0), uniform(generator, -12.0, 12.0)])
        place = torch.einsum("ab,bkji->akji", matrix, place + moved.view(3, 1, 1, 1))
        bend = torch.stack([smooth_field(tuple(shape), uniform(generator, 14.0, 30.0), generator) for _ in range(3)])
        return Pose(place + uniform(generator, 0.0, BEND_MM) * bend)


def _turn(generator: Generator) -> Tensor:
    """A rotation about all three axes: (3, 3)."""
    matrix = torch.eye(3)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        angle = uniform(generator, -LARGEST_TURN, LARGEST_TURN)
        turn = torch.eye(3)
        turn[a, a] = turn[b, b] = math.cos(angle)
        turn[a, b], turn[b, a] = -math.sin(angle), math.sin(angle)
        matrix = matrix @ turn
    return matrix


def _coarser(x: Tensor) -> Tensor:
    """(K, J, I) on the network's grid: a mean about every second voxel."""
    return blur(x[None], 0.7)[0, ::FINER, ::FINER, ::FINER].contiguous()


def middle_of(mask: Tensor) -> Tensor:
    """Middle of a brain's box, in voxels: (3,)."""
    places = (mask > 0.5).nonzero().float()
    return (places.amin(dim=0) + places.amax(dim=0)) / 2


def half_of(mask: Tensor) -> Tensor:
    """Half the sides of a brain's box, in voxels: (3,)."""
    places = (mask > 0.5).nonzero().float()
    return (places.amax(dim=0) - places.amin(dim=0) + 1) / 2


def _levels(head: Head) -> tuple[float, float]:
    """Mean and deviation of a head's own brain."""
    values = head.image[head.mask > 0.5]
    return float(values.mean()), float(values.std())


def _frame(pose: Pose, mask: Tensor, spacing_mm: float) -> Frame:
    """Where a posed brain lies."""
    image = sitk.GetImageFromArray((mask.numpy() > 0.5).astype(np.uint8))
    distance = sitk.SignedMaurerDistanceMap(image, insideIsPositive=False, squaredDistance=False, useImageSpacing=False)
    places = pose.place[:, mask > 0.5]
    if not places.shape[1]:
        return Frame(pose.place, torch.full_like(mask, 1e3), (65.0, 85.0, 65.0), (-65.0, 10.0, 0.0))
    half = (places.amax(dim=1) - places.amin(dim=1)) / 2
    lowest = places[:, places[0] <= torch.quantile(places[0], LOWEST_SHARE)]
    central = lowest[:, lowest[2].abs() < 15]
    stem = (central if central.shape[1] else lowest).mean(dim=1)
    stem[0] = places[0].amin()
    return Frame(pose.place, torch.from_numpy(sitk.GetArrayFromImage(distance)) * spacing_mm, tuple(half.tolist()), tuple(stem.tolist()))


def _with_cavity(image: Tensor, mask: Tensor, level: float, spacing_mm: float, generator: Generator) -> Tensor:
    """The brain with a hole of one grey level at a place of its surface."""
    surface = ((mask > 0.5) & (blur(mask[None], 2.0)[0] < 0.7)).nonzero()
    if not len(surface):
        return image
    centre = surface[pick(generator, len(surface))].float()
    axes = torch.meshgrid(*[torch.arange(side, dtype=torch.float32) for side in mask.shape], indexing="ij")
    away = torch.sqrt(sum((axis - at) ** 2 for axis, at in zip(axes, centre))) * spacing_mm
    hole = blur((away < uniform(generator, 8.0, 26.0))[None].float(), 0.6)[0]
    return image + (level - image) * hole


def find_names(data: Path) -> list[str]:
    """Names of all that may be read under `data`."""
    return [case.name for case in (*find_cases(data), *find_brains(data))]


def make_sampler(selection: Selection, plan: Plan, patch: tuple[int, ...], seed: int) -> BrainMaskSampler:
    """Prepare every selected head and stripped brain.

    Raises:
        InputRefused: nothing is left to train on.
    """
    heads, brains = selection.of(find_cases(selection.data)), selection.of(find_brains(selection.data))
    if not heads and not brains:
        raise InputRefused(f"There are no heads to train on in {selection.data}.", "Give a folder of heads with a mask beside each.")
    fine = replace(plan, spacing_mm=tuple(side / FINER for side in plan.spacing_mm))
    paths = [path for case in (*heads, *brains) for path in (*case.inputs.values(), case.reference)]
    read_heads, read_brains = [read_head(case, fine) for case in heads], [read_brain(case, fine) for case in brains]
    return BrainMaskSampler(read_heads, read_brains, plan, patch, fingerprint(paths))
