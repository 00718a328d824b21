"""A quick measure while training: Dice of the averaged network on the same few held-out samples every time. No file is read here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from .objectives import generators_of, sampled
from .sampler import Sampler
from .state import Trainable, layout

SAMPLES = 16
FIRST_SEED = 1000  # of the samples; they are the same in every run


def validator(sampler: Sampler, thresholds: Sequence[float], device: str) -> Callable[[Trainable], float]:
    """A function that gives a network's mean Dice over fixed samples of a sampler and as many of the first outputs as there are thresholds.

    A region that is empty in a sample counts 1 where it is found empty, else 0.
    """
    regions, least = len(thresholds), torch.tensor(thresholds)[:, None]
    batch = sampled(sampler, generators_of(range(FIRST_SEED, FIRST_SEED + SAMPLES)), "cpu")

    @torch.no_grad()
    def measure(network: Trainable) -> float:
        training = network.training
        network.eval()
        values = []
        for x, y in zip(batch.x, batch.y[:, :regions] > 0.5):
            seen = x[None].to(device).contiguous(memory_format=layout(network, device))
            p = torch.sigmoid(network.supervised(seen)[0][0, :regions].float().cpu())
            found = (p.flatten(1) >= least).reshape(p.shape)
            values += [_dice(a, b) for a, b in zip(found, y)]
        network.train(training)
        return sum(values) / len(values)

    return measure


def _dice(found: torch.Tensor, true: torch.Tensor) -> float:
    total = int(found.sum() + true.sum())
    return 2 * int((found & true).sum()) / total if total else 1.0
