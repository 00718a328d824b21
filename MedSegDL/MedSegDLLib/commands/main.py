"""The command line `medsegdl`: files in, files out, exit codes. torch is imported only by the command that needs it."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Sequence

from .. import __version__
from ..errors import InputRefused, MedSegDLError, memory_explained
from ..io.atomic import reason
from ..io.private_folder import sweep_private_folders
from ..io.time_limit import hanging
from ..worker.environment import TORCH_READS
from . import bundle, cohort, demo, dicomweb, evaluate, follow_up, import_network, info, n4, report, segment, serve
from .broken_pipe import lasting_output, refuse_lost_output
from .signals import cancelling
from .terminal import NOTICE

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
EXIT_CODES = "exit codes: 0 done, 2 wrong usage, 3 input refused, 4 weights missing or not genuine, 5 out of memory, 130 cancelled"
COMMANDS = {
    "segment": (segment, "volumes or a picture in, segments out"),
    "cohort": (cohort, "many cases: a folder each, a table, a page"),
    "dicomweb": (dicomweb, "a study out of an archive or sent by one, and its results back into it"),
    "serve": (serve, "one worker on this machine for many desks"),
    "bundle": (bundle, "one folder that installs without a network"),
    "import": (import_network, "a network that others trained, as weights of ours"),
    "n4": (n4, "bias-field correction of one MR volume"),
    "report": (report, "a result as one page for the reader, and as CSV"),
    "follow-up": (follow_up, "results of one patient over time: lesions matched, change, response"),
    "evaluate": (evaluate, "compare a segmentation with a reference"),
    "demo": (demo, "segment a phantom in a real MRML scene"),
    "info": (info, "versions, device, weights"),
}
NEEDED_PACKAGES = (
    "torch",
    "SimpleITK",
    "safetensors",
    "nibabel",
    "nrrd",
    "pydicom",
    "highdicom",
    "tifffile",
    "imagecodecs",
    "PIL",
)
EXTRA_PACKAGES = {"dicomweb_client": "pacs", "requests": "pacs", "pynetdicom": "pacs"}  # that `pip install "medsegdl[EXTRA]"` brings


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(prog="medsegdl", description=f"Segment brain tumours, livers and nuclei. {NOTICE}", epilog=EXIT_CODES)
    top.add_argument("--version", action="version", version=f"medsegdl {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, says) in COMMANDS.items():
        module.add(commands.add_parser(name, help=says, epilog=EXIT_CODES))
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code. A user's mistake is one sentence on standard error; a mistake of ours is a traceback."""
    for name, value in TORCH_READS.items():
        os.environ.setdefault(name, value)
    with lasting_output():
        parsed = parser().parse_args(arguments)
        error = _failure_of(parsed)
        if error is not None:
            print(f"medsegdl: {error}", file=sys.stderr)
        code = 0 if error is None else error.exit_code
        if hanging():  # a reading that was given up: the end of this process must not wait for it
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        return code


def _failure_of(parsed: argparse.Namespace) -> MedSegDLError | None:
    """Run the command; why it ended if it did not end well."""
    try:
        with cancelling(), memory_explained():
            sweep_private_folders()
            parsed.run(parsed)
            refuse_lost_output()
    except MedSegDLError as failure:
        return failure
    except OSError as failure:
        if failure.errno in NO_ROOM and failure.filename is None:  # a write says no more
            return InputRefused(f"A file could not be written: {reason(failure)}.", "Free some space, or set TMPDIR to a larger disk.")
        if failure.filename is None:
            raise
        why = (failure.strerror or "it is not there").lower()
        return InputRefused(f"{failure.filename!s} cannot be used: {why}.", "Check the path, its length and its permissions.")
    except ModuleNotFoundError as missing:
        extra = EXTRA_PACKAGES.get(missing.name)
        if missing.name not in NEEDED_PACKAGES and extra is None:
            raise
        what = f"'medsegdl[{extra}]'" if extra else "medsegdl"
        return InputRefused(f"The Python package {missing.name} is not installed.", f"Install {what} with pip.")
    return None


if __name__ == "__main__":
    sys.exit(main())
