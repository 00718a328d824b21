"""The commands of `medsegdl-train`, one module each: `add(parser)` declares options, `run(options) -> exit code` does the work.

Nothing heavy is imported before a command runs.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

NAMES = (
    "new-task",
    "inspect",
    "unpack",
    "plan",
    "cache",
    "evaluate",
    "describe",
    "calibrate",
    "thresholds",
    "summarise",
    "report",
    "submit",
)


def add_all(commands: Any) -> None:
    """Put every command under an argparse sub-parser."""
    for name in NAMES:
        module = import_module(f".{name.replace('-', '_')}", __name__)
        parser = commands.add_parser(name, help=module.HELP, description=module.HELP[0].upper() + module.HELP[1:] + ".")
        module.add(parser)
        parser.set_defaults(command=_ignoring_the_line(module.run))


def _ignoring_the_line(run: Callable[[Any], int]) -> Callable[[Any, list[str]], int]:
    return lambda options, line: run(options)
