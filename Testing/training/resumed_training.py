"""A training in a process of its own, so that a test can kill it: `python resumed_training.py FOLDER STEPS [resume]`.

The samples take a while to draw, so that a run lasts long enough to be hit in its middle.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import torch

from medsegdl_training.train.loop import CHECKPOINT, Run, Settings, train
from medsegdl_training.train.losses import LOSSES
from medsegdl_training.train.objectives import MeanTeacher, Supervised
from medsegdl_training.train.sampler import Batch, WithoutLabels
from medsegdl_training.transforms.augment import recipe_for
from MedSegDLLib.tasks import NUCLEI
from Testing.core.tiny import tiny_network
from Testing.training.made_up import Discs

SAVE_STEPS = 5


class SlowDiscs(Discs):
    """Discs, a few milliseconds each."""

    def draw(self, generator: torch.Generator, batch: int) -> Batch:
        """See `Discs.draw`."""
        time.sleep(0.004)
        return super().draw(generator, batch)


def settings_for(steps: int) -> Settings:
    """Everything that may carry state from step to step is on: momentum, average, dropout, the teacher's ramp."""
    return Settings(steps=steps, batch=2, precision="float32", warm_up=2, save_steps=SAVE_STEPS, seed=5)


def fresh(steps: int) -> Run:
    """The same first weights in every process."""
    return Run.start(tiny_network(NUCLEI, seed=3), settings_for(steps))


def go(folder: Path, steps: int, resume: bool) -> Run:
    """Train to the end, from the start or from the folder's checkpoint."""
    torch.set_num_threads(1)
    run = fresh(steps)
    if resume:
        run.load(folder / CHECKPOINT)
    supervised = Supervised(SlowDiscs(), recipe_for(NUCLEI), LOSSES["dice-bce"])
    train(run, MeanTeacher(supervised, WithoutLabels(SlowDiscs())), settings_for(steps), folder)
    return run


if __name__ == "__main__":
    go(Path(sys.argv[1]), int(sys.argv[2]), "resume" in sys.argv[3:])
