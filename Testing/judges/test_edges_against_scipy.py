"""The smoothing and the distances that borders follow edges by, against SciPy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt, gaussian_filter1d

from MedSegDLLib.geometry.image import Grid
from MedSegDLLib.postprocess.edges import REACH, SHELL_MM, _blurred, signed_distance_mm


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
