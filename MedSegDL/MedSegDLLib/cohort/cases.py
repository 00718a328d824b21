"""What the cases of a cohort are: a list, a BIDS data set, a folder of cases or of DICOM studies. Reads names and headers, no voxels."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError

from ..checks.modality_guess import Candidate, guesses, is_label_map
from ..dicom.read import looks_like_dicom
from ..errors import InputRefused, UsageError
from ..geometry.image import DICOM_TAGS
from ..io.formats import PICTURE_SUFFIXES, VOLUME_SUFFIXES, file_suffix
from ..tasks import Task
from .orders import Case

CASE_COLUMN = "case"
DELIMITERS = ",;\t"
IMAGES = {*VOLUME_SUFFIXES, *PICTURE_SUFFIXES}
BIDS_PLACES = ("anat", "ct")  # of a subject's or session's folders; where there is none of them, all count
STUDY_TAGS = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID")
SAMPLED = 16  # headers that are read of a folder, evenly among its files, to see whether it holds one series
MAKE_A_LIST = "Make a list (CSV) that names the files of each case."


@dataclass(frozen=True)
class Listed:
    """The cases found, and what a reader of the list should know.

    Attributes:
        cases: in the order of the list, or of their names; what speaks against one alone is in its `refusal`.
        notes: one sentence each.
    """

    cases: tuple[Case, ...]
    notes: tuple[str, ...] = ()


def find_cases(source: Path, task: Task) -> Listed:
    """The cases of a list (.csv), of a BIDS data set, of a folder with a folder a case, or of a folder of DICOM studies.

    Args:
        source: the list or folder.
        task: whose inputs are looked for.

    Raises:
        UsageError: the list cannot be understood, or two cases have one name.
        InputRefused: nothing is there, or no case.
    """
    if not source.exists():
        raise InputRefused(f"{source} was not found.", "Check the path of the list or folder.")
    if source.is_dir():
        found = Listed(tuple(_of_folder(source, task)))
    elif file_suffix(source) == ".csv":
        found = _of_list(source, task)
    else:
        raise UsageError(f"{source.name} is neither a list (.csv) nor a folder.", "Give a CSV list, a BIDS folder or a DICOM folder.")
    if not found.cases:
        raise InputRefused(f"{source} holds no case of --task {task.key}.", MAKE_A_LIST)
    _refuse_doubles(found.cases)
    return found


def _refuse_doubles(cases: Sequence[Case]) -> None:
    """Two cases of one identity would share a folder. Names that differ in capitals only are one name to some file systems."""
    for keep_names in (False, True):
        seen: dict[str, Case] = {}
        for case in cases:
            identity = case.identity(keep_names).casefold()
            if identity in seen:
                raise UsageError(f"Two cases are called '{case.name}'.", f"Give each case a name of its own (column '{CASE_COLUMN}').")
            seen[identity] = case


def _of_list(path: Path, task: Task) -> Listed:
    """A row a case: one column an input, by its key; `case` names it; paths count from the list's folder."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"The list {path.name} is no text in UTF-8.", "Save it again as CSV, UTF-8.") from error
    first = text.partition("\n")[0]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=max(DELIMITERS, key=first.count))
    try:
        header = [column.strip().casefold() for column in next(rows, [])]
        columns = _columns(path, task, header)
        cases = tuple(_of_row(path, row, rows.line_num, columns) for row in rows if any(cell.strip() for cell in row))
    except csv.Error as error:
        raise UsageError(f"The list {path.name} is no CSV ({error}).", "Save it again as CSV, UTF-8.") from error
    ignored = [column for column in header if column and column not in columns]
    return Listed(cases, (f"Columns of the list that are no input: {', '.join(ignored)}.",) if ignored else ())


def _columns(path: Path, task: Task, header: Sequence[str]) -> dict[str, int]:
    """Column -> its place, of those that count. Raises UsageError where no input has one, or one has two."""
    keys = [entry.key for entry in task.inputs]
    if twice := [name for name in (CASE_COLUMN, *keys) if header.count(name) > 1]:
        raise UsageError(f"The list {path.name} has two columns '{twice[0]}'.", "Keep one of them.")
    columns = {name: header.index(name) for name in (CASE_COLUMN, *keys) if name in header}
    if not set(columns) & set(keys):
        wanted = ", ".join((CASE_COLUMN, *keys))
        raise UsageError(f"The list {path.name} has no column for an input of --task {task.key}.", f"Its columns are {wanted}.")
    return columns


def _of_row(path: Path, row: Sequence[str], line: int, columns: Mapping[str, int]) -> Case:
    cells = {name: row[place].strip() for name, place in columns.items() if place < len(row)}
    name = cells.pop(CASE_COLUMN, "")
    inputs = {key: path.parent / cell for key, cell in cells.items() if cell}
    refusal = "" if inputs else f"Line {line} of the list names no input."
    return Case(name or next((cell for cell in cells.values() if cell), f"line {line}"), inputs, refusal)


def _of_folder(folder: Path, task: Task) -> Iterator[Case]:
    """The first way that finds anything: BIDS, pictures of a task with one input, a folder a case, DICOM."""
    found = False
    for way in (_of_bids, _of_single_files, _of_case_folders, _of_dicom):
        for case in way(folder, task):
            found = True
            yield case
        if found:
            return


def _of_bids(folder: Path, task: Task) -> Iterator[Case]:
    """`sub-*[/ses-*]/anat`: a case a session."""
    for subject in _folders(folder, "sub-*"):
        for session in _folders(subject, "ses-*") or [subject]:
            name = subject.name if session is subject else f"{subject.name}_{session.name}"
            places = [session / place for place in BIDS_PLACES if (session / place).is_dir()] or [session]
            yield _of_files(name, [file for place in places for file in _images(place, "*")], task)


def _of_single_files(folder: Path, task: Task) -> Iterator[Case]:
    """Images that lie in the folder itself, where the task takes one: a case each."""
    if len(task.inputs) == 1:
        for path in _images(folder, "*"):
            if not is_label_map(Candidate(path.name)):
                yield Case(path.name, {task.inputs[0].key: path})


def _of_case_folders(folder: Path, task: Task) -> Iterator[Case]:
    for child in _folders(folder, "*"):
        if images := _images(child, "**/*"):
            yield _of_files(child.name, images, task)


def _folders(folder: Path, pattern: str) -> list[Path]:
    return sorted(child for child in folder.glob(pattern) if child.is_dir() and not child.name.startswith("."))


def _images(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.glob(pattern) if file_suffix(path) in IMAGES and path.is_file() and not path.name.startswith("."))


def _of_files(name: str, paths: Sequence[Path], task: Task) -> Case:
    return _guessed(name, paths, [Candidate(path.name) for path in paths], task)


def _guessed(name: str, paths: Sequence[Path], candidates: Sequence[Candidate], task: Task) -> Case:
    """Which image is which; where two could be one input, the case is refused: nobody is there to be asked."""
    found = guesses(candidates, task)
    inputs = {key: paths[guess.index] for key, guess in found.items()}
    taken = {guess.index for guess in found.values()}
    rivals: dict[str, list[Path]] = {}
    for index in set(range(len(candidates))) - taken:
        for key in set(guesses([candidates[index]], task)) - set(found):
            rivals.setdefault(key, []).append(paths[index])
    doubtful = next((key for key, several in rivals.items() if len(several) > 1), None)
    if doubtful is not None:
        return Case(name, inputs, f"{len(rivals[doubtful])} images could be the {doubtful}.")
    return Case(name, inputs, "" if inputs else "No image was recognised as an input.")


def _of_dicom(folder: Path, task: Task) -> Iterator[Case]:
    """A case a study; its series lie in a folder each, at any depth."""
    studies: dict[str, list[tuple[Path, Candidate, bool]]] = {}
    for place in sorted({folder, *(path for path in folder.rglob("*") if path.is_dir())}):
        headers = _headers(place)
        if headers:
            first = headers[0]
            name = "_".join(filter(None, (str(first.get("PatientID", "")), str(first.get("StudyInstanceUID", "")))))
            tags = {tag: str(first.get(tag, "")) for tag in DICOM_TAGS}
            mixed = len({str(header.get("SeriesInstanceUID", "")) for header in headers}) > 1
            studies.setdefault(name or place.name, []).append((place, Candidate(place.name, tags), mixed))
    for name, series in sorted(studies.items()):
        places = [place for place, _, _ in series]
        if any(mixed for _, _, mixed in series) and len(task.inputs) > 1:
            yield Case(name, dict.fromkeys([task.inputs[0].key], places[0]), "Several series lie in one folder.")
        else:
            yield _guessed(name, places, [candidate for _, candidate, _ in series], task)


def _headers(place: Path) -> list[pydicom.Dataset]:
    """Headers of some files of a folder, evenly chosen; empty where the first ones are not DICOM."""
    files = sorted(path for path in place.iterdir() if path.is_file() and not path.name.startswith("."))
    headers = []
    for path in files[:: max(1, len(files) // SAMPLED)]:
        if path.stat().st_size and looks_like_dicom(path):
            try:
                headers.append(pydicom.dcmread(path, stop_before_pixels=True, specific_tags=[*DICOM_TAGS, *STUDY_TAGS]))
            except (InvalidDicomError, OSError, ValueError):
                continue  # the reader tells what is wrong with it
    return headers
