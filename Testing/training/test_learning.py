"""Learning from corrections from end to end with the real training package, on made-up cases and a tiny network; in this process, so that
torch is loaded once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from medsegdl_training.commands.main import main
from MedSegDLLib.correction.training_case import LIST_FILE, label_map, save_case
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.network.weights import find_weights, load_weights
from MedSegDLLib.tasks import LIVER, WEIGHTS_VARIABLE
from MedSegDLLib.worker.learning import Lesson, is_in_use, learn, put_in_use, take_back

from ..core.tiny import tiny_weights

SHAPE = (24, 26, 28)
AFFINE = np.diag([4.0, 4.0, 4.0, 1.0])
TINY = ("--patch", "16", "16", "16", "--batch", "1", "--threads", "1", "--rate", "0.003", "--warm-up", "1")


def corrected_cases(folder: Path, count: int) -> Path:
    """CTs of a bright box with a dark one in it, saved as the panel does."""
    random = np.random.default_rng(0)
    for number in range(count):
        masks = {region.key: np.zeros(SHAPE, np.uint8) for region in LIVER.regions}
        masks["liver"][5:19, 5:20, 4 + number : 18 + number] = 1
        masks["tumour"][9:14, 9:14, 9 + number : 13 + number] = 1
        values = np.full(SHAPE, -900.0)
        values[2:-2, 2:-2, 2:-2] = -60
        values = values + 160 * masks["liver"] - 60 * masks["tumour"] + random.normal(0, 8, SHAPE)
        save_case(folder, LIVER, {"ct": Image(values.astype(np.int16), AFFINE)}, Image(label_map(masks, LIVER), AFFINE))
    return folder / LIST_FILE


def in_this_process(arguments: Sequence[str], listen: Callable[[str], None]) -> int:
    """`medsegdl-train`, with a tiny sample."""
    listen("")
    if arguments == ("--help",):
        return 0
    return main([*arguments, *(TINY if arguments[0] == "finetune" else ())])


def test_from_corrected_cases_to_weights_in_use_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "weights"
    own.mkdir()
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(own))
    begun = tiny_weights(own, LIVER)
    before = begun.read_bytes()
    lesson = Lesson("liver", corrected_cases(tmp_path / "cases", 3), tmp_path / "learning", steps=2)
    learned = learn(lesson, in_this_process)
    assert len(learned.trained) == 2 and len(learned.kept) == 1
    assert 0 <= learned.before <= 1 and 0 <= learned.after <= 1 and begun.read_bytes() == before
    made = load_weights(learned.new, LIVER).manifest
    assert made["training"]["steps"] == 2 and made["training"]["held_out"] == list(learned.kept)
    put_in_use(lesson, learned)
    assert is_in_use(lesson) and load_weights(find_weights(LIVER), LIVER).manifest["sha256"] == made["sha256"]
    take_back(lesson)
    assert find_weights(LIVER).read_bytes() == before
