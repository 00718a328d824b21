"""The input check of one image by itself: small functions in a table by kind of image. numpy only; nothing asks which task runs.

Each function takes a `Subject` and answers with a `Finding` or None. What the values mean is found out in `intensity`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..geometry.background import share_on_faces, value_of_nothing
from ..geometry.image import Image
from ..tasks import Input, Modality, Task
from .findings import Finding, FindingCode, Severity
from .intensities import (
    FILLED_SHARE,
    FILLING,
    copied_slices,
    in_hounsfield_units,
    looks_like_ct,
    looks_like_labels,
    looks_normalised,
    non_finite_count,
    sampled,
    shows_skull,
    why_not_hounsfield,
)

FEWEST_SLICES = 8  # below, a network that looks in three directions has next to nothing to see in one of them
SPACING_MM = (0.1, 20.0)  # finer is microscopy, coarser is no volume: both mean a wrong header
ANISOTROPY = 3.0  # of the largest voxel side to the smallest
HUGE_VOXELS = 200_000_000  # more than 512 x 512 x 600 with room to spare
PICTURE_CHANNELS = (1, 3, 4)
DICOM_KINDS = frozenset({"CT", "MR", "PT", "NM", "US", "XA", "CR", "DX", "MG"})


@dataclass(frozen=True)
class Extent:
    """What a head or a body measures: across (the two longer sides of the box) at least, along at most."""

    least_mm: float
    most_mm: float


EXTENTS = {Modality.MR: Extent(50.0, 500.0), Modality.CT: Extent(100.0, 2200.0)}


@dataclass(frozen=True)
class Subject:
    """An image in its role.

    Attributes:
        input: which input of the task it was given for.
        image: the image.
        task: what it is to be used for.
    """

    input: Input
    image: Image
    task: Task

    @property
    def name(self) -> str:
        """For sentences: the input's title, with the file's or node's name."""
        return f"{self.input.title} ({self.image.name})" if self.image.name else self.input.title

    @cached_property
    def values(self) -> np.ndarray:
        """A sample of the voxels: (n,) float64."""
        return sampled(self.image.array)

    def error(self, code: FindingCode, says: str, remedy: str) -> Finding:
        """An ERROR whose sentence starts with the image's name."""
        return Finding(Severity.ERROR, code, self.input.key, f"{self.name} {says}", remedy)

    def warning(self, code: FindingCode, says: str, remedy: str) -> Finding:
        """A WARNING whose sentence starts with the image's name."""
        return Finding(Severity.WARNING, code, self.input.key, f"{self.name} {says}", remedy)

    def note(self, code: FindingCode, says: str, remedy: str) -> Finding:
        """A NOTE whose sentence starts with the image's name."""
        return Finding(Severity.NOTE, code, self.input.key, f"{self.name} {says}", remedy)


Check = Callable[[Subject], "Finding | None"]


def check_image(subject: Subject) -> Iterator[Finding]:
    """Findings about one image; an ERROR is the last, since what follows from it would only confuse."""
    yield from header_notes(subject)
    for one in CHECKS[subject.input.modality]:
        finding = one(subject)
        if finding:
            yield finding
            if finding.severity is Severity.ERROR:
                return


def header_notes(subject: Subject) -> Iterator[Finding]:
    """What reading the file had to decide, as findings."""
    for note in subject.image.notes:
        says = subject.warning if note.serious else subject.note
        yield says(FindingCode.HEADER, note.says, note.remedy)


def _not_empty(subject: Subject) -> Finding | None:
    if subject.image.array.size:
        return None
    return subject.error(FindingCode.CONSTANT, "is empty.", "Choose another file.")


def _grey(subject: Subject) -> Finding | None:
    if subject.image.channels == 1:
        return None
    says = f"has {subject.image.channels} values a voxel (colours or a series in time), but one is needed."
    return subject.error(FindingCode.COLOURS, says, "Give a volume of grey values, one at a time.")


def _volume(subject: Subject) -> Finding | None:
    if min(subject.image.array.shape[:3]) > 1:
        return None
    says = "is a single slice, but the whole volume is needed."
    return subject.error(FindingCode.NOT_A_VOLUME, says, "Give the three-dimensional image that it was taken from.")


def _picture(subject: Subject) -> Finding | None:
    if subject.image.array.shape[0] == 1:
        return None
    says = f"is a volume of {subject.image.array.shape[0]} slices, but a picture is needed."
    return subject.error(FindingCode.NOT_A_PICTURE, says, "Give one plane, as PNG, TIFF or JPEG.")


def _picture_colours(subject: Subject) -> Finding | None:
    if subject.image.channels in PICTURE_CHANNELS:
        return None
    says = f"has {subject.image.channels} channels, but a picture is grey (1) or in colours (3, or 4 with opacity)."
    return subject.error(FindingCode.COLOURS, says, "Choose the channel with the nuclei and save it alone.")


def _finite(subject: Subject) -> Finding | None:
    """One is too many: resampling spreads it, and every mean and deviation over the volume becomes NaN with it."""
    count = non_finite_count(subject.image.array)
    if not count:
        return None
    several = f"has {count:,} voxels that are not finite numbers (NaN or infinite)."
    says = "has a voxel that is not a finite number (NaN or infinite)." if count == 1 else several
    return subject.error(FindingCode.NOT_FINITE, says, "Replace them (by 0 where they lie in the background) and save the image again.")


def _varied(subject: Subject) -> Finding | None:
    least, most = subject.image.array.min(), subject.image.array.max()
    if least != most:
        return None
    return subject.error(FindingCode.CONSTANT, f"holds nothing but the value {least:g}.", "Choose another file: there is no picture in it.")


def _one_colour(subject: Subject) -> Finding | None:
    """An empty field of a slide is an answer, not a mistake."""
    array = subject.image.array[0]
    if (array != array[:1, :1]).any():
        return None
    value = ", ".join(f"{number:g}" for number in np.atleast_1d(array[0, 0]))
    says = f"holds nothing but the value {value}: nothing can be found in it."
    return subject.warning(FindingCode.CONSTANT, says, "Choose another file if there should be a picture in it.")


def _expected_kind(subject: Subject) -> Finding | None:
    """By what DICOM says, if it says."""
    kind = subject.image.tags.get("Modality", "").strip().upper()
    wanted = subject.input.modality
    if kind not in DICOM_KINDS or kind == wanted.value or wanted is Modality.OTHER:
        return None
    return subject.error(FindingCode.WRONG_KIND, f"is a {kind} by its DICOM header, not {_KIND_NAMES[wanted]}.", _OTHER_IMAGE)


def _not_a_ct(subject: Subject) -> Finding | None:
    if not looks_like_ct(subject.values):
        return None
    return subject.error(FindingCode.WRONG_KIND, "looks like a CT (air at -1000), but an MR image is needed.", _OTHER_IMAGE)


def _hounsfield(subject: Subject) -> Finding | None:
    if in_hounsfield_units(subject.values):
        return None
    least, most = subject.image.array.min(), subject.image.array.max()
    why = why_not_hounsfield(subject.values)
    says = f"is not in Hounsfield units: its values run from {least:g} to {most:g}, without both air (-1000) and soft tissue (0 to 100)"
    says += f"; probably {why}." if why else "."
    return subject.error(FindingCode.NOT_HOUNSFIELD, says, "Give the CT as it was reconstructed, with rescale slope and intercept applied.")


def _air_not_water(subject: Subject) -> Finding | None:
    """A CT whose outside was set to 0 HU: the network takes it for tissue. Measured: liver 1394 for 1475 mL, tumour 26 for 94."""
    if share_on_faces(subject.image.array, FILLING) < FILLED_SHARE:
        return None
    says = "holds 0 Hounsfield units, as water has, where there should be air: what lay outside was cut away and filled with 0."
    return subject.error(FindingCode.NOT_HOUNSFIELD, says, "Give the CT as it was reconstructed, or fill what was cut away with -1000.")


def _image_not_labels(subject: Subject) -> Finding | None:
    if not looks_like_labels(subject.values):
        return None
    says = "holds only a few whole numbers, like a mask or label map."
    return subject.warning(FindingCode.LABEL_MAP, says, "Make sure that it is the image and not its segmentation.")


def _raw_intensities(subject: Subject) -> Finding | None:
    if not looks_normalised(subject.image.array):
        return None
    says = "has negative intensities: it seems to be normalised (z-scored) already, so its bias field is not corrected."
    return subject.warning(FindingCode.ZSCORED, says, "Give the image as it was before normalisation if there is one.")


def _background(subject: Subject) -> Finding | None:
    """An offset of all intensities; of z-scored images `_raw_intensities` speaks."""
    nothing = value_of_nothing(subject.image.array)
    if nothing == 0 or looks_normalised(subject.image.array):
        return None
    says = f"has a background of {nothing:g} rather than 0: it is subtracted."
    return subject.note(FindingCode.BACKGROUND, says, "Nothing need be done if a constant was added to the image.")


def _copies(subject: Subject) -> Finding | None:
    counts = copied_slices(subject.image.array)
    most = max(counts)
    if not most:
        return None
    of = subject.image.array.shape[counts.index(most)]
    which = (
        "a slice that is an exact copy of the one before" if most == 1 else f"{most} slices of {of} that are exact copies of the one before"
    )
    says = f"holds {which}."
    remedy = "Take the image as it was acquired: a slice was copied, or it was resampled without interpolation."
    return subject.warning(FindingCode.COPIED_SLICE, says, remedy)


def _without_skull(subject: Subject) -> Finding | None:
    if not subject.task.skull_stripped or not shows_skull(subject.image.array, subject.image.grid.spacing_mm):
        return None
    says = "shows the skull and scalp: the brain is extracted before it is segmented, for the network knows nothing else."
    return subject.note(FindingCode.SKULL, says, "Look at the brain mask that comes with the result.")


def _spacing(subject: Subject) -> Finding | None:
    spacing = subject.image.grid.spacing_mm
    if SPACING_MM[0] <= spacing.min() and spacing.max() <= SPACING_MM[1]:
        return None
    says = f"has voxels of {_sides(spacing)} mm, which no scanner makes: its header is wrong, and volumes in mL would be too."
    return subject.error(FindingCode.SPACING, says, "Correct the spacing in the header (it is in mm).")


def _extent(subject: Subject) -> Finding | None:
    sides = np.sort(subject.image.grid.spacing_mm * subject.image.array.shape[2::-1])
    limits = EXTENTS[subject.input.modality]
    if sides[1] >= limits.least_mm and sides[2] <= limits.most_mm:
        return None
    says = f"measures {_sides(sides)} mm, which is no usual field of view."
    return subject.warning(FindingCode.EXTENT, says, "Check the spacing in the header (it is in mm), and that the image is the right one.")


def _slices(subject: Subject) -> Finding | None:
    count = min(subject.image.array.shape[:3])
    if count >= FEWEST_SLICES:
        return None
    return subject.warning(FindingCode.FEW_SLICES, f"has only {count} slices.", "Give the whole volume if there is one.")


def _near_isotropic(subject: Subject) -> Finding | None:
    spacing = subject.image.grid.spacing_mm
    if spacing.max() < ANISOTROPY * spacing.min():
        return None
    says = f"has thick slices ({_sides(spacing)} mm): small lesions and volumes are uncertain by about a slice."
    return subject.note(FindingCode.ANISOTROPIC, says, "Prefer a series with thinner slices if there is one.")


def _size(subject: Subject) -> Finding | None:
    voxels = int(np.prod(subject.image.array.shape[:3]))
    if voxels <= HUGE_VOXELS:
        return None
    says = f"has {voxels / 1e6:,.0f} million voxels: it needs much memory and time."
    return subject.note(FindingCode.HUGE, says, "Crop it to the region of interest if that is too much for this computer.")


def _sides(lengths_mm: np.ndarray) -> str:
    return " x ".join(f"{side:.3g}" for side in lengths_mm)


_OTHER_IMAGE = "Choose the right image for this input."
_KIND_NAMES = {Modality.MR: "an MR image", Modality.CT: "a CT", Modality.PICTURE: "a picture"}
_ANY = (_not_empty, _expected_kind)
_GEOMETRY = (_spacing, _extent, _slices, _near_isotropic, _size, _copies)

CHECKS: dict[Modality, tuple[Check, ...]] = {
    Modality.MR: (
        *(*_ANY, _grey, _volume, _finite, _varied, _not_a_ct, _image_not_labels, _raw_intensities, _background),
        *(*_GEOMETRY, _without_skull),
    ),
    Modality.CT: (*_ANY, _grey, _volume, _finite, _varied, _hounsfield, _air_not_water, _image_not_labels, *_GEOMETRY),
    Modality.PICTURE: (*_ANY, _picture, _picture_colours, _finite, _one_colour, _size),
    Modality.OTHER: (*_ANY, _grey, _finite, _varied, _size),
}
