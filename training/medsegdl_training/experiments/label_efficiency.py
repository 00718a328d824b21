"""What each level of supervision brings: few, more and all labels of the nuclei, with and without the unlabelled pictures, at equal steps.

Pictures are brought to 128 x 128 as a whole, which is also the protocol of the chapter on the inception U-Net; every cell of the table is a
training of its own that is done once and kept.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from MedSegDLLib.network.inception_unet import PROFILES, InceptionUNet
from MedSegDLLib.tasks import NUCLEI

from ..cases.pictures import Picture
from ..train.loop import CHECKPOINT, Run, Settings
from ..train.losses import LOSSES
from ..train.objectives import MeanTeacher, Objective, Supervised
from ..train.pretext import METHODS as PRETEXTS
from ..train.pretext import outputs_of, pretext_of
from ..train.sampler import WithoutLabels
from ..train.state import Trainable
from ..train.supervision import labelled_share
from ..transforms.augment import recipe_for
from .common import DICE, KAGGLE, ShortTraining, claim, markdown, once, publish, read_pictures, sampler_of_pictures, score, spread

SIDE = 128
WIDTHS = (4, 8, 16, 32, 48)
SHARES = (0.02, 0.1, 1.0)
SEEDS = (1, 2, 3)
SUPERVISED, TEACHER = "supervised", "mean teacher"
METHODS = (SUPERVISED, TEACHER, *PRETEXTS)


@dataclass(frozen=True)
class LabelEfficiency:
    """What the table is made from.

    Attributes:
        train, test: folders of labelled pictures.
        out: gets the table, a JSON file a cell, and the runs.
        steps: of every training, pre-training included.
        methods, shares, seeds: the cells.
        widths: of the network.
        batch: samples a step.
    """

    train: Path
    test: Path
    out: Path
    steps: int = 200
    methods: tuple[str, ...] = METHODS
    shares: tuple[float, ...] = SHARES
    seeds: tuple[int, ...] = SEEDS
    widths: tuple[int, ...] = WIDTHS
    batch: int = 4

    def settings(self, seed: int) -> Settings:
        """The same for every cell."""
        return Settings(
            steps=self.steps,
            batch=self.batch,
            learning_rate=5e-3,
            warm_up=max(1, self.steps // 10),
            average=0.98,
            seed=seed,
            precision="float32",
        )

    def network(self, seed: int, outputs: int = len(NUCLEI.outputs)) -> InceptionUNet:
        """A narrow relative of the shipped network."""
        torch.manual_seed(seed)
        profile = PROFILES[NUCLEI.profile]
        levels = min(profile.added_maps, len(self.widths) - 1)
        return InceptionUNet(replace(profile, widths=self.widths, added_maps=levels, out_channels=outputs))

    def cells(self) -> list[Cell]:
        """All of them, the shares mixed, so that an unfinished table says something too."""
        return [Cell(method, share, seed) for seed in self.seeds for share in self.shares for method in self.methods]


@dataclass(frozen=True)
class Cell:
    """One training of the table."""

    method: str
    share: float
    seed: int

    @property
    def name(self) -> str:
        """For files."""
        return f"{self.method.replace(' ', '-')}_{self.share:g}_{self.seed}"


@dataclass(frozen=True, eq=False)
class Pictures:
    """All pictures at the protocol's size."""

    train: list[Picture]
    test: list[Picture]


_READ: dict[tuple[Path, Path], Pictures] = {}


def pictures_of(study: LabelEfficiency) -> Pictures:
    """Read once a process."""
    key = (study.train, study.test)
    if key not in _READ:
        torch.set_num_threads(1)
        _READ[key] = Pictures(read_pictures(study.train, SIDE), read_pictures(study.test, SIDE))
    return _READ[key]


def pretrained(study: LabelEfficiency, method: str) -> dict[str, Any]:
    """Pre-train on all pictures without their labels; once for all cells of a method."""

    def make() -> dict[str, Any]:
        sampler = sampler_of_pictures(pictures_of(study).train, NUCLEI.plan, (SIDE, SIDE))
        settings = study.settings(seed=1)
        network = study.network(1, outputs_of(method, PROFILES[NUCLEI.profile].in_channels))
        run = Run.start(network, settings)
        ShortTraining(pretext_of(method, WithoutLabels(sampler), recipe_for(NUCLEI)), settings, _folder(study, method)).train(run)
        return {"steps": run.step, "seconds": round(run.seconds, 1)}

    return once(study.out / "cells" / f"pretrained_{method}.json", make)


def _folder(study: LabelEfficiency, name: str) -> Path:
    return study.out / "runs" / name


def trained(study: LabelEfficiency, cell: Cell) -> dict[str, Any]:
    """One cell: train it and score it, unless that was done before."""

    def make() -> dict[str, Any]:
        pictures, settings = pictures_of(study), study.settings(cell.seed)
        run = Run.start(study.network(cell.seed), settings)
        if cell.method in PRETEXTS:
            begin_from(run, _folder(study, cell.method) / CHECKPOINT)
        ShortTraining(objective_for(cell, pictures.train), settings, _folder(study, cell.name)).train(run)
        (_folder(study, cell.name) / CHECKPOINT).unlink()
        scores = score(run.average, pictures.test, NUCLEI.plan)
        return {"method": cell.method, "share": cell.share, "seed": cell.seed, **scores, "seconds": round(run.seconds, 1)}

    return once(study.out / "cells" / f"{cell.name}.json", make)


def begin_from(run: Run, checkpoint: Path) -> None:
    """Take over everything from a pre-trained network but its last convolutions."""
    average = torch.load(checkpoint, map_location="cpu", weights_only=True)["average"]
    kept = {name: tensor for name, tensor in average.items() if not name.startswith("segmenter.heads.")}
    networks: Iterable[Trainable] = (run.network, run.average)
    for network in networks:
        network.load_state_dict(kept, strict=False)


def objective_for(cell: Cell, pictures: Sequence[Picture]) -> Objective:
    """Labelled pictures alone, or with all others and the teacher."""
    chosen = set(labelled_share([picture.name for picture in pictures], cell.share, cell.seed))
    patch, recipe = (SIDE, SIDE), recipe_for(NUCLEI)
    labelled = [picture for picture in pictures if picture.name in chosen]
    supervised = Supervised(sampler_of_pictures(labelled, NUCLEI.plan, patch), recipe, LOSSES["dice-bce"])
    if cell.method != TEACHER:
        return supervised
    return MeanTeacher(supervised, WithoutLabels(sampler_of_pictures(pictures, NUCLEI.plan, patch)))


def run_study(study: LabelEfficiency, workers: int = 1) -> str:
    """Do all cells that are not done yet, in so many processes of one thread each, and write the table: its Markdown text."""
    claim(study.out, protocol(study))
    wanted = [method for method in PRETEXTS if method in study.methods]
    if workers == 1:
        before = {method: pretrained(study, method) for method in wanted}
        results = [trained(study, cell) for cell in study.cells()]
    else:
        os.environ.update(OMP_NUM_THREADS="1", OMP_WAIT_POLICY="PASSIVE")
        with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
            before = dict(zip(wanted, pool.map(pretrained, [study] * len(wanted), wanted)))
            results = list(pool.map(trained, [study] * len(study.cells()), study.cells()))
    found = {"protocol": protocol(study), "pretraining": before, "cells": results}
    return publish(study.out, "label_efficiency", found, table(study, results))


def protocol(study: LabelEfficiency) -> str:
    """One sentence that says what the numbers are."""
    weights = sum(p.numel() for p in study.network(1).parameters())
    return (
        f"Nuclei, whole pictures at {SIDE}x{SIDE}; inception U-Net with {weights:,} weights, {study.steps} steps of {study.batch} "
        "samples in every training; mean over the test pictures, mean ± standard deviation over the seeds (of weights and of which "
        "labels)."
    )


def table(study: LabelEfficiency, results: Sequence[dict[str, Any]]) -> str:
    """Both measures: a row a method, a column a share."""
    parts = [protocol(study), ""]
    for measure in (DICE, KAGGLE):
        head = [measure, *(f"{share:.0%} of the labels" for share in study.shares)]
        rows = []
        for method in study.methods:
            cells = ([r[measure] for r in results if (r["method"], r["share"]) == (method, share)] for share in study.shares)
            rows.append([_title(method), *(spread(values) for values in cells)])
        parts.append(markdown(head, rows))
    return "\n".join(parts)


def _title(method: str) -> str:
    return f"pre-trained ({method}), then supervised" if method in PRETEXTS else method
