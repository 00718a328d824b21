"""Cases that a network does badly on, drawn more often: from the scores of its training cases to a share a case.

What is rare in a data set is learned last (hard-example mining, after Shrivastava et al. 2016, a case at a time). Only scores of training
cases serve: those of a test set would make it one more training set.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from MedSegDLLib.errors import UsageError

from ..evaluate.files import read_scores

LEAST = 0.05  # added to every loss of Dice: what is done well is not forgotten
MOST = 0.3  # loss of Dice beyond which a case counts for no more: it may be its labels that are wrong
PREFIX = "Dice "


def emphasis_of(path: Path, names: Sequence[str]) -> dict[str, float]:
    """Shares of the training cases by how badly they are done, mean 1.

    Args:
        path: scores as `medsegdl-train evaluate --json` writes them.
        names: of the training cases; every one of them, and nothing else, must have been measured.

    Raises:
        UsageError: it is no such file, or measures other cases.
    """
    losses = {case["name"]: _loss(case["measures"]) for case in read_scores(path)["cases"]}
    strange, missing = sorted(set(losses) - set(names)), sorted(set(names) - set(losses))
    if strange or missing:
        says = f"measures {strange[0]}, which is no training case" if strange else f"does not measure {missing[0]}"
        raise UsageError(f"{path.name} {says}.", "Evaluate on the training cases, all of them and no others.")
    mean = sum(losses.values()) / len(losses)
    return {name: losses[name] / mean for name in names}


def _loss(measures: dict[str, Any]) -> float:
    """1 - mean Dice over the regions that have one, kept within bounds."""
    dice = [value for title, value in measures.items() if title.startswith(PREFIX) and value is not None and math.isfinite(value)]
    return LEAST + min(1 - sum(dice) / len(dice) if dice else 0.0, MOST)
