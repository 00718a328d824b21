"""Image files in, each refusal in one sentence. Numbers keep the file's own type (float64 becomes float32).

Which room reads which format is the table `VOLUME_READERS`; pictures are read in `pictures`, DICOM in `dicom`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from ..dicom import read as dicom
from ..errors import InputRefused, OutOfMemory, is_out_of_memory
from ..geometry.image import Image
from . import integrity
from .atomic import reason
from .formats import PICTURE_SUFFIXES, file_suffix
from .itk_workarounds import native_messages_off
from .meta_reader import read_meta
from .nifti_reader import read_nifti
from .nrrd_reader import read_nrrd
from .pictures import read_picture
from .threads import side_by_side

VOLUME_READERS: dict[str, Callable[[Path], Image]] = {
    ".nii.gz": read_nifti,
    ".nii": read_nifti,
    ".nrrd": read_nrrd,
    ".nhdr": read_nrrd,
    ".mha": read_meta,
    ".mhd": read_meta,
}


def read_image(path: str | os.PathLike) -> Image:
    """One volume or picture from a file, a DICOM folder or a zip of one.

    Args:
        path: .nii, .nii.gz, .nrrd, .nhdr, .mha, .mhd, .png, .tif, .jpg, .bmp; a folder, .zip or single file of DICOM.

    Returns:
        The image in the file's own number type; (K, J, I), pictures (1, J, I) or (1, J, I, 3). Its `notes` say what its header left open.

    Raises:
        InputRefused: the file is missing, damaged, of another kind, or holds no single volume.
        OutOfMemory: it does not fit into memory.
    """
    path = Path(path)
    try:
        with native_messages_off():
            return _read(path)
    except (OSError, MemoryError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise OutOfMemory(f"{path.name} does not fit into memory.", "Crop the volume or close other programs.") from error
        if not isinstance(error, OSError):
            raise
        raise InputRefused(f"{path.name} cannot be read: {reason(error)}.", f"Check the path and its permissions: {path}") from error


def read_images(paths: Mapping[str, str | os.PathLike]) -> dict[str, Image]:
    """Several volumes, a thread each as far as there are cores: input key -> path in, input key -> Image out, in the same order.

    Raises:
        InputRefused: the first of them, in their order, that cannot be read; see `read_image`.
    """
    return dict(zip(paths, side_by_side(read_image, list(paths.values())), strict=True))


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
    if suffix in VOLUME_READERS:
        return VOLUME_READERS[suffix](path)
    if suffix in PICTURE_SUFFIXES:
        return read_picture(path)
    if suffix in dicom.PLAIN_SUFFIXES or dicom.looks_like_dicom(path):
        return dicom.read_file(path)
    known = ", ".join((*VOLUME_READERS, *PICTURE_SUFFIXES))
    raise InputRefused(f"{path.name} is of an unknown kind ({suffix}).", f"Give {known}, or DICOM (folder, zip or file).")
