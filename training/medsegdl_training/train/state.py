"""What changes while a network trains, and its checkpoint: written whole or not at all, read without running code.

A checkpoint of an earlier version still loads: whatever it lacks starts afresh.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from MedSegDLLib.errors import UsageError
from MedSegDLLib.io.atomic import atomic_path

from .settings import Settings

CHECKPOINT = "checkpoint.pt"
LOG = "log.jsonl"
MOMENTUM = 0.99  # of SGD, as nnU-Net's
AVERAGE_WARM_UP = 10  # early on the average follows closely: decay = min(ema, (1 + step) / (this + step))
SMOOTHING = 0.99  # of the training loss that early stopping looks at


class Shape(Protocol):
    """What the loop asks of a network's description."""

    spatial_dims: int


class Trainable(Protocol):
    """A network that can be trained: `InceptionUNet` is one.

    Attributes:
        arch: its description.
    """

    arch: Shape

    def supervised(self, x: Tensor) -> Sequence[Tensor]:
        """Logits of every supervised level, finest first."""
        ...


@dataclass
class Plateau:
    """The best value so far of what should fall, and since when.

    Attributes:
        smooth: averaged training loss; NaN before the first.
        best: lowest value so far.
        step: when it was reached.
    """

    smooth: float = math.nan
    best: float = math.inf
    step: int = 0

    def smoothed(self, loss: float) -> float:
        """The averaged training loss after one more step."""
        self.smooth = loss if math.isnan(self.smooth) else SMOOTHING * self.smooth + (1 - SMOOTHING) * loss
        return self.smooth

    def see(self, value: float, step: int) -> None:
        """Take note of a value."""
        if value < self.best:
            self.best, self.step = value, step

    def lasts(self, step: int, patience: int | None) -> bool:
        """Whether nothing has improved for `patience` steps."""
        return patience is not None and step - self.step >= patience


@dataclass(eq=False)
class Run:
    """Everything that changes while training: what a checkpoint holds. `identity` says of which run it is; see `runs.identity_of`."""

    network: Trainable
    average: Trainable
    optimiser: torch.optim.Optimizer
    generator: torch.Generator
    scaler: torch.amp.GradScaler
    step: int = 0
    seconds: float = 0.0
    plateau: Plateau = field(default_factory=Plateau)
    identity: str = ""

    @classmethod
    def start(cls, network: Trainable, settings: Settings) -> Run:
        """A fresh run of a network, moved to the device and to the memory layout that its convolutions like."""
        network = network.to(settings.device, memory_format=layout(network, settings.device)).train()
        average = deepcopy(network).requires_grad_(False).eval()
        torch.manual_seed(settings.seed)
        scaler = torch.amp.GradScaler(torch.device(settings.device).type, enabled=settings.precision == "float16")
        return cls(network, average, optimiser_of(network, settings), torch.Generator().manual_seed(settings.seed), scaler)

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
            "scaler": self.scaler.state_dict(),
            "plateau": asdict(self.plateau),
            "identity": self.identity,
        }
        with atomic_path(path) as temporary:
            torch.save(state, temporary)

    def load(self, path: Path) -> None:
        """Go back to a checkpoint. Only tensors and numbers are read from it, no code.

        Raises:
            UsageError: it is of a run with another identity.
        """
        state = torch.load(path, map_location="cpu", weights_only=True)
        kept = state.get("identity", "")
        if self.identity and kept and kept != self.identity:
            says = f"{path} was made with other data, another plan or other settings (SHA-256 {kept[:12]}, now {self.identity[:12]})."
            raise UsageError(says, "Go on with what the run began with, or start another with --init.")
        self.identity = self.identity or kept
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["global_generator"])
        if len(state["cuda_generators"]) == torch.cuda.device_count() > 0:
            torch.cuda.set_rng_state_all(state["cuda_generators"])
        self.step, self.seconds = state["step"], state["seconds"]
        if state.get("scaler"):
            self.scaler.load_state_dict(state["scaler"])
        self.plateau = Plateau(**state.get("plateau", {"step": self.step}))


def optimiser_of(network: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    """AdamW, or SGD with Nesterov momentum."""
    if settings.optimiser == "adamw":
        return torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    return torch.optim.SGD(
        network.parameters(), lr=settings.learning_rate, momentum=MOMENTUM, nesterov=True, weight_decay=settings.weight_decay
    )


def layout(network: Trainable, device: str) -> torch.memory_format:
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


def trim_log(path: Path, step: int) -> None:
    """Drop what a killed run wrote into its log after its last checkpoint, so that every step stands there once."""
    if not path.exists():
        return
    kept = [line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if _is_until(line, step)]
    with atomic_path(path) as temporary:
        temporary.write_text("".join(kept), encoding="utf-8")


def _is_until(line: str, step: int) -> bool:
    """Whether a line of the log is whole and of no later step."""
    try:
        return json.loads(line)["step"] <= step
    except (ValueError, KeyError):
        return False
