"""One patient under several names stays on one side of a split; what is reserved is never read; misspelt names are refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from medsegdl_training.cases.patients import patients_of, reserved
from medsegdl_training.cases.selection import Selection, sides_meet
from medsegdl_training.commands.main import main
from medsegdl_training.train import brain_sampler, liver_sampler, supervision
from medsegdl_training.train.supervision import Place, held_out
from MedSegDLLib.errors import InputRefused, UsageError
from MedSegDLLib.tasks import BRAIN, LIVER, NUCLEI
from Testing.training import test_brain, test_liver
from Testing.training.made_up import write_pictures

SAME = [
    ("Brats18_2013_20_1", "brats_2013_pat0006_1", "BRATS_HG0006", "BraTS20_Training_135", "BraTS20_Training_135_002"),
    ("Brats18_CBICA_ABM_1", "BraTS20_Training_007"),
    ("TCGA-FG-6692", "BraTS20_Training_320"),
    ("3dircadb_01", "3Dircadb1.1", "lits_28", "volume-28", "liver_28", "slices-10049"),
    ("3dircadb_07", "slices-10056", "volume-34"),
    ("3dircadb_20", "slices-10070"),
    ("lits_00", "slices-10001", "liver_0"),
    ("lits_05", "lits_10", "volume-7", "slices-10003", "slices-10115"),
]
APART = [
    ("Brats18_2013_2_1", "Brats18_2013_20_1"),
    ("3dircadb_01", "3dircadb_10"),
    ("lits_04", "lits_05"),
    ("slices-10051", "slices-10052"),
    ("volume-1", "volume-11"),
    ("first", "second"),
]


@pytest.mark.parametrize("names", SAME)
def test_one_patient_has_several_names(names: tuple[str, ...]) -> None:
    assert len({patients_of(name) for name in names}) == 1
    assert all(patients_of(f"labelled_{name}") == patients_of(name) for name in names)  # as cases of one name are told apart


@pytest.mark.parametrize("names", APART)
def test_two_patients_are_two(names: tuple[str, str]) -> None:
    assert not sides_meet(names[:1], names[1:])


def test_who_may_be_anybody_of_a_set_goes_with_all_of_it() -> None:
    for other in ("Brats18_2013_2_1", "brats_2013_pat0003_1", "BraTS20_Training_139"):
        assert sides_meet(["BRATS_HG0008"], [other])
    assert not sides_meet(["BRATS_HG0008"], ["Brats18_CBICA_ABM_1"])


def test_what_is_reserved_is_never_read() -> None:
    for name in ("Brats18_TCIA01_425_1", "BraTS20_Training_001", "BraTS20_Training_316_002", "BRATS_HG0001", "slices_BRATS_HG0002"):
        assert reserved(name) and not Selection(Path()).reads(name)
    for name in ("BRATS_HG0008", "BRATS_HG0003", "BraTS20_Training_002", "patient-1"):
        assert not reserved(name) and Selection(Path()).reads(name)


def test_the_two_sides_of_a_split_never_meet() -> None:
    names = [name for group in (*SAME, *APART) for name in group] + ["BRATS_HG0008", "BraTS20_Training_065"]
    for name in names:
        selection = Selection(Path(), (name,))
        one, other = ([each for each in names if side.reads(each)] for side in (selection, selection.held_out()))
        assert not sides_meet(one, other), name
        assert name not in one


@pytest.fixture
def brains(tmp_path: Path) -> Path:
    for seed, name in enumerate(("Brats18_2013_20_1", "brats_2013_pat0006_1", "other")):
        test_brain.write_patient(tmp_path, name, 4, seed)
    (tmp_path / "seg").mkdir()
    for number in (135, 139, 131):
        shutil.copy(tmp_path / "other" / "other_seg.nii.gz", tmp_path / "seg" / f"BraTS20_Training_{number}_seg.nii.gz")
    return tmp_path


def test_a_held_out_brain_lends_neither_image_nor_tumour(brains: Path) -> None:
    every = brain_sampler.make_sampler(Selection(brains), BRAIN.plan, test_brain.PATCH, 0)
    assert len(every.cases) == 3 and len(every.donors) == 2  # one is reserved
    assert "tumours of 2 more patients" in every.data and "tumours" not in every.without_synthesis().data
    for place in (brains / "Brats18_2013_20_1", brains / "brats_2013_pat0006_1"):
        for path in place.iterdir():
            path.write_bytes(b"this must never be read")
    (brains / "seg" / "BraTS20_Training_135_seg.nii.gz").write_bytes(b"this must never be read")
    kept = brain_sampler.make_sampler(Selection(brains, ("BraTS20_Training_135",)), BRAIN.plan, test_brain.PATCH, 0)
    assert kept.cases == ("other",) and len(kept.donors) == 1


@pytest.fixture
def livers(tmp_path: Path) -> Path:
    organs, labels = test_liver.body()
    for name, seed in (("3dircadb_01", 0), ("volume-29", 1), ("3dircadb_07", 2)):
        test_liver.write(test_liver.hounsfield(organs, seed), tmp_path / f"{name}_ct.nii.gz")
        test_liver.write(labels, tmp_path / f"{name}_seg.nii.gz")
    (tmp_path / "shapes").mkdir()
    for name in ("3dircadb_02", "3dircadb_03"):
        test_liver.write(organs, tmp_path / "shapes" / f"{name}_organs.nii.gz")
        test_liver.write(labels, tmp_path / "shapes" / f"{name}_seg.nii.gz")
    return tmp_path


def test_a_held_out_liver_lends_no_shape(livers: Path) -> None:
    for name in ("3dircadb_02_organs", "3dircadb_02_seg"):
        (livers / "shapes" / f"{name}.nii.gz").write_bytes(b"this must never be read")
    (livers / "volume-29_ct.nii.gz").write_bytes(b"this must never be read")
    sampler = liver_sampler.make_sampler(Selection(livers, ("volume-29",)), test_liver.PLAN, test_liver.PLANE, 0)
    assert sampler.cases == ("3dircadb_01", "3dircadb_07", "3dircadb_03")


def test_validation_sees_held_out_patients_only_and_nothing_made_up(livers: Path) -> None:
    place = Place(LIVER, Selection(livers, ("3dircadb_02",)), test_liver.PLAN, test_liver.PLANE, 0)
    trained = place.sampler()
    measured = held_out(place, None, trained.cases)
    assert measured.cases == ("volume-29",)  # the patient whose shape that is
    assert not sides_meet(trained.cases, measured.cases)
    assert measured.mixture.real == 1.0 and measured.mixture.tumours == 0.0 and measured.mixture.bent == 0.0


def test_validation_on_training_cases_is_refused(livers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(LIVER, Selection(livers, ("volume-29",)), test_liver.PLAN, test_liver.PLANE, 0)
    trained = place.sampler().cases
    with pytest.raises(InputRefused, match="is trained on and validated on"):
        held_out(place, livers, trained)
    monkeypatch.setattr(supervision.Selection, "held_out", lambda self: Selection(self.data))  # a validation that reads everything
    with pytest.raises(InputRefused, match="is trained on and validated on"):
        held_out(place, None, trained)


def test_shares_of_labels_go_by_case_not_by_patient(tmp_path: Path) -> None:
    write_pictures(tmp_path, 4)
    place = Place(NUCLEI, Selection(tmp_path, ("picture3",)), NUCLEI.plan, (32, 32), 1)
    assert place.sampler(["picture0"]).cases == ("picture1", "picture2")
    assert place.names() == ["picture0", "picture1", "picture2"]


def test_a_misspelt_name_is_refused_and_the_nearest_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_pictures(tmp_path / "data")
    line = ["run", "--task", "nuclei", "--data", str(data), "--out", str(tmp_path / "run"), "--steps", "1", "--threads", "1"]
    for option in ("--holdout", "--leave-out"):
        assert main([*line, option, "pcture2"]) == 2
        assert f"{option} names 'pcture2'" in (text := capsys.readouterr().err) and "'picture2'" in text
    assert main(["plan", "--task", "nuclei", "--data", str(data), "--out", str(tmp_path / "p.json"), "--holdout", "picture9"]) == 2
    assert not (tmp_path / "run").exists() and not (tmp_path / "p.json").exists()
    with pytest.raises(UsageError, match="no such case"):
        Selection(data, ("nobody",)).refuse_unknown([])


def test_the_terminal_says_who_is_not_trained_on(livers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["run", "--task", "liver", "--data", str(livers), "--out", str(tmp_path / "run"), "--steps", "1", "--batch", "1"]
    more = [
        "--widths",
        "2",
        "2",
        "3",
        "--patch",
        "8",
        "32",
        "32",
        "--holdout",
        "3dircadb_02",
        "--leave-out",
        "3dircadb_07",
        "--threads",
        "1",
    ]
    assert main([*line, *more]) == 0
    assert "not trained on: 3dircadb_02, 3dircadb_07, volume-29" in capsys.readouterr().err
    entry = json.loads((tmp_path / "run" / "settings.json").read_text(encoding="utf-8"))
    assert entry["left_out"] == ["3dircadb_07"] and entry["cases"] == ["3dircadb_01", "3dircadb_03"]


def test_a_windowed_ct_gets_spacings_that_a_body_may_have(tmp_path: Path) -> None:
    organs, labels = test_liver.body()
    place = tmp_path / "lits_windowed_256"
    place.mkdir()
    test_liver.write(test_liver.hounsfield(organs, 0).clip(-160, 240), place / "lits_00_ct.nii.gz")
    test_liver.write(labels, place / "lits_00_seg.nii.gz")
    [case] = liver_sampler.find_cases(tmp_path)
    assert case.spacing_invented and case.window == (-160.0, 240.0)
    sampler = liver_sampler.make_sampler(Selection(tmp_path), LIVER.plan, (8, 16, 16), 0)
    assert sampler.cases == ("lits_00",) and len(sampler.patients) == 3
    sizes = {patient.shape for patient in sampler.patients}
    assert len(sizes) == 3
    drawn = [patient.regions[0].float().mean() for patient in sampler.patients]
    assert np.ptp(drawn) < 0.1  # the same liver, in boxes of other sides
    for patient in sampler.patients:
        assert not bool(patient.organs[patient.hounsfield <= -149].any())  # what was clipped below is no body
