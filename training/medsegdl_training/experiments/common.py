"""What comparisons on pictures have in common: data read once, a short training from a description, and scores of the network it gives.

A trial that is finished has its result as a JSON file, and is not done again.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from MedSegDLLib.errors import Cancelled, UsageError
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.atomic import atomic_path, write_json
from MedSegDLLib.metrics import confusion, kaggle_precision
from MedSegDLLib.postprocess.instances import split_instances
from MedSegDLLib.tasks import Plan

from ..cases.pictures import Picture, channels_of, find_cases, read_picture
from ..evaluate.resized import resized, resized_labels
from ..train.loop import CHECKPOINT, Run, Settings, train
from ..train.nuclei_sampler import NucleiSampler
from ..train.objectives import Objective
from ..train.state import Trainable

DICE, KAGGLE = "Dice", "Kaggle precision"
Scores = dict[str, float]


def read_pictures(data: Path, side: int | None = None) -> list[Picture]:
    """All labelled pictures of a folder, whole and brought to (side, side) where asked, as the chapter on the inception U-Net does."""
    pictures = map(read_picture, find_cases(data))
    return [picture if side is None else shrunk(picture, side) for picture in pictures]


def shrunk(picture: Picture, side: int) -> Picture:
    """A picture at (side, side); see `resized` and `resized_labels`."""
    image, labels = (Image(array[None], np.eye(4), picture.name) for array in (picture.image, picture.labels))
    return Picture(picture.name, resized(image, side).array[0], resized_labels(labels, side).array[0])


def sampler_of_pictures(pictures: Sequence[Picture], plan: Plan, patch: tuple[int, ...]) -> NucleiSampler:
    """A sampler of pictures that are in memory already."""
    return NucleiSampler(list(pictures), plan, patch, data_hash="")


def score(network: Trainable, pictures: Iterable[Picture], plan: Plan) -> Scores:
    """Mean over the pictures of semantic Dice and Kaggle precision, on the grid that the pictures have."""
    measured = [score_picture(network, picture, plan) for picture in pictures]
    return {name: statistics.fmean(one[name] for one in measured) for name in (DICE, KAGGLE)}


@torch.no_grad()
def score_picture(network: Trainable, picture: Picture, plan: Plan) -> Scores:
    """Both measures of one picture."""
    x = channels_of(picture, plan)
    sides = picture.labels.shape
    missing = [(-side) % network.arch.divisor for side in sides]
    padded = F.pad(x[None], (0, missing[1], 0, missing[0]), mode="replicate")
    network.eval()
    maps = torch.sigmoid(network.supervised(padded)[0][0].float())[:, : sides[0], : sides[1]].numpy()
    found = split_instances(maps[0], maps[1], plan.threshold)
    return {DICE: confusion(found > 0, picture.labels > 0).dice, KAGGLE: kaggle_precision(found, picture.labels)}


@dataclass(frozen=True)
class ShortTraining:
    """One short training: `settings` and `objective`, in `folder`."""

    objective: Objective
    settings: Settings
    folder: Path

    def train(self, run: Run) -> Run:
        """Train it, or go on where it was stopped.

        Raises:
            Cancelled: the process was told to stop.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if (self.folder / CHECKPOINT).exists():
            run.load(self.folder / CHECKPOINT)
        if train(run, self.objective, self.settings, self.folder) == "stopped":
            raise Cancelled
        return run


def claim(out: Path, protocol: str) -> None:
    """Keep results of different protocols apart.

    Raises:
        UsageError: the folder holds those of another one.
    """
    held = once(out / "protocol.json", lambda: {"protocol": protocol})["protocol"]
    if held != protocol:
        raise UsageError(f"{out} holds results of another protocol ({held})", "Choose another folder.")


def once(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The result in a JSON file; made and written first if it is not there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(make(), path)
    return json.loads(path.read_text(encoding="utf-8"))


def publish(out: Path, name: str, found: dict[str, Any], text: str) -> str:
    """Write all results as `name`.json and the table as `name`.md; returns the table."""
    write_json(found, out / f"{name}.json")
    with atomic_path(out / f"{name}.md") as temporary:
        temporary.write_text(text, encoding="utf-8")
    return text


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation, for a table."""
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.fmean(values):.3f} ± {deviation:.3f}"


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows]) + "\n"
