"""Follow-up: laws of matching and of response, and the command from folders to page."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from MedSegDLLib.commands.main import main
from MedSegDLLib.errors import UsageError
from MedSegDLLib.followup.course import Study, follow
from MedSegDLLib.followup.matching import Kind, matched, numbered
from MedSegDLLib.followup.response import RANO_2, RECIST_1_1, Response, by_diameters, by_volume, sum_of, usual_criteria
from MedSegDLLib.geometry.image import Grid, Image
from MedSegDLLib.geometry.registration import motion
from MedSegDLLib.io.write import write_image
from MedSegDLLib.metrics.diameters import Lesion, lesions_of
from MedSegDLLib.report.case import Case
from MedSegDLLib.tasks import BRAIN, LIVER, NUCLEI

SHAPE = (40, 48, 44)
GRID = Grid(SHAPE, np.array([[-1.5, 0, 0, 33], [0, -1.5, 0, 36], [0, 0, 2.0, -40], [0, 0, 0, 1]]))
LARGE, SMALL, FAR = ((20, 24, 20), 9), ((8, 12, 34), 4), ((32, 40, 8), 6)


def balls(*entries: tuple[tuple[int, int, int], float]) -> np.ndarray:
    """A mask of balls: centre in voxels, radius in mm."""
    mask, at = np.zeros(SHAPE, np.uint8), np.indices(SHAPE)
    for centre, radius in entries:
        apart = sum(((axis - c) * side) ** 2 for axis, c, side in zip(at, centre, GRID.spacing_mm[::-1]))
        mask[apart <= radius**2] = 1
    return mask


def study(mask: np.ndarray, way: np.ndarray | None = None, weights: str = "a", grid: Grid = GRID) -> Study:
    record = {"weights": {"sha256": weights}}
    masks = {"WT": mask, "TC": mask, "ET": mask}
    return Study(Case(BRAIN, grid, masks, record), np.eye(4) if way is None else way)


def kinds(before: np.ndarray, after: np.ndarray, way: np.ndarray | None = None) -> list[Kind]:
    return [match.kind for match in matched(before, GRID, after, GRID, np.eye(4) if way is None else way)]


def test_the_same_scan_twice_is_stable_and_every_lesion_itself() -> None:
    mask = balls(LARGE, SMALL, FAR)
    found = matched(mask, GRID, mask, GRID, np.eye(4))
    assert [(match.before, match.after) for match in found] == [((0,), (0,)), ((1,), (1,)), ((2,), (2,))]
    course = follow([study(mask), study(mask)], RANO_2)
    assert all(one.diameters is one.volume is Response.STABLE and not one.new for one in course.regions)
    assert not course.findings


def test_what_was_not_there_is_new_and_what_is_not_there_any_more_is_gone() -> None:
    assert kinds(balls(LARGE), balls(LARGE, FAR)) == [Kind.SAME, Kind.NEW]
    assert kinds(balls(LARGE, FAR), balls(LARGE)) == [Kind.SAME, Kind.GONE]
    assert kinds(balls(), balls(LARGE)) == [Kind.NEW] and kinds(balls(LARGE), balls()) == [Kind.GONE] and kinds(balls(), balls()) == []
    grown = follow([study(balls(LARGE)), study(balls(LARGE, FAR))], RANO_2).regions[0]
    assert grown.diameters is Response.PROGRESSIVE and grown.new == [1]
    healed = follow([study(balls(LARGE)), study(balls())], RANO_2).regions[0]
    assert healed.diameters is healed.volume is Response.COMPLETE


def test_a_lesion_that_comes_back_is_not_new() -> None:
    course = follow([study(balls(LARGE, FAR)), study(balls(LARGE)), study(balls(LARGE, FAR))], RANO_2)
    assert course.regions[0].new == [] and [match.kind for match in course.regions[0].matches[2]] == [Kind.SAME, Kind.NEW]


def test_lesions_merge_and_split_and_time_backwards_is_the_other() -> None:
    apart, joined = balls(((20, 16, 20), 6), ((20, 32, 20), 6)), balls(((20, 16, 20), 6), ((20, 32, 20), 6), ((20, 24, 20), 8))
    assert kinds(apart, joined) == [Kind.MERGED] and kinds(joined, apart) == [Kind.SPLIT]


def test_a_small_lesion_beside_its_place_is_the_same_and_one_far_off_is_not() -> None:
    assert kinds(balls(((8, 12, 34), 1)), balls(((8, 14, 34), 1))) == [Kind.SAME]
    assert kinds(balls(((8, 12, 34), 1)), balls(((8, 18, 34), 1))) == [Kind.GONE, Kind.NEW]


def test_a_patient_who_lies_otherwise_has_the_same_lesions() -> None:
    """The later study on a turned and shifted grid, with the motion that lays it back."""
    way = motion(np.array([4.0, -6.0, 9.0]), np.array([12.0, -7.0, 15.0]), np.zeros(3))
    elsewhere = Grid(SHAPE, np.linalg.inv(way) @ GRID.affine)
    mask = balls(LARGE, SMALL, FAR)
    found = matched(mask, GRID, mask, elsewhere, way)
    assert [match.kind for match in found] == [Kind.SAME] * 3
    assert any(match.kind is not Kind.SAME for match in matched(mask, GRID, mask, elsewhere, np.eye(4)))
    course = follow([study(mask), study(mask, way, grid=elsewhere)], RANO_2)
    np.testing.assert_allclose(course.studies[1].moved.grid.affine, GRID.affine, atol=1e-9)


@pytest.mark.parametrize(
    "sums, empty, new, rano, recist",
    [
        ([100, 100], False, False, Response.STABLE, Response.STABLE),
        ([100, 50], False, False, Response.PARTIAL, Response.PARTIAL),
        ([100, 65], False, False, Response.STABLE, Response.PARTIAL),
        ([100, 125], False, False, Response.PROGRESSIVE, Response.PROGRESSIVE),
        ([100, 120], False, False, Response.STABLE, Response.PROGRESSIVE),
        ([100, 40, 52], False, False, Response.PROGRESSIVE, Response.PROGRESSIVE),  # from the smallest, though half of the first
        ([10, 13], False, False, Response.PROGRESSIVE, Response.STABLE),  # less than 5 mm
        ([100, 0], True, False, Response.COMPLETE, Response.COMPLETE),
        ([100, 0], False, False, Response.PARTIAL, Response.PARTIAL),  # too small to be measured, but there
        ([100, 50], False, True, Response.PROGRESSIVE, Response.PROGRESSIVE),
        ([0, 0], True, False, Response.NOT_MEASURABLE, Response.NOT_MEASURABLE),
    ],
)
def test_thresholds(sums, empty, new, rano, recist) -> None:
    assert by_diameters(sums, empty, new, RANO_2) is rano
    assert by_diameters(sums, empty, new, RECIST_1_1) is recist


def test_by_volume_and_the_usual_criteria() -> None:
    assert by_volume([10, 3.4], RANO_2) is Response.PARTIAL and by_volume([10, 3.6], RANO_2) is Response.STABLE
    assert by_volume([10, 14], RANO_2) is Response.PROGRESSIVE and by_volume([10, 17], RECIST_1_1) is Response.STABLE
    assert by_volume([0, 0], RANO_2) is Response.NOT_MEASURABLE and by_volume([0, 1], RANO_2) is Response.PROGRESSIVE
    assert usual_criteria(BRAIN) is RANO_2 and usual_criteria(LIVER) is RECIST_1_1


def test_other_weights_are_said_and_what_cannot_be_compared_is_refused() -> None:
    mask = balls(LARGE)
    assert "different networks" in follow([study(mask), study(mask, weights="b")], RANO_2).findings[0].message
    flat = Study(Case(NUCLEI, Grid((1, 4, 4), np.eye(4)), {NUCLEI.regions[0].key: np.zeros((1, 4, 4), np.uint16)}))
    for studies in ([study(mask)], [study(mask), flat], [flat, flat], []):
        with pytest.raises(UsageError):
            follow(studies, RANO_2)


def folder_of(place: Path, mask: np.ndarray) -> Path:
    place.mkdir()
    for key in ("WT", "TC", "ET"):
        write_image(Image(mask, GRID.affine), place / f"{key}.nii.gz")
    record = {"task": "brain", "reference": "flair", "weights": {"sha256": "a"}, "inputs": {"flair": {"name": "Mustermann"}}}
    (place / "report.json").write_text(json.dumps(record), encoding="utf-8")
    return place


def test_the_command_from_folders_to_a_page(tmp_path: Path, capsys) -> None:
    first, second = folder_of(tmp_path / "Mustermann_1", balls(LARGE)), folder_of(tmp_path / "Mustermann_2", balls(LARGE, FAR))
    assert main(["follow-up", str(first), str(second), "-o", str(tmp_path / "f.html")]) == 0
    assert "progressive disease by diameters" in capsys.readouterr().out
    text = (tmp_path / "f.html").read_text(encoding="utf-8")
    for told in ("not a diagnosis", "not a medical device", "Wen and others", "Study 2", "not registered", "<b>new</b>", "RANO 2.0"):
        assert told in text, told
    assert "Mustermann" not in text + (tmp_path / "f.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader((tmp_path / "f.csv").open(encoding="utf-8")))
    assert [row["kind"] for row in rows if row["study"] == "2" and row["region"] == "WT" and row["lesion"]] == ["same", "new"]
    assert main(["follow-up", str(first), "-o", str(tmp_path / "g.html")]) == 2
    assert main(["follow-up", str(first), str(second), "--image", "x.nii", "-o", str(tmp_path / "g.html")]) == 2
    assert not (tmp_path / "g.html").exists()


def test_lesions_are_numbered_as_they_are_measured() -> None:
    """The largest first, and what shares a corner is one."""
    for seed in range(5):
        mask = np.random.default_rng(seed).random((6, 9, 8)) < 0.06
        sizes = np.bincount(numbered(mask).ravel())[1:]
        assert sizes.tolist() == [lesion.voxel_count for lesion in lesions_of(mask, np.eye(4))]
    corner = np.zeros((3, 3, 3), bool)
    corner[0, 0, 0] = corner[1, 1, 1] = True
    assert numbered(corner).max() == 1


def measured(longest_mm: float, perpendicular_mm: float) -> Lesion:
    return Lesion(1, 0.001, longest_mm, perpendicular_mm, np.zeros((2, 3)), np.zeros((2, 3)))


def test_the_largest_targets_are_summed_and_a_narrow_lesion_is_none_of_them() -> None:
    lesions = [measured(*sides) for sides in ((12, 10), (20, 15), (40, 9.9), (11, 10), (15, 14))]
    assert sum_of(lesions, RANO_2) == 20 * 15 + 15 * 14 + 12 * 10  # 40 x 9.9 mm is not measurable by its second diameter
    assert sum_of(lesions, RECIST_1_1) == 40 + 20
    assert sum_of([measured(9.9, 9.9), measured(10, 10)], RECIST_1_1) == 10


def test_growth_of_just_the_least_counts() -> None:
    assert by_diameters((25.0, 30.0), False, False, RECIST_1_1) is Response.PROGRESSIVE  # 5 mm and 20 %, both at least
    assert by_diameters((25.0, 29.9), False, False, RECIST_1_1) is Response.STABLE
    assert by_diameters((20.0, 24.9), False, False, RECIST_1_1) is Response.STABLE


def test_the_tolerance_is_one_in_mm_along_each_axis() -> None:
    """Voxels of 0.8 x 0.8 x 5 mm: three of them along a row are near, three slices are far."""
    grid = Grid((12, 24, 24), np.diag([0.8, 0.8, 5.0, 1.0]))
    before = np.zeros(grid.shape, bool)
    before[3:5, 8:10, 8:10] = True
    for axis, near in ((2, True), (1, True), (0, False)):
        after = np.roll(before, 4, axis=axis)
        found = [match.kind for match in matched(before, grid, after, grid, np.eye(4))]
        assert found == ([Kind.SAME] if near else [Kind.GONE, Kind.NEW]), axis


def test_what_lies_before_the_first_voxel_meets_nothing_at_the_last() -> None:
    grid = Grid((12, 24, 24), np.eye(4))
    before, after = np.zeros(grid.shape, bool), np.zeros(grid.shape, bool)
    before[5:7, 5:7, -2:], after[5:7, 5:7, :2] = True, True
    way = np.eye(4)
    way[0, 3] = -2.0
    assert [match.kind for match in matched(before, grid, after, grid, way)] == [Kind.GONE, Kind.NEW]


def test_a_lesion_beside_its_place_is_the_one_that_it_is_beside() -> None:
    """Of two that nothing overlaps, the smaller: the larger is gone."""
    grid = Grid((12, 30, 30), np.eye(4))
    before, after = np.zeros(grid.shape, bool), np.zeros(grid.shape, bool)
    before[2:8, 2:8, 2:8], before[5:7, 20:22, 20:22], after[5:7, 20:22, 23:25] = True, True, True
    found = {match.kind: match for match in matched(before, grid, after, grid, np.eye(4))}
    assert found.keys() == {Kind.GONE, Kind.SAME} and found[Kind.GONE].before == (0,) and found[Kind.SAME].before == (1,)
