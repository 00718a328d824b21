"""Made-up data sets of organs that no shipped task knows, in the layouts that users have; and one from real organ maps.

    python -m Testing.training.made_up_organs OUT [--cases N] [--real ../shared/data]

`Dataset101_Bellies`: CTs with a spleen and two kidneys (nnU-Net raw). `Dataset102_Knots`: two MR channels, a knot with a core, trained as
nested regions (nnU-Net raw, region-based). `Task103_Stacks`: MR stacks of thick slices with a rod (Decathlon). `Dataset104_Organs`: spleen,
kidneys and lungs of the two CTs of 3D-IRCADb. `Dataset105_Dishes`: RGB pictures, PNG, with red colonies that have a dark core
and green discs that are none (nnU-Net raw, region-based). `Task106_Films`: grey pictures, 16-bit TIFF, with a bright bar (Decathlon).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.read import read_image
from MedSegDLLib.io.write import write_image

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
ORGAN_LABELS = {"spleen": (10,), "kidneys": (8, 9), "lungs": (11, 12)}  # of the maps `*_organs.nii.gz`
REAL = {"3dircadb_01": "3dircadb_01_ct.nii.gz", "3dircadb_07": "3dircadb_07_dicom.zip"}
Made = tuple[list[np.ndarray], np.ndarray, tuple[float, float, float]]


def ellipsoid(shape: tuple[int, ...], centre: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """(K, J, I) bool."""
    axes = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    return sum(((axis - c) / r) ** 2 for axis, c, r in zip(axes, centre, radii)) <= 1


def belly(random: np.random.Generator) -> Made:
    """A CT with 1 spleen and 2 kidneys, and a liver that is neither."""
    shape = (20, 26, 32)
    middle = np.array(shape) / 2 + random.uniform(-1, 1, 3)
    hu = np.full(shape, -1000.0)
    hu[ellipsoid(shape, middle, np.array([40, 11.5, 14.5]))] = -90
    hu[ellipsoid(shape, middle, np.array([40, 10.5, 13.5]))] = 40
    labels = np.zeros(shape, np.uint8)

    def organ(offset: tuple[float, float, float], radii: tuple[float, float, float], level: float, label: int) -> None:
        place = ellipsoid(shape, middle + offset + random.uniform(-0.7, 0.7, 3), np.array(radii) * random.uniform(0.9, 1.1, 3))
        hu[place], labels[place] = level, label

    organ((3, -2, -6), (5, 5, 4.5), 110, 0)  # the liver, on the image's left
    organ((3, 1, 8), (5, 4, 3.5), 160, 1)
    organ((-4, 4, 6.5), (4, 2.6, 2.6), 220, 2)
    organ((-4, 4, -6.5), (4, 2.6, 2.6), 220, 2)
    return [hu + random.normal(0, 12, shape)], labels, (9.0, 9.0, 9.0)


def knot(random: np.random.Generator) -> Made:
    """Two MR channels of a ball: 1 the rind of a knot, seen in the second, and 2 its core, seen in the first."""
    shape = (36, 36, 36)
    head = ellipsoid(shape, np.full(3, 17.5), np.full(3, 14.0))
    centre = 17.5 + random.uniform(-5, 5, 3)
    whole, core = (ellipsoid(shape, centre, np.full(3, radius) * random.uniform(0.9, 1.1, 3)) & head for radius in (6.5, 3.5))
    first = head * (300 + random.normal(0, 15, shape)) + 250 * (core & whole)
    second = head * (500 + random.normal(0, 20, shape)) + 300 * whole
    return [first.clip(0), second.clip(0)], (whole + (whole & core)).astype(np.uint8), (4.0, 4.0, 4.0)


def stack(random: np.random.Generator) -> Made:
    """An MR stack of thick slices with 1, a bright rod that goes through them all, and dark ones that are not it."""
    shape = (10, 64, 64)
    body = ellipsoid(shape, np.array([4.5, 32, 32]), np.array([60, 27, 24]))
    values = body * (400 + random.normal(0, 20, shape))
    labels = np.zeros(shape, np.uint8)
    for level, label in ((100, 0), (100, 0), (800, 1)):
        rod = ellipsoid(shape, np.array([4.5, *(32 + random.uniform(-12, 12, 2))]), np.array([60, 5, 7]))
        values[rod], labels[rod] = level + random.normal(0, 20), label
    return [values.clip(0)], labels, (2.0, 2.0, 9.0)


def dish(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A picture in colours: 1 the rim of red colonies, 2 their core; green discs of the same size are none."""
    shape = (72, 88)
    picture = np.full((*shape, 3), (190.0, 185.0, 170.0))
    labels = np.zeros(shape, np.uint8)
    places = np.array([(18, 20), (18, 66), (54, 20), (54, 66)]) + random.uniform(-5, 5, (4, 2))
    for number, centre in enumerate(random.permutation(places)):
        whole, core = (ellipsoid(shape, centre, np.full(2, radius)) for radius in random.uniform(0.9, 1.1) * np.array([11, 5]))
        picture[whole] = (200, 60, 60) if number < 2 else (60, 160, 60)
        picture[core] = (90, 25, 25) if number < 2 else (25, 75, 25)
        labels[whole] += number < 2
        labels[core] += number < 2
    return (picture + random.normal(0, 6, picture.shape)).clip(0, 255).astype(np.uint8), labels


def film(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A grey picture of 16 bits with 1, a bright bar."""
    shape = (60, 50)
    values, labels = 9000 + random.normal(0, 400, shape), np.zeros(shape, np.uint8)
    bar = ellipsoid(shape, np.array([30, 25]) + random.uniform(-8, 8, 2), np.array([16, 6]))
    values[bar], labels[bar] = values[bar] + 9000, 1
    return values.clip(0, 65535).astype(np.uint16), labels


def write_raw(folder: Path, make: Callable[[np.random.Generator], Made], count: int, channels: list[str], labels: dict) -> Path:
    """An nnU-Net raw folder of so many cases."""
    for name, images, drawn, spacing in _drawn(make, count):
        for number, image in enumerate(images):
            _write(image.astype(np.int16), spacing, folder / "imagesTr" / f"{name}_{number:04d}.nii.gz")
        _write(drawn, spacing, folder / "labelsTr" / f"{name}.nii.gz")
    description = {"channel_names": {str(n): name for n, name in enumerate(channels)}, "labels": labels, "file_ending": ".nii.gz"}
    (folder / "dataset.json").write_text(json.dumps({**description, "numTraining": count}), encoding="utf-8")
    return folder


def write_decathlon(folder: Path, make: Callable[[np.random.Generator], Made], count: int, channel: str, labels: dict) -> Path:
    """A folder as those of the Medical Segmentation Decathlon, of one channel."""
    rows = []
    for name, [image], drawn, spacing in _drawn(make, count):
        row = {"image": f"./imagesTr/{name}.nii.gz", "label": f"./labelsTr/{name}.nii.gz"}
        _write(image.astype(np.int16), spacing, folder / row["image"])
        _write(drawn, spacing, folder / row["label"])
        rows.append(row)
    description = {"name": folder.name.partition("_")[2], "modality": {"0": channel}, "labels": labels, "training": rows, "test": []}
    (folder / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    return folder


def _drawn(make: Callable[[np.random.Generator], Made], count: int):
    for number in range(count):
        yield (f"made_{number:03d}", *make(np.random.default_rng(number)))


def _write(array: np.ndarray, spacing: tuple[float, ...] | None, path: Path) -> None:
    """A volume with voxels of that size, or a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image(array[None], np.eye(4)) if spacing is None else Image(array, LPS @ np.diag([*spacing, 1.0]))
    write_image(image, path)


def bellies(out: Path, count: int) -> Path:
    """See above."""
    return write_raw(out / "Dataset101_Bellies", belly, count, ["CT"], {"background": 0, "spleen": 1, "kidneys": 2})


def knots(out: Path, count: int) -> Path:
    """See above."""
    labels = {"background": 0, "whole knot": [1, 2], "knot core": [2]}
    return write_raw(out / "Dataset102_Knots", knot, count, ["T1 Gd", "T2"], labels)


def stacks(out: Path, count: int) -> Path:
    """See above."""
    return write_decathlon(out / "Task103_Stacks", stack, count, "MRI", {"0": "background", "1": "rod"})


def dishes(out: Path, count: int) -> Path:
    """See above."""
    folder, labels = out / "Dataset105_Dishes", {"background": 0, "colony": [1, 2], "colony core": [2]}
    for number in range(count):
        picture, drawn = dish(np.random.default_rng(number))
        _write(picture, None, folder / "imagesTr" / f"made_{number:03d}_0000.png")
        _write(drawn, None, folder / "labelsTr" / f"made_{number:03d}.png")
    description = {"channel_names": {"0": "R", "1": "G", "2": "B"}, "labels": labels, "file_ending": ".png", "numTraining": count}
    (folder / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    return folder


def films(out: Path, count: int) -> Path:
    """See above."""
    folder, rows = out / "Task106_Films", []
    for number in range(count):
        rows.append({"image": f"./imagesTr/made_{number:03d}.tif", "label": f"./labelsTr/made_{number:03d}.png"})
        for array, path in zip(film(np.random.default_rng(number)), rows[-1].values(), strict=True):
            _write(array, None, folder / path)
    description = {"name": "Films", "modality": {"0": "film"}, "labels": {"0": "background", "1": "bar"}, "training": rows, "test": []}
    (folder / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    return folder


def organs(out: Path, data: Path) -> Path:
    """See above; `data` is the folder of real images."""
    folder, names = out / "Dataset104_Organs", list(ORGAN_LABELS)
    for name, ct in REAL.items():
        drawn = read_image(data / "liver" / f"{name}_organs.nii.gz")
        labels = np.zeros(drawn.array.shape, np.uint8)
        for value, organ in enumerate(names, start=1):
            labels[np.isin(drawn.array, ORGAN_LABELS[organ])] = value
        image, drawn = read_image(data / "liver" / ct), drawn.with_array(labels)
        for content, path in ((image, f"imagesTr/{name}_0000.nii.gz"), (drawn, f"labelsTr/{name}.nii.gz")):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            write_image(content, folder / path)
    named = {"background": 0, **{name: value for value, name in enumerate(names, start=1)}}
    described = {"channel_names": {"0": "CT"}, "labels": named, "numTraining": len(REAL), "file_ending": ".nii.gz"}
    (folder / "dataset.json").write_text(json.dumps(described), encoding="utf-8")
    return folder


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--cases", type=int, default=8)
    parser.add_argument("--real", type=Path, help="folder of real images, for the fourth")
    options = parser.parse_args()
    for make in (bellies, knots, stacks, dishes, films):
        print(make(options.out, options.cases))
    if options.real:
        print(organs(options.out, options.real))


if __name__ == "__main__":
    main()
