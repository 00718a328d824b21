"""Bring the inputs to one grid: that of the reference, in physical space, never by the shape of an array."""

from __future__ import annotations

from dataclasses import dataclass

from ..tasks import Task
from .image import Grid, Image
from .resample import regrid


@dataclass(frozen=True)
class Aligned:
    """The task's inputs on one grid.

    Attributes:
        reference: key of the input that lent the grid.
        grid: its grid.
        volumes: every input of the task in order; None for a missing one.
        resampled: keys of those that lay on another grid.
    """

    reference: str
    grid: Grid
    volumes: dict[str, Image | None]
    resampled: tuple[str, ...]


def reference_of(images: dict[str, Image], task: Task) -> str:
    """Key of the first given input in the task's reference order."""
    return next(key for key in task.reference_order if key in images)


def align(images: dict[str, Image], task: Task) -> Aligned:
    """Resample every given input linearly to the reference's grid; those that lie on it already are passed on as they are."""
    reference = reference_of(images, task)
    grid = images[reference].grid
    volumes: dict[str, Image | None] = {}
    resampled = []
    for entry in task.inputs:
        image = images.get(entry.key)
        if image is not None and not image.grid.same_as(grid):
            image = regrid(image, grid, "linear", 0.0)
            resampled.append(entry.key)
        volumes[entry.key] = image
    return Aligned(reference, grid, volumes, tuple(resampled))
