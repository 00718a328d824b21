"""The volumes of a segmentation as a table node, measured on the node itself, so that they equal Segment Statistics after edits too.
Counts and millimetres only; statistics of grey levels are Segment Statistics' own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk

from ..result import MM3_PER_ML
from ..tasks import Task
from .segmentation import count_voxels, segment_ids, task_segments
from .volumes import vtk_to_numpy

COLUMNS = ("Segment", "Id", "Voxels", "Volume mm3", "Volume mL")
INSTANCES_ROLE = "MedSegDL.Instances"  # the segmentation's reference to the label volume of numbered objects
OBJECT_COLUMNS = ("Count", "Mean area px")  # pixels: the size that a viewer gives a picture is seldom its true one


@dataclass(frozen=True)
class Measure:
    """Size of one segment.

    Attributes:
        key: id of the segment.
        voxel_count: voxels in it.
        volume_mm3: voxels times the product of the spacing, as Segment Statistics has it.
    """

    key: str
    voxel_count: int
    volume_mm3: float

    @property
    def volume_ml(self) -> float:
        """Millilitres."""
        return self.volume_mm3 / MM3_PER_ML


def measure(segmentation_node: Any, key: str) -> Measure:
    """Size of one segment as it now is in the node."""
    count, voxel_mm3 = count_voxels(segmentation_node, key)
    return Measure(key, count, count * voxel_mm3)


def volumes_table(segmentation_node: Any, task: Task, table_node: Any = None, instances_node: Any = None) -> Any:
    """A row for each segment: the task's regions in its order, then what the user has added.

    Args:
        segmentation_node: where the segments are.
        task: whose regions come first.
        table_node: table to fill anew; a new node '<segmentation> volumes' where None.
        instances_node: label volume of numbered objects; adds their count and mean area in pixels.

    Returns:
        vtkMRMLTableNode with the columns `COLUMNS` (and `OBJECT_COLUMNS`); a picture has no volumes.
    """
    table = table_node or slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", f"{segmentation_node.GetName()} volumes")
    ours = [region.key for region in task_segments(segmentation_node, task)]
    keys = [*ours, *(key for key in segment_ids(segmentation_node) if key not in ours)]
    fill_volumes(table, segmentation_node, keys, task.pictures)
    if instances_node is not None:
        count, area = count_objects(instances_node)
        _add_column(table, OBJECT_COLUMNS[0], vtk.vtkLongLongArray, [count] * len(keys))
        _add_column(table, OBJECT_COLUMNS[1], vtk.vtkDoubleArray, [area] * len(keys))
    return table


def fill_volumes(table: Any, segmentation_node: Any, keys: Sequence[str], picture: bool = False) -> None:
    """Fill a table anew with a row a segment.

    Args:
        table: vtkMRMLTableNode.
        segmentation_node: where the segments are.
        keys: ids of the segments.
        picture: whether there are no volumes.
    """
    table.RemoveAllColumns()
    rows = [measure(segmentation_node, key) for key in keys]
    name, key, voxels, mm3, milliliters = COLUMNS
    segments = segmentation_node.GetSegmentation()
    _add_column(table, name, vtk.vtkStringArray, [segments.GetSegment(row.key).GetName() for row in rows])
    _add_column(table, key, vtk.vtkStringArray, [row.key for row in rows])
    _add_column(table, voxels, vtk.vtkLongLongArray, [row.voxel_count for row in rows])
    if not picture:
        _add_column(table, mm3, vtk.vtkDoubleArray, [row.volume_mm3 for row in rows])
        _add_column(table, milliliters, vtk.vtkDoubleArray, [row.volume_ml for row in rows])
    table.SetUseColumnTitleAsColumnHeader(True)


def measure_again(segmentation_node: Any, task: Task, table_node: Any) -> None:
    """Fill a table anew after an edit."""
    volumes_table(segmentation_node, task, table_node, segmentation_node.GetNodeReference(INSTANCES_ROLE))


def count_objects(instances_node: Any) -> tuple[int, float]:
    """Number of objects in a label volume of one slice, and their mean area in pixels (0 where there are none)."""
    labels = vtk_to_numpy(instances_node.GetImageData().GetPointData().GetScalars())
    count = np.unique(labels[labels > 0]).size
    return int(count), float(np.count_nonzero(labels) / count) if count else 0.0


def table_rows(table_node: Any) -> list[dict[str, str]]:
    """The table as shown: a dictionary from column to text for each row."""
    table = table_node.GetTable()
    names = [table.GetColumnName(column) for column in range(table.GetNumberOfColumns())]
    rows = range(table.GetNumberOfRows())
    return [{name: table.GetValue(row, column).ToString() for column, name in enumerate(names)} for row in rows]


def _add_column(table: Any, title: str, kind: type, values: list) -> None:
    column = kind()
    column.SetName(title)
    for value in values:
        column.InsertNextValue(value)
    table.AddColumn(column)
