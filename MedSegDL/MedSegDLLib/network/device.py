"""What the machine has: the device, its free memory, the process's peak. No other room asks the operating system."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import torch

from ..errors import UsageError
from ..io.free_memory import free_memory_bytes

_PACKAGES = ("torch", "numpy", "SimpleITK", "safetensors")


def choose_device(name: str) -> torch.device:
    """The torch device for `auto`, `cpu`, `cuda` or `cuda:n`.

    Raises:
        UsageError: an unknown name, or a GPU that is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, _, index = name.partition(":")
    if kind not in ("cpu", "cuda") or (index and not index.isdigit()) or (kind == "cpu" and index):
        raise UsageError(f"The device '{name}' is unknown.", "Use auto, cpu, cuda or cuda:0.")
    if kind == "cuda" and int(index or 0) >= torch.cuda.device_count():
        raise UsageError(f"There is no device '{name}' on this machine.", "Use --device cpu or auto.")
    return torch.device(name)


def available_memory_bytes(device: torch.device) -> int:
    """Free memory of a GPU, or memory of the machine that a process can still take; 8 GiB where nobody tells."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return free_memory_bytes()


def peak_memory_mb() -> float | None:
    """Most memory that this process has held at once, in MiB; None on Windows, where the standard library does not tell."""
    if sys.platform == "win32":
        return None
    import resource  # POSIX only

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)


def resident_memory_mb() -> float | None:
    """Memory that this process holds now, in MiB; None where only the peak is told (not Linux)."""
    if not sys.platform.startswith("linux"):
        return None
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20), 1)


def release_memory() -> None:
    """Hand freed memory back to the system where the C library keeps it (glibc): 170 MiB after a brain case, 0.02 s."""
    if sys.platform.startswith("linux"):
        with suppress(OSError, AttributeError):  # another C library has no malloc_trim
            ctypes.CDLL(None).malloc_trim(0)


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result."""
    versions = {"python": ".".join(str(part) for part in sys.version_info[:3])}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "unknown"  # Slicer's own SimpleITK comes without metadata
    return versions
