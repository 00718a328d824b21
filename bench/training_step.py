"""Where a step of training goes: draw, augment, forward, backward, optimiser; as torch alone does it, and as we do, one by one.

All in one process, in turns, on one phantom's head, one thread, the brain's network and the patch of its trainings. What is counted is
processor time, which another process on the same machine changes little.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from statistics import median

import numpy as np
import torch
from torch import nn

from medsegdl_training.cases.selection import Selection
from medsegdl_training.train import loop
from medsegdl_training.train.brain_sampler import make_sampler
from medsegdl_training.train.convolutions import quick_convolutions
from medsegdl_training.train.losses import LOSSES
from medsegdl_training.train.objectives import Progress, Supervised, generators_of, numbers_for, sampled
from medsegdl_training.train.sampler import LabelledSampler
from medsegdl_training.train.settings import Settings
from medsegdl_training.train.shared_input import share_input
from medsegdl_training.train.state import Run
from medsegdl_training.transforms.augment import apply, recipe_for
from MedSegDLLib.io.write import write_image
from MedSegDLLib.network.inception_unet import PROFILES, InceptionUNet
from MedSegDLLib.phantom.head import Phantom, head_phantom
from MedSegDLLib.tasks import BRAIN

from .inputs import OUT, PHANTOM_SEED

PATCH = (64, 80, 64)
PARTS = ("draw", "augment", "forward", "backward", "optimiser")


@dataclass(frozen=True)
class Variant:
    """What of the step is ours: the convolutions, and the inception modules that read their input once."""

    convolutions: Callable[[str], AbstractContextManager]
    sharing: Callable[[nn.Module, str], None]


VARIANTS = {
    "torch": Variant(lambda device: nullcontext(), lambda network, device: None),
    "convolutions": Variant(quick_convolutions, lambda network, device: None),
    "ours": Variant(quick_convolutions, share_input),
}


@contextmanager
def taken(variant: Variant) -> Iterator[None]:
    """While open, the training loop is as the variant says."""
    loop.quick_convolutions, loop.share_input = variant.convolutions, variant.sharing
    try:
        yield
    finally:
        loop.quick_convolutions, loop.share_input = quick_convolutions, share_input


def measure(quick: bool) -> dict:
    """Median seconds a part of every variant, the first step left out."""
    torch.set_num_threads(1)
    settings = Settings(steps=1, batch=1, precision="float32", warm_up=1)
    objective = Supervised(_sampler(), recipe_for(BRAIN), LOSSES[settings.loss])
    steps, losses = {}, {name: [] for name in VARIANTS}
    for name, variant in VARIANTS.items():
        with taken(variant):
            steps[name] = _Steps(_fresh(settings), objective, settings)
    for _ in range(3 if quick else 6):
        for name, variant in VARIANTS.items():
            with taken(variant):
                losses[name].append(steps[name].step())
    later = {name: {part: median(one.seconds[part][1:]) for part in PARTS} for name, one in steps.items()}
    apart = max(abs(a - b) for a, b in zip(losses["torch"], losses["ours"], strict=True))
    return {"patch": PATCH, "threads": 1, "seconds": later, "losses_apart": apart, "processor": torch.backends.cpu.get_cpu_capability()}


@dataclass
class _Steps:
    """Steps of one run, each part timed."""

    run: Run
    objective: Supervised
    settings: Settings
    seconds: dict[str, list[float]] = field(default_factory=lambda: {part: [] for part in PARTS})

    def __post_init__(self) -> None:
        self.forward, self.masks = loop.prepared(self.run, self.settings)

    @contextmanager
    def _part(self, name: str) -> Iterator[None]:
        start = time.process_time()
        yield
        self.seconds[name].append(time.process_time() - start)

    def step(self) -> float:
        """What `loop.train` does in a step; the loss."""
        with self._part("draw"):
            seeds = loop.own_seeds(self.run.generator, self.settings.batch)
            self.masks.follow(seeds)
            generators = generators_of(seeds)
            batch = sampled(self.objective.sampler, generators, self.settings.device)
        with self._part("augment"):
            batch = apply(batch, numbers_for(batch, self.objective.recipe, generators), self.objective.recipe.bounds)
        with self._part("forward"):
            loss = self.objective.loss(self.forward, self.run.average, batch, Progress(0, 0.0))
        with self._part("backward"):
            self.run.optimiser.zero_grad(set_to_none=True)
            loss.backward()
        with self._part("optimiser"):
            torch.nn.utils.clip_grad_norm_(self.run.network.parameters(), self.settings.clip)
            self.run.optimiser.step()
        return loss.item()


def _fresh(settings: Settings) -> Run:
    torch.manual_seed(settings.seed)
    return Run.start(InceptionUNet(PROFILES["brain"]), settings)


def _sampler() -> LabelledSampler:
    """A phantom's head as a data set of one patient."""
    folder = OUT / "inputs" / "training" / "phantom"
    if not (folder / "phantom_seg.nii.gz").exists():
        folder.mkdir(parents=True, exist_ok=True)
        phantom = head_phantom(PHANTOM_SEED, (155, 240, 240), 1.0)
        for key, image in phantom.images.items():
            write_image(image, folder / f"phantom_{key}.nii.gz")
        write_image(phantom.images["t1"].with_array(_labels(phantom)), folder / "phantom_seg.nii.gz")
    return make_sampler(Selection(folder.parent), BRAIN.plan, PATCH, 1)


def _labels(phantom: Phantom) -> np.ndarray:
    """BraTS's numbers of the truth: 1 necrosis, 2 oedema, 4 enhancing."""
    whole, core, enhancing = (phantom.truth[key] > 0 for key in ("WT", "TC", "ET"))
    return (2 * whole - 1 * core + 3 * enhancing).astype(np.uint8)
