"""Reading and writing: one thread or one a core, and what each level of compression costs and saves."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np
import torch

from MedSegDLLib.geometry.image import Grid
from MedSegDLLib.io import nifti, threads
from MedSegDLLib.io.read import read_images
from MedSegDLLib.io.seg_nrrd import store_seg_nrrd
from MedSegDLLib.io.write import write_result
from MedSegDLLib.result import Result, Segment
from MedSegDLLib.tasks import LIVER

from .inputs import CT_SIDE, OUT, brain_files
from .meter import timed

LEVELS = (1, 2, 3, 4, 6, 9)
SLICES, QUICK_SLICES = 300, 100
BUMPS = (8, 10, 10)  # of the random surface of the regions, along K, J, I


def measure(quick: bool) -> dict:
    """Seconds a level and its bytes; seconds of reading and writing with one thread and with all."""
    result = _two_regions(QUICK_SLICES if quick else SLICES)
    folder = OUT / "disk"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        levels = [_level(level, result, folder) for level in LEVELS]
        return {"slices": result.grid.shape[0], "cores": threads.cores(), "levels": levels, "threads": _threads(result, folder)}
    finally:
        shutil.rmtree(folder)


def _level(level: int, result: Result, folder: Path) -> dict:
    first = result.segments[0]
    mask, segmentation = folder / "mask.nii.gz", folder / "all.seg.nrrd"
    before, nifti.COMPRESSION = nifti.COMPRESSION, level
    try:
        mask_s, _ = timed(lambda: nifti.write_nifti(mask, first.mask, result.grid.affine))
        segmentation_s, _ = timed(lambda: store_seg_nrrd(result, segmentation))
    finally:
        nifti.COMPRESSION = before
    sizes = {"mask_bytes": mask.stat().st_size, "segmentation_bytes": segmentation.stat().st_size}
    return {"level": level, "chosen": level == before, "mask_s": mask_s, "segmentation_s": segmentation_s, **sizes}


def _threads(result: Result, folder: Path) -> list[dict]:
    """Median of three, one thread and all of them in turns."""
    works = {
        "read four brain volumes": lambda: read_images(brain_files().paths),
        "write a CT's regions": lambda: write_result(result, folder),
    }
    rows = []
    for what, work in works.items():
        seconds: dict[int, list[float]] = {1: [], threads.cores(): []}
        for _ in range(3):
            for count, found in seconds.items():
                with _allowed(count):
                    found.append(timed(work)[0])
        rows.append({"what": what, "one_s": median(seconds[1]), "all_s": median(seconds[threads.cores()])})
    return rows


@contextmanager
def _allowed(count: int) -> Iterator[None]:
    """So many threads within."""
    before, threads.cores = threads.cores, lambda: count
    try:
        yield
    finally:
        threads.cores = before


def _two_regions(slices: int) -> Result:
    """Two smooth, bumpy regions, one in the other, 512x512 of so many slices."""
    shape = (slices, CT_SIDE, CT_SIDE)
    rough = torch.rand((1, 1, *BUMPS), generator=torch.Generator().manual_seed(0))
    field = torch.nn.functional.interpolate(rough, shape, mode="trilinear", align_corners=True)[0, 0].numpy()
    masks = [(field > level).astype(np.uint8) for level in (0.72, 0.82)]
    segments = tuple(Segment(region, mask, 1.0) for region, mask in zip(LIVER.regions, masks, strict=True))
    return Result(LIVER, Grid(shape, np.diag([-0.7, -0.7, 1.0, 1.0])), "ct", segments)
