"""Would torch.compile pay for its start? The brain network on one whole volume: as written, as it runs, and compiled."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

import torch

from MedSegDLLib.network.fused_inference import best_kernels, merged
from MedSegDLLib.network.sliding_window import CPU
from MedSegDLLib.network.weights import find_weights, load_weights
from MedSegDLLib.tasks import BRAIN

from .meter import timed

RUNS = 3


def measure(quick: bool) -> dict:
    """Seconds of the first pass and of later ones."""
    network = load_weights(find_weights(BRAIN, None), BRAIN).network.eval()
    x = torch.randn(1, 4, *BRAIN.plan.tile)
    ours = merged(network)

    def as_it_runs() -> torch.Tensor:
        with best_kernels(CPU):
            return ours(x)

    compiled = torch.compile(network)
    ways = {"as written": lambda: network(x), "as it runs (merged, oneDNN's layout)": as_it_runs, "torch.compile": lambda: compiled(x)}
    with torch.inference_mode():
        expected = network(x)
        rows = [_row(name, way, expected) for name, way in ways.items()]
    return {"tile": list(BRAIN.plan.tile), "runs": RUNS, "rows": rows}


def _row(name: str, way: Callable[[], torch.Tensor], expected: torch.Tensor) -> dict:
    first_s, found = timed(way)
    later_s = median(timed(way)[0] for _ in range(RUNS))
    print(f"{name}: first {first_s:.1f} s, later {later_s:.2f} s", flush=True)
    return {"what": name, "first_s": first_s, "later_s": later_s, "difference": float((found - expected).abs().max())}
