"""Labels without overlap, cut out of a result on a real scene."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.scene import disjoint
from MedSegDLLib.scene.bare import BareScene
from MedSegDLLib.scene.segmentation import add_segmentation, cut_out, segment_ids, segment_mask
from MedSegDLLib.scene.table import table_rows
from MedSegDLLib.scene.volumes import vtk_matrix
from MedSegDLLib.tasks import BRAIN, LIVER, NUCLEI

from .conftest import SHAPE, brain_masks, brain_result, oblique_affine


def cut_in(node: Any) -> Any:
    """All steps; the segmentation with the labels."""
    for _step in disjoint.placing_labels(node, BRAIN, disjoint.cut(list(disjoint.wholes(node, BRAIN)))):
        pass
    return disjoint.labels_of(node)


@pytest.fixture
def node(volume: Any) -> Any:
    """A result with nested regions."""
    return add_segmentation(brain_result(volume), volume)


def test_the_labels_share_no_voxel_and_are_the_result_together(bare: BareScene, volume: Any, node: Any) -> None:
    labels = cut_in(node)
    masks, found = brain_masks(), {key: segment_mask(labels, key, SHAPE) for key in segment_ids(labels)}
    assert list(found) == ["ED", "NCR", "ET"]
    assert sum(found.values()).max() == 1
    np.testing.assert_array_equal(sum(found.values()), masks["WT"])
    np.testing.assert_array_equal(found["NCR"] | found["ET"], masks["TC"])
    np.testing.assert_array_equal(found["ET"], masks["ET"])
    assert labels.GetSegmentation().GetSegment("ED").GetName() == "Oedema (ED)"


def test_volumes_follow_and_add_up(bare: BareScene, node: Any) -> None:
    rows = table_rows(disjoint.table_of(cut_in(node)))
    masks = brain_masks()
    assert [row["Segment"] for row in rows] == ["Oedema (ED)", "Necrosis and non-enhancing tumour (NCR)", "Enhancing tumour (ET)"]
    assert [int(row["Voxels"]) for row in rows] == [
        int(masks[outer].sum()) - int(masks[inner].sum() if inner else 0) for outer, inner in (("WT", "TC"), ("TC", "ET"), ("ET", ""))
    ]
    assert sum(float(row["Volume mL"]) for row in rows) == pytest.approx(masks["WT"].sum() * 0.9 * 1.1 * 2.5 / 1000)


def test_one_of_the_two_is_shown_and_an_edit_is_cut_again(bare: BareScene, volume: Any, node: Any) -> None:
    labels = cut_in(node)
    assert not disjoint.are_shown(node) and node.GetDisplayNode().GetVisibility()
    disjoint.show_labels(node, True)
    assert disjoint.are_shown(node) and not node.GetDisplayNode().GetVisibility()
    node.GetSegmentation().GetSegment("TC").GetRepresentation("Binary labelmap").GetPointData().GetScalars().Fill(0)
    node.GetSegmentation().GetSegment("ET").GetRepresentation("Binary labelmap").GetPointData().GetScalars().Fill(0)
    assert cut_in(node) is labels and bare.scene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 1
    np.testing.assert_array_equal(segment_mask(labels, "ED", SHAPE), brain_masks()["WT"])
    assert not segment_mask(labels, "NCR", SHAPE).any() and disjoint.are_shown(node)
    disjoint.show_labels(node, False)
    assert node.GetDisplayNode().GetVisibility() and not labels.GetDisplayNode().GetVisibility()
    disjoint.remove_labels(node)
    assert disjoint.labels_of(node) is None and bare.scene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 0


def test_a_region_drawn_on_another_grid_is_refused(bare: BareScene, node: Any) -> None:
    fine = cut_out(np.ones((4, 4, 4), np.uint8))
    affine = oblique_affine()
    affine[:3, :3] /= 2
    fine.SetGeometryFromImageToWorldMatrix(vtk_matrix(affine))
    segment = node.GetSegmentation().GetSegment("TC")
    segment.RemoveAllRepresentations()
    segment.AddRepresentation("Binary labelmap", fine)
    with pytest.raises(InputRefused, match=r"Tumour core.*another grid"):
        list(disjoint.wholes(node, BRAIN))


def test_what_has_no_names_for_its_rests_is_not_offered(bare: BareScene, node: Any) -> None:
    assert disjoint.can_be_cut(node, BRAIN) and not disjoint.can_be_cut(node, LIVER) and not disjoint.can_be_cut(node, NUCLEI)
    node.GetSegmentation().RemoveSegment("TC")
    assert not disjoint.can_be_cut(node, BRAIN)
