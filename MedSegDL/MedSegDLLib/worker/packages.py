"""Packages that only some networks need, put into the private environment when such a network is chosen, whole or not at all.

Runs pip as a child and blocks: call it in the background (`client.Background`). Standard library only.
"""

from __future__ import annotations

import importlib.util
import math
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputRefused
from ..progress import Progress, quiet
from .environment import Interpreter, private_interpreter
from .installation import DOWNLOADS, LINE_BYTES_PER_S, UNPACK_BYTES_PER_S, InstallationFailed, PipOptions, alone, pip_in

ADDED = "added"  # beside the environments, while pip fills it


@dataclass(frozen=True)
class Package:
    """A package as pip knows it.

    Attributes:
        requirement: for pip.
        download_bytes, disk_bytes: measured on Linux, 2026-11.
    """

    requirement: str
    download_bytes: int
    disk_bytes: int


# By the name under which it is imported. What they ask for besides is left out (`--no-deps`): torch and numpy are there, must not change,
# and nothing else is imported by the networks.
PACKAGES = {
    "dynamic_network_architectures": Package("dynamic-network-architectures>=0.4.4", 54_000, 600_000),
    "monai": Package("monai>=1.5.2", 1_700_000, 16_000_000),
    "scipy": Package("scipy>=1.13", 35_300_000, 143_000_000),
}
PACKAGES_OF_PLAN = {  # by the kind of the plan in the manifest
    "nnunet": ("dynamic_network_architectures", "scipy"),  # what builds the network, and what resamples as its origin does
    "monai": ("monai", "scipy"),
    "deepbet": (),
}


@dataclass(frozen=True)
class Cost:
    """What adding packages costs, told before it begins."""

    download_bytes: int
    disk_bytes: int

    @property
    def minutes(self) -> float:
        """Downloading on a line of 50 Mbit/s and unpacking, rounded up."""
        return math.ceil((self.download_bytes / LINE_BYTES_PER_S + self.disk_bytes / UNPACK_BYTES_PER_S) / 60)


def cost(names: Iterable[str]) -> Cost:
    """Of packages of `PACKAGES`; others count nothing."""
    known = [PACKAGES[name] for name in names if name in PACKAGES]
    return Cost(sum(one.download_bytes for one in known), sum(one.disk_bytes for one in known))


def missing(folder: Path, names: Iterable[str]) -> tuple[str, ...]:
    """Those packages that the private environment has not; all where there is none. Beside Slicer's Python what Slicer bundles counts."""
    made = private_interpreter(folder)
    site = None if made is None else _site(made)
    bundled = made is not None and made.packages is not None
    return tuple(
        name for name in names if site is None or not ((site / name).is_dir() or (bundled and importlib.util.find_spec(name) is not None))
    )


def add_packages(folder: Path, names: Iterable[str], options: PipOptions | None = None, progress: Progress = quiet) -> None:
    """Put packages into the private environment.

    They are installed beside it and moved into it when all are there: one that fails or is cancelled leaves it as it was.

    Args:
        folder: of the private environment; see `environment.default_folder`.
        names: keys of `PACKAGES`.
        options: where packages come from.
        progress: called with (fraction, message) at least five times a second; may raise `Cancelled`.

    Raises:
        InputRefused: there is no private environment, another process is at it, or a package is none of the list.
        InstallationFailed: pip failed.
        Cancelled: `progress` raised it.
    """
    made = private_interpreter(folder)
    if made is None:
        raise InputRefused("There is no private environment.", "Make it first (Advanced), or install the packages by hand.")
    unknown = sorted(set(names) - set(PACKAGES))
    if unknown:
        raise InputRefused(f"The package {unknown[0]} is none that a network needs.", f"Choose among {', '.join(PACKAGES)}.")
    with alone(folder):
        place = folder / ADDED
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        try:
            wanted = tuple(PACKAGES[name].requirement for name in names)
            pip_in(made, place, options or PipOptions(), ("--no-deps", "--target", str(place / "site"), *wanted), progress)
            _move(place / "site", _site(made))
            shutil.rmtree(folder / DOWNLOADS, ignore_errors=True)
        finally:
            shutil.rmtree(place, ignore_errors=True)


def _site(made: Interpreter) -> Path:
    """Where the environment's packages lie."""
    if made.packages is not None:
        return made.packages
    found = [*made.python.parents[1].glob("lib/python*/site-packages"), *made.python.parents[1].glob("Lib/site-packages")]
    if not found:
        raise InstallationFailed(f"{made.python} has no folder for packages.", "Make the private environment anew.")
    return found[0]


def _move(source: Path, target: Path) -> None:
    """Everything of a folder into another one; what has the same name there is an older state of it."""
    for entry in sorted(source.iterdir()):
        old = target / entry.name
        if old.is_dir() and entry.name == "bin":  # commands of several packages
            shutil.copytree(entry, old, dirs_exist_ok=True)
            continue
        if old.is_dir():
            shutil.rmtree(old)
        entry.replace(old)
