"""Which sampler of batches belongs to which task: what is special about a shipped one is kept apart, any other has the general one.

A task is a shipped one if it means the same, whatever it is called. Samplers are imported when asked for, so that one task's readers are
not needed by another.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from MedSegDLLib.errors import UsageError
from MedSegDLLib.tasks import Plan, Task

from ..cases import special
from ..cases.cache import CachedArrays
from ..cases.case import Case
from ..cases.selection import Selection
from .sampler import LabelledSampler, Sampler, WithoutLabels

SAMPLERS = {"brain": "brain_sampler", "liver": "liver_sampler", "brainmask": "brain_mask_sampler"}
OBJECTS = "nuclei_sampler"  # of every task that numbers objects
CACHES = {"brain": "brain_cache", "liver": "liver_cache"}


class MakeSampler(Protocol):
    """Signature of what makes a sampler of any cases."""

    def __call__(self, selection: Selection, plan: Plan, patch: tuple[int, ...], seed: int) -> Sampler: ...


class MakeLabelledSampler(Protocol):
    """Signature of every sampler module's `make_sampler`."""

    def __call__(self, selection: Selection, plan: Plan, patch: tuple[int, ...], seed: int) -> LabelledSampler: ...


class OnDisk(Protocol):
    """A case of the cache."""

    @property
    def arrays(self) -> CachedArrays: ...

    @property
    def shape(self) -> tuple[int, ...]: ...


def _of(task: Task, name: str) -> Callable[..., Any]:
    """A function of the task's own sampler module, of that of objects, or of the general one for this task."""
    own = SAMPLERS.get(special(task) or "")
    if own:
        return getattr(import_module(f".{own}", __package__), name)
    if task.instances:
        return partial(getattr(import_module(f".{OBJECTS}", __package__), name), task=task)
    if task.auxiliary:
        says = f"The task '{task.key}' cannot be trained: nothing tells what its auxiliary output '{task.auxiliary[0]}' shall be."
        raise UsageError(says, "Take 'auxiliary' out of the task file; only tasks with 'instances' have one, the boundary.")
    return partial(getattr(import_module(".volume_sampler", __package__), name), task)


def sampler_of(task: Task) -> MakeLabelledSampler:
    """What makes the task's sampler. Raises UsageError: there is none for it."""
    return _of(task, "make_sampler")


def cases_of(task: Task) -> Callable[[Path], list[Case]]:
    """What finds the labelled cases under a folder, sorted by name."""
    return _of(task, "find_cases")


def names_of(task: Task) -> Callable[[Path], list[str]]:
    """What finds the names of everything that the task's sampler may read, shapes and colours included."""
    return _of(task, "find_names")


def unlabelled_sampler_of(task: Task) -> MakeSampler:
    """Makes a sampler whose labels are neither looked at nor, of pictures of objects, needed; of others the labels are set aside."""
    if task.instances:
        return import_module(".unlabelled_sampler", __package__).make_unlabelled

    def set_aside(selection: Selection, plan: Plan, patch: tuple[int, ...], seed: int) -> Sampler:
        return WithoutLabels(sampler_of(task)(selection, plan, patch, seed))

    return set_aside


def cache_of(task: Task) -> Callable[[Case, Plan, Path], OnDisk]:
    """What keeps a case of the task on disk: (case, plan, folder of the cache)."""
    own = CACHES.get(special(task) or "")
    if own:
        return import_module(f"..cases.{own}", __package__).cached_case
    return partial(import_module("..cases.volume_cache", __package__).cached_case, task)
