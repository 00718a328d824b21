"""What the machine has: the device, its free memory, the process's peak. No other room asks the operating system."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path

import torch

from ..errors import UsageError
from ..io.free_memory import free_memory_bytes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
_SMALL_BLOCK, _GLIBC_MOST = 1 << 20, 32 << 20  # bytes; the latter is DEFAULT_MMAP_THRESHOLD_MAX of a 64-bit glibc
_PACKAGES = ("torch", "numpy", "SimpleITK", "safetensors")


def choose_device(name: str) -> torch.device:
    """The torch device for `auto` (CUDA before MPS before the CPU), `cpu`, `cuda`, `cuda:n` or `mps`.

    Raises:
        UsageError: an unknown name, or a GPU that is not there.
    """
    there = {"cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0, "mps": int(torch.backends.mps.is_available()), "cpu": 1}
    if name == "auto":
        return torch.device(next(kind for kind, count in there.items() if count))
    kind, _, index = name.partition(":")
    if kind not in there or (":" in name and (kind != "cuda" or not index.isdecimal())):
        raise UsageError(f"The device '{name}' is unknown.", "Use auto, cpu, cuda, cuda:0 or mps.")
    if int(index or 0) >= there[kind]:
        raise UsageError(f"There is no device '{name}' on this machine.", "Use --device cpu or auto.")
    return torch.device(name)


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Within: products and convolutions on a CUDA device keep float32's 24 bits; TF32, torch's default for convolutions, keeps 11."""
    if device.type != "cuda":
        yield
        return
    switches = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [switch.allow_tf32 for switch in switches]
    try:
        for switch in switches:
            switch.allow_tf32 = False
        yield
    finally:
        for switch, value in zip(switches, before):
            switch.allow_tf32 = value


def available_memory_bytes(device: torch.device) -> int:
    """Free memory of a GPU with what torch holds there unused, or memory that this process can still take; 8 GiB where nobody tells."""
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + unused
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory())
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


def release_memory(device: torch.device | None = None) -> None:
    """Hand freed memory back: an accelerator's to its driver, and the system's where the C library keeps it (glibc).

    170 MiB after a brain case, 0.02 s.
    """
    gc.collect()
    if device is not None and device.type in ("cuda", "mps"):
        {"cuda": torch.cuda, "mps": torch.mps}[device.type].empty_cache()
    if sys.platform.startswith("linux"):
        with suppress(OSError, AttributeError):  # another C library has no malloc_trim
            ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def freed_at_once() -> Iterator[None]:
    """Within: the C library (glibc) hands large blocks back as soon as they are freed, so that holes between them cost nothing.

    By itself it keeps blocks below 32 MiB for the next request once one of that size was freed: 0.2 of 0.6 GiB of a picture of 1500x1500
    in slabs. Pages that come anew cost some percent of time; after it the C library is set to the most that it would keep by itself.
    """
    library = ctypes.CDLL(None) if sys.platform.startswith("linux") else None
    if not hasattr(library, "mallopt"):  # another C library, or another system
        yield
        return
    library.mallopt(_M_MMAP_THRESHOLD, _SMALL_BLOCK)
    try:
        yield
    finally:
        library.mallopt(_M_MMAP_THRESHOLD, _GLIBC_MOST)
        library.mallopt(_M_TRIM_THRESHOLD, 2 * _GLIBC_MOST)


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result."""
    versions = {"python": ".".join(str(part) for part in sys.version_info[:3])}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "unknown"  # Slicer's own SimpleITK comes without metadata
    return versions
