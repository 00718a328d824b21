"""A tiny training that torchrun starts in several processes: `torchrun shared_training.py FOLDER`. Alone it trains on the whole batch."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch

from medsegdl_training.train import parallel
from medsegdl_training.train.loop import Run, Settings, train
from medsegdl_training.train.losses import LOSSES
from medsegdl_training.train.objectives import MeanTeacher, Supervised
from medsegdl_training.train.sampler import WithoutLabels
from medsegdl_training.transforms.augment import recipe_for
from MedSegDLLib.network.inception_unet import PROFILES, InceptionUNet
from MedSegDLLib.tasks import NUCLEI
from Testing.training.made_up import Discs

# Not AdamW: it divides by the gradient's size, so that a bias before a normalisation (its gradient is rounding alone) goes its own way.
SETTINGS = Settings(steps=4, batch=5, precision="float32", warm_up=1, seed=2, optimiser="sgd", learning_rate=1e-2)


def go(folder: Path) -> Run:
    """Four steps of a network with dropout, whose masks follow the samples."""
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    with parallel.joined("cpu"):
        torch.manual_seed(0)
        arch = replace(PROFILES[NUCLEI.profile], widths=(4, 6, 8), added_maps=2, dropout=0.2)
        run = Run.start(InceptionUNet(arch), SETTINGS)
        supervised = Supervised(Discs(), recipe_for(NUCLEI), LOSSES["dice-bce"])
        train(run, MeanTeacher(supervised, WithoutLabels(Discs())), SETTINGS, folder)
        return run


if __name__ == "__main__":
    go(Path(sys.argv[1]))
