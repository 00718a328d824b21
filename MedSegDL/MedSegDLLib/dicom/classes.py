"""The kinds of DICOM objects: which classes are volumes of a patient, which carry pixels that are none. SOP classes are those of PS3.4."""

from __future__ import annotations

CT, MR, PET = "CT", "MR", "PT"
VOLUME_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.2": CT,
    "1.2.840.10008.5.1.4.1.1.2.1": CT,
    "1.2.840.10008.5.1.4.1.1.2.2": CT,
    "1.2.840.10008.5.1.4.1.1.4": MR,
    "1.2.840.10008.5.1.4.1.1.4.1": MR,
    "1.2.840.10008.5.1.4.1.1.4.4": MR,
    "1.2.840.10008.5.1.4.1.1.128": PET,
    "1.2.840.10008.5.1.4.1.1.128.1": PET,
    "1.2.840.10008.5.1.4.1.1.130": PET,
}
SCREENSHOTS = "1.2.840.10008.5.1.4.1.1.7"  # secondary captures: a volume only if they carry a geometry
DIRECTORY = "1.2.840.10008.1.3.10"
# Classes with pixels that are no image of the patient, and what to call them.
NO_IMAGES = {
    "1.2.840.10008.5.1.4.1.1.66.4": "segmentation",
    "1.2.840.10008.5.1.4.1.1.66.7": "segmentation",
    "1.2.840.10008.5.1.4.1.1.30": "parametric map",
    "1.2.840.10008.5.1.4.1.1.481.2": "radiation dose",
}
NO_IMAGE_KINDS = {"SEG": "segmentation", "RTDOSE": "radiation dose", "RTSTRUCT": "contour set", "SR": "report", "PR": "display setting"}
