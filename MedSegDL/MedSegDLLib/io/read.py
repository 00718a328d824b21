"""Image files in, each refusal in one sentence. Numbers keep the file's own type (float64 becomes float32).

Which room reads which format is the table `VOLUME_READERS`; pictures are read in `pictures`, DICOM in `dicom`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ..dicom import read as dicom
from ..dicom.options import ReadOptions
from ..dicom.origin import Reading
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
from .stacks import read_stack
from .threads import side_by_side
from .time_limit import within_limit

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
        path: .nii, .nii.gz, .nrrd, .nhdr, .mha, .mhd, .png, .tif, .jpg, .bmp; a folder, .zip or single file of DICOM. A
            .tif of many planes is a volume where a .json beside it tells its spacing.

    Returns:
        The image in the file's own number type; (K, J, I), pictures (1, J, I) or (1, J, I, 3). Its `notes` say what its header left open.

    Raises:
        InputRefused: the file is missing, damaged, of another kind, holds no single volume, or takes too long (`time_limit`).
        OutOfMemory: it does not fit into memory.
    """
    return read_with_origin(path).image


def read_with_origin(path: str | os.PathLike, options: ReadOptions = ReadOptions()) -> Reading:
    """The same, and where it came from if it is DICOM: for results that are filed beside it. Raises as `read_image`."""
    path = Path(path)
    with explained(path):
        return within_limit(partial(_read, path, options), path.name)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Within: a path that cannot be read, or not into memory, is one sentence. ITK's own messages are off."""
    try:
        with native_messages_off():
            yield
    except (OSError, MemoryError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise OutOfMemory(f"{path.name} does not fit into memory.", "Crop the volume or close other programs.") from error
        if not isinstance(error, OSError):
            raise
        raise InputRefused(f"{path.name} cannot be read: {reason(error)}.", f"Check the path and its permissions: {path}") from error


def read_images(paths: Mapping[str, str | os.PathLike]) -> dict[str, Image]:
    """Several volumes: see `read_inputs`."""
    return {key: reading.image for key, reading in read_inputs(paths).items()}


def read_inputs(paths: Mapping[str, str | os.PathLike], options: ReadOptions = ReadOptions()) -> dict[str, Reading]:
    """Several volumes, a thread each as far as there are cores: input key -> path in, input key -> Reading out, in the same order.

    Raises:
        InputRefused: the first of them, in their order, that cannot be read; see `read_image`.
    """
    return dict(zip(paths, side_by_side(partial(read_with_origin, options=options), list(paths.values())), strict=True))


def refuse_missing(path: Path) -> None:
    """Raise InputRefused where there is nothing, nothing in it, or what is no file: a pipe would be waited for without end."""
    if not path.exists():
        raise InputRefused(f"{path.name} was not found.", f"Check the path: {path}")
    if not (path.is_file() or path.is_dir()):
        raise InputRefused(f"{path.name} is neither a file nor a folder (a pipe, a socket or a device).", "Save the image as a file first.")
    if path.is_file() and path.stat().st_size == 0:
        raise InputRefused(f"{path.name} is empty (0 bytes).", integrity.COPY_AGAIN)


def _read(path: Path, options: ReadOptions) -> Reading:
    refuse_missing(path)
    if path.is_dir():
        return dicom.read(path.resolve(), options)
    suffix = file_suffix(path)
    if suffix in VOLUME_READERS:
        return Reading(VOLUME_READERS[suffix](path))
    if suffix in PICTURE_SUFFIXES:
        return Reading(read_stack(path) or read_picture(path))
    if suffix == dicom.ZIP_SUFFIX or dicom.plain_suffix(suffix) or dicom.looks_like_dicom(path):
        return dicom.read(path, options)
    known = ", ".join((*VOLUME_READERS, *PICTURE_SUFFIXES))
    raise InputRefused(f"{path.name} is of an unknown kind ({suffix}).", f"Give {known}, or DICOM (folder, zip or file).")
