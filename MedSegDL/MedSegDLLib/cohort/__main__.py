"""`python -m MedSegDLLib.cohort`: the worker of a cohort: a process that takes cases by the worker's protocol."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from ..progress import Progress
from ..worker.server import main
from ..worker.services import Services
from .orders import Order
from .remote import carry_out

FIRST_TO_GO = "500"  # proc(5), oom_score_adj: where memory runs out the system shall end a worker, never the driver or the desktop


def case(payload: dict, progress: Progress) -> dict:
    """One order in, its outcome out."""
    return carry_out(payload, progress)


def forecast(payload: dict, progress: Progress) -> dict:
    """What an order will take."""
    from . import one_case

    return one_case.forecast(Order.from_json(payload))


if __name__ == "__main__":
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO, encoding="ascii")
    sys.exit(main(Services(more={"case": case, "forecast": forecast})))
