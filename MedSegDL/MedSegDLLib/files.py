"""Image files in and out, each refusal in one sentence. Numbers keep the file's own type (float64 becomes float32); nothing is resampled here.

DICOM is read in `dicom`; results are written in `outputs`. SimpleITK speaks LPS, everything that leaves this room is RAS.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import SimpleITK as sitk


from .errors import InputRefused
from .image import LPS_FROM_RAS, Image

VOLUME_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")
PICTURE_SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp")


def read_image(path: str | os.PathLike) -> Image:
    path = Path(path)
    if not path.exists():
        raise InputRefused(f"{path.name} was not found.", f"Check the path: {path}")
    suffix = file_suffix(path)
    if path.is_dir() or suffix == ".zip" or suffix not in VOLUME_SUFFIXES + PICTURE_SUFFIXES:
        raise InputRefused("DICOM is not read yet.")
    return _image_of(sitk.ReadImage(str(path)), path)


def file_suffix(path: Path) -> str:
    name = path.name.lower()
    return ".nii.gz" if name.endswith(".nii.gz") else path.suffix.lower()


def _image_of(volume: sitk.Image, path: Path) -> Image:
    if volume.GetDimension() == 4:
        if volume.GetSize()[3] != 1:
            raise InputRefused(f"{path.name} has four axes.", "Give one volume of the series.")
        volume = volume[..., 0]
    array = sitk.GetArrayFromImage(volume)
    if array.dtype == np.float64:
        array = array.astype(np.float32)
    if volume.GetDimension() == 2:
        array = array[None]
    if array.ndim == 4 and array.shape[3] == 4:
        array = np.ascontiguousarray(array[..., :3])
    return Image(array, affine_of(volume), path.name)


def affine_of(volume: sitk.Image) -> np.ndarray:
    """(4, 4) voxel indices to RAS mm of a 2-D or 3-D SimpleITK image."""
    n = volume.GetDimension()
    affine = np.eye(4)
    affine[:n, :n] = np.array(volume.GetDirection()).reshape(n, n) * np.array(volume.GetSpacing())
    affine[:n, 3] = volume.GetOrigin()
    return LPS_FROM_RAS @ affine
