"""A result as DICOM files. The door to the rooms `segmentation` (SEG), `report` (SR) and `capture` (secondary capture)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from ..io.formats import DICOM_CAPTURE, DICOM_REPORT, DICOM_SEGMENTATION
from .capture import capture
from .case import Case
from .report import report
from .segmentation import segmentation


def writers(case: Case) -> dict[str, Callable[[Path], None]]:
    """File name -> what writes it. Each may raise OSError."""
    makers = {DICOM_SEGMENTATION: segmentation, DICOM_REPORT: report, DICOM_CAPTURE: capture}
    return {name: partial(_store, make=make, case=case) for name, make in makers.items()}


def _store(path: Path, make: Callable[[Case], Dataset], case: Case) -> None:
    pydicom.dcmwrite(path, make(case), enforce_file_format=True)
