"""Seconds by phase as the image grows: a head of 64^3 ... 256^3 voxels of 1 mm, a CT of 100 ... 600 slices."""

from __future__ import annotations

from MedSegDLLib.geometry.image import Image
from MedSegDLLib.pipeline import Options, segment
from MedSegDLLib.tasks import TASKS

from .inputs import ct_of, head_of
from .meter import metered_pipeline

SIDES, QUICK_SIDES = (64, 96, 128, 160, 192, 224, 256), (64, 128)
SLICES, QUICK_SLICES = (100, 200, 300, 400, 500, 600), (100, 200)


def brain(quick: bool) -> dict:
    """side -> seconds by phase and peak memory."""
    return {"points": [_point("brain", side, head_of(side)) for side in (QUICK_SIDES if quick else SIDES)]}


def liver(quick: bool) -> dict:
    """slices -> seconds by phase and peak memory."""
    return {"points": [_point("liver", slices, {"ct": ct_of(slices)}) for slices in (QUICK_SLICES if quick else SLICES)]}


def _point(task_key: str, size: int, images: dict[str, Image]) -> dict:
    with metered_pipeline() as meters:
        result = segment(images, TASKS[task_key], Options("cpu"))
    meter = meters[0]
    print(f"{task_key} {size}: {sum(meter.seconds.values()):.1f} s", flush=True)
    peak = max((peak or 0.0) for peak in meter.peaks_mb.values())
    return {"size": size, "seconds": meter.seconds, "peak_mb": peak, "volumes_ml": result.volumes_ml}
