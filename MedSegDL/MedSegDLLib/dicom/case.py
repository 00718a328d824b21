"""One result with its source, as all its DICOM objects need it: numbers, tracking, what segmented, references to the source."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from pydicom.dataset import Dataset
from pydicom.uid import UID, generate_uid

from .. import __version__
from ..geometry.image import Image
from ..io.formats import DICOM_CAPTURE, DICOM_REPORT, DICOM_RESULTS, DICOM_SEGMENTATION
from ..result import Result
from .origin import Origin, Plane, axes_of, header_of, in_unicode

MANUFACTURER = "MedSegDL"  # type 1 in a SEG (Enhanced General Equipment)
AUTOMATIC, SEMIAUTOMATIC, MANUAL = "AUTOMATIC", "SEMIAUTOMATIC", "MANUAL"  # Segment Algorithm Type (0062,0008)
SERIAL_NUMBER = "none"  # the same; software has none
SLICE_CLASSES = {"MR": "1.2.840.10008.5.1.4.1.1.4", "PT": "1.2.840.10008.5.1.4.1.1.128"}
CT_SLICE = "1.2.840.10008.5.1.4.1.1.2"
SERIES_TITLES = {DICOM_SEGMENTATION: "segments", DICOM_REPORT: "measurements", DICOM_CAPTURE: "overlay"}
FIRST_SERIES = 9000  # for a source without a number
LONGEST_TEXT = 64  # letters of an LO
LARGEST_NUMBER = 2**31 - 1  # of an IS
SERIES_STEP = 100  # source 4 -> 401, 402, 403: beside it in every list

# highdicom warns of names that it finds odd, and names them.
logging.getLogger("highdicom").addHandler(logging.NullHandler())
logging.getLogger("highdicom").propagate = False


@dataclass(frozen=True)
class Measures:
    """What the report says of one region, beside its volume (mL): connected parts, and the longest diameter of one (mm; None: no part)."""

    volume_ml: float
    parts: int
    longest_mm: float | None


class Case:
    """One result with its source, and the numbers under which it is filed.

    Args:
        result: masks on the grid of `image`.
        image: the reference that lent the grid.
        origin: where `image` came from.
        measures: region key -> Measures.
        algorithms: region key -> how it was made (PS3.3 C.8.20.2), where that is not 'AUTOMATIC'.

    Raises:
        InputRefused: the source states too little to be referred to.
    """

    def __init__(
        self,
        result: Result,
        image: Image,
        origin: Origin,
        measures: Mapping[str, Measures],
        algorithms: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.algorithms = algorithms
        self.result, self.image, self.origin, self.measures = result, image, origin, measures
        header = header_of(origin, image.name)
        self.header = header if all(text.isascii() for text in self._texts()) else in_unicode(header)
        self.tracking = {segment.region.key: generate_uid() for segment in result.segments}
        self.instances = {name: generate_uid() for name in DICOM_RESULTS}
        self.series = {name: generate_uid() for name in DICOM_RESULTS}

    def _texts(self) -> Iterator[str]:
        """What the objects say in words of the task's, or of whoever named its weights or drew a segment."""
        yield from (str(part) for part in self.algorithm["parameters"].values())
        for segment in self.result.segments:
            region = segment.region
            yield region.label
            yield from (code.meaning for code in (region.category, region.type, region.anatomy) if code is not None)

    @cached_property
    def series_numbers(self) -> dict[str, int]:
        """File name -> SeriesNumber, next to the source's."""
        try:
            first = int(self.origin.frames[0].file.number) * SERIES_STEP
        except ValueError:
            first = FIRST_SERIES
        if not 0 < first <= LARGEST_NUMBER - SERIES_STEP:
            first = FIRST_SERIES
        return {name: first + place for place, name in enumerate(DICOM_RESULTS, start=1)}

    def numbers(self, name: str) -> dict[str, object]:
        """What every object states of itself."""
        return {
            "series_instance_uid": self.series[name],
            "series_number": self.series_numbers[name],
            "sop_instance_uid": self.instances[name],
            "instance_number": 1,
            "manufacturer": MANUFACTURER,
            "series_description": short(f"MedSegDL {self.result.task.key}: {SERIES_TITLES[name]}"),
        }

    @property
    def algorithm(self) -> dict[str, object]:
        """Name, version and parameters of what segmented: its weights by their hash."""
        record = self.result.record
        weights = record.get("weights", {})
        parameters = {"weights": weights.get("file", ""), "weights SHA-256": weights.get("sha256", "")}
        return {
            "name": short(f"MedSegDL {self.result.task.key}"),
            "version": __version__,
            "parameters": {key: str(value) for key, value in parameters.items() if value},
        }

    def made_by(self, key: str) -> str:
        """How a region was made: 'AUTOMATIC', 'SEMIAUTOMATIC' where a reader corrected it, 'MANUAL' where one drew it."""
        return self.algorithms.get(key, AUTOMATIC)

    def tracking_id(self, key: str) -> str:
        """A name for the region that SEG and SR share."""
        return f"MedSegDL {self.result.task.key} {key}"

    def stand_in(self, plane: Plane) -> Dataset:
        """A slice of the source as far as highdicom looks at it: as a plain one, without whose it is.

        It has a UID of its own, which no result refers to: frames of one file would share theirs, and highdicom takes positions by UID.
        """
        frame = plane.frame
        made = Dataset()
        made.SOPClassUID = SLICE_CLASSES.get(frame.file.kind, CT_SLICE)
        made.SOPInstanceUID = generate_uid()
        made.StudyInstanceUID, made.SeriesInstanceUID = self.header.StudyInstanceUID, frame.file.series
        made.FrameOfReferenceUID = self.header.FrameOfReferenceUID
        made.Modality, made.Rows, made.Columns = frame.file.kind, *self.result.grid.shape[1:]
        made.ImageOrientationPatient, made.PixelSpacing, made.SliceThickness = axes_of(self.result.grid.affine)
        made.ImagePositionPatient = plane.position.tolist()
        made.PatientID = made.PatientName = made.PatientBirthDate = made.PatientSex = None
        made.StudyDate = made.StudyTime = made.StudyID = made.AccessionNumber = made.ReferringPhysicianName = None
        return made


def short(text: str) -> str:
    """A text as an LO takes it (PS3.5 section 6.2): a backslash would part it, and what is longer is cut."""
    return text.replace("\\", "/")[:LONGEST_TEXT].strip()


def reference_to(plane: Plane) -> Dataset:
    """SOP class and instance of a slice's original, and its frame where the file holds several."""
    made = Dataset()
    made.ReferencedSOPClassUID = UID(plane.frame.file.storage)
    made.ReferencedSOPInstanceUID = UID(plane.frame.file.instance)
    if plane.frame.file.frame_count > 1:
        made.ReferencedFrameNumber = plane.frame.index + 1
    return made
