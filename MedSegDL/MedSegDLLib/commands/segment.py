"""`medsegdl segment`: volumes or a picture in, segments out."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path

from ..errors import UsageError, counted
from ..options import AUTO, MASK_KEY, SWITCH, Options
from ..tasks import TASKS, Task, chosen_task
from .study import Study, add_study, chosen_series, read_options, read_study, refuse_contradictions
from .terminal import NOTICE, output_folder, path, progress_bar


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("--task", metavar="TASK", help=f"what to segment: {', '.join(sorted(TASKS))}; or what --weights are for")
    add_study(command)
    command.add_argument("-o", "--output", type=path, required=True, metavar="DIR", help="folder for the results")
    command.add_argument("--dicom", action="store_true", help="also write DICOM SEG, report and overlay beside a source from DICOM")
    command.add_argument("--report", type=path, metavar="FILE.html", help="also write a page for the reader, its figures beside it as .csv")
    command.add_argument("--brain-mask", type=path, metavar="FILE", help="the brain, drawn or corrected by hand, in place of extraction")
    add_options(command)
    _add_inputs(command)
    command.set_defaults(run=run)


def add_options(command: argparse.ArgumentParser) -> None:
    """How to segment: what `segment` and `cohort` share."""
    command.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:n or mps (default: %(default)s)")
    command.add_argument("--weights", type=path, metavar="FILE", help="a .safetensors file instead of the installed one")
    command.add_argument("--no-bias-correction", action="store_true", help="leave N4 out")
    command.add_argument(
        "--registration", choices=SWITCH, default=AUTO, help="move MR inputs onto the reference: where they lie off it (auto), on, off"
    )
    command.add_argument(
        "--brain-extraction", choices=SWITCH, default=AUTO, help="take away skull and scalp first: where they are (auto), on, off"
    )
    mirrors = "accurate averages over mirrored images; auto: as the network's origin does, ours do not (default: %(default)s)"
    command.add_argument("--mode", choices=("auto", "fast", "accurate"), default="auto", help=mirrors)
    command.add_argument("--uncertainty", action="store_true", help="also write the entropy image")
    command.add_argument("--pixel-size", type=float, metavar="UM", help="side of a picture's pixel in micrometres (default: the file's)")
    command.add_argument("--keep-names", action="store_true", help="name the input files in report.json (they may name a patient)")


def options_of(arguments: argparse.Namespace) -> Options:
    """What `add_options` asked for."""
    return Options(
        device=arguments.device,
        weights=arguments.weights,
        bias_correction=not arguments.no_bias_correction,
        registration=arguments.registration,
        brain_extraction=arguments.brain_extraction,
        mode=arguments.mode,
        uncertainty=arguments.uncertainty,
        keep_names=arguments.keep_names,
        pixel_size_um=arguments.pixel_size,
    )


def _add_inputs(command: argparse.ArgumentParser) -> None:
    """`--KEY` for the inputs of every task, once where several tasks share a key, and `--input` for those of any."""
    group = command.add_argument_group("inputs (file, DICOM folder or zip)")
    group.add_argument(
        "--input", type=_named_path, action="append", default=[], metavar="KEY=FILE", help="an input of any task, by its key"
    )
    tasks = TASKS.values()
    for key in dict.fromkeys(entry.key for task in tasks for entry in task.inputs):
        titles = dict.fromkeys(f"{entry.title} ({task.key})" for task in tasks for entry in task.inputs if entry.key == key)
        with contextlib.suppress(argparse.ArgumentError):  # a key that is an option of ours is given by --input
            group.add_argument(f"--{key}", dest=_destination(key), type=path, metavar="FILE", help=", ".join(titles).replace("%", "%%"))


def _destination(key: str) -> str:
    """Where argparse keeps an input: no name of an option of ours has a blank."""
    return f"input {key}"


def _named_path(text: str) -> tuple[str, Path]:
    """KEY=FILE."""
    key, sign, file = text.partition("=")
    if not (key and sign):
        raise argparse.ArgumentTypeError(f"'{text}' is not KEY=FILE")
    return key, path(file)


def given_inputs(arguments: argparse.Namespace, task: Task) -> dict[str, Path]:
    """Input key -> path, in the order of the task; UsageError where none is given, one twice, or one that the task does not have."""
    options = {name.removeprefix(_destination("")): value for name, value in vars(arguments).items() if name.startswith(_destination(""))}
    named = [(key, file) for key, file in options.items() if file is not None] + arguments.input
    known = [entry.key for entry in task.inputs]
    for key, _ in named:
        if key not in known:
            raise UsageError(f"--{key} is no input of --task {task.key}.", f"Its inputs are {_options(task)}.")
    paths = dict(named)
    if len(paths) < len(named):
        raise UsageError(f"An input of --task {task.key} is given twice.", f"Give each of {_options(task)} once.")
    if not paths and arguments.study is None:
        raise UsageError(f"--task {task.key} needs at least one input.", f"Its inputs are {_options(task)}.")
    return {key: paths[key] for key in known if key in paths}


def _options(task: Task) -> str:
    return ", ".join(f"--{entry.key}" for entry in task.inputs)


def run(arguments: argparse.Namespace) -> None:
    """`medsegdl segment`."""
    task = chosen_task(arguments.task, arguments.weights)
    paths = given_inputs(arguments, task)
    refuse_contradictions(arguments, paths)
    with output_folder(arguments.output) as folder, progress_bar() as progress:
        progress(0.0, "Starting")
        from ..cohort.one_case import complete, input_hashes
        from ..io.read import read_image
        from ..io.write import write_result
        from ..pipeline import finding_entry, segment
        from ..record import Stopwatch
        from ..report.case import case_of
        from ..report.folder import prepare_report, write_report
        from .dicom_results import dicom_findings, dicom_writers

        if arguments.report is not None:
            prepare_report(arguments.report)
        watch = Stopwatch()
        with watch.phase("read"):
            study = inputs_of(arguments, task, paths)
        for line in study.lines:
            print(line)
        findings = dicom_findings(study.readings, task) if arguments.dicom else []
        images = {key: reading.image for key, reading in study.readings.items()}
        if arguments.brain_mask is not None:
            images[MASK_KEY] = read_image(arguments.brain_mask)
            paths = {**paths, MASK_KEY: arguments.brain_mask}
        result = segment(images, task, options_of(arguments), progress)
        complete(result.record, watch, input_hashes(paths))
        result.record |= study.record
        result.record["warnings"] += [finding_entry(finding, {}) for finding in findings]
        progress(1.0, "Writing")
        write_result(result, folder, dicom_writers(result, study.readings[result.reference]) if arguments.dicom else {})
        if arguments.report is not None:
            write_report(case_of(result, study.readings[result.reference].image), arguments.report)
    print_result(result, folder)


def inputs_of(arguments: argparse.Namespace, task: Task, paths: dict[str, Path]) -> Study:
    """The inputs, out of an examination or from their own paths."""
    from ..io.read import read_inputs

    options = read_options(arguments)
    if arguments.study is None:
        study = Study(read_inputs(paths, options))
    else:
        study = read_study(arguments.study, task, chosen_series(arguments.series, task), options)
    if arguments.time_point is not None and all(reading.time_points == 1 for reading in study.readings.values()):
        raise UsageError("--time-point was given, and no input is a time series.", "Leave it out.")
    return study


def _size(segment) -> str:
    """Volume and voxels; in a picture pixels, and their area where the pixel size is known."""
    if segment.volume_ml is not None:
        return f"{segment.volume_ml:10.2f} mL  {segment.voxel_count:>10} voxels"
    area = "" if segment.area_um2 is None else f"{segment.area_um2:12.1f} um2"
    return f"{area}  {segment.voxel_count:>10} pixels".lstrip()


def print_result(result, folder: Path) -> None:
    """Findings on standard error; sizes, times and the folder on standard output."""
    for finding in result.record["warnings"]:
        print(f"{finding['severity']}: {finding['message']} {finding['remedy']}".rstrip(), file=sys.stderr)
    if result.instances is not None:
        print(counted(result.record["count"], "object"))
    for segment in result.everything:
        print(f"{segment.region.key:<8} {_size(segment)}  {segment.region.title}")
    print(f"{sum(result.record['seconds'].values()):.1f} s on {result.record['device']}; written to {folder}. {NOTICE}")
