"""Pictures without labels, as a source for the mean teacher and for pre-training. Crops and normalisation are as for labelled ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.tasks import Plan

from ..cases.fingerprint import fingerprint
from .nuclei_sampler import PICTURES, NucleiSource, Picture
from .sampler import Source, WithoutLabels


def make_unlabelled(data: Path, holdout: tuple[str, ...], plan: Plan, patch: tuple[int, ...], seed: int) -> Source:
    """All pictures of `data/images`, or of `data` itself, but those named in `holdout`; see `MakeSource`.

    Raises:
        InputRefused: there are none.
    """
    folder = data / "images" if (data / "images").is_dir() else data
    paths = sorted(path for pattern in PICTURES for path in folder.glob(pattern) if path.stem not in holdout)
    if not paths:
        raise InputRefused(f"There are no pictures in {folder}.", "Give a folder of pictures, or one that holds images/.")
    return WithoutLabels(NucleiSource([bare_picture(path) for path in paths], plan, patch, fingerprint(paths)))


def bare_picture(path: Path) -> Picture:
    """A picture whose every pixel is unlabelled."""
    array = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    array = np.ascontiguousarray(array[..., :3]) if array.ndim == 3 else array
    return Picture(path.stem, array, np.zeros(array.shape[:2], np.int32))
