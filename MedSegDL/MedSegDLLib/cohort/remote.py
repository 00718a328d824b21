"""What an engine sends to another process or machine: the function of a case, light to import and to pickle; torch comes with the call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..progress import Progress, quiet
from .orders import FAILED, Order, Outcome

MOST_STARTS = 3  # of one case within one run: a scheduler may start it again without end (Ray 2.60 does where memory runs out)
STARTS_FILE = ".starts-{run}"


def carry_out(entry: Mapping[str, object], progress: Progress = quiet) -> dict:
    """One order in, its outcome out, both as JSON types."""
    from .one_case import run_order

    return run_order(Order.from_json(dict(entry)), progress).to_json()


def carry_out_counted(entry: Mapping[str, object], run: str) -> dict:
    """`carry_out`, for schedulers that start a case anew where its process or machine was lost: not more than `MOST_STARTS` times a run.

    Args:
        entry: the order.
        run: name of this run; starts of others do not count.
    """
    order = Order.from_json(dict(entry))
    folder = Path(order.folder)
    folder.mkdir(parents=True, exist_ok=True)
    starts = folder / STARTS_FILE.format(run=run)
    with starts.open("ab") as stream:
        stream.write(b".")
    if starts.stat().st_size > MOST_STARTS:
        starts.unlink()
        says = f"Its process was lost {MOST_STARTS} times, most likely because memory ran out."
        return Outcome(order.case, FAILED, "memory", says, "Use a machine with more memory, or crop the images.").to_json()
    outcome = carry_out(entry)
    starts.unlink(missing_ok=True)
    if outcome["status"] == FAILED and not any(folder.iterdir()):
        folder.rmdir()
    return outcome
