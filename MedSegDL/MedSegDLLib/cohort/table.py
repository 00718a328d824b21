"""The cohort as a table: a row a case, from the reports on disk, and how far each lies from the others. Writes `cohort.csv`."""

from __future__ import annotations

import csv
import json
import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..io.atomic import atomic_path
from ..io.write import REPORT_FILE
from ..tasks import Task
from .orders import DONE, FAILED, Outcome

TABLE_FILE = "cohort.csv"
MAD_TO_SIGMA = 1.4826  # of a normal distribution
FAR = 3.5  # robust z beyond which a case is an outlier (Iglewicz and Hoaglin, How to detect and handle outliers, 1993)
LEAST_CASES = 5  # fewer make no distribution
FLAT = 1e-9


@dataclass(frozen=True)
class Row:
    """One case.

    Attributes:
        case: its identity, also its folder's name.
        status: done or failed.
        sizes: region key -> mL; in a picture um2, or pixels where its pixel size is not known; None where the report has none.
        voxels: region key -> voxels or pixels.
        count: objects, None where the task counts none.
        warnings: codes of the findings that lower the trust; `sentences` says each in words.
        seconds: of the run that made the result.
        outlier: the largest robust z of its sizes; 0 where nothing is known.
        strategy, device: where and how the network ran.
        weights: SHA-256.
        inputs: input key -> SHA-256.
        reason: of a failure, with the remedy.
    """

    case: str
    status: str
    sizes: Mapping[str, float | None] = field(default_factory=dict)
    voxels: Mapping[str, int] = field(default_factory=dict)
    count: int | None = None
    warnings: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    seconds: float = 0.0
    outlier: float = 0.0
    strategy: str = ""
    device: str = ""
    weights: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""

    @property
    def failed(self) -> bool:
        """Whether there is no result."""
        return self.status == FAILED


def rows_of(outcomes: Iterable[Outcome], folder: Path) -> list[Row]:
    """A row a case in the same order, numbers from its report."""
    return _with_outliers([_row(outcome, folder) for outcome in outcomes])


def _row(outcome: Outcome, folder: Path) -> Row:
    if outcome.status == FAILED:
        reason = f"{outcome.message} {outcome.remedy}".strip()
        return Row(outcome.case, FAILED, seconds=outcome.seconds, weights=outcome.weights, inputs=outcome.inputs, reason=reason)
    report = json.loads((folder / outcome.case / REPORT_FILE).read_text(encoding="utf-8"))
    areas = report["areas_um2"]
    findings = [finding for finding in report["warnings"] if finding["severity"] == "warning"]
    return Row(
        outcome.case,
        DONE,
        sizes={key: areas.get(key) if value is None else value for key, value in report["volumes_ml"].items()},
        voxels=report["voxel_count"],
        count=report["count"],
        warnings=tuple(finding["code"] for finding in findings),
        sentences=tuple(f"{finding['message']} {finding['remedy']}".strip() for finding in findings),
        seconds=round(sum(report["seconds"].values()), 2),
        strategy=report["strategy"],
        device=report["device"],
        weights=report["weights"]["sha256"],
        inputs={key: entry["sha256"] for key, entry in report["inputs"].items()},
    )


def _with_outliers(rows: Sequence[Row]) -> list[Row]:
    """The rows with their outlier scores."""
    measured = [measures(row) for row in rows]
    scores = [0.0] * len(rows)
    for name in {name for entry in measured for name in entry}:
        places = [place for place, entry in enumerate(measured) if name in entry]
        for place, z in zip(places, robust_z([measured[place][name] for place in places]), strict=True):
            scores[place] = max(scores[place], abs(z))
    return [replace(row, outlier=round(score, 2)) for row, score in zip(rows, scores, strict=True)]


def measures(row: Row) -> dict[str, float]:
    """What is compared among cases: sizes on a logarithmic scale, for tumours of 1 and of 100 mL are both usual."""
    sizes = {key: size if size is not None else row.voxels.get(key) for key, size in row.sizes.items()}
    found = {key: math.log1p(size) for key, size in sizes.items() if size is not None}
    return found if row.count is None else {**found, "count": math.log1p(row.count)}


def robust_z(values: Sequence[float]) -> list[float]:
    """Distance from the median in robust deviations; 0 for all where there are too few cases, or hardly two differ."""
    if len(values) < LEAST_CASES:
        return [0.0] * len(values)
    middle = statistics.median(values)
    deviation = MAD_TO_SIGMA * statistics.median(abs(value - middle) for value in values)
    return [(value - middle) / deviation if deviation > FLAT else 0.0 for value in values]


def write_table(rows: Sequence[Row], task: Task, folder: Path) -> Path:
    """Write `cohort.csv`, atomically. Raises InputRefused where the folder does not take it."""
    path = folder / TABLE_FILE
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, fieldnames=list(_entry(Row("", FAILED), task)))
        table.writeheader()
        table.writerows(_entry(row, task) for row in rows)
    return path


def size_unit(task: Task) -> str:
    """In which sizes are given."""
    return "um2" if task.pictures else "ml"


def _entry(row: Row, task: Task) -> dict[str, object]:
    keys = [region.key for region in task.regions]
    return {
        "case": row.case,
        "status": row.status,
        **{f"{key}_{size_unit(task)}": row.sizes.get(key) for key in keys},
        **{f"{key}_{'pixels' if task.pictures else 'voxels'}": row.voxels.get(key) for key in keys},
        **({"count": row.count} if task.instances else {}),
        "warnings": " ".join(row.warnings),
        "outlier": row.outlier,
        "seconds": row.seconds,
        "strategy": row.strategy,
        "device": row.device,
        "weights_sha256": row.weights,
        "inputs_sha256": " ".join(f"{key}:{digest}" for key, digest in row.inputs.items()),
        "reason": row.reason,
    }


def outliers_first(rows: Iterable[Row]) -> Iterator[Row]:
    """Failures, then from the farthest case to the most usual one."""
    return iter(sorted(rows, key=lambda row: (not row.failed, -row.outlier, row.case)))
