"""A whole examination: which series becomes which input, what is left aside and why, and what the user may decide."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from MedSegDLLib.checks.study import Listed, match
from MedSegDLLib.commands.main import main
from MedSegDLLib.commands.study import chosen_series, read_study
from MedSegDLLib.dicom.options import ReadOptions
from MedSegDLLib.errors import InputRefused, UsageError
from MedSegDLLib.io.formats import DICOM_RESULTS
from MedSegDLLib.tasks import BRAIN, LIVER

from ..dicom_kinds import CAPTURE, CORONAL, MR, PATIENT, REPORT, Stack, Storage, numbers, plain, save, slices, with_pixels, without
from ..tiny import head_images, tiny_weights

STACK = Stack(spacing_mm=(6.0, 6.0, 6.0))


def series(number: int, values: np.ndarray, stack: Stack = STACK, **tags: object) -> list[Dataset]:
    return slices(values, stack, kind=MR, series=f"{number}", **tags)


def examination(folder: Path) -> Path:
    """Scout, T1, T2, FLAIR, T1 after contrast, diffusion, ADC, perfusion, a screenshot and a report, in one folder."""
    head = {key: image.array for key, image in head_images().items()}
    files = [
        *series(1, numbers(0, 0, 900, (6, 20, 20)), SeriesDescription="loc", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]),
        *series(2, numbers(1, 0, 900, (3, 20, 20)), Stack(CORONAL), SeriesDescription="survey"),
        *series(3, head["t1"], SeriesDescription="t1 se ax", EchoTime=10, RepetitionTime=500),
        *series(4, head["t2"], SeriesDescription="t2 tse ax"),
        *series(5, head["flair"], SeriesDescription="t2 flair ax", InversionTime=2500, EchoTime=100, RepetitionTime=9000),
        *series(6, head["t1ce"], SeriesDescription="t1 se ax gd", ContrastBolusAgent="Gadovist"),
        *series(7, head["t1"], SeriesDescription="dwi b1000"),
        *series(8, head["t1"], SeriesDescription="ADC", ImageType=["DERIVED", "PRIMARY", "ADC"]),
        *series(9, head["t1"], SeriesDescription="perf", ImageType=["DERIVED", "SECONDARY", "PERFUSION"]),
    ]
    for place, one in enumerate(files):
        save(one, folder / ("ab"[place % 2]) / f"{place:04d}")
    save(with_pixels(plain(CAPTURE, 1, "90"), numbers(3, 0, 255, (1, 40, 40))[0], Storage(False, 8, 8)), folder / "shot")
    save(plain(REPORT, 1, "70"), folder / "report")
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX" / "._0001").write_bytes(bytes(300))
    return folder


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return examination(tmp_path_factory.mktemp("study") / "exam")


def read(path: Path, chosen: dict[str, str] | None = None):
    return read_study(path, BRAIN, chosen or {}, ReadOptions())


def test_series_become_inputs_and_the_rest_is_left_aside_with_reasons(study: Path) -> None:
    found = read(study)
    head = head_images()
    assert list(found.readings) == ["t1", "t1ce", "t2", "flair"]
    for key, reading in found.readings.items():
        np.testing.assert_array_equal(reading.image.array, head[key].array)
        assert reading.origin is not None
    taken = {key: entry["series"] for key, entry in found.record["study"]["taken"].items()}
    assert taken == {"t1": "3", "t1ce": "6", "t2": "4", "flair": "5"}
    reasons = {entry["series"]: entry["reason"] for entry in found.record["study"]["left_aside"]}
    assert reasons["1"] == "a scout" and reasons["2"] == "only 3 slices" and "screenshot" in reasons["90"]
    assert "b1000" in reasons["7"] and "adc" in reasons["8"].lower() and "perf" in reasons["9"].lower()
    assert found.record["study"]["other_objects"] == {"report": 1}
    assert any(line.startswith("flair  series 5 't2 flair ax' (24 slices): its series description says") for line in found.lines)
    assert PATIENT.split("^")[0] not in repr((found.lines, found.record))


def test_a_zip_and_a_folder_give_the_same(study: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "exam.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in study.rglob("*"):
            archive.write(file, file.relative_to(study))
    packed, plain_one = read(tmp_path / "exam.zip"), read(study)
    assert packed.record == plain_one.record
    for key, reading in packed.readings.items():
        np.testing.assert_array_equal(reading.image.array, plain_one.readings[key].image.array)
        assert reading.origin.header == plain_one.readings[key].origin.header


def test_the_user_decides(study: Path) -> None:
    found = read(study, {"t1": "7", "t2": ""})
    assert {key: entry["series"] for key, entry in found.record["study"]["taken"].items()} == {"t1": "7", "t1ce": "6", "flair": "5"}
    assert found.record["study"]["taken"]["t1"]["reason"] == "chosen by hand"
    with pytest.raises(UsageError, match="no series of number 77 for t1"):
        read(study, {"t1": "77"})


def listed(*series: tuple[str, str, int]) -> list[Listed]:
    return [Listed(number, {"SeriesDescription": text, "Modality": "MR"}, slices) for number, text, slices in series]


def test_of_two_that_say_the_same_the_larger_counts() -> None:
    matched = match(listed(("4", "t2 tse", 20), ("5", "t2 tse", 44), ("6", "flair", 20)), BRAIN)
    assert matched.taken["t2"][0] == 1 and matched.aside == {0: "says the same as another with more slices"}


def test_two_that_are_equally_good_are_asked_about() -> None:
    with pytest.raises(InputRefused, match=r"T2 may be series 4 't2 tse' or series 5 't2 tse'") as caught:
        match(listed(("4", "t2 tse", 20), ("5", "t2 tse", 20), ("6", "flair", 20)), BRAIN)
    assert "--series t2=4" in caught.value.remedy
    assert match(listed(("4", "t2 tse", 20), ("5", "t2 tse", 20), ("6", "flair", 20)), BRAIN, {"t2": "5"}).taken["t2"][0] == 1
    assert set(match(listed(("4", "t2 tse", 20), ("5", "t2 tse", 20), ("6", "flair", 20)), BRAIN, {"t2": ""}).taken) == {"flair"}


def test_an_input_that_cannot_be_read_is_not_left_out_in_silence(tmp_path: Path) -> None:
    values = numbers(0, 0, 900, (30, 20, 20))
    files = [*series(4, values, SeriesDescription="t2 tse ax"), *series(5, values, SeriesDescription="t2 flair ax")]
    for place, one in enumerate(files):
        if place != 39:
            save(one, tmp_path / f"{place}")
    with pytest.raises(InputRefused, match=r"FLAIR would be series 5 't2 flair ax', but it lacks slices") as caught:
        read(tmp_path)
    assert "--fill-gaps" in caught.value.remedy and "--series flair=." in caught.value.remedy
    assert set(read(tmp_path, {"flair": ""}).readings) == {"t2"}
    filled = read_study(tmp_path, BRAIN, {}, ReadOptions(fill_gaps=True))
    assert set(filled.readings) == {"t2", "flair"} and filled.readings["flair"].image.array.shape == values.shape


def test_series_without_a_number_of_their_own_can_be_chosen(tmp_path: Path) -> None:
    values = numbers(0, 0, 900, (8, 20, 20))
    files = [*series(4, values, SeriesDescription="t2 tse"), *series(5, values + 1, SeriesDescription="t2 tse", SeriesNumber=4)]
    files += series(6, values + 2, SeriesDescription="t2 tse", SeriesNumber=None)
    for place, one in enumerate(files):
        save(one, tmp_path / f"{place}")
    with pytest.raises(InputRefused, match=r"series 4#1 't2 tse' or series 4#2 't2 tse' or series #1 't2 tse'"):
        read(tmp_path)
    chosen = {number: read(tmp_path, {"t2": number}).readings["t2"].image.array for number in ("4#1", "4#2", "#1")}
    assert sorted(int((array - values).max()) for array in chosen.values()) == [0, 1, 2] and (chosen["#1"] == values + 2).all()


def test_screenshots_in_a_series_leave_it_its_number(tmp_path: Path) -> None:
    """As GE's 'screen save': the picture bears the series' own UID and number."""
    values = numbers(0, 0, 900, (8, 20, 20))
    shot = with_pixels(plain(CAPTURE, 99, "4"), numbers(3, 0, 255, (1, 40, 40))[0], Storage(False, 8, 8))
    for place, one in enumerate([*series(4, values, SeriesDescription="t2 tse"), shot]):
        save(one, tmp_path / f"{place}")
    found = read(tmp_path, {"t2": "4"})
    np.testing.assert_array_equal(found.readings["t2"].image.array, values)
    assert [entry["series"] for entry in found.record["study"]["left_aside"]] == ["4#2"]


@pytest.mark.parametrize("lost", [("SOPClassUID",), ("Modality",)])
def test_what_only_some_headers_tell_is_enough(lost: tuple[str, ...], tmp_path: Path) -> None:
    values = numbers(0, 0, 900, (8, 20, 20))
    for place, one in enumerate(without(series(4, values, SeriesDescription="t2 tse"), *lost)):
        save(one, tmp_path / f"{place}", marked="SOPClassUID" not in lost)
    np.testing.assert_array_equal(read(tmp_path).readings["t2"].image.array, values)


def test_nothing_that_fits_is_a_sentence() -> None:
    with pytest.raises(InputRefused, match="No series looks like an input of Brain tumour"):
        match(listed(("4", "dwi", 20), ("5", "swi", 20)), BRAIN)


def test_the_only_ct_is_the_ct() -> None:
    assert match([Listed("2", {"Modality": "CT"}, 90), Listed("1", {}, 1, "a scout")], LIVER).taken["ct"][0] == 0


@pytest.mark.parametrize("text", ["flair", "ct=4", "=4"])
def test_what_names_no_input_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError):
        chosen_series([text], BRAIN)


def test_the_command_line_takes_an_examination(study: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    weights = tiny_weights(tmp_path, BRAIN)
    common = ["segment", "--task", "brain", "--weights", str(weights), "--device", "cpu", "--no-bias-correction"]
    assert main([*common, str(study), "-o", str(tmp_path / "out"), "--dicom"]) == 0
    told = capfd.readouterr().out
    assert "aside  series 1 'loc' (6 slices): a scout" in told
    record = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert record["study"]["taken"]["t1ce"]["series"] == "6" and record["reference"] == "flair"
    assert {path.name for path in (tmp_path / "out").iterdir()} >= set(DICOM_RESULTS)
    assert main([*common, str(study), "--t1", str(study), "-o", str(tmp_path / "no")]) == 2
    assert main([*common, "--t1", str(study), "--series", "t1=3", "-o", str(tmp_path / "no")]) == 2
    assert not (tmp_path / "no").exists()
