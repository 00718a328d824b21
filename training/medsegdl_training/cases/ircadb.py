"""3D-IRCADb-01: the original `3Dircadb1.N` with `PATIENT_DICOM` and `MASKS_DICOM` (folders or zips), or files `N_ct` and `N_seg`."""

from __future__ import annotations

from pathlib import Path

from MedSegDLLib.tasks import Task

from .case import Case
from .names import below, first_there

CT_ENDINGS = ("_ct.nii.gz", "_ct.nii", "_dicom.zip", "_dicom")
LABEL_ENDINGS = ("_seg.nii.gz", "_seg.nii")
PATIENT, MASKS = "PATIENT_DICOM", "MASKS_DICOM"


def find(folder: Path, task: Task) -> list[Case]:
    """Cases of either form, each with a CT."""
    return [*_original(folder, task), *_by_ending(folder, task)]


def _original(folder: Path, task: Task) -> list[Case]:
    found: dict[Path, Case] = {}
    for path in (path for path in below(folder) if path.name in (PATIENT, f"{PATIENT}.zip")):
        place = path.parent
        masks = first_there((place / MASKS, place / f"{MASKS}.zip"))
        if place.name != PATIENT:  # some tools unpack a zip into a folder of its own name
            found.setdefault(place, Case(place.name, {task.inputs[0].key: path}, masks))
    return list(found.values())


def _by_ending(folder: Path, task: Task) -> list[Case]:
    found = []
    for path in below(folder):
        ending = next((ending for ending in CT_ENDINGS if path.name.endswith(ending)), None)
        if ending:
            name = path.name[: -len(ending)]
            labels = first_there(path.parent / f"{name}{other}" for other in LABEL_ENDINGS)
            found.append(Case(name, {task.inputs[0].key: path}, labels))
    return found
