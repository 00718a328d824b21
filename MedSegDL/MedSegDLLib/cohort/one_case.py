"""One case from files to files: the one function that the command line and every engine of a cohort run."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import torch

from ..checks.inputs import Severity, check
from ..errors import Cancelled, InputRefused, MedSegDLError
from ..geometry.image import Image
from ..io.atomic import file_sha256
from ..io.read import read_images
from ..io.threads import side_by_side
from ..io.write import REPORT_FILE, SEGMENTATION_FILE, folder_for_result, write_result
from ..memory import MIB, estimate_memory
from ..network.device import choose_device, resident_memory_mb
from ..network.weights import find_weights
from ..options import Options
from ..pipeline import ahead_of, load_once, segment, sized
from ..progress import Progress, quiet
from ..record import Stopwatch
from ..result import Result
from ..tasks import Task, chosen_task
from ..worker.server import explain
from .orders import DONE, FAILED, KEPT, Order, Outcome
from .scene_file import write_scene
from .thumbnail import write_thumbnail

NOT_ANSWERING = ("device", "weights", "strategies_left_out", "keep_names")  # weights count by their hash
DISTINCT_NAME = 3  # letters; shorter names are in too many words to be struck out


def segment_files(
    paths: Mapping[str, Path], task: Task, options: Options, progress: Progress, hashes: Mapping[str, str] | None = None
) -> tuple[Result, dict[str, Image]]:
    """Read the inputs of one case and segment them; nothing is written.

    Args:
        paths: input key of the task -> file, DICOM folder or zip.
        task: what they are for.
        options: see `Options`.
        progress: called with (fraction 0..1, message); may raise `Cancelled`.
        hashes: input key -> SHA-256 where they are known already; None hashes the files.

    Returns:
        the result, its record with the seconds of reading and the hashes of the files too; and the images as they were read.

    Raises:
        what `read_images` and `segment` raise.
    """
    watch = Stopwatch()
    with watch.phase("read"):
        images = read_images(paths)
    result = segment(images, task, options, progress)
    complete(result.record, watch, input_hashes(paths) if hashes is None else hashes)
    return result, images


def complete(record: dict, watch: Stopwatch, hashes: Mapping[str, str]) -> None:
    """Add to a run record what was before the run: the seconds of reading, and the inputs' hashes by key."""
    for key, found in hashes.items():
        record["inputs"][key]["sha256"] = found
    record["seconds"] = {**watch.seconds, **record["seconds"]}


def input_hashes(paths: Mapping[str, Path]) -> dict[str, str]:
    """Input key -> SHA-256 of its file or folder, see `file_sha256`."""
    return dict(zip(paths, side_by_side(file_sha256, list(paths.values())), strict=True))


def run_order(order: Order, progress: Progress = quiet) -> Outcome:
    """Do one case of a cohort unless it is done, and write its files: all or none.

    Args:
        order: what to do.
        progress: as in `segment`; `Cancelled` passes through.

    Returns:
        how it ended; whatever goes wrong with the case is an outcome, and its sentence holds no name.
    """
    started = time.perf_counter()
    found = Outcome(order.case, FAILED)
    try:
        if order.threads is not None:
            torch.set_num_threads(order.threads)
        paths = {key: Path(path) for key, path in order.inputs.items()}
        found = replace(found, weights=weights_sha256(order))
        found = replace(found, inputs=_hashed(paths))
        found = _carried_out(order, found, paths, progress)
    except Cancelled:
        raise
    except MedSegDLError as error:
        found = replace(found, kind=error.kind, message=error.message, remedy=error.remedy)
    except Exception as error:  # noqa: BLE001 - no case may stop the others
        entry = explain(error, {"case": {"inputs": {told: {"name": name} for name, told in order.names.items()}}})
        found = replace(found, kind=entry["kind"], message=entry["message"], remedy=entry["remedy"])
    said = {field: without_names(getattr(found, field), order.names) for field in ("message", "remedy")}
    return replace(found, seconds=round(time.perf_counter() - started, 3), **said)


def _carried_out(order: Order, found: Outcome, paths: Mapping[str, Path], progress: Progress) -> Outcome:
    if is_done(order, found):
        return replace(found, status=KEPT)
    before = order.failed_before
    if before is not None and (before["inputs"], before["weights"]) == (found.inputs, found.weights):
        return Outcome.from_json(dict(before))
    with folder_for_result(Path(order.folder)) as folder:
        task, options = _task_of(order), on_accelerator(options_from_json(order.options), order.accelerator)
        result, images = segment_files(paths, task, options, progress, found.inputs)
        progress(1.0, "Writing")
        write_thumbnail(result, images[result.reference], folder)
        if order.scene:
            write_scene(result, images, folder)
        write_result(result, folder)  # last: its report says that the case is done
    return replace(found, status=DONE)


def _hashed(paths: Mapping[str, Path]) -> dict[str, str]:
    for path in paths.values():
        if not path.exists():
            raise InputRefused(f"{path.name} was not found.", "Check the path in the list.")
    return input_hashes(paths)


def options_from_json(entry: Mapping[str, object]) -> Options:
    """Inverse of `asdict` with paths as text."""
    weights = entry.get("weights")
    return Options(**{**entry, "weights": Path(str(weights)) if weights else None})


def on_accelerator(options: Options, number: int) -> Options:
    """`auto` as one of several CUDA devices, so that workers share them out."""
    several = options.device == "auto" and torch.cuda.is_available()
    return replace(options, device=f"cuda:{number % torch.cuda.device_count()}") if several else options


def _task_of(order: Order) -> Task:
    """By its key, or as the weights of the order carry it. Raises UsageError, WeightsError."""
    return chosen_task(order.task, options_from_json(order.options).weights)


def weights_sha256(order: Order) -> str:
    """Of the weights that the order will use; they are loaded for it, and checked. Raises WeightsError."""
    task = _task_of(order)
    return load_once(find_weights(task, options_from_json(order.options).weights), task).manifest["sha256"]


def is_done(order: Order, found: Outcome) -> bool:
    """Whether the folder holds the whole result of the very same inputs, weights and options."""
    folder = Path(order.folder)
    try:
        report = json.loads((folder / REPORT_FILE).read_text(encoding="utf-8"))
        wanted = options_from_json(order.options)
        answering = [name for name in asdict(wanted) if name not in NOT_ANSWERING]
        same = (
            report["task"] == order.task
            and report["weights"]["sha256"] == found.weights
            and {key: entry["sha256"] for key, entry in report["inputs"].items()} == found.inputs
            and all(report["options"][name] == getattr(wanted, name) for name in answering)
        )
        regions = [f"{region.key}.nii.gz" for region in _task_of(order).regions]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
    return same and all((folder / name).is_file() for name in (SEGMENTATION_FILE, *regions))


def without_names(sentence: str, names: Mapping[str, str]) -> str:
    """A sentence with other words for these names; longer ones are struck out first, for they may hold shorter ones."""
    for name in sorted(names, key=len, reverse=True):
        if len(name) >= DISTINCT_NAME:
            sentence = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", lambda _, told=names[name]: told, sentence)
    return sentence


def forecast(order: Order) -> dict[str, float]:
    """What a case takes before it runs: {"mb": of one process, "devices": accelerators that `auto` may take, 0 for the CPU}.

    Raises:
        what reading and checking the case raise.
    """
    task, options = _task_of(order), options_from_json(order.options)
    images = sized(read_images({key: Path(path) for key, path in order.inputs.items()}), task, options)
    findings = check(images, task)
    if refused := [finding for finding in findings if finding.severity is Severity.ERROR]:
        raise InputRefused(refused[0].message, refused[0].remedy)
    device = choose_device(options.device)
    weights = load_once(find_weights(task, options.weights), task)
    expected = estimate_memory(images, task, weights, options, ahead_of(images, task, options, findings, device), device)
    read_mb = sum(image.array.nbytes for image in images.values()) / MIB
    held = resident_memory_mb()
    mb = expected.most_mb + (held if held is not None else read_mb)
    return {"mb": mb, "devices": torch.cuda.device_count() if device.type == "cuda" else int(device.type != "cpu")}
