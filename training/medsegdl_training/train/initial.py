"""Where a run's first weights come from, other than chance: another run (pre-training), or a weights file.

Tensors are matched by name and shape.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from MedSegDLLib.errors import UsageError
from MedSegDLLib.network.weights import load_weights
from MedSegDLLib.tasks import Task, read_manifest

from .runs import read_settings
from .state import CHECKPOINT, Run

HEADS = "segmenter.heads."  # a pretext's own outputs mean nothing to a task
LEAST_SHARE = 0.5  # of the network's numbers that must be found, or the two networks have nothing to do with one another


def initialise(run: Run, path: Path, task: Task) -> float:
    """Take over what fits from a run's folder (its averaged weights) or from a weights file.

    Returns:
        The share of the network's numbers that were taken over.

    Raises:
        UsageError: less than half of the network was found there.
    """
    found = tensors_of(path, task)
    own = run.network.state_dict()
    fitting = {name: found[name] for name in own if name in found and found[name].shape == own[name].shape}
    share = sum(tensor.numel() for tensor in fitting.values()) / sum(tensor.numel() for tensor in own.values())
    if share < LEAST_SHARE:
        raise UsageError(f"Only {share:.0%} of the network fits the weights in {path}.", "Choose weights of the same profile and widths.")
    for network in (run.network, run.average):
        network.load_state_dict(fitting, strict=False)
    return share


def blend(network: torch.nn.Module, path: Path, share: float, task: Task) -> dict[str, Any]:
    """Move a network to the weighted mean of its weights and those of a file, in place.

    What training on forgot of its start comes back, mostly for less than is lost of what was learned (Wortsman et al., 'Robust fine-tuning
    of zero-shot models', 2022). It makes sense only for weights of which one began from the other.

    Args:
        network: to be changed.
        path: of the weights file.
        share: of the file's weights, 0 to 1.
        task: of both.

    Returns:
        What the manifest tells of it: `share` and the file's `sha256`.

    Raises:
        UsageError: the file holds another network.
        WeightsError: it cannot be read.
    """
    other, own = load_weights(path, task).network.state_dict(), network.state_dict()
    if {name: tensor.shape for name, tensor in other.items()} != {name: tensor.shape for name, tensor in own.items()}:
        raise UsageError(f"{path.name} holds another network than the run.", "Blend weights of which one began from the other.")
    network.load_state_dict({name: torch.lerp(tensor.float(), other[name].float(), share) for name, tensor in own.items()})
    return {"share": share, "sha256": read_manifest(path)["sha256"]}


def commands_before(path: Path) -> list[str]:
    """The commands that made the run in a folder or, by its manifest, a weights file, first to last; none where the manifest tells none."""
    training = read_settings(path)[1] if path.is_dir() else read_manifest(path).get("training", {})
    return training.get("command", "").splitlines()


def tensors_of(path: Path, task: Task) -> dict[str, Tensor]:
    """The averaged weights of a run's folder, without the last convolutions of a pretext; or the tensors of a weights file."""
    if not path.is_dir():
        return load_weights(path, task).network.state_dict()
    entry = read_settings(path)[1]
    try:
        average = torch.load(path / CHECKPOINT, map_location="cpu", weights_only=True)["average"]
    except OSError as error:
        raise UsageError(f"{path} holds no checkpoint yet.", "Wait for the first one.") from error
    return {name: tensor for name, tensor in average.items() if not (entry.get("pretext") and name.startswith(HEADS))}
