"""Makes the private environment that the worker may run in, so that torch need never be installed into Slicer. Standard library only.

Runs venv and pip as children; blocking: call it in the background (`background.Background`), or from a command line.
"""

from __future__ import annotations

import datetime
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .environment import LIBRARY_FOLDER, MARKER, Interpreter, Probe, Source, child_environment, probe
from .errors import InputRefused, MedSegDLError
from .processes import WINDOWS, Launch, run_with_lines

Progress = Callable[[float, str], None]

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


def _quiet(fraction: float, message: str) -> None:
    """The default progress: nobody listens."""


def make_environment(folder: Path, base: Interpreter, options: PipOptions = PipOptions(), progress: Progress = _quiet) -> Interpreter:
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
