"""Many patients: a cohort against a shell loop and against nnU-Net, and its driver."""

from __future__ import annotations

import contextlib
import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MedSegDLLib.imports.convert import Wishes, import_network
from MedSegDLLib.tasks import TASKS
from MedSegDLLib.worker.environment import TORCH_READS
from Testing.core.cohort.test_driver import driver as made_up_driver
from Testing.core.cohort.test_driver import read_driver
from Testing.judges.nnunet_folder import Recipe, write_folder

from .inputs import ROOT, Files, brain_files, small_heads

CASES, QUICK_CASES = 6, 2
MADE_UP_CASES, QUICK_MADE_UP_CASES = 2000, 200
FOLDER_CASES, QUICK_FOLDER_CASES = 8, 2
FOLDER_SHAPE, FOLDER_TILE, FOLDER_FEATURES = (80, 128, 128), (48, 48, 48), (8, 16, 32)  # a small network: what surrounds it counts
FOLDER_LABELS = {"background": 0, "organ": 1, "lesion": 2}


def cohort(quick: bool) -> dict:
    """A whole brain case several times by `medsegdl cohort` and by a shell loop, and whether the masks are equal."""
    return _against_a_loop([brain_files()] * (QUICK_CASES if quick else CASES))


def small_cohort(quick: bool) -> dict:
    """The same with cases of little work."""
    heads = small_heads()
    return _against_a_loop(heads[:QUICK_CASES] if quick else heads)


def _against_a_loop(cases: Sequence[Files]) -> dict:
    """`segment` of each case by a shell loop; the same cases by `cohort`; and `cohort` once more, which finds nothing to do."""
    keys = list(cases[0].paths)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listed = folder / "list.csv"
        with listed.open("w", newline="", encoding="utf-8") as stream:
            rows = csv.writer(stream)
            rows.writerow(["case", *keys])
            rows.writerows([f"case{number}", *(case.paths[key] for key in keys)] for number, case in enumerate(cases))
        found = {"cases": len(cases), "what": cases[0].described}
        with _timed(found, "loop"):
            for number, case in enumerate(cases):
                inputs = [part for key, path in case.paths.items() for part in (f"--{key}", str(path))]
                _medsegdl("segment", "--task", "brain", *inputs, "-o", str(folder / f"alone{number}"))
        for name in ("cohort", "again"):
            with _timed(found, name):
                _medsegdl("cohort", str(listed), "--task", "brain", "-o", str(folder / "cohort"), "--keep-names")
        found["equal"] = all(_equal(folder / f"alone{n}", folder / "cohort" / f"case{n}") for n in range(len(cases)))
    return found


@contextlib.contextmanager
def _timed(found: dict, name: str) -> Iterator[None]:
    """Adds seconds by the clock, and of processor time in child processes, which depend less on what else runs."""
    start, before = time.perf_counter(), os.times()
    yield
    after = os.times()
    found[f"{name}_s"] = time.perf_counter() - start
    found[f"{name}_processor_s"] = after.children_user + after.children_system - before.children_user - before.children_system


def driver(quick: bool) -> dict:
    """Memory of the driver and its time a case, over many made-up cases that take no time of their own."""
    count = QUICK_MADE_UP_CASES if quick else MADE_UP_CASES
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").write_text("work", encoding="utf-8")
        took = read_driver(made_up_driver(folder, count).communicate()[0])
    return {
        "cases": count,
        "mb": took.most_mb,
        "growth_mb": took.growth_mb,
        "ms_a_case": 1000 * took.seconds / count,
        "processor_ms_a_case": 1000 * took.processor_s / count,
    }


def folder(quick: bool) -> dict:
    """A folder of cases by nnU-Net's own predictor and by `cohort`, the same imported weights, each from its command's start to its end."""
    count = QUICK_FOLDER_CASES if quick else FOLDER_CASES
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        network = write_folder(
            place / "network", Recipe(labels=FOLDER_LABELS, patch=FOLDER_TILE, features=FOLDER_FEATURES, spacing=(1.5, 1.5, 1.5))
        )
        import_network(network, place / "network.safetensors", Wishes(licence="CC0"))
        images = place / "images"
        images.mkdir()
        for number in range(count):
            _write_made_up_ct(images / f"case{number}_0000.nii.gz", number)
        found = {"cases": count, "shape": FOLDER_SHAPE, "tile": FOLDER_TILE}
        with _timed(found, "nnunet"):
            _run(sys.executable, "-m", "bench.many", str(network), str(images), str(place / "nnunet"))
        arguments = ["--weights", str(place / "network.safetensors"), "-o", str(place / "ours"), "--keep-names", "--mode", "fast"]
        with _timed(found, "ours"):
            _medsegdl("cohort", str(images), *arguments, "--device", "cpu")
        found["answered"] = [len(list(place.glob(pattern))) for pattern in ("nnunet/*.nii.gz", "ours/*/segmentation.seg.nrrd")]
    return found


def _write_made_up_ct(path: Path, seed: int) -> None:
    image = sitk.GetImageFromArray(np.random.default_rng(seed).normal(-100, 300, FOLDER_SHAPE).astype(np.int16))
    image.SetSpacing((0.9, 0.9, 1.25))
    sitk.WriteImage(image, str(path))


def _by_nnunet(network: str, images: str, output: str) -> None:
    """What nnUNetv2_predict does with a folder, without mirroring, in a process of its own."""
    import torch
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    predictor = nnUNetPredictor(use_mirroring=False, device=torch.device("cpu"), allow_tqdm=False)
    predictor.initialize_from_trained_model_folder(network, None, "checkpoint_final.pth")
    predictor.predict_from_files(images, output, num_processes_preprocessing=1, num_processes_segmentation_export=1)


def _medsegdl(*arguments: str) -> None:
    _run(sys.executable, "-m", "MedSegDLLib.commands.main", *arguments)


def _run(*command: str) -> None:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "MedSegDL")])
    done = subprocess.run(command, env={**os.environ, **TORCH_READS, "PYTHONPATH": paths}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])


def _equal(one: Path, two: Path) -> bool:
    names = [f"{region.key}.nii.gz" for region in TASKS["brain"].regions]
    masks = [[sitk.GetArrayFromImage(sitk.ReadImage(str(folder / name))) for name in names] for folder in (one, two)]
    return all(np.array_equal(a, b) for a, b in zip(*masks, strict=True))


if __name__ == "__main__":
    _by_nnunet(*sys.argv[1:])
