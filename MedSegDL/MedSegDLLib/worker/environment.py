"""Which Python runs the worker, what it has, what it needs, and the clean environment it gets. Standard library only.

torch need never be installed into Slicer: `installation` makes a private environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from .processes import HEARTBEAT_S, WINDOWS, Launch, kill_tree, start_tree

PYTHON_VARIABLE = "MEDSEGDL_PYTHON"
LIBRARY_FOLDER = Path(__file__).resolve().parents[2]  # holds MedSegDLLib
WORKER_MODULE = "MedSegDLLib.worker"
MARKER = "medsegdl-environment.json"  # written last: an environment without it is unfinished
OLDEST_PYTHON = (3, 10)
PACKAGES = ("torch", "numpy", "SimpleITK", "safetensors")
TORCH = "torch>=2.10"  # 2.9 computes 3-D convolutions slowly, older ones load pickles unsafely
SAFETENSORS = "safetensors>=0.4.5"
REQUIREMENTS = (TORCH, "numpy>=1.26", "SimpleITK>=2.4", SAFETENSORS, "pydicom>=3.0", "highdicom>=0.27")  # the last two: 'Save as DICOM'
REQUIREMENTS_OF_SLICER = (TORCH, SAFETENSORS)  # numpy and SimpleITK are Slicer's own
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
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
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


def probe(interpreter: Interpreter, limit_s: float = PROBE_LIMIT_S, heartbeat: Callable[[], None] = lambda: None) -> Probe:
    """Ask a Python what it has. Takes as long as importing torch does: call it in the background (`client.Background`).

    Args:
        interpreter: whom to ask.
        limit_s: how long to wait for the answer.
        heartbeat: called every `HEARTBEAT_S`; what it raises ends the child and passes through.
    """
    code = _PROBE_CODE.format(packages=list(PACKAGES))
    launch = Launch((str(interpreter.python), "-c", code), child_environment(interpreter), LIBRARY_FOLDER)
    try:
        process = start_tree(launch)
    except OSError as error:
        return _refused(f"{interpreter.python} cannot be started: {error.strerror or error}.")
    try:
        answer, errors = _communicate(process, limit_s, heartbeat)
    except subprocess.TimeoutExpired:
        return _refused(f"{interpreter.python} did not answer within {limit_s:.0f} s.")
    return judge(interpreter.python, answer.decode("utf-8", "replace"), errors.decode("utf-8", "replace"))


def _communicate(process: subprocess.Popen, limit_s: float, heartbeat: Callable[[], None]) -> tuple[bytes, bytes]:
    deadline = time.monotonic() + limit_s
    try:
        while True:
            heartbeat()
            try:
                return process.communicate(timeout=min(HEARTBEAT_S, limit_s))
            except subprocess.TimeoutExpired:
                if time.monotonic() >= deadline:
                    raise
    except BaseException:
        kill_tree(process)
        process.communicate()
        raise


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
