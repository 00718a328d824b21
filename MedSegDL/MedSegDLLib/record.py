"""The run record that becomes report.json: what went in, what came out, how long it took, with what. Never a patient's name."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from .geometry.image import Image


@dataclass
class Stopwatch:
    """Seconds by phase, in the order in which the phases first ran."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the time spent in the block to the phase's."""
        start = time.perf_counter()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - start, 4)


def input_entry(image: Image) -> dict:
    """What the record keeps of one input: its name, grid, and the SHA-256 of its voxel values."""
    values = np.ascontiguousarray(image.array)
    return {
        "name": image.name,
        "shape": list(image.array.shape),
        "spacing_mm": [round(float(s), 6) for s in image.grid.spacing_mm],
        "voxels_sha256": hashlib.sha256(values.view(np.uint8).reshape(-1)).hexdigest(),
    }
