"""DICOM headers as frames: where each lies, how its numbers are scaled, what tells it from its neighbours. Parsed by pydicom.

Patient data may not leave this room: of the tags only those in `DICOM_TAGS`, `MARKS` and `BESIDE` do, less the words of `identity`.
Attribute names are the standard's (PS3.6).
Rules, one a field that geometry or intensities rest on:

| field | rule |
|---|---|
| PixelSpacing | two numbers > 0 a frame, else refused; ImagerPixelSpacing is the detector's and never stands in |
| ImageOrientationPatient | two perpendicular unit vectors a frame, else refused |
| ImagePositionPatient | three numbers a frame, else refused; slices are ordered by it, never by InstanceNumber or name |
| SliceThickness | not used: the positions tell the distance (a slice alone: its thickness, else 1 mm and a note) |
| RescaleSlope, RescaleIntercept | applied a frame; absent is 1 and 0; absent in some slices alone, no number, or slope 0, is refused |
| ModalityLUTSequence | refused: its numbers are not linear in what was measured |
| PhotometricInterpretation | how it is displayed: MONOCHROME1 changes no number; colours are refused |
| BitsStored, HighBit, PixelRepresentation | bits outside (old overlays) are cut off, the sign is extended |
| PixelPaddingValue | no tissue: in a CT what lies below -1024 HU so becomes -1024, with a note |
| what headers say again in other words | compared with what counts, a finding where it differs: `RULES` in `agreement` |
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UID

from ..errors import InputRefused
from ..geometry.image import DICOM_TAGS
from .classes import DIRECTORY, NO_IMAGE_KINDS, NO_IMAGES, SCREENSHOTS, VOLUME_CLASSES
from .header import (
    DEFLATED,
    HEAD_BYTES,
    MOST_META,
    UNDEFINED_LENGTH,
    PixelElement,
    begins_like_dicom,
    header_of,
    inflated,
    looks_like_dicom,
    plain_suffix,
)
from .identity import striker
from .source import ZIP_MAGIC, ZIP_SUFFIX, Source
from .values import BESIDE, MARKS, UNREADABLE, Fields, Values

PERPENDICULAR = 1e-3
ZIP = "zip file"  # within what was given; it is named, and not looked into
WRITTEN_BY_HAND = ("ContrastBolusAgent", "ConvolutionKernel", "ImageType", "FrameType")  # of `MARKS`; the others are numbers, times, UIDs


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
    """What all frames of a file share.

    Attributes:
        storage: its SOP class.
        derived_class: no class that scanners make (a secondary capture).
        patient: a hash of PatientID, '' without one: slices of two patients are never one volume.
        strike: takes the patient out of a text.
    """

    source: Source
    storage: str
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
    patient: str
    strike: Callable[[str], str]


@dataclass(frozen=True, eq=False)
class Frame:
    """One slice: geometry in LPS mm, as the header states it; None where it does not.

    Attributes:
        spacing_mm: (2,) along i, j.
        directions: (2, 3) unit vectors along i, j.
        position: (3,) centre of the first voxel.
        marks: what tells it from other frames at the same place.
        beside: what the header says again in other words.
        scaled: whether slope and intercept are stated.
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
    scaled: tuple[bool, ...]
    marks: dict[str, str] = field(default_factory=dict)
    beside: dict[str, str] = field(default_factory=dict)
    broken: str = ""


def frames_of(source: Source, name: str) -> list[Frame] | str | None:
    """The frames of a file.

    Returns:
        its frames; what it is, in a word, where it is DICOM without an image; None where it is not DICOM at all.

    Raises:
        InputRefused: DICOM that is damaged.
    """
    head = source.head(HEAD_BYTES)
    marked = looks_like_dicom(head)
    if not marked and not (plain_suffix(source.suffix) and begins_like_dicom(head)):
        return ZIP if source.suffix == ZIP_SUFFIX and head.startswith(ZIP_MAGIC) else None
    damaged = InputRefused(f"{name} holds a damaged DICOM image.", "Copy or export the series again.")
    try:
        if DEFLATED in head[:MOST_META]:
            source = inflated(source)
            head = source.head(HEAD_BYTES)
        header, start = header_of(source, head)
        values = Values(header)
        if start is None:
            return _without_pixels(values, header, damaged)
        storage = _storage(values, header)
        if other := _rest(storage, values.text("Modality"), start):
            return other
        return list(_frames(_image_file(source, storage, values, _pixel_format(values, header, start)), values))
    except UNREADABLE as error:
        if marked:
            raise damaged from error
        return None


def _storage(values: Values, header: Dataset) -> str:
    """The SOP class, also where only the file's meta information names it; '' where nothing does."""
    return values.text("SOPClassUID") or str(header.file_meta.get("MediaStorageSOPClassUID", "") or "")


def _without_pixels(values: Values, header: Dataset, damaged: InputRefused) -> str:
    """What a data set without pixels is; an image that lost them is damaged."""
    storage = _storage(values, header)
    if storage in VOLUME_CLASSES or storage == SCREENSHOTS:
        raise damaged
    if storage == DIRECTORY:
        return "directory"
    return NO_IMAGE_KINDS.get(values.text("Modality"), "object without pixels")


def _rest(storage: str, modality: str, start: PixelElement) -> str:
    """Why a data set with pixels is no image to be segmented, '' if it is one."""
    return NO_IMAGES.get(storage) or NO_IMAGE_KINDS.get(modality) or ("" if start.kind == "int" else "parametric map")


def _image_file(source: Source, storage: str, values: Values, pixels: PixelFormat) -> ImageFile:
    strike, modality = striker(values), values.text("Modality")
    kind = VOLUME_CLASSES.get(storage, "")
    if not storage and modality in VOLUME_CLASSES.values():  # some anonymisers take the class out
        kind = modality
    return ImageFile(
        source=source,
        storage=storage,
        instance=values.text("SOPInstanceUID"),
        series=values.text("SeriesInstanceUID"),
        number=values.text("SeriesNumber"),
        kind=kind or strike(modality),
        rows=values.whole("Rows", 0),
        columns=values.whole("Columns", 0),
        frame_count=values.whole("NumberOfFrames", 1),
        pixels=pixels,
        tags={**({"Modality": kind} if kind else {}), **{key: strike(text) for key in DICOM_TAGS if (text := _tag(values, key))}},
        derived_class=not kind,
        patient=hashlib.sha256(number.encode()).hexdigest() if (number := values.text("PatientID")) else "",
        strike=strike,
    )


def _pixel_format(values: Values, header: Dataset, start: PixelElement) -> PixelFormat:
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


def _padding(values: Values, stored: int, signed: bool) -> tuple[int, int] | None:
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


def _frames(file: ImageFile, values: Values) -> Iterator[Frame]:
    """As many as have a header of their own: the number that the file states is a claim, and costs nothing here."""
    groups = values.get("PerFrameFunctionalGroupsSequence") or []
    shared = values.first("SharedFunctionalGroupsSequence")
    if groups and len(groups) != file.frame_count:
        raise ValueError("frames and their functional groups differ in number")
    for index, own in enumerate([Values(group) for group in groups] or [None]):
        places = [place for place in (own, shared) if place is not None] if groups or file.frame_count == 1 else []
        yield _frame(file, index, Fields(places, values, alone=file.frame_count == 1 or bool(places)))


def _frame(file: ImageFile, index: int, fields: Fields) -> Frame:
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
        scaled=tuple(bool(fields.text(keyword)) for keyword in ("RescaleSlope", "RescaleIntercept")),
        marks={keyword: file.strike(text) if keyword in WRITTEN_BY_HAND else text for keyword in MARKS if (text := fields.text(keyword))},
        beside={keyword: file.strike(text) for keyword in BESIDE if (text := fields.text(keyword))},
        broken=broken,
    )


def _unit_vectors(directions: np.ndarray | None) -> np.ndarray | None:
    if directions is None:
        return None
    pair = directions.reshape(2, 3)
    if np.abs(pair @ pair.T - np.eye(2)).max() > PERPENDICULAR:
        return None
    return pair


def _scaling(fields: Fields) -> tuple[float, float, str]:
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


def _tag(values: Values, keyword: str) -> str:
    """A tag of the sequence, also from the functional groups of the first frame and of the agent."""
    if keyword == "ContrastBolusAgent" and (agent := values.first("ContrastBolusAgentSequence")):
        return agent.text("CodeMeaning") or "agent"
    places = [place for kind in ("PerFrame", "Shared") if (place := values.first(f"{kind}FunctionalGroupsSequence"))]
    return Fields(places, values, alone=True).text(keyword)
