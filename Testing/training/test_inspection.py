"""`medsegdl-train inspect` names what is wrong with which file, and says by its exit code whether training would fail."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from medsegdl_training.commands.main import main
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


def test_the_text_names_file_and_remedy(brains: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (brains / "first" / "first_seg.nii.gz").write_bytes(b"no image")
    assert main(["inspect", "--task", "brain", "--data", str(brains)]) == 3
    text = capsys.readouterr().out
    assert "error: first_seg.nii.gz" in text and "1 errors" in text


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
