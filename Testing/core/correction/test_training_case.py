"""Corrected cases on disk: one grid, one list, and not a word of whose they are."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegDLLib.correction.training_case import LIST_FILE, label_map, save_case
from MedSegDLLib.errors import Cancelled, InputRefused
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.tasks import BRAIN

MARK = "DOE^JANE"
SHAPE = (6, 8, 10)
AFFINE = np.array([[-1.0, 0, 0, 10], [0, -1.0, 0, 20], [0, 0, 2.0, -5], [0, 0, 0, 1]])


def marked(seed: int, affine: np.ndarray = AFFINE, shape: tuple[int, ...] = SHAPE) -> Image:
    """An image with a name in every place that an image has for one."""
    values = np.random.default_rng(seed).integers(0, 900, shape).astype(np.int16)
    return Image(values, affine, f"{MARK} t1", {"SeriesDescription": f"{MARK} post"})


def nested() -> dict[str, np.ndarray]:
    masks = {key: np.zeros(SHAPE, np.uint8) for key in ("WT", "TC", "ET")}
    masks["WT"][1:5, 1:7], masks["TC"][2:4, 2:6], masks["ET"][2, 3] = 1, 1, 1
    return masks


def labels() -> Image:
    return Image(label_map(nested(), BRAIN), AFFINE, MARK)


def rows_in(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / LIST_FILE).read_text().splitlines()))


def test_nothing_tells_whose_it_is(tmp_path: Path) -> None:
    save_case(tmp_path, BRAIN, {"flair": marked(1), "t1ce": marked(2)}, labels())
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 5
    for path in files:
        content = path.read_bytes()
        content += gzip.decompress(content) if path.suffix == ".gz" else b""
        assert not any(part.encode() in content for part in (MARK, "DOE", "post")) and "DOE" not in str(path.relative_to(tmp_path))


def test_one_label_map_of_the_innermost_regions_on_the_grid_of_all(tmp_path: Path) -> None:
    finer = AFFINE @ np.diag([0.5, 0.5, 0.5, 1])
    images = {"flair": marked(1), "t1ce": marked(2, finer, (12, 16, 20))}
    name = save_case(tmp_path, BRAIN, images, labels())
    (row,) = rows_in(tmp_path)
    assert row == {
        "name": name,
        "t1": "",
        "t1ce": f"{name}/t1ce.nii.gz",
        "t2": "",
        "flair": f"{name}/flair.nii.gz",
        "reference": f"{name}/reference.nii.gz",
    }
    read = {key: sitk.ReadImage(str(tmp_path / row[key])) for key in ("flair", "t1ce", "reference")}
    assert len({image.GetSize() for image in read.values()}) == 1 and read["reference"].GetSpacing() == (1.0, 1.0, 2.0)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read["flair"]), images["flair"].array)
    np.testing.assert_allclose(sitk.GetArrayFromImage(read["t1ce"]), images["t1ce"].array[::2, ::2, ::2])
    found, masks = sitk.GetArrayFromImage(read["reference"]), nested()
    for least, key in enumerate(("WT", "TC", "ET"), start=1):
        np.testing.assert_array_equal(found >= least, masks[key] > 0)


def test_a_later_correction_of_the_same_images_takes_the_earlier_ones_place(tmp_path: Path) -> None:
    first = save_case(tmp_path, BRAIN, {"flair": marked(1)}, labels())
    other = save_case(tmp_path, BRAIN, {"flair": marked(3)}, labels())
    empty = Image(np.zeros(SHAPE, np.uint8), AFFINE)
    assert save_case(tmp_path, BRAIN, {"flair": marked(1)}, empty) == first != other
    assert sorted(row["name"] for row in rows_in(tmp_path)) == sorted([first, other])
    assert not sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / first / "reference.nii.gz"))).any()


def test_cancelled_or_refused_leaves_what_was_there(tmp_path: Path) -> None:
    def cancel(fraction: float, message: str) -> None:
        if fraction > 0:
            raise Cancelled()

    save_case(tmp_path, BRAIN, {"flair": marked(1)}, labels())
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(Cancelled):
        save_case(tmp_path, BRAIN, {"flair": marked(2), "t1": marked(3)}, labels(), cancel)
    assert sorted(tmp_path.rglob("*")) == before
    (tmp_path / "file").touch()
    with pytest.raises(InputRefused):
        save_case(tmp_path / "file" / "cases", BRAIN, {"flair": marked(2)}, labels())
