"""A made-up head with a skull drawn around it, for tests that need what a scanner gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import SimpleITK as sitk

from MedSegDLLib.geometry.image import Image
from MedSegDLLib.phantom.head import head_phantom

KEYS = ("t1ce", "flair")
SHELLS_MM = ((3.0, 0.35), (10.0, 0.05), (17.0, 1.5))  # to which distance from the brain, and how bright against it: fluid, bone, scalp


def bare_head() -> dict[str, Image]:
    """Two modalities of the phantom, 2.5 x 2.5 x 5 mm."""
    images = head_phantom(5, (80, 80, 68), 2.5).images
    return {key: _thick(images[key]) for key in KEYS}


def _thick(image: Image) -> Image:
    pairs = image.array.astype(np.float32).reshape(-1, 2, *image.array.shape[1:]).mean(axis=1)
    affine = image.affine @ np.diag([1.0, 1.0, 2.0, 1.0])
    affine[:3, 3] += image.affine[:3, 2] / 2
    return Image(pairs, affine, image.name)


def with_skull(images: dict[str, Image]) -> dict[str, Image]:
    """Shells about the brain, with some noise everywhere."""
    first = next(iter(images.values()))
    brain = sitk.GetImageFromArray((first.array > 0).astype(np.uint8))
    brain.SetSpacing([float(side) for side in first.grid.spacing_mm])
    away = sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(brain, squaredDistance=False, useImageSpacing=True))
    return {key: replace(image, array=_shelled(image.array, away, number)) for number, (key, image) in enumerate(images.items())}


def _shelled(array: np.ndarray, away: np.ndarray, seed: int) -> np.ndarray:
    level, painted, low = float(array[array > 0].mean()), np.zeros_like(array), 0.0
    for far, share in SHELLS_MM:
        painted[(away > low) & (away <= far)] = share * level
        low = far
    noise = np.random.default_rng(seed).normal(0, 0.02 * level, array.shape)
    return np.abs(np.where(array > 0, array, painted) + noise).astype(np.float32)


def head() -> Image:
    """One image of it, T1 with contrast medium."""
    return with_skull(bare_head())["t1ce"]
