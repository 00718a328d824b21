"""Whether a result can be right: every judgement on masks made for it, and that good results are left in peace."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from MedSegDLLib.checks.findings import FindingCode as Code
from MedSegDLLib.checks.findings import Severity
from MedSegDLLib.geometry.image import Grid
from MedSegDLLib.pipeline import Options, segment
from MedSegDLLib.postprocess.plausibility import Outcome, implausible, left_out
from MedSegDLLib.result import Result, Segment, SmallParts
from MedSegDLLib.tasks import BRAIN, LIVER, NUCLEI, Task

from ..tiny import ball, head_images, tiny_weights

SHAPE = (40, 44, 42)
HEAD = ball(SHAPE, (20, 22, 21), 18)
ALL = ("t1", "t1ce", "t2", "flair")
TUMOUR = {"WT": ball(SHAPE, (20, 22, 28), 8), "TC": ball(SHAPE, (20, 22, 28), 5), "ET": ball(SHAPE, (20, 22, 28), 3)}


def outcome(masks: dict[str, np.ndarray], given: tuple[str, ...] = ALL, peak: float = 0.99, task: Task = BRAIN, body: np.ndarray = HEAD):
    grid = Grid(next(iter(masks.values())).shape, np.eye(4))
    segments = tuple(Segment(region, masks[region.key].astype(np.uint8), 1.0) for region in task.regions)
    peaks = {region.key: peak for region in task.regions}
    return Outcome(Result(task, grid, given[0], segments), body, peaks, task.plan, given)


def judged(*arguments, **more) -> dict[Code, str]:
    return {finding.code: finding.message for finding in implausible(outcome(*arguments, **more))}


def test_a_good_result_is_left_in_peace() -> None:
    assert judged(TUMOUR) == {}
    few = {**TUMOUR, "WT": TUMOUR["WT"] | ball(SHAPE, (20, 22, 12), 2) | ball(SHAPE, (12, 22, 14), 2)}
    assert judged(few) == {}


@pytest.mark.parametrize(
    ("small", "says"),
    [
        (SmallParts(1, 1234.0), "A part of Whole tumour smaller than 10% of the largest is left out (1.2 mL)."),
        (SmallParts(3, 2000.0), "3 parts of Whole tumour smaller than 10% of the largest are left out (2.0 mL)."),
    ],
)
def test_parts_left_out_are_told(small: SmallParts, says: str) -> None:
    judged_one = outcome(TUMOUR)
    judged_one.result.small_parts["WT"] = small
    assert [finding.message for finding in implausible(judged_one)] == [says]


def test_parts_left_out_count_as_scattered() -> None:
    judged_one = outcome(TUMOUR)
    judged_one.result.small_parts["WT"] = SmallParts(10, 900.0)
    assert "Whole tumour is scattered in 11 parts." in [finding.message for finding in implausible(judged_one)]


def test_more_than_half_of_the_head() -> None:
    found = judged({**TUMOUR, "WT": ball(SHAPE, (20, 22, 21), 16)})
    assert set(found) == {Code.IMPLAUSIBLE_VOLUME}
    assert found[Code.IMPLAUSIBLE_VOLUME].startswith("Whole tumour takes 70%")


def test_outside_the_head() -> None:
    found = judged({**TUMOUR, "WT": ball(SHAPE, (20, 6, 34), 4) | TUMOUR["WT"]})
    assert "Whole tumour lies outside" in found[Code.OUTSIDE_THE_BODY]


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("end", [0, -1])
def test_at_each_border(axis: int, end: int) -> None:
    place = [20, 22, 21]
    place[axis] = 0 if end == 0 else SHAPE[axis] - 1
    found = judged({**TUMOUR, "WT": ball(SHAPE, tuple(place), 4)}, body=np.ones(SHAPE, bool))
    assert found[Code.TOUCHES_BORDER].startswith("Whole tumour reaches the border")


def dots(count: int, radius: float = 1) -> np.ndarray:
    centres = [(8 + 8 * (n // 9), 10 + 8 * (n // 3 % 3), 10 + 8 * (n % 3)) for n in range(count)]
    return np.any([ball(SHAPE, centre, radius) for centre in centres], axis=0)


@pytest.mark.parametrize(("mask", "scattered"), [(dots(3), False), (dots(4), True), (dots(11), True), (dots(9) | TUMOUR["WT"], False)])
def test_scattered(mask: np.ndarray, scattered: bool) -> None:
    found = judged({**TUMOUR, "WT": mask}, body=np.ones(SHAPE, bool))
    assert (Code.SCATTERED in found) == scattered


def test_nothing_found_says_how_near_it_came() -> None:
    empty = {key: np.zeros(SHAPE, bool) for key in TUMOUR}
    findings = implausible(outcome(empty, peak=0.31))
    assert [finding.severity for finding in findings] == [Severity.WARNING, Severity.NOTE, Severity.NOTE]
    assert (
        findings[0].message
        == f"Nothing was found of Whole tumour: its largest probability is 0.31, and {BRAIN.plan.threshold:g} is needed."
    )
    assert "too small" in implausible(outcome(empty, peak=0.9))[0].message


def test_an_inner_region_may_be_absent() -> None:
    findings = implausible(outcome({**TUMOUR, "ET": np.zeros(SHAPE, bool)}, peak=0.2))
    assert [(finding.code, finding.severity) for finding in findings] == [(Code.NOTHING_FOUND, Severity.NOTE)]


def test_pictures_have_no_body() -> None:
    cells = np.ones((1, 30, 30), bool)
    assert judged({"nucleus": cells}, ("image",), task=NUCLEI, body=cells) == {}
    assert set(judged({"nucleus": ~cells}, ("image",), task=NUCLEI, body=cells)) == {Code.NOTHING_FOUND}


def test_a_liver_is_one_part_and_its_tumours_are_several() -> None:
    liver = {"liver": dots(6, 2), "tumour": dots(6)}
    assert set(judged(liver, ("ct",), task=LIVER)) >= {Code.SCATTERED}
    assert "Liver tumour is scattered in 6 parts." in judged(liver, ("ct",), task=LIVER)[Code.SCATTERED]


GIVEN = [
    (ALL, set(), set()),
    (("t1ce",), set(), {"Whole tumour"}),
    (("t1", "t2", "flair"), {"Enhancing tumour"}, {"Tumour core"}),
    (("t1",), {"Enhancing tumour"}, {"Tumour core", "Whole tumour"}),
    (("flair", "t1ce"), set(), set()),
]


@pytest.mark.parametrize(("given", "empty", "doubtful"), GIVEN, ids=str)
def test_what_a_missing_input_means_for_each_region(given: tuple[str, ...], empty: set[str], doubtful: set[str]) -> None:
    masks = {**TUMOUR, **({"ET": np.zeros(SHAPE, bool)} if empty else {})}
    findings = implausible(outcome(masks, given))
    titles = {region.title for region in BRAIN.regions}
    for code, wanted in ((Code.REGION_LEFT_OUT, empty), (Code.REGION_DOUBTFUL, doubtful)):
        assert {title for title in titles for f in findings if f.code is code and f.message.startswith(title)} == wanted
    assert left_out(BRAIN, given) == (("ET",) if empty else ())
    assert Code.NOTHING_FOUND not in {finding.code for finding in findings}  # it was not looked for


def turned_outcome(task: Task, body: np.ndarray, mask: np.ndarray, affine: np.ndarray) -> Outcome:
    """A result on a grid that lies as the affine says."""
    masks = {region.key: mask if region.inside is None else np.zeros_like(mask) for region in task.regions}
    made = outcome(masks, tuple(entry.key for entry in task.inputs), task=task, body=body)
    return replace(made, result=replace(made.result, grid=Grid(body.shape, affine)))


def orientation_of(*arguments) -> list[str]:
    return [finding.message for finding in implausible(turned_outcome(*arguments)) if finding.code is Code.ORIENTATION]


# Along (i, j, k): R A S; L P S, as most files have it; oblique sagittal slices (i to the front, j up, k to the right).
LIES = {
    "RAS": np.diag([2.0, 2.0, 2.0, 1.0]),
    "LPS": np.diag([-2.0, -2.0, 2.0, 1.0]),
    "sagittal": np.array([[0.2, 0.0, 3.0, -90.0], [2.0, 0.1, -0.2, 5.0], [0.0, 2.0, 0.1, 3.0], [0.0, 0.0, 0.0, 1.0]]),
}


@pytest.mark.parametrize("lies", LIES)
def test_a_liver_on_the_left_and_a_body_on_its_side_are_told(lies: str) -> None:
    affine = LIES[lies]
    shape = (40, 44, 42)
    ijk = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)[..., ::-1]
    mm = ijk @ affine[:3, :3].T
    mm -= mm.reshape(-1, 3).mean(axis=0)
    body = (mm[..., 0] / 40) ** 2 + (mm[..., 1] / 30) ** 2 < 1
    right, left = (np.linalg.norm(mm - [side * 20, 5, 0], axis=-1) < 12 for side in (1, -1))
    assert orientation_of(LIVER, body, right, affine) == []
    assert orientation_of(replace(LIVER, regions=tuple(replace(r, half=None) for r in LIVER.regions)), body, left, affine) == []
    (says,) = orientation_of(LIVER, body, left, affine)
    assert says.startswith("Liver lies in the left half of the body")
    turned = (mm[..., 0] / 30) ** 2 + (mm[..., 1] / 40) ** 2 < 1
    (says,) = orientation_of(LIVER, turned, right, affine)
    assert "longer from front to back than from left to right" in says
    assert orientation_of(BRAIN, turned, left, affine) == []
    (says,) = orientation_of(BRAIN, body, left, affine)
    assert "longer from left to right than from front to back" in says


@pytest.fixture(scope="module")
def everywhere(tmp_path_factory) -> Options:
    """Weights of a plan whose threshold every voxel passes."""
    task = replace(BRAIN, plan=replace(BRAIN.plan, threshold=1e-6))
    return Options("cpu", tiny_weights(tmp_path_factory.mktemp("weights"), task), bias_correction=False)


@pytest.mark.parametrize("given", [ALL, ("t1",), ("t1", "flair"), ("t1ce",)], ids=str)
def test_no_enhancing_tumour_without_contrast_agent(given: tuple[str, ...], everywhere: Options) -> None:
    result = segment(head_images(given), BRAIN, everywhere)
    codes = {warning["code"] for warning in result.record["warnings"]}
    assert result.masks["WT"].any() and result.masks["TC"].any()
    assert result.masks["ET"].any() == ("t1ce" in given)
    assert ("region_left_out" in codes) == ("t1ce" not in given)
    assert result.record["volumes_ml"]["ET"] == pytest.approx(result.volumes_ml["ET"])
    assert "implausible_volume" in codes  # all of the head


@pytest.mark.parametrize(("share", "told"), [(0.008, False), (0.015, True)])
def test_a_hundredth_of_a_region_may_lie_outside(share: float, told: bool) -> None:
    body = np.ones(SHAPE, bool)
    inside = np.argwhere(TUMOUR["WT"])
    body[tuple(inside[: round(share * len(inside))].T)] = False
    assert (Code.OUTSIDE_THE_BODY in judged({**TUMOUR, "TC": 0 * HEAD, "ET": 0 * HEAD}, body=body)) == told
