"""Work side by side: in order, bounded by the cores, and nothing left running when one piece fails."""

from __future__ import annotations

import threading
import time

import pytest

from MedSegDLLib.io import threads
from MedSegDLLib.io.threads import cores, side_by_side


@pytest.fixture(params=[1, 2, 5])
def count(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(threads, "cores", lambda: request.param)
    return request.param


def test_answers_come_in_order(count: int) -> None:
    def slow_at_first(number: int) -> int:
        time.sleep(0.02 / (number + 1))
        return number**2

    assert side_by_side(slow_at_first, range(7)) == [number**2 for number in range(7)]
    assert side_by_side(slow_at_first, []) == []


def test_never_more_at_a_time_than_cores(count: int) -> None:
    lock, running, most = threading.Lock(), 0, 0

    def work(number: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1

    side_by_side(work, range(12))
    assert most <= count and (count == 1 or most > 1)


def test_the_first_in_order_to_fail_is_told_and_nothing_runs_on(count: int) -> None:
    begun, ended = [], []

    def work(number: int) -> None:
        begun.append(number)
        time.sleep(0.03 if number == 1 else 0.01)
        ended.append(number)
        if number in (1, 2):
            raise ValueError(f"piece {number}")

    before = threading.active_count()
    with pytest.raises(ValueError, match="piece 1"):
        side_by_side(work, range(40))
    assert sorted(begun) == sorted(ended) and threading.active_count() == before
    left = len(begun)
    time.sleep(0.05)
    assert len(begun) == left < 40


def test_there_is_a_core() -> None:
    assert cores() >= 1
