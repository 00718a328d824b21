"""LiTS (2017): `volume-N.nii` and `segmentation-N.nii`, side by side or in folders of their own."""

from __future__ import annotations

import re
from pathlib import Path

from MedSegDLLib.tasks import Task

from .case import Case
from .names import volumes_below

VOLUME = re.compile(r"^(test-)?volume-(?P<number>\d+)\.nii(\.gz)?$")
LABELS = re.compile(r"^segmentation-(?P<number>\d+)\.nii(\.gz)?$")


def find(folder: Path, task: Task) -> list[Case]:
    """All volumes, with the segmentation of the same number: the one beside it, else anywhere below the folder."""
    labels: dict[str, list[Path]] = {}
    paths = volumes_below(folder)
    for path in paths:
        if match := LABELS.match(path.name):
            labels.setdefault(match["number"], []).append(path)
    found = []
    for path in paths:
        if match := VOLUME.match(path.name):
            known = labels.get(match["number"], []) if not match[1] else []
            beside = [candidate for candidate in known if candidate.parent == path.parent]
            found.append(Case(f"{match[1] or ''}volume-{match['number']}", {task.inputs[0].key: path}, next(iter(beside or known), None)))
    return found
