"""The command line `medsegdl`: files in, files out, exit codes. torch is imported only by the command that needs it."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from . import __version__
from .environment import TORCH_READS
from .errors import Cancelled, InputRefused, MedSegDLError, OutOfMemory, UsageError
from .patience import patient_output
from .tasks import TASKS, Task

Progress = Callable[[float, str], None]

NOTICE = "Research software, not a medical device."
EXIT_CODES = "exit codes: 0 done, 2 wrong usage, 3 input refused, 4 weights missing or not genuine, 5 out of memory, 130 cancelled"


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(prog="medsegdl", description=f"Segment brain tumours, livers and nuclei. {NOTICE}", epilog=EXIT_CODES)
    top.add_argument("--version", action="version", version=f"medsegdl {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_segment(commands.add_parser("segment", help="volumes or a picture in, segments out", epilog=EXIT_CODES))
    _add_n4(commands.add_parser("n4", help="bias-field correction of one MR volume", epilog=EXIT_CODES))
    _add_evaluate(commands.add_parser("evaluate", help="compare a segmentation with a reference", epilog=EXIT_CODES))
    demo = commands.add_parser("demo", help="segment a phantom in a real MRML scene")
    demo.add_argument(
        "-o", "--output", type=Path, default=Path("out/demo"), metavar="DIR", help="folder for its files (default %(default)s)"
    )
    demo.set_defaults(run=run_demo)
    info = commands.add_parser("info", help="versions, device, weights")
    info.add_argument("--json", action="store_true", help="as JSON")
    info.set_defaults(run=run_info)
    return top


def _add_segment(command: argparse.ArgumentParser) -> None:
    command.add_argument("--task", required=True, choices=sorted(TASKS), help="what to segment")
    for task in TASKS.values():
        group = command.add_argument_group(f"inputs of --task {task.key}")
        for entry in task.inputs:
            group.add_argument(f"--{entry.key}", type=Path, metavar="FILE", help=f"{entry.title}: file, DICOM folder or zip")
    command.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder for the results")
    command.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:n (default: %(default)s)")
    command.add_argument("--weights", type=Path, metavar="FILE", help="a .safetensors file instead of the shipped one")
    command.add_argument("--no-bias-correction", action="store_true", help="leave N4 out")
    command.add_argument("--mode", choices=("fast", "accurate"), default="fast", help="accurate averages over mirrored images")
    command.add_argument("--uncertainty", action="store_true", help="also write the entropy image")
    command.set_defaults(run=run_segment)


def _add_n4(command: argparse.ArgumentParser) -> None:
    command.add_argument("input", type=Path, help="the volume")
    command.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the corrected volume")
    command.add_argument("--mask", type=Path, metavar="FILE", help="voxels that count (default: the head, found by its intensities)")
    command.add_argument("--field", type=Path, metavar="FILE", help="also write the log field, at full resolution")
    command.add_argument("--shrink", type=_shrink, metavar="N[,N,N]", help="shrink factor, one or along i,j,k (default: to about 4 mm)")
    command.add_argument("--iterations", type=_integers, default=(50, 40, 30), metavar="N,N,...", help="most a level (default 50,40,30)")
    command.add_argument("--threshold", type=float, default=1e-4, help="convergence (default: %(default)s)")
    command.set_defaults(run=run_n4)


def _add_evaluate(command: argparse.ArgumentParser) -> None:
    command.add_argument("--task", required=True, choices=sorted(TASKS))
    command.add_argument("--prediction", type=Path, required=True, metavar="DIR|FILE", help="what `segment` wrote, or a label map")
    command.add_argument("--reference", type=Path, required=True, metavar="FILE|DIR", help="label map of an expert")
    command.add_argument("--json", type=Path, metavar="FILE", help="also write all measures here")
    command.add_argument("--empty", choices=("brats", "nan"), default="brats", help="two empty masks: Dice 1 (brats), or no value (nan)")
    command.set_defaults(run=run_evaluate)


def _integers(text: str) -> tuple[int, ...]:
    values = tuple(int(part) for part in text.split(","))
    if min(values) < 1:
        raise argparse.ArgumentTypeError("numbers from 1 up, separated by commas")
    return values


def _shrink(text: str) -> tuple[int, ...]:
    values = _integers(text)
    if len(values) not in (1, 3):
        raise argparse.ArgumentTypeError("one number, or three along i, j, k")
    return values * 3 if len(values) == 1 else values


def given_inputs(arguments: argparse.Namespace, task: Task) -> dict[str, Path]:
    """Input key -> path; raises UsageError where none is given or one belongs to another task."""
    foreign = {entry.key for other in TASKS.values() for entry in other.inputs} - {entry.key for entry in task.inputs}
    for key in sorted(foreign):
        if getattr(arguments, key) is not None:
            raise UsageError(f"--{key} is no input of --task {task.key}.", f"Its inputs are {_options(task)}.")
    paths = {entry.key: getattr(arguments, entry.key) for entry in task.inputs if getattr(arguments, entry.key) is not None}
    if not paths:
        raise UsageError(f"--task {task.key} needs at least one input.", f"Its inputs are {_options(task)}.")
    return paths


def _options(task: Task) -> str:
    return ", ".join(f"--{entry.key}" for entry in task.inputs)


def run_segment(arguments: argparse.Namespace) -> None:
    """`medsegdl segment`."""
    task = TASKS[arguments.task]
    paths = given_inputs(arguments, task)
    with output_folder(arguments.output) as folder, progress_bar() as progress:
        progress(0.0, "Starting")
        from .files import file_sha256, read_images
        from .outputs import write_result
        from .pipeline import Options, segment
        from .record import Stopwatch
        from .threads import side_by_side

        watch = Stopwatch()
        with watch.phase("read"):
            images = read_images(paths)
        options = Options(arguments.device, arguments.weights, not arguments.no_bias_correction, arguments.mode, arguments.uncertainty)
        result = segment(images, task, options, progress)
        for key, found in zip(paths, side_by_side(file_sha256, list(paths.values())), strict=True):
            result.record["inputs"][key]["sha256"] = found
        result.record["seconds"] = {**watch.seconds, **result.record["seconds"]}
        progress(1.0, "Writing")
        write_result(result, folder)
    _print_result(result, folder)


def _print_result(result, folder: Path) -> None:
    for finding in result.record["warnings"]:
        print(f"{finding['severity']}: {finding['message']} {finding['remedy']}".rstrip(), file=sys.stderr)
    for segment in result.segments:
        print(f"{segment.region.key:<8} {segment.volume_ml:10.2f} mL  {segment.voxel_count:>10} voxels  {segment.region.title}")
    if result.instances is not None:
        print(f"{result.record['count']} objects")
    if not any(segment.voxel_count for segment in result.segments):
        print("Nothing was found: every region is empty. Check that the inputs are what their options say.", file=sys.stderr)
    print(f"{sum(result.record['seconds'].values()):.1f} s on {result.record['device']}; written to {folder}. {NOTICE}")


def run_n4(arguments: argparse.Namespace) -> None:
    """`medsegdl n4`."""
    with progress_bar() as progress:
        progress(0.0, "Starting")
        from .bias import N4Options, n4
        from .files import read_image, write_image

        image = read_image(arguments.input)
        mask = None if arguments.mask is None else read_image(arguments.mask)
        spacing_mm = tuple(float(side) for side in image.grid.spacing_mm)
        options = N4Options(arguments.shrink, spacing_mm, arguments.iterations, arguments.threshold)
        corrected, field = n4(image, mask, options, progress)
        write_image(corrected, arguments.output)
        if arguments.field is not None:
            write_image(field, arguments.field)
    print(f"Corrected volume written to {arguments.output}.")


def run_evaluate(arguments: argparse.Namespace) -> None:
    """`medsegdl evaluate`."""
    from .evaluate import evaluate, format_table
    from .files import write_json
    from .scores import Empty

    evaluation = evaluate(arguments.prediction, arguments.reference, TASKS[arguments.task], Empty(arguments.empty))
    if arguments.json is not None:
        write_json(evaluation, arguments.json)
    print(format_table(evaluation))


def run_demo(arguments: argparse.Namespace) -> None:
    """`medsegdl demo`."""
    from .demo import run_demo as demo

    with output_folder(arguments.output) as folder:
        demo(folder)


def run_info(arguments: argparse.Namespace) -> None:
    """`medsegdl info`."""
    from .report import describe_installation, format_installation

    installation = describe_installation()
    print(json.dumps(installation, indent=2) if arguments.json else format_installation(installation))


@contextlib.contextmanager
def output_folder(folder: Path) -> Iterator[Path]:
    """Make sure that the folder can be written before anything runs; a folder made in vain is removed again."""
    from .outputs import prepare_folder

    made = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    prepare_folder(folder)
    try:
        yield folder
    except BaseException:
        for parent in made:
            if parent.is_dir() and not any(parent.iterdir()):
                parent.rmdir()
        raise


@contextlib.contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar on the terminal (with rich, of the `cli` extra); nothing where nobody watches."""
    if not sys.stderr.isatty():
        yield lambda fraction, message: None
        return
    try:
        from rich.console import Console
        from rich.progress import Progress as Bar
    except ModuleNotFoundError:
        yield lambda fraction, message: print(f"\r{fraction:4.0%} {message:<40}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        return
    with Bar(console=Console(stderr=True), transient=True) as bar:
        row = bar.add_task("", total=1.0)
        yield lambda fraction, message: bar.update(row, completed=fraction, description=message)


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
        with patient_output(sys.stdout):
            parsed.run(parsed)
        return 0
    except MemoryError:
        error: MedSegDLError = OutOfMemory("The memory of this machine was not enough.", "Close other programs.")
    except ModuleNotFoundError as missing:
        if missing.name not in ("torch", "SimpleITK", "safetensors"):
            raise
        error = InputRefused(f"The Python package {missing.name} is not installed.", "Install medsegdl with pip.")
    except MedSegDLError as failure:
        error = failure
    print(f"medsegdl: {error}", file=sys.stderr)
    return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
