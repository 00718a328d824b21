"""`python -m bench.thick_series DATA OUT CASE ...`: labelled brains as four series of 6 mm, for `medsegdl-train thresholds --data OUT`.

With `--inclined` each series has planes of its own, as where the head was moved between them. The labels stay as they are.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

from medsegdl_training.cases import find_cases
from MedSegDLLib.io.read import read_image
from MedSegDLLib.io.write import write_image
from MedSegDLLib.tasks import BRAIN

from .from_the_scanner import INCLINED, series_of


def write_series(data: Path, out: Path, names: list[str], inclined: bool) -> list[Path]:
    """A folder a case that has a reference and all four inputs: `CASE_<input>.nii.gz`, and its reference. Returns the folders."""
    folders = []
    for case in find_cases(data, BRAIN):
        if case.name not in names or case.reference is None or not set(INCLINED) <= set(case.inputs):
            continue
        folder = out / case.name
        folder.mkdir(parents=True)
        given = {key: read_image(path) for key, path in case.inputs.items()}
        for key, image in series_of(given, inclined).items():
            write_image(replace(image, name=key), folder / f"{case.name}_{key}.nii.gz")
        ending = "".join(case.reference.suffixes)
        shutil.copy(case.reference, folder / f"{case.name}_seg{ending}")
        folders.append(folder)
    return folders


def main() -> None:
    """Write, and say what."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("cases", nargs="+")
    parser.add_argument("--inclined", action="store_true")
    options = parser.parse_args()
    for folder in write_series(options.data, options.out, options.cases, options.inclined):
        print(folder)


if __name__ == "__main__":
    main()
