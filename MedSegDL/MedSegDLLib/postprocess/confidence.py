"""How sure the network says it is: its mean probability within each region and each lesion; and what such probabilities were worth.

Its own word is not calibrated against truth: a network may be sure and wrong. Where the manifest holds reliability curves of held-out
cases, the share of voxels that were right at these probabilities stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from torch import Tensor

from ..geometry.boxes import bounding_box
from ..geometry.image import Grid
from ..result import MM3_PER_ML, Result
from .calibration import Reliability

MOST_VOXELS = 200_000  # of a region that are asked, evenly chosen: their mean is that of all to a third decimal


def probabilities_within(
    probabilities: Tensor, source: Grid, result: Result, curves: Mapping[str, Reliability] | None = None
) -> dict[str, dict]:
    """Region key -> {"mean", "lesions": [{"volume_ml", "mean"}, the largest first]} for the run record; empty regions are left out.

    Args:
        probabilities: (R, K, J, I) of the network, in the order of the task's regions, 0..1.
        source: their grid.
        result: the masks, on the reference's grid; no picture.
        curves: by region key; where there is one, "calibrated" stands beside every "mean".
    """
    found = {}
    for segment, one in zip(result.segments, probabilities):
        if not segment.mask.any():
            continue
        box = bounding_box(segment.mask)
        part, grid = segment.mask[box] != 0, result.grid.cropped(box)
        curve = (curves or {}).get(segment.region.key)
        found[segment.region.key] = _told(_values(one, source, part, grid), curve)
        if segment.region.is_lesion:
            found[segment.region.key]["lesions"] = _lesions(one, source, part, grid, curve)
    return found


def _told(values: np.ndarray, curve: Reliability | None) -> dict[str, Any]:
    """The mean of probabilities, and what such ones were worth where that is known."""
    calibrated = {} if curve is None else {"calibrated": round(float(curve.of(values).mean()), 4)}
    return {"mean": round(float(values.mean()), 4), **calibrated}


def _lesions(one: Tensor, source: Grid, mask: np.ndarray, grid: Grid, curve: Reliability | None) -> list[dict[str, Any]]:
    labels = sitk.RelabelComponent(sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8)), True))
    numbers, entries = sitk.GetArrayViewFromImage(labels), []
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.ComputePerimeterOff()
    shapes.Execute(labels)
    for number in shapes.GetLabels():
        start_size = shapes.GetBoundingBox(number)
        box = tuple(slice(start_size[a], start_size[a] + start_size[a + 3]) for a in (2, 1, 0))
        volume_ml = shapes.GetNumberOfPixels(number) * grid.voxel_volume_mm3 / MM3_PER_ML
        values = _values(one, source, numbers[box] == number, grid.cropped(box))
        entries.append({"volume_ml": round(volume_ml, 6), **_told(values, curve)})
    return entries


def _values(one: Tensor, source: Grid, mask: np.ndarray, grid: Grid) -> np.ndarray:
    """The probabilities at the voxels of a mask, each asked where it lies; evenly chosen ones where there are more than `MOST_VOXELS`."""
    step = max(1, int(np.ceil((np.count_nonzero(mask) / MOST_VOXELS) ** (1 / 3))))
    voxels = np.argwhere(mask[::step, ::step, ::step]) * step
    if not len(voxels):
        voxels = np.argwhere(mask)[:1]
    back = np.linalg.inv(source.affine) @ grid.affine
    index = np.rint(voxels[:, ::-1] @ back[:3, :3].T + back[:3, 3]).astype(np.int64)[:, ::-1]
    index = np.clip(index, 0, np.array(source.shape) - 1)
    k, j, i = torch.from_numpy(np.ascontiguousarray(index.T)).to(one.device)
    return one[k, j, i].float().cpu().numpy()
