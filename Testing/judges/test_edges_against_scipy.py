"""The smoothing and the distances that borders follow edges by, against SciPy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt, gaussian_filter1d

from MedSegDLLib.geometry.image import Grid, Image
from MedSegDLLib.postprocess.edges import BINS, REACH, SHELL_MM, SMOOTHING_MM, _blurred, _levels, signed_distance_mm


@pytest.mark.parametrize("sigma", [0.16, 0.5, 1.3, 4.0])
@pytest.mark.parametrize("dim", range(3))
@pytest.mark.parametrize("shape", [(9, 20, 15), (1, 5, 3)])
def test_smoothing(sigma: float, dim: int, shape: tuple[int, int, int]) -> None:
    values = np.random.default_rng(0).normal(size=shape)
    judged = gaussian_filter1d(values, sigma, dim, mode="nearest", radius=math.ceil(REACH * sigma))
    assert np.allclose(_blurred(torch.from_numpy(values), sigma, dim).numpy(), judged, atol=1e-12)


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (2.5, 2.5, 3.0)])
@pytest.mark.parametrize("seed", range(3))
def test_distances(spacing_mm: tuple[float, float, float], seed: int) -> None:
    random = np.random.default_rng(seed)
    mask = np.zeros((24, 26, 28), bool)
    for _ in range(4):
        k, j, i = random.integers(3, 16, 3)
        mask[k : k + 6, j : j + 7, i : i + 8] = True
    sampling = spacing_mm[::-1]
    outwards, inwards = distance_transform_edt(~mask, sampling=sampling), distance_transform_edt(mask, sampling=sampling)
    found = signed_distance_mm(mask, Grid(mask.shape, np.diag([*spacing_mm, 1.0]))).numpy()
    near = np.abs(outwards - inwards) < SHELL_MM[1]
    half = np.mean(spacing_mm) / 2
    assert np.allclose(found[near], np.where(mask, half - inwards, outwards - half)[near], atol=1e-4)


def test_levels_are_those_of_the_smoothed_image_in_mm() -> None:
    """Voxels of three different sides: smoothed by as many mm along each."""
    low, high, sides = -100.0, 200.0, (0.7, 1.1, 2.5)
    image = Image(np.random.default_rng(0).uniform(-150, 250, (20, 14, 18)).astype(np.float32), np.diag([*sides, 1.0]))
    smooth = np.clip(image.array, low, high).astype(np.float64)
    for dim, side in enumerate(sides[::-1]):
        sigma = SMOOTHING_MM / side
        smooth = gaussian_filter1d(smooth, sigma, dim, mode="nearest", radius=math.ceil(REACH * sigma))
    exact = np.clip((smooth - low) * BINS / (high - low), 0, BINS - 1)
    box = (slice(0, 20), slice(2, 14), slice(0, 18))
    found = _levels(image, box, (low, high), torch.device("cpu")).numpy()
    sure = np.abs(exact - np.rint(exact))[box] > 1e-3
    assert np.array_equal(found[sure], np.floor(exact)[box][sure]) and sure.mean() > 0.99
