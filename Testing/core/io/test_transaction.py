"""All files of a result or none: a failure at every step, and kill -9 at every change of a name, leave the old result or the new one."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from pathlib import Path

import pytest

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.io import transaction, write
from MedSegDLLib.io.atomic import PREFIX, atomic_path
from MedSegDLLib.io.transaction import repair, replaced_together

from ..small_images import left_in

LIBRARY = Path(__file__).resolve().parents[3] / "MedSegDL"
OLD = {"a.txt": "old a", "b.txt": "old b", "gone.txt": "old and no longer made", "mine.txt": "the user's own"}
NEW = {"a.txt": "new a", "b.txt": "new b", "c.txt": "new c"}
AFTER = {**NEW, "mine.txt": "the user's own"}


def held(folder: Path) -> dict[str, str]:
    """Every file in the folder but the hidden ones."""
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir() if not path.name.startswith(PREFIX)}


def fill(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def replace_old(folder: Path) -> None:
    repair(folder)
    with replaced_together(folder, list(NEW), ["gone.txt"]) as staging:
        fill(staging, NEW)


def test_new_files_take_their_places_and_obsolete_ones_go(tmp_path: Path) -> None:
    replace_old(fill(tmp_path, OLD))
    assert held(tmp_path) == AFTER and left_in(tmp_path) == sorted(AFTER)
    replace_old(tmp_path)
    assert held(tmp_path) == AFTER and left_in(tmp_path) == sorted(AFTER)


CALLS = ("replace", "link", "unlink", "rename", "mkdir")


class Interrupting:
    """Stands for a function of `os`: the nth call of all raises, before or after it has acted."""

    def __init__(self, at: int, error: BaseException, after: bool) -> None:
        self.at, self.error, self.after, self.count = at, error, after, 0

    def around(self, real):
        def call(*arguments, **more):
            self.count += 1
            if self.count == self.at and not self.after:
                raise self.error
            value = real(*arguments, **more)
            if self.count == self.at:
                raise self.error
            return value

        return call


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "I/O error"), KeyboardInterrupt(), MemoryError()], ids=lambda error: type(error).__name__
)
@pytest.mark.parametrize("links", [True, False])
def test_a_failure_at_any_step_leaves_the_old_or_the_new(
    tmp_path: Path, monkeypatch, after: bool, error: BaseException, links: bool
) -> None:
    finished = False
    for at in range(1, 60):
        folder = fill(tmp_path / f"{at}", OLD)
        with monkeypatch.context() as patch:
            interrupting = Interrupting(at, error, after)
            if not links:
                patch.setattr(os, "link", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.EPERM, "no links here")))
            for name in CALLS[: 5 if links else 1]:
                patch.setattr(os, name, interrupting.around(getattr(os, name)))
            with suppress(InputRefused, OSError, KeyboardInterrupt, MemoryError):
                replace_old(folder)
        repair(folder)
        assert held(folder) in (OLD, AFTER), at
        assert left_in(folder) == sorted(held(folder)), at
        if interrupting.count < at:
            assert held(folder) == AFTER
            finished = True
            break
    assert finished and at > 4


KILLED = textwrap.dedent("""
    import os, signal, sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[3])
    folder, at, names = Path(sys.argv[1]), int(sys.argv[2]), ("a.txt", "b.txt", "c.txt")
    count = 0
    def dying(real):
        def call(*arguments, **more):
            global count
            count += 1
            if count == 2 * at:
                os.kill(os.getpid(), signal.SIGKILL)
            value = real(*arguments, **more)
            if count == 2 * at - 1:
                os.kill(os.getpid(), signal.SIGKILL)
            return value
        return call
    from MedSegDLLib.io.transaction import replaced_together
    for name in ("replace", "link", "unlink", "rename", "mkdir", "rmdir"):
        setattr(os, name, dying(getattr(os, name)))
    with replaced_together(folder, names, ["gone.txt"]) as staging:
        for name in names:
            (staging / name).write_text("new " + name[0], encoding="utf-8")
    print(count)
""")


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize("files", [OLD, {}], ids=["over an earlier result", "into an empty folder"])
def test_a_kill_at_any_change_of_a_name_leaves_the_old_or_the_new(tmp_path: Path, files: dict[str, str]) -> None:
    """Before the next start every file is whole and none of the earlier is missing; after it the whole folder is the old or the new."""
    after = {**NEW, **({"mine.txt": OLD["mine.txt"]} if files else {})}
    seen = set()
    for at in range(1, 40):
        folder = fill(tmp_path / f"{at}", files)
        done = subprocess.run([sys.executable, "-c", KILLED, str(folder), str(at), str(LIBRARY)], capture_output=True, text=True)
        for name, text in held(folder).items():
            assert text in (files.get(name), after.get(name))
        assert set(files) - {"gone.txt"} <= set(held(folder))
        repair(folder)
        assert held(folder) in (files, after), at
        assert left_in(folder) == sorted(held(folder)), at
        seen.add(held(folder) == after)
        if done.returncode == 0:
            break
        assert done.returncode == -9, done.stderr
    assert done.returncode == 0 and seen == {True, False} and at > 5


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_taking_back_may_itself_be_killed_and_begun_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for at in range(1, 12):
        folder = fill(tmp_path / f"{at}", OLD)
        with monkeypatch.context() as patch:
            real, moved = os.replace, []

            def third(source, target, real=real, moved=moved):
                moved.append(target)
                if len(moved) == 3:  # the journal, a.txt, then b.txt
                    raise KeyboardInterrupt
                return real(source, target)

            patch.setattr(os, "replace", third)
            patch.setattr(transaction, "_close", lambda place, lock: lock.close())
            with pytest.raises(KeyboardInterrupt):
                replace_old(folder)
        assert held(folder)["a.txt"] == "new a"
        with monkeypatch.context() as patch:
            interrupting = Interrupting(at, KeyboardInterrupt(), at % 2 == 0)
            for name in ("replace", "unlink", "rmdir"):
                patch.setattr(os, name, interrupting.around(getattr(os, name)))
            with suppress(KeyboardInterrupt):
                repair(folder)
        repair(folder)
        assert held(folder) == OLD and left_in(folder) == sorted(OLD)


def test_what_a_living_process_writes_is_left_alone(tmp_path: Path) -> None:
    fill(tmp_path, OLD)
    with replaced_together(tmp_path, list(NEW), ["gone.txt"]) as staging:
        fill(staging, NEW)
        repair(tmp_path)
        assert held(staging) == NEW and held(tmp_path) == OLD
    assert held(tmp_path) == AFTER


def test_what_a_killed_writer_of_one_file_left_is_swept_at_once_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from MedSegDLLib.io.atomic import atomic_path\n"
        "with atomic_path(sys.argv[1]) as new: new.write_text('half'), os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "cohort.csv")], check=False, env={**os.environ, "PYTHONPATH": str(LIBRARY)})
    with atomic_path(tmp_path / "page.html") as new:
        new.write_text("whole")
        assert len(left_in(tmp_path)) == 2
        repair(tmp_path)
    assert left_in(tmp_path) == ["page.html"]


def test_a_folder_is_tried_out_by_a_file_that_a_kill_cannot_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[Path]] = []
    monkeypatch.setattr(write.os, "fsync", lambda number: seen.append(list(tmp_path.iterdir())))
    write.prepare_folder(tmp_path)
    assert seen == [[]]


def test_hidden_files_of_processes_long_gone_are_swept(tmp_path: Path) -> None:
    for name, age in (("new", 0), ("old", 2 * transaction.STALE_SECONDS)):
        (tmp_path / f"{PREFIX}{name}").write_text("half a file")
        (tmp_path / f"{PREFIX}{name}-folder").mkdir()
        (tmp_path / f"{PREFIX}{name}-folder" / "WT.nii.gz").write_text("half a file")
        for path in (tmp_path / f"{PREFIX}{name}", tmp_path / f"{PREFIX}{name}-folder"):
            os.utime(path, (time.time() - age,) * 2)
    repair(tmp_path)
    assert left_in(tmp_path) == [f"{PREFIX}new", f"{PREFIX}new-folder"]


def test_a_hidden_file_that_goes_meanwhile_does_not_keep_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        (tmp_path / f"{PREFIX}{name}").write_text("half a file")
        os.utime(tmp_path / f"{PREFIX}{name}", (time.time() - 2 * transaction.STALE_SECONDS,) * 2)
    look, gone = Path.lstat, []

    def goes(path: Path) -> os.stat_result:
        if not gone and path.name.startswith(PREFIX):  # as another repair may do between two looks
            gone.append(path)
            path.unlink()
        return look(path)

    monkeypatch.setattr(Path, "lstat", goes)
    repair(tmp_path)
    assert gone and left_in(tmp_path) == []


def test_a_folder_in_the_way_is_refused_before_anything_moves(tmp_path: Path) -> None:
    fill(tmp_path, OLD)
    (tmp_path / "c.txt").mkdir()
    with pytest.raises(InputRefused, match=r"c\.txt could not be written"):
        replace_old(tmp_path)
    assert left_in(tmp_path) == sorted([*OLD, "c.txt"]) and (tmp_path / "a.txt").read_text() == "old a"


def test_links_of_the_user_are_replaced_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    fill(tmp_path / "elsewhere", {"a.txt": "the user's"})
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.txt").symlink_to(tmp_path / "elsewhere" / "a.txt")
    replace_old(tmp_path / "out")
    assert (tmp_path / "elsewhere" / "a.txt").read_text() == "the user's" and held(tmp_path / "out") == NEW
