"""Tiny made-up pictures of nuclei, and a sampler of discs, for the tests of training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch

from medsegdl_training.train.sampler import Batch


def picture(shape: tuple[int, int], seed: int, colour: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Bright discs on noise, (J, I) or (J, I, 3) uint8, and their numbers, uint16; the first two touch."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    labels = np.zeros(shape, np.uint16)
    centres = [(10, 10), (10, 19), *((random.integers(22, n - 6) for n in shape) for _ in range(4))]
    for number, centre in enumerate((tuple(c) for c in centres), start=1):
        disc = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= 4.6**2
        labels[disc & (labels == 0)] = number
    _, numbers = np.unique(labels, return_inverse=True)
    labels = numbers.reshape(shape).astype(np.uint16)
    grey = (random.normal(40, 5, shape) + 150 * (labels > 0)).clip(0, 255).astype(np.uint8)
    return (np.stack([grey, grey // 2, grey], axis=-1) if colour else grey), labels


def write_pictures(folder: Path, count: int = 3) -> Path:
    """`images/` and `labels/` with `count` pictures, the second in colour."""
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    for number in range(count):
        image, labels = picture((48, 64), number, colour=number == 1)
        sitk.WriteImage(sitk.GetImageFromArray(image, isVector=image.ndim == 3), str(folder / "images" / f"picture{number}.png"))
        sitk.WriteImage(sitk.GetImageFromArray(labels), str(folder / "labels" / f"picture{number}.png"))
    return folder


class Discs:
    """A sampler that needs no files: discs in noise; see `Sampler`."""

    cases = ("discs",)
    data_hash = "0" * 64
    data = "made-up discs"

    def draw(self, generator: torch.Generator, batch: int) -> Batch:
        """x (N, 3, 16, 16), y (N, 2, 16, 16)."""
        radius = torch.rand(batch, 1, 1, generator=generator) * 4 + 2
        axis = torch.arange(16.0) - 7.5
        disc = (axis[:, None] ** 2 + axis[None] ** 2).sqrt()[None] <= radius
        x = disc[:, None] * 0.8 + 0.1 * torch.rand(batch, 3, 16, 16, generator=generator)
        return Batch(x, torch.stack([disc, torch.zeros_like(disc)], dim=1).float(), torch.ones(batch, 2))
