"""MR inputs onto the reference: when, what is said, and that a prepared case stays bit by bit what it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from MedSegDLLib.checks.findings import FindingCode, Severity
from MedSegDLLib.errors import UsageError
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.geometry.registration import lies_on, motion, moved, register, turn_of
from MedSegDLLib.geometry.similarity import head_points
from MedSegDLLib.io.read import read_image
from MedSegDLLib.options import Options
from MedSegDLLib.phantom.head import head_phantom
from MedSegDLLib.pipeline import segment
from MedSegDLLib.preprocess.onto_reference import onto_reference
from MedSegDLLib.tasks import BRAIN

from ..tiny import tiny_weights

MADE = motion(np.array([0.0, 0.0, 9.0]), np.array([4.0, -6.0, 5.0]), np.zeros(3))


@pytest.fixture(scope="module")
def images() -> dict[str, Image]:
    return head_phantom(5, (64, 76, 64), 2.5).images


@pytest.fixture(scope="module")
def with_one_off(images) -> dict[str, Image]:
    return {**images, "t1": moved(images["t1"], MADE)}


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return tiny_weights(tmp_path_factory.mktemp("weights"), BRAIN)


def test_only_the_one_that_lies_off_is_moved_and_it_is_said_how_far(with_one_off) -> None:
    found = onto_reference(with_one_off, BRAIN, "auto")
    assert set(found.motions) == {"t1"} and found.motions["t1"].applied
    assert all(found.images[key] is with_one_off[key] for key in ("flair", "t1ce", "t2"))
    assert found.images["t1"].array is with_one_off["t1"].array
    (finding,) = found.findings
    assert finding.code is FindingCode.MOVED and finding.input == "t1" and finding.severity is Severity.NOTE
    assert "degrees" in finding.message and "phantom_t1" in finding.message and "phantom_flair" in finding.message


def test_a_prepared_case_is_left_alone(images) -> None:
    found = onto_reference(images, BRAIN, "auto")
    assert not found.motions and not found.findings and all(found.images[key] is images[key] for key in images)
    looked_at = onto_reference(images, BRAIN, "on")  # which looks closely, and still moves nothing
    assert set(looked_at.motions) == {"t1", "t1ce", "t2"} and all(looked_at.images[key] is images[key] for key in images)


def test_off_is_off(with_one_off) -> None:
    found = onto_reference(with_one_off, BRAIN, "off")
    assert not found.motions and all(found.images[key] is with_one_off[key] for key in with_one_off)


def test_a_place_that_fits_no_better_is_left_out_and_said_so(images, monkeypatch) -> None:
    from MedSegDLLib.geometry import registration

    monkeypatch.setattr(registration, "_refined", lambda moving, fixed, start, middle: MADE)
    found = onto_reference({key: images[key] for key in ("flair", "t1")}, BRAIN, "on")
    assert found.images["t1"] is images["t1"]
    assert [finding.code for finding in found.findings] == [FindingCode.NOT_REGISTERED]


def test_the_motion_is_in_the_record_and_the_masks_are_those_of_the_unmoved_case(images, with_one_off, weights) -> None:
    plain, undone, left = (
        segment(case, BRAIN, Options("cpu", weights, bias_correction=False, registration=choice))
        for case, choice in ((images, "off"), (with_one_off, "auto"), (with_one_off, "off"))
    )
    assert plain.record["registration"] == left.record["registration"] == {}
    matrix = np.array(undone.record["registration"]["t1"]["matrix_ras_mm"])
    assert np.abs(matrix @ MADE - np.eye(4)).max() < 1.5
    assert "moved" in {finding["code"] for finding in undone.record["warnings"]}
    assert undone.record["options"]["registration"] == "auto"
    prepared = segment(images, BRAIN, Options("cpu", weights, bias_correction=False))
    assert all(np.array_equal(prepared.masks[key], plain.masks[key]) for key in plain.masks)


def test_an_unknown_choice_is_refused() -> None:
    with pytest.raises(UsageError, match="registration"):
        Options(registration="perhaps")


# ---- real heads


def scans(data: Path, folder: str, endings: dict[str, str]) -> dict[str, Image]:
    files = sorted((data / "brain" / "raw" / folder).glob("*.nii.gz"))
    return {key: read_image(next(path for path in files if path.name.endswith(ending))) for key, ending in endings.items()}


@pytest.mark.parametrize("key", ["t1ce", "t2"])
def test_real_heads_with_thick_slices(data: Path, key: str) -> None:
    """Motions made and found again: what is left is the same wherever the image began."""
    images = scans(data, "TCGA-02-0054", {"t1ce": "_T1c.nii.gz", "t2": "_T2.nii.gz", "flair": "_FLAIR.nii.gz"})
    fixed, middle = images["flair"], head_points(images["flair"], 500)[0].mean(axis=0)
    made = motion(np.array([8.0, 6.0, -15.0]), np.array([20.0, -25.0, 12.0]), middle)
    assert not lies_on(moved(images[key], made), fixed)
    straight, again = register(images[key], fixed), register(moved(images[key], made), fixed)
    best = straight.matrix if straight.applied else np.eye(4)
    rest = again.matrix @ made @ np.linalg.inv(best)
    assert np.linalg.norm((rest @ [*middle, 1.0])[:3] - middle) <= 1.0 and turn_of(rest) <= 1.0


def test_a_patient_who_moved_between_the_series(data: Path) -> None:
    """Three grids, and up to 18 degrees between the series: the measure rises fourfold."""
    images = scans(data, "TCGA-FG-6692", {"t1": "_t1.nii.gz", "t1ce": "_t1c.nii.gz", "t2": "_t2.nii.gz", "flair": "_fla.nii.gz"})
    found = onto_reference(images, BRAIN, "auto")
    assert {key for key, motion in found.motions.items() if motion.applied} == {"t1", "t1ce", "t2"}
    assert all(motion.after > 3 * motion.before for motion in found.motions.values())


def test_prepared_patients_are_left_alone(data: Path) -> None:
    folder = data / "brain" / "labelled" / "Brats18_2013_2_1"
    images = {key: read_image(folder / f"Brats18_2013_2_1_{key}.nii.gz") for key in ("t1", "t1ce", "t2", "flair")}
    assert not onto_reference(images, BRAIN, "auto").motions
