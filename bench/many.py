"""Many patients and many desks: a cohort against a shell loop and against nnU-Net, its driver, and a server under 50 clients."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MedSegDLLib.geometry.image import Image
from MedSegDLLib.imports.convert import Wishes, import_network
from MedSegDLLib.tasks import TASKS
from MedSegDLLib.worker.client import Callbacks
from MedSegDLLib.worker.environment import TORCH_READS
from MedSegDLLib.worker.processes import Failure
from MedSegDLLib.worker.remote import RemoteWorker
from Testing.core.cohort.test_driver import driver as made_up_driver
from Testing.core.serve.odd_server import Cutter, OddServer
from Testing.judges.nnunet_folder import Recipe, write_folder

from .inputs import ROOT, brain_files

CASES, QUICK_CASES = 6, 2
MADE_UP_CASES, QUICK_MADE_UP_CASES = 2000, 200
FOLDER_CASES, QUICK_FOLDER_CASES = 8, 2
FOLDER_SHAPE, FOLDER_TILE, FOLDER_FEATURES = (80, 128, 128), (48, 48, 48), (8, 16, 32)  # a small network: what surrounds it counts
FOLDER_LABELS = {"background": 0, "organ": 1, "lesion": 2}
CLIENTS, REQUESTS_EACH = 50, 10
QUICK_CLIENTS, QUICK_EACH = 10, 5
EVERY_CUT = 10  # one client in so many sits behind a line that is cut time and again
CUTS = (3_000, 60_000, 0, -2_000, -300) * 4
SHAPE = (20, 48, 48)
LIMIT_S = 500.0
SETTLE_S = 3.0  # after the last answer, until the server has let go of it


def cohort(quick: bool) -> dict:
    """The same cases by `medsegdl cohort` and by a shell loop, and whether the masks are equal."""
    count = QUICK_CASES if quick else CASES
    files = brain_files()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listed = folder / "list.csv"
        with listed.open("w", newline="", encoding="utf-8") as stream:
            rows = csv.writer(stream)
            rows.writerow(["case", *files.paths])
            rows.writerows([f"case{number}", *files.paths.values()] for number in range(count))
        inputs = [part for key, path in files.paths.items() for part in (f"--{key}", str(path))]
        loop_s = sum(_seconds("segment", "--task", "brain", *inputs, "-o", str(folder / f"alone{n}")) for n in range(count))
        cohort_s = _seconds("cohort", str(listed), "--task", "brain", "-o", str(folder / "cohort"), "--keep-names")
        again_s = _seconds("cohort", str(listed), "--task", "brain", "-o", str(folder / "cohort"), "--keep-names")
        equal = all(_equal(folder / f"alone{n}", folder / "cohort" / f"case{n}") for n in range(count))
    return {"cases": count, "what": files.described, "loop_s": loop_s, "cohort_s": cohort_s, "again_s": again_s, "equal": equal}


def driver(quick: bool) -> dict:
    """Memory of the driver and its time a case, over many made-up cases that take no time of their own."""
    count = QUICK_MADE_UP_CASES if quick else MADE_UP_CASES
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").write_text("work", encoding="utf-8")
        said, _ = made_up_driver(folder, count).communicate()
    seconds, _, kilobytes = said.splitlines()
    return {"cases": count, "mb": int(kilobytes) / 1024, "ms_a_case": 1000 * float(seconds) / count}


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
        begin = time.perf_counter()
        _run(sys.executable, "-m", "bench.many", str(network), str(images), str(place / "nnunet"))
        nnunet_s = time.perf_counter() - begin
        arguments = ["--weights", str(place / "network.safetensors"), "-o", str(place / "ours"), "--keep-names", "--mode", "fast"]
        ours_s = _seconds("cohort", str(images), *arguments, "--device", "cpu")
        answered = [len(list(place.glob(pattern))) for pattern in ("nnunet/*.nii.gz", "ours/*/segmentation.seg.nrrd")]
    return {"cases": count, "nnunet_s": nnunet_s, "ours_s": ours_s, "answered": answered, "shape": FOLDER_SHAPE, "tile": FOLDER_TILE}


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


def _seconds(*arguments: str) -> float:
    start = time.perf_counter()
    _run(sys.executable, "-m", "MedSegDLLib.commands.main", *arguments)
    return time.perf_counter() - start


def _run(*command: str) -> None:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "MedSegDL")])
    done = subprocess.run(command, env={**os.environ, **TORCH_READS, "PYTHONPATH": paths}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])


def _equal(one: Path, two: Path) -> bool:
    names = [f"{region.key}.nii.gz" for region in TASKS["brain"].regions]
    masks = [[sitk.GetArrayFromImage(sitk.ReadImage(str(folder / name))) for name in names] for folder in (one, two)]
    return all(np.array_equal(a, b) for a, b in zip(*masks, strict=True))


class _Desk:
    """A client that asks one thing after the other and counts how often each was answered."""

    def __init__(self, number: int, address, requests: int) -> None:
        self.worker, self.number = RemoteWorker(), number
        self.answers: list[list] = []
        self._left = requests
        self.worker.start(address)

    @property
    def done(self) -> bool:
        """Whether everything was asked and answered."""
        return self._left == 0 and all(self.answers)

    def step(self) -> None:
        """Deliver what has come; ask the next."""
        self.worker.poll()
        if self._left and all(self.answers):
            self._left -= 1
            heard: list = []
            self.answers.append(heard)
            values = np.random.default_rng(self.number * 1000 + self._left).integers(0, 4, SHAPE).astype(np.int16)

            def answered(result) -> None:
                right = all(np.array_equal(result.masks[key], values > level) for level, key in enumerate(("WT", "TC", "ET")))
                heard.append("right" if right else "wrong")

            def failed(failure: Failure) -> None:
                heard.append(f"refused: {failure.message}")

            self.worker.segment({"flair": Image(values, np.eye(4), "")}, "brain", {}, Callbacks(on_result=answered, on_error=failed))


def desks(quick: bool) -> dict:
    """Every request of every client answered once, or refused with a reason, while lines are cut and the server is killed once."""
    clients, each = (QUICK_CLIENTS, QUICK_EACH) if quick else (CLIENTS, REQUESTS_EACH)
    place = Path(tempfile.mkdtemp())
    server = OddServer(place, silent_s=60.0, jobs=2 * CLIENTS)
    cutter = Cutter(server.port)
    cutter.budgets += CUTS
    start = time.perf_counter()
    try:
        all_desks = [_Desk(n, cutter.address if n % EVERY_CUT == 0 else server.address, each) for n in range(clients)]
        memory_mb = [_memory_mb(server.process.pid)]
        killed = False
        while not all(desk.done for desk in all_desks):
            if time.perf_counter() - start > LIMIT_S:
                raise TimeoutError("the clients were not answered in time")
            for desk in all_desks:
                desk.step()
            if not killed and sum(len(desk.answers) for desk in all_desks) > clients * each // 2:
                memory_mb.append(_memory_mb(server.process.pid))
                killed = True
                server.kill()
                server.start()
        memory_mb.append(_memory_mb(server.process.pid))
        seconds = time.perf_counter() - start
        time.sleep(SETTLE_S)
        left = len(server.job_files())
    finally:
        server.kill()
        shutil.rmtree(place, ignore_errors=True)
    heard = [answer for desk in all_desks for answer in desk.answers]
    counted = {"once": sum(len(answer) == 1 for answer in heard), "right": sum(answer[0] == "right" for answer in heard)}
    return {
        "clients": clients,
        "requests": len(heard),
        **counted,
        "cuts": cutter.cuts,
        "seconds": seconds,
        "memory_mb": memory_mb,
        "left": left,
    }


def _memory_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


if __name__ == "__main__":
    _by_nnunet(*sys.argv[1:])
