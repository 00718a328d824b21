"""Weights files: safetensors plus a JSON manifest, written atomically and trusted only after every check. Never pickle, never `torch.load`.

What may go wrong is told in one sentence with a remedy (`WeightsError`); nothing of a refused file reaches a network.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from ..errors import WeightsError
from ..io.atomic import atomic_path
from ..schema.manifest import printable
from ..schema.records import Unfit
from ..tasks import (
    AGAIN,
    PAIR,
    TASK_KEY,
    WEIGHTS_FOLDER,
    WEIGHTS_SUFFIX,
    WEIGHTS_VARIABLE,
    Plan,
    Task,
    carried_task,
    manifest_path,
    pairs_in,
    read_manifest,
    refuse_misfit,
    weights_places,
)
from .deepbet_plan import DeepbetPlan
from .foreign_weights import PRECISION, load_foreign, refuse_misfit_tile
from .inception_unet import InceptionUNet, build, describe
from .monai_plan import MonaiPlan
from .nnunet_plan import NnunetPlan

FORMAT_VERSION = 1
PRECISIONS = ("float16", "int8")
LARGEST_FILE_BYTES = 256 * 2**20  # twenty times the largest file that the project ships; more is not a weights file of ours
SCALE_SUFFIX = ".scale"
_INT8_LIMIT = 127
_SMALLEST_SCALE = 1e-12  # keeps the division defined for a channel of zeros
_COLOURS = 3  # channels of a picture; grey ones are repeated
_KEYS: dict[str, type | tuple[type, ...]] = {
    "format": int,
    "task": str,
    "task_version": int,
    "sha256": str,
    "precision": str,
    "architecture": dict,
    "plan": dict,
    "outputs": list,
}
ForeignPlan = NnunetPlan | MonaiPlan | DeepbetPlan
PLANS: dict[str, type] = {"": Plan} | {plan.kind: plan for plan in (NnunetPlan, MonaiPlan, DeepbetPlan)}  # one that names no kind is ours


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights that passed every check.

    Attributes:
        network: float32, on the CPU, in evaluation mode; of imported weights a list, a network each fold.
        plan: how the network's input must be prepared.
        manifest: the JSON file as it stands.
        path: the safetensors file.
    """

    network: InceptionUNet | nn.ModuleList
    plan: Plan | ForeignPlan
    manifest: dict[str, Any]
    path: Path


def find_weights(task: Task, override: str | os.PathLike[str] | None = None) -> Path:
    """The weights file of a task: `override` (a file or a folder), else of the first of `weights_places` that has one.

    In a folder it is `<task>.safetensors`, or the one pair whose manifest carries the task. Who names a place means it: other weights than
    those there would be another answer, so there is no falling back from it. A helper's network (the brain's mask) is no answer:
    where the named place has none, the installed one serves.

    Raises:
        WeightsError: there is none, none where the variable points to, or several in one folder.
    """
    if override is not None:
        chosen = Path(override)
        chosen = (_of_task(task, chosen) or chosen / f"{task.key}{WEIGHTS_SUFFIX}") if chosen.is_dir() else chosen
        if not chosen.is_file():
            raise WeightsError(
                f"The weights file {chosen} was not found.", "Check the path, or leave it out to take the installed weights."
            )
        return chosen
    named = os.environ.get(WEIGHTS_VARIABLE)
    serving = (WEIGHTS_FOLDER,) if task.helper and named and Path(named).exists() else ()
    for place in (*weights_places(), *serving):
        found = _of_task(task, place)
        if found is not None:
            return found
    if named:
        raise _nothing_in(Path(named), task)
    raise WeightsError(
        f"There are no weights for {task.title}: {task.key}{WEIGHTS_SUFFIX} was not found in {' or '.join(map(str, weights_places()))}.",
        "Install MedSegDL again, or name a weights file.",
    )


def _of_task(task: Task, place: Path) -> Path | None:
    """The weights of a task in a folder (or the file itself); None where there are none. Raises WeightsError where there are several."""
    if not place.is_dir():
        fits = place.suffix == WEIGHTS_SUFFIX and place.is_file() and not (task.helper and _is_of_another(place, task))
        return place if fits else None
    usual = place / f"{task.key}{WEIGHTS_SUFFIX}"
    if usual.is_file():
        return usual
    found = [pair.path for pair in pairs_in(place) if pair.task is not None and pair.task.key == task.key]
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise WeightsError(
            f"{place} holds several weights for the task '{task.key}': {names}.", f"Choose with --weights, or name one {usual.name}."
        )
    return found[0] if found else None


def _is_of_another(path: Path, task: Task) -> bool:
    """Whether a file's manifest carries another task."""
    return any(pair.path == path and pair.task is not None and pair.task.key != task.key for pair in pairs_in(path.parent))


def _nothing_in(place: Path, task: Task) -> WeightsError:
    """Why $MEDSEGDL_WEIGHTS has nothing for a task."""
    a_file = f"is a file, neither a folder nor {WEIGHTS_SUFFIX}"
    wrong = f"holds no {task.key}{WEIGHTS_SUFFIX}" if place.is_dir() else a_file if place.exists() else "does not exist"
    return WeightsError(
        f"${WEIGHTS_VARIABLE} is {place}, which {wrong}.", "Correct the variable, or unset it to take the installed weights."
    )


def save_weights(
    network: InceptionUNet, path: str | os.PathLike[str], manifest: dict[str, Any], precision: str = "float16"
) -> dict[str, Any]:
    """Write `<task>.safetensors` and its manifest, each atomically.

    Args:
        network: whose weights to write.
        path: of the safetensors file; the manifest goes beside it.
        manifest: what `task_entries` gives, `plan`, and whatever else is worth telling (training data, scores).
        precision: `float16`, or `int8` with a scale an output channel for the convolutions.

    Returns:
        The manifest as written, with `format`, `sha256`, `precision` and `architecture`.

    Raises:
        ValueError: unknown precision, or weights that are not finite or too large for it.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}, not one of {PRECISIONS}")
    path = Path(path)
    stored = _narrowed(network, precision)
    content = safetensors.torch.save(stored, metadata={"format": "pt"})
    complete = {
        **manifest,
        "format": FORMAT_VERSION,
        "sha256": hashlib.sha256(content).hexdigest(),
        "precision": precision,
        "architecture": describe(network),
    }
    text = json.dumps(printable(complete), indent=2, allow_nan=False) + "\n"
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
    with atomic_path(manifest_path(path)) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return complete


def task_entries(task: Task) -> dict[str, Any]:
    """What a manifest tells of the task: its key and version, its outputs, and the task itself."""
    return {"task": task.key, "task_version": task.version, "outputs": list(task.outputs), TASK_KEY: task.to_json()}


def load_weights(path: str | os.PathLike[str], task: Task) -> Weights:
    """Read, check and widen the weights of a task.

    Args:
        path: the safetensors file; its manifest lies beside it.
        task: what the weights must be for.

    Raises:
        WeightsError: a file is missing or unreadable; the manifest is no JSON or incomplete; the SHA-256 differs; the weights are for
            another task or version; the network is not one of ours; a tensor is missing, unknown, of a wrong shape, or not finite.
    """
    path = Path(path)
    manifest = _read_manifest(path)
    _check_task(manifest, task, path.name)
    plan = _plan(manifest, task, path.name)
    network = (_own_network if isinstance(plan, Plan) else _imported_networks)(manifest, task, plan, path)
    return Weights(network, plan, manifest, path)


def _own_network(manifest: dict[str, Any], task: Task, plan: Plan, path: Path) -> InceptionUNet:
    network = _empty_network(manifest, task, plan, path.name)
    stored = _read_tensors(path, manifest["sha256"])
    tensors = _widened(stored, network, manifest["precision"], path.name)
    network.load_state_dict(tensors, assign=True)
    return network.requires_grad_(False).eval()


def _imported_networks(manifest: dict[str, Any], task: Task, plan: ForeignPlan, path: Path) -> nn.ModuleList:
    arguments = manifest["architecture"].get("arguments")
    found = (arguments.get("in_channels"), arguments.get("out_channels")) if isinstance(arguments, dict) else ()
    inputs = plan.sizes[0] if task.pictures else len(task.inputs)
    if found != plan.sizes or (inputs, len(plan.regions)) != (plan.sizes[0], len(task.regions)):
        raise WeightsError(f"The network in {path.name} does not fit the inputs and outputs of the task '{task.key}'.", AGAIN)
    if getattr(plan, "pixels", task.pictures) is not task.pictures:
        raise WeightsError(f"The plan of {path.name} is one of pictures or of volumes, and its task '{task.key}' is not.", AGAIN)
    refuse_misfit_tile(manifest["architecture"], plan.sizes[0], plan.tile, plan.sizes[1], path.name)
    return load_foreign(path, manifest["architecture"], manifest["sha256"], plan.folds)


def _narrowed(network: InceptionUNet, precision: str) -> dict[str, Tensor]:
    """The tensors as they are stored."""
    stored: dict[str, Tensor] = {}
    axes = _channel_axes(network) if precision == "int8" else {}
    for name, tensor in network.state_dict().items():
        value = tensor.detach().cpu().float()
        if name in axes:
            stored[name], stored[name + SCALE_SUFFIX] = _quantised(value, axes[name])
        else:
            stored[name] = value.half().contiguous()
    broken = [name for name, tensor in stored.items() if not torch.isfinite(tensor.float()).all()]
    if broken:
        raise ValueError(f"{broken[0]} is not finite in {precision}")
    return stored


def _channel_axes(network: nn.Module) -> dict[str, int]:
    """Names of the convolutions' kernels and which of their axes holds the output channels."""
    axes: dict[str, int] = {}
    for name, module in network.named_modules():
        if isinstance(module, (nn.ConvTranspose2d, nn.ConvTranspose3d)):
            axes[f"{name}.weight"] = 1
        elif isinstance(module, (nn.Conv2d, nn.Conv3d)):
            axes[f"{name}.weight"] = 0
    return axes


def _quantised(value: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """Int8 steps and the float32 step sizes, one an output channel."""
    others = [i for i in range(value.ndim) if i != axis]
    scale = (value.abs().amax(dim=others) / _INT8_LIMIT).clamp(min=_SMALLEST_SCALE)
    steps = torch.round(value / _along(scale, value.ndim, axis)).to(torch.int8)
    return steps.contiguous(), scale.contiguous()


def _along(scale: Tensor, ndim: int, axis: int) -> Tensor:
    """A vector shaped to be multiplied along one axis of `ndim`."""
    return scale.reshape([-1 if i == axis else 1 for i in range(ndim)])


def _read_manifest(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise WeightsError(f"The weights file {path} was not found.", PAIR)
    manifest = read_manifest(path)
    for key, kind in _KEYS.items():
        if not isinstance(manifest.get(key), kind) or isinstance(manifest[key], bool):
            raise WeightsError(f"The manifest {manifest_path(path).name} lacks a valid entry '{key}'.", AGAIN)
    return manifest


def _check_task(manifest: dict[str, Any], task: Task, name: str) -> None:
    if manifest["format"] != FORMAT_VERSION or manifest["precision"] not in (*PRECISIONS, PRECISION):
        raise WeightsError(
            f"The weights {name} are of a format that this version does not know.", "Use weights made for this version of MedSegDL."
        )
    if manifest["task"] != task.key:
        raise WeightsError(
            f"The weights {name} are for the task '{manifest['task']}', not for '{task.key}'.", f"Choose weights for {task.title}."
        )
    if manifest["task_version"] == task.version and tuple(manifest["outputs"]) != task.outputs:
        told = ", ".join(map(str, manifest["outputs"]))
        raise WeightsError(
            f"The manifest of {name} names the outputs {told:.200}; those of the task '{task.key}' are {', '.join(task.outputs):.200}.",
            "Use the manifest that came with the weights.",
        )
    if manifest["task_version"] != task.version:
        raise WeightsError(
            f"The weights {name} are for version {manifest['task_version']} of the task '{task.key}'; version {task.version} is needed.",
            "Use weights made for this version of MedSegDL.",
        )
    if TASK_KEY in manifest and carried_task(manifest, manifest_path(name).name).meaning != task.meaning:
        raise WeightsError(
            f"The weights {name} carry another task '{task.key}' than the one that is run: its inputs or regions differ.",
            "Name the weights with --weights and leave --task out: they tell what they are for.",
        )


def _plan(manifest: dict[str, Any], task: Task, name: str) -> Plan | ForeignPlan:
    try:
        kind = manifest["plan"].get("kind", "")
        if not isinstance(kind, str) or kind not in PLANS:
            raise Unfit(f"its kind '{kind!s:.60}' is unknown")
        plan = PLANS[kind].from_json(manifest["plan"])
        if isinstance(plan, Plan):
            refuse_misfit(task, plan)
    except Unfit as fault:
        raise WeightsError(f"The manifest of {name} has an invalid plan: {fault}.", AGAIN) from fault
    return plan


def input_channels(task: Task, plan: Plan) -> int:
    """Channels of the network's input: colours of a picture, else inputs times neighbouring slices."""
    return _COLOURS if task.pictures else len(task.inputs) * plan.slices


def _empty_network(manifest: dict[str, Any], task: Task, plan: Plan, name: str) -> InceptionUNet:
    """The network without memory for its weights, so that an absurd description costs nothing."""
    entry = manifest["architecture"]
    if not isinstance(entry.get("arguments"), dict):
        raise WeightsError(f"The manifest of {name} does not describe its network.", AGAIN)
    try:
        with torch.device("meta"):
            network = build(entry.get("name"), entry["arguments"])
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise WeightsError(f"The manifest of {name} describes a network that cannot be built.", AGAIN) from error
    if (network.arch.in_channels, network.arch.out_channels) != (input_channels(task, plan), len(task.outputs)):
        raise WeightsError(f"The network in {name} does not fit the inputs and outputs of the task '{task.key}'.", AGAIN)
    return network


def _read_tensors(path: Path, sha256: str) -> dict[str, Tensor]:
    """Tensors of exactly those bytes whose hash was checked."""
    if path.stat().st_size > LARGEST_FILE_BYTES:
        raise WeightsError(f"The file {path.name} is larger than weights ever are.", AGAIN)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise WeightsError(f"The weights {path.name} are damaged or not genuine: their SHA-256 is not that of the manifest.", AGAIN)
    try:
        return safetensors.torch.load(content)
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise WeightsError(f"The file {path.name} is not in the safetensors format.", AGAIN) from error


def _widened(stored: dict[str, Tensor], network: InceptionUNet, precision: str, name: str) -> dict[str, Tensor]:
    """Stored tensors in float32, each checked against the network's own names and shapes."""
    axes = _channel_axes(network) if precision == "int8" else {}
    expected = {key: (torch.int8 if key in axes else torch.float16, tensor.shape) for key, tensor in network.state_dict().items()}
    shapes = network.state_dict()
    scales = {key + SCALE_SUFFIX: (torch.float32, torch.Size([shapes[key].shape[axis]])) for key, axis in axes.items()}
    expected |= scales
    wrong = sorted(set(expected) ^ set(stored)) or [k for k, v in stored.items() if (v.dtype, v.shape) != expected[k]]
    if wrong:
        raise WeightsError(f"The weights {name} do not fit the network they describe (first misfit: {wrong[0]}).", AGAIN)
    unsound = [key for key, tensor in stored.items() if not torch.isfinite(tensor.float()).all()]
    if unsound:
        raise WeightsError(f"The weights {name} hold numbers that are not finite ({unsound[0]}).", AGAIN)
    wide = {key: tensor.float() for key, tensor in stored.items() if key not in scales}
    for key, axis in axes.items():
        wide[key] *= _along(stored[key + SCALE_SUFFIX], wide[key].ndim, axis)
    return wide
