"""The plan of a network that MONAI trained (a bundle, or Auto3DSeg): what its transforms do to an image and to the outputs, as data.

Read in monai 1.6.1: `Spacing`, `NormalizeIntensity`, `ScaleIntensityRange`, `CropForeground`, `sliding_window_inference`, `Invertd`.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Annotated, Any

from ..schema.records import Unfit, above, between, counting, obey, read_record
from ..tasks import MOST_TILE_VOXELS, Intensity, Side
from .nnunet_plan import Labels, Orientation

SpacingMm = Annotated[float, above(0, 1000)]


class Intensities(str, Enum):
    """How intensities become the network's numbers."""

    ZSCORE = "zscore"  # mean 0, deviation 1 of a channel's own voxels that are not 0 (NormalizeIntensity, nonzero, channel_wise)
    RANGE = "range"  # a range to another (ScaleIntensityRange)
    SIGMOID = "sigmoid"  # a range to -1..1, not clipped, then the logistic function (Auto3DSeg, "ct")
    TANH = "tanh"  # as ZSCORE, then 3 tanh(x / 3) (Auto3DSeg, "meanstdtanh")
    LOGISTIC = "logistic"  # the logistic function of the distance from the least value in deviations (Auto3DSeg, "pet")
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class MonaiPlan:
    """What MONAI's transforms do, in their order. Axes are (i, j, k), as MONAI has them.

    Attributes:
        orientation: where the axes are turned to first ("RAS"); "" takes them as they are stored.
        margin: voxels around what is over 0 in any channel, to which the image is cropped; None: no crop.
        spacing_mm: of the network's grid; None keeps the image's.
        tolerance: share by which an image's spacing may differ and stay as it is.
        intensities: see `Intensities`.
        others: the same of the second and every further channel; () where all are treated alike.
        scaled_first: whether that is done before crop and resampling, else after them.
        box_as_stored: whether the crop's box is that of the first image along its stored axes, laid on the turned axes as it is, and
            0 where it reaches beyond them: what SlicerMONAIAuto3DSeg does, which asks the image that was loaded.
        source, target: the two ranges.
        clip: whether to the target's ends.
        channels: inputs of the network.
        tile, overlap: of the sliding window; the overlap a share of the tile.
        gaussian: whether the middle of a tile counts more.
        softmax: whether outputs exclude one another (the largest counts), else each is over 0.5 or not by its sigmoid.
        nearest: whether the way back takes the nearest voxel's probability, else it interpolates.
        single: whether the resampling reckons in float32, else in float64: which voxels beside a 0 keep a trace of their neighbour, and
            are so not 0 to what follows, is told by its rounding.
        parts: of each region only so many connected parts are kept, the largest ones; None: all.
        regions: label-based: the outputs that make up each region of the task; else its one output.
        outputs: of the network.
    """

    orientation: Orientation
    margin: Annotated[int, between(0, 1000)] | None
    spacing_mm: tuple[SpacingMm, SpacingMm, SpacingMm] | None
    intensities: Intensities
    channels: Annotated[int, between(1, 64)]
    tile: tuple[Side, Side, Side]
    regions: Annotated[tuple[Labels, ...], counting(1, 4096)]
    outputs: Annotated[int, between(1, 4096)]
    softmax: bool
    source: tuple[Intensity, Intensity] = (0.0, 1.0)
    target: tuple[Intensity, Intensity] = (0.0, 1.0)
    clip: bool = False
    scaled_first: bool = False
    overlap: Annotated[float, between(0, 0.95)] = 0.25
    gaussian: bool = False
    nearest: bool = False
    tolerance: Annotated[float, between(0, 0.9)] = 0.0
    others: tuple[Intensities, ...] = ()
    box_as_stored: bool = False
    single: bool = False
    parts: Annotated[int, between(1, 1000)] | None = None

    kind = "monai"
    folds = 1

    def __post_init__(self) -> None:
        obey(self)
        if self.source[0] == self.source[1]:
            raise Unfit("'source' is no range")
        if math.prod(self.tile) > MOST_TILE_VOXELS:
            raise Unfit(f"'tile' has {' x '.join(map(str, self.tile))} voxels, more than any network takes at once")
        if self.others and len(self.others) != self.channels - 1:
            raise Unfit(f"'others' has {len(self.others)} entries, and there are {self.channels - 1} channels beside the first")
        if any(output >= self.outputs for outputs in self.regions for output in outputs):
            raise Unfit("'regions' names an output that the network does not have")

    @property
    def sizes(self) -> tuple[int, int]:
        """Channels in and out."""
        return self.channels, self.outputs

    @property
    def in_hounsfield(self) -> tuple[bool, ...]:
        """For each input whether it is a CT: a bundle does not say so."""
        return (False,) * self.channels

    @property
    def each(self) -> tuple[Intensities, ...]:
        """How the intensities of every channel become the network's numbers."""
        return (self.intensities, *(self.others or (self.intensities,) * (self.channels - 1)))

    def network_shape(self, shape: tuple[int, ...], spacing_mm: tuple[float, ...]) -> tuple[int, ...]:
        """About how many voxels the network's grid has (i, j, k): corner voxels' centres apart over the new spacing."""
        wanted = self.network_spacing(spacing_mm)
        return tuple(max(1, round((n - 1) * old / new + 1)) for n, old, new in zip(shape, spacing_mm, wanted))

    def network_spacing(self, spacing_mm: tuple[float, ...]) -> tuple[float, ...]:
        """Of the network's grid for an image of that spacing."""
        if self.spacing_mm is None:
            return spacing_mm
        least, most = 1 - self.tolerance, 1 + self.tolerance
        return tuple(
            old if least * new - NEARLY_MM <= old <= most * new + NEARLY_MM else new for old, new in zip(spacing_mm, self.spacing_mm)
        )

    def to_json(self) -> dict[str, Any]:
        """For the manifest."""
        others = [one.value for one in self.others]
        return {"kind": self.kind, **asdict(self), "intensities": self.intensities.value, "others": others}

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> MonaiPlan:
        """Inverse of `to_json`. Raises Unfit (a ValueError) where the entry does not fit."""
        return read_record(cls, {key: value for key, value in entry.items() if key != "kind"}, "plan")


NEARLY_MM = 1e-3  # monai.data.utils.AFFINE_TOL
