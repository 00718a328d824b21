"""A patient's name, numbers, day of birth and address: in DICOM results as in their source, and nowhere else, whatever happens."""

from __future__ import annotations

import gzip
import logging
import re
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless

from MedSegDLLib.cohort.cases import find_cases
from MedSegDLLib.cohort.driver import Cohort
from MedSegDLLib.cohort.one_case import run_order
from MedSegDLLib.cohort.page import write_page
from MedSegDLLib.cohort.table import rows_of, write_table
from MedSegDLLib.commands.main import main
from MedSegDLLib.dicom import pixels
from MedSegDLLib.io import private_folder
from MedSegDLLib.io.formats import DICOM_RESULTS
from MedSegDLLib.options import Options
from MedSegDLLib.tasks import BRAIN

from ..dicom_kinds import MR, Stack, Storage, save, slices
from ..tiny import head_images, tiny_weights

WHO = {
    "PatientName": "Qzmuster^Qzanna^^Dr.",
    "PatientID": "QZ4711",
    "PatientBirthDate": "19511231",
    "PatientAddress": "Qzstrasse 5, Qzstadt",
    "OtherPatientNames": "Qzmaiden^Qzanna",
    "PatientTelephoneNumbers": "0176-777333999",
    "AccessionNumber": "QZACC99",
    "PatientMotherBirthName": "Qzmother",
}
SPOKEN = "t2 flair Qzmuster, born 31.12.1951, id QZ4711"
# Whole words: a temporary folder's random name may hold any few letters.
WORDS = ("muster", "mu=st", "anna", "strasse", "stadt", "maiden", "mother", "folder", "file", "acc99", "4711", "4712")
MARKS = re.compile("qz=?(" + "|".join(map(re.escape, WORDS)) + r")|19511231|31\.12\.1951|777333999", re.IGNORECASE)
PICTURES = re.compile(r"base64,[A-Za-z0-9+/=]+")  # in a page
FOLDER, FILE = "Qzfolder_Qzmuster", "Qzfile_Qzanna"


@cache
def head_values() -> np.ndarray:
    """(K, J, I), made once; small, for a run costs what its millimetres do."""
    return head_images(("flair",))["flair"].array[::2]


def head(folder: Path, storage: Storage = Storage(), **tags: object) -> list[Dataset]:
    """A FLAIR in which somebody wrote the patient's name wherever there is room."""
    values = head_values()
    more = {"SeriesDescription": SPOKEN, "ProtocolName": "Qzmuster head", "ContrastBolusAgent": "none for Qzanna", **WHO, **tags}
    return slices(values, Stack(spacing_mm=(3.0, 3.0, 6.0)), storage, MR, **more)


def put(files: list[Dataset], folder: Path) -> Path:
    for number, one in enumerate(files):
        save(one, folder / FOLDER / f"{FILE}_{number:03d}.dcm")
    return folder / FOLDER


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_weights(tmp_path_factory.mktemp("weights"), BRAIN)


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bytes]]:
    """Name and content of every temporary file that a decoder is given."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    seen: list[tuple[str, bytes]] = []
    by_gdcm = pixels._by_gdcm

    def spy(alone: Dataset, path: Path) -> np.ndarray:
        decoded = by_gdcm(alone, path)
        seen.append((str(path.relative_to(place)), path.read_bytes()))
        return decoded

    monkeypatch.setattr(pixels, "_by_gdcm", spy)
    yield seen
    assert [left.name for left in place.iterdir() if not left.name.startswith("torchinductor")] == [], "nothing temporary stays"


def assert_nobody(text: str) -> None:
    assert MARKS.findall(text) == []


def content_of(path: Path) -> str:
    content = path.read_bytes()
    if path.name.endswith(".gz"):
        content = gzip.decompress(content)
    return content.decode("latin-1")


def run(arguments: list[str], capfd: pytest.CaptureFixture, caplog: pytest.LogCaptureFixture, path: Path) -> tuple[int, str]:
    """The exit code, and all that was said and logged, without the path that the user typed."""
    with caplog.at_level(logging.DEBUG):
        code = main(arguments)
    said = capfd.readouterr()
    told = said.out + said.err + caplog.text
    for part in (str(path), path.name):
        told = told.replace(part, "PATH")
    return code, told


def test_results_name_nobody_but_the_dicom_ones(tmp_path, weights, watched, capfd, caplog) -> None:
    path = put(head(tmp_path, Storage(syntax=RLELossless)), tmp_path)
    fast = ["--device", "cpu", "--no-bias-correction"]
    common = ["segment", "--task", "brain", "--weights", str(weights), *fast, "--dicom", "--uncertainty"]
    code, told = run([*common, str(path), "-o", str(tmp_path / "out")], capfd, caplog, path)
    assert code == 0
    assert_nobody(told)
    written = sorted((tmp_path / "out").iterdir())
    assert len(written) == len(DICOM_RESULTS) + 3 + 3
    for file in written:
        assert_nobody(file.name)
        if file.name not in DICOM_RESULTS:
            assert_nobody(content_of(file))
            continue
        made = pydicom.dcmread(file)
        for keyword in ("PatientName", "PatientID", "PatientBirthDate", "OtherPatientNames", "AccessionNumber"):
            assert str(made[keyword].value) == WHO[keyword], (file.name, keyword)
        assert_nobody(str(made.get("SeriesDescription", "")) + str(made.get("ContentDescription", "")))
    assert len(watched) == len(head_values())
    for name, content in watched:
        assert_nobody(name + content.decode("latin-1"))


def read_all(folder: Path) -> str:
    """Names and contents of all that lies in a folder and is no DICOM result."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in DICOM_RESULTS]
    assert len(files) > 1
    return " ".join(str(path.relative_to(folder)) + PICTURES.sub("", content_of(path)) for path in files)


def test_reports_and_follow_ups_name_nobody(tmp_path, weights, watched, capfd, caplog) -> None:
    path, pages = put(head(tmp_path), tmp_path), tmp_path / "pages"
    pages.mkdir()
    studies = [tmp_path / "Qzmuster 2019", tmp_path / "Qzmuster 2020"]
    for study in studies:
        given = ["segment", "--task", "brain", "--weights", str(weights), "--device", "cpu", "--no-bias-correction", "--flair", str(path)]
        assert main([*given, "-o", str(study)]) == 0
    capfd.readouterr()
    shown = ["--image", str(path)]
    orders = {
        "report": ["report", str(studies[0]), *shown, "-o", str(pages / "report.html")],
        "follow-up": ["follow-up", *map(str, studies), *shown, *shown, "-o", str(pages / "follow-up.html")],
    }
    for order in orders.values():
        code, told = run(order, capfd, caplog, path)
        assert code == 0
        assert_nobody(told)
    assert_nobody(read_all(pages))
    (studies[1] / "WT.nii.gz").write_bytes(b"no image")
    put(colours(head(tmp_path)), tmp_path)
    for order in orders.values():
        code, told = run(order, capfd, caplog, path)
        assert code == 3 and "Traceback" not in told
        assert_nobody(told.replace(str(studies[1]), "PATH"))


def test_a_cohort_of_studies_names_nobody(tmp_path, weights, watched, capfd, caplog) -> None:
    put(head(tmp_path), tmp_path / "root" / "Qzmuster a")
    spoilt = put(no_positions(head(tmp_path)), tmp_path / "root" / "Qzmuster b")
    for file in spoilt.iterdir():
        one = pydicom.dcmread(file)
        one.StudyInstanceUID, one.PatientID = "1.2.3.9", "QZ4712"
        one.save_as(file)
    listed = find_cases(tmp_path / "root", BRAIN)
    assert len(listed.cases) == 2
    options = Options(device="cpu", bias_correction=False, weights=weights)
    cohort = Cohort(listed.cases, BRAIN.key, options, tmp_path / "out", False, False)
    with caplog.at_level(logging.DEBUG):
        outcomes = [run_order(order) for order in cohort.orders({})]
    assert sorted(outcome.status for outcome in outcomes) == ["done", "failed"]
    rows = rows_of(outcomes, tmp_path / "out")
    write_table(rows, BRAIN, tmp_path / "out")
    write_page(rows, BRAIN, tmp_path / "out")
    said = capfd.readouterr()
    assert_nobody(" ".join([said.out, said.err, caplog.text, *listed.notes, *(outcome.message for outcome in outcomes)]))
    assert_nobody(read_all(tmp_path / "out"))


def one_lost(files: list[Dataset]) -> list[Dataset]:
    return files[:9] + files[10:]


def one_damaged(files: list[Dataset]) -> list[Dataset]:
    files[4].PixelData = files[4].PixelData[:100]
    return files


def no_positions(files: list[Dataset]) -> list[Dataset]:
    for one in files:
        del one.ImagePositionPatient
    return files


def no_study(files: list[Dataset]) -> list[Dataset]:
    for one in files:
        del one.StudyInstanceUID
    return files


def two_agents(files: list[Dataset]) -> list[Dataset]:
    for one in files[::2]:
        one.ContrastBolusAgent = "Gadovist for Qzanna"
    return files


def colours(files: list[Dataset]) -> list[Dataset]:
    for one in files:
        one.PhotometricInterpretation = "PALETTE COLOR"
    return files


def odd_values(files: list[Dataset]) -> list[Dataset]:
    for one in files:
        one.add_new("RescaleSlope", "LO", "Qzmuster")
    return files


def of_a_strange_kind(files: list[Dataset]) -> list[Dataset]:
    for one in files:
        one.SOPClassUID = one.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.12.1"
        one.Modality = "QZ4711"
    return files


def two_of_a_kind(files: list[Dataset]) -> list[Dataset]:
    others = head(Path(), SeriesInstanceUID="1.2.3.4", SeriesNumber=8)
    for number, one in enumerate(others):
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.4.{number + 1}"
    return files + others


SPOILT = (one_lost, one_damaged, no_positions, no_study, two_agents, colours, odd_values, of_a_strange_kind, two_of_a_kind)


@pytest.mark.parametrize("whole", [True, False], ids=["examination", "single input"])
@pytest.mark.parametrize("spoil", SPOILT)
def test_refusals_name_nobody(spoil: Callable, whole: bool, tmp_path, weights, watched, capfd, caplog) -> None:
    path = put(spoil(head(tmp_path)), tmp_path)
    given = [str(path)] if whole else ["--flair", str(path)]
    fast = ["--device", "cpu", "--no-bias-correction"]
    arguments = ["segment", "--task", "brain", "--weights", str(weights), *fast, "--dicom", *given]
    code, told = run([*arguments, "-o", str(tmp_path / "out")], capfd, caplog, path)
    readable = spoil is of_a_strange_kind and not whole
    assert code == (0 if readable else 3) and "Traceback" not in told
    assert_nobody(told)
    assert readable is (tmp_path / "out").exists()


def test_a_crash_while_writing_names_nobody(tmp_path, weights, watched, capfd, caplog, monkeypatch) -> None:
    """Odd names, of which libraries warn; and a disk that is full in the middle."""
    path = put(head(tmp_path, PatientName="Qz=mu=st=er^a^b^c^d^e^f", PatientSex="Q", PatientBirthDate="31.12.1951"), tmp_path)
    fast = ["--device", "cpu", "--no-bias-correction"]
    arguments = ["segment", "--task", "brain", "--weights", str(weights), *fast, "--dicom", "--flair", str(path)]
    code, told = run([*arguments, "-o", str(tmp_path / "out")], capfd, caplog, path)
    assert code == 0
    assert_nobody(told)
    monkeypatch.setattr(pydicom, "dcmwrite", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left on device", str(path))))
    code, told = run([*arguments, "-o", str(tmp_path / "full")], capfd, caplog, path)
    assert code == 3 and "no space" in told
    assert_nobody(told)


def test_private_folders_are_named_by_nobody(tmp_path: Path) -> None:
    with private_folder.private_folder(tmp_path) as folder:
        assert_nobody(folder.name)
