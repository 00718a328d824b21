"""The run record that becomes report.json: what went in, what came out, how long it took, with what. Never a patient's name."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from .geometry.image import Image

DISTINCT_NAME = 4  # letters; a shorter name may be a word of the sentence, and stands in brackets anyway


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


def input_entry(image: Image, keep_name: bool = False) -> dict:
    """What the record keeps of one input: its grid and the SHA-256 of its voxel values; its name, often a patient's, only if asked for."""
    values = np.ascontiguousarray(image.array)
    return {
        **({"name": image.name} if keep_name else {}),
        "shape": list(image.array.shape),
        "spacing_mm": [round(float(s), 6) for s in image.grid.spacing_mm],
        "voxels_sha256": hashlib.sha256(values.view(np.uint8).reshape(-1)).hexdigest(),
    }


def without_names(sentence: str, images: Mapping[str, Image]) -> str:
    """A finding's sentence, which names an input by its title and its file, without the file's name."""
    return names_struck(sentence, [image.name for image in images.values()])


def names_struck(sentence: str, names: Iterable[str]) -> str:
    """A sentence without these names; a short one, which may be a word of the sentence, goes only where it stands in brackets."""
    for name in sorted({name for name in names if name}, key=len, reverse=True):
        sentence = sentence.replace(f" ({name})", "")
        if len(name) >= DISTINCT_NAME:
            sentence = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "the image", sentence)
    return sentence
