"""`medsegdl n4`: bias-field correction of one MR volume."""

from __future__ import annotations

import argparse

from ..errors import UsageError
from .terminal import path, progress_bar


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("input", type=path, help="the volume")
    command.add_argument("-o", "--output", type=path, required=True, metavar="FILE", help="the corrected volume")
    command.add_argument("--mask", type=path, metavar="FILE", help="voxels that count (default: the head, found by its intensities)")
    command.add_argument("--field", type=path, metavar="FILE", help="also write the log field, at full resolution")
    command.add_argument("--shrink", type=_shrink, metavar="N[,N,N]", help="shrink factor, one or along i,j,k (default: to about 4 mm)")
    command.add_argument("--iterations", type=_integers, default=(50, 40, 30), metavar="N,N,...", help="most a level (default 50,40,30)")
    command.add_argument("--threshold", type=float, default=1e-4, help="convergence (default: %(default)s)")
    command.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:n or mps (default: %(default)s)")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """`medsegdl n4`."""
    if arguments.field == arguments.output:
        raise UsageError("-o and --field name the same file.", "Give them two names.")
    with progress_bar() as progress:
        progress(0.0, "Starting")
        from ..io.formats import VOLUME_SUFFIXES
        from ..io.read import read_image
        from ..io.write import WRITABLE_SUFFIXES, prepare_file, write_image
        from ..network.device import choose_device
        from ..preprocess.n4 import N4Options, n4

        for output in filter(None, (arguments.output, arguments.field)):
            prepare_file(output, [suffix for suffix in WRITABLE_SUFFIXES if suffix in VOLUME_SUFFIXES])
        device = choose_device(arguments.device)
        image = read_image(arguments.input)
        mask = None if arguments.mask is None else read_image(arguments.mask)
        spacing_mm = tuple(float(side) for side in image.grid.spacing_mm)
        options = N4Options(arguments.shrink, spacing_mm, arguments.iterations, arguments.threshold)
        corrected, field = n4(image, mask, options, progress, device)
        write_image(corrected, arguments.output)
        if arguments.field is not None:
            write_image(field, arguments.field)
    if mask is None:
        print("No mask was given: the field was estimated within the head, found by its intensities.")
    print(f"Corrected volume written to {arguments.output}.")


def _integers(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError("whole numbers from 1 up, separated by commas")
    return tuple(int(part) for part in parts)


def _shrink(text: str) -> tuple[int, ...]:
    values = _integers(text)
    if len(values) not in (1, 3):
        raise argparse.ArgumentTypeError("one number, or three along i, j, k")
    return values * 3 if len(values) == 1 else values
