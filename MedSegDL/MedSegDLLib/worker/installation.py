"""The private environment: a folder of packages beside Slicer's Python, or a venv, made by pip, replaced and removed as a whole.

Runs pip as a child and blocks: call it in the background (`client.Background`). Standard library only.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import math
import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from ..errors import Cancelled, InputRefused, MedSegDLError
from ..progress import Progress, quiet
from .bundles import wheels_in
from .environment import (
    LIBRARY_FOLDER,
    MARKER,
    REQUIREMENTS,
    REQUIREMENTS_OF_SLICER,
    TORCH,
    Interpreter,
    Probe,
    Source,
    child_environment,
    probe,
)
from .processes import WINDOWS, Launch, leashed, run_with_lines

CPU_INDEX = "https://download.pytorch.org/whl/cpu"  # wheels without CUDA: 0.2 GB instead of several
_SIZES_CPU = (210_000_000, 950_000_000)  # bytes to download and on disk: torch 2.13.0+cpu with sympy, networkx and the like
_SIZES_CUDA = (3_090_000_000, 5_400_000_000)  # the public wheel of Linux with NVIDIA's libraries
_SIGNS_OF_A_GPU = ("proc/driver/nvidia/version", "dev/nvidiactl", "dev/nvidia0", "usr/lib/wsl/lib/libcuda.so.1")
LINE_BYTES_PER_S = 6e6  # 50 Mbit/s
UNPACK_BYTES_PER_S = 20e6  # a laptop's disk with a virus scanner
DOWNLOADS = "downloads"  # beside the environments: what the next try need not download again
_TEMPORARY = "tmp"
_QUIET = ("--no-input", "--disable-pip-version-check")
RAW_PROGRESS_SINCE = (24, 1)  # pip's --progress-bar=raw
_ENVIRONMENT_PREFIX = "env"  # short: torch's own paths come near to Windows' limit of 260
_MADE, _DOWNLOADED, _INSTALLED, _TRIED = 0.05, 0.7, 0.9, 0.98  # of the whole, by time on a fast line

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
        wheels: a folder of wheels, or a bundle (`medsegdl bundle`), which is checked; then nothing is downloaded.
        arguments: further arguments of `pip install`.
        pip: how the new Python calls pip.
    """

    requirements: tuple[str, ...] | None = None
    cpu_only: bool = False
    wheels: Path | None = None
    arguments: tuple[str, ...] = ()
    pip: tuple[str, ...] = ("-m", "pip")

    def install(self, requirements: tuple[str, ...]) -> tuple[str, ...]:
        """Arguments after `pip install`, less the progress bar's."""
        source = ("--no-index", "--find-links", str(self.wheels)) if self.wheels is not None else ()
        return (*_QUIET, "--prefer-binary", *source, *self.arguments, *(self.requirements or requirements))


@dataclass(frozen=True)
class Plan:
    """What making an environment costs, told before it begins.

    Attributes:
        cpu_only: whether torch comes without CUDA.
        download_bytes, disk_bytes: measured for torch 2.13 and what it needs on Linux.
    """

    cpu_only: bool
    download_bytes: int
    disk_bytes: int

    @property
    def minutes(self) -> float:
        """Downloading on a line of 50 Mbit/s and unpacking, rounded up."""
        return math.ceil((self.download_bytes / LINE_BYTES_PER_S + self.disk_bytes / UNPACK_BYTES_PER_S) / 60)


def plan(cpu_only: bool | None = None) -> Plan:
    """What `make_environment` will cost here; None asks the machine. Elsewhere than on Linux the public wheels are without CUDA."""
    without = not (sys.platform.startswith("linux") and has_nvidia_gpu()) if cpu_only is None else cpu_only
    return Plan(without, *(_SIZES_CPU if without else _SIZES_CUDA))


def has_nvidia_gpu(platform: str = sys.platform, root: Path = Path("/")) -> bool:
    """Whether this machine has a GPU that CUDA can use, by its driver; without importing torch."""
    if platform == "win32":
        return (Path(os.environ.get("SYSTEMROOT", "C:/Windows")) / "System32" / "nvcuda.dll").exists()
    return any(
        (root / sign).exists() for sign in ("proc/driver/nvidia/version", "dev/nvidiactl", "dev/nvidia0", "usr/lib/wsl/lib/libcuda.so.1")
    )


def fitting_options() -> PipOptions:
    """Where packages come from on this machine: without CUDA where nothing could use it; only Linux' public wheels bring it."""
    return PipOptions(cpu_only=sys.platform.startswith("linux") and not has_nvidia_gpu())


def make_environment(folder: Path, base: Interpreter, options: PipOptions | None = None, progress: Progress = quiet) -> Interpreter:
    """Make the private environment: a venv of `base`, or, where that is Slicer's Python, a folder of packages beside it.

    A finished one in the same folder stays in use until the new one works; then it is removed. A new one that fails, or is
    cancelled, is removed; what was downloaded stays, so that the next try goes on there. Once the new one is in use it is done:
    a cancel that comes later changes nothing.

    Args:
        folder: see `environment.default_folder`.
        base: the Python it is made with.
        options: where packages come from; None takes what fits the machine.
        progress: called with (fraction, message) at least five times a second; may raise `Cancelled`.

    Returns:
        the new environment's Python.

    Raises:
        InstallationFailed: a step failed, or the environment does not work.
        InputRefused: the folder cannot be written, another process is at it, the disk is too small, or the folder of wheels is not there.
        Cancelled: `progress` raised it.
    """
    options = options or fitting_options()
    if options.wheels is not None and not options.wheels.is_dir():
        raise InputRefused(f"The folder of wheels {options.wheels} is not there.", "Choose the folder that holds the .whl files.")
    if options.wheels is not None:
        options = replace(options, wheels=wheels_in(options.wheels, progress))
    place = None
    with alone(folder):
        try:
            _must_fit(folder, options)
            place = _new_place(folder)
            made = _make(place, base, options, progress)
            progress(_TRIED, "Taking it into use")
            _finish(folder, made)
        except BaseException:
            if place is not None:
                shutil.rmtree(place, ignore_errors=True)
            raise
        _remove_others(folder, place)
        shutil.rmtree(folder / DOWNLOADS, ignore_errors=True)
        shutil.rmtree(place / _TEMPORARY, ignore_errors=True)
    with contextlib.suppress(Cancelled):  # too late: it is in use
        progress(1.0, "Done")
    return made


def remove_environment(folder: Path) -> None:
    """Remove the private environment, and only what this room has made in the folder.

    Raises:
        InputRefused: it is being made, by this process or another one.
    """
    with alone(folder):
        (folder / MARKER).unlink(missing_ok=True)
        _remove_others(folder, None)
        shutil.rmtree(folder / DOWNLOADS, ignore_errors=True)


def environment_bytes(folder: Path) -> int:
    """What the private environment, and what was downloaded for it, takes on disk; 0 where there is none. Walks 20,000 files."""
    ours = [*folder.glob(f"{_ENVIRONMENT_PREFIX}[0-9]*"), folder / DOWNLOADS]
    return sum(_folder_bytes(place) for place in ours)


def _folder_bytes(place: Path) -> int:
    total = 0
    for parent, _folders, files in os.walk(place):
        for name in files:
            with contextlib.suppress(OSError):  # files come and go while pip works
                total += os.lstat(os.path.join(parent, name)).st_size  # noqa: PTH118 - Path costs four times as long
    return total


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep every other process out of the folder; the system lets go of the lock however this one ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = folder.with_name(folder.name + ".lock").open("a")
    except OSError as error:
        raise InputRefused(f"The folder {folder} cannot be written: {error.strerror or error}.", "Choose a folder of your own.") from error
    with lock:
        try:
            _lock(lock)
        except OSError as error:
            message = "The private environment is being made or removed already."
            raise InputRefused(message, "Wait for it, or cancel it where it was begun.") from error
        yield


def _lock(file: IO[str]) -> None:
    if WINDOWS:
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _must_fit(folder: Path, options: PipOptions) -> None:
    """Refuse to begin what the disk cannot hold, where the sizes are known."""
    if options.requirements is not None or options.wheels is not None:
        return
    needed, free = plan(options.cpu_only), shutil.disk_usage(folder).free
    if free < needed.disk_bytes + needed.download_bytes:
        gigabytes = (needed.disk_bytes + needed.download_bytes) / 1e9
        message = f"The private environment needs {gigabytes:.1f} GB in {folder}, and {free / 1e9:.1f} GB are free."
        raise InputRefused(message, "Free some space there, or use a Python that has torch.")


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
        _run(base, ("-m", "venv", str(place)), Shown(0.0), progress)
        made = Interpreter(place / ("Scripts/python.exe" if WINDOWS else "bin/python"), Source.PRIVATE)
        _install(made, options, (), progress)
    _must_work(probe(made, heartbeat=lambda: progress(_INSTALLED, "Trying it out")))
    return made


def _install(made: Interpreter, options: PipOptions, target: tuple[str, ...], progress: Progress) -> None:
    work = _Work(made, options, made.packages or made.python.parents[1], progress)
    work.run("--version")
    requirements = REQUIREMENTS_OF_SLICER if made.packages else REQUIREMENTS
    if options.cpu_only and options.wheels is None:
        requirements = (str(work.torch_without_cuda()), *(name for name in requirements if name != TORCH))
    work.run("install", *options.install(requirements), *work.bar, *target)


def pip_in(made: Interpreter, place: Path, options: PipOptions, arguments: tuple[str, ...], progress: Progress) -> None:
    """`pip install` for a finished environment, pip's own files in `place`. Raises InstallationFailed, Cancelled."""
    work = _Work(made, options, place, progress)
    work.run("--version")
    work.run("install", *replace(options, requirements=()).install(arguments), *work.bar)


@dataclass
class _Work:
    """pip at work in a new place: what it says and how far it is.

    Attributes:
        python: whose pip.
        options: where packages come from.
        place: the environment's own folder; pip's temporary files lie in it, so that nothing is left elsewhere.
        progress: whom to tell.
        bar: pip's own progress in bytes, where this pip has it.
    """

    python: Interpreter
    options: PipOptions
    place: Path
    progress: Progress
    bar: tuple[str, ...] = ("--progress-bar", "off")

    def run(self, command: str, *arguments: str) -> None:
        """Run pip. Raises InstallationFailed."""
        cache = () if command == "--version" else ("--cache-dir", str(self.place.parent / DOWNLOADS / "cache"))
        shown = Shown(_MADE, expected_bytes=(_SIZES_CPU if self.options.cpu_only else _SIZES_CUDA)[0])
        said = _run(self.python, (*self.options.pip, command, *cache, *arguments), shown, self.progress, self.place / _TEMPORARY)
        version = re.search(r"pip (\d+)\.(\d+)", "\n".join(said)) if command == "--version" else None
        if version and tuple(map(int, version.groups())) >= RAW_PROGRESS_SINCE:
            self.bar = ("--progress-bar", "raw")

    def torch_without_cuda(self) -> Path:
        """torch's wheel from the index of CPU builds, downloaded unless it was before.

        Asked for alone: beside the public index pip takes the newer version, and that may be the public one, with CUDA.
        """
        kept = self.place.parent / DOWNLOADS
        wanted = ("--no-deps", "--dest", str(kept), "--index-url", CPU_INDEX, *_QUIET, *self.options.arguments, TORCH)
        self.run("download", *self.bar, *wanted)
        return max(kept.glob("torch-*.whl"), key=lambda path: path.stat().st_mtime)


def _run(python: Interpreter, arguments: tuple[str, ...], shown: Shown, progress: Progress, temporary: Path | None = None) -> list[str]:
    """Run a step and report its lines, and the bytes that lie in its temporary folder; it ends with this process, however that ends.

    Raises:
        InstallationFailed: with a sentence drawn from what it said.
    """
    said: list[str] = []

    def listen(line: str) -> None:
        if line.strip():
            shown.hear(line)
            said.append(line)
        elif temporary is not None:
            shown.see(_folder_bytes(temporary))
        progress(shown.fraction, shown.message)

    environment = child_environment(python)
    if temporary is not None:
        temporary.mkdir(parents=True, exist_ok=True)
        environment |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))
    try:
        code = run_with_lines(leashed(Launch((str(python.python), *arguments), environment, LIBRARY_FOLDER)), listen)
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
        file: what is being downloaded.
        expected_bytes: of all downloads together; 0 where nothing is downloaded.
    """

    fraction: float
    message: str = "Making the environment"
    file: str = ""
    expected_bytes: int = 0
    _counted: bool = False

    def see(self, size: int) -> None:
        """Take in how many bytes there are of what is being downloaded: pip of Slicer's Python (23.2) is silent through a pipe."""
        if self.file and not self._counted and self.expected_bytes:
            self.message = f"{self.file}: {size / 1e6:.0f} MB so far"
            part = min(1.0, size / self.expected_bytes)
            self.fraction = max(self.fraction, _MADE + part * (_DOWNLOADED - _MADE))

    def hear(self, line: str) -> None:
        """Take in one line of the child; warnings and the like are not for the reader."""
        line = line.strip()
        if match := re.match(r"Progress (\d+) of (\d+)", line):
            self._counted = True
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
