"""DICOM into volumes, by where the frames lie and never by file name.

The door to the rooms `source` (folder, zip), `header` and `frames`, `series` (which frames, in which order) and `pixels`.

Patient data may not leave these rooms: only the tags in `DICOM_TAGS` do, and the `Origin`, which is for DICOM results alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputRefused
from ..geometry.image import Image, ReadingNote
from ..io.time_limit import next_header
from .classes import CT, DIRECTORY
from .examination import Examination, chosen
from .frames import Frame, frames_of
from .header import looks_like_dicom as _marked
from .header import plain_suffix
from .options import ReadOptions
from .origin import Reading, origin_of
from .pixels import AIR_HU, MAX_VOXELS, equal_pixels, padding_to_air, refuse_too_much, voxels
from .series import Volume, several_at_one_place, volume
from .source import ZIP_SUFFIX, Source, file_source, folder_sources, zip_sources
from .straighten import filled, straightened

__all__ = ["DIRECTORY", "MAX_VOXELS", "ZIP_SUFFIX", "examination", "looks_like_dicom", "plain_suffix", "read", "reading"]

MARK_BYTES = 132


def looks_like_dicom(path: Path) -> bool:
    """Whether the file carries DICOM's mark; files from before Part 10 are told by having no image suffix. Raises OSError."""
    with path.open("rb") as stream:
        return _marked(stream.read(MARK_BYTES))


def read(path: Path, options: ReadOptions = ReadOptions()) -> Reading:
    """The largest series that a path holds; which one of several is told in the image's notes.

    Args:
        path: a folder (subfolders included, files under any names), a zip, a DICOMDIR, or a single file.
        options: of reading.

    Raises:
        InputRefused: no DICOM images, a damaged one, two largest series, or frames that make no regular volume.
        OSError: a folder or file that may not be read.
    """
    with examination(path) as found:
        frames, notes = chosen(found)
        return reading(frames, found.name, notes, options)


def read_files(paths: Sequence[Path], name: str) -> Reading | None:
    """The volume that some files make, which are one series; None where none of them holds an image.

    Args:
        paths: of the files.
        name: what messages call them.

    Raises:
        InputRefused, OSError: see `read`.
    """
    found = _examined([file_source(path) for path in paths], name)
    if not found.frames:
        return None
    frames, notes = chosen(found)
    return reading(frames, found.name, notes)


@contextmanager
def examination(path: Path, name: str = "") -> Iterator[Examination]:
    """Everything that a path holds, by its headers; pixels can be read while the block runs. A zip is not unpacked.

    Args:
        path: as in `read`.
        name: what messages call it; the path's own name by default.

    Raises:
        InputRefused, OSError: see `read`.
    """
    name = name or _printable(path.name)
    if path.is_dir():
        yield _examined(folder_sources(path, name), name)
    elif path.suffix.lower() == ZIP_SUFFIX:
        with zip_sources(path) as sources:
            yield _examined(sources, name)
    else:
        yield _of_file(path, name)


def _of_file(path: Path, name: str) -> Examination:
    """One DICOM file alone: a slice, or all frames of a multi-frame file; for a DICOMDIR, the folder that it lists."""
    found = _examined([file_source(path)], name)
    if found.others["directory"]:
        return _examined(folder_sources(path.resolve().parent, name), name)
    if not found.frames and not found.others:
        raise InputRefused(f"{name} is no DICOM image.", "Give a DICOM file or folder, .nii.gz, .nrrd, .mha or a picture.")
    return found


def _printable(name: str) -> str:
    """A name for messages, whatever bytes the file system holds."""
    return name.encode("utf-8", "replace").decode("utf-8")


def _examined(sources: Iterable[Source], name: str) -> Examination:
    frames: list[Frame] = []
    others: Counter = Counter()
    for source in sources:
        next_header()
        found = frames_of(source, name)
        if isinstance(found, str):
            others[found] += 1
        elif found:
            frames += found
    return Examination(name, frames, others)


def reading(frames: Sequence[Frame], name: str, notes: tuple[ReadingNote, ...] = (), options: ReadOptions = ReadOptions()) -> Reading:
    """The volume that the frames of one series make, while their examination is open. Raises as `read`."""
    ready = volume(frames, name, notes, options)
    whole = ready.shifts is None and len(ready.places) == ready.places[-1] + 1
    refuse_too_much(ready.frames, name, volumes=1 if whole else 2)
    notes = (*ready.notes, *_dropped(ready))
    array = voxels(ready.frames, name)
    file = ready.frames[0].file
    if file.kind == CT and (count := padding_to_air(array, ready.frames)):
        says = f"holds {count:,} voxels of padding outside the scanner's field, which are taken for air ({AIR_HU} HU)."
        notes = (*notes, ReadingNote("PixelPaddingValue", says, "Nothing need be done.", serious=False))
    if ready.shifts is not None:
        array = straightened(array, ready.shifts)
    try:
        image = Image(filled(array, ready.places), ready.affine, name, file.tags, notes)
    except ValueError as error:
        raise InputRefused(f"{name} has no usable geometry: {error}.", "Export the series again.") from error
    return Reading(image, origin_of(ready), ready.time_points)


def _dropped(ready: Volume) -> tuple[ReadingNote, ...]:
    """A note of the slices that are there twice; raises InputRefused where the two are not the same."""
    if not all(equal_pixels(kept, copy, ready.name) for kept, copy in ready.copies):
        raise several_at_one_place(ready.name)
    if not ready.copies:
        return ()
    count = len(ready.copies)
    says = f"holds {count} slice{'s' * (count > 1)} twice; the cop{'ies are' if count > 1 else 'y is'} left aside."
    return (ReadingNote("ImagePositionPatient", says, "Nothing need be done.", serious=False),)
