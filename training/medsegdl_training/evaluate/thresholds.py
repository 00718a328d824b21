"""From which probability a voxel should belong to a region: mean Dice at each of some thresholds, over labelled cases.

Outermost regions first; those that lie inside another then with the best threshold of those, for they end where it ends. Everything that
`segment` does after the network is done here by its own code. For cases that the figures of a model card are not of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from MedSegDLLib.metrics.overlap import confusion
from MedSegDLLib.network.weights import Weights
from MedSegDLLib.pipeline import NetworkInput
from MedSegDLLib.postprocess.restore import Known, restore
from MedSegDLLib.tasks import Plan, Region, Task

from ..cases.case import Case
from ..cases.preparation import prepared, regions_on
from ..cases.references import read_reference
from .probabilities import labelled_of, network_of_volumes, probabilities_of

Dices = dict[str, dict[float, float]]


@dataclass(frozen=True, eq=False)
class Seen:
    """A case after the network.

    Attributes:
        ready: what the network got.
        probabilities: (R, K, J, I) on its grid.
        truth: (R, K, J, I) bool on the grid of its results.
    """

    ready: NetworkInput
    probabilities: Tensor
    truth: np.ndarray

    def dice(self, task: Task, plan: Plan, regions: Sequence[Region]) -> dict[str, float]:
        """Of the masks that this plan makes; 1 where both are empty."""
        aligned = self.ready.aligned
        known = Known(self.ready.foreground, aligned.volumes[aligned.reference])
        masks = restore(self.probabilities, self.ready.prepared.grid, aligned.grid, task, plan, known).masks
        true = dict(zip([region.key for region in task.regions], self.truth, strict=True))
        return {region.key: confusion(masks[region.key], true[region.key]).dice for region in regions}


def study(
    cases: Sequence[Case], task: Task, weights: Path | None, thresholds: Sequence[float], report: Callable[[str], None] = print
) -> dict[str, Any]:
    """Dice by threshold.

    Args:
        cases: those without a reference are passed over.
        task: of the network; no pictures, whose objects are split after the probabilities.
        weights: the file; None for the installed one.
        thresholds: to try, 0..1.
        report: called with a line a case.

    Returns:
        {"task", "weights_sha256", "cases": their names, "date", "dice": {region: {threshold: mean}}, "best": {"threshold",
        "inner_threshold": None where no region lies inside another}}, as `Plan` names them.

    Raises:
        UsageError: the task is of pictures, or the weights are imported ones.
        InputRefused: no case has a reference.
    """
    network, labelled = network_of_volumes(task, weights), labelled_of(cases)
    seen = []
    for case in labelled:
        seen.append(_seen(case, task, network))
        report(case.name)
    outer = [region for region in task.regions if region.inside is None]
    inner = [region for region in task.regions if region.inside is not None]
    dice = _means(seen, task, [replace(network.plan, threshold=value, inner_threshold=None) for value in thresholds], outer)
    plan = replace(network.plan, threshold=_best(dice))
    if inner:
        within = _means(seen, task, [replace(plan, inner_threshold=value) for value in thresholds], inner)
        plan, dice = replace(plan, inner_threshold=_best(within)), dice | within
    return {
        "task": task.key,
        "weights_sha256": hashlib.sha256(network.path.read_bytes()).hexdigest(),
        "cases": [case.name for case in labelled],
        "date": datetime.now(timezone.utc).date().isoformat(),
        "dice": {key: {f"{value:g}": round(mean, 4) for value, mean in means.items()} for key, means in dice.items()},
        "best": {"threshold": plan.threshold, "inner_threshold": plan.inner_threshold if inner else None},
    }


def _seen(case: Case, task: Task, network: Weights) -> Seen:
    found = prepared(case, task, network.plan)
    truth = regions_on(read_reference(case.reference), task, found.ready.aligned.grid, case.reference)
    return Seen(found.ready, probabilities_of(found, network, task), truth.numpy())


def _means(seen: Sequence[Seen], task: Task, plans: Sequence[Plan], regions: Sequence[Region]) -> Dices:
    """Region -> threshold -> mean over the cases."""
    means: Dices = {region.key: {} for region in regions}
    for plan in plans:
        of_cases = [case.dice(task, plan, regions) for case in seen]
        for region in regions:
            means[region.key][plan.threshold_of(region)] = float(np.mean([found[region.key] for found in of_cases]))
    return means


def _best(dice: Dices) -> float:
    """The threshold of the greatest mean over the regions."""
    values = next(iter(dice.values()))
    return max(values, key=lambda value: np.mean([means[value] for means in dice.values()]))


def table(told: dict[str, Any]) -> str:
    """In Markdown: a line a threshold, a column a region, and the best."""
    regions, best = told["dice"], told["best"]
    lines = [f"{len(told['cases'])} cases", "", f"| threshold | {' | '.join(regions)} |", "|---" * (1 + len(regions)) + "|"]
    lines += [f"| {value} | {' | '.join(f'{means[value]:.3f}' for means in regions.values())} |" for value in next(iter(regions.values()))]
    inner = "" if best["inner_threshold"] is None else f", of regions inside another {best['inner_threshold']:g}"
    return "\n".join([*lines, "", f"best: threshold {best['threshold']:g}{inner}"])
