"""What hours of use do: many runs of one warm worker, and commands that are killed at random moments.

    python -m Testing.endurance [--runs N] [--kills N]         (`make endurance`; about an hour with 200 and 100)

Held, else it fails: the worker's memory stays flat; what is in a folder of results is at every moment one whole result; after the next
start there is no process, temporary folder or hidden file of the one that was killed; a cohort and a station end with everything done once.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "MedSegDL"), str(ROOT / "training")]

from MedSegDLLib.geometry.image import Image  # noqa: E402 - the path comes first
from MedSegDLLib.tasks import NUCLEI  # noqa: E402
from MedSegDLLib.worker.client import Callbacks, Worker  # noqa: E402
from MedSegDLLib.worker.environment import Interpreter, Source, worker_launch  # noqa: E402

RUNS, KILLS = 200, 100
SETTLED = 0.2  # of the runs, after which memory is measured first: caches are filled by then
MOST_GROWTH_MB = 40.0  # over all the runs after that; a picture's worth a run would be hundreds
LIMIT_S = 300.0
EARLIER, MOST_TRIES = 0.8, 40  # of the moment of a kill that came too late
QUICK = "Testing.core.pacs.quick_station"  # its work is killed by the hundred in `segment`
HIDDEN, TEMPORARY = ".medsegdl-*", "medsegdl-*"


def warm_runs(count: int, folder: Path) -> dict[str, float]:
    """Resident memory (MB) of a worker after a fifth of its runs, and after all. Raises AssertionError where it grows."""
    from Testing.core.tiny import tiny_weights

    options = {"weights": str(tiny_weights(folder, NUCLEI)), "device": "cpu"}
    picture = np.random.default_rng(0).integers(0, 255, (1, 256, 256)).astype(np.uint8)
    images, worker, memory = {"image": Image(picture, np.eye(4), "picture")}, Worker(), {}
    worker.start(worker_launch(Interpreter(Path(sys.executable), Source.SETTING)))
    try:
        for number in range(1, count + 1):
            answers: list = []
            worker.segment(images, "nuclei", options, Callbacks(on_result=answers.append, on_error=answers.append))
            until = time.monotonic() + LIMIT_S
            while not answers:
                assert time.monotonic() < until
                worker.poll()
                time.sleep(0.005)
            assert hasattr(answers[0], "segments"), answers[0]
            if number in (max(1, round(SETTLED * count)), count):
                memory[f"after {number} runs"] = _memory_mb(worker._child.pid)
    finally:
        worker.stop()
    assert max(memory.values()) - min(memory.values()) < MOST_GROWTH_MB, memory
    return memory


def _memory_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


class Place:
    """A folder with weights, pictures, and a temporary folder of its own, in which commands are run and killed."""

    def __init__(self, folder: Path) -> None:
        from PIL import Image as Picture

        from Testing.core.tiny import tiny_weights

        self.folder, self.temporary = folder, folder / "temporary"
        self.temporary.mkdir()
        self.weights = tiny_weights(folder, NUCLEI)
        self.pictures = []
        for seed in range(3):
            self.pictures.append(folder / f"picture{seed}.png")
            Picture.fromarray(np.random.default_rng(seed).integers(0, 255, (48, 48)).astype(np.uint8)).save(self.pictures[-1])

    def start(self, *arguments: object) -> subprocess.Popen:
        """`medsegdl` with arguments, in a session of its own."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "MedSegDL"), "TMPDIR": str(self.temporary), "OMP_NUM_THREADS": "1"}
        call = [sys.executable, "-m", "MedSegDLLib.commands.main", *map(str, arguments)]
        nowhere = subprocess.DEVNULL
        return subprocess.Popen(call, env=environment, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True)

    def whole(self, *arguments: object) -> float:
        """Run to the end; the seconds it took."""
        started = time.monotonic()
        assert self.start(*arguments).wait(LIMIT_S) == 0, arguments
        return time.monotonic() - started

    def killed(self, after_s: float, *arguments: object) -> bool:
        """Run, and SIGKILL after so long; whether it was killed before its end."""
        process = self.start(*arguments)
        try:
            process.wait(after_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        return process.wait(LIMIT_S) != 0

    def processes(self) -> list[str]:
        """Command lines of processes that work here (Linux)."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            except OSError:
                continue
            found += [line] if str(self.folder) in line else []
        return found

    def left_over(self) -> list[str]:
        """Temporary folders, hidden files, and processes once they had some seconds to end."""
        until = time.monotonic() + 20
        while self.processes() and time.monotonic() < until:
            time.sleep(0.1)
        files = [*self.temporary.glob(TEMPORARY), *self.folder.rglob(HIDDEN)]
        return [*self.processes(), *map(str, files)]


def state(folder: Path) -> tuple[str, ...]:
    """What a folder of a picture's result is a result of: the inputs' hash, and the hash of the objects; empty where there is none."""
    if not (folder / "report.json").exists():
        assert not list(folder.glob("[!.]*")) if folder.exists() else True, "a part of a result"
        return ()
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    names = sorted(path.name for path in folder.glob("[!.]*"))
    return (report["inputs"]["image"]["sha256"], hashlib.sha256((folder / "nuclei.png").read_bytes()).hexdigest(), *names)


def killed_segments(moments: Sequence[float], folder: Path) -> dict[str, int]:
    """Kill `segment` at these parts of its usual time, over an earlier result. Raises AssertionError for anything but a whole result."""
    place, out = Place(folder), folder / "out"
    common = ("segment", "--task", "nuclei", "--weights", place.weights, "--device", "cpu", "-o", out, "--image")
    place.whole(*common, place.pictures[0])
    usual, tries = place.whole(*common, place.pictures[0]), 0
    seen = {state(out)[0]: state(out)}
    for moment in moments:
        for part in _earlier(moment):
            tries += 1
            killed = place.killed(part * usual, *common, place.pictures[tries % 2])
            found = state(out)
            assert found and seen.setdefault(found[0], found) == found, f"killed at {part:.0%}"
            if killed:
                break
    for picture in (place.pictures[1], place.pictures[0]):
        place.whole(*common, picture)
        found = state(out)
        assert seen.setdefault(found[0], found) == found
    assert len(seen) == 2
    assert not place.left_over(), place.left_over()
    return {"kills": len(moments), "ended before": tries - len(moments)}


def _earlier(moment: float) -> Iterator[float]:
    """A part of the usual time, and ever earlier ones for the runs that end before: every moment becomes a kill."""
    for _ in range(MOST_TRIES):
        yield moment
        moment *= EARLIER
    raise AssertionError("no run lasts until it is killed")


def killed_cohorts(moments: Sequence[float], folder: Path) -> dict[str, int]:
    """Kill `cohort` of three cases, workers with it, at these parts of its usual time; in the end all are done."""
    place = Place(folder)
    listing = folder / "list.csv"
    listing.write_text("case,image\n" + "".join(f"{path.stem},{path}\n" for path in place.pictures), encoding="utf-8")
    common = ("cohort", listing, "--task", "nuclei", "--weights", place.weights, "--device", "cpu", "--workers", "1", "--keep-names", "-o")
    usual = place.whole(*common, folder / "first")
    wholes = {state(path.parent) for path in (folder / "first").rglob("report.json")}
    assert len(wholes) == len(place.pictures)
    tries, outs = 0, [folder / "out0"]
    for moment in moments:
        for part in _earlier(moment):
            tries += 1
            killed = place.killed(part * usual, *common, outs[-1])
            found = {state(path.parent) for path in outs[-1].rglob("report.json")}
            assert found <= wholes, f"killed at {part:.0%}"
            if found == wholes:  # all is done here: the next begins anew, as else where this one was killed
                outs.append(folder / f"out{len(outs)}")
            if killed:
                break
    for out in outs:
        place.whole(*common, out)
        with (out / "cohort.csv").open(encoding="utf-8", newline="") as stream:
            assert {row["status"] for row in csv.DictReader(stream)} <= {"done", "kept"}
        assert {state(path.parent) for path in out.rglob("report.json")} == wholes
    assert not place.left_over(), place.left_over()
    return {"kills": len(moments), "ended before": tries - len(moments), "cohorts": len(outs)}


def killed_stations(moments: Sequence[float], folder: Path) -> dict[str, int]:
    """Kill `dicomweb --listen` at these parts of the time that a study takes from its first slice to its results in the archive."""
    from Testing.core.pacs.test_station import archiving

    with archiving() as (port, kept):
        _kill_stations(moments, folder, f"ARCHIVE@127.0.0.1:{port}", kept)
    instances = Counter(one.SOPInstanceUID for one in kept)
    studies = Counter((one.StudyInstanceUID, one.Modality) for one in {one.SOPInstanceUID: one for one in kept}.values())
    assert set(studies.values()) == {1}, "no study has two segmentations, reports or captures"
    return {"kills": len(moments), "stored again (the same object)": sum(instances.values()) - len(instances)}


def _kill_stations(moments: Sequence[float], folder: Path, peer: str, kept: list) -> None:
    from Testing.core.pacs.test_station import Command, left_over, study, until

    station, started = Command(folder, peer, QUICK), time.monotonic()
    _sends_until_taken(station.port, study())
    station.waits_for("study 1: sent")
    usual = time.monotonic() - started
    for number, moment in enumerate(moments, start=1):
        files, started = study(), time.monotonic()
        for one in files:
            one.StudyInstanceUID, one.SOPInstanceUID = f"{one.StudyInstanceUID}.{number}", f"{one.SOPInstanceUID}.{number}"
        _sends_until_taken(station.port, files)
        time.sleep(max(0.0, moment * usual - (time.monotonic() - started)))
        station.end(signal.SIGKILL)
        station = Command(folder, peer, QUICK)
    wanted = 3 * (len(moments) + 1)
    until(lambda: len({one.SOPInstanceUID for one in kept}) >= wanted, LIMIT_S + usual * len(moments))
    station.end(signal.SIGTERM)
    until(lambda: not left_over(folder), LIMIT_S)
    assert not list((folder / "tmp").glob(TEMPORARY))


def _sends_until_taken(port: int, files: list) -> None:
    """As a PACS does it: what was not answered in time is sent again; a station takes a slice twice as once."""
    from Testing.core.pacs.test_station import sends

    until = time.monotonic() + LIMIT_S
    while True:
        try:
            return sends(port, files)
        except (AssertionError, AttributeError):  # no association, or no status: this machine is too busy to answer
            assert time.monotonic() < until, "the station never answers"


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="many runs of one worker, and commands killed at random moments")
    parser.add_argument("pieces", nargs="*", choices=["worker", "segment", "cohort", "listen", []], metavar="PIECE", help="all by default")
    parser.add_argument("--runs", type=int, default=RUNS, help="of the warm worker (default: %(default)s)")
    parser.add_argument("--kills", type=int, default=KILLS, help="of each command (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    moments = [random.Random(given.seed).random() for _ in range(given.kills)]
    pieces = {
        "worker": lambda folder: warm_runs(given.runs, folder),
        "segment": lambda folder: killed_segments(moments, folder),
        "cohort": lambda folder: killed_cohorts(moments, folder),
        "listen": lambda folder: killed_stations(moments, folder),
    }
    for name in given.pieces or pieces:
        with tempfile.TemporaryDirectory(prefix="endurance-") as folder:
            print(f"{name}: {pieces[name](Path(folder))}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
