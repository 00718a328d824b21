"""What is installed: versions, devices, and each task's weights with hash, licence and scores. For `medsegdl info`."""

from __future__ import annotations

import argparse
import json

from .. import __version__
from ..errors import WeightsError
from ..tasks import SHIPPED, TASKS, Task, weights_places


def add(command: argparse.ArgumentParser) -> None:
    """Options."""
    command.add_argument("--json", action="store_true", help="as JSON")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """`medsegdl info`."""
    installation = describe_installation()
    print(json.dumps(installation, indent=2) if arguments.json else format_installation(installation))


def describe_installation() -> dict:
    """Everything that a bug report needs, as JSON types."""
    import torch

    from ..network.device import package_versions

    devices = ["cpu"] + [f"cuda:{i} ({torch.cuda.get_device_name(i)})" for i in range(torch.cuda.device_count())]
    return {
        "medsegdl": __version__,
        "packages": package_versions(),
        "devices": devices,
        "threads": torch.get_num_threads(),
        "tasks": {key: _describe_task(task) for key, task in TASKS.items()},
        "weights": {key: _describe_weights(task) for key, task in TASKS.items()},
        "weights_folders": [str(place) for place in weights_places()],
        "problems": {str(path): problem for path, problem in TASKS.problems().items()},
    }


def _describe_task(task: Task) -> dict:
    return {
        "title": task.title,
        "version": task.version,
        "inputs": {entry.key: f"{entry.title} ({entry.modality.value})" for entry in task.inputs},
        "regions": {region.key: region.title for region in task.regions},
        "shipped": SHIPPED.get(task.key) == task,
    }


def _describe_weights(task: Task) -> dict:
    from ..network.weights import find_weights, load_weights

    try:
        loaded = load_weights(find_weights(task), task)
    except WeightsError as error:
        return {"problem": str(error)}
    manifest = loaded.manifest
    told = {key: manifest[key] for key in ("sha256", "date", "precision", "licence_note") if key in manifest}
    training = manifest.get("training", {})
    scores = [{"protocol": score.get("protocol", ""), "mean": score.get("mean", {})} for score in manifest.get("scores", [])]
    return {"file": str(loaded.path), **told, "licence": training.get("licence", ""), "scores": scores}


def format_installation(installation: dict) -> str:
    """The same for the terminal."""
    lines = [f"medsegdl {installation['medsegdl']}"]
    lines += [f"  {name} {version}" for name, version in installation["packages"].items()]
    lines.append(f"devices: {', '.join(installation['devices'])}; {installation['threads']} threads")
    lines.append(f"weights are looked for in: {', '.join(installation['weights_folders'])}")
    for key, task in installation["tasks"].items():
        lines.append(f"task {key}: {task['title']}; inputs {', '.join(task['inputs'])}; segments {', '.join(task['regions'])}")
    lines += [f"not used: {path}: {problem}" for path, problem in installation["problems"].items()]
    for key, entry in installation["weights"].items():
        if "problem" in entry:
            lines.append(f"weights {key}: {entry['problem']}")
            continue
        lines.append(f"weights {key}: {entry['file']}")
        lines += [f"  {name}: {entry[name]}" for name in ("sha256", "date", "precision", "licence", "licence_note") if name in entry]
        for score in entry["scores"]:
            values = ", ".join(f"{name} {value:.3f}" for name, value in score.get("mean", {}).items() if value is not None)
            lines.append(f"  score: {values or 'no values'} ({score.get('protocol', 'no protocol')})")
    return "\n".join(lines)
