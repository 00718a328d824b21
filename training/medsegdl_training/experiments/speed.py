"""Training images a second: our loop against a plain MONAI loop with the same network, the same kinds of augmentation and the same machine.

Measured with and without the network, because on a CPU the network hides everything else.
"""

from __future__ import annotations

import math
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

import torch

from MedSegDLLib.errors import UsageError
from MedSegDLLib.tasks import Task

from ..cases.pictures import Picture, channels_of
from ..train.loop import autocast, own_seeds, prepared
from ..train.losses import LOSSES
from ..train.objectives import Progress, Supervised
from ..train.settings import Settings
from ..train.state import Run, Trainable
from ..transforms.augment import recipe_for
from .common import markdown, sampler_of_pictures

WARM = 2  # steps before the clock starts
LOADERS = 8  # processes that draw for the plain loop beside a GPU
Step = Callable[[], None]


def images_a_second(contenders: Mapping[str, Step], batch: int, steps: int) -> dict[str, float]:
    """Median rate of each, taken in turns, so that whatever else the machine does slows all of them alike; the first few do not count."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(WARM + steps):
        for name, step in contenders.items():
            began = time.perf_counter()
            step()
            seconds[name].append(time.perf_counter() - began)
    return {name: round(batch / statistics.median(taken[WARM:]), 2) for name, taken in seconds.items()}


def our_steps(run: Run, task: Task, pictures: Sequence[Picture], patch: tuple[int, int], settings: Settings) -> tuple[Step, Step]:
    """A whole step of our loop, and its drawing and augmenting alone."""
    objective = Supervised(sampler_of_pictures(pictures, task.plan, patch), recipe_for(task), LOSSES[settings.loss])
    forward, masks = prepared(run, settings)

    def material() -> object:
        seeds = own_seeds(run.generator, settings.batch)
        masks.follow(seeds)
        return objective.draw(seeds, settings.device)

    def whole() -> None:
        batch = material()
        with autocast(settings):
            loss = objective.loss(forward, run.average, batch, Progress(0, 0.0))
        run.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        run.optimiser.step()

    return whole, material


def monai_steps(run: Run, task: Task, pictures: Sequence[Picture], patch: tuple[int, int], settings: Settings) -> tuple[Step, Step]:
    """The same of a plain MONAI loop: data set of dictionaries, transforms, loader, Dice and cross-entropy on the finest level."""
    from monai.losses import DiceCELoss

    loss_function = DiceCELoss(sigmoid=True)
    batches = monai_batches(task, pictures, patch, settings)
    network: Trainable = run.network

    def material() -> dict[str, torch.Tensor]:
        return next(batches)

    def whole() -> None:
        batch = material()
        with autocast(settings):
            logits = network.supervised(batch["image"].as_tensor().to(settings.device))[0]
        loss = loss_function(logits.float()[:, :1], batch["label"].as_tensor().to(settings.device))
        run.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        run.optimiser.step()

    return whole, material


def monai_batches(task: Task, pictures: Sequence[Picture], patch: tuple[int, int], settings: Settings) -> Iterator[dict]:
    """Endless batches of augmented crops as MONAI's transforms make them, with our recipe's probabilities and ranges."""
    from monai import transforms as mt
    from monai.data import DataLoader, Dataset

    recipe, keys = recipe_for(task), ["image", "label"]
    modes = ("bilinear", "nearest")
    chain = mt.Compose(
        [
            mt.SpatialPadd(keys, patch),
            mt.RandSpatialCropd(keys, patch, random_size=False),
            mt.RandFlipd(keys, 0.5, 0),
            mt.RandFlipd(keys, 0.5, 1),
            mt.RandRotated(keys, range_x=math.pi, prob=recipe.rotation_share, mode=modes),
            mt.RandZoomd(keys, recipe.scale_share, *recipe.scale, mode=("bilinear", "nearest")),
            mt.RandGaussianSmoothd("image", recipe.blur, recipe.blur, prob=recipe.blur_share),
            mt.RandSimulateLowResolutiond("image", recipe.coarse_share, zoom_range=recipe.coarse, upsample_mode="bilinear"),
            mt.RandAdjustContrastd("image", recipe.gamma_share, recipe.gamma),
            mt.RandScaleIntensityd("image", factors=0.25, prob=recipe.contrast_share),
            mt.RandShiftIntensityd("image", offsets=0.15, prob=recipe.contrast_share),
            mt.RandGaussianNoised("image", recipe.noise_share, std=recipe.noise[1]),
            mt.RandBiasFieldd("image", prob=recipe.field_share),
        ]
    )
    chain.set_random_state(settings.seed)
    entries = Dataset([_entry(picture, task) for picture in pictures], chain)
    workers = 0 if settings.device == "cpu" else min(LOADERS, os.cpu_count() or 1)  # on a CPU they would take the network's own cores
    loader = DataLoader(entries, num_workers=workers, batch_size=settings.batch, shuffle=True, drop_last=True)
    while True:
        yield from loader


def _entry(picture: Picture, task: Task) -> dict[str, torch.Tensor]:
    """A picture as MONAI's transforms want it: channels first, normalised as ours."""
    return {"image": channels_of(picture, task.plan), "label": torch.from_numpy(picture.labels > 0)[None].float()}


def race(
    make: Callable[[], Trainable], task: Task, pictures: Sequence[Picture], settings: Settings, patch: tuple[int, int]
) -> dict[str, float]:
    """Images a second of both loops, whole and without the network; `settings.steps` steps each.

    Raises:
        UsageError: MONAI is not installed.
    """
    contenders: dict[str, Step] = {}
    try:
        for name, steps_of in (("ours", our_steps), ("plain MONAI loop", monai_steps)):
            whole, material = steps_of(Run.start(make(), settings), task, pictures, patch, settings)
            contenders |= {name: whole, f"{name}, samples alone": material}
        return images_a_second(contenders, settings.batch, settings.steps)
    except ImportError as error:
        raise UsageError("MONAI is not installed.", "pip install 'medsegdl-training[compare]'") from error


def table(rates: dict[str, float]) -> str:
    """Both loops, a row each."""
    names = [name for name in rates if "alone" not in name]
    rows = [[name, f"{rates[name]:.1f}", f"{rates[f'{name}, samples alone']:.1f}"] for name in names]
    return markdown(["loop", "images a second", "drawing and augmenting alone"], rows)


def first_pictures(pictures: Sequence[Picture], count: int = 64) -> list[Picture]:
    """A few of them, evenly taken, so that neither loop waits for memory."""
    return list(islice(pictures, 0, None, max(1, len(pictures) // count)))
