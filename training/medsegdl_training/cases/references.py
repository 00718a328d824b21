"""References as they are stored, into one label map: a file, a folder of masks (one a nucleus), or of DICOM series (one an organ)."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
import PIL.Image

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.formats import file_suffix
from MedSegDLLib.io.private_folder import private_folder
from MedSegDLLib.io.read import read_image

from .dsb2018 import pictures_in
from .ircadb import MASKS
from .names import below

LIVER = re.compile(r"^liver$", re.IGNORECASE)
TUMOUR = re.compile(r"^(liver)?_?tumou?rs?_?\d*$", re.IGNORECASE)  # livertumor, livertumors, livertumor01; not livercyst, livervein
MOST_BYTES = 4 * 2**30  # of an unpacked MASKS_DICOM.zip; the largest of the set takes 1.6 GB
COPY_BYTES = 2**20
PNG_HEADER = 26  # bytes up to the kind of colours (PNG specification, IHDR)
GREY, PALETTE = 0, 3  # kinds of colours


def read_reference(path: Path) -> Image:
    """A reference as one label map.

    Args:
        path: a label map; a folder of picture masks (numbered in the order of their names, later ones drawn over earlier); a folder or
            zip with one folder of DICOM masks an organ, of which `liver` becomes 1 and `livertumor...` 2 (3D-IRCADb).

    Raises:
        InputRefused: a file is missing, damaged, in colours, or of another size than the rest.
    """
    if path.is_dir():
        return _organs(path) if path.name == MASKS else _numbered(path)
    if file_suffix(path) == ".zip":
        with _unpacked(path) as folder:
            return _organs(folder)
    labels = _of_png(path) if file_suffix(path) == ".png" else read_image(path)
    if labels.channels > 1:
        raise InputRefused(f"{path.name} is a colour picture, no label map.", "Save it in grey, the numbers of the labels as its values.")
    return labels


def _of_png(path: Path) -> Image:
    """The numbers of a PNG as they are stored: of a palette the entries, not their colours; of 1, 2 or 4 bits not spread over 0 to 255."""
    image = read_image(path)
    with path.open("rb") as stream:
        bits, colours = stream.read(PNG_HEADER)[24:26]
    if colours == PALETTE:
        with PIL.Image.open(path) as stored:
            numbers = np.asarray(stored)[None]
    elif colours == GREY and bits < 8:
        numbers = image.array // (255 // (2**bits - 1))
    else:
        return image
    return replace(image, array=numbers) if numbers.shape == image.array.shape[:3] else image


def files_of(path: Path) -> list[Path]:
    """Every file that a reference (or an input) is made of, for hashes."""
    return [part for part in below(path) if part.is_file()] if path.is_dir() else [path]


def _numbered(folder: Path) -> Image:
    paths = pictures_in(folder)
    if not paths:
        raise InputRefused(f"{folder.parent.name}/{folder.name} holds no masks.", "Unpack the data set again, or take the case away.")
    first = read_image(paths[0])
    numbers = np.zeros(first.array.shape[:3], np.uint16)
    for number, path in enumerate(paths, start=1):
        mask = read_image(path).array
        if mask.shape[:3] != numbers.shape:
            raise InputRefused(f"The mask {path.name} differs in size from the others.", "Unpack the data set again.")
        numbers[(mask.reshape(*numbers.shape, -1) > 0).any(axis=-1)] = number
    return Image(numbers, first.affine, folder.parent.name)


def _organs(folder: Path) -> Image:
    places = [path for path in below(folder) if path.is_dir()]
    liver = [path for path in places if LIVER.match(path.name)]
    if not liver:
        raise InputRefused(f"{folder.name} holds no folder 'liver'.", "Give the MASKS_DICOM of a 3D-IRCADb case.")
    whole = read_image(liver[0])
    labels = (whole.array > 0).astype(np.uint8)
    for place in (path for path in places if TUMOUR.match(path.name)):
        mask = read_image(place)
        if not mask.grid.same_as(whole.grid):
            raise InputRefused(f"The masks {place.name} and {liver[0].name} lie on different grids.", "Unpack the case again.")
        labels[mask.array > 0] = 2
    return Image(labels, whole.affine, folder.name)


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """The liver's and tumours' files of a zip in a private folder; of the names inside only that of the last folder is used."""
    try:
        with private_folder() as place, zipfile.ZipFile(path) as archive:
            wanted = [(entry, organ) for entry in archive.infolist() if not entry.is_dir() and (organ := _organ_of(entry.filename))]
            if sum(entry.file_size for entry, _ in wanted) > MOST_BYTES:
                raise InputRefused(f"{path.name} would unpack to more than {MOST_BYTES >> 30} GB.", "Unpack it yourself.")
            for number, (entry, organ) in enumerate(wanted):
                target = place / MASKS / organ / f"{number:06d}"
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as packed, target.open("wb") as unpacked:
                    shutil.copyfileobj(packed, unpacked, COPY_BYTES)
            yield place
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise InputRefused(f"{path.name} is no readable zip.", "Download the case again.") from error


def _organ_of(name: str) -> str | None:
    """The organ whose folder a file of the archive lies in, if it is wanted."""
    parts = PurePosixPath(name).parts
    organ = parts[-2] if len(parts) > 1 else ""
    return organ if LIVER.match(organ) or TUMOUR.match(organ) else None
