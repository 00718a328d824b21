"""What the input check says: severity, code, sentence, remedy. Plain data; who checks what is in `checks` and `image_checks`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(str, Enum):
    """ERROR ends the run, WARNING lowers the trust in its result, NOTE is good to know."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class FindingCode(str, Enum):
    """Every kind of finding, for machines."""

    NO_INPUT = "no_input"
    UNKNOWN_INPUT = "unknown_input"
    MISSING = "missing"
    NO_OVERLAP = "no_overlap"
    LITTLE_OVERLAP = "little_overlap"
    CUT_OFF = "cut_off"
    GRIDS_DIFFER = "grids_differ"
    MOVED = "moved"
    NOT_REGISTERED = "not_registered"
    SAME_IMAGE = "same_image"
    LOOKS_LIKE_ANOTHER = "looks_like_another"
    EXCHANGED = "exchanged"
    MIRRORED = "mirrored"
    COPIED_SLICE = "copied_slice"
    BACKGROUND = "background"
    NOT_A_VOLUME = "not_a_volume"
    NOT_A_PICTURE = "not_a_picture"
    COLOURS = "colours"
    FEW_SLICES = "few_slices"
    NOT_FINITE = "not_finite"
    CONSTANT = "constant"
    ZSCORED = "zscored"
    SKULL = "skull"
    BRAIN_MASK = "brain_mask"
    NOT_HOUNSFIELD = "not_hounsfield"
    WRONG_KIND = "wrong_kind"
    LABEL_MAP = "label_map"
    SPACING = "spacing"
    SCALE = "scale"
    EXTENT = "extent"
    ANISOTROPIC = "anisotropic"
    HUGE = "huge"
    MEMORY = "memory"
    HEADER = "header"
    REGION_LEFT_OUT = "region_left_out"
    REGION_DOUBTFUL = "region_doubtful"
    NOTHING_FOUND = "nothing_found"
    IMPLAUSIBLE_VOLUME = "implausible_volume"
    OUTSIDE_THE_BODY = "outside_the_body"
    ORIENTATION = "orientation"
    TOUCHES_BORDER = "touches_border"
    SCATTERED = "scattered"
    SMALL_PARTS = "small_parts"


@dataclass(frozen=True)
class Finding:
    """One thing that the check noticed.

    Attributes:
        severity: see `Severity`.
        code: see `FindingCode`.
        input: key of the input, or "" where it concerns the set.
        message: one sentence naming the file or node.
        remedy: one sentence: what to do about it.
    """

    severity: Severity
    code: FindingCode
    input: str
    message: str
    remedy: str
