"""`import_network`: whatever a source is, its weights and manifest. Which kinds there are is told by `SOURCES`; nothing is guessed."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import WeightsError
from ..io.atomic import file_sha256
from ..network.deepbet_plan import DeepbetPlan
from ..network.foreign_weights import empty_network, names_of, save_foreign
from ..network.monai_plan import MonaiPlan
from ..network.nnunet_plan import STEP, NnunetPlan, Scheme
from ..progress import Progress, quiet, span
from ..schema.records import Unfit
from ..tasks import BRAIN_MASK, TASK_KEY, Modality, Task, refuse_target
from . import auto3dseg, deepbet
from .checkpoint import Checkpoint, open_checkpoint
from .foreign_task import nominal_plan, plain, task_from
from .monai_bundle import bundle_network, bundle_plan, input_names, output_names, region_names
from .nnunet_folder import PICTURES, channel_names, outputs_of, plan_of, reader_of, resolved
from .nnunet_network import architecture_of, refuse_unknown_trainer

FORMAT_VERSION = 1
LARGEST_JSON_BYTES = 64 * 2**20  # plans of nnU-Net have some 10 kB
LARGEST_LICENCE_BYTES = 2**20  # of a licence or a list of labels
UNSTATED = "not stated"
LICENCE_FILES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "LICENCE.txt", "LICENCE.md")
SOURCES_SAY = (
    "Give an nnU-Net v2 result folder (plans.json, dataset.json, fold_X/checkpoint_final.pth), a MONAI bundle (configs/inference.json, "
    "configs/metadata.json, models/model.pt), a model.pt of SlicerMONAIAuto3DSeg, or the wheel of deepbet 1.0.2."
)


@dataclass(frozen=True)
class Wishes:
    """What the user says about a source.

    Attributes:
        licence: under which the weights may be used; "" takes what the source tells.
        task_key, title: of the task; "" takes names from the source.
        folds: which of nnU-Net's folds; () takes all that are there.
        checkpoint: file name in nnU-Net's fold folders.
        step: of a tile from one to the next.
        orientation: in which nnU-Net's training images were stored ("RAS"); "" where it is not known: the axes are taken as they are.
    """

    licence: str = ""
    task_key: str = ""
    title: str = ""
    folds: tuple[str, ...] = ()
    checkpoint: str = "checkpoint_final.pth"
    step: float = STEP
    orientation: str = ""


@dataclass(frozen=True)
class Foreign:
    """A source that was read.

    Attributes:
        task: made of its names.
        plan: how its images go to the network.
        architecture: name and arguments.
        states: a network's tensors each, by the names of `own_tensors`.
        origin: what it was, for the manifest.
        licence: found in it, or "".
        data: what it was trained on, where that is known.
    """

    task: Task
    plan: NnunetPlan | MonaiPlan | DeepbetPlan
    architecture: dict[str, Any]
    states: list[dict[str, Tensor]]
    origin: dict[str, Any]
    licence: str
    data: str = ""


def import_network(
    source: Path, output: Path, wishes: Wishes = Wishes(), ask: Callable[[], str] = str, progress: Progress = quiet
) -> dict[str, Any]:
    """Make weights of ours of somebody's network.

    Args:
        source: see `SOURCES`.
        output: the safetensors file; its manifest goes beside it.
        ask: for the licence, where nobody told it; "" means that it stays unknown.
        progress: called with (fraction 0..1, message); may raise `Cancelled`.

    Returns:
        the manifest.

    Raises:
        UsageError: the output has another suffix, or its manifest would replace a file that is none.
        WeightsError: the source is not there, damaged, too large, or nothing that this version can do exactly.
        InputRefused: the output cannot be written.
    """
    refuse_target(output)
    progress(0.0, "Reading")
    read = next((read for fits, read in SOURCES if fits(source)), None)
    if read is None:
        where = "was not found" if not source.exists() else "is nothing that can be imported"
        raise WeightsError(f"{source} {where}.", SOURCES_SAY)
    try:
        foreign = read(source, wishes, span(progress, 0.05, 0.85))
    except Unfit as fault:  # of the task that is made of its names
        raise WeightsError(f"{source.name} cannot be imported as a task: {fault}.", "Choose another --key or --title.") from fault
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as fault:  # JSON may hold anything anywhere
        what = " ".join(str(fault).split())
        says = f"{source.name} does not fit: a value in it is of another kind than it must be ({type(fault).__name__}: {what:.200})."
        raise WeightsError(says, SOURCES_SAY) from fault
    progress(0.85, "Writing")
    licence = wishes.licence or foreign.licence or ask() or UNSTATED
    manifest = save_foreign(foreign.states, output, _manifest(foreign, licence))
    progress(1.0, "Done")
    return manifest


def _manifest(foreign: Foreign, licence: str) -> dict[str, Any]:
    task = foreign.task
    return {
        "format": FORMAT_VERSION,
        "task": task.key,
        "task_version": task.version,
        "outputs": list(task.outputs),
        TASK_KEY: task.to_json(),
        "architecture": foreign.architecture,
        "plan": foreign.plan.to_json(),
        "origin": foreign.origin,
        "training": {"licence": licence} | ({"data": foreign.data} if foreign.data else {}),
        "date": datetime.date.today().isoformat(),
    }


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of a source. Raises WeightsError: missing, too large, no JSON, no object."""
    try:
        if path.stat().st_size > LARGEST_JSON_BYTES:
            raise WeightsError(f"{path.name} is larger than such a file ever is.", SOURCES_SAY)
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {(error.strerror or 'it is not there').lower()}.", SOURCES_SAY) from error
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path.name} is damaged: it is no valid JSON.", SOURCES_SAY) from error
    if not isinstance(found, dict):
        raise WeightsError(f"{path.name} is damaged: it holds no JSON object.", SOURCES_SAY)
    return found


def licence_beside(folder: Path) -> str:
    """The first line of a licence file in a folder, or ""."""
    for name in LICENCE_FILES:
        path = folder / name
        if path.is_file() and path.stat().st_size <= LARGEST_LICENCE_BYTES:
            lines = [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
            return lines[0][:200] if lines else ""
    return ""


def state_of(checkpoint: Checkpoint, architecture: Mapping[str, Any], name: str) -> dict[str, Tensor]:
    """A checkpoint's tensors by the names that our file keeps.

    Raises:
        WeightsError: one is missing or too many, or two names of one weight hold different numbers.
    """
    first = names_of(empty_network(architecture))
    given = {*checkpoint.tensors, *checkpoint.aliases}
    odd = sorted(given ^ set(first))
    if odd:
        says = "has no" if odd[0] in first else "also has a"
        raise WeightsError(f"{name} does not fit the network that its plans describe: it {says} '{odd[0]}'.", "Give the folder as it was.")
    state: dict[str, Tensor] = {}
    for other, own in first.items():
        tensor = checkpoint.named(other)
        if own in state and state[own] is not tensor and not state[own].equal(tensor):
            raise WeightsError(f"{name} was altered: '{other}' and '{own}' are one weight and hold different numbers.", "Copy it anew.")
        state.setdefault(own, tensor)
    return state


def is_nnunet(source: Path) -> bool:
    """Whether a folder is, by what lies in it, an nnU-Net v2 result folder."""
    return (source / "plans.json").is_file() or (source / "dataset.json").is_file()


def read_nnunet(source: Path, wishes: Wishes, progress: Progress) -> Foreign:
    """An nnU-Net v2 result folder, all folds or those that are wished for."""
    plans, dataset = read_json(source / "plans.json"), read_json(source / "dataset.json")
    files = checkpoints_in(source, wishes)
    opened = [open_checkpoint(path, span(progress, n / len(files), (n + 1) / len(files))) for n, path in enumerate(files)]
    configuration, trainer, mirror = _agreed(opened, files)
    refuse_unknown_trainer(trainer)
    entry = resolved(plans, configuration)
    plan = plan_of(plans, dataset, configuration, mirror, len(files))
    plan = replace(plan, step=wishes.step, orientation=plan.orientation or wishes.orientation)
    architecture = architecture_of(entry, trainer, len(plan.channels), len(plan.values))
    states = [state_of(one, architecture, f"{path.parent.name}/{path.name}") for one, path in zip(opened, files)]
    name = str(plans.get("dataset_name") or source.parent.name or source.name)
    origin = {
        "kind": "nnU-Net v2",
        "dataset": name[:200],
        "configuration": configuration,
        "trainer": trainer,
        "folds": [path.parent.name.removeprefix("fold_") for path in files],
        "checkpoints_sha256": [file_sha256(path) for path in files],
        "plans_sha256": file_sha256(source / "plans.json"),
    }
    task = _nnunet_task(plans, dataset, plan, wishes, re.sub(r"^Dataset\d+_", "", name))
    licence = dataset.get("licence", dataset.get("license", ""))
    return Foreign(task, plan, architecture, states, origin, str(licence)[:200] if licence else licence_beside(source))


def checkpoints_in(source: Path, wishes: Wishes) -> list[Path]:
    """The checkpoints of the folds, as nnU-Net's predictor finds them: `fold_all` only where there is nothing else."""
    folds = {path.parent.name.removeprefix("fold_"): path for path in sorted(source.glob(f"fold_*/{Path(wishes.checkpoint).name}"))}
    missing = [fold for fold in wishes.folds if fold not in folds]
    if missing or not folds:
        there = sorted(path.relative_to(source).as_posix() for path in source.glob("fold_*/*.pth"))
        what = f"fold_{missing[0]}/{wishes.checkpoint}" if missing else f"fold_X/{wishes.checkpoint}"
        remedy = f"There are: {', '.join(there[:10])}." if there else SOURCES_SAY
        raise WeightsError(f"{source} has no {what}.", remedy)
    chosen = wishes.folds or tuple(fold for fold in folds if fold != "all") or ("all",)
    return [folds[fold] for fold in chosen]


def _agreed(opened: Sequence[Checkpoint], files: Sequence[Path]) -> tuple[str, str, tuple[int, ...]]:
    """Configuration, trainer and mirrored axes, of which all folds must say the same."""
    said = []
    for checkpoint, path in zip(opened, files):
        arguments = checkpoint.others.get("init_args")
        configuration = arguments.get("configuration") if isinstance(arguments, dict) else None
        trainer, mirror = checkpoint.others.get("trainer_name"), checkpoint.others.get("inference_allowed_mirroring_axes")
        if not isinstance(configuration, str) or not isinstance(trainer, str) or not isinstance(mirror, (list, type(None))):
            raise WeightsError(f"{path.parent.name}/{path.name} is no checkpoint of nnU-Net v2: it does not name its trainer.", SOURCES_SAY)
        said.append((configuration, trainer, tuple(mirror or ())))
    if len(set(said)) > 1:
        raise WeightsError("The folds are of different trainings.", "Choose one with --folds.")
    return said[0]


def _nnunet_task(plans: Mapping[str, Any], dataset: Mapping[str, Any], plan: NnunetPlan, wishes: Wishes, name: str) -> Task:
    pictures = reader_of(plans) in PICTURES
    names = ["Picture"] if pictures else channel_names(dataset)
    kind = Modality.PICTURE if pictures else Modality.OTHER
    window = next(((channel.low, channel.high) for channel in plan.channels if channel.scheme is Scheme.CT), None)
    nominal = nominal_plan(pictures, plan.network_spacing((1.0, 1.0, 1.0))[::-1], plan.tile, window)
    key = wishes.task_key or plain(name, "-").lower()
    return task_from(key, wishes.title or name, [(one, kind) for one in names], outputs_of(dataset).names, nominal)


def is_bundle(source: Path) -> bool:
    """Whether a folder is a MONAI bundle."""
    return (source / "configs" / "inference.json").is_file()


def read_bundle(source: Path, wishes: Wishes, progress: Progress) -> Foreign:
    """A MONAI bundle of the usual transforms."""
    config, metadata = (read_json(source / "configs" / name) for name in ("inference.json", "metadata.json"))
    plan, architecture = bundle_plan(config, metadata), bundle_network(config)
    path = source / "models" / "model.pt"
    states = [state_of(open_checkpoint(path, progress), architecture, path.name)]
    inputs, regions = input_names(metadata), region_names(plan, output_names(metadata))
    name = str(metadata.get("name") or source.name)
    origin = {"kind": "MONAI bundle", "name": name[:200], "version": str(metadata.get("version", ""))[:50]}
    origin |= {"checkpoints_sha256": [file_sha256(path)], "configuration_sha256": file_sha256(source / "configs" / "inference.json")}
    licence = str(metadata.get("license", metadata.get("licence", "")))[:200] or licence_beside(source)
    return Foreign(_monai_task(plan, inputs, regions, wishes, name), plan, architecture, states, origin, licence)


def is_auto3dseg(source: Path) -> bool:
    """Whether it is a file that could be a model of Auto3DSeg."""
    return source.is_file() and source.suffix in (".pt", ".pth")


def read_auto3dseg(source: Path, wishes: Wishes, progress: Progress) -> Foreign:
    """The model.pt of SlicerMONAIAuto3DSeg, beside which a `labels.csv` may name the regions."""
    checkpoint = open_checkpoint(source, progress)
    config = checkpoint.others.get("config")
    if not isinstance(config, dict):
        raise WeightsError(f"{source.name} has no 'config': it is no model of Auto3DSeg.", SOURCES_SAY)
    name = source.parent.name if source.stem == "model" else source.stem
    path = f"{source.parent.name}/{source.name}"
    brats = auto3dseg.is_brats(config, path)
    architecture = auto3dseg.auto3dseg_network(config)
    plan = auto3dseg.auto3dseg_plan(config, architecture["arguments"], brats, path)
    states = [state_of(checkpoint, architecture, source.name)]
    labels = source.parent / "labels.csv"
    known = labels.is_file() and labels.stat().st_size <= LARGEST_LICENCE_BYTES
    told = auto3dseg.read_labels(labels.read_text(encoding="utf-8", errors="replace")) if known else {}
    regions = auto3dseg.region_names(plan, brats, told)
    origin = {"kind": "Auto3DSeg", "name": name[:200], "checkpoints_sha256": [file_sha256(source)]}
    task = _monai_task(plan, auto3dseg.input_names(plan, brats), regions, wishes, name)
    return Foreign(task, plan, architecture, states, origin, licence_beside(source.parent))


def _monai_task(plan: MonaiPlan, inputs: Sequence[str], regions: Sequence[str], wishes: Wishes, name: str) -> Task:
    nominal = nominal_plan(False, plan.spacing_mm or (1.0, 1.0, 1.0), plan.tile[::-1], None)
    key = wishes.task_key or plain(name, "-").lower()
    return task_from(key, wishes.title or name, [(one, Modality.OTHER) for one in inputs], regions, nominal)


def read_deepbet(source: Path, wishes: Wishes, progress: Progress) -> Foreign:
    """The wheel of deepbet: weights of the task 'brain mask' unless another key is wished for, with the licence's text in the manifest."""
    states, notice = deepbet.read_models(source)
    origin = {"kind": "deepbet", "version": deepbet.VERSION, "checkpoints_sha256": list(deepbet.MODELS.values()), "notice": notice}
    task = replace(BRAIN_MASK, key=wishes.task_key or BRAIN_MASK.key, title=wishes.title or BRAIN_MASK.title)
    return Foreign(task, deepbet.PLAN, deepbet.ARCHITECTURE, states, origin, "MIT", deepbet.DATA)


Reader = Callable[[Path, Wishes, Progress], Foreign]
SOURCES: tuple[tuple[Callable[[Path], bool], Reader], ...] = (
    (is_nnunet, read_nnunet),
    (is_bundle, read_bundle),
    (is_auto3dseg, read_auto3dseg),
    (deepbet.is_deepbet, read_deepbet),
)
