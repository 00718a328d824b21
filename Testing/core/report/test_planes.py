"""The pictures of a report show what a reader expects where it is expected: right on the left, front and head above."""

from __future__ import annotations

import numpy as np
import pytest

from MedSegDLLib.geometry.image import Grid, Image
from MedSegDLLib.report.planes import Layer, drawn

SHAPE = (20, 40, 30)
SPOT = (15, 31, 6)  # k, j, i
LIES = {
    "RAS": np.diag([1.0, 1.0, 2.0, 1.0]),
    "LPS": np.diag([-1.0, -1.0, 2.0, 1.0]),
    "sagittal": np.array([[0.0, 0.0, 1.5, -3.0], [1.0, 0.0, 0.0, 5.0], [0.0, 1.0, 0.0, 2.0], [0.0, 0.0, 0.0, 1.0]]),
}
ACROSS = {"Axial": (0, 1), "Coronal": (0, 2), "Sagittal": (1, 2)}  # of the patient's axes R, A, S: along columns and rows, both falling


@pytest.mark.parametrize("lies", LIES)
def test_a_spot_lies_in_each_picture_where_the_patient_has_it(lies: str) -> None:
    affine = LIES[lies]
    values = np.full(SHAPE, 10.0, np.float32)
    values[0, 0, 0] = 0  # what the window counts from; one corner of the box stays in sight
    values[SPOT] = 1000.0
    mask = np.zeros(SHAPE, np.uint8)
    mask[SPOT] = 1
    place = affine[:3, :3] @ SPOT[::-1] + affine[:3, 3]
    grid = Grid(SHAPE, affine)
    corners = grid.corners()
    low, high = corners.min(axis=0), corners.max(axis=0)
    pictures = drawn(Image(values, affine, "spot"), grid, [Layer(mask, (1.0, 0.0, 0.0))], place)
    for name, (columns, rows) in ACROSS.items():
        picture = pictures[name]
        height, width = picture.shape[:2]
        assert width / height == pytest.approx((high - low)[columns] / (high - low)[rows], rel=0.02), name
        red = np.argwhere((picture[..., 0] > 200) & (picture[..., 1] < 50)).mean(axis=0)
        wanted = [(high[axis] - place[axis]) / (high - low)[axis] * (side - 1) for axis, side in ((rows, height), (columns, width))]
        assert np.allclose(red, wanted, atol=3), name
