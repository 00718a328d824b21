"""Whether an image covers what the others of a case show: a field of view that is cut off looks like background to every later step.

numpy only (the panel checks without torch). Places are compared in physical space, so that grids may differ.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..geometry.image import Grid, Image
from .intensities import removed_background, sampled

PROBE_MM = 6.0  # distance of the probes: a brain holds 6,000 of them
HEAD = 0.1  # of the 99th percentile: darker is background where nobody removed it
MAJORITY = 0.5  # of the other images must show a place, for it to belong to the head
LEAST_MISSING = 0.05  # in 21 BraTS cases at most 0.015, but 0.337 in one FLAIR that is cut off below


def missing_shares(images: Mapping[str, Image]) -> dict[str, float]:
    """For each of several MR images the share of the head that it does not show, by what most of the others show: 0..1.

    A place counts as not shown beyond the image's grid and where its removed background is; noise around a head that was not stripped
    counts as shown, so that only the grid tells there.
    """
    if len(images) < 2:
        return {}
    places = _probes(next(iter(images.values())).grid)
    seen = {key: _at(image, places) for key, image in images.items()}
    heads = {key: _is_head(values, images[key]) for key, values in seen.items()}
    shares = {}
    for key, values in seen.items():
        head = np.mean([mask for other, mask in heads.items() if other != key], axis=0) > MAJORITY
        background = removed_background(images[key].array)
        shown = ~np.isnan(values) & ((values != background) if background is not None else True)
        shares[key] = float((head & ~shown).sum() / max(1, head.sum()))
    return shares


def _probes(grid: Grid) -> np.ndarray:
    """Voxel centres some millimetres apart: (n, 3) RAS mm."""
    steps = [max(1, int(PROBE_MM / side)) for side in grid.spacing_mm]
    axes = [np.arange(step // 2, length, step) for step, length in zip(steps, grid.shape[::-1])]
    ijk = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    return ijk @ grid.affine[:3, :3].T + grid.affine[:3, 3]


def _at(image: Image, places: np.ndarray) -> np.ndarray:
    """Values of the voxels next to places (n, 3) RAS mm: (n,) float64, NaN beyond the grid."""
    inverse = np.linalg.inv(image.affine)
    ijk = np.rint(places @ inverse[:3, :3].T + inverse[:3, 3]).astype(np.int64)
    last = np.array(image.grid.shape[::-1]) - 1
    values = image.array[tuple(np.clip(ijk, 0, last)[:, ::-1].T)].astype(np.float64)
    values[((ijk < 0) | (ijk > last)).any(axis=1)] = np.nan
    return values


def _is_head(values: np.ndarray, image: Image) -> np.ndarray:
    """Which values are no background: (n,) bool."""
    background = removed_background(image.array)
    if background is not None:
        return ~np.isnan(values) & (values != background)
    return values > HEAD * np.percentile(sampled(image.array), 99)
