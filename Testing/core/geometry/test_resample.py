"""Laws of resampling, cropping and the way back. Equality with ITK is judged in Testing/judges."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from MedSegDLLib.geometry.image import Grid, Image
from MedSegDLLib.geometry.resample import MODES, pooled, regrid, resample

SHAPE = (8, 10, 12)
PEAK_MEMORY = """
import resource, sys, torch, numpy as np
torch.set_num_threads(1)
from MedSegDLLib.geometry.image import Grid
from MedSegDLLib.geometry.resample import resample
turn = np.eye(4); turn[:2, :2] = [[0.96, -0.28], [0.28, 0.96]]
source, target = SOURCE, TARGET
array = torch.ones(source.shape, dtype=torch.DTYPE)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
result = resample(array, source, target)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 - result.numel() * 4 / 2**20)
"""


def oblique(seed: int, shape: tuple[int, int, int] = SHAPE) -> Grid:
    """A slanted, anisotropic grid of either handedness around the origin."""
    draw = np.random.default_rng(seed)
    affine = np.eye(4)
    affine[:3, :3] = np.linalg.qr(draw.normal(size=(3, 3)))[0] * draw.uniform(0.5, 3, 3)
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape[::-1]) - 1) / 2) + draw.normal(size=3) * 0.1
    return Grid(shape, affine)


def world(grid: Grid) -> np.ndarray:
    """(K, J, I, 3) RAS mm of all voxel centres."""
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij")
    return np.stack([i, j, k], axis=-1) @ grid.affine[:3, :3].T + grid.affine[:3, 3]


def noise(shape: tuple[int, ...] = SHAPE, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(6))
def test_own_grid_gives_the_same_numbers(seed: int, mode: str) -> None:
    grid = oblique(seed)
    assert torch.equal(resample(noise(), grid, grid, mode), noise())


@pytest.mark.parametrize("mode", MODES)
def test_rounding_in_headers_moves_nothing_noticeable(mode: str) -> None:
    grid = oblique(2)
    rounded = Grid(grid.shape, grid.affine.astype(np.float32))
    assert torch.allclose(resample(noise(), grid, rounded, mode), noise(), atol=1e-5)


@pytest.mark.parametrize("seed", range(6))
def test_a_plane_in_the_world_stays_that_plane(seed: int) -> None:
    """Trilinear interpolation is exact for linear functions, wherever the grids lie."""
    source, target = oblique(seed), oblique(seed + 50, (6, 5, 7))
    slope = np.array([0.3, -1.2, 0.7])
    values = torch.from_numpy((world(source) @ slope + 4).astype(np.float32))
    found = resample(values, source, target, "linear", float("nan")).numpy()
    index = (world(target) - source.affine[:3, 3]) @ np.linalg.inv(source.affine[:3, :3]).T
    within = ((index >= 0) & (index <= np.array(SHAPE[::-1]) - 1)).all(axis=-1)
    assert within.sum() > 20
    assert np.allclose(found[within], (world(target) @ slope + 4)[within], atol=1e-4)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(3))
def test_permuted_and_flipped_there_and_back_is_exact(seed: int, mode: str) -> None:
    draw = np.random.default_rng(seed)
    order, flips = draw.permutation(3), draw.choice([-1, 1], 3)
    source = oblique(seed)
    array = noise().numpy()
    turned = np.flip(array.transpose(order), [axis for axis in range(3) if flips[axis] < 0]).copy()
    columns, start = source.affine[:3, ::-1][:, 1:], np.zeros(3)
    affine = np.eye(4)
    for axis in range(3):
        affine[:3, 2 - axis] = columns[:, order[axis]] * flips[axis]
        start[order[axis]] = SHAPE[order[axis]] - 1 if flips[axis] < 0 else 0
    affine[:3, 3] = source.affine[:3, 3] + columns @ start
    target = Grid(turned.shape, affine)
    there = resample(noise(), source, target, mode)
    assert torch.allclose(there, torch.from_numpy(turned), atol=1e-5)
    assert torch.allclose(resample(there, target, source, mode), noise(), atol=1e-5)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", [0, 1])
def test_channels_are_resampled_alike(seed: int, mode: str) -> None:
    source, target = oblique(0), oblique(seed, (6, 5, 7))
    stack = noise((3, *SHAPE))
    together = resample(stack, source, target, mode, -1.0)
    assert together.shape == (3, 6, 5, 7)
    for channel, found in zip(stack, together, strict=True):
        assert torch.equal(resample(channel, source, target, mode, -1.0), found)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", [0, 4])
def test_cropping_commutes_with_resampling(seed: int, mode: str) -> None:
    """What the restoring of regions relies on: a part of the target needs no other numbers than the whole."""
    source, target = oblique(0), oblique(seed, (9, 7, 8))
    box = (slice(2, 7), slice(1, 6), slice(3, 8))
    whole = resample(noise(), source, target, mode)
    part = resample(noise(), source, target.cropped(box), mode)
    assert torch.allclose(part, whole[box], atol=1e-6)


@pytest.mark.parametrize("target", [oblique(0, (5, 6, 7)), oblique(3, (5, 6, 7))])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.uint16, torch.int32, torch.uint32, torch.float64, torch.bool])
def test_number_types(dtype: torch.dtype, target: Grid) -> None:
    values = (noise() * 20 + 100).clamp(0, 200).to(torch.int64).to(dtype)
    if dtype == torch.bool:
        values = noise() > 0
    nearest = resample(values, oblique(0), target, "nearest")
    linear = resample(values, oblique(0), target, "linear")
    assert nearest.dtype == dtype
    assert linear.dtype == torch.float32
    floats = resample(values.to(torch.float32), oblique(0), target, "linear")
    assert torch.allclose(linear, floats, atol=1e-4)


def test_inputs_are_left_alone() -> None:
    for mode in MODES:
        for target in (oblique(0), oblique(3)):
            values = noise()
            found = resample(values, oblique(0), target, mode)
            found.fill_(9)
            assert torch.equal(values, noise())


@pytest.mark.parametrize("array", [noise((3, 4, 5)), noise((2, 2, *SHAPE)), noise(SHAPE[:2])])
def test_arrays_off_the_grid_are_errors(array: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="does not lie on a grid"):
        resample(array, oblique(0), oblique(1))


def test_unknown_modes_are_errors() -> None:
    with pytest.raises(ValueError, match="'cubic'"):
        resample(noise(), oblique(0), oblique(1), "cubic")


def test_regrid_keeps_what_an_image_is() -> None:
    colours = np.random.default_rng(0).integers(0, 255, (1, 9, 8, 3)).astype(np.uint8)
    colours.flags.writeable = False
    image = Image(colours, np.eye(4), "p.png", {"Modality": "SM"})
    half = Grid((1, 18, 16), np.array([[0.5, 0, 0, -0.25], [0, 0.5, 0, -0.25], [0, 0, 1, 0], [0, 0, 0, 1]]))
    large = regrid(image, half, "nearest")
    assert np.array_equal(large.array, colours.repeat(2, axis=1).repeat(2, axis=2))
    assert (large.name, large.tags, large.array.dtype) == ("p.png", {"Modality": "SM"}, np.uint8)
    assert large.grid.same_as(half)
    grey = regrid(Image(colours[..., 0], np.eye(4)), half)
    assert grey.array.dtype == np.float32


PEAKS_MIB = {
    "coordinates, 150 MiB for the whole target": (
        ("Grid((40, 128, 128), np.diag([2.0, 2, 2, 1]))", "Grid((24, 512, 512), turn @ np.diag([0.5, 0.5, 1, 1]))", "float32"),
        60,
    ),
    "whole numbers as float32, 122 MiB for the whole source": (
        ("Grid((200, 400, 400), np.eye(4))", "Grid((100, 100, 100), np.diag([4.0, 4, 2, 1]))", "int16"),
        40,
    ),
}


@pytest.mark.parametrize("grown", PEAKS_MIB)
def test_memory_stays_far_below(grown: str) -> None:
    """Slabs need a few MiB."""
    resource = pytest.importorskip("resource", reason="peak memory is read from the resource module")
    assert resource
    (source, target, dtype), most = PEAKS_MIB[grown]
    script = PEAK_MEMORY.replace("SOURCE", source).replace("TARGET", target).replace("DTYPE", dtype)
    core = Path(__file__).resolve().parents[3] / "MedSegDL"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(core)})
    assert float(done.stdout) < most


@pytest.mark.parametrize("channels", [(), (2,)])
@pytest.mark.parametrize("seed", range(4))
def test_values_scaled_as_they_are_read_are_those_scaled_before(seed: int, channels: tuple[int, ...]) -> None:
    """On parallel and on oblique grids, finer and coarser, bit for bit; whole numbers are widened on the way."""
    source = oblique(seed)
    finer = Grid((13, 7, 17), source.affine @ np.diag([0.7, 1.4, 0.6, 1.0]))
    array = torch.from_numpy(np.random.default_rng(seed).integers(-1000, 1000, (*channels, *SHAPE)).astype(np.int16))

    def scale(values: torch.Tensor) -> torch.Tensor:
        return values.clamp(-150, 250) / 200

    for target in (finer, oblique(seed + 10), source):
        before = resample(scale(array.float()), source, target, fill=-1.0)
        assert torch.equal(resample(array, source, target, fill=-1.0, scale=scale), before)


@pytest.mark.parametrize("seed", range(4))
def test_blocks_of_unequal_voxels_lie_at_the_middle_of_what_they_hold(seed: int) -> None:
    """A coordinate is linear in space: its mean over a block is the coordinate of the block's middle, whatever the blocks' sides."""
    grid = oblique(seed, (11, 14, 19))
    for coordinate in range(3):
        means, where = pooled(Image(world(grid)[..., coordinate].astype(np.float32), grid.affine), 4.0)
        assert means.shape == where.shape and where.spacing_mm.max() <= 4.0
        np.testing.assert_allclose(means.numpy(), world(where)[..., coordinate], atol=1e-4)
