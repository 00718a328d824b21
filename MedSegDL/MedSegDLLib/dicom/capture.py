"""The overlay as pictures (Multi-frame True Color Secondary Capture), for displays that know no SEG: outlines on the source's slices.

Nothing is written into the pictures but the outlines.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from highdicom.base import SOPClass
from pydicom.uid import UID, ExplicitVRLittleEndian

from .. import __version__
from ..geometry.image import Image
from ..io.formats import DICOM_CAPTURE
from ..result import Segment
from .case import Case, reference_to
from .origin import INHERITED, SHARED_SPACE, axes_of, inherit

CAPTURE_STORAGE = UID("1.2.840.10008.5.1.4.1.1.7.4")
MOST_SLICES = 48  # 512 x 512 in colours: 38 MB
WINDOW_PERCENT = (1.0, 99.5)  # of what is brighter than the background: what a display would choose by itself
CT_WINDOW_HU = (-150.0, 250.0)  # soft tissue
SLICE_LOCATION_VECTOR = 0x00182005
LEAST_LETTER = 0.05  # cosine from which a direction is named


def capture(case: Case) -> SOPClass:
    """The pictures of a case: slices that hold a segment, evenly chosen where there are many; the middle one where there are none."""
    shown = slices_shown(case.result.segments, case.image.array.shape[0])
    made = SOPClass(
        study_instance_uid=case.header.StudyInstanceUID,
        sop_class_uid=CAPTURE_STORAGE,
        modality="OT",
        transfer_syntax_uid=ExplicitVRLittleEndian,
        patient_id="",
        manufacturer_model_name="MedSegDL",
        software_versions=__version__,
        **case.numbers(DICOM_CAPTURE),
    )
    made.ConversionType = "WSD"
    made.ImageType = ["DERIVED", "SECONDARY"]
    made.BurnedInAnnotation, made.RecognizableVisualFeatures, made.LossyImageCompression = "NO", "NO", "00"
    made.DerivationDescription = "Outlines of the segments on the source's slices"
    _add_pixels(made, painted(case.image, case.result.segments, shown))
    _add_places(made, case, shown)
    inherit(made, case.header, (*INHERITED, *SHARED_SPACE[1:]))
    return made


def slices_shown(segments: Sequence[Segment], count: int) -> list[int]:
    """Indices of slices, in order."""
    some = np.flatnonzero(np.any([segment.mask.any(axis=(1, 2)) for segment in segments], axis=0))
    if not some.size:
        return [count // 2]
    chosen = np.linspace(0, some.size - 1, min(some.size, MOST_SLICES)).round().astype(int)
    return some[chosen].tolist()


def painted(image: Image, segments: Sequence[Segment], shown: Sequence[int]) -> np.ndarray:
    """(n, J, I, 3) uint8: slices in grey, the segments' outlines in their colours, inner ones on top."""
    low, high = _window(image)
    grey = np.clip((image.array[shown].astype(np.float32) - low) / (high - low), 0, 1) * 255
    pictures = np.repeat(grey.astype(np.uint8)[..., None], 3, axis=-1)
    for segment in segments:
        pictures[_outline(segment.mask[shown] != 0)] = np.round(255 * np.array(segment.region.color)).astype(np.uint8)
    return pictures


def _window(image: Image) -> tuple[float, float]:
    if image.tags.get("Modality") == "CT":
        return CT_WINDOW_HU
    some = image.array[image.array > image.array.min()]
    if not some.size:
        return float(image.array.min()), float(image.array.min()) + 1
    low, high = np.percentile(some, WINDOW_PERCENT)
    return float(low), float(max(high, low + 1e-6))


def _outline(masks: np.ndarray) -> np.ndarray:
    """Pixels inside with a neighbour outside, slice by slice."""
    padded = np.pad(masks, ((0, 0), (1, 1), (1, 1)))
    inner = padded[:, :-2, 1:-1] & padded[:, 2:, 1:-1] & padded[:, 1:-1, :-2] & padded[:, 1:-1, 2:]
    return masks & ~inner


def _add_pixels(made: SOPClass, pictures: np.ndarray) -> None:
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PlanarConfiguration = 3, "RGB", 0
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 8, 8, 7, 0
    made.NumberOfFrames, made.Rows, made.Columns = pictures.shape[:3]
    content = pictures.tobytes()
    made.PixelData = content + b"\0" * (len(content) % 2)
    made["PixelData"].VR = "OB"


def towards(direction: Sequence[float]) -> str:
    """Where a direction (LPS) leads, in letters, the strongest first (PS3.3 C.7.6.1.1.1): 'L', 'PF'."""
    letters = [(abs(part), axis[part < 0]) for part, axis in zip(direction, ("LR", "PA", "HF")) if abs(part) > LEAST_LETTER]
    return "".join(letter for _, letter in sorted(letters, reverse=True))


def _add_places(made: SOPClass, case: Case, shown: Sequence[int]) -> None:
    """Where each picture lies along the stack, and which slices were shown."""
    orientation, pixel_spacing, _ = axes_of(case.result.grid.affine)
    normal = np.cross(orientation[:3], orientation[3:])
    planes = [case.origin.planes[place] for place in shown]
    made.Laterality, made.PatientOrientation = "", [towards(orientation[:3]), towards(orientation[3:])]
    if len(planes) > 1:  # else there is nothing to step along (PS3.3 C.7.6.6)
        made.FrameIncrementPointer = SLICE_LOCATION_VECTOR
        made.SliceLocationVector = [round(float(plane.position @ normal), 4) for plane in planes]
    made.PixelSpacing = [round(side, 8) for side in pixel_spacing]
    made.SourceImageSequence = [reference_to(plane) for plane in planes if plane.frame is not None]
