"""Which network stands for a task, in a line and a paragraph for the panel: read from the manifest, without torch.
The network itself is loaded by the worker (`network.weights`), from the same places in the same order.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from ..errors import WeightsError
from ..tasks import Pair, Task, manifest_path, pairs_in, read_manifest, weights_places
from .translation import sentence


def manifest_of(task: Task) -> dict[str, Any]:
    """The manifest of the weights that stand for a task; empty where there are none, or it cannot be read."""
    pair = _pair(task)
    try:
        return {} if pair is None else read_manifest(manifest_path(pair.path))
    except WeightsError:
        return {}


def network_of(task: Task) -> tuple[str, str]:
    """A line (file, date) and a paragraph (scores, data, licence) on the network of a task; "none" without one."""
    pair = _pair(task)
    if pair is None:
        places = ", ".join(map(str, weights_places()))
        return _("none"), _("There are no weights for this task in any of the places: {places}").format(places=places)
    try:
        manifest = read_manifest(manifest_path(pair.path))
    except WeightsError as error:
        return pair.path.stem, sentence(error.message)
    return _line(pair.path, manifest), "\n".join(_paragraphs(manifest))


def _pair(task: Task) -> Pair | None:
    return next(
        (pair for place in weights_places() for pair in pairs_in(place) if pair.task is not None and pair.task.key == task.key), None
    )


def _line(path: Path, manifest: dict[str, Any]) -> str:
    return " ".join(part for part in (path.stem, f"({manifest['date']})" if manifest.get("date") else "") if part)


def _paragraphs(manifest: dict[str, Any]) -> list[str]:
    told = []
    for score in manifest.get("scores") or ():
        means = ", ".join(f"{key} {value:.2f}" for key, value in (score.get("mean") or {}).items() if key.startswith("Dice"))
        told += [f"{means}: {score['protocol']}"] if means and score.get("protocol") else []
    training = manifest.get("training") or {}
    told += [f"{title}: {training[key]}" for title, key in ((_("Trained on"), "data"), (_("Licence"), "licence")) if training.get(key)]
    return told
