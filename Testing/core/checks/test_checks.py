"""The input check: every kind of bad input by its code, real images by what they are, and how long it takes."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegDLLib.checks.inputs import Finding, FindingCode, Severity, check, overlap
from MedSegDLLib.checks.intensities import copied_slices, in_hounsfield_units, looks_like_ct, sampled, shows_skull
from MedSegDLLib.geometry.image import LPS_FROM_RAS, Grid, Image, ReadingNote
from MedSegDLLib.tasks import BRAIN, LIVER, NUCLEI, TASKS, Task

Code = FindingCode
ALL_KEYS = ("t1", "t1ce", "t2", "flair")


def ellipsoid(shape: tuple[int, int, int], mm: float, radii_mm: tuple[float, float, float]) -> np.ndarray:
    """Bool (K, J, I), around the middle; radii along k, j, i."""
    axes = np.meshgrid(*((np.arange(n) - (n - 1) / 2) * mm for n in shape), indexing="ij")
    return sum((axis / radius) ** 2 for axis, radius in zip(axes, radii_mm, strict=True)) < 1


def brain(key: str = "t1", shape: tuple[int, int, int] = (40, 50, 44), mm: float = 4.0) -> Image:
    """A stripped brain of 1.3 L on zeros, int16."""
    inside = ellipsoid(shape, mm, (62, 80, 64))
    values = np.random.default_rng(ALL_KEYS.index(key)).normal(500, 60, shape)
    return Image(np.where(inside, values, 0).astype(np.int16), np.diag([mm, mm, mm, 1.0]), f"{key}.nii.gz")


def brains(*keys: str) -> dict[str, Image]:
    return {key: brain(key) for key in keys or ALL_KEYS}


def ct(shape: tuple[int, int, int] = (20, 64, 64)) -> Image:
    body = ellipsoid(shape, 6.0, (300, 120, 160))
    values = np.where(body, np.random.default_rng(0).normal(40, 30, shape), -1000)
    return Image(values.astype(np.int16), np.diag([6.0, 6.0, 6.0, 1.0]), "ct.nii.gz")


def picture() -> Image:
    values = np.random.default_rng(0).integers(0, 255, (1, 40, 50, 3), dtype=np.uint8)
    return Image(values, np.eye(4), "cells.png")


def changed(image: Image, index: tuple, value: float, kind: type = np.float32) -> Image:
    array = image.array.astype(kind)
    array[index] = value
    return image.with_array(array)


def moved(image: Image, *offset_mm: float) -> Image:
    affine = image.affine.copy()
    affine[:3, 3] += offset_mm
    return replace(image, affine=affine)


def codes(findings: list[Finding], severity: Severity | None = None) -> set[FindingCode]:
    return {finding.code for finding in findings if severity in (None, finding.severity)}


def only(findings: list[Finding], code: FindingCode) -> Finding:
    found = [finding for finding in findings if finding.code is code]
    assert len(found) == 1, [finding.code for finding in findings]
    return found[0]


# ---- good input


@pytest.mark.parametrize(("task", "images"), [(BRAIN, brains()), (LIVER, {"ct": ct()}), (NUCLEI, {"image": picture()})])
def test_good_input_has_no_finding(task: Task, images: dict[str, Image]) -> None:
    assert check(images, task) == []


def test_grey_pictures_and_opacity_are_fine() -> None:
    for array in (picture().array[..., 0], np.concatenate([picture().array, picture().array[..., :1]], axis=3)):
        assert check({"image": Image(array, np.eye(4))}, NUCLEI) == []


# ---- one image that cannot be used

MR_ERRORS = {
    "zeros": (lambda: brain().with_array(np.zeros((20, 20, 20), np.int16)), Code.CONSTANT),
    "constant": (lambda: brain().with_array(np.full((20, 20, 20), 3.5)), Code.CONSTANT),
    "nothing": (lambda: brain().with_array(np.zeros((0, 20, 20))), Code.CONSTANT),
    "one NaN": (lambda: changed(brain(), (3, 4, 5), np.nan), Code.NOT_FINITE),
    "one Inf": (lambda: changed(brain(), (3, 4, 5), np.inf), Code.NOT_FINITE),
    "all NaN": (lambda: brain().with_array(np.full((20, 20, 20), np.nan)), Code.NOT_FINITE),
    "slice": (lambda: brain().with_array(brain().array[20:21]), Code.NOT_A_VOLUME),
    "sagittal slice": (lambda: brain().with_array(brain().array[:, :, 20:21]), Code.NOT_A_VOLUME),
    "colours": (lambda: picture(), Code.COLOURS),
    "series in time": (lambda: brain().with_array(np.stack([brain().array] * 5, axis=-1)), Code.COLOURS),
    "CT": (lambda: ct(), Code.WRONG_KIND),
    "CT by its header": (lambda: replace(brain(), tags={"Modality": "CT"}), Code.WRONG_KIND),
    "micrometres": (lambda: replace(brain(), affine=np.diag([4e-3, 4e-3, 4e-3, 1.0])), Code.SPACING),
    "metres": (lambda: replace(brain(), affine=np.diag([4.0, 4.0, 100.0, 1.0])), Code.SPACING),
}


@pytest.mark.parametrize("kind", MR_ERRORS)
def test_an_mr_that_cannot_be_used(kind: str) -> None:
    make, code = MR_ERRORS[kind]
    image = replace(make(), name="bad file.nii.gz")
    finding = only(check({**brains("t1ce", "t2", "flair"), "t1": image}, BRAIN), code)
    assert finding.severity is Severity.ERROR
    assert finding.input == "t1"
    assert "bad file.nii.gz" in finding.message
    assert finding.remedy


CT_ERRORS = {
    "MR": (lambda: brain(), Code.NOT_HOUNSFIELD),
    "without intercept": (lambda: ct().with_array(ct().array + 1024), Code.NOT_HOUNSFIELD),
    "as a picture 0..255": (lambda: ct().with_array(np.clip((ct().array + 150) / 400 * 255, 0, 255).astype(np.uint8)), Code.NOT_HOUNSFIELD),
    "z-scored": (lambda: ct().with_array((ct().array - ct().array.mean()) / ct().array.std()), Code.NOT_HOUNSFIELD),
    "intercept twice": (lambda: ct().with_array(ct().array - 1024), Code.NOT_HOUNSFIELD),
    "MR by its header": (lambda: replace(ct(), tags={"Modality": "MR"}), Code.WRONG_KIND),
    "slice": (lambda: ct().with_array(ct().array[5:6]), Code.NOT_A_VOLUME),
    "NaN": (lambda: changed(ct(), (3, 4, 5), np.nan), Code.NOT_FINITE),
}


@pytest.mark.parametrize("kind", CT_ERRORS)
def test_a_ct_that_cannot_be_used(kind: str) -> None:
    make, code = CT_ERRORS[kind]
    assert only(check({"ct": make()}, LIVER), code).severity is Severity.ERROR


PICTURE_ERRORS = {
    "volume": (lambda: brain(), Code.NOT_A_PICTURE),
    "CT": (lambda: ct(), Code.NOT_A_PICTURE),
    "two channels": (lambda: picture().with_array(picture().array[..., :2]), Code.COLOURS),
    "NaN": (lambda: changed(picture(), (0, 4, 5, 1), np.nan), Code.NOT_FINITE),
}


@pytest.mark.parametrize("kind", PICTURE_ERRORS)
def test_a_picture_that_cannot_be_used(kind: str) -> None:
    make, code = PICTURE_ERRORS[kind]
    assert only(check({"image": make()}, NUCLEI), code).severity is Severity.ERROR


@pytest.mark.parametrize("value", [0, 255])
def test_an_empty_picture_is_an_answer(value: int) -> None:
    finding = only(check({"image": picture().with_array(np.full_like(picture().array, value))}, NUCLEI), Code.CONSTANT)
    assert finding.severity is Severity.WARNING and f"nothing but the value {value}, {value}, {value}" in finding.message


def test_an_error_is_not_followed_by_guesses_about_the_same_image() -> None:
    findings = check({**brains("flair"), "t1": changed(moved(brain(), 1000, 0, 0), (3, 4, 5), np.nan)}, BRAIN)
    assert [finding.code for finding in findings if finding.input == "t1"] == [Code.NOT_FINITE]


def test_the_count_of_broken_voxels_is_told() -> None:
    image = changed(brain(), (slice(2, 4), 4, slice(5, 8)), np.nan)
    assert "6 voxels" in only(check({"t1": image}, BRAIN), Code.NOT_FINITE).message


# ---- one image that is used with a warning


def warning(image: Image, code: FindingCode, severity: Severity = Severity.WARNING) -> Finding:
    findings = check({**brains("t1ce", "t2", "flair"), "t1": image}, BRAIN)
    assert not codes(findings, Severity.ERROR)
    finding = only(findings, code)
    assert finding.severity is severity and finding.input == "t1"
    return finding


@pytest.mark.parametrize("background", [0.0, -3.5])
def test_z_scored(background: float) -> None:
    array = brain().array.astype(np.float32)
    inside = array > 0
    warning(brain().with_array(np.where(inside, (array - 500) / 60, background)), Code.ZSCORED)


def test_ringing_of_an_interpolation_is_not_z_scored() -> None:
    array = brain().array + np.random.default_rng(0).normal(0, 4, brain().array.shape)
    assert Code.ZSCORED not in codes(check({"t1": brain().with_array(array)}, BRAIN))


def test_few_slices() -> None:
    image = brain()
    thin = Image(image.array[18:23], image.affine @ LPS_FROM_RAS, image.name)
    assert "5 slices" in only(check({"t1": thin}, BRAIN), Code.FEW_SLICES).message


def test_label_map() -> None:
    labels = (ellipsoid((40, 50, 44), 4.0, (30, 30, 30)) * 2 + ellipsoid((40, 50, 44), 4.0, (20, 20, 20)) * 2).astype(np.uint8)
    warning(brain().with_array(labels), Code.LABEL_MAP)


def test_thick_slices() -> None:
    image = Image(brain(shape=(20, 50, 44)).array, np.diag([2.0, 2.0, 7.0, 1.0]), "thick.nii.gz")
    assert "2 x 2 x 7 mm" in warning(image, Code.ANISOTROPIC, Severity.NOTE).message


@pytest.mark.parametrize("mm", [0.5, 18.0])
def test_no_head_is_so_small_or_so_large(mm: float) -> None:
    image = replace(brain(), affine=np.diag([mm, mm, mm, 1.0]))
    assert Code.EXTENT in codes(check({"t1": image}, BRAIN), Severity.WARNING)


def test_a_thin_slab_is_no_small_head() -> None:
    image = brain()
    slab = Image(image.array[15:25], image.affine, image.name)
    assert Code.EXTENT not in codes(check({"t1": slab}, BRAIN))


def test_huge() -> None:
    array = np.broadcast_to(np.int16(0), (600, 600, 600))
    image = Image(array, np.eye(4), "huge.nii.gz")
    from MedSegDLLib.checks.one_image import Subject, _size

    assert _size(Subject(BRAIN.inputs[0], image, BRAIN)).severity is Severity.NOTE
    assert _size(Subject(BRAIN.inputs[0], brain(), BRAIN)) is None


# ---- skull


def head(noise: float) -> Image:
    """Scalp, dark skull, brain: 3.4 L in all, on noise or zeros."""
    shape, mm = (50, 60, 52), 4.0
    values = np.random.default_rng(0).normal(500, 40, shape)
    for radii, value in (((88, 108, 88), 900), ((82, 102, 82), 60), ((70, 90, 70), 500)):
        inside = ellipsoid(shape, mm, radii)
        values = np.where(inside, value + np.random.default_rng(1).normal(0, 20, shape), values if value < 900 else 0)
    air = ~ellipsoid(shape, mm, (88, 108, 88))
    values = np.where(air, np.abs(np.random.default_rng(2).normal(0, noise, shape)), values) if noise else np.where(air, 0, values)
    return Image(values.astype(np.int16), np.diag([mm, mm, mm, 1.0]), "head.nii.gz")


@pytest.mark.parametrize("noise", [0.0, 12.0])
def test_a_head_with_its_skull(noise: float) -> None:
    (finding,) = (f for f in check({"t1": head(noise)}, BRAIN) if f.code is Code.SKULL)
    assert "skull" in finding.message and finding.severity is Severity.NOTE


def test_part_of_a_head_with_its_skull() -> None:
    image = head(0.0)
    part = Image(image.array[20:32], image.affine, image.name)
    assert shows_skull(part.array, part.grid.spacing_mm)
    assert not shows_skull(brain().array[15:25], brain().grid.spacing_mm)


def test_the_skull_is_no_matter_where_the_task_expects_it() -> None:
    assert Code.SKULL not in codes(check({"t1": head(12.0)}, replace(BRAIN, skull_stripped=False)))


# ---- the set


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_no_input_at_all(task: Task) -> None:
    findings = check({}, task)
    assert [(finding.code, finding.severity, finding.input) for finding in findings] == [(Code.NO_INPUT, Severity.ERROR, "")]


def test_an_unknown_input() -> None:
    findings = check({**brains(), "pd": brain()}, BRAIN)
    assert only(findings, Code.UNKNOWN_INPUT).input == "pd"
    assert codes(check({"t1": brain()}, LIVER), Severity.ERROR) == {Code.UNKNOWN_INPUT, Code.NO_INPUT}


def test_each_missing_modality_is_a_warning() -> None:
    findings = check(brains("flair", "t1ce"), BRAIN)
    assert {(finding.code, finding.severity, finding.input) for finding in findings} == {
        (Code.MISSING, Severity.WARNING, "t1"),
        (Code.MISSING, Severity.WARNING, "t2"),
    }


def test_one_metre_apart() -> None:
    finding = only(check({**brains("flair"), "t1": moved(brain(), 0, 1000, 0)}, BRAIN), Code.NO_OVERLAP)
    assert finding.severity is Severity.ERROR
    assert "t1.nii.gz" in finding.message and "flair.nii.gz" in finding.message and "1000 mm" in finding.message


def test_little_overlap() -> None:
    findings = check({**brains("flair"), "t1": moved(brain(), 130, 0, 0)}, BRAIN)
    assert only(findings, Code.LITTLE_OVERLAP).severity is Severity.WARNING
    assert Code.LITTLE_OVERLAP not in codes(check({**brains("flair"), "t1": moved(brain(), 20, 0, 0)}, BRAIN))


def test_grids_that_differ_are_a_note_and_rounding_is_nothing() -> None:
    assert only(check({**brains(), "t1": moved(brain(), 2, 0, 0)}, BRAIN), Code.GRIDS_DIFFER).severity is Severity.NOTE
    affine = brain().affine.copy()
    affine[:3, :3] += 1e-4
    affine[:3, 3] += 0.01
    assert check({**brains(), "t1": replace(brain(), affine=affine)}, BRAIN) == []


def test_a_flipped_copy_of_the_grid_overlaps_fully() -> None:
    grid = brain().grid
    flip = np.diag([-1.0, 1.0, 1.0, 1.0])
    flip[0, 3] = grid.shape[2] - 1
    assert overlap(grid, Grid(grid.shape, grid.affine @ flip)) == 1.0


def test_overlap_is_the_share_of_the_smaller() -> None:
    whole = Grid((40, 40, 40), np.eye(4))
    half = np.eye(4)
    half[0, 3] = 20
    assert overlap(whole, Grid((40, 40, 40), half)) == pytest.approx(0.5)
    assert overlap(whole, Grid((10, 10, 10), half)) == overlap(Grid((10, 10, 10), half), whole) == 1.0


def test_one_image_given_twice() -> None:
    finding = only(check({**brains("flair", "t2"), "t1": brain(), "t1ce": replace(brain(), name="again.nii.gz")}, BRAIN), Code.SAME_IMAGE)
    assert "again.nii.gz" in finding.message and "t1.nii.gz" in finding.message


def test_errors_come_first() -> None:
    findings = check({"flair": moved(brain("flair"), 2, 0, 0), "t1": brain(), "t2": brain("t2").with_array(np.zeros((9, 9, 9)))}, BRAIN)
    ranks = [list(Severity).index(finding.severity) for finding in findings]
    assert ranks == sorted(ranks) and ranks[0] == 0 and ranks[-1] == 2


def test_every_finding_is_a_sentence_with_a_remedy() -> None:
    for make, _ in [*MR_ERRORS.values()]:
        for finding in check({"t1": make(), "pd": brain()}, BRAIN):
            assert finding.message.endswith(".") and finding.remedy.endswith(".")


# ---- values


def test_phase_images_are_no_ct() -> None:
    assert not looks_like_ct(np.random.default_rng(0).uniform(-4096, 4096, 100_000))
    assert looks_like_ct(np.where(np.arange(1000) < 100, -3024.0, sampled(ct().array)[:1000]))


def test_a_ct_in_the_body_alone_has_some_air() -> None:
    values = np.random.default_rng(0).normal(40, 40, 10_000)
    assert not in_hounsfield_units(values)
    values[:100] = -800
    assert in_hounsfield_units(values)


def body(seed: int = 0) -> np.ndarray:
    """Values of a CT in HU: air, lung and the skin's edge, fat, soft tissue, bone (0.9 % above 400, as measured)."""
    draw = np.random.default_rng(seed)
    parts = ((-1000, 12, 40), (-850, 60, 6), (-100, 20, 14), (50, 25, 37), (140, 20, 1.5), (500, 150, 0.8), (950, 150, 0.2))
    values = np.concatenate([draw.normal(mean, spread, int(share * 2000)) for mean, spread, share in parts])
    return draw.permutation(np.clip(np.concatenate([values, draw.uniform(-1000, 0, 3000)]), -1024, 3071))


ALTERED = {
    "offset not applied": lambda values: values + 1024,
    "offset of 1000 not applied": lambda values: values + 1000,
    "offset applied twice": lambda values: values - 1024,
    "ten times too large": lambda values: values * 10,
    "ten times too small": lambda values: values / 10,
    "a thousand times too small": lambda values: values / 1000,
    "dark and bright exchanged": lambda values: -values,
    "exchanged within 12 bits": lambda values: 3071 - values,
    "a window of 8 bits": lambda values: np.clip((values + 160) / 400 * 255, 0, 255).round(),
    "unsigned": lambda values: values + 32768,
}
PADDINGS = (None, 0, -1000, -1024, -2000, -2048, -3024, -32768)


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("altered", ALTERED.values(), ids=ALTERED.keys())
def test_a_ct_that_is_not_in_hu_is_known_whatever_its_padding(altered, padding: int | None) -> None:
    outside = np.random.default_rng(1).random(body().size) < 0.21
    values = altered(body())
    assert not in_hounsfield_units(values if padding is None else np.where(outside, padding, values))


@pytest.mark.parametrize("padding", [None, 0, -2000, -32768])
@pytest.mark.parametrize("altered", [lambda hu: hu + 200, lambda hu: hu - 200, lambda hu: hu * 2, lambda hu: hu / 2])
def test_air_that_does_not_lie_at_its_place_tells_another_scale(altered, padding: int | None) -> None:
    outside = np.random.default_rng(1).random(body().size) < 0.21
    values = altered(body())
    assert not in_hounsfield_units(values if padding is None else np.where(outside, padding, values))


@pytest.mark.parametrize("least", [-500, -700, -800, -1000])
def test_a_window_that_begins_above_air_is_none_of_these(least: int) -> None:
    assert in_hounsfield_units(np.clip(body(), least, 1000))


def test_a_chest_without_air_around_it_is_in_hu() -> None:
    draw = np.random.default_rng(2)
    lung, rest = draw.normal(-860, 45, 20_000), body()
    assert in_hounsfield_units(np.concatenate([lung, rest[rest > -500]]))


@pytest.mark.parametrize("padding", PADDINGS)
def test_a_ct_in_hu_is_known_whatever_its_padding(padding: int | None) -> None:
    outside = np.random.default_rng(1).random(body().size) < 0.21
    assert in_hounsfield_units(body() if padding is None else np.where(outside, padding, body()))


@pytest.mark.parametrize("padding", [-2000, -3024])
def test_padding_that_was_resampled_hides_no_missing_offset(padding: int) -> None:
    draw = np.random.default_rng(1)
    values = np.concatenate([body(), np.full(20_000, padding), draw.uniform(padding, 0, 1500)])
    shifted = np.concatenate([body() + 1024, np.full(20_000, padding), draw.uniform(padding, 0, 1500)])
    assert in_hounsfield_units(values) and not in_hounsfield_units(shifted)


def test_the_sentence_says_what_was_probably_done() -> None:
    for altered, part in ((ALTERED["offset not applied"], "never applied"), (ALTERED["ten times too large"], "ten times too large")):
        image = ct()
        values = altered(body())[: image.array.size] if body().size >= image.array.size else np.resize(altered(body()), image.array.size)
        found = check({"ct": image.with_array(values.reshape(image.array.shape).astype(np.float32))}, LIVER)
        sentence = next(finding.message for finding in found if finding.code is FindingCode.NOT_HOUNSFIELD)
        assert part in sentence


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("copies", [1, 3])
def test_a_slice_that_is_there_twice(axis: int, copies: int) -> None:
    image = brain("t2")
    order = [n for n in range(image.array.shape[axis]) for _ in range(2 if 20 <= n < 20 + copies else 1)]
    finding = only(
        check({**brains("t1", "t1ce", "flair"), "t2": image.with_array(image.array.take(order, axis=axis))}, BRAIN), Code.COPIED_SLICE
    )
    assert finding.input == "t2"
    assert ("a slice that is an exact copy" if copies == 1 else "3 slices of") in finding.message


def test_upsampled_without_interpolation() -> None:
    image = ct()
    finding = only(check({"ct": image.with_array(image.array.repeat(2, axis=0))}, LIVER), Code.COPIED_SLICE)
    assert "20 slices of 40" in finding.message


def test_empty_slices_are_no_copies() -> None:
    image = brain()
    array = np.pad(image.array, 5)
    assert copied_slices(array) == (0, 0, 0)
    array[2, 3, 4] = 7  # one odd voxel in two slices of background that differ there only
    assert copied_slices(array) == (0, 0, 0)


@pytest.mark.parametrize(("offset", "says"), [(100, "a background of 100"), (0, None)])
def test_a_constant_added(offset: int, says: str | None) -> None:
    image = brain("t2")
    findings = check({**brains("t1", "t1ce", "flair"), "t2": image.with_array(image.array + np.int16(offset))}, BRAIN)
    assert [finding.message.split(") has ")[1].split(" rather")[0] for finding in findings] == ([says] if says else [])


def test_sampling_meets_every_column() -> None:
    array = np.broadcast_to(np.arange(64), (64, 64, 64))
    assert set(sampled(array, 1000)) == set(range(64))


# ---- real images


def read(path: Path) -> Image:
    image = sitk.ReadImage(str(path))
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return Image(sitk.GetArrayFromImage(image), LPS_FROM_RAS @ affine, path.name)


KEYS = (("flair", r"flair|t2f|_fla\."), ("t1ce", r"t1c|post_gad"), ("t1", r"t1"), ("t2", r"t2"))


def real_case(folder: Path) -> dict[str, Image]:
    paths = [path for path in sorted(folder.glob("*.nii.gz")) if not re.search("seg|mask|OTMulti", path.name)]
    return {next(key for key, pattern in KEYS if re.search(pattern, path.name.lower())): read(path) for path in paths}


STRIPPED = ["labelled/Brats18_2013_2_1", "labelled/Brats18_TCIA05_396_1", "labelled/BraTS-GLI-00000-000", "unlabelled/BraTS-GLI-00027-000"]


@pytest.mark.parametrize("case", STRIPPED)
def test_stripped_brains_have_no_finding(case: str, data: Path) -> None:
    assert check(real_case(data / "brain" / case), BRAIN) == []


@pytest.mark.parametrize("case", ["brats_2013_pat0003_1", "brats_2013_pat0004_1", "brats_2013_pat0005_1", "brats_2013_pat0006_1"])
def test_z_scored_brains(case: str, data: Path) -> None:
    findings = check(real_case(data / "brain" / "two_modalities" / case), BRAIN)
    assert {(finding.code, finding.input) for finding in findings} == {
        (Code.ZSCORED, "t1ce"),
        (Code.ZSCORED, "flair"),
        (Code.MISSING, "t1"),
        (Code.MISSING, "t2"),
    }


def test_a_hospital_case(data: Path) -> None:
    images = real_case(data / "brain" / "raw" / "TCGA-FG-6692")
    assert set(images) == set(ALL_KEYS)
    findings = check(images, BRAIN)
    assert not codes(findings, Severity.ERROR)
    assert {finding.input for finding in findings if finding.code is Code.SKULL} == set(ALL_KEYS)
    assert {finding.input for finding in findings if finding.code is Code.GRIDS_DIFFER} == {"t1", "t1ce", "t2"}
    assert {finding.input for finding in findings if finding.code is Code.ANISOTROPIC} == set(ALL_KEYS)
    for image in images.values():  # the same with its noise cut off, and in part
        masked = image.with_array(np.where(image.array > 40, image.array, 0))
        assert shows_skull(masked.array, masked.grid.spacing_mm)
        assert shows_skull(masked.array[8:18], masked.grid.spacing_mm)


def test_a_head_whose_noise_was_cut_off(data: Path) -> None:
    assert Code.SKULL in codes(check({"t1": read(data / "brain" / "raw" / "chris_t1.nii.gz")}, BRAIN))


def test_a_real_ct_as_it_should_be_and_as_mr(data: Path) -> None:
    image = read(data / "liver" / "3dircadb_01_ct.nii.gz")
    assert check({"ct": image}, LIVER) == []
    assert codes(check({"t2": image}, BRAIN), Severity.ERROR) == {Code.WRONG_KIND}
    assert codes(check({"ct": read(data / "brain" / "raw" / "chris_t1.nii.gz")}, LIVER), Severity.ERROR) == {Code.NOT_HOUNSFIELD}


def test_it_takes_less_than_a_second() -> None:
    """Of processor time, since the machine may be busy; 0.2 s was measured."""
    random = np.random.default_rng(0)
    brain = ellipsoid((155, 240, 240), 1.0, (62, 80, 64))
    images = {key: Image(brain * random.integers(200, 800, brain.shape, dtype=np.int16), np.eye(4), key) for key in ALL_KEYS}
    start = time.process_time()
    assert check(images, BRAIN) == []
    assert time.process_time() - start < 1.0


@pytest.mark.parametrize("serious", [True, False])
def test_what_reading_had_to_decide_becomes_a_finding(serious: bool) -> None:
    note = ReadingNote("sform_code, qform_code", "says two things about its place; the sform is taken.", "Check the sides.", serious)
    found = [finding for finding in check({"t1": replace(brain("t1"), notes=(note, note))}, BRAIN) if finding.code is Code.HEADER]
    severity = Severity.WARNING if serious else Severity.NOTE
    says = "T1 (t1.nii.gz) says two things about its place; the sform is taken."
    assert found == [Finding(severity, Code.HEADER, "t1", says, "Check the sides.")] * 2


@pytest.mark.parametrize(("columns", "refused"), [(0, False), (20, True), (64, True)])
def test_a_ct_whose_outside_is_water_is_refused(columns: int, refused: bool) -> None:
    """Air was cut away and set to 0 HU, in a part of the picture or all of it; the lungs stay what they are."""
    image = ct()
    outside = image.array == -1000
    outside[:, :, columns:] = False
    lungs = ellipsoid(image.array.shape, 6.0, (300, 50, 100))
    values = np.where(lungs, np.random.default_rng(1).normal(-850, 40, lungs.shape), np.where(outside, 0, image.array))
    findings = check({"ct": image.with_array(values.astype(np.int16))}, LIVER)
    assert [finding.code for finding in findings if "as water has" in finding.message] == [Code.NOT_HOUNSFIELD] * refused
