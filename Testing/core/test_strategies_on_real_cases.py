"""Whatever memory leaves of the network's strategies, a real case gets the same segments from the shipped weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.read import read_image
from MedSegDLLib.metrics.overlap import confusion
from MedSegDLLib.network.sliding_window import How
from MedSegDLLib.options import Options
from MedSegDLLib.pipeline import segment
from MedSegDLLib.tasks import BRAIN, LIVER, NUCLEI, Task

BRAIN_ENDINGS = {"t1": "t1n", "t1ce": "t1c", "t2": "t2W", "flair": "t2f"}
LIVER_SLICES = slice(60, 100)  # 64 mm through the middle of the liver: the slow strategy would take minutes for the whole
SAME = 0.999  # Dice


def _brain(data: Path) -> dict[str, Image]:
    case = data / "brain" / "labelled" / "BraTS-GLI-00000-000"
    return {key: read_image(next(case.glob(f"*{ending}.nii*"))) for key, ending in BRAIN_ENDINGS.items()}


def _liver(data: Path) -> dict[str, Image]:
    ct = read_image(data / "liver" / "3dircadb_01_ct.nii.gz")
    box = (LIVER_SLICES, *(slice(0, n) for n in ct.grid.shape[1:]))
    return {"ct": replace(ct, array=ct.array[box], affine=ct.grid.cropped(box).affine)}


def _nuclei(data: Path) -> dict[str, Image]:
    pictures = sorted((data / "nuclei" / "test" / "images").glob("*.png"), key=lambda path: (path.stat().st_size, path.name))
    return {"image": read_image(pictures[len(pictures) // 2])}


@pytest.mark.parametrize(("task", "images"), [(BRAIN, _brain), (LIVER, _liver), (NUCLEI, _nuclei)], ids=["brain", "liver", "nuclei"])
def test_every_strategy_gives_the_same_segments(task: Task, images, data: Path) -> None:
    given = images(data)
    found = [segment(given, task, Options(device="cpu", strategies_left_out=left_out)) for left_out in range(3)]
    assert [result.record["strategy"] for result in found] == [f"{how.value} on cpu" for how in How]
    first = found[0]
    assert any(one.mask.any() for one in first.segments)
    for result in found[1:]:
        for one, other in zip(first.segments, result.segments, strict=True):
            assert one.region == other.region and confusion(one.mask, other.mask).dice >= SAME
        if task.pictures:
            assert result.instances.max() == first.instances.max()
