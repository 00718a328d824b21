"""A reader that goes away (head, less) costs its own output only."""

from __future__ import annotations

import os

from medsegdl_training.patience import patient_output


def test_the_work_goes_on_when_nobody_reads() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = []
    with os.fdopen(writer, "w", buffering=1) as stream, patient_output(stream):
        for line in ("first", "second"):
            print(line * 10_000)
            done.append(line)
    assert done == ["first", "second"]


def test_what_is_read_arrives() -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader) as told:
        with os.fdopen(writer, "w") as stream, patient_output(stream):
            print("heard")
        assert told.read() == "heard\n"
