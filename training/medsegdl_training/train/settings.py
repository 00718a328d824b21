"""What a run is asked to do: budget, rates, precision, when to save, to measure and to stop. Numbers only."""

from __future__ import annotations

import math
from dataclasses import dataclass

POLY_POWER = 0.9  # of nnU-Net's schedule
PRECISIONS = ("bfloat16", "float16", "float32")
AUTO = "auto"
SCHEDULES = ("cosine", "poly")
OPTIMISERS = ("adamw", "sgd")
WHOLE = {"steps": 1, "batch": 1, "warm_up": 1, "save_steps": 1, "patience": 1, "seed": 0}  # least value of what is counted
POSITIVE = ("minutes", "learning_rate", "clip", "save_minutes", "validate_minutes")  # what is measured: finite, above 0


@dataclass(frozen=True)
class Settings:
    """What a run is asked to do.

    Attributes:
        steps: optimiser steps in all; None for no limit.
        minutes: wall-clock budget in all, earlier parts of a resumed run included; None for no limit. One of the two must be given.
        batch: samples a step, over all processes that train together.
        learning_rate: the highest, after `warm_up` steps; from there down to 0 at the end of the nearer budget.
        clip: largest norm of the gradient.
        average: decay of the exponential moving average of the weights, which is what is exported.
        precision: of the forward pass; float16 on CUDA only, with scaled gradients; "auto" becomes `best_precision`.
        loss: see `loss_of`.
        seed: of every random choice.
        device: where the network lives.
        save_minutes: time between checkpoints.
        schedule: half a cosine, or (1 - share of the budget) ** 0.9.
        optimiser: AdamW, or SGD with Nesterov momentum 0.99 (nnU-Net; its rate is 1e-2).
        compile: whether torch.compile makes the forward pass.
        save_steps: steps between checkpoints, if fewer than `save_minutes` take.
        validate_minutes: time between measurements of held-out samples.
        patience: steps without a better validation measure (without validation: a lower averaged loss) that end the run; None for never.
    """

    steps: int | None = None
    minutes: float | None = None
    batch: int = 4
    learning_rate: float = 3e-3
    warm_up: int = 50
    weight_decay: float = 1e-2
    clip: float = 5.0
    average: float = 0.995
    precision: str = AUTO
    loss: str = "dice-bce"
    seed: int = 1
    device: str = "cpu"
    save_minutes: float = 5.0
    schedule: str = "cosine"
    optimiser: str = "adamw"
    compile: bool = False
    save_steps: int | None = None
    validate_minutes: float = 5.0
    patience: int | None = None

    def __post_init__(self) -> None:
        if self.steps is None and self.minutes is None:
            raise ValueError("a run needs a budget: steps or minutes")
        if self.precision == AUTO:
            object.__setattr__(self, "precision", best_precision(self.device))
        for name, known in (("precision", PRECISIONS), ("schedule", SCHEDULES), ("optimiser", OPTIMISERS)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is {getattr(self, name)!r}, not one of {', '.join(known)}")
        for name, least in WHOLE.items():
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < least):
                raise ValueError(f"{name.replace('_', ' ')} is {value}, not a whole number from {least} on")
        for name in POSITIVE:
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:  # false for NaN too
                raise ValueError(f"{name.replace('_', ' ')} is {value}, not a number above 0")
        if not 0 <= self.weight_decay < math.inf or not 0 <= self.average < 1:
            raise ValueError(f"weight decay {self.weight_decay} or average {self.average} is negative or too large")
        if self.precision == "float16" and not self.device.startswith("cuda"):
            raise ValueError("precision float16 needs a CUDA device")

    def spent(self, step: int, seconds: float) -> float:
        """Share of the nearer budget that is used up, 0..1."""
        by_steps = step / self.steps if self.steps else 0.0
        by_time = seconds / 60 / self.minutes if self.minutes else 0.0
        return min(1.0, max(by_steps, by_time))

    def rate(self, step: int, seconds: float) -> float:
        """Learning rate of a step."""
        spent = self.spent(step, seconds)
        fall = 0.5 * (1 + math.cos(math.pi * spent)) if self.schedule == "cosine" else (1 - spent) ** POLY_POWER
        return self.learning_rate * fall * min(1.0, (step + 1) / self.warm_up)


def best_precision(device: str) -> str:
    """The precision that is quickest on a device: bfloat16 where its processor computes in it, else float32.

    Elsewhere torch imitates bfloat16: a step of 64x80x64 voxels took 106 s on a processor with AVX2 alone, and 14 s in float32.
    """
    import torch

    kind = torch.device(device).type
    if kind == "cuda":
        return "bfloat16" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "float32"
    return "bfloat16" if kind == "cpu" and torch.cpu._is_avx512_bf16_supported() else "float32"
