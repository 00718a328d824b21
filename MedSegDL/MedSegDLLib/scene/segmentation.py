"""A Result as a segmentation node: one segment a region, overlapping, with names, colours, codes and the reference's geometry.
Masks come in ready; no thresholds, no resampling.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from ..errors import InputRefused
from ..geometry.boxes import bounding_box
from ..result import Result
from ..tasks import Region, Task
from .translation import label
from .volumes import local_affine, to_world, volume_like, vtk_matrix

BINARY = "Binary labelmap"
CLOSED_SURFACE = "Closed surface"
SCALARS = "ImageScalars"  # by this name Slicer's DICOM export looks for a segment's voxels, and takes it for empty where there are none

FILL_2D, OUTLINE_2D = 0.30, 1.0  # Slicer's 0.5 hides the oedema's grey levels below three nested fills
OUTER_3D, INNER_3D = 0.35, 1.0  # what holds another region is glass


@dataclass(frozen=True)
class Packed:
    """A region's voxels, ready for a node: what takes long is done, in whatever thread.

    Attributes:
        region: which.
        labelmap: vtkOrientedImageData of the region's bounding box; not placed in the world yet.
    """

    region: Region
    labelmap: Any


def pack(result: Result) -> list[Packed]:
    """Every region of a result and its brain mask, cut out and copied. Touches no scene, so that a thread may do it."""
    return [Packed(segment.region, cut_out(segment.mask)) for segment in result.everything]


def add_segmentation(result: Result, volume_node: Any, segmentation_node: Any = None) -> Any:
    """The result's regions as segments of a node at the place of the reference volume, in one go; see `filling`.

    Args:
        result: masks on the voxels of `volume_node`.
        volume_node: the reference (`result.reference`).
        segmentation_node: node to write into; a new one '<volume> segmentation' where None.

    Returns:
        vtkMRMLSegmentationNode.

    Raises:
        InputRefused: see `filling`.
    """
    node = segmentation_node or new_segmentation(f"{volume_node.GetName()} segmentation")
    for _step in filling(node, result, volume_node, pack(result)):
        pass
    node.GetDisplayNode().SetVisibility(True)
    return node


def filling(node: Any, result: Result, volume_node: Any, packed: list[Packed]) -> Iterator[None]:
    """The steps in which a result's regions become segments of a node, each of some milliseconds; between them the application may live.

    A new node (`new_segmentation`) gets its segments before it is in the scene, and its display is off: it is drawn once, when it is
    switched on. One that is in the scene has its segments of the same regions replaced in one step; all others stay. No batch processing
    of the scene: its end costs the desktop more (42 ms, for all lists and views) than the single events (5 to 20 ms).

    Args:
        node: where the segments go.
        result: masks on the voxels of `volume_node`.
        volume_node: the reference (`result.reference`).
        packed: what `pack` gave for the result.

    Raises:
        InputRefused: the volume changed its size since the run, or the given node lies under a deforming transform.
    """
    _must_be_as_it_was(volume_node, result)
    _fill(node, volume_node, packed)
    yield
    if node.GetScene() is None:
        slicer.mrmlScene.AddNode(node)
        yield
    if node.GetDisplayNode() is None:
        add_unseen_display(node)
        yield
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    draw_regions(node, [part.region for part in packed])
    if result.brain_mask is not None:
        node.GetDisplayNode().SetSegmentVisibility(result.brain_mask.region.key, False)


def new_segmentation(name: str) -> Any:
    """A segmentation node that is not in the scene yet."""
    node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLSegmentationNode")
    node.UnRegister(None)  # CreateNodeByClass gives its caller a reference too many
    node.SetName(name)
    return node


def add_unseen_display(node: Any) -> None:
    """Give the node a display that shows nothing yet."""
    display = slicer.mrmlScene.CreateNodeByClass("vtkMRMLSegmentationDisplayNode")
    display.UnRegister(None)
    display.SetVisibility(False)
    slicer.mrmlScene.AddNode(display)
    node.SetAndObserveDisplayNodeID(display.GetID())


def _must_be_as_it_was(volume_node: Any, result: Result) -> None:
    data = volume_node.GetImageData()
    if data is None or tuple(reversed(data.GetDimensions())) != result.grid.shape:
        raise InputRefused(f"Volume '{volume_node.GetName()}' changed while it was segmented.", "Segment it again.")


def _fill(node: Any, volume_node: Any, packed: list[Packed]) -> None:
    others = [key for key in segment_ids(node) if key not in {part.region.key for part in packed}]
    if not others:
        node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    affine = vtk_matrix(place_on(volume_node, node))
    was_modifying = node.StartModify()
    try:
        for part in packed:
            part.labelmap.SetGeometryFromImageToWorldMatrix(affine)
            replace_segment(node.GetSegmentation(), part.region, part.labelmap)
    finally:
        node.EndModify(was_modifying)


def add_instances(result: Result, volume_node: Any, suffix: str = "") -> Any:
    """The numbered objects as a label volume '<input> <task>' at the place of the reference; None where the task does not number."""
    if result.instances is None:
        return None
    name = f"{volume_node.GetName()} {result.task.key}{suffix}"
    kind = np.uint16 if result.instances.max(initial=0) < 2**16 else np.uint32
    return volume_like(volume_node, result.instances.astype(kind), name, "vtkMRMLLabelMapVolumeNode")


def add_uncertainty(result: Result, volume_node: Any, suffix: str = "") -> Any:
    """The entropy as a volume '<input> uncertainty' at the place of the reference; None where it was not asked for."""
    if result.uncertainty is None:
        return None
    return volume_like(volume_node, result.uncertainty, f"{volume_node.GetName()} uncertainty{suffix}")


def show_3d(node: Any, on: bool = True) -> None:
    """Show or hide the closed surfaces in the 3-D views; they are made at the first showing."""
    node.CreateDefaultDisplayNodes()
    if on and not node.GetSegmentation().ContainsRepresentation(CLOSED_SURFACE):
        node.CreateClosedSurfaceRepresentation()
    node.GetDisplayNode().SetVisibility3D(on)


def segment_ids(node: Any) -> list[str]:
    """Ids of a node's segments, in order."""
    segmentation = node.GetSegmentation()
    return [segmentation.GetNthSegmentID(index) for index in range(segmentation.GetNumberOfSegments())]


def task_segments(node: Any, task: Task) -> list[Region]:
    """Regions of a task that the node holds as segments, in the task's order."""
    present = set(segment_ids(node))
    return [region for region in task.regions if region.key in present]


def segment_mask(node: Any, key: str, shape: tuple[int, int, int]) -> np.ndarray:
    """One segment's voxels on the grid that it was written on, (K, J, I) uint8, 0 or 1.

    Args:
        node: the segmentation.
        key: id of the segment.
        shape: (K, J, I) of the reference volume. What was drawn outside it is cut off.
    """
    return voxels_within(node, key, tuple(bound for size in reversed(shape) for bound in (0, size - 1)))


def voxels_within(node: Any, key: str, extent: Sequence[int]) -> np.ndarray:
    """One segment's voxels within a part of the grid that it was written on, (K, J, I) uint8, 0 or 1.

    Args:
        node: the segmentation.
        key: id of the segment.
        extent: first and last voxel along i, j and k. What lies outside is cut off.
    """
    first, last = extent[4::-2], extent[5::-2]
    mask = np.zeros([high - low + 1 for low, high in zip(first, last)], np.uint8)
    labelmap, values = labelmap_voxels(node, key)
    if values.size:
        own = labelmap.GetExtent()
        common = [(max(a, c), min(b, d) + 1) for a, b, c, d in zip(first, last, own[4::-2], own[5::-2])]
        if all(start < stop for start, stop in common):
            into = tuple(slice(start - low, stop - low) for (start, stop), low in zip(common, first))
            mask[into] = values[tuple(slice(start - low, stop - low) for (start, stop), low in zip(common, own[4::-2]))] > 0
    return mask


def count_voxels(node: Any, key: str) -> tuple[int, float]:
    """How many voxels a segment has, and the volume of one in mm3; counted where the segment lies, if possible without a copy."""
    segment = node.GetSegmentation().GetSegment(key)
    labelmap, label = segment.GetRepresentation(BINARY), segment.GetLabelValue()
    if labelmap is None:  # drawn as a surface, say: let Slicer convert it
        labelmap, values = labelmap_voxels(node, key)
        return int(np.count_nonzero(values)), math.prod(labelmap.GetSpacing())
    scalars = labelmap.GetPointData().GetScalars()
    count = 0 if scalars is None or min(labelmap.GetDimensions()) <= 0 else np.count_nonzero(vtk_to_numpy(scalars) == label)
    return int(count), math.prod(labelmap.GetSpacing())


def labelmap_voxels(node: Any, key: str) -> tuple[Any, np.ndarray]:
    """A segment's own labelmap (vtkOrientedImageData) and its voxels within the labelmap's extent, (K, J, I)."""
    labelmap = slicer.vtkOrientedImageData()
    node.GetBinaryLabelmapRepresentation(key, labelmap)
    shape = tuple(reversed(labelmap.GetDimensions()))
    if min(shape) <= 0 or labelmap.GetPointData().GetScalars() is None:
        return labelmap, np.zeros((0, 0, 0), np.uint8)
    return labelmap, vtk_to_numpy(labelmap.GetPointData().GetScalars()).reshape(shape)


def cut_out(mask: np.ndarray, start: Sequence[int] = (0, 0, 0)) -> Any:
    """A mask (K, J, I) as vtkOrientedImageData of its bounding box (the extent keeps the place); empty extent for an empty mask.

    Args:
        mask: 0 outside.
        start: voxel (i, j, k) of the grid at which the mask begins.
    """
    image = slicer.vtkOrientedImageData()
    box = bounding_box(mask)
    part = mask[box]
    if not part.any():
        image.SetExtent(0, -1, 0, -1, 0, -1)
        image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    else:
        sides = zip(reversed(box), start)
        image.SetExtent(*[bound + first for side, first in sides for bound in (side.start, side.stop - 1)])
        scalars = numpy_to_vtk((part > 0).view(np.uint8).ravel(), deep=True)
        scalars.SetName(SCALARS)
        image.GetPointData().SetScalars(scalars)
    return image


def place_on(volume_node: Any, node: Any) -> np.ndarray:
    """The volume's voxel indices to the segmentation's own RAS mm, whatever transforms the two lie under."""
    if node.GetTransformNodeID() == volume_node.GetTransformNodeID():
        return local_affine(volume_node)  # exact, and a deforming transform cancels out
    return np.linalg.inv(to_world(node)) @ to_world(volume_node) @ local_affine(volume_node)


def replace_segment(segmentation: Any, region: Region, labelmap: Any) -> None:
    """Put the region's segment in; one of the same id is taken out and its place in the list kept."""
    position = segmentation.GetSegmentIndex(region.key)
    if position >= 0:
        segmentation.RemoveSegment(region.key)
    from ..io.seg_nrrd import MADE_BY, terminology_entry  # imported with the first result (`warming`)

    segment = slicer.vtkSegment()
    segment.SetName(label(region.label))
    segment.SetNameAutoGenerated(False)
    segment.SetColor(*region.color)
    segment.SetColorAutoGenerated(False)
    segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), terminology_entry(region))
    for name, value in MADE_BY.items():
        segment.SetTag(name, value)
    segment.AddRepresentation(BINARY, labelmap)
    segmentation.AddSegment(segment, region.key)
    if position >= 0:
        segmentation.SetSegmentIndex(region.key, position)


def note_edits(node: Any, counts: Mapping[str, int], measured: Mapping[str, int]) -> None:
    """Tag the segments that have another number of voxels than the run gave them as corrected by a reader.

    Args:
        node: the segmentation.
        counts: id of a segment -> its voxels after the run.
        measured: the same as they now are.
    """
    from ..io.seg_nrrd import ALGORITHM_TYPE, AUTOMATIC, SEMIAUTOMATIC

    for key, count in measured.items():
        segment, tag = node.GetSegmentation().GetSegment(key), vtk.reference("")
        if counts.get(key, count) != count and segment.GetTag(ALGORITHM_TYPE, tag) and str(tag.get()) == AUTOMATIC:
            segment.SetTag(ALGORITHM_TYPE, SEMIAUTOMATIC)


def draw_regions(node: Any, regions: list[Region]) -> None:
    """Outline and light fill in slices; in 3-D a region that holds another one is see-through."""
    display = node.GetDisplayNode()
    display.SetVisibility2DFill(True)
    display.SetVisibility2DOutline(True)
    holders = {region.inside for region in regions}
    for region in regions:
        display.SetSegmentOpacity2DFill(region.key, FILL_2D)
        display.SetSegmentOpacity2DOutline(region.key, OUTLINE_2D)
        display.SetSegmentOpacity3D(region.key, OUTER_3D if region.key in holders else INNER_3D)
