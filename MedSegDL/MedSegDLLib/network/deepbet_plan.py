"""The plan of deepbet's pair of networks: how an image becomes their numbers, as data. Read in deepbet 1.0.2 (`bet.py`, `utils.py`)."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from ..schema.records import Unfit, above, between, counting, obey, read_record, within
from ..tasks import MOST_TILE_VOXELS, Side
from .linknet import DIVISOR
from .nnunet_plan import Orientation

PASS_BYTES_A_VOXEL = 32  # of the tile; measured
Share = Annotated[float, within(0, 1)]


@dataclass(frozen=True)
class DeepbetPlan:
    """What deepbet does, in its order. Axes are (i, j, k).

    Attributes:
        orientation: where the axes are turned to first.
        finder: voxels to which the whole image is brought, whatever its spacing; the first network finds the brain's box in it.
        tile: voxels to which that box is brought; the second network finds the brain in it.
        margin: share of the box's sides that is added at either end.
        least: share of a plane of the finder's mask from which the plane belongs to the box.
        low, high: quantiles of the image, from which to which it is clipped and scaled to 0..1.
        mean, deviation: that the result is brought to.
        threshold: probability from which a voxel is brain.
        contrasts: keys of a task's inputs, the best known first: where several images of one head are given, the first of them that shows
            the whole place is taken. Measured, README, 'From the scanner'.
    """

    orientation: Orientation
    finder: tuple[Side, Side, Side]
    tile: tuple[Side, Side, Side]
    margin: Annotated[float, between(0, 1)]
    least: Share
    low: Share
    high: Share
    mean: Annotated[float, between(-100, 100)]
    deviation: Annotated[float, above(0, 100)]
    threshold: Share
    contrasts: Annotated[tuple[str, ...], counting(0, 64)] = ()

    kind = "deepbet"
    folds = 2  # the finder and the one that outlines
    sizes = (1, 1)  # channels in and out
    regions = ((0,),)
    in_hounsfield = (False,)

    def __post_init__(self) -> None:
        obey(self)
        if not self.orientation:
            raise Unfit("'orientation' is empty")
        if self.low >= self.high:
            raise Unfit("'low' and 'high' do not go upwards")
        for name in ("finder", "tile"):
            sides = getattr(self, name)
            if math.prod(sides) > MOST_TILE_VOXELS or any(side % DIVISOR for side in sides):
                raise Unfit(
                    f"'{name}' is {' x '.join(map(str, sides))}; its sides are multiples of {DIVISOR}, and no network takes more at once"
                )

    @property
    def pass_bytes(self) -> int:
        """Memory that a pass takes besides the image."""
        return PASS_BYTES_A_VOXEL * math.prod(self.tile)

    def network_shape(self, shape: tuple[int, ...], spacing_mm: tuple[float, ...]) -> tuple[int, ...]:
        """Voxels that a network sees: always the same."""
        return self.tile

    def to_json(self) -> dict[str, Any]:
        """For the manifest."""
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> DeepbetPlan:
        """Inverse of `to_json`. Raises Unfit (a ValueError) where the entry does not fit."""
        return read_record(cls, {key: value for key, value in entry.items() if key != "kind"}, "plan")
