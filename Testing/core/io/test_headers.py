"""Every header field that geometry or intensities rest on: one rule each, the standard's where there is one, said where it was a choice."""

from __future__ import annotations

import bz2
import gzip
import math
import struct
import sys
import zlib
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io import meta_reader, nifti, nifti_reader, nrrd_reader
from MedSegDLLib.io.read import read_image

from ..small_images import numbers, oblique_affine

RAS = np.diag([2.0, 3.0, 4.0, 1.0])
FIELDS = {  # of NIfTI-1: name -> (place, struct format)
    "bitpix": (72, "<h"),
    "pixdim": (76, "<8f"),
    "vox_offset": (108, "<f"),
    "scl": (112, "<2f"),
    "xyzt_units": (123, "<B"),
    "quatern": (256, "<3f"),
    "magic": (344, "<4s"),
    "intent_code": (68, "<h"),
}


def saved(
    path: Path, sform: np.ndarray = RAS, scode: int = 1, qform: np.ndarray | None = None, qcode: int = 1, kind: type = nibabel.Nifti1Image
) -> Path:
    """A NIfTI of `numbers()`, which are (K, J, I), with both orientations."""
    image = kind(numbers().T, RAS)
    image.set_sform(sform, scode)
    image.set_qform(sform if qform is None else qform, qcode)
    nibabel.save(image, path)
    return path


def patched(path: Path, field: str, *values: object) -> Path:
    """The uncompressed NIfTI-1 file with a field written over."""
    content = bytearray(path.read_bytes())
    place, form = FIELDS[field]
    struct.pack_into(form, content, place, *values)
    path.write_bytes(content)
    return path


def fields_noted(image: Image) -> list[str]:
    return [note.fields for note in image.notes]


def refused(path: Path) -> str:
    with pytest.raises(InputRefused) as caught:
        read_image(path)
    assert path.name in str(caught.value) and caught.value.remedy
    return str(caught.value)


def turned(degrees: float, affine: np.ndarray = RAS) -> np.ndarray:
    turn, angle = np.eye(4), np.deg2rad(degrees)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return turn @ affine


@pytest.mark.parametrize("header", [nibabel.Nifti1Header, nibabel.Nifti2Header])
def test_every_field_of_nifti_has_one_rule_or_none_rests_on_it(header: type) -> None:
    ruled = [field for rule in nifti_reader.RULES for field in rule.fields]
    assert len(ruled) == len(set(ruled)) and not set(ruled) & set(nifti_reader.NOTHING_RESTS_ON)
    assert set(header.template_dtype.names) <= set(ruled) | set(nifti_reader.NOTHING_RESTS_ON)


@pytest.mark.parametrize("room", [nifti_reader, nrrd_reader, meta_reader])
def test_every_rule_says_what_it_is_and_what_else(room) -> None:
    for rule in room.RULES:
        assert rule.fields and rule.says and ("refused" in rule.else_ or "finding" in rule.else_)


def test_every_field_of_nrrd_has_a_rule_or_none_rests_on_it() -> None:
    """The format's own list: https://teem.sourceforge.net/nrrd/format.html"""
    ruled = {field for rule in nrrd_reader.RULES for field in rule.fields}
    basic = "dimension type block size|encoding|endian|content|old min|old max|data file|line skip|byte skip|number|sample units"
    axes = "sizes|spacings|thicknesses|axis mins|axis maxs|centerings|labels|units|kinds|min|max|centers"
    space = "space|space dimension|space units|space origin|space directions|measurement frame"
    known = {"dimension", "type", "block size"} | set("|".join((basic, axes, space)).split("|")[1:])
    assert known == ruled | set(nrrd_reader.NOTHING_RESTS_ON)


def test_every_field_of_metaimage_that_itk_reads_has_a_rule_or_none_rests_on_it() -> None:
    """Fields as listed in MetaIO's metaObject.cxx and metaImage.cxx."""
    ruled = {field for rule in meta_reader.RULES for field in rule.fields} | set(meta_reader.NOTHING_RESTS_ON)
    for field in (
        "TransformMatrix",
        "Rotation",
        "Orientation",
        "Offset",
        "Position",
        "Origin",
        "CenterOfRotation",
        "AnatomicalOrientation",
    ):
        assert field in ruled
    for field in ("NDims", "DimSize", "ElementSpacing", "ElementSize", "ElementType", "ElementNumberOfChannels", "HeaderSize", "Modality"):
        assert field in ruled
    for field in ("BinaryData", "BinaryDataByteOrderMSB", "ElementByteOrderMSB", "CompressedData", "CompressedDataSize", "ElementDataFile"):
        assert field in ruled


def test_sform_and_qform_that_agree_say_nothing(tmp_path: Path) -> None:
    for seed in range(6):
        image = read_image(saved(tmp_path / "v.nii", oblique_affine(seed, 1 if seed % 2 else -1)))
        assert image.notes == ()
        assert np.allclose(image.affine, oblique_affine(seed, 1 if seed % 2 else -1), atol=1e-4)


@pytest.mark.parametrize("scode", [1, 2, 3, 4])
@pytest.mark.parametrize("qcode", [1, 2])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_sform_wins_over_a_qform_that_differs_and_that_is_said(tmp_path: Path, scode: int, qcode: int, kind: type) -> None:
    path = saved(tmp_path / "v.nii.gz", RAS, scode, turned(15), qcode, kind)
    image = read_image(path)
    assert np.allclose(image.affine, nibabel.load(path).affine)
    (note,) = image.notes
    apart = max(np.linalg.norm((RAS - turned(15)) @ [x, y, z, 1]) for x in (0, 5) for y in (0, 4) for z in (0, 3))
    assert note.serious and f"{apart:.1f} mm apart" in note.says


def test_a_mirrored_qform_is_called_so(tmp_path: Path) -> None:
    (note,) = read_image(saved(tmp_path / "v.nii", RAS, 2, np.diag([-1.0, 1.0, 1.0, 1.0]) @ RAS, 1)).notes
    assert "mirror image" in note.says


def test_rounding_and_a_shift_within_half_a_voxel_are_no_difference(tmp_path: Path) -> None:
    near, far = RAS.copy(), RAS.copy()
    near[0, 3], far[0, 3] = 0.9, 1.1
    assert read_image(saved(tmp_path / "near.nii", RAS, 1, near, 1)).notes == ()
    assert len(read_image(saved(tmp_path / "far.nii", RAS, 1, far, 1)).notes) == 1


@pytest.mark.parametrize("degrees", [0, 30, 180])
def test_one_orientation_alone_is_taken(tmp_path: Path, degrees: float) -> None:
    for scode, qcode in ((1, 0), (0, 1)):
        path = saved(tmp_path / f"{scode}{qcode}.nii", turned(degrees), scode, turned(degrees), qcode)
        image = read_image(path)
        assert image.notes == () and np.allclose(image.affine, turned(degrees), atol=1e-4)
        assert np.allclose(image.affine, nibabel.load(path).affine, atol=1e-5)


def test_no_orientation_is_read_by_the_standard_and_said(tmp_path: Path) -> None:
    image = read_image(saved(tmp_path / "v.nii", turned(20), 0, turned(20), 0))
    assert np.allclose(image.affine, np.diag([2.0, 3.0, 4.0, 1.0]))  # method 1: x to the right
    (note,) = image.notes
    assert note.serious and "where left is" in note.says


@pytest.mark.parametrize("sides", [(0, 3, 4), (2, -3, 4), (2, 3, math.nan), (2, math.inf, 4)])
@pytest.mark.parametrize("codes", [(0, 1), (0, 0)])
def test_sides_that_are_none_are_refused_where_the_place_rests_on_them(tmp_path: Path, sides: tuple, codes: tuple[int, int]) -> None:
    path = patched(saved(tmp_path / "v.nii", RAS, codes[0], RAS, codes[1]), "pixdim", 1, *sides, 0, 0, 0, 0)
    assert "voxel sides of" in refused(path)


@pytest.mark.parametrize("sides", [(0, 0, 0), (1, 1, 1), (-2, 3, 4), (2, 3, math.nan)])
def test_sides_that_contradict_the_sform_are_said(tmp_path: Path, sides: tuple) -> None:
    path = patched(saved(tmp_path / "v.nii", RAS, 1, RAS, 0), "pixdim", 1, *sides, 0, 0, 0, 0)
    image = read_image(path)
    assert np.allclose(image.affine, RAS)
    assert fields_noted(image) == ["pixdim, srow_x, srow_y, srow_z"]


def test_a_quaternion_that_is_none(tmp_path: Path) -> None:
    for scode, qcode in ((0, 1), (1, 1)):
        path = patched(saved(tmp_path / f"{scode}.nii", RAS, scode, RAS, qcode), "quatern", 1.0, 1.0, 0.5)
        if scode:
            assert np.allclose(read_image(path).affine, RAS) and fields_noted(read_image(path)) == ["sform_code, qform_code"]
        else:
            assert "no rotation" in refused(path)


def test_an_sform_that_is_flat_or_sheared_is_refused(tmp_path: Path) -> None:
    flat, sheared = RAS.copy(), RAS.copy()
    flat[:3, 2], sheared[0, 1] = 0, 0.6
    assert "length 0" in refused(saved(tmp_path / "flat.nii", flat, 1, RAS, 1))
    assert "right angles" in refused(saved(tmp_path / "sheared.nii", sheared, 1, RAS, 1))


@pytest.mark.parametrize(("code", "mm"), [(1, 1000.0), (3, 0.001), (2, 1.0), (0, 1.0), (18, 1.0), (19, 0.001), (7, 1.0)])
def test_lengths_come_out_in_millimetres(tmp_path: Path, code: int, mm: float) -> None:
    path = patched(saved(tmp_path / "v.nii", turned(10)), "xyzt_units", code)
    image = read_image(path)
    assert np.allclose(image.affine[:3], turned(10)[:3] * mm, rtol=1e-5, atol=1e-6 * mm)
    assert fields_noted(image) == ([] if code & 7 in (0, 2) else ["xyzt_units"])


@pytest.mark.parametrize(
    ("slope", "intercept", "scaled", "said"),
    [
        (2.0, -10.0, True, False),
        (-1.0, 5.0, True, False),
        (1.0, 0.0, False, False),
        (1.0, -1024.0, True, False),
        (0.0, 0.0, False, False),
        (0.0, -1024.0, False, True),
        (math.nan, math.nan, False, False),
        (math.inf, 1.0, False, True),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_slope_and_intercept(tmp_path: Path, slope: float, intercept: float, scaled: bool, said: bool, packed: bool) -> None:
    path = patched(saved(tmp_path / "v.nii"), "scl", slope, intercept)
    if packed:
        (tmp_path / "v.nii.gz").write_bytes(gzip.compress(path.read_bytes()))
        path = tmp_path / "v.nii.gz"
    image = read_image(path)
    wanted = numbers() * slope + intercept if scaled else numbers()
    assert np.array_equal(image.array, wanted.astype(np.float32 if scaled else np.int16))
    assert fields_noted(image) == (["scl_slope, scl_inter"] if said else [])


def test_an_intercept_that_is_no_number_is_refused(tmp_path: Path) -> None:
    assert "intercept nan" in refused(patched(saved(tmp_path / "v.nii"), "scl", 2.0, math.nan))


@pytest.mark.parametrize("bits", [8, 32, 0, -16])
def test_datatype_and_bitpix_must_agree(tmp_path: Path, bits: int) -> None:
    assert "bitpix" in refused(patched(saved(tmp_path / "v.nii"), "bitpix", bits))


@pytest.mark.parametrize("offset", [math.nan, math.inf, 1e30, 352.5, 10.0, -1.0])
def test_a_place_of_the_voxels_that_is_none(tmp_path: Path, offset: float) -> None:
    assert "place for the voxels" in refused(patched(saved(tmp_path / "v.nii"), "vox_offset", offset))


@pytest.mark.parametrize("magic", [b"ni1\0", b"\0\0\0\0", b"n+3\0"])
def test_a_mark_of_two_files_or_of_none_is_refused(tmp_path: Path, magic: bytes) -> None:
    assert "single-file NIfTI" in refused(patched(saved(tmp_path / "v.nii"), "magic", magic))


def test_gzip_named_nii_and_plain_named_gz(tmp_path: Path) -> None:
    content = saved(tmp_path / "v.nii").read_bytes()
    (tmp_path / "packed.nii").write_bytes(gzip.compress(content))
    (tmp_path / "plain.nii.gz").write_bytes(content)
    for name in ("packed.nii", "plain.nii.gz"):
        assert np.array_equal(read_image(tmp_path / name).array, numbers())


def test_trailing_checksum_of_a_scaled_gzip(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(patched(saved(tmp_path / "v.nii"), "scl", 2.0, 1.0).read_bytes()))
    content[-6] ^= 1  # of the CRC
    (tmp_path / "v.nii.gz").write_bytes(content)
    assert "damaged" in refused(tmp_path / "v.nii.gz")


@pytest.mark.parametrize(
    ("shape", "count"), [((6, 5, 4, 1, 3), "3 numbers a voxel"), ((6, 5, 4, 2), "four axes"), ((6, 5, 4, 2, 3), "3 numbers a voxel")]
)
def test_vectors_and_series_are_refused(tmp_path: Path, shape: tuple[int, ...], count: str) -> None:
    nibabel.save(nibabel.Nifti1Image(np.zeros(shape, np.float32), RAS), tmp_path / "v.nii.gz")
    assert count in refused(tmp_path / "v.nii.gz")


@pytest.mark.parametrize("shape", [(6, 5, 4, 1), (6, 5, 4, 1, 1), (6, 5, 1), (6, 5)])
def test_axes_of_one_are_dropped(tmp_path: Path, shape: tuple[int, ...]) -> None:
    values = numbers("int16", shape)
    nibabel.save(nibabel.Nifti1Image(values, RAS), tmp_path / "v.nii.gz")
    image = read_image(tmp_path / "v.nii.gz")
    assert image.array.shape == (*shape[:3], 1)[2::-1] and np.array_equal(image.array.ravel(), values.ravel(order="F"))


@pytest.mark.parametrize("dtype", [[("R", "u1"), ("G", "u1"), ("B", "u1")], [("R", "u1"), ("G", "u1"), ("B", "u1"), ("A", "u1")]])
def test_colours_of_a_volume_are_refused_and_those_of_a_picture_read(tmp_path: Path, dtype: list) -> None:
    for depth in (1, 2):
        values = np.random.default_rng(0).integers(0, 255, (6, 5, depth, len(dtype)), dtype=np.uint8).view(dtype)[..., 0]
        nibabel.save(nibabel.Nifti1Image(values, RAS), tmp_path / f"{depth}.nii")
    colours = read_image(tmp_path / "1.nii").array
    assert colours.shape == (1, 5, 6, 3)
    stored = np.asarray(nibabel.load(tmp_path / "1.nii").dataobj)[..., 0]
    assert np.array_equal(colours[0, ..., 1], stored["G"].T)
    assert "numbers a voxel" in refused(tmp_path / "2.nii")


NRRD = """NRRD0005
type: short
dimension: 3
{space}
sizes: 6 5 4
{directions}
endian: little
encoding: {encoding}
{more}
"""
DIRECTIONS = "space directions: (2,0,0) (0,3,0) (0,0,4)\nspace origin: (10,20,30)"


def nrrd_file(
    path: Path,
    space: str = "space: left-posterior-superior",
    directions: str = DIRECTIONS,
    more: str = "kinds: domain domain domain",
    **other,
) -> Path:
    encoding, data = other.get("encoding", "raw"), other.get("data", numbers("int16").tobytes())
    text = NRRD.format(space=space, directions=directions, encoding=encoding, more=more)
    path.write_bytes("\n".join(line for line in text.splitlines() if line).encode() + b"\n\n" + data)
    return path


@pytest.mark.parametrize(
    ("space", "signs"),
    [
        ("left-posterior-superior", (-1, -1, 1)),
        ("LPS", (-1, -1, 1)),
        ("right-anterior-superior", (1, 1, 1)),
        ("RAS", (1, 1, 1)),
        ("left-anterior-superior", (-1, 1, 1)),
        ("LAS", (-1, 1, 1)),
    ],
)
def test_spaces_of_nrrd(tmp_path: Path, space: str, signs: tuple[int, int, int]) -> None:
    path = nrrd_file(tmp_path / "v.nrrd", f"space: {space}")
    image = read_image(path)
    wanted = np.array([[2, 0, 0, 10], [0, 3, 0, 20], [0, 0, 4, 30]], float) * np.array(signs)[:, None]
    assert np.allclose(image.affine[:3], wanted) and image.notes == ()
    assert np.array_equal(image.array, numbers())
    judge = sitk.ReadImage(str(path))
    assert np.allclose(np.array(judge.TransformIndexToPhysicalPoint((5, 4, 3))) * [-1, -1, 1], (image.affine @ [5, 4, 3, 1])[:3])


@pytest.mark.parametrize("space", ["space: scanner-xyz", "space: 3D-right-handed", "space dimension: 3"])
def test_spaces_without_left_and_right_are_said(tmp_path: Path, space: str) -> None:
    (note,) = read_image(nrrd_file(tmp_path / "v.nrrd", space)).notes
    assert "where left is" in note.says and note.serious


def test_spacings_without_a_space(tmp_path: Path) -> None:
    image = read_image(nrrd_file(tmp_path / "v.nrrd", "", "spacings: 2 3 4"))
    assert np.allclose(image.grid.spacing_mm, [2, 3, 4]) and "where left is" in image.notes[0].says


FAULTY_NRRD = {
    "no sides at all": ({"space": "", "directions": ""}, "neither space directions nor spacings"),
    "zero spacing": ({"space": "", "directions": "spacings: 2 0 4"}, "voxel sides of 2 x 0 x 4"),
    "negative spacing": ({"space": "", "directions": "spacings: 2 -3 4"}, "voxel sides of"),
    "no spacing": ({"space": "", "directions": "spacings: 2 nan 4"}, "voxel sides of"),
    "zero direction": ({"directions": "space directions: (2,0,0) (0,0,0) (0,0,4)"}, "length 0"),
    "sheared": ({"directions": "space directions: (1,0,0) (0,1,0) (0,0.6,3)"}, "right angles"),
    "origin of NaN": ({"directions": DIRECTIONS.replace("10,20,30", "10,nan,30")}, "origin is not finite"),
    "vectors": ({"more": "kinds: vector domain domain", "directions": "space directions: none (2,0,0) (0,3,0)"}, "6 numbers a voxel"),
    "block": ({"more": "kinds: domain domain domain\nblock size: 2", "type": "block"}, "no numbers that are known"),
    "hex": ({"encoding": "hex"}, "rare way"),
    "short data": ({"data": b"1234"}, "ends before"),
    "no order of bytes": ({"endian": ""}, "order its bytes"),
    "a vector with a place": ({"more": "kinds: vector domain domain"}, "directions in space to axes that are none"),
    "a time with a place": ({"more": "kinds: space space time"}, "directions in space to axes that are none"),
    "kinds of other axes": ({"more": "kinds: domain domain"}, "different numbers of axes"),
    "no sizes": ({"sizes": ""}, "states no sizes"),
    "word for a size": ({"sizes": "sizes: six 5 4"}, "header is damaged"),
    "twice the same field": ({"more": "sizes: 6 5 4"}, "header is damaged"),
}


@pytest.mark.parametrize("fault", FAULTY_NRRD)
def test_faulty_nrrd_is_refused(tmp_path: Path, fault: str) -> None:
    change, sentence = FAULTY_NRRD[fault]
    ours = {key: value for key, value in change.items() if key in ("space", "directions", "more", "encoding", "data")}
    path = nrrd_file(tmp_path / "v.nrrd", **ours)
    content = path.read_bytes()
    for key, old in (("type", b"type: short"), ("endian", b"endian: little\n"), ("sizes", b"sizes: 6 5 4")):
        if key in change:
            new = f"type: {change[key]}".encode() if key == "type" else change[key].encode()
            content = content.replace(old, new or b"content: x" + b"\n" * old.endswith(b"\n"), 1)
    path.write_bytes(content)
    assert sentence in refused(path)


@pytest.mark.parametrize(
    ("units", "mm"), [('"mm" "mm" "mm"', 1.0), ('"m" "m" "m"', 1e3), ('"um" "um" "um"', 1e-3), ('"cm" "cm" "cm"', 10.0)]
)
def test_units_of_nrrd(tmp_path: Path, units: str, mm: float) -> None:
    image = read_image(nrrd_file(tmp_path / "v.nrrd", more=f"space units: {units}"))
    assert np.allclose(image.grid.spacing_mm, np.array([2, 3, 4]) * mm)
    assert fields_noted(image) == ([] if mm == 1 else ["space units"])


@pytest.mark.parametrize("directions", [{}, {"space": "", "directions": "spacings: 2 3 4"}])
def test_units_of_the_axes_of_nrrd(tmp_path: Path, directions: dict[str, str]) -> None:
    image = read_image(nrrd_file(tmp_path / "v.nrrd", **directions, more='units: "um" "um" "um"'))
    assert np.allclose(image.grid.spacing_mm, np.array([2, 3, 4]) * 1e-3) and "units" in fields_noted(image)


def test_what_nrrd_says_twice_or_once_was(tmp_path: Path) -> None:
    image = read_image(nrrd_file(tmp_path / "v.nrrd", more="spacings: 2 2 2\nold min: -1024\nold max: 3071"))
    assert fields_noted(image) == ["old min, old max", "spacings, space directions"]


@pytest.mark.parametrize("encoding", ["gzip", "bzip2", "text", "raw"])
@pytest.mark.parametrize("order", ["little", "big"])
def test_encodings_and_orders_of_bytes(tmp_path: Path, encoding: str, order: str) -> None:
    values = numbers("int16").astype("<i2" if order == "little" else ">i2")
    pack = {"gzip": gzip.compress, "bzip2": bz2.compress, "raw": bytes}.get(encoding)
    data = pack(values.tobytes()) if pack else " ".join(map(str, values.ravel())).encode()
    path = nrrd_file(tmp_path / "v.nrrd", encoding=encoding, data=data)
    path.write_bytes(path.read_bytes().replace(b"endian: little", b"endian: " + order.encode()))
    assert np.array_equal(read_image(path).array, numbers())
    path.write_bytes(path.read_bytes()[:-9])
    assert "early" in refused(path) or "before" in refused(path)


def test_data_of_nrrd_in_several_files(tmp_path: Path) -> None:
    for number, part in enumerate(numbers("int16")):
        (tmp_path / f"slice_{number:03d}.raw").write_bytes(part.tobytes())
    listed = "\n".join(f"slice_{number:03d}.raw" for number in range(4))
    for name, field in (("list", f"data file: LIST\n{listed}"), ("pattern", "data file: slice_%03d.raw 0 3 1 2")):
        nrrd_file(tmp_path / f"{name}.nhdr", more=field, data=b"")
        assert np.array_equal(read_image(tmp_path / f"{name}.nhdr").array, numbers())
    (tmp_path / "slice_002.raw").unlink()
    assert "slice_002.raw" in refused(tmp_path / "list.nhdr")


@pytest.mark.parametrize("skips", ["line skip: 2", "byte skip: 17", "line skip: 1\nbyte skip: 7", "byte skip: -1"])
def test_data_of_nrrd_behind_something_else(tmp_path: Path, skips: str) -> None:
    """Lines are skipped before bytes, and -1 means that the data are the end of the file."""
    (tmp_path / "data.raw").write_bytes(b"nine more\nseven..\n"[: 18 if "line skip: 2" in skips else 17] + numbers("int16").tobytes())
    nrrd_file(tmp_path / "v.nhdr", more=f"data file: data.raw\n{skips}", data=b"")
    assert np.array_equal(read_image(tmp_path / "v.nhdr").array, numbers())


def test_layers_of_a_segmentation_are_no_volume(tmp_path: Path) -> None:
    directions = "space directions: none (2,0,0) (0,3,0) (0,0,4)\nspace origin: (0,0,0)"
    path = nrrd_file(tmp_path / "v.nrrd", directions=directions, more="kinds: list domain domain domain")
    path.write_bytes(path.read_bytes().replace(b"dimension: 3", b"dimension: 4").replace(b"sizes: 6 5 4", b"sizes: 2 3 5 4"))
    assert "2 numbers a voxel" in refused(path)


META = {
    "ObjectType": "Image",
    "NDims": "3",
    "BinaryData": "True",
    "BinaryDataByteOrderMSB": "False",
    "TransformMatrix": "1 0 0 0 1 0 0 0 1",
    "Offset": "10 20 30",
    "ElementSpacing": "2 3 4",
    "DimSize": "6 5 4",
    "ElementType": "MET_SHORT",
}


def meta_file(path: Path, data: bytes | None = None, **changes: str) -> Path:
    fields = {**META, **changes}
    text = "".join(f"{key} = {value}\n" for key, value in fields.items() if value) + "ElementDataFile = LOCAL\n"
    path.write_bytes(text.encode() + (numbers("int16").tobytes() if data is None else data))
    return path


def test_a_clear_metaimage(tmp_path: Path) -> None:
    image = read_image(meta_file(tmp_path / "v.mha"))
    assert image.notes == () and np.array_equal(image.array, numbers())
    assert np.allclose(image.affine, np.diag([-1.0, -1.0, 1.0, 1.0]) @ [[2, 0, 0, 10], [0, 3, 0, 20], [0, 0, 4, 30], [0, 0, 0, 1]])


FAULTY_META = {
    "no spacing": ({"ElementSpacing": ""}, "no voxel sides"),
    "zero spacing": ({"ElementSpacing": "2 0 4"}, "voxel sides of 2 x 0 x 4"),
    "negative spacing": ({"ElementSpacing": "2 -3 4"}, "voxel sides of"),
    "spacing of words": ({"ElementSpacing": "2 three 4"}, "is no number"),
    "two sides": ({"ElementSpacing": "2 3"}, "different numbers of axes"),
    "sheared": ({"TransformMatrix": "1 0 0 0 1 0 0 0.2 1"}, "right angles"),
    "long directions": ({"TransformMatrix": "2 0 0 0 2 0 0 0 2"}, "not of length 1"),
    "flat directions": ({"TransformMatrix": "1 0 0 0 1 0 0 0 0"}, "length 0"),
    "origin of NaN": ({"Offset": "10 nan 30"}, "origin"),
    "other axes": ({"NDims": "2"}, "2 axes and 3 lengths"),
    "unknown numbers": ({"ElementType": "MET_OTHER"}, "no numbers that are known"),
    "several numbers": ({"ElementNumberOfChannels": "3"}, "3 numbers a voxel"),
    "more than the file": ({"DimSize": "600 500 400"}, "ends before"),
    "two directions": ({"Rotation": "0 1 0 1 0 0 0 0 1"}, "TransformMatrix and Rotation differ"),
    "two origins": ({"Position": "10 20 31"}, "Offset and Position differ"),
    "two orders of bytes": ({"ElementByteOrderMSB": "True"}, "says two things"),
    "numbers within the header": ({"HeaderSize": "100"}, "HeaderSize = 100"),
    "numbers beyond the end": ({"HeaderSize": "100000"}, "HeaderSize = 100000"),
}


@pytest.mark.parametrize("fault", FAULTY_META)
def test_faulty_metaimage_is_refused(tmp_path: Path, fault: str) -> None:
    change, sentence = FAULTY_META[fault]
    assert sentence in refused(meta_file(tmp_path / "v.mha", **change))


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"TransformMatrix": ""}, "TransformMatrix"),
        ({"ElementToIntensityFunctionSlope": "2"}, "Slope"),
        ({"AnatomicalOrientation": "LAI"}, "AnatomicalOrientation"),
        ({"DistanceUnits": "inch"}, "DistanceUnits"),
    ],
)
def test_what_a_metaimage_leaves_open_is_said(tmp_path: Path, change: dict[str, str], fields: str) -> None:
    (note,) = read_image(meta_file(tmp_path / "v.mha", **change)).notes
    assert fields in note.fields and note.serious


@pytest.mark.parametrize(
    "change",
    [
        {"AnatomicalOrientation": "RAI"},
        {"AnatomicalOrientation": "???"},
        {"DistanceUnits": "mm"},
        {"Position": "10.0 20.0 30.0"},
        {"HeaderSize": "-1"},
    ],
)
def test_what_agrees_in_a_metaimage_is_not_said(tmp_path: Path, change: dict[str, str]) -> None:
    image = read_image(meta_file(tmp_path / "v.mha", **change))
    assert image.notes == () and np.array_equal(image.array, numbers())


@pytest.mark.parametrize(("unit", "mm"), [("um", 1e-3), ("cm", 10.0)])
def test_units_of_a_metaimage(tmp_path: Path, unit: str, mm: float) -> None:
    image = read_image(meta_file(tmp_path / "v.mha", DistanceUnits=unit))
    assert np.allclose(image.grid.spacing_mm, np.array([2, 3, 4]) * mm) and fields_noted(image) == ["DistanceUnits"]
    assert np.allclose(image.affine[:3, 3], np.array([-10, -20, 30]) * mm)


def test_the_letters_that_itk_writes_agree_with_its_matrix(tmp_path: Path) -> None:
    for seed in range(12):
        volume = sitk.GetImageFromArray(numbers("int16"))
        turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
        volume.SetDirection((turn * np.sign(np.linalg.det(turn))).ravel())
        sitk.WriteImage(volume, tmp_path / "v.mha")
        assert read_image(tmp_path / "v.mha").notes == ()


@pytest.mark.parametrize("order", ["<i2", ">i2"])
def test_packed_numbers_of_a_metaimage_are_those_that_itk_took(tmp_path: Path, order: str) -> None:
    """Without the size of the packed data ITK reads the header as numbers, without a word."""
    packed = zlib.compress(numbers("int16").astype(order).tobytes())
    stated = {"CompressedData": "True", "BinaryDataByteOrderMSB": str(order == ">i2")}
    whole = meta_file(tmp_path / "w.mha", packed, CompressedDataSize=str(len(packed)), **stated)
    assert np.array_equal(read_image(whole).array, numbers())
    assert "compressed data are damaged" in refused(meta_file(tmp_path / "v.mha", packed, **stated))


def test_sides_of_a_metaimage_by_its_older_name(tmp_path: Path) -> None:
    image = read_image(meta_file(tmp_path / "v.mha", ElementSpacing="", ElementSize="2 3 4"))
    assert np.allclose(image.grid.spacing_mm, [2, 3, 4])


def _claims(folder: Path) -> dict[str, Path]:
    """Files of some kB whose headers claim gigabytes."""
    size = (1200, 1200, 900)
    nifti.write_nifti(folder / "v.nii", numbers(), RAS)
    content = bytearray((folder / "v.nii").read_bytes())
    struct.pack_into("<3h", content, 42, *size)
    (folder / "v.nii").write_bytes(content)
    (folder / "v.nii.gz").write_bytes(gzip.compress(content))
    shown = " ".join(map(str, size))
    files = {"nii": folder / "v.nii", "nii.gz": folder / "v.nii.gz"}
    for encoding in ("raw", "gzip", "bzip2", "text"):
        data = {"gzip": gzip.compress, "bzip2": bz2.compress}.get(encoding, bytes)(bytes(2000))
        path = nrrd_file(folder / f"{encoding}.nrrd", encoding=encoding, data=b"0 " * 1000 if encoding == "text" else data)
        path.write_bytes(path.read_bytes().replace(b"sizes: 6 5 4", f"sizes: {shown}".encode()))
        files[encoding] = path
    files["mha"] = meta_file(folder / "v.mha", DimSize=shown)
    files["packed mha"] = meta_file(folder / "p.mha", DimSize=shown, CompressedData="True")
    return files


@pytest.mark.skipif(sys.platform == "win32", reason="the peak of memory is read through the module resource")
def test_small_files_that_claim_gigabytes_take_no_memory(tmp_path: Path) -> None:
    import resource

    for name, path in _claims(tmp_path).items():
        assert path.stat().st_size < 5000
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        refused(path)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, name  # kB


@pytest.mark.parametrize(
    ("code", "said"), [(0, ""), (1011, ""), (2001, ""), (5, "statistics"), (1002, "labels"), (1006, "a displacement"), (2005, "no int")]
)
def test_what_a_nifti_says_its_numbers_are(tmp_path: Path, code: int, said: str) -> None:
    path = patched(saved(tmp_path / "a.nii"), "intent_code", code)
    image = read_image(path)
    np.testing.assert_array_equal(image.array, numbers())
    assert [said in note.says for note in image.notes if note.fields == "intent_code"] == ([True] if said else [])


def test_a_segmentation_given_as_an_image_is_called_so(tmp_path: Path) -> None:
    path = nrrd_file(tmp_path / "a.seg.nrrd", "space: left-posterior-superior\nSegment0_ID:=liver")
    assert "Segment0_ID" in fields_noted(read_image(path))


def with_more(path: Path, count: int) -> Path:
    """The file with bytes behind its numbers, packed as it is."""
    content = path.read_bytes()
    packed = content.startswith(b"\x1f\x8b")
    longer = (gzip.decompress(content) if packed else content) + bytes(count)
    path.write_bytes(gzip.compress(longer) if packed else longer)
    return path


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
def test_numbers_behind_those_of_the_header_are_said(tmp_path: Path, suffix: str) -> None:
    """Of a header that states too few slices; what is less than a slice only fills the file up."""
    slice_bytes, volume = numbers()[0].nbytes, sitk.GetImageFromArray(numbers())
    for count, said in ((0, 0), (slice_bytes - 2, 0), (slice_bytes, 1)):
        sitk.WriteImage(volume, tmp_path / f"a{suffix}", useCompression=suffix == ".nii.gz")
        image = read_image(with_more(tmp_path / f"a{suffix}", count))
        np.testing.assert_array_equal(image.array, numbers())
        assert sum("bytes more than its header states" in note.says for note in image.notes) == said
