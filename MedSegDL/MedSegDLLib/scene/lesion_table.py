"""The lesions of a segmentation, or the counted objects of a picture, as a table node that is saved with the scene, a row each.
Measured on the node itself, so that an edit counts; the measuring is `metrics.diameters` and may be done in a thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import slicer
import vtk

from ..geometry.image import Grid
from ..result import pixel_area_um2
from ..tasks import Task
from .segmentation import labelmap_voxels, segment_ids
from .table import INSTANCES_ROLE, table_rows
from .volumes import local_affine, numpy_matrix, to_world, vtk_to_numpy

if TYPE_CHECKING:  # imported with the first result (`warming`)
    from ..metrics.density import Density

LESIONS_ROLE = "MedSegDL.Lesions"  # the segmentation's reference to its table
LESION_COLUMNS = ("Segment", "Id", "Number", "Volume mL", "Longest mm", "Perpendicular mm", "R", "A", "S")
OBJECT_COLUMNS = ("Segment", "Id", "Number", "Area px", "R", "A", "S")


@dataclass(frozen=True)
class Voxels:
    """A segment's voxels, taken out of the scene so that a thread may measure them.

    Attributes:
        key, name: id and name of the segment.
        mask: (K, J, I), a copy; object numbers where `counted`.
        affine: (4, 4) indices to the segmentation's own RAS mm.
        counted: whether the values number objects of one slice.
    """

    key: str
    name: str
    mask: np.ndarray
    affine: np.ndarray
    counted: bool = False


@dataclass(frozen=True)
class Row:
    """A lesion or an object.

    Attributes:
        key, name: of its segment.
        sizes: volume in mL, longest and perpendicular diameter in mm; of an object its area in pixels.
        place: (3,) where it lies, RAS mm of the segmentation before its transform.
    """

    key: str
    name: str
    sizes: tuple[float, ...]
    place: tuple[float, float, float]


def voxels_of(node: Any, task: Task) -> list[Voxels]:
    """What there is to measure: the segments that are lesions, or the numbered objects where the task counts them."""
    names = {key: node.GetSegmentation().GetSegment(key).GetName() for key in segment_ids(node)}
    objects = node.GetNodeReference(INSTANCES_ROLE)
    if objects is not None:
        region = task.regions[0]
        numbers = vtk_to_numpy(objects.GetImageData().GetPointData().GetScalars())
        shape = tuple(reversed(objects.GetImageData().GetDimensions()))
        return [Voxels(region.key, names.get(region.key, region.label), numbers.reshape(shape).copy(), local_affine(objects), True)]
    found = []
    for region in (region for region in task.regions if region.key in names and region.is_lesion):
        labelmap, values = labelmap_voxels(node, region.key)
        found.append(Voxels(region.key, names[region.key], values > 0, _labelmap_affine(labelmap)))
    return found


def measured(segments: Sequence[Voxels]) -> list[Row]:
    """The rows of a table; touches no scene."""
    return [row for segment in segments for row in (_objects(segment) if segment.counted else _lesions(segment))]


def lesion_table(node: Any, rows: Sequence[Row], table: Any = None) -> Any:
    """Write rows into a table node and let the segmentation refer to it.

    Args:
        node: the segmentation.
        rows: see `measured`.
        table: the node to fill anew; where None, the one that the segmentation has, or a new one '<segmentation> lesions'.
    """
    counted = node.GetNodeReferenceID(INSTANCES_ROLE) is not None
    table = table or node.GetNodeReference(LESIONS_ROLE)
    if table is None:
        name = f"{node.GetName()} {'objects' if counted else 'lesions'}"
        table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", name)
    was_modifying = table.StartModify()
    table.RemoveAllColumns()
    columns = OBJECT_COLUMNS if counted else LESION_COLUMNS
    numbers: dict[str, int] = {}
    lines = []
    for row in rows:
        numbers[row.key] = numbers.get(row.key, 0) + 1
        lines.append((row.name, row.key, numbers[row.key], *row.sizes, *row.place))
    for place, title in enumerate(columns):
        kind = vtk.vtkStringArray if place < 2 else vtk.vtkLongLongArray if place == 2 else vtk.vtkDoubleArray
        column = kind()
        column.SetName(title)
        for line in lines:
            column.InsertNextValue(line[place])
        table.AddColumn(column)
    table.SetUseColumnTitleAsColumnHeader(True)
    table.EndModify(was_modifying)
    node.SetNodeReferenceID(LESIONS_ROLE, table.GetID())
    return table


def rows_of(node: Any) -> list[dict[str, str]]:
    """The table that a segmentation refers to, as shown; empty without one."""
    table = node.GetNodeReference(LESIONS_ROLE)
    return [] if table is None else table_rows(table)


def density_of(node: Any, task: Task, count: int) -> Density | None:
    """How densely so many objects lie in the picture; None where the result counts none."""
    objects = node.GetNodeReference(INSTANCES_ROLE)
    if objects is None or objects.GetImageData() is None:
        return None
    from ..metrics.density import Density

    shape = tuple(reversed(objects.GetImageData().GetDimensions()))
    return Density(count, int(np.prod(shape)), pixel_area_um2(Grid(shape, local_affine(objects)), task))


def place_of(node: Any, row: dict[str, str]) -> np.ndarray:
    """(3,) where a row's lesion lies in the world, RAS mm, wherever the segmentation was moved since. Raises InputRefused if deformed."""
    place = np.array([*(float(row[axis]) for axis in "RAS"), 1.0])
    return (to_world(node) @ place)[:3]


def largest(rows: Sequence[dict[str, str]]) -> dict[str, str] | None:
    """The row to look at first: the largest lesion of the outermost region that has one; None without rows."""
    return rows[0] if rows else None


def burdens(node: Any, task: Task, milliliters: dict[str, float]) -> list[tuple[str, float, str]]:
    """(segment, per cent, organ) for each lesion region that lies inside an organ which is there.

    Args:
        node: the segmentation.
        task: its regions.
        milliliters: id of a segment -> volume.
    """
    names = {key: node.GetSegmentation().GetSegment(key).GetName() for key in segment_ids(node)}
    found = []
    for region in task.regions:
        organ = region.inside
        lesion_in_organ = organ in names and region.key in names and not task.region(organ).is_lesion
        if lesion_in_organ and region.is_lesion and milliliters.get(organ):
            found.append((names[region.key], 100 * milliliters.get(region.key, 0.0) / milliliters[organ], names[organ]))
    return found


def _lesions(segment: Voxels) -> list[Row]:
    if not segment.mask.size:
        return []
    from ..metrics.diameters import lesions_of

    return [
        Row(segment.key, segment.name, (one.volume_ml, one.longest_mm, one.perpendicular_mm), tuple(one.middle))
        for one in lesions_of(segment.mask, segment.affine)
    ]


def _objects(segment: Voxels) -> list[Row]:
    """Area and centroid of the numbered objects, in the order of their numbers."""
    k, j, i = np.nonzero(segment.mask)
    _numbers, which = np.unique(segment.mask[k, j, i], return_inverse=True)
    areas = np.bincount(which)
    centres = np.column_stack([np.bincount(which, axis) / np.maximum(areas, 1) for axis in (i, j, k)])
    places = centres @ segment.affine[:3, :3].T + segment.affine[:3, 3]
    return [Row(segment.key, segment.name, (float(area),), tuple(place)) for area, place in zip(areas, places)]


def _labelmap_affine(labelmap: Any) -> np.ndarray:
    """(K, J, I) indices of the labelmap's own voxels (from 0) to RAS mm."""
    matrix = vtk.vtkMatrix4x4()
    labelmap.GetImageToWorldMatrix(matrix)
    affine = numpy_matrix(matrix)
    x0, _x1, y0, _y1, z0, _z1 = labelmap.GetExtent()
    affine[:3, 3] += affine[:3, :3] @ (x0, y0, z0)
    return affine
