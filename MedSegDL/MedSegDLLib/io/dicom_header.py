"""DICOM headers as frames: where each lies, how its numbers are scaled, what tells it from its neighbours. Parsed by pydicom.

Patient data may not leave this room: of the tags only those in `TAGS` and `MARKS` do. Attribute names are the standard's (PS3.6).
Rules, one a field that geometry or intensities rest on:

| field | rule |
|---|---|
| PixelSpacing | two numbers > 0 a frame, else refused; ImagerPixelSpacing is the detector's and never stands in |
| ImageOrientationPatient | two perpendicular unit vectors a frame, else refused |
| ImagePositionPatient | three numbers a frame, else refused; slices are ordered by it, never by InstanceNumber or name |
| SliceThickness, SpacingBetweenSlices | not used: the positions tell the distance (a slice alone: its thickness, else 1 mm and a note) |
| RescaleSlope, RescaleIntercept | applied a frame; absent is 1 and 0; no number, or slope 0, is refused |
| ModalityLUTSequence | refused: its numbers are not linear in what was measured |
| PhotometricInterpretation | how it is displayed: MONOCHROME1 changes no number; colours are refused |
| BitsStored, HighBit, PixelRepresentation | bits outside (old overlays) are cut off, the sign is extended |
| PixelPaddingValue | no tissue: in a CT what lies below -1024 HU so becomes -1024, with a note |
"""

from __future__ import annotations

import logging
import math
import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from io import BytesIO

import numpy as np
import pydicom
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import read_partial
from pydicom.multival import MultiValue
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from ..errors import InputRefused
from ..geometry.image import DICOM_TAGS
from .dicom_source import MemorySource, Source

MAGIC_OFFSET, MAGIC = 128, b"DICM"
PLAIN_SUFFIXES = ("", ".dcm", ".ima", ".dicom")
HEAD_BYTES = 1 << 15  # holds the header of nearly every slice
LARGEST_HEADER = 1 << 28  # per-frame groups of thousands of frames take some MB
MOST_INFLATED = 1 << 28
MOST_META = 1 << 10  # bytes in which the transfer syntax is named
GROUP_LENGTH_BYTES = 12  # the element (0002,0000) itself, before what it counts
DEFLATED = DeflatedExplicitVRLittleEndian.encode()
PIXELS = {0x7FE00010: "int", 0x7FE00008: "float", 0x7FE00009: "double"}
LONG_HEADERS = ("OB", "OW", "OF", "OD", "UN")  # 12 bytes before the value (PS3.5 section 7.1.2), else 8
UNDEFINED_LENGTH = 0xFFFFFFFF
FIRST_GROUPS = (0x0002, 0x0008)  # a file without DICOM's mark must begin with one of them
PERPENDICULAR = 1e-3

CT, MR, PET = "CT", "MR", "PT"
VOLUME_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.2": CT,
    "1.2.840.10008.5.1.4.1.1.2.1": CT,
    "1.2.840.10008.5.1.4.1.1.2.2": CT,
    "1.2.840.10008.5.1.4.1.1.4": MR,
    "1.2.840.10008.5.1.4.1.1.4.1": MR,
    "1.2.840.10008.5.1.4.1.1.4.4": MR,
    "1.2.840.10008.5.1.4.1.1.128": PET,
    "1.2.840.10008.5.1.4.1.1.128.1": PET,
    "1.2.840.10008.5.1.4.1.1.130": PET,
}
IDENTITY = ("PatientName", "PatientID", "OtherPatientIDs", "PatientBirthDate", "AccessionNumber")  # read to be struck out elsewhere
SHORTEST_NAME = 3  # letters; shorter ones are in too many words
SCREENSHOTS = "1.2.840.10008.5.1.4.1.1.7"  # secondary captures: a volume only if they carry a geometry
DIRECTORY = "1.2.840.10008.1.3.10"
# Classes with pixels that are no image of the patient, and what to call them.
NO_IMAGES = {
    "1.2.840.10008.5.1.4.1.1.66.4": "segmentation",
    "1.2.840.10008.5.1.4.1.1.66.7": "segmentation",
    "1.2.840.10008.5.1.4.1.1.30": "parametric map",
    "1.2.840.10008.5.1.4.1.1.481.2": "radiation dose",
}
NO_IMAGE_KINDS = {"SEG": "segmentation", "RTDOSE": "radiation dose", "RTSTRUCT": "contour set", "SR": "report", "PR": "display setting"}

# What may tell two images at one place from each other, and so is named to the user.
MARKS = (
    "AcquisitionNumber",
    "AcquisitionTime",
    "ContentTime",
    "EchoTime",
    "EchoNumbers",
    "TriggerTime",
    "InversionTime",
    "FlipAngle",
    "DiffusionBValue",
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    "NominalPercentageOfCardiacPhase",
    "ContrastBolusAgent",
    "KVP",
    "ConvolutionKernel",
    "ImageType",
    "FrameOfReferenceUID",
)
_GROUPS = {  # functional groups that hold what a plain slice has at its top (PS3.3 C.7.6.16)
    "ImagePositionPatient": "PlanePositionSequence",
    "ImageOrientationPatient": "PlaneOrientationSequence",
    "PixelSpacing": "PixelMeasuresSequence",
    "SliceThickness": "PixelMeasuresSequence",
    "RescaleSlope": "PixelValueTransformationSequence",
    "RescaleIntercept": "PixelValueTransformationSequence",
    "FrameAcquisitionNumber": "FrameContentSequence",
    "TemporalPositionIndex": "FrameContentSequence",
    "NominalPercentageOfCardiacPhase": "CardiacSynchronizationSequence",
    "EffectiveEchoTime": "MREchoSequence",
    "FlipAngle": "MRTimingAndRelatedParametersSequence",
    "RepetitionTime": "MRTimingAndRelatedParametersSequence",
    "InversionTimes": "MRModifierSequence",
    "DiffusionBValue": "MRDiffusionSequence",
    "KVP": "CTXRayDetailsSequence",
    "ConvolutionKernel": "CTReconstructionSequence",
    "FrameType": "MRImageFrameTypeSequence",
}
_OTHER_NAMES = {
    "AcquisitionNumber": "FrameAcquisitionNumber",
    "EchoTime": "EffectiveEchoTime",
    "InversionTime": "InversionTimes",
}
_READ = (
    *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "SeriesNumber", "InstanceNumber", "Rows", "Columns", "NumberOfFrames"),
    *("SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
    *("PixelPaddingValue", "PixelPaddingRangeLimit", "RescaleSlope", "RescaleIntercept", "ModalityLUTSequence"),
    *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "ContrastBolusAgentSequence"),
    *MARKS,
    *DICOM_TAGS,
    *IDENTITY,
)
_READ_TAGS = sorted({tag_for_keyword(keyword) for keyword in _READ})
_TAGS = {keyword: tag_for_keyword(keyword) for keyword in (*_READ, *_GROUPS, *_GROUPS.values(), *_OTHER_NAMES.values(), "CodeMeaning")}
_UNREADABLE = (
    AttributeError,
    BytesLengthException,
    EOFError,
    InvalidDicomError,
    KeyError,
    LookupError,
    NotImplementedError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)

# What pydicom would say about odd values goes nowhere: it could name a patient.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
logging.getLogger("pydicom").addHandler(logging.NullHandler())
logging.getLogger("pydicom").propagate = False
warnings.filterwarnings("ignore", module="pydicom")


@dataclass(frozen=True)
class PixelFormat:
    """How the numbers of a file are stored (PS3.5 section 8).

    Attributes:
        offset: bytes before the first pixel, or before the first item where the pixels are encapsulated.
        length: bytes of pixels, `UNDEFINED_LENGTH` where encapsulated.
        words: 8-bit pixels stand in words of 16 bits (OW), which matters where these are turned.
        padding: least and greatest stored number that is no tissue, or None.
    """

    syntax: UID
    little_endian: bool
    offset: int
    length: int
    samples: int
    photometric: str
    words: bool
    allocated: int
    stored: int
    high: int
    signed: bool
    padding: tuple[int, int] | None

    @property
    def encapsulated(self) -> bool:
        """Whether the pixels are compressed."""
        return self.length == UNDEFINED_LENGTH


@dataclass(frozen=True, eq=False)
class ImageFile:
    """What all frames of a file share; `derived_class`: no class that scanners make (a secondary capture)."""

    source: Source
    instance: str
    series: str
    number: str
    kind: str
    rows: int
    columns: int
    frame_count: int
    pixels: PixelFormat
    tags: dict[str, str]
    derived_class: bool


@dataclass(frozen=True, eq=False)
class Frame:
    """One slice: geometry in LPS mm, as the header states it; None where it does not.

    Attributes:
        spacing_mm: (2,) along i, j.
        directions: (2, 3) unit vectors along i, j.
        position: (3,) centre of the first voxel.
        marks: what tells it from other frames at the same place.
        broken: a sentence's end about a field that cannot be used, '' if there is none.
    """

    file: ImageFile
    index: int
    spacing_mm: np.ndarray | None
    directions: np.ndarray | None
    position: np.ndarray | None
    thickness_mm: float | None
    slope: float
    intercept: float
    marks: dict[str, str] = field(default_factory=dict)
    broken: str = ""


def looks_like_dicom(head: bytes) -> bool:
    """Whether the first bytes of a file carry DICOM's mark."""
    return head[MAGIC_OFFSET : MAGIC_OFFSET + len(MAGIC)] == MAGIC


def frames_of(source: Source, name: str) -> list[Frame] | str | None:
    """The frames of a file.

    Returns:
        its frames; what it is, in a word, where it is DICOM without an image; None where it is not DICOM at all.

    Raises:
        InputRefused: DICOM that is damaged.
    """
    head = source.head(HEAD_BYTES)
    marked = looks_like_dicom(head)
    if not marked and not (source.suffix in PLAIN_SUFFIXES and _begins_like_dicom(head)):
        return None
    damaged = InputRefused(f"{name} holds a damaged DICOM image.", "Copy or export the series again.")
    try:
        if DEFLATED in head[:MOST_META]:
            source = _inflated(source)
            head = source.head(HEAD_BYTES)
        header, start = _header(source, head)
        values = _Values(header)
        if start is None:
            return _without_pixels(values, header, damaged)
        if other := _rest(values.text("SOPClassUID"), values.text("Modality"), start):
            return other
        return list(_frames(_image_file(source, values, _pixel_format(values, header, start)), values))
    except _UNREADABLE as error:
        if marked:
            raise damaged from error
        return None


class _Values:
    """A data set by keyword; absent values cost nothing (pydicom's own way is 0.01 ms each, a third of reading a series)."""

    def __init__(self, data_set: Dataset) -> None:
        self._data_set = data_set
        self._tags = {int(tag): tag for tag in data_set.keys()}  # noqa: SIM118 - iterating itself would convert every element

    def __contains__(self, keyword: str) -> bool:
        return _TAGS[keyword] in self._tags

    def get(self, keyword: str) -> object:
        """Its value, None where it is absent. Raises one of `_UNREADABLE` where it makes no sense."""
        tag = self._tags.get(_TAGS[keyword])
        return None if tag is None else self._data_set[tag].value

    def first(self, keyword: str) -> _Values | None:
        """The first item of a sequence."""
        items = self.get(keyword)
        return _Values(items[0]) if items else None

    def whole(self, keyword: str, default: int) -> int:
        """A whole number, the default where it is absent or empty."""
        value = self.get(keyword)
        return default if value in (None, "") else int(value)

    def number(self, keyword: str) -> float | None:
        """A finite number, None for anything else."""
        try:
            value = self.get(keyword)
            if isinstance(value, bytes):  # of a type that depends on the sign, in a data set that states no types
                return float(int.from_bytes(value, "little"))
            return None if value in (None, "") or not math.isfinite(value) else float(value)
        except _UNREADABLE:
            return None

    def text(self, keyword: str) -> str:
        """A value as text, several joined by backslashes as the standard writes them; '?' where it is not to be read."""
        try:
            value = self.get(keyword)
        except _UNREADABLE:
            return "?"
        parts = value if isinstance(value, MultiValue) else [] if value is None else [value]
        return "\\".join(_plain(part) for part in parts)


def _plain(part: object) -> str:
    written = getattr(part, "original_string", None)  # of a number, as it stands in the file; of a name, bytes
    text = written if isinstance(written, str) else str(part)
    return text.encode("utf-8", "replace").decode("utf-8").strip("\0 ")


@dataclass(frozen=True)
class _PixelElement:
    kind: str
    words: bool
    offset: int
    length: int


def _inflated(source: Source) -> MemorySource:
    """A deflated data set (PS3.5 section A.5) as the explicit little-endian one that it holds, whose size is bounded."""
    content = source.head(source.size)
    meta = MAGIC_OFFSET + len(MAGIC) + GROUP_LENGTH_BYTES + int.from_bytes(content[140:144], "little")
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    plain = engine.decompress(content[meta:], MOST_INFLATED)
    if engine.unconsumed_tail:
        raise ValueError("inflates to more than a slice can hold")
    head = content[:meta].replace(DEFLATED, ExplicitVRLittleEndian.encode().ljust(len(DEFLATED), b"\0"))
    return MemorySource(head + plain, source.packed, source.suffix)


def _begins_like_dicom(head: bytes) -> bool:
    """Whether a file without DICOM's mark begins with an element of the first groups (data sets from before Part 10)."""
    return len(head) > 8 and any(head[:2] == group.to_bytes(2, order) for group in FIRST_GROUPS for order in ("little", "big"))


def _header(source: Source, head: bytes) -> tuple[Dataset, _PixelElement | None]:
    """The data set before the pixels, and where they are; the file's first part is enlarged until they come (None: never)."""
    count = HEAD_BYTES
    while True:
        header, start = _parsed(head)
        if start is not None or len(head) >= source.size or count >= LARGEST_HEADER:
            return header, start
        count *= 8
        head = source.head(min(count, source.size))


def _parsed(head: bytes) -> tuple[Dataset, _PixelElement | None]:
    found: list[_PixelElement] = []

    def reached(tag: int, vr: str | None, length: int) -> bool:
        if int(tag) not in PIXELS:
            return int(tag) > max(PIXELS)
        found.append(_PixelElement(PIXELS[int(tag)], vr != "OB", 12 if vr in LONG_HEADERS else 8, length))
        return True

    stream = BytesIO(head)
    header = read_partial(stream, stop_when=reached, force=True, specific_tags=_READ_TAGS)
    if not found:
        return header, None
    return header, replace(found[0], offset=stream.tell() + found[0].offset)


def _without_pixels(values: _Values, header: Dataset, damaged: InputRefused) -> str:
    """What a data set without pixels is; an image that lost them is damaged."""
    storage = values.text("SOPClassUID") or str(header.file_meta.get("MediaStorageSOPClassUID", ""))
    if storage in VOLUME_CLASSES or storage == SCREENSHOTS:
        raise damaged
    if storage == DIRECTORY:
        return "directory"
    return NO_IMAGE_KINDS.get(values.text("Modality"), "object without pixels")


def _rest(storage: str, modality: str, start: _PixelElement) -> str:
    """Why a data set with pixels is no image to be segmented, '' if it is one."""
    return NO_IMAGES.get(storage) or NO_IMAGE_KINDS.get(modality) or ("" if start.kind == "int" else "parametric map")


def _image_file(source: Source, values: _Values, pixels: PixelFormat) -> ImageFile:
    storage = values.text("SOPClassUID")
    kind = VOLUME_CLASSES.get(storage, "")
    return ImageFile(
        source=source,
        instance=values.text("SOPInstanceUID"),
        series=values.text("SeriesInstanceUID"),
        number=values.text("SeriesNumber"),
        kind=kind or values.text("Modality"),
        rows=values.whole("Rows", 0),
        columns=values.whole("Columns", 0),
        frame_count=values.whole("NumberOfFrames", 1),
        pixels=pixels,
        tags=_tags(values),
        derived_class=not kind,
    )


def _pixel_format(values: _Values, header: Dataset, start: _PixelElement) -> PixelFormat:
    allocated = values.whole("BitsAllocated", 0)
    stored = values.whole("BitsStored", allocated)
    signed = bool(values.whole("PixelRepresentation", 0))
    syntax = UID(str(header.file_meta.get("TransferSyntaxUID", "") or ""))
    return PixelFormat(
        syntax=syntax,
        little_endian=header.original_encoding[1] is not False,
        offset=start.offset,
        length=start.length,
        samples=values.whole("SamplesPerPixel", 1),
        photometric=values.text("PhotometricInterpretation"),
        words=start.words,
        allocated=allocated,
        stored=stored,
        high=values.whole("HighBit", stored - 1),
        signed=signed,
        padding=_padding(values, stored, signed),
    )


def _padding(values: _Values, stored: int, signed: bool) -> tuple[int, int] | None:
    """PixelPaddingValue up to its limit, as stored numbers: writers state it with or without its sign."""
    ends = [values.number(keyword) for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    if ends[0] is None:
        return None
    found = [_with_sign(int(end), stored, signed) for end in ends if end is not None]
    return min(found), max(found)


def _with_sign(value: int, stored: int, signed: bool) -> int:
    if signed and value >= 1 << (stored - 1):
        return value - (1 << max(stored, value.bit_length()))
    return value + (1 << stored) if not signed and value < 0 else value


def _frames(file: ImageFile, values: _Values) -> Iterator[Frame]:
    """As many as have a header of their own: the number that the file states is a claim, and costs nothing here."""
    groups = values.get("PerFrameFunctionalGroupsSequence") or []
    shared = values.first("SharedFunctionalGroupsSequence")
    if groups and len(groups) != file.frame_count:
        raise ValueError("frames and their functional groups differ in number")
    for index, own in enumerate([_Values(group) for group in groups] or [None]):
        places = [place for place in (own, shared) if place is not None]
        yield _frame(file, index, _Fields(places, values, alone=file.frame_count == 1 or bool(places)))


@dataclass(frozen=True)
class _Fields:
    """Attributes of one frame: from its own functional groups, the shared ones, or the data set (for its only frame)."""

    places: list[_Values]
    header: _Values
    alone: bool

    def holder(self, keyword: str) -> _Values | None:
        """What states it."""
        for place in self.places if keyword in _GROUPS else ():
            item = place.first(_GROUPS[keyword])
            if item is not None and keyword in item:
                return item
        return self.header if self.alone and keyword in self.header else None

    def numbers(self, keyword: str, count: int) -> np.ndarray | None:
        """That many finite numbers; None where it is absent or anything else."""
        holder = self.holder(keyword)
        if holder is None:
            return None
        try:
            found = np.atleast_1d(np.array(holder.get(keyword), dtype=np.float64))
        except _UNREADABLE:
            return None
        return found if found.shape == (count,) and np.isfinite(found).all() else None

    def text(self, keyword: str) -> str:
        """Its value as text, '' where it is absent."""
        for name in (keyword, _OTHER_NAMES.get(keyword)):
            holder = self.holder(name) if name else None
            if holder is not None and (text := holder.text(name)):
                return text
        return ""


def _frame(file: ImageFile, index: int, fields: _Fields) -> Frame:
    spacing = fields.numbers("PixelSpacing", 2)
    directions = fields.numbers("ImageOrientationPatient", 6)
    thickness = fields.numbers("SliceThickness", 1)
    slope, intercept, broken = _scaling(fields)
    return Frame(
        file=file,
        index=index,
        spacing_mm=spacing[::-1].copy() if spacing is not None and spacing.min() > 0 else None,  # stated as rows, columns
        directions=_unit_vectors(directions),
        position=fields.numbers("ImagePositionPatient", 3),
        thickness_mm=float(thickness[0]) if thickness is not None and thickness[0] > 0 else None,
        slope=slope,
        intercept=intercept,
        marks={keyword: text for keyword in MARKS if (text := fields.text(keyword))},
        broken=broken,
    )


def _unit_vectors(directions: np.ndarray | None) -> np.ndarray | None:
    if directions is None:
        return None
    pair = directions.reshape(2, 3)
    if np.abs(pair @ pair.T - np.eye(2)).max() > PERPENDICULAR:
        return None
    return pair


def _scaling(fields: _Fields) -> tuple[float, float, str]:
    """Slope, intercept, and what is wrong with them."""
    found = []
    for keyword, default in (("RescaleSlope", 1.0), ("RescaleIntercept", 0.0)):
        value = fields.numbers(keyword, 1)
        if value is None and fields.text(keyword):
            return 1.0, 0.0, f"a {keyword} that is no number"
        found.append(default if value is None else float(value[0]))
    if found[0] == 0:
        return 1.0, 0.0, "a RescaleSlope of 0"
    if fields.holder("ModalityLUTSequence") is not None:
        return 1.0, 0.0, "a table of values (ModalityLUTSequence) instead of a slope and intercept"
    return found[0], found[1], ""


def _tags(values: _Values) -> dict[str, str]:
    """The tags of the sequence; a patient's name or number that somebody wrote into them is struck out."""
    words = {word for keyword in IDENTITY for word in re.split(r"\W+", values.text(keyword)) if len(word) >= SHORTEST_NAME}
    told = re.compile("|".join(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])" for word in sorted(words)) or r"(?!)", re.IGNORECASE)
    return {keyword: told.sub("...", text) for keyword in DICOM_TAGS if (text := _tag(values, keyword))}


def _tag(values: _Values, keyword: str) -> str:
    """A tag of the sequence, also from the functional groups of the first frame and of the agent."""
    if keyword == "ContrastBolusAgent" and (agent := values.first("ContrastBolusAgentSequence")):
        return agent.text("CodeMeaning") or "agent"
    places = [place for kind in ("PerFrame", "Shared") if (place := values.first(f"{kind}FunctionalGroupsSequence"))]
    return _Fields(places, values, alone=True).text(keyword)
