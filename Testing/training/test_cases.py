"""Every layout of a data set, written as its makers store it, is found; what is odd is refused or told apart."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from medsegdl_training.cases import find_cases
from medsegdl_training.cases.proposal import propose
from medsegdl_training.cases.references import read_reference
from medsegdl_training.cases.unpack import unpack
from medsegdl_training.commands.main import main
from MedSegDLLib.errors import InputRefused
from MedSegDLLib.io.read import read_image
from MedSegDLLib.tasks import BRAIN, LIVER, NUCLEI
from Testing.core.dicom_series import Series

ALL_FOUR = {"t1", "t1ce", "t2", "flair"}


def touched(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def patient(name: str, *endings: str) -> list[str]:
    return [f"{name}/{name}{ending}" for ending in endings]


YEARS = {
    "2012": (patient("BRATS_HG0001", "_T1.mha", "_T1C.mha", "_T2.mha", "_FLAIR.mha", "_truth.mha"), "BRATS_HG0001"),
    "2015": (
        [
            f"HGG/brats_2013_pat0001_1/{stem}/{stem}.mha"
            for stem in (
                "VSD.Brain.XX.O.MR_Flair.54512",
                "VSD.Brain.XX.O.MR_T1.54513",
                "VSD.Brain.XX.O.MR_T1c.54514",
                "VSD.Brain.XX.O.MR_T2.54515",
                "VSD.Brain_3more.XX.O.OT.54517",
            )
        ],
        "brats_2013_pat0001_1",
    ),
    "2017": (
        patient("Brats17_CBICA_AAB_1", "_t1.nii.gz", "_t1ce.nii.gz", "_t2.nii.gz", "_flair.nii.gz", "_seg.nii.gz"),
        "Brats17_CBICA_AAB_1",
    ),
    "2020": (
        [*patient("BraTS20_Training_355", *(f"_{key}.nii" for key in ("t1", "t1ce", "t2", "flair"))), "BraTS20_Training_355/W39_Segm.nii"],
        "BraTS20_Training_355",
    ),
    "2021, unpacked by Windows": (
        [f"BraTS2021_00000/BraTS2021_00000_{key}.nii/00000_{key}.nii" for key in ("t1", "t1ce", "t2", "flair", "seg")],
        "BraTS2021_00000",
    ),
    "2023": (
        patient("BraTS-GLI-00000-000", "-t1n.nii.gz", "-t1c.nii.gz", "-t2W.nii.gz", "-t2f.nii.gz", "-seg.nii.gz"),
        "BraTS-GLI-00000-000",
    ),
}


@pytest.mark.parametrize("year", YEARS)
def test_every_year_of_brats(year: str, tmp_path: Path) -> None:
    names, name = YEARS[year]
    [case] = find_cases(touched(tmp_path, *names), BRAIN)
    assert case.name == name and set(case.inputs) == ALL_FOUR
    assert len({*case.inputs.values(), case.reference}) == 5
    assert "c" in case.inputs["t1ce"].name.lower().split("t1")[1][:1] and "c" not in case.inputs["t1"].name.lower().split("t1")[1][:1]


def test_patients_of_one_number_are_told_apart(tmp_path: Path) -> None:
    for grade in ("HG", "LG"):
        for part in ("MR_Flair", "MR_T1", "OT"):
            stem = f"VSD.Brain.XX.O.{part}"
            touched(tmp_path, f"Image_Data/{grade}/0001/{stem}/{stem}.mha")
    assert [case.name for case in find_cases(tmp_path, BRAIN)] == ["HG_0001", "LG_0001"]


def test_masks_slices_and_unlabelled_patients(tmp_path: Path) -> None:
    touched(
        tmp_path,
        "p/bet_t1c_mask.nii.gz",
        "p/x_T1_AX_POST_t1c.nii.gz",
        "p/T1_AX_t1.nii.gz",
        "s/s_T1_slice90.nii.gz",
        "s/s_truth_slice90.nii.gz",
    )
    assert find_cases(tmp_path, BRAIN) == []
    [case] = find_cases(tmp_path, BRAIN, labelled=False)
    assert {key: path.name for key, path in case.inputs.items()} == {"t1": "T1_AX_t1.nii.gz", "t1ce": "x_T1_AX_POST_t1c.nii.gz"}


def test_a_folder_of_the_tasks_name_is_looked_into(tmp_path: Path) -> None:
    touched(tmp_path, "brain/p/p_t1.nii.gz", "brain/p/p_seg.nii.gz", "liver/volume-0.nii", "liver/segmentation-0.nii")
    assert [case.name for case in find_cases(tmp_path, BRAIN)] == ["p"]
    assert [case.name for case in find_cases(tmp_path, LIVER)] == ["volume-0"]


def test_lits_side_by_side_and_apart(tmp_path: Path) -> None:
    touched(tmp_path, "a/volume-0.nii", "a/segmentation-0.nii", "volume_pt1/volume-10.nii", "segmentations/segmentation-10.nii")
    touched(tmp_path, "test/test-volume-0.nii")
    found = {case.name: case.reference and case.reference.parent.name for case in find_cases(tmp_path, LIVER, labelled=False)}
    assert found == {"volume-0": "a", "volume-10": "segmentations", "test-volume-0": None}


def described(folder: Path, **entry: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset.json").write_text(json.dumps(entry))
    return folder


def test_the_decathlons_liver(tmp_path: Path) -> None:
    rows = [{"image": "./imagesTr/liver_0.nii.gz", "label": "./labelsTr/liver_0.nii.gz"}]
    described(tmp_path / "Task03_Liver", modality={"0": "CT"}, training=rows, test=["./imagesTs/liver_132.nii.gz"])
    labelled, other = find_cases(tmp_path, LIVER, labelled=False)
    assert (labelled.name, labelled.reference) == ("liver_0", tmp_path / "Task03_Liver" / "labelsTr" / "liver_0.nii.gz")
    assert (other.name, other.reference) == ("liver_132", None)
    with pytest.raises(InputRefused, match="channel CT"):
        find_cases(tmp_path, BRAIN)


def test_the_decathlons_brains_are_to_be_unpacked(tmp_path: Path) -> None:
    rows = [{"image": "./imagesTr/BRATS_001.nii.gz", "label": "./labelsTr/BRATS_001.nii.gz"}]
    described(tmp_path, modality={"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"}, training=rows)
    with pytest.raises(InputRefused, match="unpack"):
        find_cases(tmp_path, BRAIN)


def test_nnunets_files_a_channel(tmp_path: Path) -> None:
    described(tmp_path, channel_names={"0": "FLAIR", "1": "T1", "2": "T1ce", "3": "T2"}, numTraining=1)
    touched(tmp_path, *(f"imagesTr/p_{number:04d}.nii.gz" for number in range(4)), "labelsTr/p.nii.gz")
    [case] = find_cases(tmp_path, BRAIN)
    assert case.inputs["t1ce"].name == "p_0002.nii.gz" and case.reference.name == "p.nii.gz" and set(case.inputs) == ALL_FOUR


LISTED = {"a": {"images": ["$ELSEWHERE/x_t2.nii.gz", "here/y_adc.nii.gz"], "label": "here/seg.nii.gz"}}


def listed(folder: Path, rows: object) -> Path:
    """A `dataset.json` that lists its files, as nnU-Net v2 has it."""
    entry = {"channel_names": {"0": "T2", "1": "ADC"}, "labels": {"background": 0, "gland": 1}, "file_ending": ".nii.gz", "dataset": rows}
    (folder / "dataset.json").write_text(json.dumps(entry), encoding="utf-8")
    return folder / "dataset.json"


def test_files_that_a_dataset_json_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELSEWHERE", str(tmp_path / "far away"))
    path = listed(tmp_path, LISTED)
    [case] = find_cases(tmp_path, propose(path))
    assert case.name == "a" and case.reference == tmp_path / "here/seg.nii.gz"
    assert case.inputs == {"t2": tmp_path / "far away/x_t2.nii.gz", "adc": tmp_path / "here/y_adc.nii.gz"}


@pytest.mark.parametrize("rows", [[], None, {"a": []}, {"a": {"images": "x", "label": "y"}}, {"a": {"images": ["x"], "label": "y"}},
                                  {"a": {"images": ["x", 3], "label": "y"}}, {"a": {"images": ["x", "z"]}}])  # fmt: skip
def test_a_list_that_is_none_is_refused(tmp_path: Path, rows: object) -> None:
    path = listed(tmp_path, LISTED)
    task = propose(path)
    listed(tmp_path, rows)
    with pytest.raises(InputRefused, match=r"dataset\.json"):
        find_cases(tmp_path, task)


@pytest.mark.parametrize("text", ["{", "[]", '{"training": []}'])
def test_damaged_descriptions_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(InputRefused):
        find_cases(tmp_path, LIVER)


def mask_of(start: int) -> np.ndarray:
    mask = np.zeros((6, 16, 16), np.int16)
    mask[1:5, start : start + 6, 3:12] = 255
    return mask


@pytest.fixture
def ircad(tmp_path: Path) -> Path:
    """A patient as the makers store him: one DICOM file a slice, one folder a mask."""
    place = tmp_path / "3Dircadb1.5"
    Series(mask_of(0), np.diag([-1.0, -1.0, 2.0, 1.0])).write(place / "PATIENT_DICOM")
    for organ, start in (("liver", 2), ("livertumor01", 3), ("livertumor02", 4), ("livercyst", 5), ("leftkidney", 8)):
        Series(mask_of(start), np.diag([-1.0, -1.0, 2.0, 1.0])).write(place / "MASKS_DICOM" / organ)
    return place


def zipped(folder: Path) -> None:
    with zipfile.ZipFile(folder.with_suffix(".zip"), "w") as archive:
        for path in folder.rglob("*"):
            archive.write(path, path.relative_to(folder.parent))
    shutil.rmtree(folder)


@pytest.mark.parametrize("packed", [False, True])
def test_ircadb_as_its_makers_store_it(packed: bool, ircad: Path) -> None:
    if packed:
        zipped(ircad / "MASKS_DICOM")
    [case] = find_cases(ircad.parent, LIVER)
    assert case.name == "3Dircadb1.5" and case.inputs["ct"].name == "PATIENT_DICOM"
    labels = read_reference(case.reference).array
    assert np.array_equal(labels > 0, (mask_of(2) > 0) | (mask_of(3) > 0) | (mask_of(4) > 0))
    assert np.array_equal(labels == 2, (mask_of(3) > 0) | (mask_of(4) > 0))


def test_masks_without_a_liver_are_refused(ircad: Path) -> None:
    shutil.rmtree(ircad / "MASKS_DICOM" / "liver")
    with pytest.raises(InputRefused, match="liver"):
        read_reference(ircad / "MASKS_DICOM")


def written(array: np.ndarray, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(sitk.GetImageFromArray(array), str(path))
    return path


def test_the_science_bowls_own_folders(tmp_path: Path) -> None:
    for name in ("one", "two"):
        place = tmp_path / "stage1_train" / name
        written(np.zeros((8, 9), np.uint8), place / "images" / f"{name}.png")
        for number in range(2):
            mask = np.zeros((8, 9), np.uint8)
            mask[1:4, 1 + 4 * number : 3 + 4 * number] = 255
            written(mask, place / "masks" / f"{number}.png")
    written(np.zeros((8, 9), np.uint8), tmp_path / "stage1_test" / "three" / "images" / "three.png")
    one, two = find_cases(tmp_path, NUCLEI)
    assert (one.name, two.name) == ("one", "two") and one.reference.name == "masks"
    labels = read_reference(one.reference).array
    assert labels.shape == (1, 8, 9) and np.unique(labels, return_counts=True)[1].tolist() == [60, 6, 6]
    assert [case.name for case in find_cases(tmp_path, NUCLEI, labelled=False)] == ["one", "three", "two"]


def test_splits_are_never_mixed_unasked(tmp_path: Path) -> None:
    for split in ("train", "test"):
        touched(tmp_path, f"{split}/images/a.png", f"{split}/labels/a.png")
    assert find_cases(tmp_path, NUCLEI) == []
    assert len(find_cases(tmp_path / "train", NUCLEI)) == 1


ROWS = [{"name": "p1", "flair": "a/f.nii.gz", "t1": "", "reference": "a/s.nii.gz"}, {"t1": "b/t1.nii.gz", "flair": None, "reference": ""}]


@pytest.mark.parametrize("kind", ["csv", "json", "cases.json"])
def test_lists_of_ones_own_files(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"list.{kind}"
    lines = ["name,flair,t1,reference", "p1,a/f.nii.gz,,a/s.nii.gz", ",,b/t1.nii.gz,"]
    path.write_text({"csv": "\n".join(lines), "json": json.dumps(ROWS), "cases.json": json.dumps({"cases": ROWS})}[kind])
    second, first = find_cases(path, BRAIN, labelled=False)
    assert (first.name, first.inputs, first.reference) == ("p1", {"flair": tmp_path / "a/f.nii.gz"}, tmp_path / "a/s.nii.gz")
    assert (second.name, second.inputs, second.reference) == ("case-002", {"t1": tmp_path / "b/t1.nii.gz"}, None)
    assert find_cases(path, BRAIN) == [first]


@pytest.mark.parametrize(("text", "says"), [("name,dwi\np,x", "dwi"), ("name,t1\np,", "Row 1"), ("name,t1,flair\na,b,c,d", "None")])
def test_odd_lists_are_refused(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text)
    with pytest.raises(InputRefused, match=says):
        find_cases(path, BRAIN)


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path / "none.csv"):
        with pytest.raises(InputRefused):
            find_cases(path, BRAIN)


def test_the_real_folder(data: Path) -> None:
    labelled, all_cases = find_cases(data, BRAIN), find_cases(data, BRAIN, labelled=False)
    assert len(labelled) == 7 and len(all_cases) == len(labelled) + len(list((data / "brain" / "raw").iterdir())) + 1
    assert [case.name for case in find_cases(data, LIVER) if not case.name.startswith("lits")] == ["3dircadb_01", "3dircadb_07"]
    assert len(find_cases(data / "nuclei" / "test", NUCLEI)) == 102


def test_the_decathlons_brains_become_brats(tmp_path: Path) -> None:
    folder, out = tmp_path / "Task01_BrainTumour", tmp_path / "out"
    random = np.random.default_rng(0)
    channels, numbers = random.integers(0, 900, (4, 5, 6, 7)).astype(np.float32), random.integers(0, 4, (5, 6, 7)).astype(np.uint8)
    written(numbers, folder / "labelsTr" / "BRATS_001.nii.gz")
    (folder / "imagesTr").mkdir()
    parts = [sitk.GetImageFromArray(channel) for channel in channels]
    sitk.WriteImage(sitk.JoinSeries(parts), str(folder / "imagesTr" / "BRATS_001.nii.gz"))
    rows = [{"image": "./imagesTr/BRATS_001.nii.gz", "label": "./labelsTr/BRATS_001.nii.gz"}]
    names = {"0": "background", "1": "edema", "2": "non-enhancing tumor", "3": "enhancing tumour"}
    described(folder, modality={"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"}, training=rows, labels=names)
    assert main(["unpack", "--data", str(folder), "--out", str(out)]) == 0
    [case] = find_cases(out, BRAIN)
    assert case.name == "BRATS_001" and set(case.inputs) == ALL_FOUR
    for key, channel in zip(("flair", "t1", "t1ce", "t2"), channels):
        assert np.array_equal(read_image(case.inputs[key]).array, channel)
    assert np.array_equal(read_reference(case.reference).array, np.array([0, 2, 1, 4])[numbers])
    assert unpack(folder, out, BRAIN, lambda name: None) == 0  # nothing left to do
    described(folder, modality={"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"}, training=rows, labels={"1": "cyst"})
    with pytest.raises(InputRefused, match="cyst"):
        unpack(folder, out, BRAIN)
