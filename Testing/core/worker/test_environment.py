"""Which Python is chosen, what it is given, what it is found to have, and how a private environment is made and kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from MedSegDLLib.errors import Cancelled, InputRefused
from MedSegDLLib.worker import environment
from MedSegDLLib.worker.environment import (
    CPU_INDEX,
    LIBRARY_FOLDER,
    MARKER,
    PYTHON_VARIABLE,
    REQUIREMENTS,
    REQUIREMENTS_OF_SLICER,
    InstallationFailed,
    Interpreter,
    PipOptions,
    Probe,
    Shown,
    Source,
    child_environment,
    default_folder,
    explain_failure,
    find_interpreter,
    judge,
    make_environment,
    physical_cores,
    private_interpreter,
    probe,
    remove_environment,
    worker_launch,
)

THIS = Interpreter(Path(sys.executable), Source.SETTING)
SLICERS = Interpreter(Path("/opt/Slicer/bin/PythonSlicer"), Source.SLICER)

FAKE_PIP = """
import json, pathlib, sys
arguments = sys.argv[1:]
if arguments == ["--version"]:
    print("pip 25.1 from somewhere (python 3.12)")
    sys.exit()
pathlib.Path({record!r}).write_text(json.dumps([sys.executable, arguments]))
print("Collecting torch>=2.10")
print("  Downloading https://files.example/torch-2.13.0-cp312-cp312-manylinux_2_28_x86_64.whl (899.8 MB)")
print("Progress 100000000 of 900000000")
print("Installing collected packages: torch, safetensors", flush=True)
{ending}
"""


@pytest.fixture
def fake_pip(tmp_path, monkeypatch):
    """A pip that only says what it would do, and a probe that finds everything."""
    monkeypatch.setattr(environment, "probe", lambda interpreter: Probe(True))

    def make(ending: str = "") -> PipOptions:
        script = tmp_path / "pip.py"
        script.write_text(FAKE_PIP.format(record=str(tmp_path / "said.json"), ending=ending))
        return PipOptions(pip=(str(script),))

    return make


@pytest.fixture
def quick_venv(monkeypatch):
    """`python -m venv` without pip: 0.1 s instead of several."""
    run = environment._run

    def quick(python, arguments, fraction, progress):
        return run(python, (*arguments, "--without-pip") if arguments[:2] == ("-m", "venv") else arguments, fraction, progress)

    monkeypatch.setattr(environment, "_run", quick)


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


def test_a_private_environment_is_a_venv_with_the_requirements(tmp_path, fake_pip, quick_venv):
    said: list[tuple[float, str]] = []
    made = make_environment(tmp_path / "e", THIS, fake_pip(), lambda *what: said.append(what))
    assert made.source is Source.PRIVATE and private_interpreter(tmp_path / "e") == made
    python, arguments = json.loads((tmp_path / "said.json").read_text(encoding="utf-8"))
    assert Path(python) == made.python and "install" in arguments and arguments[arguments.index("--progress-bar") + 1] == "raw"
    assert set(REQUIREMENTS) <= set(arguments) and "--target" not in arguments
    fractions = [fraction for fraction, _ in said]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    assert any(message == "torch: 100 of 900 MB" for _, message in said)
    prefix = subprocess.run([made.python, "-c", "import sys; print(sys.prefix)"], capture_output=True, check=True).stdout.decode().strip()
    assert Path(prefix) == tmp_path / "e" / "env1"


def test_slicers_python_gets_a_folder_of_packages_and_nothing_is_installed_into_it(tmp_path, fake_pip):
    base = Interpreter(Path(sys.executable), Source.SLICER)
    made = make_environment(tmp_path / "e", base, fake_pip())
    assert made == Interpreter(base.python, Source.PRIVATE, tmp_path / "e" / "env1") == private_interpreter(tmp_path / "e")
    _, arguments = json.loads((tmp_path / "said.json").read_text(encoding="utf-8"))
    assert arguments[-2:] == ["--target", str(made.packages)]
    assert set(REQUIREMENTS_OF_SLICER) <= set(arguments) and not any(argument.startswith(("numpy", "SimpleITK")) for argument in arguments)


def test_a_new_environment_replaces_the_old_one_only_when_it_works(tmp_path, fake_pip, quick_venv):
    folder = tmp_path / "e"
    first = make_environment(folder, THIS, fake_pip())
    with pytest.raises(InstallationFailed):
        make_environment(folder, THIS, fake_pip("sys.exit(1)"))
    assert private_interpreter(folder) == first and sorted(path.name for path in folder.iterdir()) == ["env1", MARKER]
    second = make_environment(folder, THIS, fake_pip())
    assert private_interpreter(folder) == second != first and sorted(path.name for path in folder.iterdir()) == ["env2", MARKER]


def test_what_a_crash_left_unfinished_is_not_used_and_goes_with_the_next(tmp_path, fake_pip, quick_venv):
    (tmp_path / "e" / "env1" / "bin").mkdir(parents=True)
    (tmp_path / "e" / "notes.txt").write_text("mine")
    assert private_interpreter(tmp_path / "e") is None
    make_environment(tmp_path / "e", THIS, fake_pip())
    assert sorted(path.name for path in (tmp_path / "e").iterdir()) == ["env2", MARKER, "notes.txt"]
    remove_environment(tmp_path / "e")
    assert [path.name for path in (tmp_path / "e").iterdir()] == ["notes.txt"] and private_interpreter(tmp_path / "e") is None


def test_cancel_ends_pip_at_once_and_leaves_nothing(tmp_path, fake_pip, quick_venv):
    ending = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)"

    def progress(fraction: float, message: str) -> None:
        if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(encoding="utf-8"):
            raise Cancelled()

    start = time.monotonic()
    with pytest.raises(Cancelled):
        make_environment(tmp_path / "e", THIS, fake_pip(ending), progress)
    assert time.monotonic() - start < 10 and not list((tmp_path / "e").iterdir())
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text(encoding="utf-8")), 0)


def test_an_environment_that_does_not_work_is_not_kept(tmp_path, fake_pip, quick_venv, monkeypatch):
    options = fake_pip()
    monkeypatch.setattr(environment, "probe", lambda interpreter: Probe(False, message="torch cannot be loaded.", remedy="Ask."))
    with pytest.raises(InstallationFailed, match=r"torch cannot be loaded\. Ask"):
        make_environment(tmp_path / "e", THIS, options)
    assert not list((tmp_path / "e").iterdir())


def test_a_base_that_is_no_python_is_told(tmp_path, fake_pip):
    with pytest.raises(InstallationFailed, match="cannot be started"):
        make_environment(tmp_path / "e", Interpreter(tmp_path / "gone", Source.SETTING), fake_pip())


def test_folders_that_cannot_be_used_are_refused(tmp_path, fake_pip):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputRefused):
        make_environment(tmp_path / "file" / "e", THIS, fake_pip())
    with pytest.raises(InputRefused, match="wheels"):
        make_environment(tmp_path / "e", THIS, PipOptions(wheels=tmp_path / "none"))
    assert not (tmp_path / "e").exists()


def test_where_packages_come_from(tmp_path):
    offline = PipOptions(wheels=tmp_path, cpu_only=True).install(("torch",))
    assert "--no-index" in offline and str(tmp_path) in offline and CPU_INDEX not in offline
    assert CPU_INDEX in PipOptions(cpu_only=True).install(("torch",))
    chosen = PipOptions(requirements=("torch==2.13.0",), arguments=("--proxy", "x")).install(("torch",))
    assert chosen[-3:] == ("--proxy", "x", "torch==2.13.0") and "--index-url" not in chosen


def test_no_requirement_lets_torch_2_9_in():
    packaging = pytest.importorskip("packaging.requirements")
    (torch,) = [packaging.Requirement(text) for text in REQUIREMENTS if text.startswith("torch")]
    assert not torch.specifier.contains("2.9.1") and torch.specifier.contains("2.13.0")


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("WARNING: Retrying after NewConnectionError: Temporary failure in name resolution", "index cannot be reached"),
        ("ERROR: No matching distribution found for torch>=2.10", "no fitting package"),
        ("PermissionError: [Errno 13] Permission denied: '/opt/x'", "may not be written"),
        ("warning\nERROR: something new\nhint", "something new"),
        ("Error: Command '...ensurepip' returned non-zero exit status 1.", "ensurepip"),
        ("", "no reason"),
    ],
)
def test_failures_of_pip_become_a_sentence(said, what):
    failure = explain_failure(said.splitlines())
    assert what in failure.message and failure.remedy and failure.kind == "installation"


def test_what_pip_says_is_shown_in_few_words():
    shown = Shown(0.05)
    shown.hear("  Downloading torch-2.13.0+cpu-cp312-cp312-linux_x86_64.whl (180 MB)")
    assert shown.message == "torch"
    shown.hear("Progress 90000000 of 180000000")
    assert shown.message == "torch: 90 of 180 MB" and shown.fraction == 0.05
    shown.hear("WARNING: Location 'file:///x' is ignored")
    assert shown.message == "torch: 90 of 180 MB"
    shown.hear("Collecting cuda-bindings<14,>=13.0.3 (from torch==2.13.0)")
    assert shown.message == "Collecting cuda-bindings"
    shown.hear("Installing collected packages: torch, safetensors")
    assert shown.fraction > 0.5 and "Installing" in shown.message


def test_an_offline_folder_of_wheels_is_installed_by_the_real_pip(tmp_path, monkeypatch):
    """With a wheel made here; nothing is downloaded. Slicer's way, for a venv with its own pip takes ten seconds to make."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    make_wheel(wheels, "tiny_package")
    monkeypatch.setattr(environment, "probe", lambda interpreter: Probe(True))
    base = Interpreter(Path(sys.executable), Source.SLICER)
    made = make_environment(tmp_path / "e", base, PipOptions(requirements=("tiny-package",), wheels=wheels))
    asked = [str(made.python), "-c", "import tiny_package; print(tiny_package.__file__)"]
    done = subprocess.run(asked, env=child_environment(made), capture_output=True, check=True)
    assert Path(done.stdout.decode().strip()).is_relative_to(made.packages)
    with pytest.raises(InstallationFailed, match="no fitting package"):
        make_environment(tmp_path / "e", base, PipOptions(requirements=("another-package",), wheels=wheels))
    assert private_interpreter(tmp_path / "e") == made


def make_wheel(folder: Path, name: str) -> None:
    """The smallest wheel that pip takes."""
    import zipfile

    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}/__init__.py", "")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
