"""A fresh MRML scene for each test, on the slicer-core wheel, and volumes and results that are awkward on purpose.

What needs slicer is imported within the functions: without it the tests skip, and this file must still load.
"""

from __future__ import annotations

import numpy as np
import pytest

from MedSegDLLib.geometry.image import Image
from MedSegDLLib.result import Result, Segment
from MedSegDLLib.scene.bare import BareScene, open_scene
from MedSegDLLib.tasks import BRAIN, NUCLEI

SHAPE = (12, 20, 16)


def rotation(seed: int) -> np.ndarray:
    """A random proper rotation, (3, 3)."""
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
    return turn * np.sign(np.linalg.det(turn))


def oblique_affine() -> np.ndarray:
    """Oblique, anisotropic and left-handed."""
    affine = np.eye(4)
    affine[:3, :3] = rotation(0) @ np.diag([0.9, 1.1, -2.5])
    affine[:3, 3] = (10.25, -20.5, 33.125)
    return affine


def shift_and_turn() -> np.ndarray:
    """A rigid transform, (4, 4)."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation(3)
    matrix[:3, 3] = (100.0, 5.0, -7.0)
    return matrix


def assert_same_place(image: Image, expected: Image, atol_mm: float = 1e-9) -> None:
    """Same voxels at the same places. Slicer's readers turn a left-handed grid round along k; in the world nothing moves."""
    if np.linalg.det(image.affine) * np.linalg.det(expected.affine) < 0:
        turned = expected.affine.copy()
        turned[:3, 3] = (expected.affine @ (0, 0, expected.array.shape[0] - 1, 1))[:3]
        turned[:3, 2] *= -1
        expected = Image(expected.array[::-1], turned)
    np.testing.assert_array_equal(image.array, expected.array)
    np.testing.assert_allclose(image.affine, expected.affine, atol=atol_mm)


@pytest.fixture
def bare() -> BareScene:
    """An empty scene, also `slicer.mrmlScene`."""
    return open_scene()


@pytest.fixture
def volume(bare: BareScene):
    """A volume node 'flair' of random voxels on an oblique grid."""
    from MedSegDLLib.scene.volumes import node_from_image

    array = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)
    return node_from_image(Image(array, oblique_affine(), "flair"))


def brain_masks() -> dict[str, np.ndarray]:
    """Nested, irregular, and one voxel at the very corner of the grid."""
    random = np.random.default_rng(2)
    whole = np.zeros(SHAPE, np.uint8)
    whole[2:10, 4:15, 3:12] = random.random((8, 11, 9)) < 0.7
    whole[-1, -1, -1] = 1
    core = whole * (random.random(SHAPE) < 0.5)
    return {"WT": whole, "TC": core.astype(np.uint8), "ET": (core * (random.random(SHAPE) < 0.5)).astype(np.uint8)}


def brain_result(volume_node, masks: dict[str, np.ndarray] | None = None) -> Result:
    """A result as the pipeline would give it for the volume."""
    from MedSegDLLib.scene.volumes import image_from_node

    grid = image_from_node(volume_node).grid
    masks = masks or brain_masks()
    return Result(BRAIN, grid, "flair", tuple(Segment(region, masks[region.key], grid.voxel_volume_mm3) for region in BRAIN.regions))


def nuclei_result(volume_node) -> Result:
    """Three numbered objects of 6, 1 and 4 pixels in a picture of one slice."""
    from MedSegDLLib.scene.volumes import image_from_node

    grid = image_from_node(volume_node).grid
    instances = np.zeros(grid.shape, np.uint32)
    instances[0, 1:3, 1:4], instances[0, 5, 5], instances[0, 6:8, 0:2] = 1, 2, 3
    mask = (instances > 0).astype(np.uint8)
    return Result(NUCLEI, grid, "image", (Segment(NUCLEI.regions[0], mask, grid.voxel_volume_mm3),), instances)


def put_under_transform(bare: BareScene, node, matrix: np.ndarray, parent=None):
    """Move a node by a new linear transform node (itself under `parent`); returns the transform node."""
    from MedSegDLLib.scene.volumes import vtk_matrix

    transform = bare.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
    transform.SetMatrixTransformToParent(vtk_matrix(matrix))
    if parent is not None:
        transform.SetAndObserveTransformNodeID(parent.GetID())
    node.SetAndObserveTransformNodeID(transform.GetID())
    return transform


def put_under_warp(bare: BareScene, node) -> None:
    """Move a node by a deforming transform."""
    import vtk

    transform = bare.scene.AddNewNodeByClass("vtkMRMLTransformNode", "bent")
    spline = vtk.vtkThinPlateSplineTransform()
    source, target = vtk.vtkPoints(), vtk.vtkPoints()
    for x, y, z, move in ((0, 0, 0, 0), (50, 0, 0, 5), (0, 50, 0, 0), (0, 0, 50, 0), (50, 50, 50, -9)):
        source.InsertNextPoint(x, y, z)
        target.InsertNextPoint(x + move, y, z)
    spline.SetSourceLandmarks(source)
    spline.SetTargetLandmarks(target)
    spline.SetBasisToR()
    transform.SetAndObserveTransformToParent(spline)
    node.SetAndObserveTransformNodeID(transform.GetID())
