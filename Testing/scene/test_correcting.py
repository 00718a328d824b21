"""Corrections on a real scene: outlines redrawn where the reader clicks, taken back, compared with the result as it came."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer

from MedSegDLLib.correction.outline import Points
from MedSegDLLib.errors import InputRefused
from MedSegDLLib.scene.bare import BareScene, open_scene
from MedSegDLLib.scene.correcting import (
    comparing,
    correcting,
    keep_untouched,
    reference_of,
    showing_changes,
    undoing,
    untouched_of,
    voxel_at,
)
from MedSegDLLib.scene.segmentation import add_segmentation, cut_out, segment_ids, segment_mask
from MedSegDLLib.scene.volumes import to_world, vtk_matrix, world_affine
from MedSegDLLib.tasks import BRAIN

from .conftest import SHAPE, brain_result, put_under_transform, shift_and_turn

OUTSIDE_OF_ALL, WITHIN_ALL = (1, 17, 14), (6, 9, 7)


def last(steps: Iterator[None] | Generator) -> Any:
    """What steps return."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value


@pytest.fixture
def node(volume: Any) -> Any:
    """A result of boxes within boxes, and its untouched copy."""
    masks = {key: np.zeros(SHAPE, np.uint8) for key in ("WT", "TC", "ET")}
    for margin, mask in enumerate(masks.values()):
        mask[3 + margin : 10 - margin, 4 + margin : 15 - margin, 3 + margin : 12 - margin] = 1
    node = add_segmentation(brain_result(volume, masks), volume)
    keep_untouched(node)
    return node


def masks_of(node: Any) -> dict[str, np.ndarray]:
    return {key: segment_mask(node, key, SHAPE) for key in segment_ids(node)}


def corrected(node: Any, key: str, points: Points, inside: bool) -> Any:
    return last(correcting(node, BRAIN, key, points, reference_of(node), inside))


def test_what_is_added_to_an_inner_region_is_in_those_that_hold_it_and_comes_back_out(node: Any) -> None:
    before = masks_of(node)
    undo = corrected(node, "ET", Points((OUTSIDE_OF_ALL,)), True)
    after = masks_of(node)
    assert after["ET"][OUTSIDE_OF_ALL] and not before["WT"][OUTSIDE_OF_ALL]
    assert (after["ET"] <= after["TC"]).all() and (after["TC"] <= after["WT"]).all()
    assert [key for key, _change in undo.changes] == ["ET", "TC", "WT"]
    assert last(undoing(node, undo)) is None
    for key, mask in masks_of(node).items():
        np.testing.assert_array_equal(mask, before[key])


def test_what_is_taken_from_an_outer_region_is_taken_from_those_within(node: Any) -> None:
    before = masks_of(node)
    corrected(node, "WT", Points((), (WITHIN_ALL,)), False)
    after = masks_of(node)
    assert before["ET"][WITHIN_ALL] and not any(mask[WITHIN_ALL] for mask in after.values())
    assert all((after[key] <= before[key]).all() for key in after)
    assert (after["ET"] <= after["TC"]).all() and (after["TC"] <= after["WT"]).all()


def test_a_point_that_agrees_writes_nothing(node: Any) -> None:
    at = [node.GetSegmentation().GetSegment(key).GetRepresentation("Binary labelmap").GetMTime() for key in segment_ids(node)]
    assert corrected(node, "WT", Points((WITHIN_ALL,), (OUTSIDE_OF_ALL,)), True) is None
    assert at == [node.GetSegmentation().GetSegment(key).GetRepresentation("Binary labelmap").GetMTime() for key in segment_ids(node)]


def test_undo_leaves_what_was_drawn_elsewhere_since(node: Any, volume: Any) -> None:
    undo = corrected(node, "WT", Points((OUTSIDE_OF_ALL,)), True)
    drawn = masks_of(node)["WT"]
    drawn[-1, 0, 0] = 1
    labelmap = cut_out(drawn)
    labelmap.SetGeometryFromImageToWorldMatrix(vtk_matrix(world_affine(volume)))
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    assert logic.SetBinaryLabelmapToSegment(labelmap, node, "WT", logic.MODE_REPLACE)
    last(undoing(node, undo))
    mask = masks_of(node)["WT"]
    assert mask[-1, 0, 0] and not mask[OUTSIDE_OF_ALL]


def test_compared_with_the_result_as_it_came(node: Any, volume: Any) -> None:
    corrected(node, "WT", Points((OUTSIDE_OF_ALL,)), True)
    node.GetSegmentation().RemoveSegment("ET")
    found = last(comparing(node))
    assert found["TC"].dice == 1.0 and found["ET"].after == 0 < found["ET"].before and found["WT"].added[OUTSIDE_OF_ALL]
    assert found["WT"].volumes_ml[1] == pytest.approx(masks_of(node)["WT"].sum() * np.prod(volume.GetSpacing()) / 1000)
    changes = last(showing_changes(node, found))
    np.testing.assert_array_equal(segment_mask(changes, "WT added", SHAPE), found["WT"].added)
    np.testing.assert_array_equal(segment_mask(changes, "ET removed", SHAPE), found["ET"].removed)
    assert not changes.GetSaveWithScene()


def test_the_untouched_result_is_saved_with_the_scene(bare: BareScene, node: Any, tmp_path: Path) -> None:
    before = masks_of(node)
    corrected(node, "WT", Points((OUTSIDE_OF_ALL,)), True)
    place = (world_affine(reference_of(node)) @ (*OUTSIDE_OF_ALL[::-1], 1))[:3]
    bare.save(tmp_path / "case.mrb")
    fresh = open_scene()
    fresh.load(tmp_path / "case.mrb")
    loaded = fresh.scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    found = last(comparing(loaded))
    assert untouched_of(loaded).GetHideFromEditors()
    assert found["WT"].before == before["WT"].sum() and found["ET"].dice == 1.0
    voxel = voxel_at(loaded, place)  # the reader has turned this left-handed grid round
    assert voxel != OUTSIDE_OF_ALL and found["WT"].added[voxel]
    corrected(loaded, "WT", Points((), (voxel,)), False)
    assert not last(comparing(loaded))["WT"].added[voxel]


def test_a_click_finds_its_voxel_wherever_the_volume_was_moved(bare: BareScene, node: Any, volume: Any) -> None:
    put_under_transform(bare, volume, shift_and_turn())
    place = (world_affine(volume) @ (7, 9, 6, 1))[:3]
    assert voxel_at(node, place) == (6, 9, 7)
    assert not np.allclose(to_world(volume), np.eye(4))
    with pytest.raises(InputRefused, match="outside"):
        voxel_at(node, place + 1000)


def test_what_was_drawn_on_another_grid_is_refused(node: Any, volume: Any) -> None:
    labelmap = cut_out(np.ones((4, 4, 4), np.uint8))
    labelmap.SetGeometryFromImageToWorldMatrix(vtk_matrix(world_affine(volume) @ np.diag([0.5, 0.5, 0.5, 1])))
    node.GetSegmentation().GetSegment("WT").AddRepresentation("Binary labelmap", labelmap)
    with pytest.raises(InputRefused, match="another grid"):
        corrected(node, "WT", Points((OUTSIDE_OF_ALL,)), True)


def test_another_volume_may_lend_its_edges(node: Any, volume: Any) -> None:
    """The edge is in a volume on a grid of its own, twice as fine; the segment follows it on its own grid."""
    from MedSegDLLib.geometry.image import Image
    from MedSegDLLib.scene.volumes import node_from_image

    fine = np.zeros(tuple(2 * size for size in SHAPE), np.float32)
    fine[:, 30:37] = 100  # up to the middle of the voxels of row 18
    affine = world_affine(volume) @ np.array([[0.5, 0, 0, -0.25], [0, 0.5, 0, -0.25], [0, 0, 0.5, -0.25], [0, 0, 0, 1]])
    seen = node_from_image(Image(fine, affine, "fine"))
    before = masks_of(node)["WT"]
    last(correcting(node, BRAIN, "WT", Points(((6, 17, 7),)), seen, True))
    added = masks_of(node)["WT"] > before
    assert added[6, 17, 7] and added[6, 15, 7] and not added[:, 19:].any()
