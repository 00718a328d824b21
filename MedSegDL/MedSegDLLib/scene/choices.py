"""What name and header say for and against the chosen inputs, and what could be done about it in one click: a swap, another task.
Nodes and findings in, plain data out; no widget.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..checks.modality_guess import Candidate, contradiction, why
from ..tasks import Modality, Task
from .volumes import dicom_tags

WRONG_KIND, EXCHANGED = "wrong_kind", "exchanged"  # codes of findings
OTHER_KIND = {Modality.MR: Modality.CT, Modality.CT: Modality.MR}  # the checks know these two from each other


@dataclass(frozen=True)
class Opinion:
    """What an input's name and header say of it.

    Attributes:
        reason: what speaks for it; "" if nothing.
        looks_like: title of what it looks like rather; "" if nothing speaks against it.
        against: what speaks against it.
    """

    reason: str = ""
    looks_like: str = ""
    against: str = ""


def opinions(nodes: Mapping[str, Any], task: Task) -> dict[str, Opinion]:
    """Input key -> what its name and header say."""
    found = {}
    for key, node in nodes.items():
        candidate = Candidate(node.GetName(), dicom_tags(node))
        title, against = contradiction(candidate, key, task) or ("", "")
        found[key] = Opinion(why(candidate, key), title, against)
    return found


def swaps(found: Mapping[str, Opinion], task: Task) -> list[tuple[str, str]]:
    """Pairs of inputs of which each looks like the other; and one that looks like an input which nothing is said for."""
    keys = {entry.title: entry.key for entry in task.inputs}
    pairs = []
    for key, opinion in found.items():
        other = keys.get(opinion.looks_like)
        if other in found and not found[other].reason and (other, key) not in pairs:
            pairs.append((key, other))
    return pairs


def exchanged_pair(findings: Sequence[dict], nodes: Mapping[str, Any], task: Task) -> tuple[str, str] | None:
    """The two inputs that the intensities say are exchanged; None where they do not."""
    for finding in findings:
        if finding.get("code") == EXCHANGED:
            said = {entry.key: f"and {entry.title} ({nodes[entry.key].GetName()})" for entry in task.inputs if entry.key in nodes}
            others = [key for key, words in said.items() if key != finding["input"] and words in finding["message"]]
            return (finding["input"], others[0]) if others and finding["input"] in nodes else None
    return None


def fitting_tasks(findings: Sequence[dict], task: Task, offered: Mapping[str, Task]) -> list[tuple[str, Task]]:
    """(input key, task) for an image of the wrong kind: the tasks that take one image, of the kind that it is."""
    kinds = {entry.key: OTHER_KIND.get(entry.modality) for entry in task.inputs}
    wrong = next((finding["input"] for finding in findings if finding.get("code") == WRONG_KIND), None)
    kind = kinds.get(wrong)
    return [(wrong, other) for other in offered.values() if kind is not None and [entry.modality for entry in other.inputs] == [kind]]
