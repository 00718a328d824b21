"""The plan of a network that nnU-Net v2 trained: what its `plans.json` says of an image's way to the network and back, as data.

Read in nnunetv2 2.8.1: `DefaultPreprocessor`, `default_normalization_schemes`, `resampling`, `nnUNetPredictor`, `LabelManager`.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from enum import Enum
from itertools import permutations, product
from typing import Annotated, Any

from ..schema.records import Law, Unfit, above, between, counting, obey, read_record
from ..tasks import MOST_TILE_VOXELS, Side

ANISOTROPY = 3.0  # nnunetv2.configuration.ANISO_THRESHOLD
STEP = 0.5  # of a tile at most from one to the next: nnUNetPredictor's tile_step_size
MOST_FOLDS = 16

Intensity = Annotated[float, between(-1e9, 1e9)]
Order = Annotated[int, between(0, 5)]  # of scipy's splines
Axis = Annotated[int, between(0, 2)]
LabelValue = Annotated[int, between(0, 65535)]
SpacingMm = Annotated[float, between(1e-5, 1e4, "mm")]  # from electron microscopes to planes of pictures, which count as 999 apart
ORIENTATIONS = {"".join(letters) for order in permutations(("RL", "AP", "SI")) for letters in product(*order)}
Orientation = Annotated[str, Law(lambda value: value in ("", *ORIENTATIONS), "an orientation such as RAS, or empty")]
Labels = Annotated[tuple[LabelValue, ...], counting(1, 4096)]


class Scheme(str, Enum):
    """How the intensities of a channel become the network's numbers, by nnU-Net's names."""

    CT = "CTNormalization"
    ZSCORE = "ZScoreNormalization"
    RESCALED = "RescaleTo01Normalization"
    UNCHANGED = "NoNormalization"
    COLOUR = "RGBTo01Normalization"


class Function(str, Enum):
    """How volumes are resampled, by nnU-Net's names."""

    SPLINE = "resample_data_or_seg_to_shape"
    TORCH = "resample_torch_fornnunet"
    NONE = "no_resampling_hack"


@dataclass(frozen=True)
class Channel:
    """How the intensities of one channel become the network's numbers, before resampling.

    Attributes:
        scheme: see `Scheme`.
        masked: for z-scores: only where any channel is not 0, holes filled (`use_mask_for_norm`).
        mean, deviation, low, high: of the training set's foreground, for `Scheme.CT` (low and high are the percentiles 0.5, 99.5).
    """

    scheme: Scheme
    masked: bool = False
    mean: Intensity = 0.0
    deviation: Annotated[float, between(0, 1e9)] = 1.0
    low: Intensity = 0.0
    high: Intensity = 1.0

    def __post_init__(self) -> None:
        obey(self)
        if self.low > self.high:
            raise Unfit(f"a channel is clipped from {self.low:g} to {self.high:g}, which is not upwards")


@dataclass(frozen=True)
class Resampling:
    """How a volume is brought to another number of voxels.

    Attributes:
        function: see `Function`.
        order: of the spline within planes, or everywhere where the voxels are nearly cubes.
        order_across: of the spline across thick slices.
        separate: whether across is another matter than within; None: where the sides of a voxel differ by more than `anisotropy`.
        anisotropy: see there.
    """

    function: Function = Function.SPLINE
    order: Order = 3
    order_across: Order = 0
    separate: bool | None = False
    anisotropy: Annotated[float, above(0, 1e6)] = ANISOTROPY

    def __post_init__(self) -> None:
        obey(self)

    def axis_across(self, now: tuple[float, ...], then: tuple[float, ...]) -> int | None:
        """The axis that is treated apart from a spacing (three numbers) to another; None where there is none."""
        if self.separate is False:
            return None
        for spacing in (now,) if self.separate else (now, then):
            if self.separate or max(spacing) / min(spacing) > self.anisotropy:
                thick = [axis for axis, side in enumerate(spacing) if max(spacing) / side == 1]
                return thick[0] if len(thick) == 1 else None
        return None


@dataclass(frozen=True)
class NnunetPlan:
    """What nnU-Net does to an image, and what its network's outputs mean. Axes are (z, y, x) after `transpose`, but for `transpose`.

    Attributes:
        orientation: where the axes i, j, k of the images run to ("RAS"), which are turned to it first; "" takes them as they are stored.
        transpose: order of the axes (z, y, x) for the network.
        channels: one an input.
        spacing_mm: of the network's grid: three numbers, or two for a network of planes, which leaves the first axis as it is.
        tile: the network's input, as many numbers.
        mirror: axes of the tile (0 the first) along which the origin averages over mirrored tiles.
        data, logits: how the image is resampled, and the network's outputs on the way back.
        values: label-based: the label of each output, 0 (background) first. Region-based: the label that each output paints.
        paints: region-based: each output paints where its sigmoid exceeds 0.5, in this order; else the largest output counts.
        regions: the labels that make up each region of the task.
        folds: networks whose outputs are averaged.
        step: of a tile at most from one to the next.
        pixels: whether images are pictures, whose size is that of their pixels: 1, and 999 across, as nnU-Net's reader has it.
    """

    orientation: Orientation
    transpose: tuple[Axis, Axis, Axis]
    channels: Annotated[tuple[Channel, ...], counting(1, 64)]
    spacing_mm: Annotated[tuple[SpacingMm, ...], counting(2, 3)]
    tile: Annotated[tuple[Side, ...], counting(2, 3)]
    mirror: tuple[Axis, ...]
    data: Resampling
    logits: Resampling
    values: Labels
    paints: bool
    regions: Annotated[tuple[Labels, ...], counting(1, 4096)]
    folds: Annotated[int, between(1, MOST_FOLDS)] = 1
    step: Annotated[float, between(0.1, 1)] = STEP
    pixels: bool = False

    kind = "nnunet"

    def __post_init__(self) -> None:
        obey(self)
        if sorted(self.transpose) != [0, 1, 2]:
            raise Unfit(f"'transpose' is no order of three axes: {list(self.transpose)}")
        if len(self.tile) != len(self.spacing_mm):
            raise Unfit("'tile' and 'spacing_mm' have not as many numbers")
        if len(set(self.mirror)) < len(self.mirror) or any(axis >= len(self.tile) for axis in self.mirror):
            raise Unfit(f"'mirror' names an axis twice or one that the tile does not have: {list(self.mirror)}")
        if math.prod(self.tile) > MOST_TILE_VOXELS:
            raise Unfit(f"'tile' has {' x '.join(map(str, self.tile))} voxels, more than any network takes at once")
        if self.logits.function is Function.NONE and self.data.function is not Function.NONE:
            raise Unfit("outputs that are not resampled do not fit images that are")
        if not self.paints and self.values[0] != 0:
            raise Unfit("the first of 'values' is not 0, the background")
        for labels in self.regions:
            known = set(labels) & set(self.values)
            if not known or (not self.paints and known != set(labels)):
                raise Unfit(f"'regions' has labels that no output stands for: {list(labels)}")

    @property
    def sizes(self) -> tuple[int, int]:
        """Channels in and out."""
        return len(self.channels), len(self.values)

    @property
    def in_hounsfield(self) -> tuple[bool, ...]:
        """For each input whether it is a CT."""
        return tuple(channel.scheme is Scheme.CT for channel in self.channels)

    @property
    def dimensions(self) -> int:
        """2 for a network of planes, 3 for one of volumes."""
        return len(self.tile)

    def network_spacing(self, image_spacing: tuple[float, ...]) -> tuple[float, ...]:
        """Spacing of the network's grid (three numbers) for an image of that spacing, both after `transpose`."""
        return self.spacing_mm if self.dimensions == 3 else (image_spacing[0], *self.spacing_mm)

    def network_shape(self, shape: tuple[int, ...], spacing_mm: tuple[float, ...]) -> tuple[int, ...]:
        """Voxels of the network's grid: n * old spacing / new spacing, halves to the even number, at least 1; all after `transpose`.

        Where nothing is resampled, the image's own.
        """
        if self.data.function is Function.NONE:
            return tuple(shape)
        return tuple(max(1, round(old / new * n)) for old, new, n in zip(spacing_mm, self.network_spacing(spacing_mm), shape))

    def to_json(self) -> dict[str, Any]:
        """For the manifest."""
        return {"kind": self.kind, **_plain(asdict(self))}

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> NnunetPlan:
        """Inverse of `to_json`. Raises Unfit (a ValueError) where the entry does not fit."""
        return read_record(cls, {key: value for key, value in entry.items() if key != "kind"}, "plan")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return value.value if isinstance(value, Enum) else value
