"""Series of many kinds as pydicom writes them, each with the voxels and the affine that are right for it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import SimpleITK as sitk
from highdicom.legacy import LegacyConvertedEnhancedCTImage, LegacyConvertedEnhancedMRImage, LegacyConvertedEnhancedPETImage
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.tag import Tag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from MedSegDLLib.geometry.image import LPS_FROM_RAS

PATIENT = "Doe^Jane"
CT, MR, PET = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.128"
ENHANCED_CT, ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.4.1"
SEGMENTATION, REPORT, PRESENTATION = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.5.1.4.1.1.11.1"
CONTOURS, CAPTURE = "1.2.840.10008.5.1.4.1.1.481.3", "1.2.840.10008.5.1.4.1.1.7"
MODALITIES = {
    CT: "CT",
    MR: "MR",
    PET: "PT",
    ENHANCED_CT: "CT",
    ENHANCED_MR: "MR",
    SEGMENTATION: "SEG",
    REPORT: "SR",
    PRESENTATION: "PR",
    CONTOURS: "RTSTRUCT",
    CAPTURE: "OT",
}
ROOT = "1.2.826.0.1.3680043.10.1125"
SHAPE = (6, 16, 12)
AXIAL, SAGITTAL, CORONAL = (1, 0, 0, 0, 1, 0), (0, 1, 0, 0, 0, -1), (1, 0, 0, 0, 0, -1)


def oblique(seed: int = 0) -> tuple[float, ...]:
    """Two perpendicular unit vectors."""
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return tuple(rotation[:, :2].T.ravel())


@dataclass(frozen=True)
class Stack:
    """Where the slices lie.

    Attributes:
        orientation: ImageOrientationPatient.
        spacing_mm: along i, j, k.
        origin: LPS of the first voxel.
    """

    orientation: Sequence[float] = AXIAL
    spacing_mm: tuple[float, float, float] = (0.7, 0.8, 2.5)
    origin: tuple[float, float, float] = (10.0, -20.0, 30.0)

    @property
    def affine(self) -> np.ndarray:
        """(i, j, k, 1) to RAS."""
        across = np.array(self.orientation).reshape(2, 3)
        affine = np.eye(4)
        affine[:3, :3] = np.array([*across, np.cross(*across)]).T * self.spacing_mm
        affine[:3, 3] = self.origin
        return LPS_FROM_RAS @ affine

    def position(self, k: float) -> list[float]:
        """LPS of the first voxel of slice k."""
        return (LPS_FROM_RAS @ self.affine @ [0, 0, k, 1])[:3].round(6).tolist()


@dataclass(frozen=True)
class Storage:
    """How the numbers are stored; the numbers of a kind are those after `slope` and `intercept`."""

    signed: bool = True
    allocated: int = 16
    stored: int = 16
    slope: float | None = None
    intercept: float = 0.0
    photometric: str = "MONOCHROME2"
    syntax: str = ExplicitVRLittleEndian

    @property
    def dtype(self) -> np.dtype:
        """Of the stored numbers."""
        order = ">" if self.syntax == ExplicitVRBigEndian else "<"
        return np.dtype(f"{order}{'i' if self.signed else 'u'}{self.allocated // 8}")


@dataclass(frozen=True)
class Kind:
    """A series to be written, and what reading it must give."""

    name: str
    files: Sequence[Dataset]
    voxels: np.ndarray
    affine: np.ndarray
    judges: frozenset[str] = frozenset({"SimpleITK", "dcm2niix"})
    extra: Callable[[Path], None] = field(default=lambda folder: None)
    suffix: str = ""
    marked: bool = True

    def write(self, folder: Path, seed: int = 0) -> Path:
        """All files, under names whose order says nothing."""
        names = [f"{n:03d}{self.suffix}" for n in range(len(self.files))]
        random.Random(seed).shuffle(names)
        for name, data_set in zip(names, self.files, strict=True):
            save(data_set, folder / name, self.marked)
        self.extra(folder)
        return folder


def save(data_set: Dataset, path: Path, marked: bool = True) -> Path:
    """Write a data set; `marked=False` leaves out what came with Part 10."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stream = BytesIO()
    pydicom.dcmwrite(stream, data_set, enforce_file_format=True)
    content = stream.getvalue()
    path.write_bytes(content if marked else content[144 + int.from_bytes(content[140:144], "little") :])
    return path


def plain(storage_class: str, number: int = 1, series: str = "1", **tags: object) -> Dataset:
    """A data set without geometry and pixels, with a patient's name in it."""
    data_set = Dataset()
    meta = data_set.file_meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = data_set.SOPClassUID = storage_class
    meta.MediaStorageSOPInstanceUID = data_set.SOPInstanceUID = f"{ROOT}.{series}.{number}"
    data_set.Modality = MODALITIES[storage_class]
    data_set.PatientName, data_set.PatientID = PATIENT, "4711"
    data_set.StudyInstanceUID, data_set.SeriesInstanceUID = f"{ROOT}.0", f"{ROOT}.{series}"
    data_set.FrameOfReferenceUID = f"{ROOT}.9"
    data_set.StudyDate, data_set.StudyTime, data_set.StudyID = "20200101", "120000", "1"
    data_set.SeriesNumber, data_set.InstanceNumber = int(series.split(".")[0]), number
    data_set.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data_set.PatientPosition, data_set.Manufacturer = "HFS", "none"
    for keyword, value in tags.items():
        setattr(data_set, keyword, value)
    return data_set


def with_pixels(data_set: Dataset, stored: np.ndarray, storage: Storage) -> Dataset:
    """Add (J, I) or (frames, J, I) stored numbers."""
    data_set.Rows, data_set.Columns = stored.shape[-2:]
    data_set.SamplesPerPixel, data_set.PhotometricInterpretation = 1, storage.photometric
    data_set.BitsAllocated, data_set.BitsStored, data_set.HighBit = storage.allocated, storage.stored, storage.stored - 1
    data_set.PixelRepresentation = int(storage.signed)
    content = np.ascontiguousarray(stored).astype(storage.dtype).tobytes()
    data_set.PixelData = content + b"\0" * (len(content) % 2)
    data_set["PixelData"].VR = "OB" if storage.allocated == 8 else "OW"
    data_set.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian if storage.syntax in COMPRESSIONS else storage.syntax
    if storage.syntax in COMPRESSIONS:
        COMPRESSIONS[storage.syntax](data_set)
    return data_set


COMPRESSIONS = {
    RLELossless: lambda data_set: data_set.compress(RLELossless, generate_instance_uid=False),
    JPEGLSLossless: lambda data_set: data_set.compress(JPEGLSLossless, generate_instance_uid=False),
}


def slices(values: np.ndarray, stack: Stack = Stack(), storage: Storage = Storage(), kind: str = CT, **tags: object) -> list[Dataset]:
    """One data set a slice of (K, J, I) values after slope and intercept; a sequence among the tags gives each slice its own value."""
    made = []
    for k, plane in enumerate(values):
        own = {keyword: value[k] if isinstance(value, EachSlice) else value for keyword, value in tags.items()}
        series = str(own.pop("series", "1"))
        data_set = plain(kind, k + 1, series, **own)
        data_set.ImagePositionPatient, data_set.ImageOrientationPatient = stack.position(k), [round(x, 8) for x in stack.orientation]
        data_set.PixelSpacing = [stack.spacing_mm[1], stack.spacing_mm[0]]
        data_set.SliceThickness = stack.spacing_mm[2]
        slope = data_set.get("RescaleSlope", storage.slope)
        intercept = data_set.get("RescaleIntercept", storage.intercept)
        if slope is not None:
            data_set.RescaleSlope, data_set.RescaleIntercept = slope, intercept
        made.append(with_pixels(data_set, np.round((plane - float(intercept)) / float(slope or 1)), storage))
    return made


class EachSlice(tuple):
    """Values of a tag, one a slice."""


def enhanced(
    values: np.ndarray,
    stack: Stack = Stack(),
    storage: Storage = Storage(slope=1.0),
    kind: str = ENHANCED_MR,
    order: Sequence[int] | None = None,
    slopes: Sequence[float] | None = None,
) -> Dataset:
    """One multi-frame data set, its frames stored in `order`."""
    order = list(order if order is not None else range(len(values)))
    slopes = list(slopes or [storage.slope] * len(values))
    stored = np.array([np.round((values[k] - storage.intercept) / slopes[k]) for k in order])
    data_set = with_pixels(plain(kind, NumberOfFrames=len(values)), stored, storage)
    measures = item(PixelSpacing=[stack.spacing_mm[1], stack.spacing_mm[0]], SliceThickness=stack.spacing_mm[2])
    shared = item(PixelMeasuresSequence=[measures])
    shared.PlaneOrientationSequence = [item(ImageOrientationPatient=[round(x, 8) for x in stack.orientation])]
    data_set.SharedFunctionalGroupsSequence = [shared]
    data_set.PerFrameFunctionalGroupsSequence = [
        item(
            PlanePositionSequence=[item(ImagePositionPatient=stack.position(k))],
            FrameContentSequence=[item(StackID="1", InStackPositionNumber=k + 1, DimensionIndexValues=[1, k + 1])],
            PixelValueTransformationSequence=[item(RescaleSlope=slopes[k], RescaleIntercept=storage.intercept, RescaleType="US")],
        )
        for k in order
    ]
    return data_set


def item(**values: object) -> Dataset:
    """An item of a sequence."""
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def numbers(seed: int, least: int, most: int, shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    """Random whole numbers."""
    return np.random.default_rng(seed).integers(least, most, shape, endpoint=True)


def hounsfield(seed: int = 0) -> np.ndarray:
    """Whole numbers as a CT has them."""
    return numbers(seed, -1024, 2000)


def with_overlay_bits(files: Sequence[Dataset]) -> list[Dataset]:
    """Something else in the bits above the stored ones, as scanners of the nineties kept overlays."""
    for number, data_set in enumerate(files):
        stored = np.frombuffer(data_set.PixelData, "<u2") & 0x0FFF
        data_set.PixelData = (stored | (0xA000 if number % 2 else 0x5000)).astype("<u2").tobytes()
    return list(files)


def with_icons(files: Sequence[Dataset]) -> list[Dataset]:
    """A small picture with pixels of its own before the real ones, and private elements."""
    for data_set in files:
        icon = item(Rows=2, Columns=2, SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2", BitsAllocated=8, BitsStored=8, HighBit=7)
        icon.PixelRepresentation = 0
        icon.PixelData = b"abcd"
        icon["PixelData"].VR = "OB"
        data_set.IconImageSequence = [icon]
        data_set["IconImageSequence"].is_undefined_length = True
        block = data_set.private_block(0x0029, "NOBODY", create=True)
        block.add_new(1, "OB", bytes(70_000))
    return list(files)


def deflated(folder: Path) -> None:
    """Deflate every file where it lies (PS3.5 section A.5)."""
    for path in folder.iterdir():
        data_set = pydicom.dcmread(path)
        data_set.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        pydicom.dcmwrite(path, data_set, enforce_file_format=True)


def compressed_by_gdcm(compressor: str) -> Callable[[Path], None]:
    """Compress every file where it lies: JPEG is the lossless one."""

    def compress(folder: Path) -> None:
        for path in folder.iterdir():
            reader = sitk.ImageFileReader()
            reader.SetImageIO("GDCMImageIO")
            reader.SetFileName(str(path))
            image = reader.Execute()
            for key in reader.GetMetaDataKeys():
                image.SetMetaData(key, reader.GetMetaData(key))
            writer = sitk.ImageFileWriter()
            writer.SetImageIO("GDCMImageIO")
            writer.KeepOriginalImageUIDOn()
            writer.UseCompressionOn()
            writer.SetCompressor(compressor)
            writer.SetFileName(str(path))
            writer.Execute(image)
            assert pydicom.dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID.is_compressed

    return compress


def other_objects(folder: Path) -> None:
    """What lies beside a series in a folder from an archive."""
    mask = numbers(1, 0, 1, (2 * SHAPE[0], *SHAPE[1:]))
    segmentation = enhanced(mask, storage=Storage(signed=False, allocated=8, stored=8, slope=1.0), kind=SEGMENTATION)
    segmentation.SeriesInstanceUID = f"{ROOT}.66"
    save(segmentation, folder / "a" / "seg")
    for number, kind in enumerate((REPORT, PRESENTATION, CONTOURS)):
        save(plain(kind, 1, f"{70 + number}"), folder / "a" / f"{number}")
    scout = slices(numbers(2, 0, 900, (1, 30, 20)), Stack(CORONAL), series="80", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])[0]
    save(scout, folder / "scout")
    dose = with_pixels(plain(CAPTURE, 1, "90"), numbers(3, 0, 255, (1, 40, 40))[0], Storage(False, 8, 8))
    save(dose, folder / "dose report.dcm")
    (folder / "readme.txt").write_text("nothing")
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX" / "._000").write_bytes(bytes(200))


def kinds() -> list[Kind]:
    """Every kind."""
    hu, unsigned = hounsfield(), Storage(signed=False, stored=12, slope=1.0, intercept=-1024.0)
    each = EachSlice(0.5 + 0.25 * np.arange(SHAPE[0]))
    stack, straight = Stack(), Stack().affine
    shuffled = [3, 0, 5, 1, 4, 2]
    only_truth: frozenset[str] = frozenset()
    itk, niix = frozenset({"SimpleITK"}), frozenset({"dcm2niix"})
    return [
        Kind("axial CT", slices(hu), hu, straight),
        Kind("unsigned 12 bits, intercept -1024", slices(hu, storage=unsigned), hu, straight),
        Kind("slope 2", slices(hu // 2 * 2, storage=Storage(slope=2.0, intercept=-1024.0)), hu // 2 * 2, straight),
        Kind("slope 0.5", slices(hu / 2, storage=Storage(slope=0.5)), hu / 2, straight),
        Kind(
            "a slope a slice",
            slices(hu * np.array(each)[:, None, None], RescaleSlope=each, RescaleIntercept=0),
            hu * np.array(each)[:, None, None],
            straight,
            only_truth,
        ),
        Kind("feet first", slices(hu)[::-1], hu, straight),
        Kind("sagittal", slices(hu, Stack(SAGITTAL)), hu, Stack(SAGITTAL).affine),
        Kind("coronal", slices(hu, Stack(CORONAL)), hu, Stack(CORONAL).affine),
        *(Kind(f"oblique {n}", slices(hu, Stack(oblique(n))), hu, Stack(oblique(n)).affine) for n in range(3)),
        Kind("MONOCHROME1", slices(hu, storage=Storage(photometric="MONOCHROME1")), hu, straight, niix),
        Kind("implicit", slices(hu, storage=Storage(syntax=ImplicitVRLittleEndian)), hu, straight),
        Kind("big endian", slices(hu, storage=Storage(syntax=ExplicitVRBigEndian)), hu, straight),
        Kind(
            "big endian 8 bits",
            slices(hu % 256, storage=Storage(False, 8, 8, syntax=ExplicitVRBigEndian), kind=MR),
            hu % 256,
            straight,
            itk,
        ),
        Kind("deflated", slices(hu), hu, straight, itk, deflated),
        Kind("RLE", slices(hu, storage=Storage(syntax=RLELossless)), hu, straight),
        Kind("RLE 8 bits", slices(hu % 256, storage=Storage(False, 8, 8, syntax=RLELossless), kind=MR), hu % 256, straight),
        Kind("JPEG 2000", slices(hu, storage=Storage(slope=1.0)), hu, straight, extra=compressed_by_gdcm("JPEG2000")),
        Kind("JPEG lossless", slices(hu, storage=Storage(slope=1.0)), hu, straight, extra=compressed_by_gdcm("JPEG")),
        Kind("JPEG-LS", slices(hu, storage=Storage(False, 16, 12, 1.0, -1024.0, syntax=JPEGLSLossless)), hu, straight, itk),
        Kind("overlay in the upper bits", with_overlay_bits(slices(hu, storage=unsigned)), hu, straight, itk),
        Kind("signed 12 bits", slices(hu - 400, storage=Storage(stored=12)), hu - 400, straight, itk),
        Kind("8 bits MR", slices(hu % 200, storage=Storage(False, 8, 8), kind=MR), hu % 200, straight),
        Kind("odd number of bytes", slices(hu[:, :15, :11] % 256, storage=Storage(False, 8, 8), kind=MR), hu[:, :15, :11] % 256, straight),
        Kind("unsigned 16 bits", slices(numbers(4, 0, 65535), storage=Storage(False), kind=MR), numbers(4, 0, 65535), straight),
        Kind(
            "32 bits",
            slices(numbers(5, -90_000, 90_000), storage=Storage(True, 32, 32), kind=PET),
            numbers(5, -90_000, 90_000),
            straight,
            itk,
        ),
        Kind(
            "PET with a slope a slice",
            slices(numbers(6, 0, 9000) * np.array(each)[:, None, None], storage=Storage(), kind=PET, RescaleSlope=each, RescaleIntercept=0),
            numbers(6, 0, 9000) * np.array(each)[:, None, None],
            straight,
            only_truth,
        ),
        Kind("before Part 10", slices(hu, storage=Storage(syntax=ImplicitVRLittleEndian)), hu, straight, itk, marked=False),
        Kind("files with an ending", slices(hu), hu, straight, suffix=".IMA"),
        Kind("slices that overlap", slices(hu, SliceThickness=5), hu, straight),
        Kind("no SliceThickness", without(slices(hu), "SliceThickness"), hu, straight),
        Kind("no InstanceNumber", without(slices(hu), "InstanceNumber", "SeriesNumber"), hu, straight, itk),
        Kind("an icon and private elements", with_icons(slices(hu)), hu, straight),
        Kind("Japanese", slices(hu, SpecificCharacterSet=["", "ISO 2022 IR 87"], PatientName="Yamada^Tarou=山田^太郎"), hu, straight),
        Kind("a slice twice", [*slices(hu), slices(hu)[2]], hu, straight, only_truth),
        Kind("with other objects", slices(hu), hu, straight, only_truth, other_objects),
        Kind("enhanced CT", [enhanced(hu, kind=ENHANCED_CT)], hu, straight),
        Kind("enhanced MR, shuffled", [enhanced(hu, order=shuffled)], hu, straight, niix),
        Kind(
            "enhanced MR, a slope a frame",
            [enhanced(hu * np.array(each)[:, None, None], order=shuffled, slopes=each)],
            hu * np.array(each)[:, None, None],
            straight,
            only_truth,
        ),
        Kind(
            "enhanced MR, oblique, RLE",
            [enhanced(hu, Stack(oblique(5)), Storage(slope=1.0, syntax=RLELossless), order=shuffled[::-1])],
            hu,
            Stack(oblique(5)).affine,
            only_truth,
        ),
        Kind("HTJ2K", htj2k(slices(hu, storage=unsigned)), hu, straight, only_truth),
        Kind("MR time series, the first point", time_series(hu), hu, straight, only_truth),
        Kind("enhanced in two files", two_files(hu), hu, stack.affine, only_truth),
        *more_kinds(),
    ]


def more_kinds() -> list[Kind]:
    """What archives, anonymisers and odd encoders make of series."""
    hu, straight, lean = hounsfield(), Stack().affine, Stack(leaning(SAGITTAL, 25))
    itk, niix, none = frozenset({"SimpleITK"}), frozenset({"dcm2niix"}), frozenset()
    unsigned, signed = Storage(signed=False, stored=12, slope=1.0, intercept=-1024.0), Storage(slope=1.0)
    tenths = np.float32(np.round((hu + 1024) / 0.1) * 0.1 - 1024)
    shot = with_pixels(plain(CAPTURE, 99), numbers(3, 0, 255, (1, 40, 40))[0], Storage(False, 8, 8))
    ways = {
        "oblique sagittal": leaning(SAGITTAL, 25),
        "oblique coronal": leaning(CORONAL, 25),
        "rows to the right": (-1, 0, 0, 0, 1, 0),
        "sagittal, upside down": (0, -1, 0, 0, 0, 1),
        "prone": (-1, 0, 0, 0, -1, 0),
    }
    return [
        *(Kind(name, slices(hu, Stack(way)), hu, Stack(way).affine) for name, way in ways.items()),
        Kind("enhanced MR, oblique sagittal, shuffled", [enhanced(hu, lean, order=[3, 0, 5, 1, 4, 2])], hu, lean.affine, niix),
        Kind("enhanced MR, lengths undefined", without_lengths([enhanced(hu, order=[3, 0, 5, 1, 4, 2])]), hu, straight, niix),
        Kind("legacy converted CT", [converted(CT, Stack())], hu, straight),
        Kind("legacy converted MR, oblique", [converted(MR, Stack(oblique(2)))], hu, Stack(oblique(2)).affine),
        Kind("legacy converted PET", [converted(PET, Stack())], hu, straight),
        Kind("12 bits to the left", to_the_left(slices(hu, storage=unsigned)), hu, straight, none),
        Kind("slope 0.1, intercept -1024", slices(tenths, storage=Storage(False, slope=0.1, intercept=-1024.0)), tenths, straight, itk),
        Kind("JPEG 2000, its sign in the header only", jpeg_2000(slices(hu, storage=signed), np.uint16), hu, straight),
        Kind("JPEG 2000 in pieces, no table of them", jpeg_2000(slices(hu, storage=signed), np.int16, 3), hu, straight, itk),
        Kind("no SOPClassUID", without(slices(hu), "SOPClassUID"), hu, straight),
        Kind("no Modality", without(slices(hu), "Modality"), hu, straight),
        Kind("no preamble", slices(hu), hu, straight, itk, without_preamble),
        Kind(
            "before Part 10, numbered names",
            slices(hu, storage=Storage(syntax=ImplicitVRLittleEndian)),
            hu,
            straight,
            itk,
            suffix=".17",
            marked=False,
        ),
        Kind("a screenshot in the series", [*slices(hu), shot], hu, straight, none),
        *jpegs(),
        Kind("enhanced MR, a file a slice", a_file_a_slice(hu), hu, straight),
        Kind("places of no stated type", rewritten(slices(hu), "UN", "{:g}"), hu, straight),
        Kind("exponents, blanks, minus zero", rewritten(slices(hu), "DS", " {:.6e}"), hu, straight),
        Kind(
            "signed and unsigned slices", [*slices(np.abs(hu))[:3], *slices(np.abs(hu), storage=Storage(False))[3:]], np.abs(hu), straight
        ),
    ]


def jpegs() -> list[Kind]:
    """The kinds of JPEG that scanners and archives make, lossy ones too: right is what libjpeg-turbo and CharLS decode."""
    smooth = np.add.outer(np.arange(6) * 9, np.add.outer(np.arange(16) * 4, np.arange(12) * 7))
    eight, twelve = Storage(False, 8, 8), Storage(False, 16, 12, 1.0, 0.0)
    ways = (
        ("JPEG, lossy, 8 bits", JPEGBaseline8Bit, eight, lambda plane: imagecodecs.jpeg8_encode(plane, level=90), imagecodecs.jpeg8_decode),
        (
            "JPEG, lossy, 12 bits",
            JPEGExtended12Bit,
            twelve,
            lambda plane: imagecodecs.jpeg8_encode(plane * 13, level=95, bitspersample=12),
            imagecodecs.jpeg8_decode,
        ),
        (
            "JPEG-LS, nearly lossless",
            JPEGLSNearLossless,
            twelve,
            lambda plane: imagecodecs.jpegls_encode(plane * 13, level=3),
            imagecodecs.jpegls_decode,
        ),
        (
            "JPEG lossless, any predictor",
            JPEGLossless,
            twelve,
            lambda plane: imagecodecs.ljpeg_encode(plane * 13, bitspersample=12),
            imagecodecs.ljpeg_decode,
        ),
    )
    made = []
    for name, syntax, storage, encode, decode in ways:
        packed = [encode(plane.astype(storage.dtype)) for plane in smooth]
        right = np.array([decode(one) for one in packed]).astype(int)
        files = slices(smooth, storage=storage, kind=MR)
        for data_set, one in zip(files, packed, strict=True):
            data_set.file_meta.TransferSyntaxUID = syntax
            data_set.PixelData = encapsulate([one])
            data_set["PixelData"].VR = "OB"
            data_set["PixelData"].is_undefined_length = True
        judges = {"SimpleITK", "dcm2niix"} if syntax == JPEGLossless else {"SimpleITK"}  # dcm2niix rounds otherwise, or gives up
        made.append(Kind(name, files, right, Stack().affine, frozenset(judges)))
    return made


def a_file_a_slice(values: np.ndarray) -> list[Dataset]:
    """Enhanced files of one frame each."""
    made = []
    for k, plane in enumerate(values):
        made.append(enhanced(plane[None], Stack(origin=tuple(Stack().position(k)))))
        made[-1].SOPInstanceUID = made[-1].file_meta.MediaStorageSOPInstanceUID = f"{ROOT}.1.{k + 1}"
    return made


def rewritten(files: Sequence[Dataset], representation: str, form: str) -> list[Dataset]:
    """Position and orientation as elements of this type, each number written so; zeros are negative."""
    for data_set in files:
        for keyword in ("ImagePositionPatient", "ImageOrientationPatient"):
            text = "\\".join(form.format(float(value) or -0.0) for value in data_set[keyword].value).encode()
            tag = Tag(tag_for_keyword(keyword))
            data_set._dict[tag] = RawDataElement(tag, representation, len(text), text + b" " * (len(text) % 2), 0, False, True)
    return list(files)


def leaning(orientation: Sequence[float], degrees: float) -> tuple[float, ...]:
    """An orientation turned about an axis that is none of the patient's."""
    axis = np.array([1.0, 2.0, 3.0]) / np.sqrt(14)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    angle = np.radians(degrees)
    turn = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return tuple((np.array(orientation, dtype=float).reshape(2, 3) @ turn.T).ravel())


def converted(kind: str, stack: Stack) -> Dataset:
    """What archives make of a plain series: one 'legacy converted' multi-frame file, here by highdicom."""
    makers = {CT: LegacyConvertedEnhancedCTImage, MR: LegacyConvertedEnhancedMRImage, PET: LegacyConvertedEnhancedPETImage}
    tags = {"PatientBirthDate": "", "PatientSex": "", "ReferringPhysicianName": "", "AccessionNumber": "", "SoftwareVersions": "1"}
    tags |= {"ContentDate": "20200101", "ContentTime": "120000", "AcquisitionDate": "20200101", "AcquisitionTime": "120000"}
    tags |= {
        "BurnedInAnnotation": "NO",
        "LossyImageCompression": "00",
        "PositionReferenceIndicator": "",
        "WindowCenter": 0,
        "WindowWidth": 1,
    }
    source = slices(hounsfield(), stack, Storage(slope=1.0), kind, ImageType=["ORIGINAL", "PRIMARY", "AXIAL", "NONE"], **tags)
    made = makers[kind]([source[place] for place in (3, 0, 5, 1, 4, 2)], f"{ROOT}.1", 1, f"{ROOT}.1.1", 1)
    return made


def without_lengths(files: Sequence[Dataset]) -> list[Dataset]:
    """Sequences and their items end with delimiters."""
    for data_set in files:
        for element in data_set:
            if element.VR == "SQ":
                element.is_undefined_length = True
                for one in element.value:
                    one.is_undefined_length_sequence_item = True
                without_lengths(element.value)
    return list(files)


def to_the_left(files: Sequence[Dataset]) -> list[Dataset]:
    """HighBit 15 of 12 bits, and something else below."""
    for data_set in files:
        data_set.PixelData = ((np.frombuffer(data_set.PixelData, "<u2") & 0x0FFF) << 4 | 5).astype("<u2").tobytes()
        data_set.HighBit = 15
    return list(files)


def jpeg_2000(files: Sequence[Dataset], dtype: type, pieces: int = 1) -> list[Dataset]:
    """Lossless, by OpenJPEG; the stream itself says that its numbers are of this type."""
    for data_set in files:
        stored = np.frombuffer(data_set.PixelData, dtype).reshape(data_set.Rows, data_set.Columns)
        data_set.file_meta.TransferSyntaxUID = JPEG2000Lossless
        packed = imagecodecs.jpeg2k_encode(stored, level=0, reversible=True, codecformat="j2k")
        data_set.PixelData = encapsulate([packed], fragments_per_frame=pieces, has_bot=pieces == 1)
        data_set["PixelData"].VR = "OB"
        data_set["PixelData"].is_undefined_length = True
    return list(files)


def without_preamble(folder: Path) -> None:
    """The files begin with their meta information."""
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[132:])


def htj2k(files: Sequence[Dataset]) -> list[Dataset]:
    """Compressed by OpenJPH, which GDCM reads and does not write."""
    for data_set in files:
        stored = np.frombuffer(data_set.PixelData, "<u2").reshape(data_set.Rows, data_set.Columns)
        data_set.file_meta.TransferSyntaxUID = HTJ2KLossless
        data_set.PixelData = encapsulate([imagecodecs.htj2k_encode(stored, reversible=True)])
        data_set["PixelData"].VR = "OB"
        data_set["PixelData"].is_undefined_length = True
    return list(files)


def time_series(values: np.ndarray) -> list[Dataset]:
    """Two time points of an MR."""
    first = slices(values, kind=MR, TemporalPositionIdentifier=1)
    second = slices(values + 100, kind=MR, TemporalPositionIdentifier=2)
    for data_set in second:
        data_set.SOPInstanceUID = data_set.file_meta.MediaStorageSOPInstanceUID = f"{data_set.SOPInstanceUID}.2"
    return [*second, *first]


def without(files: Sequence[Dataset], *keywords: str) -> list[Dataset]:
    """The data sets less some attributes."""
    for data_set in files:
        for keyword in keywords:
            delattr(data_set, keyword)
    return list(files)


def two_files(values: np.ndarray) -> list[Dataset]:
    """An enhanced series whose frames are shared out between two files."""
    lower = enhanced(values[:3])
    upper = enhanced(values[3:], Stack(origin=tuple(Stack().position(3))))
    upper.SOPInstanceUID = upper.file_meta.MediaStorageSOPInstanceUID = f"{ROOT}.1.2"
    return [lower, upper]
