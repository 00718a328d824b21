"""Nuclei of the Data Science Bowl 2018 (or any pictures that `datasets` finds): crops at random scale, nucleus and boundary targets.

Everything is kept in memory as uint8 and uint16; normalisation is inference's own.
"""

from __future__ import annotations

import copy
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
import torch.nn.functional as F
from torch import Tensor

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.preprocess.normalise import normalise
from MedSegDLLib.tasks import NUCLEI, Plan

from ..cases import find_cases as find_labelled
from ..cases.references import files_of, read_reference
from .sampler import Batch, Case

SCALE_RANGE = (0.6, 1.8)  # nuclei of the set measure 8 to 85 pixels (square root of the area); 90 % 10 to 40
NATURAL_SHARE = 0.5  # of the crops keep their scale: how generously a kind of picture was outlined goes with the size of its nuclei
BOUNDARY_REACH = 2  # pixels: boundary = within this of two different nuclei (touching, or up to 3 pixels apart)
PICTURES = ("*.png", "*.tif", "*.tiff", "*.jpg", "*.bmp")


@dataclass(frozen=True, eq=False)
class Picture:
    """One labelled picture: `image` (J, I) or (J, I, 3) uint8, `labels` (J, I) with one number a nucleus."""

    name: str
    image: np.ndarray
    labels: np.ndarray


def find_pictures(data: Path) -> list[tuple[Path, Path]]:
    """Pairs of picture and labels, sorted by name; see `find_cases`."""
    return [(case.inputs["image"], case.reference) for case in find_cases(data)]


def find_cases(data: Path) -> list[Case]:
    """The pictures and their labels; see `datasets.find_cases`.

    Raises:
        InputRefused: no pictures, or one without its labels.
    """
    cases = find_labelled(data, NUCLEI, labelled=False)
    if not cases:
        remedy = "Give the folder that holds images/ and labels/, the stage1_train of the Data Science Bowl, or a list of files."
        raise InputRefused(f"There are no pictures in {data / 'images'}.", remedy)
    for case in cases:
        if case.reference is None:
            name = case.inputs["image"].name
            raise InputRefused(f"{name} has no label map.", f"Put one of its name into {data / 'labels'}, or take the picture away.")
    return cases


def read_picture(image: Path, labels: Path) -> Picture:
    """Read one pair, the labels a picture of numbers or a folder of masks; grey pictures stay (J, I)."""
    array = sitk.GetArrayFromImage(sitk.ReadImage(str(image)))
    if array.ndim == 3:
        array = np.ascontiguousarray(array[..., :3])
    numbers = read_reference(labels).array.astype(np.int32)[0]
    if numbers.shape != array.shape[:2]:
        raise InputRefused(f"{image.name} and its label map differ in size.", "Make them of one size.")
    return Picture(image.stem, array, numbers)


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


class NucleiSource:
    """Random crops of labelled pictures, larger ones more often (by the root of their area: they hold more to see); see `Source`."""

    def __init__(self, pictures: list[Picture], plan: Plan, patch: tuple[int, ...], data_hash: str) -> None:
        self.pictures, self.plan, self.side, self.data_hash = pictures, plan, patch, data_hash
        self.cases = tuple(picture.name for picture in pictures)
        self.data = f"{len(pictures)} pictures with outlined nuclei"
        self.natural_share = NATURAL_SHARE
        self._shares = torch.tensor([math.sqrt(picture.labels.size) for picture in pictures])
        self._channels = [_channels(picture, plan) for picture in pictures]

    def without_synthesis(self) -> NucleiSource:
        """See `source.LabelledSource`: nothing of it is synthesised."""
        return self

    def in_shape(self) -> NucleiSource:
        """See `source.LabelledSource`."""
        source = copy.copy(self)
        source.natural_share = 1.0
        return source

    def emphasising(self, shares: Mapping[str, float]) -> NucleiSource:
        """See `source.LabelledSource`."""
        source = copy.copy(self)
        source._shares = self._shares * torch.tensor([shares.get(name, 1.0) for name in self.cases])
        return source

    def draw(self, generator: torch.Generator, batch: int) -> Batch:
        """See `Source.draw`: x (N, 3, J, I), y (N, 2, J, I) with nucleus and boundary."""
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
        x = torch.from_numpy(image[:, box[0], box[1]].astype(np.float32))[None] / 255.0
        numbers = torch.from_numpy(labels[box[0], box[1]]).float()[None, None]
        x = F.interpolate(x, size=self.side, mode="bilinear", align_corners=False, antialias=True)
        numbers = F.interpolate(numbers, size=self.side, mode="nearest-exact")
        return x[0], numbers[0, 0].long()


def _channels(picture: Picture, plan: Plan) -> np.ndarray:
    """The whole picture normalised as inference does it, kept as (3, J, I) in 255 steps to save memory."""
    scaled = normalise(torch.from_numpy(picture.image), plan).mul(255).round().byte().numpy()
    if scaled.ndim == 3:
        return np.ascontiguousarray(scaled.transpose(2, 0, 1))
    return np.broadcast_to(scaled, (3, *scaled.shape))


def make_source(data: Path, holdout: tuple[str, ...], plan: Plan, patch: tuple[int, ...], seed: int) -> NucleiSource:
    """All pictures under `data` but those named in `holdout`."""
    pairs = [(case.inputs["image"], case.reference) for case in find_cases(data) if case.name not in holdout]
    digest = hashlib.sha256()
    for path in (path for image, labels in pairs for path in (image, *files_of(labels))):
        digest.update(path.read_bytes())
    return NucleiSource([read_picture(*pair) for pair in pairs], plan, patch, digest.hexdigest())
