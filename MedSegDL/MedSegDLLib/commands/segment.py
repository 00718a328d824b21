"""`medsegdl segment`: volumes or a picture in, segments out."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..errors import UsageError
from ..options import Options
from ..tasks import TASKS, Task
from .terminal import NOTICE, output_folder, path, progress_bar


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("--task", required=True, choices=sorted(TASKS), help="what to segment")
    for task in TASKS.values():
        group = command.add_argument_group(f"inputs of --task {task.key}")
        for entry in task.inputs:
            group.add_argument(f"--{entry.key}", type=path, metavar="FILE", help=f"{entry.title}: file, DICOM folder or zip")
    command.add_argument("-o", "--output", type=path, required=True, metavar="DIR", help="folder for the results")
    add_options(command)
    command.set_defaults(run=run)


def add_options(command: argparse.ArgumentParser) -> None:
    """How to segment: what `segment` and `cohort` share."""
    command.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:n or mps (default: %(default)s)")
    command.add_argument("--weights", type=path, metavar="FILE", help="a .safetensors file instead of the shipped one")
    command.add_argument("--no-bias-correction", action="store_true", help="leave N4 out")
    command.add_argument("--mode", choices=("fast", "accurate"), default="fast", help="accurate averages over mirrored images")
    command.add_argument("--uncertainty", action="store_true", help="also write the entropy image")
    command.add_argument("--keep-names", action="store_true", help="name the input files in report.json (they may name a patient)")


def options_of(arguments: argparse.Namespace) -> Options:
    """What `add_options` asked for."""
    return Options(
        device=arguments.device,
        weights=arguments.weights,
        bias_correction=not arguments.no_bias_correction,
        mode=arguments.mode,
        uncertainty=arguments.uncertainty,
        keep_names=arguments.keep_names,
    )


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


def run(arguments: argparse.Namespace) -> None:
    """`medsegdl segment`."""
    task = TASKS[arguments.task]
    paths = given_inputs(arguments, task)
    with output_folder(arguments.output) as folder, progress_bar() as progress:
        progress(0.0, "Starting")
        from ..cohort.one_case import segment_files
        from ..io.write import write_result

        result, _ = segment_files(paths, task, options_of(arguments), progress)
        progress(1.0, "Writing")
        write_result(result, folder)
    _print_result(result, folder)


def _size(segment) -> str:
    """Volume and voxels; in a picture pixels, and their area where the pixel size is known."""
    if segment.volume_ml is not None:
        return f"{segment.volume_ml:10.2f} mL  {segment.voxel_count:>10} voxels"
    area = "" if segment.area_um2 is None else f"{segment.area_um2:12.1f} um2"
    return f"{area}  {segment.voxel_count:>10} pixels".lstrip()


def _print_result(result, folder: Path) -> None:
    for finding in result.record["warnings"]:
        print(f"{finding['severity']}: {finding['message']} {finding['remedy']}".rstrip(), file=sys.stderr)
    if result.instances is not None:
        print(f"{result.record['count']} objects")
    for segment in result.segments:
        print(f"{segment.region.key:<8} {_size(segment)}  {segment.region.title}")
    print(f"{sum(result.record['seconds'].values()):.1f} s on {result.record['device']}; written to {folder}. {NOTICE}")
