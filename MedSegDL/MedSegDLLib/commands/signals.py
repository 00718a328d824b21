"""Signals that ask a command to end: the first one cancels, later ones find it ending already and are not heard."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from ..errors import Cancelled

ASKING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))


@contextmanager
def cancelling() -> Iterator[None]:
    """Inside the block a signal raises `Cancelled` in the main thread, once; what the block found is put back after it.

    Signals that were ignored stay so: `nohup` and shells in the background mean it. Elsewhere than in the main thread nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in ASKING}
    heard = [number for number in ASKING if before[number] is not signal.SIG_IGN]

    def cancel(signum: int, frame: object) -> NoReturn:
        for number in heard:
            signal.signal(number, signal.SIG_IGN)
        raise Cancelled()

    for number in heard:
        signal.signal(number, cancel)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, signal.SIG_DFL if before[number] is None else before[number])
