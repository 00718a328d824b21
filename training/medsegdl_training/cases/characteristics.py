"""What a data set is like: spacings, sizes, intensities in the foreground, volumes of the regions. Cases in, plain data out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.geometry.align import align
from MedSegDLLib.geometry.boxes import bounding_box
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.geometry.resample import regrid
from MedSegDLLib.io.read import read_image
from MedSegDLLib.metrics.labels import regions_of_labels
from MedSegDLLib.preprocess.foreground import FOREGROUND
from MedSegDLLib.result import MM3_PER_ML
from MedSegDLLib.tasks import Task

from .case import Case
from .preparation import pixel_by_pixel
from .references import read_reference

SAMPLED = 10_000  # foreground voxels a case and input
PERCENTILES = {"p00_5": 0.5, "median": 50.0, "p99_5": 99.5}
Entry = dict[str, Any]


def characteristics(cases: Sequence[Case], task: Task) -> Entry:
    """The data's fingerprint.

    Args:
        cases: with references; those whose spacing was made up are passed over.
        task: says what is foreground.

    Returns:
        {"cases", "spacing_mm": {"median", "least", "greatest"} along the patient's axes (left-right, front-back, up-down),
        "extent_mm": the same for the foreground's box (K, J, I order
        as "size"), "size": median (K, J, I) voxels of that box, "intensity": {input: {"p00_5", "median", "p99_5", "mean", "deviation"}}
        over the labelled foreground, "regions_ml": {region: median}}.

    Raises:
        InputRefused: there are no cases, or a file cannot be read.
    """
    looked_at = [_case(case, task) for case in cases if case.reference is not None and not case.spacing_invented]
    if not looked_at:
        raise InputRefused("There is no labelled case to plan from.", "`medsegdl-train inspect` lists what was found.")
    spacing = np.array([entry["spacing_mm"] for entry in looked_at])
    size = np.array([entry["size"] for entry in looked_at])
    keys = {key for entry in looked_at for key in entry["values"]}
    values = {key: np.concatenate([entry["values"][key] for entry in looked_at if key in entry["values"]]) for key in sorted(keys)}
    return {
        "cases": len(looked_at),
        "spacing_mm": _range(spacing),
        "size": np.median(size, axis=0).astype(int).tolist(),
        "extent_mm": _range(size * spacing[:, ::-1]),
        "intensity": {key: _intensity(found) for key, found in values.items()},
        "regions_ml": {region.key: round(float(np.median([e["regions_ml"][region.key] for e in looked_at])), 3) for region in task.regions},
    }


def _case(case: Case, task: Task) -> Entry:
    aligned = align({key: read_image(path) for key, path in case.inputs.items()}, task)
    images = {key: image for key, image in aligned.volumes.items() if image is not None}
    labels = read_reference(case.reference)
    if task.pictures:
        labels = pixel_by_pixel(labels, case, aligned.grid)
    elif not labels.grid.same_as(aligned.grid):
        labels = regrid(labels, aligned.grid, "nearest")
    foreground = FOREGROUND[task.plan.scale]({key: image.array for key, image in images.items()}, aligned.noisy)
    box = bounding_box(foreground)
    regions = regions_of_labels(labels.array, task, case.reference)
    wanted = np.any([mask > 0 for mask in regions.values()], axis=0)
    voxel_ml = aligned.grid.voxel_volume_mm3 / MM3_PER_ML
    axes = patient_axes(aligned.grid.affine)
    sides = [side.stop - side.start for side in reversed(box)]
    return {
        "spacing_mm": aligned.grid.spacing_mm[axes],
        "size": [sides[axis] for axis in reversed(axes)],
        "values": {key: _sampled(image, wanted) for key, image in images.items()},
        "regions_ml": {key: float(np.count_nonzero(mask) * voxel_ml) for key, mask in regions.items()},
    }


def patient_axes(affine: np.ndarray) -> list[int]:
    """For each of the patient's axes (left-right, front-back, up-down) the image's axis (i, j, k) that runs nearest along it.

    The network's grid lies straight along the patient's axes, however a series was taken: a sagittal one has its slices along i there.
    """
    along = np.abs(affine[:3, :3]) / np.linalg.norm(affine[:3, :3], axis=0)
    return list(max(permutations(range(3)), key=lambda axes: sum(along[row, axis] for row, axis in enumerate(axes))))


def _sampled(image: Image, wanted: np.ndarray) -> np.ndarray:
    """Some of an image's values where the mask is, evenly spread."""
    values = image.array[wanted].reshape(-1)
    return values[:: max(1, len(values) // SAMPLED)].astype(np.float64)


def _range(values: np.ndarray) -> Entry:
    numbers = {"median": np.median(values, axis=0), "least": values.min(axis=0), "greatest": values.max(axis=0)}
    return {key: np.round(value, 4).tolist() for key, value in numbers.items()}


def _intensity(values: np.ndarray) -> Entry:
    if not values.size:
        return {}
    found = {key: float(np.percentile(values, percent)) for key, percent in PERCENTILES.items()}
    return {**found, "mean": float(values.mean()), "deviation": float(values.std())}
