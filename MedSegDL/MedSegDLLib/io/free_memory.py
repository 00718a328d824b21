"""How much memory the machine can still give: asked before an array is made that a header claims. Standard library only."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

UNKNOWN_BYTES = 8 << 30  # where nobody tells


def free_memory_bytes() -> int:
    """Memory that a process of this machine can still take; 8 GiB where nobody tells."""
    if sys.platform.startswith("linux"):
        fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
        return int(fields["MemAvailable"].split()[0]) * 1024
    if sys.platform == "win32":
        return _windows_free_bytes()
    if "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return UNKNOWN_BYTES


def _windows_free_bytes() -> int:
    class MemoryStatus(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong)] + [(name, ctypes.c_ulonglong) for name in "abcdefg"]

    status = MemoryStatus(length=ctypes.sizeof(MemoryStatus))
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
    return int(status.b)
