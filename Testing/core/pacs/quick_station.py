"""`medsegdl dicomweb --listen` whose segmenting costs next to nothing: for kills by the hundred. All else is the command's own.

python -m Testing.core.pacs.quick_station dicomweb --listen ...             the station, with the options of the command
python -m Testing.core.pacs.quick_station segment SLICES -o DIR ...         what it calls in place of `medsegdl segment`
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from MedSegDLLib.io.formats import DICOM_RESULTS
from MedSegDLLib.io.write import write_together
from MedSegDLLib.worker.processes import Launch

ROOT = Path(__file__).resolve().parents[3]
WORK_S = 0.3  # so that kills find it at work
KINDS = (("SEG", "1.2.840.10008.5.1.4.1.1.66.4"), ("SR", "1.2.840.10008.5.1.4.1.1.88.33"), ("OT", "1.2.840.10008.5.1.4.1.1.7"))


def segment(slices: Path, folder: Path) -> None:
    """Three objects of the study, all or none, by the writer of all results."""
    sources = [pydicom.dcmread(path, stop_before_pixels=True) for path in sorted(slices.glob("*.dcm"))]
    time.sleep(WORK_S)
    write_together(folder, {name: partial(_store, sources[0], *kind) for name, kind in zip(DICOM_RESULTS, KINDS, strict=True)})


def _store(source: Dataset, modality: str, storage_class: str, path: Path) -> None:
    made = Dataset()
    meta = made.file_meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = made.SOPClassUID = storage_class
    meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID = generate_uid()
    made.StudyInstanceUID, made.SeriesInstanceUID, made.Modality = source.StudyInstanceUID, generate_uid(), modality
    pydicom.dcmwrite(path, made, enforce_file_format=True)


def _leashed_to_us(leash: Callable[[Launch], Launch], launch: Launch) -> Launch:
    """The call of `medsegdl segment` as a call of ours."""
    paths = os.pathsep.join([launch.environment["PYTHONPATH"], str(ROOT)])
    arguments = (sys.executable, "-m", "Testing.core.pacs.quick_station", *launch.arguments[3:])
    return leash(replace(launch, arguments=arguments, environment={**launch.environment, "PYTHONPATH": paths}))


def run(arguments: Sequence[str]) -> int:
    """The station, or what it calls."""
    if arguments[0] == "segment":
        segment(Path(arguments[1]), Path(arguments[3]))
        return 0
    from MedSegDLLib.commands import listen
    from MedSegDLLib.commands.main import main

    listen.leashed = partial(_leashed_to_us, listen.leashed)
    return main(arguments)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
