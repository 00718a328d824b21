"""Corrections of a result in the scene: the untouched result is kept beside it, points redraw outlines, changes are shown, and undone.
Nodes and voxels; no widget. What a window must not wait for comes in steps.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import slicer

from ..errors import InputRefused
from ..geometry.image import Image
from ..tasks import Task
from .segmentation import BINARY, cut_out, labelmap_voxels, new_segmentation, place_on, segment_ids
from .volumes import image_from_node, local_affine, numpy_matrix, to_world, vtk_matrix, vtk_to_numpy, world_affine

if TYPE_CHECKING:  # what does the arithmetic is imported with the first correction (`warming`)
    from ..correction.changes import Changed
    from ..correction.outline import Change, Points

UNTOUCHED_ROLE = "MedSegDL.Untouched"  # the segmentation's reference to the result as it came, hidden and saved with the scene
INPUT_ROLE = "MedSegDL.Input."  # and the input's key: the segmentation's references to the volumes that it was made from
CHANGES_NAME = "Changes"
ADDED_COLOR, REMOVED_COLOR = (0.1, 0.8, 0.3), (0.9, 0.1, 0.7)  # told apart by the colour-blind too: by brightness
SAME_GRID = 1e-2  # of a voxel


@dataclass(frozen=True)
class Undo:
    """What a correction changed, so that it can be taken back, whatever was drawn elsewhere since.

    Attributes:
        changes: (segment, what changed in it).
        inside: which list the point stood in.
    """

    changes: tuple[tuple[str, Change], ...]
    inside: bool


def keep_untouched(node: Any) -> Any:
    """Keep a copy of a segmentation as it is now, hidden, beside it, instead of an earlier copy.

    It gets its segments before it is in the scene: the subject hierarchy, which does not list it, looks for it at every segment added.
    """
    remove_node(node.GetNodeReference(UNTOUCHED_ROLE))
    copy = new_segmentation(f"{node.GetName()} untouched")
    copy.SetHideFromEditors(True)
    copy.GetSegmentation().DeepCopy(node.GetSegmentation())
    copy.SetAndObserveTransformNodeID(node.GetTransformNodeID())
    slicer.mrmlScene.AddNode(copy)
    node.SetNodeReferenceID(UNTOUCHED_ROLE, copy.GetID())
    return copy


def keep_inputs(node: Any, task: Task, nodes: Mapping[str, Any]) -> None:
    """Let a segmentation refer to the volumes that it was made from, input key -> node, and to no others."""
    for entry in task.inputs:
        volume = nodes.get(entry.key)
        node.SetNodeReferenceID(f"{INPUT_ROLE}{entry.key}", volume.GetID() if volume is not None else None)


def inputs_behind(node: Any, task: Task) -> dict[str, Any]:
    """The volumes that a result was made from, input key -> node. Raises InputRefused where they are not known, or one is gone."""
    given = {entry.key: f"{INPUT_ROLE}{entry.key}" for entry in task.inputs if node.GetNodeReferenceID(f"{INPUT_ROLE}{entry.key}")}
    found = {key: node.GetNodeReference(role) for key, role in given.items()}
    if not found or None in found.values():
        raise InputRefused(
            f"The volumes that '{node.GetName()}' was made from are not known.", "Segment them again, and correct that result."
        )
    return found


def case_of(node: Any, task: Task) -> Generator[None, None, tuple[dict[str, Image], dict[str, np.ndarray], np.ndarray]]:
    """What a result was made from and what it is now, in steps: input key -> image, region key -> mask, and where the masks lie, (4, 4).

    Raises:
        InputRefused: an input is gone, or a region was drawn on another grid.
    """
    volume = reference_of(node)
    images, masks = {}, {}
    for entry in task.inputs:
        given = node.GetNodeReferenceID(f"{INPUT_ROLE}{entry.key}")
        if given:
            images[entry.key] = image_from_node(node.GetNodeReference(f"{INPUT_ROLE}{entry.key}"))
    if not images:
        raise InputRefused(
            f"The volumes that '{node.GetName()}' was made from are not known.", "Segment them again, and correct that result."
        )
    for key in segment_ids(node):
        if key in {region.key for region in task.regions}:
            masks[key] = _mask(node, key, volume)
            yield
    return images, masks, world_affine(volume)


def untouched_of(node: Any) -> Any:
    """The result as it came; None where none was kept."""
    return None if node is None else node.GetNodeReference(UNTOUCHED_ROLE)


def reference_of(node: Any) -> Any:
    """The volume that lent a segmentation its grid. Raises InputRefused where it is gone."""
    volume = node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole())
    if volume is None or volume.GetImageData() is None:
        raise InputRefused(f"The volume that '{node.GetName()}' was made from is not in the scene.", "Load it again.")
    return volume


def voxel_at(node: Any, place: Sequence[float]) -> tuple[int, int, int]:
    """The voxel (k, j, i) of a segmentation's grid at a place in the world, RAS mm. Raises InputRefused outside of it."""
    volume = reference_of(node)
    index = np.linalg.inv(to_world(volume) @ local_affine(volume)) @ (*place, 1.0)
    voxel = tuple(int(part) for part in np.round(index[2::-1]))
    if not all(0 <= along < size for along, size in zip(voxel, _shape(volume))):
        raise InputRefused(f"The point lies outside of '{volume.GetName()}'.", "Click within it.")
    return voxel


def correcting(node: Any, task: Task, key: str, points: Points, seen: Any, inside: bool) -> Generator[None, None, Undo | None]:
    """Redraw a segment near the points that contradict it, and what holds it or lies in it with it; in steps.

    Args:
        node: the segmentation.
        task: says which regions lie within each other.
        key: id of the segment.
        points: of its grid.
        seen: the volume in which the edges are looked for.
        inside: which list the new point stands in.

    Returns:
        how to take it back; None where nothing contradicts.

    Raises:
        InputRefused: the segment was drawn on another grid, or the reference is gone.
    """
    from ..correction.outline import Change, automatic_reach, changing

    volume = reference_of(node)
    mask = _mask(node, key, volume)
    yield
    spacing_mm = np.array(volume.GetSpacing())[::-1]
    contradicted = [*(p for p in points.inside if not mask[p]), *(p for p in points.outside if mask[p])]
    if not contradicted:
        return None
    reach_mm = max(automatic_reach(mask, point, spacing_mm) for point in contradicted)
    yield
    change: Change | None = None
    for change in changing(mask, [_on_grid(seen, volume)], spacing_mm, points, reach_mm):  # noqa: B007 - the last is the result
        yield
    changes = []
    for other, part in _with_others(node, task, key, change):
        present = mask if other == key else _mask(node, other, volume)
        real = Change(part.box, part.added & ~(present[part.box] > 0), part.removed & (present[part.box] > 0))
        yield
        if real.count:
            _write(node, other, volume, _after(present, real))
            changes.append((other, real))
            yield
    return Undo(tuple(changes), inside)


def undoing(node: Any, undo: Undo) -> Iterator[None]:
    """Take a correction back, in steps; what was drawn elsewhere since stays."""
    from ..correction.outline import Change

    volume = reference_of(node)
    for key, change in undo.changes:
        if key in segment_ids(node):
            mask = _mask(node, key, volume)
            _write(node, key, volume, _after(mask, Change(change.box, change.removed, change.added)))
        yield


def comparing(node: Any) -> Generator[None, None, dict[str, Changed]]:
    """Compare every segment of a result with the untouched one, in steps; what came or went as a whole is compared with nothing.

    Returns:
        id of a segment -> what changed, arrays as large as the reference.
    """
    from ..correction.changes import changed

    volume, copy = reference_of(node), untouched_of(node)
    found = {}
    old, new = segment_ids(copy), segment_ids(node)
    for key in [*old, *(key for key in new if key not in old)]:
        empty = np.zeros(_shape(volume), np.uint8)
        before, after = (_mask(one, key, volume) if key in keys else empty for one, keys in ((copy, old), (node, new)))
        yield
        found[key] = changed(before > 0, after > 0, float(np.prod(volume.GetSpacing())))
        yield
    return found


def showing_changes(node: Any, found: dict[str, Changed]) -> Generator[None, None, Any]:
    """A segmentation 'Changes' with what was added to each segment and taken from it; not saved. In steps; returned at the end."""
    volume = reference_of(node)
    changes = new_segmentation(CHANGES_NAME)
    changes.SetSaveWithScene(False)
    changes.SetAndObserveTransformNodeID(node.GetTransformNodeID())
    affine = vtk_matrix(place_on(volume, node))
    for key, change in found.items():
        segment = node.GetSegmentation().GetSegment(key) or untouched_of(node).GetSegmentation().GetSegment(key)
        for part, color, text in ((change.added, ADDED_COLOR, "{} added"), (change.removed, REMOVED_COLOR, "{} removed")):
            labelmap = cut_out(part)
            labelmap.SetGeometryFromImageToWorldMatrix(affine)
            one = slicer.vtkSegment()
            one.SetName(text.format(segment.GetName()))
            one.SetColor(*color)
            one.AddRepresentation(BINARY, labelmap)
            changes.GetSegmentation().AddSegment(one, text.format(key))
            yield
    slicer.mrmlScene.AddNode(changes)
    yield
    changes.CreateDefaultDisplayNodes()
    changes.GetDisplayNode().SetSaveWithScene(False)
    return changes


def show_changes_of(changes: Any, key: str) -> None:
    """Let 'Changes' show those of one segment only."""
    for entry in segment_ids(changes):
        changes.GetDisplayNode().SetSegmentVisibility(entry, entry.rpartition(" ")[0] == key)


def remove_node(node: Any) -> None:
    """Take a displayed node out of the scene with its displays, which would stay."""
    if node is not None and node.GetScene() is not None:
        for display in [node.GetNthDisplayNode(number) for number in range(node.GetNumberOfDisplayNodes())]:
            slicer.mrmlScene.RemoveNode(display)
        slicer.mrmlScene.RemoveNode(node)


def _with_others(node: Any, task: Task, key: str, change: Change) -> list[tuple[str, Change]]:
    """What a change of a segment means for all: what holds it gets what is added to it, what it holds loses what is taken from it."""
    from ..correction.outline import Change

    there = set(segment_ids(node))
    regions = {region.key: region for region in task.regions}
    nothing = np.zeros_like(change.added)
    found = [(key, change)]
    outer = regions[key].inside if key in regions else None
    while outer:
        found.append((outer, Change(change.box, change.added, nothing)))
        outer = regions[outer].inside
    held = {key}
    for region in task.regions:  # what holds comes before what it holds
        if region.inside in held:
            held.add(region.key)
            found.append((region.key, Change(change.box, nothing, change.removed)))
    return [(other, part) for other, part in found if other in there]


def _after(mask: np.ndarray, change: Change) -> np.ndarray:
    """(K, J, I) uint8: a mask after a change, the mask itself left as it is."""
    after = mask.copy()
    after[change.box] = ((mask[change.box] > 0) | change.added) & ~change.removed
    return after


def _mask(node: Any, key: str, volume: Any) -> np.ndarray:
    """A segment's voxels on the reference's grid, (K, J, I) uint8. What was drawn outside it is cut off.

    Axes may run otherwise in the labelmap: Slicer's readers turn left-handed grids round, of a volume or of a segmentation.

    Raises:
        InputRefused: they were drawn on another grid.
    """
    mask = np.zeros(_shape(volume), np.uint8)
    labelmap, values = labelmap_voxels(node, key)
    if not values.size:
        return mask
    matrix = vtk_matrix(np.eye(4))
    labelmap.GetImageToWorldMatrix(matrix)
    to_volume = np.linalg.inv(place_on(volume, node)) @ numpy_matrix(matrix)
    turns = np.round(to_volume[:3, :3]).astype(int)
    extent = np.array(labelmap.GetExtent()).reshape(3, 2)  # of i, j, k: first and last
    ends = (to_volume @ np.vstack([extent, [1, 1]]))[:3]
    straight = (np.abs(turns).sum(axis=0) == 1).all() and (np.abs(turns).sum(axis=1) == 1).all()
    if not straight or np.abs(ends - np.round(ends)).max() > SAME_GRID or np.abs(to_volume[:3, :3] - turns).max() > SAME_GRID:
        name = node.GetSegmentation().GetSegment(key).GetName()
        raise InputRefused(f"'{name}' was drawn on another grid than '{volume.GetName()}'.", "Correct it in the Segment Editor.")
    axes = np.abs(turns).argmax(axis=1)  # of the labelmap, for i, j, k of the volume
    values = values.transpose([2 - axes[row] for row in (2, 1, 0)])
    values = np.flip(values, [2 - row for row in range(3) if turns[row].sum() < 0])
    low = np.round(ends.min(axis=1)).astype(int)[::-1]
    inner = [slice(max(start, 0), min(start + count, size)) for start, count, size in zip(low, values.shape, mask.shape)]
    if all(side.start < side.stop for side in inner):
        mask[tuple(inner)] = values[tuple(slice(side.start - start, side.stop - start) for side, start in zip(inner, low))] > 0
    return mask


def _write(node: Any, key: str, volume: Any, mask: np.ndarray) -> None:
    labelmap = cut_out(mask)
    labelmap.SetGeometryFromImageToWorldMatrix(vtk_matrix(place_on(volume, node)))
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    if not logic.SetBinaryLabelmapToSegment(labelmap, node, key, logic.MODE_REPLACE):
        raise InputRefused(f"The segment could not be written into '{node.GetName()}'.", "Correct it in the Segment Editor.")


def _on_grid(seen: Any, volume: Any) -> Any:
    """A volume's voxels on another's grid; its own array where the grids are one."""
    from ..correction.sampling import OnGrid

    data = seen.GetImageData()
    array = vtk_to_numpy(data.GetPointData().GetScalars()).reshape(tuple(reversed(data.GetDimensions())))
    if seen is volume:
        return array
    to_array = np.linalg.inv(to_world(seen) @ local_affine(seen)) @ to_world(volume) @ local_affine(volume)
    same = array.shape == _shape(volume) and np.abs(to_array - np.eye(4)).max() < SAME_GRID
    return array if same else OnGrid(array, to_array)


def _shape(volume: Any) -> tuple[int, int, int]:
    return tuple(reversed(volume.GetImageData().GetDimensions()))
