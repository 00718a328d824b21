"""What `calibrate` and `thresholds` begin with: labelled cases, a network of volumes, its probabilities before `segment` restores them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from MedSegDLLib.errors import InputRefused, UsageError
from MedSegDLLib.network.device import choose_device
from MedSegDLLib.network.sliding_window import strategies
from MedSegDLLib.network.weights import Weights, find_weights, load_weights
from MedSegDLLib.pipeline import found_in
from MedSegDLLib.progress import quiet
from MedSegDLLib.tasks import Plan, Task

from ..cases.case import Case
from ..cases.preparation import PreparedCase


def labelled_of(cases: Sequence[Case]) -> list[Case]:
    """The cases with a reference; raises InputRefused where there is none."""
    labelled = [case for case in cases if case.reference is not None]
    if not labelled:
        raise InputRefused("None of the cases has a reference to measure against.", "`medsegdl-train inspect` lists what was found.")
    return labelled


def network_of_volumes(task: Task, weights: Path | None) -> Weights:
    """One of our own networks of volumes.

    Args:
        task: no pictures, whose objects are split after the probabilities.
        weights: the file; None for the installed one.

    Raises:
        UsageError: the task is of pictures, or the weights are imported ones.
        WeightsError: they cannot be read.
    """
    network = load_weights(find_weights(task, weights), task)
    if task.pictures or not isinstance(network.plan, Plan):
        says = f"The probabilities of {network.path.name} cannot be held against references."
        raise UsageError(says, "Networks of volumes that this package trained can.")
    return network


def probabilities_of(found: PreparedCase, network: Weights, task: Task) -> Tensor:
    """(R, K, J, I) of the task's regions on the network's grid, as `segment` has them before it restores."""
    tried = strategies(network.network.arch, tuple(found.x.shape[1:]), choose_device("cpu"))
    return found_in(found.ready.prepared, network, tried, False, quiet)[0][: len(task.regions)].cpu()
