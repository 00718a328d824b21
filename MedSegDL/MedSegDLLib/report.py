"""What is installed: versions, devices, and each task's weights with hash, licence and scores. For `medsegdl info`."""

from __future__ import annotations

import torch

from . import __version__
from .errors import WeightsError
from .machine import package_versions
from .tasks import TASKS, Task
from .weights import find_weights, load_weights


def describe_installation() -> dict:
    """Everything that a bug report needs, as JSON types."""
    devices = ["cpu"] + [f"cuda:{i} ({torch.cuda.get_device_name(i)})" for i in range(torch.cuda.device_count())]
    return {
        "medsegdl": __version__,
        "packages": package_versions(),
        "devices": devices,
        "threads": torch.get_num_threads(),
        "weights": {key: _describe_weights(task) for key, task in TASKS.items()},
    }


def _describe_weights(task: Task) -> dict:
    try:
        loaded = load_weights(find_weights(task), task)
    except WeightsError as error:
        return {"problem": str(error)}
    wanted = ("sha256", "date", "licence", "precision", "scores")
    return {"file": str(loaded.path), **{key: loaded.manifest[key] for key in wanted if key in loaded.manifest}}


def format_installation(installation: dict) -> str:
    """The same for the terminal."""
    lines = [f"medsegdl {installation['medsegdl']}"]
    lines += [f"  {name} {version}" for name, version in installation["packages"].items()]
    lines.append(f"devices: {', '.join(installation['devices'])}; {installation['threads']} threads")
    for key, entry in installation["weights"].items():
        if "problem" in entry:
            lines.append(f"weights {key}: {entry['problem']}")
            continue
        lines.append(f"weights {key}: {entry['file']}")
        lines += [f"  {name}: {entry[name]}" for name in ("sha256", "date", "precision", "licence") if name in entry]
        lines += [f"  score: {score}" for score in entry.get("scores", [])]
    return "\n".join(lines)
