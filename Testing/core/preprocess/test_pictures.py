"""Pictures with frames, sparse ones, empty ones, of any pixel size: what is looked at, and what is found whatever lies around it."""

from __future__ import annotations

import numpy as np
import pytest

from MedSegDLLib.checks.findings import FindingCode, Severity
from MedSegDLLib.errors import UsageError
from MedSegDLLib.geometry.boxes import is_empty, whole_of
from MedSegDLLib.geometry.image import Grid, Image
from MedSegDLLib.options import Options
from MedSegDLLib.pipeline import segment
from MedSegDLLib.postprocess.plausibility import Outcome, implausible
from MedSegDLLib.preprocess.foreground import everything
from MedSegDLLib.preprocess.normalise import picture_grid, prepare
from MedSegDLLib.preprocess.pictures import content_box, survey
from MedSegDLLib.result import Result, segments_on
from MedSegDLLib.tasks import BRAIN, NUCLEI

from ..tiny import LPS, tiny_weights

RADII = (8, 12)


def field(side: int, count: int, seed: int = 0, noise: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Bright discs that do not touch on a dark, noisy ground: (side, side) uint8, and the truth as numbers."""
    random = np.random.default_rng(seed)
    reach = RADII[1] + 8
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    light, numbers, centres = np.zeros((side, side)), np.zeros((side, side), int), []
    for _ in range(100 * count):
        centre = random.integers(21, side - 21, 2)
        if len(centres) < count and all(np.hypot(*(centre - other)) > 26 for other in centres):
            centres.append(centre)
            box = tuple(slice(at - reach, at + reach + 1) for at in centre)
            away = np.hypot(rows, columns) - random.integers(*RADII)
            light[box] = np.maximum(light[box], random.uniform(0.7, 1.2) / (1 + np.exp(away / 0.8)))
            numbers[box][away < 0] = len(centres)
    assert len(centres) == count
    return np.clip(12 + 90 * light + random.normal(0, noise, light.shape), 0, 255).round().astype(np.uint8), numbers


def image(array: np.ndarray) -> Image:
    return Image(array[None], LPS, "cells.png")


FRAMES = {
    "none": ((0, 0), (0, 0), 0),
    "black": ((30, 7), (11, 50), 0),
    "white": ((16, 16), (16, 16), 255),
    "one side": ((0, 0), (0, 41), 128),
}


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("colours", [False, True])
def test_a_frame_is_taken_off_and_no_more(frame: str, colours: bool) -> None:
    *widths, value = FRAMES[frame]
    inner = field(80, 2)[0]
    inner = np.stack([inner, 255 - inner, inner], -1) if colours else inner
    framed = np.pad(inner, [*widths, (0, 0)][: inner.ndim], constant_values=value)
    assert np.array_equal(framed[content_box(framed)[1:]], inner)
    twice = np.pad(framed, [(5, 5), (9, 9), (0, 0)][: inner.ndim], constant_values=value // 2)
    assert np.array_equal(twice[content_box(twice)[1:]], inner)


@pytest.mark.parametrize("value", [0, 7, 65535])
def test_a_picture_of_one_value_has_no_content(value: int) -> None:
    array = np.full((1, 20, 30), value, np.uint16)
    assert is_empty(survey(array).content) and not survey(array).places
    prepared = prepare({"image": Image(array, LPS)}, everything({"image": array}), NUCLEI.plan)
    assert prepared.places == () and not prepared.x.any()


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("side", [700, 1536])
def test_few_objects_in_a_large_field_are_all_looked_at_and_not_clipped(side: int, turned: bool) -> None:
    array, truth = field(side, 8)
    found = survey((255 - array if turned else array)[None])
    seen = np.zeros((1, side, side), int)
    for place in found.places:
        seen[place] += 1
    assert seen[0][truth > 0].all() and seen.max() == 1 and seen.mean() < 0.25
    light = array[truth > 0]
    shown = 255 - found.low if turned else found.high  # of the ground at 12
    assert np.mean(light > shown) < 0.2 and abs(shown - 12) > 40, "the 99th percentile is the noise of the ground"


def test_a_usual_picture_is_looked_at_as_a_whole_between_its_percentiles() -> None:
    array = field(200, 7)[0][None]
    found = survey(array)
    assert found.content == whole_of(array.shape) and found.places == ()
    assert [found.low, found.high] == np.percentile(array, (1, 99)).tolist()
    noise = np.random.default_rng(0).normal(100, 9, (1, 300, 300))
    assert survey(noise).places == ()
    tissue = np.kron(np.random.default_rng(0).normal(150, 30, (1, 64, 80)), np.ones((1, 4, 4)))
    tissue[0, 100:112, 100:112] = 0
    assert survey(tissue).places == (), "what stands out of uneven ground is not all that there is"


@pytest.mark.parametrize("frame", ["black", "white", "one side"])
def test_a_framed_picture_is_answered_as_the_one_within(frame: str, tmp_path) -> None:
    *widths, value = FRAMES[frame]
    inner = field(96, 2)[0]
    options = Options("cpu", tiny_weights(tmp_path, NUCLEI))
    alone = segment({"image": image(inner)}, NUCLEI, options)
    framed = segment({"image": image(np.pad(inner, widths, constant_values=value))}, NUCLEI, options)
    assert alone.instances.any(), "the made-up network must find something"
    assert np.array_equal(framed.instances[0], np.pad(alone.instances[0], widths))


def test_an_empty_picture_gives_no_object_and_says_so(tmp_path) -> None:
    found = segment({"image": image(np.full((64, 80), 9, np.uint8))}, NUCLEI, Options("cpu", tiny_weights(tmp_path, NUCLEI)))
    assert found.record["count"] == 0 and not found.instances.any()
    assert {"constant", "nothing_found"} <= {finding["code"] for finding in found.record["warnings"]}


@pytest.mark.parametrize("kind", ["dark", "turned and framed"])
def test_eight_nuclei_in_a_large_field_are_eight(kind: str) -> None:
    array, truth = field(1024, 8)
    picture = array if kind == "dark" else np.pad(255 - array, 40)
    found = segment({"image": image(picture)}, NUCLEI, Options("cpu")).instances[0]
    found = found if kind == "dark" else found[40:-40, 40:-40]
    assert found.max() == 8
    for number in range(1, 9):
        own = np.bincount(found[truth == number], minlength=9)
        assert own.argmax() > 0 and own.max() > 0.6 * (truth == number).sum()


# ---- the size of a pixel


def of_pixels(shape: tuple[int, int], um: float) -> Grid:
    return Grid((1, *shape), np.diag([-um / 1000, -um / 1000, 1, 1]))


def test_known_pixels_are_brought_to_those_of_the_plan_where_they_lie_beyond_them() -> None:
    low, high = NUCLEI.plan.pixel_um
    for um in (low, 0.5, high, 4 * np.sqrt(low * high) * 1.01, 1000.0):  # as they are; too coarse to be enlarged; not known
        grid = of_pixels((60, 90), um)
        assert picture_grid(grid, NUCLEI.plan) is grid
    found = picture_grid(of_pixels((60, 90), 0.1), NUCLEI.plan)
    assert found.shape == (1, 15, 22) and np.allclose(found.spacing_mm[:2], [0.1e-3 * 90 / 22, 0.4e-3])
    edges = [grid.affine @ np.array([i - 0.5, j - 0.5, 0, 1]) for grid, i, j in ((of_pixels((60, 90), 0.1), 90, 60), (found, 22, 15))]
    assert np.allclose(*edges, rtol=0, atol=1e-9), "both grids end at the picture's edge"
    assert picture_grid(of_pixels((60, 90), 1.2), NUCLEI.plan).shape == (1, 180, 270)


def test_a_picture_of_three_times_the_magnification_has_the_same_nuclei_on_its_own_pixels() -> None:
    array, truth = field(256, 8)
    large, wanted = (np.kron(one, np.ones((3, 3), one.dtype)) for one in (array, truth))
    found = segment({"image": image(large)}, NUCLEI, Options("cpu", pixel_size_um=0.4 / 3))
    assert found.instances.shape == (1, 768, 768) and found.record["count"] == 8
    assert 2 * ((found.instances[0] > 0) & (wanted > 0)).sum() > 0.85 * ((found.instances > 0).sum() + (wanted > 0).sum())
    assert found.segments[0].area_um2 == pytest.approx((found.instances > 0).sum() * (0.4 / 3) ** 2)
    assert "in place of 0.133 micrometres" in next(entry["message"] for entry in found.record["warnings"] if entry["code"] == "scale")
    assert found.record["options"]["pixel_size_um"] == 0.4 / 3


def test_a_frame_changes_nothing_at_another_magnification_either(tmp_path) -> None:
    inner = field(96, 2)[0]
    options = Options("cpu", tiny_weights(tmp_path, NUCLEI), pixel_size_um=1.2)
    alone = segment({"image": image(inner)}, NUCLEI, options)
    framed = segment({"image": image(np.pad(inner, ((13, 5), (0, 21))))}, NUCLEI, options)
    assert alone.instances.any()
    assert np.array_equal(framed.instances[0], np.pad(alone.instances[0], ((13, 5), (0, 21))))


def judged(um: float, across: int) -> list[tuple[Severity, FindingCode]]:
    """Findings on a picture with one square nucleus."""
    grid, instances = of_pixels((400, 400), um), np.zeros((1, 400, 400), np.uint32)
    instances[:, 100 : 100 + across, 100 : 100 + across] = 1
    result = Result(NUCLEI, grid, "image", segments_on(grid, NUCLEI, {"nucleus": (instances > 0).astype(np.uint8)}), instances)
    found = implausible(Outcome(result, instances == 0, {"nucleus": 1.0}, NUCLEI.plan, ("image",)))
    return [(finding.severity, finding.code) for finding in found]


def test_objects_and_pixels_of_another_size_than_the_networks_are_told() -> None:
    assert judged(1000.0, 20) == judged(0.4, 20) == []
    assert judged(1000.0, 100) == judged(1000.0, 5) == [(Severity.WARNING, FindingCode.SCALE)], "no pixel size, odd nuclei"
    assert judged(0.1, 80) == [(Severity.NOTE, FindingCode.SCALE)] and judged(3.0, 3) == [(Severity.WARNING, FindingCode.SCALE)]


def test_a_pixel_size_that_cannot_be_is_refused() -> None:
    for um in (0.0, -0.3, 40.0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="micrometres"):
            Options(pixel_size_um=um)
    with pytest.raises(UsageError, match="for pictures"):
        segment({"t1": image(field(60, 1)[0])}, BRAIN, Options(pixel_size_um=0.5))
