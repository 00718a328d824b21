"""The driver with an engine of its own and with real worker processes that misbehave: nothing lost, nothing twice, no name told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from MedSegDLLib.cohort.driver import JOURNAL_FILE, Cohort, Journal, names_of, run_cohort
from MedSegDLLib.cohort.local import LocalEngine
from MedSegDLLib.cohort.orders import DONE, FAILED, KEPT, Case, Outcome
from MedSegDLLib.errors import UsageError, WeightsError
from MedSegDLLib.options import Options

from .stand_in import stand_in_launch

ROOT = Path(__file__).resolve().parents[3]
MOST_DRIVER_MB = 300.0
MOST_GROWTH_MB = 8.0  # from a tenth of the cases to the last
MANY = 2000
MOST_OVERHEAD_S = 0.1  # of processor time a case: 5 % of the 2 s that a small brain takes


class Scripted:
    """An engine that answers from a list of outcomes a case, and remembers what it was asked."""

    def __init__(self, **answers: list[Outcome]) -> None:
        self.answers, self.asked, self.closed = answers, [], 0

    def run(self, orders, told, alone=False) -> None:
        for order in orders:
            self.asked.append((order.case, alone, order.options["strategies_left_out"], order.failed_before))
            told(order, self.answers[order.case].pop(0))

    def close(self) -> None:
        self.closed += 1


def quiet(sentence: str, ended: bool) -> None:
    """Nobody listens."""


def cohort(folder: Path, *names: str, **more) -> Cohort:
    cases = [Case(name, {"flair": folder / f"{name}.nii.gz"}) for name in names]
    return Cohort(cases, "brain", Options(keep_names=True), folder, **more)


def memory(case: str) -> Outcome:
    return Outcome(case, FAILED, "memory", "Too large.")


def test_what_found_no_memory_is_tried_again_alone_with_less_and_then_listed(tmp_path):
    engine = Scripted(a=[memory("a"), Outcome("a", DONE)], b=[Outcome("b", DONE)], c=[memory("c")] * 3)
    said = []
    found = run_cohort(cohort(tmp_path, "a", "b", "c"), engine, lambda *told: said.append(told))
    assert {key: outcome.status for key, outcome in found.items()} == {"a": DONE, "b": DONE, "c": FAILED}
    tries = [(case, alone, left_out) for case, alone, left_out, _ in engine.asked]
    assert tries == [("a", False, 0), ("b", False, 0), ("c", False, 0), ("a", True, 1), ("c", True, 1), ("c", True, 2)]
    assert said[-1][1] and "3 of 3 cases" in said[-1][0] and "1 failed" in said[-1][0]
    assert sum(ended for _, ended in said) == 1 and engine.closed == 1


def test_what_every_case_would_end_with_ends_the_cohort(tmp_path):
    engine = Scripted(a=[Outcome("a", FAILED, "weights", "They are damaged.")], b=[Outcome("b", DONE)])
    with pytest.raises(WeightsError, match="damaged"):
        run_cohort(cohort(tmp_path, "a", "b"), engine, quiet)
    assert engine.closed == 1 and len(engine.asked) == 1


def test_resume_leaves_the_failed_as_they_are_and_a_rerun_tries_them(tmp_path):
    refused = Outcome("a", FAILED, "input", "It is damaged.", "", {"flair": "1"}, "2")
    run_cohort(cohort(tmp_path, "a"), Scripted(a=[refused]), quiet)
    again, resumed = Scripted(a=[refused]), Scripted(a=[refused])
    run_cohort(cohort(tmp_path, "a"), again, quiet)
    run_cohort(cohort(tmp_path, "a", resume=True), resumed, quiet)
    assert again.asked[0][3] is None
    assert Outcome.from_json(resumed.asked[0][3]) == refused


def test_a_case_that_cannot_be_tried_is_listed(tmp_path):
    cases = [Case("a", {}, "Line 3 of the list names no input."), Case("b", {"flair": tmp_path / "b"})]
    engine = Scripted(b=[Outcome("b", DONE)])
    found = run_cohort(Cohort(cases, "brain", Options(keep_names=True), tmp_path), engine, quiet)
    assert found["a"].message.startswith("Line 3") and found["b"].status == DONE


def test_a_torn_journal_is_read_as_far_as_it_goes(tmp_path):
    journal = Journal(tmp_path / JOURNAL_FILE)
    journal.add(Outcome("a", DONE))
    with (tmp_path / JOURNAL_FILE).open("a") as stream:
        stream.write('{"case": "b", "stat')
    later = Journal(tmp_path / JOURNAL_FILE)
    later.add(Outcome("c", DONE))
    later.add(Outcome("a", FAILED))
    assert {key: outcome.status for key, outcome in later.read().items()} == {"a": FAILED, "c": DONE}
    assert list(later.compact(["c"])) == ["c"] == list(later.read())


def test_two_cohorts_do_not_write_into_one_folder(tmp_path):
    class Nested(Scripted):
        def run(self, orders, told, alone=False):
            with pytest.raises(UsageError, match="Another cohort"):
                run_cohort(cohort(tmp_path, "a"), Scripted(a=[]), quiet)
            super().run(orders, told, alone)

    run_cohort(cohort(tmp_path, "a"), Nested(a=[Outcome("a", DONE)]), quiet)
    run_cohort(cohort(tmp_path, "a"), Scripted(a=[Outcome("a", KEPT)]), quiet)


def test_names_are_told_to_no_one(tmp_path):
    case = Case("Doe^Jane", {"flair": tmp_path / "Doe_Jane" / "Doe.Jane_flair.nii.gz"})
    assert "Doe" not in case.identity(keep_names=False) and case.identity(True).startswith("Doe_Jane-")
    order = next(Cohort([case], "brain", Options(), tmp_path).orders({}))
    assert {"Doe^Jane", "Doe.Jane_flair.nii.gz", str(tmp_path / "Doe_Jane")} <= set(order.names)
    assert "Doe" not in order.case and "Doe" not in order.folder
    assert not set(names_of(Case("a", {"flair": Path("x.nii")}))) & {".", ""}


def made_up(folder: Path, *what: str) -> list[Case]:
    cases = []
    for number, do in enumerate(what):
        path = folder / f"in{number}"
        path.write_text(do)
        cases.append(Case(f"n{number:04d}", {"flair": path}))
    return cases


@pytest.mark.parametrize("workers", [2, None], ids=["two", "by the forecast"])
def test_crashes_cost_one_case_and_no_other(tmp_path, workers):
    cases = made_up(tmp_path, "work", "crash 1", "refuse", "memory 2", "work", "crash 9")
    found = run_cohort(Cohort(cases, "brain", Options(keep_names=True), tmp_path), LocalEngine(workers, stand_in_launch()), quiet)
    ended = {key: (outcome.status, outcome.kind) for key, outcome in found.items()}
    assert ended == {
        "n0000": (DONE, ""), "n0001": (DONE, ""), "n0002": (FAILED, "input"),
        "n0003": (DONE, ""), "n0004": (DONE, ""), "n0005": (FAILED, "crash"),
    }  # fmt: skip
    tries = {key: len((tmp_path / key / "tries").read_text().split()) for key in found}
    assert tries == {"n0000": 1, "n0001": 2, "n0002": 1, "n0003": 3, "n0004": 1, "n0005": 3}
    assert "code 7" in found["n0005"].message


DRIVER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from MedSegDLLib.cohort.driver import Cohort, run_cohort
from MedSegDLLib.cohort.local import LocalEngine
from MedSegDLLib.cohort.orders import Case
from MedSegDLLib.cohort.page import write_page
from MedSegDLLib.cohort.table import rows_of, write_table
from MedSegDLLib.commands.signals import cancelling
from MedSegDLLib.options import Options
from MedSegDLLib.tasks import BRAIN
from Testing.core.cohort.stand_in import stand_in_launch
folder, count = Path(sys.argv[2]), int(sys.argv[3])
cases = [Case(f"n{n:04d}", {"flair": folder / "in"}) for n in range(count)]
heard, held_kb = [0], []
def kilobytes(what):
    return int(next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(what)).split()[1])
def listen(*told):
    heard[0] += 1
    if heard[0] in (count // 10, count):
        held_kb.append(kilobytes("VmRSS"))
with cancelling():
    started, spent = time.monotonic(), time.process_time()
    found = run_cohort(Cohort(cases, "brain", Options(keep_names=True), folder), LocalEngine(2, stand_in_launch()), listen)
    print(time.monotonic() - started, time.process_time() - spent)
rows = rows_of(found.values(), folder)
write_table(rows, BRAIN, folder), write_page(rows, BRAIN, folder)
print(sorted({row.status for row in rows}), "torch" in sys.modules)
print(kilobytes("VmHWM"), *held_kb)
"""


@dataclass(frozen=True)
class Took:
    """What a driver took.

    Attributes:
        seconds: by the clock, the workers' start too.
        processor_s: of its own.
        most_mb: of memory, with table and page.
        growth_mb: from a tenth of the cases to the last.
    """

    seconds: float
    processor_s: float
    most_mb: float
    growth_mb: float


def read_driver(said: str) -> Took:
    """From what the driver printed."""
    first, _, last = said.splitlines()
    most_kb, tenth_kb, end_kb = (int(word) for word in last.split())
    return Took(*(float(word) for word in first.split()), most_kb / 1024, (end_kb - tenth_kb) / 1024)


def driver(folder: Path, count: int) -> subprocess.Popen:
    command = [sys.executable, "-c", DRIVER, str(ROOT), str(folder), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT / "MedSegDL")})


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a process's largest memory apart from its parent's")
def test_a_driver_of_many_cases_stays_small_and_quick(tmp_path):
    (tmp_path / "in").write_text("work")
    process = driver(tmp_path, MANY)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    assert said.splitlines()[1] == "['done'] False", "the driver needs no torch"
    took = read_driver(said)
    assert took.most_mb <= MOST_DRIVER_MB
    assert took.growth_mb <= MOST_GROWTH_MB, "its memory is flat"
    assert took.processor_s / MANY <= MOST_OVERHEAD_S
    assert (tmp_path / "cohort.csv").read_text().count("\n") == MANY + 1
    each, own = (1000 * seconds / MANY for seconds in (took.seconds, took.processor_s))
    print(f"{took.most_mb:.0f} MB, {took.growth_mb:.1f} more than after a tenth; {each:.1f} ms a case, {own:.1f} ms of the driver's own")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_driver_that_is_ended_leaves_no_worker_and_is_gone_on_from(tmp_path, number):
    (tmp_path / "in").write_text("work")
    process = driver(tmp_path, 3 * MANY)
    journal = Journal(tmp_path / JOURNAL_FILE)
    while len(journal.read()) < 20:
        assert process.poll() is None
        time.sleep(0.05)
    workers = {int(pid) for path in tmp_path.glob("*/tries") for pid in path.read_text().split()}
    process.send_signal(number)
    process.wait(20)
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < deadline, "a worker lives on"
        time.sleep(0.05)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/report.json")}
    cases = [Case(f"n{n:04d}", {"flair": tmp_path / "in"}) for n in range(len(before) + 5)]
    found = run_cohort(Cohort(cases, "brain", Options(keep_names=True), tmp_path), LocalEngine(1, stand_in_launch()), quiet)
    assert {outcome.status for outcome in found.values()} == {DONE, KEPT}
    assert all(path.stat().st_mtime_ns == when for path, when in before.items()), "what was done is not done again"
