"""Resampling against ITK's ResampleImageFilter: the same numbers on every kind of grid, borders and ties included."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from MedSegDLLib.geometry.image import LPS_FROM_RAS, Grid
from MedSegDLLib.geometry.resample import resample
from MedSegDLLib.io.read import read_image

FILL = -7.0
OFF_TIES = np.array([0.0123, 0.0234, 0.0345])  # decimal spacings meet at half voxels up to rounding, where ITK's answer is chance
INTERPOLATORS = {"linear": sitk.sitkLinear, "nearest": sitk.sitkNearestNeighbor}


def itk_image(array: np.ndarray | None, grid: Grid) -> sitk.Image:
    """An ITK image on the grid; only the geometry where no array is given."""
    image = sitk.GetImageFromArray(np.zeros(grid.shape, np.uint8) if array is None else array)
    lps = LPS_FROM_RAS @ grid.affine
    image.SetSpacing(grid.spacing_mm.tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    image.SetDirection((lps[:3, :3] / grid.spacing_mm).ravel().tolist())
    return image


def judged(array: np.ndarray, source: Grid, target: Grid, mode: str) -> np.ndarray:
    found = sitk.Resample(itk_image(array, source), itk_image(None, target), sitk.Transform(), INTERPOLATORS[mode], FILL)
    return sitk.GetArrayFromImage(found)


def agree(array: np.ndarray, source: Grid, target: Grid, mode: str) -> np.ndarray:
    """Assert equality with ITK; returns the result."""
    ours = resample(torch.from_numpy(array), source, target, mode, FILL).numpy()
    theirs = judged(array, source, target, mode)
    assert ours.shape == theirs.shape == target.shape
    assert ours.dtype == array.dtype
    if mode == "nearest":
        assert np.array_equal(ours, theirs)
    else:
        assert np.array_equal(ours == FILL, theirs == FILL)
        assert np.abs(ours - theirs).max() < 2e-6 * np.abs(array).max()
    return ours


def rotation(draw: np.random.Generator, handedness: int) -> np.ndarray:
    matrix, _ = np.linalg.qr(draw.normal(size=(3, 3)))
    matrix[:, 2] *= handedness * np.sign(np.linalg.det(matrix))
    return matrix


def grid_at(centre_mm: np.ndarray, columns: np.ndarray, shape: tuple[int, int, int]) -> Grid:
    """A grid whose middle lies at `centre_mm`."""
    affine = np.eye(4)
    affine[:3, :3] = columns
    affine[:3, 3] = centre_mm - columns @ ((np.array(shape[::-1]) - 1) / 2)
    return Grid(shape, affine)


def noise(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("mode", INTERPOLATORS)
@pytest.mark.parametrize("seed", range(12))
def test_oblique_anisotropic_either_handedness(seed: int, mode: str) -> None:
    draw = np.random.default_rng(seed)
    spacings = draw.uniform(0.4, 4.0, (2, 3))
    handedness = ((1, 1), (1, -1), (-1, 1), (-1, -1))[seed % 4]
    centre = draw.uniform(-300, 300, 3)
    source = grid_at(centre, rotation(draw, handedness[0]) * spacings[0], (9, 14, 11))
    target = grid_at(centre + draw.normal(size=3) * 3, rotation(draw, handedness[1]) * spacings[1], (13, 8, 17))
    assert (agree(noise(source.shape, seed), source, target, mode) != FILL).sum() > 50


@pytest.mark.parametrize("mode", INTERPOLATORS)
@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, 1), (1, -1, -1), (-1, -1, -1)])
def test_parallel_axes_in_any_order_and_direction(order: tuple[int, ...], flips: tuple[int, ...], mode: str) -> None:
    """Both grids are oblique in the world, but their axes run along each other: the fast path."""
    draw = np.random.default_rng(sum(order[:2]) + 10 * sum(flips) + 50)
    world = rotation(draw, 1)
    turned = world[:, order] * flips
    source = grid_at(np.array([20.0, -60, 90]), world * [0.7, 1.1, 2.9], (10, 12, 15))
    target = grid_at(np.array([21.3, -62, 88.5]), turned * [1.3, 0.9, 1.7], (16, 11, 9))
    agree(noise(source.shape), source, target, mode)


@pytest.mark.parametrize("mode", INTERPOLATORS)
def test_shear(mode: str) -> None:
    columns = np.array([[1.0, 0.3, 0.0], [0.0, 1.2, 0.4], [0.1, 0.0, 2.0]])
    source = grid_at(np.zeros(3), columns, (9, 10, 11))
    target = grid_at(OFF_TIES + 1, np.diag([0.8, 0.9, 1.1]), (14, 15, 16))
    values = agree(noise(source.shape), source, target, mode)
    assert (values == FILL).any()
    assert (values != FILL).any()


@pytest.mark.parametrize("mode", INTERPOLATORS)
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("shape", [(1, 12, 10), (12, 1, 10), (12, 10, 1), (1, 1, 1)])
def test_single_slices_and_single_voxels(shape: tuple[int, int, int], turned: bool, mode: str) -> None:
    """A slice lends its values to half a voxel on either side, no further."""
    draw = np.random.default_rng(3)
    directions = rotation(draw, 1)
    source = grid_at(np.zeros(3), directions * [1.0, 1.0, 5.0], shape)
    target = grid_at(np.full(3, 0.1), (rotation(draw, -1) if turned else directions) * 0.7, (17, 13, 12))
    assert (agree(noise(shape), source, target, mode) != FILL).any()


@pytest.mark.parametrize("mode", INTERPOLATORS)
@pytest.mark.parametrize("step", [0.25, 0.5, 1.0, 2.0, 3.0])
def test_borders_and_ties_on_exact_grids(step: float, mode: str) -> None:
    """Centres at halves and quarters: the rounding of ties, and who is inside at -0.5 and at N - 0.5."""
    source = Grid((5, 6, 7), np.eye(4))
    target = Grid((24, 28, 32), np.array([[step, 0, 0, -1.5], [0, step, 0, -1], [0, 0, step, -0.5], [0, 0, 0, 1.0]]))
    values = agree(noise(source.shape), source, target, mode)
    assert (values == FILL).any()
    assert (values != FILL).any()


@pytest.mark.parametrize("mode", INTERPOLATORS)
@pytest.mark.parametrize("columns", [np.eye(3), np.diag([-2.0, 1, 0.5]), np.eye(3)[:, [2, 0, 1]]])
def test_targets_that_miss_the_source(columns: np.ndarray, mode: str) -> None:
    source = Grid((5, 6, 7), np.eye(4))
    target = grid_at(np.full(3, 1000.0), columns, (4, 3, 5))
    assert (agree(noise(source.shape), source, target, mode) == FILL).all()


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "uint32", "float32"])
def test_nearest_keeps_every_number_type(dtype: str) -> None:
    draw = np.random.default_rng(0)
    top = 200 if dtype == "uint8" else 30_000 if dtype == "int16" else 60_000
    array = draw.integers(0, top, (6, 7, 8)).astype(dtype)
    source = grid_at(np.zeros(3), np.diag([1.0, 1.0, 2.0]), (6, 7, 8))
    for directions in (np.eye(3), rotation(draw, 1)):
        target = grid_at(OFF_TIES, directions * 0.8, (9, 9, 9))
        ours = resample(torch.from_numpy(array), source, target, "nearest", 5).numpy()
        theirs = sitk.GetArrayFromImage(
            sitk.Resample(itk_image(array, source), itk_image(None, target), sitk.Transform(), sitk.sitkNearestNeighbor, 5)
        )
        assert ours.dtype == dtype
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("mode", INTERPOLATORS)
def test_slabs_do_not_show(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """The work is cut into slabs of target slices; here of one or two."""
    monkeypatch.setattr("MedSegDLLib.geometry.resample.SLAB_VOXELS", 300)
    draw = np.random.default_rng(1)
    source = grid_at(np.zeros(3), np.diag([1.0, -1.2, 2.0]), (12, 14, 13))
    for directions in (np.eye(3), np.diag([1.0, -1, -1]), rotation(draw, 1)):
        for size in (0.6, 2.3):
            agree(noise(source.shape), source, grid_at(np.ones(3), directions * size, (19, 11, 12)), mode)


def test_real_head_onto_a_slanted_grid_and_onto_its_neighbour(data) -> None:
    folder = data / "brain" / "raw" / "TCGA-FG-6692"
    first, second = (read_image(path) for path in sorted(folder.glob("*.nii.gz"))[:2])
    source = first.array.astype(np.float32)
    small = Grid(second.grid.shape, second.affine)
    ours = resample(torch.from_numpy(source), first.grid, small, "linear", FILL).numpy()
    theirs = judged(source, first.grid, small, "linear")
    assert np.abs(ours - theirs).max() < 1e-4 * source.max()
