"""Is the inception network worth it? Ours and its rivals with the same data, recipe, loop and steps and about as many weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch

from MedSegDLLib.errors import UsageError
from MedSegDLLib.network.inception_unet import Architecture, InceptionUNet
from MedSegDLLib.tasks import Task

from ..cases.pictures import Picture
from ..train.loop import Run, Settings
from ..train.losses import LOSSES
from ..train.objectives import Supervised
from ..train.state import Trainable
from ..transforms.augment import recipe_for
from .common import DICE, KAGGLE, ShortTraining, claim, markdown, once, publish, read_pictures, sampler_of_pictures, score, spread
from .rivals import RIVALS, profile_of, scaled, weights_of

OURS = "ours"


@dataclass(frozen=True)
class Contest:
    """What is compared, and how.

    Attributes:
        task: of pictures; its plan and profile count.
        train, test: folders of labelled pictures.
        out: gets the table, a JSON file a training, and the runs.
        steps, batch, patch: of every training.
        names: `OURS` and keys of `RIVALS`.
        seeds: one training each.
        widths: of our network, in place of the profile's; the rivals are scaled to it.
        precision: of the forward pass.
    """

    task: Task
    train: Path
    test: Path
    out: Path
    steps: int
    batch: int = 4
    patch: tuple[int, int] = (128, 128)
    names: tuple[str, ...] = (OURS, *RIVALS)
    seeds: tuple[int, ...] = (1,)
    widths: tuple[int, ...] | None = None
    precision: str = "float32"

    def __post_init__(self) -> None:
        if not self.task.instances:
            raise UsageError(f"The comparison is for pictures, not for '{self.task.key}'.", "Give --task nuclei.")

    @property
    def arch(self) -> Architecture:
        """Of our network."""
        return profile_of(self.task.profile, self.widths)

    def settings(self, seed: int) -> Settings:
        """The same for every network."""
        return Settings(steps=self.steps, batch=self.batch, seed=seed, precision=self.precision, average=0.99)

    def builder(self, name: str) -> Callable[[], Trainable]:
        """Makes a network of that name with fresh weights."""
        return (lambda: InceptionUNet(self.arch)) if name == OURS else scaled(name, self.arch)[0]


def protocol(contest: Contest) -> str:
    """One sentence that says what the numbers are."""
    patch = "x".join(map(str, contest.patch))
    return (
        f"{contest.task.title}: {contest.steps} steps of {contest.batch} crops {patch} with the same augmentation, AdamW and cosine, "
        f"{contest.precision}; the averaged weights on the whole test pictures at full size, mean over the pictures."
    )


def contend(contest: Contest, report: Callable[[str], None] = print) -> str:
    """Train and score every network that was not yet, and write the table: its Markdown text."""
    claim(contest.out, protocol(contest))
    results = []
    for seed in contest.seeds:
        for name in contest.names:
            file = contest.out / "networks" / f"{_slug(name)}_{seed}.json"
            results.append(once(file, lambda name=name, seed=seed: contestant(contest, name, seed)))
            report(f"{name}, seed {seed}: Dice {results[-1][DICE]:.4f}, Kaggle precision {results[-1][KAGGLE]:.4f}")
    return publish(contest.out, "compare", {"protocol": protocol(contest), "networks": results}, table(contest, results))


def contestant(contest: Contest, name: str, seed: int) -> dict[str, Any]:
    """Train and score one network."""
    settings = contest.settings(seed)
    torch.manual_seed(seed)
    run = Run.start(contest.builder(name)(), settings)
    sampler = sampler_of_pictures(pictures_in(contest.train), contest.task.plan, contest.patch)
    objective = Supervised(sampler, recipe_for(contest.task), LOSSES[settings.loss])
    ShortTraining(objective, settings, contest.out / "runs" / f"{_slug(name)}_{seed}").train(run)
    scores = score(run.average, pictures_in(contest.test), contest.task.plan)
    rate = run.step * settings.batch / run.seconds
    return {"name": name, "seed": seed, "weights": weights_of(run.network), **scores, "images a second": round(rate, 2)}


@cache
def pictures_in(data: Path) -> list[Picture]:
    """The pictures of a folder at full size, read once."""
    return read_pictures(data)


def _slug(name: str) -> str:
    """For files."""
    return "".join(letter if letter.isalnum() else "-" for letter in name)


def table(contest: Contest, results: Sequence[dict[str, Any]]) -> str:
    """A row a network."""
    rows = []
    for name in contest.names:
        own = [result for result in results if result["name"] == name]
        measures = [spread([result[measure] for result in own]) for measure in (DICE, KAGGLE)]
        rate = sum(result["images a second"] for result in own) / len(own)
        rows.append([name, f"{own[0]['weights']:,}", *measures, f"{rate:.1f}"])
    head = ["network", "weights", DICE, KAGGLE, "training images a second"]
    return f"{protocol(contest)} Seeds: {len(contest.seeds)}.\n\n{markdown(head, rows)}"
