"""From the scanner: the brain's mask, the motion and the tumour, on raw heads and on heads painted around labelled brains.

Raw heads are those of the test data. Who has masks of them, or expert labels, names a folder with `$MEDSEGDL_HEADS`: for each head a folder
of its name with `<input>_brain.nii.gz` (HD-BET's, say) and `labels.nii.gz`, where there are any. Painted heads need no judge.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch

from MedSegDLLib.geometry.image import Grid, Image
from MedSegDLLib.geometry.registration import lies_on, motion, moved, register, turn_of
from MedSegDLLib.geometry.resample import regrid, resample
from MedSegDLLib.io.read import read_image
from MedSegDLLib.network.weights import find_weights
from MedSegDLLib.options import Options
from MedSegDLLib.pipeline import load_once, segment
from MedSegDLLib.preprocess.brain_mask import brain_mask
from MedSegDLLib.result import Result
from MedSegDLLib.tasks import BRAIN, BRAIN_MASK

from .inputs import CASE_FILES, DATA, HEAD_FILES, made_up_head

JUDGES = os.environ.get("MEDSEGDL_HEADS")
RAW = DATA / "brain" / "raw"
LABELLED = DATA / "brain" / "labelled"
RAW_HEADS: dict[str, dict[str, str]] = {  # folder -> input -> end of the file's name
    "TCGA-FG-6692": HEAD_FILES,
    "TCGA-02-0054": {"t1": "_T1", "t1ce": "_T1c", "t2": "_T2", "flair": "_FLAIR"},
}
CASES: dict[str, dict[str, str]] = {  # labelled brains -> input -> end of the file's name
    "Brats18_2013_2_1": {key: f"_{key}" for key in CASE_FILES},
    "BraTS-GLI-00000-000": {key: f"-{name}" for key, name in CASE_FILES.items()},
}
CPU = torch.device("cpu")
FINE_MM, ABOVE_MM, SIDE_MM, TALL_MM = 2.0, 105.0, 240, 216  # of the drawings, around the brain's middle; room for scalp and neck
SLICES_MM = (1, 6)
NECK_MM = 60
FAR_MM = 60.0  # from the head's middle to the places whose error counts
CORES = {1, 3, 4}  # BraTS's labels of the tumour's core, 3 or 4 being what enhances
MOTIONS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {  # degrees about, mm along x, y, z
    "20 degrees": ((0.0, 0.0, 20.0), (0.0, 0.0, 0.0)),
    "40 mm": ((0.0, 0.0, 0.0), (20.0, -28.0, 20.0)),
    "12 degrees and 17 mm": ((8.0, -6.0, 7.0), (10.0, -12.0, 6.0)),
}
INCLINED: dict[str, tuple[float, float, float]] = {  # degrees about x, y, z; of TCGA-FG-6692's series 5 to 18 lie between
    "flair": (4.0, -3.0, 5.0),
    "t1": (-6.0, 5.0, 2.0),
    "t1ce": (9.0, 7.0, -8.0),
    "t2": (-8.0, -9.0, 12.0),
}


def measure(quick: bool) -> dict:
    """The three tables."""
    cases = list(CASES)[: 1 if quick else None]
    painted = {name: case for name in cases if (case := _labelled(name)) is not None}
    heads = {name: found for name in list(RAW_HEADS)[: 1 if quick else None] if (found := _raw(name))} or {"made up": made_up_head()}
    return {
        "threads": torch.get_num_threads(),
        "extraction": [row for name, images in heads.items() for row in _extracted(name, images)]
        + [row for name, case in painted.items() for row in _extracted_painted(name, case, quick)],
        "registration": [row for name, images in heads.items() for row in _registered(name, images, quick)]
        + [row for name, case in list(painted.items())[:1] for row in _registered(f"{name}, painted", _painted(case, 1)[0], quick)],
        "tumour": [row for name, case in painted.items() for row in _tumour(name, case)]
        + [row for name, images in heads.items() for row in _tumour_raw(name, images)],
    }


# ---- the heads


def _raw(name: str) -> dict[str, Image]:
    """The series of a raw head; nothing where the test data are not there."""
    found = {key: next((RAW / name).glob(f"*{ending}.nii.gz"), None) for key, ending in RAW_HEADS[name].items()}
    return {key: read_image(path) for key, path in found.items() if path is not None}


def _labelled(name: str) -> dict[str, Image] | None:
    """The inputs of a labelled brain and its labels ("seg")."""
    folder = LABELLED / name
    if not folder.is_dir():
        return None
    endings = {**CASES[name], "seg": "-seg" if "-" in CASES[name]["t1"] else "_seg"}
    return {key: read_image(next(folder.glob(f"*{ending}.nii.gz"))) for key, ending in endings.items()}


def _judged(name: str, file: str, grid: Grid) -> np.ndarray | None:
    """Somebody's mask or labels of a raw head, brought to a grid; None where there are none."""
    path = Path(JUDGES) / name / f"{file}.nii.gz" if JUDGES else None
    if path is None or not path.is_file():
        return None
    image = read_image(path)
    return image.array if image.grid.same_as(grid) else regrid(image, grid, "nearest").array


def _painted(case: dict[str, Image], slice_mm: int) -> tuple[dict[str, Image], np.ndarray, np.ndarray]:
    """Heads drawn around a brain, its labels and its mask on their grid: 1 mm in the plane, slices averaged."""
    from medsegdl_training.synthesis.head_images import TYPICAL, Frame, draw_parts, paint_parts

    generator = torch.Generator().manual_seed(0)
    brain = np.any([image.array != 0 for key, image in case.items() if key != "seg"], axis=0).astype(np.float32)
    own = case["seg"].grid
    middle = (own.affine @ [*np.argwhere(brain).mean(axis=0)[::-1], 1.0])[:3]
    coarse, fine = _grid(middle, FINE_MM, FINE_MM), _grid(middle, 1.0, 1.0)
    inside = resample(torch.from_numpy(brain), own, coarse) > 0.5
    away = sitk.SignedMaurerDistanceMap(sitk.GetImageFromArray(inside.numpy().astype(np.uint8)), False, False, False)
    place = _place(coarse, middle)
    there = place[:, inside]
    lowest = there[:, (there[0] < there[0].min() + 4) & (there[2].abs() < 20)].mean(dim=1)
    half = tuple(((there.amax(dim=1) - there.amin(dim=1)) / 2).tolist())
    frame = Frame(place, FINE_MM * torch.from_numpy(sitk.GetArrayFromImage(away)), half, tuple(lowest.tolist()))
    parts = draw_parts(frame, generator)
    mask = resample(torch.from_numpy(brain), own, fine) > 0.5
    heads = {}
    for number, key in enumerate(CASE_FILES):
        around = resample(paint_parts(parts, TYPICAL[:, number], generator).clamp(min=0), coarse, fine)
        values = resample(torch.from_numpy(case[key].array.astype(np.float32)), own, fine)
        level = float(torch.quantile(values[mask][::50], 0.98))
        whole = torch.where(mask, values / level, around) + 0.01 * torch.randn(mask.shape, generator=generator)
        heads[key] = _thick(Image((400 * whole.clamp(min=0)).numpy(), fine.affine, key), slice_mm)
    labels = regrid(case["seg"], Grid(heads["t1"].grid.shape, heads["t1"].affine), "nearest").array
    thick = _thick(Image(mask.numpy().astype(np.float32), fine.affine), slice_mm).array > 0.5
    return heads, labels, thick


def _grid(middle: np.ndarray, plane_mm: float, slice_mm: float) -> Grid:
    """Around the brain's middle: K upwards, J backwards, I to the left."""
    side = int(SIDE_MM / plane_mm)
    affine = np.diag([-plane_mm, -plane_mm, slice_mm, 1.0])
    affine[:3, 3] = middle + np.array((SIDE_MM / 2, SIDE_MM / 2, ABOVE_MM - TALL_MM))
    return Grid((int(TALL_MM / slice_mm), side, side), affine)


def _place(grid: Grid, middle: np.ndarray) -> torch.Tensor:
    """(3, K, J, I) mm up, backwards and left of the middle, of a grid of `_grid`."""
    lines = []
    for axis, (world, sign) in enumerate(((2, 1), (1, -1), (0, -1))):
        steps = np.arange(grid.shape[axis]) * abs(grid.affine[world, 2 - axis])
        lines.append(torch.from_numpy(steps + sign * (grid.affine[world, 3] - middle[world])).float())
    return torch.stack(torch.meshgrid(*lines, indexing="ij"))


def _thick(image: Image, slice_mm: int) -> Image:
    """Slices averaged over that thickness; the image's own are 1 mm."""
    if slice_mm == 1:
        return image
    count = image.array.shape[0] // slice_mm
    values = image.array[: count * slice_mm].reshape(count, slice_mm, *image.array.shape[1:]).mean(axis=1)
    affine = image.affine @ np.diag([1.0, 1.0, float(slice_mm), 1.0])
    affine[:3, 3] += image.affine[:3, 2] * (slice_mm - 1) / 2
    return Image(values.astype(np.float32), affine, image.name)


# ---- extraction


def _mask(images: dict[str, Image], grid: Grid) -> tuple[np.ndarray, dict[str, float]]:
    """The shipped network's, with the seconds that it took: on the clock, and of the processor."""
    weights = load_once(find_weights(BRAIN_MASK), BRAIN_MASK)
    wall, processor = time.perf_counter(), time.process_time()
    found = brain_mask(images, grid, weights, CPU)
    return found > 0, {"seconds": time.perf_counter() - wall, "processor_s": time.process_time() - processor}


def _extracted(name: str, images: dict[str, Image]) -> Iterator[dict]:
    """Each series of a raw head by itself, then all of them on the first that is judged."""
    for key, image in images.items():
        found, took = _mask({key: image}, image.grid)
        judged = _judged(name, f"{key}_brain", image.grid)
        yield _row(name, key, found, judged, image.grid, took)


def _extracted_painted(name: str, case: dict[str, Image], quick: bool) -> Iterator[dict]:
    for slice_mm in SLICES_MM[1 if quick else 0 :]:
        heads, _, brain = _painted(case, slice_mm)
        for key, image in heads.items():
            found, took = _mask({key: image}, image.grid)
            yield _row(f"{name}, painted, {slice_mm} mm", key, found, brain, image.grid, took)
    stripped = {key: image for key, image in case.items() if key == "t1"}
    found, took = _mask(stripped, case["seg"].grid)
    yield _row(f"{name}, stripped already", "t1", found, stripped["t1"].array != 0, case["seg"].grid, took)


def _row(head: str, key: str, found: np.ndarray, wanted: np.ndarray | None, grid: Grid, took: dict[str, float]) -> dict:
    ml = float(found.sum()) * grid.voxel_volume_mm3 / 1000
    return {"head": head, "input": key, "ml": ml, "dice": None if wanted is None else _dice(found, wanted > 0), **took}


def _dice(one: np.ndarray, other: np.ndarray) -> float:
    total = int(one.sum()) + int(other.sum())
    return 2 * int((one & other).sum()) / total if total else 1.0


# ---- registration


def _registered(name: str, images: dict[str, Image], quick: bool) -> Iterator[dict]:
    """Known motions of one series against another: what is left of each, measured against the place found without it."""
    fixed, moving = images["flair"], images["t1ce"]
    base = register(moving, fixed)
    lying = moved(moving, base.matrix if base.applied else np.eye(4))
    middle = _middle(fixed)
    variants: dict[str, Callable[[Image], Image]] = {"": lambda image: image, f", {NECK_MM} mm of neck missing": _without_neck}
    variants |= {} if fixed.grid.spacing_mm.max() > 3 else {", slices of 6 mm": lambda image: _thick(image, 6)}
    for number, (what, (turn, shift)) in enumerate(MOTIONS.items()):
        known = motion(np.array(turn), np.array(shift), middle)
        for changed, change in variants.items() if number == len(MOTIONS) - 1 else [("", variants[""])]:
            if quick and changed:
                continue
            image = moved(change(lying), known)
            started = time.perf_counter()
            found = register(image, fixed)
            took = time.perf_counter() - started
            left = (found.matrix if found.applied else np.eye(4)) @ known
            yield {
                "head": name,
                "what": what + changed,
                "seen": not lies_on(image, fixed),
                "mm": _furthest(left, middle),
                "degrees": turn_of(left),
                "seconds": took,
            }


def _without_neck(image: Image) -> Image:
    """Without the lowest `NECK_MM`; slices run upwards or are turned so."""
    per_slice = image.affine[2, 2]
    cut = int(NECK_MM / abs(image.grid.spacing_mm[2]))
    if per_slice < 0:
        return replace(image, array=image.array[:-cut])
    affine = image.affine.copy()
    affine[:3, 3] += cut * image.affine[:3, 2]
    return Image(image.array[cut:], affine, image.name)


def _middle(image: Image) -> np.ndarray:
    """Of the field of view, RAS mm."""
    return (image.affine @ [*((n - 1) / 2 for n in image.array.shape[::-1]), 1.0])[:3]


def _furthest(left: np.ndarray, middle: np.ndarray) -> float:
    """The largest error at places `FAR_MM` from the middle along each axis, mm."""
    places = [middle + sign * FAR_MM * axis for axis in np.eye(3) for sign in (-1, 1)]
    return max(float(np.linalg.norm((left @ [*place, 1.0])[:3] - place)) for place in places)


# ---- the tumour


def _tumour(name: str, case: dict[str, Image]) -> Iterator[dict]:
    """A labelled brain as it is, and in its painted head with slices of 6 mm: skull left on, and taken away."""
    bare = {key: case[key] for key in CASE_FILES}
    yield _scores(f"{name}, stripped, 1 mm", "as given", segment(bare, BRAIN, Options("cpu")), case["seg"].array)
    heads, labels, brain = _painted(case, SLICES_MM[-1])
    inner = {key: image.with_array(np.where(brain, image.array, 0).astype(np.float32)) for key, image in heads.items()}
    title = f"{name}, painted, {SLICES_MM[-1]} mm"
    yield _scores(title, "its own brain", segment(inner, BRAIN, Options("cpu")), labels)
    for how, inclined in (("series in the same planes", False), ("each series in planes of its own", True)):
        result = segment(series_of(bare, inclined), BRAIN, Options("cpu", registration="off", brain_extraction="off"))
        yield _scores(f"{name}, stripped, {SLICES_MM[-1]} mm", how, result, regrid(case["seg"], result.grid, "nearest").array)
    for way in ("off", "auto"):
        yield _scores(title, f"extraction {way}", segment(heads, BRAIN, Options("cpu", brain_extraction=way)), labels)


def series_of(case: dict[str, Image], inclined: bool) -> dict[str, Image]:
    """Thick slices of a brain, stripped as a tool strips thick slices: a voxel is brain where half of it is, and shows that half.

    Where the head was moved between the series each has planes of its own, and its header says so.
    """
    middle = _middle(case["flair"])
    grid = _grid(middle + np.array((0.0, 0.0, SIDE_MM / 2 - ABOVE_MM)), 1.0, 1.0)
    brain = case["flair"].with_array(np.any([image.array != 0 for key, image in case.items() if key != "seg"], axis=0).astype(np.float32))
    found = {}
    for key, turn in INCLINED.items():
        own = Grid(grid.shape, motion(np.array(turn if inclined else INCLINED["flair"]), np.zeros(3), middle) @ grid.affine)
        series = _thick(regrid(case[key], own), SLICES_MM[-1])
        share = _thick(regrid(brain, own), SLICES_MM[-1]).array
        found[key] = series.with_array(np.where(share >= 0.5, series.array / np.maximum(share, 0.5), np.float32(0)))
    return found


def _tumour_raw(name: str, images: dict[str, Image]) -> Iterator[dict]:
    """A raw head with expert labels, where there are any."""
    for way in ("off", "auto") if JUDGES else ():
        result = segment(images, BRAIN, Options("cpu", brain_extraction=way, registration="auto" if way == "auto" else "off"))
        labels = _judged(name, "labels", result.grid)
        if labels is None:
            return
        yield _scores(name, f"extraction and registration {way}", result, labels)


def _scores(head: str, how: str, result: Result, labels: np.ndarray) -> dict:
    truth = {"WT": labels > 0, "TC": np.isin(labels, list(CORES)), "ET": labels >= min(CORES - {1})}
    dice = {key: _dice(result.masks[key] > 0, wanted) for key, wanted in truth.items()}
    return {"head": head, "how": how, **dice, "found_ml": result.volumes_ml["WT"], "seconds": sum(result.record["seconds"].values())}
