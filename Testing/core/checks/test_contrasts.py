"""Exchanged and mirrored images of one head: found on a made-up head and on real ones, and never where all is right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from MedSegDLLib.checks.contrasts import exchanged, mirrored, ranks_of
from MedSegDLLib.checks.coverage import missing_shares
from MedSegDLLib.checks.findings import FindingCode as Code
from MedSegDLLib.checks.inputs import check
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.tasks import BRAIN

from .test_checks import STRIPPED, codes, ellipsoid, moved, only, real_case

SHAPE, MM = (44, 56, 48), 3.0
# white matter, grey matter, fluid, oedema, enhancing rim
GREY = {
    "t1": (800, 600, 250, 450, 400),
    "t1ce": (780, 590, 240, 430, 1200),
    "t2": (300, 420, 1000, 800, 650),
    "flair": (350, 480, 150, 900, 700),
}


def head() -> dict[str, Image]:
    """White and grey matter, ventricles in the middle, and a tumour on one side; stripped."""
    brain = ellipsoid(SHAPE, MM, (58, 78, 64))
    white = ellipsoid(SHAPE, MM, (46, 64, 50))
    fluid = ellipsoid(SHAPE, MM, (14, 26, 14))
    rim, oedema = (np.roll(ellipsoid(SHAPE, MM, (r, r, r)), (2, 3, 10), axis=(0, 1, 2)) for r in (10, 20))
    images = {}
    for number, (key, greys) in enumerate(GREY.items()):
        values = np.full(SHAPE, greys[1], float)
        for mask, grey in ((white, greys[0]), (fluid, greys[2]), (oedema, greys[3]), (rim, greys[4])):
            values[mask] = grey
        values += np.random.default_rng(number).normal(0, 20, SHAPE)
        images[key] = Image(np.where(brain, values, 0).astype(np.float32), np.diag([MM, MM, MM, 1.0]), f"{number}.nii.gz")
    return images


def swapped(images: dict[str, Image], one: str, two: str) -> dict[str, Image]:
    return {**images, one: images[two], two: images[one]}


def flipped(image: Image) -> Image:
    return image.with_array(np.ascontiguousarray(image.array[:, :, ::-1]))


def test_a_head_as_it_should_be() -> None:
    assert check(head(), BRAIN) == []


@pytest.mark.parametrize(("one", "two"), [("flair", "t1"), ("flair", "t2"), ("t2", "t1"), ("flair", "t1ce"), ("t2", "t1ce")])
def test_two_exchanged(one: str, two: str) -> None:
    images = swapped(head(), one, two)
    assert {one, two} in [set(pair) for pair in exchanged(ranks_of(images))]
    finding = only(check(images, BRAIN), Code.EXCHANGED)
    assert "seem to be exchanged" in finding.message
    assert {key: image.name for key, image in images.items()}[finding.input] in finding.message


@pytest.mark.parametrize("change", ["scale", "offset", "grid", "gamma"])
def test_numbers_and_grids_do_not_matter(change: str) -> None:
    def changed(image: Image) -> Image:
        if change == "grid":
            return moved(image.with_array(np.roll(image.array, 2, axis=2)), -2 * MM, 0, 0)  # the same place, another grid
        new = {"scale": image.array * 7, "offset": image.array - 400, "gamma": image.array.clip(0) ** 1.7}
        return image.with_array(new[change].astype(np.float32))

    images = head()
    images["t2"], images["t1"] = changed(images["t2"]), changed(images["t1"])
    assert not exchanged(ranks_of(images)) and not mirrored(ranks_of(images))
    assert exchanged(ranks_of(swapped(images, "flair", "t1")))


@pytest.mark.parametrize("key", ["t1", "t1ce", "t2"])
def test_one_mirrored(key: str) -> None:
    images = head()
    finding = only(check({**images, key: flipped(images[key])}, BRAIN), Code.MIRRORED)
    assert finding.input == key
    assert "mirrored" in finding.message


def test_all_mirrored_alike_is_no_contradiction() -> None:
    assert check({key: flipped(image) for key, image in head().items()}, BRAIN) == []


def test_stored_the_other_way_round_is_not_mirrored() -> None:
    images = head()
    affine = images["t1"].affine @ np.diag([-1, 1, 1, 1.0])
    affine[:3, 3] = images["t1"].affine @ [SHAPE[2] - 1, 0, 0, 1.0] @ np.eye(4)[:, :3]
    images["t1"] = replace(flipped(images["t1"]), affine=affine)
    assert codes(check(images, BRAIN)) <= {Code.GRIDS_DIFFER}


def test_names_against_a_choice() -> None:
    images = {key: replace(image, name=f"p_{key}.nii.gz") for key, image in head().items()}
    assert check(images, BRAIN) == []
    findings = check(swapped(images, "flair", "t1"), BRAIN)
    against = {finding.input: finding.message for finding in findings if finding.code is Code.LOOKS_LIKE_ANOTHER}
    assert against["flair"] == "FLAIR (p_t1.nii.gz) looks like a T1: its name says 't1'."
    assert against["t1"] == "T1 (p_flair.nii.gz) looks like a FLAIR: its name says 'flair'."
    assert Code.EXCHANGED in codes(findings)


def test_a_header_against_a_choice() -> None:
    images = head()
    images["t2"] = replace(images["t2"], tags={"SeriesDescription": "AX T1 SE"})
    assert "its series description says 't1'" in only(check(images, BRAIN), Code.LOOKS_LIKE_ANOTHER).message


@pytest.mark.parametrize("case", STRIPPED)
def test_real_heads(case: str, data: Path) -> None:
    images = real_case(data / "brain" / case)
    ranks = ranks_of(images)
    assert not exchanged(ranks) and not mirrored(ranks)
    for key in ("t1", "t1ce", "t2"):
        assert mirrored(ranks_of({**images, key: flipped(images[key])}))
    assert exchanged(ranks_of(swapped(images, "flair", "t2")))


def test_a_head_with_its_skull_is_not_judged(data: Path) -> None:
    assert ranks_of(real_case(data / "brain" / "raw" / "TCGA-FG-6692")) == {}


def test_one_image_in_other_numbers_or_another_way_round_is_noticed() -> None:
    """T1 given as T1ce too, after a program that turns its axes or scales its values."""
    t1, t2 = (head()[key] for key in ("t1", "t2"))
    turned = t1.affine.copy()
    turned[:3, 3] += turned[:3, 1] * (t1.array.shape[1] - 1)
    turned[:3, 1] *= -1
    other = Image(np.ascontiguousarray(t1.array[:, ::-1]), turned, "other")
    for copy in (other, t1.with_array(t1.array * 0.37 + 5)):
        findings = [finding for finding in check({"t1": t1, "t1ce": copy, "t2": t2}, BRAIN) if finding.code is Code.SAME_IMAGE]
        assert len(findings) == 1 and "shows the same as" in findings[0].message


def ranks_by_hand(now: float) -> dict[str, np.ndarray]:
    """Of the FLAIR's brightest points this mean rank in the T2, and 0.95 were the T1 the FLAIR."""
    rank = (np.arange(10_000) + 0.5) / 10_000
    t2 = np.full(rank.shape, 0.5)
    t2[-300:], t2[:300], t2[5000] = now, 0.95, 1.0
    return {"flair": rank, "t1": 1 - rank, "t2": t2}


@pytest.mark.parametrize(("now", "found"), [(0.65, []), (0.55, [("flair", "t1")])])
def test_what_fits_well_enough_is_not_held_against_what_fits_better(now: float, found: list) -> None:
    assert exchanged(ranks_by_hand(now)) == found


def test_a_mirrored_image_is_found_where_the_head_lies_beside_the_middle() -> None:
    random = np.random.default_rng(0)
    t1 = np.full((44, 30, 30), np.nan)
    t1[:29] = random.random((29, 30, 30))
    other = t1.copy()
    other[:29] = np.where(random.random((29, 30, 30)) < 0.7, t1[:29][::-1], random.random((29, 30, 30)))
    assert mirrored({"t1": t1, "t1ce": other}) == [("t1", "t1ce")] and mirrored({"t1": t1, "t1ce": t1}) == []


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("how", ["cropped", "blank"])
def test_the_share_of_a_head_that_an_image_does_not_show(axis: int, how: str) -> None:
    """A FLAIR that ends in the middle of the head, by its grid or by what was blanked, shows half of it."""
    images = head()
    half = tuple(slice(0, n // 2) if other == axis else slice(None) for other, n in enumerate(SHAPE))
    array = np.zeros_like(images["flair"].array)
    array[half] = images["flair"].array[half]
    shares = missing_shares({**images, "flair": images["flair"].with_array(array[half] if how == "cropped" else array)})
    assert shares.pop("flair") == pytest.approx(0.5, abs=0.06) and max(shares.values()) < 0.03
