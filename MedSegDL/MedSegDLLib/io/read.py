"""Image files in, each refusal in one sentence. Numbers keep the file's own type (float64 becomes float32).

DICOM is read in `dicom`. SimpleITK speaks LPS, this room RAS.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputRefused
from ..geometry.image import LPS_FROM_RAS, Image
from . import dicom, integrity, nifti
from .atomic import reason
from .itk_workarounds import native_messages_off
from .threads import side_by_side

NIFTI_SUFFIXES = (".nii.gz", ".nii")
PICTURE_SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp")
VOLUME_READERS = {
    ".nii.gz": "NiftiImageIO",
    ".nii": "NiftiImageIO",
    ".nrrd": "NrrdImageIO",
    ".nhdr": "NrrdImageIO",
    ".mha": "MetaImageIO",
    ".mhd": "MetaImageIO",
}
COMPLEX_PIXELS = (sitk.sitkComplexFloat32, sitk.sitkComplexFloat64)
MAX_VOXELS = dicom.MAX_VOXELS


def read_image(path: str | os.PathLike) -> Image:
    """One volume or picture from a file, a DICOM folder or a zip of one.

    Args:
        path: .nii, .nii.gz, .nrrd, .nhdr, .mha, .mhd, .png, .tif, .jpg, .bmp; a folder, .zip or single file of DICOM.

    Returns:
        The image in the file's own number type; (K, J, I), pictures (1, J, I) or (1, J, I, 3).

    Raises:
        InputRefused: the file is missing, damaged, of another kind, or holds no single volume.
    """
    path = Path(path)
    try:
        with native_messages_off():
            return _read(path)
    except OSError as error:
        raise InputRefused(f"{path.name} cannot be read: {reason(error)}.", f"Check the path and its permissions: {path}") from error
    except MemoryError as error:
        raise InputRefused(f"{path.name} does not fit into memory.", "Crop the volume or close other programs.") from error


def read_images(paths: Mapping[str, str | os.PathLike]) -> dict[str, Image]:
    """Several volumes, a thread each as far as there are cores: input key -> path in, input key -> Image out, in the same order.

    Raises:
        InputRefused: the first of them, in their order, that cannot be read; see `read_image`.
    """
    return dict(zip(paths, side_by_side(read_image, list(paths.values())), strict=True))


def file_suffix(path: Path) -> str:
    """The suffix in lower case; '.nii.gz' counts as one."""
    return ".nii.gz" if path.name.lower().endswith(".nii.gz") else path.suffix.lower()


def _read(path: Path) -> Image:
    if not path.exists():
        raise InputRefused(f"{path.name} was not found.", f"Check the path: {path}")
    if path.is_dir():
        return dicom.read_folder(path.resolve())
    if path.stat().st_size == 0:
        raise InputRefused(f"{path.name} is empty (0 bytes).", integrity.COPY_AGAIN)
    suffix = file_suffix(path)
    if suffix == ".zip":
        return dicom.read_zip(path)
    if suffix in VOLUME_READERS or suffix in PICTURE_SUFFIXES:
        return _read_with_itk(path, suffix)
    if suffix in dicom.PLAIN_SUFFIXES or dicom.looks_like_dicom(path):
        return dicom.read_file(path)
    known = ", ".join((*VOLUME_READERS, *PICTURE_SUFFIXES))
    raise InputRefused(f"{path.name} is of an unknown kind ({suffix}).", f"Give {known}, or DICOM (folder, zip or file).")


def _read_with_itk(path: Path, suffix: str) -> Image:
    if suffix in NIFTI_SUFFIXES:
        integrity.refuse_wrong_nifti(path)
    with nifti.lonely(path, suffix) if suffix in NIFTI_SUFFIXES else nullcontext(path) as readable:
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(readable))
        if suffix in VOLUME_READERS:
            reader.SetImageIO(VOLUME_READERS[suffix])
        try:
            reader.ReadImageInformation()
            _refuse_shape(path, reader)
            if suffix in PICTURE_SUFFIXES:
                integrity.refuse_cut_picture(path)
            volume = reader.Execute()
        except RuntimeError as error:
            raise _refusal(path, suffix, str(error)) from error
    integrity.refuse_damaged_data(path, suffix, sitk.GetArrayViewFromImage(volume))
    image = _image_of(volume, path)
    return image.with_array(integrity.with_lost_numbers(path, image.array)) if suffix in NIFTI_SUFFIXES else image


def _refusal(path: Path, suffix: str, complaint: str) -> InputRefused:
    """Our sentence for what ITK complained about."""
    if "irection" in complaint:
        reason = f"{path.name} has axes that are not at right angles."
        return InputRefused(reason, "Load it in Slicer, use Resample Scalar Volume, and save the volume.")
    if suffix in PICTURE_SUFFIXES:
        return InputRefused(f"{path.name} cannot be read as a picture: it is damaged or of a rare kind.", "Save it as a grey or RGB PNG.")
    reason = f"{path.name} is no readable {suffix} file: it is damaged, ends early or holds something else."
    return InputRefused(reason, integrity.COPY_AGAIN)


def _refuse_shape(path: Path, reader: sitk.ImageFileReader) -> None:
    """Everything that the header alone can tell, before anything is allocated."""
    size = reader.GetSize()
    voxels = math.prod(size)
    if voxels == 0:
        raise InputRefused(f"{path.name} holds no voxels (its size is {' x '.join(map(str, size))}).", integrity.COPY_AGAIN)
    if voxels > MAX_VOXELS:
        raise InputRefused(f"{path.name} states {voxels} voxels, more than can be held.", "Crop the volume.")
    if len(size) > 3 and voxels > math.prod(size[:3]):
        raise InputRefused(f"{path.name} has four axes ({' x '.join(map(str, size))}).", "Save one volume of it in a file of its own.")
    if reader.GetPixelIDValue() in COMPLEX_PIXELS:
        raise InputRefused(f"{path.name} holds complex numbers.", "Save the magnitude image.")
    components = reader.GetNumberOfComponents()
    if components > 1 and math.prod(size[2:]) > 1:
        raise InputRefused(f"{path.name} holds {components} numbers a voxel.", "Save one channel of it in a file of its own.")


def _image_of(volume: sitk.Image, path: Path) -> Image:
    while volume.GetDimension() > 3:
        volume = volume[(slice(None),) * (volume.GetDimension() - 1) + (0,)]
    array = sitk.GetArrayFromImage(volume)
    if volume.GetDimension() == 2:
        array = array[None]
    if array.ndim == 4:
        array = _without_alpha(array)
    if array.dtype == np.float64:
        array = array.astype(np.float32)
    try:
        return Image(array, affine_of(volume), path.name)
    except ValueError as error:
        raise InputRefused(f"{path.name} has no usable geometry: {error}.", "Save it again with its spacing and directions.") from error


def _without_alpha(array: np.ndarray) -> np.ndarray:
    """Grey with alpha becomes grey, four channels three."""
    channels = array.shape[3]
    return np.ascontiguousarray(array[..., 0] if channels <= 2 else array[..., :3])


def affine_of(volume: sitk.Image) -> np.ndarray:
    """(4, 4) voxel indices to RAS mm of a 2-D or 3-D SimpleITK image."""
    axes = volume.GetDimension()
    affine = np.eye(4)
    affine[:axes, :axes] = np.array(volume.GetDirection()).reshape(axes, axes) * np.array(volume.GetSpacing())
    affine[:axes, 3] = volume.GetOrigin()
    return LPS_FROM_RAS @ affine
