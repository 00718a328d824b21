"""`align`: whatever number an image holds for nothing, resampling writes nothing outside of it, and later steps find it at 0."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

from MedSegDLLib.geometry.align import align
from MedSegDLLib.geometry.background import background_value, value_of_nothing
from MedSegDLLib.geometry.image import Grid, Image
from MedSegDLLib.geometry.resample import regrid
from MedSegDLLib.preprocess.foreground import head_mask
from MedSegDLLib.preprocess.normalise import prepare
from MedSegDLLib.tasks import BRAIN, LIVER, Input, Modality, Task

SHAPE = (36, 40, 38)
MM = 4.0
CROP = (slice(3, 30), slice(4, 36), slice(3, 35))
KEYS = ("t1", "t1ce", "t2", "flair")
Change = Callable[[np.ndarray], np.ndarray]


def head() -> np.ndarray:
    axes = np.meshgrid(*((np.arange(n) - (n - 1) / 2) for n in SHAPE), indexing="ij")
    return sum((axis / radius) ** 2 for axis, radius in zip(axes, (12, 14, 12), strict=True)) < 1


def stripped(key: str) -> np.ndarray:
    random = np.random.default_rng(KEYS.index(key))
    return np.where(head(), random.uniform(200, 800, SHAPE), 0).astype(np.float32)


def scanned(key: str) -> np.ndarray:
    """With noise where there is air."""
    random = np.random.default_rng(KEYS.index(key))
    return np.where(head(), random.uniform(300, 800, SHAPE), np.abs(random.normal(0, 8, SHAPE))).astype(np.float32)


def placed(array: np.ndarray, box: tuple[slice, slice, slice] | None = None) -> Image:
    affine = np.diag([MM, MM, MM, 1.0])
    if box is None:
        return Image(array, affine)
    affine[:3, 3] = [MM * part.start for part in box[::-1]]
    return Image(np.ascontiguousarray(array[box]), affine)


CHANGES: dict[str, Change] = {
    "plus 100": lambda x: x + 100,
    "minus 300": lambda x: x - 300,
    "to -1..1": lambda x: x / x.max() * 2 - 1,
    "z-scored whole": lambda x: (x - x.mean()) / x.std(),
}


def aligned_arrays(make: Callable[[str], np.ndarray], change: Change, changed: tuple[str, ...], cropped: tuple[str, ...]):
    images = {
        key: placed(change(make(key)).astype(np.float32) if key in changed else make(key), CROP if key in cropped else None) for key in KEYS
    }
    aligned = align(images, BRAIN)
    return aligned, {key: image.array for key, image in aligned.volumes.items()}


@pytest.mark.parametrize("cropped", [("t1ce",), ("t1", "t2"), ("t1", "t1ce", "t2")])
@pytest.mark.parametrize("changed", [KEYS, ("t1ce",), ("flair", "t2")], ids=str)
@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("make", [stripped, scanned], ids=["stripped", "scanned"])
def test_the_head_is_found_whatever_nothing_is_called(make, name, changed, cropped) -> None:
    aligned, arrays = aligned_arrays(make, CHANGES[name], changed, cropped)
    mask = head_mask(arrays, aligned.noisy)
    missed = mask ^ head()
    assert missed.sum() <= (0 if make is stripped else 0.005 * head().sum())
    outside = np.ones(SHAPE, bool)
    outside[CROP] = False
    for key in cropped:
        assert (arrays[key][outside] == 0).all()  # what the cropped one does not show
    x = prepare(aligned.volumes, mask, BRAIN.plan).x
    plain, plain_arrays = aligned_arrays(make, CHANGES[name], (), cropped)
    wanted = prepare(plain.volumes, head_mask(plain_arrays, plain.noisy), BRAIN.plan).x
    assert x.shape == wanted.shape
    assert (x - wanted).abs().mean() < 0.01


def test_a_background_of_zero_is_left_as_it_is() -> None:
    images = {key: placed(stripped(key)) for key in KEYS}
    assert all(align(images, BRAIN).volumes[key] is images[key] for key in KEYS)
    noise = {key: placed(scanned(key)) for key in KEYS}
    assert all(align(noise, BRAIN).volumes[key] is noise[key] for key in KEYS)


def test_a_small_scan_with_noise_in_a_large_empty_grid_is_no_stripped_one() -> None:
    """Its filled faces say 'one value'; the noise within it must not become head."""
    small = tuple(slice(n // 4, 3 * n // 4) for n in SHAPE)
    images = {"flair": placed(stripped("flair")), "t1": placed(scanned("t1"), CROP), "t2": placed(scanned("t2"), small)}
    aligned = align(images, BRAIN)
    assert aligned.noisy == {"t1", "t2"}
    assert background_value(aligned.volumes["t1"].array) == 0  # so the faces do lie
    mask = head_mask({key: image.array for key, image in aligned.volumes.items() if image is not None}, aligned.noisy)
    assert (mask == head()).mean() > 0.999


@pytest.mark.parametrize("axis", range(3))
def test_all_six_faces_are_looked_at(axis: int) -> None:
    """A flat stack has most of its border on two faces: tissue there is no background, whichever axis they lie across."""
    array = np.zeros((8, 20, 20))
    array[[0, -1]] = np.random.default_rng(0).uniform(1, 2, (2, 20, 20))
    array = np.moveaxis(array, 0, axis)
    assert background_value(array) is None
    assert background_value(np.moveaxis(np.zeros((3, 20, 20)), 0, axis)) == 0


def test_what_is_read_from_tissue_for_more_than_half_is_tissue() -> None:
    """A slice of tissue beside an empty one, looked at between the two: the nearer one decides, and gives its number unmixed."""
    array = np.zeros((6, 9, 9), np.float32)
    array[2:4, 2:7, 2:7] = 700.0
    here = np.diag([1.0, 1.0, 10.0, 1.0])
    for share, number in ((0.55, 700.0), (0.52, 700.0), (0.48, 0.0)):
        there = here.copy()
        there[2, 3] = 10 * (1 - share)
        found = align({"flair": Image(np.pad(array[:1], ((0, 5), (0, 0), (0, 0))), there), "t1": Image(array, here)}, BRAIN).volumes["t1"]
        assert found.array[3, 4, 4] == pytest.approx(number, abs=1e-3)


def test_tissue_on_every_face_is_no_background() -> None:
    """A slab cut out of a head: its least value is fluid, which must not be moved to 0."""
    inner = tuple(slice(n // 2 - 5, n // 2 + 5) for n in SHAPE)
    assert value_of_nothing(stripped("t1")[inner]) == 0.0


def test_a_ct_ends_in_air() -> None:
    two = Task(**{**LIVER.__dict__, "inputs": (*LIVER.inputs, Input("late", "Late", Modality.CT)), "reference_order": ("ct", "late")})
    body = np.where(head(), 40, -1024).astype(np.int16)
    aligned = align({"ct": placed(body), "late": placed(body, CROP)}, two)
    assert aligned.volumes["ct"].array is body  # Hounsfield units are never moved
    assert aligned.volumes["late"].array[0, 0, 0] == -1000
    assert aligned.volumes["late"].array[CROP].min() == -1024


def test_an_image_of_the_same_size_elsewhere_is_brought_to_the_grid() -> None:
    """Equal shapes are no equal grids: a T1 that lies one voxel further is read where the FLAIR's voxels are."""
    array = np.zeros((6, 7, 8), np.float32)
    array[2:4, 3:5, 2:6] = np.arange(16, dtype=np.float32).reshape(2, 2, 4) + 1
    here = np.diag([-2.0, -2.0, 2.0, 1.0])
    there = here.copy()
    there[:3, 3] = here[:3, :3] @ (1, 0, 0)
    aligned = align({"flair": Image(array, here, "flair"), "t1": Image(array, there, "t1")}, BRAIN)
    assert aligned.resampled == ("t1",)
    assert np.array_equal(aligned.volumes["t1"].array[:, :, 1:], array[:, :, :-1])


@pytest.mark.parametrize("turned", [0.0, 12.0])
def test_thick_slices_of_a_stripped_head_leave_no_dark_rim(turned) -> None:
    """Between a slice that shows brain and one that does not, and across an inclined edge, there is brain or nothing."""
    angle = np.deg2rad(turned)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    fine = {key: placed(np.where(head(), 500, 0).astype(np.float32)) for key in ("flair", "t1")}
    middle = MM * (np.array(SHAPE[::-1]) - 1) / 2
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([MM, MM, 3 * MM])
    affine[:3, 3] = middle - affine[:3, :3] @ ((np.array([38, 40, 12]) - 1) / 2)
    series = regrid(fine["t1"], Grid((12, 40, 38), affine), "nearest")
    found = align({"flair": fine["flair"], "t1": series}, BRAIN).volumes["t1"].array
    assert set(np.round(np.unique(found), 2)) == {0.0, 500.0}
    assert abs((found > 0).sum() / head().sum() - 1) < 0.05  # linear interpolation alone makes it a seventh to a third larger
    smeared = regrid(series, fine["flair"].grid).array
    assert (smeared > 0).sum() > 1.1 * head().sum()


def test_tissue_interpolated_between_tissue_is_what_linear_interpolation_makes_of_it() -> None:
    """Three voxels and more within the head nothing differs."""
    image = placed(stripped("t1"))
    shifted = image.affine.copy()
    shifted[:3, 3] += (1.3, -0.7, 1.9)
    reference = Image(stripped("flair"), shifted)
    found = align({"flair": reference, "t1": image}, BRAIN).volumes["t1"].array
    wanted = regrid(image, reference.grid).array
    inner = ndimage.binary_erosion(head(), iterations=3)
    np.testing.assert_allclose(found[inner], wanted[inner], rtol=1e-5)
