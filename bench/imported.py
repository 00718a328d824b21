"""An imported network against nnU-Net's own predictor: the same weights, machine, tile step and file; from file to file, with peak memory.

Each runs in a process of its own. nnU-Net takes its one-process way (`predict_from_files_sequential`), so that its memory is one number;
its process may take what is free and no more. Rows that were measured stay in out/bench, so that it can be done in several sittings, of
$MEDSEGDL_BENCH_SECONDS each.
"""

from __future__ import annotations

import datetime
import itertools
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MedSegDLLib.io.free_memory import free_memory_bytes
from MedSegDLLib.worker.environment import TORCH_READS

from .inputs import OUT, ROOT
from .meter import peak_mb, resident_mb, timed
from .report import machine

SIZES = {True: ((40, 72, 72),), False: ((40, 512, 512), (400, 512, 512))}  # of the images: few slices of a CT, and the CT that is asked for
NETWORKS = {True: ((16, 16, 16), (8, 16)), False: ((64, 64, 64), (4, 8, 16))}  # tile and features
CLASSES = (3, 25)
PATIENCE_S = 3300.0  # for all rows: the hour of a piece, less what comes before and after
PATIENCE_VARIABLE = "MEDSEGDL_BENCH_SECONDS"
ROWS = OUT / "imported-rows.json"
SLICES_APART = 40  # of the sizes that are tried where nnU-Net cannot take a whole CT
LIBRARIES_BYTES = 6 * 2**30  # of addresses that a process with torch takes without memory behind them
THEIRS_BYTES = 10  # that nnU-Net holds a class and voxel of the image: float32 logits, their softmax, and half of one more (estimated)
SHARE_OF_MEMORY = 0.65  # of the machine that nnU-Net may take; other programs run beside it
SPACING_MM = (1.0, 0.7, 0.7)  # k, j, i
NETWORK_MM = {True: (1.5, 1.5, 1.5), False: (2.0, 2.0, 2.0)}


@dataclass(frozen=True)
class Row:
    """What is measured: an image, a network's classes, with mirrored tiles or without, with nnU-Net or alone."""

    image: tuple[int, ...]
    classes: int
    mirrored: bool
    alone: bool = False

    @property
    def name(self) -> str:
        """For the table."""
        return f"{self.classes} classes{', mirrored' if self.mirrored else ''}, {' x '.join(map(str, self.image[::-1]))}"

    @property
    def work(self) -> int:
        """What its time goes with, roughly: voxels of all passes of the network."""
        return math.prod(self.image) * (2**3 if self.mirrored else 1)

    @property
    def theirs_bytes(self) -> int:
        """That nnU-Net needs for its outputs, roughly."""
        return math.prod(self.image) * self.classes * THEIRS_BYTES


def measure(quick: bool) -> dict:
    """Seconds and MiB of both, with 3 and 25 classes, without and with mirroring (quick: without), the least work first.

    A row for which the time is not left is not run, and its entry says so. Where nnU-Net's outputs would not fit into the memory, ours
    runs alone, and a row more has both on as many slices as nnU-Net can take.
    """
    ways = (False,) if quick else (False, True)
    wanted = sorted(itertools.starmap(Row, itertools.product(SIZES[quick], CLASSES, ways)), key=lambda row: row.work)
    wanted = [row for whole in wanted for row in _with_fewer_slices(whole)]
    known = {} if quick or not ROWS.exists() else {row["name"]: row for row in json.loads(ROWS.read_text(encoding="utf-8"))}
    end = time.monotonic() + float(os.environ.get(PATIENCE_VARIABLE, PATIENCE_S))
    with tempfile.TemporaryDirectory(prefix="medsegdl-bench-") as folder:
        for row in wanted:
            if row.name in known or time.monotonic() > end:
                continue
            found = _row(Path(folder), row, quick)
            print(f"{row.name}: {found}", flush=True)
            known[row.name] = {
                "name": row.name,
                **asdict(row),
                **found,
                "load": os.getloadavg()[0],
                "date": datetime.date.today().isoformat(),
            }
            if not quick:
                ROWS.write_text(json.dumps(list(known.values())), encoding="utf-8")
    rows = [known.get(row.name, {"name": row.name, **asdict(row), "not_run": "no time was left"}) for row in wanted]
    tile, features = NETWORKS[quick]
    return {"tile": tile, "features": features, "machine": machine(), "rows": rows}


def _with_fewer_slices(row: Row) -> list[Row]:
    """The row, and where it is too large for nnU-Net and the memory of this machine one that is not."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if row.theirs_bytes < SHARE_OF_MEMORY * total:
        return [row]
    slices = int(row.image[0] * SHARE_OF_MEMORY * total / row.theirs_bytes) // SLICES_APART * SLICES_APART
    return [replace(row, image=(slices, *row.image[1:])), replace(row, alone=True)]


def _row(folder: Path, row: Row, quick: bool) -> dict:
    """Both, one after the other, each in a process of its own."""
    image = _write_image(folder / "x".join(map(str, row.image)), row.image)
    source, weights = folder / str(row.classes), folder / f"{row.classes}.safetensors"
    if not weights.exists():
        _imported(_write_network(source, row.classes, quick), weights)
    [result] = source.iterdir()
    sides = (("ours", weights),) if row.alone else (("ours", weights), ("nnunet", result))
    return {who: _in_a_process(who, given, image, row.mirrored) for who, given in sides}


def _write_image(folder: Path, shape: tuple[int, ...]) -> Path:
    path = folder / "case_0000.nii.gz"
    if path.exists():
        return path
    values = np.random.default_rng(0).normal(-100, 300, shape).astype(np.int16)
    image = sitk.GetImageFromArray(values)
    image.SetSpacing(SPACING_MM[::-1])
    folder.mkdir(exist_ok=True)
    sitk.WriteImage(image, str(path))
    return path


def _write_network(folder: Path, classes: int, quick: bool) -> Path:
    sys.path.insert(0, str(ROOT))
    from Testing.judges.nnunet_folder import Recipe, write_folder

    labels = {"background": 0, **{f"organ {n}": n for n in range(1, classes)}}
    tile, features = NETWORKS[quick]
    return write_folder(folder, Recipe(labels=labels, patch=tile, features=features, spacing=NETWORK_MM[quick]))


def _imported(source: Path, weights: Path) -> None:
    from MedSegDLLib.imports.convert import Wishes, import_network

    import_network(source, weights, Wishes(licence="CC0"))


def _in_a_process(who: str, given: Path, image: Path, mirrored: bool) -> dict:
    arguments = [sys.executable, "-W", "ignore", "-m", "bench.imported", who, str(given), str(image), str(int(mirrored))]
    paths = os.pathsep.join(str(ROOT / name) for name in ("MedSegDL", "."))
    environment = {**TORCH_READS, **os.environ, "PYTHONPATH": paths}
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=ROOT, env=environment)
    if done.returncode and who == "nnunet":
        return {"died": (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:200]}
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout.strip().splitlines()[-1])


def _ours(weights: Path, image: Path, mirrored: bool, output: Path) -> None:
    from MedSegDLLib.commands.main import main

    mode = "accurate" if mirrored else "fast"
    arguments = ["segment", "--weights", str(weights), "--input", f"ct={image}", "-o", str(output), "--device", "cpu", "--mode", mode]
    if main(arguments):
        raise RuntimeError("segment failed")


def _nnunet(source: Path, image: Path, mirrored: bool, output: Path) -> None:
    import torch
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    predictor = nnUNetPredictor(use_mirroring=mirrored, device=torch.device("cpu"), allow_tqdm=False)
    predictor.initialize_from_trained_model_folder(str(source), None, "checkpoint_final.pth")
    output.mkdir()
    predictor.predict_from_files_sequential([[str(image)]], [str(output / "case")], save_probabilities=False, overwrite=True)


def _child(who: str, given: str, image: str, mirrored: str) -> None:
    """What one of the two processes does: everything imported first, then from file to file."""

    import MedSegDLLib.postprocess.imported  # noqa: F401 - libraries are loaded before the clock starts

    before, started = resident_mb(), sum(os.times()[:4])
    if who == "nnunet":
        most = free_memory_bytes() + LIBRARIES_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    with tempfile.TemporaryDirectory(prefix="medsegdl-bench-") as folder:
        work = {"ours": _ours, "nnunet": _nnunet}[who]
        seconds, _ = timed(lambda: work(Path(given), Path(image), mirrored == "1", Path(folder) / "out"))
        processor_s = sum(os.times()[:4]) - started
        report = Path(folder) / "out" / "report.json"
        phases = json.loads(report.read_text(encoding="utf-8"))["seconds"] if report.exists() else {}
    print(json.dumps({"seconds": seconds, "processor_s": processor_s, "before_mb": before, "peak_mb": peak_mb(), "phases": phases}))


if __name__ == "__main__":
    _child(*sys.argv[1:])
