"""Brain extraction: where the brain is in heads as the scanner gives them, by a small network, and the images without the rest.

A network sees one image at a time, whatever its contrast. Our own sees all that are given, and their mean counts; deepbet's is larger and
sees one, and others only where that one ends before the brain does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk
import torch

from ..checks.findings import Finding, FindingCode, Severity
from ..errors import InputRefused
from ..geometry.align import Aligned, align
from ..geometry.boxes import bounding_box
from ..geometry.image import Grid, Image
from ..geometry.resample import pooled, regrid, resample
from ..network.deepbet_plan import DeepbetPlan
from ..network.sliding_window import predict, strategies
from ..network.weights import Weights
from ..options import AUTO, OFF, ON
from ..postprocess.restore import restore
from ..progress import Progress, quiet, span
from ..result import MM3_PER_ML, Segment
from ..tasks import BRAIN_MASK, Task
from .deepbet import deepbet_probability
from .foreground import FOREGROUND
from .normalise import prepare

POOLED_MM = 3.0  # half the network's voxel
MOST_CUT_ML = 1.0  # of brain at the end of an image: a brain stem that is cut is no reason to look at another one
BRAIN_ML = (600.0, 2200.0)  # a child's of two years, and the largest of adults with their fluid
LOOK = "Look at the brain mask; correct it and give it as the brain mask if it is wrong."
REMEDY_OFF = "Let the brain be extracted, or give a brain mask."


def with_skull(findings: Collection[Finding], task: Task, wanted: str, keys: Collection[str]) -> list[str]:
    """Keys of the images of which the brain is to be extracted: by the check's findings, all, or none (`AUTO`, `ON`, `OFF`)."""
    if not task.skull_stripped or wanted == OFF:
        return []
    shown = {finding.input for finding in findings if finding.code is FindingCode.SKULL}
    return [key for key in keys if wanted == ON or key in shown]


def skull_stays(findings: list[Finding], wanted: str) -> list[Finding]:
    """The findings; where the skull is to stay against the network's expectation, it is a warning."""
    if wanted in (AUTO, ON):
        return findings
    says = "parts outside the brain may be taken for tumour, for brain extraction is off."
    return [
        replace(finding, severity=Severity.WARNING, message=f"{finding.message.partition(':')[0]}: {says}", remedy=REMEDY_OFF)
        if finding.code is FindingCode.SKULL
        else finding
        for finding in findings
    ]


def brain_mask(images: dict[str, Image], grid: Grid, weights: Weights, device: torch.device, progress: Progress = quiet) -> np.ndarray:
    """The brain in one or several images of a head.

    Args:
        images: input key -> Image, lying on each other, each on its own grid; the first lends the place that is looked at.
        grid: where the mask is wanted.
        weights: of the task `BRAIN_MASK`: our own, which see every image, or deepbet's, which see the one that they know best.
        device: where the network runs.
        progress: called with (fraction 0..1, message).

    Returns:
        (K, J, I) uint8 on `grid`: one connected part without holes, or nothing.
    """
    look = _by_deepbet if isinstance(weights.plan, DeepbetPlan) else _by_all
    probability, place = look(images, grid, weights, device, progress)
    return brain_of(probability, place, grid, weights.plan.threshold)


def brain_of(probability: torch.Tensor, source: Grid, grid: Grid, threshold: float) -> np.ndarray:
    """The brain from (K, J, I) on `source`: (K, J, I) uint8 on `grid`, one connected part without holes, or nothing."""
    plan = replace(BRAIN_MASK.plan, threshold=threshold)
    return without_holes(restore(probability[None], source, grid, BRAIN_MASK, plan).masks[BRAIN_MASK.regions[0].key])


def _by_all(images: dict[str, Image], grid: Grid, weights: Weights, device: torch.device, progress: Progress) -> tuple[torch.Tensor, Grid]:
    """Our own network's mean answer for all images, (K, J, I), and where it lies."""
    found: list[tuple[torch.Tensor, Grid]] = []
    for number, image in enumerate(images.values()):
        part = span(progress, number / len(images), (number + 1) / len(images))
        found.append(_probability(image, weights, device, part))
    place = found[0][1]
    seen = [resample(torch.ones_like(p), source, place) for p, source in found]
    total = sum(resample(p, source, place) for p, source in found)
    return (total / sum(seen).clamp(min=1e-3))[0], place


def _by_deepbet(
    images: dict[str, Image], grid: Grid, weights: Weights, device: torch.device, progress: Progress
) -> tuple[torch.Tensor, Grid]:
    """The answer for the image whose contrast is known best, (K, J, I) on `grid`; others tell of what that image does not show."""
    known = weights.plan.contrasts
    ordered = sorted(images, key=lambda key: known.index(key) if key in known else len(known))
    probability = torch.zeros(grid.shape, device=device)
    seen = torch.zeros(grid.shape, dtype=torch.bool, device=device)
    for number, key in enumerate(ordered):
        image, part = images[key], span(progress, number / len(images), (number + 1) / len(images))
        found, place = deepbet_probability(image.array, image.grid, list(weights.network), weights.plan, device, part)
        probability = torch.where(seen, probability, resample(found, place, grid))
        seen |= _shown(image.grid, grid, device)
        if not _goes_on(probability >= weights.plan.threshold, seen, grid):
            break
    return probability, grid


def _shown(source: Grid, grid: Grid, device: torch.device) -> torch.Tensor:
    """(K, J, I) bool: which voxels of `grid` lie in an image on `source`."""
    if source.same_as(grid):
        return torch.ones(grid.shape, dtype=torch.bool, device=device)
    return resample(torch.ones(source.shape, device=device), source, grid) > 0


def _goes_on(brain: torch.Tensor, seen: torch.Tensor, grid: Grid) -> bool:
    """Whether a brain reaches the end of what was seen, and the grid shows more of it."""
    if bool(seen.all()):
        return False
    beside_unseen = torch.nn.functional.max_pool3d((~seen)[None].float(), 3, stride=1, padding=1)[0] > 0
    reached_ml = float((brain & seen & beside_unseen).sum()) * grid.voxel_volume_mm3 / MM3_PER_ML
    return reached_ml > MOST_CUT_ML


def _probability(image: Image, weights: Weights, device: torch.device, progress: Progress) -> tuple[torch.Tensor, Grid]:
    """Our own network's answer for one image, (1, K, J, I), and where it lies. Fine voxels are averaged: the network's own are coarse."""
    values, grid = pooled(image, POOLED_MM)
    aligned = align({BRAIN_MASK.inputs[0].key: Image(values.numpy(), grid.affine)}, BRAIN_MASK, str(device))
    arrays = {key: volume.array for key, volume in aligned.volumes.items() if volume is not None}
    prepared = prepare(aligned.volumes, FOREGROUND[weights.plan.scale](arrays, aligned.noisy), weights.plan, device)
    tried = strategies(weights.network.arch, tuple(prepared.x.shape[1:]), device)
    return predict(weights.network, prepared.x, weights.plan, tried, False, progress)[0], prepared.grid


def without_holes(mask: np.ndarray) -> np.ndarray:
    """A mask (K, J, I) uint8 with what it encloses."""
    if mask.any():
        box = bounding_box(mask)
        mask[box] = sitk.GetArrayFromImage(sitk.BinaryFillhole(sitk.GetImageFromArray(np.ascontiguousarray(mask[box]))))
    return mask


def given_mask(mask: Image, grid: Grid) -> np.ndarray:
    """A mask that the user gives, on the reference's grid: (K, J, I) uint8, 1 where it is not 0.

    Raises:
        InputRefused: it is no mask of a volume, or shows nothing there.
    """
    name = f"The brain mask ({mask.name})" if mask.name else "The brain mask"
    if mask.channels > 1:
        raise InputRefused(f"{name} has {mask.channels} values a voxel.", "Give a volume that is 1 in the brain and 0 elsewhere.")
    binary = mask.with_array((mask.array != 0).astype(np.uint8))
    found = binary.array if binary.grid.same_as(grid) else regrid(binary, grid, "nearest").array
    if not found.any():
        raise InputRefused(f"{name} shows no brain where the reference lies.", "Give the mask that belongs to these images.")
    return found


@dataclass(frozen=True)
class Stripped:
    """Aligned inputs, without what is no brain where that was taken away.

    Attributes:
        aligned: 0 outside the mask, if there is one.
        mask: (K, J, I) uint8 on the reference's grid; None where nothing was taken away.
        findings: doubts about the mask.
    """

    aligned: Aligned
    mask: np.ndarray | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def segment(self) -> Segment | None:
        """The mask as a segment of its own."""
        return None if self.mask is None else Segment(BRAIN_MASK.regions[0], self.mask, self.aligned.grid.voxel_volume_mm3)


def strip(aligned: Aligned, mask: np.ndarray) -> Stripped:
    """The inputs with nothing outside the mask (K, J, I) uint8; as they are, and a warning, where it is empty."""
    findings = tuple(_doubts(mask, aligned.grid))
    if not mask.any():
        return Stripped(aligned, None, findings)
    volumes = {
        key: image if image is None else image.with_array(np.where(mask, image.array, np.zeros((), image.array.dtype)))
        for key, image in aligned.volumes.items()
    }
    return Stripped(replace(aligned, volumes=volumes, noisy=frozenset()), mask, findings)


def _doubts(mask: np.ndarray, grid: Grid) -> Iterator[Finding]:
    """A warning where the mask cannot be a whole brain."""
    volume_ml = float(np.count_nonzero(mask)) * grid.voxel_volume_mm3 / MM3_PER_ML
    if not mask.any():
        says = "No brain was found in the images: they are used as they are, and parts outside the brain may be taken for tumour."
        yield Finding(Severity.WARNING, FindingCode.BRAIN_MASK, "", says, REMEDY_OFF)
    elif not BRAIN_ML[0] <= volume_ml <= BRAIN_ML[1]:
        says = f"The brain mask holds {volume_ml:.0f} mL, which is no whole brain of usual size."
        yield Finding(Severity.WARNING, FindingCode.BRAIN_MASK, "", says, LOOK)
