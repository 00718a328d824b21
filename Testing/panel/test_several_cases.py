"""Several patients or studies in one scene: one is chosen, the others are offered; what changes about a volume is looked at again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer

from MedSegDLLib.scene.volumes import vtk_matrix

from . import pythonqt
from .fake_client import FakeClient
from .test_inputs import pass_a_moment
from .test_panel import selected, volume
from .test_run import hidden

BOTH = ("t1", "flair")


def hang(patient: str, studies: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Volumes under a patient's studies, study -> input key -> name; by their names."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    person, made = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), patient), {}
    for study, names in studies.items():
        item = hierarchy.CreateStudyItem(person, study)
        for name in names:
            made[name] = volume(name)
            hierarchy.SetItemParent(hierarchy.CreateItem(item, made[name]), item)
    return made


def given(panel: Any) -> dict[str, str]:
    """Input key -> name of the selected volume."""
    return {name.removeprefix("brain_"): node.GetName() for name, node in selected(panel).items() if node is not None}


@pytest.fixture
def two_patients(entered: Any) -> Any:
    """One has two studies, of which the second is more complete; the other has one."""
    hang("Anna", {"before": ["a1_t1"], "after": ["a2_t1", "a2_flair", "a2_t2"]})
    hang("Bert", {"only": ["b_t1ce", "b_flair"]})
    pass_a_moment(entered)
    return entered


def test_the_most_complete_study_is_chosen_and_none_is_mixed_in(two_patients: Any) -> None:
    assert given(two_patients) == {"t1": "a2_t1", "flair": "a2_flair", "t2": "a2_t2"}  # no t1ce of Bert's
    box = two_patients.ui.caseComboBox
    assert not hidden(box) and [box.itemText(row) for row in range(box.count)] == ["Anna, before", "Anna, after", "Bert, only"]
    assert box.currentIndex == 1


def test_another_study_is_one_choice_away(two_patients: Any) -> None:
    two_patients.ui.brain_t1Selector.setCurrentNode(None)
    pythonqt.unwrap(two_patients.ui.caseComboBox).activated.emit(2)
    assert given(two_patients) == {"t1ce": "b_t1ce", "flair": "b_flair"} and two_patients.ui.caseComboBox.currentIndex == 2
    pythonqt.unwrap(two_patients.ui.caseComboBox).activated.emit(0)
    assert given(two_patients) == {"t1": "a1_t1"}
    two_patients.ui.guessButton.click()
    assert given(two_patients) == {"t1": "a1_t1"}, "guessing again stays with the study"


def test_a_volume_of_nobody_completes_the_case_and_is_no_case(entered: Any) -> None:
    hang("Anna", {"one": ["a_t1"]})
    pass_a_moment(entered)
    volume("loose_flair")
    pass_a_moment(entered)
    assert given(entered) == {"t1": "a_t1", "flair": "loose_flair"} and hidden(entered.ui.caseComboBox)


def test_loose_volumes_alone_are_offered_no_study(entered: Any) -> None:
    for key in BOTH:
        volume(f"case_{key}")
    pass_a_moment(entered)
    assert sorted(given(entered)) == sorted(BOTH) and hidden(entered.ui.caseComboBox)


@pytest.fixture
def checked(entered: Any, client: FakeClient) -> Any:
    """Two inputs, and the check has answered."""
    for key in BOTH:
        volume(f"case_{key}")
    pass_a_moment(entered)
    entered.check()
    entered.check_timer.stop()
    client.answer([])
    entered.poll()
    client.asked.clear()
    return entered


def looked_again(panel: Any, client: FakeClient) -> bool:
    """Whether the moment after a change brings another check."""
    assert panel.inputs.timer.isActive()
    panel.inputs.timer.stop()
    panel.inputs.look()
    due = panel.check_timer.isActive()
    panel.check_timer.stop()
    return due


def test_a_name_that_speaks_against_a_guess_makes_it_anew(checked: Any, client: FakeClient) -> None:
    slicer.util.getNode("case_t1").SetName("case_t2")
    assert looked_again(checked, client)
    assert given(checked) == {"t2": "case_t2", "flair": "case_flair"}
    assert "its name says 't2'" in checked.ui.brain_t2Selector.toolTip


def test_a_name_that_speaks_against_the_users_choice_makes_it_amber_and_leaves_it(checked: Any, client: FakeClient) -> None:
    checked.ui.brain_t1ceSelector.setCurrentNode(slicer.util.getNode("case_t1"))
    checked.ui.brain_t1Selector.setCurrentNode(None)
    slicer.util.getNode("case_t1").SetName("case_t2")
    assert looked_again(checked, client)
    assert given(checked)["t1ce"] == "case_t2" and "Looks like T2" in checked.ui.brain_t1ceSelector.toolTip


def test_a_transform_set_or_moved_is_checked_again(checked: Any, client: FakeClient) -> None:
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    slicer.util.getNode("case_t1").SetAndObserveTransformNodeID(transform.GetID())
    assert looked_again(checked, client)
    moved = np.eye(4)
    moved[0, 3] = 30.0
    transform.SetMatrixTransformToParent(vtk_matrix(moved))
    assert looked_again(checked, client)


def test_voxels_that_change_are_checked_again_and_nothing_else(checked: Any, client: FakeClient) -> None:
    node = slicer.util.getNode("case_t1")
    node.GetImageData().GetPointData().GetScalars().Fill(7)
    node.GetImageData().Modified()
    assert looked_again(checked, client)
    node.Modified()
    assert not looked_again(checked, client), "nothing that a check rests on has changed"
