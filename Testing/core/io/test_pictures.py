"""Pictures of every kind, equal to Pillow and tifffile; what is no single grey or RGB picture is refused; damaged ones end nothing."""

from __future__ import annotations

import struct
import subprocess
import sys
import textwrap
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest
import SimpleITK as sitk
import tifffile

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.io.pictures import RULES
from MedSegDLLib.io.read import read_image

LIBRARY = Path(__file__).resolve().parents[3] / "MedSegDL"


def grey(dtype: str = "uint8", shape: tuple[int, ...] = (40, 60)) -> np.ndarray:
    """Smooth with some noise, over most of the type's range; reals in 0..1."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    values = (rows / shape[0] + columns / shape[1]) / 2 + np.random.default_rng(0).random(shape[:2]) * 0.05
    if len(shape) == 3:
        values = np.stack([values * (c + 1) / shape[2] for c in range(shape[2])], axis=-1)
    kind = np.dtype(dtype)
    return values.astype(kind) if kind.kind == "f" else (values / 1.1 * np.iinfo(kind).max).astype(kind)


def refused(path: Path) -> str:
    with pytest.raises(InputRefused) as caught:
        read_image(path)
    assert path.name in str(caught.value) and caught.value.remedy
    return str(caught.value)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float16", "float32", "float64"])
@pytest.mark.parametrize(
    "layout", [{}, {"tile": (16, 32)}, {"rowsperstrip": 7}, {"byteorder": ">"}, {"bigtiff": True}, {"compression": "zlib"}]
)
def test_grey_tiffs_hold_what_tifffile_reads(tmp_path: Path, dtype: str, layout: dict) -> None:
    path = tmp_path / "p.tif"
    tifffile.imwrite(path, grey(dtype), photometric="minisblack", **layout)
    image = read_image(path)
    assert image.array.dtype == {"float16": "float32", "float64": "float32"}.get(dtype, dtype)
    assert image.array.dtype.isnative and np.array_equal(image.array[0], tifffile.imread(path).astype(image.array.dtype))
    assert image.notes == ()


@pytest.mark.parametrize("compression", ["lzw", "deflate", "packbits", "zstd", "lzma", "jpeg"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("predictor", [False, True])
def test_compressed_tiffs(tmp_path: Path, compression: str, dtype: str, predictor: bool) -> None:
    if (compression == "jpeg" and (dtype == "uint16" or predictor)) or (compression == "packbits" and predictor):
        return
    path = tmp_path / "p.tif"
    tifffile.imwrite(path, grey(dtype), photometric="minisblack", compression=compression, predictor=predictor)
    assert np.array_equal(read_image(path).array[0], tifffile.imread(path))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("samples", [3, 4])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_rgb_tiffs_planar_and_not(tmp_path: Path, dtype: str, planar: str, samples: int, tile: tuple[int, int] | None) -> None:
    colours = grey(dtype, (40, 60, samples))
    stored = colours if planar == "contig" else np.moveaxis(colours, -1, 0)
    extra = ["unassalpha"] if samples == 4 else []
    tifffile.imwrite(tmp_path / "p.tif", stored, photometric="rgb", planarconfig=planar, extrasamples=extra, tile=tile)
    assert np.array_equal(read_image(tmp_path / "p.tif").array[0], colours[..., :3])


@pytest.mark.parametrize("samples", [2, 3, 4, 5])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_several_channels_are_refused_by_number(tmp_path: Path, samples: int, planar: str) -> None:
    values = np.moveaxis(grey("uint8", (40, 60, samples)), -1, 0 if planar == "separate" else -1)
    tifffile.imwrite(tmp_path / "p.tif", values, photometric="minisblack", planarconfig=planar)
    assert f"{samples} channels" in refused(tmp_path / "p.tif")


@pytest.mark.parametrize("alpha", ["unassalpha", "assocalpha"])
def test_grey_with_alpha(tmp_path: Path, alpha: str) -> None:
    values = np.dstack([grey(), np.full_like(grey(), 255)])
    tifffile.imwrite(tmp_path / "p.tif", values, photometric="minisblack", planarconfig="contig", extrasamples=[alpha])
    PIL.Image.fromarray(values, "LA").save(tmp_path / "p.png")
    for name in ("p.tif", "p.png"):
        assert np.array_equal(read_image(tmp_path / name).array[0], grey())


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_white_as_zero_is_inverted_at_any_number_of_bits(tmp_path: Path, dtype: str) -> None:
    values = grey(dtype)
    tifffile.imwrite(tmp_path / "p.tif", values, photometric="miniswhite")
    turned = read_image(tmp_path / "p.tif").array[0]
    wanted = -values if dtype == "float32" else ~values if dtype == "int16" else np.iinfo(dtype).max - values
    assert np.array_equal(turned, wanted)
    if dtype == "uint8":
        assert np.array_equal(turned, np.asarray(PIL.Image.open(tmp_path / "p.tif")))


@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_one_bit(tmp_path: Path, photometric: str) -> None:
    bits = grey() > 120
    tifffile.imwrite(tmp_path / "p.tif", bits, photometric=photometric)
    wanted = (bits if photometric == "minisblack" else ~bits) * 255
    assert np.array_equal(read_image(tmp_path / "p.tif").array[0], wanted)
    assert np.array_equal(read_image(tmp_path / "p.tif").array[0], np.asarray(PIL.Image.open(tmp_path / "p.tif").convert("L")))
    PIL.Image.fromarray(bits).save(tmp_path / "p.png")
    assert np.array_equal(read_image(tmp_path / "p.png").array[0], bits * 255)


@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("bits", [4, 10, 12, 14])
def test_odd_numbers_of_bits(tmp_path: Path, photometric: str, bits: int) -> None:
    """Packed by hand, tifffile writes none: one strip, no compression."""
    values = (grey("uint16") >> (16 - bits)).astype(np.uint16)
    packed = np.concatenate([np.packbits((row[:, None] >> np.arange(bits)[::-1] & 1).astype(np.uint8).ravel()) for row in values]).tobytes()
    entries = [
        *((256, 4, 60), (257, 4, 40), (258, 3, bits), (259, 3, 1), (262, 3, int(photometric == "minisblack"))),
        *((273, 4, 8), (277, 3, 1), (278, 4, 40), (279, 4, len(packed))),
    ]
    directory = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    content = struct.pack("<2sHI", b"II", 42, 8 + len(packed)) + packed + struct.pack("<H", len(entries)) + directory + bytes(4)
    (tmp_path / "p.tif").write_bytes(content)
    assert np.array_equal(tifffile.imread(tmp_path / "p.tif"), values)
    wanted = values if photometric == "minisblack" else 2**bits - 1 - values
    assert np.array_equal(read_image(tmp_path / "p.tif").array[0], wanted)


@pytest.mark.parametrize("shift", [0, 8])
def test_a_palette_of_eight_bits_where_sixteen_are_meant(tmp_path: Path, shift: int) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (3, 256)).astype(np.uint16)
    index = np.arange(256, dtype=np.uint8).reshape(16, 16)
    tifffile.imwrite(tmp_path / "p.tif", index, photometric="palette", colormap=colours << shift)
    assert np.array_equal(read_image(tmp_path / "p.tif").array[0], colours[:, index].transpose(1, 2, 0))


def test_palettes_become_colours(tmp_path: Path) -> None:
    index = grey() // 64
    palette = PIL.Image.fromarray(index, "P")
    palette.putpalette([0, 0, 0, 255, 10, 20, 30, 200, 40, 50, 60, 250] + [0] * 756)
    for name in ("p.png", "p.bmp", "p.tif"):
        palette.save(tmp_path / name)
        assert np.array_equal(read_image(tmp_path / name).array[0], np.asarray(palette.convert("RGB")))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    values = grey()
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    tifffile.imwrite(tmp_path / "p.tif", values, photometric="minisblack", extratags=[(274, 3, 1, orientation, True)])
    PIL.Image.fromarray(values).save(tmp_path / "p.png", exif=exif)
    PIL.Image.fromarray(values).save(tmp_path / "p.jpg", exif=exif, quality=95)
    for name in ("p.tif", "p.png", "p.jpg"):
        # Pillow 13.0 turns TIFFs by itself and gives garbled rows to np.asarray; the PNG of the same picture judges them
        judge = np.asarray(PIL.ImageOps.exif_transpose(PIL.Image.open(tmp_path / name.replace(".tif", ".png"))))
        image = read_image(tmp_path / name)
        assert np.array_equal(image.array[0], judge), name
        assert [note.fields for note in image.notes] == ([] if orientation == 1 else ["Orientation"])
        assert not any(note.serious for note in image.notes)


@pytest.mark.parametrize("orientation", [1, 6])
def test_pixel_sides_turn_with_the_picture(tmp_path: Path, orientation: int) -> None:
    tags = [(274, 3, 1, orientation, True)]
    tifffile.imwrite(tmp_path / "p.tif", grey(), resolution=(40000, 20000), resolutionunit="CENTIMETER", extratags=tags)
    sides = read_image(tmp_path / "p.tif").grid.spacing_mm[:2]
    assert np.allclose(sides, (0.00025, 0.0005) if orientation == 1 else (0.0005, 0.00025))


@pytest.mark.parametrize(("unit", "mm"), [("µm", 1e-3), (None, 1e-3), ("nm", 1e-6), ("mm", 1.0)])
def test_pixel_size_of_ome(tmp_path: Path, unit: str | None, mm: float) -> None:
    size = 0.5e-3 / mm
    units = {} if unit is None else {"PhysicalSizeXUnit": unit, "PhysicalSizeYUnit": unit}
    tifffile.imwrite(tmp_path / "p.ome.tif", grey("uint16"), metadata={"axes": "YX", "PhysicalSizeX": size, "PhysicalSizeY": size, **units})
    image = read_image(tmp_path / "p.ome.tif")
    assert np.allclose(image.grid.spacing_mm[:2], 0.5e-3) and np.array_equal(image.array[0], grey("uint16"))


def test_pixel_size_of_imagej_and_of_none(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "ij.tif", grey(), imagej=True, resolution=(4.0, 4.0), metadata={"unit": "um"})
    tifffile.imwrite(tmp_path / "none.tif", grey())
    assert np.allclose(read_image(tmp_path / "ij.tif").grid.spacing_mm[:2], 0.25e-3)
    assert np.allclose(read_image(tmp_path / "none.tif").grid.spacing_mm, 1)


def test_resolution_in_print_is_the_one_itk_takes(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "p.tif", grey(), resolution=(254.0, 508.0), resolutionunit="INCH", photometric="minisblack")
    PIL.Image.fromarray(grey()).save(tmp_path / "p.jpg", dpi=(72, 72))
    PIL.Image.fromarray(grey()).save(tmp_path / "p.png", dpi=(72, 72))
    for name in ("p.tif", "p.jpg", "p.png"):
        image, judge = read_image(tmp_path / name), sitk.ReadImage(str(tmp_path / name))
        assert np.allclose(image.grid.spacing_mm[:2], judge.GetSpacing()), name
        assert np.allclose(image.affine[:3, 3], 0)


@pytest.mark.parametrize(
    ("axes", "shape", "said"),
    [
        ("CYX", (2, 40, 60), "2 channels"),
        ("ZYX", (3, 40, 60), "3 planes"),
        ("TYX", (4, 40, 60), "4 times"),
        ("TCYX", (2, 3, 40, 60), "3 channels"),
    ],
)
def test_several_planes_of_ome_are_refused_by_name(tmp_path: Path, axes: str, shape: tuple[int, ...], said: str) -> None:
    tifffile.imwrite(tmp_path / "p.ome.tif", np.zeros(shape, np.uint16), metadata={"axes": axes}, photometric="minisblack")
    assert said in refused(tmp_path / "p.ome.tif")
    tifffile.imwrite(
        tmp_path / "one.ome.tif", grey("uint16")[(None,) * (len(shape) - 2)], metadata={"axes": axes}, photometric="minisblack"
    )
    assert np.array_equal(read_image(tmp_path / "one.ome.tif").array[0], grey("uint16"))


@pytest.mark.parametrize("imagej", [True, False])
def test_several_pages_are_refused(tmp_path: Path, imagej: bool) -> None:
    tifffile.imwrite(tmp_path / "p.tif", np.stack([grey(), grey()]), imagej=imagej, photometric="minisblack")
    assert " 2 " in refused(tmp_path / "p.tif")
    pages = [PIL.Image.fromarray(grey()), PIL.Image.fromarray(grey("uint8", (20, 30)))]
    pages[0].save(tmp_path / "unlike.tif", save_all=True, append_images=pages[1:])
    assert "2 pages" in refused(tmp_path / "unlike.tif")
    pages[0].save(tmp_path / "moving.png", save_all=True, append_images=[PIL.Image.fromarray(255 - grey())])
    assert "2 pages" in refused(tmp_path / "moving.png")


def test_smaller_copies_of_the_same_picture_are_passed_over(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "pyramid.ome.tif") as file:
        file.write(grey("uint16", (64, 64)), subifds=1, tile=(32, 32))
        file.write(grey("uint16", (32, 32)), subfiletype=1, tile=(32, 32))
    with tifffile.TiffWriter(tmp_path / "preview.tif") as file:
        file.write(grey("uint16", (64, 64)), metadata=None)
        file.write(grey("uint16", (32, 32)), subfiletype=1, metadata=None)
    for name in ("pyramid.ome.tif", "preview.tif"):
        assert np.array_equal(read_image(tmp_path / name).array[0], grey("uint16", (64, 64)))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_of_sixteen_bits(tmp_path: Path, channels: int) -> None:
    values = grey("uint16", (40, 60, channels))
    (tmp_path / "p.png").write_bytes(imagecodecs.png_encode(values[..., 0] if channels == 1 else values))
    wanted = values[..., 0] if channels < 3 else values[..., :3]
    assert np.array_equal(read_image(tmp_path / "p.png").array[0], wanted)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "1"])
def test_pngs_hold_what_pillow_reads(tmp_path: Path, mode: str) -> None:
    picture = PIL.Image.fromarray(grey("uint8", (40, 60, 3)), "RGB").convert(mode)
    picture.save(tmp_path / "p.png", transparency=0 if mode in ("L", "P") else None)
    wanted = {"1": "L", "P": "RGB", "RGBA": "RGB", "LA": "L"}.get(mode, mode)
    assert np.array_equal(read_image(tmp_path / "p.png").array[0], np.asarray(PIL.Image.open(tmp_path / "p.png").convert(wanted)))


@pytest.mark.parametrize(("mode", "said"), [("L", False), ("RGB", False), ("CMYK", True)])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpegs_hold_what_pillow_reads(tmp_path: Path, mode: str, said: bool, progressive: bool) -> None:
    PIL.Image.fromarray(grey("uint8", (40, 60, 3)), "RGB").convert(mode).save(tmp_path / "p.jpg", progressive=progressive)
    image = read_image(tmp_path / "p.jpg")
    judge = PIL.Image.open(tmp_path / "p.jpg").convert("L" if mode == "L" else "RGB")
    assert np.array_equal(image.array[0], np.asarray(judge))
    assert [note.fields for note in image.notes] == (["colour type"] if said else [])


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_bmps_hold_what_pillow_reads(tmp_path: Path, mode: str) -> None:
    PIL.Image.fromarray(grey("uint8", (40, 61, 3)), "RGB").convert(mode).save(tmp_path / "p.bmp")
    image = read_image(tmp_path / "p.bmp")
    wanted = "L" if mode in ("1", "L") else "RGB"
    assert np.array_equal(image.array[0], np.asarray(PIL.Image.open(tmp_path / "p.bmp").convert(wanted)))


@pytest.mark.parametrize("photometric", ["separated", "cielab", "ycbcr"])
def test_tiffs_in_other_colours_are_refused_by_name(tmp_path: Path, photometric: str) -> None:
    samples = 4 if photometric == "separated" else 3
    tifffile.imwrite(
        tmp_path / "p.tif", grey("uint8", (40, 60, samples)), photometric="rgb" if samples == 3 else photometric, planarconfig="contig"
    )
    if samples == 3:
        content = bytearray((tmp_path / "p.tif").read_bytes())
        place = content.find(struct.pack("<HHI", 262, 3, 1)) + 8
        struct.pack_into("<H", content, place, {"cielab": 8, "ycbcr": 6}[photometric])
        (tmp_path / "p.tif").write_bytes(content)
    assert "not a grey or RGB picture" in refused(tmp_path / "p.tif") or "rare kind" in refused(tmp_path / "p.tif")


def test_colours_in_a_tiff_of_jpegs(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "p.tif", grey("uint8", (64, 64, 3)), photometric="rgb", compression="jpeg", tile=(32, 32))
    assert np.array_equal(read_image(tmp_path / "p.tif").array[0], tifffile.imread(tmp_path / "p.tif"))


def test_complex_numbers_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "p.tif", grey("float32").astype(np.complex64), photometric="minisblack")
    assert "complex" in refused(tmp_path / "p.tif")


def test_a_picture_is_read_by_its_content(tmp_path: Path) -> None:
    PIL.Image.fromarray(grey()).save(tmp_path / "p.png")
    tifffile.imwrite(tmp_path / "p.tif", grey("uint16"))
    (tmp_path / "p.png").rename(tmp_path / "truly.jpg")
    (tmp_path / "p.tif").rename(tmp_path / "truly.png")
    assert np.array_equal(read_image(tmp_path / "truly.jpg").array[0], grey())
    assert np.array_equal(read_image(tmp_path / "truly.png").array[0], grey("uint16"))


def test_a_pixel_that_was_changed_is_noticed_in_a_png(tmp_path: Path) -> None:
    PIL.Image.fromarray(grey()).save(tmp_path / "p.png")
    content = bytearray((tmp_path / "p.png").read_bytes())
    content[content.find(b"IDAT") + 40] ^= 4
    (tmp_path / "p.png").write_bytes(content)
    assert "damaged" in refused(tmp_path / "p.png")


def _claiming(folder: Path) -> list[Path]:
    """Small pictures that claim to be of 40000 x 40000 or more."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 40000, 40000, 16, 0, 0, 0, 0))
    (folder / "p.png").write_bytes(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b""))
    PIL.Image.fromarray(grey()).save(folder / "p.jpg")
    content = bytearray((folder / "p.jpg").read_bytes())
    place = content.find(b"\xff\xc0") + 5
    struct.pack_into(">HH", content, place, 60000, 60000)
    (folder / "p.jpg").write_bytes(content)
    PIL.Image.fromarray(grey()).save(folder / "p.bmp")
    content = bytearray((folder / "p.bmp").read_bytes())
    struct.pack_into("<2i", content, 18, 60000, 60000)
    (folder / "p.bmp").write_bytes(content)
    paths = [folder / "p.png", folder / "p.jpg", folder / "p.bmp"]
    for compression in (None, "zlib", "lzma"):
        path = folder / f"{compression}.tif"
        tifffile.imwrite(path, grey(), compression=compression, photometric="minisblack", rowsperstrip=40)
        content = bytearray(path.read_bytes())
        for tag in (256, 257):
            struct.pack_into("<I", content, content.find(struct.pack("<HHI", tag, 4, 1)) + 8, 60000)
        path.write_bytes(content)
        paths.append(path)
    return paths


@pytest.mark.skipif(sys.platform == "win32", reason="the peak of memory is read through the module resource")
def test_small_pictures_that_claim_gigabytes_take_no_memory(tmp_path: Path) -> None:
    import resource

    for path in _claiming(tmp_path):
        assert path.stat().st_size < 20_000
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        refused(path)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, path.name  # kB


def _whole_files(folder: Path) -> None:
    colours = PIL.Image.fromarray(grey("uint8", (40, 61, 3)), "RGB")
    for mode in ("L", "RGB", "P", "1"):
        colours.convert(mode).save(folder / f"{mode}.bmp")
        colours.convert(mode).save(folder / f"{mode}.png")
    for mode in ("L", "RGB", "CMYK"):
        colours.convert(mode).save(folder / f"{mode}.jpg")
    colours.save(folder / "progressive.jpg", progressive=True)
    (folder / "deep.png").write_bytes(imagecodecs.png_encode(grey("uint16", (40, 60, 3))))
    for number, layout in enumerate(
        [{}, {"tile": (16, 16)}, {"compression": "lzw"}, {"compression": "zlib"}, {"compression": "jpeg"}, {"compression": "packbits"}]
    ):
        tifffile.imwrite(folder / f"{number}.tif", grey(), photometric="minisblack", **layout)
    tifffile.imwrite(folder / "p.ome.tif", grey("uint16"), metadata={"axes": "YX", "PhysicalSizeX": 0.5})


CHILD = textwrap.dedent("""
    import random, sys
    from pathlib import Path
    from MedSegDLLib.errors import InputRefused
    from MedSegDLLib.io.read import read_image
    draw = random.Random(0)
    for source in sorted(Path(sys.argv[1]).iterdir()):
        whole = source.read_bytes()
        for attempt in range(int(sys.argv[2])):
            content = bytearray(whole)
            for _ in range(draw.choice((1, 2, 5, 20))):
                place = draw.randrange(min(len(content), draw.choice((64, 300, len(content)))))
                content[place] = draw.choice((0, 1, 127, 128, 255, draw.randrange(256)))
            if draw.random() < 0.3:
                del content[draw.randrange(2, len(content)):]
            path = Path(sys.argv[3]) / f"damaged{source.suffix}"
            path.write_bytes(content)
            try:
                read_image(path)
            except InputRefused as refusal:
                assert refusal.remedy and path.name in refusal.message, refusal
            except BaseException as other:
                (Path(sys.argv[3]) / f"{source.name}.{attempt}.bad").write_bytes(content)
                raise AssertionError(f"{source.name} {attempt}: {type(other).__name__} {other}") from other
    print("all told")
""")


def test_damaged_pictures_are_read_or_refused_and_never_end_the_process(tmp_path: Path) -> None:
    """In a child, since a fault inside a library would end it: 60 damaged copies of each of twenty files."""
    (tmp_path / "whole").mkdir()
    (tmp_path / "work").mkdir()
    _whole_files(tmp_path / "whole")
    command = [sys.executable, "-c", CHILD, str(tmp_path / "whole"), "60", str(tmp_path / "work")]
    done = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": str(LIBRARY)}, timeout=600)
    assert (done.returncode, done.stdout.strip()) == (0, "all told"), done.stderr[-2000:]
    assert done.stderr == ""


def test_the_table_names_every_tag_that_pixels_rest_on() -> None:
    ruled = {field for rule in RULES for field in rule.fields}
    assert {"PhotometricInterpretation", "SamplesPerPixel", "ExtraSamples", "ColorMap", "Orientation", "ResolutionUnit"} <= ruled
    assert len([field for rule in RULES for field in rule.fields]) == len(ruled)
