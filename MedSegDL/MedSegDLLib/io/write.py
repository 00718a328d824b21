"""A result on disk: segmentation, one mask a region, instances, uncertainty, bias fields, report. All files or none.

Also single images. The bytes of NIfTI and .seg.nrrd are written by `nifti` and `seg_nrrd`.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputRefused
from ..geometry.image import LPS_FROM_RAS, Image
from ..result import Result
from .atomic import atomic_path, flush_to_disk, json_text, not_written
from .formats import NIFTI_SUFFIXES, PICTURE_SUFFIXES, file_suffix
from .itk_workarounds import native_messages_off
from .nifti import write_nifti
from .seg_nrrd import store_seg_nrrd
from .threads import side_by_side

WRITABLE_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha", *PICTURE_SUFFIXES)
LEAST_FREE_BYTES = 2**16  # below this a failed write is put down to a full disk
SEGMENTATION_FILE = "segmentation.seg.nrrd"
REPORT_FILE = "report.json"
UNCERTAINTY_FILE = "uncertainty.nii.gz"
MOST_INSTANCES = np.iinfo(np.uint16).max
PROBE = bytes(4096)

Writer = Callable[[Path], None]


def prepare_folder(folder: str | os.PathLike) -> Path:
    """Make the output folder and try it out, before any work is done for it.

    Raises:
        InputRefused: it is a file, may not be written to, or lies on a full disk.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InputRefused(f"{folder} is a file, not a folder.", "Choose another output folder.")
    new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _try_out(folder)
    except OSError as error:
        if new:
            with suppress(OSError):
                folder.rmdir()
        raise not_written(folder, error) from error
    return folder


def _try_out(folder: Path) -> None:
    """Write a small file and remove it again; raises the OSError of a folder that takes none."""
    probe = folder / f".medsegdl-{secrets.token_hex(8)}"
    try:
        probe.write_bytes(PROBE)
        flush_to_disk(probe)
    finally:
        with suppress(OSError):
            probe.unlink()


def write_result(result: Result, folder: str | os.PathLike) -> list[Path]:
    """Write every file of a result; they appear together at the end, and none of them if anything fails.

    Args:
        result: what `segment` gave back.
        folder: made if need be; files of the same names are replaced, others left alone.

    Returns:
        The paths: segmentation, regions, report last.

    Raises:
        InputRefused: the folder or disk does not take them, or there are more instances than 16 bits can number.
    """
    folder = prepare_folder(folder)
    writers = _writers(result)
    staging = folder / f".medsegdl-{secrets.token_hex(8)}"
    try:
        staging.mkdir()
        side_by_side(lambda name: _stored(staging / name, writers[name], folder), list(writers))
        return _moved(staging, folder, list(writers))
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def write_seg_nrrd(result: Result, path: str | os.PathLike) -> None:
    """Write Slicer's .seg.nrrd atomically: overlapping segments with names, colours and terminology on the result's grid."""
    with atomic_path(path) as temporary:
        store_seg_nrrd(result, temporary)


def _writers(result: Result) -> dict[str, Writer]:
    """File name -> what writes it."""
    affine = result.grid.affine
    volumes = {f"{segment.region.key}.nii.gz": segment.mask.astype(np.uint8, copy=False) for segment in result.segments}
    if result.uncertainty is not None:
        volumes[UNCERTAINTY_FILE] = result.uncertainty.astype(np.float32, copy=False)
    volumes |= {f"bias_field_{key}.nii.gz": field.astype(np.float32, copy=False) for key, field in result.bias_fields.items()}
    writers: dict[str, Writer] = {SEGMENTATION_FILE: partial(store_seg_nrrd, result)}
    writers |= {name: partial(write_nifti, array=array, affine=affine) for name, array in volumes.items()}
    if result.instances is not None:
        writers[f"{result.task.key}.png"] = partial(store_image, _numbered(result))
    writers[REPORT_FILE] = partial(Path.write_text, data=json_text(result.record), encoding="utf-8")
    return writers


def _numbered(result: Result) -> Image:
    """Instances as 16-bit numbers."""
    count = int(result.instances.max(initial=0))
    if count > MOST_INSTANCES:
        raise InputRefused(f"{count} objects are more than a 16-bit picture can number ({MOST_INSTANCES}).", "Cut the picture into parts.")
    return Image(result.instances.astype(np.uint16), result.grid.affine)


def _stored(path: Path, write: Writer, folder: Path) -> None:
    try:
        write(path)
        flush_to_disk(path)
    except OSError as error:
        raise not_written(folder / path.name, error) from error


def _moved(staging: Path, folder: Path, names: list[str]) -> list[Path]:
    moved: list[Path] = []
    try:
        for name in names:
            (staging / name).replace(folder / name)
            moved.append(folder / name)
    except BaseException as error:
        for path in moved:
            path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise not_written(folder / names[len(moved)], error) from error
        raise
    return moved


def write_image(image: Image, path: str | os.PathLike) -> None:
    """Write a volume or picture atomically.

    Raises:
        InputRefused: a suffix outside `WRITABLE_SUFFIXES`, a volume into a picture file, or no room on the disk.
    """
    path = Path(path)
    suffix = file_suffix(path)
    if suffix not in WRITABLE_SUFFIXES:
        known = ", ".join(WRITABLE_SUFFIXES)
        raise InputRefused(f"{path.name} cannot be written: {suffix or 'no suffix'} is unknown.", f"Use one of {known}.")
    if suffix in PICTURE_SUFFIXES and image.grid.shape[0] != 1:
        raise InputRefused(f"{path.name} cannot hold a volume of {image.grid.shape[0]} slices.", "Use .nii.gz, .nrrd or .mha.")
    if suffix not in PICTURE_SUFFIXES and image.channels > 1:
        raise InputRefused(f"{path.name} cannot hold a colour picture.", "Use .png or .tif.")
    with atomic_path(path) as temporary:
        store_image(image, temporary)


def store_image(image: Image, path: Path) -> None:
    """What `write_image` writes, without its care: not atomic, raises OSError where the disk refuses."""
    suffix = file_suffix(path)
    if suffix in NIFTI_SUFFIXES:
        write_nifti(path, _plain(image.array), image.affine)
    else:
        _write_through_itk(image, suffix, path)


def _write_through_itk(image: Image, suffix: str, path: Path) -> None:
    picture = suffix in PICTURE_SUFFIXES
    array = _plain(image.array)
    volume = sitk.GetImageFromArray(array[0] if picture else array, isVector=image.channels > 1)
    spacing = image.grid.spacing_mm
    axes = volume.GetDimension()
    volume.SetSpacing(spacing[:axes].tolist())
    if not picture:
        lps = LPS_FROM_RAS @ image.affine
        volume.SetOrigin(lps[:3, 3].tolist())
        volume.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    try:
        with native_messages_off():
            sitk.WriteImage(volume, str(path), useCompression=suffix not in (".jpg", ".jpeg"))
    except RuntimeError as error:
        full = shutil.disk_usage(path.parent).free < LEAST_FREE_BYTES
        raise OSError(errno.ENOSPC if full else errno.EIO, "ITK could not write the file") from error


def _plain(array: np.ndarray) -> np.ndarray:
    """In a number type that files know: truth values as 0 and 1, half precision widened."""
    if array.dtype == bool:
        return array.astype(np.uint8)
    return array.astype(np.float32) if array.dtype == np.float16 else array
