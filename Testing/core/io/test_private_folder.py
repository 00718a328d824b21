"""Private temporary folders: nobody else reads them, and a killed process's are gone after the next start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from MedSegDLLib.io.private_folder import LOCK_FILE, OLD_S, PREFIX, make_private_folder, private_folder, sweep_private_folders

OWNER = """
import sys, time
from pathlib import Path
from MedSegDLLib.io.private_folder import make_private_folder
folder = make_private_folder(Path(sys.argv[1]))
(folder / "slice.dcm").write_text("secret")
print(folder, flush=True)
if sys.argv[2] == "stay":
    time.sleep(60)
"""


def owner(place: Path, what: str) -> tuple[subprocess.Popen, Path]:
    process = subprocess.Popen([sys.executable, "-c", OWNER, place, what], stdout=subprocess.PIPE, text=True)
    return process, Path(process.stdout.readline().strip())


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_what_a_killed_process_left_is_swept_and_a_living_ones_is_not(ending: int, tmp_path: Path) -> None:
    killed, left = owner(tmp_path, "stay")
    living, kept = owner(tmp_path, "stay")
    try:
        assert sweep_private_folders(tmp_path) == []
        killed.send_signal(ending)
        killed.wait(10)
        assert left.exists()
        assert sweep_private_folders(tmp_path) == [left]
        assert not left.exists() and (kept / "slice.dcm").exists()
    finally:
        living.kill()
        killed.kill()
        living.wait()


def test_the_ordinary_end_leaves_nothing(tmp_path: Path) -> None:
    process, folder = owner(tmp_path, "go")
    assert process.wait(20) == 0
    assert not folder.exists()


def test_only_this_user_may_look_in(tmp_path: Path) -> None:
    with private_folder(tmp_path) as folder:
        assert folder.stat().st_mode & 0o077 == 0
        assert sweep_private_folders(tmp_path) == []
    assert not folder.exists()


def test_folders_without_a_lock_are_swept_when_they_are_old(tmp_path: Path) -> None:
    young, old = tmp_path / f"{PREFIX}young", tmp_path / f"{PREFIX}old"
    for folder in (young, old):
        folder.mkdir()
        (folder / "000001.dcm").write_text("secret")
    before = time.time() - OLD_S - 60
    for path in (old / "000001.dcm", old):
        os.utime(path, (before, before))
    assert sweep_private_folders(tmp_path) == [old]
    assert young.exists()


def test_nothing_else_is_touched(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / LOCK_FILE).touch()
    (tmp_path / f"{PREFIX}link").symlink_to(precious, target_is_directory=True)
    (tmp_path / f"{PREFIX}file").touch()
    mine = make_private_folder(tmp_path)
    assert sweep_private_folders(tmp_path) == []
    assert precious.exists() and mine.exists() and (tmp_path / f"{PREFIX}link").exists()


def test_a_folder_that_goes_while_it_is_swept_does_not_keep_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = time.time() - OLD_S - 60
    for name in "abc":
        (tmp_path / f"{PREFIX}{name}").mkdir()
        os.utime(tmp_path / f"{PREFIX}{name}", (before, before))
    is_a_link, gone = Path.is_symlink, []

    def goes(path: Path) -> bool:
        if not gone:  # as another sweep may do between two looks
            gone.append(path)
            path.rmdir()
        return is_a_link(path)

    monkeypatch.setattr(Path, "is_symlink", goes)
    assert len(sweep_private_folders(tmp_path)) == 2 and gone
    assert list(tmp_path.iterdir()) == []
