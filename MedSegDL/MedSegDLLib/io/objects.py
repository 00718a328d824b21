"""The table of counted objects, one a row, as CSV: number, area, centroid."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

COLUMNS = ("number", "area_px", "area_um2", "centroid_x_px", "centroid_y_px")


def object_rows(instances: np.ndarray, pixel_area_um2: float | None) -> list[tuple[int, int, float | None, float, float]]:
    """One row an object, by `COLUMNS`, in the order of the numbers.

    Args:
        instances: (1, J, I) object numbers, 0 background.
        pixel_area_um2: area of a pixel; None where the picture has no pixel size, which leaves the column empty.

    Returns:
        number, area in pixels, area in um2, centroid along I and J in pixels (the first pixel's centre is 0).
    """
    rows, columns = np.nonzero(instances[0])
    numbers, places = np.unique(instances[0][rows, columns], return_inverse=True)
    areas = np.bincount(places, minlength=len(numbers))
    x = np.bincount(places, columns, minlength=len(numbers)) / np.maximum(areas, 1)
    y = np.bincount(places, rows, minlength=len(numbers)) / np.maximum(areas, 1)
    um2 = [None if pixel_area_um2 is None else round(float(area * pixel_area_um2), 4) for area in areas]
    return [
        (int(number), int(area), size, round(float(across), 2), round(float(down), 2))
        for number, area, size, across, down in zip(numbers, areas, um2, x, y, strict=True)
    ]


def store_objects(path: Path, instances: np.ndarray, pixel_area_um2: float | None) -> None:
    """Write `object_rows` with a line of titles. Raises OSError."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(object_rows(instances, pixel_area_um2))
