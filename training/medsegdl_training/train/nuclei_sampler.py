"""Nuclei of the Data Science Bowl 2018, or numbered objects in any pictures: crops at random scale, object and boundary targets.

Everything is kept in memory, as 16-bit steps of what the network would get of the whole picture; see `cases.pictures`.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.tasks import NUCLEI, Plan, Task

from .. import cases
from ..cases.dsb2018 import pictures_in
from ..cases.fingerprint import fingerprint
from ..cases.pictures import STEPS, Picture, find_cases, picture_of, read_picture, stored_channels
from ..cases.references import files_of
from ..cases.selection import Selection
from .sampler import Batch

__all__ = ["NucleiSampler", "boundary_of", "find_cases", "find_names", "make_sampler"]

SCALE_RANGE = (0.6, 1.8)  # nuclei of the set measure 8 to 85 pixels (square root of the area); 90 % 10 to 40
NATURAL_SHARE = 0.5  # of the crops keep their scale: how generously a kind of picture was outlined goes with the size of its nuclei
BOUNDARY_REACH = 2  # pixels: boundary = within this of two different nuclei (touching, or up to 3 pixels apart)


def boundary_of(labels: Tensor, reach: int = BOUNDARY_REACH) -> Tensor:
    """Pixels within `reach` of two different nuclei: (N, J, I) numbers -> (N, J, I) bool.

    Only where nuclei touch or nearly do: a lone nucleus has none, so that seeds stay as large as the nuclei are.
    """
    numbers = labels.float()[:, None]
    window = {"kernel_size": 2 * reach + 1, "stride": 1, "padding": reach}
    highest = F.max_pool2d(numbers, **window)
    huge = numbers.amax() + 1
    lowest = -F.max_pool2d(-torch.where(numbers > 0, numbers, huge), **window)
    return ((highest > 0) & (lowest < highest))[:, 0]


class NucleiSampler:
    """Random crops of labelled pictures, larger ones more often (by the root of their area: they hold more to see); see `Sampler`."""

    def __init__(self, pictures: list[Picture], plan: Plan, patch: tuple[int, ...], data_hash: str, objects: str = "nuclei") -> None:
        self.pictures, self.plan, self.side, self.data_hash = pictures, plan, patch, data_hash
        self.cases = tuple(picture.name for picture in pictures)
        self.data = f"{len(pictures)} pictures with outlined {objects}"
        self.natural_share = NATURAL_SHARE
        self._shares = torch.tensor([math.sqrt(picture.labels.size) for picture in pictures])
        self._channels = [stored_channels(picture, plan) for picture in pictures]

    def without_synthesis(self) -> NucleiSampler:
        """See `LabelledSampler`: nothing of it is synthesised."""
        return self

    def in_shape(self) -> NucleiSampler:
        """See `LabelledSampler`."""
        sampler = copy.copy(self)
        sampler.natural_share = 1.0
        return sampler

    def emphasising(self, shares: Mapping[str, float]) -> NucleiSampler:
        """See `LabelledSampler`."""
        sampler = copy.copy(self)
        sampler._shares = self._shares * torch.tensor([shares.get(name, 1.0) for name in self.cases])
        return sampler

    def draw(self, generator: torch.Generator, batch: int) -> Batch:
        """See `Sampler.draw`: x (N, 3, J, I), y (N, 2, J, I) with nucleus and boundary."""
        chosen = torch.multinomial(self._shares, batch, replacement=True, generator=generator).tolist()
        crops = [self._crop(index, generator) for index in chosen]
        labels = torch.stack([labels for _, labels in crops])
        y = torch.stack([labels > 0, boundary_of(labels)], dim=1).float()
        return Batch(torch.stack([x for x, _ in crops]), y, torch.ones(batch, 2))

    def _crop(self, index: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """A crop of random place and scale at the patch's size: (3, J, I) float32, (J, I) int."""
        image, labels = self._channels[index], self.pictures[index].labels
        log_low, log_high = math.log(SCALE_RANGE[0]), math.log(SCALE_RANGE[1])
        scale = math.exp(float(torch.rand((), generator=generator)) * (log_high - log_low) + log_low)
        scale = 1.0 if float(torch.rand((), generator=generator)) < self.natural_share else scale
        scale = max(scale, *(side / length for side, length in zip(self.side, labels.shape)))
        box = []
        for side, length in zip(self.side, labels.shape):
            width = min(length, max(1, round(side / scale)))
            start = int(torch.randint(length - width + 1, (), generator=generator))
            box.append(slice(start, start + width))
        x = torch.from_numpy(image[:, box[0], box[1]].astype(np.float32))[None] / STEPS
        numbers = torch.from_numpy(labels[box[0], box[1]]).float()[None, None]
        x = F.interpolate(x, size=self.side, mode="bilinear", align_corners=False, antialias=True)
        numbers = F.interpolate(numbers, size=self.side, mode="nearest-exact")
        return x[0], numbers[0, 0].long()


def find_names(data: Path, task: Task = NUCLEI) -> list[str]:
    """Names of the pictures under `data`, or in it, labelled or not."""
    found = [case.name for case in cases.find_cases(data, task, labelled=False)]
    return found or [path.stem for path in pictures_in(data)]


def make_sampler(selection: Selection, plan: Plan, patch: tuple[int, ...], seed: int, task: Task = NUCLEI) -> NucleiSampler:
    """All pictures that are selected; every random choice lies in `draw`.

    Raises:
        InputRefused: none is left to train on.
    """
    chosen = selection.of(find_cases(selection.data, task))
    if not chosen:
        raise InputRefused(f"There are no labelled pictures to train on in {selection.data}.", "Hold out or leave out fewer.")
    paths = [path for case in chosen for path in (picture_of(case), *files_of(case.reference))]
    objects = task.regions[0].title.lower()
    return NucleiSampler([read_picture(case) for case in chosen], plan, patch, fingerprint(paths), objects)
