"""Imported networks from volumes on one grid to masks, each kind of plan by the way of its origin. A new kind is one entry of
`ORIGINS`."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..checks.findings import Finding, FindingCode, Severity
from ..checks.intensities import in_hounsfield_units, sampled
from ..errors import InputRefused
from ..geometry.align import Aligned
from ..geometry.image import Grid, Image
from ..network.deepbet_plan import DeepbetPlan
from ..network.monai_plan import MonaiPlan
from ..network.nnunet_plan import NnunetPlan
from ..network.tiles import Tiling, all_flips, finished_planes, monai_steps, monai_weight, nnunet_steps, nnunet_weight
from ..preprocess.brain_mask import brain_of
from ..preprocess.deepbet import deepbet_probability
from ..preprocess.monai import back, monai_input
from ..preprocess.nnunet import NnunetInput, nnunet_input
from ..preprocess.resize import resizer
from ..progress import Progress, quiet
from ..result import Result
from ..tasks import Task
from .label_map import largest, largest_parts, on_grid, over_half, painted
from .restore import entropy

PREPARED = 0.1  # of the time until the network starts
AIR_HU = -1000.0
SHOWN = 5  # names in one sentence
ForeignPlan = NnunetPlan | MonaiPlan | DeepbetPlan


@dataclass
class Case:
    """What an imported network works on, and how.

    Attributes:
        arrays: one an input, (K, J, I) on `grid`; a picture's colours one each.
        grid: of all of them.
        networks: one a fold, on the CPU.
        device: where to work.
        mirrored: whether the origin's mirrored tiles count too.
        entropy: whether to fill in `uncertainty`.
        progress: called with (fraction 0..1, message).
        seconds: of the phases, filled in.
        uncertainty: (K, J, I) float32, filled in: see `Result.uncertainty`.
    """

    arrays: Sequence[np.ndarray]
    grid: Grid
    networks: Sequence[nn.Module]
    device: torch.device = torch.device("cpu")
    mirrored: bool = True
    entropy: bool = False
    progress: Progress = quiet
    seconds: dict[str, float] = field(default_factory=dict)
    uncertainty: np.ndarray | None = None


def nnunet_masks(case: Case, plan: NnunetPlan) -> list[np.ndarray]:
    """Masks of the plan's regions, (K, J, I) uint8 each."""
    labels = nnunet_labels(case, plan)
    return [_of_values(labels, values) for values in plan.regions]


def nnunet_labels(case: Case, plan: NnunetPlan) -> np.ndarray:
    """nnU-Net's own label map: (K, J, I) uint8, or uint16 where a label exceeds 255."""
    started = time.perf_counter()
    case.progress(0.0, "Preparing")
    ready = nnunet_input(case.arrays, case.grid, plan, case.device)
    case.seconds["prepare"] = time.perf_counter() - started
    highest = max(plan.values)
    labels = np.zeros(case.grid.shape, dtype=np.uint8 if highest < 256 else np.uint16)
    frame, network_shape = ready.frame, tuple(ready.x.shape[1:])
    spacings = (plan.network_spacing(frame.spacing_mm), frame.spacing_mm)
    way = resizer(plan.logits, network_shape, frame.shape, spacings)
    decide = (painted if plan.paints else largest)(plan.values)
    started = time.perf_counter()
    if case.entropy:
        case.uncertainty = np.zeros(case.grid.shape, dtype=np.float32)
    for number, outputs in on_grid(_timed(nnunet_planes(case, plan, ready), case.seconds), way, frame.shape):
        frame.view(labels)[number] = decide(outputs).cpu().numpy()
        if case.uncertainty is not None:
            frame.view(case.uncertainty)[number] = _entropy(outputs, plan).cpu().numpy()
    case.seconds["restore"] = time.perf_counter() - started - case.seconds["network"]
    return labels


def _entropy(outputs: Tensor, plan: NnunetPlan) -> Tensor:
    """Mean over the regions of the binary entropy in bits: (R, ...) -> (...)."""
    if plan.paints:
        p = torch.sigmoid(outputs)
    else:
        shares = torch.softmax(outputs, dim=0)
        p = torch.stack([sum(shares[plan.values.index(value)] for value in values) for values in plan.regions])
    return _bits(p)


def _bits(p: Tensor) -> Tensor:
    """Mean over the first axis of the binary entropy of probabilities."""
    p = p.clamp(1e-6, 1 - 1e-6)
    return -(p * torch.log2(p) + (1 - p) * torch.log2(1 - p)).mean(dim=0)


def nnunet_planes(case: Case, plan: NnunetPlan, ready: NnunetInput) -> Iterator[tuple[int, Tensor]]:
    """The networks' mean outputs on their own grid, plane by plane (see `finished_planes`)."""
    flips = all_flips(plan.mirror) if case.mirrored else ((),)
    tiling = Tiling(plan.tile, nnunet_steps(plan.step), nnunet_weight(plan.tile), flips)
    return _planes(case, tiling, ready)


def _planes(case: Case, tiling: Tiling, ready: NnunetInput) -> Iterator[tuple[int, Tensor]]:
    networks = [network.to(case.device) for network in case.networks]

    def progress(fraction: float, message: str) -> None:
        case.progress(PREPARED + fraction * (1 - PREPARED), message)

    return finished_planes(networks, ready.x, tiling, progress)


def _timed(planes: Iterator[tuple[int, Tensor]], seconds: dict[str, float]) -> Iterator[tuple[int, Tensor]]:
    """The same, with the time that making them takes."""
    seconds["network"] = 0.0
    while True:
        started = time.perf_counter()
        found = next(planes, None)
        seconds["network"] += time.perf_counter() - started
        if found is None:
            return
        yield found


def _of_values(labels: np.ndarray, values: tuple[int, ...]) -> np.ndarray:
    if len(values) == 1:
        return (labels == values[0]).view(np.uint8)
    table = np.zeros(int(np.iinfo(labels.dtype).max) + 1, dtype=np.uint8)
    table[[value for value in values if value < table.size]] = 1
    return table[labels]


def monai_masks(case: Case, plan: MonaiPlan) -> list[np.ndarray]:
    """Masks of the plan's regions, (K, J, I) uint8 each: probabilities are brought to the image's grid, then decided."""
    started = time.perf_counter()
    case.progress(0.0, "Preparing")
    ready = monai_input(case.arrays, case.grid, plan, case.device)
    case.seconds["prepare"] = time.perf_counter() - started
    masks = [np.zeros(case.grid.shape, dtype=np.uint8) for _ in plan.regions]
    views = [ready.frame.view(mask) for mask in masks]
    if case.entropy:
        case.uncertainty = np.zeros(case.grid.shape, dtype=np.float32)
    activate = partial(torch.softmax, dim=0) if plan.softmax else torch.sigmoid
    decide = largest(tuple(range(plan.outputs))) if plan.softmax else over_half
    started = time.perf_counter()
    planes = _timed(((number, activate(part)) for number, part in monai_planes(case, plan, ready)), case.seconds)
    count, *sides = views[0].shape  # of the image; a box may end beyond it
    for number, p in on_grid(planes, back(plan, ready.frame, case.grid), ready.frame.shape):
        if number >= count:
            continue
        p = p[:, : sides[0], : sides[1]]
        found = decide(p).cpu().numpy()
        for view, outputs in zip(views, plan.regions):
            view[number] = np.isin(found, outputs) if plan.softmax else found[outputs[0]]
        if case.uncertainty is not None:
            shares = torch.stack([sum(p[output] for output in outputs) for outputs in plan.regions])
            ready.frame.view(case.uncertainty)[number] = _bits(shares).cpu().numpy()
    masks = masks if plan.parts is None else [largest_parts(mask, plan.parts) for mask in masks]
    case.seconds["restore"] = time.perf_counter() - started - case.seconds["network"]
    return masks


def monai_planes(case: Case, plan: MonaiPlan, ready: NnunetInput) -> Iterator[tuple[int, Tensor]]:
    """The network's outputs on its own grid, plane by plane of the first axis (see `finished_planes`)."""
    tiling = Tiling(plan.tile, monai_steps(plan.overlap), monai_weight(plan.tile, plan.gaussian))
    return _planes(case, tiling, ready)


def deepbet_masks(case: Case, plan: DeepbetPlan) -> list[np.ndarray]:
    """The mask of the brain, (K, J, I) uint8: its largest connected part with what it encloses."""
    started = time.perf_counter()
    probability, part = deepbet_probability(case.arrays[0], case.grid, case.networks, plan, case.device, case.progress)
    case.seconds["network"] = time.perf_counter() - started
    if case.entropy:
        case.uncertainty = entropy(probability[None], part, case.grid)
    return [brain_of(probability, part, case.grid, plan.threshold)]


def channels_of(volumes: Iterable[Image | None], wanted: int) -> list[np.ndarray]:
    """The channels of the network's input: a volume is one, a picture in colours one each. Raises InputRefused where there are others."""
    arrays = [image.array for image in volumes if image is not None]
    found = [channel for array in arrays for channel in ([array] if array.ndim == 3 else np.moveaxis(array, -1, 0))]
    if len(found) != wanted:
        message = f"The picture has {len(found)} value{'s' if len(found) > 1 else ''} a pixel, and this network takes {wanted}."
        raise InputRefused(message, "Save it with as many colours as the pictures that the network was trained with.")
    return found


def refuse_missing(images: Collection[str], task: Task) -> None:
    """Raises InputRefused: imported networks were trained with all their inputs and know nothing of missing ones."""
    missing = [entry.title for entry in task.inputs if entry.key not in images]
    if missing:
        raise InputRefused(f"{missing[0]} is missing: this network needs all of its inputs.", f"Give {' and '.join(missing)} too.")


def nothing_of(task: Task, plan: ForeignPlan) -> dict[str, float]:
    """Input key -> what lies outside of an image that is brought to another's grid: air where the network wants Hounsfield units."""
    return {entry.key: AIR_HU for entry, ct in zip(task.inputs, plan.in_hounsfield) if ct}


def doubts(aligned: Aligned, result: Result, plan: ForeignPlan) -> list[Finding]:
    """What is to be said of an imported network's run: inputs that it may not have been trained for, and an empty result."""
    stored = [] if result.task.pictures else _as_stored(aligned, plan)
    return [*_not_hounsfield(aligned, plan), *stored, *_nothing_found(result)]


def _not_hounsfield(aligned: Aligned, plan: ForeignPlan) -> Iterator[Finding]:
    for (key, image), ct in zip(aligned.volumes.items(), plan.in_hounsfield):
        if ct and image is not None and not in_hounsfield_units(sampled(image.array)):
            says = f"{image.name or key} does not look like a CT in Hounsfield units, which this network was trained with."
            remedy = "Make sure that it is the right image; a CT that was cropped to the body looks like this too."
            yield Finding(Severity.WARNING, FindingCode.NOT_HOUNSFIELD, key, says, remedy)


def _as_stored(aligned: Aligned, plan: ForeignPlan) -> Iterator[Finding]:
    """nnU-Net's usual readers take the axes as a file stores them, so a network knows those of its training files only."""
    if not plan.orientation:
        says = (
            f"The image is stored along {aligned.grid.orientation}, and the network takes its axes as they are stored, as its origin does."
        )
        remedy = "If its training images were stored otherwise, import it with --orientation."
        yield Finding(Severity.NOTE, FindingCode.HEADER, aligned.reference, says, remedy)


def _nothing_found(result: Result) -> Iterator[Finding]:
    empty = [segment.region.title for segment in result.segments if not segment.voxel_count]
    if empty:
        severity = Severity.WARNING if len(empty) == len(result.segments) else Severity.NOTE
        names = ", ".join(empty[:SHOWN]) + (f" and {len(empty) - SHOWN} more" if len(empty) > SHOWN else "")
        yield Finding(severity, FindingCode.NOTHING_FOUND, "", f"Nothing was found of {names}.", "There may be none in the image.")


Masks = Callable[[Case, Any], list[np.ndarray]]
ORIGINS: dict[str, Masks] = {NnunetPlan.kind: nnunet_masks, MonaiPlan.kind: monai_masks, DeepbetPlan.kind: deepbet_masks}
