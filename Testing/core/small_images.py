"""Small images and folders for the tests of files and outputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

VOLUMES = (".nii", ".nii.gz", ".nrrd", ".mha")


def oblique_affine(seed: int, handedness: int = 1) -> np.ndarray:
    """Rotated, anisotropic, shifted; left-handed on request."""
    draw = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(draw.normal(size=(3, 3)))
    rotation[:, 2] *= handedness * np.sign(np.linalg.det(rotation))
    affine = np.eye(4)
    affine[:3, :3] = rotation * draw.uniform(0.5, 4.0, 3)
    affine[:3, 3] = draw.uniform(-200, 200, 3)
    return affine


def numbers(dtype: str = "int16", shape: tuple[int, ...] = (4, 5, 6), seed: int = 0) -> np.ndarray:
    """Noise of any type."""
    draw = np.random.default_rng(seed)
    return draw.normal(size=shape).astype(dtype) if dtype.startswith("float") else draw.integers(0, 120, shape).astype(dtype)


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
