"""How long reading may take: as the headers announce, by a clock of the test's; what hangs is one sentence and an exit code."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import nibabel
import nrrd
import numpy as np
import PIL.Image
import pytest
import SimpleITK as sitk
import tifffile

from MedSegDLLib.commands.main import main
from MedSegDLLib.errors import Cancelled
from MedSegDLLib.io import integrity, time_limit
from MedSegDLLib.io.read import read_image
from MedSegDLLib.io.time_limit import PIXELS_S, SLOWEST_BYTES_S, SLOWEST_PIXELS_S, TimeIsUp, announce, go_on, hanging, within_limit
from MedSegDLLib.worker import server
from MedSegDLLib.worker.services import Services

from ..dicom_kinds import MR, slices

SHAPE = (4, 33, 40)
VOXELS = np.arange(4 * 33 * 40, dtype=np.int16).reshape(SHAPE)


class Clock:
    """Stands until somebody moves it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Where readers hang; opened at the end, so that none outlives its test."""
    opened = threading.Event()
    yield opened
    opened.set()
    for thread in time_limit._given_up:
        thread.join()
    time_limit._given_up.clear()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time for pixels at all."""
    monkeypatch.setattr(time_limit, "PIXELS_S", -1.0)
    monkeypatch.setattr(time_limit, "SLOWEST_BYTES_S", float("inf"))
    monkeypatch.setattr(time_limit, "SLOWEST_PIXELS_S", float("inf"))
    monkeypatch.setattr(time_limit, "LAST_WORD_S", 0.0)


def folder_of_slices(folder: Path) -> Path:
    folder.mkdir()
    for number, one in enumerate(slices(VOXELS, kind=MR)):
        one.save_as(folder / f"{number}.dcm", enforce_file_format=True)
    return folder


def zipped(folder: Path) -> Path:
    inside = folder_of_slices(folder / "slices")
    with zipfile.ZipFile(folder / "slices.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in inside.iterdir():
            archive.write(path, path.name)
    return folder / "slices.zip"


def nifti(folder: Path) -> Path:
    nibabel.save(nibabel.Nifti1Image(VOXELS.T, np.eye(4)), folder / "volume.nii.gz")
    return folder / "volume.nii.gz"


def of_nrrd(encoding: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        header = {"encoding": encoding, "space": "left-posterior-superior", "space directions": np.eye(3), "space origin": np.zeros(3)}
        nrrd.write(str(folder / "volume.nrrd"), VOXELS.T, header)
        return folder / "volume.nrrd"

    return write


def meta(folder: Path) -> Path:
    sitk.WriteImage(sitk.GetImageFromArray(VOXELS), str(folder / "volume.mha"), True)
    return folder / "volume.mha"


def png(folder: Path) -> Path:
    PIL.Image.fromarray(VOXELS[0].astype(np.uint8)).save(folder / "picture.png")
    return folder / "picture.png"


def tiff(folder: Path) -> Path:
    tifffile.imwrite(folder / "picture.tif", VOXELS[0])
    return folder / "picture.tif"


KINDS = {
    "DICOM folder": (lambda folder: folder_of_slices(folder / "slices"), VOXELS.nbytes),
    "DICOM zip": (zipped, VOXELS.nbytes),
    "NIfTI": (nifti, VOXELS.nbytes),
    "NRRD gzip": (of_nrrd("gzip"), VOXELS.nbytes - 1),
    "NRRD bzip2": (of_nrrd("bzip2"), VOXELS.nbytes),
    "MetaImage": (meta, VOXELS.nbytes),
    "PNG": (png, VOXELS[0].size),
    "TIFF": (tiff, VOXELS[0].nbytes),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_header_sets_the_time_for_its_pixels(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, pixel_bytes = KINDS[kind]
    path, allowed = write(tmp_path), []
    monkeypatch.setattr(time_limit.Limit, "allow", lambda self, seconds: (allowed.append(seconds), setattr(self, "_until", float("inf"))))
    read_image(path)
    assert any(PIXELS_S + pixel_bytes / SLOWEST_PIXELS_S <= seconds < time_limit.HEADERS_S for seconds in allowed), allowed


@pytest.mark.parametrize("kind", ["DICOM folder", "NIfTI", "NRRD bzip2"])
def test_a_slow_disk_is_noticed_between_two_pieces(kind: str, tmp_path: Path, impatient: None) -> None:
    with pytest.raises(TimeIsUp, match="was not read within"):
        read_image(KINDS[kind][0](tmp_path))
    assert not hanging()


def test_time_grows_with_what_is_announced() -> None:
    clock = Clock()

    def read(slack_s: float) -> str:
        announce(100 * SLOWEST_BYTES_S, 10 * SLOWEST_PIXELS_S)
        clock.now += PIXELS_S + 110 + slack_s
        go_on()
        return "read"

    assert within_limit(lambda: read(-1.0), "it", clock) == "read"
    with pytest.raises(TimeIsUp, match=f"it was not read within {PIXELS_S + 110:.0f} s"):
        within_limit(lambda: read(1.0), "it", clock)
    go_on()  # nobody limits this thread


def test_what_hangs_in_a_library_is_given_up(gate: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_limit, "LAST_WORD_S", 0.0)
    clock = Clock()

    def hang() -> None:
        clock.now = 1e6
        gate.wait()

    with pytest.raises(TimeIsUp):
        within_limit(hang, "it", clock)
    assert hanging()
    gate.set()
    time_limit._given_up[0].join()
    assert not hanging()


def test_failures_and_answers_come_through_and_work_within_work_shares_its_time() -> None:
    assert within_limit(lambda: within_limit(threading.get_ident, "inner"), "outer") != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        within_limit(lambda: 1 / 0, "it")


def test_a_signal_does_not_wait_for_the_whole_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def read() -> None:
        try:
            while True:
                go_on()
        finally:
            ended.set()

    def signalled(seconds: float | None = None) -> bool:
        raise Cancelled()

    plain = threading.Event.wait
    monkeypatch.setattr(threading.Event, "wait", lambda self, limit=None: signalled() if limit == time_limit.LOOK_S else plain(self, limit))
    with pytest.raises(Cancelled):
        within_limit(read, "it")
    assert ended.is_set() and not hanging()


def test_the_command_ends_with_a_sentence_and_its_code_though_a_reader_hangs(
    tmp_path: Path, gate: threading.Event, impatient: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def leave(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(integrity, "skip", lambda *details: gate.wait())
    monkeypatch.setattr("MedSegDLLib.commands.main.os._exit", leave)
    with pytest.raises(SystemExit) as left:
        main(["segment", "--task", "brain", "--flair", str(nifti(tmp_path)), "-o", str(tmp_path / "out"), "--device", "cpu"])
    assert left.value.code == 3
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("medsegdl: volume.nii.gz was not read within")
    assert not list(tmp_path.glob("out/*"))


def test_a_worker_answers_and_ends_though_a_reader_hangs(gate: threading.Event, impatient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[dict] = []

    class Line:
        send = staticmethod(said.append)
        is_cancelled = staticmethod(lambda number: False)
        forget = staticmethod(lambda number: None)

    def read(payload: dict, progress: object) -> dict:
        def hang() -> None:
            announce(1, 1)
            gate.wait()

        return within_limit(hang, "The series")

    def leave(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(server.os, "_exit", leave)
    with pytest.raises(SystemExit):
        server.serve({"id": 1, "look": {}}, Services(more={"look": read}), Line, Line)
    assert said[-1]["id"] == 1 and said[-1]["error"]["kind"] == "input" and "was not read within" in said[-1]["error"]["message"]
