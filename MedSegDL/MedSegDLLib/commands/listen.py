"""`medsegdl dicomweb --listen`: a station that receives studies by C-STORE, segments each, and sends the results back."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from ..errors import ERROR_KINDS, Cancelled, InputRefused, MedSegDLError, UsageError
from ..io.locks import held_alone
from ..tasks import chosen_task
from ..worker.environment import Interpreter, Source, worker_launch
from ..worker.processes import Launch, explain_exit, leashed, run_with_lines
from .terminal import NOTICE, path

QUEUE_FOLDER, LOCK_FILE = "queue", "listen.lock"
LAST_LINES = 20
GB = 2**30
LOOK_S = 0.2
CUT_FACTOR = 20  # a sender that was cut off mostly begins again within minutes


def add_listening(command: argparse.ArgumentParser) -> None:
    """Options of a station."""
    group = command.add_argument_group("a station that receives (--listen)")
    group.add_argument("--listen", metavar="AET:PORT", help="receive studies by C-STORE; AET@HOST:PORT for others than this machine")
    group.add_argument("--send-to", metavar="AET@HOST:PORT", help="send results by C-STORE (with URL and --send: by STOW)")
    group.add_argument("--quiet-s", type=float, default=30.0, metavar="S", help="a study is complete after so long (default: %(default)s)")
    group.add_argument("--keep-hours", type=float, default=24.0, metavar="H", help="slices are kept for late ones (default: %(default)s)")
    group.add_argument("--only", action="append", default=[], metavar="TAG=PATTERN", help="studies with such a tag only (Modality=CT)")
    group.add_argument("--from", dest="callers", action="append", default=[], metavar="AET", help="let in only these AE titles")
    group.add_argument("--certificate", type=path, metavar="FILE", help="PEM certificate: TLS (--ca: and who calls shows one too)")
    group.add_argument("--key", type=path, metavar="FILE", help="PEM key of the certificate")
    group.add_argument("--plain", action="store_true", help="let other machines in without TLS (a closed network)")


def listen(arguments: argparse.Namespace, stow: Callable[[Path], None] | None) -> None:
    """Receive and work until a signal comes.

    Args:
        arguments: of `add_listening`, `add_options`, `add_reading`.
        stow: stores one file over DICOMweb; None where that is not wanted.

    Raises:
        UsageError, InputRefused: options that make no sense, a port or folder that cannot be used.
        Cancelled: a signal came.
    """
    from ..io.write import prepare_folder
    from ..pacs.address import address
    from ..pacs.peer import Peer
    from ..pacs.queue import Queue
    from ..pacs.receiver import Limits, Receiver
    from ..pacs.station import Station
    from ..pacs.wanted import Wanted

    task = chosen_task(arguments.task, arguments.weights)
    _refuse_nonsense(arguments, stow)
    at, wanted, tls = address(arguments.listen), Wanted(arguments.only), _encryption(arguments)
    context = tls.server(at)
    send = stow
    if arguments.send_to:
        peer = address(arguments.send_to)
        send = Peer(peer, at.title, tls.client(peer)).send
    folder = prepare_folder(arguments.output).resolve()
    with held_alone(folder / LOCK_FILE) as alone:
        if not alone:
            raise InputRefused(f"Another station works in {folder}.", "Choose another folder, or end it.")
        queue = Queue(folder / QUEUE_FOLDER, int(arguments.most_gb * GB))
        station = Station(queue, folder, _segmenter(arguments, task.key), send, _pace(arguments), _tell)
        receiver = Receiver(at, queue, wanted, Limits(int(arguments.most_gb * GB), callers=tuple(arguments.callers)), context)
        print(f"Listening as {at.title} at {at.host}, port {receiver.port}. {NOTICE}", flush=True)
        try:
            station.start()
            while station.failure is None:
                time.sleep(LOOK_S)
            raise station.failure
        finally:
            receiver.close()
            station.close()


def _tell(sentence: str) -> None:
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {sentence}", flush=True)


def _refuse_nonsense(arguments: argparse.Namespace, stow: Callable[[Path], None] | None) -> None:
    if arguments.study:
        raise UsageError("--study names one study, and --listen takes those that come.", "Leave one of them out.")
    if stow is not None and arguments.send_to:
        raise UsageError("--send and --send-to name two archives.", "Give one of them.")
    if not (arguments.quiet_s > 0 and arguments.keep_hours >= 0 and arguments.most_gb > 0):
        raise UsageError("--quiet-s, --keep-hours and --most-gb are numbers above zero.", "Leave them out for the usual ones.")


def _encryption(arguments: argparse.Namespace):
    from ..pacs.address import Encryption

    return Encryption(arguments.certificate, arguments.key, arguments.ca, arguments.plain)


def _pace(arguments: argparse.Namespace):
    from ..pacs.station import Pace

    return Pace(arguments.quiet_s, arguments.quiet_s * CUT_FACTOR, arguments.keep_hours * 3600)


def _segmenter(arguments: argparse.Namespace, task: str) -> Callable[[Path, Path, Callable[[], None]], None]:
    """`medsegdl segment` as a child that ends with us, so that no study's end is ours."""
    given = _segment_arguments(arguments, task)
    python = worker_launch(Interpreter(Path(sys.executable), Source.SETTING))

    def segment(slices: Path, folder: Path, go_on: Callable[[], None]) -> None:
        said: deque[str] = deque(maxlen=LAST_LINES)

        def hear(line: str) -> None:
            if line:
                said.append(line)
            go_on()

        call = (sys.executable, "-m", "MedSegDLLib.commands.main", "segment", str(slices), "-o", str(folder), "--dicom", *given)
        code = run_with_lines(leashed(Launch(call, python.environment, python.folder)), hear)
        if code:
            raise _failure(code, list(said))

    return segment


def _failure(code: int, said: list[str]) -> MedSegDLError:
    """What a child ended with, as what it raised."""
    told = [line.removeprefix("medsegdl: ") for line in said if line.startswith("medsegdl: ")]
    for kind in ERROR_KINDS.values():
        if kind.exit_code == code and kind is not Cancelled and told:
            return kind(told[-1])
    failure = explain_exit(code if code != 1 else -9, ())
    return MedSegDLError(failure.message, "")


def _segment_arguments(arguments: argparse.Namespace, task: str) -> list[str]:
    """The options of `add_options` and `add_reading` as they were given."""
    given = ["--task", task, "--device", arguments.device, "--registration", arguments.registration]
    given += ["--brain-extraction", arguments.brain_extraction, "--mode", arguments.mode]
    given += ["--weights", os.fspath(arguments.weights.resolve())] if arguments.weights else []
    given += [part for text in arguments.series for part in ("--series", text)]
    given += ["--time-point", str(arguments.time_point)] if arguments.time_point is not None else []
    for switch in ("no_bias_correction", "uncertainty", "fill_gaps"):
        given += [f"--{switch.replace('_', '-')}"] if getattr(arguments, switch) else []
    return given
