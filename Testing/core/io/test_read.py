"""Image files: every format there and back, nothing half-written. Broken files are in test_broken_files."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io import nifti
from MedSegDLLib.io.atomic import atomic_path, file_sha256, json_text, write_json
from MedSegDLLib.io.read import read_image, read_images
from MedSegDLLib.io.write import write_image

from ..small_images import VOLUMES, left_in, numbers, oblique_affine


@pytest.mark.parametrize("handedness", [1, -1])
@pytest.mark.parametrize("suffix", VOLUMES)
def test_volume_there_and_back(tmp_path: Path, suffix: str, handedness: int) -> None:
    for seed in range(5):
        image = Image(numbers("float32", seed=seed), oblique_affine(seed, handedness))
        write_image(image, tmp_path / f"v{suffix}")
        back = read_image(tmp_path / f"v{suffix}")
        assert np.array_equal(back.array, image.array)
        assert image.grid.same_as(back.grid, tolerance_mm=1e-4)
        assert back.name == f"v{suffix}"


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "uint16", "int32", "uint32", "float32", "float64"])
@pytest.mark.parametrize("suffix", VOLUMES)
def test_number_type_is_kept(tmp_path: Path, suffix: str, dtype: str) -> None:
    write_image(Image(numbers(dtype), np.eye(4)), tmp_path / f"v{suffix}")
    back = read_image(tmp_path / f"v{suffix}")
    assert back.array.dtype == ("float32" if dtype == "float64" else dtype)
    assert np.array_equal(back.array, numbers(dtype).astype(back.array.dtype))


@pytest.mark.parametrize("suffix", VOLUMES)
def test_simpleitk_agrees_on_what_we_wrote(tmp_path: Path, suffix: str) -> None:
    image = Image(numbers(), oblique_affine(3, -1))
    write_image(image, tmp_path / f"v{suffix}")
    volume = sitk.ReadImage(str(tmp_path / f"v{suffix}"))
    assert np.array_equal(sitk.GetArrayFromImage(volume), image.array)
    for index in ((0, 0, 0), (5, 0, 0), (0, 4, 0), (0, 0, 3), (5, 4, 3)):
        lps = volume.TransformIndexToPhysicalPoint(index)
        ras = image.affine @ [*index, 1]
        assert np.allclose(np.array(lps) * [-1, -1, 1], ras[:3], atol=1e-4)


@pytest.mark.parametrize("seed", range(30))
def test_quaternion_and_matrix_in_a_nifti_agree(tmp_path: Path, seed: int) -> None:
    """Read once by the sform and once, with that struck out, by the qform."""
    affine = oblique_affine(seed, 1 if seed % 2 else -1)
    if seed < 8:  # half turns and flips, where the quaternion's a is 0
        affine[:3, :3] = np.diag([(-1) ** (seed & 1), (-1) ** (seed >> 1 & 1), (-1) ** (seed >> 2 & 1)]) * [1.0, 2.0, 3.0]
    path = tmp_path / "v.nii"
    nifti.write_nifti(path, numbers(), affine)
    by_sform = read_image(path).affine
    content = bytearray(path.read_bytes())
    struct.pack_into("<h", content, 254, 0)
    path.write_bytes(content)
    assert np.allclose(by_sform, affine, atol=2e-5)
    assert np.allclose(read_image(path).affine, affine, atol=2e-5)


@pytest.mark.parametrize("suffix", [".nhdr", ".mhd"])
def test_header_with_its_data_in_another_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"v{suffix}"
    sitk.WriteImage(sitk.GetImageFromArray(numbers()), str(path))
    assert np.array_equal(read_image(path).array, numbers())
    (data,) = [file for file in tmp_path.iterdir() if file != path]
    data.write_bytes(data.read_bytes()[:-20])
    with pytest.raises(InputRefused, match=r"ends? early|ends before"):
        read_image(path)
    data.unlink()
    with pytest.raises(InputRefused, match=path.name):
        read_image(path)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF"])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_picture_there_and_back(tmp_path: Path, suffix: str, channels: tuple[int, ...], dtype: str) -> None:
    image = Image(numbers(dtype, (1, 20, 30, *channels)), np.diag([-0.5, -0.5, 1, 1]))
    write_image(image, tmp_path / f"p{suffix}")
    back = read_image(tmp_path / f"p{suffix}")
    assert back.array.dtype == dtype
    assert np.array_equal(back.array, image.array)


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".bmp"])
def test_pictures_of_other_kinds(tmp_path: Path, suffix: str) -> None:
    smooth = np.add.outer(np.arange(0, 200, 5), np.arange(50)).astype(np.uint8)
    picture = np.stack([smooth, smooth // 2, 255 - smooth], axis=-1)[None]
    write_image(Image(picture, np.eye(4)), tmp_path / f"p{suffix}")
    back = read_image(tmp_path / f"p{suffix}")
    assert back.array.shape == picture.shape
    assert np.abs(back.array.astype(int) - picture).mean() < 4


def test_alpha_is_dropped(tmp_path: Path) -> None:
    colours = numbers("uint8", (20, 30, 4))
    sitk.WriteImage(sitk.GetImageFromArray(colours, isVector=True), str(tmp_path / "p.png"))
    assert np.array_equal(read_image(tmp_path / "p.png").array, colours[None, ..., :3])


def test_palette_becomes_colours(tmp_path: Path) -> None:
    """A 2x1 PNG of two palette entries, made by hand."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 8, 3, 0, 0, 0))
    palette = chunk(b"PLTE", bytes([255, 0, 10, 0, 128, 20]))
    content = chunk(b"IDAT", zlib.compress(bytes([0, 1, 0])))
    (tmp_path / "p.png").write_bytes(b"\x89PNG\r\n\x1a\n" + head + palette + content + chunk(b"IEND", b""))
    assert read_image(tmp_path / "p.png").array.tolist() == [[[[0, 128, 20], [255, 0, 10]]]]


def test_volume_beside_its_uncompressed_namesake(tmp_path: Path) -> None:
    """ITK 5.4 reads the voxels of flair.nii when asked for flair.nii.gz."""
    write_image(Image(numbers(seed=1), np.eye(4)), tmp_path / "flair.nii.gz")
    write_image(Image(numbers(seed=2), np.eye(4)), tmp_path / "flair.nii")
    assert np.array_equal(read_image(tmp_path / "flair.nii.gz").array, numbers(seed=1))
    assert np.array_equal(read_image(tmp_path / "flair.nii").array, numbers(seed=2))


@pytest.mark.parametrize("name", ["MR.NII.GZ", "MR.Nii.gz", "MR.NRRD", "Mr.Mha", "ein Ordner/Schädel ß 1.nii.gz", "脑/头 部.nrrd"])
def test_awkward_names(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    suffix = ".nii.gz" if name.lower().endswith(".gz") else path.suffix.lower()
    write_image(Image(numbers(), np.eye(4)), tmp_path / f"plain{suffix}")
    (tmp_path / f"plain{suffix}").rename(path)
    assert np.array_equal(read_image(path).array, numbers())
    assert read_image(str(path)).name == path.name


def test_fourth_axis_of_one_is_dropped_and_a_real_one_refused(tmp_path: Path) -> None:
    for count in (1, 3):
        series = sitk.JoinSeries([sitk.GetImageFromArray(numbers())] * count)
        sitk.WriteImage(series, str(tmp_path / f"{count}.nii.gz"))
    assert np.array_equal(read_image(tmp_path / "1.nii.gz").array, numbers())
    with pytest.raises(InputRefused, match=r"3\.nii\.gz has four axes \(6 x 5 x 4 x 3\)"):
        read_image(tmp_path / "3.nii.gz")


def test_atomic_path_replaces_or_leaves_alone(tmp_path: Path) -> None:
    target = tmp_path / "v.nii.gz"
    target.write_text("old")
    with pytest.raises(KeyError), atomic_path(target) as temporary:
        assert tmp_path in temporary.parents  # on the same disk
        assert temporary.name.endswith(".nii.gz")
        temporary.write_text("half")
        raise KeyError
    assert left_in(tmp_path) == ["v.nii.gz"]
    assert target.read_text(encoding="utf-8") == "old"
    with atomic_path(target) as temporary:
        temporary.write_text("new")
    assert left_in(tmp_path) == ["v.nii.gz"]
    assert target.read_text(encoding="utf-8") == "new"


def test_atomic_path_into_nowhere(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "gone" / "v.json", tmp_path / "file" / "v.json"):
        with pytest.raises(InputRefused, match=r"v\.json could not be written"):
            write_json({}, path)


@pytest.mark.parametrize("suffix", [*VOLUMES, ".png", ".tif"])
def test_full_disk_leaves_nothing(tiny_disk: Path, suffix: str, capfd: pytest.CaptureFixture[str]) -> None:
    """ITK itself writes half a NIfTI there and reports success."""
    shape = (1, 300, 400) if suffix in (".png", ".tif") else (20, 60, 60)
    noise = np.random.default_rng(0).integers(0, 60000, shape).astype(np.uint16)
    with pytest.raises(InputRefused, match="no space left") as caught:
        write_image(Image(noise, np.eye(4)), tiny_disk / f"v{suffix}")
    assert caught.value.remedy
    assert left_in(tiny_disk) == []
    assert capfd.readouterr() == ("", "")


def test_full_disk_keeps_the_former_file(tiny_disk: Path) -> None:
    write_json({"run": 1}, tiny_disk / "report.json")
    with pytest.raises(InputRefused, match="no space left"):
        write_json({"run": "x" * 80_000}, tiny_disk / "report.json")
    assert json.loads((tiny_disk / "report.json").read_text(encoding="utf-8")) == {"run": 1}
    assert left_in(tiny_disk) == ["report.json"]


@pytest.mark.parametrize(
    ("name", "shape", "sentence"),
    [
        ("v.xyz", (2, 3, 4), "is unknown"),
        ("v", (2, 3, 4), "no suffix"),
        ("v.png", (2, 3, 4), "cannot hold a volume of 2 slices"),
        ("v.nii.gz", (1, 3, 4, 3), "cannot hold a colour picture"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path: Path, name: str, shape: tuple[int, ...], sentence: str) -> None:
    with pytest.raises(InputRefused, match=sentence):
        write_image(Image(numbers("uint8", shape), np.eye(4)), tmp_path / name)
    assert left_in(tmp_path) == []


def test_truth_values_and_half_precision_are_widened(tmp_path: Path) -> None:
    write_image(Image(numbers() > 50, np.eye(4)), tmp_path / "m.nii.gz")
    write_image(Image(numbers().astype(np.float16), np.eye(4)), tmp_path / "h.nrrd")
    assert np.array_equal(read_image(tmp_path / "m.nii.gz").array, (numbers() > 50).astype(np.uint8))
    assert read_image(tmp_path / "h.nrrd").array.dtype == np.float32


def test_json_is_always_json(tmp_path: Path) -> None:
    write_json({"a": np.float32(1.5), "b": [float("nan"), np.inf], "c": {"ü": (np.int64(3), None, True)}}, tmp_path / "r.json")
    text = (tmp_path / "r.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"a": 1.5, "b": [None, None], "c": {"ü": [3, None, True]}}
    assert "ü" in text


def test_hash_of_a_folder_is_of_its_contents(tmp_path: Path) -> None:
    for folder, names in (("a", "xyz"), ("b", "zxy"), ("c", "xyz")):
        (tmp_path / folder / "sub").mkdir(parents=True)
        for content, name in enumerate(names):
            (tmp_path / folder / "sub" / name).write_text(str(content + (folder == "c")))
    assert file_sha256(tmp_path / "a") == file_sha256(tmp_path / "b") != file_sha256(tmp_path / "c")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, "abc"
    (tmp_path / "abc").write_text("abc")
    assert file_sha256(tmp_path / "abc") == known


@pytest.mark.parametrize("part", ["brain/labelled", "brain/raw", "nuclei/test/images"])
def test_real_files_read_as_simpleitk_reads_them(data: Path, part: str) -> None:
    files = sorted(path for path in (data / part).rglob("*") if path.name.endswith((".nii.gz", ".png")))[:4]
    assert files
    for file in files:
        image, judge = read_image(file), sitk.ReadImage(str(file))
        values = sitk.GetArrayFromImage(judge)
        assert np.array_equal(image.array.reshape(-1), values.astype(image.array.dtype).reshape(-1))
        last = tuple(n - 1 for n in judge.GetSize())
        ras = image.affine @ [*last, *(0,) * (3 - len(last)), 1]
        flips = np.array([-1, -1, 1])[: len(last)]
        assert np.allclose(np.array(judge.TransformIndexToPhysicalPoint(last)) * flips, ras[: len(last)], atol=1e-3)


def test_several_volumes_are_read_side_by_side_each_under_its_own_key(tmp_path: Path) -> None:
    paths = {}
    for number, key in enumerate(("t1", "t1ce", "t2", "flair", "other")):
        paths[key] = tmp_path / f"{key}{VOLUMES[number % len(VOLUMES)]}"
        write_image(Image(numbers(seed=number), oblique_affine(number, 1)), paths[key])
    found = read_images(paths)
    assert list(found) == list(paths)
    for key, path in paths.items():
        assert found[key].name == path.name and np.array_equal(found[key].array, read_image(path).array)


def test_the_file_that_cannot_be_read_is_the_one_named_and_nothing_stays_open(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    paths = {f"v{n}": tmp_path / f"v{n}.nii.gz" for n in range(6)}
    for path in paths.values():
        write_image(Image(numbers(), np.eye(4)), path)
    for broken in ("v4", "v2"):
        paths[broken].write_bytes(paths[broken].read_bytes()[:-9])
    handles = Path("/proc/self/fd")
    before = len(list(handles.iterdir())) if handles.exists() else 0
    for _ in range(3):
        with pytest.raises(InputRefused, match=r"v2\.nii\.gz"):
            read_images(paths)
    assert capfd.readouterr().err == ""
    assert (len(list(handles.iterdir())) if handles.exists() else 0) == before


def test_scaled_numbers_are_rounded_once(tmp_path: Path) -> None:
    """A large intercept takes the slope's digits away in single precision: 30,000 x 0.1 - 3,000 is not 0.0002."""
    stored = np.arange(29_900, 30_100, dtype=np.int16).reshape(2, 10, 10)
    header = nib.Nifti1Header()
    header.set_data_dtype(np.int16)
    image = nib.Nifti1Image(stored.T, np.eye(4), header)
    image.header.set_slope_inter(1, 0)
    nib.save(image, tmp_path / "scaled.nii")
    content = bytearray((tmp_path / "scaled.nii").read_bytes())
    content[112:120] = np.array([0.1, -3000.0], "<f4").tobytes()  # scl_slope, scl_inter
    (tmp_path / "scaled.nii").write_bytes(content)
    exact = stored.astype(np.float64) * float(np.float32(0.1)) - 3000.0
    np.testing.assert_array_equal(read_image(tmp_path / "scaled.nii").array, exact.astype(np.float32))


def test_numbers_that_json_does_not_know_are_null() -> None:
    told = {"a": [float("inf"), -np.inf, float("nan"), np.float32("inf"), np.float64(1.5)]}
    assert json.loads(json_text(told)) == {"a": [None, None, None, None, 1.5]}
