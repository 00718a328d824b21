"""Volumes kept as stacks of planes in one TIFF, as nnU-Net's Tiff3DIO has them: the voxels' sides stand in a JSON file beside it.

Without such a file a TIFF of several planes is no volume to us: nothing in it tells how far its planes lie apart.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Annotated

import numpy as np
import tifffile

from ..errors import InputRefused
from ..geometry.image import Image
from ..schema.records import Unfit, between, read
from ..schema.strict_json import MIB, NotStrict, read_object
from . import integrity
from .headers import as_read
from .pictures import BEST_RATIO, BROKEN, TIFF_MAGIC, refuse_page

SUFFIXES = (".tif", ".tiff")
SPACING = "spacing"
CHANNEL = re.compile(r"_\d{4}$")  # nnU-Net's number of a channel, which the JSON file's name leaves out
Spacing = tuple[Annotated[float, between(1e-5, 1e4, "mm")], Annotated[float, between(1e-5, 1e4)], Annotated[float, between(1e-5, 1e4)]]


def spacing_file(path: Path) -> Path | None:
    """The JSON file beside a TIFF: `case.json` of `case_0000.tif`, or `case_0000.json`; None where there is none."""
    names = (CHANNEL.sub("", path.stem), path.stem)
    return next((path.with_name(f"{name}.json") for name in names if path.with_name(f"{name}.json").is_file()), None)


def read_stack(path: Path) -> Image | None:
    """The volume in a TIFF, (K, J, I) in its own number type, axes as they are stored; None where it is none, but a picture.

    Raises:
        InputRefused: the spacing is none, or the file is damaged.
    """
    beside = spacing_file(path)
    if beside is None or not any(integrity.starts_with(path, magic) for magic in TIFF_MAGIC):
        return None
    try:
        with tifffile.TiffFile(path) as file:
            series = file.series[0]
            if len(series.shape) != 3 or series.axes.endswith("S"):
                return None
            spacing = _spacing_of(beside)
            refuse_page(path, series.keyframe)
            integrity.refuse_claim(path, math.prod(series.shape) * series.dtype.itemsize, path.stat().st_size, BEST_RATIO)
            array = series.asarray()
    except BROKEN as error:
        raise InputRefused(f"{path.name} cannot be read: it is damaged or of a rare kind.", "Save it again, or as NIfTI.") from error
    return Image(as_read(array), np.diag([-spacing[2], -spacing[1], spacing[0], 1.0]), path.name)


def _spacing_of(beside: Path) -> tuple[float, ...]:
    """Sides of a voxel along the array's axes, mm."""
    try:
        return read(Spacing, read_object(beside, MIB).get(SPACING), SPACING)
    except (Unfit, NotStrict) as fault:
        raise InputRefused(f"{beside.name} tells no spacing of the planes: {fault}.", 'Write {"spacing": [z, y, x]} in mm.') from fault
