"""One case from files to files: the one function that the command line and every engine of a cohort run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..io.atomic import file_sha256
from ..io.read import read_images
from ..io.threads import side_by_side
from ..options import Options
from ..pipeline import segment
from ..progress import Progress
from ..record import Stopwatch
from ..result import Result
from ..tasks import Task


def segment_files(
    paths: Mapping[str, Path], task: Task, options: Options, progress: Progress, hashes: Mapping[str, str] | None = None
) -> Result:
    """Read the inputs of one case and segment them; nothing is written.

    Args:
        paths: input key of the task -> file, DICOM folder or zip.
        task: what they are for.
        options: see `Options`.
        progress: called with (fraction 0..1, message); may raise `Cancelled`.
        hashes: input key -> SHA-256 where they are known already; None hashes the files.

    Returns:
        the result; its record also tells the seconds of reading and the hashes of the files.

    Raises:
        what `read_images` and `segment` raise.
    """
    watch = Stopwatch()
    with watch.phase("read"):
        images = read_images(paths)
    result = segment(images, task, options, progress)
    hashes = input_hashes(paths) if hashes is None else hashes
    for key, found in hashes.items():
        result.record["inputs"][key]["sha256"] = found
    result.record["seconds"] = {**watch.seconds, **result.record["seconds"]}
    return result


def input_hashes(paths: Mapping[str, Path]) -> dict[str, str]:
    """Input key -> SHA-256 of its file or folder, see `file_sha256`."""
    return dict(zip(paths, side_by_side(file_sha256, list(paths.values())), strict=True))
