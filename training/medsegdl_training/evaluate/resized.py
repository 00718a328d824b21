"""Pictures at a fixed size, as the chapter's protocol has them (128 x 128): the picture averaged down, its labels by the nearest pixel."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from MedSegDLLib.errors import UsageError
from MedSegDLLib.geometry.image import Image


def resized(image: Image, side: int) -> Image:
    """A picture of `side` x `side` pixels, whatever its shape was, in its own number type.

    Raises:
        UsageError: it is a volume.
    """
    _refuse_volumes(image)
    flat = image.array.reshape(*image.array.shape[:3], -1)[0]
    x = torch.from_numpy(flat.astype(np.float32)).permute(2, 0, 1)[None]
    small = F.interpolate(x, size=(side, side), mode="bilinear", align_corners=False, antialias=True)[0].permute(1, 2, 0).numpy()
    whole = np.rint(small) if image.array.dtype.kind in "ui" else small
    return image.with_array(whole.astype(image.array.dtype).reshape(1, side, side, *image.array.shape[3:]))


def resized_labels(labels: Image, side: int) -> Image:
    """Label map or numbered objects at that size, the nearest pixel's number; objects between the pixels vanish."""
    _refuse_volumes(labels)
    rows, columns = (((np.arange(side) + 0.5) * length / side).astype(int) for length in labels.array.shape[1:3])
    return labels.with_array(np.ascontiguousarray(labels.array[:, rows][:, :, columns]))


def _refuse_volumes(image: Image) -> None:
    if image.grid.shape[0] != 1:
        raise UsageError("A fixed size is for pictures, not for volumes.", "Leave --size out.")
