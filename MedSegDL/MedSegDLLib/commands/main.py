"""The command line `medsegdl`: files in, files out, exit codes. torch is imported only by the command that needs it."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from .. import __version__
from ..errors import Cancelled, InputRefused, MedSegDLError, OutOfMemory
from ..worker.environment import TORCH_READS
from . import demo, evaluate, info, n4, segment
from .broken_pipe import lasting_output
from .terminal import NOTICE

EXIT_CODES = "exit codes: 0 done, 2 wrong usage, 3 input refused, 4 weights missing or not genuine, 5 out of memory, 130 cancelled"
COMMANDS = {
    "segment": (segment, "volumes or a picture in, segments out"),
    "n4": (n4, "bias-field correction of one MR volume"),
    "evaluate": (evaluate, "compare a segmentation with a reference"),
    "demo": (demo, "segment a phantom in a real MRML scene"),
    "info": (info, "versions, device, weights"),
}
NEEDED_PACKAGES = ("torch", "SimpleITK", "safetensors")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(prog="medsegdl", description=f"Segment brain tumours, livers and nuclei. {NOTICE}", epilog=EXIT_CODES)
    top.add_argument("--version", action="version", version=f"medsegdl {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, says) in COMMANDS.items():
        module.add(commands.add_parser(name, help=says, epilog=EXIT_CODES))
    return top


def _cancel(signum: int, frame: object) -> NoReturn:
    raise Cancelled()


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code. A user's mistake is one sentence on standard error; a mistake of ours is a traceback."""
    for name, value in TORCH_READS.items():
        os.environ.setdefault(name, value)
    parsed = parser().parse_args(arguments)
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, _cancel)
    try:
        with lasting_output(sys.stdout):
            parsed.run(parsed)
        return 0
    except MemoryError:
        error: MedSegDLError = OutOfMemory("The memory of this machine was not enough.", "Close other programs.")
    except ModuleNotFoundError as missing:
        if missing.name not in NEEDED_PACKAGES:
            raise
        error = InputRefused(f"The Python package {missing.name} is not installed.", "Install medsegdl with pip.")
    except MedSegDLError as failure:
        error = failure
    print(f"medsegdl: {error}", file=sys.stderr)
    return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
