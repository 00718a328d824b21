"""What a report is about: the masks of a result, measured, wherever they come from (a run, its folder, or a scene)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..geometry.image import Grid, Image
from ..metrics.diameters import Lesion, lesions_of
from ..record import names_struck
from ..result import MM3_PER_ML, Result
from ..tasks import Region, Task

Say = Callable[[str], str]  # an English text in the reader's language; a text with {places} keeps them
EDITED = {"severity": "note", "message": "The segments were edited after the run; the figures are those of the edited ones.", "remedy": ""}


def english(text: str) -> str:
    """The language of the command line and of files."""
    return text


@dataclass(frozen=True)
class Case:
    """A result to report on.

    Attributes:
        task: its regions.
        grid: where the masks lie.
        masks: region key -> (K, J, I), 0 outside; regions that are not there are left out. Of counted objects their numbers.
        record: the run record; empty where it is not known.
        image: what the outlines are drawn on, on any grid; None where it is not at hand.
        image_title: what kind of image it is ("FLAIR"); never its name.
        say: in which language the report speaks.
        language: code of that language (BCP 47).
    """

    task: Task
    grid: Grid
    masks: Mapping[str, np.ndarray]
    record: Mapping[str, Any] = field(default_factory=dict)
    image: Image | None = None
    image_title: str = ""
    say: Say = english
    language: str = "en"

    @property
    def labels_ml(self) -> dict[str, float]:
        """The task's labels that do not overlap, key -> volume: of a region that holds others its rest. Empty without all its regions."""
        if not self.task.labels or {region.key for region in self.task.regions} != set(self.masks):
            return {}
        voxel_ml, found = self.grid.voxel_volume_mm3 / MM3_PER_ML, {}
        for region, label in zip(self.task.regions, self.task.labels):
            rest = self.masks[region.key] != 0
            for inner in self.task.inner(region.key):
                rest = rest & (self.masks[inner.key] == 0)
            found[label.key] = np.count_nonzero(rest) * voxel_ml
        return found

    @property
    def regions(self) -> list[Region]:
        """Those that the case has, outermost first."""
        return [region for region in self.task.regions if region.key in self.masks]

    @property
    def millilitres(self) -> dict[str, float]:
        """Region key -> volume."""
        return {key: np.count_nonzero(mask) * self.grid.voxel_volume_mm3 / MM3_PER_ML for key, mask in self.masks.items()}

    @cached_property
    def lesions(self) -> dict[str, list[Lesion]]:
        """Region key -> its connected parts, the largest first; of regions that are lesions, and of volumes only."""
        if self.task.pictures:
            return {}
        found = [region for region in self.regions if region.is_lesion]
        return {region.key: lesions_of(self.masks[region.key], self.grid.affine) for region in found}

    @property
    def place(self) -> np.ndarray:
        """(3,) RAS mm to look at: the middle of the largest lesion, else of the outermost region that is not empty, else of the grid."""
        for lesions in self.lesions.values():
            if lesions:
                return lesions[0].middle
        for region in self.regions:
            if self.masks[region.key].any():
                middle = np.argwhere(self.masks[region.key]).mean(axis=0)[::-1]
                return self.grid.affine[:3, :3] @ middle + self.grid.affine[:3, 3]
        return self.grid.corners().mean(axis=0)

    @property
    def findings(self) -> list[dict[str, str]]:
        """Those of the record, without the names of files."""
        names = [str(entry["name"]) for entry in self.record.get("inputs", {}).values() if entry.get("name")]
        told = [*self.record.get("warnings", []), *([EDITED] if self.is_edited else [])]
        return [{**entry, **{part: names_struck(str(entry.get(part, "")), names) for part in ("message", "remedy")}} for entry in told]

    def own_probability(self, key: str, volume_ml: float | None = None, said: str = "mean") -> float | None:
        """The network's mean probability within a region, or within its lesion of a volume; None where it is not known, or edited.

        A lesion is known by its volume to the voxel: one that was edited since has another.

        Args:
            key: of the region.
            volume_ml: of the lesion; None for the whole region.
            said: "mean", or "calibrated": the share of voxels that were right at such probabilities in the held-out cases of the network.
        """
        entry = self.record.get("own_probability", {}).get(key)
        if entry is None or volume_ml is None:
            unedited = self.record.get("voxel_count", {}).get(key) == np.count_nonzero(self.masks[key])
            return entry.get(said) if entry is not None and unedited else None
        near = self.grid.voxel_volume_mm3 / MM3_PER_ML / 2
        return next((one.get(said) for one in entry.get("lesions", ()) if abs(one["volume_ml"] - volume_ml) < near), None)

    @property
    def is_edited(self) -> bool:
        """Whether a region has another number of voxels than the run gave it."""
        counted = self.record.get("voxel_count", {})
        return any(counted.get(key, np.count_nonzero(mask)) != np.count_nonzero(mask) for key, mask in self.masks.items())


def case_of(result: Result, image: Image) -> Case:
    """The case of a fresh result; `image` is the one that lent its grid."""
    task = result.task
    masks = result.masks if result.instances is None else {task.regions[0].key: result.instances}
    title = next(entry.title for entry in task.inputs if entry.key == result.reference)
    return Case(task, result.grid, masks, result.record, image, title)
