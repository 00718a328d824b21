"""The numbers of DICOM frames: decoded, scaled frame by frame, in the smallest type that holds them.

Plain pixels are taken as they lie in the file; compressed ones are decoded by GDCM inside SimpleITK (JPEG lossless and lossy, JPEG-LS, JPEG
2000, HTJ2K, RLE), from a file of ours that holds pixels and their format only. Where GDCM gives up, pydicom's decoders are asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels import get_decoder
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
)

from ..errors import InputRefused
from ..io.free_memory import free_memory_bytes
from ..io.private_folder import private_folder
from ..io.time_limit import announce, go_on
from .frames import Frame, ImageFile, PixelFormat
from .source import SMALL_BYTES

MAX_VOXELS = 2**31
MAX_RATIO = 100  # pixels to the bytes they come from: lossless packs a half to a tenth, lossy a fiftieth
BESIDE_PIXELS = 1 << 26  # bytes a file may hold besides its pixels; what holds more is no slice
NATIVE = ("", ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)
AIR_HU = -1024  # what scanners give for 'nothing here'
_FAILED = (RuntimeError, ValueError, AttributeError, NotImplementedError, KeyError, TypeError, EOFError, StopIteration)
_NEEDED = {  # which package decodes what, should GDCM not
    "JPEG": "pylibjpeg with pylibjpeg-libjpeg",
    "JPEG-LS": "pyjpegls",
    "JPEG 2000": "pylibjpeg with pylibjpeg-openjpeg",
    "High-Throughput JPEG 2000": "pylibjpeg with pylibjpeg-openjpeg",
}


def refuse_too_much(frames: Sequence[Frame], name: str, volumes: int = 1) -> None:
    """Raise InputRefused, before a pixel is touched, where the headers state more than there is, or than memory holds.

    What they state sets the time that reading may take (`io.time_limit`).

    Args:
        frames: to be decoded.
        name: for the sentence.
        volumes: how many of the size will lie in memory at once.
    """
    files = list({id(frame.file): frame.file for frame in frames}.values())
    voxels = sum(file.rows * file.columns * file.frame_count for file in files)
    stated = sum(_stated_bytes(file) for file in files)
    if voxels > MAX_VOXELS or min((file.rows * file.columns for file in files), default=0) < 1:
        raise InputRefused(f"{name} states {voxels:,} voxels; {MAX_VOXELS:,} can be read.", "Crop the volume, or export it again.")
    for file in files:
        _refuse_format(file, name)
    if stated > SMALL_BYTES and stated > MAX_RATIO * sum(file.source.packed for file in files):
        raise InputRefused(f"{name} states more pixels than its files can hold.", "Copy or export the series again.")
    needed, free = volumes * _needed_bytes(frames), free_memory_bytes()
    if needed > free:
        says = f"{name} needs {needed / 2**30:.1f} GB of memory, and {free / 2**30:.1f} GB are free."
        raise InputRefused(says, "Close other programs, or crop the volume.")
    announce(sum(file.source.packed for file in files), stated)


def _stated_bytes(file: ImageFile) -> int:
    return file.rows * file.columns * file.frame_count * file.pixels.allocated // 8


def _needed_bytes(frames: Sequence[Frame]) -> int:
    """The volume, and the largest file beside it."""
    item = 4 if _as_float(frames) else max(2, *(frame.file.pixels.allocated // 8 for frame in frames))
    largest = max(frame.file.source.size for frame in frames)
    return len(frames) * frames[0].file.rows * frames[0].file.columns * item + largest


def _refuse_format(file: ImageFile, name: str) -> None:
    form, size = file.pixels, file.source.size
    if form.allocated not in (8, 16, 32) or not 0 < form.stored <= form.high + 1 <= form.allocated:
        says = f"{name} stores its pixels in an unusual way ({form.stored} of {form.allocated} bits up to bit {form.high})."
        raise InputRefused(says, "Export the series again as 16-bit images.")
    if not form.encapsulated and form.syntax not in NATIVE:
        raise InputRefused(f"{name} is stored in a way that is not known ({form.syntax.name}).", "Export the series uncompressed.")
    stated = _stated_bytes(file)
    short = not form.encapsulated and (form.length < stated or size < form.offset + stated)
    if short or size > form.offset + stated + BESIDE_PIXELS:
        raise InputRefused(f"{name} holds a damaged DICOM image: its pixels are not those of its header.", "Copy the series again.")


def voxels(frames: Sequence[Frame], name: str) -> np.ndarray:
    """The volume: (K, J, I), slope and intercept applied (Hounsfield units for CT).

    Whole numbers stay whole (int16 where it holds them), all else is float32.

    Raises:
        InputRefused: a frame cannot be decoded.
    """
    stored = np.result_type(*{_dtype(frame.file.pixels).newbyteorder("=") for frame in frames})
    first, as_float = frames[0].file, _as_float(frames)
    volume = np.empty((len(frames), first.rows, first.columns), np.float32 if as_float else stored)
    scalings = np.array([(frame.slope, frame.intercept) for frame in frames])
    for place, pixels in decoded(frames, name):
        volume[place] = pixels * scalings[place, 0] + scalings[place, 1] if as_float else pixels  # in double precision, rounded once
    return volume if as_float else _rescaled(volume, int(scalings[0, 0]), int(scalings[0, 1]))


def _as_float(frames: Sequence[Frame]) -> bool:
    """Whether the scaled numbers are no whole ones, or scaled differently from slice to slice."""
    scalings = {(frame.slope, frame.intercept) for frame in frames}
    return len(scalings) > 1 or any(not value.is_integer() for value in next(iter(scalings)))


def _rescaled(volume: np.ndarray, slope: int, intercept: int) -> np.ndarray:
    """Whole numbers times slope plus intercept; in place where 16 bits suffice, so that no second volume is needed."""
    ends = sorted(int(end) * slope + intercept for end in (volume.min(), volume.max()))
    if (slope, intercept) == (1, 0):
        return _narrowed(volume, ends)
    short = np.iinfo(np.int16).min <= ends[0] and ends[1] <= np.iinfo(np.int16).max
    target = volume.view(np.int16) if short and volume.itemsize == 2 else np.empty(volume.shape, np.int16 if short else np.int32)
    for place, pixels in enumerate(volume):
        target[place] = pixels.astype(np.int64) * slope + intercept
    return target


def _narrowed(volume: np.ndarray, ends: Sequence[int]) -> np.ndarray:
    """16 bits for 32 where they suffice."""
    limits = np.iinfo(np.int16)
    return volume.astype(np.int16) if volume.itemsize == 4 and limits.min <= ends[0] and ends[1] <= limits.max else volume


def padding_to_air(volume: np.ndarray, frames: Sequence[Frame]) -> int:
    """Give padding below `AIR_HU` (as the header declares it) that value, in place; how many voxels that were."""
    changed = 0
    for values, frame in zip(volume, frames, strict=True):
        if frame.file.pixels.padding is None or values.min() >= AIR_HU:
            continue
        ends = sorted(end * frame.slope + frame.intercept for end in frame.file.pixels.padding)
        padding = (values >= ends[0]) & (values <= ends[1]) & (values < AIR_HU)
        values[padding] = AIR_HU
        changed += int(np.count_nonzero(padding))
    return changed


def decoded(frames: Sequence[Frame], name: str) -> Iterator[tuple[int, np.ndarray]]:
    """(place in `frames`, (J, I) stored numbers), file by file, each file opened once."""
    by_file: dict[int, list[int]] = {}
    for place, frame in enumerate(frames):
        by_file.setdefault(id(frame.file), []).append(place)
    for places in by_file.values():
        file = frames[places[0]].file
        wanted = {frames[place].index: place for place in places}
        with file.source.opened() as stream:
            read = _compressed if file.pixels.encapsulated else _plain
            for index, pixels in read(stream, file, wanted, name):
                go_on()
                yield wanted[index], _without_foreign_bits(pixels, file.pixels)


def _dtype(pixels: PixelFormat) -> np.dtype:
    return np.dtype(f"{'<' if pixels.little_endian else '>'}{'i' if pixels.signed else 'u'}{pixels.allocated // 8}")


def _plain(stream: BinaryIO, file: ImageFile, wanted: dict[int, int], name: str) -> Iterator[tuple[int, np.ndarray]]:
    dtype = _dtype(file.pixels)
    count = file.rows * file.columns * dtype.itemsize
    for index in sorted(wanted):
        stream.seek(file.pixels.offset + index * count)
        content = stream.read(count)
        if len(content) < count:
            raise InputRefused(f"{name} holds a damaged DICOM image.", "Copy or export the series again.")
        yield index, _swapped(np.frombuffer(content, dtype), file.pixels).reshape(file.rows, file.columns)


def _swapped(pixels: np.ndarray, form: PixelFormat) -> np.ndarray:
    """Bytes of 8-bit pixels stand in 16-bit words, and these are turned in a big-endian file (PS3.5 section 8.1.1)."""
    if form.little_endian or form.allocated != 8 or not form.words or pixels.size % 2:
        return pixels
    return pixels.reshape(-1, 2)[:, ::-1].reshape(-1)


def _without_foreign_bits(pixels: np.ndarray, form: PixelFormat) -> np.ndarray:
    """Only the bits from HighBit down, with their sign: old scanners keep overlays in the others."""
    if form.stored == form.allocated:
        return pixels
    native = pixels.astype(pixels.dtype.newbyteorder("="))
    return (native << (form.allocated - 1 - form.high)) >> (form.allocated - form.stored)


def _compressed(stream: BinaryIO, file: ImageFile, wanted: dict[int, int], name: str) -> Iterator[tuple[int, np.ndarray]]:
    stream.seek(file.pixels.offset)
    with private_folder() as folder:
        try:
            for index, packed in enumerate(generate_frames(stream, number_of_frames=file.frame_count)):
                if index in wanted:
                    yield index, _unpacked(packed, file, folder / "frame.dcm", name)
        except _FAILED as error:
            raise InputRefused(f"{name} holds a damaged DICOM image.", "Copy or export the series again.") from error


def _unpacked(packed: bytes, file: ImageFile, path: Path, name: str) -> np.ndarray:
    """One compressed frame: (J, I)."""
    alone = _pixels_alone(packed, file)
    try:
        pixels = _by_gdcm(alone, path)
    except RuntimeError as error:
        decoder = _decoder(file.pixels.syntax, name, error)
        pixels = decoder.as_array(alone, raw=True)[0]
    if pixels.shape != (file.rows, file.columns):
        raise InputRefused(f"{name} holds a damaged DICOM image.", "Copy or export the series again.")
    return pixels.astype(_dtype(file.pixels).newbyteorder("="), copy=False)


def _by_gdcm(alone: FileDataset, path: Path) -> np.ndarray:
    pydicom.dcmwrite(path, alone, enforce_file_format=True)
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(path))
    pixels = sitk.GetArrayFromImage(reader.Execute())
    return pixels[0] if pixels.ndim == 3 else pixels


def _decoder(syntax: UID, name: str, error: RuntimeError):
    """pydicom's decoder for what GDCM did not decode."""
    remedy = "Export the series uncompressed."
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise InputRefused(f"{name} is compressed in a way that is not known ({syntax.name}).", remedy) from error
    if decoder.is_available:
        return decoder
    package = next((needed for kind, needed in reversed(_NEEDED.items()) if syntax.name.startswith(kind)), "pylibjpeg")
    raise InputRefused(
        f"{name} cannot be decoded: it is damaged, or needs {package} ({syntax.name}).", f"Install {package}, or e{remedy[1:]}"
    )


def _pixels_alone(packed: bytes, file: ImageFile) -> FileDataset:
    """A data set of one frame, without anything that tells whose it is, or that a decoder could apply."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = file.pixels.syntax
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = UID("2.25.1")
    alone = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    alone.SOPClassUID, alone.SOPInstanceUID = SecondaryCaptureImageStorage, UID("2.25.1")
    form = file.pixels
    alone.Rows, alone.Columns, alone.SamplesPerPixel, alone.PhotometricInterpretation = file.rows, file.columns, 1, "MONOCHROME2"
    alone.BitsAllocated, alone.BitsStored, alone.HighBit = form.allocated, form.stored, form.high
    alone.PixelRepresentation = int(form.signed)
    alone.PixelData = encapsulate([packed])
    alone["PixelData"].VR = "OB"
    alone["PixelData"].is_undefined_length = True
    return alone


def equal_pixels(one: Frame, two: Frame, name: str) -> bool:
    """Whether two frames hold the same numbers."""
    (_, first), (_, second) = (next(iter(decoded([frame], name))) for frame in (one, two))
    return bool(np.array_equal(first, second)) and (one.slope, one.intercept) == (two.slope, two.intercept)
