"""How well a segmentation agrees with a reference: the door to one confusion matrix, one set of surface distances, one table of objects,
one list of lesions.

Every definition is named and says what it does with empty masks. Nothing is computed here.
"""

from __future__ import annotations

from .lesions import LesionScore, lesion_score
from .objects import KAGGLE_THRESHOLDS, PanopticQuality, aggregated_jaccard, kaggle_precision, panoptic_quality
from .overlap import Confusion, confusion
from .surface import SurfaceDistances, surface_distances

__all__ = [
    "KAGGLE_THRESHOLDS",
    "Confusion",
    "LesionScore",
    "PanopticQuality",
    "SurfaceDistances",
    "aggregated_jaccard",
    "confusion",
    "kaggle_precision",
    "lesion_score",
    "panoptic_quality",
    "surface_distances",
]
