"""Inputs are filled as volumes come, one by one, and what the user has chosen is never undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import slicer

from MedSegDLLib.scene.bare import BareScene

from .test_panel import BRAIN, brain_volumes, choose, selected, volume


def come(panel: Any, name: str) -> Any:
    """A volume comes, and the moment passes after which the panel looks at it."""
    node = volume(name)
    pass_a_moment(panel)
    return node


def pass_a_moment(panel: Any) -> None:
    """The timer runs out, if it runs."""
    if panel.inputs.timer.isActive():
        panel.inputs.timer.stop()
        panel.inputs.fill()


def given(panel: Any) -> list[str]:
    """Keys of the inputs that are filled."""
    return sorted(name.removeprefix("brain_") for name, node in selected(panel).items() if node is not None)


def test_four_volumes_that_come_one_by_one_are_four_inputs(entered: Any) -> None:
    for number, key in enumerate(("flair", "t1", "t2", "t1ce"), start=1):
        come(entered, f"case_{key}")
        assert len(given(entered)) == number
    assert given(entered) == sorted(BRAIN)


def test_a_volume_that_is_named_late_is_found(entered: Any) -> None:
    come(entered, "case_t1")
    late = come(entered, "Volume_1")
    assert given(entered) == ["t1"]
    late.SetName("case_flair")
    assert entered.inputs.timer.isActive()
    pass_a_moment(entered)
    assert selected(entered)["brain_flair"] is late


def test_volumes_of_before_the_panel_opened_are_followed_too(bare: BareScene, panel: Any) -> None:
    early = volume("Volume")
    panel.enter()
    early.SetName("case_t2")
    pass_a_moment(panel)
    assert selected(panel)["brain_t2"] is early


def test_every_volume_of_a_stream_puts_the_look_off(entered: Any) -> None:
    volume("case_t1")
    entered.inputs.timer.stop()
    volume("case_t2")
    assert entered.inputs.timer.isActive() and not given(entered)


def test_none_chosen_by_the_user_stays_none(entered: Any) -> None:
    nodes = brain_volumes()
    pass_a_moment(entered)
    entered.ui.brain_t1Selector.setCurrentNode(None)
    entered.inputs.fill()
    assert selected(entered)["brain_t1"] is None
    come(entered, "another_t1")
    entered.inputs.fill()
    assert selected(entered)["brain_t1"] is None and selected(entered)["brain_t2"] is nodes["t2"]


def test_a_choice_stays_while_others_are_filled(entered: Any) -> None:
    mine = come(entered, "something")
    entered.ui.brain_t1Selector.setCurrentNode(mine)
    for key in BRAIN:
        come(entered, f"case_{key}")
    assert selected(entered)["brain_t1"] is mine
    assert given(entered) == sorted(BRAIN)


def test_a_guess_is_not_revised_by_a_later_volume(entered: Any) -> None:
    first = come(entered, "case_t1")
    come(entered, "other_t1")
    assert selected(entered)["brain_t1"] is first


def test_guess_again_starts_from_nothing(entered: Any) -> None:
    nodes = brain_volumes()
    pass_a_moment(entered)
    entered.ui.brain_t1Selector.setCurrentNode(None)
    entered.ui.brain_t2Selector.setCurrentNode(nodes["flair"])
    entered.ui.guessButton.click()
    assert selected(entered) == {f"brain_{key}": node for key, node in nodes.items()}
    assert entered.parameters.chosen == ""


def test_a_removed_volume_leaves_a_place_that_is_filled_again(entered: Any) -> None:
    node = come(entered, "case_t1")
    entered.ui.brain_t1Selector.setCurrentNode(None)
    entered.ui.brain_t1Selector.setCurrentNode(node)  # chosen by hand
    slicer.mrmlScene.RemoveNode(node)
    later = come(entered, "later_t1")
    assert selected(entered)["brain_t1"] is later


def test_the_users_none_is_saved_with_the_scene(bare: BareScene, entered: Any, tmp_path: Path) -> None:
    brain_volumes()
    pass_a_moment(entered)
    entered.ui.brain_t1Selector.setCurrentNode(None)
    bare.save(tmp_path / "scene.mrb")
    slicer.mrmlScene.Clear(False)
    bare.load(tmp_path / "scene.mrb")
    pass_a_moment(entered)
    assert given(entered) == ["flair", "t1ce", "t2"]


def test_a_choice_of_one_task_does_not_hold_for_another(entered: Any) -> None:
    brain_volumes()
    pass_a_moment(entered)
    entered.ui.brain_t1Selector.setCurrentNode(None)
    choose(entered, "nuclei")
    picture = volume("cells", (1, 8, 9, 3))
    pass_a_moment(entered)
    assert selected(entered) == {"nuclei_image": picture}


@pytest.mark.parametrize("same", [True, False])
def test_another_patients_volume_does_not_complete_a_case(entered: Any, same: bool) -> None:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    patients = [hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), name) for name in ("one", "two")]

    def under(patient: int, node: Any) -> Any:
        hierarchy.SetItemParent(hierarchy.CreateItem(patient, node), patient)
        return node

    under(patients[0], volume("a_t1"))
    pass_a_moment(entered)
    other = under(patients[0 if same else 1], volume("b_flair"))
    pass_a_moment(entered)
    assert selected(entered)["brain_flair"] is (other if same else None)


def test_nothing_is_filled_while_the_panel_is_hidden(entered: Any) -> None:
    entered.exit()
    brain_volumes()
    assert not entered.inputs.timer.isActive() and not given(entered)
    entered.enter()
    assert given(entered) == sorted(BRAIN)
