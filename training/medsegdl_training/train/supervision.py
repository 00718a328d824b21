"""How much of the data is labelled, and what is learned from the rest: from a run's description to its objective.

A task's own source reads the cases; here only their names are divided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.tasks import Plan, Task

from ..transforms.augment import mirrored_only, recipe_for
from .losses import loss_of
from .objectives import MeanTeacher, Objective, Supervised
from .pretext import pretext_of
from .sampler import LabelledSource, Source, WithoutLabels
from .samplers import cases_of, source_of, unlabelled_source_of
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
    """Where and how a run reads its cases: `data` the folder, `plan` and `patch` of the samples, `holdout` names never read, and `seed`;
    without `synthesis` only real samples.
    """

    task: Task
    data: Path
    plan: Plan
    patch: tuple[int, ...]
    holdout: tuple[str, ...]
    seed: int
    synthesis: bool = True

    @classmethod
    def of(cls, task: Task, data: Path, entry: dict[str, Any], seed: int) -> Place:
        """From a run's settings file."""
        plan, patch, holdout = Plan.from_json(entry["plan"]), tuple(entry["patch"]), tuple(entry["holdout"])
        return cls(task, data, plan, patch, holdout, seed, entry.get("synthesis", True))

    def source(self, also_out: Sequence[str] = ()) -> LabelledSource:
        """The cases of the folder, but those held out and those named."""
        source = source_of(self.task.key)(self.data, (*self.holdout, *also_out), self.plan, self.patch, self.seed)
        return source if self.synthesis else source.without_synthesis()

    def unlabelled(self, folder: Path) -> Source:
        """The cases of another folder, labels neither needed nor looked at."""
        return unlabelled_source_of(self.task.key)(folder, self.holdout, self.plan, self.patch, self.seed)

    def names(self) -> list[str]:
        """Names of the labelled cases that may be read."""
        return [case.name for case in cases_of(self.task.key)(self.data) if case.name not in self.holdout]


def objective_of(place: Place, entry: dict[str, Any], settings: Settings) -> tuple[Objective, Source]:
    """What a run minimises, and the source that its model card speaks of.

    Args:
        place: where the cases are.
        entry: of the settings file: `pretext` (a method, or none), `labels` (share of the labelled cases), `unlabelled` ("rest", a folder,
            or none), `augmentation` ("full" or "mirror"), `emphasis` (shares of cases by name, or none).
        settings: the loss.
    """
    mirror = entry.get("augmentation") == MIRROR
    recipe = mirrored_only(recipe_for(place.task)) if mirror else recipe_for(place.task)
    if entry.get("pretext"):
        source = place.unlabelled(place.data)
        return pretext_of(entry["pretext"], source, recipe), source
    source, rest = divided(place, entry.get("labels", 1.0), entry.get("unlabelled"))
    source = source.in_shape() if mirror else source
    source = source.emphasising(entry["emphasis"]) if entry.get("emphasis") else source
    supervised = Supervised(source, recipe, loss_of(settings.loss, place.task))
    return (MeanTeacher(supervised, rest) if rest else supervised), source


def divided(place: Place, share: float, unlabelled: str | None) -> tuple[LabelledSource, Source | None]:
    """The labelled source, and the unlabelled one where it is asked for."""
    names = place.names() if share < 1 else []
    labelled = labelled_share(names, share, place.seed) if names else []
    source = place.source([name for name in names if name not in labelled])
    if not unlabelled:
        return source, None
    return source, WithoutLabels(place.source(labelled)) if unlabelled == REST else place.unlabelled(Path(unlabelled))


def held_out(place: Place, folder: Path | None, training: Sequence[str]) -> Source:
    """The source of validation: another folder, or the held-out cases of the same one.

    Raises:
        InputRefused: no case is held out and no folder is given.
    """
    if folder is not None:
        return source_of(place.task.key)(folder, (), place.plan, place.patch, place.seed)
    if not place.holdout:
        raise InputRefused("There is nothing to validate on.", "Name cases with --holdout, or a folder with --validation.")
    seen = tuple({*training, *place.names()})
    return source_of(place.task.key)(place.data, seen, place.plan, place.patch, place.seed)
