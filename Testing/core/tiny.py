"""Small networks and images that several tests share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from MedSegDLLib.geometry.image import Image
from MedSegDLLib.network.inception_unet import PROFILES, InceptionUNet
from MedSegDLLib.tasks import TASKS, Task

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def tiny_network(task: Task, seed: int = 0) -> InceptionUNet:
    """A random network of the task's kind with a few hundred weights."""
    torch.manual_seed(seed)
    profile = PROFILES[task.profile]
    return InceptionUNet(replace(profile, widths=(2, 2, 3), added_maps=2)).eval()


def tiny_weights(folder: Path, task: Task, seed: int = 0) -> Path:
    """Genuine weights of a tiny random network."""
    from MedSegDLLib.network.weights import save_weights, task_entries

    path = folder / f"{task.key}.safetensors"
    save_weights(tiny_network(task, seed), path, {**task_entries(task), "plan": task.plan.to_json()})
    return path


def ball(shape: tuple[int, int, int], centre: tuple[float, float, float], radius: float) -> np.ndarray:
    """(K, J, I) bool."""
    grid = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    return sum((axis - c) ** 2 for axis, c in zip(grid, centre)) <= radius**2


def head_images(
    keys: tuple[str, ...] = ("t1", "t1ce", "t2", "flair"), shape: tuple[int, int, int] = (24, 28, 26), mm: float = 6.0
) -> dict[str, Image]:
    """Balls with texture and an empty background, as skull-stripped heads are."""
    random = np.random.default_rng(1)
    inside = ball(shape, tuple(n / 2 for n in shape), 0.4 * min(shape))
    tumour = ball(shape, (shape[0] / 2, shape[1] / 2, shape[2] / 3), 4)
    affine = LPS @ np.diag([mm, mm, mm, 1.0])
    images = {}
    for number, key in enumerate(keys):
        values = random.normal(400 + 50 * number, 30, shape) + 200 * tumour
        images[key] = Image((inside * values).astype(np.int16), affine, f"{key}.nii.gz")
    return images


TASK_KEYS = tuple(TASKS)
