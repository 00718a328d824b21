"""The driver of a cohort: orders out, outcomes in, a journal to go on from, crashes tried again alone. Knows no image and no engine."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from ..errors import ERROR_KINDS, UsageError, counted
from ..io.atomic import atomic_path, not_written
from ..io.locks import held_alone
from ..options import Options
from .orders import DONE, FAILED, HOPELESS, KEPT, RETRIED, Case, Engine, Order, Outcome

JOURNAL_FILE = "cohort.jsonl"
LOCK_FILE = ".cohort.lock"
RETRIES = 2  # after the first try: with the network layer by layer, then slab by slab
REFUSED, REFUSED_REMEDY = "input", "Name the files of the case in a list."


@dataclass(frozen=True)
class Cohort:
    """What is to be done.

    Attributes:
        cases: all of them.
        task: key of the task.
        options: see `Options`; `keep_names` also names the folders after the cases.
        folder: exists; each case gets a folder in it.
        scene: whether each case gets a Slicer scene too.
        resume: whether what failed stays failed unless its inputs or weights changed.
    """

    cases: Sequence[Case]
    task: str
    options: Options
    folder: Path
    scene: bool = False
    resume: bool = False

    def orders(self, before: Mapping[str, Outcome]) -> Iterator[Order]:
        """An order a case that can be tried."""
        for case in self.cases:
            if not case.refusal:
                yield self._order(case, before.get(case.identity(self.options.keep_names)))

    def refused(self) -> Iterator[tuple[str, str]]:
        """Identity and refusal of each case that cannot be tried."""
        for case in self.cases:
            if case.refusal:
                yield case.identity(self.options.keep_names), case.refusal

    def identities(self) -> Iterator[str]:
        """Of all cases, in their order."""
        return (case.identity(self.options.keep_names) for case in self.cases)

    def _order(self, case: Case, before: Outcome | None) -> Order:
        identity = case.identity(self.options.keep_names)
        weights = self.options.weights
        failed = before.to_json() if self.resume and before is not None and before.status == FAILED and before.inputs else None
        return Order(
            case=identity,
            task=self.task,
            inputs={key: str(path.absolute()) for key, path in case.inputs.items()},
            folder=str((self.folder / identity).absolute()),
            options={**asdict(self.options), "weights": None if weights is None else str(Path(weights).absolute())},
            scene=self.scene,
            failed_before=failed,
            names={} if self.options.keep_names else names_of(case),
        )


def names_of(case: Case) -> dict[str, str]:
    """Names of the case and of its files -> what is said instead."""
    named = {case.name: "the case"}
    for key, path in case.inputs.items():
        base = path.name.split(".")[0]
        named |= {str(path): key, str(path.absolute()): key, str(path.parent): "its folder", path.name: key, base: key}
    return {name: told for name, told in named.items() if name.strip(". ")}


@dataclass
class Tally:
    """How far a cohort is.

    Attributes:
        total: cases.
        counts: status -> cases.
        retrying: cases that are to be tried again.
        started: `time.monotonic()` at the first order.
    """

    total: int
    counts: dict[str, int] = field(default_factory=lambda: {DONE: 0, KEPT: 0, FAILED: 0})
    retrying: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def ended(self) -> int:
        """Cases that are done, kept or on the list of failures."""
        return sum(self.counts.values())

    def sentence(self) -> str:
        """Cases, rate, time left, failures."""
        minutes = (time.monotonic() - self.started) / 60
        worked = self.counts[DONE] + self.counts[FAILED]
        parts = [f"{self.ended} of {counted(self.total, 'case')}"]
        if worked and minutes > 0:
            parts += [f"{worked / minutes:.1f} a minute", f"{_duration(60 * minutes / worked * (self.total - self.ended))} left"]
        kept, failed = self.counts[KEPT], self.counts[FAILED]
        parts += [f"{kept} done before"] * (kept > 0) + [f"{failed} failed"] * (failed > 0)
        return ", ".join(parts + [f"{self.retrying} to be tried again"] * (self.retrying > 0))


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def run_cohort(cohort: Cohort, engine: Engine, listen: Callable[[str, bool], None]) -> dict[str, Outcome]:
    """Do every case that is not done; what has ended is in the journal at every moment.

    Args:
        cohort: what to do.
        engine: who does it; closed at the end.
        listen: told of every step in a sentence, and whether all is done.

    Returns:
        identity -> outcome, of every case in their order.

    Raises:
        UsageError: another cohort writes into the folder.
        UsageError, WeightsError: what every case would end with.
        MedSegDLError: the engine cannot work. Cancelled: the same call goes on from there.
    """
    with held_alone(cohort.folder / LOCK_FILE) as alone:
        if not alone:
            raise UsageError(f"Another cohort writes into {cohort.folder}.", "Wait for its end, or choose another folder.")
        journal = Journal(cohort.folder / JOURNAL_FILE)
        progress = _Progress(journal, Tally(len(cohort.cases)), listen)
        orders = list(cohort.orders(journal.read()))
        for identity, refusal in cohort.refused():
            progress.ended(Outcome(identity, FAILED, REFUSED, refusal, REFUSED_REMEDY))
        try:
            _work(orders, engine, progress)
        finally:
            engine.close()
        return journal.compact(cohort.identities())


def _work(orders: Sequence[Order], engine: Engine, progress: _Progress) -> None:
    """All orders; those that took their process down or found no memory again, alone, each time with one strategy less."""
    for left_out in range(RETRIES + 1):
        again: list[Order] = []

        def told(order: Order, outcome: Outcome, again: list[Order] = again, last: bool = left_out == RETRIES) -> None:
            if outcome.kind in HOPELESS:
                raise ERROR_KINDS[outcome.kind](outcome.message, outcome.remedy)
            if outcome.kind in RETRIED and not last:
                again.append(order)
                progress.put_off(len(again))
            else:
                progress.ended(outcome)

        engine.run(orders, told, alone=left_out > 0)
        orders = [replace(order, options={**order.options, "strategies_left_out": left_out + 1}) for order in again]
        progress.put_off(0)


@dataclass
class _Progress:
    """Who writes down and tells what has ended."""

    journal: Journal
    tally: Tally
    listen: Callable[[str, bool], None]

    def ended(self, outcome: Outcome) -> None:
        self.journal.add(outcome)
        self.tally.counts[outcome.status] += 1
        self.listen(self.tally.sentence(), self.tally.ended == self.tally.total)

    def put_off(self, count: int) -> None:
        if count == self.tally.retrying:
            return
        self.tally.retrying = count
        self.listen(self.tally.sentence(), self.tally.ended == self.tally.total)


class Journal:
    """Outcomes in a file, a line each; the last of a case counts. A line that a killed process left unfinished is passed over."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._torn = path.exists() and path.read_bytes()[-1:] not in (b"", b"\n")

    def read(self) -> dict[str, Outcome]:
        """Identity -> outcome."""
        found: dict[str, Outcome] = {}
        if self._path.exists():
            with self._path.open(encoding="utf-8") as lines:
                for line in lines:
                    with suppress(ValueError, TypeError, RecursionError):
                        outcome = Outcome.from_json(json.loads(line))
                        found[outcome.case] = outcome
        return found

    def add(self, outcome: Outcome) -> None:
        """Write an outcome down. Raises InputRefused where the disk does not take it."""
        try:
            with self._path.open("ab") as stream:
                stream.write(("\n" * self._torn + json.dumps(outcome.to_json()) + "\n").encode())
            self._torn = False
        except OSError as error:
            raise not_written(self._path, error) from error

    def compact(self, identities: Iterable[str]) -> dict[str, Outcome]:
        """Only these cases, a line each; the file and what is returned."""
        found = self.read()
        kept = {identity: found[identity] for identity in identities}
        with atomic_path(self._path) as temporary:
            temporary.write_text("".join(json.dumps(outcome.to_json()) + "\n" for outcome in kept.values()), encoding="utf-8")
        return kept
