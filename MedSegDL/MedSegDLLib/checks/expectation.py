"""How good the result can be expected to be with the inputs that are given: the network's own figures, read from its manifest.

A score of the manifest may hold `subsets`: [{"inputs": [keys], "mean": {"Dice <region>": value}, "n": cases}], as `medsegdl-train evaluate
--subsets` measured them (`medsegdl-train describe` puts them there). Nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ..tasks import Task

PREFIX = "Dice "


@dataclass(frozen=True)
class Expected:
    """What was measured with these inputs and with all.

    Attributes:
        here, complete: region key -> mean Dice.
        cases: how many the means are over.
        protocol: what kind of cases, in a sentence.
    """

    here: dict[str, float]
    complete: dict[str, float]
    cases: int
    protocol: str


def expected(manifest: Mapping[str, Any], task: Task, given: Collection[str]) -> Expected | None:
    """What the manifest knows of these inputs; None where it knows nothing, says it unfit, or no input is missing.

    Args:
        manifest: of the weights.
        task: theirs.
        given: keys of the inputs.
    """
    keys = {entry.key for entry in task.inputs}
    scores = manifest.get("scores")
    for score in scores if isinstance(scores, list) else ():
        found = _of_subsets(score.get("subsets") if isinstance(score, Mapping) else None, task)
        here, complete = found.get(frozenset(given)), found.get(frozenset(keys))
        if set(given) != keys and here and complete:
            return Expected(here[0], complete[0], here[1], str(score.get("protocol", "")))
    return None


def _of_subsets(entries: Any, task: Task) -> dict[frozenset[str], tuple[dict[str, float], int]]:
    """Inputs -> (region key -> mean Dice, cases); what is not written as it should be is left out."""
    found = {}
    for entry in entries if isinstance(entries, list) else ():
        if not (isinstance(entry, Mapping) and isinstance(entry.get("inputs"), list) and isinstance(entry.get("mean"), Mapping)):
            continue
        mean = {region.key: entry["mean"].get(f"{PREFIX}{region.key}") for region in task.regions}
        dice = {key: float(value) for key, value in mean.items() if isinstance(value, (int, float)) and 0 <= value <= 1}
        if dice and all(isinstance(key, str) for key in entry["inputs"]):
            found[frozenset(entry["inputs"])] = (dice, int(entry["n"]) if isinstance(entry.get("n"), int) else 0)
    return found
