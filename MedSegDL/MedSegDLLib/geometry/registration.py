"""Rigid registration of one MR image to another of the same head: whether it is needed, and the motion that makes them fit.

Mattes mutual information over several resolutions by SimpleITK, from the best of some hundred starts; judged by `similarity`, a measure of
its own. A motion is a (4, 4) matrix, RAS mm, that takes places of the image to where they lie in the reference.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import SimpleITK as sitk

from .background import background_value
from .image import LPS_FROM_RAS, Grid, Image
from .resample import pooled, resample
from .similarity import head_middle, similarity

QUICK_POINTS, START_POINTS, POINTS = 4000, 1200, 20000
NEAR_MM, NEAR_DEGREES = 3.0, 3.0  # probes of the quick test: from half as far off on, one of them lies better
FAR_MM, FAR_DEGREES = 15.0, 12.0
OFF_MM, OFF_DEGREES = 1.5, 1.5  # a smaller motion than that is not worth making
BETTER = 0.02  # share by which the measure must rise
CLEARLY = 0.01  # nats by which it must rise besides: less is chance
RAW_BETTER = 0.01  # share, in the quick test of images as scanned; stripped ones were laid on each other by whoever stripped them
LEAST = 0.05  # nats: images of one head that fit share 0.12 and more; below, nothing can be told
ORTHOGONAL = 1e-3  # rounding in headers stays below; a tilted gantry's shear does not
FEWEST_VOXELS = 8  # an axis, so that the coarsest resolution has some
GRID_MM = 3.0  # of the images that SimpleITK works on
SHRINK, SMOOTH_VOXELS = (3, 2, 1), (1.5, 1.0, 0.5)
SAMPLED = (0.8, 0.4, 0.1)  # of the voxels
STEPS = 40  # at most, a resolution
SEED = 7  # 0 would be the clock
WORK_UNITS = 4  # whatever the number of threads, so that sums are the same
START_MM, START_DEGREES = 14.0, 13.0
STARTS_KEPT = 12  # of them are looked at more closely


@dataclass(frozen=True)
class Motion:
    """What registration found for one image.

    Attributes:
        matrix: (4, 4) RAS mm; the identity where the image is left where it lies.
        shift_mm: how far the middle of the head moves.
        turn_degrees: the angle of the rotation.
        before, after: the measure without and with it; the higher the better.
        applied: whether it is better and large enough to be made.
    """

    matrix: np.ndarray
    shift_mm: float
    turn_degrees: float
    before: float
    after: float
    applied: bool

    @property
    def is_large(self) -> bool:
        """Whether the place that was found is another than where the image lies."""
        return self.shift_mm >= OFF_MM or self.turn_degrees >= OFF_DEGREES

    def entry(self) -> dict:
        """For the run record."""
        return {
            "matrix_ras_mm": [[round(float(value), 6) for value in row] for row in self.matrix],
            "shift_mm": round(self.shift_mm, 2),
            "turn_degrees": round(self.turn_degrees, 2),
            "similarity_before": round(self.before, 4),
            "similarity_after": round(self.after, 4),
            "applied": self.applied,
        }


def moved(image: Image, matrix: np.ndarray) -> Image:
    """The image at another place: its voxels are as they were, so that nothing is resampled twice."""
    return replace(image, affine=matrix @ image.affine)


def lies_on(moving: Image, fixed: Image) -> bool:
    """Quick test: whether an image lies on another as well as anywhere near. True where nothing can be told."""
    measure = similarity(fixed, moving, QUICK_POINTS)
    if measure is None:
        return True
    raw = background_value(moving.array) is None or background_value(fixed.array) is None
    here = measure.at(np.eye(4))
    best = max(measure.at(matrix) for matrix in _probes(measure.middle, head_middle(moving)))
    if raw:
        return best < LEAST or best <= here * (1 + RAW_BETTER)
    return not _better(here, best)


def _better(before: float, after: float) -> bool:
    return after > max(before * (1 + BETTER) + CLEARLY, LEAST)


def _probes(middle: np.ndarray, moving_middle: np.ndarray) -> Iterator[np.ndarray]:
    """Other places: some along and about every axis, near and further away, and one head's middle on the other's."""
    for shift_mm, turn_degrees in ((NEAR_MM, NEAR_DEGREES), (FAR_MM, FAR_DEGREES)):
        for axis, sign in product(range(3), (-1, 1)):
            unit = sign * np.eye(3)[axis]
            yield motion(np.zeros(3), shift_mm * unit, middle)
            yield motion(turn_degrees * unit, np.zeros(3), middle)
    yield motion(np.zeros(3), middle - moving_middle, middle)


def motion(turn_degrees: np.ndarray, shift_mm: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Turn about three axes through `middle`, then shift: (4, 4)."""
    matrix = np.eye(4)
    for axis, degrees in enumerate(turn_degrees):
        a, b = [other for other in range(3) if other != axis]
        cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        turn = np.eye(4)
        turn[a, a] = turn[b, b] = cosine
        turn[a, b], turn[b, a] = -sine, sine
        matrix = turn @ matrix
    matrix[:3, 3] = middle + shift_mm - matrix[:3, :3] @ middle
    return matrix


def register(moving: Image, fixed: Image) -> Motion:
    """The rigid motion that lays an image on another; left out where the measure does not say that it is better.

    Args:
        moving, fixed: MR images of one head, any contrasts, grids and orientations.
    """
    measure = similarity(fixed, moving, POINTS)
    nothing = np.eye(4)
    if measure is None:
        return Motion(nothing, 0.0, 0.0, 0.0, 0.0, False)
    before = measure.at(nothing)
    found = _refined(moving, fixed, _start(fixed, moving), measure.middle)
    after = measure.at(found)
    shift = float(np.linalg.norm(found[:3, :3] @ measure.middle + found[:3, 3] - measure.middle))
    turn = turn_of(found)
    tried = Motion(found, shift, turn, before, after, True)
    return tried if tried.is_large and _better(before, after) else replace(tried, matrix=nothing, applied=False)


def laid(moving: Image, fixed: Image) -> Motion | None:
    """`register`, where the quick test asks for it; None where the image lies on the other one already."""
    return None if lies_on(moving, fixed) else register(moving, fixed)


def turn_of(matrix: np.ndarray) -> float:
    """Angle of a rigid matrix's rotation, degrees."""
    return math.degrees(math.acos(min(1.0, max(-1.0, (np.trace(matrix[:3, :3]) - 1) / 2))))


def _start(fixed: Image, moving: Image) -> np.ndarray:
    """The most promising place to begin from: where the image lies, or one of a lattice about the middles on each other."""
    quick, thorough = (similarity(fixed, moving, count) for count in (START_POINTS, QUICK_POINTS))
    if quick is None or thorough is None:
        return np.eye(4)
    middle, other = quick.middle, head_middle(moving)
    shifts = [middle - other + START_MM * np.array(step) for step in product((-1, 0, 1), (-1, 0, 1), (-2, -1, 0, 1, 2))]
    turns = [np.zeros(3), *(sign * START_DEGREES * axis for axis in np.eye(3) for sign in (-1, 1))]
    lattice = [motion(turn, shift, middle) for shift in (np.zeros(3), *shifts) for turn in turns]
    return max(sorted(lattice, key=quick.at, reverse=True)[:STARTS_KEPT], key=thorough.at)


def _refined(moving: Image, fixed: Image, start: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Gradient ascent of Mattes mutual information from a start: (4, 4) RAS mm, moving to fixed."""
    target, source = _for_itk(fixed), _for_itk(moved(moving, start))
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(32)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentagePerLevel(SAMPLED, SEED)
    method.SetMetricFixedMask(sitk.BinaryDilate(sitk.OtsuThreshold(target, 0, 1), [2, 2, 2]))
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(2.0, 0.02, STEPS, relaxationFactor=0.6)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel(SHRINK)
    method.SetSmoothingSigmasPerLevel([sigma * GRID_MM for sigma in SMOOTH_VOXELS])
    method.SetSmoothingSigmasAreSpecifiedInPhysicalUnits(True)
    method.SetNumberOfWorkUnits(WORK_UNITS)
    rigid = sitk.Euler3DTransform()
    rigid.SetCenter([float(value) for value in np.array([-1, -1, 1]) * middle])
    method.SetInitialTransform(rigid, inPlace=True)
    try:
        method.Execute(target, source)
    except RuntimeError:  # the images do not overlap enough from this start
        return start
    return np.linalg.inv(_ras_matrix(rigid)) @ start


def _ras_matrix(rigid: sitk.Euler3DTransform) -> np.ndarray:
    """A transform of LPS points as (4, 4) of RAS points."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(rigid.GetMatrix()).reshape(3, 3)
    centre = np.array(rigid.GetCenter())
    matrix[:3, 3] = centre + np.array(rigid.GetTranslation()) - matrix[:3, :3] @ centre
    return LPS_FROM_RAS @ matrix @ LPS_FROM_RAS


def _for_itk(image: Image) -> sitk.Image:
    """The image on a grid of `GRID_MM` along its own axes (the patient's, where those are sheared), a voxel the mean of what it covers."""
    values, grid = pooled(image, GRID_MM)
    axes = grid.affine[:3, :3] / grid.spacing_mm
    straight = np.abs(axes.T @ axes - np.eye(3)).max() < ORTHOGONAL
    axes = _nearest_rotation(axes) if straight else np.diag([-1.0, -1.0, 1.0])
    places = grid.corners() @ axes
    low, high = places.min(axis=0), places.max(axis=0)
    size = np.maximum(np.ceil((high - low) / GRID_MM).astype(int) + 1, FEWEST_VOXELS)
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = axes * GRID_MM, axes @ low
    even = resample(values, grid, Grid(tuple(int(n) for n in size[::-1]), affine), "linear", 0.0)
    made = sitk.GetImageFromArray(even.numpy())
    lps = LPS_FROM_RAS @ affine
    made.SetSpacing([GRID_MM] * 3)
    made.SetOrigin(lps[:3, 3].tolist())
    made.SetDirection((lps[:3, :3] / GRID_MM).reshape(-1).tolist())
    return made


def _nearest_rotation(axes: np.ndarray) -> np.ndarray:
    """Axes freed of the rounding in a header: (3, 3), orthogonal."""
    left, _, right = np.linalg.svd(axes)
    return left @ right
