"""Laws of the losses: zero when right, hand-computed values, unlabelled outputs do not count."""

from __future__ import annotations

import math

import pytest
import torch

from medsegdl_training.train.losses import (
    LOSSES,
    REACH,
    deep_supervision,
    dice_and_cross_entropy,
    loss_of,
    mean_square,
    nested,
    paper,
    sums,
)
from MedSegDLLib.tasks import BRAIN, LIVER, NUCLEI, Task

SURE = 30.0  # a logit so high that its probability is 1


def halves() -> torch.Tensor:
    """(1, 1, 4, 4) target: the left half."""
    y = torch.zeros(1, 1, 4, 4)
    y[..., :2] = 1
    return y


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("shape", [(2, 2, 8, 8), (1, 3, 4, 4, 4)])
def test_right_costs_nothing_and_wrong_costs_more_than_unsure(loss, shape) -> None:
    y = (torch.rand(shape, generator=torch.Generator().manual_seed(0)) < 0.4).float()
    weight = torch.ones(shape[:2])
    right, unsure, wrong = (float(loss(logits, y, weight)) for logits in (SURE * (2 * y - 1), torch.zeros(shape), -SURE * (2 * y - 1)))
    assert right == pytest.approx(0, abs=1e-5)
    assert right < unsure < wrong


def test_by_hand() -> None:
    y, weight = halves(), torch.ones(1, 1)
    p = torch.zeros(1, 1, 4, 4)
    p[..., 1:3] = 1  # 4 of 8 voxels right
    found = sums(SURE * (2 * p - 1), y, weight)
    assert float(found.dice) == pytest.approx((2 * 4 + 1) / (16 + 1))
    assert float(found.iou) == pytest.approx((4 + 1) / (12 + 1))
    assert float(found.entropy) == pytest.approx(8 * SURE)
    assert float(found.voxels) == 16
    logits = torch.zeros(1, 1, 4, 4)
    unsure = sums(logits, y, weight)
    assert float(unsure.dice) == pytest.approx((2 * 4 + 1) / (16 + 1))
    assert float(dice_and_cross_entropy(logits, y, weight)) == pytest.approx(1 - float(unsure.dice) + math.log(2), abs=1e-6)
    assert float(paper(logits, y, weight)) == pytest.approx(1 - (float(unsure.dice) + float(unsure.iou)) / 2)
    assert float(mean_square(torch.tensor([[1.0, -2.0], [0.0, 3.0]]))) == pytest.approx(14 / 4)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_what_has_no_label_does_not_count(loss) -> None:
    y = torch.cat([halves(), halves()], dim=1)
    logits = torch.cat([SURE * (2 * halves() - 1), torch.full((1, 1, 4, 4), SURE)], dim=1).requires_grad_()
    value = loss(logits, y, torch.tensor([[1.0, 0.0]]))
    value.backward()
    assert value.item() == pytest.approx(0, abs=1e-5)
    assert not logits.grad[:, 1].any()
    assert loss(logits, y, torch.zeros(1, 2)).item() == 0


def test_an_empty_region_left_empty_costs_nothing() -> None:
    y = torch.zeros(1, 1, 4, 4)
    assert float(dice_and_cross_entropy(y - SURE, y, torch.ones(1, 1))) == pytest.approx(0, abs=1e-5)


def test_levels_weigh_one_half_quarter() -> None:
    y, weight = halves(), torch.ones(1, 1)
    right = [SURE * (2 * halves() - 1), SURE * torch.tensor([[[[1.0, -1.0], [1.0, -1.0]]]])]
    wrong = [-level for level in right]
    full = float(deep_supervision(wrong, y, weight))
    assert float(deep_supervision(right, y, weight)) == pytest.approx(0, abs=1e-5)
    coarse_wrong = float(deep_supervision([right[0], wrong[1]], y, weight))
    single = float(dice_and_cross_entropy(wrong[1], torch.tensor([[[[1.0, 0.0], [1.0, 0.0]]]]), weight))
    assert coarse_wrong == pytest.approx(0.5 * single / 1.5, rel=1e-5)
    assert coarse_wrong < full


def liver_with_tumour() -> torch.Tensor:
    """(1, 2, 24, 24): a square of 6 with a square of 2 in it."""
    y = torch.zeros(1, 2, 24, 24)
    y[:, 0, 2:8, 2:8] = 1
    y[:, 1, 4:6, 4:6] = 1
    return y


def test_what_lies_inside_is_judged_near_its_outer_region_only() -> None:
    loss, y, weight = loss_of("nested", LIVER), liver_with_tumour(), torch.ones(1, 2)
    right = SURE * (2 * y - 1)
    far, close = right.clone(), right.clone()
    far[:, 1, 8 + REACH :] = SURE  # false tumour everywhere that is further off
    close[:, 1, 8 + REACH - 1, 4] = SURE
    assert float(loss(far, y, weight)) == pytest.approx(0, abs=1e-5)
    assert float(dice_and_cross_entropy(far, y, weight)) > 1
    assert float(loss(close, y, weight)) > 0.01
    false_liver = right.clone()
    false_liver[:, 0, 20:] = SURE
    assert float(loss(false_liver, y, weight)) > 0.01


def test_nested_is_the_usual_loss_of_the_neighbourhood() -> None:
    y, side = liver_with_tumour(), slice(0, 8 + REACH)  # all that is near the outer region
    logits = torch.randn(y.shape, generator=torch.Generator().manual_seed(0))
    inner = float(dice_and_cross_entropy(logits[:, 1:, side, side], y[:, 1:, side, side], torch.ones(1, 1)))
    outer = float(dice_and_cross_entropy(logits[:, :1], y[:, :1], torch.ones(1, 1)))
    assert float(nested(logits, y, torch.ones(1, 2), [None, 0])) == pytest.approx((inner + outer) / 2, rel=1e-5)
    only = float(nested(logits, y, torch.tensor([[1.0, 0.0]]), [None, 0]))
    assert only == pytest.approx(outer, rel=1e-5)  # unlabelled as ever


@pytest.mark.parametrize(
    ("task", "outer"), [(BRAIN, [None, 0, 1]), (LIVER, [None, 0]), (NUCLEI, [None, None])], ids=lambda part: str(part)[:9]
)
def test_nesting_is_what_the_task_says(task: Task, outer: list[int | None]) -> None:
    assert loss_of("nested", task).keywords == {"outer": outer}
    assert loss_of("paper", task) is paper
    if not any(index is not None for index in outer):
        logits = torch.randn((2, 2, 8, 8), generator=torch.Generator().manual_seed(1))
        y, weight = (logits > 0.5).float(), torch.ones(2, 2)
        torch.testing.assert_close(loss_of("nested", task)(logits, y, weight), dice_and_cross_entropy(logits, y, weight))


def test_without_its_outer_region_nothing_inside_is_judged() -> None:
    y = torch.zeros(1, 2, 8, 8)
    logits = torch.zeros(1, 2, 8, 8).requires_grad_()
    loss_of("nested", LIVER)(logits, y, torch.ones(1, 2)).backward()
    assert logits.grad[:, 0].any() and not logits.grad[:, 1].any()
