"""Many patients and many desks: a cohort against a shell loop of `segment`, and a server under 50 clients, with faults."""

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
from MedSegDLLib.tasks import TASKS
from MedSegDLLib.worker.client import Callbacks
from MedSegDLLib.worker.environment import TORCH_READS
from MedSegDLLib.worker.processes import Failure
from MedSegDLLib.worker.remote import RemoteWorker
from Testing.core.serve.odd_server import Cutter, OddServer

from .inputs import ROOT, brain_files

CASES, QUICK_CASES = 4, 2
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


def _seconds(*arguments: str) -> float:
    environment = {**os.environ, **TORCH_READS, "PYTHONPATH": str(ROOT / "MedSegDL")}
    start = time.perf_counter()
    command = [sys.executable, "-m", "MedSegDLLib.commands.main", *arguments]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return time.perf_counter() - start


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
