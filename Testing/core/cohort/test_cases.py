"""What a list or a folder means as a cohort; what cannot be understood is refused, what is doubtful in one case is that case's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from MedSegDLLib.cohort.cases import find_cases
from MedSegDLLib.errors import InputRefused, UsageError
from MedSegDLLib.tasks import BRAIN, LIVER, NUCLEI

from ..dicom_series import MR_CLASS, Series
from ..tiny import LPS


def files(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "list.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_list_names_files_from_where_it_lies(tmp_path, delimiter, encoding):
    lines = ["Case,FLAIR,t1ce,age", "a,x/f.nii.gz,,7", "b,f2.nii,c.nrrd", "", ",only.nii,,", "d,,,"]
    found = find_cases(written(tmp_path, "\r\n".join(lines).replace(",", delimiter), encoding), BRAIN)
    assert [case.name for case in found.cases] == ["a", "b", "only.nii", "d"]
    assert found.cases[0].inputs == {"flair": tmp_path / "x/f.nii.gz"}
    assert found.cases[1].inputs == {"flair": tmp_path / "f2.nii", "t1ce": tmp_path / "c.nrrd"}
    assert [bool(case.refusal) for case in found.cases] == [False, False, False, True]
    assert "Line 6" in found.cases[3].refusal
    assert found.notes == ("Columns of the list that are no input: age.",), "a mistyped column is not passed over in silence"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("case,t1c\na,b", "no column for an input"),
        ("flair,FLAIR\na,b", "two columns 'flair'"),
        ("case,flair\na,1\na,2", "Two cases are called 'a'"),
        ("case,flair\nA,1\na,2", "Two cases are called 'a'"),
    ],
)
def test_a_list_that_means_nothing_or_two_things_is_refused(tmp_path, text, says):
    with pytest.raises(UsageError, match=says):
        find_cases(written(tmp_path, text), BRAIN)


def test_a_list_in_another_encoding_is_refused(tmp_path):
    with pytest.raises(UsageError, match="UTF-8"):
        find_cases(written(tmp_path, "case,flair\nMüller,1", "latin-1"), BRAIN)


def test_bids_sessions_are_cases_and_derivatives_are_not(tmp_path):
    files(tmp_path, *(f"sub-1/ses-{n}/anat/sub-1_ses-{n}_{suffix}.nii.gz" for n in "12" for suffix in ("T1w", "ce-gd_T1w", "T2w", "FLAIR")))
    files(tmp_path, "sub-2/anat/sub-2_T2w.nii.gz", "sub-2/anat/sub-2_T2w.json", "sub-2/func/sub-2_bold.nii.gz")
    files(tmp_path, "derivatives/seg/sub-1/anat/sub-1_FLAIR.nii.gz", "sub-3/anat/sub-3_run-1_FLAIR.nii.gz")
    files(tmp_path, "sub-3/anat/sub-3_run-2_FLAIR.nii.gz", "sub-4/anat/sub-4_dseg.nii.gz")
    cases = {case.name: case for case in find_cases(tmp_path, BRAIN).cases}
    assert list(cases) == ["sub-1_ses-1", "sub-1_ses-2", "sub-2", "sub-3", "sub-4"]
    assert {key: path.name for key, path in cases["sub-1_ses-2"].inputs.items()} == {
        "t1": "sub-1_ses-2_T1w.nii.gz",
        "t1ce": "sub-1_ses-2_ce-gd_T1w.nii.gz",
        "t2": "sub-1_ses-2_T2w.nii.gz",
        "flair": "sub-1_ses-2_FLAIR.nii.gz",
    }
    assert list(cases["sub-2"].inputs) == ["t2"] and not cases["sub-2"].refusal
    assert "2 images could be the flair" in cases["sub-3"].refusal, "nobody is there to be asked which run is meant"
    assert "No image" in cases["sub-4"].refusal


def test_a_folder_a_case_and_pictures_in_one_folder(tmp_path):
    files(tmp_path / "brains", "one/x_t1.nii.gz", "one/x_flair.nii.gz", "one/x_seg.nii.gz", "two/flair.nrrd", "notes/readme.txt")
    assert {case.name: sorted(case.inputs) for case in find_cases(tmp_path / "brains", BRAIN).cases} == {
        "one": ["flair", "t1"],
        "two": ["flair"],
    }
    files(tmp_path / "cells", "a.png", "b.tif", "b_mask.png", "c.txt")
    assert [case.name for case in find_cases(tmp_path / "cells", NUCLEI).cases] == ["a.png", "b.tif"]


def mr(description: str, series: str, study: str) -> Series:
    tags = {
        "0008|0016": MR_CLASS,
        "0008|0060": "MR",
        "0008|103e": description,
        "0020|000d": f"1.2.3.{study}",
        "0010|0020": f"P{study}",
    }
    return Series(np.zeros((3, 4, 4), np.int16), LPS, f"1.2.3.{study}.{series}", tags)


def test_dicom_studies_are_cases_whatever_their_folders_are_called(tmp_path):
    for study in "12":
        for number, description in enumerate(("AX T1", "AX T1 POST GAD", "AX FLAIR", "LOCALIZER")):
            mr(description, str(number), study).write(tmp_path / "export" / study / f"S{number}")
    mr("AX FLAIR", "1", "3").write(tmp_path / "export/3/mixed")
    mr("AX T1", "2", "3").write(tmp_path / "export/3/mixed", suffix=".second")
    cases = {case.name: case for case in find_cases(tmp_path / "export", BRAIN).cases}
    assert sorted(cases) == ["P1_1.2.3.1", "P2_1.2.3.2", "P3_1.2.3.3"]
    assert {key: path.name for key, path in cases["P2_1.2.3.2"].inputs.items()} == {"t1": "S0", "t1ce": "S1", "flair": "S2"}
    assert "Several series" in cases["P3_1.2.3.3"].refusal


@pytest.mark.parametrize("task", [BRAIN, LIVER])
def test_nothing_there_is_said(tmp_path, task):
    with pytest.raises(InputRefused, match="holds no case"):
        find_cases(tmp_path, task)
    with pytest.raises(InputRefused, match="not found"):
        find_cases(tmp_path / "none.csv", task)
    with pytest.raises(UsageError, match="neither"):
        find_cases(files(tmp_path, "list.xlsx") / "list.xlsx", task)
