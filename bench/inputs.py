"""The volumes that everything is measured on: real ones where they are, else a phantom of the same size. Measures nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.read import read_image
from MedSegDLLib.io.write import write_image
from MedSegDLLib.phantom.head import head_phantom
from MedSegDLLib.phantom.sample_data import write_phantom

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "out" / "bench"
DATA = Path(os.environ.get("MEDSEGDL_DATA", ROOT.parent / "shared" / "data"))
CASE = "BraTS-GLI-00000-000"
CASE_FILES = {"t1": "t1n", "t1ce": "t1c", "t2": "t2W", "flair": "t2f"}
CT_FILE = DATA / "liver" / "3dircadb_01_ct.nii.gz"
HEAD = "TCGA-FG-6692"
HEAD_FILES = {"t1": "_t1", "t1ce": "_t1c", "t2": "_t2", "flair": "_fla"}
MOVED_MM = 11.0
BRAIN_SHAPE = (155, 240, 240)
CT_SIDE = 512
CT_SPACING_MM = (0.7, 0.7, 1.0)
PHANTOM_SEED = 7
SMALL_HEADS, SMALL_SPACING_MM = 4, 2.0


@dataclass(frozen=True)
class Files:
    """Where a case lies, and what the reader of the table is told about it."""

    paths: dict[str, Path]
    described: str


def brain_files() -> Files:
    """Four volumes of 240x240x155."""
    folder = DATA / "brain" / "labelled" / CASE
    if folder.is_dir():
        return Files({key: folder / f"{CASE}-{name}.nii.gz" for key, name in CASE_FILES.items()}, f"{CASE}, 240x240x155, 1 mm")
    paths = {key: OUT / "inputs" / f"phantom_{key}.nii.gz" for key in CASE_FILES}
    if not all(path.exists() for path in paths.values()):
        (OUT / "inputs").mkdir(parents=True, exist_ok=True)
        for key, image in head_phantom(PHANTOM_SEED, BRAIN_SHAPE, 1.0).images.items():
            write_image(image, paths[key])
    return Files(paths, "phantom, 240x240x155, 1 mm")


def small_heads() -> list[Files]:
    """Four made-up heads of 80x96x80 voxels of 2 mm, four volumes each: cases whose own work is short, so that what surrounds it counts."""
    found = []
    for seed in range(SMALL_HEADS):
        folder = OUT / "inputs" / f"small{seed}"
        paths = {key: folder / f"phantom_{key}.nrrd" for key in CASE_FILES}
        if not all(path.exists() for path in paths.values()):
            write_phantom(folder, seed, SMALL_SPACING_MM)
        found.append(Files(paths, "made-up heads, 80x96x80, 2 mm"))
    return found


def head_files() -> Files:
    """Four series of 26 slices of 5.5 mm, three grids, skull on; else the phantom within shells of bone and scalp, one series moved."""
    folder = DATA / "brain" / "raw" / HEAD
    if folder.is_dir():
        paths = {key: next(folder.glob(f"*{ending}.nii.gz")) for key, ending in HEAD_FILES.items()}
        return Files(paths, f"{HEAD}, four series of 26 slices of 5.5 mm on three grids, skull on")
    paths = {key: OUT / "inputs" / f"head_{key}.nii.gz" for key in CASE_FILES}
    if not all(path.exists() for path in paths.values()):
        (OUT / "inputs").mkdir(parents=True, exist_ok=True)
        for key, image in made_up_head().items():
            write_image(image, paths[key])
    return Files(paths, "made-up head, 240x240x26, skull on, T1 moved by 11 mm")


def made_up_head() -> dict[str, Image]:
    """The phantom in slices of 6 mm within shells of bone and scalp, 240x240x26; T1 lies 11 mm off."""
    images = {}
    for key, image in head_phantom(PHANTOM_SEED, (52, 80, 80), 3.0).images.items():
        thick = image.array.reshape(26, 2, 80, 80).astype(np.float32).mean(axis=1)
        inside = sitk.GetImageFromArray((thick > 0).astype(np.uint8))
        inside.SetSpacing((3.0, 3.0, 6.0))
        away = sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(inside, squaredDistance=False, useImageSpacing=True))
        level = float(thick[thick > 0].mean())
        shells = np.select([away <= 8, away <= 15], [0.05 * level, 1.5 * level], 0.0)
        fine = np.where(thick > 0, thick, shells).repeat(3, axis=1).repeat(3, axis=2).astype(np.int16)
        affine = np.diag([-1.0, -1.0, 6.0, 1.0])
        affine[:3, 3] = (119.5 + (MOVED_MM if key == "t1" else 0.0), 119.5, -75.0)
        images[key] = Image(fine, affine, key)
    return images


def ct_files() -> Files:
    """One CT."""
    if CT_FILE.exists():
        return Files({"ct": CT_FILE}, "3D-IRCADb 1, 512x512x129, 0.57x0.57x1.6 mm")
    path = OUT / "inputs" / "ct.nii.gz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_image(made_up_ct(129), path)
    return Files({"ct": path}, "made-up CT, 512x512x129, 0.7x0.7x1 mm")


def brain_images() -> dict[str, Image]:
    """The four volumes in memory."""
    return {key: read_image(path) for key, path in brain_files().paths.items()}


def made_up_ct(slices: int) -> Image:
    """An elliptic body with a liver-like part and noise: 512x512 of any number of slices, int16 HU."""
    j, i = np.ogrid[-1 : 1 : CT_SIDE * 1j, -1 : 1 : CT_SIDE * 1j]
    body, right = (i / 0.9) ** 2 + (j / 0.65) ** 2 < 1, ((i + 0.4) / 0.38) ** 2 + (j / 0.42) ** 2
    noise = np.random.default_rng(0).normal(0, 20, (CT_SIDE, CT_SIDE))
    array = np.empty((slices, CT_SIDE, CT_SIDE), np.int16)
    for k in range(slices):
        reach = 1 - ((k / max(slices - 1, 1) - 0.6) / 0.3) ** 2
        array[k] = np.where(body, np.where(right < reach, 110, 30) + np.roll(noise, 37 * k, axis=1), -1000)
    affine = np.diag([-CT_SPACING_MM[0], -CT_SPACING_MM[1], CT_SPACING_MM[2], 1.0])
    return Image(array, affine, "ct")


def ct_of(slices: int) -> Image:
    """A CT of so many slices: the real one repeated to and fro where it is there, else a made-up one."""
    if not CT_FILE.exists():
        return made_up_ct(slices)
    image = read_image(CT_FILE)
    count = image.array.shape[0]
    there = np.arange(slices) % (2 * count)
    affine = image.affine @ np.diag([1.0, 1.0, 1.0 / image.grid.spacing_mm[2], 1.0])
    return Image(image.array[np.where(there < count, there, 2 * count - 1 - there)], affine, "ct")


def head_of(side: int) -> dict[str, Image]:
    """Four volumes of side^3 voxels of 1 mm that a head fills: one phantom, blown up without smoothing."""
    phantom = head_phantom(PHANTOM_SEED, (80, 96, 80), 2.0)
    images = {}
    for key, image in phantom.images.items():
        picks = [np.arange(side) * n // side for n in image.array.shape]
        images[key] = Image(np.ascontiguousarray(image.array[np.ix_(*picks)]), np.diag([-1.0, -1.0, 1.0, 1.0]), key)
    return images
