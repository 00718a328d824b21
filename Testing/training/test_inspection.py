"""`medsegdl-train inspect` names what is wrong with which file, and says by its exit code whether training would fail."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from medsegdl_training.cases import find_cases
from medsegdl_training.commands.main import main
from MedSegDLLib.checks.coverage import missing_shares
from MedSegDLLib.io.read import read_images
from MedSegDLLib.tasks import BRAIN
from Testing.training.made_up import write_pictures
from Testing.training.test_brain import write, write_patient


@pytest.fixture
def brains(tmp_path: Path) -> Path:
    for name, seed in (("first", 0), ("second", 1)):
        write_patient(tmp_path, name, 4, seed)
    return tmp_path


def inspected(folder: Path, capsys: pytest.CaptureFixture[str], task: str = "brain", *more: str) -> tuple[int, dict]:
    code = main(["inspect", "--task", task, "--data", str(folder), "--json", *more])
    return code, json.loads(capsys.readouterr().out)


def problems(found: dict, case: str) -> dict[str, str]:
    """Code -> file of everything wrong with a case."""
    [entry] = [entry for entry in found["cases"] if entry["name"] == case]
    return {problem["code"]: problem["file"] for problem in entry["problems"]}


def test_nothing_wrong(brains: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = inspected(brains, capsys, "brain", "--jobs", "2")
    assert code == 0 and found["errors"] == 0
    assert found["labelled"] == 2 and found["modalities"] == {"t1": 2, "t1ce": 2, "t2": 2, "flair": 2}
    first = found["cases"][0]
    assert first["inputs"]["t1"]["shape"] == [30, 32, 30] and first["inputs"]["t1"]["spacing_mm"] == [3, 3, 3]
    assert set(first["reference"]["labels"]) == {"0", "1", "2", "4"}
    assert first["reference"]["volumes_ml"]["WT"] == pytest.approx(4 / 3 * np.pi * 1.5**3, rel=0.1)


def test_a_missing_modality_and_an_empty_reference_are_warnings(brains: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (brains / "first" / "first_t2.nii.gz").unlink()
    write(np.zeros((30, 32, 30), np.uint8), brains / "second" / "second_seg.nii.gz")
    code, found = inspected(brains, capsys)
    assert code == 0 and found["warnings"] >= 2
    assert "missing" in problems(found, "first")
    assert problems(found, "second")["empty_reference"] == "second/second_seg.nii.gz"


def test_everything_that_would_end_a_run(brains: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (brains / "first" / "first_t1.nii.gz").write_bytes(b"no image")
    write(np.full((30, 32, 30), 7, np.uint8), brains / "first" / "first_seg.nii.gz")
    write(np.random.default_rng(0).integers(1, 900, (20, 20, 20)).astype(np.int16), brains / "second" / "second_t2.nii.gz")
    shutil.copytree(brains / "second", brains / "third")
    code, found = inspected(brains, capsys)
    assert code == 3
    assert problems(found, "first")["unreadable"] == "first/first_t1.nii.gz"
    assert problems(found, "first")["labels"] == "first/first_seg.nii.gz"
    assert problems(found, "second")["grids_differ"] == "second/second_t2.nii.gz"
    assert problems(found, "third")["duplicate"].startswith("third/") and "duplicate" not in problems(found, "second")
    assert all(problem["remedy"] for entry in found["cases"] for problem in entry["problems"])


def relabelled(path: Path, labels: dict[int, int]) -> None:
    old = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    new = np.zeros_like(old)
    for value, other in labels.items():
        new[old == value] = other
    write(new.astype(np.uint8), path)


def test_a_data_set_whose_labels_may_mean_two_things(brains: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One case with 1, 2, 3 and one with 1, 2, 4 and no name that tells: BraTS 2015, or two data sets? A dataset.json tells."""
    for name, enhancing in (("first", 3), ("second", 4)):
        path = brains / name / f"{name}_seg.nii.gz"
        relabelled(path, {1: 1, 2: 2, 3: enhancing, 4: enhancing})
    code, found = inspected(brains, capsys)
    assert code == 3 and problems(found, "first")["labels"] == "first/first_seg.nii.gz"
    names = {"necrosis": 1, "oedema": 2, "non-enhancing": 3, "enhancing": 4}
    (brains / "dataset.json").write_text(json.dumps({"labels": names}), encoding="utf-8")
    code, found = inspected(brains, capsys)
    assert code == 0 and "labels" not in problems(found, "first")
    assert [entry["reference"]["volumes_ml"]["ET"] > 0 for entry in found["cases"]] == [False, True]


def test_the_text_names_file_and_remedy(brains: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (brains / "first" / "first_seg.nii.gz").write_bytes(b"no image")
    assert main(["inspect", "--task", "brain", "--data", str(brains)]) == 3
    text = capsys.readouterr().out
    assert "error: first_seg.nii.gz" in text and "1 error, " in text


def test_unlabelled_cases_do_not_end_a_run(brains: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (brains / "first" / "first_seg.nii.gz").unlink()
    (brains / "first" / "first_t1.nii.gz").write_bytes(b"no image")
    code, found = inspected(brains, capsys)
    assert code == 0 and "unreadable" in problems(found, "first") and found["labelled"] == 1


def test_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_pictures(tmp_path / "data")
    code, found = inspected(folder, capsys, "nuclei")
    assert code == 0 and [entry["reference"]["count"] for entry in found["cases"]] == [6, 6, 6]
    sitk.WriteImage(sitk.GetImageFromArray(np.ones((5, 5), np.uint16)), str(folder / "labels" / "picture2.png"))
    code, found = inspected(folder, capsys, "nuclei")
    assert code == 3 and problems(found, "picture2") == {"grids_differ": "labels/picture2.png"}


def test_a_list_whose_files_are_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "list.csv").write_text("name,t1,reference\np,gone.nii.gz,gone_too.nii.gz\n")
    code, found = inspected(tmp_path / "list.csv", capsys)
    assert code == 3 and found["errors"] == 2


def test_cases_that_are_not_there_are_refused(brains: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for more in (["--cases", "nobody"], ["--cases", "first", "nobody"]):
        assert main(["inspect", "--task", "brain", "--data", str(brains), *more]) == 2
    assert "The case nobody does not lie in" in capsys.readouterr().err
    assert main(["inspect", "--task", "liver", "--data", str(brains)]) == 2


def test_cases_behind_symbolic_links_are_seen_once(
    brains: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture
) -> None:
    joined = tmp_path_factory.mktemp("joined")
    for name in ("first", "second"):
        (joined / name).symlink_to(brains / name, target_is_directory=True)
    (joined / "again").symlink_to(brains / "first", target_is_directory=True)  # one more way to the same folder
    (joined / "up").symlink_to(joined, target_is_directory=True)  # a circle
    (joined / "gone").symlink_to(joined / "nowhere")
    code, found = inspected(joined, capsys)
    assert code == 0 and len(found["cases"]) == 2


def test_a_field_of_view_that_is_cut_off_is_a_warning(brains: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, rows in (("first", 12), ("second", 5)):  # the head lies between 2 and 28
        path = brains / name / f"{name}_flair.nii.gz"
        array = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
        array[:rows] = 0
        write(array, path)
    _, found = inspected(brains, capsys)
    assert problems(found, "first")["cut_off"] == "first/first_flair.nii.gz"
    assert "cut_off" not in problems(found, "second")
    [said] = [p["message"] for case in found["cases"] for p in case["problems"] if p["code"] == "cut_off"]
    assert "does not show" in said and "%" in said


def test_a_smaller_field_of_view_on_a_grid_of_its_own_is_a_warning(brains: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = brains / "first" / "first_t2.nii.gz"
    sitk.WriteImage(sitk.ReadImage(str(path))[:, :, 11:], str(path))
    code, found = inspected(brains, capsys)
    assert code == 0 and {"cut_off", "grids_differ"} <= set(problems(found, "first"))


def test_the_cut_off_flair_of_brats_is_found() -> None:
    folder = Path(os.environ.get("MEDSEGDL_MORE_DATA", "")) / "brain" / "labelled"
    cases = {case.name: case for case in find_cases(folder, BRAIN)} if folder.is_dir() else {}
    if "Brats18_2013_20_1" not in cases:
        pytest.skip("Brats18_2013_20_1 is not there (set $MEDSEGDL_MORE_DATA)")
    shares = missing_shares(read_images(cases["Brats18_2013_20_1"].inputs))
    assert shares["flair"] == pytest.approx(0.34, abs=0.02) and max(shares["t1"], shares["t1ce"], shares["t2"]) < 0.01
