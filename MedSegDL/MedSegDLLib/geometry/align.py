"""Bring the inputs to one grid: that of the reference, in physical space, never by the shape of an array."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..tasks import Modality, Task
from .background import background_value, value_of_nothing
from .image import Grid, Image
from .resample import regrid

# What is written where an input has no voxels: MR volumes lie on zero by then, a CT's air is -1000 by definition of its scale.
NOTHING = {Modality.MR: 0.0, Modality.CT: -1000.0, Modality.PICTURE: 0.0, Modality.OTHER: 0.0}
LEAST_TISSUE = 0.5  # share of what an interpolated voxel is read from, from which it is tissue


@dataclass(frozen=True)
class Aligned:
    """The task's inputs on one grid.

    Attributes:
        reference: key of the input that lent the grid.
        grid: its grid.
        volumes: every input of the task in order; None for a missing one.
        resampled: keys of those that lay on another grid.
        noisy: keys of those whose background was not removed, as they were given: after resampling their faces no longer tell.
    """

    reference: str
    grid: Grid
    volumes: dict[str, Image | None]
    resampled: tuple[str, ...]
    noisy: frozenset[str] = frozenset()


def reference_of(images: dict[str, Image], task: Task) -> str:
    """Key of the first given input in the task's reference order."""
    return next(key for key in task.reference_order if key in images)


def align(images: dict[str, Image], task: Task, device: str = "cpu", nothing: Mapping[str, float] | None = None) -> Aligned:
    """Resample every given input linearly to the reference's grid; those that lie on it already are passed on as they are.

    MR intensities have no zero of their own: where the background of one is another value (a constant was added, the image z-scored or
    scaled to -1..1), that value is subtracted first, so that 0 is nothing in every volume and in every later step. Where that background
    was removed, tissue is interpolated between tissue only (normalised convolution, Knutsson and Westin 1993): a slice of 6 mm that is
    brain, beside one that is not, would else leave a rim of false dark brain. Where an input ends
    before the reference does, its background is written, or what `nothing` says for its key. `device` is where to resample; the volumes
    come back to the CPU.
    """
    reference = reference_of(images, task)
    grid = images[reference].grid
    volumes: dict[str, Image | None] = {}
    resampled, noisy = [], set()
    for entry in task.inputs:
        image = images.get(entry.key)
        if image is not None and entry.modality is Modality.MR:
            if background_value(image.array) is None:
                noisy.add(entry.key)
            image = _on_zero(image)
        if image is not None and not image.grid.same_as(grid):
            fill = (nothing or {}).get(entry.key, NOTHING[entry.modality])
            stripped = entry.modality is Modality.MR and entry.key not in noisy and fill == 0
            image = _tissue_on(image, grid, device) if stripped else regrid(image, grid, "linear", fill, device)
            resampled.append(entry.key)
        volumes[entry.key] = image
    return Aligned(reference, grid, volumes, tuple(resampled), frozenset(noisy))


def _tissue_on(image: Image, grid: Grid, device: str) -> Image:
    """A stripped image on another grid: voxels that are mostly tissue, by the tissue that they are read from; 0 elsewhere."""
    inside = regrid(image.with_array((image.array != 0).astype(np.uint8)), grid, device=device).array
    found = regrid(image, grid, device=device)
    return found.with_array(np.divide(found.array, inside, out=np.zeros_like(inside), where=inside >= LEAST_TISSUE))


def _on_zero(image: Image) -> Image:
    """The image with its background at 0: itself where it lies there already, else float32."""
    nothing = value_of_nothing(image.array)
    return image if nothing == 0 else image.with_array(image.array.astype(np.float32) - np.float32(nothing))
