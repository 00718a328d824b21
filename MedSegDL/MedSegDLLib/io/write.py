"""A result on disk: segmentation, one mask a region, instances, uncertainty, bias fields, report. All files or none.

Also single images. The bytes of NIfTI and .seg.nrrd are written by `nifti` and `seg_nrrd`.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
import SimpleITK as sitk

from ..errors import InputRefused
from ..geometry.image import LPS_FROM_RAS, Image
from ..result import Result, pixel_area_um2
from .atomic import PREFIX, atomic_path, flush_to_disk, json_text, not_written
from .formats import DICOM_RESULTS, NIFTI_SUFFIXES, PICTURE_SUFFIXES, file_suffix
from .itk_workarounds import native_messages_off, plain_path
from .nifti import write_nifti
from .objects import store_objects
from .seg_nrrd import store_seg_nrrd
from .threads import side_by_side
from .transaction import repair, replaced_together

WRITABLE_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha", *PICTURE_SUFFIXES)
LEAST_FREE_BYTES = 2**16  # below this a failed write is put down to a full disk
SEGMENTATION_FILE = "segmentation.seg.nrrd"
REPORT_FILE = "report.json"
OBJECTS_FILE = "objects.csv"
BRAIN_MASK_FILE = "brain_mask.nii.gz"
UNCERTAINTY_FILE = "uncertainty.nii.gz"
MOST_INSTANCES = np.iinfo(np.uint16).max
PROBE = bytes(4096)

Writer = Callable[[Path], None]


def prepare_folder(folder: str | os.PathLike) -> Path:
    """Make the output folder and try it out, before any work is done for it; a result that was left half moved there is taken back.

    Raises:
        InputRefused: it is a file, may not be entered or written to, has too long a name, or lies on a full disk.
    """
    folder = Path(folder)
    try:
        new = not folder.exists()
        if not new and not folder.is_dir():
            raise InputRefused(f"{folder} is a file, not a folder.", "Choose another output folder.")
    except OSError as error:
        raise not_written(folder, error) from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _try_out(folder)
    except OSError as error:
        if new:
            with suppress(OSError):
                folder.rmdir()
        raise not_written(folder, error) from error
    repair(folder)
    return folder


@contextmanager
def folder_for_result(folder: Path) -> Iterator[Path]:
    """`prepare_folder` for a block of work; a folder that was made in vain is removed again."""
    made = [parent for parent in (folder, *folder.parents) if not os.path.lexists(parent)]
    prepare_folder(folder)
    try:
        yield folder
    except BaseException:
        for parent in made:
            if parent.is_dir() and not any(parent.iterdir()):
                parent.rmdir()
        raise


def prepare_file(path: str | os.PathLike, suffixes: Sequence[str] | None) -> Path:
    """Try out where a file is to be written, before any work is done for it; nothing is left there.

    Raises:
        InputRefused: a suffix outside `suffixes` (None: any), a folder of that name, too long a name, or a folder that takes no file.
    """
    path = Path(path)
    suffix = file_suffix(path)
    if suffixes is not None and suffix not in suffixes:
        raise InputRefused(f"{path.name} cannot be written: {suffix or 'no suffix'} is unknown.", f"Use one of {', '.join(suffixes)}.")
    try:
        if path.is_dir():
            raise InputRefused(f"{path} is a folder, not a file.", "Name a file.")
        with suppress(FileNotFoundError):
            path.lstat()  # which says no to a name that is too long
        _try_out(path.parent)
    except OSError as error:
        raise not_written(path, error) from error
    return path


def _try_out(folder: Path) -> None:
    """Write a small file without a name, which goes with this process however it ends; raises the OSError of a folder that takes none."""
    with tempfile.TemporaryFile(prefix=PREFIX, dir=folder) as probe:
        probe.write(PROBE)
        probe.flush()
        os.fsync(probe.fileno())


def write_result(result: Result, folder: str | os.PathLike, beside: Mapping[str, Writer] = MappingProxyType({})) -> list[Path]:
    """Write every file of a result: all or none, and an earlier result stays as it was until all are in place (see `transaction`).

    Args:
        result: what `segment` gave back.
        folder: made if need be; files of the same names are replaced, others left alone.
        beside: file name -> what writes it, for files of the same result in other formats (DICOM).

    Returns:
        The paths: segmentation, regions, report last.

    Raises:
        InputRefused: the folder or disk does not take them.
    """
    folder = prepare_folder(folder)
    writers = {**beside, **_writers(result)}
    names = list(writers)
    earlier = [name for name in (*_instance_files(result), *DICOM_RESULTS, BRAIN_MASK_FILE) if name not in names]
    with replaced_together(folder, names, earlier) as staging:
        side_by_side(lambda name: _stored(staging / name, writers[name], folder), names)
    return [folder / name for name in names]


def write_together(folder: str | os.PathLike, writers: Mapping[str, Writer]) -> list[Path]:
    """Write some files of a result into a folder, all or none; those of the same names are replaced, others left alone.

    Args:
        folder: made if need be.
        writers: file name -> what writes it.

    Returns:
        The paths.

    Raises:
        InputRefused: the folder or disk does not take them.
    """
    folder = prepare_folder(folder)
    with replaced_together(folder, list(writers)) as staging:
        for name, write in writers.items():
            _stored(staging / name, write, folder)
    return [folder / name for name in writers]


def write_seg_nrrd(result: Result, path: str | os.PathLike) -> None:
    """Write Slicer's .seg.nrrd atomically: overlapping segments with names, colours and terminology on the result's grid."""
    with atomic_path(path) as temporary:
        store_seg_nrrd(result, temporary)


def _writers(result: Result) -> dict[str, Writer]:
    """File name -> what writes it."""
    affine = result.grid.affine
    volumes = {f"{segment.region.key}.nii.gz": segment.mask.astype(np.uint8, copy=False) for segment in result.segments}
    if result.brain_mask is not None:
        volumes[BRAIN_MASK_FILE] = result.brain_mask.mask
    if result.uncertainty is not None:
        volumes[UNCERTAINTY_FILE] = result.uncertainty.astype(np.float32, copy=False)
    volumes |= {f"bias_field_{key}.nii.gz": field.astype(np.float32, copy=False) for key, field in result.bias_fields.items()}
    writers: dict[str, Writer] = {SEGMENTATION_FILE: partial(store_seg_nrrd, result)}
    writers |= {name: partial(write_nifti, array=array, affine=affine) for name, array in volumes.items()}
    if result.instances is not None:
        image = _numbered(result)
        area = pixel_area_um2(result.grid, result.task)
        writers[_instance_files(result)[0 if image.array.dtype == np.uint16 else 1]] = partial(store_image, image)
        writers[OBJECTS_FILE] = partial(store_objects, instances=result.instances, pixel_area_um2=area)
    writers[REPORT_FILE] = partial(Path.write_text, data=json_text(result.record), encoding="utf-8")
    return writers


def _instance_files(result: Result) -> tuple[str, str]:
    """Where object numbers go: 16 bits, or 32 where there are more than these can number."""
    return f"{result.task.key}.png", f"{result.task.key}.tif"


def _numbered(result: Result) -> Image:
    """Instances as 16-bit numbers, or 32-bit where there are more."""
    fits = int(result.instances.max(initial=0)) <= MOST_INSTANCES
    return Image(result.instances.astype(np.uint16 if fits else np.uint32), result.grid.affine)


def _stored(path: Path, write: Writer, folder: Path) -> None:
    try:
        write(path)
        flush_to_disk(path)
    except OSError as error:
        raise not_written(folder / path.name, error) from error


def write_image(image: Image, path: str | os.PathLike) -> None:
    """Write a volume or picture atomically.

    Raises:
        InputRefused: a suffix outside `WRITABLE_SUFFIXES`, a volume into a picture file, or no room on the disk.
    """
    path = prepare_file(path, WRITABLE_SUFFIXES)
    suffix = file_suffix(path)
    if suffix in PICTURE_SUFFIXES and image.grid.shape[0] != 1:
        raise InputRefused(f"{path.name} cannot hold a volume of {image.grid.shape[0]} slices.", "Use .nii.gz, .nrrd or .mha.")
    if suffix not in PICTURE_SUFFIXES and image.channels > 1:
        raise InputRefused(f"{path.name} cannot hold a colour picture.", "Use .png or .tif.")
    with atomic_path(path) as temporary:
        store_image(image, temporary)


def store_image(image: Image, path: Path) -> None:
    """What `write_image` writes, without its care: not atomic, raises OSError where the disk refuses."""
    suffix = file_suffix(path)
    image = image.with_array(_plain(image.array))
    if suffix in NIFTI_SUFFIXES:
        write_nifti(path, image.array, image.affine)
    elif suffix in PICTURE_SUFFIXES:
        from .picture_writer import (  # here: Slicer's own Python, which writes volumes, need not have its libraries
            refuse_unfit,
            store_picture,
        )

        refuse_unfit(image, path, suffix)
        store_picture(image, path, suffix)
    else:
        _write_through_itk(image, path)


def _write_through_itk(image: Image, path: Path) -> None:
    volume = sitk.GetImageFromArray(image.array)
    spacing = image.grid.spacing_mm
    lps = LPS_FROM_RAS @ image.affine
    volume.SetSpacing(spacing.tolist())
    volume.SetOrigin(lps[:3, 3].tolist())
    volume.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    try:
        with native_messages_off(), plain_path(path) as writable:
            sitk.WriteImage(volume, str(writable), useCompression=True)
    except RuntimeError as error:
        full = shutil.disk_usage(path.parent).free < LEAST_FREE_BYTES
        raise OSError(errno.ENOSPC if full else errno.EIO, "ITK could not write the file") from error


def _plain(array: np.ndarray) -> np.ndarray:
    """In a number type that files know: truth values as 0 and 1, half precision widened."""
    if array.dtype == bool:
        return array.astype(np.uint8)
    return array.astype(np.float32) if array.dtype == np.float16 else array
