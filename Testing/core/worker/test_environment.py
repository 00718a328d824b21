"""Which Python is chosen, what it is given, and what it is found to have."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from MedSegDLLib.errors import Cancelled
from MedSegDLLib.worker.environment import (
    LIBRARY_FOLDER,
    MARKER,
    PYTHON_VARIABLE,
    Interpreter,
    Source,
    child_environment,
    default_folder,
    find_interpreter,
    judge,
    physical_cores,
    private_interpreter,
    probe,
    worker_launch,
)

THIS = Interpreter(Path(sys.executable), Source.SETTING)
SLICERS = Interpreter(Path("/opt/Slicer/bin/PythonSlicer"), Source.SLICER)


def test_the_setting_comes_before_the_variable_before_the_private_one_before_slicers(tmp_path, monkeypatch):
    monkeypatch.setenv(PYTHON_VARIABLE, "/from/variable")
    (tmp_path / MARKER).write_text(json.dumps({"python": sys.executable, "packages": None}))
    chosen = find_interpreter("/from/setting", SLICERS.python, tmp_path)
    assert (chosen.source, chosen.python) == (Source.SETTING, Path("/from/setting"))
    assert find_interpreter(" ", SLICERS.python, tmp_path).python == Path("/from/variable")
    monkeypatch.delenv(PYTHON_VARIABLE)
    assert find_interpreter(None, SLICERS.python, tmp_path) == Interpreter(Path(sys.executable), Source.PRIVATE)
    (tmp_path / MARKER).unlink()
    assert find_interpreter("", SLICERS.python, tmp_path) == SLICERS


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"python": 3, "packages": null}', '{"python": "/gone", "packages": null}', "{"])
def test_a_marker_that_is_damaged_or_points_nowhere_is_no_environment(tmp_path, content):
    (tmp_path / MARKER).write_text(content)
    assert private_interpreter(tmp_path) is None


def test_default_folders_are_the_platforms_own():
    assert default_folder({"XDG_DATA_HOME": "/data"}, "linux") == Path("/data/MedSegDL/environment")
    assert default_folder({}, "linux") == Path.home() / ".local/share/MedSegDL/environment"
    assert default_folder({}, "darwin") == Path.home() / "Library/Application Support/MedSegDL/environment"
    assert default_folder({"LOCALAPPDATA": "/local"}, "win32") == Path("/local/MedSegDL/environment")


SLICERS_ENVIRONMENT = {
    "PATH": "/opt/Slicer/bin:/usr/bin", "PYTHONHOME": "/opt/Slicer/lib/Python", "PYTHONPATH": "/opt/Slicer/lib", "PYTHONNOUSERSITE": "1",
    "LD_LIBRARY_PATH": "/opt/Slicer/lib:/opt/cuda", "DYLD_LIBRARY_PATH": "/x", "QT_PLUGIN_PATH": "/opt/Slicer/plugins", "HOME": "/home/a",
    "__PYVENV_LAUNCHER__": "/x", "VIRTUAL_ENV": "/x", "CUDA_VISIBLE_DEVICES": "0", "MEDSEGDL_WEIGHTS": "/w",
    "ITK_AUTOLOAD_PATH": "/opt/Slicer/lib/Slicer-5.12/ITKFactories",
}  # fmt: skip


def test_another_python_gets_nothing_of_slicers():
    given = child_environment(THIS, SLICERS_ENVIRONMENT)
    left = {name for name in given if name in SLICERS_ENVIRONMENT}
    assert left == {"PATH", "HOME", "CUDA_VISIBLE_DEVICES", "MEDSEGDL_WEIGHTS", "PYTHONPATH"}
    assert given["PYTHONPATH"] == str(LIBRARY_FOLDER) and given["PYTHONUTF8"] == "1" and given["PYTHONIOENCODING"] == "utf-8"
    assert given["OMP_NUM_THREADS"] == str(physical_cores())


def test_what_the_user_had_before_slicers_launcher_comes_back():
    saved = {"PATH": "/usr/bin", "LD_LIBRARY_PATH": "/opt/cuda", "PYTHONPATH": "/x"}
    launched = {"APPLAUNCHER_LEVEL": "1", **{f"APPLAUNCHER_0_{name}": value for name, value in saved.items()}}
    given = child_environment(THIS, {**SLICERS_ENVIRONMENT, **launched})
    assert given["PATH"] == "/usr/bin" and given["LD_LIBRARY_PATH"] == "/opt/cuda" and given["PYTHONPATH"] == str(LIBRARY_FOLDER)
    assert not any(name.startswith("APPLAUNCHER") for name in given)


def test_slicers_own_python_keeps_slicers_environment():
    given = child_environment(SLICERS, SLICERS_ENVIRONMENT)
    assert all(given[name] == value for name, value in SLICERS_ENVIRONMENT.items() if name != "PYTHONPATH")
    assert given["PYTHONPATH"].split(os.pathsep) == [str(LIBRARY_FOLDER), "/opt/Slicer/lib"]
    with_packages = child_environment(Interpreter(SLICERS.python, Source.PRIVATE, Path("/p")), SLICERS_ENVIRONMENT)
    assert with_packages["PYTHONPATH"].split(os.pathsep) == [str(LIBRARY_FOLDER), "/p", "/opt/Slicer/lib"]


def test_slicers_python_chosen_by_hand_is_still_slicers():
    assert Interpreter(SLICERS.python, Source.SETTING).of_slicer and Interpreter(Path("/x/python-real"), Source.VARIABLE).of_slicer
    assert not THIS.of_slicer


def test_threads_that_the_user_has_set_stay():
    own = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "ACTIVE"}
    assert own.items() <= child_environment(THIS, own).items()
    assert child_environment(THIS, {}).items() >= {"OMP_WAIT_POLICY": "PASSIVE", "THP_MEM_ALLOC_ENABLE": "1"}.items()


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="Linux tells the cores of a process")
def test_hyper_threads_are_counted_once(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3, 5})
    for cpu, siblings in {0: "0,2", 1: "1,3", 2: "0,2", 3: "1,3"}.items():
        (tmp_path / f"cpu{cpu}" / "topology").mkdir(parents=True)
        (tmp_path / f"cpu{cpu}" / "topology" / "thread_siblings_list").write_text(siblings + "\n")
    assert physical_cores(tmp_path) == 3  # two cores with two threads each, and one CPU that says nothing


def test_worker_launch_starts_the_module_of_this_library(tmp_path):
    launch = worker_launch(THIS)
    assert launch.arguments == (sys.executable, "-m", "MedSegDLLib.worker")
    asked = [*launch.arguments[:1], "-c", "import MedSegDLLib; print(MedSegDLLib.__file__)"]
    done = subprocess.run(asked, env=launch.environment, cwd=tmp_path, capture_output=True, check=True)
    assert Path(done.stdout.decode().strip()).parent.parent == LIBRARY_FOLDER


def test_probe_of_this_python():
    torch = pytest.importorskip("torch")
    found = probe(THIS)
    assert found.ok and found.torch == torch.__version__ and not found.missing and found.python == sys.version.split()[0]
    assert found.torch in found.message


def test_probe_of_what_is_no_python(tmp_path):
    for python in (tmp_path / "gone", tmp_path, Path("/bin/false"), Path("/bin/echo")):
        found = probe(Interpreter(python, Source.SETTING))
        assert not found.ok and str(python) in found.message and found.remedy


def test_probe_gives_up_in_time():
    start = time.monotonic()
    found = probe(Interpreter(Path(sys.executable), Source.SETTING), limit_s=0.01)
    assert not found.ok and "did not answer" in found.message and time.monotonic() - start < 2


def test_a_probe_can_be_stopped():
    def heartbeat() -> None:
        raise Cancelled()

    with pytest.raises(Cancelled):
        probe(Interpreter(Path(sys.executable), Source.SETTING), heartbeat=heartbeat)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "torch 2.13.0, GPU"),
        ({"python": "3.9.1"}, "too old"),
        ({"missing": ["torch", "safetensors"], "torch": None}, "torch, safetensors not installed"),
        ({"error": "DLL load failed"}, "DLL load failed"),
        ({"torch": "2.9.1+cu128"}, "2.9.1"),
        ({"python": None}, "is not a Python that works"),
    ],
)
def test_what_a_probe_finds_is_judged(changes, said):
    found = {"python": "3.12.10", "torch": "2.13.0", "cuda": True, "missing": [], "error": "", **changes}
    verdict = judge(Path("/p"), "a banner\n\n" + json.dumps(found) + "\n", "")
    assert verdict.ok is (not changes) and said in verdict.message and bool(verdict.remedy) is not verdict.ok
