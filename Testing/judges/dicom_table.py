"""The table of docs/dicom.md: every kind of series that the tests make, read, judged, and written back. `make dicom-table` prints it.

Each cell is the outcome of a run on this machine, none is written by hand.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom

from MedSegDLLib.errors import MedSegDLError
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.formats import DICOM_REPORT, DICOM_SEGMENTATION
from MedSegDLLib.io.read import read_image

from ..core.dicom.test_output import Written, same_places, stored_places, written
from ..core.dicom_kinds import Kind, kinds
from .test_dicom_against_judges import assert_agrees, by_dcm2niix, by_simpleitk

INTRODUCTION = """\
# DICOM: what is read, and what is written

`make dicom-table` prints this page: it writes each series with pydicom, reads it, and writes a result beside it.

- **read**: every voxel equal to the number that the series was made from, every position within 1e-5 mm.
- **judged by**: other readers that gave the same voxels at the same places (1e-3 mm). A judge is left out where it is known to read the
  kind otherwise than the standard says (`Kind.judges` in Testing/core/dicom_kinds.py), or was not installed.
- **SEG**: three overlapping regions, one of them empty, lie voxel for voxel where they lay; `dciodvfy` finds no error.
- **SR**: volume, count and longest diameter of each; `dciodvfy` finds no error.

Tilted gantries and gaps have no voxels of their own to compare with: Testing/core/dicom/test_stacks.py holds them to a ramp in space.
"""


def row(kind: Kind, folder: Path) -> tuple[str, str, str, str, str]:
    """Kind, read, judged by, SEG, SR."""
    path = kind.write(folder / "read")
    try:
        image = read_image(path)
    except MedSegDLError as error:
        return kind.name, f"refused: {error.message}", "", "", ""
    exact = np.array_equal(image.array, kind.voxels) and np.allclose(image.affine, kind.affine, atol=1e-5)
    case = written(kind, folder / "result")
    return (
        kind.name,
        "equal" if exact else "DIFFERENT",
        ", ".join(_agreeing(kind, path, image, folder)) or "the truth only",
        _segments(case),
        _valid(case.folder / DICOM_REPORT),
    )


def _agreeing(kind: Kind, path: Path, image: Image, folder: Path) -> Iterator[str]:
    judges = {"SimpleITK": by_simpleitk}
    if shutil.which("dcm2niix"):
        (folder / "niix").mkdir()
        judges["dcm2niix"] = lambda path: by_dcm2niix(path, folder / "niix")
    for name, judge in judges.items():
        if name in kind.judges:
            try:
                assert_agrees(image, judge(path))
                yield name
            except AssertionError:
                yield f"{name} DISAGREES"


def _segments(case: Written) -> str:
    found = stored_places(pydicom.dcmread(case.folder / DICOM_SEGMENTATION))
    affine = case.reading.image.affine
    right = all(
        same_places(segment.mask, affine, found.get(number, np.empty((0, 3)))) for number, segment in enumerate(case.result.segments, 1)
    )
    return _valid(case.folder / DICOM_SEGMENTATION) if right else "MISPLACED"


def _valid(path: Path) -> str:
    if not shutil.which("dciodvfy"):
        return "yes (dciodvfy is not installed)"
    done = subprocess.run(["dciodvfy", "-new", path], capture_output=True, text=True, errors="replace")
    errors = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")]
    return f"{len(errors)} ERRORS" if errors else "yes"


def main() -> None:
    """Print the page."""
    print(INTRODUCTION)
    print("| kind of series | read | judged by | SEG | SR |\n|---|---|---|---|---|")
    for kind in kinds():
        with tempfile.TemporaryDirectory() as folder:
            print(f"| {' | '.join(row(kind, Path(folder)))} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
