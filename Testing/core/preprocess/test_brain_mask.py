"""Brain extraction in the flow: when it is done, what the masks say of it, and what a corrected mask changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from MedSegDLLib.checks.findings import FindingCode, Severity
from MedSegDLLib.errors import InputRefused, UsageError
from MedSegDLLib.geometry.align import align
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.geometry.resample import pooled
from MedSegDLLib.io.read import read_image
from MedSegDLLib.io.write import BRAIN_MASK_FILE, write_result
from MedSegDLLib.network.weights import find_weights, load_weights
from MedSegDLLib.options import MASK_KEY, Options
from MedSegDLLib.pipeline import network_input, segment
from MedSegDLLib.preprocess.brain_mask import brain_mask, given_mask, skull_stays, strip, with_skull, without_holes
from MedSegDLLib.tasks import BRAIN, BRAIN_MASK, LIVER
from MedSegDLLib.worker.protocol import result_from_json, result_to_json

from ..tiny import LPS, ball, head_images, tiny_weights

SHAPE, MM = (32, 36, 32), 6.0
BOUND = 0.9  # Dice with HD-BET on the raw heads at hand; see README, 'From the scanner'


def scanned(keys: tuple[str, ...] = ("t1", "flair")) -> dict[str, Image]:
    """Brain, dark skull and bright scalp in noise."""
    random, affine = np.random.default_rng(0), LPS @ np.diag([MM, MM, MM, 1.0])
    centre = tuple(n / 2 for n in SHAPE)
    values = np.abs(random.normal(0, 8, SHAPE))
    for radius, level in ((14.5, 900), (13.5, 60), (12, 500)):
        values = np.where(ball(SHAPE, centre, radius), level + random.normal(0, 25, SHAPE), values)
    return {key: Image(values.astype(np.int16), affine, f"{key}.nii.gz") for key in keys}


def brain_of_scanned() -> np.ndarray:
    return ball(SHAPE, tuple(n / 2 for n in SHAPE), 12).astype(np.uint8)


def mask_image(mask: np.ndarray, images: dict[str, Image]) -> Image:
    return Image(mask, images["flair"].affine, "mask.nii.gz")


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return tiny_weights(tmp_path_factory.mktemp("weights"), BRAIN)


@pytest.fixture
def found(monkeypatch) -> list[list[str]]:
    """Stands in for the network: the ball's brain; keeps which images it was asked about."""
    from MedSegDLLib import pipeline

    asked: list[list[str]] = []

    def stand_in(images, grid, weights, device, progress):
        asked.append(list(images))
        return brain_of_scanned()

    monkeypatch.setattr(pipeline, "brain_mask", stand_in)
    return asked


def run(images: dict[str, Image], weights: Path, **options):
    return segment(images, BRAIN, Options("cpu", weights, bias_correction=False, registration="off", **options))


def test_the_check_decides(found, weights) -> None:
    result = run(scanned(), weights)
    assert found == [["flair", "t1"]]  # the reference first
    assert np.array_equal(result.brain_mask.mask, brain_of_scanned())
    assert result.record["brain_mask_ml"] == pytest.approx(result.brain_mask.volume_ml, abs=1e-3)
    assert all((mask <= brain_of_scanned()).all() for mask in result.masks.values())
    assert "brain extraction" in result.record["seconds"]
    stripped = run(head_images(("t1", "flair")), weights)
    assert stripped.brain_mask is None and stripped.record["brain_mask_ml"] is None and len(found) == 1


def test_on_and_off(found, weights) -> None:
    assert run(head_images(("t1", "flair"), SHAPE), weights, brain_extraction="on").brain_mask is not None
    result = run(scanned(), weights, brain_extraction="off")
    assert result.brain_mask is None and len(found) == 1
    (warning, *_) = (finding for finding in result.record["warnings"] if finding["code"] == "skull")
    assert warning["severity"] == "warning" and "extraction is off" in warning["message"]
    with pytest.raises(UsageError, match="brain extraction"):
        Options(brain_extraction="maybe")


def test_a_given_mask_takes_the_place_of_extraction(found, weights, tmp_path) -> None:
    images = scanned()
    smaller = ball(SHAPE, tuple(n / 2 for n in SHAPE), 9).astype(np.float32) * 7  # any number but 0 is brain
    result = run({**images, MASK_KEY: mask_image(smaller, images)}, weights)
    assert not found and np.array_equal(result.brain_mask.mask, smaller > 0)
    assert MASK_KEY in result.record["inputs"]
    files = {path.name for path in write_result(result, tmp_path)}
    assert BRAIN_MASK_FILE in files and np.array_equal(read_image(tmp_path / BRAIN_MASK_FILE).array, smaller > 0)
    write_result(run(head_images(("t1", "flair")), weights), tmp_path)
    assert not (tmp_path / BRAIN_MASK_FILE).exists()  # of an earlier run


def test_a_mask_on_another_grid_is_brought_over_and_a_wrong_one_refused() -> None:
    images = scanned()
    grid = images["flair"].grid
    turned = np.ascontiguousarray(brain_of_scanned()[::-1])
    flip = np.diag([1.0, 1.0, -1.0, 1.0])
    flip[2, 3] = SHAPE[0] - 1
    assert np.array_equal(given_mask(Image(turned, grid.affine @ flip), grid), brain_of_scanned())
    with pytest.raises(InputRefused, match="no brain"):
        given_mask(Image(np.zeros(SHAPE, np.uint8), grid.affine, "empty.nii.gz"), grid)


def test_nothing_outside_the_mask_reaches_the_network(found) -> None:
    from MedSegDLLib.pipeline import Way, checked

    images = scanned()
    ready = network_input(images, BRAIN, BRAIN.plan, Way(Options(bias_correction=False), checked(images, BRAIN)))
    assert np.array_equal(ready.foreground, brain_of_scanned() > 0)
    for image in ready.aligned.volumes.values():
        assert image is None or not image.array[brain_of_scanned() == 0].any()
    inside = ready.aligned.volumes["t1"].array[brain_of_scanned() > 0]
    assert np.array_equal(inside, images["t1"].array[brain_of_scanned() > 0])


def test_no_brain_found_leaves_the_images_and_warns() -> None:
    aligned = align(scanned(), BRAIN)
    left = strip(aligned, np.zeros(SHAPE, np.uint8))
    assert left.aligned is aligned and left.mask is None and left.segment is None
    assert [finding.code for finding in left.findings] == [FindingCode.BRAIN_MASK]
    small = strip(aligned, ball(SHAPE, tuple(n / 2 for n in SHAPE), 3).astype(np.uint8))
    assert small.mask is not None and small.findings[0].severity is Severity.WARNING


def test_who_wants_no_skull_removed_is_asked_for_none() -> None:
    from MedSegDLLib.checks.inputs import check

    findings = check(scanned(), BRAIN)
    assert with_skull(findings, BRAIN, "auto", ["t1", "flair"]) == ["t1", "flair"]
    assert with_skull(findings, BRAIN, "off", ["t1"]) == [] and with_skull([], BRAIN, "auto", ["t1"]) == []
    assert with_skull(findings, LIVER, "on", ["ct"]) == []
    assert skull_stays(findings, "auto") == findings


def test_holes_are_filled() -> None:
    mask = brain_of_scanned()
    mask[14:18, 16:20, 14:18] = 0
    assert np.array_equal(without_holes(mask), brain_of_scanned())


def test_the_mask_travels_with_the_result(found, weights, tmp_path) -> None:
    result = run(scanned(), weights)
    back = result_from_json(result_to_json(result, tmp_path))
    assert np.array_equal(back.brain_mask.mask, result.brain_mask.mask) and back.brain_mask.region == BRAIN_MASK.regions[0]


def test_blocks_of_voxels_keep_their_place() -> None:
    image = scanned()["t1"]
    means, grid = pooled(Image(image.array[:, :, :31], image.affine), 12.5)
    assert means.shape == (16, 18, 15) and grid.spacing_mm == pytest.approx([12, 12, 12])
    assert float(means[2, 3, 4]) == pytest.approx(image.array[4:6, 6:8, 8:10].mean())
    assert (grid.affine @ [0, 0, 0, 1])[:3] == pytest.approx((image.affine @ [0.5, 0.5, 0.5, 1])[:3])


# ---- the shipped network


def test_where_the_head_is_stored_changes_nothing(data: Path) -> None:
    """Orientation and order of slices: the same voxels of the same head."""
    image = read_image(next((data / "brain" / "raw" / "TCGA-FG-6692").glob("*_fla.nii.gz")))
    shipped, device = load_weights(find_weights(BRAIN_MASK), BRAIN_MASK), torch.device("cpu")
    flip = np.diag([1.0, 1.0, -1.0, 1.0])
    flip[2, 3] = image.array.shape[0] - 1
    turned = Image(np.ascontiguousarray(image.array[::-1].transpose(2, 1, 0)), (image.affine @ flip)[:, [2, 1, 0, 3]])
    straight = brain_mask({"flair": image}, image.grid, shipped, device)
    other = brain_mask({"flair": turned}, image.grid, shipped, device)
    assert 2 * (straight & other).sum() / (straight.sum() + other.sum()) >= 0.999
    assert 1000 < straight.sum() * image.grid.voxel_volume_mm3 / 1000 < 2000
