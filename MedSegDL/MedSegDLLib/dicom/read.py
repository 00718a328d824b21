"""DICOM into one volume, by where the frames lie and never by file name.

The door to the rooms `source` (folder, zip), `header` and `frames`, `series` (which frames, in which order) and `pixels`.

Patient data may not leave these rooms: only the tags in `DICOM_TAGS` do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from ..errors import InputRefused
from ..geometry.image import Image, ReadingNote
from .classes import CT, DIRECTORY
from .frames import Frame, frames_of
from .header import PLAIN_SUFFIXES
from .header import looks_like_dicom as _marked
from .pixels import AIR_HU, MAX_VOXELS, equal_pixels, padding_to_air, refuse_too_much, voxels
from .series import Examination, Volume, chosen, several_at_one_place, volume
from .source import Source, file_source, folder_sources, zip_sources

__all__ = ["DIRECTORY", "MAX_VOXELS", "PLAIN_SUFFIXES", "looks_like_dicom", "read_file", "read_folder", "read_zip"]

MARK_BYTES = 132


def looks_like_dicom(path: Path) -> bool:
    """Whether the file carries DICOM's mark; files from before Part 10 are told by having no image suffix. Raises OSError."""
    with path.open("rb") as stream:
        return _marked(stream.read(MARK_BYTES))


def read_folder(folder: Path, name: str | None = None) -> Image:
    """The largest series under `folder`, subfolders included; which one of several is told in the image's notes.

    Args:
        folder: where the files are, under any names.
        name: what messages call it; the folder's own name by default.

    Raises:
        InputRefused: no DICOM images, a damaged one, two largest series, or frames that make no regular volume.
        OSError: a folder or file that may not be read.
    """
    name = name or _printable(folder.name)
    return _image(_examined(folder_sources(folder, name), name))


def read_file(path: Path) -> Image:
    """One DICOM file alone: a slice, or all frames of a multi-frame file; for a DICOMDIR, the folder that it lists."""
    name = _printable(path.name)
    found = _examined([file_source(path)], name)
    if found.others["directory"]:
        return read_folder(path.resolve().parent, name)
    if not found.frames and not found.others:
        raise InputRefused(f"{name} is no DICOM image.", "Give a DICOM file or folder, .nii.gz, .nrrd, .mha or a picture.")
    return _image(found)


def read_zip(path: Path) -> Image:
    """The largest series in a zip, read from its own streams: nothing is unpacked, so that no name inside can point anywhere."""
    with zip_sources(path) as sources:
        return _image(_examined(sources, _printable(path.name)))


def _printable(name: str) -> str:
    """A name for messages, whatever bytes the file system holds."""
    return name.encode("utf-8", "replace").decode("utf-8")


def _examined(sources: Iterable[Source], name: str) -> Examination:
    frames: list[Frame] = []
    others: Counter = Counter()
    for source in sources:
        found = frames_of(source, name)
        if isinstance(found, str):
            others[found] += 1
        elif found:
            frames += found
    return Examination(name, frames, others)


def _image(examination: Examination) -> Image:
    frames, notes = chosen(examination)
    refuse_too_much(frames, examination.name)
    ready = volume(frames, examination.name, notes)
    notes = (*ready.notes, *_dropped(ready))
    array = voxels(ready.frames, ready.name)
    file = ready.frames[0].file
    if file.kind == CT and (count := padding_to_air(array, ready.frames)):
        says = f"holds {count:,} voxels of padding outside the scanner's field, which are taken for air ({AIR_HU} HU)."
        notes = (*notes, ReadingNote("PixelPaddingValue", says, "Nothing need be done.", serious=False))
    try:
        return Image(array, ready.affine, ready.name, file.tags, notes)
    except ValueError as error:
        raise InputRefused(f"{ready.name} has no usable geometry: {error}.", "Export the series again.") from error


def _dropped(ready: Volume) -> tuple[ReadingNote, ...]:
    """A note of the slices that are there twice; raises InputRefused where the two are not the same."""
    if not all(equal_pixels(kept, copy, ready.name) for kept, copy in ready.copies):
        raise several_at_one_place(ready.name)
    if not ready.copies:
        return ()
    count = len(ready.copies)
    says = f"holds {count} slice{'s' * (count > 1)} twice; the cop{'ies are' if count > 1 else 'y is'} left aside."
    return (ReadingNote("ImagePositionPatient", says, "Nothing need be done.", serious=False),)
