"""`segment`: the whole way on one screen. Images in, a Result out; nothing here reads files or knows who calls.

The plan of the weights decides how: our own networks give probabilities of regions (`_by_probabilities`), imported ones go the way of
their origin (`_as_the_origin`).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from .checks.inputs import Finding, FindingCode, Severity, check
from .errors import InputRefused, UsageError, memory_explained
from .geometry.align import Aligned, align
from .geometry.boxes import voxels_of, whole_of
from .geometry.image import Image
from .geometry.resample import resample
from .memory import Ahead, estimate_memory, scarcity
from .network.deepbet_plan import DeepbetPlan
from .network.device import choose_device, package_versions, peak_memory_mb, release_memory
from .network.sliding_window import Strategy, predict, strategies
from .network.weights import Weights, find_weights, load_weights
from .options import MASK_KEY, Options
from .postprocess.calibration import reliabilities
from .postprocess.confidence import probabilities_within
from .postprocess.imported import ORIGINS, Case, channels_of, doubts, nothing_of, refuse_missing
from .postprocess.instances import split_instances
from .postprocess.plausibility import Outcome, implausible, left_out
from .postprocess.restore import Known, entropy, restore
from .preprocess.brain_mask import Stripped, brain_mask, given_mask, skull_stays, strip, with_skull
from .preprocess.foreground import FOREGROUND
from .preprocess.n4 import N4Options, correct_bias
from .preprocess.normalise import Prepared, prepare
from .preprocess.onto_reference import onto_reference
from .progress import Progress, quiet, span
from .record import Stopwatch, input_entry, without_names
from .result import Result, segments_on
from .tasks import BRAIN_MASK, Plan, Task, manifest_path


@memory_explained()
def segment(images: dict[str, Image], task: Task, options: Options = Options(), progress: Progress = quiet) -> Result:
    """Segment the regions of a task.

    Args:
        images: input key of the task -> Image; missing ones are left out. `MASK_KEY` -> a brain mask, which takes extraction's place.
        task: an entry of `TASKS`.
        options: see `Options`.
        progress: called with (fraction 0..1, message); may raise `Cancelled`, which ends the run.

    Returns:
        masks on the reference's own grid, volumes and the run record.

    Raises:
        UsageError, InputRefused, WeightsError, OutOfMemory, Cancelled: see `errors`.
    """
    watch = Stopwatch()
    with watch.phase("check"):
        progress(0.0, "Checking the input")
        images = sized(images, task, options)
        findings = skull_stays(checked(images, task), options.brain_extraction)
        given, images = images, {key: image for key, image in images.items() if key != MASK_KEY}
    with watch.phase("load"):
        progress(0.02, "Loading the weights")
        release_memory()  # that an earlier case left behind
        device = choose_device(options.device)
        weights = load_once(find_weights(task, options.weights), task)
        forecast = estimate_memory(images, task, weights, options, ahead_of(given, task, options, findings, device), device)
        findings += scarcity(forecast)
    with watch.phase("register"):
        registered = onto_reference(images, task, options.registration, span(progress, 0.02, 0.05))
    way = Way(options, findings + registered.findings, device, watch, progress, given.get(MASK_KEY))
    found = (_by_probabilities if isinstance(weights.plan, Plan) else _as_the_origin)(registered.images, task, weights, way)
    with watch.phase("record"):
        found.result.record = record(found, given, way, weights) | forecast.entry() | registered.entry()
        found.result.record["own_probability"] = found.own_probability
    found.result.record["seconds"] = watch.seconds
    progress(1.0, "Done")
    return found.result


@dataclass(frozen=True)
class Found:
    """What a network found.

    Attributes:
        result: without its record.
        findings: those of the input check, and about the result.
        strategy: how the network went over the image, for the record.
        device: where.
        own_probability: the network's, and what the manifest knows of its worth; see `probabilities_within`. Empty of imported networks and
            of pictures.
    """

    result: Result
    findings: list[Finding]
    strategy: str
    device: torch.device
    own_probability: dict[str, dict] = field(default_factory=dict)


def _by_probabilities(images: dict[str, Image], task: Task, weights: Weights, way: Way) -> Found:
    """One of our own networks."""
    options, watch, progress = way.options, way.watch, way.progress
    ready = network_input(images, task, weights.plan, way)
    with watch.phase("network"):
        shape = tuple(ready.prepared.x.shape[1:])
        tried = strategies(weights.network.arch, shape, way.device, options.strategies_left_out)
        accurate = options.mode == "accurate"
        probabilities, strategy = found_in(ready.prepared, weights, tried, accurate, span(progress, 0.42, 0.9))
    with watch.phase("restore"):
        progress(0.9, "Restoring the regions")
        plan = plan_for(weights.plan, way.findings)
        result = restored(probabilities, ready, task, plan)
        peaks = {region.key: float(one.max()) for region, one in zip(task.regions, probabilities)}
        findings = [
            *way.findings,
            *ready.stripped.findings,
            *thresholds_told(weights.plan, plan),
            *implausible(Outcome(result, ready.foreground, peaks, plan, images.keys())),
        ]
    if options.uncertainty:
        with watch.phase("uncertainty"):
            result.uncertainty = entropy(probabilities[: len(task.regions)], ready.prepared.grid, ready.aligned.grid)
    if options.keep_bias_field:
        result.bias_fields = ready.log_fields
    with watch.phase("own probability"):
        curves = reliabilities(weights.manifest, task)
        own = {} if task.pictures else probabilities_within(probabilities, ready.prepared.grid, result, curves)
    return Found(result, findings, strategy.name, strategy.device, own)


def _as_the_origin(images: dict[str, Image], task: Task, weights: Weights, way: Way) -> Found:
    """An imported network, each step as where it comes from."""
    refuse_missing(images, task)
    device = torch.device("cpu") if way.options.strategies_left_out else way.device  # where a GPU's memory was not enough before
    with way.watch.phase("align"):
        way.progress(0.05, "Bringing the images to one grid")
        aligned = align(images, task, str(device), nothing_of(task, weights.plan))
    stripped = without_skull(images, aligned, task, way)
    aligned = stripped.aligned
    case = Case(
        arrays=channels_of(aligned.volumes.values(), weights.plan.sizes[0]),
        grid=aligned.grid,
        networks=tuple(weights.network),
        device=device,
        mirrored=way.options.mode != "fast",
        entropy=way.options.uncertainty,
        progress=span(way.progress, 0.1, 0.95),
    )
    masks = dict(zip((region.key for region in task.regions), ORIGINS[weights.plan.kind](case, weights.plan)))
    way.watch.seconds |= {phase: round(seconds, 4) for phase, seconds in case.seconds.items()}
    result = Result(task, aligned.grid, aligned.reference, segments_on(aligned.grid, task, masks), uncertainty=case.uncertainty)
    result.brain_mask = stripped.segment
    findings = [*way.findings, *stripped.findings, *doubts(aligned, result, weights.plan)]
    return Found(result, findings, f"tile by tile on {device}", device)


def sized(images: dict[str, Image], task: Task, options: Options) -> dict[str, Image]:
    """The pictures with the pixels that the options tell; raises UsageError where the task has none."""
    if options.pixel_size_um is None:
        return images
    if not task.pictures:
        raise UsageError(f"A pixel size is for pictures, not for {task.title}.", "Leave --pixel-size out: a volume tells its own.")
    told = {}
    for key, image in images.items():
        affine = image.affine.copy()
        affine[:3, :2] *= options.pixel_size_um / 1000 / image.grid.spacing_mm[:2]
        told[key] = replace(image, affine=affine)
    return told


@dataclass(frozen=True)
class Way:
    """How the images of one run go to the network.

    Attributes:
        options: see `Options`.
        findings: of the input check; those that tell z-scored inputs count.
        device: where the arithmetic is done.
        watch: gets the seconds of each phase.
        progress: called with (fraction 0..1 of the whole run, message).
        brain_mask: the user's own, on any grid.
    """

    options: Options = Options()
    findings: Sequence[Finding] = ()
    device: torch.device = torch.device("cpu")
    watch: Stopwatch = field(default_factory=Stopwatch)
    progress: Progress = quiet
    brain_mask: Image | None = None


@dataclass(frozen=True)
class NetworkInput:
    """What the network gets, and what lay on the way.

    Attributes:
        aligned: the inputs on the reference's grid, without their bias fields.
        foreground: (K, J, I) bool on that grid.
        log_fields: input key -> (K, J, I) log field, where `Options.keep_bias_field` asks for them.
        prepared: the network's tensor and its grid.
        stripped: what was taken away around the brain.
    """

    aligned: Aligned
    foreground: np.ndarray
    log_fields: dict[str, np.ndarray]
    prepared: Prepared
    stripped: Stripped


def network_input(images: dict[str, Image], task: Task, plan: Plan, way: Way = Way()) -> NetworkInput:
    """Images as read -> the tensor that the network sees: one grid, foreground, bias fields, normalisation, the network's grid.

    Training makes its samples of this very tensor, so that a network sees at work what it saw in training.

    Args:
        images: input key of the task -> Image, checked.
        task: what they are for.
        plan: of the weights.
        way: options and findings of the run.
    """
    watch, progress = way.watch, way.progress
    with watch.phase("align"):
        progress(0.05, "Bringing the images to one grid")
        aligned = align(images, task, str(way.device))
    stripped = without_skull(images, aligned, task, way)
    with watch.phase("align"):
        aligned = stripped.aligned
        foreground = FOREGROUND[plan.scale](_arrays(aligned), aligned.noisy) if stripped.mask is None else stripped.mask > 0
    with watch.phase("bias correction"):
        aligned, fields = corrected(aligned, task, foreground, way, span(progress, 0.12, 0.4))
    with watch.phase("prepare"):
        progress(0.4, "Preparing")
        prepared = prepare(aligned.volumes, foreground, plan, way.device)
    return NetworkInput(aligned, foreground, fields, prepared, stripped)


def without_skull(images: dict[str, Image], aligned: Aligned, task: Task, way: Way) -> Stripped:
    """The inputs without what is no brain: by the user's mask, or by one that a network finds where the skull is there and not wanted."""
    keys = with_skull(way.findings, task, way.options.brain_extraction, images)
    if way.brain_mask is None and not keys:
        return Stripped(aligned)
    with way.watch.phase("brain extraction"):
        if way.brain_mask is not None:
            return strip(aligned, given_mask(way.brain_mask, aligned.grid))
        weights = load_once(find_weights(BRAIN_MASK), BRAIN_MASK)
        ordered = {key: images[key] for key in sorted(keys, key=task.reference_order.index)}
        return strip(aligned, brain_mask(ordered, aligned.grid, weights, way.device, span(way.progress, 0.06, 0.12)))


def checked(images: dict[str, Image], task: Task) -> list[Finding]:
    """Findings of the input check; raises InputRefused with the first error's sentence."""
    findings = check(images, task)
    for finding in findings:
        if finding.severity is Severity.ERROR:
            raise InputRefused(finding.message, finding.remedy)
    return findings


@functools.lru_cache(maxsize=4)
def _load(path: Path, changed: tuple[int, ...], task: Task) -> Weights:
    return load_weights(path, task)


def load_once(path: Path, task: Task) -> Weights:
    """Weights from memory if this process has loaded this very file and its manifest before: a warm worker pays once."""
    changed = tuple(file.stat().st_mtime_ns for file in (path, manifest_path(path)) if file.exists())
    return _load(path, changed, task)


def _arrays(aligned: Aligned) -> dict[str, np.ndarray]:
    return {key: image.array for key, image in aligned.volumes.items() if image is not None}


def biased_inputs(images: dict[str, Image], task: Task, options: Options, findings: Sequence[Finding]) -> list[str]:
    """Keys of the inputs whose bias field is to be corrected: none where the task or the user leaves it, none that is z-scored."""
    if not (task.bias_correction and options.bias_correction):
        return []
    normalised = {finding.input for finding in findings if finding.code is FindingCode.ZSCORED}
    return [key for key in images if key not in normalised]


def ahead_of(given: dict[str, Image], task: Task, options: Options, findings: Sequence[Finding], device: torch.device) -> Ahead:
    """How many images N4 and brain extraction will work on; a mask of the user's counts as one that is found."""
    images = {key: image for key, image in given.items() if key != MASK_KEY}
    extracted = len(with_skull(findings, task, options.brain_extraction, images)) or int(MASK_KEY in given)
    looking = _looking_bytes(device) if extracted and MASK_KEY not in given else 0
    return Ahead(len(biased_inputs(images, task, options, findings)), extracted, looking)


def _looking_bytes(device: torch.device) -> int:
    """Memory of this process that the brain mask's network takes; our own is too small to count, a GPU has its own."""
    if device.type != "cpu":
        return 0
    plan = load_once(find_weights(BRAIN_MASK), BRAIN_MASK).plan
    return plan.pass_bytes if isinstance(plan, DeepbetPlan) else 0


def corrected(
    aligned: Aligned, task: Task, foreground: np.ndarray, way: Way, progress: Progress = quiet
) -> tuple[Aligned, dict[str, np.ndarray]]:
    """The inputs without their bias fields, and the log fields; those that are not `biased_inputs` pass untouched."""
    keys = biased_inputs({key: image for key, image in aligned.volumes.items() if image is not None}, task, way.options, way.findings)
    if not keys:
        return aligned, {}
    volumes = torch.stack([torch.from_numpy(aligned.volumes[key].array.astype(np.float32)) for key in keys])
    n4 = N4Options(spacing_mm=tuple(float(side) for side in aligned.grid.spacing_mm))
    done = correct_bias(volumes.to(way.device), torch.from_numpy(foreground).to(way.device), n4, progress)
    changed = {key: aligned.volumes[key].with_array(done.corrected[i].cpu().numpy()) for i, key in enumerate(keys)}
    fields = {key: done.log_field[i].cpu().numpy() for i, key in enumerate(keys)} if way.options.keep_bias_field else {}
    return replace(aligned, volumes={**aligned.volumes, **changed}), fields


def found_in(
    prepared: Prepared, weights: Weights, tried: list[Strategy], accurate: bool, progress: Progress
) -> tuple[torch.Tensor, Strategy]:
    """Probabilities (R, K, J, I) of what the network is shown, 0 where there is nothing to see; and the strategy that held last."""
    look = functools.partial(predict, weights.network, plan=weights.plan, tried=tried, mirrored=accurate)
    if prepared.places == (whole_of(prepared.grid.shape),):
        return look(prepared.x, progress=progress)
    found = torch.zeros((weights.network.arch.out_channels, *prepared.grid.shape), device=prepared.x.device)
    strategy, done, work = tried[0], 0, sum(map(voxels_of, prepared.places))
    for place in prepared.places:
        start, done, at = done / work, done + voxels_of(place), (slice(None), *place)
        part, strategy = look(prepared.x[at].contiguous(), progress=span(progress, start, done / work))
        found[at] = part.to(found.device)
    return found, strategy


def plan_for(plan: Plan, findings: Sequence[Finding]) -> Plan:
    """The plan by which probabilities become regions: another where the input check has found thick slices."""
    return plan.for_thick_slices() if any(finding.code is FindingCode.ANISOTROPIC for finding in findings) else plan


def thresholds_told(usual: Plan, used: Plan) -> list[Finding]:
    """A finding where the thresholds are not the usual ones."""
    if used == usual:
        return []
    says = f"The slices are thick: a voxel belongs to a region from a probability of {used.threshold:g} on, not of {usual.threshold:g}."
    return [Finding(Severity.NOTE, FindingCode.ANISOTROPIC, "", says, "On such series this measured better; look at the outlines' rims.")]


def restored(probabilities: torch.Tensor, ready: NetworkInput, task: Task, plan: Plan) -> Result:
    """Masks (and numbered instances) on the reference's grid, by the plan's thresholds."""
    aligned = ready.aligned
    known = Known(ready.foreground, aligned.volumes[aligned.reference])
    found = restore(probabilities, ready.prepared.grid, aligned.grid, task, plan, known)
    masks = found.masks
    masks |= {key: np.zeros_like(masks[key]) for key in left_out(task, [key for key, image in aligned.volumes.items() if image])}
    instances = None
    if task.instances:
        if ready.prepared.grid.shape != aligned.grid.shape:
            probabilities = resample(probabilities, ready.prepared.grid, aligned.grid)
        object_map, boundary = (probabilities[task.outputs.index(name)][0].cpu().numpy() for name in (task.regions[0].key, *task.auxiliary))
        instances = split_instances(object_map, boundary, plan.threshold)[None]
        masks = {task.regions[0].key: (instances > 0).astype(np.uint8)}
    segments = segments_on(aligned.grid, task, masks)
    mask = ready.stripped.segment
    return Result(task, aligned.grid, aligned.reference, segments, instances, brain_mask=mask, small_parts=found.small_parts)


def record(found: Found, images: dict[str, Image], way: Way, weights: Weights) -> dict:
    """The run record, but for the seconds."""
    result, options = found.result, way.options
    return {
        "task": result.task.key,
        "version": result.task.version,
        "warnings": [finding_entry(finding, {} if options.keep_names else images) for finding in found.findings],
        "volumes_ml": {key: value if value is None else round(value, 6) for key, value in result.volumes_ml.items()},
        "brain_mask_ml": None if result.brain_mask is None else round(result.brain_mask.volume_ml, 3),
        "areas_um2": {key: value if value is None else round(value, 4) for key, value in result.areas_um2.items()},
        "voxel_count": {s.region.key: s.voxel_count for s in result.segments},
        "count": None if result.instances is None else int(result.instances.max()),
        "peak_memory_mb": peak_memory_mb(),
        "device": str(found.device),
        "strategy": found.strategy,
        "packages": package_versions(),
        "weights": {"file": weights.path.name, "sha256": weights.manifest["sha256"]},
        "inputs": {key: input_entry(image, options.keep_names) for key, image in images.items()},
        "reference": result.reference,
        "options": {**asdict(options), "weights": None if options.weights is None else Path(options.weights).name},
    }


def finding_entry(finding: Finding, nameless: dict[str, Image]) -> dict:
    """A finding for the record, without the names of these images."""
    said = {"severity": finding.severity.value, "code": finding.code.value, "message": without_names(finding.message, nameless)}
    return asdict(finding) | said


def warm(task: Task, device_name: str, weights: Path | None = None) -> dict:
    """Load a task's weights and run the smallest forward pass, so that the first case waits for nothing. Returns device and file.

    Imported networks are only loaded: the least that they take is a tile, which may be seconds of work.
    """
    device = choose_device(device_name)
    loaded = load_once(find_weights(task, weights), task)
    loaded.network.to(device).eval()
    if isinstance(loaded.plan, Plan):
        arch = loaded.network.arch
        with torch.inference_mode():
            loaded.network(torch.zeros((1, arch.in_channels, *(arch.divisor,) * arch.spatial_dims), device=device))
    return {"device": str(device), "weights": loaded.path.name}
