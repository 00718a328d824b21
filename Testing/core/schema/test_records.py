"""Dataclasses out of JSON: the right types and nothing else, laws that hold in Python as well, sentences that name the entry."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Annotated

import numpy as np
import pytest

from MedSegDLLib.schema.records import Unfit, above, between, counting, described, hints_of, matching, obey, read_record, within


class Kind(str, Enum):
    """Of a thing."""

    ROUND = "round"
    FLAT = "flat"


@dataclass(frozen=True)
class Part:
    """Of a thing."""

    name: Annotated[str, matching("[a-z]+", "small letters")]
    share: Annotated[float, above(0, 1)] = 1.0

    def __post_init__(self) -> None:
        obey(self)


@dataclass(frozen=True)
class Thing:
    """With one field of every sort."""

    kind: Kind
    count: Annotated[int, between(1, 9)]
    size: tuple[Annotated[float, within(0, 10)], float] | None
    parts: Annotated[tuple[Part, ...], counting(1, 3)]
    sure: bool = False
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        obey(self)
        if self.sure and not self.names:
            raise Unfit("a sure thing has names")


GOOD = {"kind": "flat", "count": 2, "size": [1, 2.5], "parts": [{"name": "a"}, {"name": "b", "share": 0.5}], "names": ["x"]}


def test_a_good_one() -> None:
    thing = read_record(Thing, GOOD)
    assert thing == Thing(Kind.FLAT, 2, (1.0, 2.5), (Part("a"), Part("b", 0.5)), names=("x",))
    assert isinstance(thing.size[0], float), "whole numbers become numbers where those are wanted"
    assert read_record(Thing, {**GOOD, "size": None}).size is None
    assert Thing(Kind.FLAT, np.int64(2), [np.float32(1), 2], [Part("a")]).size == (1.0, 2.0)  # Python may hand over its own kinds


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": "long"}, "'kind' is 'long', not \"round\" or \"flat\""),
        ({"kind": ["flat"]}, "'kind'"),
        ({"count": 0}, "'count' is 0; it must be a whole number from 1 to 9"),
        ({"count": 2.0}, "not a whole number"),
        ({"count": True}, "'count' is true"),
        ({"count": "2"}, "'count' is '2'"),
        ({"count": None}, "'count' is null"),
        ({"size": [1]}, "'size' has 1 items, not 2"),
        ({"size": [0, 1]}, "'size\\[0\\]' is 0; it must be a number over 0 and under 10"),
        ({"size": [1, float("nan")]}, "'size\\[1\\]' is nan, not a number"),
        ({"size": [1, float("inf")]}, "'size\\[1\\]' is inf, not a number"),
        ({"size": [1, 10**400]}, "'size\\[1\\]'"),
        ({"size": "12"}, "not a list"),
        ({"size": {"0": 1, "1": 2}}, "not a list"),
        ({"parts": []}, "'parts' is \\[\\]; it must be a list, each an object \\(Part\\), 1 to 3 of them"),
        ({"parts": [{"name": "a"}] * 4}, "'parts'"),
        ({"parts": [{"name": "a"}, {"name": "B"}]}, "'parts\\[1\\].name' is 'B'; it must be text, small letters"),
        ({"parts": [{"share": 1}]}, "the key 'name' in 'parts\\[0\\]' is missing"),
        ({"parts": [[]]}, "parts\\[0\\] is \\[\\], not an object"),
        ({"sure": 1}, "'sure' is 1, not true or false"),
        ({"sure": True, "names": []}, "a sure thing has names"),
        ({"names": "xy"}, "not a list"),
        ({"names": [None]}, "'names\\[0\\]' is null, not text"),
        ({"colour": "red"}, "the key 'colour' is unknown; there are: kind, count"),
    ],
)
def test_what_does_not_fit_is_told_by_its_place(change: dict, says: str) -> None:
    with pytest.raises(Unfit, match=says):
        read_record(Thing, {**GOOD, **change})


def test_deep_long_and_odd_values_are_shown_short() -> None:
    deep: list = []
    for _ in range(5000):
        deep = [deep]
    for value in (deep, "x" * 10**6, {"a": list(range(10**5))}, [GOOD] * 100):
        with pytest.raises(Unfit) as refused:
            read_record(Thing, {**GOOD, "count": value})
        assert len(str(refused.value)) < 400


def test_an_object_that_would_be_invalid_cannot_be_made_in_python_either() -> None:
    with pytest.raises(Unfit, match="'share' is 2;"):
        Part("a", 2)
    with pytest.raises(Unfit, match="'count'"):
        Thing(Kind.FLAT, 99, None, (Part("a"),))


def test_hints_in_words() -> None:
    words = {name: described(hint) for name, hint in hints_of(Thing).items()}
    assert words["size"] == "[a number over 0 and under 10, a number] or null"
    assert words["sure"] == "true or false"
