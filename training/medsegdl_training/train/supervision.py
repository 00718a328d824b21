"""How much of the data is labelled, and what is learned from the rest: from a run's description to its objective.

A task's own sampler reads the cases; here only their names are divided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.tasks import Plan, Task

from ..cases.selection import Selection, sides_meet
from ..transforms.augment import mirrored_only, recipe_for
from .losses import loss_of
from .objectives import MeanTeacher, Objective, Supervised
from .pretext import pretext_of
from .sampler import LabelledSampler, Sampler, WithoutLabels
from .samplers import cases_of, sampler_of, unlabelled_sampler_of
from .settings import Settings

MIRROR = "mirror"
REST = "rest"  # the unlabelled cases are those of the same folder whose labels are set aside


def labelled_share(names: Sequence[str], share: float, seed: int) -> list[str]:
    """A seeded choice of so many of the names, at least one; a larger share of the same seed holds the smaller one."""
    order = torch.randperm(len(names), generator=torch.Generator().manual_seed(seed)).tolist()
    chosen = order[: max(1, round(share * len(names)))]
    return [names[i] for i in sorted(chosen)]


@dataclass(frozen=True)
class Place:
    """Where and how a run reads its cases: `selection` which, `plan` and `patch` of the samples, and `seed`; without `synthesis` only real
    samples.
    """

    task: Task
    selection: Selection
    plan: Plan
    patch: tuple[int, ...]
    seed: int
    synthesis: bool = True

    @classmethod
    def of(cls, task: Task, data: Path, entry: dict[str, Any], seed: int) -> Place:
        """From a run's settings file."""
        selection = Selection(data, tuple(entry["holdout"]), tuple(entry.get("left_out", ())))
        return cls(task, selection, Plan.from_json(entry["plan"]), tuple(entry["patch"]), seed, entry.get("synthesis", True))

    def sampler(self, also_out: Sequence[str] = ()) -> LabelledSampler:
        """The selected cases, but those named."""
        sampler = sampler_of(self.task)(self.selection.without(also_out), self.plan, self.patch, self.seed)
        return sampler if self.synthesis else sampler.without_synthesis()

    def unlabelled(self, folder: Path) -> Sampler:
        """The cases of another folder, labels neither needed nor looked at; nobody who is held out."""
        elsewhere = replace(self.selection, data=folder)
        return unlabelled_sampler_of(self.task)(elsewhere, self.plan, self.patch, self.seed)

    def names(self) -> list[str]:
        """Names of the labelled cases that may be read."""
        return [case.name for case in self.selection.of(cases_of(self.task)(self.selection.data))]


def objective_of(place: Place, entry: dict[str, Any], settings: Settings) -> tuple[Objective, Sampler]:
    """What a run minimises, and the sampler that its model card speaks of.

    Args:
        place: where the cases are.
        entry: of the settings file: `pretext` (a method, or none), `labels` (share of the labelled cases), `unlabelled` ("rest", a folder,
            or none), `augmentation` ("full" or "mirror"), `emphasis` (shares of cases by name, or none).
        settings: the loss.
    """
    mirror = entry.get("augmentation") == MIRROR
    recipe = mirrored_only(recipe_for(place.task)) if mirror else recipe_for(place.task)
    if entry.get("pretext"):
        sampler = place.unlabelled(place.selection.data)
        return pretext_of(entry["pretext"], sampler, recipe), sampler
    sampler, rest = divided(place, entry.get("labels", 1.0), entry.get("unlabelled"))
    sampler = sampler.in_shape() if mirror else sampler
    sampler = sampler.emphasising(entry["emphasis"]) if entry.get("emphasis") else sampler
    supervised = Supervised(sampler, recipe, loss_of(settings.loss, place.task))
    return (MeanTeacher(supervised, rest) if rest else supervised), sampler


def divided(place: Place, share: float, unlabelled: str | None) -> tuple[LabelledSampler, Sampler | None]:
    """The labelled sampler, and the unlabelled one where it is asked for."""
    names = place.names() if share < 1 else []
    labelled = labelled_share(names, share, place.seed) if names else []
    sampler = place.sampler([name for name in names if name not in labelled])
    if not unlabelled:
        return sampler, None
    return sampler, WithoutLabels(place.sampler(labelled)) if unlabelled == REST else place.unlabelled(Path(unlabelled))


def held_out(place: Place, folder: Path | None, training: Sequence[str]) -> Sampler:
    """The sampler of validation: the held-out cases of the same data set, or another folder. Real samples, neither scaled nor bent.

    Args:
        place: of the training.
        folder: another folder, all of whose cases are measured on; None for the held-out ones.
        training: names of all that is trained on.

    Raises:
        InputRefused: no case is held out and no folder is given, or a patient is on both sides.
    """
    if folder is None and not place.selection.holdout:
        raise InputRefused("There is nothing to validate on.", "Name cases with --holdout, or a folder with --validation.")
    selection = place.selection.held_out() if folder is None else Selection(folder)
    sampler = sampler_of(place.task)(selection, place.plan, place.patch, place.seed).without_synthesis().in_shape()
    if common := sides_meet(sampler.cases, training):
        both = min(common)
        raise InputRefused(f"The patient '{both}' is trained on and validated on.", "Hold the patient out, or take another folder.")
    return sampler
