"""A task for a data set, proposed from its `dataset.json` and images: names, labels, codes, colours, grid. It is to be read, not trusted.

Segments are coded by the names that DICOM's own dictionary of SNOMED CT (in pydicom) has for them.
"""

from __future__ import annotations

import colorsys
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.metrics.labels import names_and_values, plain_name
from MedSegDLLib.schema.records import Unfit
from MedSegDLLib.tasks import SHIPPED, Code, Input, LabelConvention, Modality, Plan, Region, Scale, Task

from .decathlon import channel_names, read_description
from .names import PICTURES

NUMBERED = re.compile(r"^(Dataset|Task)\d+_", re.IGNORECASE)  # of nnU-Net's and the Decathlon's folders
SIDE_WORDS = ("left", "right", "l", "r")
MODALITIES = {  # of channels by their names; all others are taken for MR, which has too many names to list
    **dict.fromkeys(("ct", "cta", "cect", "cbct"), Modality.CT),
    **dict.fromkeys(("pet", "pt", "suv", "spect", "us", "ultrasound", "dose"), Modality.OTHER),
}
IGNORED = "ignore"  # nnU-Net's label of voxels that are not judged
COLOURS = ("r", "g", "b", "red", "green", "blue", "rgb", "rgb to 0 1")  # channels of pictures, as nnU-Net's users name them
PATHOLOGY = (
    "tumor",
    "tumour",
    "cancer",
    "lesion",
    "cyst",
    "nodule",
    "metastasis",
    "edema",
    "oedema",
    "necrosis",
    "hemorrhage",
    "carcinoma",
)
SPELT = {"tumour": "tumor", "oedema": "edema", "cancer": "neoplasm", "carcinoma": "neoplasm"}  # as the dictionary has them
ANATOMY = Code("SCT", "123037004", "Anatomical Structure")
MORPHOLOGY = Code("SCT", "49755003", "Morphologically Altered Structure")
TISSUE = Code("SCT", "85756007", "Tissue")  # Slicer's own for what is not known
GOLDEN = 0.618034  # turns of the colour wheel between neighbours: none are alike
DRAFT = {  # until the images were looked at
    Scale.WINDOW: Plan(Scale.WINDOW, (2.0, 2.0, 2.0), (64, 64, 64), window=(-160.0, 240.0)),  # soft tissue
    Scale.ZSCORE: Plan(Scale.ZSCORE, (1.5, 1.5, 1.5), (64, 64, 64)),
    Scale.PERCENTILE: Plan(Scale.PERCENTILE, None, (1, 512, 512)),
}
PICTURE = Input("image", "Picture", Modality.PICTURE)


def propose(description: Path, key: str | None = None, title: str | None = None) -> Task:
    """A task for what a `dataset.json` describes; its plan is a draft.

    Args:
        description: the file, of an nnU-Net raw folder or of the Decathlon.
        key, title: of the task; None takes the data set's name.

    Raises:
        InputRefused: no such file, pictures kept as volumes, no labels, or labels that training cannot use.
    """
    entry = read_description(description)
    channels = channel_names(entry, description)
    pictures = _holds_pictures(entry, channels, description)
    named = str(entry.get("name") or "").strip() or NUMBERED.sub("", description.resolve().parent.name)
    labels = _labels(entry, description)
    try:
        inputs = (PICTURE,) if pictures else tuple(_inputs(channels))
        scale = Scale.WINDOW if all(one.modality is Modality.CT for one in inputs) else Scale.ZSCORE
        scale = Scale.PERCENTILE if pictures else scale
        regions, convention = _regions(labels, named)
        wanted = key or _free(_word(named, "-").lower() or "task")
        names = tuple((f"^{plain_name(name)}$", region.key) for region, (name, _) in zip(regions, labels, strict=True))
        return Task(wanted, title or _sentence(named), 1, inputs, regions, DRAFT[scale], conventions=(convention,), label_names=names)
    except Unfit as fault:
        raise InputRefused(f"No task can be made of {description.parent.name}/{description.name}: {fault}.", "Correct it.") from fault


def _holds_pictures(entry: dict, channels: Sequence[str], description: Path) -> bool:
    """Whether the images are pictures, by the endings of the files; where none are told, by the names of the channels.

    Raises:
        InputRefused: colours that are kept in volumes, one a file.
    """
    rows = entry.get("training")
    images = [row["image"] if isinstance(row, dict) else row for row in rows] if isinstance(rows, list) else []
    told = [name for name in (entry.get("file_ending"), *images) if isinstance(name, str)]
    colours = all(plain_name(name) in COLOURS for name in channels)
    if not told:
        return colours
    pictures = all(name.lower().endswith(PICTURES) for name in told)
    if colours and not pictures:
        raise InputRefused(f"{description.parent.name} keeps the colours of its pictures in volumes.", "Save each as one RGB PNG or TIFF.")
    return pictures


def _free(key: str) -> str:
    """Not the key of a shipped task: its weights would be taken in the place of those."""
    return f"my-{key}" if key in SHIPPED else key


def _inputs(channels: Sequence[str]) -> Iterator[Input]:
    for number, name in enumerate(channels):
        word = _word(name, "_").lower()
        key = word if re.match(r"[a-z]", word) else f"channel_{number}"
        yield Input(key, name.strip()[:200] or key, MODALITIES.get(plain_name(name), Modality.MR))


def _labels(entry: dict, description: Path) -> list[tuple[str, set[int]]]:
    """Names and values, those of many values (which hold others) first."""
    named = entry.get("labels")
    if not isinstance(named, dict):
        raise InputRefused(f"{description.parent.name}/{description.name} names no labels.", "Add 'labels' to it.")
    found = list(names_and_values(named, description))
    if not found:
        raise InputRefused(f"{description.parent.name}/{description.name} names no label but the background.", "Add 'labels' to it.")
    if any(plain_name(name) == IGNORED for name, _ in found):
        raise InputRefused(
            f"{description.parent.name} has voxels that are not to be judged ('{IGNORED}').", "Label them, or leave the cases out."
        )
    return sorted(found, key=lambda label: -len(label[1]))


def _regions(labels: list[tuple[str, set[int]]], named: str) -> tuple[tuple[Region, ...], LabelConvention]:
    regions: list[Region] = []
    for number, (name, values) in enumerate(labels):
        holders = [other for other, (_, outer) in zip(regions, labels) if values < outer]
        category, kind = code_of(name)
        color = tuple(round(part, 2) for part in colorsys.hsv_to_rgb((0.05 + GOLDEN * number) % 1, 0.6, 0.9))
        key = _word(name, "_") or f"label_{min(values)}"
        regions.append(Region(key, _sentence(name) or key, color, category, kind, inside=holders[-1].key if holders else None))
    told = ", ".join(f"{'/'.join(map(str, sorted(values)))} {name}" for name, values in labels)
    wanted = {region.key: tuple(sorted(values)) for region, (_, values) in zip(regions, labels)}
    return tuple(regions), LabelConvention("dataset", f"{_sentence(named)}: {told}"[:200].strip(), wanted)


def code_of(name: str) -> tuple[Code, Code]:
    """Category and type of a segment of this name, whatever its side; 'Tissue' where DICOM's dictionary has no such name."""
    from pydicom.sr.codedict import codes

    words = [SPELT.get(word, word) for word in plain_name(name).split() if word not in SIDE_WORDS]
    tried = ["".join(word.capitalize() for word in words[start:]) for start in range(len(words))]
    tried += [word.removesuffix("s") for word in tried]
    found = next((getattr(codes.SCT, word) for word in tried if word and hasattr(codes.SCT, word)), None)
    pathological = any(word in PATHOLOGY for word in plain_name(name).replace("tumours", "tumour").split())
    kind = TISSUE if found is None else Code("SCT", found.value, found.meaning)
    return MORPHOLOGY if pathological else ANATOMY, kind


def _word(name: str, between: str) -> str:
    """Letters and digits of a name, and `between` for all else; without accents."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", between, plain).strip(between)[:64].strip(between)


def _sentence(name: str) -> str:
    """A name for readers."""
    told = " ".join(re.sub(r"[_\x00-\x1f\x7f]+", " ", name).split())[:200].strip()
    return told[:1].upper() + told[1:]


def described(task: Task) -> str:
    """For a terminal: what was found and what was guessed."""
    plan = task.plan
    lines = [f"task {task.key}: {task.title}"]
    lines += [f"  input {entry.key}: {entry.title}, taken for {entry.modality.value}" for entry in task.inputs]
    for region in task.regions:
        within = f", inside {region.inside}" if region.inside else ""
        values = ", ".join(map(str, task.conventions[0].labels[region.key]))
        lines.append(f"  segment {region.key}: labels {values}{within}; {region.type.meaning} ({region.type.scheme} {region.type.value})")
    if task.pictures:
        upright = '  pictures have an up and a left; where they have not, give the plan "mirror": [-1, -2]'
        return "\n".join([*lines, f"  network {task.profile} on the picture's own pixels, {plan.scale.value}", upright])
    grid = " x ".join(f"{side:g}" for side in plan.spacing_mm or ())
    window = f", window {plan.window[0]:g} to {plan.window[1]:g} HU" if plan.scale is Scale.WINDOW else ""
    return "\n".join([*lines, f"  network {task.profile} on a grid of {grid} mm, {plan.scale.value}{window}"])


def with_plan(task: Task, profile: str, plan: Plan) -> Task:
    """The task with a network and a plan that fit its images."""
    return replace(task, profile=profile, plan=plan)
