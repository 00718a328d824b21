"""Headers that say one thing twice: what counts by the standard is taken, and where the two differ it is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from MedSegDLLib.dicom import agreement
from MedSegDLLib.dicom.header import HEAD_BYTES, header_of
from MedSegDLLib.dicom.source import file_source
from MedSegDLLib.dicom.values import BESIDE
from MedSegDLLib.errors import InputRefused
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.read import read_image

from ..dicom_kinds import CORONAL, CT, ENHANCED_MR, MR, PATIENT, SHAPE, EachSlice, Stack, enhanced, hounsfield, item, save, slices

HU = hounsfield()
PRONE, UPSIDE_DOWN, FROM_ABOVE = (-1, 0, 0, 0, -1, 0), (-1, 0, 0, 0, -1, 0), (-1, 0, 0, 0, 1, 0)
SLANTED = (1, 0, 0, 0, np.cos(np.deg2rad(20)), np.sin(np.deg2rad(20)))
STEP_MM = Stack().spacing_mm[2]
WIDE_MM = max(Stack().spacing_mm[0] * SHAPE[2], Stack().spacing_mm[1] * SHAPE[1])


def read(files: list[Dataset], folder: Path) -> Image:
    for number, data_set in enumerate(files):
        save(data_set, folder / "scan" / f"{number:03d}")
    image = read_image(folder / "scan")
    np.testing.assert_array_equal(np.sort(image.array, axis=None), np.sort(HU, axis=None))
    assert PATIENT.split("^")[0] not in repr(image.notes)
    return image


TWO_THINGS = {
    "mirrored letters": ({"PatientOrientation": ["R", "P"]}, Stack(), "PatientOrientation (R\\P)"),
    "letters of a coronal stack": ({"PatientOrientation": ["L", "F"]}, Stack(), "PatientOrientation"),
    "on the back, its back on top": ({"PatientPosition": "HFS"}, Stack(UPSIDE_DOWN), "shows the back on top"),
    "feet first on the back, its back on top": ({"PatientPosition": "FFS"}, Stack(UPSIDE_DOWN), "lay on the back"),
    "on the right side, its back on top": ({"PatientPosition": "HFDR"}, Stack(PRONE), "lay on the right side"),
    "slices as thick as five": ({"SpacingBetweenSlices": 5 * STEP_MM}, Stack(), f"{STEP_MM:g} mm apart"),
    "every second slice": ({"SpacingBetweenSlices": STEP_MM / 2}, Stack(), "no slices are missing"),
    "halved without its pixel size": ({"ReconstructionDiameter": 2 * WIDE_MM}, Stack(), "ReconstructionDiameter"),
    "a tilt that the slices have not": ({"GantryDetectorTilt": -15.0}, Stack(), "tilted by 15 degrees"),
    "an MR of the class of CTs": ({"Modality": "MR"}, Stack(), "MR (Modality) and CT (SOPClassUID)"),
    "iodine": ({"RescaleType": "MGML", "RescaleSlope": 1, "RescaleIntercept": 0}, Stack(), "MGML"),
    "lossy": ({"LossyImageCompression": "01"}, Stack(), "with loss"),
}


@pytest.mark.parametrize(("tags", "stack", "told"), TWO_THINGS.values(), ids=TWO_THINGS.keys())
def test_what_differs_is_told_and_what_counts_is_taken(tags: dict, stack: Stack, told: str, tmp_path: Path) -> None:
    image = read(slices(HU, stack, **tags), tmp_path)
    assert [told in f"{note.says} {note.remedy}" for note in image.notes] == [True]
    assert image.notes[0].serious is ("LossyImageCompression" not in tags)
    np.testing.assert_allclose(image.affine, stack.affine, atol=1e-5)


ONE_THING = {
    "all of it": (
        {"PatientOrientation": ["L", "P"], "SpacingBetweenSlices": STEP_MM, "ReconstructionDiameter": WIDE_MM, "GantryDetectorTilt": 0},
        Stack(),
    ),
    "letters of two axes": ({"PatientOrientation": ["L", "PH"], "GantryDetectorTilt": 20.0}, Stack(SLANTED)),
    "downwards": ({"SpacingBetweenSlices": -STEP_MM}, Stack()),
    "on the face, as the scanner saw it": ({"PatientPosition": "FFP"}, Stack(PRONE)),
    "on the right side, as the scanner saw it": ({"PatientPosition": "HFDR"}, Stack((0, -1, 0, -1, 0, 0))),
    "seen from above": ({"PatientPosition": "HFS"}, Stack(FROM_ABOVE)),
    "not across the body": ({"PatientPosition": "HFP"}, Stack(CORONAL)),
    "made from others": ({"PatientPosition": "HFS", "ImageType": ["DERIVED", "SECONDARY", "AXIAL"]}, Stack(UPSIDE_DOWN)),
    "nonsense": ({"PatientOrientation": "Q", "PatientPosition": "qzS", "SpacingBetweenSlices": None, "RescaleType": ""}, Stack()),
}


@pytest.mark.parametrize(("tags", "stack"), ONE_THING.values(), ids=ONE_THING.keys())
def test_what_agrees_needs_no_word(tags: dict, stack: Stack, tmp_path: Path) -> None:
    assert read(slices(HU, stack, **tags), tmp_path).notes == ()


def test_a_patient_on_the_face_who_is_shown_upright_is_a_remark(tmp_path: Path) -> None:
    """As many consoles turn them."""
    (note,) = read(slices(HU, PatientPosition="HFP"), tmp_path).notes
    assert "shows the front on top" in note.says and not note.serious


@pytest.mark.parametrize("tag", ["PatientPosition", "SOPClassUID"])
def test_two_of_them_in_one_series_are_refused(tag: str, tmp_path: Path) -> None:
    values = {"PatientPosition": ("HFS", "HFP"), "SOPClassUID": (CT, MR)}[tag]
    with pytest.raises(InputRefused, match=tag):
        read(slices(HU, **{tag: EachSlice(values * 3)}), tmp_path)


def test_a_gap_that_is_stated_for_a_distance_is_no_contradiction(tmp_path: Path) -> None:
    files = slices(HU, SpacingBetweenSlices=0.5)
    for data_set in files:
        data_set.SliceThickness = STEP_MM - 0.5
    assert read(files, tmp_path).notes == ()


def test_fields_of_frames_are_compared_too(tmp_path: Path) -> None:
    data_set = enhanced(HU, kind=ENHANCED_MR)
    measures = data_set.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    measures.SpacingBetweenSlices = 2 * STEP_MM
    (note,) = read([data_set], tmp_path).notes
    assert "SpacingBetweenSlices" in note.says


def test_every_field_has_one_rule() -> None:
    ruled = [field for rule in agreement.RULES for field in rule.fields]
    assert sorted(ruled) == sorted(BESIDE)


def test_a_header_is_read_wherever_its_first_part_ends(tmp_path: Path) -> None:
    """Within a sequence too, where pydicom takes the end of what it was given for a broken file."""
    (data_set,) = slices(HU[:1])
    data_set.RequestAttributesSequence = [item(ScheduledProcedureStepID="x") for _ in range(HEAD_BYTES // 18)]
    data_set["RequestAttributesSequence"].is_undefined_length = True  # whose end is found by looking at each item
    for length in range(0, 18, 2):
        data_set.InstitutionalDepartmentName = "x" * length
        source = file_source(save(data_set, tmp_path / f"{length}"))
        header, start = header_of(source, source.head(HEAD_BYTES))
        assert start is not None and start.offset > HEAD_BYTES and header.Rows == SHAPE[1]
