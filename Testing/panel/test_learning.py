"""Learning in the panel: the button, by what the new network was judged, and the way back; the training package is the test's."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from MedSegDLLib.tasks import BRAIN, WEIGHTS_VARIABLE
from MedSegDLLib.worker import learning

from ..core.worker.test_learning import NAMES, trainer
from .fake_client import FakeClient
from .test_results import segmented
from .test_run import hidden, loaded  # noqa: F401 - a fixture

LIMIT_S = 60.0


def brain_lesson() -> learning.Lesson:
    """What the panel would learn of the brain."""
    from MedSegDLLib.scene.learning_section import lesson_of  # needs the stand-ins

    return lesson_of(BRAIN)


@pytest.fixture
def corrected(loaded: Any, client: FakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: F811
    """The panel with a result, and five corrected cases on the disk."""
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(tmp_path / "weights"))
    segmented(loaded, client)
    cases = brain_lesson().cases
    cases.parent.mkdir(parents=True)
    cases.write_text("name,flair,reference\n" + "".join(f"{name},x,y\n" for name in NAMES), encoding="utf-8")
    return loaded


def learned(panel: Any) -> None:
    """Click, and wait until the thread has said its last word."""
    panel.learning.learnButton.click()
    until = time.monotonic() + LIMIT_S
    while panel.learning.busy:
        panel.learning.poll()
        assert time.monotonic() < until


def play(monkeypatch: pytest.MonkeyPatch, before: float, after: float) -> None:
    monkeypatch.setattr(learning, "child_run", lambda interpreter: trainer(before, after))


def test_a_better_network_is_used_and_one_click_takes_it_back(corrected: Any, client: FakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    section, place = corrected.learning, Path(brain_lesson().folder)
    assert hidden(section.running) and hidden(section.backButton) and section.learnButton.enabled
    play(monkeypatch, 0.61, 0.68)
    learned(corrected)
    for part in ("2 cases", "0.610 before", "0.680 after", "from 3", "is used"):
        assert part in section.label.text, part
    assert learning.is_in_use(brain_lesson()) and client.stopped and client.ready is None  # and it is started anew
    assert not hidden(section.backButton) and hidden(section.running) and place.is_dir()
    section.backButton.click()
    assert not learning.is_in_use(brain_lesson()) and hidden(section.backButton) and "before is used" in section.label.text


def test_one_that_is_no_better_is_not_used(corrected: Any, client: FakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, 0.61, 0.55)
    learned(corrected)
    assert "not better" in corrected.learning.label.text and not learning.is_in_use(brain_lesson()) and not client.stopped


def test_the_weights_of_a_run_are_not_exchanged_under_it(corrected: Any, client: FakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, 0.61, 0.68)
    corrected.learning.learnButton.click()
    corrected.ui.segmentButton.click()
    while corrected.learning._learning is not None:
        corrected.learning.poll()
    corrected.learning.poll()
    assert not client.stopped and corrected.learning.busy
    client.cancel()
    corrected.poll()
    corrected.learning.poll()
    assert client.stopped and learning.is_in_use(brain_lesson())


def test_too_few_cases_and_no_package_are_said_at_once(corrected: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "child_run", lambda interpreter: lambda arguments, listen: no_package(listen))
    learned(corrected)
    assert "pip install medsegdl-training" in corrected.learning.label.text
    brain_lesson().cases.write_text("name,flair,reference\na,x,y\n", encoding="utf-8")
    corrected.learning.learnButton.click()
    assert "3 are needed" in corrected.ui.findingsLabel.text and not corrected.learning.busy


def no_package(listen: Any) -> int:
    listen("/usr/bin/python: No module named medsegdl_training")
    return 1


def test_it_can_be_cancelled(corrected: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def lasting(arguments: Any, listen: Any) -> int:
        while True:
            listen("")
            time.sleep(0.01)

    monkeypatch.setattr(learning, "child_run", lambda interpreter: lasting)
    corrected.learning.learnButton.click()
    assert not hidden(corrected.learning.running) and not corrected.learning.learnButton.enabled
    corrected.learning.cancelButton.click()
    until = time.monotonic() + LIMIT_S
    while corrected.learning.busy:
        corrected.learning.poll()
        assert time.monotonic() < until
    assert "cancelled" in corrected.learning.label.text and hidden(corrected.learning.running)
