"""A run for TensorBoard: every log entry's numbers as scalars. The log stays the truth; this is for watching (extra `watch`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from MedSegDLLib.errors import UsageError

FOLDER = "tensorboard"
Report = Callable[[dict[str, Any]], None]


@contextmanager
def board(folder: Path) -> Iterator[Report]:
    """A function to be told every step's log entry; it writes below `folder`/tensorboard.

    Raises:
        UsageError: tensorboard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UsageError("TensorBoard is not installed.", 'pip install "medsegdl-training[watch]", or watch log.jsonl.') from error
    writer = SummaryWriter(str(folder / FOLDER), flush_secs=10)

    def report(entry: dict[str, Any]) -> None:
        for name, value in entry.items():
            if name != "step" and isinstance(value, (int, float)):
                writer.add_scalar(name, value, entry["step"])

    try:
        yield report
    finally:
        writer.close()


def both(*reports: Report) -> Report:
    """One function that tells several."""

    def report(entry: dict[str, Any]) -> None:
        for tell in reports:
            tell(entry)

    return report
