"""Pictures in: TIFF by tifffile, all others by Pillow (16-bit colours in PNG, which Pillow cuts to 8 bits, by imagecodecs).

Never by ITK: some damaged BMPs end the process inside it, and it takes every TIFF that it does not know through 8-bit RGBA.
What each field means for the picture is the table `RULES` below; numbers stay as stored, but for palettes and MinIsWhite (inverted).
"""

from __future__ import annotations

import math
import struct
import xml.etree.ElementTree
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
import numpy as np
import PIL.Image
import tifffile
from PIL import UnidentifiedImageError

from ..errors import InputRefused
from ..geometry.image import Image, ReadingNote
from . import integrity
from .headers import MAX_VOXELS, MM_OF_UNIT, Rule, as_read, notes_by, refuse_complex, refuse_size

TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
PNG_HEADER = 33  # bytes of the mark and of the IHDR chunk
PILLOW_FORMATS = ("PNG", "JPEG", "BMP")
BEST_RATIO = 4096  # pixels' bytes to file's bytes: above deflate (1032), LZW (2700) and an empty JPEG (about 1000)
MM_AN_INCH = 25.4
MOST_RESOLVED_MM = 0.01  # a resolution tag coarser than this is one of print or of a screen: no nucleus would be seen
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR = 0, 1, 2, 3, 5, 6
INCH, CENTIMETRE = 2, 3
REDUCED = 1  # NewSubfileType, bit 0: a smaller copy of another page
ORIENTATION = 0x0112
TURNS = {  # EXIF and TIFF orientation -> (transposed, rows reversed, columns reversed), in this order
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}
AXES_OF_A_PLANE = "YXS"
NAMES_OF_AXES = {"C": "channels", "Z": "planes in depth", "T": "times", "I": "pages", "Q": "pages", "R": "positions", "S": "samples"}
PICTURE_AGAIN = "Save it as a grey or RGB PNG or TIFF."
ONE_OF_THEM = "Save one of them as a grey or RGB picture of its own."
BROKEN = (  # what the two libraries raise over damaged files
    *(tifffile.TiffFileError, UnidentifiedImageError, ValueError, TypeError, IndexError, KeyError, AttributeError, AssertionError),
    *(ArithmeticError, RuntimeError, EOFError, SyntaxError, struct.error, zlib.error, xml.etree.ElementTree.ParseError),
)

PIL.Image.MAX_IMAGE_PIXELS = (
    None  # a microscope's picture is larger than Pillow's alarm; what a file may claim is `BEST_RATIO` and `MAX_VOXELS`
)


@dataclass
class Picture:
    """A picture as its file has it.

    Attributes:
        path: the file.
        pixels: (J, I) or (J, I, C) as stored.
        meaning: what the numbers are: "grey", "white" (0 is white), "rgb", "alpha" (grey with alpha), "rgba", or a name that is refused.
        bits: that a number has, for "white".
        orientation: of EXIF and TIFF, 1 to 8.
        spacing_mm: (2,) pixel sides along i and j, None where the file states none.
        converted: what a library converted on the way, in words; "".
    """

    path: Path
    pixels: np.ndarray
    meaning: str
    bits: int = 8
    orientation: int = 1
    spacing_mm: tuple[float, float] | None = None
    converted: str = ""


def read_picture(path: Path) -> Image:
    """A picture, by its content whatever its suffix: (1, J, I) grey or (1, J, I, 3) colours, turned as its orientation says, without alpha.

    Raises:
        InputRefused: no picture, damaged, several pictures in one file, or numbers that are neither grey nor RGB.
    """
    try:
        picture = _of_tiff(path) if any(integrity.starts_with(path, magic) for magic in TIFF_MAGIC) else _of_others(path)
    except BROKEN as error:
        raise InputRefused(f"{path.name} cannot be read as a picture: it is damaged or of a rare kind.", PICTURE_AGAIN) from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise InputRefused(f"{path.name} cannot be read as a picture: it is damaged or of a rare kind.", PICTURE_AGAIN) from error
    notes = notes_by(RULES, picture)
    pixels = _turned(_grey_or_rgb(picture), picture.orientation)
    sides = picture.spacing_mm or (1.0, 1.0)
    sides = sides[::-1] if TURNS[picture.orientation][0] else sides
    return Image(as_read(pixels[None]), np.diag([-sides[0], -sides[1], 1.0, 1.0]), path.name, notes=notes)


def _grey_or_rgb(picture: Picture) -> np.ndarray:
    """Without alpha, black as 0."""
    if picture.meaning in ("alpha", "rgba"):
        return picture.pixels[..., 0] if picture.meaning == "alpha" else picture.pixels[..., :3]
    if picture.meaning != "white":
        return picture.pixels
    if picture.pixels.dtype.kind != "u":
        return -picture.pixels if picture.pixels.dtype.kind == "f" else ~picture.pixels
    return (2**picture.bits - 1 - picture.pixels.astype(np.int64)).astype(picture.pixels.dtype)


def _turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    transposed, rows, columns = TURNS[orientation]
    pixels = pixels.swapaxes(0, 1) if transposed else pixels
    return pixels[:: -1 if rows else 1, :: -1 if columns else 1]


def _of_others(path: Path) -> Picture:
    """PNG, JPEG and BMP."""
    integrity.refuse_cut_picture(path)
    with path.open("rb") as stream, PIL.Image.open(stream, formats=PILLOW_FORMATS) as image:
        width, height = image.size
        _refuse_claim(path, (height, width), len(image.getbands()))
        if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
            raise _several(path, {"I": image.n_frames})
        orientation = image.getexif().get(ORIENTATION, 1)
        stated = _spacing_of(image)
        if image.format == "PNG" and (deep := _deep_png(path)) is not None:
            pixels, meaning, converted = deep, {2: "alpha", 3: "rgb", 4: "rgba"}[deep.shape[2]], ""
        else:
            pixels, meaning, converted = _by_pillow(image)
    return Picture(path, pixels, meaning, orientation=orientation if orientation in TURNS else 1, spacing_mm=stated, converted=converted)


def _by_pillow(image: PIL.Image.Image) -> tuple[np.ndarray, str, str]:
    """Pixels, what they mean, and what was converted."""
    if image.mode == "1":
        return np.asarray(image.convert("L")), "grey", ""
    if image.mode in ("L", "I", "F") or image.mode.startswith("I;16"):
        pixels = np.asarray(image)
        return (pixels.astype(np.uint16) if image.mode.startswith("I;16") else pixels), "grey", ""
    if image.mode in ("LA", "La"):
        return np.asarray(image), "alpha", ""
    if image.mode in ("P", "PA"):
        return np.asarray(image.convert("RGB")), "rgb", ""
    if image.mode in ("RGB", "RGBA", "RGBX", "RGBa"):
        return np.asarray(image), "rgb" if image.mode == "RGB" else "rgba", ""
    return np.asarray(image.convert("RGB")), "rgb", f"colours for print or video ({image.mode})"


def _deep_png(path: Path) -> np.ndarray | None:
    """(J, I, C) of a PNG with more than 8 bits and more than one number a pixel; None for any other."""
    with path.open("rb") as stream:
        bits, colours = stream.read(PNG_HEADER)[24:26]
    if bits <= 8 or colours == 0:
        return None
    return imagecodecs.png_decode(path.read_bytes())


def _spacing_of(image: PIL.Image.Image) -> tuple[float, float] | None:
    """Pixel sides: of a JPEG as ITK takes them, of a PNG where they can be a microscope's."""
    dpi = image.info.get("dpi")
    if dpi is None or min(dpi) <= 0 or not all(map(math.isfinite, map(float, dpi))):
        return None
    sides = (MM_AN_INCH / float(dpi[0]), MM_AN_INCH / float(dpi[1]))
    return sides if image.format == "JPEG" or max(sides) <= MOST_RESOLVED_MM else None


def _refuse_claim(path: Path, size: tuple[int, ...], bytes_a_pixel: int) -> None:
    refuse_size(path, size[::-1])
    if math.prod(size) > MAX_VOXELS:
        raise InputRefused(f"{path.name} states {math.prod(size)} pixels, more than can be held.", "Cut the picture into parts.")
    integrity.refuse_claim(path, math.prod(size) * bytes_a_pixel, path.stat().st_size, BEST_RATIO)


def _several(path: Path, planes: dict[str, int]) -> InputRefused:
    """The refusal of more than one plane, by what they are."""
    named = " and ".join(f"{count} {NAMES_OF_AXES.get(axis, 'pages')}" for axis, count in planes.items())
    return InputRefused(f"{path.name} has {named} in one file, and one plane is needed.", ONE_OF_THEM)


def _of_tiff(path: Path) -> Picture:
    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        whole = [page for page in file.pages if not _reduced(page)]
        planes = {axis: n for axis, n in zip(series.axes, series.shape, strict=True) if axis not in AXES_OF_A_PLANE and n > 1}
        if planes or len(whole) > 1:
            raise _several(path, planes or {"I": len(whole)})
        page = series.keyframe
        refuse_page(path, page)
        pixels = page.asarray()
        return _picture_of(path, file, page, pixels)


def _reduced(page) -> bool:
    """Whether a page is a smaller copy or a mask of another."""
    return bool(getattr(page, "subfiletype", 0) & REDUCED)


def refuse_page(path: Path, page) -> None:
    """What the tags alone can tell, before anything is decoded."""
    if page.dtype is None:
        raise InputRefused(f"{path.name} holds numbers of an unknown kind ({page.bitspersample} bits).", PICTURE_AGAIN)
    if page.dtype.kind == "c":
        raise refuse_complex(path)
    if page.imagedepth > 1:
        raise _several(path, {"Z": page.imagedepth})
    _refuse_claim(path, page.shape, page.dtype.itemsize)
    held = path.stat().st_size
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
        if offset <= 0 or count <= 0 or offset + count > held:
            raise integrity.damaged(path, "the picture ends early")
    if page.compression == tifffile.COMPRESSION.NONE:
        integrity.refuse_claim(path, math.prod(page.shape) * page.bitspersample // 8, sum(page.databytecounts))


def _picture_of(path: Path, file: tifffile.TiffFile, page, pixels: np.ndarray) -> Picture:
    """Tags of a page, put into our words."""
    axes = "".join(
        axis for axis, n in zip(page.axes, page.shape, strict=True) if axis in "YX" or (axis == "S" and page.samplesperpixel > 1)
    )
    pixels = pixels.reshape([n for axis, n in zip(page.axes, page.shape, strict=True) if axis in axes])
    if axes.startswith("S"):
        pixels = np.moveaxis(pixels, 0, -1)
    bits = page.bitspersample
    photometric = int(page.photometric)
    meaning = _meaning(photometric, page.samplesperpixel, [int(kind) for kind in page.extrasamples], int(page.compression))
    if photometric == PALETTE and pixels.ndim == 2:
        colours = np.asarray(page.colormap)
        shift = 8 if colours.max() > 255 else 0  # some programs write 8 bits where 16 are meant (libtiff's tools know them so too)
        pixels = (colours[:, pixels].transpose(1, 2, 0) >> shift).astype(np.uint8)
    if bits == 1 and pixels.ndim == 2:
        pixels, bits = pixels.astype(np.uint8) * np.uint8(255), 8  # as PNGs of one bit are read
    orientation = int(page.tags.valueof(ORIENTATION, 1) or 1)
    return Picture(path, pixels, meaning, bits, orientation if orientation in TURNS else 1, _tiff_spacing(file, page))


def _meaning(photometric: int, samples: int, extra: list[int], compression: int) -> str:
    """What the numbers of a pixel are."""
    alpha = bool(extra) and extra[-1] in (1, 2)
    if photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO) and samples == 1:
        return "white" if photometric == WHITE_IS_ZERO else "grey"
    if photometric == BLACK_IS_ZERO and samples == 2 and alpha:
        return "alpha"
    if photometric == RGB and samples in (3, 4):
        return "rgb" if samples == 3 else "rgba"
    if photometric == PALETTE and samples == 1:
        return "rgb"
    if photometric == YCBCR and samples == 3 and compression in (6, 7):  # which the JPEG decoder makes RGB of
        return "rgb"
    if photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB):
        return f"{samples} channels"
    return {CMYK: "colours for print (CMYK)", YCBCR: "colours for video (YCbCr)"}.get(
        photometric, f"colours of a rare kind (photometric {photometric})"
    )


def _tiff_spacing(file: tifffile.TiffFile, page) -> tuple[float, float] | None:
    """Pixel sides: OME, then ImageJ, then the resolution tags."""
    if file.is_ome and (sides := _ome_spacing(file.ome_metadata)):
        return sides
    steps = [_mm_a_pixel(page.tags.valueof(name), 1.0) for name in ("XResolution", "YResolution")]
    if file.is_imagej and file.imagej_metadata:
        unit = str(file.imagej_metadata.get("unit", "")).replace("\\u00B5", "µ").strip().lower()
        per_unit = MM_OF_UNIT.get(unit)
        return (steps[0] * per_unit, steps[1] * per_unit) if per_unit and all(steps) else None
    length = {INCH: MM_AN_INCH, CENTIMETRE: 10.0}.get(int(page.tags.valueof("ResolutionUnit") or 0))
    return (steps[0] * length, steps[1] * length) if length and all(steps) else None


def _mm_a_pixel(resolution: object, length: float) -> float:
    """Length a pixel of a resolution (a rational number of pixels a length); 0 where there is none."""
    if not isinstance(resolution, tuple) or len(resolution) != 2 or min(resolution) <= 0:
        return 0.0
    return length * resolution[1] / resolution[0]


def _ome_spacing(metadata: str | None) -> tuple[float, float] | None:
    """PhysicalSizeX and Y of the first image, in mm; microns where no unit is stated (OME 2016-06)."""
    root = xml.etree.ElementTree.fromstring(metadata or "<OME/>")
    pixels = next((element for element in root.iter() if element.tag.rpartition("}")[2] == "Pixels"), None)
    if pixels is None:
        return None
    sides = []
    for axis in "XY":
        unit = MM_OF_UNIT.get(pixels.get(f"PhysicalSize{axis}Unit", "µm").strip().lower(), 0.0)
        sides.append(float(pixels.get(f"PhysicalSize{axis}", 0)) * unit)
    return (sides[0], sides[1]) if all(math.isfinite(side) and side > 0 for side in sides) else None


def _known_meaning(picture: Picture) -> Iterable[ReadingNote]:
    if picture.meaning not in ("grey", "white", "alpha", "rgb", "rgba"):
        raise InputRefused(f"{picture.path.name} has {picture.meaning}, not a grey or RGB picture.", PICTURE_AGAIN)
    if picture.converted:
        says = f"holds {picture.converted}; they were converted to RGB by the usual formula, without a colour profile."
        yield ReadingNote("colour type", says, "Give the picture in grey or RGB if there is one.")


def _upright(picture: Picture) -> Iterable[ReadingNote]:
    if picture.orientation != 1:
        says = "is stored turned and was set upright as its orientation tag says; the result lies as the upright picture does."
        yield ReadingNote("Orientation", says, "Nothing need be done if your viewer shows it upright too.", False)


def _size_of_pixels(picture: Picture) -> Iterable[ReadingNote]:
    sides = picture.spacing_mm
    if sides is not None and max(sides) <= MOST_RESOLVED_MM and max(sides) > 1.01 * min(sides):
        says = f"has pixels of {sides[0] * 1000:.4g} x {sides[1] * 1000:.4g} um, which are not square."
        yield ReadingNote("XResolution, YResolution", says, "Check its pixel size.")


RULES: tuple[Rule, ...] = (
    Rule(
        ("PhotometricInterpretation", "SamplesPerPixel", "ExtraSamples", "ColorMap", "colour type"),
        "grey, grey with alpha, RGB, RGBA or a palette; alpha is left out, 0 as white is inverted at any number of bits",
        "refused for several channels; finding where print or video colours were converted",
        _known_meaning,
    ),
    Rule(("Orientation",), "the picture is set upright", "finding", _upright),
    Rule(
        ("XResolution", "YResolution", "ResolutionUnit", "pHYs", "PhysicalSizeX", "PhysicalSizeY"),
        "pixel size by OME, ImageJ, then the resolution tags; none is made up",
        "finding for pixels that are not square",
        _size_of_pixels,
    ),
)
