"""What can be segmented: inputs, regions, colours, codes, normalisation and grid of every task, as data.

A task is one JSON file. The shipped ones lie in Resources/Tasks; any other is carried by the manifest of its weights, so that a pair
of files (`NAME.safetensors`, `NAME.json`) in a weights folder is a task more: nothing in the flow asks which task it runs, and nothing
that a file says is believed before it was checked. docs/tasks.md tells every key.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

from .errors import InputRefused, UsageError, WeightsError
from .schema.manifest import refuse_misfit_told
from .schema.patterns import QUICK_PATTERN
from .schema.records import Unfit, above, between, counting, matching, obey, read_record, within
from .schema.strict_json import MIB, NotStrict, read_object

LARGEST_MANIFEST_BYTES = 16 * MIB  # the nuclei's, with the measures of 102 pictures, has 0.4
LARGEST_TASK_BYTES = MIB
TASK_KEY = "task_definition"  # where a manifest carries its task; `task` is its key, as in manifests that carry none
WEIGHTS_SUFFIX = ".safetensors"
WEIGHTS_VARIABLE = "MEDSEGDL_WEIGHTS"
BACKGROUND = 0  # the label of nothing
PAIR = "Weights are two files side by side: .safetensors and .json."
AGAIN = "Download the weights again, both files of one release: <task>.safetensors and <task>.json."

# Names that Windows gives to devices, in whatever folder and with whatever suffix; and the names of what lies beside the regions' files.
_DEVICES = r"(?i:con|prn|aux|nul|com\d|lpt\d)"
_OURS = r"(?i:uncertainty|instances|objects|segmentation|report|brain_mask|bias_.*)"
_LETTERS = "1 to 64 letters and digits"

TaskKey = Annotated[str, matching(rf"(?!{_DEVICES}$)[A-Za-z0-9][A-Za-z0-9-]{{0,63}}", f"{_LETTERS}, with '-' within")]
InputKey = Annotated[str, matching(r"[A-Za-z][A-Za-z0-9_]{0,63}", f"{_LETTERS}, with '_' within, a letter first")]
RegionKey = Annotated[
    str, matching(rf"(?!(?:{_DEVICES}|{_OURS})$)[A-Za-z0-9][A-Za-z0-9_-]{{0,63}}", f"{_LETTERS}, with '_' and '-' within (a file name)")
]
Name = Annotated[str, matching(r"[\w.+-]{1,64}", "1 to 64 letters, digits, '.', '_', '+' and '-'")]
# What no line of text may hold: controls, ends of lines and pages, and what turns the reading direction, so that a name looks like another
UNPRINTABLE = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
Title = Annotated[str, matching(rf"(?=\S)[^{UNPRINTABLE}]{{1,200}}(?<=\S)", "1 to 200 printable characters")]
Pattern = Annotated[str, QUICK_PATTERN]
Fraction = Annotated[float, between(0, 1)]
Probability = Annotated[float, within(0, 1)]
Spacing = Annotated[float, between(0.01, 100, "mm")]
Side = Annotated[int, between(1, 4096, "voxels")]
Intensity = Annotated[float, between(-1e9, 1e9)]
Label = Annotated[int, between(-1, 65535)]  # -1: a label that never occurs
ALTERED = "49755003"  # SNOMED CT, Morphologically Altered Structure: the category of regions that are lesions
MOST_TILE_VOXELS = 2**28  # 645 x 645 x 645; no network of this world is trained on more at once


class Modality(str, Enum):
    """What kind of numbers an input holds; decides which checks apply to it."""

    MR = "MR"
    CT = "CT"
    PICTURE = "picture"
    OTHER = "other"  # volumes of any kind of numbers, taken as they are: what an imported network was trained on is not known


@dataclass(frozen=True)
class Input:
    """One input of a task.

    Attributes:
        key: the command line's option and the panel's selector (`--t1ce`).
        title: what the reader sees.
        modality: the kind of numbers it holds.
    """

    key: InputKey
    title: Title
    modality: Modality

    def __post_init__(self) -> None:
        obey(self)


@dataclass(frozen=True)
class Code:
    """A DICOM coded entry: coding scheme, value, meaning."""

    scheme: Annotated[str, matching(r"[A-Za-z0-9_.-]{1,16}", "1 to 16 letters and digits (DICOM SH)")]
    value: Annotated[str, matching(r"[A-Za-z0-9_.:-]{1,64}", "1 to 64 letters and digits")]
    meaning: Annotated[str, matching(rf"[^{UNPRINTABLE}~^\\]{{1,64}}", "1 to 64 printable characters but ~, ^ and \\ (DICOM LO)")]

    def __post_init__(self) -> None:
        obey(self)


class Half(str, Enum):
    """Of a body."""

    LEFT = "left"
    RIGHT = "right"


class Across(str, Enum):
    """From where to where a head or body is measured."""

    LEFT_RIGHT = "left-right"
    FRONT_BACK = "front-back"


@dataclass(frozen=True)
class Rest:
    """What is left of a region without the regions inside it: a label of its own where labels must not overlap (oedema).

    Attributes:
        key, title, color, type: as a region has them; category and anatomy are those of the region.
    """

    key: RegionKey
    title: Title
    color: tuple[Fraction, Fraction, Fraction]
    type: Code

    def __post_init__(self) -> None:
        obey(self)


@dataclass(frozen=True)
class Region:
    """One segment of the result.

    Attributes:
        key: file name and segment id (`WT`).
        title: long name for the reader; see `label`.
        color: red, green, blue in 0..1.
        category, type: terminology (SNOMED CT).
        anatomy: where it lies, or None.
        inside: key of the region that must contain it.
        largest_only: keep only its largest connected part.
        smallest_ml: drop connected parts smaller than this; 0 keeps all.
        smallest_share: drop connected parts smaller than this share of the largest one, with a finding; 0 keeps all.
        needs: keys of inputs without any of which nothing can be said of the region: it is left empty, with a finding.
        doubtful_without: keys of inputs without any of which it is given with a warning.
        most_share: the largest part of the head or body in the image that it can take; more is a warning.
        half: of the body, in which its middle lies; in the other one it is a warning. None: in either.
        rest: what is left of it without the regions inside it; None where nothing is, or it has no name.
    """

    key: RegionKey
    title: Title
    color: tuple[Fraction, Fraction, Fraction]
    category: Code
    type: Code
    anatomy: Code | None = None
    inside: str | None = None
    largest_only: bool = False
    smallest_ml: Annotated[float, between(0, 10_000, "mL")] = 0.0
    smallest_share: Annotated[float, between(0, 1)] = 0.0
    needs: tuple[str, ...] = ()
    doubtful_without: tuple[str, ...] = ()
    most_share: Annotated[float, above(0, 1)] = 0.5
    half: Half | None = None
    rest: Rest | None = None

    def __post_init__(self) -> None:
        obey(self)

    @property
    def is_lesion(self) -> bool:
        """Whether its parts are lesions; an organ's are none."""
        return self.category.value == ALTERED

    @property
    def label(self) -> str:
        """Its name wherever it is shown: the title, with the key where that is an abbreviation ('Whole tumour (WT)')."""
        return f"{self.title} ({self.key})" if self.key.isupper() else self.title


@dataclass(frozen=True)
class LabelConvention:
    """How the label maps of one origin name the regions.

    Attributes:
        key: for `--labels`.
        title: where it is used.
        labels: region key -> label values; an empty tuple means every value above 0.
        others: values that it knows and that belong to no region (a resection cavity).
        names: regular expression of file and folder names that tell the origin; "" where none do.
        usual: label maps whose values all lie among these are taken for this convention where nothing else tells, and a note says so.
    """

    key: Name
    title: Title
    labels: dict[str, tuple[Label, ...]] = field(hash=False)  # a task must be hashable: loaded weights are kept by it
    others: tuple[Label, ...] = ()
    names: Pattern = ""
    usual: tuple[Label, ...] = ()

    def __post_init__(self) -> None:
        obey(self)

    def knows(self, values: set[int]) -> bool:
        """Whether all the values have a meaning in it."""
        return () in self.labels.values() or values <= {*self.others, *(value for wanted in self.labels.values() for value in wanted)}


class Scale(str, Enum):
    """How intensities become the network's numbers."""

    ZSCORE = "zscore"  # mean 0, deviation 1 over the foreground (MR)
    WINDOW = "window"  # clip to a window, then to -1..1 (CT, HU)
    PERCENTILE = "percentile"  # 1st and 99th percentile to 0..1 (pictures)


@dataclass(frozen=True)
class Plan:
    """The contract between training and inference, stored in the weights' manifest.

    Attributes:
        scale: see `Scale`.
        window: lower and upper bound for Scale.WINDOW (HU), unused otherwise.
        spacing_mm: the network's grid along i, j, k in mm; None keeps the input's own grid (pictures).
        tile: largest block given to the network at once, (K, J, I); K is 1 for two-dimensional networks.
        slices: neighbouring slices given as channels (2.5-D); 1 otherwise.
        threshold: probability from which a voxel belongs to a region.
        inner_threshold: the same for regions that lie inside another; None for no other than `threshold`.
        mirror: spatial axes (-1 is I, -2 J, -3 K) along which an image may be mirrored and stay one of its kind; training augments and the
            accurate mode averages over them.
        follow_edges: whether outermost regions end where the reference's own intensities change (`edges`); needs Scale.WINDOW.
        thick_threshold: in place of both where an image has thick slices (three times as thick as wide, and more); None for these as well.
        pixel_um: sides of pixels in micrometres between which a picture is looked at as it is; one of a known size beyond them is resampled
            to their geometric mean. None where any goes; needs Scale.PERCENTILE.
    """

    scale: Scale
    spacing_mm: tuple[Spacing, Spacing, Spacing] | None
    tile: tuple[Side, Side, Side]
    window: tuple[Intensity, Intensity] = (0.0, 1.0)
    slices: Annotated[int, between(1, 31, "slices")] = 1
    threshold: Probability = 0.5
    mirror: tuple[Annotated[int, between(-3, -1)], ...] = ()
    inner_threshold: Probability | None = None
    follow_edges: bool = False
    thick_threshold: Probability | None = None
    pixel_um: tuple[Annotated[float, between(0.01, 100.0, "pixel_um")], Annotated[float, between(0.01, 100.0, "pixel_um")]] | None = None

    def __post_init__(self) -> None:
        obey(self)
        if self.follow_edges and self.scale is not Scale.WINDOW:
            raise Unfit("only a plan with a window can follow edges")
        if self.pixel_um is not None and (self.scale is not Scale.PERCENTILE or self.pixel_um[0] >= self.pixel_um[1]):
            raise Unfit("'pixel_um' is for pictures, and goes upwards")
        if self.window[0] >= self.window[1]:
            raise Unfit(f"'window' goes from {self.window[0]:g} to {self.window[1]:g}, which is not upwards")
        if self.slices % 2 == 0:
            raise Unfit(f"'slices' is {self.slices}; it must be odd, the slice itself in the middle")
        if len(set(self.mirror)) < len(self.mirror):
            raise Unfit(f"'mirror' names an axis twice: {list(self.mirror)}")
        if self.tile[0] * self.tile[1] * self.tile[2] > MOST_TILE_VOXELS:
            raise Unfit(f"'tile' has {' x '.join(map(str, self.tile))} voxels, more than any network takes at once")

    def threshold_of(self, region: Region) -> float:
        """Probability from which a voxel belongs to the region."""
        inner = region.inside is not None and self.inner_threshold is not None
        return self.inner_threshold if inner else self.threshold

    def for_thick_slices(self) -> Plan:
        """The plan for images with thick slices."""
        if self.thick_threshold is None:
            return self
        return replace(self, threshold=self.thick_threshold, inner_threshold=self.thick_threshold)

    def to_json(self) -> dict:
        """For the manifest."""
        return {**asdict(self), "scale": self.scale.value}

    @classmethod
    def from_json(cls, entry: dict) -> Plan:
        """Inverse of `to_json`. Raises Unfit (a ValueError) where the entry does not fit."""
        return read_record(cls, entry, "plan")


@dataclass(frozen=True)
class Task:
    """One kind of segmentation.

    Attributes:
        key, title: for the command line and the reader.
        version: raised when inputs, regions or their meaning change; weights of another version are refused.
        inputs: what may be given; one of them at least must be.
        regions: the segments, outermost first.
        plan: grid and normalisation for training; at run time the manifest's own plan counts.
        reference_order: keys of inputs; the first one given lends its grid to the result. The inputs' own order where it is left out.
        conventions: how label maps name the regions; one rule for all decides which is meant (`metrics.labels`). Where it is left out,
            1, 2, ... in the order of the regions.
        profile: name of the network profile that training starts from.
        bias_correction: whether N4 applies.
        skull_stripped: whether the network expects the skull removed.
        instances: whether touching objects are split and numbered.
        auxiliary: further outputs of the network after the regions (not segments themselves).
        label_names: (regular expression, region key or None) for the names in an nnU-Net `dataset.json`, the first that fits counts; the
            key is that of the innermost region which the label belongs to, None stands for what belongs to none.
        helper: whether it only serves another task (the brain's mask): the panel does not offer it, `--task` takes it.
        longer: of the two ways across, the one along which a head or body is longer; along the other it is a warning. None: either.
    """

    key: TaskKey
    title: Title
    version: Annotated[int, between(1, 9999)]
    inputs: Annotated[tuple[Input, ...], counting(1, 16)]
    regions: Annotated[tuple[Region, ...], counting(1, 255)]
    plan: Plan
    reference_order: tuple[str, ...] = ()
    conventions: Annotated[tuple[LabelConvention, ...], counting(0, 64)] = ()
    profile: Name = "volume"
    bias_correction: bool = False
    skull_stripped: bool = False
    instances: bool = False
    auxiliary: Annotated[tuple[RegionKey, ...], counting(0, 16)] = ()
    label_names: Annotated[tuple[tuple[Pattern, str | None], ...], counting(0, 1024)] = ()
    helper: bool = False
    longer: Across | None = None

    def __post_init__(self) -> None:
        obey(self)
        keys = tuple(entry.key for entry in self.inputs)
        object.__setattr__(self, "reference_order", self.reference_order or keys)
        object.__setattr__(self, "conventions", self.conventions or (_convention_in_order(self),))
        _refuse_repeats("inputs", keys)
        rests = tuple(region.rest.key for region in self.regions if region.rest is not None)
        _refuse_repeats("regions, rests and auxiliary outputs", self.outputs + rests)
        _refuse_repeats("conventions", [convention.key for convention in self.conventions])
        if sorted(self.reference_order) != sorted(keys):
            raise Unfit(f"'reference_order' must name every input once ({', '.join(keys)})")
        _refuse_loose_ends(self)
        _refuse_mixed_kinds(self)
        refuse_misfit(self, self.plan)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the network's output channels."""
        return tuple(region.key for region in self.regions) + self.auxiliary

    @property
    def pictures(self) -> bool:
        """Whether it works on pictures, which have areas and no volumes."""
        return any(entry.modality is Modality.PICTURE for entry in self.inputs)

    @property
    def meaning(self) -> tuple[tuple[str, str | None], ...]:
        """What the channels and outputs of a network stand for, in their order: of two tasks that differ in it, weights do not fit both."""
        inputs, regions = ((entry.key, entry.modality) for entry in self.inputs), ((region.key, region.inside) for region in self.regions)
        return (*inputs, *regions, *((name, None) for name in self.auxiliary))

    @property
    def labels(self) -> tuple[Region, ...]:
        """The regions cut so that none overlaps another, outermost first; of one that holds others its rest.

        Empty where a rest has no name, and where nothing lies within another.
        """
        holders = {region.inside for region in self.regions}
        if holders == {None} or any(region.key in holders and region.rest is None for region in self.regions):
            return ()
        return tuple(_rest_of(region) if region.key in holders else region for region in self.regions)

    def inner(self, key: str) -> tuple[Region, ...]:
        """The regions that lie within a region, directly or not."""
        found: list[Region] = []
        for region in self.regions:  # outermost first
            if region.inside == key or region.inside in {one.key for one in found}:
                found.append(region)
        return tuple(found)

    def region(self, key: str) -> Region:
        """The region of that key; KeyError if there is none."""
        return {region.key: region for region in self.regions}[key]

    def to_json(self) -> dict:
        """For a task file and for the manifest of weights."""
        plain = asdict(self)
        inputs = [{**entry, "modality": entry["modality"].value} for entry in plain["inputs"]]
        return {**plain, "inputs": inputs, "plan": self.plan.to_json()}

    @classmethod
    def from_json(cls, entry: Any) -> Task:
        """Inverse of `to_json`. Raises Unfit (a ValueError): which entry does not fit, and what it must be."""
        return read_record(cls, entry)


def _rest_of(region: Region) -> Region:
    rest = region.rest
    return Region(rest.key, rest.title, rest.color, region.category, rest.type, region.anatomy, region.inside, most_share=region.most_share)


def _convention_in_order(task: Task) -> LabelConvention:
    """1, 2, ... in the order of the regions; the numbers of what lies inside a region are its own too."""
    if task.instances:
        return LabelConvention("objects", "one number an object", {region.key: () for region in task.regions})
    labels: dict[str, list[int]] = {region.key: [number] for number, region in enumerate(task.regions, BACKGROUND + 1)}
    for region in reversed(task.regions):
        if region.inside in labels:
            labels[region.inside] += labels[region.key]
    named = ", ".join(f"{number} {region.key}" for number, region in enumerate(task.regions, BACKGROUND + 1))
    return LabelConvention("order", named[:200], {key: tuple(sorted(values)) for key, values in labels.items()})


def _refuse_repeats(what: str, keys: Any) -> None:
    """Names that differ in nothing but capitals are one file on Windows and macOS."""
    plain = [key.lower() for key in keys]
    for key in keys:
        if plain.count(key.lower()) > 1:
            raise Unfit(f"two of the {what} are named '{key}'")


def _refuse_loose_ends(task: Task) -> None:
    """Every name of a region or an input leads somewhere, and regions come outermost first, so that no circle can be."""
    inputs, known = {entry.key for entry in task.inputs}, {region.key for region in task.regions}
    before: set[str] = set()
    for number, region in enumerate(task.regions):
        where = f"regions[{number}]"
        if region.inside is not None and region.inside not in before:
            raise Unfit(f"'{where}.inside' is '{region.inside:.60}', which is no region before it: outermost regions come first")
        before.add(region.key)
        for name in (*region.needs, *region.doubtful_without):
            if name not in inputs:
                raise Unfit(f"'{where}' names the input '{name:.60}', which the task does not have")
    for convention in task.conventions:
        _refuse_unsound_labels(task, convention)
    for _, key in task.label_names:
        if key is not None and key not in known:
            raise Unfit(f"'label_names' names the region '{key:.60}', which the task does not have")


def _refuse_unsound_labels(task: Task, convention: LabelConvention) -> None:
    """Each region has labels, background is none of them, and those of an inner region are labels of the one around it."""
    where = f"the labels of the convention '{convention.key}'"
    if set(convention.labels) != {region.key for region in task.regions}:
        raise Unfit(f"{where} must be those of the regions {', '.join(region.key for region in task.regions)}")
    for region in task.regions:
        own, outer = set(convention.labels[region.key]), set(convention.labels.get(region.inside or "", ()))
        if BACKGROUND in own or (outer and not own <= outer):
            raise Unfit(f"{where}: those of '{region.key}' hold 0, or are not all labels of '{region.inside}' around it")


def _refuse_mixed_kinds(task: Task) -> None:
    if task.pictures and len(task.inputs) > 1:
        raise Unfit("a picture must be the only input of its task")
    if task.instances and not (task.pictures and len(task.regions) == len(task.auxiliary) == 1):
        raise Unfit("'instances' needs a task of pictures with one region and one auxiliary output, the boundary")


def refuse_misfit(task: Task, plan: Plan) -> None:
    """A plan that the task's inputs cannot follow; raises Unfit."""
    if task.pictures != (plan.scale is Scale.PERCENTILE):
        raise Unfit('the scale "percentile" is that of pictures, and of nothing else')
    if task.pictures and (plan.spacing_mm is not None or plan.tile[0] != 1 or plan.slices != 1):
        raise Unfit("a plan of pictures has no 'spacing_mm', one slice in its 'tile' and 'slices' 1")


_MODULE = Path(__file__).resolve().parent


def _resources(shipped: str, name: str) -> Path:
    """Where a wheel of the core carries them; beside the module, Slicer and a checkout do."""
    return _MODULE / shipped if (_MODULE / shipped).is_dir() else _MODULE.parent / "Resources" / name


TASKS_FOLDER = _resources("shipped_tasks", "Tasks")
WEIGHTS_FOLDER = _resources("shipped", "Weights")


def read_task(path: str | os.PathLike[str]) -> Task:
    """The task of a JSON file.

    Raises:
        InputRefused: it is not there, no JSON, or a value of it is not what it must be.
    """
    path = Path(path)
    try:
        return Task.from_json(read_object(path, LARGEST_TASK_BYTES))
    except NotStrict as fault:
        raise InputRefused(f"The task file {path} {fault}.", "Correct it; docs/tasks.md tells what it holds.") from fault
    except Unfit as fault:
        raise InputRefused(f"The task file {path} does not fit: {fault}.", "Correct it; docs/tasks.md tells every key.") from fault
    except OSError as error:
        reason = (error.strerror or "it is not there").lower()
        raise InputRefused(f"The task file {path} cannot be read: {reason}.", "Check the path.") from error


def manifest_path(path: str | os.PathLike[str]) -> Path:
    """The manifest that belongs to a weights file: the same name, `.json`."""
    return Path(path).with_suffix(".json")


def refuse_target(path: Path) -> None:
    """Refuse a place for new weights before any work is done for it: one whose manifest would replace the task file of the same name.

    Raises:
        UsageError: another suffix than that of weights, or what stands in the manifest's place is none.
    """
    if path.suffix != WEIGHTS_SUFFIX:
        raise UsageError(f"{path.name} is no name of weights.", f"Name a file that ends in {WEIGHTS_SUFFIX}.")
    beside = manifest_path(path)
    try:
        known = not beside.exists() or "sha256" in read_object(beside, LARGEST_MANIFEST_BYTES)
    except (NotStrict, OSError):
        known = False
    if not known:
        says = f"{beside} is there already and no manifest of weights; that of {path.name} would take its place."
        raise UsageError(says, "Name the weights otherwise, or move that file away.")


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest beside a weights file; what it tells of data, licence and scores is what it must be, task and plan are as they stand.

    Raises:
        WeightsError: it is not there, no strict JSON object, or something of it is of another kind than its readers expect.
    """
    beside = manifest_path(path)
    try:
        manifest = read_object(beside, LARGEST_MANIFEST_BYTES)
        refuse_misfit_told(manifest)
        return manifest
    except Unfit as fault:
        raise WeightsError(f"The manifest {beside.name} does not fit: {fault}.", AGAIN) from fault
    except NotStrict as fault:
        raise WeightsError(f"The manifest {beside.name} {fault}.", AGAIN) from fault
    except OSError as error:
        raise WeightsError(f"The weights file {beside} was not found.", PAIR) from error


def carried_task(manifest: Mapping[str, Any], name: str) -> Task:
    """The task that a manifest carries; for one that carries none (it is older than that) the shipped task of its name.

    Args:
        manifest: as read.
        name: of the file, for sentences.

    Raises:
        WeightsError: what it carries does not fit, is not what the manifest says, or it names a task that is not shipped.
    """
    key, entry = manifest.get("task"), manifest.get(TASK_KEY)
    if entry is None:
        if isinstance(key, str) and key in SHIPPED:
            return SHIPPED[key]
        raise WeightsError(f"The manifest {name} carries no task ('{TASK_KEY}'), and its 'task' is none that is shipped.", AGAIN)
    if isinstance(key, str) and key in SHIPPED and _as_text(entry) == _as_text(SHIPPED[key].to_json()):
        return SHIPPED[key]  # 2 ms instead of 15 for the four of them: the panel opens with it
    try:
        task = read_record(Task, entry, TASK_KEY)
    except Unfit as fault:
        raise WeightsError(f"The manifest {name} carries a task that does not fit: {fault}.", AGAIN) from fault
    if key != task.key:
        raise WeightsError(f"The manifest {name} is for one task ('task') and carries another ('{task.key}').", AGAIN)
    return task


def _as_text(entry: Any) -> str:
    """As JSON: True and 1, or 1 and 1.0, are equal in Python and not here."""
    return json.dumps(entry, sort_keys=True)


def task_of_weights(path: str | os.PathLike[str]) -> Task:
    """The task that a weights file is for. Raises WeightsError: file or manifest missing, or the task does not fit."""
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"The weights file {path} was not found.", PAIR)
    return carried_task(read_manifest(path), manifest_path(path).name)


def user_weights_folder(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """Where a user's own weights lie, in the platform's place for such data; it need not be there."""
    try:
        home = Path.home()
    except RuntimeError:  # an account of a container that has no home: it has no folder of that name either
        home = Path("~")
    if platform == "win32":
        base = Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return base / "MedSegDL" / "weights"


def weights_places() -> tuple[Path, ...]:
    """Where weights are looked for, the first place that has them counts: what $MEDSEGDL_WEIGHTS names and nothing else (who names a
    folder means it), or the user's folder and the installed one."""
    named = os.environ.get(WEIGHTS_VARIABLE)
    return (Path(named),) if named else (user_weights_folder(), WEIGHTS_FOLDER)


def own_weights_folder() -> Path:
    """Where the weights that a user adds go, so that they are found: the folder that $MEDSEGDL_WEIGHTS names, else the user's own.

    Raises:
        UsageError: the variable names a file; others beside it would not be found.
    """
    named = os.environ.get(WEIGHTS_VARIABLE)
    if named and Path(named).is_file():
        raise UsageError(f"${WEIGHTS_VARIABLE} is one weights file, so that no other is found.", "Set it to a folder, or unset it.")
    return Path(named) if named else user_weights_folder()


@dataclass(frozen=True)
class Pair:
    """Weights and manifest side by side.

    Attributes:
        path: the weights file.
        task: what they are for; None where the manifest does not tell.
        problem: why not, in a sentence.
    """

    path: Path
    task: Task | None
    problem: str = ""


def pairs_in(place: Path) -> tuple[Pair, ...]:
    """The pairs of a folder, by name; of a weights file itself, that one. What is no pair is passed over."""
    try:
        files = sorted(place.glob(f"*{WEIGHTS_SUFFIX}")) if place.is_dir() else [place] * (place.suffix == WEIGHTS_SUFFIX)
        beside = [(path, manifest_path(path).stat()) for path in files if path.is_file() and manifest_path(path).is_file()]
    except OSError:  # a folder that may not be read holds nothing for us; `find_weights` tells of it
        return ()
    return tuple(_read_pair(path, told.st_mtime_ns, told.st_size) for path, told in beside)


def pair_bytes(path: Path) -> int:
    """What weights and manifest take on disk."""
    return sum(file.stat().st_size for file in (path, manifest_path(path)) if file.is_file())


def remove_pair(path: Path) -> None:
    """Remove weights and their manifest from the disk; the manifest first, for without it the weights are nothing to anybody.

    Raises:
        InputRefused: one of them cannot be removed.
    """
    try:
        for file in (manifest_path(path), path):
            file.unlink(missing_ok=True)
    except OSError as error:
        message = f"{path.name} cannot be removed: {(error.strerror or 'it is in use').lower()}."
        raise InputRefused(message, f"Remove it by hand, with {manifest_path(path).name}, from {path.parent}.") from error


@functools.lru_cache(maxsize=256)
def _read_pair(path: Path, changed_ns: int, size: int) -> Pair:
    """A pair, read once as long as its manifest has this age and size."""
    try:
        return Pair(path, carried_task(read_manifest(path), manifest_path(path).name))
    except WeightsError as error:
        return Pair(path, None, error.message)


class Catalogue(Mapping[str, Task]):
    """Every task by its key: the shipped ones, and those that weights in the places of today carry. A new pair is there at once.

    A pair whose task has the key of a shipped one takes its place, as the place of its weights comes first. Installed weights come with
    the installed task files, which count for them.
    """

    def __getitem__(self, key: str) -> Task:
        return self._now()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())

    def problems(self) -> dict[Path, str]:
        """Weights file -> why its task cannot be told."""
        return {pair.path: pair.problem for place in weights_places() for pair in pairs_in(place) if pair.task is None}

    def _now(self) -> dict[str, Task]:
        found = dict(SHIPPED)
        for place in reversed(weights_places()):
            pairs = [pair.task for pair in reversed(pairs_in(place)) if pair.task is not None]
            found |= {task.key: task for task in pairs if place != WEIGHTS_FOLDER or task.key not in SHIPPED}
        return found


_SHIPPED = ("brain", "liver", "nuclei", "brainmask")
SHIPPED: dict[str, Task] = {task.key: task for task in (read_task(TASKS_FOLDER / f"{name}.json") for name in _SHIPPED)}
BRAIN, LIVER, NUCLEI, BRAIN_MASK = SHIPPED.values()
TASKS = Catalogue()


def task_named(key: object) -> Task:
    """The task of that key. Raises UsageError where there is none."""
    if isinstance(key, str) and key in TASKS:
        return TASKS[key]
    broken = [f"{path.name}: {problem}" for path, problem in TASKS.problems().items()]
    raise UsageError(f"The task '{key}' is unknown.", " ".join([f"Use {', '.join(TASKS)}.", *broken]))


def chosen_task(key: str | None, weights: str | os.PathLike[str] | None = None) -> Task:
    """The task of a run: the one that the weights carry, where weights are named; else the one of that key.

    Args:
        key: of the task; None where the weights tell.
        weights: a weights file, or a folder that has the task's.

    Raises:
        UsageError: neither is named, or the key is unknown.
        WeightsError: the weights are not there, do not fit, or are for another task.
    """
    if weights is not None and not Path(weights).is_dir():
        task = task_of_weights(weights)
        if key in (None, task.key):
            return task
        raise WeightsError(f"The weights {Path(weights).name} are for the task '{task.key}', not for '{key}'.", "Leave --task out.")
    if key is None:
        raise UsageError("Neither a task nor a weights file is named.", f"Give --task ({', '.join(TASKS)}), or --weights FILE.")
    own = [pair.task for pair in pairs_in(Path(weights))] if weights is not None else []
    return next((task for task in own if task is not None and task.key == key), None) or task_named(key)
