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
        key: file name and segment id (`WT`).
        title: long name for the reader, and the name of the segment in the scene.
        color: red, green, blue in 0..1.
        category, type: terminology (SNOMED CT).
        anatomy: where it lies, or None.
        inside: key of the region that must contain it.
        largest_only: keep only its largest connected part.
        smallest_ml: drop connected parts smaller than this; 0 keeps all.
        needs: keys of inputs without any of which nothing can be said of the region: it is left empty, with a finding.
        doubtful_without: keys of inputs without any of which it is given with a warning.
        most_share: the largest part of the head or body in the image that it can take; more is a warning.
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
    needs: tuple[str, ...] = ()
    doubtful_without: tuple[str, ...] = ()
    most_share: float = 0.5


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

    key: str
    title: str
    labels: dict[str, tuple[int, ...]] = field(hash=False)  # a task must be hashable: loaded weights are kept by it
    others: tuple[int, ...] = ()
    names: str = ""
    usual: tuple[int, ...] = ()

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
        conventions: how label maps name the regions; one rule for all decides which is meant (`metrics.labels`).
        label_names: (regular expression, region key or None) for the names in an nnU-Net `dataset.json`, the first that fits counts; the
            key is that of the innermost region which the label belongs to, None stands for what belongs to none.
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
    label_names: tuple[tuple[str, str | None], ...] = ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the network's output channels."""
        return tuple(region.key for region in self.regions) + self.auxiliary

    @property
    def pictures(self) -> bool:
        """Whether it works on pictures, which have areas and no volumes."""
        return any(entry.modality is Modality.PICTURE for entry in self.inputs)

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
        Region(
            "WT",
            "Whole tumour",
            (0.95, 0.85, 0.25),
            _MORPHOLOGY,
            _NEOPLASM,
            _BRAIN,
            smallest_ml=0.2,
            doubtful_without=("flair", "t2"),
        ),
        Region(
            "TC",
            "Tumour core",
            (0.25, 0.65, 0.95),
            _MORPHOLOGY,
            _NEOPLASM,
            _BRAIN,
            inside="WT",
            smallest_ml=0.05,
            doubtful_without=("t1ce",),
        ),
        Region(
            "ET",
            "Enhancing tumour",
            (0.90, 0.25, 0.25),
            _MORPHOLOGY,
            _ENHANCING,
            _BRAIN,
            inside="TC",
            smallest_ml=0.05,
            needs=("t1ce",),
        ),
    ),
    conventions=(
        LabelConvention(
            "brats2023",
            "BraTS 2023: 1 necrosis and non-enhancing, 2 oedema, 3 enhancing",
            {"WT": (1, 2, 3), "TC": (1, 3), "ET": (3,)},
            names=r"BraTS-(GLI|MET|MEN|SSA)-\d",
            usual=(1, 2, 3),
        ),
        LabelConvention(
            "brats2018",
            "BraTS 2017 to 2021: 1 necrosis and non-enhancing, 2 oedema, 4 enhancing",
            {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)},
            names=r"Brats1[789]_|BraTS20_|BraTS2021_\d|UPENN-GBM|UCSF-PDGM",
            usual=(1, 2, 4),
        ),
        LabelConvention(
            "brats2015",
            "BraTS 2012 to 2015: 1 necrosis, 2 oedema, 3 non-enhancing, 4 enhancing",
            {"WT": (1, 2, 3, 4), "TC": (1, 3, 4), "ET": (4,)},
            names=r"brats_(2013|tcia)_pat|VSD\.Brain|BRATS_[HL]G\d|OTMultiClass",
        ),
        LabelConvention(
            "brats2024",
            "BraTS 2024 after treatment: 1 non-enhancing, 2 oedema, 3 enhancing, 4 resection cavity",
            {"WT": (1, 2, 3), "TC": (1, 3), "ET": (3,)},
            others=(4,),
            names=r"BraTS-GLI-\d|MU-Glioma-Post",
        ),
        LabelConvention(
            "brats-ped",
            "BraTS PED: 1 enhancing, 2 non-enhancing, 3 cystic, 4 oedema",
            {"WT": (1, 2, 3, 4), "TC": (1, 2, 3), "ET": (1,)},
            names=r"BraTS-PED-\d",
        ),
        LabelConvention(
            "decathlon",
            "Medical Segmentation Decathlon, Task01: 1 oedema, 2 non-enhancing, 3 enhancing",
            {"WT": (1, 2, 3), "TC": (2, 3), "ET": (3,)},
            names=r"BRATS_\d{3}(?!\d)|Task01_BrainTumour",
        ),
    ),
    plan=Plan(Scale.ZSCORE, spacing_mm=(2.0, 2.0, 2.0), tile=(96, 112, 96), mirror=(-1,), threshold=0.75),
    profile="brain",
    bias_correction=True,
    skull_stripped=True,
    label_names=(
        (r"back ?ground|resection|cavity|\brc\b|healthy|csf|gr[ae]y matter|white matter", None),
        (r"o?edema|\bed\b|snfh|flair|infiltrat", "WT"),
        (r"non ?enhanc|\bnet\b|netc|necro|\bncr\b|cyst", "TC"),
        (r"enhanc|\bet\b|active", "ET"),
        (r"core|\btc\b", "TC"),
        (r"\bwt\b|tumou?r|lesion|glioma", "WT"),
    ),
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
    conventions=(LabelConvention("lits", "LiTS, Decathlon: 1 liver, 2 tumour", {"liver": (1, 2), "tumour": (2,)}, usual=(1, 2)),),
    label_names=(
        (r"back ?ground|kidney|renal|pancrea|lung|colon|spleen|prostate|hepatic|vessel", None),
        (r"tumou?r|cancer|lesion|metasta|\bhcc\b", "tumour"),
        (r"\bliver\b", "liver"),
        (r".", None),  # another organ
    ),
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
    conventions=(LabelConvention("objects", "one number an object", {"nucleus": ()}),),
    plan=Plan(Scale.PERCENTILE, spacing_mm=None, tile=(1, 512, 512), mirror=(-1, -2)),
    profile="nuclei",
    instances=True,
    auxiliary=("boundary",),
)

TASKS: dict[str, Task] = {task.key: task for task in (BRAIN, LIVER, NUCLEI)}
