"""A result as DICOM, for every command that writes one: refused before the run where it cannot be, measured and written after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ..checks.findings import Finding, FindingCode, Severity
from ..dicom.origin import Reading, header_of, lacks_frame_of_reference
from ..errors import InputRefused
from ..options import Options
from ..progress import Progress, quiet
from ..result import Result
from ..tasks import Task
from ..worker.save_dicom import measured_case
from .study import Study


def dicom_findings(readings: Mapping[str, Reading], task: Task) -> list[Finding]:
    """What is worth knowing of a DICOM result before the run.

    Raises:
        InputRefused: the input that lends its grid is no DICOM, or states too little to be referred to.
    """
    key = next(key for key in task.reference_order if key in readings)
    title = next(entry.title for entry in task.inputs if entry.key == key)
    reading = readings[key]
    if reading.origin is None:
        reason = f"--dicom needs {title} as DICOM, since the result lies on its grid: {reading.image.name} is none."
        raise InputRefused(reason, "Give its DICOM series, or leave out --dicom.")
    header_of(reading.origin, reading.image.name)
    if not lacks_frame_of_reference(reading.origin):
        return []
    says = f"The {title} states no FrameOfReferenceUID: the DICOM results name one of their own."
    remedy = "Displays that match by frame of reference need the original series; the others match by its instances."
    return [Finding(Severity.WARNING, FindingCode.HEADER, key, says, remedy)]


def dicom_writers(result: Result, reading: Reading) -> dict[str, Callable[[Path], None]]:
    """File name -> what writes it: the result beside the series that lent its grid."""
    from ..dicom.output import writers  # here: highdicom takes a second to load

    return writers(measured_case(result, reading))


def segment_study(study: Study, task: Task, options: Options, folder: Path, progress: Progress = quiet) -> Result:
    """Segment an examination and write its result, DICOM included, into a folder: all files or none.

    Raises:
        what `dicom_findings`, `segment` and `write_result` raise.
    """
    from ..io.write import write_result
    from ..pipeline import finding_entry, segment

    findings = dicom_findings(study.readings, task)
    result = segment({key: reading.image for key, reading in study.readings.items()}, task, options, progress)
    result.record |= study.record
    result.record["warnings"] += [finding_entry(finding, {}) for finding in findings]
    write_result(result, folder, dicom_writers(result, study.readings[result.reference]))
    return result
