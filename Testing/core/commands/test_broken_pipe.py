"""A reader that goes away (head, less) costs its own output only."""

from __future__ import annotations

import os
import subprocess
import sys

from MedSegDLLib.commands.broken_pipe import lasting_output


def test_the_work_goes_on_when_nobody_reads() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = []
    with os.fdopen(writer, "w", buffering=1) as stream, lasting_output(stream):
        for line in ("first", "second"):
            print(line * 10_000)
            done.append(line)
    assert done == ["first", "second"]


def test_what_is_read_arrives() -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader) as told:
        with os.fdopen(writer, "w") as stream, lasting_output(stream):
            print("heard")
        assert told.read() == "heard\n"


def test_the_command_line_ends_well_when_nobody_reads() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    code = "import sys; from MedSegDLLib.commands.main import main; sys.exit(main(['info']))"
    child = subprocess.run([sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (child.returncode, child.stderr) == (0, "")
