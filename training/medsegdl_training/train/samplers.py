"""Which source of batches and which augmentation belong to which task.

Sources are imported when asked for, so that one task's readers are not needed by another.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Protocol

from MedSegDLLib.tasks import Plan

from .sampler import Case, LabelledSource, Source

SOURCES = {"brain": "brain_sampler", "liver": "liver_sampler", "nuclei": "nuclei_sampler"}
UNLABELLED = {"nuclei": "unlabelled_sampler"}  # tasks whose cases can be read without labels; of the others the labels are set aside


class MakeSource(Protocol):
    """Signature of what makes a source of any cases."""

    def __call__(self, data: Path, holdout: tuple[str, ...], plan: Plan, patch: tuple[int, ...], seed: int) -> Source: ...


class MakeLabelledSource(Protocol):
    """Signature of every source module's `make_source`."""

    def __call__(self, data: Path, holdout: tuple[str, ...], plan: Plan, patch: tuple[int, ...], seed: int) -> LabelledSource: ...


def source_of(task: str) -> MakeLabelledSource:
    """The `make_source` of that task's module.

    Raises:
        KeyError: no source is registered for the task.
    """
    return import_module(f".{SOURCES[task]}", __package__).make_source


def cases_of(task: str) -> Callable[[Path], list[Case]]:
    """The `find_cases` of that task's module: the labelled cases under a folder, sorted by name."""
    return import_module(f".{SOURCES[task]}", __package__).find_cases


def unlabelled_source_of(task: str) -> MakeSource:
    """Makes a source whose labels are neither looked at nor, where the task has a reader for it, needed."""
    if task in UNLABELLED:
        return import_module(f".{UNLABELLED[task]}", __package__).make_unlabelled
    from .sampler import WithoutLabels

    def set_aside(data: Path, holdout: tuple[str, ...], plan: Plan, patch: tuple[int, ...], seed: int) -> Source:
        return WithoutLabels(source_of(task)(data, holdout, plan, patch, seed))

    return set_aside
