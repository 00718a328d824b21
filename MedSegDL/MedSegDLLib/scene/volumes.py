"""Volume nodes to Images and back.
Geometry, voxels and the tags that the modality guess reads; no display, no segmentation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from ..errors import InputRefused
from ..geometry.image import DICOM_TAGS, Image

RESULT_ATTRIBUTE = "MedSegDL.Result"  # marks nodes that a run made, with its task's key: volumes of that kind are no inputs


def image_from_node(node: Any) -> Image:
    """Voxels of a volume node and where they lie in the world.

    The array is a view of the node's memory, not a copy. A linear parent transform is part of the affine, so that volumes which were moved
    apart or together in the scene are compared where the user sees them.

    Args:
        node: vtkMRMLScalarVolumeNode or vtkMRMLVectorVolumeNode (colours).

    Raises:
        InputRefused: no volume, no voxels, or a parent transform that is not linear.
    """
    if not isinstance(node, slicer.vtkMRMLVolumeNode):
        raise InputRefused("No volume is selected.", "Select one.")
    data = node.GetImageData()
    if data is None or data.GetPointData().GetScalars() is None:
        raise InputRefused(f"Volume '{node.GetName()}' holds no voxels.", "Load it again, or select another one.")
    shape = tuple(reversed(data.GetDimensions()))
    values = vtk_to_numpy(data.GetPointData().GetScalars())
    channels = () if values.ndim == 1 or values.shape[1] == 1 else (values.shape[1],)
    return Image(values.reshape(shape + channels), world_affine(node), node.GetName(), dicom_tags(node))


def node_from_image(image: Image, name: str = "", kind: str = "") -> Any:
    """A new volume node in `slicer.mrmlScene` with a copy of the voxels.

    Args:
        image: grey or with colours.
        name: of the node; the image's own where empty.
        kind: node class; scalar or vector volume, after the image's channels, where empty.
    """
    kind = kind or ("vtkMRMLScalarVolumeNode" if image.channels == 1 else "vtkMRMLVectorVolumeNode")
    node = slicer.mrmlScene.AddNewNodeByClass(kind, name or image.name)
    node.SetIJKToRASMatrix(vtk_matrix(image.affine))
    _set_voxels(node, image.array)
    return node


def volume_like(node: Any, array: np.ndarray, name: str, kind: str = "vtkMRMLScalarVolumeNode") -> Any:
    """A new volume node with other voxels at the place of a given one, parent transform included.

    Args:
        node: the volume that lends its geometry.
        array: (K, J, I), the volume's own size.
        name, kind: of the new node.
    """
    image = Image(array, local_affine(node), name)
    twin = node_from_image(image, kind=kind)
    twin.SetAndObserveTransformNodeID(node.GetTransformNodeID())
    return twin


def local_affine(node: Any) -> np.ndarray:
    """Voxel indices (i, j, k, 1) to RAS mm before any parent transform: (4, 4)."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return numpy_matrix(matrix)


def world_affine(node: Any) -> np.ndarray:
    """Voxel indices (i, j, k, 1) to world RAS mm: (4, 4). Raises InputRefused under a transform that is not linear."""
    return to_world(node) @ local_affine(node)


def to_world(node: Any) -> np.ndarray:
    """A node's own RAS mm to world RAS mm: (4, 4). Raises InputRefused under a transform that is not linear."""
    transform = node.GetParentTransformNode()
    if transform is None:
        return np.eye(4)
    if not transform.IsTransformToWorldLinear():
        raise InputRefused(
            f"'{node.GetName()}' lies under a deforming transform ('{transform.GetName()}').",
            "Harden the transform (Data module) or resample the volume first.",
        )
    matrix = vtk.vtkMatrix4x4()
    transform.GetMatrixTransformToWorld(matrix)
    return numpy_matrix(matrix)


def state_of(node: Any) -> tuple[Any, ...]:
    """What a look at a volume rests on: its name, its voxels and where it lies. Changes as soon as one of them does."""
    data, transform = node.GetImageData(), node.GetParentTransformNode()
    places = tuple(local_affine(node).ravel())
    while transform is not None:
        places += (transform.GetID(), transform.GetTransformToParent().GetMTime() if transform.GetTransformToParent() is not None else 0)
        transform = transform.GetParentTransformNode()
    return node.GetID(), node.GetName(), data.GetMTime() if data is not None else 0, places


def dicom_tags(node: Any) -> dict[str, str]:
    """Tags of the volume's DICOM series by keyword; empty for volumes that were not loaded from the DICOM database."""
    uids = (node.GetAttribute("DICOM.instanceUIDs") or "").split()
    database = getattr(slicer, "dicomDatabase", None)
    if not uids or database is None:
        return {}
    found = {keyword: database.instanceValue(uids[0], key.upper()) for keyword, key in DICOM_TAGS.items()}
    return {keyword: value for keyword, value in found.items() if value}


def numpy_matrix(matrix: Any) -> np.ndarray:
    """vtkMatrix4x4 as (4, 4) float64."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def vtk_matrix(array: np.ndarray) -> Any:
    """(4, 4) array as vtkMatrix4x4."""
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(np.asarray(array, dtype=np.float64).ravel())
    return matrix


def _set_voxels(node: Any, array: np.ndarray) -> None:
    data = vtk.vtkImageData()
    data.SetDimensions(*reversed(array.shape[:3]))
    flat = np.ascontiguousarray(array).reshape(-1, *array.shape[3:])
    data.GetPointData().SetScalars(numpy_to_vtk(flat.view(np.uint8) if flat.dtype == bool else flat, deep=True))
    node.SetAndObserveImageData(data)
    node.CreateDefaultDisplayNodes()
