"""What the numbers of a label map mean: by the user, by dataset.json, by the data set, by names; assumed with a note, or asked for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from MedSegDLLib.commands.main import main
from MedSegDLLib.errors import InputRefused, UsageError
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.write import write_image
from MedSegDLLib.metrics.evaluate import evaluate
from MedSegDLLib.metrics.labels import (
    connected_objects,
    convention_named,
    decide,
    described,
    is_told,
    looks_like_a_picture,
    region_of_name,
    regions_of_labels,
)
from MedSegDLLib.tasks import BRAIN, LIVER, NUCLEI

AFFINE = np.diag([-1.0, -2.0, 3.0, 1.0])
BOXES = {"oedema": np.s_[1:9, 1:10, 1:12], "core": np.s_[3:8, 3:8, 3:9], "enhancing": np.s_[4:6, 4:7, 4:8]}


def label_map(oedema: int = 2, core: int = 1, enhancing: int = 3, more: int = 0) -> np.ndarray:
    """Nested boxes, and beside them one of `more`."""
    labels = np.zeros((12, 14, 16), np.uint8)
    for box, value in zip(BOXES.values(), (oedema, core, enhancing), strict=True):
        labels[box] = value
    if more:
        labels[9:11, 11:13, 13:15] = more
    return labels


TRUTH = {"WT": label_map() > 0, "TC": np.isin(label_map(), (1, 3)), "ET": label_map() == 3}


def saved(array: np.ndarray, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(Image(array, AFFINE), path)
    return path


def truth_of(regions: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(regions[key] > 0, TRUTH[key]) for key in TRUTH)


def dices(evaluation: dict) -> dict[str, float]:
    [case] = evaluation["cases"]
    return {key: measures["dice"] for key, measures in case["regions"].items()}


# name of the file -> values of oedema, core, enhancing, more
NAMED = [
    ("BraTS-GLI-00000-000-seg.nii.gz", (2, 1, 3, 0)),
    ("BraTS-GLI-02062-100-seg.nii.gz", (2, 1, 3, 4)),  # 2024: 4 is the resection cavity
    ("Brats18_2013_2_1_seg.nii.gz", (2, 1, 4, 0)),
    ("BraTS2021_00000_seg.nii.gz", (2, 1, 4, 0)),
    ("brats_2013_pat0003_1/OTMultiClass.nii.gz", (2, 1, 4, 0)),
    ("VSD.Brain_3more.XX.O.OT.54517.mha", (2, 1, 4, 0)),
    ("BRATS_001.nii.gz", (1, 2, 3, 0)),  # Decathlon
    ("labelsTr/BRATS_484.nii.gz", (1, 2, 3, 0)),
]


@pytest.mark.parametrize(("name", "values"), NAMED)
def test_names_tell_the_origin(name: str, values: tuple[int, ...], tmp_path: Path) -> None:
    reference = saved(label_map(*values), tmp_path / name)
    evaluation = evaluate(saved(label_map(), tmp_path / "ours" / "BraTS-GLI-1.nii.gz"), reference, BRAIN)
    assert evaluation["notes"] == []
    regions = regions_of_labels(label_map(*values), BRAIN, name)
    assert np.array_equal(regions["TC"] > 0, TRUTH["TC"]) and np.array_equal(regions["ET"] > 0, TRUTH["ET"])
    assert dices(evaluation) == {"WT": 1, "TC": 1, "ET": 1}


def test_a_case_of_2015_without_enhancing_tumour() -> None:
    """Label 3 is non-enhancing core there; by its values alone it would be the enhancing tumour of 2023."""
    labels = np.where(label_map() == 3, 3, label_map())
    regions = regions_of_labels(labels, BRAIN, "VSD.Brain_3more.XX.O.OT.54517.mha")
    assert not regions["ET"].any() and np.array_equal(regions["TC"] > 0, TRUTH["TC"])


def test_the_data_set_decides_for_its_cases(tmp_path: Path) -> None:
    """One case with 1, 2, 3 among others with 4: all by the same convention, whatever order they come in."""
    for name, values in (("a", (2, 1, 3, 0)), ("b", (2, 1, 4, 3)), ("c", (2, 1, 3, 0))):
        for side in ("ours", "theirs"):
            saved(label_map(*values), tmp_path / side / f"{name}.nii.gz")
    with pytest.raises(InputRefused, match="several meanings") as refused:
        evaluate(tmp_path / "ours", tmp_path / "theirs", BRAIN)
    assert "--labels" in refused.value.remedy and "brats2015" in refused.value.remedy and "brats2024" in refused.value.remedy
    by_2015 = evaluate(tmp_path / "ours", tmp_path / "theirs", BRAIN, labels="brats2015")["cases"]
    assert [case["regions"]["ET"]["reference_ml"] for case in by_2015][::2] == [0, 0]
    by_2024 = evaluate(tmp_path / "ours", tmp_path / "theirs", BRAIN, labels="brats2024")["cases"]
    assert by_2024[0]["regions"]["ET"]["reference_ml"] > 0


def test_a_perfect_prediction_of_2024(tmp_path: Path) -> None:
    prediction = saved(label_map(), tmp_path / "pred.nii.gz")
    reference = saved(label_map(more=4), tmp_path / "ref.nii.gz")
    with pytest.raises(InputRefused, match=r"1, 2, 3, 4, which have several meanings"):
        evaluate(prediction, reference, BRAIN)
    assert dices(evaluate(prediction, reference, BRAIN, labels="brats2024")) == {"WT": 1, "TC": 1, "ET": 1}


@pytest.mark.parametrize("enhancing", [3, 4])
def test_what_is_assumed_is_said(enhancing: int, tmp_path: Path) -> None:
    reference = saved(label_map(enhancing=enhancing), tmp_path / "ref.nii.gz")
    evaluation = evaluate(reference, reference, BRAIN)
    [note] = evaluation["notes"]
    assert ("brats2023" if enhancing == 3 else "brats2018") in note.split("they might")[0] and "ref.nii.gz" in note


def test_values_that_all_conventions_read_alike_need_no_note() -> None:
    assert decide(BRAIN, set(), [Path("empty.nii.gz")]).note == ""
    assert decide(LIVER, {1, 2}, [Path("x.nii.gz")]).note == ""


def test_what_is_told_needs_no_data_set(tmp_path: Path) -> None:
    assert is_told(Path("BraTS-GLI-00000-000-seg.nii.gz"), {1, 2, 3}, BRAIN)
    assert is_told(Path("x.nii.gz"), set(), BRAIN) and is_told(Path("x.nii.gz"), {1, 2}, LIVER)
    assert not is_told(Path("x.nii.gz"), {1, 2, 3}, BRAIN) and not is_told(Path("x.nii.gz"), {1, 2, 3, 4}, BRAIN)


NNUNET = [
    {"background": 0, "whole tumor": [1, 2, 3], "tumor core": [2, 3], "enhancing tumor": [3]},
    {"background": 0, "edema": 1, "necrosis": 2, "enhancing": 3},
    {"0": "background", "1": "edema", "2": "non-enhancing tumor", "3": "enhancing tumour"},
    {"background": 0, "SNFH": 1, "NETC": 2, "ET": 3},
    {"background": 0, "peritumoral oedema": 1, "necrotic and non-enhancing tumor core": 2, "GD-enhancing tumor": 3, "resection cavity": 4},
    {"background": 0, "surroundingNonEnhancingFLAIR": 1, "nonEnhancingCore": 2, "enhancingTumor": 3},
]


@pytest.mark.parametrize("names", NNUNET, ids=lambda names: next(reversed(names)))
@pytest.mark.parametrize("place", ["labelsTr/BRATS_001.nii.gz", "Brats18_1_1_seg.nii.gz"])
def test_the_names_in_dataset_json_decide(names: dict, place: str, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "dataset.json").write_text(json.dumps({"labels": names}), encoding="utf-8")
    reference = saved(label_map(1, 2, 3), tmp_path / "set" / place)
    convention = described(reference, BRAIN)
    assert truth_of(regions_of_labels(label_map(1, 2, 3), BRAIN, "x", convention))
    evaluation = evaluate(saved(label_map(), tmp_path / "BraTS-GLI-00000-000.nii.gz"), reference, BRAIN)
    assert dices(evaluation) == {"WT": 1, "TC": 1, "ET": 1}
    assert "set/dataset.json" in evaluation["notes"][0]


def test_a_reader_that_gives_the_path_gets_the_names_too(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": NNUNET[1]}), encoding="utf-8")
    path = saved(label_map(1, 2, 3), tmp_path / "labelsTr" / "BraTS-GLI-00000-000.nii.gz")
    assert truth_of(regions_of_labels(label_map(1, 2, 3), BRAIN, path))
    assert not truth_of(regions_of_labels(label_map(1, 2, 3), BRAIN, path.name))


def test_organs_of_a_whole_body_by_their_names(tmp_path: Path) -> None:
    labels = {"background": 0, "spleen": 1, "liver": 6, "liver_tumour": 7, "kidney_tumor": 8}
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels}), encoding="utf-8")
    array = np.array([[[0, 1, 6], [7, 8, 6]]], np.uint8)
    regions = regions_of_labels(array, LIVER, "x", described(tmp_path / "x.nii.gz", LIVER))
    assert set(array[regions["liver"] > 0]) == {6, 7} and set(array[regions["tumour"] > 0]) == {7}


BAD = {
    "no JSON": ("{", "cannot be read as JSON"),
    "nested without end": ("[" * 100_000, "cannot be read as JSON"),
    "strange": (json.dumps({"labels": {"background": 0, "edema": 1, "thing": 2}}), "means nothing"),
    "foreign": (json.dumps({"labels": {"background": 0}}), "names no label of the task"),
    "numberless": (json.dumps({"labels": {"edema": "one"}}), "without a number"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_dataset_json_that_is_of_no_use_is_refused(kind: str, tmp_path: Path) -> None:
    text, says = BAD[kind]
    (tmp_path / "dataset.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputRefused, match=says):
        described(tmp_path / "x.nii.gz", BRAIN)


def test_the_option_comes_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": NNUNET[1]}), encoding="utf-8")
    reference = saved(label_map(), tmp_path / "seg.nii.gz")
    assert dices(evaluate(reference, reference, BRAIN, labels="brats2023")) == {"WT": 1, "TC": 1, "ET": 1}
    assert evaluate(reference, reference, BRAIN, labels="brats2023")["cases"][0]["regions"]["TC"]["tp"] == TRUTH["TC"].sum()


def test_more_classes_than_the_task_knows_are_refused() -> None:
    with pytest.raises(InputRefused, match=r"no labels of the task 'liver' \(3, 4, 5, 6, 7, \.\.\.\)"):
        regions_of_labels(np.arange(20).reshape(1, 4, 5), LIVER, "organs.nii.gz")


def test_an_unknown_convention_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="no convention"):
        convention_named("brats2018", LIVER)


# ---- masks of one region


@pytest.mark.parametrize("value", [1, 255])
@pytest.mark.parametrize("name", ["WT.nii.gz", "case_ET.nii.gz", "whole_tumour.nii.gz", "TC.nii.gz", "x-tumour core.nii.gz"])
def test_a_mask_named_after_its_region_is_that_region(name: str, value: int, tmp_path: Path) -> None:
    region = region_of_name(Path(name), BRAIN)
    mask = saved((TRUTH[region] * value).astype(np.uint8), tmp_path / name)
    reference = saved(label_map(), tmp_path / "BraTS-GLI-00000-000-seg.nii.gz")
    assert dices(evaluate(mask, reference, BRAIN)) == {region: 1}
    assert dices(evaluate(reference, mask, BRAIN)) == {region: 1}


@pytest.mark.parametrize(("task", "value"), [(BRAIN, 1), (BRAIN, 255), (LIVER, 255)])
def test_a_mask_without_such_a_name_is_refused(task, value: int, tmp_path: Path) -> None:
    mask = saved((TRUTH["WT"] * value).astype(np.uint8), tmp_path / "mask.nii.gz")
    with pytest.raises(InputRefused, match="does not say of which"):
        evaluate(mask, mask, task)


def test_a_liver_without_tumour_is_a_label_map(tmp_path: Path) -> None:
    reference = saved(TRUTH["WT"].astype(np.uint8), tmp_path / "case.nii.gz")
    assert dices(evaluate(reference, reference, LIVER)) == {"liver": 1, "tumour": 1}


def test_masks_of_different_regions_have_nothing_in_common(tmp_path: Path) -> None:
    one, two = (saved(TRUTH[key].astype(np.uint8), tmp_path / f"{key}.nii.gz") for key in ("WT", "ET"))
    with pytest.raises(InputRefused, match="nothing in common"):
        evaluate(one, two, BRAIN)


def test_a_folder_of_masks_of_one_region(tmp_path: Path) -> None:
    for side in ("ours", "theirs"):
        for number in range(2):
            saved((TRUTH["WT"] * 255).astype(np.uint8), tmp_path / side / f"{number}_WT.nii.gz")
    evaluation = evaluate(tmp_path / "ours", tmp_path / "theirs", BRAIN)
    assert list(evaluation["mean"]["regions"]) == ["WT"] and evaluation["pooled"]["regions"]["WT"]["dice"] == 1


# ---- what is no prediction of this task


def test_a_result_of_another_task_is_refused(tmp_path: Path) -> None:
    saved(TRUTH["WT"].astype(np.uint8), tmp_path / "out" / "liver.nii.gz")
    reference = saved(label_map(), tmp_path / "BraTS-GLI-00000-000.nii.gz")
    with pytest.raises(InputRefused, match=r"holds no result of the task 'brain'"):
        evaluate(tmp_path / "out", reference, BRAIN)
    (tmp_path / "out" / "report.json").write_text(json.dumps({"task": "liver"}), encoding="utf-8")
    with pytest.raises(InputRefused, match=r"a result of the task 'liver'"):
        evaluate(tmp_path / "out", reference, BRAIN)


def test_a_probability_map_is_no_label_map(tmp_path: Path) -> None:
    soft = saved(np.linspace(0, 1, 12 * 14 * 16, dtype=np.float32).reshape(12, 14, 16), tmp_path / "WT.nii.gz")
    with pytest.raises(InputRefused, match="not whole numbers"):
        evaluate(soft, saved(label_map(), tmp_path / "seg.nii.gz"), BRAIN)


# ---- objects


def nuclei() -> np.ndarray:
    labels = np.zeros((1, 60, 60), np.uint16)
    for number, (top, left) in enumerate(((2, 2), (20, 5), (40, 30), (5, 40)), start=1):
        labels[0, top : top + 9, left : left + 8] = number
    return labels


@pytest.mark.parametrize("value", [1, 255])
def test_a_binary_reference_of_objects(value: int, tmp_path: Path) -> None:
    prediction = saved(nuclei(), tmp_path / "a.png")
    mask = saved(((nuclei() > 0) * value).astype(np.uint8), tmp_path / "b.png")
    for pair in ((prediction, mask), (mask, prediction)):
        [case] = evaluate(*pair, NUCLEI)["cases"]
        assert case["count"] == case["reference_count"] == 4 and case["pq"] == 1
        assert any("b.png holds a single value" in note and "(4)" in note for note in case["notes"])
    [case] = evaluate(prediction, prediction, NUCLEI)["cases"]
    assert case["notes"] == []


def test_corners_hold_an_object_together() -> None:
    assert connected_objects(np.array([[[1, 0], [0, 1]]])).max() == 1
    assert connected_objects(np.array([[[1, 0, 1]]])).tolist() == [[[1, 0, 2]]]


def test_a_picture_is_no_map_of_objects(tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(1, 255, (1, 60, 60), dtype=np.uint8)
    assert looks_like_a_picture(grey) and not looks_like_a_picture(nuclei()) and not looks_like_a_picture(nuclei() * 0)
    with pytest.raises(InputRefused, match="looks like a picture"):
        evaluate(saved(grey, tmp_path / "cells.png"), saved(nuclei(), tmp_path / "labels.png"), NUCLEI)


def test_real_objects_are_no_pictures(data: Path) -> None:
    import SimpleITK as sitk

    for path in sorted((data / "nuclei" / "test" / "labels").glob("*.png")):
        assert not looks_like_a_picture(sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[None]), path.name


# ---- the command line


def test_the_option(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    prediction, reference = saved(label_map(), tmp_path / "pred.nii.gz"), saved(label_map(more=4), tmp_path / "ref.nii.gz")
    command = ["evaluate", "--task", "brain", "--prediction", str(prediction), "--reference", str(reference)]
    assert main(command) == 3
    assert "--labels" in capsys.readouterr().err
    assert main([*command, "--labels", "brats2024"]) == 0
    with pytest.raises(SystemExit):
        main([*command, "--labels", "brats1999"])


def test_a_region_that_the_data_set_does_not_know_is_empty(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "whole tumour": 1}}), encoding="utf-8")
    regions = regions_of_labels(label_map(1, 1, 1), BRAIN, "x", described(tmp_path / "x.nii.gz", BRAIN))
    assert regions["WT"].any() and not regions["TC"].any() and not regions["ET"].any()
