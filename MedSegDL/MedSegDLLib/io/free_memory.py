"""How much memory this process can still take: asked before arrays are made that a header claims or a network needs.

Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress
from pathlib import Path

UNKNOWN_BYTES = 8 << 30  # where nobody tells
CGROUP_FILES = (  # a container's limit, its use, and in its statistics the cached files, which give way
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat", "inactive_file"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        "/sys/fs/cgroup/memory/memory.stat",
        "total_inactive_file",
    ),
)


def free_memory_bytes() -> int:
    """Memory that this process can still take: what is free, within the limits set to it; 8 GiB where nobody tells."""
    if sys.platform.startswith("linux"):
        fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
        return max(0, min(int(fields["MemAvailable"].split()[0]) * 1024, *_limits_bytes()))
    if sys.platform == "win32":
        return _windows_free_bytes()
    if "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return UNKNOWN_BYTES


def _limits_bytes() -> list[int]:
    """What is left of this process's own limits on Linux: `ulimit -v`, and a container's (cgroup 2 or 1); a large number where none is."""
    import resource  # POSIX only

    left = [1 << 62]
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    if most != resource.RLIM_INFINITY:
        left.append(most - int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE"))
    for limit, used, statistics, cached in CGROUP_FILES:
        with suppress(OSError, ValueError):  # another system has no such file, and "max" is no limit
            most, now, lines = (Path(file).read_text(encoding="ascii") for file in (limit, used, statistics))
            gives_way = sum(int(line.split()[1]) for line in lines.splitlines() if line.split()[:1] == [cached])
            left.append(int(most) - int(now) + gives_way)
    return left


def _windows_free_bytes() -> int:
    class MemoryStatus(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong)] + [(name, ctypes.c_ulonglong) for name in "abcdefg"]

    status = MemoryStatus(length=ctypes.sizeof(MemoryStatus))
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
    return int(status.b)
