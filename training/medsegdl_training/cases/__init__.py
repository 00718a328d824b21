"""Folders of public data sets, and lists of one's own files, into cases. Only names are read here; references are read in `references`.

A data set is one small module with `find(folder, task) -> list[Case]`; a new one is one more entry in `READERS`. Any task is read from
folders of the Decathlon and of nnU-Net, and from lists; tasks of pictures from `images/` beside `labels/` too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.tasks import SHIPPED, Task

from .case import Case

READERS = {"brain": ("brats", "decathlon"), "liver": ("lits", "lits_windowed", "ircadb", "decathlon")}
ANY = ("decathlon",)  # layouts of data sets of any task: they tell in a file what their channels and labels are
ANY_PICTURES = ("dsb2018", "decathlon")
LISTS = (".csv", ".json")

__all__ = ["READERS", "Case", "find_cases", "special"]


def find_cases(data: Path, task: Task, labelled: bool = True) -> list[Case]:
    """All cases of a data set, sorted by name.

    Args:
        data: a folder in one of the layouts of `READERS` (or one with a folder of the task's name in it), or a list file; see `listing`.
        task: says which inputs a case may have.
        labelled: only cases that have a reference.

    Raises:
        InputRefused: the folder is not there, or a list or `dataset.json` is wrong.
    """
    if data.suffix.lower() in LISTS and not data.is_dir():
        found = import_module(".listing", __package__).find(data, task)
    else:
        if not data.is_dir():
            raise InputRefused(f"{data} is no folder.", "Give the folder of the data set, or a list of files (CSV or JSON).")
        folder = data / task.key if (data / task.key).is_dir() else data
        readers = READERS.get(special(task) or "", ANY_PICTURES if task.pictures else ANY)
        found = [case for reader in readers for case in import_module(f".{reader}", __package__).find(folder, task)]
    kept = [case for case in _distinct(found) if case.reference is not None or not labelled]
    return sorted(_distinguished(kept), key=lambda case: case.name)


def special(task: Task) -> str | None:
    """Key of the shipped task that this one is, or None. Other colours, conventions of labels or plans make no other task of it."""
    shipped = SHIPPED.get(task.key)
    return task.key if shipped is not None and shipped.meaning == task.meaning else None


def _distinct(cases: Iterable[Case]) -> list[Case]:
    """Each set of input files once, though two layouts may fit it; with its reference, if one of them knows it."""
    kept: dict[frozenset[Path], Case] = {}
    for case in cases:
        key = frozenset(path.resolve() for path in case.inputs.values())
        if key not in kept or kept[key].reference is None:
            kept[key] = case
    return list(kept.values())


def _distinguished(cases: list[Case]) -> list[Case]:
    """Cases of one name (BRATS 2013: HG/0001 and LG/0001) get their folder's parent in front."""
    counts = Counter(case.name for case in cases)
    return [replace(case, name=f"{_parent_of(case)}_{case.name}") if counts[case.name] > 1 else case for case in cases]


def _parent_of(case: Case) -> str:
    """The folder above the one that gave the case its name; above the file where none did."""
    path = next(iter(case.inputs.values()))
    parents = [parent.name for parent in path.parents]
    return parents[parents.index(case.name) + 1] if case.name in parents[:-1] else path.parent.name
