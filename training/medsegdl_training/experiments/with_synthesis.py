"""Does synthesis help? The same network, recipe and steps with synthesised samples and without, measured on real cases never seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from MedSegDLLib.errors import UsageError
from MedSegDLLib.network.inception_unet import PROFILES
from MedSegDLLib.pipeline import Options
from MedSegDLLib.tasks import Task

from ..cases.selection import Selection
from ..evaluate.evaluate import evaluate_case
from ..train.export import ExportOptions, export
from ..train.loop import Run, Settings
from ..train.losses import NESTED
from ..train.runs import start, write_settings
from ..train.samplers import cases_of, names_of
from ..train.supervision import Place, objective_of
from .common import ShortTraining, claim, markdown, once, publish, spread

TITLES = {True: "with synthesis", False: "real images only"}


@dataclass(frozen=True)
class Question:
    """What the table is made from.

    Attributes:
        task: any whose sampler can synthesise.
        data: folder of the data set.
        out: gets the table, a JSON file a training, and the runs.
        steps: of every training.
        patch: sides of a sample in voxels.
        tests: names of labelled cases; each is held out of trainings of its own and measured on.
        apart: names that no training may see, such as other images of a patient in `tests`.
        seeds: one training each.
        threads: of torch.
    """

    task: Task
    data: Path
    out: Path
    steps: int
    patch: tuple[int, ...]
    tests: tuple[str, ...]
    apart: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (1,)
    threads: int = 2

    def settings(self, seed: int) -> Settings:
        """The same for every training."""
        return Settings(steps=self.steps, batch=1, learning_rate=2e-3, average=0.99, seed=seed, loss=NESTED)

    def entry(self, test: str, synthesis: bool, seed: int) -> dict[str, Any]:
        """Of a training's settings file."""
        return {
            "task": self.task.key,
            "architecture": {"name": "inception_unet", "arguments": asdict(PROFILES[self.task.profile])},
            "plan": self.task.plan.to_json(),
            "patch": list(self.patch),
            "holdout": [test, *self.apart],
            "synthesis": synthesis,
            "settings": asdict(self.settings(seed)),
            "command": f"one of the trainings of `medsegdl-train synthesis --task {self.task.key} --steps {self.steps}`",
        }


def protocol(question: Question) -> str:
    """One sentence that says what the numbers are."""
    patch = "x".join(map(str, question.patch))
    return (
        f"{question.task.title}: {question.steps} steps of one {patch} sample in every training, AdamW, cosine, loss `{NESTED}`, the "
        "averaged weights through the whole pipeline; Dice of a case that the training never saw, mean ± standard deviation over the seeds."
    )


def answer(question: Question, report: Callable[[str], None] = print) -> str:
    """Train and measure what was not yet, and write the table: its Markdown text.

    Raises:
        UsageError: a test case is not there, or has no labels.
    """
    labelled = [case.name for case in cases_of(question.task)(question.data) if case.reference is not None]
    for name in question.tests:
        if name not in labelled:
            raise UsageError(f"There is no labelled case '{name}' in {question.data}.", f"Choose among {', '.join(labelled)}.")
    Selection(question.data, question.apart).refuse_unknown(names_of(question.task)(question.data))
    claim(question.out, protocol(question))
    torch.set_num_threads(question.threads)
    found = []
    for seed in question.seeds:
        for test in question.tests:
            for synthesis in TITLES:
                found.append(_cell(question, test, synthesis, seed))
                report(f"{test}, {TITLES[synthesis]}, seed {seed}: {found[-1]['measures']}")
    return publish(question.out, "synthesis", {"protocol": protocol(question), "trainings": found}, table(question, found))


def _cell(question: Question, test: str, synthesis: bool, seed: int) -> dict[str, Any]:
    """One training and what it is worth on the test case; done once."""
    name = f"{test}_{'with' if synthesis else 'without'}_{seed}"

    def make() -> dict[str, Any]:
        run, weights = _trained(question, test, question.entry(test, synthesis, seed), question.out / "runs" / name)
        case = next(case for case in cases_of(question.task)(question.data) if case.name == test)
        measures = evaluate_case(case, question.task, Options("cpu", weights))["measures"]
        dice = {title: value for title, value in measures.items() if title.startswith("Dice")}
        return {"test": test, "synthesis": synthesis, "seed": seed, "measures": dice, "seconds": round(run.seconds, 1)}

    return once(question.out / "cells" / f"{name}.json", make)


def _trained(question: Question, test: str, entry: dict[str, Any], folder: Path) -> tuple[Run, Path]:
    """The run, finished, and its weights as a file."""
    settings = Settings(**entry["settings"])
    place = Place.of(question.task, question.data, entry, settings.seed)
    objective, sampler = objective_of(place, entry, settings)
    run = ShortTraining(objective, settings, folder).train(start(entry, settings))
    read = {"cases": list(sampler.cases), "data": sampler.data, "data_hash": sampler.data_hash}
    write_settings(folder, {**entry, **read})
    weights = folder / f"{question.task.key}.safetensors"
    export(folder, weights, "float16", ExportOptions())
    return run, weights


def table(question: Question, found: Sequence[dict[str, Any]]) -> str:
    """A row a test case and region: with and without."""
    rows = []
    for test in question.tests:
        own = [entry for entry in found if entry["test"] == test]
        for measure in own[0]["measures"]:
            values = [[entry["measures"][measure] for entry in own if entry["synthesis"] is synthesis] for synthesis in TITLES]
            rows.append([test, measure, *map(spread, values)])
    head = ["never seen", "measure", *TITLES.values()]
    return f"{protocol(question)} Seeds: {len(question.seeds)}.\n\n{markdown(head, rows)}"
