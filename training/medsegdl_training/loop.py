"""The training loop, visible on one screen: draw, augment, forward, backward, step, average, save. It knows no task and no image file.

A run stops at its budget or at SIGTERM, always with a whole checkpoint, and goes on from it bit by bit where the hardware allows.
"""

from __future__ import annotations

import contextlib
import json
import math
import signal
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from MedSegDLLib.files import atomic_path
from MedSegDLLib.networks import InceptionUNet

from .augment import Recipe, augment
from .losses import LOSSES, deep_supervision
from .source import Source

CHECKPOINT = "checkpoint.pt"
LOG = "log.jsonl"
AVERAGE_WARM_UP = 10  # early on the average follows closely: decay = min(ema, (1 + step) / (this + step))
Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Settings:
    """What a run is asked to do.

    Attributes:
        steps: optimiser steps in all; None for no limit.
        minutes: wall-clock budget in all, earlier parts of a resumed run included; None for no limit. One of the two must be given.
        batch: samples a step.
        learning_rate: the highest, after `warm_up` steps; from there half a cosine down to 0 at the end of the nearer budget.
        clip: largest norm of the gradient.
        average: decay of the exponential moving average of the weights, which is what is exported.
        precision: `bfloat16` or `float32` for the forward pass.
        loss: a key of `LOSSES`.
        seed: of every random choice.
        device: where the network lives.
        save_minutes: time between checkpoints.
    """

    steps: int | None = None
    minutes: float | None = None
    batch: int = 4
    learning_rate: float = 3e-3
    warm_up: int = 50
    weight_decay: float = 1e-2
    clip: float = 5.0
    average: float = 0.995
    precision: str = "bfloat16"
    loss: str = "dice-bce"
    seed: int = 1
    device: str = "cpu"
    save_minutes: float = 5.0

    def __post_init__(self) -> None:
        if self.steps is None and self.minutes is None:
            raise ValueError("a run needs a budget: steps or minutes")
        if self.precision not in ("bfloat16", "float32"):
            raise ValueError(f"precision is {self.precision!r}, not bfloat16 or float32")

    def spent(self, step: int, seconds: float) -> float:
        """Share of the nearer budget that is used up, 0..1."""
        by_steps = step / self.steps if self.steps else 0.0
        by_time = seconds / 60 / self.minutes if self.minutes else 0.0
        return min(1.0, max(by_steps, by_time))

    def rate(self, step: int, seconds: float) -> float:
        """Learning rate of a step."""
        cosine = 0.5 * (1 + math.cos(math.pi * self.spent(step, seconds)))
        return self.learning_rate * cosine * min(1.0, (step + 1) / self.warm_up)


@dataclass(eq=False)
class Run:
    """Everything that changes while training, and nothing else: what a checkpoint holds."""

    network: InceptionUNet
    average: InceptionUNet
    optimiser: torch.optim.Optimizer
    generator: torch.Generator
    step: int = 0
    seconds: float = 0.0

    @classmethod
    def start(cls, network: InceptionUNet, settings: Settings) -> Run:
        """A fresh run of a network, moved to the device and to the memory layout that its convolutions like."""
        network = network.to(settings.device, memory_format=layout(network, settings.device)).train()
        optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
        average = deepcopy(network).requires_grad_(False).eval()
        torch.manual_seed(settings.seed)
        return cls(network, average, optimiser, torch.Generator().manual_seed(settings.seed))

    def save(self, path: Path) -> None:
        """Write the checkpoint atomically: a run killed while saving keeps the one before."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "generator": self.generator.get_state(),
            "global_generator": torch.get_rng_state(),
            "cuda_generators": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "step": self.step,
            "seconds": self.seconds,
        }
        with atomic_path(path) as temporary:
            torch.save(state, temporary)

    def load(self, path: Path) -> None:
        """Go back to a checkpoint. Only tensors and numbers are read from it, no code."""
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["global_generator"])
        if state["cuda_generators"]:
            torch.cuda.set_rng_state_all(state["cuda_generators"])
        self.step, self.seconds = state["step"], state["seconds"]


def train(run: Run, source: Source, recipe: Recipe, settings: Settings, folder: Path, report: Report | None = None) -> str:
    """Train until the budget is spent or the process is told to stop.

    Args:
        run: fresh, or loaded from a checkpoint.
        source: where batches come from.
        recipe: how they are augmented.
        settings: budget and rates.
        folder: gets `checkpoint.pt` and `log.jsonl`.
        report: called with every step's log entry.

    Returns:
        "done" or "stopped" (by SIGTERM or SIGINT); the checkpoint is written in both cases.
    """
    loss_function = LOSSES[settings.loss]
    began, saved = time.monotonic() - run.seconds, time.monotonic()
    with stop_requested() as stop, (folder / LOG).open("a", encoding="utf-8") as log:
        while settings.spent(run.step, run.seconds) < 1 and not stop.is_set:
            rate = settings.rate(run.step, run.seconds)
            for group in run.optimiser.param_groups:
                group["lr"] = rate

            batch = source.draw(run.generator, settings.batch).to(settings.device)
            batch = augment(batch, recipe, run.generator)
            with autocast(settings):
                levels = run.network.supervised(batch.x.contiguous(memory_format=layout(run.network, settings.device)))
            loss = deep_supervision(levels, batch.y, batch.weight, loss_function)
            run.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(run.network.parameters(), settings.clip)
            if torch.isfinite(norm):  # a single bad batch must not end a long run
                run.optimiser.step()
                follow(run.average, run.network, settings.average, run.step)

            run.step += 1
            run.seconds = time.monotonic() - began
            entry = {"step": run.step, "loss": loss.item(), "rate": rate, "norm": norm.item(), "seconds": round(run.seconds, 3)}
            log.write(json.dumps(entry) + "\n")
            log.flush()
            if report:
                report(entry)
            if time.monotonic() - saved > 60 * settings.save_minutes:
                run.save(folder / CHECKPOINT)
                saved = time.monotonic()
        run.save(folder / CHECKPOINT)
        return "stopped" if stop.is_set else "done"


def autocast(settings: Settings) -> torch.autocast:
    """The forward pass's precision."""
    return torch.autocast(torch.device(settings.device).type, torch.bfloat16, enabled=settings.precision == "bfloat16")


def layout(network: InceptionUNet, device: str) -> torch.memory_format:
    """The memory layout that convolutions like best: channels last, but for two dimensions on the CPU.

    In three dimensions bfloat16 on the CPU is 3-4x faster so. In two it would be 1.3x, but torch 2.13 was seen to corrupt the heap there
    (the liver's network, AVX-512 with bfloat16).
    """
    if network.arch.spatial_dims == 3:
        return torch.channels_last_3d
    return torch.contiguous_format if torch.device(device).type == "cpu" else torch.channels_last


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """One step of the moving average of the weights."""
    share = 1 - min(decay, (1 + step) / (AVERAGE_WARM_UP + step))
    torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), share)


@dataclass
class Stop:
    """Whether the process was told to stop."""

    is_set: bool = False

    def set(self, number: int, frame: object) -> None:
        """The signal handler: the loop ends after the step that is under way."""
        self.is_set = True


@contextlib.contextmanager
def stop_requested() -> Iterator[Stop]:
    """While open, SIGTERM and SIGINT set a flag instead of ending the process."""
    stop = Stop()
    before = {number: signal.signal(number, stop.set) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
