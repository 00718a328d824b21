"""What a user is told of a network before it is added, and its way into the weights folder: for whoever has no command line.

Looking reads configuration files only; no checkpoint is opened, and no package of others is imported.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import InputRefused, WeightsError
from ..network.deepbet_plan import DeepbetPlan
from ..network.monai_plan import MonaiPlan
from ..network.nnunet_plan import NnunetPlan
from ..progress import Progress, quiet
from ..schema.records import Unfit
from ..tasks import BRAIN_MASK, TASKS, WEIGHTS_SUFFIX
from ..worker.packages import PACKAGES_OF_PLAN
from .convert import (
    SOURCES_SAY,
    UNSTATED,
    Wishes,
    checkpoints_in,
    import_network,
    is_auto3dseg,
    is_bundle,
    is_nnunet,
    licence_beside,
    read_json,
)
from .deepbet import is_deepbet
from .foreign_task import plain
from .monai_bundle import bundle_plan, output_names, region_names
from .nnunet_folder import outputs_of

LONGEST_LICENCE = 200
CONFIGURATION_FILES = ("plans.json", "dataset.json")


def look(source: Path) -> dict[str, Any]:
    """What a source is, as it says itself.

    Args:
        source: a folder or a file; one of the files within a folder stands for the folder.

    Returns:
        `source`, `kind`, `title`, `regions` (names; empty where only the checkpoint knows), `licence` ("" where none is stated),
        `bytes` that its checkpoints take, and `missing`: packages that it needs and this Python has not.

    Raises:
        WeightsError: it is nothing that can be imported, or its configuration is damaged.
    """
    root = _root(source)
    seen = next((see for fits, see in LOOKS if fits(root)), None)
    if seen is None:
        where = "was not found" if not source.exists() else "is nothing that can be added"
        raise WeightsError(f"{source} {where}.", SOURCES_SAY)
    try:
        return {"source": str(root), **seen(root)}
    except Unfit as fault:
        raise WeightsError(f"{root.name} cannot be imported: {fault}.", SOURCES_SAY) from fault


def add(source: Path, licence: str, folder: Path, progress: Progress = quiet) -> dict[str, Any]:
    """Convert a source into the user's weights folder, under a key and a title that no other task has.

    Args:
        source: see `look`.
        licence: under which it may be used; "" for not known.
        folder: of the user's weights, as whoever lists them knows it (`own_weights_folder`); made where it is not there.
        progress: called with (fraction 0..1, message); may raise `Cancelled`.

    Returns:
        `task` (its key), `title`, `weights` (the file) and `licence` as the manifest has it.

    Raises:
        WeightsError: see `import_network`.
        InputRefused: the folder cannot be written.
    """
    seen = look(source)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"The weights folder {folder} cannot be made: {(error.strerror or 'it is refused').lower()}."
        raise InputRefused(message, "Make it, or name another one with $MEDSEGDL_WEIGHTS.") from error
    taken = {*TASKS, *(path.stem for path in folder.glob(f"*{WEIGHTS_SUFFIX}"))}
    key = _free(plain(seen["title"], "-").lower(), taken, "{}-{}")
    title = _free(seen["title"], {task.title for task in TASKS.values()}, "{} ({})")
    wishes = Wishes(licence=licence.strip()[:LONGEST_LICENCE], task_key=key, title=title)
    path = folder / f"{key}{WEIGHTS_SUFFIX}"
    manifest = import_network(Path(seen["source"]), path, wishes, progress=progress)
    told = manifest["training"]["licence"]
    return {"task": key, "title": title, "weights": str(path), "licence": "" if told == UNSTATED else told}


def _root(source: Path) -> Path:
    """The folder that a file within a source stands for: `plans.json` of nnU-Net, a checkpoint of a fold, `models/model.pt` of a bundle."""
    if source.is_file():
        above = (source.parent, source.parent.parent)
        if source.name in CONFIGURATION_FILES:
            return source.parent
        return next((folder for folder in above if is_nnunet(folder) or is_bundle(folder)), source)
    return source


def _free(name: str, taken: set[str], pattern: str) -> str:
    """The name itself, or with the first number from 2 that makes it new. Names that differ in capitals only are one file on some disks."""
    known, number, free = {one.lower() for one in taken}, 2, name
    while free.lower() in known:
        free, number = pattern.format(name, number), number + 1
    return free


def _missing(plan: str) -> list[str]:
    return [name for name in PACKAGES_OF_PLAN[plan] if importlib.util.find_spec(name) is None]


def _look_at_nnunet(root: Path) -> dict[str, Any]:
    plans, dataset = read_json(root / "plans.json"), read_json(root / "dataset.json")
    files = checkpoints_in(root, Wishes())
    name = str(plans.get("dataset_name") or root.parent.name or root.name)[:LONGEST_LICENCE]
    licence = dataset.get("licence", dataset.get("license", ""))
    return {
        "kind": "nnU-Net v2",
        "title": re.sub(r"^Dataset\d+_", "", name),
        "regions": list(outputs_of(dataset).names),
        "licence": str(licence)[:LONGEST_LICENCE] if licence else licence_beside(root),
        "bytes": sum(path.stat().st_size for path in files),
        "missing": _missing(NnunetPlan.kind),
    }


def _look_at_bundle(root: Path) -> dict[str, Any]:
    config, metadata = (read_json(root / "configs" / name) for name in ("inference.json", "metadata.json"))
    model = root / "models" / "model.pt"
    return {
        "kind": "MONAI bundle",
        "title": str(metadata.get("name") or root.name)[:LONGEST_LICENCE],
        "regions": list(region_names(bundle_plan(config, metadata), output_names(metadata))),
        "licence": str(metadata.get("license", metadata.get("licence", "")))[:LONGEST_LICENCE] or licence_beside(root),
        "bytes": model.stat().st_size if model.is_file() else 0,
        "missing": _missing(MonaiPlan.kind),
    }


def _look_at_auto3dseg(root: Path) -> dict[str, Any]:
    return {
        "kind": "Auto3DSeg",
        "title": (root.parent.name if root.stem == "model" else root.stem)[:LONGEST_LICENCE],
        "regions": [],
        "licence": licence_beside(root.parent),
        "bytes": root.stat().st_size,
        "missing": _missing(MonaiPlan.kind),
    }


def _look_at_deepbet(root: Path) -> dict[str, Any]:
    return {
        "kind": "deepbet",
        "title": root.name.removesuffix(".whl")[:LONGEST_LICENCE],
        "regions": [region.title for region in BRAIN_MASK.regions],
        "licence": "MIT",
        "bytes": root.stat().st_size,
        "missing": _missing(DeepbetPlan.kind),
    }


LOOKS: tuple[tuple[Callable[[Path], bool], Callable[[Path], dict[str, Any]]], ...] = (
    (is_nnunet, _look_at_nnunet),
    (is_bundle, _look_at_bundle),
    (is_auto3dseg, _look_at_auto3dseg),
    (is_deepbet, _look_at_deepbet),
)
