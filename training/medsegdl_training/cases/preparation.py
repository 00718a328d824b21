"""A case's files -> what the network gets of it, by the pipeline's own function, and its regions on the same grid.

Nothing is normalised, aligned or corrected here: what inference does, training does because it is the same code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from MedSegDLLib.checks.findings import Finding, FindingCode, Severity
from MedSegDLLib.checks.inputs import check
from MedSegDLLib.errors import InputRefused
from MedSegDLLib.geometry.boxes import bounding_box, grown
from MedSegDLLib.geometry.image import Grid, Image
from MedSegDLLib.geometry.resample import resample
from MedSegDLLib.io.read import read_images
from MedSegDLLib.metrics.labels import regions_of_labels
from MedSegDLLib.pipeline import NetworkInput, Way, network_input
from MedSegDLLib.tasks import Plan, Task

from .case import Case
from .references import read_reference

Spacing = tuple[float, float, float]
INSIDE = 0.5  # share of a voxel from which it belongs to a region
LEAST_INSIDE = 0.99  # of a reference's labelled voxels that must lie within the image


@dataclass(frozen=True, eq=False)
class PreparedCase:
    """A labelled case on the network's grid.

    Attributes:
        ready: what the network gets, and what lay on the way.
        regions: (R, K, J, I) bool.
    """

    ready: NetworkInput
    regions: Tensor

    @property
    def x(self) -> Tensor:
        """The network's tensor: (C, K, J, I)."""
        return self.ready.prepared.x


def prepared(case: Case, task: Task, plan: Plan, spacing_mm: Spacing | None = None) -> PreparedCase:
    """Read a case and its reference, and prepare both for the network.

    Args:
        case: with a reference.
        task: what it is for.
        plan: the network's.
        spacing_mm: along i, j, k, in place of what the headers say, for a case whose spacing was made up.

    Raises:
        InputRefused: a file cannot be read, or the input check finds an error: the sentence that `inspect` says.
    """
    images = {key: respaced(image, spacing_mm) for key, image in read_images(case.inputs).items()}
    ready = as_at_work(images, task, plan, findings_of(case, images, task))
    labels = respaced(read_reference(case.reference), spacing_mm)
    if task.pictures:
        labels = pixel_by_pixel(labels, case, ready.aligned.grid)
    if misplaced := reference_beyond(labels, case, ready.aligned.grid):
        raise misplaced
    return PreparedCase(ready, regions_on(labels, task, ready.prepared.grid, case.reference))


def pixel_by_pixel(labels: Image, case: Case, grid: Grid) -> Image:
    """Labels of a picture on its grid, pixel by pixel: what one of the two files says of the size of its pixels does not count.

    Raises:
        InputRefused: they differ in size.
    """
    if labels.grid.shape != grid.shape:
        sizes = [f"{shape[2]}x{shape[1]}" for shape in (labels.grid.shape, grid.shape)]
        says = f"{case.reference.name} ({sizes[0]}) and the picture of the case {case.name} ({sizes[1]}) differ in size."
        raise InputRefused(says, "Make them of one size.")
    return replace(labels, affine=grid.affine)


def respaced(image: Image, spacing_mm: Spacing | None) -> Image:
    """The image with other voxel sides, its axes and its first voxel where they were; itself for None."""
    if spacing_mm is None:
        return image
    affine = image.affine.copy()
    affine[:3, :3] *= np.array(spacing_mm) / image.grid.spacing_mm
    return replace(image, affine=affine)


def as_at_work(images: dict[str, Image], task: Task, plan: Plan, findings: Sequence[Finding]) -> NetworkInput:
    """What `segment` would give the network.

    Raises:
        InputRefused: one of the findings is an error.
    """
    for finding in findings:
        if finding.severity is Severity.ERROR:
            raise InputRefused(finding.message, finding.remedy)
    return network_input(images, task, plan, Way(findings=findings))


def findings_of(case: Case, images: dict[str, Image], task: Task) -> list[Finding]:
    """What the input check says of a case, less what its data set explains: a CT clipped to a window has no air."""
    clipped = FindingCode.NOT_HOUNSFIELD if case.window else None
    return [finding for finding in check(images, task) if finding.code is not clipped]


def regions_on(labels: Image, task: Task, grid: Grid, origin: Path) -> Tensor:
    """Each region resampled alone, in physical space, and cut at one half; those that lie in another stay within it.

    Args:
        labels: label map of the task's conventions, on any grid.
        task: names the regions.
        grid: the network's.
        origin: the labels' file; what stands beside it may tell what they mean.

    Returns:
        (R, *grid.shape) bool.
    """
    drawn = regions_of_labels(labels.array, task, origin)
    anything = np.any([mask > 0 for mask in drawn.values()], axis=0)
    box = grown(
        bounding_box(anything), labels.grid.shape, 1
    )  # a voxel of nothing around, so that a region's rim is as sharp as in the whole
    source = labels.grid.cropped(box)
    masks = torch.stack([torch.from_numpy(np.ascontiguousarray(drawn[region.key][box]) > 0).float() for region in task.regions])
    regions = resample(masks, source, grid, "linear") >= INSIDE
    keys = [region.key for region in task.regions]
    for number, region in enumerate(task.regions):
        if region.inside:
            regions[number] &= regions[keys.index(region.inside)]
    return regions


def reference_beyond(labels: Image, case: Case, grid: Grid) -> InputRefused | None:
    """The refusal of a reference whose labels lie beyond its images: its header or its case is another's."""
    share = _share_inside(labels, grid)
    if share >= LEAST_INSIDE:
        return None
    says = f"{case.reference.name} lies beyond its image: only {share:.0%} of what it labels is within it."
    return InputRefused(says, "Save it with the geometry of the image that it was drawn on.")


def _share_inside(labels: Image, grid: Grid) -> float:
    """Share of a label map's labelled voxels whose centres lie on a grid: 1 where none is labelled."""
    places = np.argwhere(labels.array.reshape(labels.grid.shape) > 0)[:, ::-1]
    if labels.grid.same_as(grid) or not len(places):
        return 1.0
    back = np.linalg.inv(grid.affine) @ labels.affine
    indices = places @ back[:3, :3].T + back[:3, 3]
    inside = (indices >= -0.5) & (indices <= np.array(grid.shape[::-1]) - 0.5)
    return float(inside.all(axis=1).mean())
