"""What can be segmented: inputs, regions, colours, codes, normalisation and grid of every task, as data.

A fourth task is one more entry in `TASKS` and one weights file: nothing in the flow asks which task it runs.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import Enum


class Modality(str, Enum):
    """What kind of numbers an input holds; decides which checks apply to it."""

    MR = "MR"
    CT = "CT"
    PICTURE = "picture"


@dataclass(frozen=True)
class Input:
    """One input of a task.

    Attributes:
        key: the command line's option and the panel's selector (`--t1ce`).
        title: what the reader sees.
        modality: the kind of numbers it holds.
    """

    key: str
    title: str
    modality: Modality


@dataclass(frozen=True)
class Code:
    """A DICOM coded entry: coding scheme, value, meaning."""

    scheme: str
    value: str
    meaning: str


@dataclass(frozen=True)
class Region:
    """One segment of the result.

    Attributes:
        key: file name, segment id and name (`WT`).
        title: long name for the reader.
        color: red, green, blue in 0..1.
        category, type: terminology (SNOMED CT).
        anatomy: where it lies, or None.
        inside: key of the region that must contain it.
        largest_only: keep only its largest connected part.
        smallest_ml: drop connected parts smaller than this; 0 keeps all.
    """

    key: str
    title: str
    color: tuple[float, float, float]
    category: Code
    type: Code
    anatomy: Code | None = None
    inside: str | None = None
    largest_only: bool = False
    smallest_ml: float = 0.0


@dataclass(frozen=True)
class LabelConvention:
    """How a reference label map names the regions. The first convention whose `sign` is present (or None) is taken.

    Attributes:
        sign: a label value that only this convention uses, or None for the last resort.
        labels: region key -> label values; an empty tuple means every value above 0.
    """

    sign: int | None
    labels: dict[str, tuple[int, ...]] = field(hash=False)  # a task must be hashable: loaded weights are kept by it


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
    """

    scale: Scale
    spacing_mm: tuple[float, float, float] | None
    tile: tuple[int, int, int]
    window: tuple[float, float] = (0.0, 1.0)
    slices: int = 1
    threshold: float = 0.5
    mirror: tuple[int, ...] = ()
    inner_threshold: float | None = None
    follow_edges: bool = False

    def __post_init__(self) -> None:
        if self.follow_edges and self.scale is not Scale.WINDOW:
            raise ValueError("only a plan with a window can follow edges")

    def threshold_of(self, region: Region) -> float:
        """Probability from which a voxel belongs to the region."""
        inner = region.inside is not None and self.inner_threshold is not None
        return self.inner_threshold if inner else self.threshold

    def to_json(self) -> dict:
        """For the manifest."""
        return {**asdict(self), "scale": self.scale.value}

    @classmethod
    def from_json(cls, entry: dict) -> Plan:
        """Inverse of `to_json`. Raises TypeError, ValueError or KeyError where the entry does not fit."""
        lists = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
        return cls(**{**lists, "scale": Scale(entry["scale"])})


@dataclass(frozen=True)
class Task:
    """One kind of segmentation.

    Attributes:
        key, title: for the command line and the reader.
        version: raised when inputs, regions or their meaning change; weights of another version are refused.
        inputs: what may be given; `required` of them must be.
        reference_order: keys of inputs; the first one given lends its grid to the result.
        regions: the segments, outermost first.
        conventions: how reference label maps name the regions.
        bias_correction: whether N4 applies.
        skull_stripped: whether the network expects the skull removed.
        instances: whether touching objects are split and numbered.
        auxiliary: further outputs of the network after the regions (not segments themselves).
        plan: grid and normalisation for training; at run time the manifest's own plan counts.
        profile: name of the network profile that training starts from.
    """

    key: str
    title: str
    version: int
    inputs: tuple[Input, ...]
    reference_order: tuple[str, ...]
    regions: tuple[Region, ...]
    conventions: tuple[LabelConvention, ...]
    plan: Plan
    profile: str
    bias_correction: bool = False
    skull_stripped: bool = False
    instances: bool = False
    auxiliary: tuple[str, ...] = ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the network's output channels."""
        return tuple(region.key for region in self.regions) + self.auxiliary

    def region(self, key: str) -> Region:
        """The region of that key; KeyError if there is none."""
        return {region.key: region for region in self.regions}[key]


_MORPHOLOGY = Code("SCT", "49755003", "Morphologically Altered Structure")
_ANATOMY = Code("SCT", "123037004", "Anatomical Structure")
_BRAIN = Code("SCT", "12738006", "Brain")
_LIVER = Code("SCT", "10200004", "Liver")
_NEOPLASM = Code("SCT", "108369006", "Neoplasm")
_ENHANCING = Code("NCIt", "C113842", "Enhancing Lesion")  # DICOM CID 7169; SNOMED's 6574001 is necrosis only
_NUCLEUS = Code("SCT", "84640000", "Nucleus")

BRAIN = Task(
    key="brain",
    title="Brain tumour (MR)",
    version=1,
    inputs=(
        Input("t1", "T1", Modality.MR),
        Input("t1ce", "T1ce", Modality.MR),
        Input("t2", "T2", Modality.MR),
        Input("flair", "FLAIR", Modality.MR),
    ),
    reference_order=("flair", "t1ce", "t1", "t2"),
    regions=(
        Region("WT", "Whole tumour", (0.95, 0.85, 0.25), _MORPHOLOGY, _NEOPLASM, _BRAIN, smallest_ml=0.2),
        Region("TC", "Tumour core", (0.25, 0.65, 0.95), _MORPHOLOGY, _NEOPLASM, _BRAIN, inside="WT", smallest_ml=0.05),
        Region("ET", "Enhancing tumour", (0.90, 0.25, 0.25), _MORPHOLOGY, _ENHANCING, _BRAIN, inside="TC", smallest_ml=0.05),
    ),
    conventions=(
        LabelConvention(4, {"WT": (1, 2, 3, 4), "TC": (1, 3, 4), "ET": (4,)}),  # BraTS 2012-2020
        LabelConvention(None, {"WT": (1, 2, 3), "TC": (1, 3), "ET": (3,)}),  # BraTS 2021-2023 after renumbering
    ),
    plan=Plan(Scale.ZSCORE, spacing_mm=(2.0, 2.0, 2.0), tile=(96, 112, 96), mirror=(-1,), threshold=0.75),
    profile="brain",
    bias_correction=True,
    skull_stripped=True,
)

LIVER = Task(
    key="liver",
    title="Liver and liver tumours (CT)",
    version=1,
    inputs=(Input("ct", "CT", Modality.CT),),
    reference_order=("ct",),
    regions=(
        Region("liver", "Liver", (0.87, 0.51, 0.40), _ANATOMY, _LIVER, largest_only=True),
        Region("tumour", "Liver tumour", (0.56, 0.93, 0.56), _MORPHOLOGY, _NEOPLASM, _LIVER, inside="liver", smallest_ml=0.1),
    ),
    conventions=(LabelConvention(None, {"liver": (), "tumour": (2,)}),),  # LiTS, Medical Segmentation Decathlon
    plan=Plan(
        Scale.WINDOW,
        spacing_mm=(3.5, 3.5, 4.0),
        tile=(96, 96, 128),
        window=(-150.0, 250.0),
        threshold=0.8,
        inner_threshold=0.4,
        follow_edges=True,
    ),
    profile="liver-3d",
)

NUCLEI = Task(
    key="nuclei",
    title="Cell nuclei (microscopy)",
    version=1,
    inputs=(Input("image", "Picture", Modality.PICTURE),),
    reference_order=("image",),
    regions=(Region("nucleus", "Nuclei", (0.35, 0.55, 0.95), _ANATOMY, _NUCLEUS),),
    conventions=(LabelConvention(None, {"nucleus": ()}),),
    plan=Plan(Scale.PERCENTILE, spacing_mm=None, tile=(1, 512, 512), mirror=(-1, -2)),
    profile="nuclei",
    instances=True,
    auxiliary=("boundary",),
)

TASKS: dict[str, Task] = {task.key: task for task in (BRAIN, LIVER, NUCLEI)}
