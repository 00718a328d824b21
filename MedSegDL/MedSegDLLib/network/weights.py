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
from ..tasks import Modality, Plan, Task
from .inception_unet import InceptionUNet, build, describe

_LIBRARY = Path(__file__).resolve().parents[1]
_SHIPPED = _LIBRARY / "shipped"  # where a wheel of the core carries them; beside the module, Slicer and a checkout do
WEIGHTS_FOLDER = _SHIPPED if _SHIPPED.is_dir() else _LIBRARY.parent / "Resources" / "Weights"
WEIGHTS_VARIABLE = "MEDSEGDL_WEIGHTS"
FORMAT_VERSION = 1
PRECISIONS = ("float16", "int8")
LARGEST_FILE_BYTES = 256 * 2**20  # twenty times the largest file that the project ships; more is not a weights file of ours
SCALE_SUFFIX = ".scale"
_INT8_LIMIT = 127
_SMALLEST_SCALE = 1e-12  # keeps the division defined for a channel of zeros
_COLOURS = 3  # channels of a picture; grey ones are repeated
_REMEDY = "Download the weights again, both files of one release: <task>.safetensors and <task>.json."
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


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights that passed every check.

    Attributes:
        network: float32, on the CPU, in evaluation mode.
        plan: how the network's input must be prepared.
        manifest: the JSON file as it stands.
        path: the safetensors file.
    """

    network: InceptionUNet
    plan: Plan
    manifest: dict[str, Any]
    path: Path


def manifest_path(path: Path) -> Path:
    """The manifest that belongs to a weights file: the same name, `.json`."""
    return Path(path).with_suffix(".json")


def find_weights(task: Task, override: str | os.PathLike[str] | None = None) -> Path:
    """The weights file of a task: `override` (a file or a folder), else of the folder $MEDSEGDL_WEIGHTS, else the installed one.

    Who names a folder means it: other weights than those would be another answer, so there is no falling back.

    Raises:
        WeightsError: there is none, or none where the variable points to.
    """
    name = f"{task.key}.safetensors"
    if override is not None:
        chosen = Path(override)
        chosen = chosen / name if chosen.is_dir() else chosen
        if not chosen.is_file():
            raise WeightsError(
                f"The weights file {chosen} was not found.", "Check the path, or leave it out to take the installed weights."
            )
        return chosen
    named = os.environ.get(WEIGHTS_VARIABLE)
    if named:
        return _in_named_folder(Path(named), name)
    if (WEIGHTS_FOLDER / name).is_file():
        return WEIGHTS_FOLDER / name
    raise WeightsError(
        f"There are no weights for {task.title}: {name} was not found in {WEIGHTS_FOLDER}.",
        "Install MedSegDL again, or name a weights file.",
    )


def _in_named_folder(folder: Path, name: str) -> Path:
    """The file of that name where $MEDSEGDL_WEIGHTS points to."""
    if (folder / name).is_file():
        return folder / name
    wrong = f"holds no {name}" if folder.is_dir() else "is a file, not a folder" if folder.exists() else "does not exist"
    raise WeightsError(
        f"${WEIGHTS_VARIABLE} is {folder}, which {wrong}.", "Correct the variable, or unset it to take the installed weights."
    )


def save_weights(
    network: InceptionUNet, path: str | os.PathLike[str], manifest: dict[str, Any], precision: str = "float16"
) -> dict[str, Any]:
    """Write `<task>.safetensors` and its manifest, each atomically.

    Args:
        network: whose weights to write.
        path: of the safetensors file; the manifest goes beside it.
        manifest: `task`, `task_version`, `plan`, `outputs` and whatever else is worth telling (training data, scores).
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
    text = json.dumps(complete, indent=2, allow_nan=False) + "\n"
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
    with atomic_path(manifest_path(path)) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return complete


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
    plan = _plan(manifest, path.name)
    network = _empty_network(manifest, task, plan, path.name)
    stored = _read_tensors(path, manifest["sha256"])
    tensors = _widened(stored, network, manifest["precision"], path.name)
    network.load_state_dict(tensors, assign=True)
    return Weights(network.requires_grad_(False).eval(), plan, manifest, path)


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
    beside = manifest_path(path)
    for file in (path, beside):
        if not file.is_file():
            raise WeightsError(f"The weights file {file} was not found.", "Weights are two files side by side: .safetensors and .json.")
    try:
        manifest = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"The manifest {beside.name} cannot be read: it is no valid JSON.", _REMEDY) from error
    if not isinstance(manifest, dict):
        raise WeightsError(f"The manifest {beside.name} is no manifest of weights.", _REMEDY)
    for key, kind in _KEYS.items():
        if not isinstance(manifest.get(key), kind):
            raise WeightsError(f"The manifest {beside.name} lacks a valid entry '{key}'.", _REMEDY)
    return manifest


def _check_task(manifest: dict[str, Any], task: Task, name: str) -> None:
    if manifest["format"] != FORMAT_VERSION or manifest["precision"] not in PRECISIONS:
        raise WeightsError(
            f"The weights {name} are of a format that this version does not know.", "Use weights made for this version of MedSegDL."
        )
    if manifest["task"] != task.key:
        raise WeightsError(
            f"The weights {name} are for the task '{manifest['task']}', not for '{task.key}'.", f"Choose weights for {task.title}."
        )
    if manifest["task_version"] != task.version or tuple(manifest["outputs"]) != task.outputs:
        raise WeightsError(
            f"The weights {name} are for version {manifest['task_version']} of the task '{task.key}'; version {task.version} is needed.",
            "Use weights made for this version of MedSegDL.",
        )


def _plan(manifest: dict[str, Any], name: str) -> Plan:
    try:
        return Plan.from_json(manifest["plan"])
    except (TypeError, ValueError, KeyError) as error:
        raise WeightsError(f"The manifest of {name} has an invalid plan ({error}).", _REMEDY) from error


def input_channels(task: Task, plan: Plan) -> int:
    """Channels of the network's input: colours of a picture, else inputs times neighbouring slices."""
    pictures = all(entry.modality is Modality.PICTURE for entry in task.inputs)
    return _COLOURS if pictures else len(task.inputs) * plan.slices


def _empty_network(manifest: dict[str, Any], task: Task, plan: Plan, name: str) -> InceptionUNet:
    """The network without memory for its weights, so that an absurd description costs nothing."""
    entry = manifest["architecture"]
    if not isinstance(entry.get("arguments"), dict):
        raise WeightsError(f"The manifest of {name} does not describe its network.", _REMEDY)
    try:
        with torch.device("meta"):
            network = build(entry.get("name"), entry["arguments"])
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise WeightsError(f"The manifest of {name} describes a network that cannot be built.", _REMEDY) from error
    if (network.arch.in_channels, network.arch.out_channels) != (input_channels(task, plan), len(task.outputs)):
        raise WeightsError(f"The network in {name} does not fit the inputs and outputs of the task '{task.key}'.", _REMEDY)
    return network


def _read_tensors(path: Path, sha256: str) -> dict[str, Tensor]:
    """Tensors of exactly those bytes whose hash was checked."""
    if path.stat().st_size > LARGEST_FILE_BYTES:
        raise WeightsError(f"The file {path.name} is larger than weights ever are.", _REMEDY)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise WeightsError(f"The weights {path.name} are damaged or not genuine: their SHA-256 is not that of the manifest.", _REMEDY)
    try:
        return safetensors.torch.load(content)
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise WeightsError(f"The file {path.name} is not in the safetensors format.", _REMEDY) from error


def _widened(stored: dict[str, Tensor], network: InceptionUNet, precision: str, name: str) -> dict[str, Tensor]:
    """Stored tensors in float32, each checked against the network's own names and shapes."""
    axes = _channel_axes(network) if precision == "int8" else {}
    expected = {key: (torch.int8 if key in axes else torch.float16, tensor.shape) for key, tensor in network.state_dict().items()}
    shapes = network.state_dict()
    scales = {key + SCALE_SUFFIX: (torch.float32, torch.Size([shapes[key].shape[axis]])) for key, axis in axes.items()}
    expected |= scales
    wrong = sorted(set(expected) ^ set(stored)) or [k for k, v in stored.items() if (v.dtype, v.shape) != expected[k]]
    if wrong:
        raise WeightsError(f"The weights {name} do not fit the network they describe (first misfit: {wrong[0]}).", _REMEDY)
    unsound = [key for key, tensor in stored.items() if not torch.isfinite(tensor.float()).all()]
    if unsound:
        raise WeightsError(f"The weights {name} hold numbers that are not finite ({unsound[0]}).", _REMEDY)
    wide = {key: tensor.float() for key, tensor in stored.items() if key not in scales}
    for key, axis in axes.items():
        wide[key] *= _along(stored[key + SCALE_SUFFIX], wide[key].ndim, axis)
    return wide
