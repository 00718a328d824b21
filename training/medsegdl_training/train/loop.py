"""The training loop, visible on one screen: draw, forward, backward, step, average, measure, save. It knows no task and no image file.

A run stops at its budget, at a plateau or at SIGTERM, always with a whole checkpoint, and goes on from it bit by bit on a CPU.
"""

from __future__ import annotations

import contextlib
import json
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import torch
from torch import Tensor, nn

from . import parallel
from .convolutions import quick_convolutions
from .dropout import SampleSeeds, seed_by_sample
from .objectives import Objective, Progress
from .settings import Settings
from .shared_input import share_input
from .state import CHECKPOINT, LOG, Run, Trainable, follow, layout, trim_log

__all__ = ["CHECKPOINT", "LOG", "Run", "Settings", "follow", "train"]
LARGEST_SEED = 2**62
Report = Callable[[dict[str, Any]], None]
Validate = Callable[[Trainable], float]


def train(
    run: Run, objective: Objective, settings: Settings, folder: Path, report: Report | None = None, validate: Validate | None = None
) -> str:
    """Train until the budget is spent, nothing improves any more, or the process is told to stop.

    Args:
        run: fresh, or loaded from a checkpoint.
        objective: draws batches and gives their loss.
        settings: budget and rates.
        folder: gets `checkpoint.pt` and `log.jsonl`.
        report: called with every step's log entry.
        validate: measures the averaged network, the higher the better, every `settings.validate_minutes` and at the end.

    Returns:
        "done", "plateau", or "stopped" (by SIGTERM or SIGINT); the checkpoint is written in all cases.
    """
    forward, masks = prepared(run, settings)
    began, due = time.monotonic() - run.seconds, Timetable(settings)
    ended = "done" if settings.spent(run.step, run.seconds) >= 1 else ""
    with stop_requested() as stop, log_of(folder, run.step) as log:
        while not ended:
            rate = settings.rate(run.step, run.seconds)
            for group in run.optimiser.param_groups:
                group["lr"] = rate

            seeds = own_seeds(run.generator, settings.batch)
            masks.follow(seeds)
            batch = objective.draw(seeds, settings.device)
            with autocast(settings):
                loss = objective.loss(forward, run.average, batch, Progress(run.step, settings.spent(run.step, run.seconds)))
            run.optimiser.zero_grad(set_to_none=True)
            run.scaler.scale(loss).backward()
            run.scaler.unscale_(run.optimiser)
            norm = nn.utils.clip_grad_norm_(run.network.parameters(), settings.clip)
            if torch.isfinite(norm):  # a single bad batch must not end a long run
                run.scaler.step(run.optimiser)
                follow(run.average, run.network, settings.average, run.step)
            run.scaler.update()

            run.step += 1
            stopped, run.seconds = parallel.agreed(stop.is_set, time.monotonic() - began, settings.device)
            over = settings.spent(run.step, run.seconds) >= 1
            entry = {"step": run.step, "loss": loss.item(), "rate": rate, "norm": norm.item(), "seconds": round(run.seconds, 3)}
            misfit = run.plateau.smoothed(entry["loss"])
            if validate and (over or due.validate(run.seconds)):
                entry["validation"] = validate(run.average)
            if not validate or "validation" in entry:
                run.plateau.see(1 - entry["validation"] if validate else misfit, run.step)
            ended = "stopped" if stopped else "done" if over else "plateau" if run.plateau.lasts(run.step, settings.patience) else ""
            if log:
                log.write(json.dumps(entry) + "\n")
                log.flush()
                if report:
                    report(entry)
                if ended or due.save(run.step, run.seconds):
                    run.save(folder / CHECKPOINT)
        if log and not (folder / CHECKPOINT).exists():
            run.save(folder / CHECKPOINT)
    return ended


class Levels(nn.Module):
    """A network whose forward pass gives all supervised levels, which is what DistributedDataParallel and torch.compile take hold of."""

    def __init__(self, network: Trainable, device: str) -> None:
        super().__init__()
        self.network, self.layout, self.device = network, layout(network, device), device

    def forward(self, x: Tensor) -> list[Tensor]:
        with quick_convolutions(self.device):
            return self.network.supervised(x.contiguous(memory_format=self.layout))


def prepared(run: Run, settings: Settings) -> tuple[nn.Module, SampleSeeds]:
    """The network's levels, compiled if asked, gradients averaged over all processes; and what tells its dropout the samples' seeds.

    Modules of the network are replaced by quicker ones on the same parameters: its state dict stays what it was.
    """
    masks = seed_by_sample(run.network, settings.device)
    share_input(run.network, settings.device)
    levels = Levels(run.network, settings.device)
    return parallel.wrapped(torch.compile(levels) if settings.compile else levels), masks


def own_seeds(generator: torch.Generator, batch: int) -> list[int]:
    """One seed for each of this process's samples of the step, of its augmentation and of its dropout.

    All processes draw the same numbers and take their share: sample i of a step is the same however many processes there are. What else
    draws within a network (a rival's own dropout) gets a seed of the process.
    """
    seeds = torch.randint(LARGEST_SEED, (batch + 1,), generator=generator).tolist()
    torch.manual_seed(seeds[0] + parallel.rank())
    return parallel.share(seeds[1:])


def autocast(settings: Settings) -> torch.autocast:
    """The forward pass's precision."""
    narrow = torch.float16 if settings.precision == "float16" else torch.bfloat16
    return torch.autocast(torch.device(settings.device).type, narrow, enabled=settings.precision != "float32")


class Timetable:
    """When to save and when to measure; counted anew in every process that goes on with a run."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.saved = self.measured = None

    def save(self, step: int, seconds: float) -> bool:
        """Whether a checkpoint is due now."""
        self.saved = seconds if self.saved is None else self.saved
        due = seconds - self.saved > 60 * self.settings.save_minutes
        self.saved = seconds if due else self.saved
        return due or bool(self.settings.save_steps and step % self.settings.save_steps == 0)

    def validate(self, seconds: float) -> bool:
        """Whether a measurement is due now."""
        self.measured = seconds if self.measured is None else self.measured
        due = seconds - self.measured > 60 * self.settings.validate_minutes
        self.measured = seconds if due else self.measured
        return due


@contextlib.contextmanager
def log_of(folder: Path, step: int) -> Iterator[TextIO | None]:
    """The log, open at the end of the step that the run is at; None in all processes but the first."""
    if parallel.rank() > 0:
        yield None
        return
    trim_log(folder / LOG, step)
    with (folder / LOG).open("a", encoding="utf-8") as log:
        yield log


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
