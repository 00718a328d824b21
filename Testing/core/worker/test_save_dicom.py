"""Whether a volume of the scene shows its series: told by some voxels of every slice."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from MedSegDLLib.errors import UsageError
from MedSegDLLib.worker.save_dicom import PROBES_A_SLICE, _same_values, scene_of

from ... import fuzz

SHAPE = (8, 40, 36)
FLIPPED = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1, SHAPE[0] - 1], [0, 0, 0, 1]])


def head() -> np.ndarray:
    """A noisy ball in the dark, whose slices are much alike."""
    k, j, i = np.indices(SHAPE)
    inside = ((j - 20) / 16) ** 2 + ((i - 18) / 14) ** 2 + ((k - 3.5) / 9) ** 2 < 1
    noise = np.random.default_rng(1).normal(0, 20, SHAPE)
    return np.round(np.where(inside, 600 + 10 * j + noise, 0)).astype(np.float32)


def probes(volume: np.ndarray) -> np.ndarray:
    places = np.random.default_rng(0).integers(0, SHAPE, (PROBES_A_SLICE * SHAPE[0], 3))
    places[:, 0] = np.arange(len(places)) // PROBES_A_SLICE
    return np.column_stack([places, volume[tuple(places.T)]])


def padded(volume: np.ndarray) -> np.ndarray:
    j, i = np.indices(SHAPE[1:])
    return np.where((j - 20) ** 2 + (i - 18) ** 2 > 17**2, -2000, volume)


@pytest.mark.parametrize(
    ("change", "matrix", "same"),
    [
        (lambda volume: volume, np.eye(4), True),
        (lambda volume: volume[::-1], FLIPPED, True),
        (lambda volume: volume[::-1], np.eye(4), False),
        (lambda volume: volume[[0, 1, 2, 4, 3, 5, 6, 7]], np.eye(4), False),
        (lambda volume: 0.01 * volume + 3, np.eye(4), True),
        (lambda volume: 5000 - volume, np.eye(4), True),
        (padded, np.eye(4), True),
        (np.sqrt, np.eye(4), False),
        (np.zeros_like, np.eye(4), True),
    ],
    ids=["itself", "turned", "reversed", "two exchanged", "in other units", "inverted", "padding", "other values", "nothing to tell"],
)
def test_slices_must_show_what_the_series_does(change: Callable, matrix: np.ndarray, same: bool) -> None:
    assert _same_values(probes(change(head())), matrix, head()) is same


@pytest.mark.parametrize("key", ["parts", "files", "probes", "folder", "affine", "shape", "record"])
def test_a_request_that_lacks_something_is_refused(key: str, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = json.loads(fuzz.TARGETS["saving"].seed())
    monkeypatch.chdir(tmp_path)
    np.save("part.npy", np.ones((3, 4, 5), np.uint8))
    scene_of(entry)
    for spoilt in ({**entry, key: 7}, {name: value for name, value in entry.items() if name != key}):
        with pytest.raises(UsageError):
            scene_of(spoilt)
