"""The options that `run`, `pretrain` and `finetune` share."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..train.settings import AUTO, OPTIMISERS, PRECISIONS, SCHEDULES
from .options import positive, whole

BATCH = 4
LOSSES = ("dice-bce", "nested", "paper")


def add_budget(command: argparse.ArgumentParser, rate: float = 3e-3, warm_up: int = 50) -> None:
    """What every kind of training has. What is not given is None, so that a run that goes on can tell it from what is asked for."""
    command.set_defaults(defaults={"learning_rate": rate, "warm_up": warm_up})
    command.add_argument("--out", type=Path, required=True, help="folder of the run")
    command.add_argument("--steps", type=whole(), help="budget in steps")
    command.add_argument("--minutes", type=positive, help="budget in minutes of wall-clock time")
    command.add_argument("--seed", type=whole(0), help="of every random choice (default 1)")
    command.add_argument("--holdout", nargs="*", metavar="CASE", help="cases whose patients training must not see, under whatever name")
    command.add_argument("--leave-out", nargs="*", metavar="CASE", help="cases not to read, such as those that `inspect` calls wrong")
    command.add_argument("--batch", type=whole(), help=f"samples a step, over all processes of torchrun (default {BATCH})")
    command.add_argument("--rate", dest="learning_rate", type=positive, help=f"highest learning rate (default {rate:g})")
    command.add_argument("--warm-up", type=whole(), help=f"steps until the highest learning rate (default {warm_up})")
    command.add_argument("--average", type=float, help="decay of the moving average of the weights, below 1 (default 0.995)")
    command.add_argument("--loss", choices=LOSSES, help="nested: what lies inside another region is judged near it only (default dice-bce)")
    command.add_argument("--schedule", choices=SCHEDULES, help="of the learning rate (default cosine)")
    command.add_argument("--optimiser", choices=OPTIMISERS, help="(default adamw)")
    command.add_argument("--precision", choices=(AUTO, *PRECISIONS), help="of the forward pass (default auto: the quickest on the device)")
    command.add_argument(
        "--compile", action="store_true", default=None, help="compile the forward pass (torch.compile; needs a C++ compiler)"
    )
    command.add_argument("--save-steps", type=whole(), help="steps between checkpoints, beside one every five minutes")
    command.add_argument("--validation", type=Path, help="folder of held-out cases to measure on; without it those of --holdout")
    command.add_argument("--validate-minutes", type=positive, help="measure Dice on real held-out samples every so many minutes")
    command.add_argument("--patience", type=whole(), help="end after so many steps without improvement")
    command.add_argument("--board", action="store_true", help="also write the curves for TensorBoard into --out")
    command.add_argument("--device", default="cpu")
    command.add_argument("--threads", type=whole(), default=2, help="CPU threads of torch")
    command.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint in --out, with the settings that it was started with"
    )
    command.add_argument(
        "--go-on",
        action="store_true",
        help="--resume where --out holds a checkpoint, else start: one line for torchrun and SLURM",
    )


def add_shape(command: argparse.ArgumentParser) -> None:
    """What fixes a fresh network and its samples."""
    command.add_argument("--profile", help="network profile; by default the task's own")
    command.add_argument("--widths", type=whole(), nargs="+", help="filters a level, finest first, in place of the profile's")
    command.add_argument("--patch", type=whole(), nargs="+", help="sides of a sample in voxels: (K) J I")
    command.add_argument("--plan", type=Path, help="file of `medsegdl-train plan`: grid, profile, patch, batch, unless given here")
