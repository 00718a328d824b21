"""Borders where the image has them: near a region's border the image's own intensities have a say beside the network.

A network on a coarse grid knows where a region lies, but not to the millimetre where it ends. How often each intensity occurs well inside
the region and just around it is counted in the very image; the logarithm of the ratio of the two is added to the network's log-odds (Bayes'
rule, as if the intensity of a voxel were independent of what the network saw).

What lies around differs from side to side: muscle as dense as the liver here, fat there. Counts of all sides together would call muscle
liver, because fat is not. So each of the eight sides (octants about the region's middle) is counted for itself, and heard only where
intensities alone would tell inside from around three times of four: its Bayes error, from its own counts, is at most a quarter. Else the
network's border stays there. The quarter is half of what guessing gives; it was chosen before any case was tried and not changed since.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
import torch
import torch.nn.functional as F
from torch import Tensor

from ..geometry.boxes import SLAB_PLANES, Box, bounding_box, box_around, grown, is_empty
from ..geometry.image import Grid, Image
from ..geometry.resample import resample

Window = tuple[float, float]

INSIDE_MM, OUTSIDE_MM = 5.0, 3.0  # how far a border may move inwards and outwards
CORE_MM = 6.0  # what lies deeper is the region
SHELL_MM = (2.0, 8.0)  # what lies so far outside is not
FAR_MM = 1e3
SMOOTHING_MM = 0.8  # deviation of the Gaussian that takes the noise off intensities
REACH = 3.0  # deviations that it is cut off at
BINS, UNKNOWN = 100, 255  # of the window (4 HU each for 400 HU), and the mark of what lies outside the image
HISTOGRAM_BLUR = 2.0  # bins
RARE = 2e-4  # added to every bin's share: what was hardly seen says nothing
MOST = 4.0  # the most that intensities may add to log-odds or take away
SPARED = 1 / (1 + math.exp(MOST))  # probability of an inner region (a dark tumour at the surface) that MOST could not talk away
SURE = 1e-4  # log-odds are cut here
LEAST_VOXELS = 500  # of the network's grid, inside and around, to count intensities in
SIDES = 8  # octants
LEAST_VOXELS_A_SIDE = 60  # around; fewer say nothing
MOST_ERROR = 0.25  # of telling inside from around by intensities alone


@dataclass(frozen=True)
class Edges:
    """What the intensities of one image say about one region.

    Attributes:
        source, target: the network's grid and the image's.
        distance_mm: (K, J, I) float32 on `source`, from the network's border, below 0 inside.
        spared: (K, J, I) float32 on `source`, the probability of regions inside this one.
        box: of `target`, where `levels` are.
        levels: (k, j, i) uint8, the bin of every voxel's smoothed intensity.
        side: (K, J, I) uint8 on `source`, the octant about the region's middle.
        table: (SIDES, BINS) float32, what an intensity adds to log-odds on each side; 0 where it is not heard.
    """

    source: Grid
    target: Grid
    distance_mm: Tensor
    spared: Tensor
    box: Box
    levels: Tensor
    side: Tensor
    table: Tensor

    @property
    def near(self) -> np.ndarray:
        """Where the region is or may come to be: (K, J, I) bool on `source`."""
        return (self.distance_mm < OUTSIDE_MM).cpu().numpy()

    def moved(self, probability: Tensor, inner: Box, fine: Box) -> Tensor:
        """The probability (k, j, i) of the voxels of `target` in `fine`, behind which lies `inner` of `source`, given their intensities."""
        grids = self.source.cropped(inner), self.target.cropped(fine)
        distance = resample(self.distance_mm[inner].contiguous(), *grids, "linear", FAR_MM)
        spared = resample(self.spared[inner].contiguous(), *grids, "linear", 0.0)
        here = tuple(slice(f.start - b.start, f.stop - b.start) for f, b in zip(fine, self.box))
        heard = (distance > -INSIDE_MM) & (distance < OUTSIDE_MM) & (spared < SPARED)
        side = resample(self.side[inner].contiguous(), *grids, "nearest", 0)
        evidence = self.table.flatten()[side.long() * BINS + self.levels[here].long()]
        return torch.where(heard, torch.sigmoid(torch.logit(probability, SURE) + evidence), probability)


def edges_of(probability: Tensor, spared: Tensor, source: Grid, image: Image, window: Window, threshold: float) -> Edges | None:
    """Count the intensities of an image inside a region and around it.

    Args:
        probability: (K, J, I) on `source`, of the region.
        spared: (K, J, I) on `source`, of regions inside it; where they are likely the border stays.
        source: the network's grid.
        image: (K, J, I), any real type; the reference.
        window: lowest and highest intensity that are told apart.
        threshold: of the region.

    Returns:
        None where the region or what surrounds it is too small to count in.
    """
    above = (probability >= threshold).cpu().numpy()
    if not above.any():
        return None
    distance_mm = signed_distance_mm(above, source).to(probability.device)
    box = box_around((distance_mm < SHELL_MM[1]).cpu().numpy(), source, image.grid)
    if is_empty(box):
        return None
    levels = _levels(image, box, window, probability.device)
    sampled = resample(levels, image.grid.cropped(box), source, "nearest", UNKNOWN)
    side = octants(above).to(probability.device)
    table = _table(sampled, side, distance_mm)
    return None if table is None else Edges(source, image.grid, distance_mm, spared, box, levels, side, table)


def octants(mask: np.ndarray) -> Tensor:
    """On which of eight sides of a (K, J, I) bool mask's middle every voxel lies: uint8."""
    found = torch.zeros(mask.shape, dtype=torch.uint8)
    for axis, side in enumerate(mask.shape):
        along = mask.sum(axis=tuple(other for other in range(3) if other != axis))
        middle = float((along * np.arange(side)).sum() / along.sum())
        beyond = (torch.arange(side) > middle).to(torch.uint8) << axis
        found += beyond.reshape([-1 if other == axis else 1 for other in range(3)])
    return found


def _table(sampled: Tensor, side: Tensor, distance_mm: Tensor) -> Tensor | None:
    """The evidence of every level on every side, (SIDES, BINS) float32; None where there is too little to count."""
    known = sampled != UNKNOWN
    core, shell = (distance_mm < -CORE_MM) & known, (distance_mm > SHELL_MM[0]) & (distance_mm < SHELL_MM[1]) & known
    if min(int(core.sum()), int(shell.sum())) < LEAST_VOXELS:
        return None
    inside = _shares(sampled[core])
    table = torch.zeros((SIDES, BINS))
    for number, row in enumerate(table):
        around = sampled[shell & (side == number)]
        if len(around) < LEAST_VOXELS_A_SIDE:
            continue
        outside = _shares(around)
        if bayes_error(inside, outside) <= MOST_ERROR:
            row.copy_((inside / outside).log().clamp(-MOST, MOST))
    return table.to(sampled.device)


def bayes_error(first: Tensor, second: Tensor) -> float:
    """How often the best decision between two equally likely distributions errs: half the sum of their lesser shares."""
    return float(torch.minimum(first / first.sum(), second / second.sum()).sum() / 2)


def signed_distance_mm(mask: np.ndarray, grid: Grid) -> Tensor:
    """Distance in mm from each voxel's centre to the border of a (K, J, I) bool mask, below 0 inside: float32.

    The border is half a voxel before the nearest centre on its other side. What lies beyond the grid counts as outside; what is further
    away than anyone asks here is FAR_MM.
    """
    half_mm = float(grid.spacing_mm.mean()) / 2
    distance = np.full(mask.shape, FAR_MM, np.float32)
    margin = tuple(math.ceil((SHELL_MM[1] + side) / side) for side in grid.spacing_mm[::-1])
    box = grown(bounding_box(mask), mask.shape, margin)
    here = np.pad(mask[box], 1).astype(np.uint8)
    outwards, inwards = (_distance_mm(part, grid) for part in (here, 1 - here))
    distance[box] = np.where(here, half_mm - inwards, outwards - half_mm)[1:-1, 1:-1, 1:-1]
    return torch.from_numpy(distance)


def _distance_mm(mask: np.ndarray, grid: Grid) -> np.ndarray:
    """To the mask's nearest voxel, 0 within it: (K, J, I) float32."""
    image = sitk.GetImageFromArray(mask)
    image.SetSpacing([float(side) for side in grid.spacing_mm])
    return np.maximum(sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(image, False, False, True)), 0)


def _levels(image: Image, box: Box, window: Window, device: torch.device) -> Tensor:
    """The bin of the window that every voxel's smoothed intensity falls into: (k, j, i) uint8 of the box, some slices at a time."""
    low, high = window
    sigmas = [SMOOTHING_MM / side for side in image.grid.spacing_mm[::-1]]
    margin = tuple(math.ceil(REACH * sigma) for sigma in sigmas)
    levels = torch.empty([s.stop - s.start for s in box], dtype=torch.uint8, device=device)
    for start in range(box[0].start, box[0].stop, SLAB_PLANES):
        part = (slice(start, min(start + SLAB_PLANES, box[0].stop)), *box[1:])
        wide = grown(part, image.grid.shape, margin)
        values = torch.from_numpy(image.array[wide].astype(np.float32)).to(device).clamp_(low, high)
        for dim, sigma in enumerate(sigmas):
            values = _blurred(values, sigma, dim)
        own = tuple(slice(p.start - w.start, p.stop - w.start) for p, w in zip(part, wide))
        bins = values[own].sub_(low).mul_(BINS / (high - low)).clamp_(0, BINS - 1)
        levels[part[0].start - box[0].start : part[0].stop - box[0].start] = bins.to(torch.uint8)
    return levels


def _blurred(values: Tensor, sigma: float, dim: int) -> Tensor:
    """Gaussian along one dimension, `sigma` in voxels; beyond the edges the edge is repeated."""
    radius = math.ceil(REACH * sigma)
    weights = [math.exp(-0.5 * (step / sigma) ** 2) for step in range(radius + 1)]
    total = weights[0] + 2 * sum(weights[1:])
    last = values.shape[dim] - 1
    found = values * (weights[0] / total)
    for step in range(1, min(radius, last) + 1):
        weight, kept = weights[step] / total, last + 1 - step
        found.narrow(dim, step, kept).add_(values.narrow(dim, 0, kept), alpha=weight)
        found.narrow(dim, 0, kept).add_(values.narrow(dim, step, kept), alpha=weight)
        found.narrow(dim, 0, step).add_(values.narrow(dim, 0, 1), alpha=weight)
        found.narrow(dim, kept, step).add_(values.narrow(dim, last, 1), alpha=weight)
    for step in range(last + 1, radius + 1):  # further than the volume is long: the edges count for all
        found.add_(values.narrow(dim, 0, 1) + values.narrow(dim, last, 1), alpha=weights[step] / total)
    return found


def _shares(levels: Tensor) -> Tensor:
    """How often each bin occurs, smoothed, never 0: (BINS,) float64 on the CPU."""
    counts = torch.bincount(levels.long(), minlength=BINS).cpu().double()
    reach = math.ceil(REACH * HISTOGRAM_BLUR)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, dtype=torch.float64) / HISTOGRAM_BLUR) ** 2)
    smooth = F.conv1d(counts[None, None], (kernel / kernel.sum())[None, None], padding=reach)[0, 0]
    return smooth / smooth.sum() + RARE
