"""A result's regions cut so that none overlaps another, as a segmentation of its own beside it: oedema, necrosis, enhancing tumour.
It is made of the segments as they now are and never edited itself; what is cut out of what is data of the task. No widget.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk

from ..errors import InputRefused
from ..tasks import Region, Task
from .hierarchy import place_beside
from .segmentation import (
    add_unseen_display,
    cut_out,
    draw_regions,
    labelmap_voxels,
    new_segmentation,
    replace_segment,
    segment_ids,
    voxels_within,
)
from .table import fill_volumes
from .volumes import numpy_matrix

LABELS_ROLE = "MedSegDL.Labels"  # the segmentation's reference to the one whose labels do not overlap
SAME_GRID_MM = 1e-3
TABLE_ROLE = "MedSegDL.Volumes"  # and that one's reference to its table


@dataclass(frozen=True)
class Whole:
    """A region and what is to be cut out of it, taken out of the scene so that a thread may do it.

    Attributes:
        region: the label that it becomes.
        mask: (K, J, I) of the region's own extent, a copy.
        inner: those of the regions inside it, on the same extent.
        start: voxel (i, j, k) of the labelmap's grid at which the extent begins.
        geometry: vtkMatrix4x4, voxels of that grid to the segmentation's own RAS mm.
    """

    region: Region
    mask: np.ndarray
    inner: tuple[np.ndarray, ...]
    start: tuple[int, int, int]
    geometry: Any


@dataclass(frozen=True)
class Label:
    """A region without those inside it. Attributes: region; labelmap: vtkOrientedImageData, in its place."""

    region: Region
    labelmap: Any


def can_be_cut(node: Any, task: Task) -> bool:
    """Whether the task names labels that do not overlap, and the segments are all there."""
    return bool(task.labels) and {region.key for region in task.regions} <= set(segment_ids(node))


def labels_of(node: Any) -> Any:
    """The segmentation with the labels of a result; None where there is none."""
    return None if node is None else node.GetNodeReference(LABELS_ROLE)


def table_of(labels: Any) -> Any:
    """The table of the labels' volumes; None where there is none."""
    return None if labels is None else labels.GetNodeReference(TABLE_ROLE)


def wholes(node: Any, task: Task) -> Iterator[Whole]:
    """What there is to cut, a region at a time. Raises InputRefused where regions were drawn on different grids."""
    grid: Any = None
    for region, label in zip(task.regions, task.labels):
        labelmap, values = labelmap_voxels(node, region.key)
        extent, matrix = labelmap.GetExtent(), _geometry(labelmap)
        if values.size:
            grid = grid or matrix
            _must_be_one_grid(node, region, grid, matrix)
        inner = tuple(voxels_within(node, one.key, extent) for one in task.inner(region.key)) if values.size else ()
        yield Whole(label, (values > 0).astype(np.uint8), inner, extent[::2], matrix)


def cut(parts: Sequence[Whole]) -> list[Label]:
    """The labels. Touches no scene, so that a thread may do it."""
    found = []
    for part in parts:
        rest = part.mask.copy()
        for inner in part.inner:
            rest[inner != 0] = 0
        labelmap = cut_out(rest, part.start)
        labelmap.SetGeometryFromImageToWorldMatrix(part.geometry)
        found.append(Label(part.region, labelmap))
    return found


def placing_labels(node: Any, task: Task, labels: Sequence[Label]) -> Iterator[None]:
    """The steps in which the labels become segments beside a result; made anew where they are there. Nothing is shown or hidden.

    Args:
        node: the result.
        task: whose regions these are.
        labels: see `cut`.
    """
    twin = labels_of(node)
    fresh = twin is None
    if fresh:
        twin = new_segmentation(f"{node.GetName()} disjoint")
    twin.SetAndObserveTransformNodeID(node.GetTransformNodeID())
    was_modifying = twin.StartModify()
    try:
        for label in labels:
            replace_segment(twin.GetSegmentation(), label.region, label.labelmap)
    finally:
        twin.EndModify(was_modifying)
    yield
    if fresh:
        slicer.mrmlScene.AddNode(twin)
        node.SetNodeReferenceID(LABELS_ROLE, twin.GetID())
        yield
        add_unseen_display(twin)
        yield
        volume = node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole())
        if volume is not None:
            twin.SetReferenceImageGeometryParameterFromVolumeNode(volume)
        draw_regions(twin, [label.region for label in labels])
    table = table_of(twin) or slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", f"{twin.GetName()} volumes")
    fill_volumes(table, twin, [label.region.key for label in labels])
    twin.SetNodeReferenceID(TABLE_ROLE, table.GetID())
    yield
    if fresh:
        place_beside(node, twin, table)


def show_labels(node: Any, on: bool) -> None:
    """Show the labels instead of the regions that they were cut from, or the other way round; never both."""
    twin = labels_of(node)
    for one, seen in ((node, not on), (twin, on)):
        if one is not None and one.GetDisplayNode() is not None and bool(one.GetDisplayNode().GetVisibility()) is not seen:
            one.GetDisplayNode().SetVisibility(seen)


def are_shown(node: Any) -> bool:
    """Whether the labels are what is shown of a result."""
    twin = labels_of(node)
    return twin is not None and twin.GetDisplayNode() is not None and bool(twin.GetDisplayNode().GetVisibility())


def remove_labels(node: Any) -> None:
    """Take the labels of a result out of the scene, with their table."""
    twin = labels_of(node)
    for one in (table_of(twin), twin.GetDisplayNode() if twin is not None else None, twin):
        if one is not None and one.GetScene() is not None:
            one.GetScene().RemoveNode(one)


def _must_be_one_grid(node: Any, region: Region, grid: Any, matrix: Any) -> None:
    if not np.allclose(numpy_matrix(grid), numpy_matrix(matrix), atol=SAME_GRID_MM):
        name, volume = (node.GetSegmentation().GetSegment(key).GetName() for key in (region.key, segment_ids(node)[0]))
        raise InputRefused(f"'{name}' was drawn on another grid than '{volume}'.", "Correct it in the Segment Editor.")


def _geometry(labelmap: Any) -> Any:
    matrix = vtk.vtkMatrix4x4()
    labelmap.GetImageToWorldMatrix(matrix)
    return matrix
