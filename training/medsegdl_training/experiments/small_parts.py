"""What experts' label maps lose where connected parts under a share of the largest are left out (`Region.smallest_share`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.geometry.boxes import bounding_box
from MedSegDLLib.io.read import read_image
from MedSegDLLib.metrics.labels import regions_of_labels
from MedSegDLLib.postprocess.restore import cleaned
from MedSegDLLib.tasks import Region, Task

from ..cases.names import volumes_below


@dataclass(frozen=True)
class Loss:
    """What is left out of one region of one label map.

    Attributes:
        share: of the region's volume.
        parts: how many that `smallest_ml` alone would keep.
    """

    share: float
    parts: int


def table(folder: Path, task: Task, shares: Sequence[float]) -> str:
    """A line a region and share, in Markdown.

    Args:
        folder: label maps of the task's conventions, and nothing else.
        task: names the regions.
        shares: of the largest part, 0..1.

    Raises:
        InputRefused: there are none.
    """
    paths = volumes_below(folder)
    if not paths:
        raise InputRefused(f"There are no label maps in {folder}.", "Give a folder with experts' label maps.")
    losses: dict[tuple[str, float], list[Loss]] = {(region.key, share): [] for region in task.regions for share in shares}
    for path in paths:
        labels = read_image(path)
        masks = regions_of_labels(labels.array, task, path)
        for region in task.regions:
            whole = masks[region.key] > 0
            mask = whole[bounding_box(whole)].astype(np.uint8)
            for share in shares if mask.any() else ():
                losses[region.key, share].append(_lost(mask, replace(region, smallest_share=share), labels.grid.voxel_volume_mm3))
    lines = [f"{len(paths)} label maps", "", "| region | parts under | volume lost, mean | at most | parts lost |", "|---|---|---|---|---|"]
    return "\n".join(lines + [_line(key, share, found) for (key, share), found in losses.items() if found])


def _lost(mask: np.ndarray, region: Region, voxel_volume_mm3: float) -> Loss:
    kept, _ = cleaned(mask, replace(region, smallest_ml=0.0, largest_only=False), voxel_volume_mm3)
    told = cleaned(mask, replace(region, largest_only=False), voxel_volume_mm3)[1]
    return Loss(1.0 - float(kept.sum(dtype=np.int64)) / float(mask.sum(dtype=np.int64)), told.count)


def _line(key: str, share: float, found: Sequence[Loss]) -> str:
    lost = [loss.share for loss in found]
    return f"| {key} | {share:.0%} | {np.mean(lost):.2%} | {max(lost):.1%} | {sum(loss.parts for loss in found)} |"
