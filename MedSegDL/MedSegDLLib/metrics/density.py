"""How densely counted objects lie: per square millimetre where the size of a pixel is known, else per megapixel."""

from __future__ import annotations

from dataclasses import dataclass

from ..result import UM2_PER_MM2

PIXELS_PER_MEGAPIXEL = 1e6


@dataclass(frozen=True)
class Density:
    """Objects in a picture.

    Attributes:
        count: how many.
        pixels: of the whole picture.
        pixel_area_um2: area of a pixel; None where the picture states none that can be true (see `result.pixel_area_um2`).
    """

    count: int
    pixels: int
    pixel_area_um2: float | None

    @property
    def per_mm2(self) -> float | None:
        """Objects in a square millimetre; None where the size of a pixel is not known, and of a picture without pixels."""
        if self.pixel_area_um2 is None or not self.pixels:
            return None
        return self.count / (self.pixels * self.pixel_area_um2 / UM2_PER_MM2)

    @property
    def per_megapixel(self) -> float:
        """Objects in a million pixels; 0 of a picture without pixels."""
        return self.count / self.pixels * PIXELS_PER_MEGAPIXEL if self.pixels else 0.0
