"""Which sampler of batches and which augmentation belong to which task.

Sources are imported when asked for, so that one task's readers are not needed by another.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Protocol

from MedSegDLLib.tasks import Plan

from ..cases.case import Case
from ..cases.selection import Selection
from .sampler import LabelledSampler, Sampler

SAMPLERS = {"brain": "brain_sampler", "liver": "liver_sampler", "nuclei": "nuclei_sampler"}
UNLABELLED = {"nuclei": "unlabelled_sampler"}  # tasks whose cases can be read without labels; of the others the labels are set aside


class MakeSampler(Protocol):
    """Signature of what makes a sampler of any cases."""

    def __call__(self, selection: Selection, plan: Plan, patch: tuple[int, ...], seed: int) -> Sampler: ...


class MakeLabelledSampler(Protocol):
    """Signature of every sampler module's `make_sampler`."""

    def __call__(self, selection: Selection, plan: Plan, patch: tuple[int, ...], seed: int) -> LabelledSampler: ...


def _module(task: str) -> ModuleType:
    return import_module(f".{SAMPLERS[task]}", __package__)


def sampler_of(task: str) -> MakeLabelledSampler:
    """The `make_sampler` of that task's module.

    Raises:
        KeyError: no sampler is registered for the task.
    """
    return _module(task).make_sampler


def cases_of(task: str) -> Callable[[Path], list[Case]]:
    """The `find_cases` of that task's module: the labelled cases under a folder, sorted by name."""
    return _module(task).find_cases


def names_of(task: str) -> Callable[[Path], list[str]]:
    """The `find_names` of that task's module: of everything that its sampler may read, shapes and colours included."""
    return _module(task).find_names


def unlabelled_sampler_of(task: str) -> MakeSampler:
    """Makes a sampler whose labels are neither looked at nor, where the task has a reader for it, needed."""
    if task in UNLABELLED:
        return import_module(f".{UNLABELLED[task]}", __package__).make_unlabelled
    from .sampler import WithoutLabels

    def set_aside(selection: Selection, plan: Plan, patch: tuple[int, ...], seed: int) -> Sampler:
        return WithoutLabels(sampler_of(task)(selection, plan, patch, seed))

    return set_aside
