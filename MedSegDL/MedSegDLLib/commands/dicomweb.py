"""`medsegdl dicomweb`: a study out of an archive, segmented, and with `--send` its results back into it; or those that are sent to us."""

from __future__ import annotations

import argparse
import os

from ..errors import UsageError
from ..io.formats import DICOM_RESULTS
from ..tasks import TASKS, chosen_task
from .listen import add_listening, listen
from .segment import add_options, options_of, print_result
from .study import add_reading, chosen_series, read_options, read_study
from .terminal import output_folder, path, progress_bar

PASSWORD, TOKEN = "MEDSEGDL_DICOMWEB_PASSWORD", "MEDSEGDL_DICOMWEB_TOKEN"
MOST_GB = 8.0  # a study of eight series of 512 x 512 x 2000


def add(command: argparse.ArgumentParser) -> None:
    """Options."""
    command.add_argument("url", nargs="?", metavar="URL", help="where the archive's DICOMweb services begin")
    command.add_argument("--study", metavar="UID", help="StudyInstanceUID")
    command.add_argument("--task", metavar="TASK", help=f"what to segment: {', '.join(sorted(TASKS))}; or what --weights are for")
    command.add_argument("-o", "--output", type=path, required=True, metavar="DIR", help="folder for the results")
    command.add_argument("--send", action="store_true", help="store SEG, report and overlay in the archive")
    command.add_argument("--user", default="", help=f"its password is read from ${PASSWORD}; a bearer token from ${TOKEN}")
    command.add_argument("--ca", type=path, metavar="FILE", help="certificates to trust (default: $REQUESTS_CA_BUNDLE, else certifi's)")
    command.add_argument("--most-gb", type=float, default=MOST_GB, metavar="N", help="of one study, no more (default: %(default)s)")
    add_listening(command)
    add_reading(command)
    add_options(command)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """`medsegdl dicomweb`."""
    if arguments.listen:
        listen(arguments, _archive(arguments).send_one if arguments.send and arguments.url else None)
        return
    if not (arguments.url and arguments.study):
        raise UsageError("dicomweb needs the archive's URL and --study UID, or --listen AET:PORT.", "See medsegdl dicomweb --help.")
    task = chosen_task(arguments.task, arguments.weights)
    with output_folder(arguments.output) as folder, progress_bar() as progress:
        progress(0.0, "Fetching")
        from ..io.private_folder import private_folder
        from .dicom_results import segment_study

        archive = _archive(arguments)
        with private_folder() as slices:
            archive.fetch(arguments.study, slices, int(arguments.most_gb * 2**30))
            study = read_study(slices, task, chosen_series(arguments.series, task), read_options(arguments), "The study")
        for line in study.lines:
            print(line)
        result = segment_study(study, task, options_of(arguments), folder, progress)
        if arguments.send:
            progress(1.0, "Sending")
            archive.send([folder / name for name in DICOM_RESULTS])
    print_result(result, folder)
    if arguments.send:
        print(f"sent to the archive: {', '.join(DICOM_RESULTS)}")


def _archive(arguments: argparse.Namespace):
    from ..dicom.web import Archive, Login

    return Archive(arguments.url, Login(arguments.user, os.environ.get(PASSWORD, ""), os.environ.get(TOKEN, ""), arguments.ca))
