"""What a volume from DICOM keeps of where it came from, so that a result can be filed beside it: header, instances, positions.

This is the only thing that carries a patient's identity out of the reading rooms. It goes into DICOM results and nowhere else: no log, no
report, no message, no file name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from ..errors import InputRefused
from ..geometry.image import LPS_FROM_RAS, Image
from .frames import Frame
from .series import Volume
from .values import UNREADABLE

# Patient, General Study, Patient Study and Clinical Trial modules (PS3.3 C.7.1, C.7.2), and how their text is written.
INHERITED = (
    *(
        "SpecificCharacterSet",
        "TimezoneOffsetFromUTC",
        "PatientName",
        "PatientID",
        "IssuerOfPatientID",
        "IssuerOfPatientIDQualifiersSequence",
    ),
    *("OtherPatientIDs", "OtherPatientIDsSequence", "OtherPatientNames", "PatientBirthDate", "PatientBirthTime", "PatientSex"),
    *("EthnicGroup", "PatientComments", "PatientSpeciesDescription", "PatientSpeciesCodeSequence", "PatientBreedDescription"),
    *("PatientBreedCodeSequence", "BreedRegistrationSequence", "ResponsiblePerson", "ResponsiblePersonRole", "ResponsibleOrganization"),
    *("PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence", "QualityControlSubject"),
    *("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber", "IssuerOfAccessionNumberSequence"),
    *("ReferringPhysicianName", "PhysiciansOfRecord", "NameOfPhysiciansReadingStudy", "ProcedureCodeSequence", "ReferencedStudySequence"),
    *("PatientAge", "PatientSize", "PatientWeight", "PatientSexNeutered", "Occupation", "AdditionalPatientHistory", "MedicalAlerts"),
    *("Allergies", "PregnancyStatus", "AdmittingDiagnosesDescription", "AdmittingDiagnosesCodeSequence"),
    *("ClinicalTrialSponsorName", "ClinicalTrialProtocolID", "ClinicalTrialProtocolName", "ClinicalTrialSiteID", "ClinicalTrialSiteName"),
    *("ClinicalTrialSubjectID", "ClinicalTrialSubjectReadingID", "ClinicalTrialTimePointID", "ClinicalTrialTimePointDescription"),
)
SHARED_SPACE = ("FrameOfReferenceUID", "PositionReferenceIndicator")
NEEDED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID", "SOPInstanceUID")
FRAME_OF_REFERENCE = "FrameOfReferenceUID"
CHARACTERS, UTF_8 = "SpecificCharacterSet", "ISO_IR 192"
NOT_FILED = "Export the series again with all its tags, or leave out --dicom."


@dataclass(frozen=True, eq=False)
class Plane:
    """One slice of the volume: where it lies, and what it was taken from.

    Attributes:
        position: (3,) LPS mm of the first voxel's centre, on the volume's own grid.
        frame: None where it was filled in between others.
        moved: the voxels are not the frame's own, but resampled within its plane.
    """

    position: np.ndarray
    frame: Frame | None
    moved: bool = False


@dataclass(frozen=True, eq=False)
class Origin:
    """Where a volume came from.

    Attributes:
        header: the first slice's file up to its pixels, as bytes.
        planes: one a slice of the volume, in its order.
    """

    header: bytes = field(repr=False)
    planes: Sequence[Plane] = field(repr=False)

    @property
    def frames(self) -> list[Frame]:
        """The frames that the volume was made from."""
        return [plane.frame for plane in self.planes if plane.frame is not None]


@dataclass(frozen=True)
class Reading:
    """What a path gave.

    Attributes:
        image: the volume or picture.
        origin: None where it was no DICOM.
        time_points: of which one was taken.
    """

    image: Image
    origin: Origin | None = None
    time_points: int = 1


def origin_of(volume: Volume) -> Origin:
    """What to keep of a volume's files while they are open. Raises OSError."""
    first, moved = volume.frames[0].file, volume.shifts is not None
    frames = dict(zip(volume.places, volume.frames, strict=True))
    lps = LPS_FROM_RAS @ volume.affine
    planes = []
    for k in range(volume.places[-1] + 1):
        frame = frames.get(k)
        own = frame is not None and not moved
        planes.append(Plane(frame.position if own else (lps @ [0, 0, k, 1])[:3], frame, moved))
    return Origin(first.source.head(first.pixels.offset), planes)


def lacks_frame_of_reference(origin: Origin) -> bool:
    """Whether a result must name a frame of reference that its source does not."""
    return not _states_frame_of_reference(_parsed(origin))


def _parsed(origin: Origin) -> Dataset:
    return pydicom.dcmread(BytesIO(origin.header), stop_before_pixels=True, force=True)


def header_of(origin: Origin, name: str) -> Dataset:
    """The whole header of the volume's first file.

    Where it states no frame of reference it gets one of its own, always the same for a series: displays match the result by its instances.

    Raises:
        InputRefused: what a result must refer to is not there.
    """
    try:
        header = _parsed(origin)
        header.SOPClassUID = header.get("SOPClassUID") or header.file_meta.get("MediaStorageSOPClassUID", "")
        missing = [keyword for keyword in NEEDED if not str(header.get(keyword, "") or "").strip()]
    except UNREADABLE as error:
        raise InputRefused(f"{name} has a header that cannot be carried over to a DICOM result.", NOT_FILED) from error
    if missing:
        raise InputRefused(f"{name} states no {' and no '.join(missing)}: a DICOM result could not refer to it.", NOT_FILED)
    _refuse_doubtful_instances(origin, name)
    if CHARACTERS in header and not header[CHARACTERS].value:
        del header[CHARACTERS]
    if not _states_frame_of_reference(header):
        header.FrameOfReferenceUID = generate_uid(entropy_srcs=[str(header.SeriesInstanceUID)])
    return header


def _refuse_doubtful_instances(origin: Origin, name: str) -> None:
    """Raise InputRefused where a file of the volume cannot be told from another one by its SOPInstanceUID."""
    files = {id(frame.file): frame.file for frame in origin.frames}
    instances = [file.instance for file in files.values()]
    if not all(instances):
        raise InputRefused(f"{name} has slices without a SOPInstanceUID: a DICOM result could not refer to them.", NOT_FILED)
    if len(set(instances)) < len(instances):
        raise InputRefused(f"{name} has several slices of one SOPInstanceUID: a DICOM result could not tell them apart.", NOT_FILED)


def in_unicode(header: Dataset) -> Dataset:
    """The same header, its texts to be written in UTF-8: for results with letters that the source's character set may not have."""
    header.decode()
    header.SpecificCharacterSet = UTF_8
    return header


def _states_frame_of_reference(header: Dataset) -> bool:
    return bool(str(header.get(FRAME_OF_REFERENCE, "") or "").strip())


def inherit(made: Dataset, header: Dataset, keywords: Sequence[str] = INHERITED) -> None:
    """Carry attributes over as they stand in the source; what it lacks stays as it is."""
    for keyword in keywords:
        if keyword in header:
            made[keyword] = header[keyword]


def axes_of(affine: np.ndarray) -> tuple[list[float], list[float], float]:
    """ImageOrientationPatient, PixelSpacing (rows, columns) and the distance of the slices, of an affine in RAS."""
    columns = (LPS_FROM_RAS @ affine)[:3, :3]
    spacing = np.linalg.norm(columns, axis=0)
    return (columns / spacing)[:, :2].T.ravel().tolist(), [float(spacing[1]), float(spacing[0])], float(spacing[2])
