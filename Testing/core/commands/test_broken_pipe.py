"""A reader that goes away, a stream that is closed, a full disk behind it: what is printed is lost at the most, never the work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from MedSegDLLib.commands.broken_pipe import LastingStream, lasting_output, refuse_lost_output
from MedSegDLLib.errors import InputRefused

MAIN = "import sys; from MedSegDLLib.commands.main import main; sys.exit(main(sys.argv[1:]))"


def run_closed(redirection: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line as the shell starts it with a stream closed."""
    shell = f'exec "$0" -c "$1" "${{@:2}}" {redirection}'
    return subprocess.run(["bash", "-c", shell, sys.executable, MAIN, *arguments], capture_output=True, text=True, timeout=120)


def test_the_work_goes_on_when_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = []
    with os.fdopen(writer, "w", buffering=1) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        with lasting_output():
            for line in ("first", "second"):
                print(line * 10_000)
                done.append(line)
    assert done == ["first", "second"]


def test_what_is_read_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader) as told:
        with os.fdopen(writer, "w") as stream:
            monkeypatch.setattr(sys, "stdout", stream)
            with lasting_output():
                print("heard")
        assert told.read() == "heard\n"


def test_the_command_line_ends_well_when_nobody_reads() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    child = subprocess.run([sys.executable, "-c", MAIN, "info"], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (child.returncode, child.stderr) == (0, "")


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_end_nothing(redirection: str, tmp_path: Path) -> None:
    """Also a refusal whose sentence nobody can read keeps its exit code, and no file of ours takes a standard stream's number."""
    refused = run_closed(redirection, "n4", str(tmp_path / "none.nii.gz"), "-o", str(tmp_path / "out.nii.gz"))
    assert refused.returncode == 3
    assert "Traceback" not in refused.stderr + refused.stdout
    assert run_closed(redirection, "info", "--json").returncode == 0
    assert run_closed(redirection, "--help").returncode == 0


FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")


def ended(redirection: str, command: str) -> subprocess.CompletedProcess[str]:
    """`medsegdl info`, where it does something else."""
    code = f"import sys; from MedSegDLLib.commands import info, main; info.run = lambda given: {command}; sys.exit(main.main(['info']))"
    shell = f'exec "$0" -c "$1" {redirection}'
    return subprocess.run(["bash", "-c", shell, sys.executable, code], capture_output=True, text=True, timeout=120)


@FULL
def test_a_full_disk_behind_standard_output_is_told_when_the_work_is_done() -> None:
    """Its lines may be the answer."""
    child = ended("> /dev/full", "[print('x' * 20_000), print('the work went on', file=sys.stderr)]")
    assert child.returncode == 3
    assert child.stderr.startswith("the work went on\nmedsegdl: The output could not be written: no space left")


@FULL
def test_a_full_disk_behind_standard_error_changes_no_exit_code() -> None:
    """Of a run that ended well and had something to remark; what it printed arrives."""
    child = ended("2> /dev/full", "[print('y' * 20_000, file=sys.stderr), print('the work went on')]")
    assert (child.returncode, child.stdout) == (0, "the work went on\n")


def test_a_file_name_that_is_no_text_can_be_printed(tmp_path: Path) -> None:
    name = os.fsdecode(b"scan-\xff\xfe.nii.gz")
    child = subprocess.run([sys.executable, "-c", MAIN, "n4", str(tmp_path / name), "-o", "x.nii.gz"], capture_output=True, timeout=120)
    assert child.returncode == 3
    assert b"Traceback" not in child.stderr and b"scan-" in child.stderr


def test_a_stream_that_never_was_takes_everything() -> None:
    stream = LastingStream(None)
    assert stream.write("nobody hears") == len("nobody hears")
    stream.flush()


@FULL
def test_nothing_is_raised_while_a_command_works(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        monkeypatch.setattr(sys, "stdout", full)
        monkeypatch.setattr(sys, "stderr", full)
        with lasting_output():
            print("x" * 100_000, flush=True)
            print("y" * 100_000, file=sys.stderr, flush=True)
            with pytest.raises(InputRefused, match="no space left"):
                refuse_lost_output()
