"""Independent pieces of work side by side, one thread a core at most: reading and compressing files. No torch, no numpy.

Only for calls that leave Python's lock, as SimpleITK's readers (longest hold of a CT's 0.39 s: 0.01 s) and zlib do. N4 of several
volumes does not belong here: each takes hundreds of small steps (4 volumes one after the other 0.55 s of processor time, in two
threads 0.7 s; on a busy machine 0.7 s of wall time against 1.1 to 2.0 s; `python -m bench n4-threads`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def side_by_side(work: Callable[[Item], Answer], items: Sequence[Item]) -> list[Answer]:
    """`work` of every item, in order.

    Raises:
        what the first item, in their order, that failed raised. Nothing runs on by then, and what had not begun never does.
    """
    workers = min(cores(), len(items))
    if workers < 2:
        return [work(item) for item in items]
    pool = ThreadPoolExecutor(workers, "medsegdl")
    try:
        return list(pool.map(work, items))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
