"""How much memory a run will take, estimated from its grids before anything large is made. The one place that adds it all up.

One function a phase of `pipeline.segment`; whoever changes what a phase holds changes its function too. `make bench` holds the sum
against what runs really take. Only the memory of this process counts: a GPU's own is the strategies' business (`predict`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from .checks.findings import Finding, FindingCode, Severity
from .geometry.align import reference_of
from .geometry.boxes import bounding_box
from .geometry.image import Image
from .network.deepbet_plan import DeepbetPlan
from .network.device import available_memory_bytes, resident_memory_mb
from .network.sliding_window import estimate_bytes, kept_bytes, strategies
from .network.weights import Weights
from .options import OFF, Options
from .preprocess.foreground import FOREGROUND
from .preprocess.normalise import network_grid, picture_grid
from .tasks import Plan, Scale, Task

MIB = 1 << 20
ROUGH_STEP = 4  # every fourth voxel is enough to find the foreground's box
LIBRARIES_BYTES = 32 * MIB  # code and buffers that come in with the first run
MASK, FLOAT, LABEL = 1, 4, 4  # bytes a voxel: truth values and masks, float32, SimpleITK's labels of connected parts
ZSCORED_FLOATS = 5  # of a channel's box at once while it is normalised
PICTURE_FLOATS = 4  # the same for a picture, all channels
MAPS_AT_ONCE, ASSUMED_FEATURES = 6, 32  # of a U-Net at its finest level, with oneDNN's copies
REGION_SHARE = 1 / 3  # of the foreground's box that the largest region's takes: 0.27 for a liver, less for a tumour


@dataclass(frozen=True)
class Ahead:
    """How many images the steps before the network will work on.

    Attributes:
        biased: those whose bias field is corrected.
        extracted: those in which the brain is looked for.
        looking_bytes: that the network which looks for it takes of this process's memory.
    """

    biased: int
    extracted: int = 0
    looking_bytes: int = 0


@dataclass(frozen=True)
class Extents:
    """The numbers of voxels that memory follows from.

    Attributes:
        whole: of the reference's grid.
        box: of the foreground's box on it.
        network: (K, J, I) of the network's grid.
        inputs: images given.
        resampled: those of them that lie on other grids.
        biased: those of them whose bias field is corrected.
    """

    whole: int
    box: int
    network: tuple[int, int, int]
    inputs: int
    resampled: int
    biased: int


@dataclass(frozen=True)
class Forecast:
    """What a run will hold.

    Attributes:
        held_mb: what the process holds now, MiB; None where nobody tells (not Linux).
        added_mb: phase -> what it will hold besides at that phase's peak, MiB.
    """

    held_mb: float | None
    added_mb: dict[str, float]

    @property
    def most_mb(self) -> float:
        """What has to come free for the run, MiB."""
        return max(self.added_mb.values())

    @property
    def peak_mb(self) -> float | None:
        """The process's peak, MiB."""
        return None if self.held_mb is None else round(self.held_mb + self.most_mb, 1)

    def entry(self) -> dict:
        """For the run record."""
        phases = {} if self.held_mb is None else {name: round(self.held_mb + mb, 1) for name, mb in self.added_mb.items()}
        return {"expected_memory_mb": self.peak_mb, "expected_memory_by_phase_mb": phases}


def estimate_memory(
    images: dict[str, Image], task: Task, weights: Weights, options: Options, ahead: Ahead, device: torch.device
) -> Forecast:
    """The memory of a whole run, within 25 % (`make bench`), in some milliseconds.

    Args:
        images: as `segment` gets them, checked.
        ahead: what will be done with them before the network.
        device: where the network will run.

    Raises:
        OutOfMemory: the network fits by no strategy.
    """
    if not isinstance(weights.plan, Plan):
        return _imported(images, task, weights, device)
    found = extents(images, task, weights, ahead.biased)
    arch = weights.network.arch
    strategy = strategies(arch, found.network, device, options.strategies_left_out)[0]
    forward = 0
    if strategy.device.type == "cpu":
        forward = kept_bytes(arch, found.network) + estimate_bytes(arch, found.network, strategy.how)
    mapped = sum(image.array.nbytes for image in images.values() if isinstance(image.array, np.memmap))
    kept = LIBRARIES_BYTES + mapped
    added = {}
    for name, (holds, keeps) in {
        "register": _register(found, options),
        "align": _align(found),
        "brain extraction": _brain_extraction(found, ahead),
        "bias correction": _bias_correction(found, options),
        "prepare": _prepare(found, weights),
        "network": (forward, FLOAT * arch.out_channels * math.prod(found.network)),
        "restore": _restore(found, task, weights.plan.follow_edges),
        "uncertainty": _uncertainty(found, task, options),
    }.items():
        if holds:
            added[name] = (kept + holds) / MIB
        kept += keeps
    return Forecast(resident_memory_mb(), added)


def _imported(images: dict[str, Image], task: Task, weights: Weights, device: torch.device) -> Forecast:
    """An imported network: the tensor of all inputs, one tile on its way, the sums of a tile's depth; then labels and masks.

    The image counts as not cropped.
    """
    plan, arguments = weights.plan, weights.manifest["architecture"]["arguments"]
    grid = images[reference_of(images, task)].grid
    whole, spacing = math.prod(grid.shape), tuple(float(side) for side in grid.spacing_mm[::-1])
    network = plan.network_shape(grid.shape, spacing)
    resampled = FLOAT * whole * (len(images) - sum(image.grid.same_as(grid) for image in images.values()))
    x = FLOAT * arguments["in_channels"] * math.prod(network)
    depth = plan.tile[0] if len(plan.tile) == 3 else 1
    sums = FLOAT * (arguments["out_channels"] + 1) * depth * math.prod(network[1:])
    maps = MAPS_AT_ONCE * int(arguments.get("features", (ASSUMED_FEATURES,))[0])
    forward = plan.pass_bytes if isinstance(plan, DeepbetPlan) else FLOAT * maps * math.prod(plan.tile)
    on_cpu = device.type == "cpu"
    masks = MASK * whole * (len(task.regions) + 2)
    kept = LIBRARIES_BYTES + resampled
    added = {"prepare": kept + 2 * x, "network": kept + masks + (x + sums + forward if on_cpu else 0), "restore": kept + masks}
    return Forecast(resident_memory_mb(), {name: needed / MIB for name, needed in added.items()})


def extents(images: dict[str, Image], task: Task, weights: Weights, biased: int) -> Extents:
    """Sizes of a run; the foreground is looked for on every fourth voxel of the images that need no resampling."""
    grid = images[reference_of(images, task)].grid
    ready = {key: image for key, image in images.items() if image.grid.same_as(grid)}
    steps = tuple(ROUGH_STEP if n > ROUGH_STEP else 1 for n in grid.shape)
    rough = {key: image.array[tuple(slice(None, None, step) for step in steps)] for key, image in ready.items()}
    coarse = bounding_box(FOREGROUND[weights.plan.scale](rough))
    box = tuple(slice(s.start * step, min(s.stop * step, n)) for s, step, n in zip(coarse, steps, grid.shape))
    network = picture_grid(grid, weights.plan) if task.pictures else network_grid(grid.cropped(box), weights.plan)
    voxels = math.prod(s.stop - s.start for s in box)
    return Extents(math.prod(grid.shape), voxels, network.shape, len(images), len(images) - len(ready), biased)


def _register(found: Extents, options: Options) -> tuple[int, int]:
    """One image at a time is averaged to a coarse grid, over a copy of its voxels."""
    return (0 if options.registration == OFF else FLOAT * found.whole if found.inputs > 1 else 0), 0


def _brain_extraction(found: Extents, ahead: Ahead) -> tuple[int, int]:
    """The network and its answer on the reference's grid; then the mask with its parts' labels, and inputs without what lies outside it:
    copies, also of those that needed no resampling."""
    if not ahead.extracted:
        return 0, 0
    copies, mask = FLOAT * found.whole * found.inputs, MASK * found.whole
    looking = ahead.looking_bytes + (3 * FLOAT + 2 * MASK) * found.whole
    return max(looking, copies + (LABEL + 2 * MASK) * found.whole), mask + copies - FLOAT * found.whole * found.resampled


def _align(found: Extents) -> tuple[int, int]:
    """Bytes at the phase's peak, and those it leaves: resampled inputs, one twice and its share of tissue beside it, and the foreground,
    which is made with one temporary."""
    resampled = FLOAT * found.whole * found.resampled
    share = 2 * FLOAT * found.whole if found.resampled else 0
    return resampled + max(share + MASK * found.whole, 2 * MASK * found.whole), resampled + MASK * found.whole


def _bias_correction(found: Extents, options: Options) -> tuple[int, int]:
    """Stacked and corrected volumes; the corrected ones stay, and the fields if they are asked for."""
    corrected = FLOAT * found.whole * found.biased
    fields = corrected if options.keep_bias_field else 0
    return 2 * corrected + fields, corrected + fields


def _prepare(found: Extents, weights: Weights) -> tuple[int, int]:
    """The network's tensor, and the box of one channel on its way; a window is applied to a few slices at a time."""
    x = FLOAT * weights.network.arch.in_channels // weights.plan.slices * math.prod(found.network)
    way = {Scale.ZSCORE: ZSCORED_FLOATS * FLOAT * found.box, Scale.WINDOW: 0, Scale.PERCENTILE: PICTURE_FLOATS * x}
    return x + way[weights.plan.scale], x


def _restore(found: Extents, task: Task, follow_edges: bool) -> tuple[int, int]:
    """All masks, and the largest region's connected parts, its box's copy, what is left of it, and the bins of its intensities."""
    masks = MASK * found.whole * len(task.regions)
    region = int(REGION_SHARE * found.box) * (LABEL + 2 * MASK + MASK * follow_edges)
    return masks + region, masks


def _uncertainty(found: Extents, task: Task, options: Options) -> tuple[int, int]:
    """The entropy on the network's grid (with its terms) and twice on the reference's."""
    if not options.uncertainty:
        return 0, 0
    return FLOAT * (4 * len(task.regions) * math.prod(found.network) + 2 * found.whole), FLOAT * found.whole


def scarcity(forecast: Forecast) -> list[Finding]:
    """A warning if the run is expected to need more than is free; the network's strategy has been chosen by then."""
    free_mb = available_memory_bytes(torch.device("cpu")) / MIB
    if forecast.most_mb <= free_mb:
        return []
    needed, free = (f"{mb / 1024:.1f} GiB" for mb in (forecast.most_mb, free_mb))
    says = f"About {needed} of memory are needed, and {free} are free: the run may be slow or end."
    remedy = "Close other programs, or crop the images to the region of interest."
    return [Finding(Severity.WARNING, FindingCode.MEMORY, "", says, remedy)]
