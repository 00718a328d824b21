"""BraTS of 2012 to 2023 and folders named alike: modalities and labels are told apart by file names.

2012: `BRATS_HG0001_T1C.mha`, `_truth`; 2013 and 2015: one folder a modality, `VSD.Brain.XX.O.MR_T1c.54514.mha`, `...OT...`; 2017 to 2021:
`_t1ce`, `_seg`; 2023: `-t1c`, `-t1n`, `-t2w` (or `t2W`), `-t2f`. Single slices are left out.
"""

from __future__ import annotations

import re
from pathlib import Path

from MedSegDLLib.tasks import Task

from .case import Case
from .names import is_volume, stem, volumes_below

ENDING = r"\.(nii(\.gz)?|mha|mhd|nrrd|nhdr)$"
LABELS = re.compile(rf"([_.-](segm?|truth|GlistrBoost(_ManuallyCorrected)?)|^segm?|OTMultiClass|\.OT(\.\d+)?){ENDING}", re.IGNORECASE)
TOKENS = {"t1ce": "t1(ce|c|gd)", "t1": "t1n?", "t2": "t2w?", "flair": "(flair|t2f)"}
LAST = {key: re.compile(rf"(^|[._-]){token}(\.\d+)?{ENDING}", re.IGNORECASE) for key, token in TOKENS.items()}
ANYWHERE = {key: re.compile(rf"(^|[_-]){token}([_.-].*)?{ENDING}", re.IGNORECASE) for key, token in TOKENS.items()}
NEITHER = re.compile(r"mask|slice\d+|truth_", re.IGNORECASE)  # brain masks, single slices and their tissue labels


def find(folder: Path, task: Task) -> list[Case]:
    """Patients with at least one modality, with labels or without."""
    found = []
    for place, paths in _patients(folder).items():
        inputs = modalities_among(paths)
        labels = next((path for path in paths if LABELS.search(path.name)), None)
        if inputs:
            found.append(Case(place.name, inputs, labels))
    return found


def labels_alone(folder: Path) -> list[Path]:
    """Label maps of patients whose images are not there."""
    return [path for paths in _patients(folder).values() if all(LABELS.search(path.name) for path in paths) for path in paths]


def _patients(folder: Path) -> dict[Path, list[Path]]:
    """The volumes below a folder by the folder that stands for their patient."""
    patients: dict[Path, list[Path]] = {}
    for path in volumes_below(folder):
        patients.setdefault(_patient_folder(path), []).append(path)
    return patients


def modalities_among(paths: list[Path]) -> dict[str, Path]:
    """Modality key -> file; a token at the end of the name counts more than one within it."""
    images = [path for path in sorted(paths) if not LABELS.search(path.name) and not NEITHER.search(path.name)]
    found: dict[str, Path] = {}
    for patterns in (LAST, ANYWHERE):
        for path in images:
            key = next((key for key, pattern in patterns.items() if pattern.search(path.name)), None)
            if key and path not in found.values():
                found.setdefault(key, path)
    return {key: found[key] for key in ("t1", "t1ce", "t2", "flair") if key in found}


def _patient_folder(path: Path) -> Path:
    """The folder of a file, or the one above where every file has a folder of its own (2013, 2015, some unpacked copies of 2021)."""
    return path.parent.parent if path.parent.name == stem(path) or is_volume(path.parent) else path.parent
