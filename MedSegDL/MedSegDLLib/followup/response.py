"""Response by the criteria that the field uses, as one table of thresholds with their sources. An aid: the clinical part is the reader's.

What the criteria ask besides (steroids, clinical state, confirmation, non-target lesions, time since radiotherapy) is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from ..metrics.diameters import Lesion
from ..tasks import Modality, Task


class Response(str, Enum):
    """The four classes, and none where nothing can be measured."""

    COMPLETE = "complete response"
    PARTIAL = "partial response"
    STABLE = "stable disease"
    PROGRESSIVE = "progressive disease"
    NOT_MEASURABLE = "not measurable"


@dataclass(frozen=True)
class Criteria:
    """One set of thresholds. Shares are of a change: -0.5 is half gone, 0.25 a quarter more.

    Attributes:
        key, title, source: what it is called and where it stands.
        measure: what is summed over the target lesions: "product" of both diameters (mm2), or the "longest" one (mm).
        smallest_mm: a lesion is measurable from this longest diameter on (and perpendicular one, for products).
        targets: the largest so many lesions are measured.
        partial, progressive: change of the sum against the baseline, and against the smallest sum so far.
        least_growth: absolute growth of the sum that progression needs besides, in its own unit.
        partial_volume, progressive_volume: the same by volume.
        volume_source: where those stand.
    """

    key: str
    title: str
    source: str
    measure: str
    smallest_mm: float
    targets: int
    partial: float
    progressive: float
    least_growth: float
    partial_volume: float
    progressive_volume: float
    volume_source: str


RANO_2 = Criteria(
    key="rano2",
    title="RANO 2.0",
    source="Wen and others, J Clin Oncol 2023;41:5187-5199",
    measure="product",
    smallest_mm=10.0,
    targets=3,
    partial=-0.50,
    progressive=0.25,
    least_growth=0.0,
    partial_volume=-0.65,
    progressive_volume=0.40,
    volume_source="Wen and others 2023, the same table",
)
RECIST_1_1 = Criteria(
    key="recist1.1",
    title="RECIST 1.1",
    source="Eisenhauer and others, Eur J Cancer 2009;45:228-247",
    measure="longest",
    smallest_mm=10.0,
    targets=2,  # an organ
    partial=-0.30,
    progressive=0.20,
    least_growth=5.0,
    partial_volume=-0.657,
    progressive_volume=0.728,
    volume_source="not part of RECIST: of a sphere whose diameter changes so, 0.7 and 1.2 cubed",
)
CRITERIA = {criteria.key: criteria for criteria in (RANO_2, RECIST_1_1)}


def usual_criteria(task: Task) -> Criteria:
    """RANO 2.0 for MR of the brain, RECIST 1.1 for what is seen in CT."""
    return RECIST_1_1 if any(entry.modality is Modality.CT for entry in task.inputs) else RANO_2


def threshold_rows(criteria: Criteria) -> list[tuple[str, str, str, str]]:
    """What is measured, from where on the response is partial, from where on the disease is progressive, and where that stands."""
    measure = "sum of products of both diameters" if criteria.measure == "product" else "sum of longest diameters"
    least = f" and at least {criteria.least_growth:.0f} mm" if criteria.least_growth else ""
    return [
        (f"{criteria.title}: {measure}", _percent(criteria.partial), _percent(criteria.progressive) + least, criteria.source),
        ("Volume", _percent(criteria.partial_volume), _percent(criteria.progressive_volume), criteria.volume_source),
    ]


def _percent(share: float) -> str:
    return f"{100 * share:+.0f} %"


def measurable(lesion: Lesion, criteria: Criteria) -> bool:
    """Whether a lesion is large enough to be a target."""
    across = lesion.perpendicular_mm if criteria.measure == "product" else lesion.longest_mm
    return min(lesion.longest_mm, across) >= criteria.smallest_mm


def sum_of(lesions: Sequence[Lesion], criteria: Criteria) -> float:
    """Over the largest measurable lesions: mm2 of products, or mm of longest diameters."""
    targets = [one for one in lesions if measurable(one, criteria)]
    sizes = [one.longest_mm * (one.perpendicular_mm if criteria.measure == "product" else 1.0) for one in targets]
    return sum(sorted(sizes, reverse=True)[: criteria.targets])


def by_diameters(sums: Sequence[float], empty: bool, new: bool, criteria: Criteria) -> Response:
    """Class of the last study.

    Args:
        sums: see `sum_of`, of each study in the order of time, the baseline first.
        empty: whether nothing at all is left of the region in the last one.
        new: whether a measurable lesion is there that none of the earlier studies had.
        criteria: the thresholds.
    """
    if new:
        return Response.PROGRESSIVE
    if not any(sums):
        return Response.NOT_MEASURABLE
    return _class(sums, empty, (criteria.partial, criteria.progressive, criteria.least_growth))


def by_volume(volumes_ml: Sequence[float], criteria: Criteria) -> Response:
    """Class of the last study by the volumes of the region, mL, in the order of time."""
    if not any(volumes_ml):
        return Response.NOT_MEASURABLE
    return _class(volumes_ml, volumes_ml[-1] == 0, (criteria.partial_volume, criteria.progressive_volume, 0.0))


def _class(values: Sequence[float], empty: bool, limits: tuple[float, float, float]) -> Response:
    """Growth is held against the smallest value so far, loss against the baseline; growth counts first."""
    partial, progressive, least = limits
    baseline, smallest, last = values[0], min(values[:-1]), values[-1]
    growth = last - smallest
    if growth > 0 and growth >= least and growth >= progressive * smallest:
        return Response.PROGRESSIVE
    if empty:
        return Response.COMPLETE
    return Response.PARTIAL if baseline and last - baseline <= partial * baseline else Response.STABLE
