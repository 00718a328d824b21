"""The measurements as a structured report (TID 1500): volume, longest diameter and count of every segment, each referring to it."""

from __future__ import annotations

from collections.abc import Iterator

from highdicom.sr import (
    AlgorithmIdentification,
    DeviceObserverIdentifyingAttributes,
    EnhancedSR,
    FindingSite,
    Measurement,
    MeasurementReport,
    ObservationContext,
    ObserverContext,
    ReferencedSegment,
    SourceSeriesForSegmentation,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code as DicomCode
from pydicom.uid import UID, ExplicitVRLittleEndian

from .. import __version__
from ..io.formats import DICOM_REPORT, DICOM_SEGMENTATION
from ..result import Segment
from .case import MANUAL, MANUFACTURER, Case
from .origin import INHERITED, inherit
from .segmentation import coded

SEG_STORAGE = UID("1.2.840.10008.5.1.4.1.1.66.4")
ANATOMICAL_STRUCTURE = "123037004"  # SNOMED CT; all else that is segmented is a lesion
MILLILITRE = DicomCode("mL", "UCUM", "milliliter")
PROCEDURES = {"CT": codes.LN.CTUnspecifiedBodyRegion, "MR": codes.LN.MRIUnspecifiedBodyRegion, "PT": codes.LN.PETUnspecifiedBodyRegion}


def report(case: Case) -> EnhancedSR:
    """The SR of a case."""
    content = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=_observer()),
        procedure_reported=PROCEDURES.get(case.origin.frames[0].file.kind, codes.SCT.Imaging),
        imaging_measurements=[_group(case, number, segment) for number, segment in enumerate(case.result.segments, start=1)],
        title=codes.DCM.ImagingMeasurementReport,
    )
    made = EnhancedSR(
        evidence=_evidence(case),
        content=content[0],
        is_complete=True,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        manufacturer_model_name="MedSegDL",
        software_versions=__version__,
        **case.numbers(DICOM_REPORT),
    )
    inherit(made, case.header, INHERITED)
    return made


def _observer() -> ObserverContext:
    attributes = DeviceObserverIdentifyingAttributes(
        uid=UID("1.2.826.0.1.3680043.10.511.3.9000"), name="MedSegDL", manufacturer_name=MANUFACTURER, model_name=f"MedSegDL {__version__}"
    )
    return ObserverContext(codes.DCM.Device, attributes)


def _evidence(case: Case) -> list[Dataset]:
    """The SEG, which is not written yet, by its numbers; it names the slices."""
    first = next(plane for plane in case.origin.planes if plane.frame is not None)
    made = case.stand_in(first)
    made.SOPClassUID, made.SOPInstanceUID = SEG_STORAGE, case.instances[DICOM_SEGMENTATION]
    made.SeriesInstanceUID = case.series[DICOM_SEGMENTATION]
    return [made]


def _group(case: Case, number: int, segment: Segment) -> VolumetricROIMeasurementsAndQualitativeEvaluations:
    region = segment.region
    return VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(case.tracking[region.key], case.tracking_id(region.key)),
        referenced_segment=ReferencedSegment(
            SEG_STORAGE,
            case.instances[DICOM_SEGMENTATION],
            number,
            source_series=SourceSeriesForSegmentation(case.header.SeriesInstanceUID),
        ),
        finding_category=coded(region.category),
        finding_type=coded(region.type),
        finding_sites=[FindingSite(coded(region.anatomy))] if region.anatomy else None,
        algorithm_id=None
        if case.made_by(region.key) == MANUAL
        else AlgorithmIdentification(
            case.algorithm["name"], case.algorithm["version"], [f"{key}={value}" for key, value in case.algorithm["parameters"].items()]
        ),
        measurements=list(_measurements(case, segment)),
    )


def _measurements(case: Case, segment: Segment) -> Iterator[Measurement]:
    measures = case.measures[segment.region.key]
    organ = segment.region.category.value == ANATOMICAL_STRUCTURE
    yield Measurement(codes.SCT.Volume, round(measures.volume_ml, 6), MILLILITRE)
    yield Measurement(codes.SCT.NumberOfOccurrences if organ else codes.SCT.NumberOfLesions, measures.parts, codes.UCUM.NoUnits)
    if measures.longest_mm is not None:
        yield Measurement(codes.IBSI.Maximum3DDiameterOfAMesh, round(measures.longest_mm, 4), codes.UCUM.Millimeter)
