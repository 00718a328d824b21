"""The network's own probability: its mean within each region and lesion, wherever the two grids lie."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from MedSegDLLib.geometry.image import Grid, Image
from MedSegDLLib.metrics.diameters import lesions_of
from MedSegDLLib.postprocess.calibration import Reliability, reliabilities
from MedSegDLLib.postprocess.confidence import probabilities_within
from MedSegDLLib.report.case import Case, case_of
from MedSegDLLib.result import Result, segments_on
from MedSegDLLib.tasks import BRAIN

FINE = Grid((20, 24, 28), np.array([[-1.0, 0, 0, 13], [0, -1.0, 0, 11], [0, 0, 1.0, -9], [0, 0, 0, 1]]))
COARSE = Grid((10, 12, 14), np.array([[2.0, 0, 0, -13.5], [0, 2.0, 0, -11.5], [0, 0, 2.0, -8.5], [0, 0, 0, 1]]))  # the other way round


def two_lesions() -> np.ndarray:
    mask = np.zeros(FINE.shape, np.uint8)
    mask[2:8, 2:8, 2:8] = 1
    mask[12:16, 14:18, 20:24] = 1
    return mask


def sure_on_the_right() -> torch.Tensor:
    """(3, K, J, I): 0.9 to the patient's right of the middle, 0.6 to the left."""
    right = COARSE.affine[0, 0] * np.arange(14) + COARSE.affine[0, 3] > 0
    return torch.from_numpy(np.broadcast_to(np.where(right, 0.9, 0.6), (3, 10, 12, 14)).astype(np.float32))


def result() -> Result:
    masks = {"WT": two_lesions(), "TC": two_lesions() * 0, "ET": two_lesions() * (np.arange(28) < 14).astype(np.uint8)}
    return Result(BRAIN, FINE, "flair", segments_on(FINE, BRAIN, masks))


def test_each_lesion_has_the_probabilities_of_its_place() -> None:
    found = probabilities_within(sure_on_the_right(), COARSE, result())
    volumes = [lesion.volume_ml for lesion in lesions_of(two_lesions(), FINE.affine)]
    assert [one["volume_ml"] for one in found["WT"]["lesions"]] == pytest.approx(volumes)
    assert [one["mean"] for one in found["WT"]["lesions"]] == [0.9, 0.6]
    assert found["WT"]["mean"] == pytest.approx((0.9 * 216 + 0.6 * 64) / 280, abs=1e-3)
    assert found["ET"]["mean"] == 0.9 and "TC" not in found


def test_what_such_probabilities_were_worth_stands_beside_them() -> None:
    curves = {"WT": Reliability((0.2, 0.6, 1.0), (0.1, 0.5, 0.9))}
    found = probabilities_within(sure_on_the_right(), COARSE, result(), curves)
    assert [one["calibrated"] for one in found["WT"]["lesions"]] == pytest.approx([0.8, 0.5])
    assert found["WT"]["calibrated"] == pytest.approx((0.8 * 216 + 0.5 * 64) / 280, abs=1e-3)
    assert "calibrated" not in found["ET"] and found["ET"]["mean"] == 0.9


GOOD = [[0.1, 0.0, 70], [0.9, 0.7, 60]]


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        {"regions": []},
        {"regions": {"WT": {"curve": [[0.1, 0.0, 70]]}}},
        {"regions": {"WT": {"curve": GOOD[::-1]}}},
        {"regions": {"WT": {"curve": [[0.1, 0.0, 70], [0.9, float("nan"), 60]]}}},
        {"regions": {"WT": {"curve": [[0.1, 0.0, 70], [0.9, 1.7, 60]]}}},
        {"regions": {"WT": {"curve": [[0.1, 0.0, 70], ["0.9", 0.7, 60]]}}},
        {"regions": {"WT": GOOD}},
        {"regions": {"spleen": {"curve": GOOD}}},
    ],
)
def test_a_curve_that_is_none_is_left_out(told: object) -> None:
    assert reliabilities({"calibration": told}, BRAIN) == {}


def test_a_curve_is_read_between_its_points_and_held_beyond_them() -> None:
    curve = reliabilities({"calibration": {"regions": {"WT": {"curve": GOOD}, "TC": 3}}}, BRAIN)
    assert list(curve) == ["WT"]
    assert curve["WT"].of(np.array([0.0, 0.1, 0.5, 0.9, 1.0])) == pytest.approx([0.0, 0.0, 0.35, 0.7, 0.7])


def test_what_was_edited_has_none() -> None:
    one = result()
    counts = {segment.region.key: segment.voxel_count for segment in one.segments}
    one.record = {"own_probability": probabilities_within(sure_on_the_right(), COARSE, one), "voxel_count": counts}
    case = case_of(one, Image(np.zeros(FINE.shape, np.float32), FINE.affine))
    assert case.own_probability("WT", 0.216) == 0.9 and case.own_probability("ET") == 0.9 and case.own_probability("TC") is None
    edited = {**one.masks, "WT": one.masks["WT"] * (np.arange(28) < 22).astype(np.uint8)}
    changed = Case(BRAIN, FINE, edited, one.record)
    assert changed.own_probability("WT") is None and changed.own_probability("WT", 0.216) == 0.9
    assert changed.own_probability("WT", 0.032) is None
