"""Why an image stands for an input, what contradicts it, and what one click does about it."""

from __future__ import annotations

from typing import Any

import pytest
import slicer

from MedSegDLLib.scene.choices import Opinion, exchanged_pair, fitting_tasks, opinions, swaps
from MedSegDLLib.scene.wording import LIGHT
from MedSegDLLib.tasks import BRAIN, LIVER, NUCLEI, SHIPPED

from .fake_client import FakeClient
from .test_panel import brain_volumes, volume

AMBER = LIGHT.warning


def given(panel: Any) -> dict[str, Any]:
    """Input key -> selected volume."""
    from MedSegDLLib.scene.parameters import inputs_of

    return inputs_of(panel.parameters)


def finding(code: str, key: str, message: str = "") -> dict:
    """A finding of the check."""
    return {"severity": "warning", "code": code, "input": key, "message": message, "remedy": ""}


def choose(panel: Any, **names: str) -> None:
    """Select volumes by name."""
    for key, name in names.items():
        getattr(panel.ui, f"brain_{key}Selector").setCurrentNode(slicer.util.getNode(name))


def checked(panel: Any, client: FakeClient, findings: list[dict]) -> str:
    """The check answers; what is shown."""
    panel.check()
    client.answer(findings)
    panel.poll()
    return panel.ui.findingsLabel.text


def test_the_reason_stands_where_the_mouse_rests(entered: Any) -> None:
    brain_volumes()
    entered.inputs.fill()
    tip = entered.ui.brain_flairSelector.toolTip
    assert "its name says 'flair'" in tip and "TIRM" in tip  # the reason, and what it is called elsewhere
    assert all(label.styleSheet == "" for label, _selector in entered.inputs.rows._rows[BRAIN])


def test_swapped_inputs_are_amber_and_one_click_swaps_them(entered: Any, client: FakeClient) -> None:
    brain_volumes()
    entered.inputs.fill()
    choose(entered, t1="case_flair", flair="case_t1")
    labels = {selector.name: label for label, selector in entered.inputs.rows._rows[BRAIN]}
    assert [AMBER in labels[f"brain_{key}Selector"].styleSheet for key in ("t1", "t1ce", "t2", "flair")] == [True, False, False, True]
    assert "Looks like FLAIR: its name says 'flair'" in entered.ui.brain_t1Selector.toolTip
    text = checked(entered, client, [finding("looks_like_another", "t1"), finding("looks_like_another", "flair")])
    assert text.count("Swap") == 1 and 'href="medsegdl:swap:t1:flair"' in text
    entered.findings.follow_link("medsegdl:swap:t1:flair")
    names = {key: node.GetName() for key, node in given(entered).items()}
    assert (names["t1"], names["flair"]) == ("case_t1", "case_flair")
    assert {"brain_t1", "brain_flair"} <= set(entered.parameters.chosen.split())  # the user's choice: no guess undoes it
    assert all(label.styleSheet == "" for label in labels.values())


def test_what_the_intensities_say_is_exchanged_can_be_swapped_too(entered: Any, client: FakeClient) -> None:
    for name in ("a", "b"):
        volume(name)
    choose(entered, t2="a", flair="b")
    says = "FLAIR (b) and T2 (a) seem to be exchanged: what is brightest in the FLAIR is dark in the T2."
    assert 'href="medsegdl:swap:flair:t2"' in checked(entered, client, [finding("exchanged", "flair", says)])
    nodes = given(entered)
    assert exchanged_pair([finding("exchanged", "flair", "FLAIR (b) and another.")], nodes, BRAIN) is None
    assert exchanged_pair([finding("skull", "flair")], nodes, BRAIN) is None


def test_a_ct_under_the_brain_task_is_offered_to_the_liver(entered: Any, client: FakeClient) -> None:
    ct = volume("abdomen")
    choose(entered, t1="abdomen")
    text = checked(entered, client, [finding("wrong_kind", "t1") | {"severity": "error"}])
    assert 'href="medsegdl:task:liver:t1"' in text and LIVER.title in text and NUCLEI.title not in text
    entered.findings.follow_link("medsegdl:task:liver:t1")
    assert entered.parameters.task.name == "liver" and given(entered) == {"ct": ct}
    assert entered.parameters.getValue("brain_t1") is None


def test_nothing_is_swapped_while_it_runs(entered: Any, client: FakeClient) -> None:
    brain_volumes()
    entered.inputs.fill()
    entered.ui.segmentButton.click()
    before = given(entered)
    entered.findings.follow_link("medsegdl:swap:t1:flair")
    entered.findings.follow_link("medsegdl:task:liver:t1")
    assert given(entered) == before and entered.parameters.task.name == "brain"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"t1": ("", "FLAIR"), "flair": ("", "T1")}, [("t1", "flair")]),
        ({"t1": ("", "FLAIR"), "flair": ("", "")}, [("t1", "flair")]),  # nothing speaks for the other
        ({"t1": ("", "FLAIR"), "flair": ("its name says 'flair'", "")}, []),  # the other is what it should be
        ({"t1": ("", "none of the images that are needed")}, []),
    ],
)
def test_a_swap_is_offered_where_it_helps(said: dict[str, tuple[str, str]], expected: list[tuple[str, str]]) -> None:
    assert swaps({key: Opinion(reason, looks_like) for key, (reason, looks_like) in said.items()}, BRAIN) == expected


def test_tasks_of_one_image_of_the_right_kind_fit(bare: Any) -> None:
    assert [task.key for _, task in fitting_tasks([finding("wrong_kind", "ct")], LIVER, SHIPPED)] == ["brainmask"]
    assert [task.key for _, task in fitting_tasks([finding("wrong_kind", "t2")], BRAIN, SHIPPED)] == ["liver"]
    assert fitting_tasks([finding("wrong_kind", "image")], NUCLEI, SHIPPED) == fitting_tasks([], BRAIN, SHIPPED) == []
    assert opinions({"t1": volume("x_t1")}, BRAIN)["t1"].reason == "its name says 't1'"
