"""Which Python runs the worker, what it has, the clean environment it gets, and the private environment that is made for it.

Standard library only. torch need never be installed into Slicer. Making an environment runs venv and pip as children and blocks: call it in
the background (`client.Background`), or from a command line.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from ..errors import InputRefused, MedSegDLError
from ..progress import Progress, quiet
from .processes import WINDOWS, Launch, kill_tree, run_with_lines, start_tree

PYTHON_VARIABLE = "MEDSEGDL_PYTHON"
LIBRARY_FOLDER = Path(__file__).resolve().parents[2]  # holds MedSegDLLib
WORKER_MODULE = "MedSegDLLib.worker"
MARKER = "medsegdl-environment.json"  # written last: an environment without it is unfinished
OLDEST_PYTHON = (3, 10)
PACKAGES = ("torch", "numpy", "SimpleITK", "safetensors")
SLOW_TORCH = "2.9."  # regression of 3-D convolutions, mended in 2.10
PROBE_LIMIT_S = 90.0  # the first import of torch from a slow disk takes tens of seconds

# What torch reads when it loads. Waiting threads sleep: while others use the cores too (Slicer draws), torch's spinning ones cost more
# than they gain. Measured on 2 busy cores, small volume: N4 4-15 s spinning, 0.4 s sleeping; network 9-20 s spinning, 6 s sleeping.
# Linux gives fresh memory in pages of 2 MB rather than 4 kB where torch asks for it: N4 of one volume 0.18 s instead of 0.25 s.
TORCH_READS = {"OMP_WAIT_POLICY": "PASSIVE", "THP_MEM_ALLOC_ENABLE": "1"}

# What Slicer's launcher sets for Slicer's own Python breaks another one; PATH stays. With ITK_AUTOLOAD_PATH another Python's SimpleITK
# would load Slicer's image readers and crash (InsightSoftwareConsortium/ITK#3332, Slicer/Slicer#8947).
_FOREIGN_NAMES = (
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "DYLD_FRAMEWORK_PATH",
    "ITK_AUTOLOAD_PATH",
    "VIRTUAL_ENV",
    "__PYVENV_LAUNCHER__",
)
_FOREIGN_PREFIXES = ("PYTHON", "QT_", "APPLAUNCHER_")
_SAVED_PREFIX = "APPLAUNCHER_0_"  # the launcher (commontk/AppLauncher) keeps what the user had in variables of this name
_SLICER_NAMES = ("pythonslicer", "python-real")


class Source(str, Enum):
    """Where the choice of a Python comes from, in the order in which they are asked."""

    SETTING = "setting"
    VARIABLE = "variable"
    PRIVATE = "private environment"
    SLICER = "Slicer"


@dataclass(frozen=True)
class Interpreter:
    """A Python for the worker.

    Attributes:
        python: the executable.
        source: who chose it.
        packages: a folder of packages beside it (Slicer's Python with a private environment), else None.
    """

    python: Path
    source: Source
    packages: Path | None = None

    @property
    def of_slicer(self) -> bool:
        """Whether it is Slicer's own and so needs Slicer's environment."""
        return self.source is Source.SLICER or self.packages is not None or is_slicers(self.python)


@dataclass(frozen=True)
class Probe:
    """What a Python has.

    Attributes:
        ok: whether the worker can run with it.
        python: its version ("3.12.10"), empty if it did not run.
        torch: its torch's version, or None.
        cuda: whether torch sees a GPU.
        missing: packages that are not there.
        message, remedy: one sentence each, for the reader.
    """

    ok: bool
    python: str = ""
    torch: str | None = None
    cuda: bool = False
    missing: tuple[str, ...] = ()
    message: str = ""
    remedy: str = ""


def is_slicers(python: Path) -> bool:
    """Whether an executable is Slicer's own Python, by its name."""
    return python.name.lower().startswith(_SLICER_NAMES)


def default_folder(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """Where this user's private environment lies, in the platform's own place for such data."""
    home = Path.home()
    if platform == "win32":
        base = Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return base / "MedSegDL" / "environment"


def find_interpreter(setting: str | Path | None, slicer_python: Path, folder: Path | None = None) -> Interpreter:
    """The Python that runs the worker: the setting, else $MEDSEGDL_PYTHON, else the private environment, else Slicer's own.

    Whether it works is not asked here: a choice that fails must be seen, not passed over.

    Args:
        setting: path from the settings; empty or None for none.
        slicer_python: PythonSlicer (or `sys.executable` outside Slicer).
        folder: of the private environment; None takes `default_folder()`.
    """
    if setting and str(setting).strip():
        return Interpreter(Path(str(setting).strip()).expanduser(), Source.SETTING)
    if os.environ.get(PYTHON_VARIABLE, "").strip():
        return Interpreter(Path(os.environ[PYTHON_VARIABLE].strip()).expanduser(), Source.VARIABLE)
    return private_interpreter(folder or default_folder()) or Interpreter(Path(slicer_python), Source.SLICER)


def private_interpreter(folder: Path) -> Interpreter | None:
    """The Python of a finished private environment; None where there is none, or its Python is gone."""
    try:
        entry = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        python, packages = Path(entry["python"]), entry["packages"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Interpreter(python, Source.PRIVATE, Path(packages) if packages else None) if python.exists() else None


def worker_launch(interpreter: Interpreter, environ: Mapping[str, str] | None = None) -> Launch:
    """How to start a worker with this Python; give it to `client.Worker.start`.

    Args:
        interpreter: see `find_interpreter`.
        environ: environment to start from; None takes this process's.
    """
    return Launch((str(interpreter.python), "-m", WORKER_MODULE), child_environment(interpreter, environ), LIBRARY_FOLDER)


def child_environment(interpreter: Interpreter, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child: our library on PYTHONPATH, UTF-8, one thread a physical core, none of them spinning.

    Unless the Python is Slicer's, what Slicer sets for its own Python and Qt is left out, for it would break another Python; what the
    user had before Slicer's launcher comes back.
    """
    environment = dict(os.environ if environ is None else environ)
    inherited = environment.get("PYTHONPATH", "") if interpreter.of_slicer else ""
    if not interpreter.of_slicer:
        environment = _without_slicers(environment)
    paths = [str(LIBRARY_FOLDER), str(interpreter.packages or ""), inherited]
    environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    environment.update(PYTHONIOENCODING="utf-8", PYTHONUTF8="1")
    for name, value in TORCH_READS.items():
        environment.setdefault(name, value)
    environment.setdefault("OMP_NUM_THREADS", str(physical_cores()))
    return environment


def _without_slicers(environment: dict[str, str]) -> dict[str, str]:
    saved = {name.removeprefix(_SAVED_PREFIX): value for name, value in environment.items() if name.startswith(_SAVED_PREFIX)}
    kept = {name: value for name, value in environment.items() if not _is_foreign(name)}
    return kept | {name: value for name, value in saved.items() if not name.startswith("PYTHON")}


def _is_foreign(name: str) -> bool:
    return name in _FOREIGN_NAMES or name.startswith(_FOREIGN_PREFIXES)


def physical_cores(topology: Path = Path("/sys/devices/system/cpu")) -> int:
    """Cores that this process may use, hyper-threads counted once: convolutions gain nothing from the second thread of a core."""
    if hasattr(os, "sched_getaffinity"):
        siblings = {_siblings(topology, cpu) for cpu in os.sched_getaffinity(0)}
        return max(1, len(siblings))
    logical = os.cpu_count() or 1
    return max(1, logical // 2) if WINDOWS else logical


def _siblings(topology: Path, cpu: int) -> str:
    """The hardware threads of a CPU's core, by Linux's own list; the CPU alone where there is no list."""
    try:
        return (topology / f"cpu{cpu}" / "topology" / "thread_siblings_list").read_text(encoding="ascii").strip()
    except OSError:
        return str(cpu)


_PROBE_CODE = """
import importlib.util as u, json, sys
packages = {packages}
found = dict(python=sys.version.split()[0], missing=[p for p in packages if u.find_spec(p) is None], torch=None, cuda=False, error="")
if "torch" not in found["missing"]:
    try:
        import torch
        found.update(torch=torch.__version__, cuda=torch.cuda.is_available())
    except Exception as error:
        found["error"] = str(error)
print("\\n" + json.dumps(found))
"""


def probe(interpreter: Interpreter, limit_s: float = PROBE_LIMIT_S) -> Probe:
    """Ask a Python what it has. Takes as long as importing torch does: call it in the background (`background.Background`)."""
    code = _PROBE_CODE.format(packages=list(PACKAGES))
    launch = Launch((str(interpreter.python), "-c", code), child_environment(interpreter), LIBRARY_FOLDER)
    try:
        process = start_tree(launch)
    except OSError as error:
        return _refused(f"{interpreter.python} cannot be started: {error.strerror or error}.")
    try:
        answer, errors = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        kill_tree(process)
        process.communicate()
        return _refused(f"{interpreter.python} did not answer within {limit_s:.0f} s.")
    return judge(interpreter.python, answer.decode("utf-8", "replace"), errors.decode("utf-8", "replace"))


def _refused(message: str, remedy: str = "Choose another Python.", facts: Mapping[str, Any] | None = None) -> Probe:
    return Probe(False, message=message, remedy=remedy, **(facts or {}))


def judge(python: Path, answer: str, errors: str) -> Probe:
    """What the probe's output means."""
    try:
        found = json.loads(answer.strip().splitlines()[-1])
        facts = {key: found[key] for key in ("python", "torch", "cuda")} | {"missing": tuple(found["missing"])}
        error = str(found["error"])
        version = tuple(int(part) for part in str(facts["python"]).split(".")[:2])
    except (ValueError, IndexError, KeyError, TypeError):
        said = errors.strip().splitlines()
        return _refused(f"{python} is not a Python that works{': ' + said[-1] if said else '.'}")
    if version < OLDEST_PYTHON:
        return _refused(f"Python {facts['python']} is too old.", "Choose Python 3.10 or newer.", facts)
    if error:
        return _refused(f"torch is installed, but cannot be loaded: {error}.", "Install torch anew.", facts)
    if facts["missing"]:
        return _refused(f"{', '.join(facts['missing'])} not installed.", "Let MedSegDL make an environment.", facts)
    if facts["torch"].startswith(SLOW_TORCH):
        return _refused(f"torch {facts['torch']} computes 3-D convolutions slowly.", "Install torch 2.10 or newer.", facts)
    return Probe(True, message=f"Python {facts['python']}, torch {facts['torch']}, {'GPU' if facts['cuda'] else 'CPU'}.", **facts)


TORCH = "torch>=2.10"  # 2.9 computes 3-D convolutions slowly, older ones load pickles unsafely
SAFETENSORS = "safetensors>=0.4.5"
REQUIREMENTS = (TORCH, "numpy>=1.26", "SimpleITK>=2.4", SAFETENSORS)
REQUIREMENTS_OF_SLICER = (TORCH, SAFETENSORS)  # numpy and SimpleITK are Slicer's own
CPU_INDEX = "https://download.pytorch.org/whl/cpu"  # wheels without CUDA: 0.2 GB instead of several
PUBLIC_INDEX = "https://pypi.org/simple"
RAW_PROGRESS_SINCE = (24, 1)  # pip's --progress-bar=raw
_ENVIRONMENT_PREFIX = "env"  # short: torch's own paths come near to Windows' limit of 260
_MADE, _DOWNLOADED, _INSTALLED = 0.05, 0.7, 0.9  # of the whole, by time on a fast line

_PIP_FAILURES = (
    ("no space left|errno 28", "the disk is full", "Free several gigabytes, or choose a folder on another disk."),
    ("name resolution|failed to establish|max retries|timed out|getaddrinfo", "the package index cannot be reached",
     "Check the network, or give a folder of wheels."),
    ("no matching distribution|could not find a version", "no fitting package was found",
     "Choose another Python (3.10 to 3.13), or complete the folder of wheels."),
    ("permission denied|access is denied", "a file may not be written", "Choose a folder of your own."),
)  # fmt: skip


class InstallationFailed(MedSegDLError):
    """The private environment could not be made; nothing of it was left behind."""

    kind = "installation"


@dataclass(frozen=True)
class PipOptions:
    """Where packages come from.

    Attributes:
        requirements: what to install; None takes what the worker needs.
        cpu_only: take torch without CUDA.
        wheels: a folder of wheels; then nothing is downloaded.
        arguments: further arguments of `pip install`.
        pip: how the new Python calls pip.
    """

    requirements: tuple[str, ...] | None = None
    cpu_only: bool = False
    wheels: Path | None = None
    arguments: tuple[str, ...] = ()
    pip: tuple[str, ...] = ("-m", "pip")

    def install(self, requirements: tuple[str, ...]) -> tuple[str, ...]:
        """Arguments after `python`, less the progress bar's."""
        source: tuple[str, ...] = ()
        if self.wheels is not None:
            source = ("--no-index", "--find-links", str(self.wheels))
        elif self.cpu_only:
            source = ("--index-url", CPU_INDEX, "--extra-index-url", PUBLIC_INDEX)
        quiet = ("--no-input", "--disable-pip-version-check", "--prefer-binary")
        return (*self.pip, "install", *quiet, *source, *self.arguments, *(self.requirements or requirements))


def make_environment(folder: Path, base: Interpreter, options: PipOptions = PipOptions(), progress: Progress = quiet) -> Interpreter:
    """Make the private environment: a venv of `base`, or, where that is Slicer's Python, a folder of packages beside it.

    A finished one in the same folder stays in use until the new one works; then it is removed. A new one that fails, or is
    cancelled, is removed.

    Args:
        folder: see `environment.default_folder`.
        base: the Python it is made with.
        options: where packages come from.
        progress: called with (fraction, message) at least five times a second; may raise `Cancelled`.

    Returns:
        the new environment's Python.

    Raises:
        InstallationFailed: a step failed, or the environment does not work.
        InputRefused: the folder cannot be written, or the folder of wheels is not there.
        Cancelled: `progress` raised it.
    """
    if options.wheels is not None and not options.wheels.is_dir():
        raise InputRefused(f"The folder of wheels {options.wheels} is not there.", "Choose the folder that holds the .whl files.")
    place = _new_place(folder)
    try:
        made = _make(place, base, options, progress)
        _finish(folder, made)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    _remove_others(folder, place)
    progress(1.0, "Done")
    return made


def remove_environment(folder: Path) -> None:
    """Remove the private environment, and only what this room has made in the folder."""
    (folder / MARKER).unlink(missing_ok=True)
    _remove_others(folder, None)


def _new_place(folder: Path) -> Path:
    number = 1
    while (folder / f"{_ENVIRONMENT_PREFIX}{number}").exists():
        number += 1
    place = folder / f"{_ENVIRONMENT_PREFIX}{number}"
    try:
        place.mkdir(parents=True)
    except OSError as error:
        raise InputRefused(f"The folder {folder} cannot be written: {error.strerror or error}.", "Choose a folder of your own.") from error
    return place


def _make(place: Path, base: Interpreter, options: PipOptions, progress: Progress) -> Interpreter:
    progress(0.0, "Making the environment")
    if base.of_slicer:
        made = Interpreter(base.python, Source.PRIVATE, place)
        _install(made, options, ("--target", str(place)), progress)
    else:
        _run(base, ("-m", "venv", str(place)), 0.0, progress)
        made = Interpreter(place / ("Scripts/python.exe" if WINDOWS else "bin/python"), Source.PRIVATE)
        _install(made, options, (), progress)
    progress(_INSTALLED, "Trying it out")
    _must_work(probe(made))
    return made


def _install(made: Interpreter, options: PipOptions, target: tuple[str, ...], progress: Progress) -> None:
    bar = ("--progress-bar", _progress_bar(made, options, progress))
    requirements = REQUIREMENTS_OF_SLICER if made.packages else REQUIREMENTS
    _run(made, (*options.install(requirements), *bar, *target), _MADE, progress)


def _progress_bar(made: Interpreter, options: PipOptions, progress: Progress) -> str:
    """How this pip shows progress to a program: in bytes where it can."""
    said = "\n".join(_run(made, (*options.pip, "--version"), _MADE, progress))
    version = re.search(r"pip (\d+)\.(\d+)", said)
    return "raw" if version and tuple(map(int, version.groups())) >= RAW_PROGRESS_SINCE else "off"


def _run(python: Interpreter, arguments: tuple[str, ...], fraction: float, progress: Progress) -> list[str]:
    """Run a step and report its lines. Raises InstallationFailed with a sentence drawn from them."""
    said: list[str] = []
    shown = Shown(fraction)

    def listen(line: str) -> None:
        if line.strip():
            shown.hear(line)
            said.append(line)
        progress(shown.fraction, shown.message)

    launch = Launch((str(python.python), *arguments), child_environment(python), LIBRARY_FOLDER)
    try:
        code = run_with_lines(launch, listen)
    except OSError as error:
        raise InstallationFailed(f"{python.python} cannot be started: {error.strerror or error}.", "Choose another Python.") from error
    if code:
        raise explain_failure(said)
    return said


@dataclass
class Shown:
    """What the reader sees of a step: pip's last sentence, bytes while it downloads, and how far the whole is.

    Attributes:
        fraction: of the whole; never falls.
        message: one line.
    """

    fraction: float
    message: str = "Making the environment"
    file: str = ""

    def hear(self, line: str) -> None:
        """Take in one line of the child; warnings and the like are not for the reader."""
        line = line.strip()
        if match := re.match(r"Progress (\d+) of (\d+)", line):
            done_mb, all_mb = (int(number) / 1e6 for number in match.groups())
            self.message = f"{self.file or 'Downloading'}: {done_mb:.0f} of {all_mb:.0f} MB"
        elif line.startswith("Installing collected packages"):
            self.fraction, self.message = max(self.fraction, _DOWNLOADED), "Installing the packages (this takes a while)"
        elif line.startswith("Downloading"):
            self.file = self.message = re.sub(r"Downloading (\S*/)?(\S+?)-\d.*", r"\2", line)
        elif match := re.match(r"(Collecting|Processing|Using cached) (\S*/)?([^\s;<>=!~\[]+)", line):
            self.message = f"{match[1]} {match[3]}"


def explain_failure(said: list[str]) -> InstallationFailed:
    """A sentence and a remedy drawn from what pip or venv said."""
    text = "\n".join(said)
    for sign, what, remedy in _PIP_FAILURES:
        if re.search(sign, text, re.IGNORECASE):
            return InstallationFailed(f"The environment could not be made: {what}.", remedy)
    errors = [line.strip() for line in said if line.strip().lower().startswith("error")] or [line.strip() for line in said][-1:]
    return InstallationFailed(f"The environment could not be made: {errors[0] if errors else 'no reason was given'}", "See the log.")


def _must_work(found: Probe) -> None:
    if not found.ok:
        raise InstallationFailed(f"The environment was made, but does not work: {found.message}", found.remedy)


def _finish(folder: Path, made: Interpreter) -> None:
    """Write the marker: from here on the environment is the one in use."""
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    entry = {"python": str(made.python), "packages": str(made.packages) if made.packages else None, "made": now}
    partial = folder / (MARKER + ".partial")
    partial.write_text(json.dumps(entry, indent=2), encoding="utf-8")
    partial.replace(folder / MARKER)


def _remove_others(folder: Path, place: Path | None) -> None:
    """Remove environments that are not in use: old ones, and unfinished ones that a crash left behind."""
    for other in folder.glob(f"{_ENVIRONMENT_PREFIX}[0-9]*"):
        if other != place:
            shutil.rmtree(other, ignore_errors=True)
