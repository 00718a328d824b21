"""Studies of one patient in the scene: found and ordered by date, compared into tables and a chart, laid on each other, saved."""

# ruff: noqa: E402 - nothing of the scene can be imported where slicer-core is missing

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

slicer = pytest.importorskip("slicer", reason="slicer-core is not installed: pip install slicer-core==5.12.4.0")

from MedSegDLLib.followup.course import Study, follow
from MedSegDLLib.followup.response import RANO_2
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.geometry.registration import motion
from MedSegDLLib.scene import follow_up, side_by_side
from MedSegDLLib.scene.bare import open_scene
from MedSegDLLib.scene.hierarchy import item_of
from MedSegDLLib.scene.placing import Order, place_result
from MedSegDLLib.scene.report_case import collecting
from MedSegDLLib.scene.table import table_rows
from MedSegDLLib.scene.volumes import node_from_image, world_affine
from MedSegDLLib.tasks import BRAIN

from .conftest import brain_result

SHAPE = (24, 30, 28)
AFFINE = np.array([[-2.0, 0, 0, 28], [0, -2, 0, 30], [0, 0, 2.5, -30], [0, 0, 0, 1]])
BIG, SMALL = (slice(8, 16), slice(8, 16), slice(8, 16)), (slice(2, 7), slice(20, 26), slice(18, 25))


def study(name: str, *boxes: tuple[slice, ...], affine: np.ndarray = AFFINE, day: str = "", patient: int = 0):
    """A result of boxes in a volume of its own; under a study with a date where one is given."""
    volume = node_from_image(Image(np.zeros(SHAPE, np.float32), affine, name))
    mask = np.zeros(SHAPE, np.uint8)
    for box in boxes:
        mask[box] = 1
    node = place_result(Order(BRAIN, {"flair": volume}), brain_result(volume, dict.fromkeys(("WT", "TC", "ET"), mask))).segmentation
    if day:
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
        item = hierarchy.CreateStudyItem(patient or hierarchy.GetSceneItemID(), "study")
        hierarchy.SetItemAttribute(item, slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMStudyDateAttributeName(), day)
        hierarchy.SetItemParent(item_of(hierarchy, volume), item)
    return node


def case_of(node):
    """What the panel collects, in one go."""
    steps = collecting(node, BRAIN)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value


def compared(*nodes, motions=(), earlier=None):
    """The scene's follow-up of these results."""
    ways = [np.eye(4), *motions] if motions else [np.eye(4)] * len(nodes)
    course = follow([Study(case_of(node), way) for node, way in zip(nodes, ways)], RANO_2)
    known = {point.node.GetID(): point for point in follow_up.time_points(BRAIN)}
    for _step in follow_up.placing([known[node.GetID()] for node in nodes], course, earlier):
        pass
    return follow_up.follow_up_of(BRAIN)


def test_dates_give_the_order_whatever_was_loaded_first(bare) -> None:
    later, undated, first = study("b", BIG, day="20240301"), study("c", BIG), study("a", BIG, day="2023.11.02")
    points = follow_up.time_points(BRAIN)
    assert [point.node for point in points] == [first, later, undated]
    assert [point.day for point in points] == [date(2023, 11, 2), date(2024, 3, 1), None]
    assert study("d", BIG, day="19990000") and follow_up.time_points(BRAIN)[-1].when == ""


def test_of_one_day_and_patient_the_last_run_is_suggested(bare) -> None:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(bare.scene)
    patients = [hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), name) for name in "AB"]
    first, second = study("a", BIG, day="20240101", patient=patients[0]), study("b", BIG, day="20240301", patient=patients[0])
    study("x", BIG, day="20240201", patient=patients[1])
    volume = second.GetNodeReference(second.GetReferenceImageGeometryReferenceRole())
    again = place_result(
        Order(BRAIN, {"flair": volume}), brain_result(volume, {key: np.ones(SHAPE, np.uint8) for key in ("WT", "TC", "ET")})
    )
    points = follow_up.time_points(BRAIN)
    assert len(points) == 4
    assert [point.node for point in follow_up.suggested(points, first)] == [first, again.segmentation]


def test_tables_and_chart_tell_what_became_of_it(bare) -> None:
    first, second = study("a", BIG, day="20240101"), study("b", BIG, SMALL, day="20240401")
    change = compared(first, second)
    rows = table_rows(change)
    before, added = 512 * 0.01, 5 * 6 * 7 * 0.01
    assert [row["Id"] for row in rows] == ["WT", "TC", "ET"] and float(rows[0]["First mL"]) == pytest.approx(before)
    assert float(rows[0]["Change mL"]) == pytest.approx(added) and rows[0]["Change %"] == f"{100 * added / before:+.1f}"
    assert rows[0]["Diameters"] == "progressive disease" and rows[0]["Volume"] == "progressive disease"  # a new lesion; 41 % more
    volumes = table_rows(follow_up.part_of(change, "Volumes"))
    assert [(row["Study"], float(row["Day"])) for row in volumes] == [("2024-01-01", 0), ("2024-04-01", 91)]
    assert float(volumes[1]["WT mL"]) == pytest.approx(before + added)
    chart = follow_up.part_of(change, "Chart")
    series = [chart.GetNthPlotSeriesNode(number) for number in range(chart.GetNumberOfPlotSeriesNodes())]
    assert [node.GetYColumnName() for node in series] == ["WT mL", "TC mL", "ET mL"]
    assert series[0].GetColor() == pytest.approx(BRAIN.region("WT").color, abs=1e-6)
    lesions = [row for row in follow_up.lesion_rows(change) if row["Id"] == "WT"]
    assert [row["Kind"] for row in lesions] == ["same", "new"] and lesions[1]["Before mL"] == ""
    (k, j, i) = [(side.start + side.stop - 1) / 2 for side in SMALL]
    np.testing.assert_allclose(follow_up.place_of(change, lesions[1])[:2], (AFFINE @ (i, j, k, 1))[:2], atol=2.0)
    sources = [row["Source"] for row in table_rows(follow_up.part_of(change, "Thresholds"))]
    assert "J Clin Oncol" in sources[0] and len(sources) == 2


def test_a_gone_lesion_has_no_place_and_a_second_comparison_takes_the_place_of_the_first(bare) -> None:
    first, second = study("a", BIG, SMALL), study("b", BIG)
    change = compared(first, second)
    gone = [row for row in follow_up.lesion_rows(change) if row["Kind"] == "gone"]
    assert len(gone) == 3 and follow_up.place_of(change, gone[0]) is None
    nodes = bare.scene.GetNumberOfNodes()
    again = compared(second, first, earlier=change)
    assert bare.scene.GetNumberOfNodes() == nodes and again is not change
    assert {row["Kind"] for row in follow_up.lesion_rows(again)} == {"same", "new"}


def test_a_study_is_laid_on_the_first_with_its_volumes_and_taken_off_again(bare) -> None:
    way = motion(np.array([3.0, 5.0, -4.0]), np.array([9.0, -6.0, 4.0]), np.zeros(3))
    first, second = study("a", BIG), study("b", BIG, affine=np.linalg.inv(way) @ AFFINE)
    both = bare.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "both")
    both.SetMatrixTransformToParent(follow_up.vtk_matrix(motion(np.array([0.0, 0, 20]), np.array([5.0, 0, 0]), np.zeros(3))))
    volumes = [node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole()) for node in (first, second)]
    for node in (first, second, *volumes):
        node.SetAndObserveTransformNodeID(both.GetID())
    turn = follow_up.to_world(volumes[0]) @ way @ np.linalg.inv(follow_up.to_world(volumes[0]))
    change = compared(first, second, motions=[turn])
    assert follow_up.are_laid(change) and {row["Kind"] for row in follow_up.lesion_rows(change)} == {"same"}
    np.testing.assert_allclose(world_affine(volumes[1]), world_affine(volumes[0]), atol=1e-6)
    np.testing.assert_allclose(follow_up.to_world(second), follow_up.to_world(volumes[1]), atol=1e-9)
    (transform,) = follow_up.laid_transforms(change)
    follow_up.set_laid(change, False)
    assert not follow_up.are_laid(change) and volumes[1].GetParentTransformNode() is both
    follow_up.set_laid(change, True)
    again = compared(first, second, earlier=change)  # as they lie now: nothing more is laid
    assert follow_up.laid_transforms(again) == [transform]
    follow_up.set_laid(again, False)
    once_more = compared(first, second, motions=[turn], earlier=again)  # the one that was taken off has gone
    assert len(follow_up.laid_transforms(once_more)) == 1 and transform.GetScene() is None


def test_all_of_it_survives_the_scene_file(bare, tmp_path) -> None:
    change = compared(study("a", BIG), study("b", BIG, SMALL), motions=[motion(np.zeros(3), np.array([0.0, 0, 1]), np.zeros(3))])
    rows, lesions, told = table_rows(change), follow_up.lesion_rows(change), follow_up.told_of(change)
    bare.save(tmp_path / "both.mrb")
    fresh = open_scene()
    fresh.load(tmp_path / "both.mrb")
    found = follow_up.follow_up_of(BRAIN)
    assert table_rows(found) == rows and follow_up.told_of(found) == told and len(follow_up.studies_of(found)) == 2
    assert [row["Kind"] for row in follow_up.lesion_rows(found)] == [row["Kind"] for row in lesions]
    assert follow_up.part_of(found, "Chart").GetNumberOfPlotSeriesNodes() == 3 and follow_up.are_laid(found)
    assert follow_up.part_of(found, "Chart").GetNthPlotSeriesNode(0).GetTableNode() is follow_up.part_of(found, "Volumes")


def test_without_one_of_its_studies_there_is_no_follow_up(bare) -> None:
    first, second = study("a", BIG), study("b", BIG)
    compared(first, second)
    bare.scene.RemoveNode(first)
    assert follow_up.follow_up_of(BRAIN) is None


@pytest.fixture
def views(bare):
    """The nodes of two slice views and of the layout."""
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(bare.scene)
    for name in ("Red", "Yellow"):
        view, composite = (bare.scene.CreateNodeByClass(kind) for kind in ("vtkMRMLSliceNode", "vtkMRMLSliceCompositeNode"))
        for node in (view, composite):
            node.UnRegister(None)
        view.SetSingletonTag(name)
        for node in (view, composite):
            node.SetLayoutName(name)
            bare.scene.AddNode(node)
        view.SetOrientation("Sagittal")
    layout = slicer.vtkMRMLLayoutNode()
    for number in (layout.SlicerLayoutFourUpView, layout.SlicerLayoutSideBySideView, layout.SlicerLayoutConventionalView):
        layout.AddLayoutDescription(number, "<layout type='horizontal'></layout>")
    bare.scene.AddNode(layout)
    layout.SetViewArrangement(layout.SlicerLayoutConventionalView)
    return layout


def test_side_by_side_each_study_in_its_view_and_back(bare, views) -> None:
    nodes = [study("a", BIG), study("b", BIG)]
    volumes = [node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole()) for node in nodes]
    nodes[0].GetDisplayNode().SetVisibility(False)  # as the second run leaves the first
    before = side_by_side.Before()
    for _step in side_by_side.beside(nodes, volumes, before):
        pass
    assert side_by_side.are_beside(nodes) and views.GetViewArrangement() == views.SlicerLayoutSideBySideView
    composites = [bare.scene.GetNthNodeByClass(n, "vtkMRMLSliceCompositeNode") for n in (0, 1)]
    assert [node.GetBackgroundVolumeID() for node in composites] == [volume.GetID() for volume in volumes]
    assert all(node.GetLinkedControl() for node in composites)
    red, yellow = (bare.scene.GetSingletonNode(name, "vtkMRMLSliceNode") for name in ("Red", "Yellow"))
    assert nodes[0].GetDisplayNode().IsDisplayableInView(red.GetID()) and not nodes[0].GetDisplayNode().IsDisplayableInView(yellow.GetID())
    assert red.GetOrientation() == yellow.GetOrientation() == "Axial" and nodes[0].GetDisplayNode().GetVisibility()
    assert red.GetSliceOffset() == yellow.GetSliceOffset() and red.GetFieldOfView() == yellow.GetFieldOfView()
    side_by_side.restore(before, nodes)
    assert not side_by_side.are_beside(nodes) and views.GetViewArrangement() == views.SlicerLayoutConventionalView
    assert red.GetOrientation() == "Sagittal" and not nodes[0].GetDisplayNode().GetVisibility()
    assert nodes[1].GetDisplayNode().IsDisplayableInView(red.GetID()) and not any(node.GetLinkedControl() for node in composites)
