"""The figures of a report as rows, for the page and as CSV: a row a region, a row a lesion, and one for the brain mask."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import numpy as np

from .case import Case

COLUMNS = (
    "kind",
    "region",
    "id",
    "number",
    "volume_ml",
    "longest_mm",
    "perpendicular_mm",
    "R_mm",
    "A_mm",
    "S_mm",
    "pixels",
    "own_probability",
    "calibrated_probability",
)


def csv_text(case: Case) -> str:
    """All rows, with a head; numbers with a point, whatever the country. Spreadsheets open it."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\n")
    writer.writerow({column: case.say(column) for column in COLUMNS})
    writer.writerows({**row, "kind": case.say(str(row["kind"])), "region": case.say(str(row["region"]))} for row in _rows(case))
    return stream.getvalue()


def _rows(case: Case) -> Iterator[dict[str, object]]:
    flat = case.task.pictures
    for region in case.regions:
        named = {"region": region.label, "id": region.key}
        count = int(np.count_nonzero(case.masks[region.key]))
        sure = _sure(case, region.key)
        yield {"kind": "region", **named, **sure, **({"pixels": count} if flat else {"volume_ml": f"{case.millilitres[region.key]:.4f}"})}
        if flat and case.task.instances:
            yield from ({"kind": "object", **named, "number": number, "pixels": area} for number, area in object_areas(case))
        for number, lesion in enumerate(case.lesions.get(region.key, ()), start=1):
            sizes = {"volume_ml": f"{lesion.volume_ml:.4f}", "longest_mm": f"{lesion.longest_mm:.2f}"}
            sizes |= {"perpendicular_mm": f"{lesion.perpendicular_mm:.2f}"}
            places = {f"{axis}_mm": f"{value:.1f}" for axis, value in zip("RAS", lesion.middle)}
            sure = _sure(case, region.key, lesion.volume_ml)
            yield {"kind": "lesion", **named, "number": number, **sizes, **places, **sure}
    if case.record.get("brain_mask_ml") is not None:
        yield {"kind": "brain mask", "region": "Brain", "id": "brain", "volume_ml": f"{float(case.record['brain_mask_ml']):.4f}"}


def _sure(case: Case, key: str, volume_ml: float | None = None) -> dict[str, float | None]:
    """How sure the network was, and what that was worth."""
    said = {"own_probability": "mean", "calibrated_probability": "calibrated"}
    return {column: case.own_probability(key, volume_ml, name) for column, name in said.items()}


def object_areas(case: Case) -> list[tuple[int, int]]:
    """(number, pixels) of the counted objects of a picture."""
    numbers, areas = np.unique(case.masks[case.regions[0].key], return_counts=True)
    return [(int(number), int(area)) for number, area in zip(numbers, areas) if number]
