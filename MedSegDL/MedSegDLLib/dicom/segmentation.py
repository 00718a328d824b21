"""The segments as a BINARY DICOM SEG: they may overlap, each with codes, colour and what made it, slice by slice on its source."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from highdicom.color import CIELabColor
from highdicom.content import AlgorithmIdentificationSequence, PixelMeasuresSequence, PlaneOrientationSequence, PlanePositionSequence
from highdicom.enum import CoordinateSystemNames
from highdicom.seg import Segmentation, SegmentDescription
from highdicom.seg.enum import SegmentAlgorithmTypeValues, SegmentationTypeValues
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code as DicomCode
from pydicom.uid import ExplicitVRLittleEndian

from .. import __version__
from ..io.formats import DICOM_SEGMENTATION
from ..result import Segment
from ..tasks import Code
from .case import MANUAL, SERIAL_NUMBER, Case, reference_to, short
from .origin import INHERITED, SHARED_SPACE, Plane, axes_of, inherit

NOTICE = "Research software, not a medical device"
CONTENT_LABEL = "MEDSEGDL"
DERIVED = (codes.DCM.SegmentationImageDerivation, codes.DCM.SourceImageForImageProcessingOperation)


def segmentation(case: Case) -> Segmentation:
    """The SEG of a case: on the source's own slices, those without any segment left out."""
    shown = _slices(case)
    planes = [case.origin.planes[place] for place in shown]
    orientation, pixel_spacing, step_mm = axes_of(case.result.grid.affine)
    made = Segmentation(
        source_images=[case.stand_in(plane) for plane in case.origin.planes if plane.frame is not None],
        pixel_array=np.stack([segment.mask[shown] != 0 for segment in case.result.segments], axis=-1),
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[_described(case, number, segment) for number, segment in enumerate(case.result.segments, start=1)],
        manufacturer_model_name="MedSegDL",
        software_versions=__version__,
        device_serial_number=SERIAL_NUMBER,
        content_label=CONTENT_LABEL,
        content_description=NOTICE,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        pixel_measures=PixelMeasuresSequence(pixel_spacing, _thickness_mm(planes, step_mm), step_mm),
        plane_orientation=PlaneOrientationSequence(CoordinateSystemNames.PATIENT, orientation),
        plane_positions=[PlanePositionSequence(CoordinateSystemNames.PATIENT, plane.position.tolist()) for plane in planes],
        **case.numbers(DICOM_SEGMENTATION),
    )
    _refer(made, case)
    inherit(made, case.header, (*INHERITED, *SHARED_SPACE))
    return made


def coded(code: Code) -> DicomCode:
    """A task's code as pydicom's."""
    return DicomCode(code.value, code.scheme, code.meaning)


def _slices(case: Case) -> list[int]:
    """Those with any segment, the middle one where there are none: a SEG has at least a frame."""
    some = [segment.mask.any(axis=(1, 2)) for segment in case.result.segments]
    return np.flatnonzero(np.any(some, axis=0)).tolist() or [case.result.grid.shape[0] // 2]


def _thickness_mm(planes: Sequence[Plane], step_mm: float) -> float:
    stated = next((plane.frame.thickness_mm for plane in planes if plane.frame is not None), None)
    return stated or step_mm


def _described(case: Case, number: int, segment: Segment) -> SegmentDescription:
    region, made_by = segment.region, case.algorithm
    kind = case.made_by(region.key)
    return SegmentDescription(
        segment_number=number,
        segment_label=short(region.label),
        segmented_property_category=coded(region.category),
        segmented_property_type=coded(region.type),
        algorithm_type=SegmentAlgorithmTypeValues(kind),
        algorithm_identification=None
        if kind == MANUAL
        else AlgorithmIdentificationSequence(
            made_by["name"], codes.DCM.ArtificialIntelligence, made_by["version"], parameters=made_by["parameters"]
        ),
        tracking_uid=case.tracking[region.key],
        tracking_id=case.tracking_id(region.key),
        anatomic_regions=[coded(region.anatomy)] if region.anatomy else None,
        display_color=CIELabColor.from_rgb(*(255 * part for part in region.color)),
    )


def _refer(made: Segmentation, case: Case) -> None:
    """References to the original instances, frame by frame: highdicom was shown stand-ins of them."""
    series = Dataset()
    series.SeriesInstanceUID = case.header.SeriesInstanceUID
    originals = {plane.frame.file.instance: plane for plane in case.origin.planes if plane.frame is not None}
    series.ReferencedInstanceSequence = [_whole(plane) for plane in originals.values()]
    made.ReferencedSeriesSequence = [series]
    made.SourceImageSequence = [_source(plane, _whole(plane)) for plane in originals.values()]
    by_place = {tuple(np.round(plane.position, 4)): plane for plane in case.origin.planes}
    for group in made.PerFrameFunctionalGroupsSequence:
        plane = by_place[tuple(np.round(np.array(group.PlanePositionSequence[0].ImagePositionPatient, dtype=np.float64), 4))]
        group.DerivationImageSequence = [_derivation(plane)] if plane.frame is not None else []


def _whole(plane: Plane) -> Dataset:
    """A reference to the instance, not to one of its frames."""
    reference = reference_to(plane)
    if "ReferencedFrameNumber" in reference:
        del reference.ReferencedFrameNumber
    return reference


def _source(plane: Plane, reference: Dataset) -> Dataset:
    reference.SpatialLocationsPreserved = "NO" if plane.moved else "YES"
    reference.PurposeOfReferenceCodeSequence = [_item(DERIVED[1])]
    return reference


def _derivation(plane: Plane) -> Dataset:
    made = Dataset()
    made.DerivationCodeSequence = [_item(DERIVED[0])]
    made.SourceImageSequence = [_source(plane, reference_to(plane))]
    return made


def _item(code: DicomCode) -> Dataset:
    made = Dataset()
    made.CodeValue, made.CodingSchemeDesignator, made.CodeMeaning = code.value, code.scheme_designator, code.meaning
    return made
