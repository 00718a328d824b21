"""Rigid registration against elastix (itk-elastix), where it is installed: known motions of a made-up head, in another contrast."""

from __future__ import annotations

import numpy as np
import pytest

from MedSegDLLib.geometry.image import LPS_FROM_RAS, Image
from MedSegDLLib.geometry.registration import motion, moved, register, turn_of

from ..core.skulls import bare_head, with_skull

FAR_MM = 60.0
MOST_MM, MOST_DEGREES = 1.0, 1.0  # of what is left of a motion
MADE = {
    "turned": motion(np.array([0.0, 0.0, 20.0]), np.zeros(3), np.zeros(3)),
    "shifted": motion(np.zeros(3), np.array([20.0, -28.0, 20.0]), np.zeros(3)),
}


def by_elastix(moving: Image, fixed: Image) -> np.ndarray:
    """The motion that elastix finds from the middles on each other: (4, 4) RAS mm, moving to fixed."""
    itk = pytest.importorskip("itk", reason="itk-elastix is not installed")
    if not hasattr(itk, "elastix_registration_method"):
        pytest.skip("itk-elastix is not installed")
    parameters = itk.ParameterObject.New()
    settings = parameters.GetDefaultParameterMap("rigid")
    settings["AutomaticTransformInitialization"] = ["true"]
    settings["RandomSeed"] = ["7"]
    parameters.AddParameterMap(settings)
    _, found = itk.elastix_registration_method(_itk(itk, fixed), _itk(itk, moving), parameter_object=parameters)
    entry = found.GetParameterMap(0)
    angles, shift = np.array([float(v) for v in entry["TransformParameters"]]).reshape(2, 3)
    centre = np.array([float(v) for v in entry["CenterOfRotationPoint"]])
    euler = itk.Euler3DTransform[itk.D].New()
    euler.SetRotation(*map(float, angles))
    turn = itk.array_from_matrix(euler.GetMatrix())
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn, centre + shift - turn @ centre
    return np.linalg.inv(LPS_FROM_RAS @ matrix @ LPS_FROM_RAS)


def _itk(itk, image: Image):
    made = itk.image_from_array(np.ascontiguousarray(image.array, dtype=np.float32))
    lps = LPS_FROM_RAS @ image.affine
    spacing = image.grid.spacing_mm
    made.SetSpacing([float(side) for side in spacing])
    made.SetOrigin(lps[:3, 3].tolist())
    made.SetDirection(itk.matrix_from_array(np.ascontiguousarray(lps[:3, :3] / spacing)))
    return made


def left_of(found: np.ndarray, made: np.ndarray) -> tuple[float, float]:
    """The largest error 60 mm from the middle, and the angle that is left."""
    left = found @ made
    places = [sign * FAR_MM * axis for axis in np.eye(3) for sign in (-1, 1)]
    return max(float(np.linalg.norm((left @ [*place, 1.0])[:3] - place)) for place in places), turn_of(left)


@pytest.mark.parametrize("name", MADE)
def test_known_motions_are_undone_at_least_as_well(name: str) -> None:
    images = with_skull(bare_head())
    fixed, moving = images["flair"], moved(images["t1ce"], MADE[name])
    theirs = left_of(by_elastix(moving, fixed), MADE[name])
    found = register(moving, fixed)
    ours = left_of(found.matrix, MADE[name])
    assert found.applied and ours[0] <= MOST_MM and ours[1] <= MOST_DEGREES, (ours, theirs)
    assert ours[0] <= max(theirs[0], MOST_MM), (ours, theirs)
