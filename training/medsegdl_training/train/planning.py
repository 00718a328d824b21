"""From a data set's fingerprint to a plan: grid, patch, batch, normalisation, memory. The file is the contract of training and inference.

After nnU-Net (Isensee and others 2021): the patch is as much of the median case as memory allows with two samples a step; where that is
less than a quarter of a case, the grid is made coarser.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from MedSegDLLib.errors import UsageError, counted
from MedSegDLLib.network.inception_unet import PROFILES, Architecture
from MedSegDLLib.network.weights import input_channels
from MedSegDLLib.tasks import Plan, Scale, Task

from .memory import Footprint, footprint

LEAST_BATCH = 2
MOST_BATCH = 16
LEAST_COVERAGE = 0.25  # of the median case by one patch (nnU-Net)
COARSER = 1.05  # a step towards a coarser grid
GIGABYTE = 2**30
WINDOW_STEP_HU = 10.0  # windows are rounded outwards to this
TILE_PATCHES = 8  # a forward pass without gradients takes less than an eighth of a training step's memory
ANISOTROPY = 3.0  # of spacings, from which slices are looked at by themselves (nnU-Net)
NEIGHBOURS = 3  # slices of a sample then: one, and one on each side
Entry = dict[str, Any]


@dataclass(frozen=True)
class Planned:
    """What a plan file says.

    Attributes:
        task, profile: keys.
        plan: the part that inference reads, and the weights' manifest keeps.
        patch: sides of a sample, (K) J I.
        batch: samples a step.
        precision: of the forward pass.
        memory_gb: estimate for a step, without the data.
        fingerprint: see `characteristics`.
    """

    task: str
    profile: str
    plan: Plan
    patch: tuple[int, ...]
    batch: int
    precision: str
    memory_gb: float
    fingerprint: Entry

    def to_json(self) -> Entry:
        """For the plan file."""
        return {
            "task": self.task,
            "profile": self.profile,
            "plan": self.plan.to_json(),
            "patch": list(self.patch),
            "batch": self.batch,
            "precision": self.precision,
            "memory_gb": round(self.memory_gb, 3),
            "fingerprint": self.fingerprint,
        }


def read_plan(path: Path, task: Task) -> Planned:
    """A plan file.

    Raises:
        UsageError: it is none, or one of another task.
    """
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        found = Planned(**{**entry, "plan": Plan.from_json(entry["plan"]), "patch": tuple(entry["patch"])})
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(f"{path} is no plan.", "Make one with `medsegdl-train plan`.") from error
    if found.task != task.key:
        raise UsageError(f"{path.name} is a plan of the task '{found.task}', not '{task.key}'.", "Make one for this task.")
    return found


def architecture_of(profile: str, task: Task, plan: Plan, widths: Sequence[int] = ()) -> Architecture:
    """A profile's network with the channels that a task's inputs, outputs and plan ask for.

    Args:
        profile: its name.
        task: whose inputs and outputs.
        plan: tells how many neighbouring slices.
        widths: filters a level, in place of the profile's.

    Raises:
        UsageError: there is no such profile, or a network needs more levels.
    """
    if profile not in PROFILES:
        raise UsageError(f"There is no network profile '{profile}'.", f"Choose one of {', '.join(PROFILES)}.")
    arch, channels = PROFILES[profile], input_channels(task, plan)
    arch = replace(arch, in_channels=channels, out_channels=len(task.outputs), fusion=arch.fusion and channels == arch.in_channels)
    if not widths:
        return arch
    if len(widths) < 2:
        raise UsageError("A network needs two levels at least.", "Give --widths two or more numbers.")
    return replace(arch, widths=tuple(widths), added_maps=min(arch.added_maps, len(widths) - 1))


def profile_for(fingerprint: Entry, task: Task) -> tuple[str, Plan]:
    """Network profile and plan for what a data set is like: slices with their neighbours where these lie far apart, else volumes.

    Slices are axial in the network's grid: a sagittal or coronal series of thick slices goes to the network of volumes. Pictures have a
    network of their own.
    """
    if task.pictures:
        return "picture", task.plan
    spacing = fingerprint["spacing_mm"]["median"]
    if spacing[2] >= ANISOTROPY * max(spacing[:2]):
        return "slices", replace(task.plan, slices=NEIGHBOURS)
    return "volume", task.plan


def make_plan(fingerprint: Entry, task: Task, profile: str, precision: str, memory_gb: float, spacing_mm: Sequence[float] = ()) -> Planned:
    """Choose grid, patch and batch.

    Args:
        fingerprint: of the data; see `characteristics`.
        task: its plan gives what does not follow from data (scale, slices, threshold, mirroring).
        profile: of the network.
        precision: bfloat16, float16 or float32.
        memory_gb: what a training step may take.
        spacing_mm: a grid that must be kept; none to choose it.

    Raises:
        UsageError: an unknown profile, or not even the smallest patch fits.
    """
    arch = architecture_of(profile, task, task.plan)
    cost = footprint(arch, precision)
    budget = memory_gb * GIGABYTE
    fixed = task.plan.spacing_mm is None or bool(spacing_mm)
    spacing = np.array(spacing_mm or fingerprint["spacing_mm"]["median"], dtype=float)
    extent = np.array(fingerprint["extent_mm"]["median"])
    while True:
        case = np.array(fingerprint["size"]) if task.plan.spacing_mm is None else np.ceil(extent / spacing[::-1])
        patch = largest_patch(case[-arch.spatial_dims :], arch, cost, budget)
        if fixed or coverage(patch, case[-arch.spatial_dims :]) >= LEAST_COVERAGE:
            break
        spacing = np.where(spacing <= spacing.min() * COARSER, spacing * COARSER, spacing)  # the finest axes first
    batch = max(LEAST_BATCH, min(MOST_BATCH, int((budget - cost.fixed) / (cost.per_voxel * math.prod(patch)))))
    plan = replace(
        task.plan,
        spacing_mm=None if task.plan.spacing_mm is None else tuple(round(float(side), 3) for side in spacing),
        window=_window(fingerprint, task),
        tile=_tile(case, patch, arch),
    )
    needed = cost.step_bytes(patch, batch) / GIGABYTE
    return Planned(task.key, profile, plan, patch, batch, precision, needed, fingerprint)


def largest_patch(case: np.ndarray, arch: Architecture, cost: Footprint, budget: float) -> tuple[int, ...]:
    """The median case rounded up to the network's divisor, its side that is longest for its share cut back until two samples fit.

    Raises:
        UsageError: the smallest patch does not fit.
    """
    sides = (np.maximum(np.ceil(case / arch.divisor), 1) * arch.divisor).astype(int)
    while cost.step_bytes(tuple(sides), LEAST_BATCH) > budget:
        longest = int(np.argmax(np.where(sides > arch.divisor, sides / case, 0)))
        if sides[longest] <= arch.divisor:
            needed = cost.step_bytes(tuple(sides), LEAST_BATCH) / GIGABYTE
            raise UsageError(
                f"Not even the smallest patch fits: it takes {needed:.2f} GB.", "Give more --memory-gb, or a smaller --profile."
            )
        sides[longest] -= arch.divisor
    return tuple(int(side) for side in sides)


def coverage(patch: Sequence[int], case: np.ndarray) -> float:
    """Share of a case that one patch covers."""
    return float(np.prod(np.minimum(patch, case) / case))


def _window(fingerprint: Entry, task: Task) -> tuple[float, float]:
    """The 0.5th to 99.5th percentile of the labelled foreground, rounded outwards, where the task clips to a window."""
    if task.plan.scale is not Scale.WINDOW:
        return task.plan.window
    found = [entry for entry in fingerprint["intensity"].values() if entry]
    if not found:
        return task.plan.window
    low, high = min(entry["p00_5"] for entry in found), max(entry["p99_5"] for entry in found)
    return math.floor(low / WINDOW_STEP_HU) * WINDOW_STEP_HU, math.ceil(high / WINDOW_STEP_HU) * WINDOW_STEP_HU


def _tile(case: np.ndarray, patch: tuple[int, ...], arch: Architecture) -> tuple[int, int, int]:
    """What inference takes at once: the whole median case if it is no more than so many patches, else a patch."""
    whole = (np.ceil(case[-arch.spatial_dims :] / arch.divisor) * arch.divisor).astype(int)
    sides = whole if np.prod(whole) <= TILE_PATCHES * np.prod(patch) else np.array(patch)
    return (*(1,) * (3 - arch.spatial_dims), *(int(side) for side in sides))


def format_plan(planned: Planned) -> str:
    """For a terminal."""
    spacing, found = planned.plan.spacing_mm, planned.fingerprint
    case = " x ".join(map(str, found["size"]))
    grid = "the picture's own grid" if spacing is None else f"a grid of {' x '.join(f'{side:g}' for side in spacing)} mm"
    median = "" if spacing is None else f" at {' x '.join(f'{side:g}' for side in found['spacing_mm']['median'])} mm"
    return "\n".join(
        [
            f"{counted(found['cases'], 'case')}, median {case} voxels (K, J, I){median}",
            f"{planned.task}: network {planned.profile}, {grid}, patch {' x '.join(map(str, planned.patch))}, batch {planned.batch},"
            f" {planned.precision}",
            f"normalisation {planned.plan.scale.value}"
            + (f", window {planned.plan.window[0]:g} to {planned.plan.window[1]:g} HU" if planned.plan.scale is Scale.WINDOW else ""),
            f"a training step takes about {planned.memory_gb:.2f} GB",
        ]
    )
