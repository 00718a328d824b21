"""A small head of three tissues under a known smooth field, for the tests of the bias correction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TISSUES = ((1.0, 40.0), (0.85, 80.0), (0.6, 110.0))  # radius as a share of the head's, intensity


@dataclass(frozen=True)
class Biased:
    """A biased volume (K, J, I) float32, its head (bool), the true log field, and the tissue numbers (0 outside)."""

    volume: np.ndarray
    head: np.ndarray
    log_field: np.ndarray
    tissue: np.ndarray


def biased_head(shape: tuple[int, int, int] = (40, 48, 44), strength: float = 0.3, seed: int = 0) -> Biased:
    """Nested ellipsoids with folded boundaries, noise of 3, and a field that is a product of slow cosines and a slope."""
    axes = np.meshgrid(*(np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in shape), indexing="ij")
    z, y, x = axes
    radius = np.sqrt(x**2 + y**2 + z**2) / 0.85 + 0.06 * np.sin(9 * x) * np.cos(8 * y) * np.cos(7 * z)
    tissue = sum((radius < limit).astype(int) for limit, _ in TISSUES)
    clean = np.array([0.0, *(value for _, value in TISSUES)])[tissue]
    log_field = strength * (np.cos(1.3 * x + 0.4) * np.cos(1.1 * y) + 0.8 * z - 0.5)
    noise = np.random.default_rng(seed).normal(0, 3, shape)
    volume = np.where(tissue > 0, np.maximum(clean + noise, 1.0) * np.exp(log_field), 0.0).astype(np.float32)
    return Biased(volume, tissue > 0, log_field.astype(np.float32), tissue)


def centred_rms(difference: np.ndarray, mask: np.ndarray) -> float:
    """Root mean square over the mask once its mean is removed (nothing fixes the gain of a bias field)."""
    return float(difference[mask].std(dtype=np.float64))


def variation_within(volume: np.ndarray, mask: np.ndarray) -> float:
    """Coefficient of variation within the mask."""
    return float(volume[mask].std() / volume[mask].mean())
