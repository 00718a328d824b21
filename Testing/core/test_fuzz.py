"""A few fixed examples of everything in `Testing.fuzz`, and that a genuine one is taken. `make fuzz` does many."""

from __future__ import annotations

import pytest

pytest.importorskip("hypothesis", reason="hypothesis is not installed: no random examples")

from ..fuzz import TARGETS, attempt, by_hypothesis

EXAMPLES = 20
TAKEN = {"request": "Taken.", "zip": ""}


@pytest.mark.parametrize("name", TARGETS)
def test_a_genuine_example_is_taken(name: str) -> None:
    assert attempt(TARGETS[name], TARGETS[name].seed()) == TAKEN.get(name, "")


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_changed_is_taken_or_refused_with_a_sentence(name: str) -> None:
    by_hypothesis(name, EXAMPLES, fixed=True)
