"""Lesion by lesion, not voxel by voxel, as BraTS 2023 counts: small lesions weigh as much as large ones, false ones cost a full share.

Only numpy and SimpleITK enter here; no files, no tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from ..geometry.boxes import bounding_box, grown
from .overlap import confusion, same_shape
from .surface import surface_distances

DILATIONS = 3  # BraTS 2023, glioma; meningioma and metastases have 1
SMALLEST_MM3 = 50.0  # lesions of the reference up to this volume are not asked for
FALSE_LESION_MM = 374.0  # HD95 of a false positive, and of a missed lesion


@dataclass(frozen=True)
class LesionScore:
    """Scores over the lesions of one region of one case. Without any lesion on either side: Dice 1, HD95 0.

    Attributes:
        dice: mean over the reference's lesions and the false positives (these count 0).
        hd95_mm: the same mean of HD95 (false positives and missed lesions count 374 mm).
        lesions: of the reference, small ones left out.
        missed: of those, without a predicted component near them.
        false: predicted components near no lesion of the reference.
    """

    dice: float
    hd95_mm: float
    lesions: int
    missed: int
    false: int


def lesion_score(
    prediction: np.ndarray,
    reference: np.ndarray,
    spacing_mm: Sequence[float],
    dilations: int = DILATIONS,
    smallest_mm3: float = SMALLEST_MM3,
) -> LesionScore:
    """Lesion-wise Dice and HD95 by the rule of BraTS 2023 (Saluja and others, the challenge's own evaluation).

    Components are 26-connected. Those of the reference that a dilation (so many times by the 18-neighbourhood) joins are one lesion. Every
    predicted component that touches a lesion so dilated belongs to it; one may belong to several. Lesions of at most `smallest_mm3` are
    left out of the mean, and what belongs to them is no false positive.

    Args:
        prediction, reference: (K, J, I) masks; whatever is not 0 counts as inside.
        spacing_mm: voxel sides along i, j, k.
        dilations: how often the reference is dilated.
        smallest_mm3: volume up to which a lesion is not asked for.

    Raises:
        ValueError: the shapes differ or are not three-dimensional.
    """
    same_shape(prediction, reference)
    if prediction.ndim != 3:
        raise ValueError(f"lesions are counted in three dimensions, not in a shape {prediction.shape}")
    used = (prediction != 0) | (reference != 0)
    if not used.any():
        return LesionScore(1.0, 0.0, 0, 0, 0)
    inside = grown(bounding_box(used), used.shape, dilations)
    predicted, count = _components(prediction[inside] != 0)
    lesions, lesion_count = _lesions(reference[inside] != 0, dilations)
    claimed = np.zeros(count + 1, bool)
    claimed[0] = True
    scores: list[tuple[float, float]] = []
    missed = 0
    for number in range(1, lesion_count + 1):
        lesion = lesions == number
        box = grown(bounding_box(lesion), lesion.shape, dilations)
        near = np.unique(predicted[box][_dilated(lesion[box], dilations)])
        near = near[near > 0]
        claimed[near] = True
        if np.count_nonzero(lesion) * float(np.prod(spacing_mm)) <= smallest_mm3:
            continue
        missed += not len(near)
        scores.append(_one(np.isin(predicted, near), lesion, spacing_mm) if len(near) else (0.0, FALSE_LESION_MM))
    false = int(np.count_nonzero(~claimed))
    scored = [*scores, *[(0.0, FALSE_LESION_MM)] * false] or [(1.0, 0.0)]
    dice, hd95_mm = np.mean(scored, axis=0)
    return LesionScore(float(dice), float(hd95_mm), len(scores), missed, false)


def _one(prediction: np.ndarray, lesion: np.ndarray, spacing_mm: Sequence[float]) -> tuple[float, float]:
    """Dice and HD95 of one lesion."""
    return confusion(prediction, lesion).dice, surface_distances(prediction, lesion, spacing_mm).hd95_mm


def _components(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """26-connected parts numbered from 1, and how many."""
    import SimpleITK as sitk  # as in `diameters`

    parts = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8)), True))
    return parts, int(parts.max(initial=0))


def _lesions(mask: np.ndarray, dilations: int) -> tuple[np.ndarray, int]:
    """The mask's voxels, numbered by the component of the dilated mask that they lie in."""
    joined, count = _components(_dilated(mask, dilations))
    return np.where(mask, joined, 0), count


def _dilated(mask: np.ndarray, times: int) -> np.ndarray:
    """The mask grown so many times by the 18-neighbourhood, which is the union of the 3 x 3 squares across each axis."""
    for _ in range(times):
        mask = reduce(np.logical_or, (_grown(_grown(mask, a), b) for a, b in ((0, 1), (0, 2), (1, 2))))
    return mask


def _grown(mask: np.ndarray, axis: int) -> np.ndarray:
    """The mask grown by one voxel both ways along an axis."""
    moved = np.moveaxis(mask, axis, 0)
    grown = moved.copy()
    grown[1:] |= moved[:-1]
    grown[:-1] |= moved[1:]
    return np.moveaxis(grown, 0, axis)
