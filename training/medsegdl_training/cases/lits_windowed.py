"""LiTS as its windowed copy of 256 pixels a side has it: `lits_NN_ct` and `lits_NN_seg` in a folder `lits_windowed*`.

Only the slices that hold liver; HU clipped to a window; the spacing is made up, so that training draws it.
"""

from __future__ import annotations

import re
from pathlib import Path

from MedSegDLLib.tasks import Task

from .case import Case
from .names import first_there, volumes_below

FOLDER = "lits_windowed"
CT = re.compile(r"^(?P<name>lits_\d+)_ct\.nii(\.gz)?$")
WINDOW_HU = (-160.0, 240.0)


def find(folder: Path, task: Task) -> list[Case]:
    """All volumes of such a folder, with the labels beside them."""
    found = []
    for path in volumes_below(folder):
        match = CT.match(path.name)
        if match and path.parent.name.startswith(FOLDER):
            labels = first_there(path.with_name(f"{match['name']}_seg{ending}") for ending in (".nii.gz", ".nii"))
            found.append(Case(match["name"], {task.inputs[0].key: path}, labels, window=WINDOW_HU, spacing_invented=True))
    return found
