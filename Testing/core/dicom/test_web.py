"""A study out of an archive and back into it: Debian's Orthanc on the loopback, and what an archive may answer."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pydicom
import pytest
import requests

from MedSegDLLib.commands.main import main
from MedSegDLLib.dicom import web
from MedSegDLLib.errors import InputRefused, UsageError
from MedSegDLLib.io.formats import DICOM_RESULTS, DICOM_SEGMENTATION
from MedSegDLLib.tasks import BRAIN

from ..dicom_kinds import MR, PATIENT, ROOT, Stack, plain, save, slices
from ..orthanc import Server, needs_orthanc, orthanc, silent_port  # noqa: F401 - a fixture
from ..tiny import head_images, tiny_weights

STUDY = f"{ROOT}.0"


def stored(server: Server, folder: Path) -> None:
    """Two series of 33 x 33, whose frames fill no whole bytes, and a report."""
    images = head_images(("flair", "t1ce"), (12, 33, 33))
    for number, (key, image) in enumerate(images.items(), start=1):
        tags = {"SeriesDescription": {"flair": "t2 flair", "t1ce": "t1 gd"}[key], "series": f"{number}"}
        for place, one in enumerate(slices(image.array, Stack(spacing_mm=(6.0, 6.0, 6.0)), kind=MR, **tags)):
            path = save(one, folder / f"{key}{place}")
            requests.post(f"{server.rest}/instances", data=path.read_bytes(), timeout=20).raise_for_status()
    path = save(plain("1.2.840.10008.5.1.4.1.1.88.33", 1, "70"), folder / "report")
    requests.post(f"{server.rest}/instances", data=path.read_bytes(), timeout=20).raise_for_status()


def arguments(server: Server, folder: Path, *more: str) -> list[str]:
    common = ["--task", "brain", "--weights", str(tiny_weights(folder, BRAIN)), "--device", "cpu", "--no-bias-correction"]
    return ["dicomweb", server.url, *common, "-o", str(folder / "out"), *more]


@needs_orthanc
def test_a_study_goes_out_of_the_archive_and_its_results_back(orthanc: Server, tmp_path: Path, capfd) -> None:  # noqa: F811
    stored(orthanc, tmp_path / "slices")
    assert main(arguments(orthanc, tmp_path, "--study", STUDY, "--send")) == 0
    told = capfd.readouterr()
    assert "flair  series 1" in told.out and "t1ce   series 2" in told.out and "sent to the archive" in told.out
    assert PATIENT.split("^")[0] not in told.out + told.err
    (back,) = orthanc.instances("SEG")
    ours = pydicom.dcmread(tmp_path / "out" / DICOM_SEGMENTATION)
    assert back.SOPInstanceUID == ours.SOPInstanceUID and back.StudyInstanceUID == STUDY and str(back.PatientName) == PATIENT
    np.testing.assert_array_equal(back.pixel_array, ours.pixel_array)
    assert back.Rows == back.Columns == 33
    held = {one.SOPInstanceUID for one in orthanc.instances("MR")}
    assert {one.ReferencedSOPInstanceUID for one in back.ReferencedSeriesSequence[0].ReferencedInstanceSequence} <= held
    assert len(orthanc.instances("SR")) == 2 and len(orthanc.instances("OT")) == 1
    archive = web.Archive(orthanc.url)
    archive.send([tmp_path / "out" / name for name in DICOM_RESULTS])
    assert len(orthanc.instances("SEG")) == 1, "storing one twice leaves one"


@needs_orthanc
def test_what_the_archive_does_not_have_is_a_sentence(orthanc: Server, tmp_path: Path, capfd) -> None:  # noqa: F811
    assert main(arguments(orthanc, tmp_path, "--study", "1.2.3.4.5")) == 3
    said = capfd.readouterr().err
    assert "nothing of this study" in said and said.count("\n") == 1
    stored(orthanc, tmp_path / "slices")
    assert main(arguments(orthanc, tmp_path, "--study", STUDY, "--most-gb", "0.00001")) == 3
    assert "--most-gb" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_archive_that_is_not_there_is_a_sentence(tmp_path: Path, capfd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web.time, "sleep", lambda seconds: None)
    with silent_port() as port:
        assert main(arguments(Server(port), tmp_path, "--study", STUDY)) == 3
    assert "does not answer" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_disk_that_is_full_of_slices_is_a_sentence(tmp_path: Path, capfd, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that finds no room names no file."""

    def full(*arguments: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(web.Archive, "fetch", full)
    assert main(arguments(Server(1), tmp_path, "--study", STUDY)) == 3
    said = capfd.readouterr().err
    assert "no space left on the disk" in said and "TMPDIR" in said and said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def answer(status: int) -> requests.HTTPError:
    response = requests.Response()
    response.status_code = status
    return requests.HTTPError(response=response)


@pytest.mark.parametrize("failure", [answer(500), answer(503), requests.Timeout(), requests.ConnectionError()])
def test_what_may_pass_is_tried_again_after_growing_pauses(failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(web.time, "sleep", slept.append)
    left = [failure, failure]

    def call() -> str:
        if left:
            raise left.pop()
        return "done"

    assert web._patiently(call) == "done"
    assert slept == sorted(slept) and len(slept) == 2
    left[:] = [failure] * 9
    with pytest.raises(InputRefused):
        web._patiently(call)
    assert len(left) == 9 - len(web.PAUSES_S) - 1


@pytest.mark.parametrize(("status", "says"), [(401, "let us in"), (403, "let us in"), (404, "knows no such study"), (400, "error .400.")])
def test_what_will_not_pass_is_told_at_once(status: int, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web.time, "sleep", lambda seconds: pytest.fail("waited in vain"))

    def call() -> None:
        raise answer(status)

    with pytest.raises(InputRefused, match=says):
        web._patiently(call)


@pytest.mark.parametrize("url", ["pacs.example", "ftp://pacs.example", "http://me:secret@pacs.example/dicom-web", "http://"])
def test_what_is_no_address_is_wrong_usage(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        web.Archive(url)
    assert "secret" not in str(caught.value)


def test_a_password_does_not_cross_the_network_unencrypted() -> None:
    login = web.Login("me", "secret")
    with pytest.raises(UsageError, match="unencrypted"):
        web.Archive("http://pacs.example/dicom-web", login)
    web.Archive("https://pacs.example/dicom-web", login)
    web.Archive("http://127.0.0.1:8042/dicom-web", login)
    assert "secret" not in repr(login)
