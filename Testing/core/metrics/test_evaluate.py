"""`evaluate`: every form of prediction and reference, grids that differ, label conventions, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.write import write_image
from MedSegDLLib.metrics.evaluate import evaluate, format_table
from MedSegDLLib.metrics.labels import regions_of_labels
from MedSegDLLib.metrics.scores import Empty
from MedSegDLLib.tasks import BRAIN, LIVER, NUCLEI

AFFINE = np.diag([-1.0, -2.0, 3.0, 1.0])
SHAPE = (10, 12, 14)


def brain_labels(enhancing: int = 4) -> np.ndarray:
    """Nested boxes: oedema 2 around necrosis 1 around the enhancing part."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[1:9, 1:10, 1:12] = 2
    labels[3:8, 3:8, 3:9] = 1
    labels[4:6, 4:7, 4:8] = enhancing
    return labels


def saved(array: np.ndarray, path: Path, affine: np.ndarray = AFFINE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(Image(array, affine), path)
    return path


def written(masks: dict[str, np.ndarray], folder: Path, affine: np.ndarray = AFFINE) -> Path:
    """A folder as `segment` writes it."""
    for key, mask in masks.items():
        saved(mask, folder / f"{key}.nii.gz", affine)
    return folder


def squares(*corners: tuple[int, int], side: int = 6) -> np.ndarray:
    labels = np.zeros((1, 30, 40), np.uint16)
    for number, (top, left) in enumerate(corners, start=1):
        labels[0, top : top + side, left : left + side] = number
    return labels


@pytest.mark.parametrize("enhancing", [4, 3])
@pytest.mark.parametrize("number_type", [np.uint8, np.int16, np.float32])
def test_both_conventions_of_brats_in_any_number_type(enhancing, number_type):
    labels = brain_labels(enhancing).astype(number_type)
    regions = regions_of_labels(labels, BRAIN)
    assert list(regions) == ["WT", "TC", "ET"]
    assert all(mask.dtype == np.uint8 for mask in regions.values())
    assert np.array_equal(regions["WT"], brain_labels() > 0)
    assert np.array_equal(regions["TC"], np.isin(brain_labels(), (1, 4)))
    assert np.array_equal(regions["ET"], brain_labels() == 4)


def test_liver_is_both_labels_and_tumour_the_second():
    labels = np.array([[[0, 1, 2, 1]]], np.int16)
    regions = regions_of_labels(labels, LIVER)
    assert regions["liver"].tolist() == [[[0, 1, 1, 1]]] and regions["tumour"].tolist() == [[[0, 0, 1, 0]]]


def test_no_labels_are_no_regions():
    assert not any(mask.any() for mask in regions_of_labels(np.zeros(SHAPE), BRAIN).values())


@pytest.mark.parametrize("value", [0.5, -1.0, np.nan, np.inf])
def test_what_is_no_label_map_is_refused(value):
    labels = np.zeros(SHAPE, np.float32)
    labels[2, 3, 4] = value
    with pytest.raises(InputRefused, match="no label map"):
        regions_of_labels(labels, BRAIN)


def test_labels_that_mean_nothing_are_refused():
    with pytest.raises(InputRefused, match=r"no labels of the task 'brain' \(7\)"):
        regions_of_labels(np.where(brain_labels() == 2, 7, 0), BRAIN, "seg.nii.gz")


def test_a_folder_of_masks_against_a_label_map(tmp_path):
    labels = brain_labels()
    reference = saved(labels.astype(np.float32), tmp_path / "seg.nii.gz")
    masks = regions_of_labels(labels, BRAIN)
    masks["ET"] = np.roll(masks["ET"], 1, axis=0)
    evaluation = evaluate(written(masks, tmp_path / "result"), reference, BRAIN)
    [case] = evaluation["cases"]
    assert case["case"] == "seg" and case["notes"] == [] and evaluation["task"] == "brain"
    whole, enhancing = case["regions"]["WT"], case["regions"]["ET"]
    assert whole["dice"] == whole["accuracy"] == 1 and whole["hd95_mm"] == 0
    assert whole["volume_ml"] == whole["reference_ml"] == pytest.approx(np.count_nonzero(labels) * 6 / 1000)
    assert enhancing["dice"] == pytest.approx(0.5) and enhancing["msd_mm"] == pytest.approx(3.0)
    assert evaluation["mean"]["regions"]["ET"] == enhancing
    json.dumps(evaluation, allow_nan=False)


def test_label_maps_and_folders_may_stand_on_either_side(tmp_path):
    label_map = saved(brain_labels(), tmp_path / "seg.nii.gz")
    folder = written(regions_of_labels(brain_labels(), BRAIN), tmp_path / "masks")
    for prediction in (label_map, folder):
        for reference in (label_map, folder):
            [case] = evaluate(prediction, reference, BRAIN)["cases"]
            assert all(measures["dice"] == 1 for measures in case["regions"].values())


def test_rounding_in_a_header_is_no_difference(tmp_path):
    reference = saved(brain_labels(), tmp_path / "seg.nii.gz")
    affine = AFFINE + np.random.default_rng(0).uniform(-1e-3, 1e-3, (4, 4)) * [[1], [1], [1], [0]] * [0, 0, 0, 1]
    [case] = evaluate(saved(brain_labels(), tmp_path / "ours.nii.gz", affine), reference, BRAIN)["cases"]
    assert case["notes"] == [] and case["regions"]["ET"]["dice"] == 1


def test_another_grid_is_resampled_and_said_so(tmp_path):
    reference = saved(brain_labels(), tmp_path / "seg.nii.gz")
    fine = np.repeat(np.repeat(brain_labels(), 2, axis=1), 3, axis=0)
    affine = AFFINE @ np.diag([1, 1 / 2, 1 / 3, 1])
    affine[:3, 3] = (AFFINE @ [0, -1 / 4, -1 / 3, 1])[:3]
    evaluation = evaluate(saved(fine, tmp_path / "fine.nii.gz", affine), reference, BRAIN)
    [case] = evaluation["cases"]
    assert "another grid" in case["notes"][0] and len(case["notes"]) == 1
    for measures in case["regions"].values():
        assert measures["dice"] == 1
        assert measures["volume_ml"] == pytest.approx(measures["reference_ml"])
    assert "another grid" in format_table(evaluation)


def test_turned_and_mirrored_voxels_are_the_same_segmentation(tmp_path):
    reference = saved(brain_labels(), tmp_path / "seg.nii.gz")
    flipped = AFFINE @ np.array([[-1, 0, 0, SHAPE[2] - 1], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1.0]])
    turned = saved(brain_labels().transpose(1, 0, 2)[:, :, ::-1].copy(), tmp_path / "turned.nrrd", flipped)
    [case] = evaluate(turned, reference, BRAIN)["cases"]
    assert all(measures["dice"] == 1 for measures in case["regions"].values())


def test_a_prediction_that_lies_elsewhere_is_said_so(tmp_path):
    reference = saved(brain_labels(), tmp_path / "seg.nii.gz")
    far = AFFINE.copy()
    far[0, 3] = 1000
    [case] = evaluate(saved(brain_labels(), tmp_path / "far.nii.gz", far), reference, BRAIN)["cases"]
    assert case["regions"]["WT"]["dice"] == 0 and case["regions"]["WT"]["volume_ml"] > 0
    assert any("No part of the prediction's WT" in note for note in case["notes"])


def test_empty_regions_keep_to_the_rules(tmp_path):
    nothing = saved(np.zeros(SHAPE, np.uint8), tmp_path / "nothing.nii.gz")
    labels = np.where(brain_labels() == 2, 2, 0).astype(np.uint8)
    oedema = saved(labels, tmp_path / "oedema.nii.gz")
    diagonal = pytest.approx(np.linalg.norm(np.array(SHAPE) * [3, 2, 1]))
    [missed] = evaluate(nothing, oedema, BRAIN)["cases"]
    assert (missed["regions"]["WT"]["dice"], missed["regions"]["WT"]["hd95_mm"]) == (0, diagonal)
    assert (missed["regions"]["ET"]["dice"], missed["regions"]["ET"]["hd95_mm"]) == (1, 0)
    evaluation = evaluate(oedema, nothing, BRAIN)
    assert evaluation["cases"][0]["regions"]["WT"]["rvd"] is None is evaluation["mean"]["regions"]["WT"]["rvd"]
    json.dumps(evaluation, allow_nan=False)


def test_numbered_nuclei(tmp_path):
    truth = squares((2, 2), (2, 20), (20, 2))
    found = squares((2, 2), (2, 20))
    reference = saved(truth, tmp_path / "truth" / "a.png")
    saved(found, tmp_path / "result" / "nuclei.png")
    for prediction in (tmp_path / "result", tmp_path / "result" / "nuclei.png"):
        [case] = evaluate(prediction, reference, NUCLEI)["cases"]
        assert (case["count"], case["reference_count"]) == (2, 3)
        assert case["kaggle_precision"] == pytest.approx(2 / 3)
        assert case["regions"]["nucleus"]["dice"] == pytest.approx(0.8)
        assert "hd95_mm" not in case["regions"]["nucleus"]


def test_many_pictures_and_their_mean(tmp_path):
    truths = {"a": squares((2, 2), (2, 20)), "b": squares((8, 8)), "c": squares()}
    for name, truth in truths.items():
        saved(truth, tmp_path / "labels" / f"{name}.png")
    saved(truths["a"], tmp_path / "found" / "a" / "nuclei.png")
    saved(squares((8, 8), (20, 20)), tmp_path / "found" / "b.png")
    saved(truths["c"], tmp_path / "found" / "c.png")
    evaluation = evaluate(tmp_path / "found", tmp_path / "labels", NUCLEI)
    assert [case["case"] for case in evaluation["cases"]] == ["a", "b", "c"] and evaluation["notes"] == []
    assert evaluation["mean"]["kaggle_precision"] == pytest.approx((1 + 0.5 + 1) / 3)
    assert evaluation["mean"]["count"] == pytest.approx(4 / 3)
    dice = [case["regions"]["nucleus"]["dice"] for case in evaluation["cases"]]
    assert evaluation["mean"]["regions"]["nucleus"]["dice"] == pytest.approx(np.mean(dice)) and dice[2] == 1
    assert evaluation["cases"][1]["regions"]["nucleus"]["dice"] == pytest.approx(2 / 3)


def test_many_volumes(tmp_path):
    for name in ("p1", "p2"):
        saved(brain_labels(), tmp_path / "labels" / f"{name}.nii.gz")
        written(regions_of_labels(brain_labels(), BRAIN), tmp_path / "results" / name)
    evaluation = evaluate(tmp_path / "results", tmp_path / "labels", BRAIN)
    assert [case["case"] for case in evaluation["cases"]] == ["p1", "p2"]
    assert evaluation["mean"]["regions"]["TC"]["dice"] == 1


def test_references_without_a_prediction_are_named(tmp_path):
    for name in "abcdefgh":
        saved(squares((2, 2)), tmp_path / "labels" / f"{name}.png")
    saved(squares((2, 2)), tmp_path / "found" / "a.png")
    evaluation = evaluate(tmp_path / "found", tmp_path / "labels", NUCLEI)
    assert len(evaluation["cases"]) == 1
    assert "7 of 8 references have no prediction" in evaluation["notes"][0] and "b, c, d, e, f, ..." in evaluation["notes"][0]
    assert evaluation["notes"][0] in format_table(evaluation)


def test_refusals(tmp_path):
    label_map = saved(brain_labels(), tmp_path / "seg.nii.gz")
    folder = written(regions_of_labels(brain_labels(), BRAIN), tmp_path / "masks")
    picture = saved(squares((2, 2)), tmp_path / "labels" / "a.png")
    with pytest.raises(InputRefused, match="was not found"):
        evaluate(tmp_path / "none.nii.gz", label_map, BRAIN)
    with pytest.raises(InputRefused, match="was not found"):
        evaluate(label_map, tmp_path / "none.nii.gz", BRAIN)
    (folder / "TC.nii.gz").unlink()
    with pytest.raises(InputRefused, match=r"TC\.nii\.gz was not found"):
        evaluate(folder, label_map, BRAIN)
    with pytest.raises(InputRefused, match="no prediction for any case"):
        evaluate(tmp_path / "masks", tmp_path / "labels", NUCLEI)
    with pytest.raises(InputRefused, match="no prediction for any case"):
        evaluate(picture, tmp_path / "labels", NUCLEI)
    with pytest.raises(InputRefused, match=r"40 x 30.*20 x 30.*differ in size"):
        evaluate(picture, saved(squares((2, 2))[:, :, :20], tmp_path / "narrow.png"), NUCLEI)
    with pytest.raises(InputRefused, match="colour picture"):
        evaluate(saved(np.zeros((1, 30, 40, 3), np.uint8), tmp_path / "colour.png"), picture, NUCLEI)
    with pytest.raises(InputRefused, match="order of its own"):
        evaluate(tmp_path / "segmentation.seg.nrrd", label_map, BRAIN)


def test_masks_of_one_folder_lie_on_one_grid(tmp_path):
    folder = written(regions_of_labels(brain_labels(), BRAIN), tmp_path / "masks")
    saved(np.zeros(SHAPE, np.uint8), folder / "ET.nii.gz", 2 * AFFINE)
    with pytest.raises(InputRefused, match="another grid"):
        evaluate(folder, folder, BRAIN)


def test_two_empty_masks_have_no_value_where_that_is_asked_for(tmp_path):
    nothing, oedema = np.zeros(SHAPE, np.uint8), np.where(brain_labels() == 2, 2, 0).astype(np.uint8)
    for name, truth, found in (("a", oedema, oedema), ("b", brain_labels(), nothing)):
        saved(truth, tmp_path / "labels" / f"{name}.nii.gz")
        saved(found, tmp_path / "found" / f"{name}.nii.gz")
    counted = evaluate(tmp_path / "found", tmp_path / "labels", BRAIN)
    dropped = evaluate(tmp_path / "found", tmp_path / "labels", BRAIN, Empty.NAN)
    assert counted["mean"]["regions"]["ET"]["dice"] == 0.5
    assert dropped["cases"][0]["regions"]["ET"]["dice"] is None
    assert dropped["spread"]["regions"]["ET"]["dice"] == {"mean": 0.0, "deviation": None, "n": 1}  # the missed one stays
    assert dropped["mean"]["regions"]["WT"] == counted["mean"]["regions"]["WT"]


def test_spread_and_pooled_measures_over_cases(tmp_path):
    truths = {"a": squares((2, 2), (2, 20)), "b": squares((8, 8))}
    found = {"a": squares((2, 2)), "b": squares((8, 8), (20, 20), (20, 30))}
    for name in truths:
        saved(truths[name], tmp_path / "labels" / f"{name}.png")
        saved(found[name], tmp_path / "found" / f"{name}.png")
    evaluation = evaluate(tmp_path / "found", tmp_path / "labels", NUCLEI)
    dice = evaluation["spread"]["regions"]["nucleus"]["dice"]
    assert dice == {"mean": pytest.approx((2 / 3 + 0.5) / 2), "deviation": pytest.approx(abs(2 / 3 - 0.5) / 2**0.5), "n": 2}
    whole = evaluation["pooled"]["regions"]["nucleus"]
    assert (whole["tp"], whole["fp"], whole["fn"], whole["tn"]) == (72, 72, 36, 2 * 1200 - 180)
    precision, sensitivity = whole["precision"], whole["sensitivity"]
    assert (precision, sensitivity) == (pytest.approx(1 / 2), pytest.approx(2 / 3))
    assert whole["f1"] == pytest.approx(whole["dice"]) == pytest.approx(2 * precision * sensitivity / (precision + sensitivity))
    assert whole["dice"] == pytest.approx(2 * whole["iou"] / (1 + whole["iou"])) and whole["accuracy"] == pytest.approx(2292 / 2400)
    assert evaluation["cases"][0]["aji"] == pytest.approx(1 / 2) and evaluation["cases"][1]["pq"] == pytest.approx(1 / 2)


def test_the_table_names_every_case_and_measure(tmp_path):
    for name, shift in (("first", 0), ("second", 1)):
        saved(brain_labels(), tmp_path / "labels" / f"{name}.nii.gz")
        saved(np.roll(brain_labels(), shift, 2), tmp_path / "found" / f"{name}.nii.gz")
    lines = format_table(evaluate(tmp_path / "found", tmp_path / "labels", BRAIN, labels="brats2018")).splitlines()
    assert len(lines) == 1 + 4 * 3
    for title in ("Dice", "HD95 (mm)", "Volume (mL)"):
        assert title in lines[0]
    assert lines[1].split()[:3] == ["first", "WT", "1.0000"]
    assert lines[-4].split()[:2] == ["mean", "ET"] and lines[-1].split()[:2] == ["deviation", "ET"]
    assert len({len(line) for line in lines}) == 1


def test_real_labels_agree_with_themselves_and_nest(data):
    reference = data / "brain" / "labelled" / "BraTS-GLI-00000-000" / "BraTS-GLI-00000-000-seg.nii.gz"
    [case] = evaluate(reference, reference, BRAIN)["cases"]
    volumes = [case["regions"][key]["reference_ml"] for key in ("WT", "TC", "ET")]
    assert volumes == pytest.approx([57.30, 44.47, 32.73], abs=0.01)
    assert all(measures["dice"] == 1 and measures["hd95_mm"] == 0 for measures in case["regions"].values())


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_labels_that_nibabel_saved_with_a_slope_are_rounded(tmp_path: Path, dtype: type) -> None:
    """`get_fdata` and the header of before: 1, 2, 4 come back as 1.0039, 1.9922, 4.0, and truncating would lose a label."""
    nibabel = pytest.importorskip("nibabel", reason="nibabel is not installed")
    labels = brain_labels()
    header = nibabel.Nifti1Header()
    header.set_data_dtype(dtype)
    nibabel.save(nibabel.Nifti1Image(labels.T.astype(np.float64), np.diag([1.0, 1.0, 6.0, 1.0]), header), tmp_path / "labels.nii.gz")
    stored = np.asarray(nibabel.load(tmp_path / "labels.nii.gz").dataobj)
    assert dtype != np.uint8 or not np.array_equal(stored, np.round(stored))
    write_image(Image(labels.astype(np.uint8), np.diag([1.0, 1.0, 6.0, 1.0])), tmp_path / "truth.nii.gz")
    (case,) = evaluate(tmp_path / "labels.nii.gz", tmp_path / "truth.nii.gz", BRAIN)["cases"]
    assert all(measures["dice"] == 1 for measures in case["regions"].values())


@pytest.mark.parametrize("value", [1.5, 1.2, 0.7, -1.0, np.nan])
def test_values_that_are_near_no_whole_number_are_refused(value: float) -> None:
    labels = brain_labels().astype(np.float32)
    labels[0, 0, 0] = value
    with pytest.raises(InputRefused, match="whole numbers"):
        regions_of_labels(labels, BRAIN)
