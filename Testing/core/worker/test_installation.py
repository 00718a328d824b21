"""How a private environment is made, kept, replaced and removed: its cost, one at a time, cancelled at any moment, ended with Slicer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections import namedtuple
from pathlib import Path

import pytest

from MedSegDLLib.errors import Cancelled, InputRefused
from MedSegDLLib.worker import installation
from MedSegDLLib.worker.environment import (
    LIBRARY_FOLDER,
    MARKER,
    REQUIREMENTS,
    REQUIREMENTS_OF_SLICER,
    Interpreter,
    Probe,
    Source,
    child_environment,
    private_interpreter,
)
from MedSegDLLib.worker.installation import (
    CPU_INDEX,
    DOWNLOADS,
    InstallationFailed,
    PipOptions,
    Shown,
    environment_bytes,
    explain_failure,
    fitting_options,
    has_nvidia_gpu,
    make_environment,
    plan,
    remove_environment,
)
from MedSegDLLib.worker.processes import Launch, leashed, run_with_lines

THIS = Interpreter(Path(sys.executable), Source.SETTING)

FAKE_PIP = """
import json, pathlib, sys
arguments = sys.argv[1:]
if arguments == ["--version"]:
    print("pip 25.1 from somewhere (python 3.12)")
    sys.exit()
if arguments[0] == "download":
    kept = pathlib.Path(arguments[arguments.index("--dest") + 1])
    kept.mkdir(parents=True, exist_ok=True)
    (kept / "torch-2.13.0+cpu-py3-none-any.whl").write_text(json.dumps(arguments))
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
    monkeypatch.setattr(installation, "probe", lambda interpreter, heartbeat: Probe(True))

    def make(ending: str = "") -> PipOptions:
        script = tmp_path / "pip.py"
        script.write_text(FAKE_PIP.format(record=str(tmp_path / "said.json"), ending=ending))
        return PipOptions(pip=(str(script),))

    return make


@pytest.fixture
def quick_venv(monkeypatch):
    """`python -m venv` without pip: 0.1 s instead of several."""
    run = installation._run

    def quick(python, arguments, *others):
        return run(python, (*arguments, "--without-pip") if arguments[:2] == ("-m", "venv") else arguments, *others)

    monkeypatch.setattr(installation, "_run", quick)


def names_in(folder: Path) -> list[str]:
    """What lies in a folder, less what was downloaded for the next try."""
    return sorted(path.name for path in folder.iterdir() if path.name != DOWNLOADS)


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
    assert private_interpreter(folder) == first and names_in(folder) == ["env1", MARKER]
    second = make_environment(folder, THIS, fake_pip())
    assert private_interpreter(folder) == second != first and names_in(folder) == ["env2", MARKER]


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
    assert time.monotonic() - start < 10 and not names_in(tmp_path / "e")
    wait_until(lambda: not alive(int((tmp_path / "pid").read_text(encoding="utf-8"))))


def test_an_environment_that_does_not_work_is_not_kept(tmp_path, fake_pip, quick_venv, monkeypatch):
    options = fake_pip()
    monkeypatch.setattr(
        installation, "probe", lambda interpreter, heartbeat: Probe(False, message="torch cannot be loaded.", remedy="Ask.")
    )
    with pytest.raises(InstallationFailed, match=r"torch cannot be loaded\. Ask"):
        make_environment(tmp_path / "e", THIS, options)
    assert not names_in(tmp_path / "e")


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


def test_without_a_gpu_torch_comes_without_cuda_and_from_that_index_alone(tmp_path, fake_pip):
    """Beside the public index pip would take the newer of the two, and that may be the one with CUDA (5.4 GB)."""
    base = Interpreter(Path(sys.executable), Source.SLICER)
    kept = tmp_path / "e" / DOWNLOADS
    options = PipOptions(cpu_only=True, pip=fake_pip("sys.exit(1)").pip)
    with pytest.raises(InstallationFailed):
        make_environment(tmp_path / "e", base, options)
    (wheel,) = kept.glob("*.whl")  # stays: the next try goes on there
    asked = json.loads(wheel.read_text(encoding="utf-8"))
    assert asked[asked.index("--index-url") + 1] == CPU_INDEX and "--extra-index-url" not in asked and "--no-deps" in asked
    make_environment(tmp_path / "e", base, PipOptions(cpu_only=True, pip=fake_pip().pip))
    _, arguments = json.loads((tmp_path / "said.json").read_text(encoding="utf-8"))
    assert str(wheel) in arguments and not any(argument.startswith("torch>") for argument in arguments)
    assert names_in(tmp_path / "e") == ["env1", MARKER] and not kept.exists()


def test_the_machine_decides_and_is_told_the_cost(tmp_path, monkeypatch):
    assert not has_nvidia_gpu("linux", tmp_path)
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "nvidiactl").touch()
    assert has_nvidia_gpu("linux", tmp_path)
    monkeypatch.setattr(installation.sys, "platform", "linux")
    for gpu in (False, True):
        monkeypatch.setattr(installation, "has_nvidia_gpu", lambda gpu=gpu: gpu)
        assert fitting_options().cpu_only is plan().cpu_only is not gpu
    small, large = plan(True), plan(False)
    assert small.download_bytes < 0.3e9 < 2.5e9 < large.download_bytes and small.minutes < large.minutes


def test_a_disk_that_is_too_small_is_told_before_anything_is_downloaded(tmp_path, monkeypatch, fake_pip):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(installation.shutil, "disk_usage", lambda folder: usage(10**9, 10**9, 10**8))
    with pytest.raises(InputRefused, match=r"needs .* GB .* and 0\.1 GB are free"):
        make_environment(tmp_path / "e", THIS, fake_pip())
    assert not names_in(tmp_path / "e") and not (tmp_path / "said.json").exists()


@pytest.mark.parametrize("at", [0.9, 0.98])
def test_a_cancel_shortly_before_the_end_leaves_nothing(tmp_path, fake_pip, monkeypatch, at):
    options = fake_pip()
    monkeypatch.setattr(installation, "probe", lambda interpreter, heartbeat: heartbeat() or Probe(True))

    def progress(fraction: float, message: str) -> None:
        if fraction >= at:
            raise Cancelled()

    with pytest.raises(Cancelled):
        make_environment(tmp_path / "e", Interpreter(Path(sys.executable), Source.SLICER), options, progress)
    assert private_interpreter(tmp_path / "e") is None and not names_in(tmp_path / "e")


def test_a_cancel_after_the_end_changes_nothing(tmp_path, fake_pip):
    def progress(fraction: float, message: str) -> None:
        if fraction == 1.0:
            raise Cancelled()

    made = make_environment(tmp_path / "e", Interpreter(Path(sys.executable), Source.SLICER), fake_pip(), progress)
    assert private_interpreter(tmp_path / "e") == made


def test_one_process_at_a_time(tmp_path, fake_pip):
    base, refused = Interpreter(Path(sys.executable), Source.SLICER), []

    def progress(fraction: float, message: str) -> None:
        if fraction == 1.0:
            return
        for work in (lambda: make_environment(tmp_path / "e", base, fake_pip()), lambda: remove_environment(tmp_path / "e")):
            with pytest.raises(InputRefused, match="already"):
                work()
            refused.append(fraction)

    make_environment(tmp_path / "e", base, fake_pip(), progress)
    assert refused
    make_environment(tmp_path / "e", base, fake_pip())  # the lock was let go


def test_what_it_takes_on_disk_and_its_removal(tmp_path, fake_pip):
    folder = tmp_path / "e"
    assert environment_bytes(folder) == 0
    made = make_environment(folder, Interpreter(Path(sys.executable), Source.SLICER), fake_pip())
    (made.packages / "torch.py").write_bytes(b"x" * 5000)
    assert 5000 <= environment_bytes(folder) < 6000
    remove_environment(folder)
    assert environment_bytes(folder) == 0 and private_interpreter(folder) is None and not list(folder.iterdir())


def test_pip_ends_with_the_process_that_started_it_however_that_ends(tmp_path):
    """Slicer killed, or crashed: nothing goes on downloading."""
    script = f"""
        import os, sys
        from MedSegDLLib.worker.processes import Launch, leashed, run_with_lines
        child = "import os, subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
        child += "; open({str(tmp_path / "pids")!r}, 'w').write(str(os.getpid()) + ' ' + str(p.pid)); time.sleep(60)"
        run_with_lines(leashed(Launch((sys.executable, "-c", child), dict(os.environ))), lambda line: None)
    """
    environment = {**os.environ, "PYTHONPATH": str(LIBRARY_FOLDER)}
    slicer = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], env=environment)
    wait_until(lambda: (tmp_path / "pids").exists() and len((tmp_path / "pids").read_text(encoding="utf-8").split()) == 2)
    slicer.send_signal(signal.SIGKILL)
    slicer.wait()
    for pid in map(int, (tmp_path / "pids").read_text(encoding="utf-8").split()):
        wait_until(lambda pid=pid: not alive(pid))


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_until(done, limit_s: float = 10.0) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + limit_s
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_leash_passes_on_what_is_said_and_the_exit_code():
    said: list[str] = []
    launch = Launch((sys.executable, "-c", "import sys; print('here'); sys.exit(7)"), dict(os.environ))
    assert run_with_lines(leashed(launch), said.append) == 7 and "here" in said


def test_a_silent_pip_is_followed_by_the_bytes_that_it_has_written():
    shown = Shown(0.05, expected_bytes=200_000_000)
    shown.see(10)
    assert shown.message == "Making the environment"
    shown.hear("  Downloading torch-2.13.0+cpu-cp312-cp312-linux_x86_64.whl (180 MB)")
    shown.see(100_000_000)
    middle = shown.fraction
    assert shown.message == "torch: 100 MB so far" and 0.3 < middle < 0.5
    shown.see(50_000_000)
    assert shown.fraction == middle  # it never falls


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
    monkeypatch.setattr(installation, "probe", lambda interpreter, heartbeat: Probe(True))
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
