"""Volumes in a TIFF: taken where a JSON file beside it tells the spacing, as nnU-Net keeps them, and otherwise what they were."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.io.read import read_image


def stack(folder: Path, name: str = "case_0000.tif", shape: tuple[int, ...] = (5, 6, 7)) -> tuple[Path, np.ndarray]:
    """Planes in one file."""
    values = np.random.default_rng(0).integers(-500, 500, shape).astype(np.int16)
    tifffile.imwrite(folder / name, values, compression="zlib")
    return folder / name, values


@pytest.mark.parametrize("beside", ["case.json", "case_0000.json"])
def test_axes_as_stored_and_the_spacing_from_beside(tmp_path: Path, beside: str) -> None:
    path, values = stack(tmp_path)
    (tmp_path / beside).write_text(json.dumps({"spacing": [3, 0.5, 0.25], "other": 1}), encoding="utf-8")
    image = read_image(path)
    assert np.array_equal(image.array, values) and image.grid.spacing_mm.tolist() == [0.25, 0.5, 3] and image.grid.orientation == "LPS"


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"spacing": 3}', '{"spacing": [1, 1]}', '{"spacing": [0, 1, 1]}', '{"spacing": [NaN, 1, 1]}']
)
def test_a_spacing_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path, _ = stack(tmp_path)
    (tmp_path / "case.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputRefused, match=r"case\.json tells no spacing") as refused:
        read_image(path)
    assert "[z, y, x]" in refused.value.remedy


def test_without_it_planes_are_no_volume_and_a_picture_stays_one(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="one plane is needed"):
        read_image(stack(tmp_path)[0])
    (tmp_path / "flat.json").write_text('{"spacing": [1, 1, 1]}', encoding="utf-8")
    assert read_image(stack(tmp_path, "flat.tif", (6, 7))[0]).array.shape == (1, 6, 7)


def test_a_cut_stack_is_refused(tmp_path: Path) -> None:
    path, _ = stack(tmp_path)
    (tmp_path / "case.json").write_text('{"spacing": [1, 1, 1]}', encoding="utf-8")
    path.write_bytes(path.read_bytes()[:150])
    with pytest.raises(InputRefused):
        read_image(path)
