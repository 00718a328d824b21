"""What a network's probabilities are worth: how often its voxels are right, by the probability that it gave, over labelled cases.

On the network's own grid, over the voxels that it looks at; the regions of the reference are brought there as training brings them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from MedSegDLLib.errors import UsageError, counted
from MedSegDLLib.io.atomic import write_json
from MedSegDLLib.tasks import Task, manifest_path, read_manifest

from ..cases.case import Case
from ..cases.preparation import prepared
from .probabilities import labelled_of, network_of_volumes, probabilities_of

BINS = 20
LEAST_VOXELS = 50  # of a bin that is told
ENTRIES = ("protocol", "cases", "date", "regions")  # of a measurement, for the manifest


@dataclass
class Counts:
    """Sums over voxels, a region and a bin: (R, BINS) float64.

    Attributes:
        voxels: how many.
        given: sum of their probabilities.
        right: how many are truly in the region.
    """

    voxels: Tensor
    given: Tensor
    right: Tensor

    @classmethod
    def none(cls, regions: int) -> Counts:
        """Before the first case."""
        return cls(*(torch.zeros((regions, BINS), dtype=torch.float64) for _ in range(3)))

    def add(self, probabilities: Tensor, truth: Tensor) -> None:
        """Count the voxels of a case: probabilities (R, n) of 0..1 and truth (R, n) bool."""
        for region, (values, inside) in enumerate(zip(probabilities.double(), truth)):
            bins = (values * BINS).long().clamp(0, BINS - 1)
            self.voxels[region] += torch.bincount(bins, minlength=BINS)
            self.given[region] += torch.bincount(bins, values, BINS)
            self.right[region] += torch.bincount(bins, inside.double(), BINS)

    def told(self, region: int) -> dict[str, Any]:
        """Curve and expected error of a region (Naeini et al., 2015): mean of |share that is right - probability| over voxels, by bins."""
        voxels, given, right = self.voxels[region], self.given[region], self.right[region]
        seen = voxels >= LEAST_VOXELS
        curve = [
            [round(float(g / n), 4), round(float(r / n), 4), int(n)] for n, g, r in zip(voxels[seen], given[seen], right[seen], strict=True)
        ]
        error = float((right - given).abs().sum() / voxels.sum().clamp(min=1))
        likely = slice(BINS // 2, None)
        error_inside = float((right - given)[likely].abs().sum() / voxels[likely].sum().clamp(min=1))
        return {"expected_error": round(error, 5), "expected_error_above_half": round(error_inside, 4), "curve": curve}


def calibrate(cases: Sequence[Case], task: Task, weights: Path | None, title: str, report: Callable[[str], None] = print) -> dict[str, Any]:
    """Hold the probabilities of a network against the references of cases that it was not trained on.

    Args:
        cases: those without a reference are passed over.
        task: of the network; no pictures, whose objects are split after the probabilities.
        weights: the file; None for the installed one.
        title: which cases they are.
        report: called with a line a case.

    Returns:
        {"task", "weights_sha256", "protocol", "cases": their number, "date", "regions": {key: see `Counts.told`}}.

    Raises:
        UsageError: the task is of pictures, or the weights are imported ones.
        InputRefused: no case has a reference.
    """
    network, labelled, counts = network_of_volumes(task, weights), labelled_of(cases), Counts.none(len(task.regions))
    for case in labelled:
        found = prepared(case, task, network.plan)
        seen = (found.x != 0).any(dim=0)
        counts.add(probabilities_of(found, network, task)[:, seen], found.regions[:, seen])
        report(case.name)
    says = f"{title}: {counted(len(labelled), 'case')}, fast mode, voxels of the network's grid that are not empty, {BINS} bins"
    return {
        "task": task.key,
        "weights_sha256": hashlib.sha256(network.path.read_bytes()).hexdigest(),
        "protocol": says,
        "cases": len(labelled),
        "date": datetime.now(timezone.utc).date().isoformat(),
        "regions": {region.key: counts.told(number) for number, region in enumerate(task.regions)},
    }


def write_into_manifest(weights: Path, told: dict[str, Any]) -> None:
    """Put a measurement into the manifest of the weights that it is of; the weights stay as they are.

    Raises:
        UsageError: it is of other weights.
        WeightsError: there is no manifest.
    """
    manifest = read_manifest(manifest_path(weights))
    if told["weights_sha256"] != manifest.get("sha256"):
        raise UsageError(f"The measurement is of other weights than {weights.name}.", "Measure again with --weights.")
    write_json(manifest | {"calibration": {key: told[key] for key in ENTRIES}}, manifest_path(weights))


def table(told: dict[str, Any]) -> str:
    """For a terminal: the protocol, then a line a region and a line a bin."""
    lines = [told["protocol"]]
    for key, region in told["regions"].items():
        lines.append(f"  {key}: expected error {region['expected_error']:.4f}, above one half {region['expected_error_above_half']:.3f}")
        lines += [f"    said {given:.2f}  was {right:.2f}  ({voxels:,} voxels)" for given, right, voxels in region["curve"]]
    return "\n".join(lines)
