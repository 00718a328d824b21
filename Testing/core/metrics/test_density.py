"""Density of counted objects."""

from __future__ import annotations

import pytest

from MedSegDLLib.metrics.density import Density


def test_per_square_millimetre_where_the_pixel_is_known() -> None:
    one = Density(50, 1000 * 1000, 0.25)  # half a micrometre a side: 0.25 mm2
    assert one.per_mm2 == pytest.approx(200) and one.per_megapixel == 50


def test_without_pixel_size_or_pixels_there_is_none() -> None:
    assert Density(50, 2_000_000, None).per_mm2 is None and Density(50, 2_000_000, None).per_megapixel == 25
    assert Density(0, 0, 0.25).per_mm2 is None and Density(0, 0, None).per_megapixel == 0
