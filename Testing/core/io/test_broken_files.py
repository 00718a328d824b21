"""Broken, foreign and faulty files: each refused in one sentence, none read as something else."""

from __future__ import annotations

import gzip
import os
import struct
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io import nifti
from MedSegDLLib.io.read import read_image
from MedSegDLLib.io.write import write_image

from ..small_images import VOLUMES, numbers


def refusal(path: Path) -> str:
    """The whole text of the refusal: one or two sentences that name the file, with a remedy."""
    with pytest.raises(InputRefused) as caught:
        read_image(path)
    assert path.name in caught.value.message
    assert "\n" not in str(caught.value)
    assert caught.value.message.endswith(".")
    assert caught.value.remedy.endswith((".", str(path)))
    return caught.value.message


@pytest.mark.parametrize("suffix", [*VOLUMES, ".png", ".tif", ".jpg", ".bmp", ".mhd", ".nhdr", ".zip", ".dcm", ""])
def test_text_under_any_suffix_is_refused(tmp_path: Path, suffix: str, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / f"notes{suffix}"
    path.write_text("These are notes about a patient, no image.\n" * 50)
    refusal(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("suffix", [*VOLUMES, ".png", ".tif", ".jpg", ".bmp", ".zip", ".dcm", ""])
def test_empty_file_is_refused(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"empty{suffix}").touch()
    assert "is empty (0 bytes)" in refusal(tmp_path / f"empty{suffix}")


def test_missing_unknown_and_folder(tmp_path: Path) -> None:
    assert "was not found" in refusal(tmp_path / "gone.nii.gz")
    (tmp_path / "table.xlsx").write_bytes(b"PK\3\4")
    assert "unknown kind (.xlsx)" in refusal(tmp_path / "table.xlsx")
    (tmp_path / "folder").mkdir()
    assert "holds no DICOM images" in refusal(tmp_path / "folder")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "scan.nii.gz")
    assert "neither a file nor a folder" in refusal(tmp_path / "scan.nii.gz")


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("part", [0.0005, 0.02, 0.5, 0.9, 0.9999])
@pytest.mark.parametrize("suffix", VOLUMES)
def test_cut_volume_is_refused(tmp_path: Path, suffix: str, part: float, compressed: bool, capfd: pytest.CaptureFixture[str]) -> None:
    """ITK itself reads a cut NIfTI as zeros, without a word."""
    whole, cut = tmp_path / f"whole{suffix}", tmp_path / f"cut{suffix}"
    sitk.WriteImage(sitk.GetImageFromArray(numbers("int16", (20, 30, 40))), str(whole), compressed)
    content = whole.read_bytes()
    cut.write_bytes(content[: max(1, min(int(len(content) * part), len(content) - 1))])
    refusal(cut)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_one_wrong_byte_never_passes_unseen(tmp_path: Path, suffix: str) -> None:
    whole, path = tmp_path / f"whole{suffix}", tmp_path / f"wrong{suffix}"
    array = numbers("int16", (20, 30, 40))
    sitk.WriteImage(sitk.GetImageFromArray(array), str(whole), True)
    content = whole.read_bytes()
    for place in np.linspace(len(content) // 20, len(content) - 12, 25).astype(int):
        wrong = bytearray(content)
        wrong[place] ^= 0x41
        path.write_bytes(wrong)
        with pytest.raises(InputRefused):
            read_image(path)


@pytest.mark.parametrize("part", [0.3, 0.6, 0.97])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".bmp"])
def test_cut_picture_is_refused(tmp_path: Path, suffix: str, part: float) -> None:
    whole, cut = tmp_path / f"whole{suffix}", tmp_path / f"cut{suffix}"
    write_image(Image(numbers("uint8", (1, 60, 50)), np.eye(4)), whole)
    content = whole.read_bytes()
    cut.write_bytes(content[: int(len(content) * part)])
    refusal(cut)


def test_unusual_but_whole_gzip_is_read(tmp_path: Path) -> None:
    nifti.write_nifti(tmp_path / "v.nii", numbers(), np.eye(4))
    content = (tmp_path / "v.nii").read_bytes()
    variants = {
        "members": gzip.compress(content[:200]) + gzip.compress(content[200:]),
        "padded": gzip.compress(content) + bytes(512),
        "longer": gzip.compress(content + bytes(100)),
        "plain": content,
    }
    for name, variant in variants.items():
        path = tmp_path / f"{name}.nii.gz"
        path.write_bytes(variant)
        assert np.array_equal(read_image(path).array, numbers()), name
    (tmp_path / "short.nii.gz").write_bytes(gzip.compress(content[:-7]))
    assert "end early" in refusal(tmp_path / "short.nii.gz")


def test_scaled_nifti_is_scaled_and_still_checked(tmp_path: Path) -> None:
    nifti.write_nifti(tmp_path / "v.nii", numbers(), np.eye(4))
    content = bytearray((tmp_path / "v.nii").read_bytes())
    struct.pack_into("<2f", content, 112, 2.0, -10.0)
    packed = gzip.compress(content)
    (tmp_path / "v.nii.gz").write_bytes(packed)
    assert np.allclose(read_image(tmp_path / "v.nii.gz").array, numbers() * 2.0 - 10.0)
    (tmp_path / "v.nii.gz").write_bytes(packed[:-6])
    refusal(tmp_path / "v.nii.gz")


HEADER_FAULTS = {
    "no slices": ([(46, "<h", 0)], "holds no voxels"),
    "negative": ([(42, "<h", -3)], "holds no voxels"),
    "longer than the file": ([(42, "<h", 3000)], "ends before them"),
    "absurd": ([(42, "<h", 30000), (44, "<h", 30000), (46, "<h", 30000)], "more than can be held"),
    "affine of NaN": ([(280, "<f", np.nan)], "affine is not finite"),
    "voxels before the header": ([(108, "<f", -5.0)], "no place for the voxels"),
    "unknown numbers": ([(70, "<h", 999)], "no readable"),
    "complex": ([(70, "<h", 32), (72, "<h", 64), (42, "<h", 2), (44, "<h", 3), (46, "<h", 2)], "complex"),
    "colours": ([(70, "<h", 128), (72, "<h", 24), (42, "<h", 5), (44, "<h", 4), (46, "<h", 2)], "3 numbers a voxel"),
}


@pytest.mark.parametrize("fault", HEADER_FAULTS)
def test_faulty_nifti_header_is_refused_before_reading(tmp_path: Path, fault: str, capfd: pytest.CaptureFixture[str]) -> None:
    edits, sentence = HEADER_FAULTS[fault]
    path = tmp_path / "v.nii"
    nifti.write_nifti(path, numbers(), np.eye(4))
    content = bytearray(path.read_bytes())
    for place, kind, value in edits:
        struct.pack_into(kind, content, place, value)
    path.write_bytes(content)
    assert sentence in refusal(path)
    assert capfd.readouterr() == ("", "")


def test_sheared_axes(tmp_path: Path) -> None:
    """Written truly (nothing is bent); ITK cannot read them, and we say why."""
    affine = np.eye(4)
    affine[0, 1] = 0.3
    nifti.write_nifti(tmp_path / "v.nii.gz", numbers(), affine)
    rows = struct.unpack("<12f", gzip.decompress((tmp_path / "v.nii.gz").read_bytes())[280:328])
    assert np.allclose(np.reshape(rows, (3, 4)), affine[:3])
    assert "right angles" in refusal(tmp_path / "v.nii.gz")


@pytest.mark.parametrize("header", ["DimSize = 0 4 5", "DimSize = 40000 40000 40000"])
def test_volume_without_or_with_too_many_voxels(tmp_path: Path, header: str) -> None:
    text = f"ObjectType = Image\nNDims = 3\n{header}\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
    (tmp_path / "v.mha").write_text(text)
    assert "voxels" in refusal(tmp_path / "v.mha")


def test_unreadable_permissions_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_image(Image(numbers(), np.eye(4)), tmp_path / "v.nii.gz")

    def denied(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", denied)
    assert "permission denied" in refusal(tmp_path / "v.nii.gz")


def test_reading_hides_no_message_afterwards(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "v.nii").write_text("no image")
    refusal(tmp_path / "v.nii")
    os.write(2, b"still here")
    assert capfd.readouterr().err == "still here"


DAMAGED = textwrap.dedent("""
    import gzip, random, sys
    from pathlib import Path
    from MedSegDLLib.errors import InputRefused
    from MedSegDLLib.io.read import read_image
    draw = random.Random(0)
    for source in sorted(Path(sys.argv[1]).iterdir()):
        packed = source.name.endswith(".gz")
        whole = gzip.decompress(source.read_bytes()) if packed else source.read_bytes()
        for attempt in range(int(sys.argv[2])):
            content = bytearray(whole)
            for _ in range(draw.choice((1, 2, 5, 20))):
                place = draw.randrange(min(len(content), draw.choice((64, 400, 600, len(content)))))
                content[place] = draw.choice((0, 1, 127, 128, 255, 48, 45, 32, draw.randrange(256)))
            if draw.random() < 0.2:
                del content[draw.randrange(2, len(content)):]
            path = Path(sys.argv[3]) / ("damaged" + source.name[source.name.index("."):])
            path.write_bytes(gzip.compress(content) if packed else content)
            try:
                read_image(path)
            except InputRefused as refusal:
                assert refusal.remedy and path.name in refusal.message, refusal
            except BaseException as other:
                raise AssertionError(f"{source.name} {attempt}: {type(other).__name__} {other}") from other
    print("all told")
""")


def test_damaged_volumes_are_read_or_refused_and_never_end_the_process(tmp_path: Path) -> None:
    """In a child, since a fault inside a library would end it: 60 damaged copies of each file."""
    for folder in ("whole", "work"):
        (tmp_path / folder).mkdir()
    for name, packed in (("packed", True), ("raw", False)):
        for suffix in VOLUMES:
            sitk.WriteImage(sitk.GetImageFromArray(numbers("int16", (10, 12, 20))), str(tmp_path / "whole" / f"{name}{suffix}"), packed)
    command = [sys.executable, "-c", DAMAGED, str(tmp_path / "whole"), "60", str(tmp_path / "work")]
    library = Path(__file__).resolve().parents[3] / "MedSegDL"
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(library)}, timeout=600)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "all told", "")


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_that_are_none_are_read_as_they_stand(tmp_path, suffix, dtype):
    array = np.arange(4 * 5 * 6, dtype=dtype).reshape(4, 5, 6)
    array[1, 2, 3], array[3, 4, 5] = np.nan, -np.inf
    write_image(Image(array, np.eye(4)), tmp_path / f"odd{suffix}")
    assert np.array_equal(read_image(tmp_path / f"odd{suffix}").array, array.astype(np.float32), equal_nan=True)
