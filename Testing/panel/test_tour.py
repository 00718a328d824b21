"""The tour of four steps: shown once, left at any time, shown again by its link."""

from __future__ import annotations

from typing import Any

from . import pythonqt, standins
from .test_run import hidden


def test_it_comes_once_and_goes_on_to_its_end(panel: Any) -> None:
    standins.Settings.values.clear()
    assert hidden(panel.tour.box)
    panel.enter()
    assert not hidden(panel.tour.box) and "Step 1 of 4" in panel.tour.label.text
    said = []
    for _step in range(4):
        said.append(panel.tour.label.text)
        assert panel.tour.nextButton.text == ("Done" if len(said) == 4 else "Next")
        panel.tour.nextButton.click()
    assert hidden(panel.tour.box) and len(set(said)) == 4
    panel.exit()
    panel.enter()
    assert hidden(panel.tour.box), "it was seen"


def test_it_can_be_left_and_called_again(panel: Any) -> None:
    standins.Settings.values.clear()
    panel.enter()
    panel.tour.nextButton.click()
    panel.tour.leaveButton.click()
    assert hidden(panel.tour.box)
    pythonqt.unwrap(panel.tour.link).linkActivated.emit("medsegdl:tour")
    assert not hidden(panel.tour.box) and "Step 1 of 4" in panel.tour.label.text


def test_left_at_the_first_step_it_does_not_come_again(panel: Any) -> None:
    standins.Settings.values.clear()
    panel.enter()
    panel.tour.leaveButton.click()
    panel.exit()
    panel.enter()
    assert hidden(panel.tour.box)
