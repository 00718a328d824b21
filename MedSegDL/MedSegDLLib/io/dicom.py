"""DICOM series into one volume, by where the slices lie and never by file name. Reads through GDCM inside SimpleITK.

Patient data may not leave this room: only the tags in `TAGS` do.
"""

from __future__ import annotations

import errno
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputRefused
from ..geometry.image import LPS_FROM_RAS, Image

TAGS = {
    "SeriesDescription": "0008|103e",
    "ProtocolName": "0018|1030",
    "EchoTime": "0018|0081",
    "RepetitionTime": "0018|0080",
    "InversionTime": "0018|0082",
    "ContrastBolusAgent": "0018|0010",
    "ScanningSequence": "0018|0020",
    "SequenceVariant": "0018|0021",
    "Modality": "0008|0060",
    "ImageType": "0008|0008",
}
SERIES_UID, POSITION, INTERCEPT, SLOPE = "0020|000e", "0020|0032", "0028|1052", "0028|1053"

MAX_ZIP_BYTES = 16 * 2**30  # ten times the largest CT that fits in memory
MAX_FILES = 50_000
MAX_VOXELS = 2**31
COPY_BYTES = 2**20

SAME_PLACE_MM = 1e-3
UNEVEN_STEP = 0.1  # steps that differ by more than this part of the usual one would bend the geometry
MISSING_STEP = 1.5  # a step this many times the usual one means that a slice is missing
SAME_DIRECTION = 1e-3
IMAGE_CLASSES = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.128")
MAGIC_OFFSET, MAGIC = 128, b"DICM"
CLASS_ELEMENT = b"\x02\x00\x02\x00UI"
PLAIN_SUFFIXES = ("", ".dcm", ".ima", ".dicom")


@dataclass(frozen=True)
class _Slice:
    """Header of one DICOM file: geometry in LPS mm, `frames` slices in it."""

    path: Path
    series: str
    size: tuple[int, int]
    frames: int
    spacing_mm: tuple[float, float, float]
    direction: np.ndarray
    position: np.ndarray
    placed: bool
    scaling: tuple[float, float]
    tags: dict[str, str] = field(compare=False)


def looks_like_dicom(path: Path) -> bool:
    """Whether the file carries DICOM's mark; files from before Part 10 are told by having no image suffix."""
    with path.open("rb") as stream:
        stream.seek(MAGIC_OFFSET)
        return stream.read(len(MAGIC)) == MAGIC


def read_folder(folder: Path, name: str | None = None) -> Image:
    """The largest series under `folder`, subfolders included.

    Args:
        folder: where the files are, under any names.
        name: what messages call it; the folder's own name by default.

    Raises:
        InputRefused: no DICOM images, a damaged one, two largest series, or slices that make no regular volume.
    """
    name = name or folder.name
    headers = [header for file in _files(folder, name) if (header := _header(file, name))]
    if not headers:
        raise InputRefused(f"{name} holds no DICOM images.", "Give the folder (or zip) of one DICOM series, or an image file.")
    return _volume(_largest_series(headers, name), name)


def read_file(path: Path) -> Image:
    """One DICOM file alone: a slice, or all frames of a multi-frame file."""
    header = _header(path, path.name)
    if header is None:
        raise InputRefused(f"{path.name} is no DICOM image.", "Give a DICOM file or folder, .nii.gz, .nrrd, .mha or a picture.")
    return _volume([header], path.name)


def read_zip(path: Path) -> Image:
    """The largest series in a zip; unpacked into a private folder that is removed again in any case.

    Names inside the zip are not used, so that none can point outside the folder.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="medsegdl-") as folder:
            _unpack(path, Path(folder))
            return read_folder(Path(folder), path.name)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise InputRefused(f"{path.name} is no readable zip: it is damaged or of an unknown kind.", "Zip the series again.") from error
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise InputRefused(f"No space left to unpack {path.name}.", f"Free some space in {tempfile.gettempdir()}.") from error


def _unpack(path: Path, folder: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(entries) > MAX_FILES or sum(entry.file_size for entry in entries) > MAX_ZIP_BYTES:
            raise InputRefused(f"{path.name} would unpack to more than {MAX_ZIP_BYTES >> 30} GB.", "Zip only the one series.")
        if any(entry.flag_bits & 1 for entry in entries):
            raise InputRefused(f"{path.name} is locked with a password.", "Zip the series without a password.")
        for number, entry in enumerate(entries):
            suffix = Path(entry.filename).suffix.lower()
            target = folder / f"{number:06d}{suffix if suffix in PLAIN_SUFFIXES else '.other'}"
            with archive.open(entry) as packed, target.open("wb") as unpacked:
                shutil.copyfileobj(packed, unpacked, COPY_BYTES)


def _files(folder: Path, name: str) -> list[Path]:
    """All files below the folder, sorted; a whole disk is refused before it has been walked."""
    files = list(islice((file for file in folder.rglob("*") if file.is_file()), MAX_FILES + 1))
    if len(files) > MAX_FILES:
        raise InputRefused(f"{name} holds more than {MAX_FILES} files.", "Give the folder of one DICOM series.")
    return sorted(files)


def _header(path: Path, name: str) -> _Slice | None:
    """Header of an image file; None for anything else (notes, DICOMDIR, reports)."""
    marked = looks_like_dicom(path)
    if not marked and path.suffix.lower() not in PLAIN_SUFFIXES:
        return None
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        if marked and _storage_class(path).startswith(IMAGE_CLASSES):
            raise InputRefused(f"{name} holds a damaged DICOM image.", "Copy or export the series again.") from error
        return None
    return _slice_of(reader, path)


def _storage_class(path: Path) -> str:
    """SOP class UID of a DICOM file, '' if it is not found."""
    with path.open("rb") as stream:
        head = stream.read(1024)
    start = head.find(CLASS_ELEMENT) + len(CLASS_ELEMENT)
    if start < len(CLASS_ELEMENT):
        return ""
    length = int.from_bytes(head[start : start + 2], "little")
    return head[start + 2 : start + 2 + length].rstrip(b"\0 ").decode("ascii", "replace")


def _slice_of(reader: sitk.ImageFileReader, path: Path) -> _Slice:
    size = (*reader.GetSize(), 1)[:3]
    spacing = (*reader.GetSpacing(), 1.0)[:3]
    direction = np.array(reader.GetDirection()).reshape(len(reader.GetSize()), -1)
    origin = (*reader.GetOrigin(), 0.0)[:3]
    full = np.eye(3)
    full[: len(direction), : len(direction)] = direction
    return _Slice(
        path=path,
        series=_tag(reader, SERIES_UID),
        size=size[:2],
        frames=size[2],
        spacing_mm=spacing,
        direction=full,
        position=np.array(origin),
        placed=bool(_tag(reader, POSITION)),
        scaling=(_number(_tag(reader, SLOPE), 1.0), _number(_tag(reader, INTERCEPT), 0.0)),
        tags={keyword: value for keyword, key in TAGS.items() if (value := _tag(reader, key))},
    )


def _tag(reader: sitk.ImageFileReader, key: str) -> str:
    if not reader.HasMetaDataKey(key):
        return ""
    return reader.GetMetaData(key).encode("utf-8", "replace").decode("utf-8").strip("\0 ")


def _number(text: str, default: float) -> float:
    try:
        return float(text)
    except ValueError:
        return default


def _largest_series(headers: Sequence[_Slice], name: str) -> list[_Slice]:
    groups: dict[str, list[_Slice]] = {}
    for header in headers:
        groups.setdefault(header.series, []).append(header)
    ranked = sorted(groups.values(), key=lambda group: -sum(header.frames for header in group))
    slices = [sum(header.frames for header in group) for group in ranked]
    if len(ranked) > 1 and slices[0] == slices[1]:
        titles = " and ".join(repr(group[0].tags.get("SeriesDescription", "untitled")) for group in ranked[:2])
        raise InputRefused(f"{name} holds two series of {slices[0]} slices each: {titles}.", "Give the folder of one series.")
    return ranked[0]


def _volume(series: list[_Slice], name: str) -> Image:
    first = series[0]
    if first.size[0] * first.size[1] * sum(header.frames for header in series) > MAX_VOXELS:
        raise InputRefused(f"{name} states more than {MAX_VOXELS} voxels.", "Crop the volume, or export it again.")
    if len(series) > 1:
        series, step_mm = _in_order(series, name)
        first = series[0]
    else:
        step_mm = first.spacing_mm[2]
    affine = np.eye(4)
    affine[:3, :3] = first.direction * (*first.spacing_mm[:2], step_mm)
    affine[:3, 3] = first.position
    array = _pixels(series, name)
    if array.ndim == 4 and len(array) > 1:
        raise InputRefused(f"{name} holds colour slices.", "Give the grey images that they were made from.")
    try:
        return Image(array, LPS_FROM_RAS @ affine, name, first.tags)
    except ValueError as error:
        raise InputRefused(f"{name} has no usable geometry: {error}.", "Export the series again.") from error


def _in_order(series: list[_Slice], name: str) -> tuple[list[_Slice], float]:
    """Slices sorted along their normal, and the distance between them in mm; a sentence for every reason that they make no volume."""
    _refuse_unlike(series, name)
    normal = series[0].direction[:, 2]
    series = sorted(series, key=lambda header: float(header.position @ normal))
    heights = np.array([header.position @ normal for header in series])
    steps = np.diff(heights)
    usual = float(np.median(steps))
    if steps.min() < SAME_PLACE_MM:
        reason = f"{name} holds several images at the same place (time points or echoes)."
        raise InputRefused(reason, "Export one of them as a series of its own.")
    if steps.max() > MISSING_STEP * usual:
        where = int(steps.argmax())
        raise InputRefused(
            f"{name} lacks slices between {heights[where]:.1f} and {heights[where + 1]:.1f} mm (the others lie {usual:.2f} mm apart).",
            "Export the whole series again.",
        )
    if np.abs(steps - usual).max() > UNEVEN_STEP * usual:
        raise InputRefused(f"{name} has slices {steps.min():.2f} to {steps.max():.2f} mm apart.", "Give a series with even spacing.")
    drift = series[-1].position - series[0].position - (heights[-1] - heights[0]) * normal
    if np.abs(drift).max() > 0.5 * min(series[0].spacing_mm[:2]):
        raise InputRefused(f"{name} was taken with a tilted gantry.", "Load it in Slicer, which straightens it, and save the volume.")
    return series, float((heights[-1] - heights[0]) / (len(series) - 1))


def _refuse_unlike(series: Sequence[_Slice], name: str) -> None:
    first = series[0]
    if any(header.frames > 1 for header in series):
        raise InputRefused(f"{name} holds several multi-frame files in one series.", "Give one of the files.")
    if not all(header.placed for header in series):
        raise InputRefused(f"{name} has images without a position (ImagePositionPatient).", "Export the series again.")
    if any(np.abs(header.direction - first.direction).max() > SAME_DIRECTION for header in series):
        raise InputRefused(f"{name} mixes slices of different orientations.", "Give a series of one orientation (no localiser).")
    if any(header.size != first.size or not np.allclose(header.spacing_mm[:2], first.spacing_mm[:2], rtol=1e-3) for header in series):
        raise InputRefused(f"{name} mixes slices of different sizes.", "Export the series again.")


def _pixels(series: Sequence[_Slice], name: str) -> np.ndarray:
    """(K, J, I) or (1, J, I, C) values, slope and intercept applied slice by slice (Hounsfield units for CT)."""
    reader = sitk.ImageSeriesReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileNames([str(header.path) for header in series])
    scalings = {header.scaling for header in series}
    if len(scalings) > 1 or any(not value.is_integer() for value in next(iter(scalings))):
        reader.SetOutputPixelType(sitk.sitkFloat32)
    try:
        volume = reader.Execute()
    except RuntimeError as error:
        raise InputRefused(f"{name} holds a DICOM image that cannot be decoded.", "Export the series again, uncompressed.") from error
    array = _narrowed(sitk.GetArrayFromImage(volume))
    return array if volume.GetDimension() > 2 else array[None]


def _narrowed(array: np.ndarray) -> np.ndarray:
    """16 bits where they suffice: GDCM gives 32 as soon as there is an intercept. Float64 becomes float32."""
    if array.dtype == np.float64:
        return array.astype(np.float32)
    limits = np.iinfo(np.int16)
    if array.dtype == np.int32 and array.min() >= limits.min and array.max() <= limits.max:
        return array.astype(np.int16)
    return array
