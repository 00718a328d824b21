"""Rigid registration: known motions are found again, what lies right is left alone, and nothing is moved without a reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from MedSegDLLib.geometry.image import Grid, Image
from MedSegDLLib.geometry.registration import lies_on, motion, moved, register, turn_of
from MedSegDLLib.geometry.resample import regrid
from MedSegDLLib.geometry.similarity import head_points, values_at
from MedSegDLLib.phantom.head import head_phantom

MOST_MM, MOST_DEGREES = 1.0, 1.0
MOTIONS = {
    "a little": ((2.0, -1.0, 3.0), (2.0, 0.0, -2.0)),
    "another session": ((-6.0, 4.0, 12.0), (10.0, 12.0, -14.0)),
    "40 mm": ((-5.0, 3.0, 2.0), (20.0, -25.0, 24.0)),
    "20 degrees": ((12.0, -10.0, 12.0), (0.0, 5.0, -5.0)),
}


@pytest.fixture(scope="module")
def images() -> dict[str, Image]:
    return head_phantom(3, (72, 84, 72), 2.2).images


def thick(image: Image, axis: int, thickness: int) -> Image:
    """Slices of several voxels' thickness, (K, J, I) axis 0 or 2."""
    n = image.array.shape[axis] // thickness * thickness
    parts = np.split(image.array.take(range(n), axis=axis), n // thickness, axis=axis)
    array = np.concatenate([part.mean(axis=axis, keepdims=True) for part in parts], axis=axis).astype(np.float32)
    scale = np.eye(4)
    scale[2 - axis, 2 - axis], scale[2 - axis, 3] = thickness, (thickness - 1) / 2
    return Image(array, image.affine @ scale, image.name)


def without_neck(image: Image, slices: int = 18) -> Image:
    """Less 40 mm of its lower end."""
    return Image(
        image.array[slices:], image.grid.cropped((slice(slices, len(image.array)), *map(slice, (0, 0), image.array.shape[1:]))).affine
    )


def left_over(found: np.ndarray, made: np.ndarray, image: Image) -> tuple[float, float]:
    """mm at the middle of the head, and degrees, by which a motion that was found fails to undo one that was made."""
    rest = found @ made
    middle = head_points(image, 500)[0].mean(axis=0)
    return float(np.linalg.norm(rest[:3, :3] @ middle + rest[:3, 3] - middle)), turn_of(rest)


CHANGES = {"whole": lambda image: image, "thick slices": lambda image: thick(image, 0, 3), "without neck": without_neck}


@pytest.mark.parametrize(
    ("name", "change"),
    [("a little", "whole"), ("another session", "thick slices"), ("40 mm", "without neck"), ("20 degrees", "thick slices")],
)
def test_a_known_motion_is_found_again(name: str, change: str, images: dict[str, Image]) -> None:
    made = motion(*map(np.array, MOTIONS[name]), middle=np.zeros(3))
    elsewhere = moved(CHANGES[change](images["t1"]), made)
    assert not lies_on(elsewhere, images["flair"])
    found = register(elsewhere, images["flair"])
    off_mm, off_degrees = left_over(found.matrix, made, images["flair"])
    assert found.applied and found.after > found.before
    assert off_mm <= MOST_MM and off_degrees <= MOST_DEGREES


@pytest.mark.parametrize("key", ["t1", "t1ce", "t2"])
def test_what_lies_right_is_left_alone(key: str, images: dict[str, Image]) -> None:
    assert lies_on(images[key], images["flair"])


def test_however_it_is_stored_the_same_motion_is_found(images: dict[str, Image]) -> None:
    made = motion(np.array([4.0, -3.0, 6.0]), np.array([8.0, 5.0, -9.0]), np.zeros(3))
    plain = moved(images["t2"], made)
    flip = np.diag([1.0, -1.0, 1.0, 1.0])
    flip[1, 3] = plain.array.shape[1] - 1
    turned = Image(np.ascontiguousarray(plain.array[:, ::-1].transpose(2, 1, 0)), (plain.affine @ flip)[:, [2, 1, 0, 3]])
    one, two = (register(image, images["flair"]).matrix for image in (plain, turned))
    assert np.abs(one - two).max() < 0.3  # mm


def test_the_number_of_threads_changes_nothing(images: dict[str, Image]) -> None:
    import SimpleITK as sitk

    elsewhere = moved(images["t1ce"], motion(np.array([3.0, 4.0, 0.0]), np.array([6.0, 0.0, 4.0]), np.zeros(3)))
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    found = []
    for threads in (1, 2):
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
        found.append(register(elsewhere, images["flair"]).matrix)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)
    assert np.abs(found[0] - found[1]).max() < 1e-6


def test_images_that_share_nothing_are_not_moved() -> None:
    shape, random = (40, 44, 42), np.random.default_rng(0)
    axes = np.meshgrid(*((np.arange(n) - n / 2) / (0.4 * n) for n in shape), indexing="ij")
    ball = sum(axis**2 for axis in axes) < 1
    one, two = (Image((ball * random.uniform(300, 800, shape)).astype(np.float32), np.diag([4.0, 4.0, 4.0, 1.0])) for _ in range(2))
    assert lies_on(one, two)
    assert not register(one, two).applied


@pytest.mark.parametrize("values", [np.zeros((12, 12, 12)), np.full((12, 12, 12), 7.0)])
def test_an_image_without_a_head_is_left_where_it_is(values: np.ndarray, images: dict[str, Image]) -> None:
    empty = Image(values.astype(np.float32), np.diag([8.0, 8.0, 8.0, 1.0]))
    for pair in ((empty, images["t1"]), (images["t1"], empty)):
        assert lies_on(*pair)
        assert not register(*pair).applied


def test_values_are_those_of_resampling(images: dict[str, Image]) -> None:
    """The measure reads as everything else does."""
    image = images["t1"]
    affine = image.affine @ motion(np.array([10.0, 5.0, -8.0]), np.array([3.0, 2.0, 1.0]), np.zeros(3))
    grid = Grid((9, 10, 11), affine @ np.diag([5.0, 5.0, 5.0, 1.0]))
    k, j, i = np.indices(grid.shape).reshape(3, -1)
    points = np.stack([i, j, k], axis=1) @ grid.affine[:3, :3].T + grid.affine[:3, 3]
    values, inside = values_at(image, points, np.eye(4))
    wanted = regrid(image, grid, fill=-1.0).array.reshape(-1)
    assert ((wanted != -1) == inside).mean() > 0.999
    assert np.abs(values - wanted)[inside].max() < 0.05


def test_a_motion_moves_the_place_and_not_the_voxels(images: dict[str, Image]) -> None:
    made = motion(np.zeros(3), np.array([1.0, 2.0, 3.0]), np.zeros(3))
    image = moved(replace(images["t1"], name="a"), made)
    assert image.array is images["t1"].array and image.name == "a"
    assert np.allclose(image.affine[:3, 3] - images["t1"].affine[:3, 3], (1, 2, 3))
