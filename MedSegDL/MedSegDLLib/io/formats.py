"""The formats of image files by their suffixes. Imports nothing, so that rooms without the reading libraries may ask too."""

from __future__ import annotations

from pathlib import Path

NIFTI_SUFFIXES = (".nii.gz", ".nii")
NRRD_SUFFIXES = (".nrrd", ".nhdr")
META_SUFFIXES = (".mha", ".mhd")
VOLUME_SUFFIXES = (*NIFTI_SUFFIXES, *NRRD_SUFFIXES, *META_SUFFIXES)
PICTURE_SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp")


def file_suffix(path: Path) -> str:
    """The suffix in lower case; '.nii.gz' counts as one."""
    return ".nii.gz" if path.name.lower().endswith(".nii.gz") else path.suffix.lower()


DICOM_SEGMENTATION, DICOM_REPORT, DICOM_CAPTURE = "segmentation.dcm", "measurements.dcm", "capture.dcm"
DICOM_RESULTS = (DICOM_SEGMENTATION, DICOM_REPORT, DICOM_CAPTURE)
