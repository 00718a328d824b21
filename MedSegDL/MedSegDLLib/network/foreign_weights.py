"""Weights of imported networks: the same two files as ours, in float32 or float16, one network a fold; every name and shape is checked.

safetensors keeps a tensor under one name only; networks of nnU-Net have up to three for each weight (the same module, reached by three
ways). The first that the network itself gives counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from ..errors import WeightsError, counted
from ..io.atomic import atomic_path, file_sha256
from ..schema.manifest import printable
from .foreign import READS_NUMBERS, build_foreign

PRECISION, HALF_PRECISION = "float32", "float16"
LARGEST_BYTES = 8 * 2**30
REMEDY = "Import the network again."


def own_tensors(network: nn.Module) -> dict[str, Tensor]:
    """Every parameter and kept buffer once, by its first name."""
    kept = network.state_dict()
    both = (*network.named_parameters(), *network.named_buffers())
    return {name: tensor for name, tensor in both if name in kept}


def names_of(network: nn.Module) -> dict[str, str]:
    """All names of the state dict -> the first name of the same tensor."""
    first = {id(tensor): name for name, tensor in own_tensors(network).items()}
    everything = (*network.named_parameters(remove_duplicate=False), *network.named_buffers(remove_duplicate=False))
    return {name: first[id(tensor)] for name, tensor in everything if id(tensor) in first}


def empty_network(architecture: Mapping[str, Any]) -> nn.Module:
    """The network without memory for its weights, where it can be built so. Raises WeightsError: see `build_foreign`."""
    arguments = architecture.get("arguments")
    if not isinstance(arguments, Mapping):
        raise WeightsError("The manifest does not describe its network.", REMEDY)
    name = str(architecture.get("name"))
    if name in READS_NUMBERS:
        return build_foreign(name, arguments)
    with torch.device("meta"):
        return build_foreign(name, arguments)


def refuse_misfit_tile(architecture: Mapping[str, Any], channels: int, tile: Sequence[int], outputs: int, name: str) -> None:
    """A tile that does not go through the network, or comes out otherwise than it must; tried on shapes alone, without memory or time.

    Networks that cannot be built so (`READS_NUMBERS`) are taken at their word.

    Raises:
        WeightsError: the tile does not fit; and as `empty_network`.
    """
    if str(architecture.get("name")) in READS_NUMBERS:
        return
    network = empty_network(architecture).eval()
    try:
        shape = tuple(network(torch.empty((1, channels, *tile), device="meta")).shape)
    except (RuntimeError, ValueError, IndexError) as error:
        raise _tile_misfit(tile, name) from error
    if shape != (1, outputs, *tile):
        raise _tile_misfit(tile, name)


def _tile_misfit(tile: Sequence[int], name: str) -> WeightsError:
    sides = " x ".join(map(str, tile))
    return WeightsError(f"The manifest of {name} has a tile of {sides}, which does not go through its network.", REMEDY)


def save_foreign(states: Sequence[Mapping[str, Tensor]], path: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Write weights and manifest, each atomically.

    Args:
        states: a fold's tensors by the names of `own_tensors`; stored as they are, float32 or float16.
        path: of the safetensors file.
        manifest: with `architecture` and whatever else is to be told.

    Returns:
        the manifest as written, with `sha256` and `precision`.

    Raises:
        WeightsError: tensors do not fit the network, or are not finite.
        InputRefused: the disk does not take them.
    """
    expected = own_tensors(empty_network(manifest["architecture"]))
    for state in states:
        check_fit(state, expected, path.name)
    stored = {f"{fold}.{name}": tensor.contiguous() for fold, state in enumerate(states) for name, tensor in state.items()}
    with atomic_path(path) as temporary:
        safetensors.torch.save_file(stored, temporary, metadata={"format": "pt"})
        halved = any(tensor.dtype == torch.float16 for tensor in stored.values())
        complete = printable(manifest) | {"precision": HALF_PRECISION if halved else PRECISION, "sha256": file_sha256(temporary)}
    text = json.dumps(complete, indent=2, allow_nan=False) + "\n"
    with atomic_path(path.with_suffix(".json")) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return complete


def check_fit(state: Mapping[str, Tensor], expected: Mapping[str, Tensor], name: str) -> None:
    """Names, shapes and finiteness. Raises WeightsError with the first misfit."""
    wrong = sorted(set(expected) ^ set(state)) or [key for key, tensor in state.items() if tensor.shape != expected[key].shape]
    if wrong:
        raise WeightsError(f"The weights {name} do not fit the network they describe (first misfit: {wrong[0]}).", REMEDY)
    unsound = [key for key, tensor in state.items() if not torch.isfinite(tensor).all()]
    if unsound:
        raise WeightsError(f"The weights {name} hold numbers that are not finite ({unsound[0]}).", REMEDY)


def load_foreign(path: Path, architecture: Mapping[str, Any], sha256: str, folds: int) -> nn.ModuleList:
    """The networks of a weights file, one a fold, on the CPU in evaluation mode.

    Raises:
        WeightsError: the hash differs, the file is none of ours, or its tensors do not fit.
    """
    if path.stat().st_size > LARGEST_BYTES:
        raise WeightsError(f"The file {path.name} is larger than weights ever are.", REMEDY)
    if file_sha256(path) != sha256:
        raise WeightsError(f"The weights {path.name} are damaged or not genuine: their SHA-256 is not that of the manifest.", REMEDY)
    try:
        stored = safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, ValueError, KeyError, OSError) as error:
        raise WeightsError(f"The file {path.name} is not in the safetensors format.", REMEDY) from error
    expected = own_tensors(empty_network(architecture))
    networks = nn.ModuleList()
    for state in _folds(stored, folds):
        check_fit(state, expected, path.name)
        networks.append(_filled(architecture, state))
    if sum(1 for _ in stored) != folds * len(expected):
        raise WeightsError(f"The weights {path.name} hold more than the {counted(folds, 'network')} they describe.", REMEDY)
    return networks.requires_grad_(False).eval()


def _folds(stored: Mapping[str, Tensor], folds: int) -> Iterator[dict[str, Tensor]]:
    for fold in range(folds):
        start = f"{fold}."
        yield {name[len(start) :]: tensor for name, tensor in stored.items() if name.startswith(start)}


def _filled(architecture: Mapping[str, Any], state: Mapping[str, Tensor]) -> nn.Module:
    """A network with these tensors, in float32; made in memory only where it has others that no state dict holds."""
    state = {name: tensor.float() if tensor.dtype == torch.float16 else tensor for name, tensor in state.items()}
    network = empty_network(architecture)
    network.load_state_dict(state, strict=False, assign=True)
    left = [name for name, tensor in (*network.named_parameters(), *network.named_buffers()) if tensor.is_meta]
    if left:
        network = build_foreign(str(architecture["name"]), architecture["arguments"])
        network.load_state_dict(state, strict=False)
    return network
