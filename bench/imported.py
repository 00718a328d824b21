"""An imported network against nnU-Net's own predictor: the same weights, machine, tile step and file; from file to file, with peak memory.

Each runs in a process of its own. nnU-Net takes its one-process way (`predict_from_files_sequential`), so that its memory is one number.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MedSegDLLib.worker.environment import TORCH_READS

from .inputs import ROOT
from .meter import peak_mb, resident_mb, timed
from .report import machine

# Image, tile, features. At 512 x 512 x 400 nnU-Net holds 25 classes in more than the 23 GiB of the machine that this was written on, and
# with mirroring takes an hour there.
SIZES = {True: ((40, 72, 72), (16, 16, 16), (8, 16)), False: ((160, 288, 288), (64, 64, 64), (4, 8, 16))}
CLASSES = (3, 25)
SPACING_MM = (1.0, 0.7, 0.7)  # k, j, i
NETWORK_MM = {True: (1.5, 1.5, 1.5), False: (2.0, 2.0, 2.0)}


def measure(quick: bool) -> dict:
    """Seconds and MiB of both, with 3 and 25 classes, without and with mirroring (quick: without)."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="medsegdl-bench-") as folder:
        shape, tile, features = SIZES[quick]
        image = _write_image(Path(folder) / "image", shape)
        for classes in CLASSES:
            source = _write_network(Path(folder) / str(classes), classes, quick)
            weights = Path(folder) / f"{classes}.safetensors"
            _imported(source, weights)
            for mirrored in (False,) if quick else (False, True):
                answers = {}
                for who, given in (("nnunet", source), ("ours", weights)):
                    answers[who] = _in_a_process(who, given, image, mirrored)
                    print(f"{classes} classes, mirrored {mirrored}, {who}: {answers[who]}", flush=True)
                rows.append({"classes": classes, "image": shape, "mirrored": mirrored, **answers})
    return {"tile": tile, "features": features, "machine": machine(), "rows": rows}


def _write_image(folder: Path, shape: tuple[int, ...]) -> Path:
    values = np.random.default_rng(0).normal(-100, 300, shape).astype(np.int16)
    image = sitk.GetImageFromArray(values)
    image.SetSpacing(SPACING_MM[::-1])
    folder.mkdir(exist_ok=True)
    path = folder / "case_0000.nii.gz"
    sitk.WriteImage(image, str(path))
    return path


def _write_network(folder: Path, classes: int, quick: bool) -> Path:
    sys.path.insert(0, str(ROOT))
    from Testing.judges.nnunet_folder import Recipe, write_folder

    labels = {"background": 0, **{f"organ {n}": n for n in range(1, classes)}}
    _, tile, features = SIZES[quick]
    return write_folder(folder, Recipe(labels=labels, patch=tile, features=features, spacing=NETWORK_MM[quick]))


def _imported(source: Path, weights: Path) -> None:
    from MedSegDLLib.imports.convert import Wishes, import_network

    import_network(source, weights, Wishes(licence="CC0"))


def _in_a_process(who: str, given: Path, image: Path, mirrored: bool) -> dict:
    arguments = [sys.executable, "-W", "ignore", "-m", "bench.imported", who, str(given), str(image), str(int(mirrored))]
    paths = os.pathsep.join(str(ROOT / name) for name in ("MedSegDL", "."))
    environment = {**TORCH_READS, **os.environ, "PYTHONPATH": paths}
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=ROOT, env=environment)
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

    before = resident_mb()
    with tempfile.TemporaryDirectory(prefix="medsegdl-bench-") as folder:
        work = {"ours": _ours, "nnunet": _nnunet}[who]
        seconds, _ = timed(lambda: work(Path(given), Path(image), mirrored == "1", Path(folder) / "out"))
        report = Path(folder) / "out" / "report.json"
        phases = json.loads(report.read_text(encoding="utf-8"))["seconds"] if report.exists() else {}
    print(json.dumps({"seconds": seconds, "before_mb": before, "peak_mb": peak_mb(), "phases": phases}))


if __name__ == "__main__":
    _child(*sys.argv[1:])
