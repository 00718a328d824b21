"""Heads with their skull and a brain mask, and stripped brains, for learning where the brain is: on a fine grid, kept in memory.

A head is `<patient>/<image>.nii.gz` with `<image>_brain.nii.gz` beside it; a brain is a labelled case of the brain task.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from MedSegDLLib.geometry.resample import regrid
from MedSegDLLib.io.read import read_image
from MedSegDLLib.preprocess.normalise import network_grid
from MedSegDLLib.tasks import BRAIN, Plan

from . import brain
from .case import Case
from .names import stem, volumes_below

MASK = "_brain"
BRIGHTEST = 99.0  # percentile of a head that becomes 1


@dataclass(frozen=True)
class Head:
    """A head as the scanner gave it.

    Attributes:
        name: of patient and image.
        image: (K, J, I) float32, 1 at its 99th percentile.
        mask: (K, J, I) float32, the brain, 0 or 1 but for partial volume.
    """

    name: str
    image: Tensor
    mask: Tensor


@dataclass(frozen=True)
class Stripped:
    """A brain without its head.

    Attributes:
        name: of the patient.
        image: (4, K, J, I) float32, z-scored over the brain; missing modalities 0.
        tissue: (K, J, I) uint8 of `Tissue`, tumours included.
        mask: (K, J, I) float32.
    """

    name: str
    image: Tensor
    tissue: Tensor
    mask: Tensor


def find_cases(data: Path) -> list[Case]:
    """Heads with a mask below a folder, sorted by name; nothing is read."""
    images = {path.with_name(path.name.replace(MASK, "")): path for path in volumes_below(data) if stem(path).endswith(MASK)}
    heads = [Case(f"{image.parent.name}_{stem(image)}", {"mr": image}, mask) for image, mask in images.items() if image.exists()]
    return sorted(heads, key=lambda case: case.name)


def find_brains(data: Path) -> list[Case]:
    """Labelled stripped brains below a folder, if there are any."""
    return brain.find_cases(data) if (data / BRAIN.key).is_dir() else []


def read_head(case: Case, plan: Plan) -> Head:
    """A head and its mask on a grid of `plan.spacing_mm` over its whole field of view."""
    image, mask = read_image(case.inputs["mr"]), read_image(case.reference)
    grid = network_grid(image.grid, plan)
    values = torch.from_numpy(regrid(image, grid).array)
    top = float(np.percentile(values.numpy()[::2, ::2, ::2], BRIGHTEST))
    inside = torch.from_numpy(regrid(replace(mask, array=(mask.array > 0).astype(np.float32)), grid).array)
    return Head(case.name, (values / max(top, 1e-6)).clamp(0, 2), inside)


def read_brain(case: Case, plan: Plan) -> Stripped:
    """A stripped brain on a grid of `plan.spacing_mm`."""
    found = brain.prepared_case(case, replace(BRAIN.plan, spacing_mm=plan.spacing_mm))
    return Stripped(found.name, found.image, brain.label_map(found.healthy, found.regions), (found.healthy > 0).float())
