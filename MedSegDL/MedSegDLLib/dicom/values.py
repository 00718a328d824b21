"""Attributes of a DICOM data set by keyword, and of one frame: from its functional groups, the shared ones, or the data set.

Attribute names are the standard's (PS3.6). What makes no sense is None or '?', never an exception's business of the caller.
"""

from __future__ import annotations

import logging
import math
import struct
import warnings
import zlib
from dataclasses import dataclass

import numpy as np
import pydicom
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.multival import MultiValue

from ..geometry.image import DICOM_TAGS

IDENTITY = (  # read to be struck out elsewhere
    *("PatientName", "PatientID", "OtherPatientIDs", "OtherPatientNames", "PatientBirthName", "PatientMotherBirthName", "PatientBirthDate"),
    *("PatientAddress", "PatientTelephoneNumbers", "MedicalRecordLocator", "ResponsiblePerson", "AccessionNumber"),
)
# What may tell two images at one place from each other, and so is named to the user.
MARKS = (
    "AcquisitionNumber",
    "AcquisitionTime",
    "ContentTime",
    "EchoTime",
    "EchoNumbers",
    "FrameReferenceDateTime",
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
    "FrameType",
    "ComplexImageComponent",
    "FrameOfReferenceUID",
    "PatientPosition",
)
# What `agreement` compares with the fields that count.
BESIDE = (
    *("PatientOrientation", "PatientPosition", "SpacingBetweenSlices", "ReconstructionDiameter", "GantryDetectorTilt"),
    *("Modality", "RescaleType", "LossyImageCompression"),
)
_GROUPS = {  # functional groups that hold what a plain slice has at its top (PS3.3 C.7.6.16)
    "ImagePositionPatient": "PlanePositionSequence",
    "ImageOrientationPatient": "PlaneOrientationSequence",
    "PixelSpacing": "PixelMeasuresSequence",
    "SliceThickness": "PixelMeasuresSequence",
    "SpacingBetweenSlices": "PixelMeasuresSequence",
    "ReconstructionDiameter": "CTReconstructionSequence",
    "GantryDetectorTilt": "CTGeometrySequence",
    "RescaleType": "PixelValueTransformationSequence",
    "RescaleSlope": "PixelValueTransformationSequence",
    "RescaleIntercept": "PixelValueTransformationSequence",
    "FrameAcquisitionNumber": "FrameContentSequence",
    "FrameReferenceDateTime": "FrameContentSequence",
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
    "ComplexImageComponent": "MRImageFrameTypeSequence",
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
    *BESIDE,
    *DICOM_TAGS,
    *IDENTITY,
)
READ_TAGS = sorted({tag_for_keyword(keyword) for keyword in _READ})
_TAGS = {keyword: tag_for_keyword(keyword) for keyword in (*_READ, *_GROUPS, *_GROUPS.values(), *_OTHER_NAMES.values(), "CodeMeaning")}
UNREADABLE = (
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


class Values:
    """A data set by keyword; absent values cost nothing (pydicom's own way is 0.01 ms each, a third of reading a series)."""

    def __init__(self, data_set: Dataset) -> None:
        self._data_set = data_set
        self._tags = {int(tag): tag for tag in data_set.keys()}  # noqa: SIM118 - iterating itself would convert every element

    def __contains__(self, keyword: str) -> bool:
        return _TAGS[keyword] in self._tags

    def get(self, keyword: str) -> object:
        """Its value, None where it is absent. Raises one of `UNREADABLE` where it makes no sense."""
        tag = self._tags.get(_TAGS[keyword])
        return None if tag is None else self._data_set[tag].value

    def first(self, keyword: str) -> Values | None:
        """The first item of a sequence."""
        items = self.get(keyword)
        return Values(items[0]) if items else None

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
        except UNREADABLE:
            return None

    def text(self, keyword: str) -> str:
        """A value as text, several joined by backslashes as the standard writes them; '?' where it is not to be read."""
        try:
            value = self.get(keyword)
        except UNREADABLE:
            return "?"
        parts = value if isinstance(value, MultiValue) else [] if value is None else [value]
        return "\\".join(_plain(part) for part in parts)


def _plain(part: object) -> str:
    written = getattr(part, "original_string", None)  # of a number, as it stands in the file; of a name, bytes
    text = written if isinstance(written, str) else str(part)
    return text.encode("utf-8", "replace").decode("utf-8").strip("\0 ")


@dataclass(frozen=True)
class Fields:
    """Attributes of one frame: from its own functional groups, the shared ones, or the data set (for its only frame)."""

    places: list[Values]
    header: Values
    alone: bool

    def holder(self, keyword: str) -> Values | None:
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
        except UNREADABLE:
            return None
        return found if found.shape == (count,) and np.isfinite(found).all() else None

    def text(self, keyword: str) -> str:
        """Its value as text, '' where it is absent."""
        for name in (keyword, _OTHER_NAMES.get(keyword)):
            holder = self.holder(name) if name else None
            if holder is not None and (text := holder.text(name)):
                return text
        return ""
