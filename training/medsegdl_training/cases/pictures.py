"""Pictures of numbered objects from files to memory, and what the network gets of them (`preparation`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from MedSegDLLib.checks.inputs import check
from MedSegDLLib.errors import InputRefused
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.read import read_image
from MedSegDLLib.tasks import NUCLEI, Plan, Task

from .. import cases
from .case import Case
from .preparation import as_at_work
from .references import read_reference

TESTS = "imagesTs"
STEPS = 65535  # in which a picture's 0..1 is kept: half the memory of float32, and finer than any picture


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture.

    Attributes:
        name: of the file.
        image: (J, I) or (J, I, C), as read, in the file's own number type.
        labels: (J, I) int32, one number a nucleus.
    """

    name: str
    image: np.ndarray
    labels: np.ndarray


def find_cases(data: Path, task: Task = NUCLEI) -> list[Case]:
    """The pictures and their labels; see `cases.find_cases`. Those that nnU-Net keeps for tests (`imagesTs`) have none and are left out.

    Raises:
        InputRefused: no pictures, or one without its labels.
    """
    found = [case for case in cases.find_cases(data, task, labelled=False) if case.reference or picture_of(case).parent.name != TESTS]
    if not found:
        remedy = "Give the folder that holds images/ and labels/, the stage1_train of the Data Science Bowl, or a list of files."
        raise InputRefused(f"There are no pictures in {data / 'images'}.", remedy)
    for case in found:
        if case.reference is None:
            name = picture_of(case).name
            raise InputRefused(f"{name} has no label map.", f"Put one of its name into {data / 'labels'}, or take the picture away.")
    return found


def picture_of(case: Case) -> Path:
    """The one input of a case of pictures."""
    [path] = case.inputs.values()
    return path


def read_picture(case: Case) -> Picture:
    """Read a picture and, where it has one, its reference: a picture of numbers or a folder of masks.

    Raises:
        InputRefused: a file cannot be read, or picture and reference differ in size.
    """
    image = read_image(picture_of(case))
    if case.reference is None:
        return Picture(case.name, image.array[0], np.zeros(image.array.shape[1:3], np.int32))
    numbers = read_reference(case.reference).array.astype(np.int32)
    if numbers.shape != image.array.shape[:3]:
        raise InputRefused(f"{image.name} and its label map differ in size.", "Make them of one size.")
    return Picture(case.name, image.array[0], numbers[0])


def channels_of(picture: Picture, plan: Plan) -> Tensor:
    """What the network gets of the whole picture: (3, J, I) float32. All tasks of pictures are prepared alike, as their plans say.

    Raises:
        InputRefused: what `inspect` calls an error.
    """
    images = {"image": Image(picture.image[None], np.eye(4), picture.name)}
    return as_at_work(images, NUCLEI, plan, check(images, NUCLEI)).prepared.x[:, 0]


def stored_channels(picture: Picture, plan: Plan) -> np.ndarray:
    """The same in `STEPS`, grey ones once for all three: (3, J, I) uint16."""
    x = channels_of(picture, plan)
    if picture.image.ndim == 2:
        return np.broadcast_to(_in_steps(x[:1]), tuple(x.shape))
    return _in_steps(x)


def _in_steps(x: Tensor) -> np.ndarray:
    return x.mul(STEPS).round().to(torch.int32).numpy().astype(np.uint16)
