"""What a network's probabilities were worth on cases that it had not seen: `medsegdl-train calibrate` measures it, the manifest tells it.

`calibration` of a manifest: {"protocol": a sentence, "cases": n, "regions": {region key: {"expected_error": mean distance between
probability and truth, "curve": [[mean probability, share of voxels that were truly in the region, voxels], ...]}}}.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..tasks import Task

LEAST_POINTS = 2  # of a curve, to read between


@dataclass(frozen=True)
class Reliability:
    """A reliability curve (DeGroot and Fienberg, 1983): probability given -> share that was right.

    Attributes:
        given: mean probabilities of the bins, ascending.
        right: share of the bin's voxels that were truly in the region.
    """

    given: tuple[float, ...]
    right: tuple[float, ...]

    def of(self, probabilities: np.ndarray) -> np.ndarray:
        """The share of right voxels for probabilities of any shape: read between the bins, beyond them the outermost bin's."""
        return np.interp(probabilities, self.given, self.right)


def reliabilities(manifest: Mapping[str, Any], task: Task) -> dict[str, Reliability]:
    """Region key -> its curve; regions of which the manifest knows none, or says it unfit, are left out."""
    told = manifest.get("calibration")
    regions = told.get("regions") if isinstance(told, Mapping) else None
    if not isinstance(regions, Mapping):
        return {}
    found = {region.key: _curve(regions.get(region.key)) for region in task.regions}
    return {key: curve for key, curve in found.items() if curve is not None}


def _curve(entry: Any) -> Reliability | None:
    """A curve as the manifest has it; None where it is none."""
    points = entry.get("curve") if isinstance(entry, Mapping) else None
    if not isinstance(points, list) or len(points) < LEAST_POINTS or not all(_is_point(point) for point in points):
        return None
    given, right = zip(*((float(point[0]), float(point[1])) for point in points))
    return Reliability(given, right) if all(low < high for low, high in pairwise(given)) else None


def _is_point(point: Any) -> bool:
    return isinstance(point, list) and len(point) >= LEAST_POINTS and all(_is_share(value) for value in point[:2])


def _is_share(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and 0 <= value <= 1
