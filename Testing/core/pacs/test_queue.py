"""The station's memory: what it holds after every end, and which studies it lets go when."""

from __future__ import annotations

from pathlib import Path

import pytest

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.pacs import queue as room
from MedSegDLLib.pacs.queue import ASIDE, DATABASE, DONE, FAILED, RECEIVING, SENDING, WAITING, Queue, TooMuch

LONG = 1e6
FILES = ("a", "b")


def opened(folder: Path, most_bytes: int = 10**6) -> Queue:
    return Queue(folder / "queue", most_bytes)


def received(queue: Queue, count: int = 3, study: str = "1.2", first: int = 0) -> int:
    numbers = {queue.receive(study, f"{study}.{place}", b"slice %d" % place, wanted=True) for place in range(first, first + count)}
    (number,) = numbers
    return number


def test_a_study_goes_from_slices_to_sent(tmp_path: Path) -> None:
    queue = opened(tmp_path)
    number = received(queue)
    assert queue.settle(0, LONG) == [], "its sender has not taken leave"
    queue.released({number})
    assert queue.settle(LONG, LONG) == [] and queue.settle(0, LONG) == [(number, WAITING, 3)]
    job = queue.take(WAITING)
    assert job is not None and queue.take(WAITING) is None, "it is not taken twice at once"
    assert queue.segmented(job) and queue.states() == {number: SENDING}
    job = queue.take(SENDING)
    assert queue.sent(job, "a") and queue.unsent(job, FILES) == ["b"] and queue.sent(job, "b") and queue.finish(job, DONE)
    received(queue)
    assert queue.states() == {number: DONE}, "the same slices once more are no new study"
    assert queue.forget(LONG) == [] and queue.forget(0) == [number] and not list((tmp_path / "queue" / "slices").iterdir())
    assert received(queue) == number + 1


def test_it_goes_on_after_any_end_where_it_was(tmp_path: Path) -> None:
    number = received(opened(tmp_path))
    stray = tmp_path / "queue" / "slices" / "0001" / "written-without-a-row.dcm"
    stray.write_bytes(b"half")
    (tmp_path / "queue" / "slices" / "0007").mkdir()
    queue = opened(tmp_path)  # the other one was never closed
    assert not stray.exists() and len(list(queue.slices_of(number).iterdir())) == 3
    assert [place.name for place in (tmp_path / "queue" / "slices").iterdir()] == ["0001"]
    assert queue.settle(0, LONG) == [], "who was cut off by our end is waited for"
    assert queue.settle(0, 0) == [(number, WAITING, 3)]
    assert queue.take(WAITING).attempts == 1
    again = opened(tmp_path)
    assert again.take(WAITING).attempts == 1, "our end is not the study's fault: it runs in a child"
    assert {path.read_bytes() for path in again.slices_of(number).iterdir()} == {b"slice 0", b"slice 1", b"slice 2"}


@pytest.mark.parametrize("late", [b"slice 7", b"another slice 0"])
def test_a_result_of_other_slices_than_there_are_is_not_sent(tmp_path: Path, late: bytes) -> None:
    queue = opened(tmp_path)
    number = received(queue)
    queue.settle(0, 0)
    job = queue.take(WAITING)
    queue.receive("1.2", "1.2.0" if b"another" in late else "1.2.7", late, wanted=True)
    assert queue.states() == {number: RECEIVING}
    queue.settle(0, 0)
    assert not queue.segmented(job) and not queue.finish(job, FAILED) and queue.states() == {number: WAITING}
    job = queue.take(WAITING)
    assert queue.segmented(job)
    sending = queue.take(SENDING)
    assert queue.sent(sending, "a")
    received(queue, 1, first=9)
    assert not queue.sent(sending, "b") and queue.unsent(sending, FILES) == list(FILES)


def test_a_study_that_is_too_large_is_never_taken_for_a_whole(tmp_path: Path) -> None:
    queue = opened(tmp_path, most_bytes=20)
    for _ in range(2):
        with pytest.raises(TooMuch):
            received(queue)
    with pytest.raises(TooMuch):
        queue.receive("1.2", "1.2.9", b".", wanted=True)
    assert list(queue.states().values()) == [FAILED] and queue.settle(0, 0) == []
    assert received(queue, 1, study="1.3"), "others are not in its way"


def test_a_study_that_lacks_a_refused_slice_is_never_taken_for_a_whole(tmp_path: Path) -> None:
    queue = opened(tmp_path)
    number = received(queue)
    with pytest.raises(OSError):
        queue.receive("1.2", "1.2.5", b"slice 5", wanted=True, room=False)
    queue.released({number})
    assert queue.settle(0, LONG) == []
    queue = opened(tmp_path)
    assert queue.settle(0, 0) == [(number, FAILED, 3)]
    received(queue, 1, first=5)
    assert queue.settle(0, 0) == [(number, WAITING, 4)]


def test_a_disk_that_fails_while_writing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = opened(tmp_path)
    number = received(queue)

    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(room, "flush_to_disk", full)
    with pytest.raises(OSError):
        received(queue, 1, first=5)
    monkeypatch.undo()
    assert len(list(queue.slices_of(number).iterdir())) == 3
    assert received(queue, 1, first=5) == number


def test_unwanted_studies_are_left_aside_and_failed_ones_can_be_sent_again(tmp_path: Path) -> None:
    queue = opened(tmp_path)
    queue.receive("1.9", "1.9.1", b"x", wanted=False)
    number = received(queue)
    assert [state for _, state, _ in queue.settle(0, 0)] == [ASIDE, WAITING]
    job = queue.take(WAITING)
    assert queue.finish(job, FAILED, "why") and queue.states()[number] == FAILED
    received(queue)
    assert queue.states()[number] == RECEIVING


def test_pauses_grow_up_to_an_hour() -> None:
    pauses = [room.pause_s(attempt) for attempt in range(1, 30)]
    assert pauses == sorted(pauses) and pauses[0] < pauses[1] < pauses[2] and pauses[-1] == room.LONGEST_PAUSE_S


def test_a_damaged_queue_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "queue").mkdir()
    (tmp_path / "queue" / DATABASE).write_bytes(b"no database at all" * 100)
    with pytest.raises(InputRefused, match="cannot be used"):
        opened(tmp_path)
